"""The Euclidean norm over axes without overflow or underflow on the way, and the direction of a vector.

Rows are scaled by their largest element only where its square leaves the middle of the range of the dtype, so that
elsewhere no rounding is added. Source: Blue, A portable Fortran program to find the Euclidean norm, 1978.
"""

from __future__ import annotations

from typing import Any

from graphc.ir.leaf import full
from graphc.ir.node import Node, make
from graphc.ir.op import Cotangents
from graphc.ir.scalars import Value
from graphc.ir.term import Application, Term
from graphc.ops.conversion import cast, expand, sum
from graphc.ops.elementwise import abs, sqrt, square
from graphc.ops.logic import equal, isfinite, less, logical_and, where
from graphc.ops.reduction import FloatReduction, RowWise, max


class EuclideanNorm(FloatReduction):
    """sqrt(sum(x*x)) over axes. Its derivative at the zero vector is 0."""

    def decompose(self, x: Node) -> Node:
        row = _ScaledRow(x, self.axis)
        return cast(row.unit * row.root, x.dtype)

    def exact(self, s: Any, x: Value) -> Value:
        return s.sqrt(s.sum(x * x, self.axis))

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (expand(g, self.axis, like=x) * make(Direction(self.axis), x),)


class Direction(RowWise):
    """x / sqrt(sum(x*x)) over axes; 0 for the zero vector."""

    def decompose(self, x: Node) -> Node:
        row = _ScaledRow(x, self.axis)
        length = where(equal(row.root, 0), 1, row.root)
        return cast(row.quotient / expand(length, self.axis, like=x), x.dtype)

    def exact(self, s: Any, x: Value) -> Value:
        length = s.sqrt(s.sum(x * x, self.axis, keepdims=True))
        return s.where(s.equal(length, 0), 0 * x, x / s.where(s.equal(length, 0), 1, length))

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        dtype, (g, y, x) = x.dtype, (cast(each, x.dtype.compute) for each in (g, y, x))
        length = euclidean_norm(x, self.axis)
        length = expand(where(equal(length, 0), 1, length), self.axis, like=x)
        along = expand(sum(g * y, self.axis), self.axis, like=x)
        return (cast(where(equal(length, 0), 0, (g - y * along) / length), dtype),)


class _ScaledRow:
    """The elements over a unit, and the root of the sum of their squares."""

    def __init__(self, x: Node, axis: Any) -> None:
        wide = cast(x, x.dtype.compute)
        largest = max(abs(wide), axis)
        exponent = int(wide.dtype.limits.maxexp) * 3 // 8
        ordinary = logical_and(less(2.0**-exponent, largest), less(largest, 2.0**exponent))
        scaled = logical_and(isfinite(largest), logical_and(less(0, largest), equal(ordinary, False)))
        self.unit = where(scaled, largest, full(1, largest.type))
        self.quotient = wide / expand(self.unit, axis, like=wide)
        self.root = sqrt(sum(square(self.quotient), axis))


def euclidean_norm(x: Any, axis: Any) -> Any:
    """The norm of the rows of x along axes, for graphs and for terms."""
    if isinstance(x, Term):
        return Application(EuclideanNorm, (x,), {"axis": axis})
    return make(EuclideanNorm(axis), x)
