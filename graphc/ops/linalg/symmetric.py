"""Eigenvalues and eigenvectors of symmetric matrices."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from graphc.ir.node import Node, make, public
from graphc.ir.op import Cotangents
from graphc.ops.contraction import matrix_transpose
from graphc.ops.conversion import cast, expand
from graphc.ops.linalg.library import Array, call
from graphc.ops.linalg.matrix import (
    MatrixOp,
    check_square,
    diagonal_matrix,
    matrix_operand,
    reciprocal_or_zero,
    scaled_columns,
    symmetric_part,
)
from graphc.ops.tuples import items
from graphc.types import DType, TensorType, TupleType


class Eigh(MatrixOp):
    """The eigenvalues of symmetric matrices, rising, and an orthonormal basis of eigenvectors as columns.

    Derivative: Giles, Collected matrix derivative results, 3.1. Eigenvectors are determined up to a rotation among
    equal eigenvalues, along which they have no derivative: the part of a cotangent that asks for it counts as 0.
    """

    arity = 1

    def infer(self, x: TensorType) -> TensorType:
        check_square(x)
        return TupleType((x.with_shape(x.shape[:-1]), x))

    def calculate(self, x: Array) -> tuple[Array, ...]:
        return call(lambda x: tuple(np.linalg.eigh(x)), x)

    def vjp(self, gs: tuple[Node | None, Node | None], y: Node, x: Node) -> Cotangents:
        (gw, gv), (w, v) = gs, items(y)
        if gv is None:
            return (None if gw is None else _of_values(gw, v),)
        n = w.shape[-1]
        gaps = expand(w, (w.ndim - 1,), (n,)) - expand(w, (w.ndim,), (n,))
        inner = (matrix_transpose(v) @ gv) * reciprocal_or_zero(gaps)
        inner = inner if gw is None else inner + diagonal_matrix(gw)
        return (symmetric_part(v @ inner @ matrix_transpose(v)),)


class Eigvalsh(MatrixOp):
    """The eigenvalues of symmetric matrices, rising.

    Derivative: Magnus & Neudecker, Matrix Differential Calculus, 8.9.
    """

    arity = 1

    def infer(self, x: TensorType) -> TensorType:
        check_square(x)
        return x.with_shape(x.shape[:-1])

    def calculate(self, x: Array) -> Array:
        return call(np.linalg.eigvalsh, x)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        _, v = items(make(Eigh(), x))
        return (_of_values(g, v),)


class EighResult(NamedTuple):
    """What `eigh` gives."""

    eigenvalues: Node
    eigenvectors: Node


@public
def eigh(x: Any, /) -> EighResult:
    """The eigenvalues of x, rising, and orthonormal eigenvectors: x = v diag(w) vᵀ.

    x: float[..., n, n], of which the symmetric part counts. Source: Golub & Van Loan, Matrix Computations, 8.1.
    """
    dtype, x = _symmetric_operand("eigh", x)
    return EighResult(*(cast(part, dtype) for part in items(make(Eigh(), x))))


@public
def eigvalsh(x: Any, /) -> Node:
    """The eigenvalues of x: float[..., n, n], rising; the symmetric part counts."""
    dtype, x = _symmetric_operand("eigvalsh", x)
    return cast(make(Eigvalsh(), x), dtype)


def _symmetric_operand(name: str, x: Any) -> tuple[DType, Node]:
    dtype, x = matrix_operand(name, x)
    check_square(x.type)
    return dtype, symmetric_part(x)


def _of_values(g: Node, v: Node) -> Node:
    """The cotangent of a symmetric matrix given that of its eigenvalues."""
    return scaled_columns(v, g) @ matrix_transpose(v)
