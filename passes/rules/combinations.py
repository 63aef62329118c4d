"""Sums of weighted exponentials, read from their form: which exponents, and with which weights.

Comes in: a node; goes out: what it is a sum of, or None. Softmax, sigmoid, its derivative and products of
what is not negative count as exponentials of their logarithms, since they underflow and overflow as these do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from graphc.interpret.ranges import is_nonnegative
from graphc.ir.leaf import full, uniform_value
from graphc.ir.node import Node, make
from graphc.ir.op import Op
from graphc.ir.pattern import MOST_MOVES, PRODUCTS, SUMS, Part, product, see, views
from graphc.ops.conversion import Cast, Expand, Reshape
from graphc.ops.elementwise import LogisticPdf, Sigmoid, log
from graphc.ops.logic import Where, where
from graphc.ops.reduction import Prod, Softmax

MOST_TERMS = 8
MOST_FACTORS = 4
PROBABILITIES = (LogisticPdf, Sigmoid, Softmax)


@dataclass(frozen=True, eq=False)
class Exponential:
    """weight * exp(exponent); no weight means 1. A constant has the exponent 0."""

    weight: Node | None
    exponent: Node
    may_overflow: bool

    @property
    def is_constant(self) -> bool:
        return uniform_value(self.exponent) is not None


def combination(x: Node) -> list[Exponential] | None:
    """The terms of a sum of weighted exponentials and constants; at least one is an exponential.

    None for `softmax(x) + 1e-9` too, where nothing overflows and the constant keeps the sum from underflow.
    """
    best = None
    for view in views(x, SUMS, MOST_TERMS):
        terms = [_term(part) for part in view.parts]
        known = [term for term in terms if term is not None]
        harmless = any(term.is_constant for term in known) and not any(term.may_overflow for term in known)
        if len(known) == len(terms) and not harmless:
            best = known
    return best


def _term(part: Part) -> Exponential | None:
    number, minus_one = uniform_value(part.value), full(-1, part.value.type)
    if number is not None:
        finite = part.value.dtype.is_float and math.isfinite(number)
        constant = Exponential(full(part.sign * number, part.value.type), full(0, part.value.type), False)
        return constant if finite else None
    best, most = None, 0
    for view in views(part.value, PRODUCTS, MOST_FACTORS):
        exponents = [(factor.sign, exponent_of(factor.value)) for factor in view.parts]
        known = [(sign, x) for sign, x in exponents if x is not None]
        if len(known) > most:
            weights = [factor for factor, (_, x) in zip(view.parts, exponents, strict=True) if x is None]
            weights += [Part(1, minus_one)] if part.sign * view.sign < 0 else []
            overflow = any(is_exp(factor.value) for factor in view.parts)
            best = Exponential(product(weights) if weights else None, signed_sum(known), overflow)
            most = len(known)
    return best


def exponent_of(x: Node) -> Node | None:
    """The logarithm of what is an exponential by its form."""
    seen = see(x, frozenset({"exp"}))
    if seen is not None:
        return seen.args[0]
    inner = beyond_moves(x)
    if isinstance(inner.op, PROBABILITIES) or (isinstance(inner.op, Prod) and is_nonnegative(inner.args[0])):
        return log(x)
    return _masked(x) if isinstance(x.op, Where) else None


def _masked(x: Node) -> Node | None:
    """The logarithm of probabilities of which a mask leaves some."""
    condition, *branches = x.args
    for i in (0, 1):
        nothing, chosen = uniform_value(branches[1 - i]), branches[i]
        if nothing == 0 and isinstance(beyond_moves(chosen).op, PROBABILITIES):
            logarithms = (log(chosen), full(-math.inf, x.type))
            return where(condition, *logarithms[:: -1 if i else 1])
    return None


def is_exp(x: Node) -> bool:
    """Whether a node is an exponential, be it under moves."""
    return see(x, frozenset({"exp"})) is not None


def signed_sum(terms: list[tuple[int, Node]]) -> Node:
    """The sum of signed terms, positive ones first."""
    (sign, total), *others = sorted(terms, key=lambda term: -term[0])
    total = total if sign > 0 else -total
    for sign, term in others:
        total = total + term if sign > 0 else total - term
    return total


def without_moves(node: Node, casts: bool = False) -> tuple[Node, list[Node]]:
    """What is below ops that move elements (and below casts between floats), and these, the uppermost first."""
    moves: list[Node] = []
    while len(moves) < MOST_MOVES and (node.op.moves or (casts and _is_float_cast(node))):
        moves.append(node)
        node = node.args[0]
    return node, moves


def moved_by(moves: list[Node], x: Node) -> Node:
    """The same moves, of another node."""
    for move in reversed(moves):
        x = make(move.op, x, *move.args[1:])
    return x


def _is_float_cast(node: Node) -> bool:
    return isinstance(node.op, Cast) and node.dtype.is_float and node.args[0].dtype.is_float


def keeps_order(op: Op) -> bool:
    """Whether an op changes axes, but neither the number nor the order of the elements."""
    return isinstance(op, Reshape) or (isinstance(op, Expand) and all(size == 1 for size in op.size))


def beyond_moves(node: Node) -> Node:
    """The operand of all moves above it."""
    while node.op.moves:
        node = node.args[0]
    return node
