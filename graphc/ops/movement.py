"""Ops that move elements: transpose, slice, pad, concat and what is made of them. Each derivative is another one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import index
from typing import Any

import numpy as np

from graphc import dimension
from graphc.dimension import Dim
from graphc.errors import AxisError, DTypeError, IndexOutOfBounds, ShapeError
from graphc.ir.leaf import as_array, full, uniform_value, without_loss
from graphc.ir.node import Node, make, public
from graphc.ir.op import Cotangents, Op
from graphc.ir.scalars import Scalars, Value
from graphc.ir.term import Application, Term
from graphc.ops.conversion import (
    Axes,
    as_node,
    axes,
    broadcast_shapes,
    broadcast_to,
    cast,
    expand,
    one_axis,
    ordered_axes,
    promoted,
)
from graphc.types import Shape, TensorType, as_shape


class Transpose(Op):
    """Axes in another order: axis i of the result is axis `axes[i]` of the operand."""

    axes: Axes
    arity = 1
    moves = True

    def infer(self, x: TensorType) -> TensorType:
        if sorted(self.axes) != list(range(x.ndim)):
            raise AxisError(f"{self.axes} is no order of {x.ndim} axes")
        return x.with_shape(tuple(x.shape[a] for a in self.axes))

    def evaluate(self, s: Scalars, x: Value) -> Value:
        return np.transpose(x, self.axes)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (transpose(g, tuple(int(a) for a in np.argsort(self.axes))),)


class Slice(Op):
    """Every `step`-th element from `start`, `size` of them, along each axis; steps may be negative."""

    start: Shape
    size: Shape
    step: Axes
    arity = 1
    moves = True

    def infer(self, x: TensorType) -> TensorType:
        if not len(self.start) == len(self.size) == len(self.step) == x.ndim:
            raise AxisError(f"{len(self.start)} ranges do not fit {x.ndim} axes")
        for first, size, step, n in zip(self.start, self.size, self.step, x.shape, strict=True):
            last = first + (size - 1) * step
            known = [v for v in (first, last) if isinstance(v, int) and size != 0]
            if step == 0 or any(v < 0 or (isinstance(n, int) and v >= n) for v in known):
                if size == 1:
                    raise IndexOutOfBounds(f"position {first} is out of bounds for an axis of size {n}")
                raise ShapeError(f"the range {first}, {first}+{step} … of {size} leaves an axis of size {n}")
        return x.with_shape(self.size)

    def evaluate(self, s: Scalars, x: Value) -> Value:
        ranges: Any = zip(self.start, self.size, self.step, strict=True)
        for a, (start, size, step) in enumerate(ranges):
            x = np.take(x, start + step * np.arange(size, dtype=np.int64), axis=a)
        return x

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (make(Pad(self.start, self.step, x.shape, 0.0), g),)


class Pad(Op):
    """An array of `shape` filled with `value`, but for the operand's elements at `start + step*i` along each axis."""

    start: Shape
    step: Axes
    shape: Shape
    value: float
    arity = 1

    def infer(self, x: TensorType) -> TensorType:
        if not len(self.start) == len(self.shape) == len(self.step) == x.ndim:
            raise AxisError(f"{len(self.start)} places do not fit {x.ndim} axes")
        Slice(self.start, x.shape, self.step).infer(x.with_shape(self.shape))
        return x.with_shape(self.shape)

    def evaluate(self, s: Scalars, x: Value) -> Value:
        shape: Any = self.shape
        out = np.full(shape, self.value, dtype=x.dtype)
        places = zip(self.start, x.shape, self.step, strict=True)
        out[np.ix_(*(start + step * np.arange(n) for start, n, step in places))] = x
        return out

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (make(Slice(self.start, x.shape, self.step), g),)


