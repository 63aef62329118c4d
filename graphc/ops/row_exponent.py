"""The power of two of a row of numbers, by which it is scaled where products of its elements would overflow.

Comes in: rows that are multiplied with one another; goes out: an exponent for the first of them.
"""

from __future__ import annotations

from functools import reduce

from graphc.errors import DTypeError, ShapeError
from graphc.ir.node import Node
from graphc.ops.base import Composite
from graphc.ops.conversion import Axes, cast, reduced
from graphc.ops.elementwise import abs, maximum
from graphc.ops.logic import less, logical_and, where
from graphc.ops.reduction import max
from graphc.ops.representation import exponent
from graphc.types import TensorType


class RowExponent(Composite):
    """The exponent of the largest element of the first row; 0 if those of all rows are less than `limit` away from 0.

    It is not below that of the smallest normal number, and 0 if the element is not finite. It is constant almost
    everywhere, and has no derivative.
    """

    axis: Axes
    limit: int
    vjp, arity = None, None

    def infer(self, x: TensorType, *others: TensorType) -> TensorType:
        if not x.dtype.is_float:
            raise DTypeError(f"not defined for {x.dtype.name}", help="cast to a float first")
        if any(other != x for other in others):
            raise ShapeError("rows of different types", help="expand or cast them")
        return reduced(x, self.axis).with_dtype(x.dtype.compute)

    def decompose(self, *rows: Node) -> Node:
        exponents = [exponent(cast(max(abs(row), self.axis), row.dtype.compute)) for row in rows]
        ordinary = reduce(logical_and, (less(abs(each), self.limit) for each in exponents))
        scale: Node = where(ordinary, 0, maximum(exponents[0], int(rows[0].dtype.limits.minexp)))
        return scale
