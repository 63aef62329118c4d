"""The factorisation into an orthonormal basis and an upper triangle."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np

from graphc.errors import GradientError, GraphError
from graphc.ir.leaf import full
from graphc.ir.node import Node, make, public
from graphc.ir.op import Cotangents
from graphc.ops.contraction import matrix_transpose
from graphc.ops.conversion import cast
from graphc.ops.creation import triu
from graphc.ops.linalg.library import Array, call
from graphc.ops.linalg.matrix import (
    MatrixOp,
    check_matrices,
    columns_after,
    first_columns,
    halved_triangle,
    matrix_operand,
    shorter,
)
from graphc.ops.linalg.triangular import solve_triangle
from graphc.ops.movement import concat
from graphc.ops.tuples import items
from graphc.types import TensorType, TupleType

Mode = Literal["reduced", "complete"]


class Qr(MatrixOp):
    """x = Q R with orthonormal columns of Q and an upper triangular R, as LAPACK's Householder reflections give them.

    Derivative: Walter & Lehmann, Algorithmic differentiation of linear algebra functions, 2010; of wide matrices:
    Roberts & Roberts, QR and LQ decomposition matrix backpropagation algorithms, 2020. It needs the first columns to
    be independent. The columns that "complete" adds to Q have none.
    """

    mode: str
    arity = 1

    def infer(self, x: TensorType) -> TensorType:
        check_matrices(x)
        rows, columns = x.shape[-2:]
        inner = rows if self.mode == "complete" else shorter(x)
        return TupleType(x.with_shape((*x.shape[:-2], *shape)) for shape in ((rows, inner), (inner, columns)))

    def calculate(self, x: Array) -> tuple[Array, ...]:
        mode: Any = self.mode
        return call(lambda x: tuple(np.linalg.qr(x, mode)), x)

    def vjp(self, gs: tuple[Node | None, Node | None], y: Node, x: Node) -> Cotangents:
        k = shorter(x)
        if self.mode == "complete" and k != x.shape[-2]:
            raise GradientError("the columns that complete Q have no derivative", help='use mode="reduced"')
        q, r = items(y)
        gq, gr = (full(0, part.type) if g is None else g for g, part in zip(gs, (q, r), strict=True))
        if k == x.shape[-1]:
            return (_of_basis(gq, gr, q, r),)
        beside = columns_after(gr, k)
        gq = gq + columns_after(x, k) @ matrix_transpose(beside)
        left = _of_basis(gq, first_columns(gr, k), q, first_columns(r, k))
        return (concat([left, q @ beside], -1),)


class QRResult(NamedTuple):
    """What `qr` gives: x = Q R."""

    Q: Node
    R: Node


@public
def qr(x: Any, /, *, mode: Mode = "reduced") -> QRResult:
    """The QR factorisation of x: float[..., m, n] with k = min(m, n).

    Q: [..., m, k] and R: [..., k, n], or with mode "complete" [..., m, m] and [..., m, n].
    Source: Golub & Van Loan, Matrix Computations, 5.2.
    """
    if mode not in ("reduced", "complete"):
        raise GraphError(f"{mode!r:.80} is no mode", help='"reduced" or "complete"')
    dtype, x = matrix_operand("qr", x)
    return QRResult(*(cast(part, dtype) for part in items(make(Qr(mode), x))))


def _of_basis(gq: Node, gr: Node, q: Node, r: Node) -> Node:
    """The cotangent of the columns that the basis is made from, for which R is square."""
    m = r @ matrix_transpose(triu(gr)) - matrix_transpose(gq) @ q
    below = halved_triangle(m)
    left = gq + q @ (below + matrix_transpose(below))
    return matrix_transpose(solve_triangle(r, matrix_transpose(left), lower=False))
