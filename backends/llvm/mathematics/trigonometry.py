"""sin, cos and tan: x = k*(pi/2) + r with |r| <= pi/4, then minimax polynomials for sin(r) and cos(r).

Up to 2**30 the multiple of pi/2 is subtracted in parts that are exact. Larger arguments are rare and take a
branch to `payne_hanek.py`, which multiplies by as many digits of 2/pi as matter. float32 is reduced in
float64. Errors stay below 1.6 units in the last place for every argument.
"""

from dataclasses import dataclass

from graphc.backends.llvm.mathematics.formats import (
    DOUBLE,
    fast_two_sum,
    format_of,
    polynomial,
    two_product,
    two_sum,
)
from graphc.backends.llvm.mathematics.payne_hanek import reduce_large
from graphc.backends.llvm.values import Arithmetic, Value
from graphc.types import float32, float64, int32

HALF_PI = (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33)
_HALF_PI_SHORT = (
    1.570796012878418,
    3.139164164167596e-07,
    6.223372171896613e-14,
)  # n times the first two is exact
_FAST_LIMIT = 2.0**30


@dataclass(frozen=True)
class _Series:
    sin: tuple[float, ...]  # (sin(r)/r - 1) / r**2 in r**2
    cos: tuple[float, ...]  # (cos(r) - 1 + r**2/2) / r**4 in r**2


_SINGLE = _Series(
    (-0.00019515218099042393, 0.00833216029175556, -0.16666654602274206),
    (2.4432701014741863e-05, -0.0013887311969865046, 0.041666645587569634),
)
_BETWEEN = _Series(  # digits enough for a float32 that is rounded once
    (2.7181141155328455e-06, -0.00019839311485137081, 0.00833332930241623, -0.16666666640776226),
    (-2.7205375732880435e-07, 2.4799455240444287e-05, -0.0013888883479934774, 0.04166666661923622),
)
_DOUBLE = _Series(
    (
        1.5896197628526413e-10, -2.5050747218052356e-08, 2.7557313618016285e-06, -0.00019841269829580163,
        0.008333333333322108, -0.1666666666666663,
    ),
    (
        -1.1358439129251996e-11, 2.087569892438877e-09, -2.755731416490105e-07, 2.4801587288800817e-05,
        -0.0013888888888872973, 0.041666666666666595,
    ),
)  # fmt: skip

_Sum = tuple[Value, Value]  # a number as a sum, the larger part first


def sin(s: Arithmetic, x: Value) -> Value:
    return _near_zero(s, x, _sine(s, x, 0))


def cos(s: Arithmetic, x: Value) -> Value:
    return _sine(s, x, 1)


def tan(s: Arithmetic, x: Value) -> Value:
    """sin/cos, or -cos/sin in odd quadrants; the quotient of two sums with its own error taken back."""
    high, low, quadrant = _reduce(s, x)
    sine, cosine = _kernels(s, high, low, _BETWEEN if x.dtype is float32 else _DOUBLE)
    odd = s.compare("ne", s.integer("and", quadrant, 1), 0)
    top, bottom = _choose(s, odd, cosine, sine), _choose(s, odd, (-sine[0], -sine[1]), cosine)
    if x.dtype is float32:
        return _near_zero(s, x, s.convert("fptrunc", (top[0] + top[1]) / (bottom[0] + bottom[1]), float32))
    (top, bottom) = fast_two_sum(*top), fast_two_sum(*bottom)
    quotient = top[0] / bottom[0]
    product, error = two_product(s, quotient, bottom[0])
    rest = ((top[0] - product) - error) + top[1] - quotient * bottom[1]
    return _near_zero(s, x, quotient + rest / bottom[0])


def _near_zero(s: Arithmetic, x: Value, result: Value) -> Value:
    """x itself where it is so small that it rounds to x; keeps -0."""
    tiny = s.compare("olt", s.intrinsic("fabs", x), 2.0 ** -(format_of(x).fraction // 2 + 2))
    return s.select(tiny, x, result)


def _sine(s: Arithmetic, x: Value, turns: int) -> Value:
    """sin(x + turns*pi/2)."""
    high, low, quadrant = _reduce(s, x)
    if x.dtype is float32:
        high, quadrant = s.convert("fptrunc", high, float32), s.convert("trunc", quadrant, int32)
    sine, cosine = _kernels(s, high, None if x.dtype is float32 else low, _SINGLE if x.dtype is float32 else _DOUBLE)
    quadrant = quadrant + turns
    odd = s.compare("ne", s.integer("and", quadrant, 1), 0)
    chosen = _choose(s, odd, cosine, sine)
    sign = s.integer("shl", s.integer("and", quadrant, 2), quadrant.dtype.bits - 2)
    return s.from_bits(s.integer("xor", s.bits(chosen[0] + chosen[1]), sign))


def _choose(s: Arithmetic, condition: Value, x: _Sum, y: _Sum) -> _Sum:
    return s.select(condition, x[0], y[0]), s.select(condition, x[1], y[1])


def _kernels(s: Arithmetic, high: Value, low: Value | None, series: _Series) -> tuple[_Sum, _Sum]:
    """sin and cos of high + low, at most pi/4."""
    square = high * high
    half = 0.5 * square
    sine = high * square * polynomial(s, square, series.sin)
    cosine, error = fast_two_sum(1.0, -half)
    rest = s.fma(square * square, polynomial(s, square, series.cos), error)
    if low is not None:
        sine = s.fma(low, 1.0 - half, sine)
        rest = s.fma(-high, low, rest)
    return (high, sine), (cosine, rest)


def _reduce(s: Arithmetic, x: Value) -> tuple[Value, Value, Value]:
    """r as a sum of two float64, and k as an integer."""
    wide = s.convert("fpext", x, float64) if x.dtype is float32 else x
    shifted = s.fma(wide, 2 / 3.141592653589793, DOUBLE.shifter)
    n, quadrant = shifted - DOUBLE.shifter, s.bits(shifted)
    if x.dtype is float32:
        first, second, third = _HALF_PI_SHORT
        high = s.fma(n, -third, s.fma(n, -second, s.fma(n, -first, wide)))
        low = s.splat(s.constant(0.0, float64), x.lanes)
    else:
        first, second, third = HALF_PI
        product, error = two_product(s, n, first)
        exact = (wide - product) - error
        product, error = two_product(s, n, second)
        high, lost = two_sum(exact, -product)
        high, low = fast_two_sum(high, lost - error - n * third)
    return _large(s, wide, (high, low, quadrant))


def _large(s: Arithmetic, x: Value, usual: tuple[Value, Value, Value]) -> tuple[Value, Value, Value]:
    """Replace what was reduced by the usual way where the argument is too large for it."""
    size = s.intrinsic("fabs", x)
    finite = s.compare("olt", size, float("inf"))
    large = s.integer("and", finite, s.compare("oge", size, _FAST_LIMIT))
    results = s.function.when(
        s.any(large).text,
        lambda: [value.text for value in reduce_large(s, x, large, usual)],
        [value.text for value in usual],
        [value.type for value in usual],
    )
    high, low, quadrant = (Value(text, v.dtype, v.lanes, s) for text, v in zip(results, usual))
    return high, low, quadrant
