"""Matching: which nodes have the form of a term, and what its variables stand for then.

Sums and products match modulo commutativity, associativity and sign, so that the spelling does not decide whether a
rule fires: `a - b`, `a + (-b)` and `-b + a` are one sum, `x / y` and `x * (1 / y)` one product. A variable that
stands alone in a sum or product takes all that is left; at the root of a pattern the rest may stay outside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphc.ir.leaf import full, uniform_value
from graphc.ir.node import Node
from graphc.ir.term import Application, Term, Variable

Bindings = Mapping[str, Any]
SUMS = frozenset({"add", "subtract", "negative"})
PRODUCTS = frozenset({"multiply", "divide"})
COMMUTATIVE = frozenset({"maximum", "minimum", "logaddexp", "exp_add", "equal", "logical_and", "logical_or"})
LARGEST_VIEW = 12  # terms of a sum or factors of a product; beyond that a part is taken as a whole


@dataclass(frozen=True)
class Match:
    """What the variables stand for, and what is left of a sum or product at the root."""

    bindings: Bindings
    rest: tuple[Part, ...] = ()
    form: str = ""  # "sum" or "product" if there may be a rest


@dataclass(frozen=True)
class Part:
    """A term of a sum (sign 1 or -1) or a factor of a product (1, or -1 for a divisor)."""

    sign: int
    value: Any  # Node, Term or number


def matches(pattern: Term, node: Node) -> Iterator[Match]:
    """All ways in which a node has the form of a pattern."""
    if isinstance(pattern, Application) and pattern.op.name in ("add", "subtract"):
        if node.op.name in SUMS:
            yield from _match_parts(sum_view(pattern), sum_view(node), {}, "sum", open_end=True)
    elif isinstance(pattern, Application) and pattern.op.name in PRODUCTS:
        if node.op.name in PRODUCTS:
            yield from _match_product(pattern, node, {}, open_end=True)
    else:
        yield from (Match(env) for env in match(pattern, node, {}))


def match(pattern: Any, node: Node, env: Bindings) -> Iterator[Bindings]:
    """All extensions of the bindings under which the node is an instance of the pattern."""
    if isinstance(pattern, Variable):
        yield from _bind(pattern, node, env)
    elif not isinstance(pattern, Application):
        if _is_number(pattern, node):
            yield env
    elif pattern.op.name == "negative" and not isinstance(pattern.args[0], Application):
        yield from match(pattern.args[0], -node, env)
    elif pattern.op.name in SUMS:
        for found in _match_parts(sum_view(pattern), sum_view(node), env, "sum"):
            yield found.bindings
    elif pattern.op.name in PRODUCTS:
        for found in _match_product(pattern, node, env):
            yield found.bindings
    elif type(node.op) is pattern.op:
        for with_attributes in _match_attributes(pattern, node, env):
            yield from _match_operands(pattern.args, node.args, with_attributes)
            if pattern.op.name in COMMUTATIVE:
                yield from _match_operands(pattern.args[::-1], node.args, with_attributes)


def sum_view(x: Any) -> list[Part]:
    """A term or node as the terms of a sum."""
    return _view(x, SUMS, second={"subtract": -1}, only={"negative": -1})


def product_view(x: Any) -> tuple[int, list[Part]]:
    """A term or node as a sign and the factors of a product; factors of 1 are left out."""
    sign, parts = 1, []
    for part in _view(x, PRODUCTS | {"negative"}, second={"divide": -1}, only={"negative": 0}):
        if part.sign == 0:
            sign = -sign
        elif _is_number(1.0, part.value):
            continue
        elif _is_number(-1.0, part.value):
            sign = -sign
        else:
            parts.append(part)
    return sign, parts


def total(parts: list[Part]) -> Node:
    """The node of a sum."""
    positive = [part.value for part in parts if part.sign > 0]
    result = positive[0] if positive else -parts[0].value
    for value in positive[1:]:
        result = result + value
    for part in [p for p in parts if p.sign < 0][0 if positive else 1 :]:
        result = result - part.value
    return result  # type: ignore[no-any-return]


def product(parts: list[Part]) -> Node:
    """The node of a product."""
    above = [part.value for part in parts if part.sign > 0]
    below = [part.value for part in parts if part.sign < 0]
    result: Any = above[0] if above else 1
    for value in above[1:]:
        result = result * value
    for value in below:
        result = result / value
    return result  # type: ignore[no-any-return]


def _view(x: Any, names: frozenset[str], second: dict[str, int], only: dict[str, int]) -> list[Part]:
    """Flatten nested sums or products, from left to right."""
    parts: list[Part] = []
    stack = [Part(1, x)]
    while stack:
        part = stack.pop()
        name, args = _spelling(part.value)
        if name not in names or len(parts) + len(stack) >= LARGEST_VIEW:
            parts.append(part)
        elif name in only:
            if only[name] == 0:
                parts.append(Part(0, None))
                stack.append(Part(part.sign, args[0]))
            else:
                stack.append(Part(part.sign * only[name], args[0]))
        else:
            stack.append(Part(part.sign * second.get(name, 1), args[1]))
            stack.append(Part(part.sign, args[0]))
    return parts


def _spelling(x: Any) -> tuple[str, tuple[Any, ...]]:
    if isinstance(x, Node):
        return x.op.name, x.args
    return (x.op.name, x.args) if isinstance(x, Application) else ("", ())


def _match_product(pattern: Any, node: Node, env: Bindings, open_end: bool = False) -> Iterator[Match]:
    wanted_sign, wanted = product_view(pattern)
    sign, parts = product_view(node)
    if wanted_sign == sign:
        yield from _match_parts(wanted, parts, env, "product", open_end)
    elif open_end:
        minus_one = Part(1, -_one_like(node))
        yield from _match_parts(wanted, [*parts, minus_one], env, "product", open_end)
    else:
        for i, part in enumerate(parts):
            flipped = [*parts[:i], Part(part.sign, -part.value), *parts[i + 1 :]]
            yield from _match_parts(wanted, flipped, env, "product")


def _match_parts(
    wanted: list[Part], parts: list[Part], env: Bindings, form: str, open_end: bool = False
) -> Iterator[Match]:
    """Match the parts of a sum or product: structured ones first, then variables, the last of which takes the rest."""
    wanted = sorted(wanted, key=lambda part: _freedom(part.value, env))
    if not wanted:
        if not parts or open_end:
            yield Match(env, tuple(parts), form)
        return
    first, others = wanted[0], wanted[1:]
    if not isinstance(first.value, Variable):
        for i, part in enumerate(parts):
            for found in _match_part(first, part, env, form):
                yield from _match_parts(others, parts[:i] + parts[i + 1 :], found, form, open_end)
    elif first.value.label in env:
        remaining = _without(env[first.value.label], first.sign, parts, form)
        if remaining is not None:
            yield from _match_parts(others, remaining, env, form, open_end)
    elif others or open_end:
        for i, part in enumerate(parts):
            bound = {**env, first.value.label: _signed(first.sign * part.sign, part.value, form)}
            yield from _match_parts(others, parts[:i] + parts[i + 1 :], bound, form, open_end)
    elif parts:
        taken = [Part(first.sign * part.sign, part.value) for part in parts]
        value = total(taken) if form == "sum" else product(taken)
        yield Match({**env, first.value.label: value}, (), form)


def _match_part(wanted: Part, part: Part, env: Bindings, form: str) -> Iterator[Bindings]:
    if wanted.sign == part.sign:
        yield from match(wanted.value, part.value, env)
    elif form == "sum" and isinstance(wanted.value, int | float):
        yield from match(-wanted.value, part.value, env)


def _freedom(pattern: Any, env: Bindings) -> int:
    """How little a part of a pattern says: numbers and structures before variables."""
    if not isinstance(pattern, Variable):
        return 0 if isinstance(pattern, Application) else 1
    return 2 if pattern.label in env else 3


def _signed(sign: int, value: Node, form: str) -> Node:
    if sign > 0:
        return value
    return -value if form == "sum" else 1 / value  # type: ignore[no-any-return]


def _without(value: Any, sign: int, parts: list[Part], form: str) -> list[Part] | None:
    """The parts without those that make up `value`, or None if they are not there."""
    if not isinstance(value, Node):
        return None
    flat = sum_view(value) if form == "sum" else product_view(value)[1]
    remaining = list(parts)
    for candidate in ([Part(1, value)], flat):
        remaining = list(parts)
        for needed in candidate:
            at = [i for i, p in enumerate(remaining) if p.value is needed.value and p.sign == sign * needed.sign]
            if not at:
                break
            del remaining[at[0]]
        else:
            return remaining
    return None


def _bind(variable: Variable, value: Any, env: Bindings) -> Iterator[Bindings]:
    if variable.label not in env:
        yield {**env, variable.label: value}
    elif env[variable.label] is value:
        yield env
    elif not isinstance(value, Node) and env[variable.label] == value:
        yield env


def _match_attributes(pattern: Application, node: Node, env: Bindings) -> Iterator[Bindings]:
    actual = node.op.attributes()
    for name, wanted in pattern.attributes.items():
        if isinstance(wanted, Variable):
            bound = next(_bind(wanted, actual[name], env), None)
            if bound is None:
                return
            env = bound
        elif wanted != actual[name]:
            return
    yield env


def _match_operands(patterns: tuple[Any, ...], nodes: tuple[Node, ...], env: Bindings) -> Iterator[Bindings]:
    if not patterns:
        yield env
        return
    for found in match(patterns[0], nodes[0], env):
        yield from _match_operands(patterns[1:], nodes[1:], found)


def _is_number(wanted: Any, node: Any) -> bool:
    if not isinstance(node, Node):
        return isinstance(node, int | float) and node == wanted
    value = uniform_value(node)
    if value is None or node.dtype.kind == "b":
        return False
    return bool(np.asarray(wanted).astype(node.dtype.numpy) == value)


def _one_like(node: Node) -> Node:
    return full(1, node.type)

