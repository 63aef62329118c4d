"""Products of many numbers, carried with an exponent of their own until a logarithm or a quotient brings them back.

Comes in: a graph; goes out: one in which long products, also those of loops, neither over- nor underflow on the way to
a logarithm, a quotient of two, a root, or a choice of the largest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from graphc.ir.graph import Graph
from graphc.ir.node import Node, make
from graphc.ir.rewrite import Firing, Trace, current_trace, rewrite
from graphc.ir.rule import SEMANTICS, RuleSet
from graphc.ir.source import at
from graphc.loops.ops import Scan, Switch, While
from graphc.ops.base import InnerGraphs
from graphc.ops.elementwise import Divide, Log, Log2, Log10, Pow
from graphc.ops.log_domain import LogProd, WeightedLogsumexp
from graphc.ops.log_product import LogProduct, LogQuotient
from graphc.ops.logic import Comparison
from graphc.ops.reduction import Argmax, Argmin
from graphc.ops.tuples import Item, items
from graphc.passes.log_domain.arithmetic import Extended, Number, ordinary
from graphc.passes.log_domain.loops import carried_scan, carried_switch, carried_while
from graphc.passes.log_domain.ops import begins_as_logarithm, calculated, carrying, consumed, consuming
from graphc.passes.log_domain.survey import MANY, Factors, Survey, states_of
from graphc.passes.registry import graph_pass
from graphc.passes.rules.canonical import CANONICAL
from graphc.passes.rules.exact import EXACT
from graphc.passes.rules.known import KNOWN

LOG_DOMAIN = RuleSet("log_domain")
PROOF = "tested: for graphs of any size"


@graph_pass
def log_domain(graph: Graph, *, semantics: str = "stable") -> Graph:
    """Carry long products in logarithms to the base 2 and fractions.

    p = scan(p * x[i]); log(p)   becomes   f, k = scan((f * x[i]) * 2**-e, k + e); log(f) + k * log(2)
    """
    new = log_domain_nodes(graph.results, semantics=semantics)
    names = {became: graph.names[node] for node, became in zip(graph.results, new, strict=True) if node in graph.names}
    carried = graph.with_results(new, {**graph.names, **names})
    if all(a is b for a, b in zip(graph.results, new, strict=True)):
        return carried
    return rewrite(carried, CANONICAL + EXACT + KNOWN)  # what it compares is often known


def log_domain_nodes(nodes: Iterable[Node], *, semantics: str = "stable") -> list[Node]:
    """Nodes whose long products are carried with exponents of their own, together."""
    roots = list(nodes)
    if "stabilizing" not in SEMANTICS[semantics]:
        return roots
    return _carried(roots, current_trace())


@LOG_DOMAIN.rewriter(
    Log, Log2, Log10, LogProd, LogProduct, LogQuotient, WeightedLogsumexp, kind="stabilizing", proof=PROOF
)
def log_of_long_product(node: Node) -> Node | None:
    """The product over- or underflows, its logarithm does not: the product keeps an exponent of its own."""
    return _alone(node)


@LOG_DOMAIN.rewriter(Divide, kind="stabilizing", proof=PROOF)
def quotient_of_long_products(node: Node) -> Node | None:
    """Both products over- or underflow, to 0 / 0: each keeps an exponent of its own, and these cancel."""
    return _alone(node)


@LOG_DOMAIN.rewriter(Pow, kind="stabilizing", proof=PROOF)
def root_of_long_product(node: Node) -> Node | None:
    """The product over- or underflows where its root, a mean of its factors, does not."""
    return _alone(node)


@LOG_DOMAIN.rewriter(Argmax, Argmin, Comparison, kind="stabilizing", proof=PROOF)
def choice_among_long_products(node: Node) -> Node | None:
    """Products that underflow to 0 are all equal: they keep exponents of their own, and are compared by these first."""
    return _alone(node)


def _alone(node: Node) -> Node | None:
    """What becomes of a node where nothing else does."""
    return _carried([node], Trace())[0] if Survey([node]).fires(node) else None


def _carried(roots: list[Node], trace: Trace) -> list[Node]:
    """The roots as ordinary numbers; as they are where nothing fires."""
    survey = Survey(roots)
    if not survey.results and not any(map(survey.fires, survey.order)):
        return roots
    walk = _Walk(survey, {}, _Report(trace))
    return [walk.ordinary(node) for node in roots]


@dataclass
class _Report:
    """What fired, each node once, though loops may be walked over twice."""

    trace: Trace
    fired: set[Node] = field(default_factory=set)
    told: set[Node] = field(default_factory=set)

    def permits(self, node: Node) -> bool:
        """Whether a node may fire: there is fuel for it."""
        if node not in self.fired and self.trace.spend():
            self.fired.add(node)
        return node in self.fired

    def tell(self, node: Node, became: Node) -> None:
        """Record that a node fired."""
        if node not in self.told:
            self.told.add(node)
            rule = LOG_DOMAIN.for_node(node)[0]
            self.trace.firings.append(Firing(rule, node, became, self.trace.stage))


class _Walk:
    """One walk over nodes, operands first: each becomes ordinary numbers, or ones with exponents of their own.

    `given` is what inputs are. Inside of a loop some have exponents of their own; then so has all that can.
    """

    def __init__(
        self, survey: Survey, given: Mapping[Node, Number], report: _Report, alarms: list[Node] | None = None
    ) -> None:
        self.survey, self.report, self.alarms = survey, report, alarms
        self.wide = {x: value for x, value in given.items() if isinstance(value, Extended)}
        self.plain = {x: value for x, value in given.items() if isinstance(value, Node)}
        self.results: dict[Node, Mapping[int, Number]] = {}  # of loops and branches, those that are used
        self.graphs: dict[Any, Graph] = {}  # what inner graphs became, by identity
        self.fired = {node for node in self.survey.order if self.survey.fires(node) and report.permits(node)}
        self.region = self._region()
        for node in self.survey.order:
            if node not in given:
                with at(node.source):
                    self._visit(node)

    def numbers(self, nodes: Sequence[Node]) -> list[Number]:
        """What nodes became."""
        return [self.wide[node] if node in self.wide else self.plain[node] for node in nodes]

    def ordinary(self, node: Node) -> Node:
        """What a node became, as ordinary numbers."""
        if node not in self.plain:
            self.plain[node] = ordinary(self.wide[node], node.dtype)
        return self.plain[node]

    def _region(self) -> set[Node]:
        """The nodes and loops that get exponents of their own, and those that consume such numbers."""
        region: set[Node] = set()
        stack = [*self.fired, *self._met(), *(node for node in self.survey.results if self.survey.fires_inside(node))]
        while stack:
            node = stack.pop()
            if node not in region:
                region.add(node)
                stack += [arg for arg in _operands(node) if self.survey.carries(arg)]
        return region

    def _met(self) -> set[Node]:
        """All that has an operand with exponents of its own, down from the inputs that have them."""
        met = set(self.wide)
        for node in self.survey.order if met else ():
            if any(arg in met for arg in _operands(node)) and (
                not isinstance(node.op, Item) or self.survey.factors[node].many
            ):
                met.add(node)
        return met

    def _visit(self, node: Node) -> None:
        if isinstance(node.op, InnerGraphs):
            self.results[node] = self._results(node)
            return
        if isinstance(node.op, Item) and node.args[0] in self.results:
            found: Number = self.results[node.args[0]][node.op.index]
        elif node in self.region and (carrying(node) or begins_as_logarithm(node)):
            found = calculated(node, self._arguments(node, carrying(node)), self.alarms)
        elif any(node.args[i] in self.wide for i in consuming(node)):
            found = consumed(node, self._arguments(node, consuming(node)))
        else:
            found = make(node.op, *map(self.ordinary, node.args))
        if isinstance(found, Extended):
            self.wide[node] = found
        else:
            self.plain[node] = found
        if node in self.fired:
            self.report.tell(node, self.ordinary(node))

    def _arguments(self, node: Node, places: Sequence[int]) -> list[Number]:
        """The operands; those at other places as ordinary numbers."""
        return [
            self.wide[arg] if i in places and arg in self.wide else self.ordinary(arg)
            for i, arg in enumerate(node.args)
        ]

    def _results(self, node: Node) -> Mapping[int, Number]:
        """The results of a loop or a branch."""
        op = node.op
        assert isinstance(op, InnerGraphs)
        if node not in self.region:
            same = make(op.with_inner(tuple(map(self._inner, op.inner))), *map(self.ordinary, node.args))
            return dict(enumerate(items(same)))
        operands = self.numbers(node.args)
        if isinstance(op, Switch):
            return dict(enumerate(carried_switch(op, operands, self._inside)))
        assert isinstance(op, Scan | While)
        states = states_of(op, [self.survey.factors[arg] for arg in node.args])
        growing = [state.many or isinstance(x, Extended) for state, x in zip(states, operands, strict=False)]
        if isinstance(op, While):
            return dict(enumerate(carried_while(op, operands, growing, self._inside)))
        used = [x.op.index for x in self.survey.order if isinstance(x.op, Item) and x.args[0] is node]
        return carried_scan(op, operands, growing, sorted(used), self._inside, self.alarms)

    def _inside(self, nodes: Sequence[Node], given: Mapping[Node, Number], alarms: list[Node] | None) -> list[Number]:
        known = {x: Factors(MANY) if isinstance(value, Extended) else Factors() for x, value in given.items()}
        return _Walk(Survey(nodes, known), given, self.report, alarms).numbers(nodes)

    def _inner(self, graph: Graph) -> Graph:
        """An inner graph whose operands are ordinary numbers."""
        if graph.identity not in self.graphs:
            outputs = tuple(_carried(list(graph.outputs), self.report.trace))
            same = all(a is b for a, b in zip(outputs, graph.outputs, strict=True))
            self.graphs[graph.identity] = graph if same else replace(graph, outputs=outputs)
        return self.graphs[graph.identity]


def _operands(node: Node) -> list[Node]:
    """The operands that may have exponents of their own, and the loop that a node is a result of."""
    if isinstance(node.op, Item):
        return [node.args[0]]
    if isinstance(node.op, InnerGraphs):
        return [arg for arg in node.args if arg.dtype.is_float]
    return [node.args[i] for i in carrying(node) or consuming(node)]
