"""What the families of linear algebra share: type rules of stacks of matrices, triangles and diagonals.

Comes in: nodes or types with rows and columns in the last two axes; goes out: the same, or an error that says why not.
"""

from __future__ import annotations

from typing import Any

from graphc import dimension
from graphc.dimension import Dim
from graphc.errors import DTypeError, ShapeError
from graphc.ir.leaf import full
from graphc.ir.node import Node, make
from graphc.ops.base import LibraryOp
from graphc.ops.contraction import matrix_transpose
from graphc.ops.conversion import as_node, broadcast_shapes, broadcast_to, cast, common_dtype, expand
from graphc.ops.creation import eye, tril
from graphc.ops.diagonals import diagonal
from graphc.ops.logic import equal, where
from graphc.ops.movement import slice_axis
from graphc.ops.tuples import items
from graphc.types import DType, Shape, TensorType, TupleType, bool_, float32, float64

# --- type rules ---


def check_matrices(*types: TensorType) -> None:
    """Raises ShapeError or DTypeError for types that are no stacks of float32 or float64 matrices of one size."""
    for x in types:
        if x.ndim < 2:
            raise ShapeError("fewer than two axes", help="matrices are in the last two axes")
        if x.dtype not in (float32, float64):
            raise DTypeError(f"not defined for {x.dtype.name}", help="cast to float32 or float64 first")
        if x.dtype is not types[0].dtype:
            raise DTypeError("dtypes differ", help="cast one operand")
        if x.shape[:-2] != types[0].shape[:-2]:
            raise ShapeError("the axes before the last two differ")


def check_square(x: TensorType) -> None:
    """Raises ShapeError for matrices that are not square, and what `check_matrices` raises."""
    check_matrices(x)
    if x.shape[-1] != x.shape[-2]:
        raise ShapeError(f"the matrices are not square: {x.shape[-2]} rows and {x.shape[-1]} columns")


def check_system(a: TensorType, b: TensorType) -> None:
    """Raises ShapeError or DTypeError for what is no stack of systems of equations: square matrices, right sides."""
    check_square(a)
    check_matrices(a, b)
    if a.shape[-1] != b.shape[-2]:
        raise ShapeError(f"{a.shape[-1]} unknowns meet {b.shape[-2]} rows on the right")


def shorter(x: TensorType | Node) -> int | Dim:
    """The smaller of the numbers of rows and columns."""
    return dimension.call("min", x.shape[-2], x.shape[-1])


class MatrixOp(LibraryOp, abstract=True):
    """An op that works on each matrix of a stack alone, whatever the axes of the stack."""

    def batch(self, size: int | Dim, batched: tuple[bool, ...], *xs: Node) -> Any:
        """A stack of stacks is a longer stack."""
        whole = [x if has else expand(x, (0,), (size,)) for x, has in zip(xs, batched, strict=True)]
        y = make(self, *whole)
        return items(y) if isinstance(y.type, TupleType) else y


# --- operands ---


def float_operands(name: str, *xs: Any) -> tuple[DType, list[Node]]:
    """The common float dtype of operands, and the operands in the dtype in which LAPACK calculates for it."""
    nodes = [as_node(x) for x in xs]
    dtype = common_dtype(name, "f", nodes)
    return dtype, [cast(x, dtype.compute) for x in nodes]


def matrix_operand(name: str, x: Any) -> tuple[DType, Node]:
    """The dtype of the result for a stack of matrices, and these as LAPACK takes them. Raises ShapeError."""
    dtype, (node,) = float_operands(name, x)
    check_matrices(node.type)
    return dtype, node


def one_stack(*xs: Node) -> list[Node]:
    """Stacks of matrices, repeated to one shape before the last two axes."""
    batch = broadcast_shapes(*(full(0, x.type.with_shape(x.shape[:-2])) for x in xs))
    return [broadcast_to(x, (*batch, *x.shape[-2:])) for x in xs]


# --- blocks, triangles and diagonals ---


def first_rows(x: Node, count: int | Dim) -> Node:
    """The first rows of each matrix."""
    return slice_axis(x, x.ndim - 2, 0, count)


def first_columns(x: Node, count: int | Dim) -> Node:
    """The first columns of each matrix."""
    return slice_axis(x, x.ndim - 1, 0, count)


def rows_after(x: Node, start: int | Dim) -> Node:
    """The rows of each matrix from one on."""
    return slice_axis(x, x.ndim - 2, start, x.shape[-2] - start)


def columns_after(x: Node, start: int | Dim) -> Node:
    """The columns of each matrix from one on."""
    return slice_axis(x, x.ndim - 1, start, x.shape[-1] - start)


def halved_triangle(x: Node) -> Any:
    """The lower triangle with half of the diagonal: what is left of a symmetric differential."""
    return (tril(x) + tril(x, k=-1)) / 2


def symmetric_part(x: Node) -> Any:
    """(x + xᵀ) / 2."""
    return (x + matrix_transpose(x)) / 2


def identities(rows: int | Dim, columns: int | Dim, stack: Shape, dtype: DType) -> Any:
    """A stack of matrices with ones on the diagonal, zeros elsewhere."""
    return expand(eye(rows, columns, dtype=dtype), tuple(range(len(stack))), stack)


def identity_like(x: Node) -> Any:
    """The identities of a stack of square matrices."""
    return identities(x.shape[-2], x.shape[-1], x.shape[:-2], x.dtype)


def main_diagonal(x: Node) -> Any:
    """The diagonals of a stack of matrices."""
    return diagonal(x, axis1=-2, axis2=-1)


def diagonal_matrix(v: Node) -> Any:
    """A stack of square matrices with the given diagonals, zeros elsewhere."""
    n = v.shape[-1]
    return where(eye(n, dtype=bool_), expand(v, (v.ndim - 1,), (n,)), 0)


def scaled_columns(x: Node, v: Node) -> Any:
    """x diag(v)."""
    return x * expand(v, (x.ndim - 2,), like=x)


def scaled_rows(v: Node, x: Node) -> Any:
    """diag(v) x."""
    return x * expand(v, (x.ndim - 1,), like=x)


def reciprocal_or_zero(x: Node) -> Any:
    """1/x, and 0 where x is 0: what a generalised inverse does."""
    return where(equal(x, 0), 0, 1 / where(equal(x, 0), 1, x))
