"""Ranges of ops along axes: sums, products, extremes, running totals, shares, order, elements put at places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from graphc import dimension
from graphc.dimension import Dim
from graphc.interpret.interval import Interval, as_interval, everything, hull, inf
from graphc.interpret.interval_reader import IntervalElements
from graphc.ir.node import Node
from graphc.ops.contraction import Matmul
from graphc.ops.conversion import Addition
from graphc.ops.convolution import Conv
from graphc.ops.cumulative import (
    CumulativeMax,
    CumulativeMin,
    CumulativeProd,
    CumulativeSum,
    LinearRecurrence,
    LogCumulativeSumExp,
)
from graphc.ops.deviations import SquaredDeviations
from graphc.ops.euclidean_norm import Direction, EuclideanNorm
from graphc.ops.indexing.along import ScatterAdd, ScatterAddAlongAxis
from graphc.ops.indexing.put import Put, PutAdd, PutMax, PutMin, PutMultiply
from graphc.ops.log_domain import LogProd, WeightedSoftmax
from graphc.ops.reduction import (
    Argmax,
    Argmin,
    LogSoftmax,
    Logsumexp,
    Max,
    Mean,
    Min,
    Prod,
    Softmax,
    SoftmaxComplement,
)
from graphc.ops.sorting import Argsort, Searchsorted, Sort

WORDS = IntervalElements()
LARGEST_SIZE = 2.0**62
"""More elements than any memory holds."""
ANY_TIMES = Interval(0.0, inf, may_be_infinite=False)


def of_rows(node: Node, xs: Sequence[Interval]) -> Interval | None:
    """The range of an op along axes, given those of its operands; None if nothing is known."""
    x = xs[0] if xs else everything()
    match node.op:
        case Matmul():
            # Equal operands in one object would count as one value.
            return _sum(x * replace(xs[1]), count(node, (node.args[0].ndim - 1,)))
        case Conv():
            window = node.args[1].shape[2:]
            terms = _count_of(window)
            return _sum(x * replace(xs[1]), Interval(0.0, terms.high, may_be_infinite=False))
        case Addition(axis=axis):
            return _sum(x, count(node, axis))
        case Prod():
            return _product(x)
        case Max(axis=axis):
            return x if count(node, axis).low > 0 else hull([x, as_interval(-inf)])
        case Min(axis=axis):
            return x if count(node, axis).low > 0 else hull([x, as_interval(inf)])
        case Argmax() | Argmin():
            return _position(node.args[0].shape[node.op.axis])
        case CumulativeSum() | CumulativeProd() | CumulativeMax() | CumulativeMin() | LinearRecurrence():
            return _running(node, xs)
        case ScatterAdd() | ScatterAddAlongAxis() | Put() | PutAdd() | PutMultiply() | PutMax() | PutMin():
            return _put(node, xs)
        case Sort():
            return x
        case Argsort(axis=a):
            return _position(node.shape[a])
        case Searchsorted():
            return Interval(0.0, _largest(node.args[0].shape[-1]), may_be_infinite=False)
    return _of_float_rows(node, xs)


def _of_float_rows(node: Node, xs: Sequence[Interval]) -> Interval | None:
    """The range of an op along axes of floating-point numbers."""
    x = xs[0] if xs else everything()
    match node.op:
        case Mean(axis=axis):
            # Infinities of both signs give NaN; so does the mean of nothing.
            nan = x.may_be_nan or _opposite(x) or count(node, axis).low == 0
            return Interval(x.low, x.high, nan, x.may_be_infinite, x.may_be_zero or x.low < 0 < x.high)
        case SquaredDeviations(axis=axis):
            nan = x.may_be_nan or x.may_be_infinite or count(node, axis).low == 0
            return Interval(0.0, inf, nan, may_be_infinite=False)
        case Logsumexp(axis=axis):
            return _log_of_sum(x, count(node, axis))
        case LogCumulativeSumExp(axis=axis):
            return _log_of_sum(x, Interval(1.0, max(1.0, count(node, (axis,)).high), may_be_infinite=False))
        case Softmax():
            return Interval(0.0, 1.0, x.may_be_nan, False, x.may_be_infinite)
        case SoftmaxComplement():
            return Interval(0.0, 1.0, x.may_be_nan, False)
        case LogSoftmax():
            return Interval(-inf, 0.0, x.may_be_nan, x.may_be_infinite)
        case WeightedSoftmax() if xs[1].low >= 0 and xs[2].low >= 0:
            return Interval(0.0, inf, True)
        case LogProd(axis=axis) if x.low >= 0:
            return _sum(WORDS.log(x), count(node, axis))
        case EuclideanNorm(axis=axis):
            size = WORDS.abs(x)
            most = WORDS.sqrt(Interval(0.0, count(node, axis).high, may_be_infinite=False)).high
            some = count(node, axis).low > 0
            high = (size * Interval(1.0, max(most, 1.0), may_be_infinite=False)).high
            zero = size.may_be_zero or not some
            return Interval(size.low if some else 0.0, high, x.may_be_nan, x.may_be_infinite, zero)
        case Direction():
            low, high = (-1.0 if x.low < 0 else 0.0), (1.0 if x.high > 0 else 0.0)
            return Interval(low, high, x.may_be_nan or x.may_be_infinite, False)
    return None


def count(node: Node, axis: Sequence[int]) -> Interval:
    """The number of elements of the first operand along axes."""
    return _count_of([node.args[0].shape[a] for a in axis])


def _largest(size: int | Dim) -> float:
    high = dimension.largest(size)
    return LARGEST_SIZE if high is None else float(high)


def size_range(size: int | Dim) -> Interval:
    """A size as a number."""
    return Interval(float(dimension.least(size)), _largest(size), may_be_infinite=False, whole=True)


def number_range(number: int | Dim) -> Interval:
    """A number that is made of sizes, such as -n: it may be below 0."""
    return Interval(0.0 - _largest(-number), _largest(number), may_be_infinite=False, whole=True)


def _count_of(sizes: Sequence[int | Dim]) -> Interval:
    total = as_interval(1)
    for size in sizes:
        total = total * size_range(size)
    return total


def _position(size: int | Dim) -> Interval:
    """A position along an axis. That of nothing is 0."""
    return Interval(0.0, max(_largest(size) - 1, 0.0), may_be_infinite=False, whole=True)


def _sum(x: Interval, number: Interval) -> Interval:
    """The sum of so many values; none of them sum to 0."""
    total = x * number
    nan = x.may_be_nan or _opposite(x)
    cancels = x.low < 0 < x.high
    return Interval(total.low, total.high, nan, x.may_be_infinite, total.may_be_zero or cancels, x.whole)


def _product(x: Interval) -> Interval:
    """The product of any number of values; none of them multiply to 1."""
    size = max(abs(x.low), abs(x.high))
    if x.low >= 0:
        low, high = (0.0 if x.low < 1 else 1.0), (1.0 if x.high <= 1 else inf)
    else:
        low, high = (-1.0, 1.0) if size <= 1 else (-inf, inf)
    nan = x.may_be_nan or (x.may_be_infinite and x.may_be_zero)
    return Interval(low, high, nan, x.may_be_infinite, x.may_be_zero, x.whole)


def _log_of_sum(x: Interval, number: Interval) -> Interval:
    """log(sum(exp(x))) of so many values; of none it is -inf."""
    found = x + WORDS.log(Interval(1.0, max(number.high, 1.0), may_be_infinite=False))
    return found if number.low > 0 else hull([found, as_interval(-inf)])


def _running(node: Node, xs: Sequence[Interval]) -> Interval:
    x = xs[0]
    match node.op:
        case CumulativeSum(axis=axis):
            return _sum(x, Interval(1.0, max(1.0, count(node, (axis,)).high), may_be_infinite=False))
        case CumulativeProd():
            return hull([x, _product(x)])
        case LinearRecurrence():
            if x.low < 0 or xs[1].low < 0:
                return everything()
            nan = any(each.may_be_nan or each.may_be_infinite for each in xs)
            # Where it overflows, infinity may meet a factor of 0.
            return Interval(xs[1].low, inf, nan or x.may_be_zero)
    return x


def _put(node: Node, xs: Sequence[Interval]) -> Interval:
    """Values that are put at places, or combined with what is there."""
    x = xs[0]
    match node.op:
        case ScatterAdd() | ScatterAddAlongAxis():
            return hull([as_interval(0), _sum(x, ANY_TIMES)])
        case PutAdd():
            return hull([x, x + replace(_sum(xs[1], ANY_TIMES))])
        case PutMultiply():
            return hull([x, x * replace(_product(xs[1]))])
    return hull([x, xs[1]])


def _opposite(x: Interval) -> bool:
    """Whether infinities of both signs may meet."""
    return x.may_be_infinite and x.low == -inf and x.high == inf
