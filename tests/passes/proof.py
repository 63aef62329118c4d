"""Proofs of rewrites by SymPy: symbols for elements, small concrete extents for reductions.

A rule is proved where its left side is a real number: for all reals, or for a part of them if the left side is not
defined elsewhere. Where the right side chooses between forms, each sign of the variables is a case of its own, and
each form must be equal to the left side, whatever the condition. Of a rewriter what it makes of examples is proved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import sympy

from graphc.errors import GraphcError
from graphc.interpret import evaluate_nodes
from graphc.ir.node import Node, topological
from graphc.ir.rewrite import Firing
from graphc.ir.rule import Rewrite, Rule
from graphc.ops.base import LibraryOp
from tests.passes.rule_samples import EXAMPLES, attributes, cases, firings, graph_of, instances, sides

EXTENTS = (1, 2, 3, 4)
MOST_SYMBOLS, MOST_PAIRS = 40, 12
OUTSIDE = {
    "nonzero": [0.0],
    "positive": [-0.5, -3.0],
    "above -1": [-1.5, -3.0],
    "unit": [-0.5, 1.5, -3.0],
    "between -1 and 1": [-1.5, 1.5, 3.0],
}
SIGNS = ("positive", "negative", "zero")


def prove(rewrite: Rewrite) -> str:
    """What SymPy finds: "proved", "proved for n=1..4", "proved on examples", or "" for nothing."""
    if not isinstance(rewrite, Rule):
        found = [_equal_everywhere(*pair) for pair in _pairs(rewrite)]
        return "proved on examples" if found and all(found) else ""
    if "axis" not in attributes(rewrite):
        return "proved" if _rule_is_proved(*sides(rewrite, "float64", rows=1)) else ""
    proved = all(_rule_is_proved(*sides(rewrite, "float64", rows=1, row=n)) for n in EXTENTS)
    return f"proved for n={EXTENTS[0]}..{EXTENTS[-1]}" if proved else ""


def _rule_is_proved(inputs: dict[str, Node], before: Node, after: Node) -> bool:
    nodes = list(inputs.values())
    if all(not node.dtype.is_float for node in (before, *nodes)):
        return _same_truth(nodes, before, after)
    if _equal_everywhere(before, after):
        return True
    for domain in OUTSIDE:
        if _undefined_outside(domain, nodes, before) and _equal_in([domain] * len(nodes), nodes, before, after):
            return True
    if len(nodes) > 2 or any(node.ndim > 1 for node in nodes):
        return False
    return all(_equal_in(signs, nodes, before, after, undefined=True) for signs in product(SIGNS, repeat=len(nodes)))


def _pairs(rewrite: Rewrite) -> Iterator[tuple[Node, Node]]:
    """What a rewriter makes of its examples, or of the smallest cases of `tests/ir`."""
    if rewrite.name in EXAMPLES:
        for instance in instances(rewrite, "float64", rows=1, row=2):
            yield instance.before, instance.after
        return
    found = sorted(_in_cases().get(rewrite.name, []), key=lambda firing: len(topological([firing.before])))
    for firing in found[:MOST_PAIRS]:
        yield firing.before, firing.after


@cache
def _in_cases() -> dict[str, list[Firing]]:
    """What each rewrite does in the cases of `tests/ir`, the small ones."""
    found: dict[str, list[Firing]] = {}
    for text in cases():
        with suppress(GraphcError):
            for firing in firings(text, "canonicalize,simplify,stabilize"):
                library = any(isinstance(node.op, LibraryOp) for node in topological([firing.before]))
                if not library and _count(firing.before) <= MOST_SYMBOLS:
                    found.setdefault(firing.rule.name, []).append(firing)
    return found


def _count(node: Node) -> int:
    return sum(int(np.prod(_shape(leaf))) for leaf in graph_of(node).inputs)


def _shape(node: Node) -> tuple[int, ...]:
    """The extents of an input, with 2 for what is named."""
    return node.type.concrete_shape({str(symbol): 2 for symbol in node.type.symbols})


def _equal_everywhere(before: Node, after: Node) -> bool:
    nodes = list(graph_of(before, after).inputs)
    return _equal_in(["real"] * len(nodes), nodes, before, after)


def _equal_in(domains: Iterable[str], nodes: list[Node], before: Node, after: Node, undefined: bool = False) -> bool:
    """Whether both sides are equal for symbols of some domains; where the left side is no number, if `undefined`."""
    bindings = {node: _symbols(node, domain) for node, domain in zip(nodes, domains, strict=True)}
    try:
        left, right = (_formula(side, bindings) for side in (before, after))
    except (NotImplementedError, ZeroDivisionError, TypeError, KeyError, ValueError):
        return False
    return all(_same(a, b, undefined) for a, b in zip(left.ravel(), right.ravel(), strict=True))


def _same(a: Any, b: Any, undefined: bool) -> bool:
    if undefined and (a in (sympy.nan, sympy.zoo, sympy.oo, -sympy.oo) or a.is_real is False):
        return True  # no number: special values are tables of their own
    return _zero(a, b) or all(_zero(a, form) for form in _forms(b))


def _forms(formula: Any) -> list[Any]:
    """The forms between which a formula chooses, NaN apart, which stands where the left side is no number."""
    if not getattr(formula, "has", lambda _: False)(sympy.Piecewise):
        return [formula]
    folded = sympy.piecewise_fold(formula)
    forms = [form for form, _ in getattr(folded, "args", ()) if isinstance(folded, sympy.Piecewise)]
    return [form for form in forms if form is not sympy.nan] or [sympy.nan]


def _formula(side: Node, bindings: Mapping[Node, Any]) -> Any:
    (value,) = evaluate_nodes([side], bindings, reader="sympy")
    return value


def _symbols(node: Node, domain: str) -> Any:
    shape, label = _shape(node), getattr(node.op, "label", "x")
    array = np.empty(shape, object)
    for index in np.ndindex(*shape):
        array[index] = _symbol("_".join([label, *map(str, index)]), node, domain)
    return array


def _symbol(name: str, node: Node, domain: str) -> Any:
    if not node.dtype.is_float:
        return sympy.Symbol(name, integer=True)
    if domain in ("real", "nonzero"):
        return sympy.Symbol(name, real=True, nonzero=True if domain == "nonzero" else None)
    positive = sympy.Symbol(name, positive=True)
    return {
        "positive": positive,
        "negative": -positive,
        "zero": sympy.Integer(0),
        "above -1": positive - 1,
        "unit": 1 / (1 + positive),
        "between -1 and 1": (1 - positive) / (1 + positive),
    }[domain]


def _zero(a: Any, b: Any) -> bool:
    """Whether two formulas are equal: as they are, or their exponentials, of which exp is injective."""
    if a == b:
        return True
    if any(isinstance(x, bool) or x.is_Boolean or x.is_Relational for x in (a, b)):
        a, b = (getattr(x, "canonical", x) for x in (a, b))
        return bool(a == b or sympy.simplify_logic(sympy.Equivalent(a, b)) == sympy.true)
    return any(_vanishes(attempt, a, b) for attempt in ATTEMPTS)


def _vanishes(attempt: Callable[[Any, Any], Any], a: Any, b: Any) -> bool:
    try:
        return bool(sympy.simplify(attempt(a, b)) == 0)
    except (TypeError, ValueError, NotImplementedError, RecursionError, ZeroDivisionError, IndexError):
        return False  # SymPy raises any of these where a formula is beyond it: this attempt proves nothing


ATTEMPTS: tuple[Callable[[Any, Any], Any], ...] = (
    lambda a, b: a - b,
    lambda a, b: sympy.expand_log(a - b, force=False),
    lambda a, b: sympy.exp(sympy.expand(a)) - sympy.exp(sympy.expand(b)),
    lambda a, b: (a - b).rewrite(sympy.exp),
    lambda a, b: (a - b).rewrite(sympy.erf),
    lambda a, b: sympy.exp(a).rewrite(sympy.exp) / sympy.exp(b).rewrite(sympy.exp) - 1,
    lambda a, b: sympy.radsimp(a - b),
    lambda a, b: sympy.expand_func(sympy.exp(sympy.expand(a - b))) - 1,
    lambda a, b: sympy.expand_trig(a - b),
)


def _undefined_outside(domain: str, nodes: list[Node], before: Node) -> bool:
    """Whether the left side is NaN if any variable leaves the domain."""
    floats = [node for node in nodes if node.dtype.is_float]
    for node, value in product(floats, OUTSIDE[domain]):
        bindings = {other: np.full(other.shape, 0.5 if other.dtype.is_float else True) for other in nodes}
        bindings[node] = np.full(node.shape, value)
        with np.errstate(all="ignore"):
            (result,) = evaluate_nodes([before], bindings)
        if not np.isnan(result).all():
            return False
    return True


def _same_truth(nodes: list[Node], before: Node, after: Node) -> bool:
    """All assignments of truth values, one after the other."""
    for values in product((False, True), repeat=len(nodes)):
        bindings = {node: np.full(node.shape, value) for node, value in zip(nodes, values, strict=True)}
        left, right = evaluate_nodes([before, after], bindings)
        if not (left == right).all():
            return False
    return True
