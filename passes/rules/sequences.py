"""Logarithms of running sums of exponentials, as in the likelihood of a Cox model or of a ranking.

The limits are those of `logcumsumexp`: -inf as long as all are -inf, inf from the first inf on.
"""

from __future__ import annotations

import math

from graphc.interpret.ranges import is_nonnegative
from graphc.ir.node import Node, make
from graphc.ir.rule import RuleSet
from graphc.ops.cumulative import CumulativeSum, LogCumulativeSumExp
from graphc.ops.elementwise import Log, log
from graphc.ops.logic import equal, where
from graphc.passes.rules.combinations import combination

SEQUENCES = RuleSet("sequences")


@SEQUENCES.rewriter(Log, kind="stabilizing", reference="S17")
def log_of_running_sum(node: Node) -> Node | None:
    """log(cumsum(w * exp(x))) is logcumsumexp(x + log(w)) for weights that are not negative: exp overflows."""
    running = node.args[0]
    if not isinstance(running.op, CumulativeSum):
        return None
    terms = combination(running.args[0])
    if terms is None or len(terms) > 1:
        return None
    weight, exponent = terms[0].weight, terms[0].exponent
    if weight is not None and not is_nonnegative(weight, computed=True):
        return None
    if weight is not None:
        exponent = where(equal(weight, 0), -math.inf, exponent + log(weight))
    return make(LogCumulativeSumExp(running.op.axis, running.op.reverse), exponent)
