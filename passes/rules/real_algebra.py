"""Algebra over the real numbers, where a number is neither infinite nor NaN and rounding does not exist.

Each of these changes what IEEE arithmetic gives: `x - x` of an infinity, `0 * x` of NaN, `(a + b) - a` where a is so
large that b is lost in it. So they are for `semantics="real"` alone.
"""

from __future__ import annotations

from graphc.ir.leaf import full, uniform_value
from graphc.ir.node import Node
from graphc.ir.pattern import PRODUCTS, SUMS, Part, product, views
from graphc.ir.rule import RuleSet
from graphc.ops.elementwise import Add, Divide, Multiply, Subtract, sin
from graphc.passes.rules.combinations import signed_sum
from graphc.passes.rules.quotients import sin_by_argument

REAL_ALGEBRA = RuleSet("real_algebra")
MOST_PARTS = 3
ROUNDING = "tested: infinities and rounding are left out"


@REAL_ALGEBRA.rewriter(Add, Subtract, kind="real", reference="S74", proof=ROUNDING)
def terms_that_cancel(node: Node) -> Node | None:
    """x - x is 0, (a + b) - a is b, and what 0 is added to stays as it is."""
    if not node.dtype.is_float:
        return None
    for view in views(node, SUMS, MOST_PARTS):
        parts = [part for part in view.parts if uniform_value(part.value) != 0]
        kept = _without_pair(parts)
        if len(kept) < len(view.parts):
            return signed_sum([(part.sign, part.value) for part in kept]) if kept else full(0, node.type)
    return None


@REAL_ALGEBRA.rewriter(Multiply, Divide, kind="real", reference="S75", proof=ROUNDING)
def factors_that_cancel(node: Node) -> Node | None:
    """x / x is 1, (a * b) / a is b, and 0 times anything is 0."""
    if not node.dtype.is_float:
        return None
    for view in views(node, PRODUCTS, MOST_PARTS):
        if any(part.sign > 0 and uniform_value(part.value) == 0 for part in view.parts):
            return full(0, node.type)
        kept = _without_pair(list(view.parts))
        if len(kept) < len(view.parts):
            value = product(kept) if kept else full(1, node.type)
            return value if view.sign > 0 else -value
    return None


@REAL_ALGEBRA.rule("real", "S36", factors=True, proof="tested: 0 / 0 is no number before")
def limit_of_sin_over_argument(x):
    """sin(x) / x is 1 at 0, its limit."""
    return sin(x) / x, sin_by_argument(x)


def _without_pair(parts: list[Part]) -> list[Part]:
    """The terms or factors without two that undo each other, if there are such."""
    for i, part in enumerate(parts):
        for j, other in enumerate(parts[:i]):
            if part.value is other.value and part.sign != other.sign and isinstance(part.value, Node):
                return [each for k, each in enumerate(parts) if k not in (i, j)]
    return parts
