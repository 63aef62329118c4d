"""Dead code: what a graph computes for nothing. Nodes without users go by themselves, updates do not."""

from __future__ import annotations

from dataclasses import replace

from graphc.ir.graph import Graph
from graphc.passes.registry import graph_pass


@graph_pass
def dead_code(graph: Graph) -> Graph:
    """Remove updates that store the value which a parameter has anyway, and names of nodes that are gone.

    update %w = %w   disappears
    """
    updates = tuple((parameter, value) for parameter, value in graph.updates if value is not parameter)
    graph = replace(graph, updates=updates)
    present = set(graph.nodes)
    return replace(graph, names={node: name for node, name in graph.names.items() if node in present})
