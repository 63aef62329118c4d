"""Convolution: one op with explicit groups for every number of spatial axes, and the functions that speak of layouts.

    y[n,g,o,j] = sum over c and k of  w[g,o,c,k] * x[n,g,c,(start + stride*j + dilation*k) / spacing]

where an element of `x` counts if the quotient is whole and inside. Both derivatives are convolutions again, so all
orders are: that by `x` slides the flipped kernel over the cotangent, that by `w` the cotangent over `x`, with batch
and channels exchanged. The formulas are those of Dumoulin and Visin, "A guide to convolution arithmetic".

Comes in: arrays in any layout, which a transpose brings to the one of the op; goes out: nodes. Transposes fold into
indices, so a layout costs nothing by itself.
"""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import Any

import numpy as np

from graphc.dimension import Dim, is_nonnegative, product
from graphc.errors import DTypeError, ShapeError
from graphc.ir.node import Node, make, public
from graphc.ir.op import Cotangents
from graphc.ops import sliding as slide
from graphc.ops.base import Composite
from graphc.ops.contraction import Matmul
from graphc.ops.conversion import Axes, Sum, as_node, cast, common_dtype, expand
from graphc.ops.movement import flip, transpose
from graphc.ops.sliding import Layout, Sliding, image_layout, padding_pairs, per_axis, sliding
from graphc.ops.windows import canonical_view, innermost_axis, overlapped, spread, windows
from graphc.types import Shape, TensorType

MOST_TERMS = 32  # of a sum that is written out


class Conv(Composite):
    """The convolution of `x[N,G,C,*spatial]` with kernels `w[G,O,C,*window]`, not flipped: `[N,G,O,*size]`.

    `start` is where the first window begins (before 0 it sees zeros), `spacing` how far apart the elements of `x` are.
    """

    start: Shape
    size: Shape
    stride: Axes
    dilation: Axes
    spacing: Axes
    arity = 2

    def infer(self, x: TensorType, w: TensorType) -> TensorType:
        spatial = len(self.size)
        if x.ndim != w.ndim or x.ndim != spatial + 3:
            raise ShapeError(f"{x.ndim} and {w.ndim} axes do not fit a convolution of {spatial} spatial axes")
        seen, known = x.shape[1:3], (w.shape[0], w.shape[2])
        if seen != known:
            raise ShapeError(f"{_channels(*seen)} meet kernels for {_channels(*known)}")
        if x.dtype is not w.dtype or x.dtype.kind == "b":
            raise DTypeError("dtypes differ or are bool", help="cast one operand")
        if any(isinstance(n, int) and n < 1 for n in self.size):
            raise ShapeError(f"the result would have the size ({', '.join(map(str, self.size))})")
        if any(step < 1 for step in (*self.stride, *self.dilation, *self.spacing)):
            raise ShapeError("a stride, dilation or spacing is no positive number")
        return x.with_shape((*x.shape[:2], w.shape[1], *self.size))

    def decompose(self, x: Node, w: Node) -> Node:
        wide = x.dtype.compute
        return cast(_Lowering(self, cast(x, wide), cast(w, wide)).result(), x.dtype)

    def vjp(self, g: Node, y: Node, x: Node, w: Node) -> Cotangents:
        window = w.shape[3:]
        last = tuple(d * (k - 1) for d, k in zip(self.dilation, window, strict=True))
        back = tuple(-end - first for end, first in zip(last, self.start, strict=True))
        by_x = Conv(back, x.shape[3:], self.spacing, self.dilation, self.stride)
        by_w = Conv(self.start, window, self.dilation, self.stride, self.spacing)
        flipped = flip(_exchanged(w, (0, 2, 1)), range(3, w.ndim))
        rows, kernels = _exchanged(x, (2, 1, 0)), _exchanged(g, (1, 2, 0))
        return make(by_x, g, flipped), _exchanged(make(by_w, rows, kernels), (1, 2, 0))

    def batch(self, size: Any, batched: tuple[bool, ...], x: Node, w: Node) -> Node:
        """Of stacks, which have one axis more in front: images of a stack are more images, kernels more outputs.

        Where both are stacked, each kernel meets its own images, as in groups.
        """
        n, (g, o) = x.shape[-len(self.size) - 3], w.shape[-len(self.size) - 3 :][:2]
        if batched == (True, False):
            y = make(self, x.reshape((size * n, *x.shape[2:])), w)
            return y.reshape((size, n, *y.shape[1:]))
        if batched == (False, True):
            y = make(self, x, _second(w).reshape((g, size * o, *w.shape[3:])))
            y = y.reshape((n, g, size, o, *self.size))
            return transpose(y, (2, 0, 1, *range(3, y.ndim)))
        y = make(self, _second(x).reshape((n, size * g, *x.shape[3:])), w.reshape((size * g, *w.shape[2:])))
        y = y.reshape((n, size, g, o, *self.size))
        return _second(y)


