"""Why a rule did not fire: rules, what fired and graphs go in, an explanation in words comes out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any

from graphc.errors import GraphError, did_you_mean
from graphc.interpret.ranges import Fact, recorded_facts
from graphc.ir.graph import Graph
from graphc.ir.leaf import uniform_value
from graphc.ir.node import Node, describe, everywhere
from graphc.ir.pattern import PRODUCTS, SUMS, match, matches
from graphc.ir.printer import format_number
from graphc.ir.rewrite import Firing
from graphc.ir.rule import SEMANTICS, Rewrite, Rule
from graphc.ir.term import Application
from graphc.numerics.licences import condition_of
from graphc.numerics.provenance import Provenance
from graphc.numerics.why import node_of

_SHOWN = 8  # nodes
_RULES_SHOWN = 3  # of those that make an op
_WOULD_FIRE = "it would fire here: an earlier rule came first, the fuel was spent, or no pass with this rule ran"


def why_not(
    name: str,
    rules: Sequence[Rewrite],
    graphs: Sequence[Graph],
    provenance: Provenance,
    semantics: str,
    node: Node | str | None = None,
) -> str:
    """What kept a rule from firing at a node, or at those of the graphs where it could begin, the nearest first.

    A node stands for what became of it and, if the rule begins at none of these, for what it is made of. The name of an
    op stands for the rules that make it; those that fired elsewhere, or come nearest, are shown.
    Raises GraphError if there is no such rule or op, or no such node.
    """
    wanted = _named(name, rules)
    nodes = list(everywhere([result for graph in graphs for result in graph.results]))
    if node is not None:
        node = node_of(node, *graphs)
        if node not in {*nodes, *provenance.origins}:
            raise GraphError("the function does not have this node", details=[describe(node)])
        versions = provenance.versions(node)
        begins = any(_begins_at(rule, each) for rule in wanted for each in versions)
        nodes = versions if begins else list(everywhere(versions))
    asked = {_expression(each) for each in nodes}
    firings = [firing for firing in provenance.firings if node is None or _expression(firing.before) in asked]
    found = [(rule, [each for each in nodes if _begins_at(rule, each)]) for rule in wanted]
    if len(found) > 1:
        fired = {firing.rule for firing in firings}
        best = {rule: (rule in fired, max(map(partial(_nearness, rule), begun), default=0)) for rule, begun in found}
        begun_somewhere = [(rule, begun) for rule, begun in found if begun] or found
        found = sorted(begun_somewhere, key=lambda pair: best[pair[0]], reverse=True)[:_RULES_SHOWN]
    return "\n\n".join(_why_not(rule, begun, firings, semantics, node) for rule, begun in found)


def _why_not(rule: Rewrite, nodes: Sequence[Node], firings: Sequence[Firing], semantics: str, node: Node | None) -> str:
    """The answer for one rule, and the nodes where it could begin."""
    lines = [f"{rule.name}: {rule}"]
    fired = {_expression(firing.before): firing.before for firing in firings if firing.rule is rule}
    lines += [f"it fired at {describe(before)}" for before in islice(fired.values(), _SHOWN)]
    if rule.kind not in SEMANTICS[semantics]:
        allowed = [word for word, kinds in SEMANTICS.items() if rule.kind in kinds]
        lines.append(f"it is {rule.kind}: {' or '.join(allowed)} allows that, semantics={semantics!r} does not")
        return "\n".join(lines)
    candidates: dict[object, Node] = {}
    for candidate in sorted(nodes, key=lambda candidate: -_nearness(rule, candidate)):
        candidates.setdefault(_expression(candidate), candidate)
    left = [candidate for expression, candidate in candidates.items() if expression not in fired]
    if not left and not fired:
        where = "the graph" if node is None else describe(node)
        lines.append(f"it begins at {' or '.join(rule.roots)}, which {where} is not or has not")
    for candidate in left[:_SHOWN]:
        lines += [f"not at {_described(candidate)}", f"  {_obstacle(rule, candidate)}"]
    if len(left) > _SHOWN:
        lines.append(f"and not at {len(left) - _SHOWN} more")
    return "\n".join(lines)


def _expression(node: Node) -> object:
    """The same for an op of the user's and what it became in between, which is the same to the user."""
    return node if node.source is None else (node.op.name, *node.source.identity)


