"""Canonical spelling: comes in a graph, goes out the same computation, bit for bit, in one spelling."""

from __future__ import annotations

from graphc.ir.graph import Graph
from graphc.ir.rewrite import rewrite
from graphc.passes.registry import graph_pass
from graphc.passes.rules import CANONICAL


@graph_pass
def canonicalize(graph: Graph) -> Graph:
    """One spelling for what has several: signs outside, constants on the right, repetition outermost.

    %1 = negative(%x); %2 = multiply(%1, %y)   becomes   %1 = multiply(%x, %y); %2 = negative(%1)
    """
    return rewrite(graph, CANONICAL)
