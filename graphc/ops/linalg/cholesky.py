"""The Cholesky factor of positive definite matrices, and their log determinant by it."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.ir.node import Node, make, public
from graphc.ir.op import Cotangents
from graphc.ops.contraction import matrix_transpose
from graphc.ops.conversion import cast, sum
from graphc.ops.elementwise import log
from graphc.ops.linalg.library import Array, call
from graphc.ops.linalg.matrix import (
    MatrixOp,
    check_square,
    halved_triangle,
    main_diagonal,
    matrix_operand,
    symmetric_part,
)
from graphc.ops.linalg.triangular import solve_triangle
from graphc.types import TensorType


class Cholesky(MatrixOp):
    """The lower triangle L with L Lᵀ = x of symmetric positive definite x; NaN for others. Reads the lower triangle.

    The derivative is that over symmetric matrices: Murray, Differentiation of the Cholesky decomposition, 2016,
    equation 10.
    """

    arity = 1

    def infer(self, x: TensorType) -> TensorType:
        check_square(x)
        return x

    def calculate(self, x: Array) -> Array:
        return call(np.linalg.cholesky, x)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        inner = halved_triangle(matrix_transpose(y) @ g)
        left = solve_triangle(y, inner, lower=True, transpose=True)
        both = solve_triangle(y, matrix_transpose(left), lower=True, transpose=True)
        return (symmetric_part(both),)


@public
def cholesky(x: Any, /, *, upper: bool = False) -> Node:
    """The lower triangular L with L @ Lᵀ = x, or the upper triangular U with Uᵀ @ U = x.

    x: float[..., n, n], of which the symmetric part counts; a matrix that is not positive definite gives NaN.
    Source: Golub & Van Loan, Matrix Computations, 4.2.
    """
    dtype, x = matrix_operand("cholesky", x)
    check_square(x.type)
    lower = cast(make(Cholesky(), symmetric_part(x)), dtype)
    return matrix_transpose(lower) if upper else lower


@public
def cho_logdet(factor: Any) -> Any:
    """The logarithm of the determinant of a positive definite matrix, from its Cholesky factor (either triangle)."""
    dtype, factor = matrix_operand("cho_logdet", factor)
    check_square(factor.type)
    return cast(2 * sum(log(main_diagonal(factor)), -1), dtype)
