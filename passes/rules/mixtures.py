"""Logarithms of mixtures: sums of exponentials with weights of any sign, their shares, and products of many factors.

Infinities are limits, as for `logsumexp`. A weight of 0 leaves its exponential out even where that overflows, and a
row without any weight has the logarithm -inf and shares of 0. The logarithm of a negative sum is NaN, as before.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import reduce

from graphc.interpret.ranges import is_nonnegative
from graphc.ir.leaf import full, uniform_value
from graphc.ir.node import Node
from graphc.ir.pattern import PRODUCTS, Part, product, views
from graphc.ir.rule import RuleSet, attribute
from graphc.ops.barrier import stop_gradient
from graphc.ops.contraction import Matmul, matrix_transpose
from graphc.ops.conversion import Sum, expand, sum
from graphc.ops.elementwise import Log, exp, log, multiply
from graphc.ops.log_domain import (
    WeightedSoftmax,
    log_prod,
    weighted_log_softmax,
    weighted_logsumexp,
    weighted_softmax,
)
from graphc.ops.logic import equal, isfinite, where
from graphc.ops.movement import stack
from graphc.ops.reduction import logsumexp, max, prod, softmax
from graphc.passes.rules.combinations import combination, signed_sum

MIXTURES = RuleSet("mixtures")


@MIXTURES.rule("exact", "S12")
def exp_or_nothing(condition, x):
    """A mask above an exponential is one in the exponent, where the rules for exponentials see it."""
    return where(condition, exp(x), 0), exp(where(condition, x, -math.inf))


@MIXTURES.rule("exact", "S12")
def nothing_or_exp(condition, x):
    """A mask above an exponential is one in the exponent, where the rules for exponentials see it."""
    return where(condition, 0, exp(x)), exp(where(condition, -math.inf, x))


@MIXTURES.rewriter(Log, kind="stabilizing", reference="S9")
def log_of_weighted_exponentials(node: Node) -> Node | None:
    """log(sum(w * exp(x))) and log(v * exp(x) + w * exp(y)): each of the exponentials may overflow or underflow.

    A factor beside the sum goes into the weights, so that nothing need be known of its sign.
    """
    for view in views(node.args[0], PRODUCTS, 3):
        for i, part in enumerate(view.parts):
            others = [other for j, other in enumerate(view.parts) if j != i]
            numbers = [(other.sign, _log_of_number(other.value)) for other in others]
            logarithms = [(sign, x) for sign, x in numbers if x is not None]
            factors = [other for other, (_, x) in zip(others, numbers, strict=True) if x is None]
            factors += [Part(1, full(-1, node.type))] if view.sign < 0 else []
            if part.sign > 0 or not factors:
                found = _log_of_sum(part.value, product(factors) if factors else None)
                if found is not None:
                    return signed_sum([(part.sign, found), *logarithms])
    return None


def _log_of_number(x: Node) -> Node | None:
    return full(math.log(uniform_value(x)), x.type) if _is_positive_constant(x) else None


def _is_positive_constant(x: Node) -> bool:
    number = uniform_value(x)
    return number is not None and 0 < number < math.inf


def _log_of_sum(x: Node, factor: Node | None) -> Node | None:
    """The logarithm of `factor * x`, if x is a sum of weighted exponentials."""
    axis = x.op.axis if isinstance(x.op, Sum) else ()
    inner = x.args[0] if axis else x
    terms = combination(inner)
    if terms is None or (not axis and len(terms) == 1):
        return None
    if factor is not None:
        whole = expand(factor, axis, like=inner)
        terms = [replace(t, weight=whole if t.weight is None else whole * t.weight) for t in terms]
    exponents, weights = [t.exponent for t in terms], [t.weight for t in terms]
    if len(terms) > 1:
        axis = (0, *(a + 1 for a in axis))
    together = stack(exponents) if len(terms) > 1 else exponents[0]
    if all(weight is None for weight in weights):
        return logsumexp(together, axis)
    known = [full(1, inner.type) if weight is None else weight for weight in weights]
    return weighted_logsumexp(together, stack(known) if len(terms) > 1 else known[0], axis)


@MIXTURES.rule("stabilizing", "S3", factors=True, proof="proved for n=1..4")
def weighted_shares(x, w, axis: attribute):
    """The softmax with weights or a mask; 0 instead of 0 / 0 where there is no weight."""
    shares = w * exp(x) / expand(sum(w * exp(x), axis), axis, like=x)
    return shares, weighted_softmax(x, w, w, axis)


@MIXTURES.rewriter(WeightedSoftmax, kind="stabilizing", reference="S3")
def shares_of_equal_weights(node: Node) -> Node | None:
    """A factor that all have, such as that of a normal density, does not matter."""
    (x, v, w), axis = node.args, node.op.attributes()["axis"]
    return softmax(x, axis) if v is w and _is_positive_constant(w) else None


@MIXTURES.rule("stabilizing", "S5", proof="proved for n=1..4")
def less_weighted_logsumexp(x, w, axis: attribute):
    """Where one exponent dominates, it and the logarithm nearly cancel."""
    return x - expand(weighted_logsumexp(x, w, axis), axis, like=x), weighted_log_softmax(x, 1, w, axis)


@MIXTURES.rule(
    "stabilizing", "S7", when=lambda v, w: is_nonnegative(v) and is_nonnegative(w), proof="proved for n=1..4"
)
def log_of_weighted_softmax(x, v, w, axis: attribute):
    """The share underflows to 0, whose logarithm is -inf."""
    return log(weighted_softmax(x, v, w, axis)), weighted_log_softmax(x, v, w, axis)


@MIXTURES.rewriter(Log, kind="stabilizing", reference="S19")
def log_of_matmul(node: Node) -> Node | None:
    """log(exp(x) @ exp(y)) as logsumexp of x[i,k] + y[k,j] over k, and so with weights.

    A matrix product of exponentials that are scaled by their rows and columns would be cheaper, but is wrong where
    the largest of a row and of a column do not meet.
    """
    if not isinstance(node.args[0].op, Matmul):
        return None
    x, y = node.args[0].args
    axis, shape = (node.ndim,), (*node.shape, x.shape[-1])
    exponents, weights = [], []
    for rows, missing in ((x, node.ndim - 1), (matrix_transpose(y), node.ndim - 2)):
        terms = combination(rows)
        weight, exponent = (terms[0].weight, terms[0].exponent) if terms and len(terms) == 1 else (rows, None)
        exponents += [] if exponent is None else [expand(exponent, (missing,), (shape[missing],))]
        weights += [] if weight is None else [expand(weight, (missing,), (shape[missing],))]
    if not exponents:
        return None
    weight = reduce(multiply, weights) if weights else None
    if len(exponents) == 1:
        return weighted_logsumexp(exponents[0], weight, axis)
    top_x, top_y = _tops(exponents[0], exponents[1], weight, axis)
    left, right = (x - expand(top, axis, like=x) for x, top in zip(exponents, (top_x, top_y), strict=True))
    total = logsumexp(left + right, axis) if weight is None else weighted_logsumexp(left + right, weight, axis)
    return top_x + top_y + total


def _tops(x: Node, y: Node, weight: Node | None, axis: tuple[int, ...]) -> tuple[Node, Node]:
    """The summands of the largest x + y in each row: relative to them, the sums that matter are rounded little."""
    total = x + y if weight is None else where(equal(weight, 0), -math.inf, x + y)
    largest = max(total, axis)
    at_top, finite = equal(total, expand(largest, axis, like=total)), isfinite(largest)
    second = where(finite, max(where(at_top, y, -math.inf), axis), 0)
    return stop_gradient(where(finite, largest, 0) - second), stop_gradient(second)


@MIXTURES.rule("stabilizing", "S14", proof="proved for n=1..4")
def log_of_prod(x, axis: attribute):
    """The product of many factors over- or underflows."""
    return log(prod(x, axis)), log_prod(x, axis)
