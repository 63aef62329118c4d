"""Reading and writing at places that several arrays of indices name together.

The axes of an array `x` are those of a batch B, indexed ones N and the rest R. Indices have the axes B and S, so
`gather` gives B, S, R; `put`, `put_add` … take such values back to B, N, R. Views make every other order of axes.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from graphc import dimension
from graphc.errors import AxisError, DTypeError, ShapeError
from graphc.ir.leaf import full
from graphc.ir.node import Node, make, public
from graphc.ir.op import Cotangents
from graphc.ir.scalars import Scalars, Value
from graphc.ops.base import Elementwise
from graphc.ops.conversion import Axes, as_node, broadcast_to, cast, expand, reshape
from graphc.ops.elementwise import Add, Maximum, Minimum, Multiply
from graphc.ops.indexing.along import axis_of_indices
from graphc.ops.indexing.bounds import (
    CHANGING,
    Gathering,
    Scattering,
    check_constant,
    check_integer,
    check_mode,
    checked,
    fitted,
    with_spare,
    without_spare,
)
from graphc.ops.logic import equal, where
from graphc.ops.movement import transpose
from graphc.ops.position import iota
from graphc.types import Shape, TensorType, bool_, int64


class Gather(Gathering):
    """`y[b, s, r] = x[b, i[b, s], j[b, s] …, r]`: the indices of one place come from one place of each array."""

    batch: int
    arity = None

    def infer(self, x: TensorType, *indices: TensorType) -> TensorType:
        rest = _rest(self.batch, x, indices)
        return x.with_shape((*indices[0].shape, *rest))

    def evaluate(self, s: Scalars, x: Value, *indices: Value) -> Value:
        places = (checked(i, n) for i, n in zip(indices, x.shape[self.batch :], strict=False))
        extra = indices[0].ndim - self.batch
        batch = np.ix_(*map(np.arange, x.shape[: self.batch]))
        return x[(*(np.reshape(i, (*i.shape, *(1,) * extra)) for i in batch), *places)]

    def vjp(self, g: Node, y: Node, x: Node, *indices: Node) -> Cotangents:
        return make(PutAdd(self.batch), full(0, x.type), g, *indices), *(None for _ in indices)


class Putting(Scattering, abstract=True):
    """`x` but for the places of the indices, where values are put, or combined with what is there."""

    batch: int
    data = 2
    combine: ClassVar[Elementwise | None] = None

    def infer(self, x: TensorType, values: TensorType, *indices: TensorType) -> TensorType:
        rest = _rest(self.batch, x, indices)
        if values.dtype is not x.dtype:
            raise DTypeError("dtypes differ", help="cast the values")
        if values.shape != (*indices[0].shape, *rest):
            raise ShapeError("the shape of the values is not that of the places", help="broadcast the values")
        return x

    def evaluate(self, s: Scalars, x: Value, values: Value, *indices: Value) -> Value:
        out = np.array(x)
        places = [checked(i, n) for i, n in zip(indices, x.shape[self.batch :], strict=False)]
        for at in np.ndindex(indices[0].shape):
            place = (*at[: self.batch], *(int(i[at]) for i in places), ...)
            value = values[(*at, ...)]
            out[place] = value if self.combine is None else self.combine.evaluate(s, out[place], value)
        return out


class Put(Putting):
    """`x` with values at places; where several values go to one place, the last in row-major order stays."""

    arity = None

    def vjp(self, g: Node, y: Node, x: Node, values: Node, *indices: Node) -> Cotangents:
        ones = (full(truth, t.type.with_dtype(bool_)) for truth, t in ((False, x), (True, values)))
        touched = make(self, *ones, *indices)
        taken = make(Gather(self.batch), g, *indices)
        return where(touched, 0, g), where(self.stays(x, values, indices), taken, 0), *(None for _ in indices)

    def stays(self, x: Node, values: Node, indices: tuple[Node, ...]) -> Node:
        """Which values are the last ones at their place."""
        batch, steps = indices[0].shape[: self.batch], indices[0].shape[self.batch :]
        if not steps:
            return full(True, values.type.with_dtype(bool_))
        numbers = reshape(iota(dimension.product(steps)), steps)
        numbers = expand(numbers, tuple(range(self.batch)), batch)
        table = full(0, TensorType(int64, x.shape[: self.batch + len(indices)]))
        last = make(Gather(self.batch), make(self, table, numbers, *indices), *indices)
        return _spread(equal(last, numbers), values)


class PutAdd(Putting):
    """`x` with values added at places, one after the other."""

    arity = None
    combine = Add()

    def vjp(self, g: Node, y: Node, x: Node, values: Node, *indices: Node) -> Cotangents:
        return g, make(Gather(self.batch), g, *indices), *(None for _ in indices)


class PutMultiply(Putting):
    """`x` multiplied by values at places. Its derivatives are right also where factors are 0."""

    arity = None
    combine = Multiply()

    def vjp(self, g: Node, y: Node, x: Node, values: Node, *indices: Node) -> Cotangents:
        # The product of the other factors of a place, without division by 0. Zeros stay in it as factors.
        def there(product: Node) -> Node:
            return make(Gather(self.batch), product, *indices)

        zero_x, zero_v = equal(x, 0), equal(values, 0)
        rest_x, rest_v = where(zero_x, 1, x), where(zero_v, 1, values)
        zeros_x, zeros_v = where(zero_x, x, 0), where(zero_v, values, 0)
        rest = make(self, rest_x, rest_v, *indices)
        zeros = make(PutAdd(self.batch), zeros_x, zeros_v, *indices)
        count = make(PutAdd(self.batch), cast(zero_x, int64), cast(zero_v, int64), *indices)

        def others(part: Node, rest: Node, zeros: Node, count: Node, own: tuple[Node, Node, Node]) -> Node:
            is_zero, own_rest, own_zero = own
            left = count - cast(is_zero, int64)
            factor = where(equal(left, 0), 1, where(equal(left, 1), zeros - own_zero, 0))
            return part * (rest / own_rest * factor)

        dx = others(g, rest, zeros, count, (zero_x, rest_x, zeros_x))
        dv = others(there(g), there(rest), there(zeros), there(count), (zero_v, rest_v, zeros_v))
        return dx, dv, *(None for _ in indices)


class PutMax(Putting):
    """The largest of `x` and the values at places; at ties the derivative is shared equally."""

    arity = None
    combine = Maximum()

    def vjp(self, g: Node, y: Node, x: Node, values: Node, *indices: Node) -> Cotangents:
        return _shared_among_ties(self.batch, g, y, x, values, indices)


class PutMin(Putting):
    """The smallest of `x` and the values at places; at ties the derivative is shared equally."""

    arity = None
    combine = Minimum()

    def vjp(self, g: Node, y: Node, x: Node, values: Node, *indices: Node) -> Cotangents:
        return _shared_among_ties(self.batch, g, y, x, values, indices)


PUTTING: dict[str, type[Putting]] = {
    "set": Put,
    "add": PutAdd,
    "multiply": PutMultiply,
    "max": PutMax,
    "min": PutMin,
}


def put_at(
    x: Node, values: Node, indices: tuple[Node, ...], how: str, mode: str, *, batch: int = 0, shown: Axes = ()
) -> Node:
    """`x` changed at places, "set", "add" …; bad indices are treated as the mode says.

    The indices are equally shaped, the values have the shape and dtype that `gather` would give. `shown` are the
    axes that an error names, where these are other ones.
    """
    check_mode(mode, *CHANGING)
    indexed = tuple(range(batch, batch + len(indices)))
    for a, name, i in zip(indexed, shown or indexed, indices, strict=True):
        check_integer(i.type)
        if mode == "error":
            check_constant(x.shape[a], name, i)
    places = [fitted(i, x.shape[a], mode) for a, i in zip(indexed, indices, strict=True)]
    op = PUTTING[how](batch)
    if mode != "drop":
        return make(op, x, values, *places)
    return without_spare(make(op, with_spare(x, indexed), values, *places), indexed)


@public
def put_along_axis(x: Any, indices: Any, values: Any, axis: int = -1, *, mode: str = "error") -> Node:
    """`x` with one value for each index along an axis: the counterpart of `take_along_axis`, which changes nothing.

    Values and indices broadcast against the other axes. Of several values at one place the last stays. `mode` says
    what an index out of bounds does: "error", "clip", "wrap", or "drop", which leaves its value out.
    """
    x, indices = as_node(x), as_node(indices)
    values = cast(as_node(values), x.dtype)
    a = axis_of_indices(x, indices, axis)
    shape = (*x.shape[:a], indices.shape[a], *x.shape[a + 1 :])
    last = (*(b for b in range(x.ndim) if b != a), a)
    back = tuple(last.index(b) for b in range(x.ndim))
    i, v = (transpose(broadcast_to(each, shape), last) for each in (indices, values))
    return transpose(put_at(transpose(x, last), v, (i,), "set", mode, batch=x.ndim - 1, shown=(a,)), back)


def _rest(batch: int, x: TensorType, indices: tuple[TensorType, ...]) -> Shape:
    """The sizes of the axes behind the indexed ones. Raises what the type rules raise."""
    if not indices or not 0 <= batch <= x.ndim - len(indices) or any(batch > i.ndim for i in indices):
        raise AxisError(f"{len(indices)} indices behind {batch} axes do not fit {x.ndim} axes")
    for i in indices:
        check_integer(i)
        if i.shape != indices[0].shape:
            raise ShapeError("the shapes of the indices differ", help="broadcast them")
    if indices[0].shape[:batch] != x.shape[:batch]:
        raise ShapeError("the axes of the batch differ")
    return x.shape[batch + len(indices) :]


def _spread(condition: Node, values: Node) -> Node:
    """A value for each place, for all elements of the values there."""
    return expand(condition, tuple(range(condition.ndim, values.ndim)), like=values)


def _shared_among_ties(batch: int, g: Node, y: Node, x: Node, values: Node, indices: tuple[Node, ...]) -> Cotangents:
    there = Gather(batch)
    own, theirs = equal(x, y), equal(values, make(there, y, *indices))
    ties = make(PutAdd(batch), cast(own, g.dtype), cast(theirs, g.dtype), *indices)
    share = g / ties
    taken = make(there, share, *indices)
    return where(own, share, 0), where(theirs, taken, 0), *(None for _ in indices)
