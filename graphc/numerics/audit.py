"""How many bits each step of a formula loses: a graph and inputs go in, a table of nodes comes out.

Each node of the user's graph is evaluated as written, in its dtype, by the reference; so is its counterpart in the
optimised graph; and exactly. So are the nodes inside of loops and branches, in each step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from graphc.errors import GraphError
from graphc.interpret.binding import infer_sizes
from graphc.interpret.evaluation import evaluate_nodes
from graphc.interpret.reader import Array
from graphc.ir.graph import Graph
from graphc.ir.node import Node, everywhere
from graphc.ir.rewrite import Firing, Trace
from graphc.numerics.accuracy import ExactReader
from graphc.numerics.audit_loops import Inside, rows_inside
from graphc.numerics.audit_rows import BAD, Row, Table
from graphc.numerics.formula import place, user_names
from graphc.numerics.provenance import Provenance, consumed
from graphc.numerics.recording import Recorder
from graphc.ops.contraction import Matmul
from graphc.ops.tuples import Item
from graphc.passes.pipeline import parse_pipeline
from graphc.types import TupleType

LIMIT = 50_000  # elements, which take a few seconds


@dataclass(frozen=True, eq=False)
class Audit:
    """The rows in order, the first that went bad and spoils a result, and what became of it.

    `sampled` has the sizes of named dimensions that were cut down to bound the cost, with those that were given.
    """

    rows: tuple[Row, ...]
    culprit: Row | None
    verdict: str
    sampled: Mapping[str, tuple[int, int]]

    def __str__(self) -> str:
        lines = [f"{'written':>8} {'compiled':>8}  bits of error, worst element"]
        for row in self.rows:
            compiled = "-" if row.compiled is None else f"{row.compiled:.1f}"
            event = f"   {row.event}" if row.event else ""
            line = f"   {row.node.source}" if row.node.source else ""
            inside = "".join(f"   in {each}" for each in row.inside)
            lines.append(f"{row.written:8.1f} {compiled:>8}  {row.formula}{event}{inside}{line}")
        cut = [f"{name} = {taken} of {given}" for name, (taken, given) in self.sampled.items()]
        return "\n".join([*lines, *([f"sampled: {', '.join(cut)}, evenly spaced"] if cut else []), self.verdict])


def audit(
    source: Graph, optimised: Graph, provenance: Provenance, bindings: Mapping[Node, Any], semantics: str, limit: int
) -> Audit:
    """The audit of a graph for values of inputs and parameters.

    Above `limit` elements the named dimensions are sampled. Raises GraphError where that is not enough.
    """
    nodes = [node for node in source.nodes if node.args and not isinstance(node.type, TupleType)]
    given = _sizes(bindings)
    bindings, written = _bounded(source, nodes, bindings, limit)
    sizes = _sizes(bindings)
    steps = Recorder(), Recorder(), Recorder()
    if any(node.op.inner for node in source.nodes):
        evaluate_nodes(nodes, bindings, sizes, watcher=steps[0])
    exact = evaluate_nodes(nodes, bindings, sizes, ExactReader(), steps[1])
    present = set(everywhere(optimised.results))

    def counterpart(node: Node) -> Node | None:
        return _counterpart(node, provenance, present)

    pairs = [(node, counterpart(node)) for node in nodes]
    outside = set(optimised.nodes)
    found = [(node, other) for node, other in pairs if other is not None and other in outside]
    values = evaluate_nodes([other for _, other in found], bindings, sizes, watcher=steps[2])
    compiled = {node: value for (node, _), value in zip(found, values, strict=True)}
    table = Table(user_names(source))
    for node, value, truth in zip(nodes, written, exact, strict=True):
        table.add(node, value, truth, compiled.get(node))
    loops = rows_inside(*steps, table.names, counterpart)
    sampled = {name: (sizes[name], size) for name, size in given.items() if sizes[name] != size}
    culprit, spoiled = table.culprit(source)
    if culprit is not None and isinstance(culprit.node.op, Item) and culprit.node.args[0] in loops:
        culprit = loops[culprit.node.args[0]].first or culprit
    return Audit(
        tuple(_in_order(source, table, loops)),
        culprit,
        _verdict(culprit, spoiled, source, provenance, semantics),
        sampled,
    )


def _in_order(source: Graph, table: Table, loops: Mapping[Node, Inside]) -> Iterator[Row]:
    """All rows, those of a loop where it stands."""
    for node in source.nodes:
        if node in loops:
            yield from loops[node].rows
        elif node in table.rows:
            yield table.rows[node]


def _bounded(
    graph: Graph, nodes: Sequence[Node], bindings: Mapping[Node, Any], limit: int
) -> tuple[Mapping[Node, Any], list[Array]]:
    """Bindings that take at most `limit` elements to evaluate, with the nodes' values as written."""
    while True:
        sizes, work = _sizes(bindings), _Work()
        values = evaluate_nodes(nodes, bindings, sizes, watcher=work)
        if work.elements <= limit:
            return bindings, values
        largest = max((size, name) for name, size in sizes.items()) if sizes else (0, "")
        smaller = _sampled(graph, bindings, largest[1], (largest[0] + 1) // 2) if largest[0] > 1 else None
        if smaller is None:
            message = f"the audit of {graph.name} takes {work.elements} elements, more than {limit}"
            raise GraphError(message, help="give smaller inputs, or a higher limit=")
        bindings = smaller


def _sampled(graph: Graph, bindings: Mapping[Node, Any], name: str, count: int) -> Mapping[Node, Any] | None:
    """Evenly spaced rows of all inputs along a named dimension; None where a size is made of it."""
    result = dict(bindings)
    for node in graph.inputs:
        for axis, size in enumerate(node.shape):
            if str(size) == name:
                rows = np.linspace(0, result[node].shape[axis] - 1, count).astype(np.int64)
                result[node] = np.take(result[node], rows, axis)
            elif name in getattr(size, "symbols", ()):
                return None
    return result


class _Work:
    """Counts the elements that an evaluation computes, each step of a loop for itself."""

    def __init__(self) -> None:
        self.elements = 0

    def computed(self, node: Node, xs: Sequence[Array], value: Any) -> None:
        if not isinstance(value, tuple):
            inner = np.shape(xs[0])[-1] if isinstance(node.op, Matmul) else 1
            self.elements += prod(np.shape(value)) * inner

    def inside(self, node: Node, number: int) -> _Work:
        return self


def _sizes(bindings: Mapping[Node, Any]) -> dict[str, int]:
    return infer_sizes((node, np.shape(value)) for node, value in bindings.items())


def _counterpart(node: Node, provenance: Provenance, present: set[Node]) -> Node | None:
    """What stands for a node in the optimised graph, if anything with its type does."""
    versions = (each for each in reversed(provenance.versions(node)) if each in present)
    return next((each for each in versions if each.type == node.type), None)


def _verdict(culprit: Row | None, spoiled: Sequence[Row], source: Graph, provenance: Provenance, semantics: str) -> str:
    if culprit is None:
        return "no result is bad"
    line = place(culprit.node)
    found = f"first bad: {culprit.formula}: {culprit.event}, {culprit.value:.6g} where {culprit.exact} is exact"
    lines = [found, *(f"  in {each}" for each in culprit.inside), *([f"  at {line}"] if line else [])]
    repaired = all(row.compiled is not None and row.compiled < BAD for row in spoiled)
    bad = [culprit.node, *(row.node for row in spoiled)]
    rule = _repair(bad, provenance)
    if repaired:
        how = f"by {rule.rule.name}: {rule.rule.reason.splitlines()[0]}" if rule is not None else "by the compiler"
        return "\n".join([*lines, f"  repaired {how}"])
    for other in {"ieee": ("stable", "real"), "stable": ("real",)}.get(semantics, ()):
        rule = _repair(bad, _optimised(source, other))
        if rule is not None:
            return "\n".join([*lines, f"  not repaired; semantics={other!r} would apply {rule.rule.name}"])
    return "\n".join([*lines, "  not repaired, and no rule knows this form"])


def _repair(bad: Sequence[Node], provenance: Provenance) -> Firing | None:
    """The rule that took a bad node away, to make the numbers better."""
    firings = [firing for firing in provenance.firings if firing.rule.kind != "exact"]
    for node in bad:
        versions = set(provenance.versions(node))
        for firing in firings:
            if versions & consumed(firing):
                return firing
    return None


def _optimised(source: Graph, semantics: str) -> Provenance:
    """The provenance that the default passes would give with another semantics."""
    trace = Trace()
    parse_pipeline("default").run(source, semantics=semantics, trace=trace)
    return Provenance(source, trace.firings, trace.rebuildings, ())
