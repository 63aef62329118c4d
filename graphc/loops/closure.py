"""Closing the body of a loop or a branch: values that it reads from outside become operands.

Comes in: what a body calculates, over values of its own and any nodes around; goes out: a graph whose inputs are all
that it reads, and what these inputs stand for. What does not depend on the body's own values is read, not calculated
again, so invariants leave loops where they are defined; views of it stay inside, where they cost nothing. What a
branch calculates stays there, since it may be wrong or dear to calculate where the branch is not taken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set as AbstractSet

from graphc.ir.graph import Graph
from graphc.ir.leaf import Constant, Input, Parameter
from graphc.ir.node import Node, make
from graphc.ir.substitution import substitute
from graphc.ops.conversion import Expand
from graphc.ops.movement import Slice, Transpose

_VIEWS = (Expand, Slice, Transpose)


def closed(
    outputs: Sequence[Node], own: Mapping[Node, str], always: int, inside: AbstractSet[Node] = frozenset()
) -> tuple[Graph, list[Node]]:
    """A graph of these outputs, and the nodes that its inputs stand for.

    Nodes `inside` are calculated there in any case. `own` are the values that the body is given, with the words that
    name them. The first `always` of them become inputs in any case, the others if they are needed; then come the
    nodes that are read from outside.
    """
    own_nodes = list(own)
    read = _read(outputs, own, inside)
    needed = [node for i, node in enumerate(own_nodes) if i < always or node in read]
    needed += [node for node in read if node not in own]
    numbers: Counter[str] = Counter()
    inputs = []
    for node in needed:
        word = own.get(node, "outer")
        inputs.append(make(Input(f"{word}{numbers[word]}", node.type)))
        numbers[word] += 1
    results = substitute(outputs, dict(zip(needed, inputs, strict=True)))
    return Graph("inner", tuple(inputs), tuple(results)), needed


def _read(outputs: Sequence[Node], own: Mapping[Node, str], inside: AbstractSet[Node]) -> dict[Node, None]:
    """The own and outer values that the outputs are calculated from, in the order of a walk."""
    depends = dependence(outputs, own)
    found: dict[Node, None] = {}
    seen: set[Node] = set()
    stack = list(reversed(outputs))
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        if node in own:
            found[node] = None
        elif depends[node] or isinstance(node.op, _VIEWS) or (node.args and node in inside):
            stack.extend(reversed(node.args))
        elif node.args or isinstance(node.op, Input | Parameter):
            found[node] = None
        elif isinstance(node.op, Constant) and not node.op.uniform:
            found[node] = None  # one array in memory, not one for each graph that reads it
    return found


def dependence(outputs: Iterable[Node], own: Iterable[Node]) -> dict[Node, bool]:
    """For each node up to the own ones whether it depends on one of these."""
    known = dict.fromkeys(own, True)
    stack = list(outputs)
    while stack:
        node = stack[-1]
        missing = [arg for arg in node.args if arg not in known]
        if node in known or not missing:
            stack.pop()
            known.setdefault(node, any(known[arg] for arg in node.args))
        stack.extend(missing if node not in known else ())
    return known
