"""Elements that a mask picks. How many there are is known when the function runs, so a size is declared.

    x[gc.nonzero(x > 0, size=10)]

Of more elements than `size` the first ones are taken; fewer are filled up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc import dimension
from graphc.errors import AxisError, ShapeError
from graphc.ir.leaf import full
from graphc.ir.node import Node, public
from graphc.ops.conversion import as_node, cast, one_axis, reshape, sum
from graphc.ops.cumulative import cumulative_sum
from graphc.ops.elementwise import add, floor_divide, remainder
from graphc.ops.indexing.along import take
from graphc.ops.indexing.put import put_at
from graphc.ops.logic import less, where
from graphc.ops.movement import stack
from graphc.ops.position import iota
from graphc.types import TensorType, as_size, bool_, int64


@public
def nonzero(x: Any, *, size: Any, fill_value: Any = 0) -> tuple[Node, ...]:
    """For each axis of `x` the positions of the first `size` elements that are not 0, in row-major order, as int64.

    Where there are fewer, the rest is `fill_value`: one for all axes, or one for each.
    """
    x = as_node(x)
    if not x.ndim:
        raise ShapeError("an array without axes has no positions", help="graphc.reshape(x, 1)")
    fills = tuple(fill_value) if isinstance(fill_value, Sequence) else (fill_value,) * x.ndim
    if len(fills) != x.ndim:
        raise AxisError(f"{len(fills)} values to fill up do not fit {x.ndim} axes")
    places, found = first_places(reshape(cast(x, bool_), -1), as_size(size))
    return tuple(where(found, i, fill) for i, fill in zip(unravel_index(places, x.shape), fills, strict=True))


@public
def flatnonzero(x: Any, *, size: Any, fill_value: Any = 0) -> Node:
    """The positions of the first `size` elements of the flattened array that are not 0, then `fill_value`."""
    (places,) = nonzero(as_node(x).reshape(-1), size=size, fill_value=fill_value)
    return places


@public
def argwhere(x: Any, *, size: Any, fill_value: Any = 0) -> Node:
    """The positions of the first `size` elements that are not 0, one a row: int64[size, ndim]."""
    return stack(nonzero(x, size=size, fill_value=fill_value), -1)


@public
def compress(condition: Any, x: Any, axis: Any = None, *, size: Any, fill_value: Any = 0) -> Node:
    """The first `size` slices of `x` along an axis (of the flattened array if None) where a vector is true.

    Where there are fewer, the rest is `fill_value`.
    """
    condition, x = as_node(condition), as_node(x)
    if axis is None:
        x, axis = x.reshape(-1), 0
    if condition.ndim != 1:
        raise ShapeError(f"the condition has {condition.ndim} axes, not 1")
    a = one_axis(axis, x.ndim)
    if condition.shape[0] != x.shape[a]:
        raise ShapeError(f"the condition has {condition.shape[0]} elements, the axis {x.shape[a]}")
    places, _ = first_places(cast(condition, bool_), as_size(size), missing=x.shape[a])
    return take(x, places, a, mode="fill", fill_value=fill_value)


@public
def extract(condition: Any, x: Any, *, size: Any, fill_value: Any = 0) -> Node:
    """The first `size` elements of `x` where a condition of its shape holds, in row-major order, then `fill_value`."""
    condition, x = as_node(condition), as_node(x)
    if condition.shape != x.shape:
        raise ShapeError("condition and array differ in shape")
    return compress(condition.reshape(-1), x, size=size, fill_value=fill_value)


@public
def unravel_index(indices: Any, shape: Any) -> tuple[Node, ...]:
    """The positions along each axis of an array of a shape, for positions in row-major order that are in bounds."""
    i = cast(as_node(indices), int64)
    positions: list[Node] = []
    for a, n in enumerate(shape):
        below = dimension.product(tuple(shape[a + 1 :]))
        place = floor_divide(i, below) if below != 1 else i
        positions.append(remainder(place, n) if a else place)
    return tuple(positions)


def first_places(mask: Node, size: Any, missing: Any = 0) -> tuple[Node, Node]:
    """The positions in a vector of the first `size` elements that hold, and which of these there are.

    The others are `missing`. Every position goes to the place that its number among those that hold gives.
    """
    (n,) = mask.shape
    numbers = cumulative_sum(mask)
    target = where(mask, numbers - 1, size)
    empty = add(full(0, TensorType(int64, (size,))), missing)
    places = put_at(empty, iota(n), (target,), "set", "drop")
    return places, less(iota(size), sum(mask))
