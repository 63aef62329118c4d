"""Pooling: a reduction over the windows of images, over all of their elements, or over a given number of regions.

Comes in: images `[N,C,*spatial]` in any layout; goes out: nodes made of windows and reductions. At ties the derivative
of `max_pool` is shared equally, as that of `max`; the padding takes no part in a maximum, nor in a p-norm.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, reduce
from operator import mul
from typing import Any

import numpy as np

from graphc.dimension import product
from graphc.errors import ShapeError
from graphc.ir.leaf import full
from graphc.ir.node import Node, public
from graphc.ops import reduction
from graphc.ops.barrier import stop_gradient
from graphc.ops.conversion import Axes, as_node, broadcast_to, cast, common_dtype, expand, sum
from graphc.ops.elementwise import minimum
from graphc.ops.indexing import take
from graphc.ops.logic import equal, less, logical_and, where
from graphc.ops.position import extent, iota
from graphc.ops.sliding import Layout, Sliding, image_layout, per_axis, sliding
from graphc.types import DType


@public
def max_pool(
    x: Any, window: Any, *, stride: Any = None, padding: Any = "valid", dilation: Any = 1, layout: str | None = None
) -> Node:
    """The largest of each window; `stride` is the window unless given. NaN if any element is NaN."""
    x, images, fit = _fitted(as_node(x), window, stride, padding, dilation, layout)
    return images.restored(reduction.max(fit.over(x, _lowest(x.dtype)), _last(fit)))


@public
def avg_pool(
    x: Any,
    window: Any,
    *,
    stride: Any = None,
    padding: Any = "valid",
    dilation: Any = 1,
    count_include_pad: bool = True,
    layout: str | None = None,
) -> Node:
    """The mean of each window. The zeros of the padding count unless `count_include_pad` is False."""
    x = _floating("avg_pool", x)
    wide, images, fit = _fitted(cast(x, x.dtype.compute), window, stride, padding, dilation, layout)
    total = sum(fit.over(wide), _last(fit))
    count = full(product(fit.window), total.type)
    if not count_include_pad:
        rows = [
            sum(fit.along(a).over(full(1, wide.type.with_shape((1, 1, n)))), 3) for a, n in enumerate(wide.shape[2:])
        ]
        counts = [expand(row.reshape((-1,)), _others(total, a), like=total) for a, row in enumerate(rows, 2)]
        count = reduce(mul, counts)
    return images.restored(cast(total / count, x.dtype))


@public
def lp_pool(
    x: Any,
    window: Any,
    *,
    p: float = 2,
    stride: Any = None,
    padding: Any = "valid",
    dilation: Any = 1,
    layout: str | None = None,
) -> Node:
    """The p-norm of each window, `sum(abs(x)**p)**(1/p)` with p from 1 on; its derivative at 0 is 0."""
    x, images, fit = _fitted(_floating("lp_pool", x), window, stride, padding, dilation, layout)
    return images.restored(_norm(p, fit.over(x), _last(fit)))


@public
def global_max_pool(x: Any, *, keepdims: bool = False, layout: str | None = None) -> Node:
    """The largest over all spatial axes: `[N,C]`, or with spatial axes of size 1."""
    return _global(as_node(x), reduction.max, keepdims, layout)


@public
def global_avg_pool(x: Any, *, keepdims: bool = False, layout: str | None = None) -> Node:
    """The mean over all spatial axes: `[N,C]`, or with spatial axes of size 1."""
    return _global(as_node(x), reduction.mean, keepdims, layout)


@public
def global_lp_pool(x: Any, *, p: float = 2, keepdims: bool = False, layout: str | None = None) -> Node:
    """The p-norm over all spatial axes: `[N,C]`, or with spatial axes of size 1."""
    return _global(_floating("global_lp_pool", x), partial(_norm, p), keepdims, layout)


@public
def adaptive_max_pool(x: Any, size: Any, *, layout: str | None = None) -> Node:
    """The largest of each of `size` regions: region i of an axis goes from floor(i*n/size) to ceil((i+1)*n/size)."""

    def largest(x: Node, axis: int, count: int) -> Node:
        regions, _ = _regions(x, axis, count, _lowest(x.dtype))
        return reduction.max(regions, axis + 1)

    return _adaptive(as_node(x), size, layout, largest)


@public
def adaptive_avg_pool(x: Any, size: Any, *, layout: str | None = None) -> Node:
    """The mean of each of `size` regions: region i of an axis goes from floor(i*n/size) to ceil((i+1)*n/size)."""

    def mean(x: Node, axis: int, count: int) -> Node:
        regions, lengths = _regions(x, axis, count, 0.0)
        total = sum(regions, axis + 1)
        return total / expand(cast(lengths, x.dtype), _others(total, axis), like=total)

    x = _floating("adaptive_avg_pool", x)
    return cast(_adaptive(cast(x, x.dtype.compute), size, layout, mean), x.dtype)


def _fitted(
    x: Node, window: Any, stride: Any, padding: Any, dilation: Any, layout: str | None
) -> tuple[Node, Layout, Sliding]:
    """Images with channels first, how they were, and the windows over them."""
    images = image_layout(x, layout)
    x = images.leading_first(x)
    sizes = per_axis("window", window, x.ndim - 2)
    stride = sizes if stride is None else stride
    fit = sliding(x.shape[2:], sizes, stride=stride, padding=padding, dilation=dilation)
    for start, size, d in zip(fit.start, sizes, fit.dilation, strict=True):
        if isinstance(start, int) and -start > (size - 1) * d:
            raise ShapeError(f"a window of {size} lies in a padding of {-start} alone")
    return x, images, fit


def _floating(name: str, x: Any) -> Node:
    return cast(x, common_dtype(name, "f", [as_node(x)]))


def _lowest(dtype: DType) -> float:
    """What no element of a dtype is below."""
    if dtype.is_float:
        return float("-inf")
    return 0.0 if dtype.kind == "b" else float(np.iinfo(dtype.numpy).min)


def _last(fit: Sliding) -> Axes:
    """The axes of the windows."""
    rank = len(fit.window)
    return tuple(range(2 + rank, 2 + 2 * rank))


def _others(x: Node, axis: int) -> Axes:
    return tuple(a for a in range(x.ndim) if a != axis)


def _norm(p: float, x: Node, axis: Axes, *, keepdims: bool = False) -> Node:
    """The p-norm over axes."""
    if not isinstance(p, int | float) or not p >= 1:
        raise ShapeError(f"{p!r:.80} is no p of a norm", help="a number from 1 on")
    size = abs(cast(x, x.dtype.compute))
    if p == 1 or p == float("inf"):
        return cast((sum if p == 1 else reduction.max)(size, axis, keepdims=keepdims), x.dtype)
    # In units of the largest, so that no power overflows. The norm does not depend on the unit: nor its derivative.
    top = stop_gradient(reduction.max(size, axis))
    top = where(logical_and(less(0, top), less(top, float("inf"))), top, 1)
    total = sum((size / expand(top, axis, like=size)) ** p, axis)
    norm = cast(where(equal(total, 0), 0, total ** (1 / p)) * top, x.dtype)
    return expand(norm, axis, (1,) * len(axis)) if keepdims else norm


def _global(x: Node, pool: Callable[..., Node], keepdims: bool, layout: str | None) -> Node:
    images = image_layout(x, layout)
    y = pool(images.leading_first(x), tuple(range(2, x.ndim)), keepdims=keepdims)
    return images.restored(y) if keepdims else y


def _adaptive(x: Node, size: Any, layout: str | None, pool: Callable[[Node, int, int], Node]) -> Node:
    """One axis after the other."""
    images = image_layout(x, layout)
    x = images.leading_first(x)
    for axis, count in enumerate(per_axis("size", size, x.ndim - 2), 2):
        if x.shape[axis] == 0:
            raise ShapeError("there are no elements to be pooled")
        x = pool(x, axis, count)
    return images.restored(x)


def _regions(x: Node, axis: int, count: int, outside: float) -> tuple[Node, Node]:
    """Regions of an axis as the axis after it, filled up where they are shorter, and how long each is.

    They are parts of equal length, or else gathered, since they overlap or differ in length.
    """
    n = x.shape[axis]
    width = n // count
    if width * count == n:
        regions = x.reshape((*x.shape[:axis], count, width, *x.shape[axis + 1 :]))
        return regions, expand(extent(width), (0,), (count,))
    first = iota(count) * n // count
    length = ((iota(count) + 1) * n + (count - 1)) // count - first
    width = (n + count - 1) // count + 1
    regions = take(x, minimum(first[:, None] + iota(width), n - 1), axis)
    inside = broadcast_to(iota(width) < length[:, None], (count, width))
    inside = expand(inside, tuple(a for a in range(regions.ndim) if a not in (axis, axis + 1)), like=regions)
    return where(inside, regions, outside), length
