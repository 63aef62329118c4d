"""Rules: one line of mathematics each, with a name, a reason, conditions, and a kind that licenses it.

    @STABLE.rule("stabilizing", "S1")
    def log_sum_exp(x, axis: attribute):
        \"\"\"exp overflows f32 above 88.7; logsumexp does not.\"\"\"
        return log(sum(exp(x), axis)), logsumexp(x, axis)

The parameters are the variables, both sides are terms built by the ordinary functions. Where mathematics is not
enough, a rewriter takes a node and returns a node or None.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from graphc.errors import RewriteError
from graphc.ir.node import Node, describe
from graphc.ir.op import Op
from graphc.ir.pattern import Match, Part, forget_views, matches, product
from graphc.ir.term import Application, Variable

Kind = Literal["exact", "stabilizing", "real"]
SEMANTICS: dict[str, tuple[Kind, ...]] = {
    "ieee": ("exact",),
    "stable": ("exact", "stabilizing"),
    "real": ("exact", "stabilizing", "real"),
}


class attribute:
    """Marks a parameter of a rule that stands for an attribute, such as an axis."""


NEAR_AND_FAR = "tested: the cases of near and far"
"""The proof of a rule whose right-hand side has `where`: one formula near a point and another elsewhere."""


@dataclass(frozen=True, eq=False)
class Rewrite:
    """What a rule or a rewriter does: `apply` gives the new node or None."""

    name: str
    kind: Kind
    reference: str  # of the catalogue of rewrites, such as "S1"; may be empty
    reason: str
    proof: str  # "proved", "proved for n=1..4", "proved on examples", or "tested: why there is no proof"
    roots: tuple[str, ...]

    def apply(self, node: Node) -> Node | None:
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Rule(Rewrite):
    """A rule with two sides."""

    function: Callable[..., tuple[Any, Any]]
    when: Callable[..., bool] | None
    before: Application
    after: Any
    factors: bool = False  # whether others may stand beside the left-hand side in a product

    def apply(self, node: Node) -> Node | None:
        for found in matches(self.before, node, self.factors):
            if self.holds(found):
                _, after = self.function(**found.bindings)
                return product([Part(1, after), *found.beside]) if found.beside else after
        return None

    def holds(self, found: Match) -> bool:
        """Whether the side condition is proved for a match."""
        if self.when is None:
            return True
        names = inspect.signature(self.when).parameters
        return self.when(**{name: found.bindings[name] for name in names})

    def __str__(self) -> str:
        return f"{self.before} -> {self.after}"


@dataclass(frozen=True, eq=False)
class Rewriter(Rewrite):
    """A rewrite that is written as a function from node to node."""

    function: Callable[[Node], Node | None]

    def apply(self, node: Node) -> Node | None:
        return self.function(node)

    def __str__(self) -> str:
        return f"{' | '.join(self.roots)} -> {self.name}"


def _roots(term: Application) -> tuple[str, ...]:
    """The ops of the nodes that may have the form of a term: its own, and those of its other spellings."""
    name = term.op.name
    if name in ("add", "subtract"):
        return "add", "subtract"
    if name == "multiply" and str(term.args[0]) == str(term.args[1]):
        return "multiply", "divide", "square"
    return ("multiply", "divide") if name in ("multiply", "divide") else (name,)


class RuleSet:
    """Rules in order, indexed by the op that a node must have. Sets add up with `+`."""

    def __init__(self, name: str, rules: Iterable[Rewrite] = ()) -> None:
        self.name = name
        self.rules: list[Rewrite] = []
        self._by_op: dict[type[Op], list[Rewrite]] = {}
        for rule in rules:
            self.add(rule)

    def add(self, rule: Rewrite) -> None:
        self.rules.append(rule)
        self._by_op.clear()

    def rule(
        self,
        kind: Kind,
        reference: str = "",
        *,
        when: Callable[..., bool] | None = None,
        proof: str = "proved",
        factors: bool = False,
    ) -> Callable[[Callable[..., tuple[Any, Any]]], Rule]:
        """Decorator: add a rule whose two sides a function returns.

        With `factors` the left-hand side may have other factors beside it in a product, which are kept.
        """

        def register(function: Callable[..., tuple[Any, Any]]) -> Rule:
            variables = [Variable(name) for name in inspect.signature(function).parameters]
            before, after = function(*variables)
            reason = inspect.cleandoc(function.__doc__ or "")
            rule = Rule(
                function.__name__,
                kind,
                reference,
                reason,
                proof,
                _roots(before),
                function,
                when,
                before,
                after,
                factors,
            )
            self.add(rule)
            return rule

        return register

    def rewriter(
        self, *roots: type[Op], kind: Kind, reference: str = "", proof: str = "proved on examples"
    ) -> Callable[[Callable[[Node], Node | None]], Rewriter]:
        """Decorator: add a function from node to node, for nodes of the given ops and families of ops."""

        def register(function: Callable[[Node], Node | None]) -> Rewriter:
            reason = inspect.cleandoc(function.__doc__ or "")
            names = tuple(getattr(op, "name", op.__name__) for op in roots)
            rewriter = Rewriter(function.__name__, kind, reference, reason, proof, names, function)
            self.add(rewriter)
            return rewriter

        return register

    def licensed_by(self, semantics: str) -> RuleSet:
        """The rules that a semantics ("ieee", "stable", "real") allows."""
        if semantics not in SEMANTICS:
            raise RewriteError(f"there is no semantics {semantics!r}", help=f"one of {', '.join(SEMANTICS)}")
        return RuleSet(self.name, (rule for rule in self.rules if rule.kind in SEMANTICS[semantics]))

    def for_node(self, node: Node) -> list[Rewrite]:
        """The rules that may fire at a node."""
        op = type(node.op)
        if op not in self._by_op:
            families = {op.name, *(base.__name__ for base in op.__mro__[1:])}
            self._by_op[op] = [rule for rule in self.rules if families & set(rule.roots)]
        return self._by_op[op]

    def fire(self, node: Node) -> tuple[Rewrite, Node] | None:
        """The first rule that changes a node, and what it gives. Raises RewriteError if the type changes."""
        try:
            for rule in self.for_node(node):
                new = rule.apply(node)
                if new is None or new is node:
                    continue
                if new.type != node.type:
                    details = [describe(node), describe(new)]
                    raise RewriteError(f"the rule {rule.name} changes the type", details=details)
                return rule, new
            return None
        finally:
            forget_views()

    def begin(self, roots: Iterable[Node]) -> RuleSet:
        """The rules for one run over all that some nodes need."""
        return self

    def known_inside(self, node: Node) -> tuple[Any, ...]:
        """What is known in each inner graph of a node, for rules to use there (see `graphc.ir.knowledge`)."""
        return (None,) * len(node.op.inner)

    def __add__(self, other: RuleSet) -> RuleSet:
        return RuleSet(f"{self.name}+{other.name}", [*self.rules, *other.rules])

    def __iter__(self) -> Iterator[Rewrite]:
        return iter(self.rules)

    def __len__(self) -> int:
        return len(self.rules)
