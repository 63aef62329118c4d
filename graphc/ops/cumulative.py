"""Running totals along an axis: sums, products, extremes, and linear recurrences, which are their derivatives.

The order is fixed, first to last (last to first with `reverse`). 16-bit floats are kept in float32 on the way.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from graphc.errors import AxisError, DTypeError, ShapeError
from graphc.ir.node import Node, make, public
from graphc.ir.op import Cotangents, Op
from graphc.ir.scalars import Scalars, Value
from graphc.ops.barrier import stop_gradient
from graphc.ops.base import Composite, Elementwise
from graphc.ops.conversion import as_node, broadcast_to, cast, check_axis, common_dtype, expand, one_axis
from graphc.ops.elementwise import Add, Maximum, Minimum, Multiply, exp, log1p
from graphc.ops.indexing.along import ScatterAddAlongAxis
from graphc.ops.logic import equal, isinf, logical_or, not_equal, where
from graphc.ops.movement import broadcast_arrays, clamp_range, concat, pad, slice_axis
from graphc.ops.position import iota
from graphc.types import TensorType, bool_, int64, uint64

inf = float("inf")


class Cumulative(Op, abstract=True):
    """An op that takes in the elements along an axis one by one: the first result is the first element itself.

    A step applies the ops `steps` to the last result with the element of each operand.
    """

    axis: int
    reverse: bool
    steps: ClassVar[tuple[Elementwise, ...]]

    def infer(self, *xs: TensorType) -> TensorType:
        check_axis(self.axis, xs[0])
        if any(x != xs[0] for x in xs):
            raise ShapeError("the operands differ in type", help="broadcast or cast one")
        if xs[0].dtype is bool_:
            raise DTypeError("not defined for bool", help="cast to an integer")
        return xs[0]

    def evaluate(self, s: Scalars, *xs: Value) -> Value:
        rows = [np.moveaxis(np.flip(x, self.axis) if self.reverse else x, self.axis, 0) for x in xs]
        out = np.array(rows[-1])
        for i in range(1, len(out)):
            total = out[i - 1, ...]
            for step, row in zip(self.steps, rows, strict=True):
                total = step.evaluate(s, total, row[i, ...])
            out[i, ...] = total
        out = np.moveaxis(out, 0, self.axis)
        return np.flip(out, self.axis) if self.reverse else out


class CumulativeSum(Cumulative):
    """The sum of all elements up to each one; integers wrap, floats are added up as if in twice the precision."""

    arity = 1
    steps = (Add(),)

    def evaluate(self, s: Any, x: Value) -> Value:
        if not self.reverse:
            return s.running_sum(x, self.axis)
        return np.flip(s.running_sum(np.flip(x, self.axis), self.axis), self.axis)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (make(CumulativeSum(self.axis, not self.reverse), g),)

    def jvp(self, y: Node, xs: tuple[Node], dxs: tuple[Node]) -> Node:
        return make(self, *dxs)


class CumulativeProd(Cumulative):
    """The product of all elements up to each one; integers wrap. All derivatives are right also where some are 0."""

    arity = 1
    steps = (Multiply(),)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        before = shifted(y, self.axis, self.reverse, 1)
        behind = shifted(x, self.axis, not self.reverse, 0)
        return (before * make(LinearRecurrence(self.axis, not self.reverse), behind, g),)


class CumulativeMax(Cumulative):
    """The largest of all elements up to each one; NaN from the first NaN on. Of equal ones the first is meant."""

    arity = 1
    steps = (Maximum(),)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (_to_where_attained(self, g, y),)


class CumulativeMin(Cumulative):
    """The smallest of all elements up to each one; NaN from the first NaN on. Of equal ones the first is meant."""

    arity = 1
    steps = (Minimum(),)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (_to_where_attained(self, g, y),)


class LinearRecurrence(Cumulative):
    """`y[i] = a[i] * y[i-1] + b[i]`, from `y[0] = b[0]` on: the first `a` is not used."""

    arity = 2
    steps = (Multiply(), Add())

    def vjp(self, g: Node, y: Node, a: Node, b: Node) -> Cotangents:
        back = LinearRecurrence(self.axis, not self.reverse)
        db = make(back, shifted(a, self.axis, back.reverse, 0), g)
        return db * shifted(y, self.axis, self.reverse, 0), db


class LogCumulativeSumExp(Composite):
    """log of the cumulative sum of exp(x) without overflow: -inf as long as all are -inf, inf from the first inf on."""

    axis: int
    reverse: bool
    arity = 1

    def infer(self, x: TensorType) -> TensorType:
        check_axis(self.axis, x)
        if not x.dtype.is_float:
            raise DTypeError(f"not defined for {x.dtype.name}", help="cast to a float first")
        return x

    def decompose(self, x: Node) -> Node:
        """The largest so far, and the sum of all others relative to it, which a new largest one rescales.

        The largest one's own 1 is left out of the sum, so that log1p keeps the last digits.
        """
        z = cast(x, x.dtype.compute)
        top = make(CumulativeMax(self.axis, self.reverse), z)
        last = shifted(top, self.axis, self.reverse, -inf)
        grown = not_equal(top, last)
        scale = where(grown, exp(last - top), 1)
        others = where(grown, scale, where(equal(top, -inf), 0, exp(where(equal(z, top), 0, z - top))))
        first = equal(last, -inf)
        rest = make(LinearRecurrence(self.axis, self.reverse), scale, where(first, 0, others))
        return cast(top + log1p(rest), x.dtype)

    def exact(self, s: Any, x: Value) -> Value:
        e = np.flip(s.exp(x), self.axis) if self.reverse else s.exp(x)
        total = s.log(np.add.accumulate(e, self.axis))
        return np.flip(total, self.axis) if self.reverse else total

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        # The sum of g[i] * exp(x[j]) / total[i] over i >= j, all of it relative to the largest so far: y itself is
        # rounded too much for that where it is large.
        wide, z, back = cast(g, g.dtype.compute), cast(x, x.dtype.compute), not self.reverse
        top = stop_gradient(make(CumulativeMax(self.axis, self.reverse), z))
        last = shifted(top, self.axis, self.reverse, -inf)
        scale = where(equal(top, last), 1, exp(last - top))
        infinite = isinf(top)
        e = exp(where(infinite, -inf, z - top))
        total = where(infinite, 1, make(LinearRecurrence(self.axis, self.reverse), scale, e))
        shares = where(infinite, 0, wide / total)
        later = make(LinearRecurrence(self.axis, back), shifted(scale, self.axis, back, 0), shares)
        return (cast(where(infinite, where(equal(x, inf), wide, 0), e * later), x.dtype),)


def shifted(x: Node, axis: int, reverse: bool, fill: float) -> Any:
    """For each element the one before it along an axis (behind it with `reverse`), `fill` for the first."""
    widths = [(int(not reverse), int(reverse)) if a == axis else (0, 0) for a in range(x.ndim)]
    return slice_axis(pad(x, widths, value=fill), axis, int(reverse), x.shape[axis])


@public
def cumulative_sum(
    x: Any, *, axis: Any = None, dtype: Any = None, include_initial: bool = False, reverse: bool = False
) -> Node:
    """The sum of all elements up to each one along an axis, which only a vector may leave out.

    Small integers and bool are added up as int64. `include_initial` puts the empty sum before; `reverse` adds up from
    the end.
    """
    x = _accumulated(x, dtype)
    y = make(CumulativeSum(_only_axis(axis, x.ndim), reverse), x)
    return _with_initial(y, 0) if include_initial else y


@public
def cumulative_prod(
    x: Any, *, axis: Any = None, dtype: Any = None, include_initial: bool = False, reverse: bool = False
) -> Node:
    """The product of all elements up to each one along an axis, which only a vector may leave out.

    Small integers and bool multiply as int64. `include_initial` puts the empty product before.
    """
    x = _accumulated(x, dtype)
    y = make(CumulativeProd(_only_axis(axis, x.ndim), reverse), x)
    return _with_initial(y, 1) if include_initial else y


@public
def cumsum(x: Any, axis: Any = None, dtype: Any = None, *, reverse: bool = False) -> Node:
    """The sum of all elements up to each one along an axis (of the flattened array if None)."""
    x, axis = _flat(x, axis)
    return cumulative_sum(x, axis=axis, dtype=dtype, reverse=reverse)


@public
def cumprod(x: Any, axis: Any = None, dtype: Any = None, *, reverse: bool = False) -> Node:
    """The product of all elements up to each one along an axis (of the flattened array if None)."""
    x, axis = _flat(x, axis)
    return cumulative_prod(x, axis=axis, dtype=dtype, reverse=reverse)


@public
def cummax(x: Any, axis: Any = None, *, reverse: bool = False) -> Node:
    """The largest of all elements up to each one along an axis (of the flattened array if None)."""
    return _running(CumulativeMax, x, axis, reverse)


@public
def cummin(x: Any, axis: Any = None, *, reverse: bool = False) -> Node:
    """The smallest of all elements up to each one along an axis (of the flattened array if None)."""
    return _running(CumulativeMin, x, axis, reverse)


@public
def logcumsumexp(x: Any, axis: Any = None, *, reverse: bool = False) -> Node:
    """log of the cumulative sum of exp(x) along an axis (of the flattened array if None), without overflow."""
    x = as_node(x)
    return _running(LogCumulativeSumExp, cast(x, common_dtype("logcumsumexp", "f", [x])), axis, reverse)


@public
def linear_recurrence(a: Any, b: Any, axis: int = -1, *, reverse: bool = False) -> Node:
    """`y[i] = a[i] * y[i-1] + b[i]` along an axis, from `y[0] = b[0]` on; `a` and `b` broadcast."""
    dtype = common_dtype("linear_recurrence", "iuf", (a, b))
    a, b = broadcast_arrays(cast(as_node(a), dtype), cast(as_node(b), dtype))
    return make(LinearRecurrence(one_axis(axis, b.ndim), reverse), a, b)


@public
def diff(x: Any, n: int = 1, axis: int = -1, *, prepend: Any = None, append: Any = None) -> Any:
    """The `n`-th differences of neighbours along an axis, after arrays that are put before and behind.

    Of bool: whether neighbours differ, as in NumPy.
    """
    x = as_node(x)
    a = one_axis(axis, x.ndim)
    if not isinstance(n, int) or n < 0:
        raise ShapeError(f"{n!r:.80} is no order of differences", help="an integer that is not negative")
    if n == 0:
        return x
    parts = [None if part is None else _along(part, x, a) for part in (prepend, append)]
    parts.insert(1, x)
    x = concat([part for part in parts if part is not None], a)
    for _ in range(n):
        later, earlier = (slice_axis(x, a, *clamp_range(part, x.shape[a])) for part in (slice(1, None), slice(-1)))
        x = not_equal(later, earlier) if x.dtype is bool_ else later - earlier
    return x


def _only_axis(axis: Any, ndim: int) -> int:
    if axis is None and ndim != 1:
        raise AxisError(f"an array with {ndim} axes needs an axis", help="graphc.cumsum flattens")
    return one_axis(0 if axis is None else axis, ndim)


def _accumulated(x: Any, dtype: Any) -> Node:
    """The operand of a sum or product, in the dtype of the result."""
    x = as_node(x)
    if dtype is not None:
        return cast(x, dtype)
    return cast(x, int64) if x.dtype.kind in "bi" else cast(x, uint64) if x.dtype.kind == "u" else x


def _flat(x: Any, axis: Any) -> tuple[Node, Any]:
    x = as_node(x)
    return (x.reshape(-1), 0) if axis is None else (x, axis)


def _running(op: type[Op], x: Any, axis: Any, reverse: bool) -> Node:
    x, axis = _flat(x, axis)
    if x.dtype is bool_:
        return cast(_running(op, cast(x, "uint8"), axis, reverse), bool_)
    return make(op(one_axis(axis, x.ndim), reverse), x)  # type: ignore[call-arg]


def _with_initial(y: Node, value: float) -> Node:
    assert isinstance(y.op, Cumulative)
    a, behind = y.op.axis, y.op.reverse
    return pad(y, [(int(not behind), int(behind)) if b == a else (0, 0) for b in range(y.ndim)], value=value)


def _along(part: Any, x: Node, axis: int) -> Node:
    """An array to put beside another one; a number becomes a slice of it."""
    part = as_node(part)
    return broadcast_to(part, (*x.shape[:axis], 1, *x.shape[axis + 1 :])) if part.ndim == 0 else part


def _to_where_attained(op: Cumulative, g: Node, y: Node) -> Node:
    """Each cotangent goes to the element that was the extreme one: the first of equal ones."""
    n = y.shape[op.axis]
    others = tuple(a for a in range(y.ndim) if a != op.axis)
    positions = expand(iota(n), others, like=y)
    first = n - 1 if op.reverse else 0
    is_new = logical_or(not_equal(y, shifted(y, op.axis, op.reverse, 0)), equal(positions, first))
    latest = CumulativeMin if op.reverse else CumulativeMax
    attained = make(latest(op.axis, op.reverse), where(is_new, positions, first))
    return make(ScatterAddAlongAxis(op.axis, n), g, attained)
