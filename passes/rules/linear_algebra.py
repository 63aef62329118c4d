"""Linear algebra: determinants that overflow on the way to their logarithm, and inverses that are only multiplied."""

from __future__ import annotations

import math
from typing import Any

from graphc.ir.leaf import uniform_value
from graphc.ir.node import Node, make
from graphc.ir.rule import RuleSet
from graphc.ops.contraction import Matmul, matrix_transpose
from graphc.ops.conversion import Cast, cast
from graphc.ops.elementwise import Abs, Divide, Log, Multiply, Rsqrt, Sign, Sqrt, Square
from graphc.ops.linalg.determinant import Det, logdet, slogdet
from graphc.ops.linalg.systems import Inv, Solve
from graphc.ops.movement import Transpose

LINEAR_ALGEBRA = RuleSet("linear algebra")
OF_MATRICES = "tested: SymPy has no matrices of symbols here"


@LINEAR_ALGEBRA.rewriter(Log, kind="stabilizing", reference="S62", proof=OF_MATRICES)
def log_of_determinant(node: Node) -> Node | None:
    """The determinant of 100 rows overflows f32 easily, its logarithm never. -inf at 0, NaN below, as before.

    Roots, squares, absolute values and positive factors may stand around the determinant, as in the density of a
    normal distribution, and a conversion that rounds it to a shorter float.
    """
    scale, offset, x = 1.0, 0.0, node.args[0]
    while not isinstance(x.op, Det):
        match x.op:
            case Cast() if x.args[0].dtype.is_float and x.args[0].dtype.bits > x.dtype.bits:
                x = x.args[0]
            case Sqrt():
                scale, x = scale / 2, x.args[0]
            case Rsqrt():
                scale, x = -scale / 2, x.args[0]
            case Square() | Abs() if isinstance(x.args[0].op, Det):
                power = 2 if isinstance(x.op, Square) else 1
                return cast(_affine(scale * power, slogdet(x.args[0].args[0]).logabsdet, offset), node.dtype)
            case Multiply() | Divide():
                numbers = [_positive(arg) for arg in x.args]
                if (numbers[0] is None) == (numbers[1] is None):
                    return None
                which = 0 if numbers[0] is not None else 1
                logarithm = scale * math.log(numbers[which])
                offset += logarithm if isinstance(x.op, Multiply) or which == 0 else -logarithm
                scale = -scale if isinstance(x.op, Divide) and which == 0 else scale
                x = x.args[1 - which]
            case _:
                return None
    return cast(_affine(scale, logdet(x.args[0]), offset), node.dtype)


@LINEAR_ALGEBRA.rewriter(Sign, kind="stabilizing", reference="S62", proof=OF_MATRICES)
def sign_of_determinant(node: Node) -> Node | None:
    """The determinant underflows to 0, its sign does not."""
    x = node.args[0]
    return slogdet(x.args[0]).sign if isinstance(x.op, Det) else None


@LINEAR_ALGEBRA.rewriter(Matmul, kind="stabilizing", reference="S63", proof=OF_MATRICES)
def product_with_inverse(node: Node) -> Node | None:
    """inv(a) @ b is solve(a, b): the residual of the solution is small, that of the inverse's columns adds up."""
    x, y = node.args
    a = _inverted(x)
    if a is not None:
        return make(Solve(), a, y)
    a = _inverted(y)
    if a is not None:
        return matrix_transpose(make(Solve(), matrix_transpose(a), matrix_transpose(x)))
    return None


def _inverted(x: Node) -> Node | None:
    """The matrix whose inverse a node is by its form, be it transposed."""
    if isinstance(x.op, Inv):
        return x.args[0]
    if isinstance(x.op, Transpose) and isinstance(x.args[0].op, Inv):
        stack = tuple(range(x.ndim - 2))
        if x.op.axes == (*stack, x.ndim - 1, x.ndim - 2):
            return matrix_transpose(x.args[0].args[0])
    return None


def _positive(x: Node) -> Any:
    """The number that a constant repeats, if it is positive and finite."""
    value = uniform_value(x)
    return float(value) if value is not None and 0 < value < math.inf else None


def _affine(scale: float, x: Node, offset: float) -> Node:
    y: Any = x if scale == 1 else scale * x
    return y if offset == 0 else y + offset
