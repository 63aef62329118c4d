"""Diagonals of matrices: read, added up, and made into matrices."""

from __future__ import annotations

from typing import Any

from graphc import dimension
from graphc.dimension import Dim
from graphc.errors import ShapeError
from graphc.ir.node import Node, public
from graphc.ops import conversion
from graphc.ops.conversion import as_node, expand, ordered_axes, reshape, sum
from graphc.ops.creation import eye
from graphc.ops.indexing import take_along_axis
from graphc.ops.logic import where
from graphc.ops.manipulation import moveaxis
from graphc.ops.movement import pad, slice_axis
from graphc.ops.position import iota
from graphc.types import bool_


@public
def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The diagonals in the planes of two axes, as a last axis in their place: above the main one for offset > 0."""
    x = as_node(x)
    a, b = ordered_axes((axis1, axis2), x.ndim)
    x = moveaxis(x, (a, b), (-2, -1))
    rows, columns = x.shape[-2:]
    if isinstance(rows, Dim) or isinstance(columns, Dim):
        return _diagonal_of_unknown_length(x, offset)
    row, column = max(-offset, 0), max(offset, 0)
    size = max(0, min(rows - row, columns - column))
    flat = reshape(x, (*x.shape[:-2], rows * columns))
    return slice_axis(flat, flat.ndim - 1, row * columns + column if size else 0, size, columns + 1)


def _diagonal_of_unknown_length(x: Node, offset: int) -> Any:
    """Each row read at the column of the diagonal."""
    rows, columns = x.shape[-2:]
    row, column = max(-offset, 0), max(offset, 0)
    size = dimension.call("max", dimension.call("min", rows - row, columns - column), 0)
    x = slice_axis(x, x.ndim - 2, row, size)
    places = conversion.broadcast_to(expand(iota(size) + column, (1,), (1,)), (*x.shape[:-2], size, 1))
    return conversion.squeeze(take_along_axis(x, places, axis=-1), (x.ndim - 1,))


@public
def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Any:
    """The sums of the diagonals in the planes of two axes."""
    return sum(diagonal(x, offset, axis1, axis2), -1, dtype=dtype)


@public
def diag(x: Any, k: int = 0) -> Any:
    """A matrix with `x` on its k-th diagonal, or the k-th diagonal of a matrix. Raises ShapeError for others."""
    x = as_node(x)
    if x.ndim == 2:
        return diagonal(x, k)
    if x.ndim != 1:
        raise ShapeError(f"{x.ndim} axes", help="a vector becomes a matrix, a matrix gives its diagonal")
    n = x.shape[0] + abs(k)
    spread = expand(pad(x, ((max(k, 0), max(-k, 0)),)), (0,), (n,))
    return where(eye(n, k=k, dtype=bool_), spread, False if x.dtype is bool_ else 0)
