"""Functions whose results have sizes that depend on data: eagerly the data are known, so the size is found first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import graphc
from graphc.array_api.array import Array
from graphc.array_api.calls import call
from graphc.ops.sets import UniqueAll, UniqueCounts, UniqueInverse


def repeat(x: Array, repeats: Any, /, *, axis: int | None = None) -> Array:
    """Each element along an axis (in row-major order if None) repeated: as often for all, or as `repeats` says."""
    _check(x, "repeat")
    total = None
    if isinstance(repeats, Array):
        n = x.size if axis is None else x.shape[axis]
        total = int(np.broadcast_to(repeats.value, (n,)).sum())
    found: Array = call(graphc.repeat, [x, repeats], {"axis": axis, "total": total}, any_size=False)
    return found


def nonzero(x: Array, /) -> tuple[Array, ...]:
    """For each axis the positions of the elements that are not 0, in row-major order."""
    _check(x, "nonzero")
    size = int(call(graphc.count_nonzero, [x], {}, any_size=True))
    found: tuple[Array, ...] = call(graphc.nonzero, [x], {"size": size}, any_size=False)
    return found


def unique_all(x: Array, /) -> UniqueAll:
    """The different elements in ascending order, where each is first, which each element is, how often each occurs."""
    _check(x, "unique_all")
    values, indices, inverse, counts = call(graphc.unique_all, [x], {"size": x.size}, any_size=False)
    number = int(np.count_nonzero(counts.value))
    first, places, often = (Array(part.value[:number]) for part in (values, indices, counts))
    return UniqueAll._make([first, places, inverse, often])


def unique_counts(x: Array, /) -> UniqueCounts:
    """The different elements in ascending order, and how often each occurs."""
    found = unique_all(x)
    return UniqueCounts(found.values, found.counts)


def unique_inverse(x: Array, /) -> UniqueInverse:
    """The different elements in ascending order, and for each element of `x` which one it is."""
    found = unique_all(x)
    return UniqueInverse(found.values, found.inverse_indices)


def unique_values(x: Array, /) -> Any:
    """The different elements in ascending order."""
    return unique_all(x).values


def _check(x: Any, name: str) -> None:
    if not isinstance(x, Array):
        raise TypeError(f"{name}: {x!r:.80} is no array of graphc.array_api")


FUNCTIONS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (repeat, nonzero, unique_all, unique_counts, unique_inverse, unique_values)
}
