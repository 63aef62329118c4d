"""Divergences of distributions in closed form: sums of which all terms but the distance of the means nearly cancel.

exp(x) - 1 - x and x - 1 - log(x) are never negative, and small where two distributions are close. Other terms may
stand beside them if they are not negative either, so that what is added does not cancel in turn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from graphc.interpret.ranges import is_nonnegative
from graphc.ir.node import Node
from graphc.ir.rule import NEAR_AND_FAR, RuleSet
from graphc.ops.elementwise import Abs, Add, Exp, Expm1, Log, Subtract, abs, log, square
from graphc.ops.logic import equal, logical_and, logical_or, where
from graphc.ops.special.information import kl_div
from graphc.ops.special.remainder import taylor_remainder
from graphc.ops.trigonometry import one_minus_square
from graphc.passes.rules.combinations import signed_sum
from graphc.passes.rules.weighted_sum import WeightedSum, weighted_sum

DIVERGENCES = RuleSet("divergences")
Terms = list[tuple[float, Node]]


@DIVERGENCES.rewriter(
    Add, Subtract, kind="stabilizing", reference="S72", proof="tested: none of the terms that remain is negative"
)
def excess_of_exp_or_over_log(node: Node) -> Node | None:
    """exp(x) - 1 - x + …, the divergence of two normal distributions by log-variances; and x - 1 - log(x) + …"""
    whole = weighted_sum([(1, node)]) if node.dtype.is_float else None
    if whole is None:
        return None
    for atom, weight in whole.terms.items():
        for times, taken, one, excess in _excesses(atom, weight):
            if taken[-1][1] not in whole.nodes:  # as a node of its own it may overflow where its parts do not
                continue
            left = [(weight, x) for x, weight in whole.terms.items()] + [(-times * w, x) for w, x in taken]
            rest = weighted_sum(left, whole.constant + times * one)
            if rest is not None and rest.constant == 0 and _has_sign(rest, times):
                return _written([(times, excess()), *((weight, x) for x, weight in rest.terms.items())])
    return None


def _excesses(atom: Node, weight: float) -> Iterator[tuple[float, Terms, float, Callable[[], Node]]]:
    """What may be in a sum with an exponential or a logarithm: how often, the terms and the 1 that make it, itself."""
    if isinstance(atom.op, Exp | Expm1):
        (x,) = atom.args
        one = 1.0 if isinstance(atom.op, Exp) else 0.0
        yield weight, [(1, atom), (-1, x)], one, partial(taylor_remainder, x, function="exp", terms=2)
    elif isinstance(atom.op, Log):
        (x,) = atom.args
        base = x.args[0] if isinstance(x.op, Abs) else x
        yield -weight, [(-1, atom), (1, x)], 1, partial(_excess_over_log, x - 1, atom, 1)
        less = -one_minus_square(base)
        yield -weight / 2, [(-2, atom), (1, square(base))], 1, partial(_excess_over_log, less, atom, 2)


def _excess_over_log(less: Node, logarithm: Node, power: int) -> Node:
    """x - 1 - log(x), of x - 1 and what log(x) is a multiple of."""
    near = abs(logarithm.args[0] - 1) < 0.25
    small = taylor_remainder(where(near, less, 0), function="log1p", terms=2)
    result: Node = where(near, -small, where(near, 0, less) - power * where(near, 0, logarithm))
    return result


def _has_sign(total: WeightedSum, sign: float) -> bool:
    """Whether no term cancels with another one."""
    return all(weight * sign > 0 and is_nonnegative(x) for x, weight in total.terms.items())


def _written(parts: Terms) -> Node:
    terms = [(-1 if w < 0 else 1, x if w in (1, -1) else x * (w if w > 0 else -w)) for w, x in parts]
    return signed_sum(terms)


def _of_scales(a: Any, b: Any) -> tuple[Any, Any, Any]:
    """Where b is near a, the divergence there, and half of (a / b)**2 - 1 elsewhere."""
    ratio, excess = a / b, (a - b) / b * ((a + b) / b)
    near = abs(excess) < 0.5
    small = -0.5 * taylor_remainder(where(near, excess, 0), function="log1p", terms=2)
    return near, small, 0.5 * ratio * ratio - 0.5


@DIVERGENCES.rule("stabilizing", "S72", when=lambda d: is_nonnegative(d), proof=NEAR_AND_FAR)
def divergence_of_normals(a, b, d):
    """log(b / a) + (a**2 + d) / (2 * b**2) - 1/2 cancels where the deviations are close."""
    near, small, large = _of_scales(a, b)
    alone = logical_or(near, equal(large, math.inf))  # beside which a logarithm is nothing
    own = where(near, small, log(where(alone, 1, b) / where(alone, 1, a)) + large)
    return log(b / a) + (a * a + d) / (2 * (b * b)) - 0.5, own + 0.5 * d / b / b


@DIVERGENCES.rule("stabilizing", "S72", when=lambda d: is_nonnegative(d), proof=NEAR_AND_FAR)
def divergence_of_normals_by_logs(a, b, d):
    """log(b) - log(a) + (a**2 + d) / (2 * b**2) - 1/2 cancels where the deviations are close."""
    near, small, large = _of_scales(a, b)
    near = logical_and(near, logical_and(a > 0, b > 0))
    own = where(near, small, log(where(near, 1, b)) - log(where(near, 1, a)) + large)
    return log(b) - log(a) + (a * a + d) / (2 * (b * b)) - 0.5, own + 0.5 * d / b / b


@DIVERGENCES.rule("stabilizing", "S72", proof="tested: SymPy does not know the function")
def divergence_of_counts(x, y):
    """x * log(x / y) - x + y, the divergence of Poisson distributions, cancels near x = y. NaN at 0, as before."""
    above, below = kl_div(x, y), -kl_div(-x, -y)
    value = where(logical_and(x > 0, y >= 0), above, where(logical_and(x < 0, y <= 0), below, math.nan))
    return x * log(x / y) - x + y, value
