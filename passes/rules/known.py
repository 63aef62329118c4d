"""What ranges decide: comparisons that always come out the same, bounds that are never met, rounding of integers."""

from __future__ import annotations

from graphc.interpret.ranges import is_at_least, is_at_most, is_positive, is_whole, range_of
from graphc.ir.leaf import full
from graphc.ir.node import Node
from graphc.ir.rule import RuleSet
from graphc.ops.elementwise import Abs, Ceil, Floor, Maximum, Minimum, Round, Trunc
from graphc.ops.logic import Comparison

KNOWN = RuleSet("known")


@KNOWN.rewriter(Comparison, kind="exact", proof="tested: by the ranges of values")
def decided_comparison(node: Node) -> Node | None:
    """The ranges of both sides leave one answer."""
    found = range_of(node)
    return full(found.low > 0, node.type) if found.known else None


@KNOWN.rewriter(Floor, Ceil, Trunc, Round, kind="exact")
def rounded_integers(node: Node) -> Node | None:
    """Rounding changes no integers, infinities or NaN."""
    (x,) = node.args
    return x if x.dtype.is_float and is_whole(x) else None


@KNOWN.rewriter(Abs, kind="exact", proof="tested: by the ranges of values")
def abs_of_known_sign(node: Node) -> Node | None:
    """x or -x, where x is never 0: the zeros have signs."""
    (x,) = node.args
    if x.dtype.kind not in "if":
        return None
    if is_positive(x, computed=True):
        return x
    return -x if range_of(x).high < 0 and not range_of(x).may_be_nan else None


@KNOWN.rewriter(Maximum, Minimum, kind="exact", proof="tested: by the ranges of values")
def bound_never_met(node: Node) -> Node | None:
    """The larger of x and a bound below its range is x. Zeros are left alone, since they have signs."""
    reaches = is_at_least if isinstance(node.op, Maximum) else is_at_most
    for x, bound in (node.args, node.args[::-1]):
        limits = range_of(bound)
        end = limits.high if isinstance(node.op, Maximum) else limits.low
        if (end != 0 or not node.dtype.is_float) and not limits.may_be_nan and reaches(x, end, computed=True):
            return x
    return None
