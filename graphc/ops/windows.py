"""Sliding windows, and what undoes them: movement ops that kernels fold into their indices.

    windows(x)[o, k] = x[stride*o + dilation*k]
    the adjoint adds up where windows overlap: the windows are sheared, so that what belongs to one element has one
    position along them, and summed along the shear; strides are merged with positions in a window first

Comes in: an array and where its windows begin (before 0 in a padding, which is never stored); goes out: views. The
derivatives of `windows`, `shear` and `merge` are made of the three, so all orders are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from operator import index
from typing import Any

import numpy as np

from graphc import dimension
from graphc.errors import AxisError, ShapeError
from graphc.ir.node import Node, make
from graphc.ir.op import Cotangents, Op
from graphc.ir.scalars import Scalars, Value
from graphc.ops import reduction
from graphc.ops.base import Composite
from graphc.ops.conversion import Axes, Expand, Reshape, Sum, expand
from graphc.ops.movement import Pad, Transpose, slice_node, transpose
from graphc.types import Shape, TensorType, bool_


class Windows(Composite):
    """Windows along axes, `y[…,o,…,k] = x[…,stride*o + dilation*k,…]`: `count[m]` of `size[m]` along `axis[m]`.

    The positions in the windows are new last axes.
    """

    axis: Axes
    count: Shape
    size: Shape
    stride: Axes
    dilation: Axes
    arity = 1
    moves = True

    def infer(self, x: TensorType) -> TensorType:
        if len(set(self.axis)) < len(self.axis) or any(not 0 <= a < x.ndim for a in self.axis):
            raise AxisError(f"axes {self.axis} do not fit {x.ndim} axes")
        shape = list(x.shape)
        for a, count, size, s, d in self._fit():
            rest = x.shape[a] - (count - 1) * s - (size - 1) * d
            if isinstance(rest, int) and rest < 1:
                raise ShapeError(f"{count} windows of {size}, {s} apart, leave an axis of size {x.shape[a]}")
            shape[a] = count
        return x.with_shape((*shape, *self.size))

    def decompose(self, x: Node) -> Node:
        # The expand tells fusion that elements are read several times: what is dear is calculated before.
        y = expand(x, tuple(range(x.ndim, x.ndim + len(self.axis))), self.size)
        fit = list(enumerate(self._fit(), x.ndim))
        moved = [(a, b, d, 0, (count - 1) * s + 1) for b, (a, count, size, s, d) in fit if size != 1]
        y = make(Shear(*zip(*moved, strict=True)), y) if moved else y
        return slice_node(y, {a: (0, count, s) for _, (a, count, _, s, _) in fit})

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        sizes = [x.shape[a] for a in self.axis]
        fit = {"stride": self.stride, "dilation": self.dilation}
        return (overlapped(g, self.axis, [0] * len(sizes), sizes, **fit),)

    def batch(self, size: Any, batched: tuple[bool], x: Node) -> Node:
        """Of a stack, which has one axis more in front."""
        return make(replace(self, axis=tuple(a + 1 for a in self.axis)), x)

    def _fit(self) -> Any:
        return zip(self.axis, self.count, self.size, self.stride, self.dilation, strict=True)


class Merge(Op):
    """The last axes merged into others: `y[…,i,…] = x[…,i // n,…,i % n]`, axis `axis[m]` with the m-th last one."""

    axis: Axes
    arity = 1
    moves = True

    def infer(self, x: TensorType) -> TensorType:
        kept = x.ndim - len(self.axis)
        if len(set(self.axis)) < len(self.axis) or any(not 0 <= a < kept for a in self.axis):
            raise AxisError(f"axes {self.axis} do not merge with as many last axes of {x.ndim}")
        factors = dict(zip(self.axis, x.shape[kept:], strict=True))
        if not all(isinstance(n, int) for n in factors.values()):
            raise ShapeError(f"an axis of {' and '.join(map(str, factors.values()))} elements does not merge")
        return x.with_shape(tuple(n * factors.get(a, 1) for a, n in enumerate(x.shape[:kept])))

    def evaluate(self, s: Scalars, x: Value) -> Value:
        kept = x.ndim - len(self.axis)
        places = {a: kept + m for m, a in enumerate(self.axis)}
        order = [b for a in range(kept) for b in ((a, places[a]) if a in places else (a,))]
        sizes = [n * x.shape[places[a]] if a in places else n for a, n in enumerate(x.shape[:kept])]
        return np.transpose(x, order).reshape(sizes)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        kept = x.ndim - len(self.axis)
        size = tuple(index(n) for n in x.shape[kept:])
        count = tuple(x.shape[a] for a in self.axis)
        return (make(Windows(self.axis, count, size, size, (1,) * len(size)), g),)

    def batch(self, size: Any, batched: tuple[bool], x: Node) -> Node:
        """Of a stack, which has one axis more in front."""
        return make(replace(self, axis=tuple(a + 1 for a in self.axis)), x)


class Shear(Op):
    """Positions along an axis move with those along another: `y[…,i,…,k,…] = x[…,start+i+step*k,…,k,…]`.

    Axis `axis[m]` moves along axis `along[m]` and has `size[m]` elements afterwards.
    """

    axis: Axes
    along: Axes
    step: Axes
    start: Shape
    size: Shape
    arity = 1
    moves = True

    def infer(self, x: TensorType) -> TensorType:
        involved = (*self.axis, *self.along)
        if len(set(involved)) < len(involved) or any(not 0 <= a < x.ndim for a in involved):
            raise AxisError(f"axes {self.axis} do not move along axes {self.along} of {x.ndim}")
        for a, b, step, start, size in self._moved():
            farthest = step * (x.shape[b] - 1)
            ends = [start, start + farthest, start + size - 1, start + size - 1 + farthest]
            empty = size == 0 or x.shape[b] == 0
            inside = all(dimension.is_nonnegative(end) for end in ends if isinstance(end, int))
            within = all(x.shape[a] - end > 0 for end in ends if isinstance(x.shape[a] - end, int))
            if not empty and not (inside and within):
                raise ShapeError(f"{size} elements from {start} on, moving by {step}, leave an axis of {x.shape[a]}")
        sizes = dict(zip(self.axis, self.size, strict=True))
        return x.with_shape(tuple(sizes.get(a, n) for a, n in enumerate(x.shape)))

    def evaluate(self, s: Scalars, x: Value) -> Value:
        for a, b, step, start, size in self._moved():
            places = np.add.outer(start + np.arange(size, dtype=np.int64), step * np.arange(x.shape[b], dtype=np.int64))
            others = tuple(c for c in range(x.ndim) if c not in (a, b))
            x = np.take_along_axis(x, np.expand_dims(places if a < b else places.T, others), axis=a)
        return x

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        moved = [(a, b, -step, -start, x.shape[a]) for a, b, step, start, _ in self._moved()]
        return (sheared(g, moved),)

    def _moved(self) -> Any:
        return zip(self.axis, self.along, self.step, self.start, self.size, strict=True)


def sheared(x: Node, moved: Sequence[tuple[int, int, int, Any, Any]]) -> Node:
    """The shear by `(axis, along, step, start, size)`; elements outside of `x` are 0."""
    ranges, starts = {}, []
    for a, b, step, start, size in moved:
        reach = step * (x.shape[b] - 1)
        low = start + reach if step < 0 else start
        ranges[a] = (low, size + (-reach if step < 0 else reach))
        starts.append(start - low)
    framed = frame(x, ranges)
    axis, along, steps, _, sizes = zip(*moved, strict=True)
    return make(Shear(axis, along, steps, tuple(starts), sizes), framed)


def frame(x: Node, ranges: Mapping[int, tuple[Any, Any]], value: float = 0.0) -> Node:
    """`size` elements from `start` on along axes, given as `(start, size)`: `value` where there are none."""
    before: list[Any] = [0] * x.ndim
    shape, picked = list(x.shape), {}
    for a, (start, size) in ranges.items():
        low = dimension.call("max", -start, 0)
        before[a] = low
        shape[a] = low + dimension.call("max", x.shape[a], start + size)
        picked[a] = (start + low, size, 1)
    if tuple(shape) != x.shape:
        step = (1,) * x.ndim
        match x.op:
            case Pad(start=inner, step=kept, value=same) if repr(same) == repr(value):  # one pad for two
                before = [low + first for low, first in zip(before, inner, strict=True)]
                x, step = x.args[0], kept
        x = make(Pad(tuple(before), step, tuple(shape), value), x)
    return slice_node(x, picked)


def canonical_view(x: Node) -> Node:
    """The same value as a transpose of what is stored, with axes of size 1: equal views become one node."""
    base, places = _stored(x)
    kept = _long_axes(base)
    y = transpose(base.reshape(tuple(base.shape[a] for a in kept)), [kept.index(a) for a in places])
    return y.reshape(x.shape)


def innermost_axis(x: Node) -> int | None:
    """The axis along which neighbours are neighbours in memory; None if all sizes are 1."""
    _, places = _stored(x)
    return _long_axes(x)[places.index(max(places))] if places else None


def _stored(x: Node) -> tuple[Node, list[int]]:
    """What a view transposes and adds axes of size 1 to, and which of its axes the longer axes of the view are."""
    base, places = x, _long_axes(x)
    while True:
        match base.op:
            case Transpose(axes=order):
                places = [order[a] for a in places]
            case Expand(axis=inserted, size=sizes) if all(n == 1 for n in sizes):
                kept = [a for a in range(base.ndim) if a not in inserted]
                places = [kept.index(a) for a in places]
            case Reshape():
                before, after = _long_axes(base.args[0]), _long_axes(base)
                if [base.args[0].shape[a] for a in before] != [base.shape[a] for a in after]:
                    return base, places
                places = [before[after.index(a)] for a in places]
            case _:
                return base, places
        base = base.args[0]


def _long_axes(x: Node) -> list[int]:
    return [a for a, n in enumerate(x.shape) if n != 1]


def spread(x: Node, axes: Sequence[int], step: Sequence[int]) -> Node:
    """`step - 1` zeros between the elements along axes."""
    by = dict(zip(axes, step, strict=True))
    if all(k == 1 for k in by.values()):
        return x
    shape = tuple((n - 1) * by.get(a, 1) + 1 for a, n in enumerate(x.shape))
    return make(Pad((0,) * x.ndim, tuple(by.get(a, 1) for a in range(x.ndim)), shape, 0.0), x)


def windows(
    x: Node,
    axes: Sequence[int],
    start: Sequence[Any],
    count: Sequence[Any],
    window: Sequence[Any],
    *,
    stride: Sequence[int],
    dilation: Sequence[int],
    value: float = 0.0,
) -> Node:
    """`count` windows of `window` elements along axes, the first at `start`; their elements are new last axes.

    `value` is what windows see outside of `x`.
    """
    fit = zip(axes, start, count, window, stride, dilation, strict=True)
    ranges = {a: (first, (m - 1) * s + (k - 1) * d + 1) for a, first, m, k, s, d in fit}
    op = Windows(tuple(axes), tuple(count), tuple(window), tuple(stride), tuple(dilation))
    return make(op, frame(x, ranges, value))


def overlapped(
    g: Node,
    axes: Sequence[int],
    start: Sequence[Any],
    size: Sequence[Any],
    *,
    stride: Sequence[int],
    dilation: Sequence[int],
) -> Node:
    """The adjoint of `windows`: what lies on one another adds up; truth values are true where any is.

    The last axes are the positions in the windows. Element i of axis `a` gets what the windows o have at k, where
    `start + stride*o + dilation*k` is i. With dilation 1 these are k = (i - start) % stride and every `stride`-th
    after it, so only they are looked at.
    """
    first = g.ndim - len(axes)
    merged, moved, cut = [], [], {}
    for along, (a, place, n, s, d) in enumerate(zip(axes, start, size, stride, dilation, strict=True), first):
        if s == 1:
            moved.append((a, along, -d, -place, n))
        elif d == 1:
            turns = (g.shape[along] + s - 1) // s
            g = windows(g, (along,), (0,), (turns,), (s,), stride=(s,), dilation=(1,))
            low = -place // s
            moved.append((a, along, -1, low, (n - 1 - place) // s - low + 1))
            merged.append(a)
            cut[a] = (-place % s, n, 1)
        else:
            g = spread(g, (a,), (s,))
            moved.append((a, along, -d, -place, n))
    y = sheared(g, moved)
    y = make(Merge(tuple(merged)), y) if merged else y
    inside = range(first, first + len(axes))
    if overlaps := tuple(a for a in inside if y.shape[a] != 1):
        y = reduction.any(y, overlaps) if y.dtype is bool_ else make(Sum(overlaps), y)
    return slice_node(y.reshape(y.shape[:first]), cut)
