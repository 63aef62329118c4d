"""Stabilisation: formulas as textbooks print them become ones that neither overflow nor cancel.

Comes in: a graph; goes out: one that is at least as accurate for every input. The canonical rules run along,
so that no spelling hides a pattern. What would hide one is rewritten after all else is done.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from graphc.ir.graph import Graph
from graphc.ir.node import Node
from graphc.ir.rewrite import rewrite, rewrite_nodes
from graphc.ir.rule import RuleSet
from graphc.passes.places import RulesAtPlaces
from graphc.passes.registry import graph_pass
from graphc.passes.rules import CANONICAL, EXACT, LAST, STABLE


@graph_pass
def stabilize(graph: Graph, *, semantics: str = "stable") -> Graph:
    """Avoid overflow and cancellation.

    log(sum(exp(x)))  becomes  logsumexp(x)
    """
    first, *last = _tables(semantics)
    graph = rewrite(graph, first)
    before = graph.results
    for rules in last:
        graph = rewrite(graph, rules)
    if all(old is new for old, new in zip(before, graph.results, strict=True)):
        return graph
    return rewrite(graph, first)  # what the last rules make is looked at once again


def stabilize_nodes(nodes: Iterable[Node], *, semantics: str = "stable") -> list[Node]:
    """Nodes made stable together, after what says nothing is left out, as in a pipeline."""
    first, *last = _tables(semantics)
    made = before = rewrite_nodes(rewrite_nodes(list(nodes), CANONICAL + EXACT), first)
    for rules in last:
        made = rewrite_nodes(made, rules)
    return made if all(old is new for old, new in zip(before, made, strict=True)) else rewrite_nodes(made, first)


@cache
def _tables(semantics: str) -> tuple[RuleSet, ...]:
    first = RulesAtPlaces("stable", (CANONICAL + STABLE).licensed_by(semantics))
    return first, *(rules.licensed_by(semantics) for rules in LAST)
