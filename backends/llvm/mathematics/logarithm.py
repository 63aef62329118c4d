"""log and log1p: x = 2**e * (1 + f) with 1 + f around 1, and a minimax approximation in f.

float32: log(1+f) = f + f*f*p(f). float64 needs twice the digits and takes s = f/(2+f), in which the series
is odd: log(1+f) = 2*atanh(s) = 2*s + s*z*q(z), z = s*s. log stays below 1.1 units in the last place, log1p
below 1.7. log2 and log10 take the exponent apart, so that powers of the base have whole logarithms; they stay
below 2.2.
"""

from dataclasses import dataclass, replace

from graphc.backends.llvm.mathematics.formats import SINGLE, format_of, polynomial, two_sum
from graphc.backends.llvm.values import Arithmetic, Value
from graphc.types import float32, float64

_LOG2 = 0.6931471805599453
LOG2_HIGH, LOG2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10  # e * high is exact
_LOG2_E, _LOG10_E = 1.4426950408889634, 0.4342944819032518
_LOG10_2 = {  # e * high is exact
    float32: (0.301025390625, 4.605039066518657e-06),
    float64: (0.30102999566361177, 3.694239077158931e-13),
}
_SINGLE_P = (
    -0.1294896908153099, 0.14004756797716117, -0.12167153092944862, 0.1400116070728384, -0.1668230580167782,
    0.2001074758800216, -0.2499971745782585, 0.3333320841697318, -0.5000000120760126,
)  # fmt: skip
_DOUBLE_Q = (
    0.1479626122088961, 0.15314021111276843, 0.18183565407642918, 0.22222198553775332, 0.28571428742562277,
    0.39999999999413965, 0.6666666666666734,
)  # fmt: skip


@dataclass(frozen=True)
class Parts:
    """x = 2**exponent * (1 + fraction)."""

    exponent: Value  # as a float
    fraction: Value
    biased: Value  # the exponent plus the bias, as an integer


def take_apart(s: Arithmetic, x: Value) -> Parts:
    """Of a positive normal number; 1 + fraction begins at 2/3 for float32, at sqrt(1/2) for float64."""
    form = format_of(x)
    lowest = 0x3F2AAAAB if form is SINGLE else 0x3FE6A09E667F3BCD
    bits = s.bits(x)
    biased = s.integer("lshr", bits + (form.bits(1.0) - lowest), form.fraction)
    mantissa = s.from_bits(bits - s.integer("shl", biased - form.bias, form.fraction))
    one = 2.0**form.fraction
    exponent = s.from_bits(s.integer("or", biased, form.bits(one))) - (one + form.bias)
    return Parts(exponent, mantissa - 1.0, biased)


def log(s: Arithmetic, x: Value) -> Value:
    parts = _parts(s, x)
    return _special(s, x, x, _combine(s, parts.exponent, parts.fraction))


def log1p(s: Arithmetic, x: Value) -> Value:
    """The log of 1 + x, whose rounding error is added to the fraction; near 0 the fraction is x itself."""
    form = format_of(x)
    total, error = two_sum(1.0, x)
    parts = take_apart(s, total)
    inverse = 2 * form.bias - parts.biased  # of 2**-exponent; the error matters for small exponents only
    factor = s.from_bits(s.integer("shl", s.intrinsic("smax", inverse, 1), form.fraction))
    near = s.compare("eq", parts.biased, form.bias)
    fraction = s.select(near, x, parts.fraction + error * factor)
    result = _combine(s, parts.exponent, fraction)
    return _special(s, x, total, s.intrinsic("copysign", result, x))


def log2(s: Arithmetic, x: Value) -> Value:
    """Exact for powers of two."""
    parts = _parts(s, x)
    return _special(s, x, x, parts.exponent + _combine(s, s.constant(0.0, x.dtype), parts.fraction) * _LOG2_E)


def log10(s: Arithmetic, x: Value) -> Value:
    parts = _parts(s, x)
    fraction = _combine(s, s.constant(0.0, x.dtype), parts.fraction)
    high, low = _LOG10_2[x.dtype]
    result = s.fma(parts.exponent, high, s.fma(parts.exponent, low, fraction * _LOG10_E))
    return _special(s, x, x, result)


def _parts(s: Arithmetic, x: Value) -> Parts:
    """Of any positive number."""
    form = format_of(x)
    subnormal = s.compare("olt", x, form.smallest_normal)
    shift = float(form.fraction + 2)
    parts = take_apart(s, s.select(subnormal, x * 2.0**shift, x))
    return replace(parts, exponent=parts.exponent - s.select(subnormal, s.constant(shift, x.dtype), 0.0))


def _combine(s: Arithmetic, exponent: Value, f: Value) -> Value:
    """exponent * log(2) + log(1 + f)."""
    if f.dtype is float32:
        near = s.fma(f * f, polynomial(s, f, _SINGLE_P), f)
        return s.fma(exponent, _LOG2, near)
    ratio = f / (2.0 + f)
    square = ratio * ratio
    half = 0.5 * f * f
    # 2*ratio = f - ratio*f and ratio*f = half - ratio*half: so log(1+f) = f - (half - ratio*(half + ...))
    rest = s.fma(ratio, s.fma(square, polynomial(s, square, _DOUBLE_Q), half), exponent * LOG2_LOW)
    return s.fma(exponent, LOG2_HIGH, f - (half - rest))


def _special(s: Arithmetic, x: Value, argument: Value, result: Value) -> Value:
    """log at the ends of its domain: infinity, 0 and below."""
    infinity = float("inf")
    result = s.select(s.compare("oeq", x, infinity), infinity, result)
    result = s.select(s.compare("oeq", argument, 0.0), -infinity, result)
    return s.select(s.compare("ult", argument, 0.0), float("nan"), result)
