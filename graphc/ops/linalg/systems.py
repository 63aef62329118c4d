"""Systems of equations, and the inverse.

solve(a, b)     LAPACK's gesv: elimination with pivots
inv(a)          the same with the identity on the right
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graphc import dimension
from graphc.errors import ShapeError
from graphc.ir.node import Node, make, public
from graphc.ir.op import Cotangents
from graphc.ops.contraction import matrix_transpose
from graphc.ops.conversion import cast, expand
from graphc.ops.linalg.library import Array, call
from graphc.ops.linalg.matrix import (
    MatrixOp,
    check_square,
    check_system,
    float_operands,
    matrix_operand,
    one_stack,
)
from graphc.ops.movement import transpose
from graphc.types import TensorType


class Solve(MatrixOp):
    """x with a @ x = b; NaN for singular a.

    Derivative: Giles, Collected matrix derivative results, 2.3.1.
    """

    arity = 2

    def infer(self, a: TensorType, b: TensorType) -> TensorType:
        check_system(a, b)
        return b

    def calculate(self, a: Array, b: Array) -> Array:
        return call(np.linalg.solve, a, b)

    def vjp(self, g: Node, x: Node, a: Node, b: Node) -> Cotangents:
        h = make(Solve(), matrix_transpose(a), g)
        return -(h @ matrix_transpose(x)), h


class Inv(MatrixOp):
    """The inverse; NaN for a singular matrix.

    Derivative: Giles, Collected matrix derivative results, 2.2.3.
    """

    arity = 1

    def infer(self, x: TensorType) -> TensorType:
        check_square(x)
        return x

    def calculate(self, x: Array) -> Array:
        return call(np.linalg.inv, x)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (-(matrix_transpose(y) @ g @ matrix_transpose(y)),)


@public
def solve(a: Any, b: Any) -> Node:
    """x with a @ x = b. a: float[..., n, n]; b: float[n], or float[..., n, k], whose leading axes broadcast.

    A singular a gives NaN. Raises ShapeError for sizes that do not fit, DTypeError for what has no float dtype.
    Source: Golub & Van Loan, Matrix Computations, 3.4.
    """
    return with_right_sides("solve", lambda a, b: make(Solve(), a, b), a, b)


@public
def inv(x: Any) -> Node:
    """The inverse of x: float[..., n, n]; NaN for a singular one. `solve` is more accurate than a product with it."""
    dtype, x = matrix_operand("inv", x)
    return cast(make(Inv(), x), dtype)


def with_right_sides(name: str, solved: Callable[[Node, Node], Node], a: Any, b: Any) -> Node:
    """Solve with operands as users give them: vectors are columns, and one matrix serves a whole stack at once."""
    dtype, (a, b) = float_operands(name, a, b)
    check_square(a.type)
    if not b.ndim:
        raise ShapeError("the right side has no axes", help="give a vector or matrices")
    column = b.ndim == 1
    b = expand(b, (1,), (1,)) if column else b
    if a.shape[-1] != b.shape[-2]:
        raise ShapeError(f"{a.shape[-1]} unknowns meet {b.shape[-2]} rows on the right")
    if a.ndim == 2 and b.ndim > 2:
        x = _side_by_side(solved, a, b)
    else:
        x = solved(*one_stack(a, b))
    return cast(x.reshape(x.shape[:-1]) if column else x, dtype)


def _side_by_side(solved: Callable[[Node, Node], Node], a: Node, b: Node) -> Any:
    """The right sides of a stack as columns of one matrix, so that `a` is factorised once."""
    rows, last = b.ndim - 2, b.ndim - 1
    wide = transpose(b, (rows, *range(rows), last))
    x = solved(a, wide.reshape((a.shape[-1], dimension.product(wide.shape[1:])))).reshape(wide.shape)
    return transpose(x, (*range(1, last), 0, last))
