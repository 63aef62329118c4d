"""Ops with several results: each result is a node of its own, an item of the tuple."""

from __future__ import annotations

from collections.abc import Sequence

from graphc.errors import ShapeError
from graphc.ir.node import Node, make
from graphc.ir.op import Cotangents, Op
from graphc.ir.scalars import Scalars, Value
from graphc.types import TensorType, TupleType


class Item(Op):
    """One result of an op with several. Its derivative is part of that op's."""

    index: int
    arity = 1
    vjp = None

    def infer(self, x: TensorType) -> TensorType:
        if not isinstance(x, TupleType):
            raise ShapeError("the operand has a single result")
        if not 0 <= self.index < len(x.elements):
            raise ShapeError(f"there is no result {self.index} of {len(x.elements)}")
        return x.elements[self.index]

    def evaluate(self, s: Scalars, x: Value) -> Value:
        return x[self.index]


class Pack(Op):
    """Several values as the results of one node: what a composite op with several results decomposes into."""

    arity = None

    def infer(self, *types: TensorType) -> TensorType:
        return TupleType(types)

    def evaluate(self, s: Scalars, *xs: Value) -> Value:
        return xs

    def vjp(self, g: Sequence[Node | None], y: Node, *xs: Node) -> Cotangents:
        return g


def item(node: Node, index: int) -> Node:
    """The result of a number, from 0, of a node with several results."""
    return make(Item(index), node)


def items(node: Node) -> tuple[Node, ...]:
    """All results of a node with several results."""
    assert isinstance(node.type, TupleType)
    return tuple(item(node, index) for index in range(len(node.type.elements)))
