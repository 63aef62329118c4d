"""Matching: which nodes have the form of a term, and what its variables stand for then.

Comes in: a term and a node; goes out: bindings of the term's variables. The spelling does not decide:

- Sums and products match modulo commutativity and sign: `a - b`, `a + (-b)` and `-b + a` are one sum, `x / y`
  and `x * (1 / y)` one product.
- Products match modulo associativity too where a rule allows factors beside it. Sums never do:
  `(y - 1) + exp(x)` is no `expm1(x) + y`, since for y near 1 the original is exact and the other loses all.
- An elementwise op under ops that only move elements, or under a cast to a wider float, is seen with them on
  its operands: `transpose(exp(x))` has the form `exp(y)`.
- An abbreviation is seen spelled out: `square(x)` as `x * x`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Any

import numpy as np

from graphc.ir.leaf import full, uniform_value
from graphc.ir.node import Node, make
from graphc.ir.term import Application, Term, Variable

Bindings = Mapping[str, Any]
SUMS = frozenset({"add", "subtract", "negative"})
PRODUCTS = frozenset({"multiply", "divide", "negative"})
COMMUTATIVE = frozenset({"maximum", "minimum", "logaddexp", "exp_add", "equal", "logical_and", "logical_or"})
MOST_MOVES = 8  # ops that are looked through; more in a row are no spelling of a formula
MOST_FACTORS_BESIDE = 3
MOST_NODES = 24  # that are looked at before a product is taken apart


@dataclass(frozen=True, eq=False)
class Part:
    """A term of a sum (sign 1 or -1) or a factor of a product (1, or -1 for a divisor)."""

    sign: int
    value: Any  # Node, Term or number


@dataclass(frozen=True, eq=False)
class Match:
    """What the variables stand for, and which factors of a product are left beside the pattern."""

    bindings: Bindings
    beside: tuple[Part, ...] = ()


@dataclass(frozen=True, eq=False)
class View:
    """A term or node as a sum or product: the sign of the whole (of products), and the parts."""

    sign: int
    parts: tuple[Part, ...]


def matches(pattern: Term, node: Node, factors: bool = False) -> Iterator[Match]:
    """All ways in which a node has the form of a pattern; with `factors`, beside others in a product."""
    if not isinstance(pattern, Application) or pattern.op.name not in ("multiply", "divide"):
        yield from (Match(env) for env in match(pattern, node, {}))
    elif node.op.name in ("multiply", "divide", "square"):
        yield from _match_product(pattern, node, {}, MOST_FACTORS_BESIDE if factors else 0)


def match(pattern: Any, node: Node, env: Bindings) -> Iterator[Bindings]:
    """All extensions of the bindings under which the node is an instance of the pattern."""
    if isinstance(pattern, Variable):
        yield from _bind(pattern, 1, node, env)
    elif not isinstance(pattern, Application):
        if _is_number(pattern, node):
            yield env
    elif pattern.op.name in SUMS:
        yield from _match_sum(pattern, node, env)
    elif pattern.op.name in PRODUCTS:
        yield from (found.bindings for found in _match_product(pattern, node, env))
    else:
        seen = see(node, frozenset({pattern.op.name}))
        if seen is not None:
            yield from _match_application(pattern, seen, env)


def see(node: Node, names: frozenset[str]) -> Node | None:
    """The node as one of the named ops: itself, spelled out, or with the moves above it on its operands."""
    if node.op.name in names:
        return node
    if _is_opaque(node):
        return None  # most nodes: there is nothing to look through
    moves: list[Node] = []
    inner = node
    while len(moves) < MOST_MOVES and _commutes(inner):
        moves.append(inner)
        inner = inner.args[0]
    found: Node | None = inner
    if inner.op.name not in names:
        found = inner.op.spelled_out(*inner.args) if inner.op.spelled_out else None
        if found is None or found.op.name not in names:
            return None
    return _below(moves, found) if found is not None and moves else found


def views(x: Any, family: frozenset[str], most: int) -> tuple[View, ...]:
    """A sum or product split into at most `most` parts, in all ways along its tree, coarse ones first."""
    key = (x, family, most)
    known = _views.get(key)
    if known is None:
        known = _views[key] = tuple(_split_up(x, family, most))
    return known


def may_have_factors(node: Node, names: frozenset[str]) -> bool:
    """False if an op is missing among the factors of a product for sure, which is quick to see: most rules end here."""
    found = _names_of_factors(node)
    return found is None or names <= found


def forget_views() -> None:
    """End of the matching at a node: many rules ask for the same views, but their nodes must not stay alive."""
    _views.clear()
    _factors.clear()


_views: dict[tuple[Any, frozenset[str], int], tuple[View, ...]] = {}
_factors: dict[Node, frozenset[str] | None] = {}


def product(parts: list[Part]) -> Node:
    """The node of a product."""
    above = [part.value for part in parts if part.sign > 0]
    below = [part.value for part in parts if part.sign < 0]
    result: Any = above[0] if above else 1
    for value in above[1:]:
        result = result * value
    for value in below:
        result = result / value
    return result


# --- sums and products ---


def _split_up(x: Any, family: frozenset[str], most: int) -> Iterator[View]:
    start = _normal(View(1, (Part(1, x),)), 0, family)
    queue = deque([(start, 0)])
    while queue:
        view, first = queue.popleft()
        yield view
        for i in range(first, len(view.parts)):
            if len(view.parts) < most or family is PRODUCTS:
                split = _split(view, i, family)
                if split is not None and len(split.parts) <= most:
                    queue.append((split, i))


def _match_sum(pattern: Application, node: Node, env: Bindings) -> Iterator[Bindings]:
    wanted = _parts_of_term(pattern, SUMS)
    if len(wanted.parts) == 2 and not _may_match_two(wanted.parts, node):
        return
    for view in views(node, SUMS, len(wanted.parts)):
        if len(view.parts) == len(wanted.parts):
            for found in _match_parts(wanted.parts, view.parts, env, SUMS):
                yield found.bindings


def _may_match_two(wanted: tuple[Part, ...], node: Node) -> bool:
    """False if an operand of a sum is missing for sure, which is quick to see: most rules end here."""
    if node.op.name not in ("add", "subtract"):
        return True
    if not all(map(_is_opaque, node.args)):
        return True
    opaque = {arg.op.name for arg in node.args}
    names = [part.value.op.name for part in wanted if isinstance(part.value, Application)]
    return all(name in opaque or (name in PRODUCTS and not opaque.isdisjoint(PRODUCTS)) for name in names)


def _names_of_factors(node: Node) -> frozenset[str] | None:
    """The ops of the factors of a product. None, if there is more to look through than a few nodes."""
    if node not in _factors:
        _factors[node] = _found_factors(node)
    return _factors[node]


def _found_factors(node: Node) -> frozenset[str] | None:
    names: set[str] = set(SUMS)
    nodes = [node]
    for count, top in enumerate(nodes):  # grows
        names.add(top.op.name)
        if count > MOST_NODES or (top.op.spelled_out is not None and top.op.name != "square"):
            return None
        if top.op.name in PRODUCTS or not _is_opaque(top):
            nodes.extend(top.args)
    return frozenset(names)


def _is_opaque(node: Node) -> bool:
    """Whether a node is only what its op says: no sign, abbreviation or move above another op."""
    return bool(node.op.elementwise) and node.op.name not in ("cast", "negative") and node.op.spelled_out is None


def _match_product(pattern: Application, node: Node, env: Bindings, beside: int = 0) -> Iterator[Match]:
    if not may_have_factors(node, _names_in_product(pattern)):
        return
    wanted = _parts_of_term(pattern, PRODUCTS)
    for view in views(node, PRODUCTS, len(wanted.parts) + beside):
        if len(view.parts) < len(wanted.parts) or (not beside and len(view.parts) > len(wanted.parts)):
            continue
        for parts in _signings(view, wanted, beside):
            yield from _match_parts(wanted.parts, parts, env, PRODUCTS)


def _signings(view: View, wanted: View, beside: int) -> Iterator[tuple[Part, ...]]:
    """The factors of a product with the signs put where a pattern may find them."""
    if view.sign == wanted.sign:
        found = [view.parts]
    elif beside:
        found = [(*view.parts, Part(1, full(-1, view.parts[0].value.type)))]
    else:
        found = [_negated_at(view.parts, (i,)) for i in range(len(view.parts))]
    yield from found
    for pair in _squares(view) if _squares(wanted) else ():
        yield from (_negated_at(parts, pair) for parts in found)


def _squares(view: View) -> tuple[tuple[int, int], ...]:
    """The pairs of equal factors, of which the sign does not matter."""
    same = combinations(enumerate(view.parts), 2)
    return tuple((i, j) for (i, a), (j, b) in same if a.sign == b.sign and a.value is b.value)


def _negated_at(parts: tuple[Part, ...], places: tuple[int, ...]) -> tuple[Part, ...]:
    return tuple(
        Part(part.sign, _signed(-1, part.value, SUMS)) if i in places else part for i, part in enumerate(parts)
    )


@lru_cache(maxsize=4096)
def _names_in_product(pattern: Application) -> frozenset[str]:
    """The ops of the structured factors of a pattern."""
    parts = _parts_of_term(pattern, PRODUCTS).parts
    return frozenset(part.value.op.name for part in parts if isinstance(part.value, Application))


def _match_parts(
    wanted: tuple[Part, ...], parts: tuple[Part, ...], env: Bindings, family: frozenset[str]
) -> Iterator[Match]:
    """Match each wanted part with another part: structured ones first, free variables last."""
    if not wanted:
        yield Match(env, parts)
        return
    wanted = tuple(sorted(wanted, key=lambda part: _freedom(part.value, env)))
    first, others = wanted[0], wanted[1:]
    for i, part in enumerate(parts):
        for found in _match_part(first, part, env, family):
            yield from _match_parts(others, parts[:i] + parts[i + 1 :], found, family)


def _match_part(wanted: Part, part: Part, env: Bindings, family: frozenset[str]) -> Iterator[Bindings]:
    sign = wanted.sign * part.sign
    if isinstance(wanted.value, Variable):
        if family is SUMS:
            yield from _bind(wanted.value, sign, part.value, env)
        else:
            yield from _bind(wanted.value, 1, _signed(sign, part.value, family), env)
    elif sign > 0:
        yield from match(wanted.value, part.value, env)
    elif family is SUMS and isinstance(wanted.value, int | float):
        yield from match(-wanted.value, part.value, env)


def _freedom(pattern: Any, env: Bindings) -> int:
    """How little a part of a pattern says: structures and numbers before variables."""
    if not isinstance(pattern, Variable):
        return 0 if isinstance(pattern, Application) else 1
    return 2 if pattern.label in env else 3


@lru_cache(maxsize=4096)
def _parts_of_term(term: Application, family: frozenset[str]) -> View:
    """All parts of a pattern."""
    *_, finest = _split_up(term, family, 8)
    return finest


def _split(view: View, i: int, family: frozenset[str]) -> View | None:
    """The view with part `i` replaced by its operands."""
    part = view.parts[i]
    if isinstance(part.value, Node):
        seen = see(part.value, family)
        if seen is None:
            return None
        name, args = seen.op.name, seen.args
    elif isinstance(part.value, Application) and part.value.op.name in family:
        name, args = part.value.op.name, part.value.args
    else:
        return None
    second = -part.sign if name in ("subtract", "divide") else part.sign
    new = (Part(part.sign, args[0]), Part(second, args[1]))
    split = View(view.sign, (*view.parts[:i], *new, *view.parts[i + 1 :]))
    return _normal(_normal(split, i + 1, family), i, family)


def _normal(view: View, i: int, family: frozenset[str]) -> View:
    """Part `i` without a minus sign before it; a factor of 1 or -1 goes."""
    sign, part = 1, view.parts[i]
    value = part.value
    while (argument := _negated(value)) is not None:
        sign, value = -sign, argument
    if family is SUMS:
        return View(view.sign, (*view.parts[:i], Part(sign * part.sign, value), *view.parts[i + 1 :]))
    if _is_number(-1.0, value):
        sign, value = -sign, 1.0
    kept = () if _is_number(1.0, value) else (Part(part.sign, value),)
    return View(view.sign * sign, (*view.parts[:i], *kept, *view.parts[i + 1 :]))


def _negated(x: Any) -> Any:
    """What `x` is the negative of, or None."""
    if isinstance(x, Node):
        seen = see(x, frozenset({"negative"}))
        return seen.args[0] if seen is not None else None
    return x.args[0] if isinstance(x, Application) and x.op.name == "negative" else None


def _signed(sign: int, value: Node, family: frozenset[str]) -> Node:
    """The value, or its negative (in sums) or reciprocal (in products)."""
    if sign > 0:
        return value
    if family is not SUMS:
        return 1 / value
    argument, number = _negated(value), uniform_value(value)
    if number is not None and value.dtype.is_float:
        return full(-number, value.type)
    return -value if argument is None else argument


# --- ops, variables, numbers ---


def _match_application(pattern: Application, node: Node, env: Bindings) -> Iterator[Bindings]:
    for with_attributes in _match_attributes(pattern, node, env):
        yield from _match_operands(pattern.args, node.args, with_attributes)
        if pattern.op.name in COMMUTATIVE:
            yield from _match_operands(pattern.args[::-1], node.args, with_attributes)


def _match_attributes(pattern: Application, node: Node, env: Bindings) -> Iterator[Bindings]:
    actual = node.op.attributes()
    for name, wanted in pattern.attributes.items():
        if not isinstance(wanted, Variable):
            if wanted != actual[name]:
                return
        elif wanted.label not in env:
            env = {**env, wanted.label: actual[name]}
        elif env[wanted.label] != actual[name]:
            return
    yield env


def _match_operands(patterns: tuple[Any, ...], nodes: tuple[Node, ...], env: Bindings) -> Iterator[Bindings]:
    if not patterns:
        yield env
        return
    for found in match(patterns[0], nodes[0], env):
        yield from _match_operands(patterns[1:], nodes[1:], found)


def _bind(variable: Variable, sign: int, value: Node, env: Bindings) -> Iterator[Bindings]:
    """Bind a variable to a signed value, if it is not bound to another one."""
    if variable.label not in env:
        yield {**env, variable.label: _signed(sign, value, SUMS)}
    elif _same_terms(_canonical(1, env[variable.label]), _canonical(sign, value)):
        yield env


def _same_terms(xs: list[tuple[int, Node]], ys: list[tuple[int, Node]]) -> bool:
    """Whether signed terms are the same nodes, which have to be alive for that: identities are used again."""
    if len(xs) == 1 == len(ys):
        return xs[0][0] == ys[0][0] and xs[0][1] is ys[0][1]
    return sorted((sign, id(x)) for sign, x in xs) == sorted((sign, id(y)) for sign, y in ys)


def _canonical(sign: int, x: Node) -> list[tuple[int, Node]]:
    """Signed terms: the same for `-(a - b)` and `b - a`, `-(2 * a)` and `-2 * a`."""
    sign, x = _without_sign(sign, x)
    if x.op.name not in ("add", "subtract"):
        return [(sign, x)]
    second = -sign if x.op.name == "subtract" else sign
    return [_without_sign(sign, x.args[0]), _without_sign(second, x.args[1])]


def _without_sign(sign: int, x: Node) -> tuple[int, Node]:
    while (argument := _negated(x)) is not None:
        sign, x = -sign, argument
    if x.op.name in ("multiply", "divide"):
        for i, arg in enumerate(x.args):
            number, positive = uniform_value(arg), _negated(arg)
            if number is not None and number < 0:
                positive = full(-number, arg.type)
            if positive is not None:
                return _without_sign(-sign, make(x.op, *x.args[:i], positive, *x.args[i + 1 :]))
    return sign, x


def _is_number(wanted: Any, node: Any) -> bool:
    if not isinstance(node, Node):
        return isinstance(node, int | float) and node == wanted
    value = uniform_value(node)
    if value is None or node.dtype.kind == "b":
        return False
    return bool(np.asarray(wanted).astype(node.dtype.numpy) == value)


# --- moves ---


def _commutes(node: Node) -> bool:
    """Whether elementwise ops may as well come after a node: it moves elements, or makes them wider."""
    if node.op.name != "cast":
        return node.op.moves
    narrow, wide = node.args[0].dtype, node.dtype
    return narrow.is_float and wide.is_float and narrow.bits < wide.bits


def _below(moves: list[Node], node: Node) -> Node | None:
    """An elementwise op with moves on its operands instead of on its result."""
    if not node.op.elementwise:
        return None
    if any(move.op.name == "cast" for move in moves) and any(arg.dtype is not node.dtype for arg in node.args):
        return None
    args = node.args
    for move in reversed(moves):
        args = tuple(_moved(move, arg) for arg in args)
    return make(node.op, *args)


def _moved(move: Node, x: Node) -> Node:
    number = uniform_value(x)
    if number is None:
        return make(move.op, x, *move.args[1:])
    return full(number, move.op.infer(x.type, *(arg.type for arg in move.args[1:])))
