"""The range of one op, given those of its operands: what rules of calculation say, and what targets make of it.

`computed` ranges hold what a target computes: rounded to the dtype, with overflow, infinities and NaN. The
others hold the mathematics, for inputs that are real numbers: there `exp(x)` is positive and finite.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from graphc.interpret.interval import Interval, as_interval, everything, hull, inf, meet, reals
from graphc.interpret.interval_reader import within
from graphc.interpret.ranges.functions import of_function
from graphc.interpret.ranges.related import of_related
from graphc.interpret.ranges.rows import WORDS, number_range, of_rows, size_range
from graphc.ir.bounds import Bounds
from graphc.ir.leaf import Constant, Input
from graphc.ir.node import Node
from graphc.ops.base import Elementwise
from graphc.ops.conversion import Expand, Reshape
from graphc.ops.indexing import Gathering
from graphc.ops.movement import Concat, Pad, Slice, Transpose
from graphc.ops.position import Extent, Iota
from graphc.ops.reduction import Max, Min
from graphc.ops.sorting import Sort
from graphc.ops.windows import Merge, Shear, Windows
from graphc.types import DType, TupleType


def range_of_op(node: Node, xs: Sequence[Interval], computed: bool) -> Interval:
    """An interval that holds every element of a node, given those of its operands."""
    if isinstance(node.op, Constant):
        return _of_constant(node.op)
    if isinstance(node.op, Input) and node.op.bounds is not None:
        return _declared(node.op.bounds, node.dtype, computed)
    if isinstance(node.type, TupleType):
        return everything()
    found = _exact_range(node, xs)
    if found is None:
        found = reals() if node.dtype.is_float and not computed else everything()
    found = within(found, node.dtype)
    found = _rounded(found, node.dtype) if computed and node.dtype.is_float and not _moves(node) else found
    related = of_related(node, xs[0], computed) if xs else None
    return found if related is None else meet(found, related)


def _exact_range(node: Node, xs: Sequence[Interval]) -> Interval | None:
    """The range before rounding, given those of the operands; None if nothing is known."""
    match node.op:
        case Elementwise() as op:
            found = op.exact(WORDS, *xs)
            assert isinstance(found, Interval)
            more = of_function(op, xs)
            return found if more is None else meet(found, more)
        case Expand() | Reshape() | Transpose() | Slice() | Windows() | Shear() | Merge() | Gathering():
            return xs[0]
        case Concat():
            return hull(xs)
        case Pad(value=value):
            return hull([xs[0], as_interval(value)])
        case Iota(size=size):
            return Interval(0.0, size_range(size).high - 1, whole=True)
        case Extent(size=number):
            return number_range(number)
        case _:
            return of_rows(node, xs)


def _rounded(x: Interval, dtype: DType) -> Interval:
    """What becomes of exact values when a target computes them, off by a few units in the last place.

    Small whole bounds stay: no function leaves an interval such as [0, 1] through rounding.
    """
    limits = dtype.limits
    largest, smallest = float(limits.max), float(limits.smallest_normal)
    slack = 16 * float(limits.eps)

    def moved(bound: float, direction: float) -> float:
        if math.isinf(bound) or (abs(bound) <= 256 and bound.is_integer()):
            return bound
        away = bound + direction * (abs(bound) * slack + smallest)
        return math.copysign(inf, away) if abs(away) > largest else away

    low, high = moved(x.low, -1.0), moved(x.high, 1.0)
    # Overflow reaches infinity, underflow zero.
    zero = x.may_be_zero or (not x.whole and low <= smallest and high >= -smallest)
    low, high = (0.0 if 0 < low <= smallest else low), (0.0 if -smallest <= high < 0 else high)
    return Interval(low, high, x.may_be_nan, True, zero, x.whole)


def _moves(node: Node) -> bool:
    """Whether an op only moves elements, and hence rounds nothing."""
    return isinstance(
        node.op,
        Expand | Reshape | Transpose | Slice | Windows | Shear | Merge | Gathering | Concat | Pad | Max | Min | Sort,
    )


def _declared(bounds: Bounds, dtype: DType, computed: bool) -> Interval:
    """What an input may be that is promised to lie within bounds."""
    low, high = as_interval(bounds[0]).low, as_interval(bounds[1]).high
    if dtype.is_float:
        return Interval(low, high, False, computed)
    limits = within(everything(), dtype)
    return Interval(max(low, limits.low), min(high, limits.high), False, False)


def _of_constant(op: Constant) -> Interval:
    value = op.value
    if not value.size:
        return everything()
    if op.type.dtype.is_integer or op.type.dtype.kind == "b":
        found = hull([as_interval(int(value.min())), as_interval(int(value.max()))])
        return Interval(found.low, found.high, False, False, not value.all())
    wide = value.astype(np.float64)
    if np.isnan(wide).any():
        return everything()
    whole = bool((wide == np.floor(wide)).all())
    return Interval(float(wide.min()), float(wide.max()), False, True, not wide.all(), whole)
