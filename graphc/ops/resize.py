"""Images of another size: nearest, linear and cubic interpolation along each axis, and pixels out of channels.

Comes in: images `[N,C,*spatial]` in any layout and sizes; goes out: nodes. Along an axis an element of the result is a
weighted sum of a few elements, which are taken where they are; with antialiasing it is one of many, a matrix product.
Places and weights are numbers where sizes are known, and parts of the graph where they have names: NumPy's functions
serve both. The formulas are those of ONNX's operator Resize; cubic weights are those of Keys (1981).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.dimension import Dim
from graphc.errors import ShapeError
from graphc.ir.node import Node, public
from graphc.ops.contraction import matmul
from graphc.ops.conversion import as_node, cast, common_dtype, expand
from graphc.ops.indexing import take
from graphc.ops.movement import transpose
from graphc.ops.position import extent, iota
from graphc.ops.sliding import image_layout, per_axis
from graphc.types import as_shape

COORDINATES = ("half_pixel", "align_corners", "asymmetric")
REACH = {"nearest": 0.5, "linear": 1.0, "cubic": 2.0}  # how far from its place an element still counts
KEYS, KEYS_SMOOTH = -0.75, -0.5  # the slope at 1 of cubic weights: as it is usual, and with antialiasing


@public
def resize(
    x: Any,
    size: Any,
    *,
    method: str = "linear",
    coordinates: str = "half_pixel",
    antialias: bool = False,
    layout: str | None = None,
) -> Node:
    """Images of `size`, by "nearest", "linear" (bilinear, trilinear …) or "cubic" interpolation.

    Element i of an axis lies at (i + 1/2) * n / size - 1/2 ("half_pixel"), at i * (n - 1) / (size - 1)
    ("align_corners"), or at i * n / size ("asymmetric"); outside, the elements at the border are repeated. With
    `antialias` every element counts when an image becomes smaller, weighted by its distance.
    """
    x = as_node(x)
    if method not in REACH or coordinates not in COORDINATES:
        known = ", ".join((*REACH, *COORDINATES))
        raise ShapeError(
            f"{method!r:.40} in coordinates {coordinates!r:.40} is no way to resize", help=f"known: {known}"
        )
    if antialias and (method == "nearest" or coordinates != "half_pixel"):
        raise ShapeError("antialiasing is for linear and cubic interpolation between half pixels")
    x = x if method == "nearest" else cast(x, common_dtype("resize", "f", [x]))
    images = image_layout(x, layout)
    y = images.leading_first(x)
    for axis, (n, count) in enumerate(zip(y.shape[2:], _sizes(size, y.ndim - 2), strict=True), 2):
        if n == 0 or count == 0:
            raise ShapeError("there are no elements to interpolate")
        if antialias and n != count:
            y = _along(y, axis, _weights(method, n, count))
        elif n != count:
            y = _interpolated(y, axis, count, method, coordinates)
    return images.restored(y)


@public
def pixel_shuffle(x: Any, factor: Any, *, layout: str | None = None) -> Node:
    """Channels become pixels: `[N, C*r*r, h, w]` gives `[N, C, h*r, w*r]`, channel c*r*r + i*r + j the pixel (i, j)."""
    images, y, factors, parts = _divided(x, factor, layout)
    rank, channels = len(factors), y.shape[1] // parts
    if channels * parts != y.shape[1]:
        raise ShapeError(f"{y.shape[1]} channels are no multiple of {parts}")
    sizes = y.shape[2:]
    y = y.reshape((y.shape[0], channels, *factors, *sizes))
    y = transpose(y, (0, 1, *(a for i in range(rank) for a in (2 + rank + i, 2 + i))))
    return images.restored(y.reshape((*y.shape[:2], *(n * r for n, r in zip(sizes, factors, strict=True)))))


@public
def pixel_unshuffle(x: Any, factor: Any, *, layout: str | None = None) -> Node:
    """Pixels become channels: the inverse of `pixel_shuffle`."""
    images, y, factors, parts = _divided(x, factor, layout)
    rank, channels = len(factors), y.shape[1]
    sizes = tuple(n // r for n, r in zip(y.shape[2:], factors, strict=True))
    if any(n * r != whole for n, r, whole in zip(sizes, factors, y.shape[2:], strict=True)):
        raise ShapeError(f"sizes {y.shape[2:]} are no multiples of {factors}")
    y = y.reshape((y.shape[0], channels, *(m for pair in zip(sizes, factors, strict=True) for m in pair)))
    y = transpose(y, (0, 1, *range(3, 3 + 2 * rank, 2), *range(2, 2 + 2 * rank, 2)))
    return images.restored(y.reshape((y.shape[0], channels * parts, *sizes)))


def _divided(x: Any, factor: Any, layout: str | None) -> Any:
    """The layout, images with channels first, the factor of each axis and how many pixels they make of one."""
    x = as_node(x)
    images = image_layout(x, layout)
    factors = per_axis("factor", factor, x.ndim - 2)
    return images, images.leading_first(x), factors, int(np.prod(factors))


def _sizes(size: Any, rank: int) -> Any:
    sizes = as_shape(size)
    sizes = sizes * rank if len(sizes) == 1 else sizes
    if len(sizes) != rank:
        raise ShapeError(f"{len(sizes)} sizes do not fit {rank} spatial axes")
    return sizes


def _interpolated(x: Node, axis: int, count: Any, method: str, coordinates: str) -> Node:
    """A weighted sum of one, two or four neighbours."""
    n = x.shape[axis]
    place = _places(n, count, coordinates)
    if method == "nearest":
        # Half-way between two, the later one counts; but where corners meet corners the place is rounded.
        first = np.floor(place + (0.0 if coordinates == "asymmetric" else 0.5))
        return _taken(x, axis, first, n)
    place = np.maximum(place, 0.0) if method == "linear" else place
    first = np.floor(place)
    part = place - first
    steps = (0, 1) if method == "linear" else (-1, 0, 1, 2)
    dtype, total = x.dtype, None
    x = cast(x, dtype.compute)
    for step in steps:
        weight = cast(as_node(_kernel(method, part - step, KEYS)), x.dtype)
        term = _taken(x, axis, first + step, n)
        term = term * expand(weight, tuple(a for a in range(x.ndim) if a != axis), like=term)
        total = term if total is None else total + term
    return cast(total, dtype)


def _places(n: Any, count: Any, coordinates: str) -> Any:
    """Where the elements of the result lie between those of the operand, in float64."""
    i, size = _positions(count), _number(count)
    match coordinates:
        case "half_pixel":
            return (i + 0.5) * _number(n) / size - 0.5
        case "align_corners":
            return i * _number(n - 1) / np.maximum(size - 1, 1.0)
    return i * _number(n) / size


def _taken(x: Node, axis: int, place: Any, n: Any) -> Node:
    inside = np.minimum(np.maximum(place, 0.0), _number(n) - 1)
    return take(x, cast(as_node(inside), "int64"), axis)


def _weights(method: str, n: Any, count: Any) -> Node:
    """The matrix of an antialiased axis: weights by distance in units of the coarser grid; a row adds up to 1."""
    scale = np.maximum(_number(n) / _number(count), 1.0)
    place = (_positions(count) + 0.5) * _number(n) / _number(count) - 0.5
    distance = (_positions(n)[None, :] - place[:, None]) / scale
    weight = _kernel(method, distance, KEYS_SMOOTH)
    return as_node(weight / weight.sum(axis=1, keepdims=True))


def _kernel(method: str, distance: Any, slope: float) -> Any:
    """The weight of an element at a distance, in float64."""
    x = np.abs(distance)
    if method == "linear":
        return np.maximum(1.0 - x, 0.0)
    near = ((slope + 2) * x - (slope + 3)) * x * x + 1
    far = ((slope * x - 5 * slope) * x + 8 * slope) * x - 4 * slope
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))


def _along(x: Node, axis: int, weights: Node) -> Node:
    """A matrix times each row along an axis."""
    weights = cast(weights, x.dtype)
    if axis == x.ndim - 1:
        return matmul(x, weights.mT)
    rest = x.reshape((*x.shape[: axis + 1], -1)) if axis < x.ndim - 2 else x
    return matmul(weights, rest).reshape((*x.shape[:axis], weights.shape[0], *x.shape[axis + 1 :]))


def _positions(count: Any) -> Any:
    return np.arange(count, dtype=np.float64) if isinstance(count, int) else iota(count, "float64")


def _number(n: int | Dim) -> Any:
    return float(n) if isinstance(n, int) else extent(n, "float64")
