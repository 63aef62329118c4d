"""The range of one op, given those of its operands: what rules of calculation say, and what targets make of it.

`computed` ranges hold what a target computes: rounded to the dtype, with overflow, infinities and NaN. The
others hold the mathematics, for inputs that are real numbers: there `exp(x)` is positive and finite.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import ml_dtypes
import numpy as np

from graphc import dimension
from graphc.dimension import Dim
from graphc.interpret.interval import Interval, as_interval, everything, hull, inf, reals
from graphc.interpret.interval_reader import IntervalElements, within
from graphc.ir.bounds import Bounds
from graphc.ir.leaf import Constant, Input
from graphc.ir.node import Node
from graphc.ops.base import Elementwise
from graphc.ops.contraction import Matmul
from graphc.ops.conversion import Addition, Expand, Reshape
from graphc.ops.deviations import SquaredDeviations
from graphc.ops.indexing import Gathering, ScatterAdd, ScatterAddAlongAxis
from graphc.ops.movement import Concat, Pad, Slice, Transpose
from graphc.ops.position import Extent, Iota
from graphc.ops.reduction import Argmax, Argmin, LogSoftmax, Logsumexp, Max, Mean, Min, Prod, Softmax
from graphc.ops.windows import Merge, Shear, Windows
from graphc.types import DType, TupleType

WORDS = IntervalElements()
LARGEST_SIZE = 2.0**62
"""More elements than any memory holds."""


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
    return _rounded(found, node.dtype) if computed and node.dtype.is_float and not _moves(node) else found


def _exact_range(node: Node, xs: Sequence[Interval]) -> Interval | None:
    """The range before rounding, given those of the operands; None if nothing is known."""
    match node.op:
        case Elementwise() as op:
            found = op.exact(WORDS, *xs)
            assert isinstance(found, Interval)
            return found
        case Expand() | Reshape() | Transpose() | Slice() | Windows() | Shear() | Merge() | Gathering():
            return xs[0]
        case Concat():
            return hull(xs)
        case Pad(value=value):
            return hull([xs[0], as_interval(value)])
        case Iota(size=size):
            return Interval(0.0, _largest(size) - 1)
        case Extent(size=size):
            return Interval(_least(size), _largest(size), may_be_infinite=False)
        case Argmax() | Argmin():
            return Interval(0.0, _largest(node.args[0].shape[node.op.axis]) - 1)
        case ScatterAdd() | ScatterAddAlongAxis():
            return hull([as_interval(0), xs[0] * Interval(0.0, inf, may_be_infinite=False)])
        case _:
            return _of_rows(node, xs)


def _of_rows(node: Node, xs: Sequence[Interval]) -> Interval | None:
    """The range of an op along axes of `count` elements."""
    x = xs[0] if xs else everything()
    match node.op:
        case Matmul():
            return _times(x * xs[1], _count(node, (node.args[0].ndim - 1,)))
        case Addition(axis=axis):
            return _times(x, _count(node, axis))
        case Prod(axis=axis):
            return _product(x, _count(node, axis))
        case Max(axis=axis):
            return x if _count(node, axis).low > 0 else hull([x, as_interval(-inf)])
        case Min(axis=axis):
            return x if _count(node, axis).low > 0 else hull([x, as_interval(inf)])
        case Mean(axis=axis):
            # Infinities of both signs give NaN; so does the mean of nothing.
            nan = x.may_be_nan or _opposite(x) or _count(node, axis).low == 0
            return Interval(x.low, x.high, nan, x.may_be_infinite, x.may_be_zero or x.low < 0 < x.high)
        case SquaredDeviations(axis=axis):
            nan = x.may_be_nan or x.may_be_infinite or _count(node, axis).low == 0
            return Interval(0.0, inf, nan, may_be_infinite=False)
        case Logsumexp(axis=axis):
            count = _count(node, axis)
            found = x + WORDS.log(Interval(1.0, max(count.high, 1.0), may_be_infinite=False))
            return found if count.low > 0 else hull([found, as_interval(-inf)])
        case Softmax():
            return Interval(0.0, 1.0, x.may_be_nan, False, x.may_be_infinite)
        case LogSoftmax():
            return Interval(-inf, 0.0, x.may_be_nan, x.may_be_infinite)
        case _:
            return None


def _times(x: Interval, count: Interval) -> Interval:
    """The sum of `count` values; none of them sum to 0."""
    total = x * count
    nan = x.may_be_nan or _opposite(x)
    cancels = x.low < 0 < x.high
    return Interval(total.low, total.high, nan, x.may_be_infinite, total.may_be_zero or cancels)


def _product(x: Interval, count: Interval) -> Interval:
    """The product of `count` values; none of them multiply to 1."""
    size = max(abs(x.low), abs(x.high))
    if x.low >= 0:
        low, high = (0.0 if x.low < 1 else 1.0), (1.0 if x.high <= 1 else inf)
    else:
        low, high = (-1.0, 1.0) if size <= 1 else (-inf, inf)
    nan = x.may_be_nan or (x.may_be_infinite and x.may_be_zero)
    return Interval(low, high, nan, x.may_be_infinite, x.may_be_zero)


def _rounded(x: Interval, dtype: DType) -> Interval:
    """What becomes of exact values when a target computes them, off by a few units in the last place.

    Small whole bounds stay: no function leaves an interval such as [0, 1] through rounding.
    """
    limits = ml_dtypes.finfo(dtype.numpy)  # type: ignore[no-untyped-call]
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
        Expand | Reshape | Transpose | Slice | Windows | Shear | Merge | Gathering | Concat | Pad | Max | Min,
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
    return Interval(float(wide.min()), float(wide.max()), False, True, not wide.all())


def _opposite(x: Interval) -> bool:
    """Whether infinities of both signs may meet."""
    return x.may_be_infinite and x.low == -inf and x.high == inf


def _count(node: Node, axis: Sequence[int]) -> Interval:
    """The number of elements that a reduction takes."""
    counts = [as_interval(1)]
    for a in axis:
        size = node.args[0].shape[a]
        counts.append(Interval(_least(size), _largest(size), may_be_infinite=False))
    total = counts[0]
    for count in counts[1:]:
        total = total * count
    return total


def _least(size: int | Dim) -> float:
    return float(dimension.least(size))


def _largest(size: int | Dim) -> float:
    high = dimension.largest(size)
    return LARGEST_SIZE if high is None else float(high)
