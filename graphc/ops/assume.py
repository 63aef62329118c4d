"""Assumptions: what the user knows of values, said where it is known.

    x = gc.assume(x > 0)

An assumption is its operand, with a condition beside it that range analysis reads; it is gone before code is made.
"""

from __future__ import annotations

from typing import Any

from graphc.errors import GraphError
from graphc.ir.leaf import Constant, uniform_value
from graphc.ir.node import Node, describe, make, public
from graphc.ir.op import Cotangents
from graphc.ir.scalars import Scalars, Value
from graphc.ir.source import here, is_thrown_away
from graphc.ops.base import Elementwise, anything
from graphc.ops.conversion import Cast, Expand
from graphc.ops.elementwise import Ceil, Floor, Round, Trunc
from graphc.ops.logic import (
    Comparison,
    Equal,
    Isfinite,
    Isinf,
    Isnan,
    LogicalAnd,
    LogicalNot,
    NotEqual,
)
from graphc.ops.position import Extent
from graphc.types import bool_

_ROUNDING = (Floor, Ceil, Round, Trunc)
_CAN_BE_ASSUMED = (
    "comparisons of one node with numbers or sizes, several of them joined by &, x != 0, gc.isfinite(x), "
    "~gc.isnan(x), ~gc.isinf(x), x == gc.floor(x)"
)


class Assume(Elementwise):
    """x, of which a condition holds."""

    accepts, conditions, linear = anything, 1, True

    def scalar(self, s: Scalars, condition: Value, x: Value) -> Value:
        return x

    def vjp(self, g: Node, y: Node, condition: Node, x: Node) -> Cotangents:
        return None, g


@public
def assume(condition: Node) -> Node:
    """The node that a condition is about, known to fulfil it: `x = gc.assume(x > 0)`. Rules rely on that.

    A condition compares the node with numbers or sizes (`(x > 0) & (x <= n)`, `x != 0`), or says `gc.isfinite(x)`,
    `~gc.isnan(x)`, `x == gc.floor(x)`. It costs nothing and has the derivative 1. Where it does not hold of all
    elements, results may be anything; calls check it where GRAPHC_CHECK=1.

    Raises GraphError for another condition, and where the result is thrown away.
    """
    if is_thrown_away():
        raise GraphError("what is assumed is known of the result alone", help="write x = gc.assume(x > 0), and use x")
    if not isinstance(condition, Node) or condition.dtype is not bool_:
        shown = condition.type if isinstance(condition, Node) else repr(condition)[:80]
        raise GraphError(f"{shown} is no condition", help=f"these can be assumed: {_CAN_BE_ASSUMED}")
    parts, subjects = [condition], dict[Node, None]()
    for part in parts:  # grows
        if isinstance(part.op, LogicalAnd):
            parts.extend(part.args)
        else:
            subjects[_subject(part)] = None
    if len(subjects) > 1:
        raise GraphError("the conditions are about different nodes", details=map(describe, subjects), help="one each")
    (x,) = subjects
    if x.shape != condition.shape:
        raise GraphError("the condition has another shape than what it is about", details=[describe(x)])
    found = make(Assume(), condition, x)
    found.source = here()  # the last place counts: an equal one of another graph may still be alive
    return found


def beyond_assumptions(x: Any) -> Any:
    """What assumptions are made of: an input or a parameter, where users hand these on."""
    while isinstance(x, Node) and isinstance(x.op, Assume):
        x = x.args[1]
    return x


def _subject(condition: Node) -> Node:
    """What a condition without `and` is about."""
    inner, negated = condition, False
    while isinstance(inner.op, LogicalNot):
        inner, negated = inner.args[0], not negated
    op, args = inner.op, inner.args
    if isinstance(op, Isfinite) and not negated:
        return args[0]
    if isinstance(op, Isnan | Isinf) and negated:
        return args[0]
    if isinstance(op, Equal | NotEqual) and isinstance(op, NotEqual) == negated:
        for x, rounded in (args, args[::-1]):
            if isinstance(rounded.op, _ROUNDING) and rounded.args[0] is x:
                return x
    if isinstance(op, Comparison) and len(args) == 2:
        others = [x for x in args if not _is_number(x)]
        if any(number is not None and number != number for number in map(uniform_value, args)):
            raise GraphError("NaN bounds nothing", help="~gc.isnan(x) can be assumed")
        if len(others) == 1:
            return others[0]
    raise GraphError("the condition is none that can be assumed", help=f"these can be: {_CAN_BE_ASSUMED}")


def _is_number(x: Node) -> bool:
    """Whether a node is a constant or a size, repeated or not."""
    while isinstance(x.op, Expand | Cast):
        x = x.args[0]
    return isinstance(x.op, Constant | Extent)
