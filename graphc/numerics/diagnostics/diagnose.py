"""Diagnostics: a compilation goes in, what can go wrong with the numbers of its formulas comes out, and what became
of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from graphc.interpret.ranges import range_of
from graphc.ir.graph import Graph
from graphc.ir.node import Node, describe, everywhere
from graphc.ir.rewrite import Firing
from graphc.ir.source import Source
from graphc.numerics.diagnostics import cancellation, domain, growth, hacks, narrow, overflow  # noqa: F401 - they register
from graphc.numerics.diagnostics.finding import CHECKS, OF_DERIVATIVES, Finding
from graphc.numerics.diagnostics.scope import Scope, is_backward, is_internal
from graphc.numerics.formula import place
from graphc.numerics.provenance import Provenance, consumed
from graphc.passes.places import BEYOND_ASSUMPTION, IN_BRANCH
from graphc.passes.rules.moved import MOVED


@dataclass(frozen=True, eq=False, repr=False)
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

    def __repr__(self) -> str:
        return f"<{self.kind}: {self.text} ({self.fate})>"

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
    findings = [each for each in _findings(source, source.names) if not each.is_internal]
    if not findings:
        return Diagnostics()
    fates = _Fates(optimised, provenance, list(_findings(optimised, source.names)))
    written = {_line(each.node) for each in findings if not is_backward(each.node)}
    found: dict[tuple[str, object], Diagnostic] = {}
    for finding in findings:
        if is_backward(finding.node) and _line(finding.node) in written:
            continue  # what goes wrong there, the derivative is not to blame for
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
                yield from _findings_at(node, scope)
                if node.op.inner:
                    new = [inner for inner in scope.inside(node) if inner.graph.identity not in seen]
                    seen.update(inner.graph.identity for inner in new)
                    scopes.extend(new)


def _findings_at(node: Node, scope: Scope) -> Iterator[Finding]:
    """What the checks say of a node, with what is known of the operand."""
    for check in OF_DERIVATIVES if is_backward(node) else CHECKS:
        for finding in check(node, scope):
            operand = finding.operand
            if operand is not None:
                known = finding.known or f"{scope.label(operand)} is in {range_of(operand)}"
                finding = replace(finding, known=known, is_internal=is_internal(finding.node, operand))
            yield finding


def _line(node: Node) -> object:
    return node if node.source is None else (node.source.file, node.source.line)


def _with_inner(nodes: Iterable[Node]) -> Iterator[Node]:
    """Nodes and, of loops and branches among them, what is inside."""
    for node in nodes:
        yield node
        yield from everywhere([output for graph in node.op.inner for output in graph.outputs])


_ONLY_MOVE = frozenset([*MOVED, IN_BRANCH, BEYOND_ASSUMPTION])
"""Rules that make room for those that repair, which are named if they are known."""


class _Fates:
    """What became of findings."""

    def __init__(self, optimised: Graph, provenance: Provenance, remaining: Sequence[Finding]) -> None:
        self.provenance = provenance
        self.present = set(everywhere(optimised.results))
        self.lines = {(each.kind, _line(each.node)) for each in remaining}
        self.consumers: dict[Node, Firing] = {}
        self.at_lines: dict[tuple[str, object], Firing] = {}  # of nodes that a loop has made again since
        for firing in sorted(provenance.firings, key=lambda firing: firing.rule in _ONLY_MOVE):
            if firing.rule.kind != "exact":
                for node in _with_inner(consumed(firing)):
                    self.consumers.setdefault(node, firing)
                    self.at_lines.setdefault((node.op.name, _line(node)), firing)

    def of(self, finding: Finding) -> Diagnostic:
        """The finding with what became of it: it remains if any of its line does, in whatever form."""
        versions = self.provenance.versions(finding.node)
        is_meant = finding.kind == "hack"  # rules keep the meaning of a formula, and its bias with that
        remains = is_meant or (finding.kind, _line(finding.node)) in self.lines
        firing = None if remains else self._repair(versions)
        rule = None if firing is None else firing.rule.name
        return Diagnostic(finding.kind, finding.node, finding.text, finding.remedy, finding.known, rule, remains)

    def _repair(self, versions: Sequence[Node]) -> Firing | None:
        """The rule that took a node away, or that made what it calculates with better."""
        for version in versions:
            if version in self.consumers:
                return self.consumers[version]
        story = self.provenance.story(versions[-1]) if versions[-1] in self.present else []
        firings = (event for event in reversed(story) if isinstance(event, Firing))
        at_line = self.at_lines.get((versions[0].op.name, _line(versions[0])))
        return next((firing for firing in firings if firing.rule.kind != "exact"), at_line)
