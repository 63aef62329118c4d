"""Diagnostics: a compilation goes in, what can go wrong with the numbers of its formulas comes out, and what became
of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from graphc.interpret.ranges import places_inside
from graphc.ir.graph import Graph
from graphc.ir.node import Node, describe
from graphc.ir.rewrite import Firing
from graphc.ir.source import Source
from graphc.numerics.diagnostics import cancellation, domain, hacks, narrow, overflow  # noqa: F401 - they register
from graphc.numerics.diagnostics.finding import CHECKS, Finding
from graphc.numerics.diagnostics.scope import Scope
from graphc.numerics.formula import everywhere, place
from graphc.numerics.provenance import Provenance, consumed


@dataclass(frozen=True, eq=False)
class Diagnostic:
    """A numeric problem of the user's formula: what can happen at `node`, and what became of it.

    `repaired_by` is the name of the rule that took it away; `remains` says whether the compiled function still has it.
    `known` is the range of the operand in question.
    """

    kind: str
    node: Node
    text: str
    remedy: str
    known: str
    repaired_by: str | None
    remains: bool

    @property
    def source(self) -> Source | None:
        """The user's line."""
        return self.node.source

    @property
    def place(self) -> str:
        """The user's line as text."""
        return place(self.node)

    @property
    def fate(self) -> str:
        """What became of it, in words."""
        if self.remains:
            return "remains"
        return f"repaired by {self.repaired_by}" if self.repaired_by else "no longer there"

    @property
    def message(self) -> str:
        """The problem and what became of it, without the line."""
        help_ = f"\nhelp: {self.remedy}" if self.remains and self.remedy else ""
        return f"{self.kind}: {self.text}{'' if self.remains else f' ({self.fate})'}{help_}"

    @property
    def details(self) -> tuple[str, ...]:
        """The node with its line, and the range of the operand in question."""
        return (describe(self.node), *([self.known] if self.known else []))

    def __str__(self) -> str:
        remedy = f": {self.remedy}" if self.remains and self.remedy else ""
        return f"{self.kind}: {self.text}{f'   {self.place}' if self.place else ''}\n  {self.fate}{remedy}"


class Diagnostics(list[Diagnostic]):
    """Diagnostics in the order of the formula; prints one after the other."""

    @property
    def remaining(self) -> list[Diagnostic]:
        """Those that the compiled function still has."""
        return [each for each in self if each.remains]

    def __str__(self) -> str:
        return "\n".join(map(str, self)) if self else "nothing found"


def diagnose(source: Graph, optimised: Graph, provenance: Provenance) -> Diagnostics:
    """What can go wrong in the user's graph, and what became of it in the optimised one."""
    remaining = list(_findings(optimised, source.names))
    fates = _Fates(optimised, provenance, remaining)
    found: dict[tuple[str, object], Diagnostic] = {}
    for finding in _findings(source, source.names):
        diagnostic = fates.of(finding)
        key = finding.kind, _line(finding.node)
        if key not in found or (diagnostic.remains and not found[key].remains):
            found[key] = diagnostic
    return Diagnostics(found.values())


def _findings(graph: Graph, names: Mapping[Node, str]) -> Iterator[Finding]:
    """What the checks say of all nodes, those inside of loops and branches included."""
    scopes, seen = [Scope(graph, names)], set[object]()
    while scopes:
        scope = scopes.pop()
        for node in scope.graph.nodes:
            with scope.at(node):
                for check in CHECKS:
                    yield from check(node, scope)
                for inner, place in zip(node.op.inner, places_inside(node), strict=True):
                    if inner.identity not in seen:
                        seen.add(inner.identity)
                        scopes.append(Scope(inner, names, place))


def _line(node: Node) -> object:
    return node if node.source is None else (node.source.file, node.source.line)


class _Fates:
    """What became of findings."""

    def __init__(self, optimised: Graph, provenance: Provenance, remaining: Sequence[Finding]) -> None:
        self.provenance = provenance
        self.present = set(everywhere(optimised.results))
        self.nodes = {(each.kind, each.node) for each in remaining}
        self.lines = {(each.kind, _line(each.node)) for each in remaining}
        events = dict.fromkeys(provenance.origins.values())
        firings = [event for event in events if isinstance(event, Firing)]
        self.consumers: dict[Node, Firing] = {}
        for firing in sorted(firings, key=lambda firing: firing.rule.kind == "exact"):
            for node in consumed(firing):
                self.consumers.setdefault(node, firing)

    def of(self, finding: Finding) -> Diagnostic:
        """The finding with what became of it."""
        versions = self.provenance.versions(finding.node)
        remains = any((finding.kind, version) in self.nodes for version in versions)
        firing = None if remains else self._repair(versions)
        if firing is None:
            remains = remains or (finding.kind, _line(finding.node)) in self.lines
        rule = None if remains or firing is None else firing.rule.name
        return Diagnostic(finding.kind, finding.node, finding.text, finding.remedy, finding.known, rule, remains)

    def _repair(self, versions: Sequence[Node]) -> Firing | None:
        """The rule that took a node away, or that made what it calculates with better."""
        for version in versions:
            firing = self.consumers.get(version)
            if firing is not None and firing.rule.kind != "exact":
                return firing
        if versions[-1] not in self.present:
            return None
        story = [event for event in self.provenance.story(versions[-1]) if isinstance(event, Firing)]
        return next((firing for firing in reversed(story) if firing.rule.kind != "exact"), None)
