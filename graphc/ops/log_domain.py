"""Sums of weighted exponentials and products of many factors, calculated by way of logarithms.

Comes in: exponents, and weights of any sign; goes out: the logarithm of the sum, or shares of it, though neither the
exponentials nor the products have to be numbers of the dtype. A weight of 0 leaves its exponent out, whatever it is.
"""

from __future__ import annotations

import math
from typing import Any

from graphc.errors import DTypeError, ShapeError
from graphc.ir.leaf import full
from graphc.ir.node import Node, make
from graphc.ir.op import Cotangents
from graphc.ir.scalars import Value
from graphc.ir.term import Application, Term
from graphc.ops.base import Composite
from graphc.ops.conversion import Axes, Expand, cast, expand, reduced, sum
from graphc.ops.elementwise import abs, exp, expm1, log, log1p, maximum, minimum, sign
from graphc.ops.logic import equal, isfinite, isnan, logical_and, logical_not, logical_or, where
from graphc.ops.reduction import FloatReduction, beyond_average, max, prod
from graphc.types import TensorType

inf = float("inf")


class Weighted(Composite, abstract=True):
    """A composite op of exponents and weights of one type, over axes."""

    axis: Axes

    def infer(self, x: TensorType, *weights: TensorType) -> TensorType:
        if not x.dtype.is_float:
            raise DTypeError(f"not defined for {x.dtype.name}", help="cast to a float first")
        if any(w != x for w in weights):
            raise ShapeError("exponents and weights differ in type", help="expand or cast the weights")
        return self.shaped(x, reduced(x, self.axis))

    def shaped(self, whole: TensorType, rows: TensorType) -> TensorType:
        """The type of the result: that of the operands, or without the axes."""
        return whole


class WeightedLogsumexp(Weighted):
    """log(sum(w * exp(x))) over axes without overflow: NaN where the sum is negative, -inf where it is 0."""

    arity = 2

    def shaped(self, whole: TensorType, rows: TensorType) -> TensorType:
        return rows

    def decompose(self, x: Node, w: Node) -> Node:
        row = _WeightedRow(x, w, self.axis)
        return cast(row.top + row.log_total, x.dtype)

    def exact(self, s: Any, x: Value, w: Value) -> Value:
        return s.log(s.sum(w * s.exp(x), self.axis))

    def vjp(self, g: Node, y: Node, x: Node, w: Node) -> Cotangents:
        g = expand(g, self.axis, like=x)
        return g * weighted_softmax(x, w, w, self.axis), g * weighted_softmax(x, 1, w, self.axis)


class WeightedSoftmax(Weighted):
    """v * exp(x) / sum(w * exp(x)) over axes without overflow; 0 where neither a weight nor an exponent has mass."""

    arity = 3

    def decompose(self, x: Node, v: Node, w: Node) -> Node:
        row = _WeightedRow(x, w, self.axis)
        nothing = logical_and(equal(row.top, -inf), logical_not(isnan(row.total)))
        total = row.along(where(nothing, 1, row.total))
        return cast(_times_exp(cast(v, total.dtype), row.below(_weighing(x, v)), total), x.dtype)

    def exact(self, s: Any, x: Value, v: Value, w: Value) -> Value:
        e = s.exp(x)
        return v * e / s.sum(w * e, self.axis, keepdims=True)

    def vjp(self, g: Node, y: Node, x: Node, v: Node, w: Node) -> Cotangents:
        p = weighted_softmax(x, w, w, self.axis)
        q = weighted_softmax(x, 1, w, self.axis)
        inner = expand(sum(g * y, self.axis), self.axis, like=x)
        dx = p * beyond_average(g, p, self.axis) if p is y else g * y - p * inner
        return dx, g * q, -(q * inner)


class WeightedLogSoftmax(Weighted):
    """log(v) + x - log(sum(w * exp(x))) over axes, the logarithm of shares that may underflow.

    The three may cancel. Unless they are small it is better to take the logarithm of the share, if that is a number.
    """

    arity = 3

    def decompose(self, x: Node, v: Node, w: Node) -> Node:
        row = _WeightedRow(x, w, self.axis)
        above, below, total = log(cast(v, row.top.dtype)), row.below(_weighing(x, v)), row.along(row.log_total)
        x_wide, v_wide, w_wide = (cast(part, total.dtype) for part in (x, v, w))
        share = weighted_softmax(x_wide, v_wide, w_wide, self.axis)
        small = abs(above) + abs(below) + abs(total) < 2
        number = logical_and(share >= _smallest(total), isfinite(share))
        apart = above + below - total
        return cast(where(logical_and(number, logical_not(small)), log(share), apart), x.dtype)

    def exact(self, s: Any, x: Value, v: Value, w: Value) -> Value:
        return s.log(v) + x - s.log(s.sum(w * s.exp(x), self.axis, keepdims=True))

    def vjp(self, g: Node, y: Node, x: Node, v: Node, w: Node) -> Cotangents:
        total = expand(sum(g, self.axis), self.axis, like=x)
        p, q = weighted_softmax(x, w, w, self.axis), weighted_softmax(x, 1, w, self.axis)
        return g - total * p, g / v, -(total * q)