def _channels(groups: Any, count: Any) -> str:
    return f"{count} channels" if groups == 1 else f"{groups} groups of {count} channels"


def _second(x: Node) -> Node:
    """The first two axes exchanged."""
    return transpose(x, (1, 0, *range(2, x.ndim)))


class _Lowering:
    """How a convolution is calculated: as one matrix product over windows, wherever that is worth its memory."""

    def __init__(self, op: Conv, x: Node, w: Node) -> None:
        self.op, self.x, self.w = op, x, w
        self.spatial = tuple(range(3, x.ndim))
        self.window = w.shape[3:]
        self.batch = x.shape[0]
        self.groups, self.outputs, self.channels = w.shape[:3]

    def result(self) -> Node:
        spaced = max(self.op.spacing) > 1
        if self.outputs == 1 or (self.channels == 1 and self.groups != 1):
            return self.by_sums()
        if self.groups == 1 and self.reads_elements_once():
            return self.by_points()
        if self.has_large_kernel():
            return self.by_exchange() if spaced and max(self.op.dilation) == 1 else self.by_columns_of_kernel()
        if max(self.op.stride) == 1 and (spaced or self.has_fewer_parts()):
            return self.by_overlap()
        return self.by_columns()

    def reads_elements_once(self) -> bool:
        op = self.op
        return (
            all(k == 1 for k in self.window)
            and max(*op.stride, *op.spacing) == 1
            and all(first == 0 for first in op.start)
            and op.size == self.x.shape[3:]
        )

    def has_fewer_parts(self) -> bool:
        """Whether the products of elements and kernels are less than the windows."""
        parts, columns = self.outputs * product(self.x.shape[3:]), self.channels * product(self.op.size)
        return is_nonnegative(columns - 2 * parts)

    def has_large_kernel(self) -> bool:
        kernel, size = product(self.window), product(self.op.size)
        return isinstance(size, int) and (not isinstance(kernel, int) or kernel > size)

    def by_sums(self) -> Node:
        """Products added up on the way: for kernels that a matrix product would make a vector of."""
        rank, size = len(self.spatial), self.op.size
        if is_nonnegative(MOST_TERMS - product(self.window)):
            terms = [self.shifted(place) for place in np.ndindex(self.window)]
            total = reduce(add, terms)
            return make(Sum((3,)), total) if self.channels != 1 else total.reshape((*total.shape[:3], *size))
        seen = self.windows(self.x, size, self.window, self.op.stride, self.op.dilation)
        seen = expand(seen, (2,), (self.outputs,))  # [N,G,O,C,*size,*window]
        kernels = expand(self.w, (0, *range(4, 4 + rank)), (self.batch, *size))
        return make(Sum((3, *range(4 + rank, 4 + 2 * rank))), seen * kernels)

    def shifted(self, place: Axes) -> Node:
        """The image under one weight of each kernel, `[N,G,O,C,*size]`."""
        op, rank = self.op, len(self.spatial)
        start = tuple(first + k * d for first, k, d in zip(op.start, place, op.dilation, strict=True))
        x = spread(self.x, self.spatial, op.spacing)
        seen = windows(x, self.spatial, start, op.size, (1,) * rank, stride=op.stride, dilation=op.dilation)
        seen = expand(seen.reshape(seen.shape[:-rank]), (2,), (self.outputs,))
        return seen * expand(self.w[(..., *place)], (0, *range(4, 4 + rank)), like=seen)

    def by_points(self) -> Node:
        """Windows of one element each: the image is the matrix."""
        kernels = expand(self.w.reshape((self.outputs, self.channels)), (0,), (self.batch,))
        pixels = self.x.reshape((self.batch, self.channels, product(self.op.size)))
        return make(Matmul(), kernels, pixels).reshape((self.batch, 1, self.outputs, *self.op.size))

    def by_columns(self) -> Node:
        """The kernels as rows times a matrix with a column for each window; or transposed where channels come last."""
        op, last = self.op, innermost_axis(self.x) == 2
        columns = self.columns(self.x, op.size, self.window, op.stride, op.dilation, last)
        if not last:
            rows = canonical_view(self.w).reshape((self.groups, self.outputs, self.channels * product(self.window)))
            return self.batch_first(_product(rows, columns))
        kernels = transpose(self.w, (0, *self.spatial, 2, 1))
        kernels = kernels.reshape((self.groups, product(self.window) * self.channels, self.outputs))
        y = _product(columns, kernels).reshape((self.groups, self.batch, *op.size, self.outputs))
        return transpose(y, (1, 0, y.ndim - 1, *range(2, y.ndim - 1)))

    def by_columns_of_kernel(self) -> Node:
        """The same where the kernel is larger than the result: with the two exchanged, a column for each weight.

        So it is where weights are differentiated for, and these columns are those of the convolution itself.
        """
        op, last = self.op, innermost_axis(self.x) == 0
        rows = canonical_view(self.w).reshape((self.groups, self.outputs, self.channels * product(self.window)))
        x = _exchanged(self.x, (2, 1, 0))
        columns = self.columns(x, self.window, op.size, op.dilation, op.stride, last)
        if not last:
            return self.batch_first(_product(rows, columns, transposed=True))
        y = _product(rows, columns).reshape((self.groups, self.outputs, *op.size, self.batch))
        return transpose(y, (y.ndim - 1, 0, 1, *range(2, y.ndim - 1)))

    def by_exchange(self) -> Node:
        """The kernel slides over `x` as well as `x` over the kernel; so what is spaced is what slides."""
        op, places = self.op, self.op.size
        ends = zip(op.start, op.stride, places, strict=True)
        start = tuple(-first - s * (n - 1) for first, s, n in ends)
        swapped = Conv(start, places, op.stride, op.spacing, op.dilation)
        y = make(swapped, _exchanged(self.w, (1, 0, 2)), _exchanged(self.x, (1, 0, 2)))
        return _exchanged(flip(y, self.spatial), (2, 1, 0))

    def by_overlap(self) -> Node:
        """Where elements are spaced: each is multiplied by the kernel first, and what overlaps is added up."""
        op, rank, sizes = self.op, len(self.spatial), self.x.shape[3:]
        kernels = transpose(flip(self.w, self.spatial), (0, 1, *self.spatial, 2))
        kernels = kernels.reshape((self.groups, self.outputs * product(self.window), self.channels))
        pixels = canonical_view(_exchanged(self.x, (1, 2, 0)))
        pixels = pixels.reshape((self.groups, self.channels, self.batch * product(sizes)))
        parts = _product(kernels, pixels).reshape((self.groups, self.outputs, *self.window, self.batch, *sizes))
        parts = transpose(parts, (2 + rank, 0, 1, *range(3 + rank, 3 + 2 * rank), *range(2, 2 + rank)))
        ends = zip(op.start, op.dilation, self.window, strict=True)
        start = [-first - d * (k - 1) for first, d, k in ends]
        return overlapped(parts, self.spatial, start, op.size, stride=op.spacing, dilation=op.dilation)

    def windows(self, x: Node, count: Shape, window: Shape, stride: Axes, dilation: Axes) -> Node:
        x = spread(x, self.spatial, self.op.spacing)
        return windows(x, self.spatial, self.op.start, count, window, stride=stride, dilation=dilation)

    def columns(self, x: Node, count: Shape, window: Shape, stride: Axes, dilation: Axes, channels_last: bool) -> Node:
        """The matrix `[G, C*window, N*count]`, or `[G, N*count, window*C]` where channels come last.

        It is the same node for the convolution and its derivative.
        """
        seen = self.windows(canonical_view(x), count, window, stride, dilation)
        inside = range(x.ndim, seen.ndim)
        pixels, weights = x.shape[0] * product(count), x.shape[2] * product(window)
        if channels_last:
            return transpose(seen, (1, 0, *self.spatial, *inside, 2)).reshape((self.groups, pixels, weights))
        return transpose(seen, (1, 2, *inside, 0, *self.spatial)).reshape((self.groups, weights, pixels))

    def batch_first(self, y: Node) -> Node:
        return _exchanged(y.reshape((self.groups, self.outputs, self.batch, *self.op.size)), (2, 0, 1))


