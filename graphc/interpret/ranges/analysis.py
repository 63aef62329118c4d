"""The walk of range analysis: an interval for each node, found once and kept, and places where more is known.

Ranges         what the graph says of a node, wherever it stands
Place          what holds besides in the branch of a choice, in the body of a loop, of an assumption
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set as AbstractSet
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from functools import cache
from weakref import ref

from graphc.interpret.interval import Interval, everything, meet
from graphc.interpret.ranges.conditions import Consequences, consequences
from graphc.interpret.ranges.of_ops import range_of_op
from graphc.interpret.ranges.rows import WORDS
from graphc.ir.knowledge import present
from graphc.ir.node import Node
from graphc.ir.op import Op
from graphc.ops.assume import Assume
from graphc.ops.logic import Where
from graphc.ops.tuples import Item

Range = Interval | tuple[Interval, ...]  # several for a node with several results
MOST_CHOSEN = 12  # that are looked at in the branches of a choice for its range
MOST_NODES = 32  # that are looked at below a node for what holds at a place
OfInner = Callable[[Node, Sequence[Interval], bool], tuple[Interval, ...]]
OF_INNER: dict[type[Op], OfInner] = {}
"""The ranges of the results of ops with inner graphs, given those of the operands."""


class Ranges:
    """Known ranges, each forgotten with its node. Nodes are keys by identity: their `==` makes a node."""

    def __init__(self) -> None:
        self._found: dict[int, tuple[ref[Node], Range]] = {}

    def __contains__(self, node: Node) -> bool:
        return id(node) in self._found

    def __getitem__(self, node: Node) -> Range:
        return self._found[id(node)][1]

    def __setitem__(self, node: Node, found: Range) -> None:
        key = id(node)
        self._found[key] = ref(node, lambda _: self._found.pop(key, None)), found

    def __len__(self) -> int:
        return len(self._found)


GRAPH = {True: Ranges(), False: Ranges()}
"""What the graph says, of computed values and of real numbers."""
_questions: ContextVar[list[Node] | None] = ContextVar("graphc_questions", default=None)


def range_of(node: Node, *, computed: bool = True) -> Interval:
    """An interval that holds every element of a node, at the present place."""
    asked = _questions.get()
    if asked is not None:
        asked.append(node)
    found = _at(present(), node, computed)
    return everything() if isinstance(found, tuple) else found


@contextmanager
def questions() -> Iterator[list[Node]]:
    """The nodes whose ranges are asked for inside."""
    asked: list[Node] = []
    token = _questions.set(asked)
    try:
        yield asked
    finally:
        _questions.reset(token)


class Place:
    """Where more is known of some nodes. Inside of other places it adds to what is known there.

    `facts` gives the intervals that are known, computed or real; they are asked for when they are needed. What holds of
    each element alone is known only of nodes that a walk over elementwise ops reaches: `elementwise`; nodes that are
    `remote` are met in other ways too. `because` are conditions and assumptions.
    """

    def __init__(
        self,
        facts: Callable[[bool], Mapping[Node, Interval]],
        around: Place | None,
        *,
        elementwise: bool = False,
        remote: AbstractSet[Node] = frozenset(),
        most: int | None = MOST_NODES,
        because: tuple[Node, ...] = (),
    ) -> None:
        self.facts, self.around, self.most = cache(facts), around, most
        self.elementwise, self.remote = elementwise, remote
        outer = () if around is None else around.because
        self.because: tuple[Node, ...] = tuple(dict.fromkeys([*outer, *because]))
        self._found: dict[bool, dict[Node, Range]] = {True: {}, False: {}}

    def range_of(self, node: Node, computed: bool) -> Range:
        """What is known of a node at this place."""
        found = self._found[computed]
        stack, looked_at = [node], 0
        while stack:
            top = stack[-1]
            if top in found:
                stack.pop()
                continue
            too_many = self.most is not None and looked_at > self.most
            missing = [arg for arg in top.args if arg not in found] if self._looks_below(top) and not too_many else []
            if missing:
                looked_at += len(missing)
                stack.extend(missing)
                continue
            stack.pop()
            found[top] = self._range(top, found, computed)
        return found[node]

    def knows_more(self, node: Node) -> bool:
        """Whether more is known of a node here than around."""
        return any(self.range_of(node, c) is not _at(self.around, node, c) for c in (True, False))

    def _looks_below(self, node: Node) -> bool:
        return node not in self.remote and (node.op.elementwise or not self.elementwise)

    def _range(self, node: Node, found: Mapping[Node, Range], computed: bool) -> Range:
        outer = _at(self.around, node, computed)
        refined = outer
        if self._looks_below(node) and all(arg in found for arg in node.args):
            xs = [found[arg] for arg in node.args]
            if any(x is not _at(self.around, arg, computed) for x, arg in zip(xs, node.args, strict=True)):
                refined = _both(outer, _range(node, xs, computed))
        fact = None if node in self.remote else self.facts(computed).get(node)
        return refined if fact is None or isinstance(refined, tuple) else replace(meet(refined, fact))


class Branch:
    """Where a condition holds, or where it does not: what follows of all elements of nodes, and of each alone."""

    def __init__(self, condition: Node, holds: bool, around: Place | None) -> None:
        self.condition, self.around, self.key = condition, around, (id(condition), holds)
        self._found = {c: self._consequences(holds, c) for c in (True, False)}

    def knows(self, *, each: bool) -> bool:
        """Whether anything follows, of each element alone or of all."""
        found = self._found[True]
        return bool(found.here if each else found.everywhere)

    def of_all(self, around: Place | None) -> Place | None:
        """The place where what follows of all elements is known, too."""
        facts = {c: found.everywhere for c, found in self._found.items()}
        return Place(facts.__getitem__, around, because=(self.condition,)) if facts[True] else around

    def of_each(self, around: Place | None, remote: AbstractSet[Node] = frozenset()) -> Place | None:
        """The place where what follows of each element is known, too, for a node that meets `remote` ones otherwise."""
        facts = {c: found.here for c, found in self._found.items()}
        if not facts[True]:
            return around
        return Place(facts.__getitem__, around, elementwise=True, remote=remote, because=(self.condition,))

    def _consequences(self, holds: bool, computed: bool) -> Consequences:
        return consequences(self.condition, holds, lambda node: interval_at(self.around, node, computed), computed)


def beyond(assumptions: Sequence[Node], around: Place | None) -> Place:
    """Where assumptions are left out, but what they say of their operands is known."""

    def facts(computed: bool) -> dict[Node, Interval]:
        known: dict[Node, Interval] = {}
        for node in assumptions:
            condition, x = node.args
            found = consequences(condition, True, lambda node: interval_at(around, node, computed), computed)
            for each in (found.everywhere, found.here, {x: interval_at(around, node, computed)}):
                for about, interval in each.items():
                    known[about] = meet(interval, known[about]) if about in known else interval
        return known

    return Place(facts, around, because=tuple(assumptions))


def _at(place: Place | None, node: Node, computed: bool) -> Range:
    return _anywhere(node, computed) if place is None else place.range_of(node, computed)


def interval_at(place: Place | None, node: Node, computed: bool) -> Interval:
    """The range of a node with one result at a place."""
    found = _at(place, node, computed)
    return everything() if isinstance(found, tuple) else found


def _anywhere(node: Node, computed: bool) -> Range:
    """What the graph says of a node."""
    known = GRAPH[computed]
    stack = [node]
    while stack:
        top = stack[-1]
        missing = [arg for arg in top.args if arg not in known]
        if top in known or not missing:
            stack.pop()
        if top not in known and not missing:
            found = _range(top, [known[arg] for arg in top.args], computed)
            if isinstance(top.op, Where) and isinstance(found, Interval):
                found = meet(found, _chosen(top, computed))
            # A copy, since equal operands in one object would count as one value.
            known[top] = found if isinstance(found, tuple) else replace(found)
        stack.extend(arg for arg in missing if top not in known)
    return known[node]


def _range(node: Node, xs: Sequence[Range], computed: bool) -> Range:
    """The range of a node from those of its operands."""
    op = node.op
    if isinstance(op, Item):
        return xs[0][op.index] if isinstance(xs[0], tuple) else everything()
    intervals = [everything() if isinstance(x, tuple) else x for x in xs]
    if type(op) in OF_INNER:
        return OF_INNER[type(op)](node, intervals, computed)
    if isinstance(op, Assume):
        return _assumed(node, intervals[1], computed)
    return range_of_op(node, intervals, computed)


def _chosen(node: Node, computed: bool) -> Interval:
    """The range of a choice, each branch where it is taken."""
    condition, *branches = node.args
    found = []
    for number, root in enumerate(branches):
        facts = consequences(condition, number == 0, lambda x: interval_at(None, x, computed), computed)
        place = Place({computed: facts.everywhere}.__getitem__, None, most=MOST_CHOSEN) if facts.everywhere else None
        if facts.here:
            place = Place({computed: facts.here}.__getitem__, place, elementwise=True, most=MOST_CHOSEN)
        found.append(interval_at(place, root, computed))
    return WORDS.where(interval_at(None, condition, computed), *found)


def _assumed(node: Node, x: Interval, computed: bool) -> Interval:
    condition, operand = node.args
    found = consequences(condition, True, lambda node: interval_at(None, node, computed), computed)
    # An assumption is made of all elements.
    place = Place(lambda _: {**found.everywhere, **found.here}, None)
    return meet(x, interval_at(place, operand, computed))


def _both(x: Range, y: Range) -> Range:
    if isinstance(x, tuple) or isinstance(y, tuple):
        pairs = zip(x, y, strict=True) if isinstance(x, tuple) and isinstance(y, tuple) else ()
        return tuple(meet(a, b) for a, b in pairs)
    return replace(meet(x, y))
