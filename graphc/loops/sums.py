"""How the derivative of a scan adds up what each step contributes for a value that all steps read.

A matrix product is not added up step by step: its factors are stacked, and one large product over all steps and rows
gives the sum. Everything else is a state of the loop, to which each step adds: of a wider float, so that a small step
is not lost in a large sum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add

from graphc.ir.leaf import Input, full
from graphc.ir.node import Node, make
from graphc.ops import logic
from graphc.ops.contraction import Matmul, matmul
from graphc.ops.conversion import Cast, Expand, Reshape, cast, reshape
from graphc.ops.elementwise import Add
from graphc.ops.movement import Transpose, transpose
from graphc.types import Shape, float32, float64


class SumsOverSteps:
    """Sums over steps of the contributions for some values; `active` says whether a step ran, if that is a question.

    `accumulated` are states with their next values, `factors` are to be stacked.
    """

    def __init__(self, parts: Mapping[Node, Node | None], constants: set[Node], active: Node | None) -> None:
        self.accumulated: list[tuple[Node, Node]] = []
        self.factors: list[Node] = []
        self._states: dict[Node, int] = {}
        self._shapes: list[Shape] = []
        self._products: dict[Node, list[tuple[int, int]]] = {}
        self._constants, self._active = constants, active
        for node, part in parts.items():
            if part is not None:
                self._add(node, part)

    def totals(self, states: Sequence[Node], stacks: Sequence[Node]) -> dict[Node, Node]:
        """The sum for each value, given the last states and the stacked factors."""
        found = {node: states[number] for node, number in self._states.items()}
        for node, products in self._products.items():
            for pair in products:
                left, right = (cast(self._rows(factor, stacks), node.dtype.compute) for factor in pair)
                product = matmul(transpose(left), right)
                found[node] = found[node] + cast(product, found[node].dtype) if node in found else product
        return {node: cast(total, node.dtype) for node, total in found.items()}

    def _add(self, node: Node, part: Node) -> None:
        rest = []
        for term in _terms(part):
            if isinstance(term.op, Matmul) and term.ndim == 2 and not self._constants.intersection(term.args):
                self._products.setdefault(node, []).append(self._factors(*term.args))
            else:
                rest.append(cast(term, float64 if node.dtype is float32 else node.dtype.compute))
        if rest:
            total = reduce(add, rest)
            state = make(Input(f"sum{len(self.accumulated)} of steps", total.type))
            self._states[node] = len(self.accumulated)
            self.accumulated.append((state, state + self._if_active(total)))

    def _factors(self, left: Node, right: Node) -> tuple[int, int]:
        """The numbers of both factors, the left one transposed, so that its rows are summed over."""
        turned = left.args[0] if isinstance(left.op, Transpose) else transpose(left)
        return self._factor(self._if_active(turned)), self._factor(self._if_active(right))

    def _factor(self, node: Node) -> int:
        self._shapes.append(node.shape)
        while isinstance(node.op, Expand | Reshape) and node.size == node.args[0].size:
            node = node.args[0]  # the same elements, which may be at hand already
        self.factors.append(node)
        return len(self.factors) - 1

    def _rows(self, number: int, stacks: Sequence[Node]) -> Node:
        """The rows of a factor in all steps, in one matrix."""
        rows, columns = self._shapes[number]
        return reshape(stacks[number], (stacks[number].shape[0] * rows, columns))

    def _if_active(self, node: Node) -> Node:
        return node if self._active is None else logic.where(self._active, node, full(0, node.type))


def _terms(node: Node) -> list[Node]:
    """The terms of a sum, as they are before they are converted to the float that it is calculated in."""
    terms, stack = [], [node]
    while stack:
        term = stack.pop()
        if isinstance(term.op, Add) or (isinstance(term.op, Cast) and term.args[0].dtype.is_float):
            stack.extend(reversed(term.args))
        else:
            terms.append(term)
    return terms
