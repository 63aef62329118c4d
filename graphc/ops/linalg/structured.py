"""Diagonals of matrices, and matrices with a structure: blocks on the diagonal, equal elements along diagonals."""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import Any

from graphc.errors import ShapeError
from graphc.ir.leaf import full
from graphc.ir.node import Node, public
from graphc.ops import diagonals
from graphc.ops.conversion import as_node, cast, expand, promoted
from graphc.ops.indexing import take
from graphc.ops.logic import greater, where
from graphc.ops.movement import concat, flip
from graphc.ops.position import iota
from graphc.types import TensorType


@public
def diagonal(x: Any, /, *, offset: int = 0) -> Any:
    """The diagonals of the matrices x: [..., m, n]; above the main one for offset > 0, below it for offset < 0."""
    return diagonals.diagonal(x, offset, -2, -1)


@public
def trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    """The sums of the diagonals of the matrices x: [..., m, n]; small integers are added up as int64."""
    return diagonals.trace(x, offset, -2, -1, dtype)


@public
def block_diag(*arrays: Any) -> Any:
    """Matrices one after another along the diagonal, zeros elsewhere. Numbers and vectors count as single rows."""
    nodes = [as_node(x) for x in arrays]
    if not nodes:
        raise ShapeError("no matrices")
    if any(x.ndim > 2 for x in nodes):
        raise ShapeError("more than two axes", help="matrices, vectors or numbers")
    dtype = promoted(*(x.dtype for x in nodes))
    nodes = [cast(expand(x, tuple(range(2 - x.ndim)), (1,) * (2 - x.ndim)) if x.ndim < 2 else x, dtype) for x in nodes]
    widths = [x.shape[1] for x in nodes]
    total: Any = reduce(add, widths)
    rows: list[Node] = []
    start: Any = 0
    for x, width in zip(nodes, widths, strict=True):
        height = x.shape[0]
        before, after = (full(0, TensorType(dtype, (height, n))) for n in (start, total - start - width))
        rows.append(concat([before, x, after], 1))
        start = start + width
    return concat(rows, 0)


@public
def toeplitz(c: Any, r: Any = None) -> Node:
    """The matrix with first column c: [m] and first row r: [n], equal along diagonals; r[0] is not used.

    Without r the matrix is symmetric. Source: Golub & Van Loan, Matrix Computations, 4.7.
    """
    c = as_node(c)
    r = c if r is None else as_node(r)
    if c.ndim != 1 or r.ndim != 1:
        raise ShapeError("the first column and the first row are vectors")
    m, n = c.shape[0], r.shape[0]
    offset = expand(iota(n), (0,), (m,)) - expand(iota(m), (1,), (n,))
    return take(concat([flip(c), r]), where(greater(offset, 0), offset + m, offset + (m - 1)))
