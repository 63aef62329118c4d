"""Sliding windows: `shear` moves rows against each other, and with what moves elements already it is all they need.

    windows(x)[o, k] = x[start + stride*o + dilation*k]      is a slice of a shear of x expanded along k
    its adjoint adds up where windows overlap                 a sum along k of a shear the other way

Comes in: an array and where its windows begin (before 0 in a padding, which is never stored); goes out: views, which
kernels fold into their indices. A shear is its own derivative, with the opposite sign.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from graphc import dimension
from graphc.errors import AxisError, ShapeError
from graphc.ir.node import Node, make
from graphc.ir.op import Cotangents, Op
from graphc.ir.scalars import Scalars, Value
from graphc.ops.conversion import Axes, expand
from graphc.ops.movement import Pad, slice_node
from graphc.types import Shape, TensorType


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
    fit = list(zip(axes, start, count, window, stride, dilation, strict=True))
    ranges = {a: (first, (m - 1) * s + (k - 1) * d + 1) for a, first, m, k, s, d in fit}
    y = expand(frame(x, ranges, value), tuple(range(x.ndim, x.ndim + len(fit))), tuple(window))
    moved = [(a, x.ndim + i, d, 0, (m - 1) * s + 1) for i, (a, _, m, k, s, d) in enumerate(fit) if k != 1 and d != 0]
    y = sheared(y, moved) if moved else y
    return slice_node(y, {a: (0, m, s) for a, _, m, _, s, _ in fit})


def overlapped(
    g: Node,
    axes: Sequence[int],
    start: Sequence[Any],
    size: Sequence[Any],
    *,
    stride: Sequence[int],
    dilation: Sequence[int],
) -> Node:
    """The adjoint of `windows`: what lies on one another adds up; the last axes are the windows'."""
    along = range(g.ndim - len(axes), g.ndim)
    moved = [(a, b, -d, -first, n) for a, b, d, first, n in zip(axes, along, dilation, start, size, strict=True)]
    return sheared(spread(g, axes, stride), moved).sum(tuple(along))
