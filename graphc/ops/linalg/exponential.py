"""Functions of square matrices: the exponential, and whole powers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import index
from typing import Any

import numpy as np

from graphc.errors import GraphError
from graphc.ir.leaf import full
from graphc.ir.node import Node, make, public
from graphc.ir.op import Cotangents
from graphc.ops.contraction import matrix_transpose
from graphc.ops.conversion import cast
from graphc.ops.linalg.library import Array, call
from graphc.ops.linalg.matrix import MatrixOp, check_square, columns_after, first_rows, identity_like, matrix_operand
from graphc.ops.linalg.systems import Inv
from graphc.ops.movement import concat
from graphc.types import TensorType

# The coefficients of the Padé approximant of degree 13, and the norm up to which it is exact in float64:
# Higham, The scaling and squaring method for the matrix exponential revisited, 2005, tables 2.3 and (2.8).
PADE = (
    64764752532480000.0,
    32382376266240000.0,
    7771770303897600.0,
    1187353796428800.0,
    129060195264000.0,
    10559470521600.0,
    670442572800.0,
    33522128640.0,
    1323241920.0,
    40840800.0,
    960960.0,
    16380.0,
    182.0,
    1.0,
)
LARGEST_NORM = 4.25


class Expm(MatrixOp):
    """The exponential of matrices, the sum of x^k / k!; NaN if an element is not finite.

    Derivative: in a direction d it is the block at the upper right of the exponential of [[x, d], [0, x]], and its
    adjoint is that at xᵀ: Al-Mohy & Higham, Computing the Fréchet derivative of the matrix exponential, 2009.
    """

    arity = 1

    def infer(self, x: TensorType) -> TensorType:
        check_square(x)
        return x

    def calculate(self, x: Array) -> Array:
        return call(exponential, x.astype(np.float64)).astype(x.dtype)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (_differential(matrix_transpose(x), g),)

    def jvp(self, y: Node, xs: tuple[Node, ...], dxs: Sequence[Node | None]) -> Node | None:
        return None if dxs[0] is None else _differential(xs[0], dxs[0])


@public
def expm(x: Any, /) -> Node:
    """The matrix exponential of x: float[..., n, n].

    Source: Al-Mohy & Higham, A new scaling and squaring algorithm for the matrix exponential, 2009.
    """
    dtype, x = matrix_operand("expm", x)
    return cast(make(Expm(), x), dtype)


@public
def matrix_power(x: Any, n: int, /) -> Any:
    """The product of n matrices x: float[..., m, m]; of inverses for negative n, the identity for 0.

    Source: exponentiation by squaring, Knuth, The Art of Computer Programming, 4.6.3.
    """
    try:
        power = index(n)
    except TypeError:
        raise GraphError(f"{n!r:.80} is no power", help="a whole number") from None
    dtype, x = matrix_operand("matrix_power", x)
    check_square(x.type)
    base = make(Inv(), x) if power < 0 else x
    result, power = None, abs(power)
    while power:
        if power & 1:
            result = base if result is None else result @ base
        base, power = base @ base if power > 1 else base, power >> 1
    return cast(identity_like(x) if result is None else result, dtype)


def _differential(x: Node, direction: Node) -> Node:
    """The derivative of the exponential in a direction."""
    n = x.shape[-1]
    blocks = concat([concat([x, direction], -1), concat([full(0, x.type), x], -1)], -2)
    return columns_after(first_rows(make(Expm(), blocks), n), n)


def exponential(a: Array) -> Array:
    """The exponential of finite matrices: a Padé approximant for the halved matrix, squared as often."""
    first = np.maximum(np.frexp(_norm(a))[1] - 30, 0)  # so that no power overflows
    a = a * np.ldexp(1.0, -first)[..., None, None]
    a2 = a @ a
    a4 = a2 @ a2
    a6 = a4 @ a2
    halvings = _halvings(a, a4, a6)
    scale = np.ldexp(1.0, -halvings)[..., None, None]
    odd, even = _pade(a * scale, a2 * scale**2, a4 * scale**4, a6 * scale**6)
    result = np.linalg.solve(even - odd, even + odd)
    halvings += first
    for step in range(halvings.max(initial=0)):
        result = np.where((step < halvings)[..., None, None], result @ result, result)
    return result


def _halvings(a: Array, a4: Array, a6: Array) -> Array:
    """How often to halve, from norms of powers, which may be far smaller than powers of the norm."""
    d6, d8, d10 = (_norm(power) ** (1 / k) for power, k in ((a6, 6), (a4 @ a4, 8), (a4 @ a6, 10)))
    bound = np.minimum(np.maximum(d6, d8), np.maximum(d8, d10))
    halvings = np.maximum(np.ceil(np.log2(np.maximum(bound, 1e-300) / LARGEST_NORM)), 0).astype(int)
    return halvings + _for_rounding(np.abs(a * np.ldexp(1.0, -halvings)[..., None, None]))


def _for_rounding(a: Array) -> Array:
    """Further halvings against the error of the approximant, which grows with powers of absolute values."""
    row = np.ones((*a.shape[:-2], 1, a.shape[-1]))
    for _ in range(27):
        row = row @ a
    first_error = row.max((-2, -1), initial=0) / (math.comb(26, 13) * float(math.factorial(27)))
    ratio = first_error / np.where(_norm(a) == 0, 1, _norm(a)) / 2.0**-53
    return np.maximum(np.ceil(np.log2(np.maximum(ratio, 1e-300)) / 26), 0).astype(int)


def _norm(a: Array) -> Array:
    return np.abs(a).sum(-2).max(-1, initial=0)


def _pade(a: Array, a2: Array, a4: Array, a6: Array) -> tuple[Array, Array]:
    """The odd and the even part of the numerator."""
    one = np.eye(a.shape[-1])
    b = PADE
    odd = a6 @ (b[13] * a6 + b[11] * a4 + b[9] * a2) + b[7] * a6 + b[5] * a4 + b[3] * a2 + b[1] * one
    even = a6 @ (b[12] * a6 + b[10] * a4 + b[8] * a2) + b[6] * a6 + b[4] * a4 + b[2] * a2 + b[0] * one
    return a @ odd, even
