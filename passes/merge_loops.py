"""Scans that carry the same state become one.

Comes in: a graph; goes out: one in which two scans over the same steps, of which neither needs the other, are a single
scan if some of their state is the same in every step: as in a loop and its derivative in forward mode. State is the
same if it begins as the same and becomes the same, given that what it is made of is the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations

from graphc.ir.graph import Graph
from graphc.ir.node import Node, make, topological
from graphc.ir.substitution import substitute, variable
from graphc.loops.closure import closed
from graphc.loops.ops import Scan
from graphc.ops.tuples import item, items
from graphc.passes.registry import graph_pass

MOST_SCANS = 64  # in a graph, beyond which comparing each with each takes too long


@graph_pass
def merge_loops(graph: Graph) -> Graph:
    """Make one scan of two that carry the same state.

    y = scan(f, a, x); z = scan(g, (a, b), x) with f as a part of g   becomes   scan(g, (a, b), x) with both results
    """
    while True:
        scans = [node for node in graph.nodes if isinstance(node.op, Scan) and not node.op.until]
        pair = next(_pairs(scans), None) if len(scans) <= MOST_SCANS else None
        if pair is None:
            return graph
        graph = graph.with_results(substitute(graph.results, pair), {})


def _pairs(scans: list[Node]) -> Iterator[dict[Node, Node]]:
    """For each pair that goes together: what replaces the results of both."""
    for a, b in combinations(scans, 2):
        assert isinstance(a.op, Scan) and isinstance(b.op, Scan)
        if (a.op.length, a.op.reverse) != (b.op.length, b.op.reverse):
            continue
        if not set(a.args[: a.op.carries]) & set(b.args[: b.op.carries]):
            continue
        if a in set(topological(b.args)) or b in set(topological(a.args)):
            continue
        merged = _merged(a, b)
        if merged is not None:
            yield merged


@dataclass(frozen=True)
class _State:
    """A part of the state: in a step, in the next one, and in the first one."""

    now: Node
    next: Node
    first: Node


def _merged(a: Node, b: Node) -> dict[Node, Node] | None:
    """What replaces the results of two scans, or None if they have no state in common."""
    assert isinstance(a.op, Scan)
    slices: dict[Node, Node] = {}  # variables for the slices of sequences
    states_a, stacked_a = _opened(a, slices)
    states_b, stacked_b = _opened(b, slices)
    same = _same_states([*states_a, *states_b])
    if not {same[s.now] for s in states_a} & {same[s.now] for s in states_b}:
        return None
    kept = [s for s in (*states_a, *states_b) if same[s.now] is s.now]
    outputs = substitute([*(s.next for s in kept), *stacked_a, *stacked_b], same)
    own = dict.fromkeys((s.now for s in kept), "carry") | dict.fromkeys(slices.values(), "x")
    graph, needed = closed(outputs, own, always=len(kept))
    array_of = {variable: array for array, variable in slices.items()}
    sequences = [array_of[node] for node in needed if node in array_of]
    others = needed[len(kept) + len(sequences) :]
    op = replace(a.op, body=graph, carries=len(kept), sequences=len(sequences))
    results = items(make(op, *(s.first for s in kept), *sequences, *others))
    last = dict(zip((s.now for s in kept), results, strict=False))
    rows = iter(results[len(kept) :])
    found: dict[Node, Node] = {}
    for node, states, stacked in ((a, states_a, stacked_a), (b, states_b, stacked_b)):
        found |= {item(node, i): last[same[s.now]] for i, s in enumerate(states)}
        found |= {item(node, len(states) + i): next(rows) for i in range(len(stacked))}
    return found


def _opened(node: Node, slices: dict[Node, Node]) -> tuple[list[_State], list[Node]]:
    """The state and the stacked values of a scan, over variables and the nodes around it."""
    op = node.op
    assert isinstance(op, Scan)
    n, split = op.carries, op.carries + op.sequences
    now = [variable(x.type) for x in op.body.inputs[:n]]
    for x, array in zip(op.body.inputs[n:split], node.args[n:split], strict=True):
        if array not in slices:
            slices[array] = variable(x.type)
    given = [*now, *(slices[array] for array in node.args[n:split]), *node.args[split:]]
    outputs = substitute(op.body.outputs, dict(zip(op.body.inputs, given, strict=True)))
    states = [_State(*parts) for parts in zip(now, outputs[:n], node.args[:n], strict=True)]
    return states, outputs[n:]


def _same_states(states: list[_State]) -> dict[Node, Node]:
    """For each variable of the state the first one that has the same value in every step.

    All that begin as the same count as the same until their next values differ.
    """
    same: dict[Node, Node] = {}
    keys: list[Node] = [s.first for s in states]
    while True:
        first_of: dict[tuple[Node, Node | None], Node] = {}
        found = {s.now: first_of.setdefault((key, same.get(s.now)), s.now) for s, key in zip(states, keys, strict=True)}
        if len(set(found.values())) == len(set(same.values())):
            return found
        same = found
        keys = substitute([s.next for s in states], same)
