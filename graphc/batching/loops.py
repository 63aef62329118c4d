"""Loops and branches over stacks: the loop stays one loop, and each of its steps works on all items.

A state begins to differ from item to item where it depends on something that does; what is the same for all items is
calculated once a step. A loop that ends item by item goes on until all have ended, and holds those that have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from graphc.batching.rules import Batched, batches, moved
from graphc.batching.transform import batch, stacked_graph
from graphc.ir.graph import Graph
from graphc.ir.node import Node, make, topological
from graphc.loops.ops import Scan, Switch, While
from graphc.ops.conversion import expand
from graphc.ops.logic import where
from graphc.ops.reduction import any
from graphc.ops.tuples import items


@batches(Scan)
def _scan(op: Scan, size: Any, batched: Batched, xs: tuple[Node, ...]) -> tuple[Node, ...] | None:
    """A scan of stacks; None where items end at different steps."""
    n, split = op.carries, op.carries + op.sequences
    flags = _settled(op.body, batched, n)
    differs = _depends(op.body, flags)
    if op.until and differs[-1]:
        return None
    body = stacked_graph(op.body, size, flags, (*flags[:n], *differs[n:]))
    given = [_fitted(x, has, flag, size) for x, has, flag in zip(xs, batched, flags)]
    given[n:split] = [moved(x, 0, 1) if has else x for x, has in zip(xs[n:split], batched[n:split])]
    results = items(make(replace(op, body=body), *given))
    rows = (moved(y, 1, 0) if flag else y for y, flag in zip(results[n:], differs[n:]))
    return tuple(_fitted(y, flag, True, size) for y, flag in zip((*results[:n], *rows), (*flags[:n], *differs[n:])))


@batches(While)
def _while(op: While, size: Any, batched: Batched, xs: tuple[Node, ...]) -> tuple[Node, ...]:
    """A while loop of stacks."""
    n = op.carries
    flags = _settled(op.body, batched, n)
    if _depends(op.condition, flags)[0]:
        return _until_all_end(op, size, batched, xs)
    condition = stacked_graph(op.condition, size, flags, (False,))
    body = stacked_graph(op.body, size, flags, flags[:n])
    given = (_fitted(x, has, flag, size) for x, has, flag in zip(xs, batched, flags))
    results = items(make(While(condition, body, n), *given))
    return tuple(_fitted(y, flag, True, size) for y, flag in zip(results, flags))


def _until_all_end(op: While, size: Any, batched: Batched, xs: tuple[Node, ...]) -> tuple[Node, ...]:
    """The loop as long as one item goes on; the others stay as they are."""
    n = op.carries
    flags = (*(True for _ in range(n)), *batched[n:])
    condition = stacked_graph(op.condition, size, flags, (True,))
    body = stacked_graph(op.body, size, flags, flags[:n])
    (goes_on,) = condition.outputs
    again = Graph(condition.name, condition.inputs, (any(goes_on),))
    held = [
        where(expand(goes_on, tuple(range(1, new.ndim)), new.shape[1:]), new, old)
        for new, old in zip(body.outputs, body.inputs)
    ]
    loop = While(again, replace(body, outputs=tuple(held)), n)
    return items(make(loop, *(_fitted(x, has, flag, size) for x, has, flag in zip(xs, batched, flags))))


@batches(Switch)
def _switch(op: Switch, size: Any, batched: Batched, xs: tuple[Node, ...]) -> tuple[Node, ...]:
    """A switch of stacks: where the number differs from item to item, all branches are calculated and chosen from."""
    flags = batched[1:]
    if not batched[0]:
        differs = tuple(map(max, zip(*(_depends(branch, flags) for branch in op.branches))))
        branches = tuple(stacked_graph(branch, size, flags, differs) for branch in op.branches)
        results = items(make(Switch(branches), *xs))
        return tuple(_fitted(y, flag, True, size) for y, flag in zip(results, differs))
    number, *operands = xs
    given = [_fitted(x, has, True, size) for x, has in zip(operands, flags)]
    chosen, *others = (_of_stacks(branch, given, size) for branch in op.branches)
    for k, found in enumerate(others, 1):
        chosen = [
            where(expand(number >= k, tuple(range(1, y.ndim)), y.shape[1:]), y, before)
            for y, before in zip(found, chosen)
        ]
    return tuple(chosen)


def _of_stacks(branch: Graph, stacks: Sequence[Node], size: Any) -> list[Node]:
    found = batch(branch.outputs, dict(zip(branch.inputs, stacks)), size)
    return [expand(y, (0,), (size,)) if stack is None else stack for y, stack in zip(branch.outputs, found)]


def _settled(body: Graph, batched: Batched, carries: int) -> Batched:
    """Which inputs of a body differ from item to item, once carries have taken on what the body gives."""
    flags = batched
    while True:
        found = _depends(body, flags)
        new = (*(a or b for a, b in zip(flags[:carries], found)), *flags[carries:])
        if new == flags:
            return flags
        flags = new


def _depends(graph: Graph, flags: Batched) -> Batched:
    """Which outputs depend on inputs with a flag."""
    known = {x for x, flag in zip(graph.inputs, flags) if flag}
    for node in topological(graph.outputs):
        if not known.isdisjoint(node.args):
            known.add(node)
    return tuple(y in known for y in graph.outputs)


def _fitted(x: Node, has: bool, wanted: bool, size: Any) -> Node:
    """An operand with a batch axis if one is wanted."""
    return expand(x, (0,), (size,)) if wanted and not has else x
