"""E-matching: where the left-hand sides of identities occur in an e-graph, and what they say is added to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

from graphc.ir.term import Application, Variable
from graphc.search.egraph import EGraph
from graphc.search.identities.table import Identity
from graphc.search.symbols import ENode

Binding = dict[str, int]
COMMUTATIVE = frozenset({"add", "multiply", "hypot", "logaddexp"})


class Matcher:
    """The nodes of an e-graph as they are now, by class and symbol."""

    def __init__(self, graph: EGraph) -> None:
        self.graph = graph
        self.of_class: dict[int, dict[Any, list[ENode]]] = {}
        self.with_symbol: dict[Any, list[int]] = defaultdict(list)
        for number, found in graph.classes.items():
            by_symbol: dict[Any, list[ENode]] = defaultdict(list)
            for node in found.nodes:
                by_symbol[node.symbol].append(node)
            self.of_class[number] = by_symbol
            for symbol in by_symbol:
                self.with_symbol[symbol].append(number)

    def occurrences(self, pattern: Application) -> Iterator[tuple[int, Binding]]:
        """The classes that hold an instance of a pattern, each with what its variables stand for."""
        for number in self.with_symbol.get(pattern.op.name, ()):
            for binding in self._application(pattern, number, {}):
                yield number, binding

    def _match(self, pattern: Any, number: int, binding: Binding) -> Iterator[Binding]:
        if isinstance(pattern, Variable):
            known = binding.get(pattern.label)
            if known is None:
                yield {**binding, pattern.label: number}
            elif known == number:
                yield binding
        elif isinstance(pattern, Application):
            yield from self._application(pattern, number, binding)
        elif self.graph.classes[number].constant == pattern:
            yield binding

    def _application(self, pattern: Application, number: int, binding: Binding) -> Iterator[Binding]:
        for node in self.of_class[number].get(pattern.op.name, ()):
            yield from self._operands(pattern.args, node.args, binding)
            if node.symbol in COMMUTATIVE and node.args[0] != node.args[1]:
                yield from self._operands(pattern.args, node.args[::-1], binding)

    def _operands(self, patterns: tuple[Any, ...], numbers: tuple[int, ...], binding: Binding) -> Iterator[Binding]:
        if not patterns:
            yield binding
            return
        for found in self._match(patterns[0], numbers[0], binding):
            yield from self._operands(patterns[1:], numbers[1:], found)


def apply_identities(graph: EGraph, identities: Iterable[Identity], done: set[tuple[Any, ...]]) -> None:
    """One round: all occurrences are found first, then their right-hand sides are added. `done` is kept up to date."""
    matcher = Matcher(graph)
    found = []
    for row in identities:
        for number, binding in matcher.occurrences(row.before):
            key = (row.name, number, *(binding[name] for name in row.variables))
            if key not in done and row.holds({name: graph.classes[c].interval for name, c in binding.items()}):
                done.add(key)
                found.append((row, number, binding))
    for row, number, binding in found:
        if graph.full:
            break
        graph.union(number, _instance(graph, row.after, binding))
    graph.rebuild()


def _instance(graph: EGraph, term: Any, binding: Binding) -> int:
    """The class of a term with classes for its variables."""
    if isinstance(term, Variable):
        return graph.find(binding[term.label])
    if isinstance(term, Application):
        return graph.add(term.op.name, *(_instance(graph, arg, binding) for arg in term.args))
    return graph.add(Fraction(term))
