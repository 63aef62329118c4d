"""Reading and writing by index: a mask is known when it is used, so it is the places where it holds."""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np

from graphc.array_api.array import Array
from graphc.array_api.calls import call, with_arrays_for_numbers
from graphc.ir.node import Node
from graphc.ops.conversion import cast, reshape


def read(x: Array, key: Any) -> Array:
    """The elements at an index: integers, slices, None, Ellipsis, arrays of integers, masks."""
    x, key = _without_masks(x, key)
    found: Array = call(_read, [x, key], {}, any_size=False)
    return found


def changed(x: Array, key: Any, new: Any) -> Array:
    """`x` with other elements at an index, in its dtype."""
    value = with_arrays_for_numbers([x, new])[1]
    if not isinstance(value, Array):
        raise TypeError(f"{new!r:.80} is no array of graphc.array_api")
    wide, key = _without_masks(x, key)
    found: Array = call(_changed, [wide, key, value, x.shape], {}, any_size=False)
    return found


def _without_masks(x: Array, key: Any) -> tuple[Array, tuple[Any, ...]]:
    items = tuple(map(_known, key if isinstance(key, tuple) else (key,)))
    if any(isinstance(item, Array) and item.dtype.kind == "b" and not item.ndim for item in items):
        # A mask without axes chooses all or nothing, along an axis of its own.
        x = Array(x.value[None])
        items = tuple(Array(item.value[None]) if isinstance(item, Array) else item for item in items)
    places: list[Any] = []
    for item in items:
        if isinstance(item, Array) and item.dtype.kind == "b":
            places += map(Array, np.nonzero(item.value))
        else:
            places.append(item)
    _check_masks(x, items)
    return x, tuple(places)


def _known(item: Any) -> Any:
    """A slice with integers in the place of arrays."""
    if not isinstance(item, slice):
        return item
    return slice(*(part if part is None else index(part) for part in (item.start, item.stop, item.step)))


def _check_masks(x: Array, items: tuple[Any, ...]) -> None:
    """Raises IndexError for a mask that has not the shape of the axes that it is for."""
    axis = 0
    for item in items:
        if item is Ellipsis:
            break  # the axes after it are checked when they are read
        if isinstance(item, Array) and item.dtype.kind == "b":
            if x.shape[axis : axis + item.ndim] != item.shape:
                raise IndexError(f"a mask of shape {item.shape} for axes of shape {x.shape[axis : axis + item.ndim]}")
            axis += item.ndim
        elif item is not None:
            axis += 1


def _read(x: Node, key: Any) -> Any:
    return x[key]


def _changed(x: Node, key: Any, value: Node, shape: tuple[int, ...]) -> Any:
    return reshape(x.at[key].set(cast(value, x.dtype)), shape)
