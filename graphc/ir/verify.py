"""The checker of the IR: every node's type is what its op infers, and nothing depends on a later node."""

from __future__ import annotations

from graphc.errors import GraphcError, VerifyError
from graphc.ir.graph import Graph
from graphc.ir.node import Node, describe
from graphc.ir.printer import format_graph


def verify(graph: Graph) -> Graph:
    """The graph itself. Raises VerifyError with the graph's text if an invariant does not hold."""
    seen: set[Node] = set()
    for node in graph.nodes:
        if any(arg not in seen for arg in node.args):
            raise VerifyError("a node comes before its operands", details=[describe(node)])
        try:
            inferred = node.op.infer(*(arg.type for arg in node.args))
        except GraphcError as error:
            raise VerifyError(f"{node.op.name}: {error}", details=format_graph(graph).splitlines()) from None
        if inferred != node.type:
            message = f"{node.op.name} has type {node.type}, its operands give {inferred}"
            raise VerifyError(message, details=format_graph(graph).splitlines())
        seen.add(node)
    return graph
