"""Identities: the algebra that the accuracy search may use, one line of mathematics each.

    @IDENTITIES.identity
    def difference_of_sines(a, b):
        return sin(a) - sin(b), 2 * sin((a - b) / 2) * cos((a + b) / 2)

The left-hand side may be replaced by the right-hand side: over the real numbers, wherever the left one is defined and
`when` holds, both are equal, but where the right one divides by zero or has the logarithm of zero. What is a matter of
sums, products and quotients alone is not here: `graphc.search.ring` knows polynomials.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from graphc.interpret.interval import Interval
from graphc.ir.term import Application, Variable
from graphc.ops.elementwise import (
    abs,
    cbrt,
    cos,
    erf,
    erfc,
    exp,
    expm1,
    log,
    log1mexp,
    log1p,
    logaddexp,
    power,
    rsqrt,
    sigmoid,
    sin,
    softplus,
    sqrt,
    tan,
    tanh,
)
from graphc.ops.trigonometry import asinh, atan, atan2, atanh, cosh, hypot, one_minus_square, sinh

Identities = list["Identity"]
Condition = Callable[..., bool]


@dataclass(frozen=True, eq=False)
class Identity:
    """Two terms that are equal where the first is defined and the condition, on intervals, holds."""

    name: str
    before: Application
    after: Any
    when: Condition | None
    variables: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.before} -> {self.after}"

    def holds(self, intervals: dict[str, Interval]) -> bool:
        """Whether the condition is proved by where the variables lie."""
        if self.when is None:
            return True
        return self.when(**{name: intervals[name] for name in inspect.signature(self.when).parameters})


class Table:
    """Identities in order."""

    def __init__(self) -> None:
        self.rows: list[Identity] = []

    def __iter__(self) -> Any:
        return iter(self.rows)

    def identity(self, function: Callable[..., Any] | None = None, *, when: Condition | None = None) -> Any:
        """Decorator: add the pair of terms that a function of variables returns."""

        def register(function: Callable[..., Any]) -> Identity:
            names = tuple(inspect.signature(function).parameters)
            before, after = function(*map(Variable, names))
            row = Identity(function.__name__, before, after, when, names)
            self.rows.append(row)
            return row

        return register if function is None else register(function)

    def both_ways(self, function: Callable[..., Any]) -> None:
        """Decorator: each side may be replaced by the other; both are defined at the same points."""
        names = tuple(inspect.signature(function).parameters)
        one, other = function(*map(Variable, names))
        self.rows.append(Identity(function.__name__, one, other, None, names))
        self.rows.append(Identity(f"{function.__name__}_back", other, one, None, names))


IDENTITIES = Table()


def _nonnegative(a: Interval) -> bool:
    return a.low >= 0


# --- roots ---


@IDENTITIES.identity
def product_of_roots(a, b):
    return sqrt(a) * sqrt(b), sqrt(a * b)


@IDENTITIES.identity
def quotient_of_roots(a, b):
    return sqrt(a) / sqrt(b), sqrt(a / b)


@IDENTITIES.identity(when=lambda a, b: _nonnegative(a) and _nonnegative(b))
def root_of_product(a, b):
    return sqrt(a * b), sqrt(a) * sqrt(b)


@IDENTITIES.identity(when=lambda a, b: _nonnegative(a) and _nonnegative(b))
def root_of_quotient(a, b):
    return sqrt(a / b), sqrt(a) / sqrt(b)


@IDENTITIES.identity
def root_of_square(a):
    return sqrt(a * a), abs(a)


@IDENTITIES.identity
def square_of_root(a):
    return sqrt(a) * sqrt(a), a


@IDENTITIES.both_ways
def reciprocal_root(a):
    return rsqrt(a), 1 / sqrt(a)


@IDENTITIES.identity
def root_of_squares(a, b):
    return sqrt(a * a + b * b), hypot(a, b)


@IDENTITIES.identity
def root_of_square_and_one(a):
    return sqrt(a * a + 1), hypot(a, 1)


@IDENTITIES.identity
def hypotenuse(a, b):
    return hypot(a, b), sqrt(a * a + b * b)


@IDENTITIES.identity(when=lambda a: _nonnegative(a))
def size_of_nonnegative(a):
    return abs(a), a


@IDENTITIES.identity(when=lambda a: a.high <= 0)
def size_of_nonpositive(a):
    return abs(a), -a


@IDENTITIES.identity
def square_of_size(a):
    return abs(a) * abs(a), a * a


# The conjugate: what cancels in a difference of roots does not cancel in their sum.


@IDENTITIES.identity
def conjugate_of_roots(a, b):
    return sqrt(a) - sqrt(b), (a - b) / (sqrt(a) + sqrt(b))


@IDENTITIES.identity
def conjugate_of_root_minus(a, b):
    return sqrt(a) - b, (a - b * b) / (sqrt(a) + b)


@IDENTITIES.identity
def conjugate_of_minus_root(a, b):
    return b - sqrt(a), (b * b - a) / (b + sqrt(a))


@IDENTITIES.identity
def conjugate_of_root_plus(a, b):
    return sqrt(a) + b, (a - b * b) / (sqrt(a) - b)


@IDENTITIES.identity
def conjugate_of_hypotenuse(a, b, c):
    return hypot(a, b) - c, (a * a + b * b - c * c) / (hypot(a, b) + c)


@IDENTITIES.identity
def conjugate_of_hypotenuse_plus(a, b, c):
    return hypot(a, b) + c, (a * a + b * b - c * c) / (hypot(a, b) - c)


@IDENTITIES.identity
def cube_of_root(a):
    return cbrt(a) * (cbrt(a) * cbrt(a)), a


@IDENTITIES.identity
def difference_of_cube_roots(a, b):
    return cbrt(a) - cbrt(b), (a - b) / (cbrt(a) * cbrt(a) + cbrt(a) * cbrt(b) + cbrt(b) * cbrt(b))


# --- squares ---


@IDENTITIES.both_ways
def difference_of_squares(a, b):
    return a * a - b * b, (a - b) * (a + b)


@IDENTITIES.identity
def square_minus_one(a):
    return a * a - 1, (a - 1) * (a + 1)


@IDENTITIES.identity
def square_of_sum(a, b):
    return a * a + 2 * (a * b) + b * b, (a + b) * (a + b)


@IDENTITIES.identity
def one_minus_a_square(a):
    return 1 - a * a, one_minus_square(a)


@IDENTITIES.identity
def spelled_one_minus_square(a):
    return one_minus_square(a), 1 - a * a


@IDENTITIES.identity
def common_factor(a, b, c):
    return (a * b) / (a * c), b / c


@IDENTITIES.identity
def cancelled_factor(a, b):
    return (a * b) / a, b


@IDENTITIES.identity
def quotient_turned(a, b):
    return (a / b), 1 / (b / a)


# --- exponentials ---


@IDENTITIES.identity
def exponential_minus_one(a):
    return exp(a) - 1, expm1(a)


@IDENTITIES.identity
def one_minus_exponential(a):
    return 1 - exp(a), -expm1(a)


@IDENTITIES.identity
def spelled_expm1(a):
    return expm1(a), exp(a) - 1


@IDENTITIES.identity
def product_of_exponentials(a, b):
    return exp(a) * exp(b), exp(a + b)


@IDENTITIES.identity
def quotient_of_exponentials(a, b):
    return exp(a) / exp(b), exp(a - b)


@IDENTITIES.identity
def exponential_below(a, b):
    return b / exp(a), b * exp(-a)


@IDENTITIES.identity
def exponential_above(a, b):
    return exp(a) / b, 1 / (b * exp(-a))


@IDENTITIES.identity
def exponential_of_sum(a, b):
    return exp(a + b), exp(a) * exp(b)


@IDENTITIES.identity
def exponential_of_double(a):
    return exp(2 * a), exp(a) * exp(a)


@IDENTITIES.identity
def difference_of_exponentials(a, b):
    return exp(a) - exp(b), exp(b) * expm1(a - b)


@IDENTITIES.identity
def exponential_and_inverse(a):
    return exp(a) + exp(-a), 2 * cosh(a)


@IDENTITIES.identity
def exponential_without_inverse(a):
    return exp(a) - exp(-a), 2 * sinh(a)


@IDENTITIES.identity
def cosh_minus_one(a):
    return cosh(a) - 1, 2 * (sinh(a / 2) * sinh(a / 2))


@IDENTITIES.identity
def one_minus_cosh(a):
    return 1 - cosh(a), -2 * (sinh(a / 2) * sinh(a / 2))


@IDENTITIES.identity
def spelled_sinh(a):
    return sinh(a), (exp(a) - exp(-a)) / 2


@IDENTITIES.identity
def spelled_cosh(a):
    return cosh(a), (exp(a) + exp(-a)) / 2


@IDENTITIES.identity
def expm1_and_inverse(a):
    return expm1(a) + expm1(-a), 4 * (sinh(a / 2) * sinh(a / 2))


@IDENTITIES.identity
def expm1_without_inverse(a):
    return expm1(a) - expm1(-a), 2 * sinh(a)


@IDENTITIES.identity
def expm1_of_double(a):
    return expm1(2 * a), expm1(a) * (exp(a) + 1)


@IDENTITIES.identity
def growth_rate(a):
    return exp(a) / expm1(a), -1 / expm1(-a)


@IDENTITIES.identity
def spelled_tanh(a):
    return tanh(a), expm1(2 * a) / (expm1(2 * a) + 2)


@IDENTITIES.identity
def tanh_of_half(a):
    return expm1(a) / (exp(a) + 1), tanh(a / 2)


@IDENTITIES.identity
def ratio_of_hyperbolics(a):
    return sinh(a) / cosh(a), tanh(a)


@IDENTITIES.both_ways
def logistic(a):
    return 1 / (1 + exp(-a)), sigmoid(a)


@IDENTITIES.identity
def logistic_falling(a):
    return 1 / (1 + exp(a)), sigmoid(-a)


@IDENTITIES.identity(when=lambda a: _nonnegative(a))
def spelled_power(a, b):
    return power(a, b), exp(b * log(a))


@IDENTITIES.identity
def exponential_of_logarithm(a):
    return exp(log(a)), a


@IDENTITIES.identity
def exponential_of_multiple(a, b):
    return exp(b * log(a)), power(a, b)


@IDENTITIES.identity(when=lambda a, b: _nonnegative(a) and _nonnegative(b))
def difference_of_powers(a, b, c):
    return power(a, c) - power(b, c), power(b, c) * expm1(c * log(a / b))


@IDENTITIES.identity(when=lambda a, b: _nonnegative(a) and _nonnegative(b))
def quotient_of_powers(a, b, c):
    return power(a, c) / power(b, c), power(a / b, c)


@IDENTITIES.identity(when=lambda a: _nonnegative(a))
def product_of_powers(a, b, c):
    return power(a, b) * power(a, c), power(a, b + c)


@IDENTITIES.identity(when=lambda a: _nonnegative(a))
def power_minus_one(a, b):
    return power(a, b) - 1, expm1(b * log(a))


# --- logarithms ---


@IDENTITIES.identity
def logarithm_of_one_plus(a):
    return log(1 + a), log1p(a)


@IDENTITIES.identity
def logarithm_of_one_minus(a):
    return log(1 - a), log1p(-a)


@IDENTITIES.identity
def spelled_log1p(a):
    return log1p(a), log(1 + a)


@IDENTITIES.identity
def logarithm_near_one(a):
    return log(a), log1p(a - 1)


@IDENTITIES.identity
def logarithm_of_ratio_near_one(a, b):
    return log(a / b), log1p((a - b) / b)


@IDENTITIES.identity
def difference_of_logarithms(a, b):
    return log(a) - log(b), log(a / b)


@IDENTITIES.identity
def sum_of_logarithms(a, b):
    return log(a) + log(b), log(a * b)


@IDENTITIES.identity(when=lambda a, b: _nonnegative(a) and _nonnegative(b))
def logarithm_of_product(a, b):
    return log(a * b), log(a) + log(b)


@IDENTITIES.identity(when=lambda a, b: _nonnegative(a) and _nonnegative(b))
def logarithm_of_quotient(a, b):
    return log(a / b), log(a) - log(b)


@IDENTITIES.identity
def logarithm_of_reciprocal(a):
    return log(1 / a), -log(a)


@IDENTITIES.identity(when=lambda a: _nonnegative(a))
def logarithm_of_power(a, b):
    return log(power(a, b)), b * log(a)


@IDENTITIES.identity
def logarithm_of_root(a):
    return log(sqrt(a)), log(a) / 2


@IDENTITIES.identity
def logarithm_of_exponential(a):
    return log(exp(a)), a


@IDENTITIES.identity
def difference_of_log1ps(a, b):
    return log1p(a) - log1p(b), log1p((a - b) / (1 + b))


@IDENTITIES.identity
def log1p_of_opposites(a):
    return log1p(-a) - log1p(a), -2 * atanh(a)


@IDENTITIES.identity
def logarithm_of_opposite_ratio(a):
    return log((1 - a) / (1 + a)), -2 * atanh(a)


@IDENTITIES.identity
def spelled_atanh(a):
    return atanh(a), (log1p(a) - log1p(-a)) / 2


@IDENTITIES.identity
def logarithm_of_exponentials(a, b):
    return log(exp(a) + exp(b)), logaddexp(a, b)


@IDENTITIES.both_ways
def soft_maximum_with_zero(a):
    return log1p(exp(a)), softplus(a)


@IDENTITIES.both_ways
def logarithm_of_rest(a):
    return log1p(-exp(a)), log1mexp(a)


@IDENTITIES.identity
def inverse_sinh(a):
    return log(a + hypot(a, 1)), asinh(a)


# --- trigonometry ---


@IDENTITIES.identity
def difference_of_sines(a, b):
    return sin(a) - sin(b), 2 * (sin((a - b) / 2) * cos((a + b) / 2))


@IDENTITIES.identity
def sum_of_sines(a, b):
    return sin(a) + sin(b), 2 * (sin((a + b) / 2) * cos((a - b) / 2))


@IDENTITIES.identity
def difference_of_cosines(a, b):
    return cos(a) - cos(b), -2 * (sin((a + b) / 2) * sin((a - b) / 2))


@IDENTITIES.identity
def sum_of_cosines(a, b):
    return cos(a) + cos(b), 2 * (cos((a + b) / 2) * cos((a - b) / 2))


@IDENTITIES.identity
def difference_of_tangents(a, b):
    return tan(a) - tan(b), sin(a - b) / (cos(a) * cos(b))


@IDENTITIES.identity
def sine_of_sum(a, b):
    return sin(a + b), sin(a) * cos(b) + cos(a) * sin(b)


@IDENTITIES.identity
def cosine_of_sum(a, b):
    return cos(a + b), cos(a) * cos(b) - sin(a) * sin(b)


@IDENTITIES.identity
def one_minus_cosine(a):
    return 1 - cos(a), 2 * (sin(a / 2) * sin(a / 2))


@IDENTITIES.identity
def cosine_minus_one(a):
    return cos(a) - 1, -2 * (sin(a / 2) * sin(a / 2))


@IDENTITIES.identity
def one_plus_cosine(a):
    return 1 + cos(a), 2 * (cos(a / 2) * cos(a / 2))


@IDENTITIES.identity
def tangent_of_half(a):
    return (1 - cos(a)) / sin(a), tan(a / 2)


@IDENTITIES.identity
def tangent_of_half_below(a):
    return sin(a) / (1 + cos(a)), tan(a / 2)


@IDENTITIES.identity
def spelled_tangent(a):
    return tan(a), sin(a) / cos(a)


@IDENTITIES.identity
def ratio_of_sine_and_cosine(a):
    return sin(a) / cos(a), tan(a)


@IDENTITIES.identity
def pythagoras(a):
    return sin(a) * sin(a) + cos(a) * cos(a), 1


@IDENTITIES.identity
def one_minus_square_of_sine(a):
    return 1 - sin(a) * sin(a), cos(a) * cos(a)


@IDENTITIES.identity
def one_minus_square_of_cosine(a):
    return 1 - cos(a) * cos(a), sin(a) * sin(a)


@IDENTITIES.identity
def square_of_sine(a):
    return sin(a) * sin(a), 1 - cos(a) * cos(a)


@IDENTITIES.identity
def sine_times_cosine(a):
    return sin(a) * cos(a), sin(2 * a) / 2


@IDENTITIES.identity
def difference_of_squared_waves(a):
    return cos(a) * cos(a) - sin(a) * sin(a), cos(2 * a)


@IDENTITIES.identity
def difference_of_arctangents(a, b):
    return atan(a) - atan(b), atan2(a - b, 1 + a * b)


@IDENTITIES.identity
def sum_of_arctangents(a, b):
    return atan(a) + atan(b), atan2(a + b, 1 - a * b)


# --- signs of arguments ---


@IDENTITIES.identity
def sine_is_odd(a):
    return sin(-a), -sin(a)


@IDENTITIES.identity
def cosine_is_even(a):
    return cos(-a), cos(a)


@IDENTITIES.identity
def tangent_is_odd(a):
    return tan(-a), -tan(a)


@IDENTITIES.identity
def arctangent_is_odd(a):
    return atan(-a), -atan(a)


# --- the error function ---


@IDENTITIES.identity
def one_minus_erf(a):
    return 1 - erf(a), erfc(a)


@IDENTITIES.identity
def one_minus_erfc(a):
    return 1 - erfc(a), erf(a)
