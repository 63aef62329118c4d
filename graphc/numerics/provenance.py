"""Where each node of an optimised graph comes from: firings, rebuildings and passes go in, origins come out.

A node was written by the user, made by a rule, made again for new operands, or made by a pass without rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from graphc.ir.graph import Graph
from graphc.ir.node import Node, everywhere
from graphc.ir.rewrite import Firing, Rebuilding
from graphc.passes.pipeline import Record

FARTHEST = 10  # ops below each other in a formula of a rule


@dataclass(frozen=True, eq=False)
class Replacement:
    """A node that a pass without rules made, and what stood in its place before, where that can be told."""

    stage: str
    before: Node | None
    after: Node


Origin = Firing | Rebuilding | Replacement


class Provenance:
    """The origins of nodes. `origins` has what the compiler made, `successors` what became of a node next.

    `firings` are all firings of rules, also those that made nodes which were there before.
    """

    def __init__(
        self, source: Graph, firings: Sequence[Firing], rebuildings: Sequence[Rebuilding], records: Iterable[Record]
    ) -> None:
        self.firings = tuple(firings)
        self.origins: dict[Node, Origin] = {}
        self.successors: dict[Node, Node] = {}
        self._written = frozenset(everywhere(source.results))
        self._seen = set(self._written)
        self._order: dict[Origin, int] = {}
        for event in _in_order(firings, rebuildings):
            self._order[event] = len(self._order)
            self._unseen(event.before)
            self.successors.setdefault(event.before, event.after)
            made = self._unseen(event.after) if isinstance(event, Firing) else self._alone(event.after)
            self.origins.update(dict.fromkeys(made, event))
        graph = source
        for record in takewhile(lambda record: record.step.stage.name != "decompose", records):
            if isinstance(record.result, Graph):
                self._compare(record.step.stage.name, graph, record.result)
                graph = record.result

    def story(self, node: Node) -> list[Origin]:
        """What led to a node, in order: also what made the nodes that a rule took away for it.

        Nothing for a node that the user wrote.
        """
        found: set[Origin] = set()
        seen: set[Node] = set()
        stack = [node]
        while stack:
            current = stack.pop()
            origin = self.origins.get(current)
            if origin is None or current in seen:
                continue
            seen.add(current)
            found.add(origin)
            if isinstance(origin, Firing):
                stack.extend(consumed(origin))
            if origin.before is not None:
                stack.append(origin.before)
        return sorted(found, key=self._order.__getitem__)

    def between(self, versions: Iterable[Node]) -> list[Origin]:
        """The firings that made one version of a node of another: also of what was there before, as in a derivative."""
        passed = set(versions)
        return [firing for firing in self.firings if firing.before in passed and firing.after in passed]

    def versions(self, node: Node) -> list[Node]:
        """What a node became, step by step, beginning with itself."""
        found = {node: None}
        while (following := self.successors.get(node)) is not None and following not in found:
            found[following] = None
            node = following
        return list(found)

    def _unseen(self, root: Node) -> list[Node]:
        """The nodes of a formula that were not met before; they count as met from now on."""
        found, stack = [], [root]
        while stack:
            node = stack.pop()
            if node in self._seen:
                continue
            self._seen.add(node)
            found.append(node)
            stack.extend(reversed(node.args))
            stack.extend(output for graph in node.op.inner for output in graph.outputs)
        return found

    def _alone(self, node: Node) -> list[Node]:
        known = node in self._seen
        self._seen.add(node)
        return [] if known else [node]

    def _compare(self, stage: str, before: Graph, after: Graph) -> None:
        """Find what stands where, as far as two graphs have the same form; what is new there, the pass made."""
        pairs = list(zip(before.results, after.results, strict=False))
        present = set(everywhere(after.results))
        seen: set[tuple[int, int]] = set()  # by identity: `==` of nodes makes a node
        while pairs:
            old, new = pairs.pop()
            if old is new or (id(old), id(new)) in seen:
                continue
            seen.add((id(old), id(new)))
            if self._is_new(new):
                self._replaced(Replacement(stage, old, new))
                self.successors.setdefault(old, new)
            elif old not in present:  # an event of a later pass was the first to meet the new one
                self.successors.setdefault(old, new)
                if new not in self.origins and new not in self._written:
                    self._replaced(Replacement(stage, old, new))
            if type(old.op) is type(new.op) and len(old.args) == len(new.args):
                pairs.extend(zip(old.args, new.args, strict=True))
                for inner in zip(old.op.inner, new.op.inner, strict=False):
                    pairs.extend(zip(inner[0].outputs, inner[1].outputs, strict=False))
        for new in everywhere(after.results):
            if self._is_new(new):
                self._replaced(Replacement(stage, None, new))

    def _replaced(self, event: Replacement) -> None:
        self._order[event] = len(self._order)
        self.origins[event.after] = event

    def _is_new(self, node: Node) -> bool:
        """Whether nothing that was met so far accounts for a node."""
        known = node in self._seen
        self._seen.add(node)
        return not known


def consumed(event: Origin) -> set[Node]:
    """The nodes that an event took away: those close below what stood before that are not below what came."""
    if event.before is None:
        return set()
    return _near(event.before, _near(event.after, set()))


def _near(root: Node, beyond: set[Node]) -> set[Node]:
    """The nodes at most as far below a node as a formula of a rule reaches, none of `beyond` or through it."""
    found: set[Node] = set()
    level = {root} - beyond
    for _ in range(FARTHEST):
        found |= level
        level = {arg for node in level for arg in node.args} - beyond - found
    return found


def _in_order(firings: Sequence[Firing], rebuildings: Sequence[Rebuilding]) -> Iterable[Firing | Rebuilding]:
    """Both as they happened."""
    following = iter(rebuildings)
    rebuilding = next(following, None)
    for number, firing in enumerate(firings):
        while rebuilding is not None and rebuilding.firings <= number:
            yield rebuilding
            rebuilding = next(following, None)
        yield firing
    if rebuilding is not None:
        yield rebuilding
        yield from following
