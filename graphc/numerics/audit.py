"""How many bits each step of a formula loses: a graph and inputs go in, a table of nodes comes out.

Each node of the user's graph is evaluated as written, in its dtype, by the reference; so is its counterpart in the
optimised graph; and exactly. Loops and branches count as one node each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import mpmath
import numpy as np

from graphc.errors import GraphError
from graphc.interpret.binding import infer_sizes
from graphc.interpret.evaluation import evaluate_nodes
from graphc.interpret.reader import Array
from graphc.ir.graph import Graph
from graphc.ir.node import Node
from graphc.ir.rewrite import Firing, Trace
from graphc.numerics.accuracy import ExactReader, bits_of_error, overflowed, underflowed
from graphc.numerics.formula import formula, place, user_names
from graphc.numerics.provenance import Provenance, consumed
from graphc.ops.contraction import Matmul
from graphc.passes.pipeline import parse_pipeline
from graphc.types import TupleType

BAD = 6.0  # bits in the last places that a few operations in a row do not lose
LIMIT = 50_000  # elements, which take a few seconds
_CANCELS = 3  # bits by which a sum is smaller than its largest term


@dataclass(frozen=True, eq=False)
class Row:
    """One node of the user's graph: the worst bits of error as `written` and `compiled` (None: no counterpart).

    `event` says what happened at `index`, where it is worst as written: overflow, underflow, cancellation, invalid
    (a NaN), amplified (errors of operands grew) or inherited (an operand was bad); empty if nothing did.
    """

    node: Node
    formula: str
    written: float
    compiled: float | None
    event: str
    index: tuple[int, ...]
    value: float
    exact: str

    @property
    def is_bad(self) -> bool:
        return self.written >= BAD


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
            lines.append(f"{row.written:8.1f} {compiled:>8}  {row.formula}{event}{line}")
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
    exact = evaluate_nodes(nodes, bindings, sizes, ExactReader())
    present = set(optimised.nodes)
    pairs = [(node, _counterpart(node, provenance, present)) for node in nodes]
    found = [(node, other) for node, other in pairs if other is not None]
    values = evaluate_nodes([other for _, other in found], bindings, sizes)
    compiled = {node: value for (node, _), value in zip(found, values, strict=True)}
    table = _Table(user_names(source))
    for node, value, truth in zip(nodes, written, exact, strict=True):
        table.add(node, value, truth, compiled.get(node))
    sampled = {name: (sizes[name], size) for name, size in given.items() if sizes[name] != size}
    culprit, spoiled = table.culprit(source)
    return Audit(
        tuple(table.rows.values()), culprit, _verdict(culprit, spoiled, source, provenance, semantics), sampled
    )


class _Table:
    """Rows as they are made, with what later ones need of earlier ones."""

    def __init__(self, names: Mapping[Node, str]) -> None:
        self.names, self.rows = names, dict[Node, Row]()
        self.exact: dict[Node, Array] = {}
        self.flags: dict[Node, Array] = {}  # where a number became 0 or infinity

    def add(self, node: Node, value: Array, truth: Array, compiled: Array | None) -> None:
        known = np.nan_to_num(bits_of_error(value, truth, node.dtype), nan=0.0)
        worst = float(known.max(initial=0.0))
        flags = np.zeros(value.shape, bool)
        if node.dtype.is_float:  # numbers that a bad operand spoiled are its fault
            flags = (overflowed(value, truth) | underflowed(value, truth)) & (known < BAD)
        self.exact[node], self.flags[node] = truth, flags
        order = known if worst >= BAD else known + BAD * flags
        at = tuple(map(int, np.unravel_index(int(order.argmax()), order.shape))) if order.size else ()
        other = None
        if compiled is not None:
            errors = np.nan_to_num(bits_of_error(compiled, truth, node.dtype), nan=0.0)
            other = float(errors.max(initial=0.0))
        event = self._event(node, at, value, worst) if value.size else ""
        shown = mpmath.nstr(truth[at], 6) if value.size and node.dtype.is_float else ""
        number = float(value[at]) if value.size else 0.0
        text = formula(node, {name: own for name, own in self.names.items() if name is not node}, 2)
        label = f"%{self.names[node]} = {text}" if node in self.names else text
        self.rows[node] = Row(node, label, worst, other, event, at, number, shown)

    def _event(self, node: Node, index: tuple[int, ...], value: Array, worst: float) -> str:
        number = float(value[index])
        if self.flags[node][index]:
            return "overflow" if np.isinf(number) else "underflow"
        if worst < BAD:
            return ""
        if any(self._is_bad(arg) or np.any(self._flagged(node, index, arg)) for arg in node.args):
            return "inherited"
        if np.isnan(number):
            return "invalid"
        if np.isinf(number):
            return "overflow"
        return "cancellation" if self._cancels(node, index) else "amplified"

    def _cancels(self, node: Node, index: tuple[int, ...]) -> bool:
        """Whether a sum is much smaller than a term of it."""
        truth = self.exact[node][index]
        if node.op.name in ("add", "subtract"):
            terms = [self.exact[arg][index] for arg in node.args if arg in self.exact]
        elif node.op.name in ("sum", "mean", "matmul"):
            terms = list(self.exact[node.args[0]].flat) if node.args[0] in self.exact else []
        else:
            return False
        largest = max((abs(term) for term in terms if mpmath.isfinite(term)), default=0)
        return bool(abs(truth) * 2**_CANCELS <= largest)

    def culprit(self, graph: Graph) -> tuple[Row | None, list[Row]]:
        """The first row that went bad among those that spoil a result, and the rows of spoiled results."""
        spoiled = [self.rows[node] for node in dict.fromkeys(graph.results) if self._is_bad(node)]
        stack, reached = [row.node for row in spoiled], set[Node]()
        while stack:
            node = stack.pop()
            if node not in reached:
                reached.add(node)
                stack.extend(arg for arg in node.args if self._is_bad(arg))
        begun = (row for row in self.rows.values() if row.node in reached and reached.isdisjoint(row.node.args))
        first = next(begun, None)
        return (self._beginning(first) if first is not None else None), spoiled

    def _is_bad(self, node: Node) -> bool:
        return node in self.rows and self.rows[node].is_bad

    def _flagged(self, node: Node, index: tuple[int, ...], arg: Node) -> Any:
        """Where an operand became 0 or infinite, as far as it matters for an element of a node."""
        flags = self.flags.get(arg, np.zeros((), bool))
        return flags[index] if node.op.elementwise and arg in self.flags else flags

    def _beginning(self, row: Row) -> Row:
        """Where the numbers became 0 or infinite that a bad row was made of; else the row itself."""
        while True:
            below = [arg for arg in row.node.args if np.any(self._flagged(row.node, row.index, arg))]
            if not below:
                return row
            row = self.rows[below[0]]


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
    lines = [found, *([f"  at {line}"] if line else [])]
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
