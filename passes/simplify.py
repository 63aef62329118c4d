"""Simplification by exact rules: the same bits for every input, NaN, infinities and -0.0 included."""

from __future__ import annotations

from graphc.ir.graph import Graph
from graphc.ir.rewrite import rewrite
from graphc.passes.registry import graph_pass
from graphc.passes.rules import CANONICAL, EXACT


@graph_pass
def simplify(graph: Graph) -> Graph:
    """Leave out what changes nothing.

    multiply(x, 1.0)  becomes  x
    """
    return rewrite(graph, CANONICAL + EXACT)
