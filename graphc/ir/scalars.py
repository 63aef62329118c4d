"""The vocabulary `s`: the words in which an elementwise op says what it computes.

An op is written once, as `scalar(s, x, ...)`. Each reader supplies its own `s` and gets its own kind of value:
NumPy arrays, mpmath numbers, SymPy formulas, intervals, LLVM vectors, CUDA text. Values understand the operators
`+ - * /` and unary `-` among themselves and with Python numbers; everything else is a function of `s`, named as in
the Array API standard. Floating-point readers calculate in float32 and float64 only: 16-bit floats are widened
before `scalar` and rounded once after it.
"""

from abc import ABC, abstractmethod
from typing import Any

from graphc.types import DType, as_dtype

Value = Any


class Scalars(ABC):
    """What every reader supplies. Python numbers are allowed wherever another operand fixes the dtype."""

    @abstractmethod
    def cast(self, x: Value, dtype: DType) -> Value:
        """Convert: floats to integers truncate towards zero, to bool by `x != 0`."""

    @abstractmethod
    def where(self, condition: Value, x: Value, y: Value) -> Value:
        """`x` where the condition holds, else `y`; at most one of them a Python number."""

    @abstractmethod
    def abs(self, x: Value) -> Value: ...

    @abstractmethod
    def sqrt(self, x: Value) -> Value: ...

    @abstractmethod
    def exp(self, x: Value) -> Value: ...

    @abstractmethod
    def expm1(self, x: Value) -> Value: ...

    @abstractmethod
    def log(self, x: Value) -> Value: ...

    @abstractmethod
    def log1p(self, x: Value) -> Value: ...

    @abstractmethod
    def log2(self, x: Value) -> Value: ...

    @abstractmethod
    def log10(self, x: Value) -> Value: ...

    @abstractmethod
    def sin(self, x: Value) -> Value: ...

    @abstractmethod
    def cos(self, x: Value) -> Value: ...

    @abstractmethod
    def tan(self, x: Value) -> Value: ...

    @abstractmethod
    def atan(self, x: Value) -> Value: ...

    @abstractmethod
    def tanh(self, x: Value) -> Value: ...

    @abstractmethod
    def erf(self, x: Value) -> Value: ...

    @abstractmethod
    def erfc(self, x: Value) -> Value: ...

    @abstractmethod
    def pow(self, x: Value, y: Value) -> Value:
        """IEEE 754 `pow` for floats; for integers repeated multiplication that wraps (exponent >= 0)."""

    @abstractmethod
    def floor(self, x: Value) -> Value: ...

    @abstractmethod
    def ceil(self, x: Value) -> Value: ...

    @abstractmethod
    def trunc(self, x: Value) -> Value: ...

    @abstractmethod
    def round(self, x: Value) -> Value:
        """To the nearest integer, ties to even."""

    @abstractmethod
    def floor_divide(self, x: Value, y: Value) -> Value:
        """Rounds towards minus infinity. Integers: 0 where `y` is 0, and the smallest integer over -1 wraps."""

    @abstractmethod
    def remainder(self, x: Value, y: Value) -> Value:
        """Has the sign of `y`. Integers: 0 where `y` is 0."""

    @abstractmethod
    def minimum(self, x: Value, y: Value) -> Value:
        """The smaller one; NaN if either is NaN."""

    @abstractmethod
    def maximum(self, x: Value, y: Value) -> Value:
        """The larger one; NaN if either is NaN."""

    @abstractmethod
    def signbit(self, x: Value) -> Value:
        """Whether the sign bit of a float is set: also of -0.0 and of NaN. Over real numbers: `x < 0`."""

    @abstractmethod
    def nextafter(self, x: Value, y: Value) -> Value:
        """The float next to `x` on the way to `y`. Over real numbers: `x`."""

    @abstractmethod
    def exponent(self, x: Value) -> Value:
        """The integer k with 0.5 <= |x| / 2**k < 1, as a float; 0 for zeros, infinities and NaN."""

    @abstractmethod
    def ldexp(self, x: Value, k: Value) -> Value:
        """x * 2**k, as if 2**k could not overflow or underflow; k is rounded towards 0."""

    @abstractmethod
    def less(self, x: Value, y: Value) -> Value: ...

    @abstractmethod
    def less_equal(self, x: Value, y: Value) -> Value: ...

    @abstractmethod
    def equal(self, x: Value, y: Value) -> Value: ...

    @abstractmethod
    def logical_not(self, x: Value) -> Value: ...

    @abstractmethod
    def logical_and(self, x: Value, y: Value) -> Value: ...

    @abstractmethod
    def logical_or(self, x: Value, y: Value) -> Value: ...

    @abstractmethod
    def bitwise_and(self, x: Value, y: Value) -> Value: ...

    @abstractmethod
    def bitwise_or(self, x: Value, y: Value) -> Value: ...

    @abstractmethod
    def bitwise_xor(self, x: Value, y: Value) -> Value: ...

    @abstractmethod
    def left_shift(self, x: Value, y: Value) -> Value:
        """0 for shifts by the width or more; the shift count is not negative."""

    @abstractmethod
    def right_shift(self, x: Value, y: Value) -> Value:
        """Arithmetic for signed integers; a shift by the width or more gives 0 or -1."""

    def special(self, name: str, *xs: Value) -> Value:
        """A function that mathematics has a name for. Only exact readers know it: an op says it in `exact`."""
        raise NotImplementedError(name)

    # Derived words, the same for every reader.

    def word_product(self, x: Value, y: int) -> Value:
        """x * y for numbers below 2**32 in 64 bits, which some machines multiply faster when they know."""
        return x * y

    def like(self, x: Value, operand: Value) -> Value:
        """Convert to the dtype of an operand."""
        return self.cast(x, as_dtype(operand.dtype))

    def greater(self, x: Value, y: Value) -> Value:
        return self.less(y, x)

    def greater_equal(self, x: Value, y: Value) -> Value:
        return self.less_equal(y, x)

    def not_equal(self, x: Value, y: Value) -> Value:
        return self.logical_not(self.equal(x, y))

    def isnan(self, x: Value) -> Value:
        return self.not_equal(x, x)

    def isinf(self, x: Value) -> Value:
        return self.equal(self.abs(x), float("inf"))

    def isfinite(self, x: Value) -> Value:
        return self.less(self.abs(x), float("inf"))