class Concat(Op):
    """Operands one after another along an axis."""

    axis: int
    arity = None

    def infer(self, *xs: TensorType) -> TensorType:
        first = xs[0]
        if not 0 <= self.axis < first.ndim:
            raise AxisError(f"axis {self.axis} is out of range for {first.ndim} axes")
        for x in xs:
            if x.dtype is not first.dtype:
                raise DTypeError("dtypes differ", help="cast one operand")
            others = [n for a, n in enumerate(x.shape) if a != self.axis]
            if others != [n for a, n in enumerate(first.shape) if a != self.axis]:
                raise ShapeError(f"shapes differ in another axis than {self.axis}")
        total: Any = 0
        for x in xs:
            total = total + x.shape[self.axis]
        return first.with_shape((*first.shape[: self.axis], total, *first.shape[self.axis + 1 :]))

    def evaluate(self, s: Scalars, *xs: Value) -> Value:
        return np.concatenate(xs, axis=self.axis)

    def vjp(self, g: Node, y: Node, *xs: Node) -> Cotangents:
        parts = []
        start: Any = 0
        for x in xs:
            stop = start + x.shape[self.axis]
            parts.append(slice_axis(g, self.axis, start, x.shape[self.axis]))
            start = stop
        return parts


@public
def transpose(x: Any, axes: Any = None) -> Any:
    """`x` with its axes in another order (reversed if None); axes may count from the end."""
    if isinstance(x, Term):
        return Application(Transpose, (x,), {"axes": axes})
    x = as_node(x)
    order = tuple(reversed(range(x.ndim))) if axes is None else ordered_axes(axes, x.ndim)
    if order == tuple(range(x.ndim)):
        return x
    if uniform_value(x) is not None:
        return full(uniform_value(x), Transpose(order).infer(x.type))
    if isinstance(x.op, Transpose):
        return transpose(x.args[0], tuple(x.op.axes[a] for a in order))
    return make(Transpose(order), x)


def slice_axis(x: Node, axis: int, start: Any, size: Any, step: int = 1) -> Node:
    """`size` elements along one axis, from `start` in steps."""
    return slice_node(x, {axis: (start, size, step)})


def slice_node(x: Node, ranges: dict[int, tuple[Any, Any, int]]) -> Node:
    """Elements in ranges `(start, size, step)` along the given axes; the other axes stay whole."""
    whole = [(0, n, 1) for n in x.shape]
    picked = [ranges.get(a, whole[a]) for a in range(x.ndim)]
    if picked == whole:
        return x
    start, size, step = zip(*picked, strict=True)
    if uniform_value(x) is not None:
        return full(uniform_value(x), Slice(start, size, step).infer(x.type))
    return make(Slice(start, size, step), x)


@public
def flip(x: Any, axis: Any = None) -> Node:
    """The elements in reverse order along axes (all if None)."""
    x = as_node(x)
    return slice_node(x, {a: (x.shape[a] - 1, x.shape[a], -1) for a in axes(axis, x.ndim)})


@public
def pad(x: Any, widths: Any, *, value: float = 0.0) -> Node:
    """`x` with `(before, after)` elements of `value` added to each axis; one pair or number serves all axes."""
    x = as_node(x)
    given = pad_widths(x, widths)
    shape = tuple(before + n + after for (before, after), n in zip(given, x.shape, strict=True))
    if shape == x.shape:
        return x
    filler = without_loss(as_array(value), x.dtype)
    if filler.ndim or (x.dtype.is_integer and int(float(filler)) != int(filler)):
        raise DTypeError(f"{value!r:.80} cannot fill a pad", help="a number, of at most 53 bits")
    return make(Pad(tuple(before for before, _ in given), (1,) * x.ndim, shape, float(filler)), x)


def pad_widths(x: Node, widths: Any) -> list[tuple[int, int]]:
    """`(before, after)` for each axis. Raises ShapeError."""
    try:
        given = np.broadcast_to(np.asarray(widths), (x.ndim, 2)).tolist()
    except ValueError:
        given = [[None]]
    if any(type(n) is not int or n < 0 for pair in given for n in pair):
        raise ShapeError(f"{widths!r:.80} are no widths", help="a non-negative integer, or a pair for each axis")
    return [(before, after) for before, after in given]


