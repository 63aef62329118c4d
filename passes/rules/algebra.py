"""Algebra over the real numbers: what cancels or vanishes does, also where floats would give NaN or round.

Facts license a few of these rules in every semantics: what is known to be finite less itself is 0, bit for bit.
"""

from __future__ import annotations

from graphc.interpret.ranges import is_finite, is_nonzero
from graphc.ir.leaf import full, uniform_value
from graphc.ir.node import Node
from graphc.ir.pattern import PRODUCTS, SUMS, Part, View, product, views
from graphc.ir.rule import RuleSet
from graphc.ops.elementwise import Add, Divide, Multiply, Subtract, sin
from graphc.passes.rules.combinations import signed_sum
from graphc.passes.rules.quotients import sin_by_argument

ALGEBRA = RuleSet("algebra")
SPECIAL_VALUES = "tested: right but for infinities, NaN and the sign of 0"
MOST_TERMS = 4
MOST_FACTORS = 3


@ALGEBRA.rewriter(Subtract, kind="exact", reference="S75")
def finite_less_itself(node: Node) -> Node | None:
    """x - x is 0 where x is known to be finite."""
    x, y = node.args
    return full(0, node.type) if x is y and node.dtype.is_float and is_finite(x) else None


@ALGEBRA.rewriter(Divide, kind="exact", reference="S75")
def finite_over_itself(node: Node) -> Node | None:
    """x / x is 1 where x is known to be finite and not 0."""
    x, y = node.args
    known = x is y and node.dtype.is_float and is_finite(x) and is_nonzero(x, computed=True)
    return full(1, node.type) if known else None


@ALGEBRA.rewriter(Add, Subtract, kind="real", reference="S74", proof=SPECIAL_VALUES)
def terms_that_cancel(node: Node) -> Node | None:
    """(a + b) - a is b, and x + 0 is x."""
    if not node.dtype.is_float:
        return None
    for view in views(node, SUMS, MOST_TERMS):
        kept = [part for part in _without_opposites(view) if uniform_value(part.value) != 0]
        if len(kept) < len(view.parts):
            return signed_sum([(part.sign, part.value) for part in kept]) if kept else full(0, node.type)
    return None


@ALGEBRA.rewriter(Multiply, Divide, kind="real", reference="S75", proof=SPECIAL_VALUES)
def factors_that_cancel(node: Node) -> Node | None:
    """x * 0 and 0 / x are 0, x / x is 1, (x * y) / y is x."""
    if not node.dtype.is_float:
        return None
    for view in views(node, PRODUCTS, MOST_FACTORS):
        if any(part.sign > 0 and uniform_value(part.value) == 0 for part in view.parts):
            return full(0, node.type)
        kept = _without_opposites(view)
        if len(kept) < len(view.parts):
            value = product(kept) if kept else full(1, node.type)
            return value if view.sign > 0 else -value
    return None


@ALGEBRA.rule("real", "S36", factors=True, proof="tested: 0 / 0 is no number before")
def limit_of_sin_over_argument(x):
    """sin(x) / x is 1 at 0, its limit."""
    return sin(x) / x, sin_by_argument(x)


def _without_opposites(view: View) -> list[Part]:
    """The terms or factors without those that undo each other."""
    kept: list[Part] = []
    for part in view.parts:
        opposite = next((k for k in kept if k.value is part.value and k.sign != part.sign), None)
        if opposite is None:
            kept.append(part)
        else:
            kept = [k for k in kept if k is not opposite]
    return kept
