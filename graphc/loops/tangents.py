"""Forward mode through loops and branches: state and tangents go on together, so nothing has to be kept.

An operand without a tangent does not change; state begins to have one as soon as the body gives it one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from graphc.forward import forward_mode
from graphc.ir.graph import Graph
from graphc.ir.leaf import Input, constant, full
from graphc.ir.node import Node, make
from graphc.ir.substitution import substitute, variable
from graphc.loops.closure import closed
from graphc.loops.traces import traces
from graphc.ops.tuples import items

Tangents = tuple[Node | None, ...]


def scan_jvp(op: Any, xs: Sequence[Node], dxs: Tangents) -> Tangents:
    """The tangents of a scan's results."""
    n, split = op.carries, op.carries + op.sequences
    count = n + len(op.stacked)
    moving = {x: variable(x.type) for x, dx in zip(op.body.inputs, dxs, strict=True) if dx is not None}
    outputs = op.body.outputs[:count]
    tangents = _settled(op.body.inputs[:n], outputs, moving)
    moved = [i for i, x in enumerate(op.body.inputs[:n]) if x in moving]
    rows = [i for i in range(n, count) if tangents[i] is not None]
    results = [*outputs[:n]] + [_or_zero(tangents[i], outputs[i]) for i in moved]
    stacked = [dy for i in rows if (dy := tangents[i]) is not None]
    changing = [*op.body.inputs[:n], *(moving[op.body.inputs[i]] for i in moved)]
    given = dict(zip(op.body.inputs, xs, strict=True)) | _tangent_operands(op.body.inputs, moving, xs, dxs)
    slices = list(op.body.inputs[n:split])
    slices += [moving[x] for x in op.body.inputs[n:split] if x in moving]
    others = [x for x in given if x not in set(changing) | set(slices)]
    own = dict.fromkeys(changing, "carry") | dict.fromkeys(slices, "x") | dict.fromkeys(others, "outer")
    kept = traces(changing, [*changing, *slices], [*results, *stacked], stacked, products=True)
    kept += [constant(True)] if op.until else []
    graph, needed = closed([*results, *stacked, *kept, *op.body.outputs[count:]], own, always=len(changing))
    sequences = sum(node in set(slices) for node in needed)
    loop = replace(op, body=graph, carries=len(changing), sequences=sequences)
    found = items(make(loop, *(given[node] for node in needed)))
    dys: dict[int, Node] = dict(zip(moved, found[n:], strict=False))
    dys |= dict(zip(rows, found[n + len(moved) :], strict=False))
    return tuple(dys.get(i) for i in range(count))


def while_jvp(op: Any, xs: Sequence[Node], dxs: Tangents) -> Tangents:
    """The tangents of the last state of a while loop."""
    n = op.carries
    moving = {x: variable(x.type) for x, dx in zip(op.body.inputs, dxs, strict=True) if dx is not None}
    tangents = _settled(op.body.inputs[:n], op.body.outputs, moving)
    moved = [i for i, x in enumerate(op.body.inputs[:n]) if x in moving]
    changing = [*op.body.inputs[:n], *(moving[op.body.inputs[i]] for i in moved)]
    given = dict(zip(op.body.inputs, xs, strict=True)) | _tangent_operands(op.body.inputs, moving, xs, dxs)
    own = dict.fromkeys(changing, "carry") | dict.fromkeys((x for x in given if x not in set(changing)), "outer")
    new = [*op.body.outputs, *(_or_zero(tangents[i], op.body.outputs[i]) for i in moved)]
    graph, needed = closed([_renamed(op.condition, op.body), *new], own, always=len(changing))
    condition, body = replace(graph, outputs=graph.outputs[:1]), replace(graph, outputs=graph.outputs[1:])
    loop = replace(op, condition=condition, body=body, carries=len(changing))
    found = items(make(loop, *(given[node] for node in needed)))
    dys = dict(zip(moved, found[n:], strict=True))
    return tuple(dys.get(i) for i in range(n))


def switch_jvp(op: Any, xs: Sequence[Node], dxs: Tangents) -> Tangents:
    """The tangents of what the chosen branch gives."""
    moved = [i for i, dx in enumerate(dxs) if dx is not None and i]
    count = len(xs)  # tangents of tangents have more operands, so the names are new
    variables = [make(Input(f"d{count + k}", xs[i].type)) for k, i in enumerate(moved)]
    found = []
    for branch in op.branches:
        moving = dict(zip((branch.inputs[i - 1] for i in moved), variables, strict=True))
        found.append(forward_mode(branch.outputs, moving))
    wanted = [i for i in range(len(op.branches[0].outputs)) if any(dys[i] is not None for dys in found)]
    if not wanted:
        return (None,) * len(op.branches[0].outputs)
    branches = []
    for branch, dys in zip(op.branches, found, strict=True):
        outputs = tuple(_or_zero(dys[i], branch.outputs[i]) for i in wanted)
        branches.append(replace(branch, inputs=(*branch.inputs, *variables), outputs=outputs))
    given = [dx for i in moved if (dx := dxs[i]) is not None]
    results = dict(zip(wanted, items(make(replace(op, branches=tuple(branches)), *xs, *given)), strict=True))
    return tuple(results.get(i) for i in range(len(op.branches[0].outputs)))


def _settled(states: Sequence[Node], outputs: Sequence[Node], moving: dict[Node, Node]) -> list[Node | None]:
    """The tangents of a body's outputs; `moving` gains the states that come to have one."""
    while True:
        tangents = forward_mode(outputs, moving)
        new = [x for x, dx in zip(states, tangents, strict=False) if dx is not None and x not in moving]
        if not new:
            return tangents
        moving |= {x: variable(x.type) for x in new}


def _tangent_operands(
    inputs: Sequence[Node], moving: Mapping[Node, Node], xs: Sequence[Node], dxs: Tangents
) -> dict[Node, Node]:
    """What the variables of tangents are outside."""
    operands = {}
    for x, outer, dx in zip(inputs, xs, dxs, strict=True):
        if x in moving:
            operands[moving[x]] = full(0, outer.type) if dx is None else dx
    return operands


def _or_zero(tangent: Node | None, y: Node) -> Node:
    return full(0, y.type) if tangent is None else tangent


def _renamed(condition: Graph, body: Graph) -> Node:
    """The condition over the inputs of the body."""
    return substitute(condition.outputs, dict(zip(condition.inputs, body.inputs, strict=True)))[0]
