"""E-graphs: many expressions at once. A class holds expressions that are equal; their operands are classes.

Comes in: expressions and equations between classes; goes out: classes with all that follows by congruence. Every
class knows an interval of the real numbers that it may be, which conditions of identities ask for.

What is equal is so where the expression that was there first is defined: nothing else is ever asked of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from graphc.interpret.interval import Interval, as_interval, reals
from graphc.interpret.interval_reader import IntervalElements
from graphc.interpret.mpmath_reader import Real
from graphc.search.exact import Probe, certainty, contradict
from graphc.search.symbols import ENode, Leaf, Symbol, operation

WORDS = IntervalElements()


@dataclass
class EClass:
    """Equal expressions, those that use them, and where the value lies."""

    nodes: dict[ENode, None] = field(default_factory=dict)
    parents: list[tuple[ENode, int]] = field(default_factory=list)
    interval: Interval = field(default_factory=reals)
    constant: Fraction | None = None
    values: list[Real] = field(default_factory=list)


class EGraph:
    """Classes by number. `limit` is about how many nodes it may have.

    With a `probe`, classes whose values differ there are not made one: an identity may fail where it divides by what
    is 0 not only at single points.
    """

    def __init__(self, limit: int, probe: Probe | None = None) -> None:
        self.limit, self.probe = limit, probe
        self.classes: dict[int, EClass] = {}
        self._leader: list[int] = []
        self._known: dict[ENode, int] = {}
        self._pending: list[int] = []

    def __len__(self) -> int:
        return len(self._known)

    @property
    def full(self) -> bool:
        return len(self._known) >= self.limit

    def find(self, number: int) -> int:
        """The number that stands for a class today."""
        leader = self._leader
        while leader[number] != number:
            leader[number] = leader[leader[number]]
            number = leader[number]
        return number

    def add(self, symbol: Symbol, *args: int) -> int:
        """The class of a symbol applied to classes."""
        node = ENode(symbol, tuple(map(self.find, args)))
        if node in self._known:
            return self.find(self._known[node])
        number = len(self._leader)
        self._leader.append(number)
        self._known[node] = number
        made = EClass({node: None}, interval=self._interval(node))
        if isinstance(symbol, Fraction):
            made.constant = symbol
        if self.probe is not None:
            made.values = self.probe.values(node, [self.classes[arg].values for arg in node.args])
        self.classes[number] = made
        for arg in dict.fromkeys(node.args):
            self.classes[arg].parents.append((node, number))
        return number

    def union(self, one: int, other: int) -> bool:
        """Say that two classes are equal; `rebuild` draws the conclusions. False if that was known, or is wrong."""
        one, other = self.find(one), self.find(other)
        if one == other or any(map(contradict, self.classes[one].values, self.classes[other].values)):
            return False
        self._merge(one, other)
        return True

    def _merge(self, one: int, other: int) -> None:
        one, other = sorted((self.find(one), self.find(other)))
        if one == other:
            return
        kept, gone = self.classes[one], self.classes.pop(other)
        self._leader[other] = one
        kept.nodes.update(gone.nodes)
        kept.parents += gone.parents
        kept.interval = intersection(kept.interval, gone.interval)
        kept.constant = kept.constant if kept.constant is not None else gone.constant
        kept.values = [max(pair, key=certainty) for pair in zip(kept.values, gone.values, strict=True)]
        self._pending.append(one)

    def narrow(self, number: int, interval: Interval) -> None:
        """Say where the value of a class lies."""
        found = self.classes[self.find(number)]
        found.interval = intersection(found.interval, interval)
        self._pending.append(self.find(number))

    def rebuild(self) -> None:
        """Make equal what has the same symbol and equal operands, until nothing changes."""
        while self._pending:
            todo = dict.fromkeys(map(self.find, self._pending))
            self._pending = []
            for number in todo:
                self._repair(self.find(number))
        for number, found in self.classes.items():
            found.nodes = {self._canonical(node): None for node in found.nodes}
            assert self.find(number) == number

    def _canonical(self, node: ENode) -> ENode:
        return ENode(node.symbol, tuple(map(self.find, node.args)))

    def _repair(self, number: int) -> None:
        """Give the nodes that use a class their canonical operands: some are then the same."""
        parents: dict[ENode, int] = {}
        for node, user in self.classes[number].parents:
            self._known.pop(node, None)
            canonical = self._canonical(node)
            before = parents.get(canonical, self._known.get(canonical))
            if before is not None:
                self._merge(before, user)
            parents[canonical] = self.find(user)
            self._known[canonical] = parents[canonical]
            self._tighten(canonical, parents[canonical])
        number = self.find(number)
        self.classes[number].parents = [(node, self.find(user)) for node, user in parents.items()]

    def _tighten(self, node: ENode, number: int) -> None:
        found = self.classes[self.find(number)]
        narrower = intersection(found.interval, self._interval(node))
        if (narrower.low, narrower.high, narrower.may_be_zero) != (
            found.interval.low,
            found.interval.high,
            found.interval.may_be_zero,
        ):
            significant = narrower.may_be_zero != found.interval.may_be_zero or (narrower.low >= 0) != (
                found.interval.low >= 0
            )
            found.interval = narrower
            if significant:  # bounds alone could shrink for ever
                self._pending.append(self.find(number))

    def _interval(self, node: ENode) -> Interval:
        if isinstance(node.symbol, Leaf):
            return reals()
        if isinstance(node.symbol, Fraction):
            value = node.symbol
            near = as_interval(value.numerator) / as_interval(value.denominator)
            return Interval(near.low, near.high, False, False, value == 0)
        operands = [self.classes[self.find(arg)].interval for arg in node.args]
        if node.symbol == "divide" and operands[1].may_be_zero:
            return reals()  # it may be undefined where the others of its class are not
        found = operation(node.symbol).exact(WORDS, *operands)
        assert isinstance(found, Interval)
        return real(found)

    def nodes(self) -> Iterator[tuple[int, ENode]]:
        """Every node with its class, in a fixed order."""
        for number, found in self.classes.items():
            for node in found.nodes:
                yield number, node


def real(x: Interval) -> Interval:
    """The real numbers of an interval."""
    return Interval(x.low, x.high, False, False, x.may_be_zero)


def intersection(x: Interval, y: Interval) -> Interval:
    """What lies in both; where rounding has left nothing, the first."""
    low, high = max(x.low, y.low), min(x.high, y.high)
    return Interval(low, high, False, False, x.may_be_zero and y.may_be_zero) if low <= high else x
