"""The likeliest class: functions that keep an order need not be calculated for it."""

from __future__ import annotations

from graphc.ir.node import Node, make
from graphc.ir.rule import RuleSet
from graphc.ops.elementwise import Exp, Sigmoid
from graphc.ops.logic import isnan, where
from graphc.ops.reduction import Argmax, Argmin, LogSoftmax, Softmax, max

DECISIONS = RuleSet("decisions")


@DECISIONS.rewriter(Argmax, Argmin, kind="stabilizing", reference="S71", proof="tested: it is about an order")
def place_of_extreme_probability(node: Node) -> Node | None:
    """argmax(softmax(x)) is argmax(x): different logits may round to one probability, and underflow to 0."""
    (inner,), axis = node.args, node.op.attributes()["axis"]
    match inner.op:
        case Softmax(axis=rows) | LogSoftmax(axis=rows) if rows == (axis,):
            (x,) = inner.args  # a NaN makes all of its row NaN, of which the first one counts
            return where(isnan(max(x, axis)), 0, make(node.op, x))
        case Exp() | Sigmoid():
            return make(node.op, *inner.args)
        case _:
            return None
