"""Algebra over the real numbers: what cancels or vanishes does, also where floats would give NaN or round.

Facts license a few of these rules in every semantics: what is known to be finite less itself is 0, bit for bit.
"""

from __future__ import annotations

from graphc.interpret.ranges import is_finite, is_nonzero
from graphc.ir.leaf import full, uniform_value
from graphc.ir.node import Node
from graphc.ir.pattern import SUMS, Part, View, views
from graphc.ir.rule import RuleSet
from graphc.ops.elementwise import Add, Divide, Multiply, Subtract
from graphc.passes.rules.combinations import signed_sum

ALGEBRA = RuleSet("algebra")
SPECIAL_VALUES = "tested: right but for infinities, NaN and the sign of 0"
MOST_TERMS = 4


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
        kept = _without_opposites(view)
        if len(kept) < len(view.parts):
            return signed_sum([(part.sign, part.value) for part in kept]) if kept else full(0, node.type)
    return None


def _without_opposites(view: View) -> list[Part]:
    kept: list[Part] = []
    for part in view.parts:
        opposite = next((k for k in kept if k.value is part.value and k.sign != part.sign), None)
        if opposite is not None:
            kept = [k for k in kept if k is not opposite]
        elif uniform_value(part.value) != 0:
            kept.append(part)
    return kept


@ALGEBRA.rewriter(Multiply, Divide, kind="real", reference="S75", proof=SPECIAL_VALUES)
def factors_that_vanish(node: Node) -> Node | None:
    """x * 0 and 0 / x are 0, x / x is 1, (x * y) / y is x."""
    x, y = node.args
    if not node.dtype.is_float:
        return None
    zeros = [uniform_value(arg) == 0 for arg in node.args]
    if zeros[0] or (zeros[1] and isinstance(node.op, Multiply)):
        return full(0, node.type)
    if isinstance(node.op, Multiply):
        return None
    if x is y:
        return full(1, node.type)
    if isinstance(x.op, Multiply) and any(arg is y for arg in x.args):
        return x.args[1] if x.args[0] is y else x.args[0]
    return None
