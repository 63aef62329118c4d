"""Stabilisation: formulas as textbooks print them become ones that neither overflow nor cancel.

Comes in: a graph; goes out: one that is at least as accurate for every input. The canonical rules run along,
so that no spelling hides a pattern. What would hide one is rewritten after all else is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import TypeVar

from graphc.ir.graph import Graph
from graphc.ir.node import Node
from graphc.ir.rewrite import rewrite, rewrite_nodes
from graphc.ir.rule import RuleSet
from graphc.passes.places import RulesAtPlaces
from graphc.passes.registry import graph_pass
from graphc.passes.rules import CANONICAL, EXACT, LAST, STABLE

Form = TypeVar("Form", Graph, list[Node])


@graph_pass
def stabilize(graph: Graph, *, semantics: str = "stable") -> Graph:
    """Avoid overflow and cancellation.

    log(sum(exp(x)))  becomes  logsumexp(x)
    """
    return _by_tables(graph, rewrite, lambda made: made.results, semantics)


def stabilize_nodes(nodes: Iterable[Node], *, semantics: str = "stable") -> list[Node]:
    """Nodes made stable together, after what says nothing is left out, as in a pipeline."""
    return _by_tables(rewrite_nodes(list(nodes), CANONICAL + EXACT), rewrite_nodes, list, semantics)


def _by_tables(
    made: Form, rewriting: Callable[[Form, RuleSet], Form], results: Callable[[Form], Iterable[Node]], semantics: str
) -> Form:
    """What all tables make of a graph or of nodes; what the last ones make is looked at once again."""
    first, *last = _tables(semantics)
    made = before = rewriting(made, first)
    for rules in last:
        made = rewriting(made, rules)
    unchanged = all(old is new for old, new in zip(results(before), results(made), strict=True))
    return made if unchanged else rewriting(made, first)


@cache
def _tables(semantics: str) -> tuple[RuleSet, ...]:
    first = RulesAtPlaces("stable", (CANONICAL + STABLE).licensed_by(semantics))
    return first, *(rules.licensed_by(semantics) for rules in LAST)
