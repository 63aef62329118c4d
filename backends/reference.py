"""The target reference: the interpreter as a target. Slow, obvious, right by definition."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from graphc.backends.target import Array, HostedCode
from graphc.interpret import evaluate_nodes
from graphc.ir.graph import Graph
from graphc.ir.node import Node
from graphc.kernel import Program


class ReferenceCode(HostedCode):
    """A graph that is evaluated node after node."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def run(self, inputs: Sequence[Array], parameters: Mapping[Node, Array], sizes: Mapping[str, int]) -> list[Array]:
        bindings = {**dict(zip(self._graph.inputs, inputs, strict=True)), **parameters}
        values = evaluate_nodes(self._graph.results, bindings, sizes)
        # Copies, since a value may be a view of an input, a parameter or another output.
        results = [np.array(value, order="C", copy=True) for value in values]
        count = len(self._graph.outputs)
        for (parameter, _), new in zip(self._graph.updates, results[count:], strict=True):
            parameters[parameter][...] = new
        return results[:count]


def compile_graph(graph: Graph, program: Callable[[], Program]) -> ReferenceCode:
    """The graph itself; it needs no program."""
    return ReferenceCode(graph)
