"""Proofs of rules by SymPy: symbols for elements, small concrete extents for reductions.

A rule is proved where its left side is a real number: for all reals, or for positive numbers or the unit interval
if the left side is not defined elsewhere.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import sympy

from graphc.interpret import evaluate_nodes
from graphc.ir.node import Node
from graphc.ir.rule import Rule
from tests.passes.rule_samples import sides

OUTSIDE = {"positive": [-0.5, -3.0], "above -1": [-1.5, -3.0], "unit": [-0.5, 1.5, -3.0]}


def prove(rule: Rule) -> bool:
    """Whether SymPy finds both sides equal."""
    inputs, before, after = sides(rule, "float64", rows=1)
    if all(not node.dtype.is_float for node in (before, *inputs.values())):
        return _same_truth(inputs, before, after)
    return any(
        (domain == "real" or _undefined_outside(domain, inputs, before))
        and _equal(*(_formula(side, inputs, domain) for side in (before, after)))
        for domain in ("real", *OUTSIDE)
    )


def _formula(side: Node, inputs: dict[str, Node], domain: str) -> Any:
    bindings = {}
    for name, node in inputs.items():
        array = np.empty(node.shape, object)
        for index in np.ndindex(*node.shape):
            array[index] = _symbol("_".join([name, *map(str, index)]), node, domain)
        bindings[node] = array
    (value,) = evaluate_nodes([side], bindings, reader="sympy")
    return value


def _symbol(name: str, node: Node, domain: str) -> Any:
    if not node.dtype.is_float:
        return sympy.Symbol(name, integer=True)
    if domain == "real":
        return sympy.Symbol(name, real=True)
    positive = sympy.Symbol(name, positive=True)
    return {"positive": positive, "above -1": positive - 1, "unit": 1 / (1 + positive)}[domain]


def _equal(left: Any, right: Any) -> bool:
    return all(_zero(a, b) for a, b in zip(left.ravel(), right.ravel(), strict=True))


def _zero(a: Any, b: Any) -> bool:
    """Whether two formulas are equal: as they are, or their exponentials, of which exp is injective."""
    if a == b:
        return True
    attempts = (
        lambda: a - b,
        lambda: sympy.expand_log(a - b, force=False),
        lambda: sympy.exp(sympy.expand(a)) - sympy.exp(sympy.expand(b)),
        lambda: (a - b).rewrite(sympy.exp),
        lambda: (a - b).rewrite(sympy.erf),
        lambda: sympy.exp(a).rewrite(sympy.exp) / sympy.exp(b).rewrite(sympy.exp) - 1,
    )
    return any(sympy.simplify(attempt()) == 0 for attempt in attempts)


def _undefined_outside(domain: str, inputs: dict[str, Node], before: Node) -> bool:
    """Whether the left side is NaN if any variable leaves the domain."""
    floats = [node for node in inputs.values() if node.dtype.is_float]
    for node, value in product(floats, OUTSIDE[domain]):
        bindings = {other: np.full(other.shape, 0.5 if other.dtype.is_float else True) for other in inputs.values()}
        bindings[node] = np.full(node.shape, value)
        with np.errstate(all="ignore"):
            (result,) = evaluate_nodes([before], bindings)
        if not np.isnan(result).all():
            return False
    return True


def _same_truth(inputs: dict[str, Node], before: Node, after: Node) -> bool:
    """All assignments of truth values, one after the other."""
    for values in product((False, True), repeat=len(inputs)):
        bindings = {node: np.full(node.shape, value) for node, value in zip(inputs.values(), values, strict=True)}
        left, right = evaluate_nodes([before, after], bindings)
        if not (left == right).all():
            return False
    return True