@public
def concat(arrays: Sequence[Any], axis: Any = 0) -> Node:
    """Arrays one after another along an axis; None flattens them first."""
    nodes = _listed(arrays)
    if axis is None:
        nodes, axis = [x.reshape(-1) for x in nodes], 0
    dtype = promoted(*(x.dtype for x in nodes))
    a = one_axis(axis, nodes[0].ndim)
    return make(Concat(a), *(cast(x, dtype) for x in nodes)) if len(nodes) > 1 else nodes[0]


@public
def stack(arrays: Sequence[Any], axis: int = 0) -> Node:
    """Arrays of one shape along a new axis."""
    nodes = _listed(arrays)
    if any(x.shape != nodes[0].shape for x in nodes):
        raise ShapeError("shapes differ")
    a = one_axis(axis, nodes[0].ndim + 1)
    return concat([expand(x, (a,), (1,)) for x in nodes], a)


@public
def broadcast_arrays(*arrays: Any) -> list[Node]:
    """Arrays repeated to their common shape."""
    nodes = _listed(arrays)
    shape = broadcast_shapes(*nodes)
    return [broadcast_to(x, shape) for x in nodes]


def _listed(arrays: Any) -> list[Node]:
    if isinstance(arrays, Node) or not isinstance(arrays, Iterable):
        raise ShapeError(f"{arrays!r:.80} is no list of arrays", help="write [x, y]")
    nodes = [as_node(x) for x in arrays]
    if not nodes:
        raise ShapeError("no arrays")
    return nodes


def clamp_range(picked: slice, n: Any) -> tuple[Any, Any, int]:
    """`(start, size, step)` of a Python slice of an axis of size `n`, which may be a named dimension."""
    first, last, step = map(_place, (picked.start, picked.stop, picked.step))
    if step is None:
        step = 1
    if not isinstance(step, int) or step == 0:
        raise ShapeError(f"{step} is no step of a slice", help="an integer that is not 0")
    if isinstance(n, int) and not isinstance(first, Dim) and not isinstance(last, Dim):
        start, stop, step = slice(first, last, step).indices(n)
        return start, len(range(start, stop, step)), step
    low, high = (0, n) if step > 0 else (-1, n - 1)
    start = _bound(first, n, low, high, low if step > 0 else high)
    stop = _bound(last, n, low, high, high if step > 0 else low)
    if step < 0:
        distance = start - stop
    elif not _is_negative(first) and (last is None or _is_negative(last)):
        # So that x[1:] and x[:-1] have one size.
        before, after = (0 if place is None else place for place in (first, last))
        distance = n - before + after
    elif last is None:
        distance = dimension.call("min", -first, n)  # type: ignore[operator]
    else:
        distance = stop - start
    size = (distance + abs(step) - 1) // abs(step)
    if distance == n:  # a size, such as 2*m-1, is not negative
        return start, size, step
    return start, dimension.call("max", size, 0), step


def _is_negative(place: int | Dim | None) -> bool:
    """Whether a place counts from the end."""
    return isinstance(place, int) and place < 0


def _place(value: Any) -> int | Dim | None:
    """A part of a slice: None, an integer, or a size that may be a name."""
    if value is None or isinstance(value, Dim):
        return value
    if isinstance(value, str):
        return as_shape(value)[0]
    try:
        return index(value)
    except TypeError:
        raise ShapeError(f"{value!r:.80} is no place in a slice", help="an integer, or a size such as 'n-1'") from None


def _bound(value: int | Dim | None, n: Any, low: Any, high: Any, default: Any) -> Any:
    if value is None:
        return default
    if _is_negative(value):
        return dimension.call("max", n + value, low)
    return dimension.call("min", value, high)
