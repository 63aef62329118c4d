"""The sum of squared distances from the mean, of which variances are made.

A mean is rounded, so the distances do not add up to 0, and a square too much is in the sum: it is taken off. Source:
Chan, Golub & LeVeque, Algorithms for computing the sample variance: analysis and recommendations, 1983.
"""

from __future__ import annotations

from typing import Any

from graphc.ir.node import Node, make
from graphc.ir.op import Cotangents
from graphc.ir.scalars import Value
from graphc.ops.conversion import Axes, cast, expand, sum
from graphc.ops.elementwise import maximum, square
from graphc.ops.reduction import FloatReduction, count, mean


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
        wide = cast(x, x.dtype.compute)
        centred = _centred(_centred(wide, self.axis), self.axis)  # the second time takes off what rounding left
        return (cast(2 * cast(expand(g, self.axis, like=x), wide.dtype) * centred, x.dtype),)


def squared_deviations(x: Node, axis: Axes) -> Node:
    """The sum over axes of the squared distances from the mean; x itself, less itself, without axes."""
    return make(SquaredDeviations(axis), x) if axis else square(x - x)


def _centred(x: Node, axis: Axes) -> Any:
    return x - expand(mean(x, axis), axis, like=x)