def _product(x: Node, y: Node, *, transposed: bool = False) -> Node:
    """The products of the matrices of each group."""
    groups, m, n = x.shape[0], x.shape[1], y.shape[1 if transposed else 2]
    if groups == 1:
        x, y = x.reshape(x.shape[1:]), y.reshape(y.shape[1:])
    return make(Matmul(), x, y.mT if transposed else y).reshape((groups, m, n))


def _exchanged(x: Node, first: Axes) -> Node:
    """The first three axes in another order."""
    return transpose(x, (*first, *range(3, x.ndim)))


@public
def conv(
    x: Any,
    w: Any,
    *,
    stride: Any = 1,
    padding: Any = "valid",
    dilation: Any = 1,
    groups: int = 1,
    layout: str | None = None,
    kernel_layout: str | None = None,
) -> Node:
    """Images `x[N,C,*spatial]` under kernels `w[O,C/groups,*window]`: `[N,O,*count]`, for 1, 2, 3 … spatial axes.

    The kernels are not flipped (a cross-correlation, as everywhere in machine learning). `stride`, `dilation` and
    `padding` are numbers for all spatial axes or one each; the padding may also be pairs (before, after), "valid"
    (none) or "same" (ceil(n / stride) windows). `layout` names the axes of `x` and the result, such as "NHWC", and
    `kernel_layout` those of `w`, such as "HWIO". Raises ShapeError and DTypeError for what does not fit.
    """
    x, w = promoted_operands("conv", x, w)
    images = image_layout(x, layout)
    kernels = _kernels(w, kernel_layout, images)
    x, w = images.leading_first(x), kernels.leading_first(w)
    fit = sliding(x.shape[2:], w.shape[2:], stride=stride, padding=padding, dilation=dilation)
    return images.restored(convolved(x, w, fit, groups))


