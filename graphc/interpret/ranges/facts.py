"""Questions about ranges that rules ask, and the facts that are their answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from graphc.interpret.interval import Interval
from graphc.interpret.ranges.analysis import MOST_NODES, Place, range_of
from graphc.ir.knowledge import present
from graphc.ir.leaf import Input
from graphc.ir.node import Node, describe
from graphc.ops.assume import Assume


@dataclass(frozen=True, eq=False)
class Fact:
    """What was asked about the range of a node, what the range is, and whether that proves it."""

    node: Node
    claim: str
    found: Interval
    holds: bool
    place: Place | None = field(default_factory=present)

    @property
    def because(self) -> tuple[Node, ...]:
        """What was promised that the range may come from: inputs with bounds, assumptions, conditions of branches."""
        promised = dict.fromkeys(_promises(self.node))
        return (*promised, *(node for node in (self.place.because if self.place else ()) if node not in promised))

    def __str__(self) -> str:
        verb = "is" if self.holds else "is not known to be"
        lines = [describe(self.node), f"    {verb} {self.claim}: its values are {self.found}"]
        lines += [f"    since {_reason(node)}" for node in self.because if node is not self.node or node.args]
        return "\n".join(lines)


def _promises(node: Node) -> Iterator[Node]:
    """Inputs with bounds and assumptions among the operands, near ones first."""
    nodes = {node: None}
    for count, top in enumerate(order := [node]):  # grows
        if isinstance(top.op, Assume) or (isinstance(top.op, Input) and top.op.bounds is not None):
            yield top
        if count < MOST_NODES:
            new = [arg for arg in top.args if arg not in nodes]
            nodes.update(dict.fromkeys(new))
            order.extend(dict.fromkeys(new))


def _reason(node: Node) -> str:
    if isinstance(node.op, Assume):
        return f"it is assumed: {describe(node.args[0])}"
    if isinstance(node.op, Input):
        return f"it is declared: {describe(node)}"
    if node.op.inner:
        return f"it is given to {describe(node)}"
    return f"this is decided: {describe(node)}"


_asked: ContextVar[list[Fact] | None] = ContextVar("graphc_facts", default=None)


@contextmanager
def recorded_facts() -> Iterator[list[Fact]]:
    """What is asked about ranges inside, in order."""
    facts: list[Fact] = []
    token = _asked.set(facts)
    try:
        yield facts
    finally:
        _asked.reset(token)


def is_positive(node: Node, *, computed: bool = False) -> bool:
    """Whether every element is greater than 0: no zero and no NaN."""
    return is_nonnegative(node, computed=computed) and is_nonzero(node, computed=computed)


def is_nonnegative(node: Node, *, computed: bool = False) -> bool:
    """Whether every element is 0 or more, and none NaN."""
    found = range_of(node, computed=computed)
    return _answer(node, "nonnegative", found, found.low >= 0 and not found.may_be_nan)


def is_nonzero(node: Node, *, computed: bool = False) -> bool:
    """Whether no element is 0."""
    found = range_of(node, computed=computed)
    return _answer(node, "nonzero", found, not found.may_be_zero)


def is_at_most(node: Node, bound: float, *, computed: bool = False) -> bool:
    """Whether no element is greater than a number, and none NaN."""
    found = range_of(node, computed=computed)
    return _answer(node, f"at most {bound:g}", found, found.high <= bound and not found.may_be_nan)


def is_at_least(node: Node, bound: float, *, computed: bool = False) -> bool:
    """Whether no element is less than a number, and none NaN."""
    found = range_of(node, computed=computed)
    return _answer(node, f"at least {bound:g}", found, found.low >= bound and not found.may_be_nan)


def is_whole(node: Node) -> bool:
    """Whether every element is computed as an integer, infinity or NaN."""
    found = range_of(node)
    return _answer(node, "whole", found, found.whole)


def is_finite(node: Node) -> bool:
    """Whether every element is computed as neither infinite nor NaN."""
    found = range_of(node)
    return _answer(node, "finite", found, not found.may_be_infinite and not found.may_be_nan)


def is_never_nan(node: Node) -> bool:
    """Whether no element is computed as NaN."""
    found = range_of(node)
    return _answer(node, "never NaN", found, not found.may_be_nan)


def _answer(node: Node, claim: str, found: Interval, holds: bool) -> bool:
    """The answer to a question, which is recorded where somebody wants to know."""
    asked = _asked.get()
    if asked is not None:
        asked.append(Fact(node, claim, found, holds))
    return holds
