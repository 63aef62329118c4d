"""Triangular systems of equations.

NumPy has no routine for them. Substitution goes over blocks of rows: a product with what is known already, and
`numpy.linalg.solve` for the small triangle on the diagonal. An upper triangle needs no elimination, so that routine
does nothing but substitute; a lower triangle is an upper one read backwards.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.ir.node import Node, make, public
from graphc.ir.op import Cotangents
from graphc.ops.contraction import matrix_transpose
from graphc.ops.creation import tril, triu
from graphc.ops.linalg.library import Array
from graphc.ops.linalg.matrix import MatrixOp, check_system
from graphc.ops.linalg.systems import with_right_sides
from graphc.types import TensorType

BLOCK = 64  # rows: the cubic cost of a block stays below that of calling NumPy


class TriangularSolve(MatrixOp):
    """x with a @ x = b, where only one triangle of a is read; NaN if its diagonal has a zero.

    Derivative: Giles, Collected matrix derivative results, 2.3.1, restricted to the triangle.
    """

    lower: bool
    unit_diagonal: bool
    arity = 2

    def infer(self, a: TensorType, b: TensorType) -> TensorType:
        check_system(a, b)
        return b

    def calculate(self, a: Array, b: Array) -> Array:
        return substituted(a, b, self.lower, self.unit_diagonal)

    def vjp(self, g: Node, x: Node, a: Node, b: Node) -> Cotangents:
        h = make(TriangularSolve(not self.lower, self.unit_diagonal), matrix_transpose(a), g)
        ga = -(h @ matrix_transpose(x))
        return tril(ga, k=-1 if self.unit_diagonal else 0) if self.lower else triu(ga, k=int(self.unit_diagonal)), h


@public
def triangular_solve(
    a: Any, b: Any, *, lower: bool = False, transpose: bool = False, unit_diagonal: bool = False
) -> Node:
    """x with a @ x = b for triangular a, or aᵀ @ x = b with `transpose`; the other triangle of a is not read.

    a: float[..., n, n]; b: float[n] or float[..., n, k], its leading axes broadcast. With `unit_diagonal` the diagonal
    is not read either and counts as ones. A zero on it gives NaN.
    Source: Golub & Van Loan, Matrix Computations, 3.1.
    """

    def solved(a: Node, b: Node) -> Node:
        return solve_triangle(a, b, lower=lower, transpose=transpose, unit_diagonal=unit_diagonal)

    return with_right_sides("triangular_solve", solved, a, b)


def solve_triangle(a: Node, b: Node, *, lower: bool, transpose: bool = False, unit_diagonal: bool = False) -> Node:
    """`triangular_solve` for stacks of one shape."""
    a = matrix_transpose(a) if transpose else a
    return make(TriangularSolve(lower is not transpose, unit_diagonal), a, b)


@public
def cho_solve(factor: Any, b: Any, *, upper: bool = False) -> Node:
    """x with a @ x = b, given the Cholesky factor of a: lower, or upper as `cholesky(a, upper=True)` gives it."""

    def solved(factor: Node, b: Node) -> Node:
        half = solve_triangle(factor, b, lower=not upper, transpose=upper)
        return solve_triangle(factor, half, lower=not upper, transpose=not upper)

    return with_right_sides("cho_solve", solved, factor, b)


def substituted(a: Array, b: Array, lower: bool, unit_diagonal: bool) -> Array:
    """The solution of stacks of triangular systems, by substitution in blocks."""
    if lower:
        return substituted(a[..., ::-1, ::-1], b[..., ::-1, :], False, unit_diagonal)[..., ::-1, :]
    n = a.shape[-1]
    diagonal = np.arange(n)
    singular = (a[..., diagonal, diagonal] == 0).any(-1) & (not unit_diagonal)
    x = np.array(b)
    for stop in range(n, 0, -BLOCK):
        start = max(stop - BLOCK, 0)
        block = np.triu(a[..., start:stop, start:stop])
        ones = np.arange(stop - start)
        block[..., ones, ones] = np.where(
            (singular | unit_diagonal)[..., None], block.dtype.type(1), block[..., ones, ones]
        )
        known = a[..., start:stop, stop:] @ x[..., stop:, :]
        x[..., start:stop, :] = np.linalg.solve(block, x[..., start:stop, :] - known)
    x[singular] = np.nan
    return x
