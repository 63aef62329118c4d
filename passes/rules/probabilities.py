"""Logarithms of probabilities of classes: of the other classes, and to the bases 2 and 10."""

from __future__ import annotations

import math

from graphc.interpret.ranges import is_nonnegative
from graphc.ir.node import Node
from graphc.ir.pattern import PRODUCTS, views
from graphc.ir.rule import RuleSet, attribute
from graphc.ops.conversion import expand, sum
from graphc.ops.elementwise import Log1p, Log2, Log10, expm1, log, log1p, sigmoid, softplus
from graphc.ops.log_domain import LogProd
from graphc.ops.logic import logical_not, where
from graphc.ops.reduction import Softmax, log_softmax, logsumexp, prod, softmax
from graphc.passes.rules.combinations import moved_by, without_moves
from graphc.passes.rules.moved import LOGARITHMIC, MOVED

PROBABILITIES = RuleSet("probabilities")
NATURAL = LOGARITHMIC + MOVED
LIKELY = 0.75
"""At most one class is likelier; below, log1p(-p) magnifies the error of p by 3 at most."""


@PROBABILITIES.rewriter(
    Log2, Log10, kind="stabilizing", reference="S4", proof="tested: the factor is a float near 1 / log(2)"
)
def other_bases(node: Node) -> Node | None:
    """log2(x) is log(x) / log(2) where x is better not calculated, as in an entropy in bits."""
    fired = NATURAL.fire(log(node.args[0]))
    return None if fired is None else fired[1] * (1 / math.log(2 if isinstance(node.op, Log2) else 10))


@PROBABILITIES.rewriter(
    LogProd, kind="stabilizing", reference="S14", proof="tested: SymPy keeps the logarithm of absolute values"
)
def log_of_known_factors(node: Node) -> Node | None:
    """log(prod(x)) is a sum of logarithms where x is better not calculated: the factors 1 + exp(x) overflow."""
    (x,) = node.args
    fired = NATURAL.fire(log(x)) if is_nonnegative(x) else None  # two negative factors make a positive product
    return None if fired is None else sum(fired[1], node.op.attributes()["axis"])


@PROBABILITIES.rewriter(Log1p, kind="stabilizing", reference="S4", proof="tested: the cases of likely and unlikely")
def log_of_other_classes(node: Node) -> Node | None:
    """log(1 - softmax(x)) is the share of all other classes, which rounds to 0 where one class is certain."""
    sign, argument = _signed(node.args[0])
    inner, moves = without_moves(argument)
    if sign > 0 or not isinstance(inner.op, Softmax):
        return None
    (x,), axis = inner.args, inner.op.axis
    share = softmax(x, axis)
    unlikely = logical_not(share >= LIKELY)  # NaN too, which stays in its logarithm
    others = logsumexp(where(unlikely, log_softmax(x, axis), -math.inf), axis)
    result = where(unlikely, log1p(-where(unlikely, share, 0)), expand(others, axis, like=x))
    return moved_by(moves, result)


def _signed(x: Node) -> tuple[int, Node]:
    view = views(x, PRODUCTS, 1)[0]
    return (view.sign, view.parts[0].value) if view.parts else (1, x)  # a product of signs has no parts


@PROBABILITIES.rule("stabilizing", "S14", proof="proved for n=1..4")
def any_of_many(x, axis: attribute):
    """1 less the chance of none, as in a noisy or: cancels where all chances are small."""
    return 1 - prod(sigmoid(x), axis), -expm1(-sum(softplus(-x), axis))
