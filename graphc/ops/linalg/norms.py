"""Norms of vectors and matrices, and the condition of a matrix.

Powers are those of quotients by the largest element (by the smallest for negative powers), so that they neither
overflow nor underflow. At 0 the derivative of a norm is 0.
"""

from __future__ import annotations

from typing import Any

from graphc.errors import AxisError, GraphError, ShapeError
from graphc.ir.node import Node, public
from graphc.ops.barrier import stop_gradient
from graphc.ops.conversion import as_node, axes, cast, expand, ordered_axes, sum
from graphc.ops.elementwise import abs, maximum, power
from graphc.ops.euclidean_norm import euclidean_norm
from graphc.ops.linalg.matrix import check_square, float_operands, matrix_operand, shorter
from graphc.ops.linalg.svd import svdvals
from graphc.ops.linalg.systems import inv
from graphc.ops.logic import equal, isinf, isnan, logical_and, logical_not, logical_or, not_equal, where
from graphc.ops.movement import transpose
from graphc.ops.reduction import max, min

inf = float("inf")


@public
def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: float = 2) -> Any:
    """The ord-norm (Σ |x|^ord)^(1/ord) over axes (all if None), for any real ord.

    inf gives the largest absolute value, -inf the smallest, 0 how many elements are not 0. x: float[...].
    Source: Array API standard; scaling as in Blue, A portable Fortran program to find the Euclidean norm, 1978.
    """
    if isinstance(ord, bool) or not isinstance(ord, int | float):
        raise GraphError(f"{ord!r:.80} is no order of a vector norm", help="a real number, inf or -inf")
    dtype, (x,) = float_operands("vector_norm", x)
    axis = axes(axis, x.ndim)
    y = _vector_norm(x, axis, float(ord))
    return cast(expand(y, axis, (1,) * len(axis)) if keepdims and axis else y, dtype)


@public
def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """A norm of the matrices x: float[..., m, n].

    "fro": the root of the sum of squares; "nuc": the sum of the singular values; 2, -2: the largest, the smallest of
    them; 1, -1: the largest, the smallest sum of absolute values of a column; inf, -inf: of a row.
    Source: Golub & Van Loan, Matrix Computations, 2.3.
    """
    dtype, x = matrix_operand("matrix_norm", x)
    y = _matrix_norm(x, ord)
    return cast(expand(y, (x.ndim - 2, x.ndim - 1), (1, 1)) if keepdims else y, dtype)


@public
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """`vector_norm` over one axis, `matrix_norm` over two, as `numpy.linalg.norm`.

    With neither ord nor axis it is the root of the sum of all squares; with ord alone x has one axis or two.
    """
    x = as_node(x)
    if axis is None and (ord is None or x.ndim == 1):
        return vector_norm(x, keepdims=keepdims, ord=2 if ord is None else ord)
    picked = ordered_axes(
        range(x.ndim) if axis is None else axis if isinstance(axis, tuple | list) else (axis,), x.ndim
    )
    if len(picked) == 1:
        return vector_norm(x, axis=picked, keepdims=keepdims, ord=2 if ord is None else ord)
    if len(picked) != 2:
        raise AxisError(f"a norm over {len(picked)} axes", help="one axis for vectors, two for matrices")
    others = tuple(a for a in range(x.ndim) if a not in picked)
    y = matrix_norm(transpose(x, (*others, *picked)), ord="fro" if ord is None else ord)
    return expand(y, tuple(sorted(picked)), (1, 1)) if keepdims else y


@public
def cond(x: Any, p: Any = None) -> Any:
    """The condition of x: float[..., m, n], the norm times that of the inverse.

    None or 2: the largest singular value over the smallest; -2: the reverse; others as in `matrix_norm`, for square x.
    inf for a singular matrix. Source: Golub & Van Loan, Matrix Computations, 2.6.2.
    """
    dtype, x = matrix_operand("cond", x)
    if p is None or p in (2, -2):
        if shorter(x) == 0:
            raise ShapeError("a matrix without elements has no condition")
        s = svdvals(x)
        largest, smallest = max(s, -1), min(s, -1)
        product = smallest / largest if p == -2 else largest / smallest
    else:
        check_square(x.type)
        product = _matrix_norm(x, p) * _matrix_norm(inv(x), p)
    singular = logical_and(isnan(product), logical_not(isnan(sum(x, (-2, -1)))))  # 0/0, or an inverse of NaN
    return cast(where(singular, inf, product), dtype)


def _vector_norm(x: Node, axis: tuple[int, ...], ord: float) -> Any:
    size = abs(x)
    if ord == 0:
        return sum(cast(not_equal(x, 0), x.dtype), axis)
    if ord == 1:
        return sum(size, axis)
    if ord == inf:
        return maximum(max(size, axis), 0)
    if ord == -inf:
        return min(size, axis)
    if ord == 2:
        return euclidean_norm(x, axis)
    unit = stop_gradient(max(size, axis) if ord > 0 else min(size, axis))
    nothing = equal(unit, 0)
    unit = where(logical_or(nothing, isinf(unit)), 1, unit)  # the result does not depend on it
    quotient = size / expand(unit, axis, like=x)
    none = equal(x, 0)  # a power of 0 has no derivative that a norm would need
    powers = where(none, 0 if ord > 0 else inf, power(where(none, 1, quotient), ord))
    root = power(sum(powers, axis), 1 / ord)
    return where(nothing, 0, unit * root)


def _matrix_norm(x: Node, ord: Any) -> Any:
    rows, columns = x.ndim - 2, x.ndim - 1
    match ord:
        case "fro":
            return _vector_norm(x, (rows, columns), 2)
        case "nuc":
            return sum(svdvals(x), -1)
        case 2:
            return max(svdvals(x), -1)
        case -2:
            return min(svdvals(x), -1)
        case 1 | -1:
            sums = sum(abs(x), rows)
        case _ if ord in (inf, -inf):
            sums = sum(abs(x), columns)
        case _:
            raise GraphError(
                f"{ord!r:.80} is no order of a matrix norm", help='"fro", "nuc", 1, -1, 2, -2, inf or -inf'
            )
    return max(sums, -1) if ord > 0 else min(sums, -1)
