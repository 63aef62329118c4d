"""Logarithms near 1 and of exponentials: cancellation, and detours through numbers that overflow."""

from __future__ import annotations

from graphc.ir.rule import RuleSet
from graphc.ops.elementwise import abs, exp, expm1, log, log1mexp, log1p
from graphc.ops.logic import equal, where

LOGARITHMS = RuleSet("logarithms")


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
