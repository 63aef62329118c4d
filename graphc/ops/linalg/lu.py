"""The factorisation into triangles with row exchanges, and systems of equations by it.

NumPy calls LAPACK's getrf inside `solve` and `det` but does not hand out the factors. So the elimination is written
here, for all matrices of a stack at once, in panels of columns: most of its work is in matrix products.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from graphc.ir.node import Node, make, public
from graphc.ir.op import Cotangents
from graphc.ops.contraction import matrix_transpose
from graphc.ops.conversion import broadcast_to, cast, expand
from graphc.ops.creation import tril, triu
from graphc.ops.indexing import ScatterAddAlongAxis, take_along_axis
from graphc.ops.linalg.library import Array
from graphc.ops.linalg.matrix import (
    MatrixOp,
    check_matrices,
    columns_after,
    first_columns,
    first_rows,
    identities,
    identity_like,
    matrix_operand,
    rows_after,
    shorter,
)
from graphc.ops.linalg.systems import with_right_sides
from graphc.ops.linalg.triangular import TriangularSolve, solve_triangle, substituted
from graphc.ops.logic import equal
from graphc.ops.movement import Pad, concat
from graphc.ops.position import iota
from graphc.ops.tuples import items
from graphc.types import TensorType, TupleType, int64

PANEL = 64  # columns that are eliminated one by one


class Lu(MatrixOp):
    """L below and U on and above the diagonal of one matrix, the exchanged rows, and the order of rows they give.

    Row i of L U is row `permutation[i]` of the operand; in step i the rows i and `pivots[i]` were exchanged. The
    pivot is the first largest in its column, as in LAPACK. A singular matrix gives a zero on the diagonal of U.
    Derivative: de Hoog, Anderssen & Lukas, Differentiation of matrix functionals using triangular factorization,
    2011.
    """

    arity = 1

    def infer(self, x: TensorType) -> TensorType:
        check_matrices(x)
        batch = x.shape[:-2]
        pivots, order = (TensorType(int64, (*batch, n)) for n in (shorter(x), x.shape[-2]))
        return TupleType((x, pivots, order))

    def calculate(self, x: Array) -> tuple[Array, Array, Array]:
        return eliminated(x)

    def vjp(self, gs: tuple[Node | None, ...], y: Node, x: Node) -> Cotangents:
        if gs[0] is None:
            return (None,)
        packed, _, order = items(y)
        rows = _of_rows(gs[0], packed)
        to = expand(order, (order.ndim,), (x.shape[-1],))
        return (make(ScatterAddAlongAxis(x.ndim - 2, x.shape[-2]), rows, to),)


class LUFactor(NamedTuple):
    """What `lu_factor` gives: both triangles in one matrix, the exchanges, and the order of rows."""

    lu: Node
    pivots: Node
    permutation: Node


class LUResult(NamedTuple):
    """What `lu` gives: x = P L U."""

    P: Node
    L: Node
    U: Node


@public
def lu_factor(x: Any, /) -> LUFactor:
    """L (with ones on its diagonal) and U of x: float[..., m, n] in one matrix, as `lu_solve` takes them.

    pivots: int64[..., min(m, n)], the rows exchanged with rows 0, 1, …; permutation: int64[..., m], so that
    x[permutation] = L @ U. Source: Golub & Van Loan, Matrix Computations, 3.4.
    """
    dtype, x = matrix_operand("lu_factor", x)
    packed, pivots, order = items(make(Lu(), x))
    return LUFactor(cast(packed, dtype), pivots, order)


@public
def lu(x: Any, /) -> LUResult:
    """x = P @ L @ U for x: float[..., m, n] with k = min(m, n).

    P: [..., m, m] exchanges rows, L: [..., m, k] has ones on its diagonal, U: [..., k, n] is upper triangular.
    """
    dtype, x = matrix_operand("lu", x)
    packed, _, order = items(make(Lu(), x))
    k = shorter(x)
    lower = tril(first_columns(packed, k), k=-1) + identities(x.shape[-2], k, x.shape[:-2], x.dtype)
    upper = triu(first_rows(packed, k))
    n, last = x.shape[-2], order.ndim
    places = expand(iota(n), tuple(range(last)), order.shape)
    exchange = cast(equal(matrix_transpose(places), expand(order, (last - 1,), (n,))), dtype)
    return LUResult(exchange, cast(lower, dtype), cast(upper, dtype))


@public
def lu_solve(factor: tuple[Any, Any, Any], b: Any) -> Node:
    """x with a @ x = b, given `lu_factor(a)`. b: float[n] or float[..., n, k]; NaN for singular a."""
    packed, _, order = factor

    def solved(packed: Node, b: Node) -> Node:
        rows = broadcast_to(order, packed.shape[:-1])
        permuted = take_along_axis(b, expand(rows, (rows.ndim,), (1,)), -2)
        return solve_triangle(packed, make(TriangularSolve(True, True), packed, permuted), lower=False)

    return with_right_sides("lu_solve", solved, packed, b)


def eliminated(x: Array) -> tuple[Array, Array, Array]:
    """Both triangles, the pivots and the order of rows for a stack of matrices."""
    (*batch, m, n), k = x.shape, min(x.shape[-2:])
    a = np.array(x).reshape((math.prod(batch), m, n))
    order = np.tile(np.arange(m), (len(a), 1))
    pivots = np.empty((len(a), k), np.int64)
    for start in range(0, k, PANEL):
        stop = min(start + PANEL, k)
        panel = a[:, start:, start:stop].mT.copy()  # a column is one piece of memory
        exchanged = np.tile(np.arange(m - start), (len(a), 1))
        for j in range(stop - start):
            pivots[:, start + j] = start + _eliminate(panel, exchanged, j)
        order[:, start:] = np.take_along_axis(order[:, start:], exchanged, 1)
        a[:, start:] = np.take_along_axis(a[:, start:], exchanged[..., None], 1)
        a[:, start:, start:stop] = panel.mT
        top = a[:, start:stop, stop:]
        top[...] = substituted(a[:, start:stop, start:stop], top, lower=True, unit_diagonal=True)
        a[:, stop:, stop:] -= a[:, stop:, start:stop] @ top
    return a.reshape(x.shape), pivots.reshape((*batch, k)), order.reshape((*batch, m))


def _eliminate(columns: Array, order: Array, j: int) -> Array:
    """Exchange row j with that of the pivot, and eliminate column j from the later ones; rows are the last axis."""
    each = np.arange(len(columns))
    pivot = j + np.argmax(np.abs(columns[:, j, j:]), -1)
    for rows in (columns, order):
        row = rows[..., j].copy()
        rows[..., j] = rows[each, ..., pivot]
        rows[each, ..., pivot] = row
    divisor = columns[:, j, j, None]
    columns[:, j, j + 1 :] /= np.where(divisor == 0, 1, divisor)
    columns[:, j + 1 :, j + 1 :] -= columns[:, j + 1 :, j, None] * columns[:, None, j, j + 1 :]
    return pivot


def _of_rows(g: Node, packed: Node) -> Any:
    """The cotangent of the rows in their final order. What lies beside the square block is empty on one side."""
    k = shorter(packed)
    (square, below, right), (g_square, g_below, g_right) = _blocks(packed, k), _blocks(g, k)
    lower = tril(square, k=-1) + identity_like(square)
    of_lower = matrix_transpose(lower) @ tril(g_square, k=-1) - g_right @ matrix_transpose(right)
    of_upper = triu(g_square) @ matrix_transpose(triu(square)) - matrix_transpose(below) @ g_below
    inner = tril(of_lower, k=-1) + triu(of_upper)
    solved = make(TriangularSolve(False, True), matrix_transpose(square), concat([inner, g_right], -1))
    left = concat([first_columns(solved, k), g_below], -2)
    left = matrix_transpose(solve_triangle(square, matrix_transpose(left), lower=False))
    if packed.shape[-1] == k:
        return left
    beside = columns_after(solved, k)
    shape = (*left.shape[:-1], beside.shape[-1])
    if beside.shape != shape:  # of named sizes: it has no columns, or all the rows
        beside = make(Pad((0,) * g.ndim, (1,) * g.ndim, shape, 0.0), beside)
    return concat([left, beside], -1)


def _blocks(x: Node, k: Any) -> tuple[Node, Node, Node]:
    """The square block of k rows and columns, what is below it, and what is to its right."""
    left = first_columns(x, k)
    return first_rows(left, k), rows_after(left, k), columns_after(first_rows(x, k), k)
