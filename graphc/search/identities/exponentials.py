"""Exponentials, hyperbolic functions, powers and the error function."""

from __future__ import annotations

from graphc.ops.elementwise import erf, erfc, exp, expm1, log, power, sigmoid, tanh
from graphc.ops.special.quotient import exprel
from graphc.ops.trigonometry import cosh, sinh
from graphc.search.identities.table import Table, nonnegative

EXPONENTIALS = Table()


@EXPONENTIALS.identity
def exponential_minus_one(a):
    return exp(a) - 1, expm1(a)


@EXPONENTIALS.identity
def one_minus_exponential(a):
    return 1 - exp(a), -expm1(a)


@EXPONENTIALS.identity
def spelled_expm1(a):
    return expm1(a), exp(a) - 1


@EXPONENTIALS.identity
def product_of_exponentials(a, b):
    return exp(a) * exp(b), exp(a + b)


@EXPONENTIALS.identity
def quotient_of_exponentials(a, b):
    return exp(a) / exp(b), exp(a - b)


@EXPONENTIALS.identity
def exponential_below(a, b):
    return b / exp(a), b * exp(-a)


@EXPONENTIALS.identity
def exponential_above(a, b):
    return exp(a) / b, 1 / (b * exp(-a))


@EXPONENTIALS.identity
def exponential_of_sum(a, b):
    return exp(a + b), exp(a) * exp(b)


@EXPONENTIALS.identity
def exponential_of_double(a):
    return exp(2 * a), exp(a) * exp(a)


@EXPONENTIALS.identity
def difference_of_exponentials(a, b):
    return exp(a) - exp(b), exp(b) * expm1(a - b)


@EXPONENTIALS.identity
def exponential_and_inverse(a):
    return exp(a) + exp(-a), 2 * cosh(a)


@EXPONENTIALS.identity
def exponential_without_inverse(a):
    return exp(a) - exp(-a), 2 * sinh(a)


@EXPONENTIALS.identity
def cosh_minus_one(a):
    return cosh(a) - 1, 2 * (sinh(a / 2) * sinh(a / 2))


@EXPONENTIALS.identity
def one_minus_cosh(a):
    return 1 - cosh(a), -2 * (sinh(a / 2) * sinh(a / 2))


@EXPONENTIALS.identity
def spelled_sinh(a):
    return sinh(a), (exp(a) - exp(-a)) / 2


@EXPONENTIALS.identity
def spelled_cosh(a):
    return cosh(a), (exp(a) + exp(-a)) / 2


@EXPONENTIALS.identity
def expm1_and_inverse(a):
    return expm1(a) + expm1(-a), 4 * (sinh(a / 2) * sinh(a / 2))


@EXPONENTIALS.identity
def expm1_without_inverse(a):
    return expm1(a) - expm1(-a), 2 * sinh(a)


@EXPONENTIALS.identity
def expm1_of_double(a):
    return expm1(2 * a), expm1(a) * (exp(a) + 1)


@EXPONENTIALS.identity
def expm1_of_sum_over_both(a, b, c):
    return c * expm1(a + b) / (expm1(a) * expm1(b)), c + c / expm1(a) + c / expm1(b)


@EXPONENTIALS.identity
def quotient_by_expm1_of_multiple(a, b):
    return b / expm1(a * b), 1 / (a * exprel(a * b))


@EXPONENTIALS.identity
def growth_rate(a):
    return exp(a) / expm1(a), -1 / expm1(-a)


@EXPONENTIALS.identity
def spelled_tanh(a):
    return tanh(a), expm1(2 * a) / (expm1(2 * a) + 2)


@EXPONENTIALS.identity
def tanh_of_half(a):
    return expm1(a) / (exp(a) + 1), tanh(a / 2)


@EXPONENTIALS.identity
def ratio_of_hyperbolics(a):
    return sinh(a) / cosh(a), tanh(a)


@EXPONENTIALS.both_ways
def logistic(a):
    return 1 / (1 + exp(-a)), sigmoid(a)


@EXPONENTIALS.identity
def logistic_falling(a):
    return 1 / (1 + exp(a)), sigmoid(-a)


@EXPONENTIALS.identity(when=nonnegative)
def spelled_power(a, b):
    return power(a, b), exp(b * log(a))


@EXPONENTIALS.identity
def exponential_of_logarithm(a):
    return exp(log(a)), a


@EXPONENTIALS.identity
def exponential_of_multiple(a, b):
    return exp(b * log(a)), power(a, b)


@EXPONENTIALS.identity(when=lambda a, b: nonnegative(a) and nonnegative(b))
def difference_of_powers(a, b, c):
    return power(a, c) - power(b, c), power(b, c) * expm1(c * log(a / b))


@EXPONENTIALS.identity(when=lambda a, b: nonnegative(a) and nonnegative(b))
def quotient_of_powers(a, b, c):
    return power(a, c) / power(b, c), power(a / b, c)


@EXPONENTIALS.identity(when=nonnegative)
def product_of_powers(a, b, c):
    return power(a, b) * power(a, c), power(a, b + c)


@EXPONENTIALS.identity(when=nonnegative)
def power_minus_one(a, b):
    return power(a, b) - 1, expm1(b * log(a))


@EXPONENTIALS.identity
def one_minus_erf(a):
    return 1 - erf(a), erfc(a)


@EXPONENTIALS.identity
def one_minus_erfc(a):
    return 1 - erfc(a), erf(a)
