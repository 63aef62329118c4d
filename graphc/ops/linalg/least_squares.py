"""Least squares and the generalised inverse, by singular values."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from graphc.errors import ShapeError
from graphc.ir.node import Node, make, public
from graphc.ir.op import Cotangents
from graphc.ops.contraction import matrix_transpose
from graphc.ops.conversion import as_node, broadcast_to, cast, expand, sum
from graphc.ops.elementwise import square
from graphc.ops.linalg.library import Array, call
from graphc.ops.linalg.matrix import MatrixOp, check_matrices, float_operands, identities, matrix_operand, one_stack
from graphc.ops.linalg.svd import default_rtol, matrix_rank, svdvals
from graphc.types import TensorType


class Lstsq(MatrixOp):
    """The shortest x that makes a @ x - b shortest; singular values up to `rtol` times the largest count as 0.

    Derivative where the rank stays: Golub & Pereyra, The differentiation of pseudo-inverses and nonlinear least
    squares problems, 1973, equation 4.12, applied to b.
    """

    arity = 3

    def infer(self, a: TensorType, b: TensorType, rtol: TensorType) -> TensorType:
        check_matrices(a, b)
        if a.shape[-2] != b.shape[-2]:
            raise ShapeError(f"{a.shape[-2]} equations meet {b.shape[-2]} rows on the right")
        if rtol != a.with_shape(a.shape[:-2]):
            raise ShapeError("rtol is not one number for each matrix")
        return b.with_shape((*b.shape[:-2], a.shape[-1], b.shape[-1]))

    def calculate(self, a: Array, b: Array, rtol: Array) -> Array:
        u, s, vh = call(lambda a: tuple(np.linalg.svd(a, full_matrices=False)), a)
        left_out = s <= rtol[..., None] * s[..., :1]
        inverse = np.where(left_out, 0, 1 / np.where(left_out, 1, s))[..., None]
        return vh.mT @ (inverse * (u.mT @ b))

    def vjp(self, g: Node, x: Node, a: Node, b: Node, rtol: Node) -> Cotangents:
        def solved(a: Node, b: Node) -> Node:
            return make(Lstsq(), a, b, rtol)

        at = matrix_transpose(a)
        z = solved(at, g)
        residual = b - a @ x
        in_kernel = g - at @ z
        ga = residual @ matrix_transpose(solved(a, z)) - z @ matrix_transpose(x)
        return ga + solved(at, x) @ matrix_transpose(in_kernel), z, None


class LstsqResult(NamedTuple):
    """What `lstsq` gives."""

    x: Node
    residuals: Node
    rank: Node
    singular_values: Node


@public
def lstsq(a: Any, b: Any, rtol: Any = None) -> LstsqResult:
    """The least-squares solution x of a @ x = b, the shortest one if there are many.

    a: float[..., m, n]; b: float[m] or float[..., m, k]; singular values up to rtol (by default max(m, n) times the
    distance from 1 to the next float) times the largest count as 0. With x: float[..., n, k] (or float[n]) come the
    squared lengths of the columns of b - a @ x (always, where NumPy gives none for a of lower rank), the rank and the
    singular values of a. Source: Golub & Van Loan, Matrix Computations, 5.5.
    """
    dtype, (a, b) = float_operands("lstsq", a, b)
    check_matrices(a.type)
    column = b.ndim == 1
    b = expand(b, (1,), (1,)) if column else b
    a, b = one_stack(a, b)
    x = make(Lstsq(), a, b, _rtol(a, rtol))
    residuals = sum(square(b - a @ x), -2)
    if column:
        x, residuals = x.reshape(x.shape[:-1]), residuals.reshape(residuals.shape[:-1])
    return LstsqResult(cast(x, dtype), cast(residuals, dtype), matrix_rank(a, rtol=rtol), cast(svdvals(a), dtype))


@public
def pinv(x: Any, /, *, rtol: Any = None) -> Node:
    """The generalised inverse of Moore and Penrose, float[..., n, m], of x: float[..., m, n].

    Singular values up to rtol times the largest count as 0; by default rtol is max(m, n) times the distance from 1 to
    the next float. It broadcasts with the stack.
    """
    dtype, x = matrix_operand("pinv", x)
    rows = x.shape[-2]
    return cast(make(Lstsq(), x, identities(rows, rows, x.shape[:-2], x.dtype), _rtol(x, rtol)), dtype)


def _rtol(a: Node, rtol: Any) -> Node:
    """The limit for each matrix of a stack."""
    given = default_rtol(a) if rtol is None else cast(as_node(rtol), a.dtype)
    return broadcast_to(given, a.shape[:-2])
