"""Nodes in the place of others: how a function of nodes is recorded once and applied to other operands.

Comes in: roots and what replaces some of the nodes below them; goes out: the roots over the replacements.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import count

from graphc.ir.leaf import Input
from graphc.ir.node import Node, make
from graphc.ir.source import at
from graphc.types import TensorType

_numbers = count()


def variable(type_: TensorType) -> Node:
    """An input like no other, which stands for a value until it is substituted."""
    return make(Input(f"variable {next(_numbers)}", type_))


def is_variable(node: Node) -> bool:
    """Whether a node is such an input: outside of what it was made for it has no value."""
    return isinstance(node.op, Input) and node.op.label.startswith("variable ")


def substitute(roots: Iterable[Node], replacements: Mapping[Node, Node]) -> list[Node]:
    """The roots with nodes replaced; what is below a replaced node, or put in, is not looked at."""
    roots = list(roots)
    new = dict(replacements)
    stack = list(reversed(roots))
    while stack:
        node = stack[-1]
        if node in new:
            stack.pop()
        elif pending := [arg for arg in node.args if arg not in new]:
            stack.extend(reversed(pending))
        else:
            args = tuple(new[arg] for arg in node.args)
            if all(a is b for a, b in zip(args, node.args)):
                new[node] = node
            else:
                with at(node.source):
                    new[node] = made = make(node.op, *args)
                if node.source is not None and made.source is not None and made.source.is_derived:
                    made.source = node.source.derived()  # the last place counts: other loops may have an equal node
    return [new[root] for root in roots]
