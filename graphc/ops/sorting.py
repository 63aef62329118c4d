"""Order: sorting, the largest elements, places in sorted arrays, quantiles. NumPy sorts, so it is done on the CPU.

NaN counts as larger than every number: it is last, first if `descending`. What is equal keeps its order.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.errors import DTypeError, GraphError, ShapeError
from graphc.ir.leaf import Constant
from graphc.ir.node import Node, make, public
from graphc.ir.op import Cotangents
from graphc.ops.base import LibraryOp
from graphc.ops.conversion import Axes, as_node, axes, cast, check_axis, expand, one_axis, promoted, reshape
from graphc.ops.elementwise import floor, minimum
from graphc.ops.indexing.along import ScatterAddAlongAxis, Take, TakeAlongAxis, take
from graphc.ops.logic import equal, isnan, where
from graphc.ops.movement import slice_axis, transpose
from graphc.ops.position import extent
from graphc.types import TensorType, as_size, float64, int64

Array = np.ndarray[Any, Any]


class Argsort(LibraryOp):
    """The positions along an axis that sort it, as int64."""

    axis: int
    descending: bool
    arity = 1
    vjp = None

    def infer(self, x: TensorType) -> TensorType:
        check_axis(self.axis, x)
        return x.with_dtype(int64)

    def calculate(self, x: Array) -> Array:
        if not self.descending:
            return np.argsort(_comparable(x), axis=self.axis, kind="stable")
        backwards = np.argsort(np.flip(_comparable(x), self.axis), axis=self.axis, kind="stable")
        return x.shape[self.axis] - 1 - np.flip(backwards, self.axis)


class Sort(LibraryOp):
    """The elements along an axis in order."""

    axis: int
    descending: bool
    arity = 1

    def infer(self, x: TensorType) -> TensorType:
        check_axis(self.axis, x)
        return x

    def calculate(self, x: Array) -> Array:
        zeros = x[x == 0]
        if x.dtype.kind not in "biu" and np.signbit(zeros).any() and not np.signbit(zeros).all():
            # 0.0 and -0.0 are equal, but not the same.
            return np.take_along_axis(x, Argsort(self.axis, self.descending).calculate(x), self.axis)
        ordered = np.sort(_comparable(x), axis=self.axis).astype(x.dtype, copy=False)
        return np.flip(ordered, self.axis) if self.descending else ordered

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        places = make(Argsort(self.axis, self.descending), x)
        return (make(ScatterAddAlongAxis(self.axis, x.shape[self.axis]), g, places),)

    def jvp(self, y: Node, xs: tuple[Node], dxs: tuple[Node]) -> Node:
        return make(TakeAlongAxis(self.axis), dxs[0], make(Argsort(self.axis, self.descending), xs[0]))


class Searchsorted(LibraryOp):
    """Where values belong in a sorted vector, as int64: before equal elements, or behind them."""

    behind: bool
    arity = 2
    vjp = None

    def infer(self, x: TensorType, values: TensorType) -> TensorType:
        if x.ndim != 1:
            raise ShapeError(f"what is sorted has {x.ndim} axes, not 1")
        if x.dtype is not values.dtype:
            raise DTypeError("dtypes differ", help="cast one operand")
        return values.with_dtype(int64)

    def calculate(self, x: Array, values: Array) -> Array:
        side: Any = "right" if self.behind else "left"
        return np.asarray(np.searchsorted(_comparable(x), _comparable(values), side))


@public
def sort(x: Any, axis: Any = -1, *, descending: bool = False, stable: bool = True) -> Node:
    """The elements along an axis in order, which is always stable. The derivative goes where each one came from."""
    x = as_node(x)
    return make(Sort(one_axis(axis, x.ndim), bool(descending)), x)


@public
def argsort(x: Any, axis: Any = -1, *, descending: bool = False, stable: bool = True) -> Node:
    """The positions along an axis that sort it, as int64, which is always stable."""
    x = as_node(x)
    return make(Argsort(one_axis(axis, x.ndim), bool(descending)), x)


@public
def top_k(x: Any, k: Any, *, axis: Any = -1) -> tuple[Node, Node]:
    """The `k` largest elements along an axis, the largest first, and their positions as int64."""
    x = as_node(x)
    a, size = one_axis(axis, x.ndim), as_size(k)
    n = x.shape[a]
    if isinstance(size, int) and isinstance(n, int) and size > n:
        raise ShapeError(f"there are no {size} largest of {n}")
    places = slice_axis(argsort(x, axis=a, descending=True), a, 0, size)
    return make(TakeAlongAxis(a), x, places), places


@public
def searchsorted(x1: Any, x2: Any, /, *, side: str = "left", sorter: Any = None) -> Node:
    """Where elements of `x2` belong in the sorted vector `x1`, as int64: before equal ones, or behind with "right".

    `sorter` are the positions that sort `x1`.
    """
    if side not in ("left", "right"):
        raise GraphError(f"{side!r:.80} is no side", help='"left" or "right"')
    x1, x2 = as_node(x1), as_node(x2)
    dtype = promoted(x1.dtype, x2.dtype)
    x1 = cast(x1, dtype)
    return make(Searchsorted(side == "right"), x1 if sorter is None else take(x1, sorter, 0), cast(x2, dtype))


@public
def quantile(x: Any, q: Any, axis: Any = None, *, keepdims: bool = False) -> Node:
    """Values below which shares `q`, in [0, 1], of the elements over axes (all if None) lie; NaN if any is NaN.

    Between two elements it is interpolated linearly, NumPy's method "linear". The axes of `q` come first.
    """
    _check_shares(q)
    x, kept = _rows(x, axis)
    n = x.shape[-1]
    if n == 0:
        raise ShapeError("nothing has no quantiles")
    last = extent(n, float64) - 1
    place = cast(as_node(q), float64) * last
    below = floor(place)
    share = cast(place - below, x.dtype)
    ordered = sort(x)
    parts = (make(Take(0), transpose(ordered, _last_first(x.ndim)), cast(i, int64)) for i in
             (below, minimum(below + 1, last)))  # fmt: skip
    low, high = parts
    share = expand(share, tuple(range(share.ndim, low.ndim)), like=low)
    found = where(equal(low, high), low, low + (high - low) * share)
    found = where(_any_nan(ordered, found), float("nan"), found)
    front = place.ndim
    return expand(found, tuple(front + a for a in kept), (1,) * len(kept)) if keepdims else found


@public
def percentile(x: Any, q: Any, axis: Any = None, *, keepdims: bool = False) -> Node:
    """Values below which `q` per cent of the elements over axes lie. See `quantile`."""
    q = as_node(q)
    return quantile(x, (q if q.dtype.is_float else cast(q, float64)) / 100, axis, keepdims=keepdims)


@public
def median(x: Any, axis: Any = None, *, keepdims: bool = False) -> Node:
    """The middle of the elements over axes (all if None), or the mean of the two in the middle; NaN if any is NaN."""
    x, kept = _rows(x, axis)
    n = x.shape[-1]
    if n == 0:
        raise ShapeError("nothing has no median")
    ordered = sort(x)
    low, high = (reshape(slice_axis(ordered, x.ndim - 1, i, 1), x.shape[:-1]) for i in ((n - 1) // 2, n // 2))
    found = where(equal(low, high), low, (low + high) / 2)
    found = where(_any_nan(ordered, found), float("nan"), found)
    return expand(found, kept, (1,) * len(kept)) if keepdims else found


def _check_shares(q: Any) -> None:
    """Raise GraphError for known shares outside of [0, 1]; others make the call raise IndexOutOfBounds."""
    known = as_node(q).op
    if isinstance(known, Constant) and not np.all((known.value >= 0) & (known.value <= 1)):
        raise GraphError("a share is not in [0, 1]", help="graphc.percentile takes per cent")


def _rows(x: Any, axis: Any) -> tuple[Node, Axes]:
    """An array of floats with the given axes as its last one, and the axes."""
    x = as_node(x)
    x = x if x.dtype.is_float else cast(x, float64)
    reduced = axes(axis, x.ndim)
    others = tuple(a for a in range(x.ndim) if a not in reduced)
    return reshape(transpose(x, (*others, *reduced)), (*(x.shape[a] for a in others), _count(x, reduced))), reduced


def _count(x: Node, reduced: Axes) -> Any:
    size: Any = 1
    for a in reduced:
        size = size * x.shape[a]
    return size


def _last_first(ndim: int) -> Axes:
    return ndim - 1, *range(ndim - 1)


def _any_nan(ordered: Node, like: Node) -> Any:
    """Whether sorted rows contain NaN, which is last."""
    end = ordered.ndim - 1
    last = reshape(slice_axis(ordered, end, ordered.shape[end] - 1, 1), ordered.shape[:-1])
    new = like.ndim - last.ndim
    return expand(isnan(last), tuple(range(new)), like.shape[:new])


def _comparable(x: Array) -> Array:
    """An array of a dtype that NumPy sorts: 16-bit floats as float32."""
    return x.astype(np.float32) if x.dtype.itemsize == 2 and x.dtype.kind not in "iu" else x
