"""Sums of squared distances from the mean, and of products of distances: what variances and covariances are made of.

A mean is rounded, so the distances do not add up to 0, and a square too much is in the sum: it is taken off. Source:
Chan, Golub & LeVeque, Algorithms for computing the sample variance: analysis and recommendations, 1983.
"""

from __future__ import annotations

from typing import Any

from graphc.errors import DTypeError
from graphc.ir.node import Node, make
from graphc.ir.op import Cotangents
from graphc.ir.scalars import Value
from graphc.ops.base import Composite
from graphc.ops.conversion import Axes, cast, expand, reduced, sum
from graphc.ops.elementwise import abs, maximum, minimum, sign, square
from graphc.ops.logic import isinf, where
from graphc.ops.reduction import FloatReduction, count, max, mean
from graphc.types import TensorType


class SquaredDeviations(FloatReduction):
    """The sum over axes of the squared distances from the mean. It neither cancels nor is it ever negative."""

    def decompose(self, x: Node) -> Node:
        centred = _centred(cast(x, x.dtype.compute), self.axis)
        total, rest = sum(square(centred), self.axis), sum(centred, self.axis)
        return cast(maximum(total - square(rest) / count(x, self.axis, rest), 0), x.dtype)

    def exact(self, s: Any, x: Value) -> Value:
        middle = s.sum(x, self.axis, keepdims=True) / s.sum(0 * x + 1, self.axis, keepdims=True)
        return s.sum((x - middle) * (x - middle), self.axis)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (_spread(2 * cast(g, x.dtype.compute), x, self.axis),)


class Covariance(Composite):
    """The mean over axes of the products of the distances of x and y from their means.

    Rows of large numbers are scaled, so that nothing overflows that is not too large in the end. An infinity leaves no
    more of its row than its sign.
    """

    axis: Axes
    arity = 2

    def infer(self, x: TensorType, y: TensorType) -> TensorType:
        if not x.dtype.is_float or x != y:
            raise DTypeError("the operands are not floats of one type", help="cast or expand one of them")
        return reduced(x, self.axis)

    def decompose(self, x: Node, y: Node) -> Node:
        (a, unit), (b, other) = (_scaled(cast(each, x.dtype.compute), self.axis) for each in (x, y))
        size = count(x, self.axis, unit)
        scaled = sum(a * b, self.axis) / size - (sum(a, self.axis) / size) * (sum(b, self.axis) / size)
        return cast(scaled * minimum(unit, other) * maximum(unit, other), x.dtype)

    def exact(self, s: Any, x: Value, y: Value) -> Value:
        size = s.sum(0 * x + 1, self.axis, keepdims=True)
        a, b = (each - s.sum(each, self.axis, keepdims=True) / size for each in (x, y))
        return s.mean(a * b, self.axis)

    def vjp(self, g: Node, z: Node, x: Node, y: Node) -> Cotangents:
        wide = cast(g, x.dtype.compute)
        wide = wide / count(x, self.axis, wide)
        return _spread(wide, y, self.axis), _spread(wide, x, self.axis)


def squared_deviations(x: Node, axis: Axes) -> Node:
    """The sum over axes of the squared distances from the mean; x itself, less itself, without axes."""
    return make(SquaredDeviations(axis), x) if axis else square(x - x)


def _scaled(x: Node, axis: Axes) -> tuple[Any, Any]:
    """The distances from the mean over a unit, and that unit: the largest element, where products may overflow."""
    largest = max(abs(x), axis)
    unit = where(largest > 2.0 ** (int(x.dtype.limits.maxexp) * 3 // 8), largest, 1)
    return _centred(where(isinf(x), sign(x), x / expand(unit, axis, like=x)), axis), unit


def _spread(g: Any, x: Node, axis: Axes) -> Node:
    """A cotangent of rows for each of their elements, times the distance from the mean."""
    centred = _centred(_centred(cast(x, g.dtype), axis), axis)  # the second time takes off what rounding left
    return cast(expand(g, axis, like=x) * centred, x.dtype)


def _centred(x: Node, axis: Axes) -> Any:
    return x - expand(mean(x, axis), axis, like=x)
