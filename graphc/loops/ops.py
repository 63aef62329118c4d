"""Loops and branches: ops whose bodies are closed inner graphs, so that all they read is an operand.

    Scan      state goes from step to step, slices of sequences come in, what each step gives is stacked
    While     state goes on as long as a condition holds
    Switch    one of several graphs is evaluated

The derivative of each is another one. A scan that is differentiated reads what its steps began with, which its body
therefore stacks too; whatever is not used is neither calculated nor kept (see passes/loops.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NoReturn

import numpy as np

from graphc.dimension import Dim
from graphc.errors import DTypeError, GradientError, ShapeError
from graphc.grad import pull_back
from graphc.ir.graph import Graph
from graphc.ir.leaf import Input, full
from graphc.ir.node import Node, make
from graphc.ir.op import Cotangents
from graphc.loops.closure import closed
from graphc.loops.sums import SumsOverSteps
from graphc.loops.tangents import Tangents, scan_jvp, switch_jvp, while_jvp
from graphc.loops.traces import traces
from graphc.ops import logic
from graphc.ops.base import InnerGraphs
from graphc.ops.tuples import item, items
from graphc.types import TensorType, TupleType, bool_, int32

Call = Callable[[Graph, Sequence[Any]], list[Any]]


class Scan(InnerGraphs):
    """A loop of `length` steps.

    Operands: the first `carries`, then `sequences` arrays whose first axis has the length, then constants. The body
    takes the carries, one slice of each sequence and the constants; it gives the next carries, and values to stack.
    Results: the last carries and the stacked values. `reverse` goes through sequences and stacks from the end.
    With `until`, the last value of the body is a truth value after which the loop ends; rows of steps that did not
    run are 0.
    """

    body: Graph
    carries: int
    sequences: int
    length: int | Dim
    reverse: bool
    until: bool
    arity = None

    @property
    def inner(self) -> tuple[Graph, ...]:
        return (self.body,)

    def with_inner(self, inner: tuple[Graph, ...]) -> Scan:
        same = inner[0] is self.body
        return self if same else replace(self, body=inner[0])

    @property
    def stacked(self) -> tuple[Node, ...]:
        """The values of the body that are stacked."""
        return self.body.outputs[self.carries : len(self.body.outputs) - self.until]

    def infer(self, *types: TensorType) -> TensorType:
        split = self.carries + self.sequences
        for type_ in types[self.carries : split]:
            if not type_.shape or type_.shape[0] != self.length:
                raise ShapeError(f"a sequence {type_} has no first axis of size {self.length}")
        slices = (t.with_shape(t.shape[1:]) for t in types[self.carries : split])
        _check_inputs(self.body, (*types[: self.carries], *slices, *types[split:]))
        _check_carries(self.body, types[: self.carries])
        if self.until and self.body.outputs[-1].type != TensorType(bool_, ()):
            raise DTypeError(f"what ends the loop is {self.body.outputs[-1].type}, not bool[]")
        stacks = (y.type.with_shape((self.length, *y.shape)) for y in self.stacked)
        return TupleType([*types[: self.carries], *stacks])

    def run(self, call: Call, type_: TupleType, *xs: Any) -> tuple[Any, ...]:
        n, split = self.carries, self.carries + self.sequences
        state, sequences, constants = list(xs[:n]), xs[n:split], xs[split:]
        rows: dict[int, list[Any]] = {}
        steps = range(int(self.length))
        for step in reversed(steps) if self.reverse else steps:
            results = call(self.body, [*state, *(x[step] for x in sequences), *constants])
            state, rows[step] = results[:n], results[n : n + len(self.stacked)]
            if self.until and bool(results[-1]):
                break
        return *state, *(_stacked(type_.elements[n + i], rows, i) for i in range(len(self.stacked)))

    def vjp(self, g: Sequence[Node | None], y: Node, *xs: Node) -> Cotangents:
        return _pull_back_scan(self, g, y, xs)

    def jvp(self, y: Node, xs: Sequence[Node], dxs: Tangents) -> Tangents:
        return scan_jvp(self, xs, dxs)


class While(InnerGraphs):
    """A loop that runs as long as a condition holds. Operands: the first carries, then constants.

    `condition` and `body` take all of them; one gives a truth value, the other the next carries, which are the results.
    """

    condition: Graph
    body: Graph
    carries: int
    arity = None

    @property
    def inner(self) -> tuple[Graph, ...]:
        return self.condition, self.body

    def with_inner(self, inner: tuple[Graph, ...]) -> While:
        same = inner[0] is self.condition and inner[1] is self.body
        return self if same else replace(self, condition=inner[0], body=inner[1])

    def infer(self, *types: TensorType) -> TensorType:
        _check_inputs(self.condition, types)
        _check_inputs(self.body, types)
        _check_carries(self.body, types[: self.carries])
        if [y.type for y in self.condition.outputs] != [TensorType(bool_, ())]:
            raise DTypeError(f"the condition is {self.condition.outputs[0].type}, not bool[]")
        return TupleType(types[: self.carries])

    def run(self, call: Call, type_: TupleType, *xs: Any) -> tuple[Any, ...]:
        state, constants = list(xs[: self.carries]), xs[self.carries :]
        while bool(call(self.condition, [*state, *constants])[0]):
            state = call(self.body, [*state, *constants])
        return tuple(state)

    def vjp(self, g: Sequence[Node | None], y: Node, *xs: Node) -> NoReturn:
        raise GradientError(
            "a while_loop whose number of steps is not bounded has no derivative in reverse mode",
            help="give max_steps, or use graphc.jvp, or graphc.implicit for what the loop converges to",
        )

    def jvp(self, y: Node, xs: Sequence[Node], dxs: Tangents) -> Tangents:
        return while_jvp(self, xs, dxs)


class Switch(InnerGraphs):
    """One of several graphs, by number (int32): the first for numbers below 0, the last for those that are too large.

    Operands: the number, then what all graphs take. Results: what the chosen one gives.
    """

    branches: tuple[Graph, ...]
    arity = None

    @property
    def inner(self) -> tuple[Graph, ...]:
        return self.branches

    def with_inner(self, inner: tuple[Graph, ...]) -> Switch:
        same = all(a is b for a, b in zip(inner, self.branches, strict=True))
        return self if same else replace(self, branches=inner)

    def infer(self, *types: TensorType) -> TensorType:
        if types[0] != TensorType(int32, ()):
            raise DTypeError(f"the number of the branch is {types[0]}, not {TensorType(int32, ())}")
        given = [tuple(y.type for y in branch.outputs) for branch in self.branches]
        for branch, found in zip(self.branches, given, strict=True):
            _check_inputs(branch, types[1:])
            if found != given[0]:
                raise ShapeError(f"one branch gives {TupleType(given[0])}, another one {TupleType(found)}")
        return TupleType(given[0])

    def run(self, call: Call, type_: TupleType, *xs: Any) -> tuple[Any, ...]:
        chosen = min(max(int(xs[0]), 0), len(self.branches) - 1)
        return tuple(call(self.branches[chosen], xs[1:]))

    def vjp(self, g: Sequence[Node | None], y: Node, *xs: Node) -> Cotangents:
        given = [(i, part) for i, part in enumerate(g) if part is not None]
        wanted = [i for i, x in enumerate(xs) if i and x.dtype.is_float]
        count = len(xs)  # derivatives of derivatives have more operands, so the names are new
        seeds = [_variable(f"g{count + i}", part.type) for i, part in given]
        branches = []
        for branch in self.branches:
            wrt = [branch.inputs[i - 1] for i in wanted]
            found = pull_back([branch.outputs[i] for i, _ in given], wrt, seeds)
            outputs = tuple(full(0, x.type) if dx is None else dx for x, dx in zip(wrt, found, strict=True))
            branches.append(replace(branch, inputs=(*branch.inputs, *seeds), outputs=outputs))
        if not wanted:
            return [None] * len(xs)
        parts = iter(items(make(Switch(tuple(branches)), *xs, *(part for _, part in given))))
        return [next(parts) if i in wanted else None for i in range(len(xs))]

    def jvp(self, y: Node, xs: Sequence[Node], dxs: Tangents) -> Tangents:
        return switch_jvp(self, xs, dxs)


def _check_inputs(graph: Graph, types: Sequence[TensorType]) -> None:
    wanted = [node.type for node in graph.inputs]
    if wanted != list(types):
        raise ShapeError(f"the inner graph takes {TupleType(wanted)}, not {TupleType(types)}")


def _check_carries(body: Graph, types: Sequence[TensorType]) -> None:
    for begun, new in zip(types, body.outputs, strict=False):
        if begun != new.type:
            raise ShapeError(f"what goes from step to step begins as {begun} and becomes {new.type}")


def _stacked(type_: TensorType, rows: dict[int, list[Any]], index: int) -> Any:
    """The values of all steps in one array; 0 for steps that did not run."""
    some = next(iter(rows.values()), None)
    shape: Any = type_.shape
    result = np.zeros(shape, type_.dtype.numpy if some is None else np.asarray(some[index]).dtype)
    for step, row in rows.items():
        result[step, ...] = row[index]
    return result


def _variable(label: str, type_: TensorType) -> Node:
    return make(Input(label, type_))


# --- the derivative of a scan ---


def _pull_back_scan(op: Scan, gs: Sequence[Node | None], y: Node, xs: Sequence[Node]) -> list[Node | None]:
    """A scan in the other direction, whose state is the cotangents of the carries and sums for the constants.

    Its steps evaluate the body again from what each step began with; what is expensive was stacked and is read.
    """
    body, n, split = op.body, op.carries, op.carries + op.sequences
    carried = [i for i in range(n) if body.inputs[i].dtype.is_float]
    sequences = [i for i in range(n, split) if body.inputs[i].dtype.is_float]
    constants = [i for i in range(split, len(xs)) if body.inputs[i].dtype.is_float]
    known = _known_in_steps(op, y, xs)
    stacks = [(node, g) for node, g in zip(op.stacked, gs[n:], strict=True) if g is not None]

    later = {i: _variable(f"later{i}", body.inputs[i].type) for i in carried}
    given = [_variable(f"given{k}", node.type) for k, (node, _) in enumerate(stacks)]
    outputs = [*(body.outputs[i] for i in carried), *(node for node, _ in stacks)]
    wrt = [body.inputs[i] for i in (*carried, *sequences, *constants)]
    found = dict(zip(wrt, pull_back(outputs, wrt, [*later.values(), *given]), strict=True))

    active = _variable("active", TensorType(bool_, ())) if op.until else None

    def before(i: int) -> Node:
        dx = found[body.inputs[i]]
        new = full(0, body.inputs[i].type) if dx is None else dx
        return new if active is None else logic.where(active, new, later[i])

    slices = {}
    for i in sequences:
        dx = found[body.inputs[i]]
        if dx is not None:
            slices[i] = dx if active is None else logic.where(active, dx, full(0, dx.type))
    sums = SumsOverSteps({body.inputs[i]: found[body.inputs[i]] for i in constants}, set(body.inputs[split:]), active)
    states = [(later[i], before(i), _zero_if_none(gs[i], body.inputs[i].type)) for i in carried]
    states += [(state, new, full(0, state.type)) for state, new in sums.accumulated]
    read = {**known, **dict(zip(given, (g for _, g in stacks), strict=True))}
    if active is not None:
        read[active] = item(y, n + len(op.stacked) - 1)
    stacked = {node: None for node in (*slices.values(), *sums.factors) if node not in read}
    outer = dict(zip(body.inputs[split:], xs[split:], strict=True))
    results = _backwards(op, states, read, outer, list(stacked))

    lasts, rows = results[: len(states)], dict(zip(stacked, results[len(states) :], strict=False)) | read
    totals = sums.totals(lasts[len(carried) :], [rows[node] for node in sums.factors])
    cotangents: dict[int, Node | None] = dict(zip(carried, lasts[: len(carried)], strict=True))
    cotangents |= {i: rows[dx] for i, dx in slices.items()}
    cotangents |= {i: totals.get(body.inputs[i]) for i in constants}
    return [cotangents.get(i) for i in range(len(xs))]


def _backwards(
    op: Scan,
    states: Sequence[tuple[Node, Node, Node]],
    read: dict[Node, Node],
    constants: dict[Node, Node],
    rows: Sequence[Node],
) -> tuple[Node, ...]:
    """The results of a scan against the direction of `op`.

    `states` are (value in a step, next value, first value), `read` are values in a step with the sequences that have
    them as slices, `constants` values that all steps share with what they are outside; `rows` are stacked.
    """
    changing = {state: "carry" for state, _, _ in states} | dict.fromkeys(read, "x")
    outputs = [*(new for _, new, _ in states), *rows]
    kept = traces([state for state, _, _ in states], changing, outputs, rows, products=True)
    own = changing | dict.fromkeys(constants, "outer")
    graph, needed = closed([*outputs, *kept], own, always=len(states))
    sequences = [read[node] for node in needed if node in read]
    others = [constants.get(node, node) for node in needed[len(states) :] if node not in read]
    scan = Scan(graph, len(states), len(sequences), op.length, not op.reverse, False)
    return items(make(scan, *(first for _, _, first in states), *sequences, *others))


def _known_in_steps(op: Scan, y: Node, xs: Sequence[Node]) -> dict[Node, Node]:
    """Values in a step of which the rows are at hand: slices of sequences, and what the body stacks."""
    n, split = op.carries, op.carries + op.sequences
    known = dict(zip(op.body.inputs[n:split], xs[n:split], strict=True))
    states = set(op.body.inputs[:n])
    for k, node in enumerate(op.stacked):
        if node.args or node in states:
            known.setdefault(node, item(y, n + k))
    if not states <= set(known):
        raise GradientError("the scan does not stack what its steps begin with", help="make it with graphc.scan")
    return known


def _zero_if_none(g: Node | None, type_: TensorType) -> Node:
    return full(0, type_) if g is None else g
