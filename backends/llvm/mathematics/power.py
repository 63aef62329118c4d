"""pow: exp(y * log(x)), with the logarithm to some 68 bits, and all the special cases of IEEE 754.

An error of the product is one of the result magnified 700-fold, so float64 carries log(x) and y*log(x) as
sums of two numbers; float32 is evaluated in float64. Errors stay below 1 unit in the last place.
"""

from graphc.backends.llvm.mathematics import exponential
from graphc.backends.llvm.mathematics.formats import (
    fast_two_sum,
    format_of,
    polynomial,
    two_product,
    two_sum,
)
from graphc.backends.llvm.mathematics.logarithm import LOG2_HIGH, LOG2_LOW, take_apart
from graphc.backends.llvm.values import Arithmetic, Value
from graphc.types import float32, float64

# log(1+f) = 2*s + s*z*q(z) with s = f/(2+f), z = s*s; in float64 q(z) = 2/3 + 2/5*z + z*z*t(z)
_BRIEF_Q = (0.2358243479550809, 0.2853729450514695, 0.4000033539637899, 0.6666666564462475)
_T = (
    0.11911017732650368, 0.11685036886089278, 0.13335763339647283, 0.15384572893744075, 0.1818181860550761,
    0.2222222222001199, 0.2857142857143316,
)  # fmt: skip
_TWO_THIRDS = (0.6666666666666666, 3.700743415417188e-17)
_TWO_FIFTHS = (0.4, -2.2204460492503132e-17)

_Sum = tuple[Value, Value]


def integer_pow(s: Arithmetic, x: Value, y: Value) -> Value:
    """By squaring; wraps."""
    if y.text.isdigit():
        return _constant_pow(s, x, int(y.text))
    x, y = s.agree(x, y)

    def bit(_: str, carried: list[str]) -> list[str]:
        result, base, exponent = (Value(text, x.dtype, x.lanes, s) for text in carried)
        odd = s.compare("ne", s.integer("and", exponent, 1), 0)
        result = s.select(odd, result * base, result)
        return [result.text, (base * base).text, s.integer("lshr", exponent, 1).text]

    one = s.splat(s.constant(1, x.dtype), x.lanes)
    carried = [(value.type, value.text) for value in (one, x, y)]
    return Value(s.function.loop("0", str(x.dtype.bits), 1, carried, bit)[0], x.dtype, x.lanes, s)


def _constant_pow(s: Arithmetic, x: Value, exponent: int) -> Value:
    result, base = s.constant(1, x.dtype), x
    while exponent:
        if exponent & 1:
            result = base if result.text == "1" else result * base
        exponent >>= 1
        if exponent:
            base = base * base
    return s.splat(result, x.lanes)


def pow(s: Arithmetic, x: Value, y: Value) -> Value:
    size = s.intrinsic("fabs", x)
    result = _positive_single(s, size, y) if x.dtype is float32 else _positive_double(s, size, y)
    negative = s.compare("slt", s.bits(x), 0)
    whole = _is_integer(s, y)
    odd = s.integer("and", whole, s.integer("xor", _is_integer(s, 0.5 * y), True))
    falling = s.compare("olt", y, 0.0)
    infinity = s.splat(s.constant(float("inf"), x.dtype), x.lanes)
    result = s.select(s.compare("oeq", size, 0.0), s.select(falling, infinity, 0.0), result)
    result = s.select(s.compare("oeq", size, infinity), s.select(falling, 0.0, infinity), result)
    result = s.select(s.compare("oeq", size, 1.0), 1.0, result)
    result = s.select(s.integer("and", negative, odd), -result, result)
    inside = s.integer("and", s.compare("olt", x, 0.0), s.compare("one", size, infinity))
    undefined = s.integer("and", inside, s.integer("xor", whole, True))
    undefined = s.integer("or", undefined, s.compare("uno", x, y))
    result = s.select(undefined, float("nan"), result)
    certain = s.integer("or", s.compare("oeq", y, 0.0), s.compare("oeq", x, 1.0))
    return s.select(certain, 1.0, result)


def _is_integer(s: Arithmetic, y: Value) -> Value:
    size, large = s.intrinsic("fabs", y), 2.0 ** format_of(y).fraction
    return s.integer("or", s.compare("oge", size, large), s.compare("oeq", (size + large) - large, size))


def _positive_single(s: Arithmetic, x: Value, y: Value) -> Value:
    """For finite x > 0: float64 has digits to spare, and no float32 is subnormal there."""
    wide, exponent = s.convert("fpext", x, float64), s.convert("fpext", y, float64)
    parts = take_apart(s, wide)
    ratio = parts.fraction / (2.0 + parts.fraction)
    square = ratio * ratio
    log = s.fma(ratio * square, polynomial(s, square, _BRIEF_Q), 2.0 * ratio)
    log = s.fma(parts.exponent, LOG2_HIGH + LOG2_LOW, log)
    bounded = exponential.clamp(s, exponent * log, -200.0, 200.0)
    return s.convert("fptrunc", exponential.normal_exp(s, bounded, exponential.BRIEF_Q), float32)


def _positive_double(s: Arithmetic, x: Value, y: Value) -> Value:
    """For finite x > 0."""
    high, low = _long_log(s, x)
    product, error = two_product(s, y, high)
    error = s.fma(y, low, error)
    usual = s.compare("olt", s.intrinsic("fabs", product), 2000.0)  # otherwise the error may be inf - inf
    return exponential.exp(s, product, s.select(usual, error, 0.0))


def _long_log(s: Arithmetic, x: Value) -> _Sum:
    """log(x) as a sum of two numbers."""
    subnormal = s.compare("olt", x, format_of(x).smallest_normal)
    parts = take_apart(s, s.select(subnormal, x * 2.0**54, x))
    exponent = parts.exponent - s.select(subnormal, s.constant(54.0, x.dtype), 0.0)
    f = parts.fraction
    bottom, bottom_error = fast_two_sum(2.0, f)
    ratio = f / bottom
    product, error = two_product(s, ratio, bottom)
    ratio_error = (((f - product) - error) - ratio * bottom_error) / bottom
    s1 = (ratio, ratio_error)
    s2 = _times(s, s1, s1)
    s3 = _times(s, s1, s2)
    s5 = _times(s, s3, s2)
    third, fifth = _scaled(s, s3, _TWO_THIRDS), _scaled(s, s5, _TWO_FIFTHS)
    rest = s5[0] * s2[0] * polynomial(s, s2[0], _T)
    total, error = two_sum(exponent * LOG2_HIGH, 2.0 * ratio)
    low = error + s.fma(exponent, LOG2_LOW, 2.0 * ratio_error)
    total, error = two_sum(total, third[0])
    low = low + error + third[1]
    total, error = two_sum(total, fifth[0])
    return fast_two_sum(total, low + error + (fifth[1] + rest))


def _scaled(s: Arithmetic, x: _Sum, factor: tuple[float, float]) -> _Sum:
    return _times(s, x, (s.constant(factor[0], x[0].dtype), s.constant(factor[1], x[0].dtype)))


def _times(s: Arithmetic, x: _Sum, y: _Sum) -> _Sum:
    product, error = two_product(s, x[0], y[0])
    return product, error + (x[0] * y[1] + x[1] * y[0])
