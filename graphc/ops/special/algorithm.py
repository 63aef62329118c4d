"""What the algorithms of special functions have in common: float64 inside, polynomials, accurate pieces of formulas.

Comes in: the words of a reader and float64 values; goes out: values. A product that a target fuses into a sum does
no harm anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from graphc.ir.scalars import Scalars, Value
from graphc.types import float64


def in_double(algorithm: Callable[..., Value]) -> Callable[..., Value]:
    """The `scalar` of an op that calculates in float64 and rounds once to the dtype of its operands."""

    @wraps(algorithm)
    def scalar(self: Any, s: Scalars, *xs: Value) -> Value:
        return s.like(algorithm(self, s, *(s.cast(x, float64) for x in xs)), xs[0])

    return scalar


def polynomial(x: Value, coefficients: Sequence[float]) -> Value:
    """Horner's scheme, highest power first."""
    value: Value = coefficients[0]
    for coefficient in coefficients[1:]:
        value = value * x + coefficient
    return value


def half_square(s: Scalars, x: Value) -> tuple[Value, Value]:
    """x*x/2 for abs(x) < 2**20 as a sum of two, since exp magnifies the rounding error of the square.

    The first 5 bits after the point have an exact square (Cephes, expx2).
    """
    coarse = s.trunc(x * 32) * (1 / 32)
    square, rest = coarse * coarse * 0.5, (x - coarse) * (x + coarse) * 0.5
    total = square + rest
    return total, rest - (total - square)


def excess_over_log1p(s: Scalars, x: Value, log1p: Value) -> Value:
    """x - log(1 + x) without the cancellation near 0, given the logarithm for abs(x) >= 1/2."""
    small = s.less(s.abs(x), 0.5)
    near = s.where(small, x, 0.0)
    return s.where(small, near * near * quadratic_excess(near), x - log1p)


def quadratic_excess(x: Value) -> Value:
    """(x - log(1 + x)) / x**2 for -1/2 <= x <= 1, 1/2 at 0.

    With t = x/(2 + x), log(1 + x) is 2*artanh(t), and x - 2*t is x*t.
    """
    inverse = 1 / (2 + x)
    return inverse * (1 - 2 * x * inverse * inverse * cubic_artanh(x * inverse))


def cubic_artanh(t: Value) -> Value:
    """(artanh(t) - t) / t**3 for abs(t) <= 1/3."""
    return polynomial(t * t, [1 / (2 * k + 1) for k in range(17, 0, -1)])


def sine_and_cosine_of_pi(s: Scalars, x: Value) -> tuple[Value, Value]:
    """sin(pi*x) and cos(pi*x), exact at integers and halves."""
    whole = s.round(x)
    angle = (x - whole) * 3.141592653589793
    half = whole * 0.5
    sign = 1 - 4 * (half - s.floor(half))
    return sign * s.sin(angle), sign * s.cos(angle)
