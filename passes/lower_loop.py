"""Loops and branches become steps that contain steps.

The state of a loop lies where its last value is wanted, and is treated as parameters are: the next values are written
in place where nothing else reads the old ones, else copied at the end of a step. Slices of sequences and rows of stacks
are views of these, so nothing moves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from graphc import dimension
from graphc.dimension import Dim, symbol
from graphc.ir.graph import Graph
from graphc.ir.leaf import Parameter, Storage
from graphc.ir.node import Node, make
from graphc.ir.substitution import substitute
from graphc.kernel import (
    Branch,
    Buffer,
    Copy,
    For,
    Index,
    Kernel,
    KernelCall,
    Leave,
    Literal,
    Repeat,
    Slot,
    Step,
    Store,
)
from graphc.loops.ops import Scan, Switch, While
from graphc.ops.tuples import item, items
from graphc.types import TensorType, bool_


class Lowering(Protocol):
    """What the lowering of the graph around offers."""

    def is_wanted(self, node: Node) -> bool: ...

    def slot(self, node: Node) -> Slot: ...

    def new_slot(self, name: str, type_: TensorType, role: str, node: Node | None = None) -> Slot: ...

    def inside(self, graph: Graph, slots: Mapping[Node, Slot], outputs: Sequence[Slot]) -> tuple[Step, ...]: ...

    def shared(self, kernel: Kernel) -> Kernel: ...


def lower_loop(node: Node, around: Lowering) -> tuple[Step, ...]:
    """The steps of a loop or a branch."""
    match node.op:
        case Scan():
            return _scan(node, node.op, around)
        case While():
            return _while(node, node.op, around)
        case Switch():
            return _switch(node, node.op, around)
    raise AssertionError(f"{node.op.name} is no loop")


def _scan(node: Node, op: Scan, around: Lowering) -> tuple[Step, ...]:
    n, split = op.carries, op.carries + op.sequences
    counter = _counter(node, around)
    step: Index = symbol(counter)
    if op.reverse:
        step = op.length - 1 - step
    body = op.body
    stacks = {} if op.until else _stacks(node, op, around)
    states = [_state(node, i, stacks.get(body.outputs[i]), step, counter, around) for i in range(n)]
    begin: tuple[Step, ...] = tuple(
        Copy(around.slot(node.args[i]), state, (node,)) for i, state in enumerate(states) if state.otherwise is None
    )
    slots = {
        x: _row(around.slot(arg), x.type, step) for x, arg in zip(body.inputs[n:split], node.args[n:split], strict=True)
    }
    slots |= {x: around.slot(arg) for x, arg in zip(body.inputs[split:], node.args[split:], strict=True)}
    used = [(y, item(node, n + i)) for i, y in enumerate(op.stacked) if around.is_wanted(item(node, n + i))]
    rows = [_row(around.slot(stack), y.type, step) for y, stack in used]
    outputs = [y for y, _ in used]
    leave: tuple[Step, ...] = ()
    if op.until:
        stop = around.new_slot("stop", TensorType(bool_, ()), "temporary")
        outputs, rows, leave = [*outputs, body.outputs[-1]], [*rows, stop], (Leave(stop, True, (node,)),)
        begin = (*begin, *(_clear(around.slot(stack), around) for _, stack in used))
    inner = _with_states(body, n, outputs, states, slots, rows, around)
    lasts = tuple(
        Copy(_at(state, counter, op.length), around.slot(item(node, i)), (node,))
        for i, state in enumerate(states)
        if state.otherwise is not None and around.is_wanted(item(node, i))
    )
    return (*begin, Repeat(counter, op.length, (*inner, *leave), (node,)), *lasts)


def _stacks(node: Node, op: Scan, around: Lowering) -> dict[Node, Slot]:
    """The memory of stacked values."""
    found = {}
    for i, y in enumerate(op.stacked):
        if y.args and around.is_wanted(item(node, op.carries + i)):
            found[y] = around.slot(item(node, op.carries + i))
    return found


def _state(node: Node, i: int, stack: Slot | None, step: Index, counter: str, around: Lowering) -> Slot:
    """The memory of a state: the row that the step before has stacked, if its next value is stacked, else its own.

    Only the former is the first value `otherwise`. A state of its own may be a row as well: of a loop around this one.
    """
    if stack is None:
        return around.slot(item(node, i))
    before = dimension.substitute(step, {counter: symbol(counter) - 1})
    row = _row(stack, node.args[i].type, before)
    return replace(row, otherwise=around.slot(node.args[i]))


def _at(state: Slot, counter: str, count: Index) -> Slot:
    """A view as it is at the end of a repetition."""
    return replace(state, offset=dimension.substitute(state.offset, {counter: count}))


def _while(node: Node, op: While, around: Lowering) -> tuple[Step, ...]:
    n = op.carries
    states, begin = _begin(node, n, around)
    holds = around.new_slot("holds", TensorType(bool_, ()), "temporary")
    constants = [around.slot(arg) for arg in node.args[n:]]
    inputs = dict(zip(op.condition.inputs, (*states, *constants), strict=True))
    test = around.inside(op.condition, inputs, [holds])
    slots = dict(zip(op.body.inputs[n:], constants, strict=True))
    inner = _with_states(op.body, n, [], states, slots, [], around)
    counter = _counter(node, around)
    return (*begin, Repeat(counter, None, (*test, Leave(holds, False, (node,)), *inner), (node,)))


def _switch(node: Node, op: Switch, around: Lowering) -> tuple[Step, ...]:
    operands = [around.slot(arg) for arg in node.args[1:]]
    used = [i for i, result in enumerate(items(node)) if around.is_wanted(result)]
    results = [around.slot(item(node, i)) for i in used]
    branches = []
    for branch in op.branches:
        graph = replace(branch, outputs=tuple(branch.outputs[i] for i in used))
        branches.append(around.inside(graph, dict(zip(branch.inputs, operands, strict=True)), results))
    return (Branch(around.slot(node.args[0]), tuple(branches), (node,)),)


def _counter(node: Node, around: Lowering) -> str:
    """The name of a loop's counter: that of its first result in memory."""
    first = next(result for result in items(node) if around.is_wanted(result))
    return f"step.{around.slot(first).name}"


