"""What users say about sliding windows, made exact: layouts, strides, dilations and paddings.

Comes in: a text such as "NHWC", numbers for all axes or one each, "same" or "valid"; goes out: an order of axes, and
where windows begin, how many there are and how they lie.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import index
from typing import Any

import numpy as np

from graphc import dimension
from graphc.dimension import Dim
from graphc.errors import ShapeError
from graphc.ir.node import Node
from graphc.ops.conversion import Axes
from graphc.ops.movement import transpose
from graphc.ops.windows import windows
from graphc.types import Shape


@dataclass(frozen=True)
class Layout:
    """The axes of an array by letters: two that have a meaning, and the spatial ones, whose order is the user's."""

    letters: str
    leading: str

    @property
    def spatial(self) -> str:
        return "".join(letter for letter in self.letters if letter not in self.leading)

    def leading_first(self, x: Node) -> Node:
        """The array with the leading axes first, in their order, and then the spatial ones."""
        return transpose(x, self._order())

    def restored(self, y: Node) -> Node:
        """An array with the leading axes first in this layout."""
        return transpose(y, tuple(int(a) for a in np.argsort(self._order())))

    def _order(self) -> Axes:
        return tuple(self.letters.index(letter) for letter in self.leading + self.spatial)


def image_layout(x: Node, letters: str | None) -> Layout:
    """The layout of images: N and C, and at least one spatial axis; channels first by default."""
    if x.ndim < 3:
        raise ShapeError(f"{x.ndim} axes are no images", help="batch, channels, and at least one spatial axis")
    return _layout(x, letters or "NC" + default_spatial(x.ndim - 2), "NC")


def kernel_layout(w: Node, letters: str | None, images: Layout, leading: str = "OI") -> Layout:
    """The layout of kernels for images: O and I and the same spatial axes; O and I first by default."""
    layout = _layout(w, letters or leading + images.spatial, leading)
    if layout.spatial != images.spatial:
        raise ShapeError(f"the spatial axes of kernels are {layout.spatial!r}, those of images {images.spatial!r}")
    return layout


def default_spatial(rank: int) -> str:
    """Letters of spatial axes, the last ones as they are usual: D, H, W."""
    return "UVTDHW"[-rank:]


def _layout(x: Node, letters: str, leading: str) -> Layout:
    if not isinstance(letters, str) or len(set(letters)) != len(letters) or not set(leading) <= set(letters):
        raise ShapeError(
            f"{letters!r:.80} is no layout", help=f"one letter for each axis, {' and '.join(leading)} among them"
        )
    if len(letters) != x.ndim:
        raise ShapeError(f"the layout {letters!r} has {len(letters)} axes, the array {x.ndim}")
    return Layout(letters, leading)


@dataclass(frozen=True)
class Sliding:
    """Windows over spatial axes: where the first begins, how many there are, and how they lie.

    `start` is before 0 by the padding in front; the padding behind ends at `stop`.
    """

    start: Shape
    stop: Shape
    count: Shape
    window: Shape
    stride: Axes
    dilation: Axes

    def along(self, a: int) -> Sliding:
        """The windows over one of the axes alone."""
        places = ((self.start[a],), (self.stop[a],), (self.count[a],), (self.window[a],))
        return Sliding(*places, (self.stride[a],), (self.dilation[a],))

    def over(self, x: Node, value: float = 0.0) -> Node:
        """The windows of `x` over the axes after the first two, as new last axes; `value` in the padding."""
        axes = tuple(range(2, 2 + len(self.count)))
        fit = {"stride": self.stride, "dilation": self.dilation}
        return windows(x, axes, self.start, self.count, self.window, **fit, value=value)


def sliding(
    size: Shape, window: Shape, *, stride: Any, padding: Any, dilation: Any, ceil_mode: bool = False
) -> Sliding:
    """The windows over axes of some sizes. Raises ShapeError where none fits.

    With `ceil_mode` a last window may reach beyond the padding, if it begins before the padding behind.
    """
    rank = len(size)
    stride, dilation = per_axis("stride", stride, rank), per_axis("dilation", dilation, rank)
    extents = tuple((k - 1) * d + 1 for k, d in zip(window, dilation, strict=True))
    pairs = padding_pairs(padding, size, extents, stride)
    count = []
    for n, (before, after), extent, s in zip(size, pairs, extents, stride, strict=True):
        room = n + before + after - extent
        found = room // s + 1
        if padding == "same":
            found = (n + s - 1) // s
        elif ceil_mode:
            found = dimension.call("min", (room + s - 1) // s + 1, (n + before + s - 1) // s)
        if isinstance(found, int) and found < 1:
            raise ShapeError(f"a window of {extent} does not fit into {n} with a padding of {before} and {after}")
        count.append(found)
    start = tuple(-before for before, _ in pairs)
    stop = tuple(n + after for n, (_, after) in zip(size, pairs, strict=True))
    return Sliding(start, stop, tuple(count), window, stride, dilation)


def per_axis(name: str, given: Any, rank: int, *, least: int = 1) -> Axes:
    """A whole number for each spatial axis, from one for all or a sequence. Raises ShapeError."""
    values = list(given) if isinstance(given, Sequence) and not isinstance(given, str) else [given] * rank
    try:
        numbers = tuple(index(value) for value in values)
    except TypeError:
        numbers = ()
    if len(numbers) != rank or any(isinstance(v, bool) for v in values) or any(n < least for n in numbers):
        help = f"a whole number from {least} on, or one for each of {rank} spatial axes"
        raise ShapeError(f"{given!r:.80} is no {name}", help=help)
    return numbers


def padding_pairs(padding: Any, size: Shape, extents: Shape, stride: Axes) -> list[tuple[Any, Any]]:
    """How much is added before and after each axis: "valid" is nothing, "same" keeps ceil(size / stride) windows."""
    rank = len(size)
    if isinstance(padding, str):
        if padding not in ("valid", "same"):
            raise ShapeError(f"{padding!r} is no padding", help='"valid", "same", a number, or pairs of numbers')
        total = [same_padding(n, e, s) if padding == "same" else 0 for n, e, s in zip(size, extents, stride)]
        return [(n // 2, n - n // 2) for n in total]
    if isinstance(padding, Sequence) and any(isinstance(pair, Sequence) for pair in padding):
        if len(padding) != rank:
            raise ShapeError(f"{padding!r:.80} is no padding for {rank} spatial axes", help="a pair for each")
        pairs = [per_axis("padding", pair, 2, least=0) for pair in padding]
        return [(before, after) for before, after in pairs]
    return [(n, n) for n in per_axis("padding", padding, rank, least=0)]


def same_padding(n: int | Dim, extent: int | Dim, stride: int) -> int | Dim:
    """What has to be added to an axis so that there are ceil(n / stride) windows."""
    return dimension.call("max", ((n + stride - 1) // stride - 1) * stride + extent - n, 0)
