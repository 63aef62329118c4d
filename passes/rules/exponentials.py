"""Exponentials: products without overflow, differences without cancellation, and the error function."""

from __future__ import annotations

import math

from graphc.ir.rule import RuleSet
from graphc.ops.elementwise import erf, erfc, exp, exp_add, expm1, log, log1p, square
from graphc.ops.logic import where

EXPONENTIALS = RuleSet("exponentials")


@EXPONENTIALS.rule("stabilizing", "S39")
def product_of_exponentials(x, y):
    """inf * 0 where one overflows and the other underflows. NaN for inf and -inf, as before."""
    return exp(x) * exp(y), exp_add(x, y)


@EXPONENTIALS.rule("stabilizing", "S39")
def quotient_of_exponentials(x, y):
    """inf / inf where both overflow. NaN where both are inf, as before."""
    return exp(x) / exp(y), exp_add(x, -y)


@EXPONENTIALS.rule("stabilizing", "S40")
def reciprocal_of_exponential(x):
    """exp(x) overflows where its reciprocal is still a number."""
    return 1 / exp(x), exp(-x)


@EXPONENTIALS.rule("stabilizing", "S40", factors=True)
def exponential_over_its_square(x, y):
    """The derivative of y / exp(x): the square over- or underflows, to inf * 0, long before the quotient does."""
    return y / exp(x) / exp(x) * exp(x), y * exp(-x)


@EXPONENTIALS.rule("stabilizing", "S39")
def square_of_exponential(x):
    """One rounding less, and no overflow on the way to a logarithm."""
    return square(exp(x)), exp(2 * x)


@EXPONENTIALS.rule("stabilizing", "S32")
def exp_minus_one(x):
    """Cancels near 0."""
    return exp(x) - 1, expm1(x)


@EXPONENTIALS.rule("stabilizing", "S32")
def one_minus_exp(x):
    """Cancels near 0."""
    return 1 - exp(x), -expm1(x)


@EXPONENTIALS.rule("stabilizing", "S38")
def exp_of_log(x):
    """exp magnifies the rounding error of the logarithm. NaN below 0, as before."""
    return exp(log(x)), where(x >= 0, x, math.nan)


@EXPONENTIALS.rule("stabilizing", "S38")
def expm1_of_log1p(x):
    """expm1 magnifies the rounding error of the logarithm. NaN below -1, as before."""
    return expm1(log1p(x)), where(x >= -1, x, math.nan)


@EXPONENTIALS.rule("stabilizing", "S45")
def one_minus_erf(x):
    """Cancels in the right tail."""
    return 1 - erf(x), erfc(x)


@EXPONENTIALS.rule("stabilizing", "S45")
def one_plus_erf(x):
    """Cancels in the left tail."""
    return 1 + erf(x), erfc(-x)


@EXPONENTIALS.rule("stabilizing", "S45")
def erf_minus_one(x):
    """Cancels in the right tail."""
    return erf(x) - 1, -erfc(x)


@EXPONENTIALS.rule("stabilizing", "S45")
def one_minus_erfc(x):
    """Cancels near 0."""
    return 1 - erfc(x), erf(x)
