"""Stabilisation: formulas as textbooks print them become ones that neither overflow nor cancel.

Comes in: a graph; goes out: one that is at least as accurate for every input. The canonical rules run along,
so that no spelling hides a pattern.
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
from graphc.passes.rules import CANONICAL, STABLE


@graph_pass
def stabilize(graph: Graph, *, semantics: str = "stable") -> Graph:
    """Avoid overflow and cancellation.

    log(sum(exp(x)))  becomes  logsumexp(x)
    """
    return rewrite(graph, _rules(semantics))


def stabilize_nodes(nodes: Iterable[Node], *, semantics: str = "stable") -> list[Node]:
    """Nodes made stable together."""
    return rewrite_nodes(list(nodes), _rules(semantics))


@cache
def _rules(semantics: str) -> RuleSet:
    return RulesAtPlaces("stable", (CANONICAL + STABLE).licensed_by(semantics))
