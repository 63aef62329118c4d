"""Logarithms and what is inverse to hyperbolic functions."""

from __future__ import annotations

from graphc.ops.elementwise import exp, log, log1mexp, log1p, logaddexp, power, softplus, sqrt
from graphc.ops.trigonometry import asinh, atanh, hypot
from graphc.search.identities.table import Table, nonnegative

LOGARITHMS = Table()


@LOGARITHMS.identity
def logarithm_of_one_plus(a):
    return log(1 + a), log1p(a)


@LOGARITHMS.identity
def logarithm_of_one_minus(a):
    return log(1 - a), log1p(-a)


@LOGARITHMS.identity
def spelled_log1p(a):
    return log1p(a), log(1 + a)


@LOGARITHMS.identity
def logarithm_near_one(a):
    return log(a), log1p(a - 1)


@LOGARITHMS.identity
def logarithm_of_ratio_near_one(a, b):
    return log(a / b), log1p((a - b) / b)


@LOGARITHMS.identity
def difference_of_logarithms(a, b):
    return log(a) - log(b), log(a / b)


@LOGARITHMS.identity
def sum_of_logarithms(a, b):
    return log(a) + log(b), log(a * b)


@LOGARITHMS.identity(when=lambda a, b: nonnegative(a) and nonnegative(b))
def logarithm_of_product(a, b):
    return log(a * b), log(a) + log(b)


@LOGARITHMS.identity(when=lambda a, b: nonnegative(a) and nonnegative(b))
def logarithm_of_quotient(a, b):
    return log(a / b), log(a) - log(b)


@LOGARITHMS.identity
def logarithm_of_reciprocal(a):
    return log(1 / a), -log(a)


@LOGARITHMS.identity(when=nonnegative)
def logarithm_of_power(a, b):
    return log(power(a, b)), b * log(a)


@LOGARITHMS.identity
def logarithm_of_root(a):
    return log(sqrt(a)), log(a) / 2


@LOGARITHMS.identity
def logarithm_of_exponential(a):
    return log(exp(a)), a


@LOGARITHMS.identity
def difference_of_log1ps(a, b):
    return log1p(a) - log1p(b), log1p((a - b) / (1 + b))


@LOGARITHMS.identity
def log1p_of_opposites(a):
    return log1p(-a) - log1p(a), -2 * atanh(a)


@LOGARITHMS.identity
def logarithm_of_opposite_ratio(a):
    return log((1 - a) / (1 + a)), -2 * atanh(a)


@LOGARITHMS.identity
def spelled_atanh(a):
    return atanh(a), (log1p(a) - log1p(-a)) / 2


@LOGARITHMS.identity
def logarithm_of_exponentials(a, b):
    return log(exp(a) + exp(b)), logaddexp(a, b)


@LOGARITHMS.both_ways
def soft_maximum_with_zero(a):
    return log1p(exp(a)), softplus(a)


@LOGARITHMS.both_ways
def logarithm_of_rest(a):
    return log1p(-exp(a)), log1mexp(a)


@LOGARITHMS.identity
def inverse_sinh(a):
    return log(a + hypot(a, 1)), asinh(a)
