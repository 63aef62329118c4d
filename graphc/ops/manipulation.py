"""Arrays in other shapes and orders, by the names of the Array API standard and NumPy.

Comes in: nodes; goes out: nodes made of reshape, transpose, slice, concat and take.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import Any

import numpy as np

from graphc import dimension
from graphc.dimension import Dim
from graphc.errors import AxisError, DTypeError, ShapeError
from graphc.ir.leaf import Constant
from graphc.ir.node import Node, public
from graphc.ops import conversion
from graphc.ops.conversion import as_node, axes, expand, one_axis, ordered_axes, reshape, sum
from graphc.ops.creation import asarray
from graphc.ops.cumulative import cumulative_sum
from graphc.ops.elementwise import minimum
from graphc.ops.indexing import take
from graphc.ops.logic import less_equal
from graphc.ops.movement import concat, flip, slice_axis, transpose
from graphc.ops.position import extent, iota
from graphc.types import as_shape, as_size, int64


@public
def expand_dims(x: Any, axis: Any = 0) -> Node:
    """`x` with new axes of size 1 at the given places of the result."""
    x = as_node(x)
    places = axis if isinstance(axis, Sequence) else (axis,)
    new = axes(tuple(places), x.ndim + len(places))
    return expand(x, new, (1,) * len(new))


@public
def squeeze(x: Any, axis: Any = None) -> Node:
    """`x` without the given axes, which must have size 1; without all known ones if None."""
    x = as_node(x)
    dropped = tuple(a for a, n in enumerate(x.shape) if n == 1) if axis is None else axes(axis, x.ndim)
    for a in dropped:
        if x.shape[a] != 1:
            raise ShapeError(f"axis {a} has size {x.shape[a]}, not 1")
    return conversion.squeeze(x, dropped) if dropped else x


def permute_dims(x: Any, axes: Any) -> Any:
    """`x` with its axes in another order."""
    return transpose(x, axes)


@public
def moveaxis(x: Any, source: Any, destination: Any) -> Any:
    """`x` with axes moved to new places; the others keep their order."""
    x = as_node(x)
    given = [value if isinstance(value, Sequence) else (value,) for value in (source, destination)]
    sources, places = (ordered_axes(value, x.ndim) for value in given)
    if len(sources) != len(places):
        raise AxisError(f"{len(sources)} axes are moved to {len(places)} places")
    order = [a for a in range(x.ndim) if a not in sources]
    for place, axis in sorted(zip(places, sources, strict=True)):
        order.insert(place, axis)
    return transpose(x, tuple(order))


@public
def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """`x` with two axes exchanged."""
    x = as_node(x)
    a, b = one_axis(axis1, x.ndim), one_axis(axis2, x.ndim)
    order = list(range(x.ndim))
    order[a], order[b] = b, a
    return transpose(x, tuple(order))


@public
def ravel(x: Any) -> Any:
    """The elements along one axis, in row-major order."""
    return reshape(x, -1)


@public
def roll(x: Any, shift: Any, axis: Any = None) -> Any:
    """The elements moved along axes by `shift` places, those that leave coming in at the other end.

    Without axes they move in row-major order. Shifts are integers or sizes, one for all axes or one each.
    """
    x = as_node(x)
    if axis is None:
        return reshape(_rolled(reshape(x, -1), _shift(shift), 0), x.shape)
    where_to = _axes_once_or_more(axis, x.ndim)
    shifts = shift if isinstance(shift, Sequence) else (shift,) * len(where_to)
    where_to = where_to * len(shifts) if len(where_to) == 1 else where_to
    if len(shifts) != len(where_to):
        raise AxisError(f"{len(shifts)} shifts do not fit {len(where_to)} axes")
    for amount, a in zip(shifts, where_to, strict=True):
        x = _rolled(x, _shift(amount), a)
    return x


def _axes_once_or_more(axis: Any, ndim: int) -> tuple[int, ...]:
    """Axes counted from the front, in the order given, where one may be named again. Raises AxisError."""
    return tuple(one_axis(a, ndim) for a in (axis if isinstance(axis, Sequence) else (axis,)))


def _shift(shift: Any) -> int | Dim:
    if isinstance(shift, Dim):
        return shift
    try:
        return index(shift)
    except TypeError:
        raise DTypeError(f"{shift!r:.80} is no shift", help="an integer; graphc.take reads anywhere") from None


def _rolled(x: Node, shift: int | Dim, axis: int) -> Node:
    n = x.shape[axis]
    moved = dimension.call("mod", shift, dimension.call("max", n, 1))
    if moved == 0:
        return x
    return concat([slice_axis(x, axis, n - moved, moved), slice_axis(x, axis, 0, n - moved)], axis)


@public
def repeat(x: Any, repeats: Any, axis: Any = None, *, total: Any = None) -> Node:
    """Each element along an axis (in row-major order if None) repeated: as often for all, or as `repeats` says.

    The counts are an integer, or one for each element: known ones, or a node, which needs the `total` that they add
    up to (where they add up to less, the last element fills the rest). Raises ShapeError if they do not fit.
    """
    x = as_node(x)
    x, a = (reshape(x, -1), 0) if axis is None else (x, one_axis(axis, x.ndim))
    if isinstance(repeats, int | np.integer | Dim) and not isinstance(repeats, bool):
        count = as_size(repeats)
        shape = (*x.shape[:a], x.shape[a] * count, *x.shape[a + 1 :])
        return reshape(expand(x, (a + 1,), (count,)), shape)
    counts = asarray(repeats)
    if not counts.dtype.is_integer or counts.ndim > 1:
        raise DTypeError(f"counts are integers along one axis, not {counts.type}")
    counts = conversion.broadcast_to(counts, (x.shape[a],))
    if isinstance(counts.op, Constant):
        known = np.broadcast_to(counts.op.value, counts.shape)  # type: ignore[arg-type]
        if (known < 0).any():
            raise ShapeError("a count is negative")
        return take(x, np.repeat(np.arange(known.size), known), axis=a)
    if total is None:
        raise ShapeError("how often elements repeat is computed, so the size is unknown", help="give total=")
    return take(x, _repeated_positions(counts, as_size(total)), axis=a)


def _repeated_positions(counts: Node, total: Any) -> Any:
    """Which element stands at each place: as many have ended before it as have all their copies to its left."""
    n = counts.shape[0]
    ends = expand(cumulative_sum(counts, dtype=int64), (0,), (total,))
    ended = less_equal(ends, expand(iota(total), (1,), (n,)))
    return minimum(sum(ended, 1), extent(n) - 1)


@public
def tile(x: Any, repetitions: Any) -> Node:
    """Copies of `x` side by side: `repetitions` says how many along each axis, the last ones aligned."""
    x = as_node(x)
    counts = as_shape(repetitions)
    ndim = max(x.ndim, len(counts))
    counts = (1,) * (ndim - len(counts)) + counts
    x = expand(x, tuple(range(ndim - x.ndim)), (1,) * (ndim - x.ndim))
    shape = tuple(count * n for count, n in zip(counts, x.shape, strict=True))
    return reshape(expand(x, tuple(range(0, 2 * ndim, 2)), counts), shape)


@public
def unstack(x: Any, axis: int = 0) -> tuple[Node, ...]:
    """The parts of `x` along an axis, without it. Raises ShapeError if its size is not known."""
    x = as_node(x)
    a = one_axis(axis, x.ndim)
    n = x.shape[a]
    if isinstance(n, Dim):
        raise ShapeError(f"how many parts the axis of size {n} has is known only when the function is called")
    return tuple(conversion.squeeze(slice_axis(x, a, i, 1), (a,)) for i in range(n))


@public
def rot90(x: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    """`x` turned by k right angles in the plane of two axes, from the first towards the second."""
    x = as_node(x)
    a, b = ordered_axes(axes, x.ndim)
    match k % 4:
        case 1:
            return flip(swapaxes(x, a, b), a)
        case 2:
            return flip(x, (a, b))
        case 3:
            return flip(swapaxes(x, a, b), b)
        case _:
            return x