@public
def conv_transpose(
    x: Any,
    w: Any,
    *,
    stride: Any = 1,
    padding: Any = "valid",
    output_padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    layout: str | None = None,
    kernel_layout: str | None = None,
) -> Node:
    """The adjoint of `conv` by its images: `x[N,C,*spatial]` and `w[C,O/groups,*window]` give `[N,O,*size]`.

    The size is (n - 1) * stride + dilation * (window - 1) + 1 - padding + output_padding, or n * stride for "same".
    `output_padding` is smaller than the stride or the dilation: it tells apart what `conv` maps to one size.
    """
    x, w = promoted_operands("conv_transpose", x, w)
    images = image_layout(x, layout)
    x = images.leading_first(x)
    w = _kernels(w, kernel_layout, images, "IO").leading_first(w)
    rank, window = x.ndim - 2, w.shape[2:]
    stride, dilation = per_axis("stride", stride, rank), per_axis("dilation", dilation, rank)
    more = per_axis("output padding", output_padding, rank, least=0)
    if any(m >= max(s, d) for m, s, d in zip(more, stride, dilation, strict=True)):
        raise ShapeError(f"the output padding {more} is not smaller than the stride or the dilation")
    start, size = [], []
    extents = tuple((k - 1) * d + 1 for k, d in zip(window, dilation, strict=True))
    whole = tuple(n * s for n, s in zip(x.shape[2:], stride, strict=True))
    pairs = padding_pairs(padding, whole, extents, stride)
    for n, same, e, s, m, (before, after) in zip(x.shape[2:], whole, extents, stride, more, pairs, strict=True):
        start.append(before - (e - 1))
        size.append(m + (same if padding == "same" else (n - 1) * s + e - before - after))
    op = Conv(tuple(start), tuple(size), (1,) * rank, dilation, stride)
    kernels = flip(_exchanged(_grouped(w, 0, groups), (0, 2, 1)), range(3, 3 + rank))
    return images.restored(_merged(make(op, _grouped(x, 1, groups), kernels)))


