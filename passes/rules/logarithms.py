"""Logarithms near 1 and of exponentials: cancellation, and detours through numbers that overflow."""

from __future__ import annotations

from typing import Any

from graphc.ir.rule import NEAR_AND_FAR, RuleSet
from graphc.ops.elementwise import abs, exp, expm1, log, log1mexp, log1p, maximum
from graphc.ops.logic import equal, logical_and, where
from graphc.passes.rules.subtraction import difference

LOGARITHMS = RuleSet("logarithms")
NEARLY_EQUAL = RuleSet("nearly equal")


@LOGARITHMS.rule("stabilizing", "S37")
def log_of_exp(x):
    """exp overflows and underflows on the way."""
    return log(exp(x)), x


@LOGARITHMS.rule("stabilizing", "S37")
def log1p_of_expm1(x):
    """expm1 overflows on the way, and rounds to -1 below -17."""
    return log1p(expm1(x)), x


@LOGARITHMS.rule("stabilizing", "S33")
def log_of_minus_expm1(x):
    """log(1 - exp(x)): near 0 expm1 keeps what is lost, far below log1p does. -inf at 0, NaN above."""
    return log(-expm1(x)), log1mexp(x)


@LOGARITHMS.rule("stabilizing", "S33")
def log1p_of_minus_exp(x):
    """log(1 - exp(x)) near 0, where exp(x) is rounded at 1. -inf at 0, NaN above."""
    return log1p(-exp(x)), log1mexp(x)


@LOGARITHMS.rule("stabilizing", "S30")
def log_of_expm1(x):
    """log(exp(x) - 1), without overflow. -inf at 0, NaN below, inf at inf, as before."""
    return log(expm1(x)), x + log1mexp(-x)


@LOGARITHMS.rule("stabilizing", "S34")
def log_of_difference_of_exponentials(x, y):
    """log(exp(x) - exp(y)) cancels near x = y and overflows.

    -inf where x = y, -inf at -inf included, NaN where x < y and where both are inf, as before.
    """
    return log(exp(x) - exp(y)), x + log1mexp(where(equal(x, y), 0, y - x))


@LOGARITHMS.rule("stabilizing", "S31")
def log_of_one_plus(x):
    """1 + x is rounded where x is small, and so is 1 - x."""
    return log(1 + x), log1p(x)


@LOGARITHMS.rule("stabilizing", "S42")
def log_of_square(x):
    """The square overflows, underflows, and is rounded where x is near 1."""
    return log(x * x), 2 * log(abs(x))


@LOGARITHMS.rule("stabilizing", "S34", proof="tested: SymPy does not simplify sizes")
def log_of_size_of_difference_of_exponentials(x, y):
    """log(abs(exp(x) - exp(y))) cancels near x = y and overflows."""
    gap = where(equal(x, y), 0, -abs(x - y))
    return log(abs(exp(x) - exp(y))), maximum(x, y) + log1mexp(gap)


def _unless(near: Any, x: Any) -> Any:
    """The logarithm where a series does not stand for it."""
    return where(near, 0, log(where(near, 1, x)))


@NEARLY_EQUAL.rule("stabilizing", "S41", proof=NEAR_AND_FAR)
def log_of_sum_less_log(x, y):
    """log(x + y) - log(x) cancels where y is small beside x."""
    near = logical_and(x > 0, abs(y) < x)
    small = log1p(where(near, y / where(near, x, 1), 0))
    return log(x + y) - log(x), where(near, small, _unless(near, x + y) - _unless(near, x))


@NEARLY_EQUAL.rule("stabilizing", "S41", proof=NEAR_AND_FAR)
def log_less_log_of_sum(x, y):
    """log(x) - log(x + y) cancels where y is small beside x."""
    near = logical_and(x > 0, abs(y) < x)
    small = log1p(where(near, y / where(near, x, 1), 0))
    return log(x) - log(x + y), where(near, -small, _unless(near, x) - _unless(near, x + y))


@NEARLY_EQUAL.rule("stabilizing", "S41", proof=NEAR_AND_FAR)
def log1p_less_log(x):
    """log(1 + x) - log(x) cancels for large x."""
    near = x > 1
    small = log1p(1 / where(near, x, 1))
    return log1p(x) - log(x), where(near, small, where(near, 0, log1p(where(near, 1, x))) - _unless(near, x))


@NEARLY_EQUAL.rule("stabilizing", "S41", proof=NEAR_AND_FAR)
def difference_of_logs(x, y):
    """Cancels where x and y are close."""
    less = difference(x, y)
    near = abs(less) < 0.5 * y  # both are positive then
    small = log1p(where(near, less / where(near, y, 1), 0))
    return log(x) - log(y), where(near, small, _unless(near, x) - _unless(near, y))


@NEARLY_EQUAL.rule("stabilizing", "S32", proof=NEAR_AND_FAR)
def difference_of_exponentials(x, y):
    """Cancels where x and y are close."""
    less = difference(x, y)
    near = abs(less) < 1
    apart = where(near, 1, exp(x)) - where(near, 1, exp(y))
    return exp(x) - exp(y), where(near, exp(y) * expm1(where(near, less, 0)), apart)
