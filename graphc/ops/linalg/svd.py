"""Singular values, and what is told by them: rank and condition."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from graphc import dimension
from graphc.errors import GradientError, ShapeError
from graphc.ir.node import Node, make, public
from graphc.ir.op import Cotangents
from graphc.ops.contraction import matrix_transpose
from graphc.ops.conversion import cast, expand, sum
from graphc.ops.linalg.library import Array, call
from graphc.ops.linalg.matrix import (
    MatrixOp,
    check_matrices,
    diagonal_matrix,
    matrix_operand,
    reciprocal_or_zero,
    scaled_columns,
    scaled_rows,
    shorter,
)
from graphc.ops.logic import greater
from graphc.ops.position import extent
from graphc.ops.reduction import max
from graphc.ops.tuples import items
from graphc.types import TensorType, TupleType, int64


class Svd(MatrixOp):
    """The singular value decomposition x = U diag(S) Vh, singular values falling.

    Derivative: Townsend, Differentiating the singular value decomposition, 2016. U and Vh are determined up to a
    rotation among equal singular values, along which they have no derivative: the part of a cotangent that asks for
    it counts as 0. With `full_matrices` the columns beyond the singular values have none at all.
    """

    full_matrices: bool
    arity = 1

    def infer(self, x: TensorType) -> TensorType:
        check_matrices(x)
        (rows, columns), least = x.shape[-2:], shorter(x)
        inner_rows, inner_columns = (rows, columns) if self.full_matrices else (least, least)
        shapes = (rows, inner_rows), (least,), (inner_columns, columns)
        return TupleType(x.with_shape((*x.shape[:-2], *shape)) for shape in shapes)

    def calculate(self, x: Array) -> tuple[Array, ...]:
        return call(lambda x: tuple(np.linalg.svd(x, self.full_matrices)), x)

    def vjp(self, gs: tuple[Node | None, ...], y: Node, x: Node) -> Cotangents:
        gu, gs_, gvh = gs
        if gu is None and gvh is None:
            return (None if gs_ is None else _of_values(gs_, x),)
        if self.full_matrices and x.shape[-1] != x.shape[-2]:
            raise GradientError(
                "the columns of U or rows of Vh beyond the singular values have no derivative",
                help="use svd(x, full_matrices=False)",
            )
        u, s, vh = items(y)
        v = vh.mT
        inner = None if gs_ is None else diagonal_matrix(gs_)
        total = None
        if gu is not None:
            inner = _added(inner, scaled_columns(_skew(u.mT @ gu) * _inverse_gaps(s), s))
            total = _outside(u, scaled_columns(gu, reciprocal_or_zero(s))) @ vh if x.shape[-2] != s.shape[-1] else None
        if gvh is not None:
            inner = _added(inner, scaled_rows(s, _skew(vh @ gvh.mT) * _inverse_gaps(s)))
            if x.shape[-1] != s.shape[-1]:
                total = _added(total, u @ _outside(v, scaled_columns(gvh.mT, reciprocal_or_zero(s))).mT)
        return (_added(total, u @ inner @ vh),)


class Svdvals(MatrixOp):
    """The singular values, falling.

    Derivative: Giles, Collected matrix derivative results, 3.2.
    """

    arity = 1

    def infer(self, x: TensorType) -> TensorType:
        check_matrices(x)
        return x.with_shape((*x.shape[:-2], shorter(x)))

    def calculate(self, x: Array) -> Array:
        return call(lambda x: np.linalg.svd(x, compute_uv=False), x)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (_of_values(g, x),)


class SVDResult(NamedTuple):
    """What `svd` gives: x = U diag(S) Vh."""

    U: Node
    S: Node
    Vh: Node


@public
def svd(x: Any, /, *, full_matrices: bool = True) -> SVDResult:
    """The singular value decomposition of x: float[..., m, n], with k = min(m, n) singular values, falling.

    U: [..., m, m], S: [..., k], Vh: [..., n, n]; without `full_matrices` [..., m, k] and [..., k, n].
    Source: Golub & Van Loan, Matrix Computations, 2.4.
    """
    dtype, x = matrix_operand("svd", x)
    return SVDResult(*(cast(part, dtype) for part in items(make(Svd(bool(full_matrices)), x))))


@public
def svdvals(x: Any, /) -> Node:
    """The singular values of x: float[..., m, n], falling; float[..., min(m, n)]."""
    dtype, x = matrix_operand("svdvals", x)
    return cast(make(Svdvals(), x), dtype)


@public
def matrix_rank(x: Any, /, *, rtol: Any = None) -> Any:
    """How many singular values of x: float[..., m, n] are above rtol times the largest; int64.

    By default rtol is max(m, n) times the distance from 1 to the next float. It broadcasts with the stack.
    Source: Golub & Van Loan, Matrix Computations, 5.5.8.
    """
    _, x = matrix_operand("matrix_rank", x)
    s = make(Svdvals(), x)
    limit = max(s, -1) * (default_rtol(x) if rtol is None else rtol)
    if limit.ndim > s.ndim - 1:
        raise ShapeError("rtol has more axes than the stack of matrices")
    return sum(cast(greater(s, expand(limit, (limit.ndim,), (1,))), int64), -1)


def default_rtol(x: Node) -> Any:
    """Singular values below this times the largest are rounding errors."""
    eps = float(x.dtype.limits.eps)
    return extent(dimension.call("max", x.shape[-2], x.shape[-1]), x.dtype) * eps


def _of_values(g: Node, x: Node) -> Node:
    """The cotangent of x given that of its singular values."""
    u, _, vh = items(make(Svd(False), x))
    return scaled_columns(u, g) @ vh


def _skew(x: Node) -> Any:
    return x - matrix_transpose(x)


def _inverse_gaps(s: Node) -> Any:
    """1 / (s_j² - s_i²) in row i and column j, 0 where they are equal."""
    n = s.shape[-1]
    column, row = expand(s, (s.ndim - 1,), (n,)), expand(s, (s.ndim,), (n,))
    return reciprocal_or_zero(column - row) * reciprocal_or_zero(column + row)


def _outside(basis: Node, x: Node) -> Any:
    """What is orthogonal to the columns of a basis."""
    return x - basis @ (matrix_transpose(basis) @ x)


def _added(x: Node | None, y: Any) -> Any:
    return y if x is None else x + y
