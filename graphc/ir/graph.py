"""Graphs: named inputs, outputs and parameter updates over nodes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from graphc.errors import GraphError
from graphc.ir.leaf import Input, Parameter
from graphc.ir.node import Node, describe, topological
from graphc.ir.printer import format_graph
from graphc.ir.substitution import is_variable


@dataclass(frozen=True, eq=False)
class Graph:
    """A pure function: what a call gets, returns, and stores into parameters afterwards.

    `names` are the names that nodes have in the graph's text. Raises GraphError for an input that is missing,
    given twice, or no input, and for an update of something that is no parameter or of another type.
    """

    name: str
    inputs: tuple[Node, ...]
    outputs: tuple[Node, ...]
    updates: tuple[tuple[Node, Node], ...] = ()
    names: Mapping[Node, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self._check_inputs()
        seen: dict[Node, Node] = {}
        for parameter, value in self.updates:
            check_update(parameter, value, seen)
            seen[parameter] = value

    @property
    def identity(self) -> tuple[Any, ...]:
        """What tells graphs apart that are attributes of ops: their inputs and outputs, as objects."""
        return "graph", tuple(map(id, self.inputs)), tuple(map(id, self.outputs))

    @property
    def results(self) -> tuple[Node, ...]:
        """Everything that a call computes: the outputs, then the new values of parameters."""
        return (*self.outputs, *(value for _, value in self.updates))

    def with_results(self, results: Iterable[Node], names: Mapping[Node, str] | None = None) -> Graph:
        """The graph with other results, in the order of `results`."""
        results = tuple(results)
        n = len(self.outputs)
        updates = tuple((p, new) for (p, _), new in zip(self.updates, results[n:], strict=True))
        return replace(self, outputs=results[:n], updates=updates, names=self.names if names is None else names)

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """All nodes, operands first, in a fixed order."""
        return tuple(topological(self.results))

    @cached_property
    def parameters(self) -> tuple[Node, ...]:
        """The parameters that are read or updated, in order of first use."""
        used = [node for node in self.nodes if isinstance(node.op, Parameter)]
        return tuple(dict.fromkeys([*used, *(parameter for parameter, _ in self.updates)]))

    @cached_property
    def users(self) -> Mapping[Node, tuple[Node, ...]]:
        """For each node the nodes that use it, once for each use."""
        users: dict[Node, list[Node]] = {node: [] for node in self.nodes}
        for node in self.nodes:
            for arg in node.args:
                users[arg].append(node)
        return {node: tuple(found) for node, found in users.items()}

    @cached_property
    def dimensions(self) -> tuple[str, ...]:
        """The named dimensions, in the order in which inputs and parameters bring them."""
        leaves = (*self.inputs, *self.parameters)
        symbols = [s for leaf in leaves for size in leaf.shape for s in sorted(getattr(size, "symbols", ()))]
        return tuple(dict.fromkeys(symbols))

    def to_networkx(self) -> Any:
        """The graph as a networkx.MultiDiGraph from operands to users; `position` on edges orders operands."""
        import networkx

        result = networkx.MultiDiGraph(name=self.name)
        number = {node: i for i, node in enumerate(self.nodes)}
        for node, i in number.items():
            result.add_node(i, node=node, op=node.op.name, type=str(node.type))
        for node, i in number.items():
            for position, arg in enumerate(node.args):
                result.add_edge(number[arg], i, position=position)
        return result

    def __str__(self) -> str:
        return format_graph(self)

    def _check_inputs(self) -> None:
        seen: dict[str, Node] = {}
        for node in self.inputs:
            if not isinstance(node, Node) or not isinstance(node.op, Input):
                shown = describe(node) if isinstance(node, Node) else repr(node)
                raise GraphError("not an input", details=[shown], help="inputs are made by graphc.input")
            if node.op.label in seen:
                details = [describe(seen[node.op.label]), describe(node)]
                raise GraphError(f"two inputs are named {node.op.label!r}", details=details)
            seen[node.op.label] = node
        given = set(self.inputs)
        for node in topological(self.results):
            if is_variable(node) and node not in given:
                raise GraphError(
                    "a value inside of a function that was recorded (for vmap, scan, cond …) is used outside of it",
                    details=[describe(node)],
                    help="return it from the function",
                )
            if isinstance(node.op, Input) and node not in given:
                raise GraphError(
                    f"the input {node.op.label!r} is needed but not given",
                    details=[describe(node)],
                    help="add it to the list of inputs",
                )


def check_update(parameter: Node, value: Node, earlier: Mapping[Node, Node]) -> None:
    """Raises GraphError for an update of something that is no parameter, is updated already, or has another type."""
    if not isinstance(parameter.op, Parameter):
        raise GraphError("an update of something that is no parameter", details=[describe(parameter)])
    if parameter in earlier:
        raise GraphError("two updates of one parameter", details=[describe(parameter)])
    if parameter.type != value.type:
        details = [describe(parameter), describe(value)]
        raise GraphError("the new value of a parameter has another type", details=details)
