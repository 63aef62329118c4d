"""Accuracy search: formulas that no rule knows become more accurate ones, found by equality saturation.

Comes in: an optimised graph; goes out: the same with some elementwise formulas replaced, each judged at sampled
points and never worse there. The result depends on the graph and the options alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from operator import is_

from graphc.errors import PipelineError
from graphc.ir.graph import Graph
from graphc.ir.leaf import Constant, Input, Parameter
from graphc.ir.node import Node, make, topological
from graphc.ir.rewrite import Firing, Rebuilding, Trace, current_trace, tracing
from graphc.ir.rule import Rewrite
from graphc.ir.source import at
from graphc.passes.cost import cycles
from graphc.passes.log_domain.arithmetic import Extended, Number, extended, ordinary
from graphc.passes.log_domain.ops import calculated, carrying
from graphc.passes.registry import graph_pass
from graphc.passes.stabilize import stabilize_nodes
from graphc.search.checking import Found
from graphc.search.improve import Effort
from graphc.search.regions import Region, regions
from graphc.search.store import remembered

EFFORTS = {
    "balanced": Effort(gain=1.0, slower=1.5),
    "best": Effort(gain=0.25, slower=float("inf")),
}
LEVELS = ("fast", *EFFORTS)


@dataclass(frozen=True, eq=False)
class Improvement(Rewrite):
    """What the search found for one region."""

    before: Node
    after: Node

    def apply(self, node: Node) -> Node | None:
        return self.after if node is self.before else None

    def __str__(self) -> str:
        return self.proof.removeprefix("tested: ")


@graph_pass
def search(
    graph: Graph,
    *,
    level: str = "best",
    early: bool = False,
    largest: int = 200,
    nodes: int = 1500,
    points: int = 256,
    semantics: str = "stable",
) -> Graph:
    """Replace elementwise formulas by more accurate ones, measured at points drawn from the ranges of the operands.

    cos(x + y) - cos(x)  becomes  -(2 * sin(y / 2)**2 * cos(x) + sin(x) * sin(y))

    With `early` it runs before the rules, on formulas of what is given alone, and has to be better than what they will
    make: they may hide in a choice what can be improved.
    """
    if level not in LEVELS:
        raise PipelineError(f"there is no level {level!r} of accuracy", help=f"one of {', '.join(LEVELS)}")
    if level == "fast" or semantics == "ieee":
        return graph
    return _Search(replace(EFFORTS[level], nodes=nodes, points=points), largest, early).improved(graph)


class _Search:
    def __init__(self, effort: Effort, largest: int, early: bool) -> None:
        self.effort, self.largest, self.early, self.trace = effort, largest, early, current_trace()

    def improved(self, graph: Graph) -> Graph:
        """The graph with what was found, also inside of loops and branches."""
        firings = [firing for firing in self.trace.firings if isinstance(firing.rule, Improvement)]
        searched = set(topological(firing.after for firing in firings))
        fresh = (region for region in regions(graph, self.largest) if region.root not in searched)
        found = {region.root: self._compared(region) for region in fresh}
        if self.early:
            found = {root: region for root, region in found.items() if _is_whole(graph, region)}
        new: dict[Node, Node] = {}
        for node in graph.nodes:
            new[node] = self._replaced(node, found.get(node), new)
        names: dict[Node, str] = {}
        for node, name in graph.names.items():
            names.setdefault(new.get(node, node), name)
        return graph.with_results((new[node] for node in graph.results), names)

    def _compared(self, region: Region) -> Region:
        """A region with what rules will make of it."""
        if not self.early:
            return region
        with tracing(Trace()):
            (known,) = stabilize_nodes([region.formula])
        return replace(region, known=known)

    def _replaced(self, node: Node, region: Region | None, new: Mapping[Node, Node]) -> Node:
        op = node.op.with_inner(tuple(map(self.improved, node.op.inner))) if node.op.inner else node.op
        args = tuple(new[arg] for arg in node.args)
        with at(node.source):
            again = node if op is node.op and all(map(is_, args, node.args)) else make(op, *args)
            if again is not node:
                self.trace.rebuildings.append(Rebuilding(node, again, len(self.trace.firings)))
            found = remembered(region, self.effort, cycles, extended_formula) if region is not None else None
            if region is None or found is None or not self.trace.spend():
                return again
            better = region.placed(found.formula, new)
        self._record(again, better, found)
        return better

    def _record(self, before: Node, after: Node, found: Found) -> None:
        reason = "At points drawn evenly over the floats in the ranges of the operands."
        proof = f"tested: {found.before:.1f} bits of error on average are now {found.after:.1f}"
        roots = (before.op.name,)
        rule = Improvement("accuracy_search", "stabilizing", "", reason, proof, roots, before, after)
        self.trace.firings.append(Firing(rule, before, after, self.trace.stage))


def extended_formula(formula: Node) -> Node:
    """A formula whose sums, products, quotients and roots are calculated with exponents of their own."""
    known: dict[Node, Number] = {}
    for node in topological([formula]):
        numbers, places = [known[arg] for arg in node.args], carrying(node)
        plain = [ordinary(x, x.fraction.dtype) if isinstance(x, Extended) else x for x in numbers]
        operands = [numbers[i] if i in places else plain[i] for i in range(len(plain))]
        known[node] = calculated(node, operands, None) if places else make(node.op, *plain)
    return ordinary(extended(known[formula]), formula.dtype)


def _is_whole(graph: Graph, region: Region) -> bool:
    """Whether a region has nothing below or above it that it could be part of a pattern with."""
    given = all(isinstance(leaf.op, Input | Parameter | Constant) or leaf.op.moves for leaf in region.leaves)
    return given and all(user.op.moves for user in graph.users[region.root])
