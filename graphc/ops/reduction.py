"""Reductions, and the row operations that are made of them: logsumexp, softmax, log_softmax.

Every reduction drops its axes; `keepdims` is sugar. At ties the derivative of `max` is shared equally.
"""

from __future__ import annotations

from typing import Any

from graphc import dimension
from graphc.errors import AxisError, DTypeError
from graphc.ir.leaf import full
from graphc.ir.node import Node, make, public
from graphc.ir.op import Cotangents, Op
from graphc.ir.scalars import Value
from graphc.ir.term import Application, Term
from graphc.ops.base import Composite
from graphc.ops.conversion import (
    Axes,
    as_node,
    axes,
    cast,
    common_dtype,
    expand,
    one_axis,
    reduced,
    reduction,
    reshape,
    sum,
)
from graphc.ops.cumulative import CumulativeProd, shifted
from graphc.ops.elementwise import exp, log1p
from graphc.ops.logic import equal, isnan, logical_not, logical_or, where
from graphc.ops.movement import transpose
from graphc.ops.position import extent, iota
from graphc.types import TensorType, bool_, float64, int64


class Prod(Op):
    """The product over axes. All its derivatives are right also where elements are 0."""

    axis: Axes
    arity = 1

    def infer(self, x: TensorType) -> TensorType:
        return reduced(x, self.axis)

    def evaluate(self, s: Any, x: Value) -> Value:
        return s.prod(x, self.axis)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (expand(g, self.axis, like=x) * _product_of_others(x, self.axis),)


class Max(Op):
    """The largest over axes; NaN if any is NaN; of bool: any. Of nothing: -inf or the smallest value."""

    axis: Axes
    arity = 1

    def infer(self, x: TensorType) -> TensorType:
        return reduced(x, self.axis)

    def evaluate(self, s: Any, x: Value) -> Value:
        return s.max(x, self.axis)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return _shared_among_ties(g, y, x, self.axis)


class Min(Op):
    """The smallest over axes; NaN if any is NaN; of bool: all. Of nothing: inf or the largest value."""

    axis: Axes
    arity = 1

    def infer(self, x: TensorType) -> TensorType:
        return reduced(x, self.axis)

    def evaluate(self, s: Any, x: Value) -> Value:
        return s.min(x, self.axis)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return _shared_among_ties(g, y, x, self.axis)


class FloatReduction(Composite, abstract=True):
    """A composite reduction of floats over axes."""

    axis: Axes
    arity = 1

    def infer(self, x: TensorType) -> TensorType:
        if not x.dtype.is_float:
            raise DTypeError(f"not defined for {x.dtype.name}", help="cast to a float first")
        return reduced(x, self.axis)


class Mean(FloatReduction):
    """The arithmetic mean over axes; NaN of nothing. 16-bit floats are added up and divided in float32."""

    def decompose(self, x: Node) -> Node:
        total = sum(cast(x, x.dtype.compute), self.axis)
        return cast(total / count(x, self.axis, total), x.dtype)

    def exact(self, s: Any, x: Value) -> Value:
        return s.mean(x, self.axis)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        wide = _wide(g)
        return (expand(cast(wide / count(x, self.axis, wide), g.dtype), self.axis, like=x),)


class Logsumexp(FloatReduction):
    """log(sum(exp(x))) over axes without overflow: -inf where all are -inf, inf where any is inf."""

    def decompose(self, x: Node) -> Node:
        row = _Row(x, self.axis)
        return cast(row.top + log1p(row.rest), x.dtype)

    def exact(self, s: Any, x: Value) -> Value:
        return s.log(s.sum(s.exp(x), self.axis))

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (expand(g, self.axis, like=x) * softmax(x, self.axis),)


class RowWise(Composite, abstract=True):
    """A composite op of floats along axes that keeps the shape."""

    axis: Axes
    arity = 1

    def infer(self, x: TensorType) -> TensorType:
        if not x.dtype.is_float:
            raise DTypeError(f"not defined for {x.dtype.name}", help="cast to a float first")
        reduced(x, self.axis)
        return x


class Softmax(RowWise):
    """exp(x) / sum(exp(x)) over axes without overflow.

    Where all are -inf it is 0 (no mass anywhere), where some are inf it is uniform on these.
    """

    def decompose(self, x: Node) -> Node:
        row = _Row(x, self.axis)
        return cast(row.e / row.along(row.total), x.dtype)

    def exact(self, s: Any, x: Value) -> Value:
        e = s.exp(x)
        return e / s.sum(e, self.axis, keepdims=True)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (cast(_wide(y) * beyond_average(_wide(g), _wide(y), self.axis), x.dtype),)


