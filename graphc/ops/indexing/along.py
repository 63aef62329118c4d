"""Reading along one axis at computed positions, and the adjoints that add at them."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.dimension import Dim
from graphc.errors import ShapeError
from graphc.ir.node import Node, make, public
from graphc.ir.op import Cotangents
from graphc.ir.scalars import Scalars, Value
from graphc.ops.conversion import as_node, broadcast_to, cast, check_axis, expand, one_axis
from graphc.ops.indexing.bounds import (
    READING,
    Gathering,
    Scattering,
    check_constant,
    check_integer,
    check_mode,
    checked,
    default_fill,
    fitted,
    with_spare,
)
from graphc.ops.logic import equal, where
from graphc.ops.position import iota
from graphc.types import TensorType, as_size


class Take(Gathering):
    """Elements of an axis at indices: the axis gives way to the axes of the indices."""

    axis: int
    arity = 2

    def infer(self, x: TensorType, indices: TensorType) -> TensorType:
        check_integer(indices)
        check_axis(self.axis, x)
        return x.with_shape((*x.shape[: self.axis], *indices.shape, *x.shape[self.axis + 1 :]))

    def evaluate(self, s: Scalars, x: Value, indices: Value) -> Value:
        return np.take(x, checked(indices, x.shape[self.axis]), axis=self.axis)

    def vjp(self, g: Node, y: Node, x: Node, indices: Node) -> Cotangents:
        return make(ScatterAdd(self.axis, x.shape[self.axis]), g, indices), None


class ScatterAdd(Scattering):
    """The adjoint of `take`: zeros with an axis of `size`, to which the operand is added at the indices, in order."""

    axis: int
    size: int | Dim
    arity = 2

    def infer(self, g: TensorType, indices: TensorType) -> TensorType:
        check_integer(indices)
        stop = self.axis + indices.ndim
        if g.shape[self.axis : stop] != indices.shape:
            raise ShapeError(f"the axes from {self.axis} on are not those of the indices")
        return g.with_shape((*g.shape[: self.axis], self.size, *g.shape[stop:]))

    def evaluate(self, s: Scalars, g: Value, indices: Value) -> Value:
        shape = (*g.shape[: self.axis], self.size, *g.shape[self.axis + indices.ndim :])
        out = np.zeros(shape, g.dtype)
        if g.size:
            place: Any = (*(slice(None),) * self.axis, checked(indices, self.size))
            np.add.at(out, place, g)
        return out

    def vjp(self, g: Node, y: Node, x: Node, indices: Node) -> Cotangents:
        return make(Take(self.axis), g, indices), None


class TakeAlongAxis(Gathering):
    """`y[…,i,…] = x[…,indices[…,i,…],…]`: one index for each element of the result."""

    axis: int
    arity = 2

    def infer(self, x: TensorType, indices: TensorType) -> TensorType:
        check_integer(indices)
        check_axis(self.axis, x)
        others = [n for a, n in enumerate(x.shape) if a != self.axis]
        if others != [n for a, n in enumerate(indices.shape) if a != self.axis]:
            raise ShapeError(f"shapes differ in another axis than {self.axis}")
        return x.with_shape(indices.shape)

    def evaluate(self, s: Scalars, x: Value, indices: Value) -> Value:
        return np.take_along_axis(x, checked(indices, x.shape[self.axis]), axis=self.axis)

    def vjp(self, g: Node, y: Node, x: Node, indices: Node) -> Cotangents:
        return make(ScatterAddAlongAxis(self.axis, x.shape[self.axis]), g, indices), None


class ScatterAddAlongAxis(Scattering):
    """The adjoint of `take_along_axis`: zeros to which each element is added at its index."""

    axis: int
    size: int | Dim
    arity = 2

    def infer(self, g: TensorType, indices: TensorType) -> TensorType:
        check_integer(indices)
        if g.shape != indices.shape:
            raise ShapeError("the shape is not that of the indices")
        return g.with_shape((*g.shape[: self.axis], self.size, *g.shape[self.axis + 1 :]))

    def evaluate(self, s: Scalars, g: Value, indices: Value) -> Value:
        out = np.zeros((*g.shape[: self.axis], self.size, *g.shape[self.axis + 1 :]), g.dtype)
        place = list(np.ix_(*map(np.arange, g.shape)))
        place[self.axis] = checked(indices, self.size)
        np.add.at(out, tuple(place), g)
        return out

    def vjp(self, g: Node, y: Node, x: Node, indices: Node) -> Cotangents:
        return make(TakeAlongAxis(self.axis), g, indices), None

    def as_choice(self, g: Node, indices: Node) -> Node:
        """The same where there is one index along the axis: every element chooses, and nothing is added up."""
        shape = self.infer(g.type, indices.type).shape
        positions = iota(self.size)
        chosen = make(Take(0), positions, indices)  # counted from the front; out of bounds it is an error
        others = tuple(a for a in range(g.ndim) if a != self.axis)
        positions = expand(positions, others, tuple(shape[a] for a in others))
        return where(equal(positions, broadcast_to(chosen, shape)), broadcast_to(g, shape), 0)


@public
def take(x: Any, indices: Any, axis: Any = None, *, mode: str = "error", fill_value: Any = None) -> Node:
    """Elements of `x` at indices along an axis (of the flattened array if None).

    `mode` says what an index out of bounds does: "error" makes the call raise IndexOutOfBounds; "clip", "wrap" and
    "fill" (with `fill_value`: NaN, or 0 for integers, if None) take the nearest element, one modulo the size, or none.
    """
    x, indices = as_node(x), as_node(indices)
    if axis is None:
        x, axis = x.reshape(-1), 0
    a = one_axis(axis, x.ndim)
    return make(Take(a), *_readable(x, a, indices, mode, fill_value))


@public
def take_along_axis(x: Any, indices: Any, axis: int = -1, *, mode: str = "error", fill_value: Any = None) -> Node:
    """One element for each index along an axis; the other axes broadcast. Modes are those of `take`."""
    x, indices = as_node(x), as_node(indices)
    a = axis_of_indices(x, indices, axis)
    x, indices = _readable(x, a, indices, mode, fill_value)
    shape = [m if n == 1 else n for n, m in zip(x.shape, indices.shape, strict=True)]
    x = broadcast_to(x, (*shape[:a], x.shape[a], *shape[a + 1 :]))
    indices = broadcast_to(indices, (*shape[:a], indices.shape[a], *shape[a + 1 :]))
    return make(TakeAlongAxis(a), x, indices)


def axis_of_indices(x: Node, indices: Node, axis: Any) -> int:
    """The axis along which indices with as many axes as `x` point. Raises ShapeError or AxisError."""
    if indices.ndim != x.ndim:
        raise ShapeError(
            f"the indices have {indices.ndim} axes, the array {x.ndim}",
            help="add axes with indices[:, None]",
        )
    return one_axis(axis, x.ndim)


def _readable(x: Node, axis: int, indices: Node, mode: str, fill_value: Any) -> tuple[Node, Node]:
    """An array and indices such that reading there means what the mode says."""
    check_mode(mode, *READING)
    check_integer(indices.type)
    if mode == "error":
        check_constant(x.shape[axis], axis, indices)
    indices = fitted(indices, x.shape[axis], mode)
    if mode == "fill":
        x = with_spare(x, [axis], default_fill(x) if fill_value is None else fill_value)
    return x, indices


@public
def one_hot(indices: Any, size: Any, *, dtype: Any = "float32") -> Node:
    """1 at each index along a new last axis of `size`, else 0; all 0 for an index out of bounds."""
    indices = as_node(indices)
    check_integer(indices.type)
    n = as_size(size)
    positions = expand(iota(n, indices.dtype), range(indices.ndim), indices.shape)
    return cast(equal(positions, expand(indices, (indices.ndim,), (n,))), dtype)
