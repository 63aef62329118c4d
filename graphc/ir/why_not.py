"""Why a rule did not fire: rules, what fired and graphs go in, an explanation in words comes out."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import Any

from graphc.errors import GraphError
from graphc.ir.graph import Graph
from graphc.ir.node import Node, describe
from graphc.ir.pattern import PRODUCTS, SUMS, match, matches
from graphc.ir.rewrite import Firing
from graphc.ir.rule import SEMANTICS, Rewrite, Rule
from graphc.ir.term import Application

_SHOWN = 8  # nodes


def why_not(
    name: str,
    rules: Sequence[Rewrite],
    firings: Sequence[Firing],
    graphs: Sequence[Graph],
    semantics: str,
    node: Node | None = None,
) -> str:
    """What kept a rule from firing at a node, or at the nodes of the graphs where it could begin.

    Raises GraphError if there is no such rule.
    """
    rule = _named(name, rules)
    lines = [f"{rule.name}: {rule}"]
    fired = [f for f in firings if f.rule.name == name and (node is None or f.before is node)]
    lines += [f"it fired at {describe(firing.before)}" for firing in fired[:_SHOWN]]
    if rule.kind not in SEMANTICS[semantics]:
        allowed = [word for word, kinds in SEMANTICS.items() if rule.kind in kinds]
        lines.append(
            f"it is {rule.kind}: {' or '.join(allowed)} allows that, semantics={semantics!r} does not"
        )
        return "\n".join(lines)
    everywhere = dict.fromkeys(n for graph in graphs for n in graph.nodes)
    candidates = [n for n in (everywhere if node is None else [node]) if n.op.name in rule.roots]
    candidates = [n for n in candidates if all(firing.before is not n for firing in fired)]
    if not candidates and not fired:
        where = "the graph" if node is None else describe(node)
        lines.append(f"it begins at {' or '.join(rule.roots)}, which {where} is not or has not")
    for candidate in candidates[:_SHOWN]:
        lines += [f"not at {describe(candidate)}", f"  {_obstacle(rule, candidate)}"]
    if len(candidates) > _SHOWN:
        lines.append(f"and not at {len(candidates) - _SHOWN} more")
    return "\n".join(lines)


def _named(name: str, rules: Sequence[Rewrite]) -> Rewrite:
    for rule in rules:
        if rule.name == name:
            return rule
    close = difflib.get_close_matches(name, [rule.name for rule in rules], 3)
    help_ = f"did you mean {' or '.join(close)}?" if close else "`graphc rules` lists them"
    raise GraphError(f"there is no rule {name!r}", help=help_)


def _obstacle(rule: Rewrite, node: Node) -> str:
    if not isinstance(rule, Rule):
        return "its function finds nothing to do here"
    found = list(matches(rule.before, node))
    if not found:
        return next(_differences(rule.before, node), f"it does not have the form {rule.before}")
    if not any(rule.holds(each) for each in found):
        return f"the form fits, but its condition is not proved: {getattr(rule.when, '__name__', rule.when)}"
    return "it would fire here: an earlier rule came first, the fuel was spent, or no pass with this rule ran"


def _differences(pattern: Any, node: Node) -> Iterator[str]:
    """The innermost parts of a pattern that operands do not match, with what stands there instead."""
    if not isinstance(pattern, Application) or pattern.op.name in SUMS | PRODUCTS:
        if not any(match(pattern, node, {})):
            yield f"{pattern} is wanted where {describe(node)} stands"
        return
    if type(node.op) is not pattern.op:
        yield f"{pattern} is wanted where {describe(node)} stands"
        return
    for part, arg in zip(pattern.args, node.args):
        yield from _differences(part, arg)
    actual = node.op.attributes()
    for name, value in pattern.attributes.items():
        if isinstance(value, int | float | tuple) and actual[name] != value:
            yield f"{name}={value} is wanted, {describe(node)} has {name}={actual[name]}"
