"""Fixed points, x = f(x): the iteration that finds one, and the derivative, which is a fixed point again.

At a solution the cotangent w of f solves w = g + wᵀ df/dx, whatever the steps that led there; tangents likewise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from graphc import tree
from graphc.batching.rules import whole
from graphc.batching.transform import stacked_graph
from graphc.errors import GradientError, ShapeError
from graphc.forward import forward_mode
from graphc.grad import pull_back
from graphc.ir.graph import Graph
from graphc.ir.node import Node, describe, make, public
from graphc.ir.op import Cotangents
from graphc.ir.substitution import substitute, variable
from graphc.loops import while_loop
from graphc.loops.closure import closed
from graphc.ops.base import Composite
from graphc.ops.conversion import as_node
from graphc.ops.elementwise import abs, maximum
from graphc.ops.reduction import any
from graphc.types import TensorType

Function = Callable[..., Any]


class FixedPoint(Composite):
    """x = step(x, …), by iteration from the first operand until every element moves by less than the tolerance."""

    step: Graph
    tolerance: float
    max_steps: int
    arity = None

    @property
    def inner(self) -> tuple[Graph, ...]:
        return (self.step,)

    def with_inner(self, inner: tuple[Graph, ...]) -> FixedPoint:
        return replace(self, step=inner[0])

    def infer(self, start: TensorType, *types: TensorType) -> TensorType:
        wanted = [x.type for x in self.step.inputs]
        if wanted != [start, *types] or self.step.outputs[0].type != start:
            raise ShapeError("the step does not take or give what it is iterated on")
        return start

    def decompose(self, start: Node, *operands: Node) -> Node:
        def moves(state: Sequence[Node]) -> Node:
            x, last, count = state
            far = abs(x - last) > self.tolerance * maximum(1, abs(x))
            return (count < self.max_steps) & (any(far) | (count == 0))

        def step(state: Sequence[Node]) -> Sequence[Node]:
            x, _, count = state
            return self.called(x, *operands), x, count + 1

        return while_loop(moves, step, (start, start, as_node(0)))[0]

    def called(self, *xs: Node) -> Node:
        """One step."""
        return substitute(self.step.outputs, dict(zip(self.step.inputs, xs)))[0]

    def vjp(self, g: Node, y: Node, start: Node, *operands: Node) -> Cotangents:
        at, *inputs = self.step.inputs
        wanted = [x for x in inputs if x.dtype.is_float]
        w, given = variable(y.type), variable(y.type)
        through, *parts = pull_back(self.step.outputs, [at, *wanted], [w])
        known = {at: y, **dict(zip(inputs, operands)), given: g}
        known[w] = self.solved(w, given if through is None else given + through, known, g)
        found = iter(substitute([part for part in parts if part is not None], known))
        cotangents = {x: None if part is None else next(found) for x, part in zip(wanted, parts)}
        return [None, *(cotangents.get(x) for x in inputs)]

    def jvp(self, y: Node, xs: Sequence[Node], dxs: Sequence[Node | None]) -> Node | None:
        at, *inputs = self.step.inputs
        given = {x: dx for x, dx in zip(inputs, dxs[1:]) if dx is not None}
        if not given:
            return None
        known = {at: y, **dict(zip(inputs, xs[1:]))}
        (moved,) = forward_mode(self.step.outputs, given)
        if moved is None:
            return None
        (first,) = substitute([moved], known)
        u, begun = variable(y.type), variable(y.type)
        (through,) = forward_mode(self.step.outputs, {at: u})
        return self.solved(u, begun if through is None else begun + through, {**known, begun: first}, first)

    def solved(self, unknown: Node, step: Node, known: dict[Node, Node], start: Node) -> Node:
        """The fixed point of another step, over variables of which all but the unknown are known."""
        own = {unknown: "x"} | dict.fromkeys(known, "p")
        graph, needed = closed([step], own, always=1)
        return make(replace(self, step=graph), start, *(known[x] for x in needed[1:]))

    def batch(self, size: Any, batched: Sequence[bool], *xs: Node) -> Node:
        step = stacked_graph(self.step, size, (True, *batched[1:]))
        return make(replace(self, step=step), *whole(size, (batched[0],), xs[:1]), *xs[1:])


@public
def fixed_point(
    function: Function, start: Any, *params: Any, tolerance: float | None = None, max_steps: int = 1000
) -> Node:
    """x with x = function(x, *params), by iteration from `start`, a float array whose type the function keeps.

    It ends when no element moves by more than `tolerance * max(1, |x|)` (None: a few units in the last place), after
    `max_steps` at the latest. The function must contract near the solution: the derivative, with respect to `params`
    and to whatever else the function reads, is found by the same iteration. None passes to `start`.

    Raises ShapeError or GradientError if the function does not give what it takes, or that is no float.
    """
    x0 = as_node(start)
    if not x0.dtype.is_float:
        raise GradientError(f"a fixed point of {x0.dtype.name}", details=[describe(x0)], help="cast to a float")
    leaves, structure = tree.flatten(params)
    given = [as_node(leaf) for leaf in leaves]
    x, inputs = variable(x0.type), [variable(p.type) for p in given]
    y = as_node(function(x, *tree.unflatten(structure, inputs)))
    if y.type != x.type:
        raise ShapeError(f"the function takes {x.type} and gives {y.type}", details=[describe(y)])
    graph, needed = closed([y], {x: "x"} | dict.fromkeys(inputs, "p"), always=1 + len(inputs))
    from graphc.passes.stabilize import stabilize_nodes

    graph = replace(graph, outputs=tuple(stabilize_nodes(graph.outputs)))
    op = FixedPoint(graph, tolerance_of(x0) if tolerance is None else float(tolerance), max_steps)
    return make(op, x0, *given, *needed[1 + len(inputs) :])


def tolerance_of(x: Node) -> float:
    """A few units in the last place of 1."""
    return 8 * float(x.dtype.limits.eps)
