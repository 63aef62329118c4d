"""Determinants, and their logarithms, which neither overflow nor underflow."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from graphc.ir.node import Node, make, public
from graphc.ir.op import Cotangents
from graphc.ops.contraction import matrix_transpose
from graphc.ops.conversion import cast, expand, sum
from graphc.ops.creation import eye
from graphc.ops.cumulative import cumprod, shifted
from graphc.ops.linalg.library import Array, call
from graphc.ops.linalg.matrix import MatrixOp, check_square, diagonal_matrix, main_diagonal, matrix_operand
from graphc.ops.linalg.svd import Svd
from graphc.ops.linalg.systems import Inv
from graphc.ops.logic import greater, less, logical_and, not_equal, where
from graphc.ops.reduction import max, min
from graphc.ops.tuples import items
from graphc.types import TensorType, TupleType, bool_


class Det(MatrixOp):
    """The determinant.

    Its derivative is the cofactor matrix, at singular matrices too: Magnus & Neudecker, Matrix Differential
    Calculus, 8.3.
    """

    arity = 1

    def infer(self, x: TensorType) -> TensorType:
        check_square(x)
        return x.with_shape(x.shape[:-2])

    def calculate(self, x: Array) -> Array:
        return call(np.linalg.det, x)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (_to_matrices(g, x) * make(Cofactor(), x),)


class Cofactor(MatrixOp):
    """The matrix of cofactors, det(x) times the inverse transposed where there is an inverse.

    It is U cof(S) Vᵀ times the signs of det(U) and det(V), from the singular values: Stewart, On the adjugate
    matrix, 1998. Its derivative is that of cof(S) in the same coordinates, right at every rank. Where the matrix is
    well conditioned the derivative is written by the inverse, whose derivatives need no distinct singular values.
    """

    arity = 1

    def infer(self, x: TensorType) -> TensorType:
        check_square(x)
        return x

    def calculate(self, x: Array) -> Array:
        return call(cofactors, x)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        u, s, vh = items(make(Svd(False), x))
        determinant = make(Det(), x)
        regular = logical_and(greater(min(s, -1), 1e-3 * max(s, -1)), not_equal(determinant, 0))
        inner = sum(y * g, (-2, -1))
        both = _to_matrices(inner, x) * y - y @ matrix_transpose(g) @ y
        by_inverse = both / _to_matrices(where(regular, determinant, 1), x)
        rotation = make(Det(), u) * make(Det(), vh)
        by_values = _to_matrices(rotation, x) * (u @ _of_diagonal(s, matrix_transpose(u) @ g @ vh.mT) @ vh)
        return (where(_to_matrices(regular, x), by_inverse, by_values),)


class Slogdet(MatrixOp):
    """The sign of the determinant, and the logarithm of its absolute value (-inf where it is 0).

    Derivative: Giles, Collected matrix derivative results, 2.2.4; NaN at singular matrices, where there is none.
    """

    arity = 1

    def infer(self, x: TensorType) -> TensorType:
        check_square(x)
        each = x.with_shape(x.shape[:-2])
        return TupleType((each, each))

    def calculate(self, x: Array) -> tuple[Array, Array]:
        return call(lambda x: tuple(np.linalg.slogdet(x)), x)

    def vjp(self, gs: tuple[Node | None, Node | None], y: Node, x: Node) -> Cotangents:
        g = gs[1]
        return (None if g is None else _to_matrices(g, x) * matrix_transpose(make(Inv(), x)),)


class SlogdetResult(NamedTuple):
    """What `slogdet` gives."""

    sign: Node
    logabsdet: Node


@public
def det(x: Any, /) -> Node:
    """The determinant of x: float[..., n, n], 1 for n = 0. `slogdet` and `logdet` do not overflow."""
    dtype, x = matrix_operand("det", x)
    return cast(make(Det(), x), dtype)


@public
def slogdet(x: Any, /) -> SlogdetResult:
    """The sign (-1, 0 or 1) and the logarithm of the absolute value of the determinant of x: float[..., n, n]."""
    dtype, x = matrix_operand("slogdet", x)
    return SlogdetResult(*(cast(part, dtype) for part in items(make(Slogdet(), x))))


@public
def logdet(x: Any, /) -> Any:
    """log(det(x)) of x: float[..., n, n] without overflow; -inf where that is 0, NaN where it is negative."""
    sign, logarithm = slogdet(x)
    return where(less(sign, 0), float("nan"), logarithm)


def cofactors(x: Array) -> Array:
    """The matrices of cofactors of finite matrices."""
    u, s, vh = np.linalg.svd(x)
    sign = np.sign(np.linalg.det(u) * np.linalg.det(vh))[..., None]
    n, one = s.shape[-1], np.ones_like(s[..., :1])
    before = np.cumprod(np.concatenate([one, s], -1), -1)[..., :n]
    after = np.cumprod(np.concatenate([one, s[..., ::-1]], -1), -1)[..., :n][..., ::-1]
    return (u * (sign * before * after)[..., None, :]) @ vh


def _of_diagonal(s: Node, m: Node) -> Any:
    """The differential of the cofactors at diag(s) in the direction m, by the products of all values but two."""
    own, last = eye(s.shape[-1], dtype=bool_), s.ndim
    without_one = where(own, 1, expand(s, (last - 1,), (s.shape[-1],)))
    before = shifted(cumprod(without_one, last), last, False, 1)
    behind = shifted(cumprod(without_one, last, reverse=True), last, True, 1)
    pairs = where(own, 0, before * behind)
    diagonal = sum(pairs * expand(main_diagonal(m), (m.ndim - 2,), like=m), -1)
    return diagonal_matrix(diagonal) - pairs * matrix_transpose(m)


def _to_matrices(v: Node, x: Node) -> Any:
    """A number for each matrix, repeated to its elements."""
    return expand(v, (x.ndim - 2, x.ndim - 1), like=x)
