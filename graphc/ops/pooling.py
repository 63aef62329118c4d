"""Pooling: a reduction over the windows of images, over all of their elements, or over a given number of regions.

Comes in: images `[N,C,*spatial]` in any layout; goes out: nodes made of windows and reductions. At ties the derivative
of `max_pool` is shared equally, as that of `max`; the padding takes no part in a maximum, nor in a p-norm.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
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
    x: Any,
    window: Any,
    *,
    stride: Any = None,
    padding: Any = "valid",
    dilation: Any = 1,
    ceil_mode: bool = False,
    layout: str | None = None,
) -> Node:
    """The largest of each window; NaN if any element is NaN. `stride` is the window unless given.

    `padding` is as for `conv`. With `ceil_mode` a last window may reach beyond it.
    """
    options = {"stride": stride, "padding": padding, "dilation": dilation, "ceil_mode": ceil_mode}
    x, images, fit = _fitted(as_node(x), window, layout, options)
    return images.restored(reduction.max(fit.over(x, _lowest(x.dtype)), _last(fit)))


@public
def avg_pool(
    x: Any,
    window: Any,
    *,
    stride: Any = None,
    padding: Any = "valid",
    dilation: Any = 1,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    layout: str | None = None,
) -> Node:
    """The mean of each window, with options as for `max_pool`.

    The zeros of the padding count unless `count_include_pad` is False; what is beyond it never does.
    """
    x = _floating("avg_pool", x)
    options = {"stride": stride, "padding": padding, "dilation": dilation, "ceil_mode": ceil_mode}
    wide, images, fit = _fitted(cast(x, x.dtype.compute), window, layout, options)
    total = sum(fit.over(wide), _last(fit))
    if count_include_pad and not ceil_mode:
        return images.restored(cast(total / full(product(fit.window), total.type), x.dtype))
    count = full(1, total.type)
    for axis, n in enumerate(wide.shape[2:], 2):
        row = fit.along(axis - 2)
        if count_include_pad:
            n, row = row.stop[0] - row.start[0], replace(row, start=(0,))
        seen = sum(row.over(full(1, wide.type.with_shape((1, 1, n)))), 3).reshape((-1,))
        count = count * expand(seen, _others(total, axis), like=total)
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
    ceil_mode: bool = False,
    layout: str | None = None,
) -> Node:
    """The p-norm of each window, `sum(abs(x)**p)**(1/p)` with p from 1 on, with options as for `max_pool`.

    Its derivative is 0 where all of a window are 0.
    """
    options = {"stride": stride, "padding": padding, "dilation": dilation, "ceil_mode": ceil_mode}
    x, images, fit = _fitted(_floating("lp_pool", x), window, layout, options)
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


def _fitted(x: Node, window: Any, layout: str | None, options: dict[str, Any]) -> tuple[Node, Layout, Sliding]:
    """Images with channels first, how they were, and the windows over them."""
    images = image_layout(x, layout)
    x = images.leading_first(x)
    sizes = per_axis("window", window, x.ndim - 2)
    if options["stride"] is None:
        options = options | {"stride": sizes}
    fit = sliding(x.shape[2:], sizes, **options)
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