class LogProd(FloatReduction):
    """log(prod(x)) over axes, though the product may over- or underflow; NaN where it is negative, -inf where 0.

    The product of what is below 1 and of what is above bound every partial product. Where both are numbers, and
    not close to each other, their product has lost less than a sum of logarithms, which may cancel.
    """

    def decompose(self, x: Node) -> Node:
        value = cast(x, x.dtype.compute)
        size = abs(value)
        below, above = prod(minimum(size, 1), self.axis), prod(maximum(size, 1), self.axis)
        safe = logical_and(below >= _smallest(value), isfinite(above))
        total = where(logical_and(safe, above > 2 * below), log(below * above), sum(log(size), self.axis))
        return cast(where(prod(sign(value), self.axis) >= 0, total, math.nan), x.dtype)

    def exact(self, s: Any, x: Value) -> Value:
        return s.log(s.prod(x, self.axis))

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (expand(g, self.axis, like=x) / x,)


def weighted_logsumexp(x: Any, w: Any, axis: Any) -> Any:
    """log(sum(w * exp(x))) over axes, for operands of one type."""
    return _weighted(WeightedLogsumexp, axis, x, w)


def weighted_softmax(x: Any, v: Any, w: Any, axis: Any) -> Any:
    """v * exp(x) / sum(w * exp(x)) over axes, for operands of one type; v may be a number."""
    return _weighted(WeightedSoftmax, axis, x, v, w)


def weighted_log_softmax(x: Any, v: Any, w: Any, axis: Any) -> Any:
    """log(v) + x - log(sum(w * exp(x))) over axes, for operands of one type; v may be a number."""
    return _weighted(WeightedLogSoftmax, axis, x, v, w)


def log_prod(x: Any, axis: Any) -> Any:
    """log(prod(x)) over axes."""
    if isinstance(x, Term):
        return Application(LogProd, (x,), {"axis": axis})
    return make(LogProd(axis), x)


def _weighted(op: type[Weighted], axis: Any, *operands: Any) -> Any:
    if isinstance(operands[0], Term):
        return Application(op, operands, {"axis": axis})
    return make(op(axis), *(x if isinstance(x, Node) else full(x, operands[0].type) for x in operands))


class _WeightedRow:
    """What the ops on weighted rows share: the exponent of a largest term, and the sum relative to it.

    Close to this top exp(d) is taken as 1 + expm1(d), and the ones are added up apart, so that nothing is lost where
    the total is close to 1.
    """

    def __init__(self, x: Node, w: Node, axis: Axes) -> None:
        self.axis, self.like = axis, x
        x = _weighing(x, w)
        size = x + cast(_log_size(w), x.dtype)
        self.top = max(where(size < self.along(max(size, axis)) - 1, -inf, x), axis)
        weight, below = cast(w, x.dtype), self.below(x)
        near, finite = abs(below) < 1, isfinite(weight)
        whole = sum(where(near, weight, 0), axis)
        rest = where(near, weight * expm1(below), _times_exp(weight, below))
        rest = sum(where(finite, rest, where(near, 0, where(isnan(below), below, weight))), axis)
        self.total = whole + rest
        self.log_total = where(abs(self.total - 1) < 0.5, log1p((whole - 1) + rest), log(self.total))

    def below(self, x: Node) -> Any:
        """The distances of exponents from the top: -inf for those without a weight."""
        top = self.along(self.top)
        return where(equal(x, -inf), -inf, where(equal(x, top), 0, x - top))

    def along(self, y: Node) -> Any:
        """A value of the row for each of its elements."""
        return expand(y, self.axis, like=self.like)


def _weighing(x: Node, w: Node) -> Any:
    """The exponents, -inf where the weight is 0; NaN stays."""
    x = cast(x, x.dtype.compute)
    return where(equal(w, 0), minimum(x, -inf), x)


def _log_size(w: Node) -> Any:
    """The logarithm of |w|; of what is repeated only once."""
    return make(w.op, _log_size(w.args[0])) if isinstance(w.op, Expand) else log(abs(w))


def _times_exp(w: Node, x: Node, total: Any = 1) -> Any:
    """w / total * exp(x), in an order, or in two steps, in which nothing over- or underflows on the way."""
    extreme, grows = abs(x) > -0.9 * math.log(_smallest(x)), x > 0
    e = exp(where(extreme, x / 2, x))
    first = where(logical_or(extreme, grows), w * e, w) / total
    return where(logical_and(grows, logical_not(extreme)), first, first * e)


def _smallest(x: Node) -> float:
    """The smallest number of the dtype with all its digits."""
    return float(x.dtype.limits.smallest_normal)