@public
def conv1d(x: Any, w: Any, **options: Any) -> Node:
    """`conv` of images with one spatial axis."""
    return _of_rank(1, x, w, options)


@public
def conv2d(x: Any, w: Any, **options: Any) -> Node:
    """`conv` of images with two spatial axes."""
    return _of_rank(2, x, w, options)


@public
def conv3d(x: Any, w: Any, **options: Any) -> Node:
    """`conv` of images with three spatial axes."""
    return _of_rank(3, x, w, options)


def _of_rank(rank: int, x: Any, w: Any, options: dict[str, Any]) -> Node:
    x = as_node(x)
    if x.ndim != rank + 2:
        raise ShapeError(f"{x.ndim} axes are not batch, channels and {rank} spatial ones")
    return conv(x, w, **options)


def promoted_operands(name: str, x: Any, w: Any) -> tuple[Node, Node]:
    """Images and kernels in their common dtype."""
    x, w = as_node(x), as_node(w)
    dtype = common_dtype(name, "iuf", [x, w])
    if dtype.kind == "b":
        raise DTypeError("not defined for bool", help="cast first")
    return cast(x, dtype), cast(w, dtype)


def convolved(x: Node, w: Node, fit: Sliding, groups: Any = 1) -> Node:
    """Images `[N,C,*spatial]` under kernels `[O,C/groups,*window]` that slide over them."""
    op = Conv(fit.start, fit.count, fit.stride, fit.dilation, (1,) * len(fit.count))
    return _merged(make(op, _grouped(x, 1, groups), _grouped(w, 0, groups)))


def _kernels(w: Node, letters: str | None, images: Layout, leading: str = "OI") -> Layout:
    if w.ndim != len(images.letters):
        raise ShapeError(
            f"kernels of {w.ndim} axes do not fit images of {len(images.letters)}",
            help="kernels have two axes of channels, and as many spatial ones as the images",
        )
    return slide.kernel_layout(w, letters, images, leading)


def _grouped(x: Node, axis: int, groups: Any) -> Node:
    """An axis of channels divided into groups."""
    n = x.shape[axis]
    if isinstance(groups, bool) or not isinstance(groups, int | Dim) or (isinstance(groups, int) and groups < 1):
        raise ShapeError(f"{groups!r:.80} is no number of groups")
    if n // groups * groups != n:
        raise ShapeError(f"{n} channels cannot be divided into {groups} groups")
    return x.reshape((*x.shape[:axis], groups, n // groups, *x.shape[axis + 1 :]))


def _merged(y: Node) -> Node:
    """Groups and their channels as one axis."""
    return y.reshape((y.shape[0], y.shape[1] * y.shape[2], *y.shape[3:]))