class SoftmaxComplement(RowWise):
    """1 - softmax(x) over axes, accurate where the softmax is nearly 1: the probability of all the others."""

    def decompose(self, x: Node) -> Node:
        row = _Row(x, self.axis)
        total = row.along(row.total)
        others = where(row.at_top, row.along(row.rest), total - row.e)
        nothing = equal(row.along(row.top), float("-inf"))  # no element has any mass
        return cast(where(nothing, 1, others / total), x.dtype)

    def exact(self, s: Any, x: Value) -> Value:
        e = s.exp(x)
        return 1 - e / s.sum(e, self.axis, keepdims=True)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        p = softmax(_wide(x), self.axis)
        return (cast(-p * beyond_average(_wide(g), p, self.axis), x.dtype),)


class LogSoftmax(RowWise):
    """log(softmax(x)) over axes: x - logsumexp(x), -inf where the softmax is 0."""

    def decompose(self, x: Node) -> Node:
        row = _Row(x, self.axis)
        rest = where(equal(row.top, float("-inf")), float("inf"), row.rest)
        return cast(row.below - row.along(log1p(rest)), x.dtype)

    def exact(self, s: Any, x: Value) -> Value:
        return x - s.log(s.sum(s.exp(x), self.axis, keepdims=True))

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        g, wide = _wide(g), _wide(x)
        others = expand(sum(g, self.axis), self.axis, like=x) - g
        return (cast(g * softmax_complement(wide, self.axis) - softmax(wide, self.axis) * others, x.dtype),)


class Argmax(Composite):
    """The position of the first largest along an axis (of the first NaN if there is one), as int64."""

    axis: int
    arity = 1

    def infer(self, x: TensorType) -> TensorType:
        return _position_type(x, self.axis)

    def decompose(self, x: Node) -> Node:
        return _first(x, max(x, self.axis), self.axis)

    vjp = None


class Argmin(Composite):
    """The position of the first smallest along an axis (of the first NaN if there is one), as int64."""

    axis: int
    arity = 1

    def infer(self, x: TensorType) -> TensorType:
        return _position_type(x, self.axis)

    def decompose(self, x: Node) -> Node:
        return _first(x, min(x, self.axis), self.axis)

    vjp = None


