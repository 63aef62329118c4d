"""The logistic family: sigmoid and softplus for what is written with exponentials.

Each has its limits at infinity (sigmoid 0 and 1, softplus 0 and inf), where the naive formulas give 0, inf or
NaN as overflow will have it. NaN stays NaN.
"""

from __future__ import annotations

import math

from graphc.ir.rule import RuleSet
from graphc.ops.elementwise import abs, exp, log, log1mexp, log1p, logistic_pdf, minimum, sigmoid, softplus, tanh
from graphc.ops.logic import equal, logical_and, where

LOGISTIC = RuleSet("logistic")


@LOGISTIC.rule("stabilizing", "S20", factors=True)
def exp_of_part_over_one_plus_exp(x):
    """The sigmoid in a spelling that does not overflow, which the other rules know by its name."""
    return exp(minimum(x, 0)) / (1 + exp(-abs(x))), sigmoid(x)


@LOGISTIC.rule("stabilizing", "S20", factors=True)
def exp_over_one_plus_exp(x):
    """exp(x) overflows above and below the line."""
    return exp(x) / (1 + exp(x)), sigmoid(x)


@LOGISTIC.rule("stabilizing", "S20", factors=True)
def one_over_one_plus_exp(x):
    """The derivative multiplies an overflowed exponential by 0."""
    return 1 / (1 + exp(x)), sigmoid(-x)


@LOGISTIC.rule("stabilizing", "S20", factors=True)
def softmax_of_two(x, y):
    """A softmax of two classes, written out."""
    return exp(x) / (exp(x) + exp(y)), sigmoid(x - y)


@LOGISTIC.rule("stabilizing", "S21")
def one_minus_sigmoid(x):
    """Cancels where sigmoid is near 1."""
    return 1 - sigmoid(x), sigmoid(-x)


@LOGISTIC.rule("stabilizing", "S27", factors=True)
def product_of_opposite_sigmoids(x):
    """The logistic density, whose derivative does not cancel at 0."""
    return sigmoid(x) * sigmoid(-x), logistic_pdf(x)


@LOGISTIC.rule("stabilizing", "S21")
def difference_of_opposite_sigmoids(x):
    """Cancels near 0."""
    return sigmoid(x) - sigmoid(-x), tanh(x / 2)


@LOGISTIC.rule("stabilizing", "S21")
def difference_of_multiples_of_opposite_sigmoids(x, y):
    """The same, multiplied out, as in the derivative of the logarithm of the logistic density."""
    return y * sigmoid(x) - y * sigmoid(-x), y * tanh(x / 2)


@LOGISTIC.rule("stabilizing", "S22")
def log_sigmoid(x):
    """sigmoid underflows to 0 below -103 in f32, softplus does not overflow."""
    return log(sigmoid(x)), -softplus(-x)


@LOGISTIC.rule("stabilizing", "S27")
def log_of_logistic_density(x):
    """The density underflows to 0 beyond 103 in f32."""
    return log(logistic_pdf(x)), -softplus(x) - softplus(-x)


@LOGISTIC.rule("stabilizing", "S22")
def log1p_of_minus_sigmoid(x):
    """log(1 - sigmoid(x)) where sigmoid is near 1."""
    return log1p(-sigmoid(x)), -softplus(x)


@LOGISTIC.rule("stabilizing", "S34", proof="tested: the case of two that are equal")
def log_of_difference_of_sigmoids(x, y):
    """Ordinal regression: both terms are rounded at 1, or underflow, or are close to each other."""
    level = logical_and(x <= y, equal(sigmoid(x), sigmoid(y)))  # -inf as before, also where x < y
    apart = where(level, 0, y - x)
    return log(sigmoid(x) - sigmoid(y)), log1mexp(apart) - softplus(-x) - softplus(y)


@LOGISTIC.rule("stabilizing", "S23")
def log_one_plus_exp(x):
    """exp overflows f32 above 88.7, and 1 + exp(x) rounds to 1 below -17."""
    return log(1 + exp(x)), softplus(x)


@LOGISTIC.rule("stabilizing", "S23")
def log1p_exp(x):
    """exp overflows f32 above 88.7."""
    return log1p(exp(x)), softplus(x)


@LOGISTIC.rule("stabilizing", "S24", factors=True)
def exp_times_sigmoid(x):
    """inf * 0 where exp overflows."""
    return exp(x) * sigmoid(-x), sigmoid(x)


@LOGISTIC.rule("stabilizing", "S25")
def odds(x):
    """sigmoid / (1 - sigmoid) divides by 0 where sigmoid is near 1."""
    return sigmoid(x) / sigmoid(-x), exp(x)


@LOGISTIC.rule("stabilizing", "S26")
def sigmoid_of_log_odds(p):
    """The logarithm of the odds is exact nowhere. NaN outside [0, 1], as before."""
    return sigmoid(log(p / (1 - p))), where(logical_and(p >= 0, p <= 1), p, math.nan)


@LOGISTIC.rule("stabilizing", "S26")
def sigmoid_of_difference_of_logs(p):
    """The same, with two logarithms."""
    return sigmoid(log(p) - log1p(-p)), where(logical_and(p >= 0, p <= 1), p, math.nan)


@LOGISTIC.rule("stabilizing", "S26")
def log_odds_of_sigmoid(x):
    """log(sigmoid(x)) - log(1 - sigmoid(x)), of which softplus is left."""
    return softplus(x) - softplus(-x), x


@LOGISTIC.rule("stabilizing", "S22")
def less_softplus(x):
    """x and softplus(x) cancel for large x."""
    return x - softplus(x), -softplus(-x)


@LOGISTIC.rule("stabilizing", "S22")
def softplus_less(x):
    """softplus(x) and x cancel for large x."""
    return softplus(x) - x, softplus(-x)


@LOGISTIC.rule("stabilizing", "S22")
def exp_of_minus_softplus(x):
    """The exponential of log(sigmoid(-x)), without the rounding error of the logarithm."""
    return exp(-softplus(x)), sigmoid(-x)


@LOGISTIC.rule("stabilizing", "S29")
def softplus_of_log(x):
    """log(1 + x) by way of exp(log(x)); NaN below 0, as before."""
    return softplus(log(x)), log1p(where(x >= 0, x, math.nan))
