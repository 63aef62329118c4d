"""What the algorithms share: the layout of the two floating-point formats, polynomials, error-free sums.

The rounding error of a sum or a product is itself a float; carrying it along as a second number `low` is how
results come out within about one unit in the last place.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from graphc.backends.llvm.values import Arithmetic, Number, Value
from graphc.types import DType, float32, float64

_WIDEST = 64  # bytes of a vector of AVX-512


@dataclass(frozen=True)
class Format:
    """An IEEE 754 format."""

    dtype: DType
    fraction: int  # bits after the leading 1
    bias: int  # of the exponent

    @property
    def shifter(self) -> float:
        """Adding it rounds a small number to an integer, which then stands in the lowest bits."""
        return 1.5 * 2.0**self.fraction

    @property
    def smallest_normal(self) -> float:
        return 2.0 ** (1 - self.bias)

    def bits(self, x: float) -> int:
        """The bits of a positive power of two, or of 1.5 times one."""
        exponent, fraction = self.bias, 0
        while x >= 2.0:
            x, exponent = x / 2, exponent + 1
        while x < 1.0:
            x, exponent = x * 2, exponent - 1
        fraction = int((x - 1.0) * 2**self.fraction)
        return (exponent << self.fraction) | fraction


SINGLE, DOUBLE = Format(float32, 23, 127), Format(float64, 52, 1023)


def format_of(x: Value) -> Format:
    return SINGLE if x.dtype is float32 else DOUBLE


def polynomial(s: Arithmetic, x: Value, coefficients: Sequence[float]) -> Value:
    """By Horner's rule; the highest coefficient comes first."""
    result: Value | Number = coefficients[0]
    for coefficient in coefficients[1:]:
        result = s.fma(x, result, coefficient)
    assert isinstance(result, Value)
    return result


def fast_two_sum(x: Value | Number, y: Value) -> tuple[Value, Value]:
    """x + y and its rounding error, where |x| >= |y|."""
    total = x + y
    return total, y - (total - x)


def two_sum(x: Value | Number, y: Value) -> tuple[Value, Value]:
    """x + y and its rounding error."""
    total = x + y
    part = total - x
    return total, (x - (total - part)) + (y - part)


def two_product(s: Arithmetic, x: Value, y: Value | Number) -> tuple[Value, Value]:
    """x * y and its rounding error; without a fused instruction by Dekker's splitting of the factors."""
    total = x * y
    if s.machine.has_fma:
        return total, s.fma(x, y, -total)
    b = y if isinstance(y, Value) else s.constant(y, x.dtype)
    (x_high, x_low), (y_high, y_low) = _split(x), _split(b)
    return total, ((x_high * y_high - total) + x_high * y_low + x_low * y_high) + x_low * y_low


def _split(x: Value) -> tuple[Value, Value]:
    """Two halves of the digits."""
    scaled = x * (2.0 ** ((format_of(x).fraction + 2) // 2) + 1)
    high = scaled - (scaled - x)
    return high, x - high


def power_of_two(s: Arithmetic, exponent: Value, dtype: DType) -> Value:
    """2 to an integer power within the normal range."""
    form = SINGLE if dtype is float32 else DOUBLE
    return s.from_bits(s.integer("shl", exponent + form.bias, form.fraction))


def _scaled(s: Arithmetic, x: Value, n: Value) -> Value:
    """x * 2**n in one register of x86."""
    name, mask = ("ps", "i16 -1") if x.dtype is float32 else ("pd", "i8 -1")
    return s.call(f"llvm.x86.avx512.mask.scalef.{name}.512", x.dtype, x, n, x, immediates=(mask, "i32 4"))


def scale(s: Arithmetic, x: Value, n: Value, exponent: Value) -> Value:
    """x * 2**n, into the subnormals and to infinity; n is given as a float and, `exponent`, as an integer.

    One instruction where vectors have 64 bytes, elsewhere two steps, of which the second rounds.
    """
    lanes = _WIDEST // x.dtype.bytes
    if s.machine.vector_bytes == _WIDEST and x.lanes % lanes == 0:
        parts = [_scaled(s, s.part(x, start, lanes), s.part(n, start, lanes)) for start in range(0, x.lanes, lanes)]
        while len(parts) > 1:
            parts = [s.joined(*parts[i : i + 2]) for i in range(0, len(parts), 2)]
        return parts[0]
    half = s.integer("ashr", exponent, 1)
    return x * power_of_two(s, half, x.dtype) * power_of_two(s, exponent - half, x.dtype)
