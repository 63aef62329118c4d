"""Eigenvalues and eigenvectors of general real matrices.

graphc has no complex numbers: what is complex comes as two arrays, the real part and the imaginary part. The
derivative is the textbook's, over pairs of real matrices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from graphc.ir.leaf import full
from graphc.ir.node import Node, make, public
from graphc.ir.op import Cotangents
from graphc.ops.contraction import matrix_transpose
from graphc.ops.conversion import cast, expand
from graphc.ops.linalg.library import Array, call
from graphc.ops.linalg.matrix import (
    MatrixOp,
    check_square,
    diagonal_matrix,
    first_rows,
    main_diagonal,
    matrix_operand,
    rows_after,
    scaled_columns,
)
from graphc.ops.linalg.systems import Solve
from graphc.ops.logic import equal, where
from graphc.ops.movement import concat
from graphc.ops.tuples import items
from graphc.types import TensorType, TupleType


class Eig(MatrixOp):
    """The eigenvalues and unit eigenvectors (columns) of matrices: real and imaginary parts of both.

    Derivative: Boeddeker et al., On the computation of complex-valued gradients with application to statistically
    optimum beamforming, 2017, equation 4.77, with the length of the vectors kept. It needs distinct eigenvalues; the
    part of a cotangent that asks for a rotation among equal ones, or for the phase of a vector, counts as 0.
    """

    arity = 1

    def infer(self, x: TensorType) -> TensorType:
        check_square(x)
        values = x.with_shape(x.shape[:-1])
        return TupleType((values, values, x, x))

    def calculate(self, x: Array) -> tuple[Array, ...]:
        return call(lambda x: tuple(part for whole in np.linalg.eig(x) for part in _parts(whole)), x)

    def vjp(self, gs: tuple[Node | None, ...], y: Node, x: Node) -> Cotangents:
        real, imag, *vectors = items(y)
        v = _Complex(*vectors)
        inner = _Complex(*(_zeros(x) if g is None else diagonal_matrix(g) for g in gs[:2]))
        if gs[2] is not None or gs[3] is not None:
            projected = v.adjoint @ _Complex(*(_zeros(x) if g is None else g for g in gs[2:]))
            lengths = main_diagonal(projected.real)
            gram = v.adjoint @ v
            beside = projected - _Complex(scaled_columns(gram.real, lengths), scaled_columns(gram.imag, lengths))
            inner = inner + beside * _inverse_gaps(real, imag)
        return ((v.adjoint.solve(inner) @ v.adjoint).real,)


class Eigvals(MatrixOp):
    """The real and the imaginary parts of the eigenvalues of matrices.

    Derivative: Magnus, On differentiating eigenvalues and eigenvectors, 1985, theorem 2.
    """

    arity = 1

    def infer(self, x: TensorType) -> TensorType:
        check_square(x)
        values = x.with_shape(x.shape[:-1])
        return TupleType((values, values))

    def calculate(self, x: Array) -> tuple[Array, ...]:
        return call(lambda x: _parts(np.linalg.eigvals(x)), x)

    def vjp(self, gs: tuple[Node | None, ...], y: Node, x: Node) -> Cotangents:
        whole = make(Eig(), x)
        return whole.op.vjp((*gs, None, None), whole, x)


class EigResult(NamedTuple):
    """What `eig` gives."""

    eigenvalues_real: Node
    eigenvalues_imag: Node
    eigenvectors_real: Node
    eigenvectors_imag: Node


class EigvalsResult(NamedTuple):
    """What `eigvals` gives."""

    real: Node
    imag: Node


@public
def eig(x: Any, /) -> EigResult:
    """The eigenvalues, float[..., n], and unit eigenvectors as columns, float[..., n, n], of x: float[..., n, n].

    Both may be complex and come as real and imaginary parts; complex eigenvalues come in conjugate pairs. The order
    is LAPACK's. Source: Golub & Van Loan, Matrix Computations, 7.
    """
    dtype, x = matrix_operand("eig", x)
    return EigResult(*(cast(part, dtype) for part in items(make(Eig(), x))))


@public
def eigvals(x: Any, /) -> EigvalsResult:
    """The real and imaginary parts, float[..., n], of the eigenvalues of x: float[..., n, n], in LAPACK's order."""
    dtype, x = matrix_operand("eigvals", x)
    return EigvalsResult(*(cast(part, dtype) for part in items(make(Eigvals(), x))))


@dataclass(frozen=True)
class _Complex:
    """A stack of complex matrices as two real ones."""

    real: Any
    imag: Any

    @property
    def adjoint(self) -> _Complex:
        return _Complex(matrix_transpose(self.real), -matrix_transpose(self.imag))

    def __add__(self, other: _Complex) -> _Complex:
        return _Complex(self.real + other.real, self.imag + other.imag)

    def __sub__(self, other: _Complex) -> _Complex:
        return _Complex(self.real - other.real, self.imag - other.imag)

    def __mul__(self, other: _Complex) -> _Complex:
        """Element by element."""
        return _Complex(
            self.real * other.real - self.imag * other.imag, self.real * other.imag + self.imag * other.real
        )

    def __matmul__(self, other: _Complex) -> _Complex:
        real = self.real @ other.real - self.imag @ other.imag
        return _Complex(real, self.real @ other.imag + self.imag @ other.real)

    def solve(self, other: _Complex) -> _Complex:
        """The matrix z with self @ z = other, from a real system of twice the size."""
        n = other.real.shape[-1]
        rows = [concat([self.real, -self.imag], -1), concat([self.imag, self.real], -1)]
        z = make(Solve(), concat(rows, -2), concat([other.real, other.imag], -2))
        return _Complex(first_rows(z, n), rows_after(z, n))


def _parts(x: Array) -> tuple[Array, Array]:
    """The real and the imaginary part of an array that may be complex, which NumPy decides by the values."""
    return x.real, x.imag


def _inverse_gaps(real: Node, imag: Node) -> _Complex:
    """1 / conj(w_j - w_i) in row i and column j, 0 where they are equal."""
    n = real.shape[-1]
    gaps = [expand(w, (w.ndim - 1,), (n,)) - expand(w, (w.ndim,), (n,)) for w in (real, imag)]
    squared = gaps[0] * gaps[0] + gaps[1] * gaps[1]
    same = equal(squared, 0)
    inverse = where(same, 0, 1 / where(same, 1, squared))
    return _Complex(gaps[0] * inverse, gaps[1] * inverse)


def _zeros(x: Node) -> Node:
    return full(0, x.type)
