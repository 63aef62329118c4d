"""Divergences of distributions in closed form: sums of which all terms but the distance of the means nearly cancel.

exp(x) - 1 - x and x - 1 - log(x) are never negative, and small where two distributions are close. Other terms may
stand beside them if they are not negative either, so that what is added does not cancel in turn.
"""

from __future__ import annotations

import math

from graphc.interpret.ranges import is_nonnegative
from graphc.ir.leaf import uniform_value
from graphc.ir.node import Node
from graphc.ir.pattern import PRODUCTS, SUMS, Part, see, views
from graphc.ir.rule import RuleSet
from graphc.ops.elementwise import Add, Exp, Expm1, Log, Subtract, abs, log, square
from graphc.ops.logic import logical_and, where
from graphc.ops.special.information import kl_div
from graphc.ops.special.remainder import taylor_remainder
from graphc.passes.rules.combinations import signed_sum

DIVERGENCES = RuleSet("divergences")
MOST_TERMS = 5


@DIVERGENCES.rewriter(
    Add, Subtract, kind="stabilizing", reference="S72", proof="tested: none of the terms that remain is negative"
)
def excess_of_exp_or_over_log(node: Node) -> Node | None:
    """exp(x) - 1 - x + …, the divergence of two normal distributions by log-variances; and x - 1 - log(x) + …"""
    for view in views(node, SUMS, MOST_TERMS):
        if len(view.parts) < 3 and not any(isinstance(part.value.op, Expm1) for part in view.parts):
            continue
        for part in view.parts:
            found = _excess_of_exp(part, view.parts)
            found = _excess_over_log(part, view.parts) if found is None else found
            if found is None:
                continue
            sign, excess, used = found
            rest = [other for other in view.parts if not any(other is u for u in used)]
            if rest and all(other.sign == sign and is_nonnegative(other.value) for other in rest):
                total = signed_sum([(1, excess), *((1, other.value) for other in rest)])
                return total if sign > 0 else -total
            if not rest and isinstance(part.value.op, Log):
                return excess if sign > 0 else -excess
    return None


Found = tuple[int, Node, list[Part]]


def _excess_of_exp(part: Part, parts: tuple[Part, ...]) -> Found | None:
    """The sign, exp(x) - 1 - x, and the terms that make it."""
    if not isinstance(part.value.op, Exp | Expm1):
        return None
    x = part.value.args[0]
    used = [part, *(other for other in parts if other.sign == -part.sign and other.value is x)][:2]
    if isinstance(part.value.op, Exp):
        used += [other for other in parts if _is_one(other, -part.sign)][:1]
    if len(used) < (3 if isinstance(part.value.op, Exp) else 2):
        return None
    return part.sign, taylor_remainder(x, function="exp", terms=2), used


def _excess_over_log(part: Part, parts: tuple[Part, ...]) -> Found | None:
    """The sign, x - 1 - log(x), and the terms that make it. log(x**2) may have become 2 * log(abs(x))."""
    x = _argument(part.value)
    if x is None:
        return None
    used = [part, *(other for other in parts if other.sign == -part.sign and other.value is x)][:2]
    used += [other for other in parts if _is_one(other, part.sign)][:1]
    if len(used) < 3:
        return None
    near = abs(x - 1) < 0.5
    small = -taylor_remainder(where(near, x - 1, 0), function="log1p", terms=2)
    large = (x - 1) - (log(where(near, 1, x)) if isinstance(part.value.op, Log) else part.value)
    return -part.sign, where(near, small, large), used


def _argument(logarithm: Node) -> Node | None:
    """What a node is the logarithm of."""
    if isinstance(logarithm.op, Log):
        return logarithm.args[0]
    for view in views(logarithm, PRODUCTS, 2) if see(logarithm, PRODUCTS) is not None else ():
        if len(view.parts) != 2 or view.sign < 0:
            continue
        for number, inner in (view.parts, view.parts[::-1]):
            size = inner.value.args[0] if isinstance(inner.value.op, Log) and inner.sign > 0 else None
            if size is not None and number.sign > 0 and uniform_value(number.value) == 2:
                return square(size.args[0] if size.op.name == "abs" else size)
    return None


def _is_one(part: Part, sign: int) -> bool:
    number = uniform_value(part.value)
    return number is not None and number * part.sign == sign


@DIVERGENCES.rule("stabilizing", "S72", when=lambda d: is_nonnegative(d), proof="tested: the cases of near and far")
def divergence_of_normals(a, b, d):
    """log(b / a) + (a**2 + d) / (2 * b**2) - 1/2 cancels where the deviations are close."""
    excess = (a - b) / b * ((a + b) / b)
    near = abs(excess) < 0.5
    small = -0.5 * taylor_remainder(where(near, excess, 0), function="log1p", terms=2)
    own = where(near, small, log(where(near, 1, b / a)) + where(near, 0, a * a / (2 * (b * b)) - 0.5))
    return log(b / a) + (a * a + d) / (2 * (b * b)) - 0.5, own + d / (2 * (b * b))


@DIVERGENCES.rule("stabilizing", "S72", when=lambda d: is_nonnegative(d), proof="tested: the cases of near and far")
def divergence_of_normals_by_logs(a, b, d):
    """log(b) - log(a) + (a**2 + d) / (2 * b**2) - 1/2 cancels where the deviations are close."""
    excess = (a - b) / b * ((a + b) / b)
    near = logical_and(abs(excess) < 0.5, logical_and(a > 0, b > 0))
    small = -0.5 * taylor_remainder(where(near, excess, 0), function="log1p", terms=2)
    own = where(near, small, where(near, 0, log(b) - log(a) + a * a / (2 * (b * b)) - 0.5))
    return log(b) - log(a) + (a * a + d) / (2 * (b * b)) - 0.5, own + d / (2 * (b * b))


@DIVERGENCES.rule("stabilizing", "S72", proof="tested: SymPy does not know the function")
def divergence_of_counts(x, y):
    """x * log(x / y) - x + y, the divergence of Poisson distributions, cancels near x = y. NaN at 0, as before."""
    above, below = kl_div(x, y), -kl_div(-x, -y)
    value = where(logical_and(x > 0, y >= 0), above, where(logical_and(x < 0, y <= 0), below, math.nan))
    return x * log(x / y) - x + y, value
