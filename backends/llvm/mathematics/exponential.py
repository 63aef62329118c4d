"""exp, expm1 and tanh: x = n*log(2) + r with |r| <= log(2)/2, a minimax polynomial in r, and a shift by n.

    exp(r) = 1 + r + r*r*q(r)

The large part of r is exact and everything else is small, so the sum carries hardly any error into its last
rounding: exp stays below 0.8 units in the last place, expm1 below 1.2 and tanh below 1.5.
"""

from dataclasses import dataclass

from graphc.backends.llvm.mathematics.formats import (
    DOUBLE,
    SINGLE,
    Format,
    fast_two_sum,
    polynomial,
    power_of_two,
    scale,
)
from graphc.backends.llvm.values import Arithmetic, Value
from graphc.types import float32

_LOG2E = 1.4426950408889634


@dataclass(frozen=True)
class _Constants:
    format: Format
    lowest: float  # exp rounds to 0 below
    highest: float  # and to infinity above
    log2_high: float  # few enough digits that n * log2_high is exact
    log2_low: float
    q: tuple[float, ...]  # (exp(r) - 1 - r) / r**2
    tanh_series: tuple[float, ...]  # (tanh(x)/x - 1) / x**2 in x**2, for x <= 0.55


_SINGLE = _Constants(
    SINGLE,
    lowest=-104.0,
    highest=89.0,
    log2_high=0.693145751953125,
    log2_low=1.428606820309417e-06,
    q=(
        0.000197903414756, 0.00139446596219, 0.00833349707491,
        0.0416662949474, 0.166666658689, 0.500000006768,
    ),
    tanh_series=(
        -0.006274239703313512, 0.02107167915703398, -0.05385230992618116, 0.13332586138509267,
        -0.3333331755966509,
    ),
)  # fmt: skip
_DOUBLE = _Constants(
    DOUBLE,
    lowest=-746.0,
    highest=710.0,
    log2_high=0.69314718055966295651160180568695068359375,
    log2_low=0.28235290563031577122588448175013436025525412068e-12,
    q=(
        2.0826625977557473e-09, 2.5112036845030768e-08, 2.7557581851710393e-07, 2.7557234861912304e-06,
        2.480158692662924e-05, 0.0001984126989638381, 0.001388888888911563, 0.008333333333317034,
        0.041666666666666095, 0.16666666666666682, 0.5,
    ),
    tanh_series=(
        -1.949468662058228e-05, 8.331644525636334e-05, -0.00023338156320550863, 0.000588444485135064,
        -0.0014555428454210294, 0.003592092030372025, -0.00886323260143339, 0.02186948838585522,
        -0.05396825396376058, 0.13333333333326622, -0.333333333333333,
    ),
)  # fmt: skip


def _constants(x: Value) -> _Constants:
    return _SINGLE if x.dtype is float32 else _DOUBLE


BRIEF_Q = _SINGLE.q  # in float64: digits enough for a float32 that is rounded once


@dataclass(frozen=True)
class Reduced:
    """exp(x) = 2**n * (1 + high + low)."""

    n: Value
    exponent: Value  # n as an integer
    high: Value
    low: Value


def take_apart(s: Arithmetic, x: Value, more: Value | None = None, q: tuple[float, ...] | None = None) -> Reduced:
    """exp(x + more) in parts, where `more` is far smaller than x and x is no larger than exp allows."""
    c = _constants(x)
    shifted = s.fma(x, _LOG2E, c.format.shifter)
    n = shifted - c.format.shifter
    high = s.fma(n, -c.log2_high, x)
    rest = n * -c.log2_low if more is None else s.fma(n, -c.log2_low, more)
    r = high + rest
    low = s.fma(r * r, polynomial(s, r, q or c.q), rest)
    return Reduced(n, s.bits(shifted) - c.format.bits(c.format.shifter), high, low)


def clamp(s: Arithmetic, x: Value, low: float, high: float) -> Value:
    """x between two bounds; NaN stays."""
    x = s.select(s.compare("ogt", x, high), high, x)
    return s.select(s.compare("olt", x, low), low, x)


def exp(s: Arithmetic, x: Value, more: Value | None = None) -> Value:
    """exp(x + more), where `more` is far smaller than x."""
    c = _constants(x)
    reduced = take_apart(s, clamp(s, x, c.lowest, c.highest), more)
    total, error = fast_two_sum(1.0, reduced.high)
    return scale(s, total + (error + reduced.low), reduced.n, reduced.exponent)


def normal_exp(s: Arithmetic, x: Value, q: tuple[float, ...] | None = None) -> Value:
    """exp(x) where neither x nor the result is extreme, with an error of about 1 unit in the last place."""
    reduced = take_apart(s, x, q=q)
    return power_of_two(s, reduced.exponent, x.dtype) * (1.0 + (reduced.high + reduced.low))


def expm1(s: Arithmetic, x: Value) -> Value:
    """exp(x) - 1 = 2 * (2**(n-1) - 1/2 + 2**(n-1) * (high + low)); halves, because 2**n may be too large."""
    c = _constants(x)
    reduced = take_apart(s, clamp(s, x, -40.0, c.highest))
    high, low = fast_two_sum(reduced.high, reduced.low)
    factor = power_of_two(s, reduced.exponent - 1, x.dtype)
    total, error = fast_two_sum(factor - 0.5, factor * high)
    large = 2.0 * (total + s.fma(factor, low, error))
    near = s.compare("oeq", reduced.n, 0.0)
    return s.intrinsic("copysign", s.select(near, high, large), x)


def tanh(s: Arithmetic, x: Value) -> Value:
    """1 - 2/(exp(2x)+1), or a polynomial where that cancels."""
    c = _constants(x)
    size = s.intrinsic("fabs", x)
    square = x * x
    near = s.fma(size * square, polynomial(s, square, c.tanh_series), size)
    bounded = s.select(s.compare("ogt", size, 20.0), 20.0, size)
    far = 1.0 - 2.0 / (normal_exp(s, bounded + bounded) + 1.0)
    return s.intrinsic("copysign", s.select(s.compare("ogt", size, 0.55), far, near), x)
