"""The facts that allowed rewrites: firings go in, each with what was proved for it comes out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from graphc.interpret.ranges import Fact, recorded_facts
from graphc.ir.knowledge import knowing
from graphc.ir.pattern import matches
from graphc.ir.rewrite import Firing
from graphc.ir.rule import Rewrite, Rule
from graphc.ir.source import Source
from graphc.numerics.formula import place


@dataclass(frozen=True, eq=False)
class Licence:
    """A rewrite that a condition had to allow: its firing, the facts about ranges, and the condition in words."""

    firing: Firing
    facts: tuple[Fact, ...]
    condition: str

    @property
    def rule(self) -> Rewrite:
        return self.firing.rule

    @property
    def source(self) -> Source | None:
        """The user's line."""
        return self.firing.source

    def __str__(self) -> str:
        proved = [str(fact) for fact in self.facts] or [self.condition]
        line = place(self.firing.before)
        return "\n".join([f"{self.rule.name}{f'   {line}' if line else ''}", *(f"  {each}" for each in proved)])


def licences(firings: Iterable[Firing]) -> list[Licence]:
    """The conditional rewrites with what was proved. Ranges are facts of nodes, so asking again gives the same."""
    found = []
    for firing in firings:
        rule, facts = firing.rule, _facts(firing)
        if facts or (isinstance(rule, Rule) and rule.when is not None):
            found.append(Licence(firing, facts, condition_of(rule)))
    return found


def condition_of(rule: Rewrite) -> str:
    """What a rule demands beside its form, in words."""
    when = rule.when if isinstance(rule, Rule) else None
    if when is None:
        return "its function asks for more than the form"
    words = (when.__doc__ or "").strip().split("\n")[0].rstrip(".")
    name = "" if when.__name__ == "<lambda>" else when.__name__.lstrip("_")
    return ": ".join(filter(None, (name, words))) or "a condition on ranges"


def _facts(firing: Firing) -> tuple[Fact, ...]:
    """What was proved for a firing, once each."""
    with knowing(firing.knowledge):
        return _asked_by(firing)


def _asked_by(firing: Firing) -> tuple[Fact, ...]:
    rule = firing.rule
    if not isinstance(rule, Rule):
        with recorded_facts() as facts:
            rule.apply(firing.before)
        return _distinct(fact for fact in facts if fact.holds)
    if rule.when is None:
        return ()
    for found in matches(rule.before, firing.before, rule.factors):
        with recorded_facts() as facts:
            if rule.holds(found):
                return _distinct(facts)
    return ()


def _distinct(facts: Iterable[Fact]) -> tuple[Fact, ...]:
    return tuple({(id(fact.node), fact.claim): fact for fact in facts}.values())
