"""Relatives of the convolution: by channel, with kernels of their own at each place, and windows as columns.

Comes in: images in any layout; goes out: nodes made of `conv`, of windows and of matrix products.
"""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from itertools import product as combinations
from operator import add
from typing import Any

from graphc.dimension import product
from graphc.errors import ShapeError
from graphc.ir.node import Node, make, public
from graphc.ops.contraction import Matmul
from graphc.ops.conversion import Axes, as_node
from graphc.ops.convolution import conv, convolved, promoted_operands
from graphc.ops.movement import Pad, transpose
from graphc.ops.sliding import Sliding, image_layout, per_axis, sliding
from graphc.ops.windows import overlapped
from graphc.types import as_shape


@public
def depthwise_conv(x: Any, w: Any, **options: Any) -> Node:
    """Each channel of `x[N,C,*spatial]` under kernels of its own, `w[C*m,1,*window]`: `[N,C*m,*count]`.

    A `conv` with as many groups as channels, with its options.
    """
    x = as_node(x)
    images = image_layout(x, options.get("layout"))
    return conv(x, w, groups=x.shape[images.letters.index("C")], **options)


@public
def separable_conv(x: Any, depthwise: Any, pointwise: Any, **options: Any) -> Node:
    """A `depthwise_conv`, then channels mixed by kernels of one element, `pointwise[O,C*m,1,…]`."""
    layouts = {name: options[name] for name in ("layout", "kernel_layout") if name in options}
    return conv(depthwise_conv(x, depthwise, **options), pointwise, **layouts)


@public
def locally_connected(
    x: Any, w: Any, *, stride: Any = 1, padding: Any = "valid", dilation: Any = 1, layout: str | None = None
) -> Node:
    """A convolution whose kernels differ from place to place: `w[O,*count,C,*window]` gives `[N,O,*count]`.

    Goodfellow, Bengio and Courville, "Deep Learning", equation 9.9. Raises ShapeError for what does not fit.
    """
    x, w = promoted_operands("locally_connected", x, w)
    images = image_layout(x, layout)
    x = images.leading_first(x)
    rank = x.ndim - 2
    if w.ndim != 2 + 2 * rank or w.shape[1 + rank] != x.shape[1]:
        raise ShapeError(
            f"kernels of {w.ndim} axes do not fit {x.shape[1]} channels and {rank} spatial axes",
            help="their axes are outputs, the place in the result, channels, the place in the window",
        )
    fit = sliding(x.shape[2:], w.shape[2 + rank :], stride=stride, padding=padding, dilation=dilation)
    if fit.count != w.shape[1 : 1 + rank]:
        raise ShapeError(f"there are kernels for {w.shape[1 : 1 + rank]} places, but {fit.count} windows")
    places, weights = product(fit.count), x.shape[1] * product(fit.window)
    seen = transpose(fit.over(x), (*range(2, 2 + rank), 1, *range(2 + rank, 2 + 2 * rank), 0))
    kernels = transpose(w, (*range(1, 1 + rank), 0, *range(1 + rank, w.ndim)))
    y = make(
        Matmul(),
        kernels.reshape((places, w.shape[0], weights)),
        seen.reshape((places, weights, x.shape[0])),
    )
    return images.restored(transpose(y, (2, 1, 0)).reshape((x.shape[0], w.shape[0], *fit.count)))


@public
def tiled_conv(
    x: Any, w: Any, *, stride: Any = 1, padding: Any = "valid", dilation: Any = 1, layout: str | None = None
) -> Node:
    """A convolution that takes turns through kernels: `w[O,C,*window,*tiles]` gives `[N,O,*count]`.

    The kernel at place j is `w[…, j % tiles]`. Goodfellow, Bengio and Courville, "Deep Learning", equation 9.10.
    """
    x, w = promoted_operands("tiled_conv", x, w)
    images = image_layout(x, layout)
    x = images.leading_first(x)
    rank = x.ndim - 2
    if w.ndim != 2 + 2 * rank or w.shape[1] != x.shape[1]:
        raise ShapeError(
            f"kernels of {w.ndim} axes do not fit {x.shape[1]} channels and {rank} spatial axes",
            help="their axes are outputs, channels, the place in the window, and the place in the tile",
        )
    tiles = per_axis("number of tiles", w.shape[2 + rank :], rank)
    fit = sliding(x.shape[2:], w.shape[2 : 2 + rank], stride=stride, padding=padding, dilation=dilation)
    turns = [_turn(x, w[(..., *tile)], fit, tile, tiles) for tile in combinations(*map(range, tiles))]
    return images.restored(reduce(add, [turn for turn in turns if turn is not None]))


@public
def unfold(
    x: Any, window: Any, *, stride: Any = 1, padding: Any = "valid", dilation: Any = 1, layout: str | None = None
) -> Node:
    """The windows of images as columns: `[N, C * elements of a window, number of windows]`; the padding is 0."""
    x = as_node(x)
    x = image_layout(x, layout).leading_first(x)
    rank = x.ndim - 2
    fit = sliding(x.shape[2:], per_axis("window", window, rank), stride=stride, padding=padding, dilation=dilation)
    seen = transpose(fit.over(x), (0, 1, *range(2 + rank, 2 + 2 * rank), *range(2, 2 + rank)))
    return seen.reshape((x.shape[0], x.shape[1] * product(fit.window), product(fit.count)))


@public
def fold(columns: Any, size: Any, window: Any, *, stride: Any = 1, padding: Any = "valid", dilation: Any = 1) -> Node:
    """The adjoint of `unfold`: columns `[N, C * elements of a window, windows]` added up to `[N, C, *size]`."""
    columns = as_node(columns)
    if columns.ndim != 3:
        raise ShapeError(f"{columns.ndim} axes are no columns", help="batch, channels with windows, number of windows")
    size = as_shape(size)
    fit = sliding(size, per_axis("window", window, len(size)), stride=stride, padding=padding, dilation=dilation)
    channels = columns.shape[1] // product(fit.window)
    if channels * product(fit.window) != columns.shape[1] or product(fit.count) != columns.shape[2]:
        raise ShapeError(
            f"{columns.shape[2]} columns of {columns.shape[1]} are not {fit.count} windows of {fit.window} elements"
        )
    rank = len(size)
    seen = columns.reshape((columns.shape[0], channels, *fit.window, *fit.count))
    seen = transpose(seen, (0, 1, *range(2 + rank, 2 + 2 * rank), *range(2, 2 + rank)))
    return overlapped(seen, range(2, 2 + rank), fit.start, size, stride=fit.stride, dilation=fit.dilation)


def _turn(x: Node, w: Node, fit: Sliding, tile: Axes, tiles: Axes) -> Node | None:
    """What the kernel at a place of the tile gives, at the places where it is its turn, and 0 elsewhere."""
    count = tuple((n - t + every - 1) // every for n, t, every in zip(fit.count, tile, tiles, strict=True))
    if any(isinstance(n, int) and n < 1 for n in count):
        return None
    start = tuple(first + t * s for first, t, s in zip(fit.start, tile, fit.stride, strict=True))
    stride = tuple(every * s for every, s in zip(tiles, fit.stride, strict=True))
    y = convolved(x, w, replace(fit, start=start, count=count, stride=stride))
    return make(Pad((0, 0, *tile), (1, 1, *tiles), (*y.shape[:2], *fit.count), 0.0), y)
