"""Products of arrays that are made of the matrix product: tensordot, vecdot, outer, inner, kron, cross, dot."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import Any

from graphc import dimension
from graphc.errors import AxisError, ShapeError
from graphc.ir.node import Node, public
from graphc.ops.contraction import matmul
from graphc.ops.conversion import as_node, cast, expand, one_axis, ordered_axes, promoted, reshape
from graphc.ops.elementwise import multiply
from graphc.ops.movement import broadcast_arrays, concat, slice_axis, transpose


@public
def tensordot(x: Any, y: Any, axes: Any = 2) -> Any:
    """The sum of products over axes of both: the last `axes` of x with the first of y, or a pair of lists of axes.

    Raises ShapeError where their sizes differ.
    """
    x, y = as_node(x), as_node(y)
    left, right = _paired_axes(x, y, axes)
    if any(x.shape[a] != y.shape[b] for a, b in zip(left, right, strict=True)):
        raise ShapeError(f"axes {left} and {right} have different sizes")
    rows = [a for a in range(x.ndim) if a not in left]
    columns = [b for b in range(y.ndim) if b not in right]
    inner = dimension.product(tuple(x.shape[a] for a in left))
    outer_shape = [tuple(x.shape[a] for a in rows), tuple(y.shape[b] for b in columns)]
    first = reshape(transpose(x, (*rows, *left)), (dimension.product(outer_shape[0]), inner))
    second = reshape(transpose(y, (*right, *columns)), (inner, dimension.product(outer_shape[1])))
    return reshape(matmul(first, second), (*outer_shape[0], *outer_shape[1]))


def _paired_axes(x: Node, y: Node, axes: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    if isinstance(axes, Sequence):
        if len(axes) != 2:
            raise AxisError(f"{axes!r:.80} are no pair of lists of axes")
        left, right = (value if isinstance(value, Sequence) else (value,) for value in axes)
        pair = ordered_axes(left, x.ndim), ordered_axes(right, y.ndim)
        if len(pair[0]) != len(pair[1]):
            raise AxisError(f"{len(pair[0])} axes cannot meet {len(pair[1])}")
        return pair
    try:
        number = index(axes)
    except TypeError:
        raise AxisError(f"{axes!r:.80} is no number of axes", help="an integer, or a pair of lists") from None
    if not 0 <= number <= min(x.ndim, y.ndim):
        raise AxisError(f"{number} axes are more than the operands have")
    return tuple(range(x.ndim - number, x.ndim)), tuple(range(number))


@public
def vecdot(x: Any, y: Any, *, axis: int = -1) -> Any:
    """The sum of products along one axis, counted from the end of both; the others broadcast.

    Raises ShapeError where the sizes along the axis differ: it does not broadcast.
    """
    x, y = as_node(x), as_node(y)
    if not x.ndim or not y.ndim:
        raise ShapeError("an operand without axes")
    if axis >= 0 and x.ndim != y.ndim:
        raise AxisError(f"axis {axis} of operands with {x.ndim} and {y.ndim} axes", help="count it from the end")
    sizes = [v.shape[one_axis(axis, v.ndim)] for v in (x, y)]
    if sizes[0] != sizes[1]:
        raise ShapeError(f"sizes {sizes[0]} and {sizes[1]} along axis {axis}")
    dtype = promoted(x.dtype, y.dtype)
    product = multiply(cast(x, dtype), cast(y, dtype))
    return cast(product.sum(axis=axis), dtype)  # `sum` widens small integers, whose products stay small here


@public
def outer(x: Any, y: Any) -> Any:
    """All products of an element of x and one of y: a matrix, whatever their shapes."""
    return multiply(reshape(as_node(x), (-1, 1)), reshape(as_node(y), (1, -1)))


@public
def inner(x: Any, y: Any) -> Any:
    """The sums of products along the last axes; of arrays without axes, the product."""
    x, y = as_node(x), as_node(y)
    return multiply(x, y) if not x.ndim or not y.ndim else tensordot(x, y, axes=((-1,), (-1,)))


@public
def dot(x: Any, y: Any) -> Any:
    """As `numpy.dot`: the product where one has no axes, else the sum over the last axis of x and y's last but one."""
    x, y = as_node(x), as_node(y)
    if not x.ndim or not y.ndim:
        return multiply(x, y)
    return tensordot(x, y, axes=((-1,), (max(y.ndim - 2, 0),)))


@public
def kron(x: Any, y: Any) -> Any:
    """The Kronecker product: blocks of y, each times an element of x."""
    x, y = as_node(x), as_node(y)
    ndim = max(x.ndim, y.ndim)
    x, y = (expand(v, tuple(range(ndim - v.ndim)), (1,) * (ndim - v.ndim)) for v in (x, y))
    shape = tuple(a * b for a, b in zip(x.shape, y.shape, strict=True))
    blocks = expand(x, tuple(range(1, 2 * ndim, 2)), y.shape)
    return reshape(multiply(blocks, expand(y, tuple(range(0, 2 * ndim, 2)), x.shape)), shape)


@public
def cross(x: Any, y: Any, *, axis: int = -1) -> Any:
    """The vector product along an axis of size 3, counted from the end; the others broadcast."""
    x, y = as_node(x), as_node(y)
    for v in (x, y):
        if not v.ndim or v.shape[one_axis(axis, v.ndim)] != 3:
            raise ShapeError(f"axis {axis} has not the size 3")
    x, y = broadcast_arrays(x, y)
    a = one_axis(axis, x.ndim)

    def turned(v: Node, by: int) -> Node:
        return concat([slice_axis(v, a, by, 3 - by), slice_axis(v, a, 0, by)], a)

    return turned(x, 1) * turned(y, 2) - turned(x, 2) * turned(y, 1)
