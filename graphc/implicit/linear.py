"""Linear equations whose matrix is a function: A(x) = b, by conjugate gradients, and the derivative of the solution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from graphc import tree
from graphc.errors import GradientError, ShapeError
from graphc.forward import forward_mode
from graphc.grad import pull_back
from graphc.implicit.fixed_point import Function, tolerance_of
from graphc.ir.graph import Graph
from graphc.ir.leaf import full
from graphc.ir.node import Node, describe, make, public, topological
from graphc.ir.op import Cotangents
from graphc.ir.substitution import substitute, variable
from graphc.loops import while_loop
from graphc.loops.closure import closed
from graphc.ops.base import Composite
from graphc.ops.conversion import as_node, sum
from graphc.types import TensorType


class LinearSolve(Composite):
    """x with operator(x, …) = b: the operands are b, then what else the operator takes.

    By conjugate gradients, for an operator that is not symmetric on the normal equations.
    Source: Hestenes & Stiefel, Methods of conjugate gradients for solving linear systems, 1952.
    """

    operator: Graph
    symmetric: bool
    tolerance: float
    max_steps: int
    arity = None

    @property
    def inner(self) -> tuple[Graph, ...]:
        return (self.operator,)

    def with_inner(self, inner: tuple[Graph, ...]) -> LinearSolve:
        return replace(self, operator=inner[0])

    def infer(self, b: TensorType, *types: TensorType) -> TensorType:
        wanted = [x.type for x in self.operator.inputs]
        if wanted != [b, *types] or self.operator.outputs[0].type != b:
            raise ShapeError("the operator does not take or give what it is solved for")
        return b

    def decompose(self, b: Node, *operands: Node) -> Node:
        def applied(x: Node) -> Node:
            y = _called(self.operator, x, *operands)
            return y if self.symmetric else _transposed(self.operator, y, operands)

        right = b if self.symmetric else _transposed(self.operator, b, operands)
        bound = self.tolerance**2 * sum(right * right)

        def goes_on(state: Sequence[Node]) -> Node:
            _, _, _, size, count = state
            return (size > bound) & (count < self.max_steps)

        def step(state: Sequence[Node]) -> Sequence[Node]:
            x, rest, direction, size, count = state
            image = applied(direction)
            length = size / sum(direction * image)
            rest = rest - length * image
            new = sum(rest * rest)
            return x + length * direction, rest, rest + new / size * direction, new, count + 1

        start = (full(0, b.type), right, right, sum(right * right), as_node(0))
        return while_loop(goes_on, step, start)[0]

    def vjp(self, g: Node, y: Node, b: Node, *operands: Node) -> Cotangents:
        op, others = (self, operands) if self.symmetric else self.transposed(operands)
        w = make(op, g, *others)
        x, *inputs = self.operator.inputs
        wanted = [p for p in inputs if p.dtype.is_float]
        cotangent = variable(w.type)
        parts = pull_back(self.operator.outputs, wanted, [cotangent])
        known = {x: y, cotangent: -w, **dict(zip(inputs, operands))}
        found = iter(substitute([part for part in parts if part is not None], known))
        cotangents = {p: None if part is None else next(found) for p, part in zip(wanted, parts)}
        return [w, *(cotangents.get(p) for p in inputs)]

    def jvp(self, y: Node, xs: Sequence[Node], dxs: Sequence[Node | None]) -> Node | None:
        x, *inputs = self.operator.inputs
        given = {p: dp for p, dp in zip(inputs, dxs[1:]) if dp is not None}
        (moved,) = forward_mode(self.operator.outputs, given)
        right = dxs[0]
        if moved is not None:
            (moved,) = substitute([moved], {x: y, **dict(zip(inputs, xs[1:]))})
            right = -moved if right is None else right - moved
        return None if right is None else make(self, right, *xs[1:])

    def transposed(self, operands: Sequence[Node]) -> tuple[LinearSolve, list[Node]]:
        """The op of the transposed operator, and its operands but for the right side."""
        x, *inputs = self.operator.inputs
        y = variable(x.type)
        (back,) = pull_back(self.operator.outputs, [x], [y])
        assert back is not None
        words = {y: "x"} | dict.fromkeys(inputs, "p")
        graph, needed = closed([back], words, always=len(words))
        known = dict(zip(inputs, operands))
        return replace(self, operator=graph), [known[p] for p in needed[1:]]


@public
def linear_solve(
    operator: Function,
    b: Any,
    *params: Any,
    symmetric: bool = True,
    tolerance: float | None = None,
    max_steps: int = 1000,
) -> Node:
    """x with operator(x, *params) = b, for a linear function of arrays like b; no matrix is formed.

    The operator is symmetric and positive definite (a Hessian product, a Gauss-Newton product, a covariance), or with
    `symmetric=False` any invertible one. It ends when the residual is `tolerance` times as long as `b` (None: a few
    units in the last place), after `max_steps` at the latest. The derivative passes to `b`, `params` and whatever else
    the operator reads, and solves with the transpose.

    Raises ShapeError or GradientError if the operator does not give what it takes, does not use it, or b is no float.
    """
    right = as_node(b)
    if not right.dtype.is_float:
        raise GradientError(f"a linear equation in {right.dtype.name}", details=[describe(right)], help="cast it")
    leaves, structure = tree.flatten(params)
    given = [as_node(leaf) for leaf in leaves]
    x, inputs = variable(right.type), [variable(p.type) for p in given]
    y = as_node(operator(x, *tree.unflatten(structure, inputs)))
    if y.type != x.type:
        raise ShapeError(f"the operator takes {x.type} and gives {y.type}", details=[describe(y)])
    if x not in set(topological([y])):
        raise GradientError("the operator does not depend on what it is applied to", details=[describe(y)])
    graph, needed = closed([y], {x: "x"} | dict.fromkeys(inputs, "p"), always=1 + len(inputs))
    op = LinearSolve(graph, symmetric, tolerance_of(right) if tolerance is None else float(tolerance), max_steps)
    return make(op, right, *given, *needed[1 + len(inputs) :])


def _called(graph: Graph, *xs: Node) -> Node:
    return substitute(graph.outputs, dict(zip(graph.inputs, xs)))[0]


def _transposed(graph: Graph, y: Node, operands: Sequence[Node]) -> Node:
    """The transposed operator at a value."""
    x, *inputs = graph.inputs
    cotangent = variable(y.type)
    (back,) = pull_back(graph.outputs, [x], [cotangent])
    assert back is not None
    return substitute([back], {cotangent: y, **dict(zip(inputs, operands))})[0]
