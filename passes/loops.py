"""Loops do only what has to be done in each step.

Comes in: a graph; goes out: one in which scans neither carry nor stack what nobody reads, what is the same in all
steps is computed once before them, and matrix products that do not wait for the state are one large product over all
steps: before the loop, if their operand is a sequence, after it, if their result is only stacked.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from graphc.dimension import Dim
from graphc.ir.graph import Graph
from graphc.ir.node import Node, make, topological
from graphc.ir.source import at
from graphc.ir.substitution import substitute, variable
from graphc.loops.closure import closed, dependence
from graphc.loops.ops import Scan, While
from graphc.ops.contraction import Matmul, matmul
from graphc.ops.conversion import Expand, Reshape, reshape
from graphc.ops.movement import transpose
from graphc.ops.tuples import Item, items
from graphc.passes.registry import graph_pass


@graph_pass
def loops(graph: Graph) -> Graph:
    """Move work out of loops, and drop what nobody reads.

    scan over x with a body that multiplies x0 by %w   becomes   a product of all of x by %w, and a scan over it
    """
    if not any(node.op.inner for node in graph.nodes):
        return graph
    done: dict[Node, Node] = {}
    results: dict[Node, dict[int, Node]] = {}  # of scans: what stands for each result that is used
    for node in graph.nodes:
        with at(node.source):
            if isinstance(node.op, Item) and node.args[0] in results:
                done[node] = results[node.args[0]][node.op.index]
                continue
            args = tuple(done[arg] for arg in node.args)
            op = node.op.with_inner(tuple(map(loops, node.op.inner))) if node.op.inner else node.op
            match op:
                case Scan():
                    used = {user.op.index for user in graph.users[node] if isinstance(user.op, Item)}
                    results[node] = _improved(op, args, used)
                    done[node] = node
                case While():
                    done[node] = _hoisted(op, args)
                case _:
                    done[node] = make(op, *args)
    names = {done[node]: name for node, name in graph.names.items() if node in done}
    return graph.with_results((done[node] for node in graph.results), names)


@dataclass(frozen=True)
class _Later:
    """A product that is calculated after the loop, and what of it was stacked."""

    product: Node
    stacked: Node


@dataclass
class _Loop:
    """A scan that is taken apart: values of a step are nodes over variables and over the nodes outside."""

    op: Scan
    states: list[tuple[int, Node, Node, Node]]  # number, variable, next value, first value
    sequences: dict[Node, Node]  # variables, with the arrays whose slices they are
    stacked: dict[int, Node]  # the values of a step by the number of the result
    stop: tuple[Node, ...]
    results: dict[int, Node]  # results that need no loop
    later: dict[int, _Later]  # products that are calculated from what is stacked

    @property
    def length(self) -> int | Dim:
        return self.op.length

    @property
    def outputs(self) -> list[Node]:
        return [*(new for _, _, new, _ in self.states), *self.stacked.values(), *self.stop]


def _improved(op: Scan, args: tuple[Node, ...], used: set[int]) -> dict[int, Node]:
    """The results of a scan that are used, by number."""
    loop = _opened(op, args, used)
    _trim(loop)
    _multiply_before(loop)
    _multiply_after(loop)
    _trim(loop)
    return _results(loop)


def _opened(op: Scan, args: tuple[Node, ...], used: set[int]) -> _Loop:
    n, split = op.carries, op.carries + op.sequences
    changing = [variable(x.type) for x in op.body.inputs[:split]]
    outputs = substitute(op.body.outputs, dict(zip(op.body.inputs, [*changing, *args[split:]], strict=True)))
    states = [(i, changing[i], outputs[i], args[i]) for i in range(n)]
    stacked = {i: y for i, y in enumerate(outputs[: len(outputs) - op.until]) if i >= n and i in used}
    stop = tuple(outputs[-1:]) if op.until else ()
    loop = _Loop(op, states, dict(zip(changing[n:], args[n:split], strict=True)), stacked, stop, {}, {})
    loop.results = {i: first for i, state, new, first in states if i in used and new is state}
    _drop_states(loop, {i for i in used if i < n and i not in loop.results})
    return loop


def _drop_states(loop: _Loop, used: set[int]) -> None:
    """Keep the states whose last value is used, and those that decide about what is kept; the others are constants."""
    fixed = {state: first for _, state, new, first in loop.states if new is state}
    kept = {i for i, _, _, _ in loop.states if i in used}
    while True:
        needed = [new for i, _, new, _ in loop.states if i in kept]
        read = set(topological([*needed, *loop.stacked.values(), *loop.stop]))
        more = {i for i, state, _, _ in loop.states if state in read and state not in fixed} - kept
        if not more:
            break
        kept |= more
    loop.states = [entry for entry in loop.states if entry[0] in kept and entry[1] not in fixed]
    _substitute(loop, fixed)


def _substitute(loop: _Loop, replacements: dict[Node, Node]) -> None:
    """Other nodes for some of the nodes of a step."""
    if not replacements:
        return
    outputs = iter(substitute(loop.outputs, replacements))
    loop.states = [(i, state, next(outputs), first) for i, state, _, first in loop.states]
    loop.stacked = {i: next(outputs) for i in loop.stacked}
    loop.stop = tuple(outputs)


def _trim(loop: _Loop) -> None:
    """Rows that are slices of a sequence are that sequence."""
    if loop.op.until:
        return
    for i, y in list(loop.stacked.items()):
        if y in loop.sequences:
            loop.results[i] = loop.sequences[y]
            del loop.stacked[i]


def _multiply_before(loop: _Loop) -> None:
    """Products of slices with what is the same in all steps become slices of a product."""
    depends = dependence(loop.outputs, [*(state for _, state, _, _ in loop.states), *loop.sequences])
    new: dict[Node, Node] = {}
    for node in topological(loop.outputs):
        if not _is_product(node):
            continue
        left, right = node.args
        if _peeled(left) in loop.sequences and not depends[right]:
            product = _over_all_steps(loop, loop.sequences[_peeled(left)], left, right)
        elif _peeled(right) in loop.sequences and not depends[left] and right.shape[1] == 1:
            turned = transpose(right)
            product = _over_all_steps(loop, loop.sequences[_peeled(right)], turned, transpose(left))
        else:
            continue
        new[node] = variable(node.type)
        loop.sequences[new[node]] = reshape(product, (loop.length, *node.shape))
    _substitute(loop, new)


def _multiply_after(loop: _Loop) -> None:
    """Products with what is the same in all steps, if they are only stacked, are calculated from stacked factors."""
    uses = Counter(arg for node in topological(loop.outputs) for arg in node.args)
    uses.update(loop.outputs)
    depends = dependence(loop.outputs, [*(state for _, state, _, _ in loop.states), *loop.sequences])
    for i, y in list(loop.stacked.items()):
        node, alone = y, uses[y] == 1
        while isinstance(node.op, Reshape) and alone:
            node = node.args[0]
            alone = uses[node] == 1
        if alone and _is_product(node) and depends[node.args[0]] and not depends[node.args[1]]:
            loop.stacked[i] = node.args[0]
            loop.later[i] = _Later(node, y)


def _is_product(node: Node) -> bool:
    return isinstance(node.op, Matmul) and node.ndim == 2


def _peeled(node: Node) -> Node:
    """What has the same elements in the same order."""
    while isinstance(node.op, Expand | Reshape) and node.size == node.args[0].size:
        node = node.args[0]
    return node


def _over_all_steps(loop: _Loop, stack: Node, left: Node, right: Node) -> Node:
    """The product for the rows of all steps; `left` is the factor in one step."""
    rows, columns = left.shape
    return matmul(reshape(stack, (loop.length * rows, columns)), right)


def _results(loop: _Loop) -> dict[int, Node]:
    """Put the loop together again."""
    results = dict(loop.results)
    if not loop.states and not loop.stacked:
        return results
    own = {state: "carry" for _, state, _, _ in loop.states} | dict.fromkeys(loop.sequences, "x")
    graph, needed = closed(loop.outputs, own, always=len(loop.states))
    sequences = [loop.sequences[node] for node in needed if node in loop.sequences]
    others = needed[len(loop.states) + len(sequences) :]
    op = replace(loop.op, body=graph, carries=len(loop.states), sequences=len(sequences))
    found = items(make(op, *(first for _, _, _, first in loop.states), *sequences, *others))
    results |= {i: last for (i, _, _, _), last in zip(loop.states, found, strict=False)}
    for i, stack in zip(loop.stacked, found[len(loop.states) :], strict=False):
        results[i] = _multiplied(loop, loop.later[i], stack) if i in loop.later else stack
    return results


def _multiplied(loop: _Loop, later: _Later, stack: Node) -> Node:
    left, right = later.product.args
    return reshape(_over_all_steps(loop, stack, left, right), (loop.length, *later.stacked.shape))


def _hoisted(op: While, args: tuple[Node, ...]) -> Node:
    """A while loop that computes nothing that is the same in all steps."""
    states = [variable(x.type) for x in op.body.inputs[: op.carries]]
    given = [*states, *args[op.carries :]]
    test = substitute(op.condition.outputs, dict(zip(op.condition.inputs, given, strict=True)))
    outputs = substitute(op.body.outputs, dict(zip(op.body.inputs, given, strict=True)))
    graph, needed = closed([*test, *outputs], dict.fromkeys(states, "carry"), always=op.carries)
    condition, body = replace(graph, outputs=graph.outputs[:1]), replace(graph, outputs=graph.outputs[1:])
    return make(While(condition, body, op.carries), *args[: op.carries], *needed[op.carries :])
