"""Entropies of probabilities, some of which are 0: over the real numbers 0 * log(0) is its limit."""

from __future__ import annotations

from graphc.ir.node import Node
from graphc.ir.pattern import PRODUCTS, Part, product, see, views
from graphc.ir.rule import RuleSet
from graphc.ops.elementwise import Multiply
from graphc.ops.special.information import xlogy

ENTROPY = RuleSet("entropy")
MOST_FACTORS = 3


@ENTROPY.rewriter(Multiply, kind="real", reference="S44", proof="tested: 0 * log(0) is no number before")
def probability_times_its_logarithm(node: Node) -> Node | None:
    """p * log(p) and p * log(p / q) are 0 where p is, their limit; the product of 0 and -inf is NaN."""
    for view in views(node, PRODUCTS, MOST_FACTORS):
        for i, part in enumerate(view.parts):
            logarithm = see(part.value, frozenset({"log"})) if part.sign > 0 else None
            if logarithm is None:
                continue
            above = [p.value for q in views(logarithm.args[0], PRODUCTS, 2) for p in q.parts if p.sign > 0]
            for j, other in enumerate(view.parts):
                if other.sign > 0 and any(other.value is p for p in above):
                    rest = [p for k, p in enumerate(view.parts) if k not in (i, j)]
                    value = product([Part(1, xlogy(other.value, logarithm.args[0])), *rest])
                    return value if view.sign > 0 else -value
    return None