@public
def max(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """The largest over axes (all if None)."""
    return _reduce(Max, x, axis, keepdims)


@public
def min(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """The smallest over axes (all if None)."""
    return _reduce(Min, x, axis, keepdims)


@public
def prod(x: Any, axis: Any = None, *, keepdims: bool = False, dtype: Any = None) -> Any:
    """The product over axes (all if None); small integers multiply as int64 if no dtype is given."""
    if dtype is not None:
        x = cast(x, dtype)
    elif not isinstance(x, Term):
        x = as_node(x)
        x = cast(x, int64) if x.dtype.kind in "bi" else cast(x, "uint64") if x.dtype.kind == "u" else x
    return _reduce(Prod, x, axis, keepdims)


@public
def any(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Whether anything over axes is true (not 0)."""
    return _reduce(Max, cast(x, bool_), axis, keepdims)


@public
def all(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Whether everything over axes is true (not 0)."""
    return _reduce(Min, cast(x, bool_), axis, keepdims)


@public
def mean(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """The arithmetic mean over axes (all if None); of integers in float64."""
    if not isinstance(x, Term):
        x = as_node(x)
        x = x if x.dtype.is_float else cast(x, float64)
    return _float_reduce(Mean, x, axis, keepdims)


@public
def logsumexp(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """log(sum(exp(x))) over axes (all if None) without overflow."""
    return _float_reduce(Logsumexp, x, axis, keepdims)


@public
def softmax(x: Any, axis: Any = -1) -> Any:
    """exp(x) / sum(exp(x)) over axes without overflow."""
    return _row_wise(Softmax, x, axis)


@public
def softmax_complement(x: Any, axis: Any = -1) -> Any:
    """1 - softmax(x) over axes, accurate where the softmax is nearly 1."""
    return _row_wise(SoftmaxComplement, x, axis)


@public
def log_softmax(x: Any, axis: Any = -1) -> Any:
    """log(softmax(x)) over axes."""
    return _row_wise(LogSoftmax, x, axis)


@public
def argmax(x: Any, axis: Any = None, *, keepdims: bool = False) -> Node:
    """The position of the first largest along an axis (in row-major order if None), as int64."""
    return _arg_reduce(Argmax, x, axis, keepdims)


@public
def argmin(x: Any, axis: Any = None, *, keepdims: bool = False) -> Node:
    """The position of the first smallest along an axis (in row-major order if None), as int64."""
    return _arg_reduce(Argmin, x, axis, keepdims)


def _reduce(op: type[Op], x: Any, axis: Any, keepdims: bool) -> Any:
    if isinstance(x, Term):
        return Application(op, (x,), {"axis": axis})
    return reduction(op, as_node(x), axis, keepdims)


def _float_reduce(op: type[Op], x: Any, axis: Any, keepdims: bool) -> Any:
    if isinstance(x, Term):
        return Application(op, (x,), {"axis": axis})
    return reduction(op, cast(x, common_dtype(op.name, "f", [as_node(x)])), axis, keepdims)


def _row_wise(op: type[Op], x: Any, axis: Any) -> Any:
    if isinstance(x, Term):
        return Application(op, (x,), {"axis": axis})
    x = cast(x, common_dtype(op.name, "f", [as_node(x)]))
    return make(op(axes(axis, x.ndim)), x)  # type: ignore[call-arg]


def _arg_reduce(op: type[Op], x: Any, axis: Any, keepdims: bool) -> Node:
    x = as_node(x)
    ndim = x.ndim
    if axis is None:
        x, axis = x.reshape(-1), 0
    a = one_axis(axis, x.ndim)
    y = make(op(a), x)  # type: ignore[call-arg]
    where_kept = (a,) if ndim == x.ndim else tuple(range(ndim))
    return expand(y, where_kept, (1,) * len(where_kept)) if keepdims else y


def _shared_among_ties(g: Node, y: Node, x: Node, axis: Axes) -> Cotangents:
    ties = equal(x, expand(y, axis, like=x))
    share = _wide(g) / sum(cast(ties, g.dtype.compute), axis)
    return (where(ties, expand(cast(share, g.dtype), axis, like=x), 0),)


def _wide(x: Node) -> Any:
    """A value in the dtype in which sums of it are calculated."""
    return cast(x, x.dtype.compute)


def beyond_average(g: Node, p: Node, axis: Axes) -> Any:
    """g - sum(g * p), for weights p that sum to 1. The average is taken twice: where p is nearly 1 for an element, the
    difference is as small as the rounding error of the first."""
    near = g - expand(sum(g * p, axis), axis, like=g)
    return near - expand(sum(near * p, axis), axis, like=g)


def _product_of_others(x: Node, axis: Axes) -> Any:
    """For each element the product of those before and those behind it: no division, which zeros would not survive."""
    order = (*(a for a in range(x.ndim) if a not in axis), *axis)
    sizes = tuple(x.shape[a] for a in order)
    kept = sizes[: x.ndim - len(axis)]
    rows = reshape(transpose(x, order), (*kept, dimension.product(sizes[len(kept) :])))
    before, behind = (
        shifted(make(CumulativeProd(len(kept), reverse), rows), len(kept), reverse, 1) for reverse in (False, True)
    )
    return transpose(reshape(before * behind, sizes), tuple(order.index(a) for a in range(x.ndim)))


class _Row:
    """What the ops on rows share: the exponentials of the distances from the largest element.

    The total is 1 + `rest`, and the rest is added up without the 1, so that log1p(rest) is right to the last digits
    where one element outweighs all others. Where all are equal the distance is 0, also for infinities.
    """

    def __init__(self, x: Node, axis: Axes) -> None:
        self.x, self.axis = cast(x, x.dtype.compute), axis
        self.top = max(self.x, axis)
        self.at_top = equal(self.x, self.along(self.top))
        distance = self.x - self.along(self.top)
        smaller = exp(distance)
        self.below = where(self.at_top, 0, distance)
        self.e = where(self.at_top, 1, smaller)
        ties = sum(where(self.at_top, full(1, self.x.type), 0), axis)
        others = sum(where(self.at_top, 0, smaller), axis)
        self.rest = (ties - 1) + others
        self.total = where(equal(self.top, float("-inf")), float("inf"), ties + others)  # of nothing: no mass

    def along(self, y: Node) -> Any:
        """A value of the row for each of its elements."""
        return expand(y, self.axis, like=self.x)


def count(x: Node, axis: Axes, like: Node) -> Any:
    """The number of elements that a reduction takes, as a value of the type of `like`."""
    size = dimension.product(tuple(x.shape[a] for a in axis))
    if isinstance(size, int):
        return full(size, like.type)
    return expand(extent(size, like.dtype), tuple(range(like.ndim)), like.shape)


def _position_type(x: TensorType, axis: int) -> TensorType:
    result = reduced(x, (axis,)).with_dtype(int64)
    if x.shape[axis] == 0:
        raise AxisError(f"axis {axis} is empty: nothing has a position")
    return result


def _first(x: Node, best: Node, axis: int) -> Any:
    """The first position along an axis where `x` is `best` or NaN."""
    found = equal(x, expand(best, (axis,), like=x))
    if x.dtype.is_float:
        found = logical_or(found, isnan(x))
    positions = expand(iota(x.shape[axis], int64), tuple(a for a in range(x.ndim) if a != axis), like=x)
    return min(where(logical_not(found), (1 << 63) - 1, positions), axis)
