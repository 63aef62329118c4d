"""Nodes as short formulas, for explanations: `log(sum(exp(%z), axis=(1,)))`."""

from __future__ import annotations

from collections.abc import Mapping

from graphc.ir.graph import Graph
from graphc.ir.leaf import Constant, Input, Parameter, uniform_value
from graphc.ir.node import Node
from graphc.ir.printer import format_attribute, format_number
from graphc.ops.tuples import Item

DEPTH = 4  # ops inside each other that a formula shows


def formula(node: Node, names: Mapping[Node, str], depth: int = DEPTH) -> str:
    """A node in terms of named ones, at most `depth` ops deep; what lies deeper is shown by its op alone."""
    if isinstance(node.op, Input | Parameter):
        return f"%{node.op.label}"
    number = uniform_value(node)
    if number is not None:
        return format_number(number, node.dtype)
    if isinstance(node.op, Constant):
        return f"constant {node.type}"
    if depth == 0:
        return f"%{names[node]}" if node in names else f"{node.op.name}(…)"
    args = [f"%{names[arg]}" if arg in names else formula(arg, names, depth - 1) for arg in node.args]
    if isinstance(node.op, Item):
        return f"{args[0]}[{node.op.index}]"
    if node.op.inner:
        return f"{node.op.name}({', '.join([*args, '{…}'])})"
    attributes = [f"{key}={format_attribute(value)}" for key, value in node.op.attributes().items()]
    return f"{node.op.name}({', '.join(args + attributes)})"


def label(node: Node, names: Mapping[Node, str]) -> str:
    """The name of a node, or a short formula."""
    return f"%{names[node]}" if node in names else formula(node, names, 2)


def is_derived(node: Node) -> bool:
    """Whether a derivative or a rewrite made a node in the place of what a user's program says."""
    return node.source is not None and node.source.is_derived and not node.source.is_text


def place(node: Node) -> str:
    """The user's line of a node, or nothing."""
    return f"{node.source}   {node.source.text}".rstrip() if node.source else ""


def user_names(*graphs: Graph) -> dict[Node, str]:
    """The names of the user's variables; the first graph that knows a node decides."""
    return {node: name for graph in reversed(graphs) for node, name in graph.names.items()}
