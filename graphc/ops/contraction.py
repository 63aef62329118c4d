"""Contractions: the matrix product."""

from __future__ import annotations

from typing import Any

from graphc.errors import DTypeError, ShapeError
from graphc.ir.leaf import full
from graphc.ir.node import Node, make, public
from graphc.ir.op import Cotangents, Op
from graphc.ir.scalars import Value
from graphc.ir.term import Application, Term
from graphc.ops.conversion import as_node, broadcast_shapes, broadcast_to, cast, common_dtype, expand
from graphc.ops.elementwise import multiply
from graphc.ops.movement import transpose
from graphc.types import TensorType


class Matmul(Op):
    """The product of matrices in the last two axes; the axes before are equal. 16-bit floats add up in float32."""

    arity = 2

    def infer(self, x: TensorType, y: TensorType) -> TensorType:
        if x.ndim < 2 or y.ndim < 2 or x.shape[:-2] != y.shape[:-2]:
            raise ShapeError("the operands are no matrices, or differ in the axes before the last two")
        if x.shape[-1] != y.shape[-2]:
            raise ShapeError(f"{x.shape[-1]} columns meet {y.shape[-2]} rows")
        if x.dtype is not y.dtype:
            raise DTypeError("dtypes differ", help="cast one operand")
        return x.with_shape((*x.shape[:-1], y.shape[-1]))

    def evaluate(self, s: Any, x: Value, y: Value) -> Value:
        return s.matmul(x, y)

    def vjp(self, g: Node, z: Node, x: Node, y: Node) -> Cotangents:
        return _product(g, matrix_transpose(y)), _product(matrix_transpose(x), g)


def _product(x: Node, y: Node) -> Node:
    """The product of equally long stacks of matrices; times a single element it is elementwise, and fuses."""
    rows, inner, columns = x.shape[-2], x.shape[-1], y.shape[-1]
    if inner != 1 or (rows != 1 and columns != 1):
        return make(Matmul(), x, y)
    shape = (*x.shape[:-1], columns)
    return multiply(broadcast_to(x, shape), broadcast_to(y, shape))


@public
def matmul(x: Any, y: Any) -> Any:
    """The matrix product, as NumPy's `@`: vectors count as a row or a column, leading axes broadcast."""
    if isinstance(x, Term) or isinstance(y, Term):
        return Application(Matmul, (x, y))
    x, y = as_node(x), as_node(y)
    if not x.ndim or not y.ndim:
        raise ShapeError("an operand without axes", help="use *")
    dtype = common_dtype("matmul", "iuf", [x, y])
    if dtype.kind == "b":
        raise DTypeError("not defined for bool", help="cast first")
    x, y = cast(x, dtype), cast(y, dtype)
    if x.shape[-1] != y.shape[max(y.ndim - 2, 0)]:
        raise ShapeError(
            f"{x.shape[-1]} columns meet {y.shape[max(y.ndim - 2, 0)]} rows",
            help="the last axis of the left operand and the first of the right matrix must have one size",
        )
    row, column = x.ndim == 1, y.ndim == 1
    x = expand(x, (0,), (1,)) if row else x
    y = expand(y, (1,), (1,)) if column else y
    z = _batched(x, y)
    dropped = [n for n, drop in ((-2, row), (-1, column)) if drop]
    shape = tuple(n for a, n in enumerate(z.shape) if a - z.ndim not in dropped)
    return z.reshape(shape)


@public
def matrix_transpose(x: Any) -> Any:
    """The last two axes exchanged."""
    x = as_node(x)
    if x.ndim < 2:
        raise ShapeError("fewer than two axes")
    return transpose(x, (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


def _batched(x: Node, y: Node) -> Node:
    """The product of stacks of matrices: a single right matrix takes all rows of the left stack at once."""
    if y.ndim == 2 and x.ndim > 2:
        rows = x.reshape((-1, x.shape[-1]))
        return _product(rows, y).reshape((*x.shape[:-1], y.shape[-1]))
    batch = broadcast_shapes(*(full(0, v.type.with_shape(v.shape[:-2])) for v in (x, y)))
    return _product(broadcast_to(x, (*batch, *x.shape[-2:])), broadcast_to(y, (*batch, *y.shape[-2:])))
