"""Quotients of sums of exponentials: posteriors, responsibilities, Boltzmann averages, attention.

Numerator and denominator are scaled by the same exponential, so that the largest one below the line is 1. Nothing has
to be known of the weights: they may be 0, negative, or observations that are averaged.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import reduce

from graphc.ir.leaf import uniform_value
from graphc.ir.node import Node, make
from graphc.ir.pattern import PRODUCTS, Part, View, product, views
from graphc.ir.rule import RuleSet
from graphc.ops.barrier import StopGradient, stop_gradient
from graphc.ops.contraction import Matmul
from graphc.ops.conversion import Expand, Reshape, Sum, expand, sum
from graphc.ops.elementwise import Add, Divide, Multiply, Negative, Subtract, exp, maximum
from graphc.ops.logic import Where, equal, isfinite, where
from graphc.ops.reduction import Mean, max, softmax
from graphc.passes.rules.combinations import Exponential, combination

SHARES = RuleSet("shares")
MOST_FACTORS = 4
MOST_NODES = 8  # that are looked at in an exponent


@dataclass(frozen=True, eq=False)
class Below:
    """A denominator: a sum of exponentials over axes (none: of terms), repeated along the axes of `repeated`."""

    terms: list[Exponential]
    axis: tuple[int, ...]
    repeated: Expand | None


@SHARES.rewriter(Divide, Multiply, kind="stabilizing", reference="S3")
def quotient_of_sums(node: Node) -> Node | None:
    """sum(v * exp(x)) / sum(w * exp(y)): both overflow together, to NaN, and underflow together, to 0 / 0."""
    for view in views(node, PRODUCTS, MOST_FACTORS):
        for i, part in enumerate(view.parts):
            below = _denominator(part.value) if part.sign < 0 else None
            if below is None or any(_is_scaled(term.exponent) for term in below.terms):
                continue
            top = _top(below)
            for j, above in enumerate(view.parts):
                if above.sign < 0 or not _overflows_with(above.value, below):
                    continue
                average = _average(above.value, below)
                if average is not None:
                    return _quotient(view, (i, j), [Part(1, average)])
                scaled = _scaled(above.value, top, below)
                if scaled is not None:
                    return _quotient(view, (i, j), [Part(1, scaled), Part(-1, _total(below, top))])
    return None


def _quotient(view: View, places: tuple[int, int], found: list[Part]) -> Node:
    others = [part for k, part in enumerate(view.parts) if k not in places]
    value = product([*found, *others])
    return value if view.sign > 0 else -value


def _average(above: Node, below: Below) -> Node | None:
    """sum(v * exp(x)) over sum(exp(x)), an average whose derivative does not cancel: sum(v * softmax(x))."""
    if not isinstance(above.op, Sum | Mean) or above.op.axis != below.axis or below.repeated is not None:
        return None
    terms, (shares, *others) = combination(above.args[0]), below.terms
    if terms is None or len(terms) > 1 or others or shares.weight is not None or terms[0].weight is None:
        return None
    if terms[0].exponent is not shares.exponent:
        return None
    return make(above.op, terms[0].weight * softmax(shares.exponent, below.axis))


def _denominator(x: Node) -> Below | None:
    repeated = x.op if isinstance(x.op, Expand) else None
    inner = x.args[0] if repeated is not None else x
    if isinstance(inner.op, Sum):
        terms = combination(inner.args[0])
        return Below(terms, inner.op.axis, repeated) if terms is not None else None
    if not isinstance(inner.op, Add | Subtract):
        return None
    terms = combination(inner)
    return Below(terms, (), repeated) if terms is not None else None


def _overflows_with(above: Node, below: Below) -> bool:
    """Whether numerator and denominator overflow together: exp(x) / (2 + exp(x)), which is no quotient of sums."""
    exponents = {term.exponent for term in below.terms if not term.is_constant}
    if below.axis or len(exponents) > 1:
        return True
    terms = combination(above)
    return terms is not None and all(term.is_constant or term.exponent in exponents for term in terms)


def _is_scaled(exponent: Node) -> bool:
    """Whether something that counts as a constant is subtracted from an exponent already."""
    nodes = [exponent]
    for node in nodes:  # grows
        if isinstance(node.op, StopGradient):
            return True
        if len(nodes) < MOST_NODES and (isinstance(node.op, Add | Subtract | Negative | Where) or node.op.moves):
            nodes.extend(node.args)
    return False


def _top(below: Below) -> Node:
    """The largest exponent that has a weight, in each row; 0 where there is none."""
    exponents = [_weighed(term) for term in below.terms]
    largest = reduce(maximum, [max(x, below.axis) if below.axis else x for x in exponents])
    top: Node = stop_gradient(where(isfinite(largest), largest, 0))
    return top


def _weighed(term: Exponential) -> Node:
    if term.weight is None or uniform_value(term.weight) not in (None, 0):
        return term.exponent
    weighed: Node = where(equal(term.weight, 0), -math.inf, term.exponent)
    return weighed


def _total(below: Below, top: Node) -> Node:
    terms = _shrunk(below.terms, expand(top, below.axis, like=below.terms[0].exponent) if below.axis else top)
    total = sum(terms, below.axis) if below.axis else terms
    return make(below.repeated, total) if below.repeated is not None else total


def _shrunk(terms: list[Exponential], top: Node) -> Node:
    """The sum of the terms, less their common exponent."""
    parts = [exp(term.exponent - top) if term.weight is None else _weighted(term, top) for term in terms]
    return reduce(lambda x, y: x + y, parts)


def _weighted(term: Exponential, top: Node) -> Node:
    """A weight of 0 leaves the exponential out, even where that overflows."""
    assert term.weight is not None
    exponent = term.exponent - top
    if uniform_value(term.weight) is None:
        exponent = where(equal(term.weight, 0), 0, exponent)
    return term.weight * exp(exponent)


def _scaled(above: Node, top: Node, below: Below) -> Node | None:
    """A numerator of the same rows, less the common exponent."""
    if isinstance(above.op, Sum | Mean) and above.op.axis == below.axis and below.repeated is None:
        terms = combination(above.args[0])
        if terms is None or above.shape != top.shape:
            return None
        total = _shrunk(terms, expand(top, below.axis, like=above.args[0]))
        return make(above.op, total)
    if isinstance(above.op, Matmul):
        return _scaled_product(above, top, below)
    if isinstance(above.op, Reshape) and isinstance(above.args[0].op, Matmul) and above.shape == top.shape:
        column = _scaled_product(above.args[0], top, below)  # of a matrix and a vector
        return make(above.op, column) if column is not None else None
    terms = combination(above)
    if terms is None:
        return None
    whole = top if below.repeated is None else make(below.repeated, top)
    return _shrunk(terms, whole) if whole.shape == above.shape else None


def _scaled_product(above: Node, top: Node, below: Below) -> Node | None:
    """exp(x) @ values over the sums of the rows of exp(x), as attention is written by hand."""
    x, values = above.args
    terms, rows = combination(x), x.ndim - 1
    along_rows = below.axis == (rows,) and (below.repeated is None or below.repeated.axis == (rows,))
    if terms is None or not along_rows or x.shape[:-1] != top.shape:
        return None
    return make(above.op, _shrunk(terms, expand(top, (rows,), like=x)), values)