def _begin(node: Node, count: int, around: Lowering) -> tuple[list[Slot], tuple[Step, ...]]:
    """The memory of the state, and the steps that give it its first values."""
    states = [around.slot(item(node, i)) for i in range(count)]
    copies = (Copy(around.slot(arg), state, (node,)) for arg, state in zip(node.args[:count], states, strict=True))
    return states, tuple(copies)


def _with_states(
    body: Graph,
    count: int,
    outputs: Sequence[Node],
    states: Sequence[Slot],
    slots: Mapping[Node, Slot],
    rows: Sequence[Slot],
    around: Lowering,
) -> tuple[Step, ...]:
    """The steps of a body whose first inputs are state, which its first outputs replace."""
    parameters = [make(Parameter(x.op.label, x.type, Storage(np.zeros(())))) for x in body.inputs[:count]]  # type: ignore[attr-defined]
    given = dict(zip(body.inputs, parameters, strict=False))
    results = substitute([*outputs, *body.outputs[:count]], given)
    updates = tuple(
        (parameter, new)
        for parameter, new, state in zip(parameters, results[len(outputs) :], states, strict=True)
        if state.otherwise is None
    )
    graph = replace(body, inputs=body.inputs[count:], outputs=tuple(results[: len(outputs)]), updates=updates)
    return around.inside(graph, {**slots, **dict(zip(parameters, states, strict=True))}, rows)


def _row(slot: Slot, type_: TensorType, step: Index) -> Slot:
    """The slice of an array along its first axis."""
    return Slot(f"{slot.name}[{step}]", type_, "view", base=slot, offset=step * dimension.product(type_.shape))


def _clear(slot: Slot, around: Lowering) -> Step:
    """Fill memory with zeros."""
    dtype, size = slot.type.dtype, slot.type.size
    zero = Literal(0.0 if dtype.is_float else False if dtype is bool_ else 0, dtype)
    body = For("i0", size, (Store("y", symbol("i0"), zero),))
    symbols = size.symbols if isinstance(size, Dim) else ()
    kernel = Kernel("clear", (Buffer("y", dtype, size, "write"),), tuple(sorted(symbols)), (body,))
    return KernelCall(around.shared(kernel), (slot,))
