"""Sums as numbers times nodes: a node comes in, its terms with their weights go out.

    log(1 / s) + (s**2 + m**2) / 2 - 0.5        -1 log(s), 0.5 s**2, 0.5 m**2, and the constant -0.5

Numbers are distributed over sums, squares are all spelled as one, and the logarithm of a reciprocal is one that is
subtracted. So formulas for the same sum look alike, however they are grouped.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from graphc.ir.leaf import uniform_value
from graphc.ir.node import Node
from graphc.ir.pattern import PRODUCTS, SUMS, see
from graphc.ops.elementwise import Divide, Log, Subtract, log, square
from graphc.ops.trigonometry import OneMinusSquare

MOST_NODES = 24


@dataclass(frozen=True, eq=False)
class WeightedSum:
    """A constant and terms with weights other than 0, and the nodes that were met on the way to them."""

    constant: float
    terms: dict[Node, float]
    nodes: frozenset[Node]


def weighted_sum(parts: Iterable[tuple[float, Node]], constant: float = 0.0) -> WeightedSum | None:
    """Weighted nodes as one sum; None if there is more to look through than a few nodes."""
    terms: dict[Node, float] = {}
    nodes: set[Node] = set()
    stack = list(reversed(list(parts)))
    for _ in range(MOST_NODES):
        if not stack:
            kept = {x: weight for x, weight in terms.items() if weight != 0}
            return WeightedSum(constant, kept, frozenset(nodes))
        weight, x = stack.pop()
        nodes.add(x)
        number = uniform_value(x)
        if number is not None:
            constant += weight * float(number)
        elif isinstance(x.op, OneMinusSquare):
            constant += weight
            stack.append((-weight, square(x.args[0])))
        else:
            inner = _parts(weight, x)
            stack += reversed(inner)
            if not inner:
                terms[x] = terms.get(x, 0.0) + weight
    return None


def _parts(weight: float, x: Node) -> list[tuple[float, Node]]:
    """The terms of a sum or of a number times a node, none if it is a term itself."""
    if isinstance(x.op, Log):
        quotient = see(x.args[0], frozenset({"divide"}))
        inverse = quotient is not None and uniform_value(quotient.args[0]) == 1
        return [(-weight, log(quotient.args[1]))] if quotient is not None and inverse else []
    seen = see(x, SUMS)
    if seen is not None:
        signs = (-1,) if len(seen.args) == 1 else (1, -1 if isinstance(seen.op, Subtract) else 1)
        return [(weight * sign, arg) for sign, arg in zip(signs, seen.args, strict=True)]
    seen = see(x, PRODUCTS)
    return [] if seen is None else _parts_of_product(weight, x, seen)


def _parts_of_product(weight: float, x: Node, product: Node) -> list[tuple[float, Node]]:
    first, second = product.args
    above, number = uniform_value(first), uniform_value(second)
    if isinstance(product.op, Divide):
        return [(weight / float(number), first)] if number else []
    if number is not None or above is not None:
        return [(weight * float(number if above is None else above), first if above is None else second)]
    same = first is second and square(first) is not x
    return [(weight, square(first))] if same else []
