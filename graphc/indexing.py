"""NumPy's indexing on symbolic arrays: `x[index]`, and `x.at[index]`, which gives changed copies.

Comes in: integers, slices, None, Ellipsis, arrays of integers, masks; goes out: a `Selection`, which reads the
elements and puts others in their place. Ranges become `slice` and `pad`, arrays `take`, `gather` and `put`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphc.dimension import Dim
from graphc.errors import AxisError, DTypeError, IndexOutOfBounds, ShapeError
from graphc.ir.leaf import Constant, as_array, constant_array, full, without_loss
from graphc.ir.node import Node, make, public
from graphc.ops import elementwise, indexing
from graphc.ops.conversion import as_node, broadcast_shapes, broadcast_to, cast, expand, squeeze
from graphc.ops.indexing.bounds import CHANGING, READING, check_constant, check_mode, default_fill, fitted, with_spare
from graphc.ops.indexing.put import Gather, put_at
from graphc.ops.logic import where
from graphc.ops.movement import Pad, clamp_range, slice_node, transpose
from graphc.types import DType, bool_

Range = tuple[Any, Any, int]
Combine = Callable[[Any, Any], Any]
_RANK = {"b": 0, "u": 1, "i": 1, "f": 2}  # of the kinds of dtypes: what goes into what


@dataclass(frozen=True, eq=False)
class Selection:
    """What an index picks out of `x`: ranges of its axes first, then in what they leave the places of arrays."""

    x: Node
    ranges: dict[int, Range]
    dropped: tuple[int, ...]  # axes of `x` of which one position is picked
    axes: tuple[int, ...]  # of what the ranges leave: those that arrays are for
    arrays: tuple[Node, ...]  # of integers and of one shape; or a single mask
    shown: tuple[int, ...]  # the axes of `x` that arrays are for
    front: int  # how many other axes of the result come before those of the arrays
    new: tuple[int, ...]  # axes of the result that `None` puts in

    @property
    def mask(self) -> Node | None:
        """The mask that stands for elements whose number is not known."""
        return self.arrays[0] if self.arrays and self.arrays[0].dtype is bool_ else None

    def view(self) -> Node:
        """What the ranges leave."""
        y = slice_node(self.x, self.ranges)
        return squeeze(y, self.dropped) if self.dropped else y

    def read(self, mode: str = "error", fill_value: Any = None) -> Any:
        """The elements. `mode` says what an index out of bounds does."""
        check_mode(mode, *READING)
        y = self.view()
        if self.arrays:
            y = _moved(self._gathered(y, mode, fill_value), 0, self.front, self.arrays[0].ndim)
        return expand(y, self.new, (1,) * len(self.new)) if self.new else y

    def _gathered(self, y: Node, mode: str, fill_value: Any) -> Node:
        """The elements at the places of the arrays, whose axes come first."""
        sizes = [y.shape[a] for a in self.axes]
        if mode == "error":
            for n, a, i in zip(sizes, self.shown, self.arrays, strict=True):
                check_constant(n, a, i)
        elif mode == "fill":
            y = with_spare(y, self.axes, default_fill(y) if fill_value is None else fill_value)
        places = [fitted(i, n, mode) for n, i in zip(sizes, self.arrays, strict=True)]
        if len(places) == 1:
            return _moved(make(indexing.Take(self.axes[0]), y, places[0]), self.axes[0], 0, places[0].ndim)
        return make(Gather(0), transpose(y, self._indexed_first(y)), *places)

    def write(self, values: Any, how: str, mode: str, combine: Combine) -> Any:
        """`x` with values at the places of the elements, `combine`d with what is there."""
        check_mode(mode, *CHANGING)
        y = self.view()
        values = _converted(values, self.x.dtype)
        if self.mask is not None:
            inside = self._spread_mask(y)
            return self._embedded(where(inside, combine(y, broadcast_to(values, y.shape)), y))
        values = self._arranged(values)
        if not self.arrays:
            return self._embedded(combine(y, values))
        first = self._indexed_first(y)
        back = tuple(first.index(a) for a in range(y.ndim))
        changed = put_at(transpose(y, first), values, self.arrays, how, mode, shown=self.shown)
        return self._embedded(transpose(changed, back))

    def _indexed_first(self, y: Node) -> tuple[int, ...]:
        return *self.axes, *(a for a in range(y.ndim) if a not in self.axes)

    def _spread_mask(self, y: Node) -> Node:
        """The mask, for every element of what the ranges leave."""
        assert self.mask is not None
        others = tuple(a for a in range(y.ndim) if a not in self.axes)
        return expand(self.mask, others, tuple(y.shape[a] for a in others))

    def _arranged(self, values: Node) -> Node:
        """Values of the shape of the result, as `_gathered` would give them."""
        rest = [n for a, n in enumerate(self.view().shape) if a not in self.axes]
        own = self.arrays[0].shape if self.arrays else ()
        shape: list[Any] = [*rest[: self.front], *own, *rest[self.front :]]
        for a in self.new:
            shape.insert(a, 1)
        values = broadcast_to(values, tuple(shape))
        values = squeeze(values, self.new) if self.new else values
        return _moved(values, self.front, 0, len(own))

    def _embedded(self, y: Node) -> Node:
        """`x` with other elements where the ranges are."""
        if self.view() is self.x:
            return y
        y = expand(y, self.dropped, (1,) * len(self.dropped)) if self.dropped else y
        start, _, step = zip(*(self.ranges.get(a, (0, n, 1)) for a, n in enumerate(self.x.shape)), strict=True)
        inside = make(Pad(start, step, self.x.shape, 0.0), full(True, y.type.with_dtype(bool_)))
        return where(inside, make(Pad(start, step, self.x.shape, 0.0), y), self.x)


def select(x: Node, index: Any, *, masks: bool = False) -> Selection:
    """What an index means for `x`. With `masks`, one mask may stand among slices and integers.

    Raises IndexOutOfBounds, AxisError, DTypeError or ShapeError for what does not fit.
    """
    items = _expanded_ellipsis(x, _items(index, masks))
    ranges: dict[int, Range] = {}
    dropped: list[int] = []
    layout: list[int | None] = []  # the axes of the result that are axes of x, or None for a new one
    arrays: list[tuple[int, Node]] = []
    place: int | None = None  # of the axes of the arrays in the layout
    together = any(isinstance(item, Node) for item in items) and not _is_interrupted(items)
    axis = 0
    for item in items:
        if together and place is None and (_is_integer(item) or isinstance(item, Node)):
            place = len(layout)
        if item is None:
            layout.append(None)
        elif isinstance(item, slice):
            ranges[axis] = _range(item, x.shape[axis])
            layout.append(axis)
        elif _is_integer(item):
            ranges[axis] = (_position(x, axis, item), 1, 1)
            dropped.append(axis)
        elif isinstance(item, Node):
            arrays += _places(x, axis, item)
        axis += _axes_of(item)
    return _selection(x, ranges, tuple(dropped), arrays, layout, place or 0)


def _selection(
    x: Node,
    ranges: dict[int, Range],
    dropped: tuple[int, ...],
    arrays: list[tuple[int, Node]],
    layout: list[int | None],
    place: int,
) -> Selection:
    """The parts put together: arrays are broadcast, and axes counted where they are needed."""
    indices = [array for _, array in arrays]
    has_mask = any(array.dtype is bool_ for array in indices)
    if has_mask and len(indices) > 1:
        raise DTypeError("a mask stands beside another array", help="use graphc.nonzero(mask, size=...)")
    shape = broadcast_shapes(*indices) if indices else ()
    extra = 0 if has_mask else len(shape)
    new = tuple(i + (extra if i >= place else 0) for i, a in enumerate(layout) if a is None)
    front = len([a for a in layout[:place] if a is not None])
    axes = [axis + k for axis, array in arrays for k in range(_axes_of(array))]
    left = tuple(a - len([d for d in dropped if d < a]) for a in axes)
    same = tuple(broadcast_to(i, shape) for i in indices)
    return Selection(x, ranges, dropped, left, same, tuple(axes), front, new)


@public
def getitem(x: Node, index: Any) -> Any:
    """NumPy's indexing: integers, slices, None, Ellipsis, arrays of integers, and known arrays of bool.

    Raises IndexOutOfBounds, AxisError, DTypeError or ShapeError for what does not fit.
    """
    return select(x, index).read()


@dataclass(frozen=True, eq=False)
class At:
    """`x.at`: elements to change, in a copy. `x.at[1:3].set(0)` is `x` but for two elements."""

    x: Node

    def __getitem__(self, index: Any) -> Place:
        return Place(self.x, index)


@dataclass(frozen=True, eq=False)
class Place:
    """Elements of `x` at an index. Each method gives a new array; `x` stays what it is.

    Where an array of indices names an element several times, `add`, `multiply` … take all its values in row-major
    order of the indices, and of those that are `set` the last one stays. `mode` says what an index out of bounds
    in an array does: "error" makes the call raise IndexOutOfBounds, "clip" limits it to [0, n-1], "wrap" takes it
    modulo n, "fill" (in `get`) gives `fill_value`, "drop" (elsewhere) leaves it out.
    """

    x: Node
    index: Any

    @public
    def get(self, *, mode: str = "error", fill_value: Any = None) -> Any:
        """The elements. `fill_value` is NaN, or 0 for integers, if None."""
        return select(self.x, self.index).read(mode, fill_value)

    @public
    def set(self, values: Any, *, mode: str = "error") -> Any:
        """Values in the place of the elements; of several for one element the last stays."""
        return self._changed(values, "set", mode, lambda x, v: v)

    @public
    def add(self, values: Any, *, mode: str = "error") -> Any:
        """Values added to the elements."""
        return self._changed(values, "add", mode, elementwise.add)

    @public
    def subtract(self, values: Any, *, mode: str = "error") -> Any:
        """Values subtracted from the elements."""
        values = _converted(values, self.x.dtype)
        return self._changed(elementwise.negative(values), "add", mode, elementwise.add)

    @public
    def multiply(self, values: Any, *, mode: str = "error") -> Any:
        """The elements multiplied by values."""
        return self._changed(values, "multiply", mode, elementwise.multiply)

    @public
    def divide(self, values: Any, *, mode: str = "error") -> Any:
        """The elements, which are floats, divided by values."""
        if not self.x.dtype.is_float:
            raise DTypeError(f"{self.x.dtype.name} has no quotients", help="cast to a float first")
        return elementwise.divide(self.x, self._factors(values, mode))

    @public
    def power(self, values: Any, *, mode: str = "error") -> Any:
        """The elements to the power of values."""
        return elementwise.power(self.x, self._factors(values, mode))

    @public
    def max(self, values: Any, *, mode: str = "error") -> Any:
        """The larger ones of elements and values."""
        return self._changed(values, "max", mode, elementwise.maximum)

    @public
    def min(self, values: Any, *, mode: str = "error") -> Any:
        """The smaller ones of elements and values."""
        return self._changed(values, "min", mode, elementwise.minimum)

    @public
    def apply(self, function: Callable[[Any], Any], *, mode: str = "error") -> Any:
        """A function of the elements in their place: once for each, also where it is named several times."""
        selection = select(self.x, self.index, masks=True)
        if selection.mask is not None:
            return selection.write(function(selection.view()), "set", mode, lambda x, v: v)
        readable = {"drop": "fill"}.get(mode, mode)
        return selection.write(function(selection.read(readable, 0)), "set", mode, lambda x, v: v)

    def _changed(self, values: Any, how: str, mode: str, combine: Combine) -> Any:
        return select(self.x, self.index, masks=True).write(values, how, mode, combine)

    def _factors(self, values: Any, mode: str) -> Any:
        """The product of the values for each element, 1 for the others."""
        ones = full(1, self.x.type)
        return select(ones, self.index, masks=True).write(values, "multiply", mode, elementwise.multiply)


def at(x: Node) -> At:
    """The places of `x`, to be changed in a copy."""
    return At(x)


# --- the parts of an index ---


def _items(index: Any, masks: bool) -> list[Any]:
    """The parts of an index, with every array as a node."""
    return [
        item
        if item is None or item is Ellipsis or isinstance(item, slice) or _is_integer(item)
        else _array(item, masks)
        for item in (index if isinstance(index, tuple) else (index,))
    ]


def _array(item: Any, masks: bool) -> Node:
    if not isinstance(item, Node | np.ndarray | list):
        raise DTypeError(f"{item!r:.80} is no index", help="an integer, slice, None, ... or array")
    node = as_node(np.zeros(0, np.int64) if isinstance(item, list) and not item else item)
    if node.dtype is bool_:
        if not node.ndim or not (masks or isinstance(node.op, Constant)):
            raise DTypeError(
                "a mask has a result of unknown size",
                help="x[graphc.nonzero(mask, size=n)] declares it, x.at[mask] changes, graphc.where chooses",
            )
    elif not node.dtype.is_integer:
        raise DTypeError(f"indices are integers, not {node.dtype.name}", help="cast them")
    return node


def _places(x: Node, axis: int, item: Node) -> list[tuple[int, Node]]:
    """The axes that an array is for, with indices: a known mask is the places where it holds."""
    if item.dtype is not bool_:
        return [(axis, item)]
    if x.shape[axis : axis + item.ndim] != item.shape:
        raise ShapeError("a mask has another shape than the axes that it is for")
    if not isinstance(item.op, Constant):
        return [(axis, item)]
    held = np.nonzero(np.broadcast_to(item.op.value, [int(n) for n in item.shape]))
    return [(axis + k, as_node(indices)) for k, indices in enumerate(held)]


def _converted(values: Any, dtype: DType) -> Node:
    """Values as elements of a dtype. Raises DTypeError for floats among integers, and for what it cannot hold."""
    if not isinstance(values, Node | Dim):
        return constant_array(without_loss(as_array(values), dtype))
    values = as_node(values)
    if _RANK[values.dtype.kind] > _RANK[dtype.kind]:
        raise DTypeError(f"{values.dtype.name} does not go into {dtype.name}", help="cast one of them")
    return cast(values, dtype)


def _range(item: slice, n: Any) -> Range:
    if any(isinstance(part, Node) for part in (item.start, item.stop, item.step)):
        raise DTypeError(
            "a slice with a calculated end has an unknown size",
            help="x[start + graphc.iota(size)] takes a known number of elements",
        )
    return clamp_range(item, n)


def _axes_of(item: Any) -> int:
    """How many axes of the array a part of an index takes."""
    if item is None or item is Ellipsis:
        return 0
    return item.ndim if isinstance(item, Node) and item.dtype is bool_ else 1


def _is_interrupted(items: list[Any]) -> bool:
    """Whether a slice, None or `...` stands between an array and another array or integer."""
    advanced = [i for i, item in enumerate(items) if _is_integer(item) or isinstance(item, Node)]
    return advanced[-1] - advanced[0] >= len(advanced)


def _expanded_ellipsis(x: Node, items: list[Any]) -> list[Any]:
    used = sum(map(_axes_of, items))
    if used > x.ndim:
        raise AxisError(f"{used} indices for {x.ndim} axes")
    dots = [i for i, item in enumerate(items) if item is Ellipsis]
    if len(dots) > 1:
        raise AxisError("an index has more than one '...'")
    whole = [slice(None)] * (x.ndim - used)
    place = dots[0] + 1 if dots else len(items)
    return [*items[:place], *whole, *items[place:]]


def _is_integer(item: Any) -> bool:
    return isinstance(item, int | np.integer | Dim) and not isinstance(item, bool)


def _position(x: Node, axis: int, item: Any) -> Any:
    n = x.shape[axis]
    index = item if isinstance(item, Dim) else int(item)
    if isinstance(index, int) and isinstance(n, int) and not -n <= index < n:
        raise IndexOutOfBounds(f"index {index} is out of bounds for axis {axis} of size {n}")
    return index + n if isinstance(index, int) and index < 0 else index


def _moved(y: Node, start: int, to: int, count: int) -> Any:
    """`y` with `count` axes from `start` on moved such that they begin at `to`."""
    block = range(start, start + count)
    rest = [a for a in range(y.ndim) if a not in block]
    return transpose(y, (*rest[:to], *block, *rest[to:]))