def _described(node: Node) -> str:
    """A node with the user's line; numbers without one: they have that of the formula that used them first."""
    number = uniform_value(node)
    return describe(node) if number is None else f"{format_number(number, node.dtype)}: {node.type}"


def _begins_at(rule: Rewrite, node: Node) -> bool:
    """Whether a node has an op, or one of a family, at which a rule begins."""
    return not {node.op.name, *(base.__name__ for base in type(node.op).__mro__[1:])}.isdisjoint(rule.roots)


def _named(name: str, rules: Sequence[Rewrite]) -> list[Rewrite]:
    """The rule of a name, or those that make the op of that name."""
    if not isinstance(name, str):
        raise GraphError(f"{name!r:.80} is not the name of a rule or an op")
    found = [rule for rule in rules if rule.name == name] or [rule for rule in rules if _makes(rule) == name]
    if found:
        return found
    help_ = did_you_mean(name, (rule.name for rule in rules)) or "`graphc rules` lists them"
    raise GraphError(f"there is no rule {name!r}, and none that makes an op of that name", help=help_)


def _makes(rule: Rewrite) -> str | None:
    """The op that a rule puts in the place of a formula."""
    return rule.after.op.name if isinstance(rule, Rule) and isinstance(rule.after, Application) else None


def _obstacle(rule: Rewrite, node: Node) -> str:
    if not isinstance(rule, Rule):
        with recorded_facts() as facts:
            fires = rule.apply(node) is not None
        return _WOULD_FIRE if fires else _unproved("its function finds nothing to do here", facts)
    found = list(matches(rule.before, node))
    if not found:
        return next(_differences(rule.before, node), f"it does not have the form {rule.before}")
    with recorded_facts() as facts:
        holds = any(rule.holds(each) for each in found)
    if not holds:
        condition = "" if facts else f": {condition_of(rule)}"
        return _unproved(f"the form fits, but its condition is not proved{condition}", facts)
    return _WOULD_FIRE


def _unproved(message: str, facts: Sequence[Fact]) -> str:
    """A message with the questions about ranges that had no good answer."""
    missing = {(id(fact.node), fact.claim): str(fact) for fact in facts if not fact.holds}
    return "\n  ".join([message, *(fact.replace("\n", "\n  ") for fact in missing.values())])


def _nearness(rule: Rewrite, node: Node) -> int:
    """How many ops of a rule's form a node has."""
    near, pairs = 0, [(rule.before, node)] if isinstance(rule, Rule) else []
    while pairs:
        pattern, part = pairs.pop()
        if any(match(pattern, part, {})):
            near += 1 + _size(pattern)
        elif type(part.op) is pattern.op:
            near += 1
            operands = zip(pattern.args, part.args, strict=False)
            pairs.extend((inner, arg) for inner, arg in operands if isinstance(inner, Application))
    return near


def _size(pattern: Application) -> int:
    return sum(1 + _size(arg) for arg in pattern.args if isinstance(arg, Application))


def _differences(pattern: Any, node: Node) -> Iterator[str]:
    """The innermost parts of a pattern that operands do not match, with what stands there instead."""
    if not isinstance(pattern, Application) or pattern.op.name in SUMS | PRODUCTS:
        if not any(match(pattern, node, {})):
            yield f"{pattern} is wanted where {_described(node)} stands"
        return
    if type(node.op) is not pattern.op:
        yield f"{pattern} is wanted where {_described(node)} stands"
        return
    for part, arg in zip(pattern.args, node.args):
        yield from _differences(part, arg)
    actual = node.op.attributes()
    for name, value in pattern.attributes.items():
        if isinstance(value, int | float | tuple) and actual[name] != value:
            yield f"{name}={value} is wanted, {_described(node)} has {name}={actual[name]}"
