"""The rewriting driver: applies a set of rules until none fires, operands first, each node once.

Every firing is recorded, costs one unit of fuel, and counts against a budget; when that runs out the error names
the rules that chase each other. The new nodes keep the user's line of the node that they replace.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any

from graphc.errors import RewriteError
from graphc.ir.graph import Graph
from graphc.ir.knowledge import knowing, present
from graphc.ir.node import Node, make
from graphc.ir.rule import Rewrite, RuleSet
from graphc.ir.source import Source, at


@dataclass(frozen=True, eq=False)
class Firing:
    """One application of a rule: what became what, in which pass, and what was known at the place."""

    rule: Rewrite
    before: Node
    after: Node
    stage: str = ""
    knowledge: Any = field(default_factory=present)

    @property
    def source(self) -> Source | None:
        """The user's line."""
        return self.before.source

    def __str__(self) -> str:
        place = f"   {self.source}   {self.source.text}" if self.source else ""
        return f"{self.rule.name}: {self.rule}{place}"


@dataclass(frozen=True, eq=False)
class Rebuilding:
    """A node that was made again since its operands had changed, after so many firings."""

    before: Node
    after: Node
    firings: int


@dataclass
class Trace:
    """What happened during a compilation: all firings, what was made again for them, and the fuel that is left
    (None: no limit)."""

    fuel: int | None = None
    firings: list[Firing] = field(default_factory=list)
    rebuildings: list[Rebuilding] = field(default_factory=list)
    stage: str = ""

    def spend(self) -> bool:
        """Take a unit of fuel; False if there is none."""
        if self.fuel is None:
            return True
        self.fuel -= 1
        return self.fuel >= 0


_trace: ContextVar[Trace | None] = ContextVar("graphc_trace", default=None)


def fuel_from_environment() -> int | None:
    """GRAPHC_FUEL=n: stop after n rewrites, to find the one that breaks something."""
    text = os.environ.get("GRAPHC_FUEL")
    return int(text) if text else None


@contextmanager
def tracing(trace: Trace) -> Iterator[Trace]:
    """Rewrites inside are recorded in `trace` and use its fuel."""
    token = _trace.set(trace)
    try:
        yield trace
    finally:
        _trace.reset(token)


def current_trace() -> Trace:
    """The trace of this compilation, or a fresh one."""
    return _trace.get() or Trace(fuel_from_environment())


def rewrite(graph: Graph, rules: RuleSet) -> Graph:
    """The graph with rules applied until none fires. Raises RewriteError if they do not come to an end."""
    driver = _Driver(rules.begin(graph.results), current_trace(), budget=1000 + 60 * len(graph.nodes))
    new = driver.normalize(graph.results)
    return graph.with_results((new[node] for node in graph.results), _renamed(graph, new))


def rewrite_nodes(nodes: list[Node], rules: RuleSet) -> list[Node]:
    """Nodes with rules applied until none fires."""
    new = _Driver(rules.begin(nodes), current_trace(), budget=1_000_000).normalize(tuple(nodes))
    return [new[node] for node in nodes]


class _Driver:
    def __init__(self, rules: RuleSet, trace: Trace, budget: int) -> None:
        self.rules, self.trace, self.budget = rules, trace, budget
        self.fired: Counter[str] = Counter()
        self.done: dict[Node, Node] = {}
        self.became: dict[Node, Node] = {}
        self.waiting: set[Node] = set()  # for what they became to be done
        self.inner: dict[Any, Graph] = {}  # what inner graphs became, by identity and the node that knows more of it
        self.finished: set[Any] = set()  # the identities of inner graphs that rules have been applied to

    def normalize(self, roots: tuple[Node, ...]) -> dict[Node, Node]:
        stack = list(reversed(roots))
        while stack:
            node = stack[-1]
            if node in self.done:
                stack.pop()
            elif node in self.became:
                target = self.became[node]
                if target in self.done:
                    self.done[node] = self.done[target]
                elif node in self.waiting:  # met again inside of what it became
                    raise self._endless()
                else:
                    self.waiting.add(node)
                    stack.append(target)
            elif pending := [arg for arg in node.args if arg not in self.done]:
                stack.extend(reversed(pending))
            else:
                self.step(node)
        return self.done

    def step(self, node: Node) -> None:
        """Rebuild a node whose operands are done, or fire a rule at it, or declare it done."""
        args = tuple(self.done[arg] for arg in node.args)
        op = node.op if not node.op.inner else node.op.with_inner(self.insides(make(node.op, *args)))
        if op is not node.op or any(a is not b for a, b in zip(args, node.args, strict=True)):
            with at(node.source):
                self.became[node] = new = make(op, *args)
            self.trace.rebuildings.append(Rebuilding(node, new, len(self.trace.firings)))
            if self.became[node] is node:
                self.done[node] = node
            return
        with at(node.source):
            fired = self.rules.fire(node)
        if fired is None or not self.trace.spend():
            self.done[node] = node
            return
        rule, new = fired
        self.fired[rule.name] += 1
        self.trace.firings.append(Firing(rule, node, new, self.trace.stage))
        if self.fired.total() > self.budget:
            raise self._endless()
        self.became[node] = new

    def insides(self, node: Node) -> tuple[Graph, ...]:
        """The inner graphs of a node with the rules applied, which know what the graphs are given there."""
        places = self.rules.known_inside(node)
        return tuple(self.inside(graph, node, place) for graph, place in zip(node.op.inner, places, strict=True))

    def inside(self, graph: Graph, node: Node, knowledge: Any) -> Graph:
        key = graph.identity, None if knowledge is None else node
        if graph.identity in self.finished:
            return graph
        if key not in self.inner:
            driver = _Driver(self.rules, self.trace, self.budget)
            with knowing(knowledge):
                new = driver.normalize(graph.outputs)
            outputs = tuple(new[node] for node in graph.outputs)
            same = all(a is b for a, b in zip(outputs, graph.outputs, strict=True))
            found = graph if same else replace(graph, outputs=outputs)
            self.inner[key] = found
            if not same:
                self.finished.add(found.identity)
        return self.inner[key]

    def _endless(self) -> RewriteError:
        names = ", ".join(name for name, _ in self.fired.most_common(4))
        message = f"the rewriting does not come to an end: {names}"
        return RewriteError(message, details=[str(self.trace.firings[-1])])


def _renamed(graph: Graph, new: dict[Node, Node]) -> dict[Node, str]:
    """Names move on to what replaces their nodes."""
    names: dict[Node, str] = {}
    for node, name in graph.names.items():
        names.setdefault(new.get(node, node), name)
    return names
