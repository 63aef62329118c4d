"""Truth: the words over mpmath numbers, at a precision that grows until cancellation does no harm.

Floats become `Real`, with an unbounded exponent and a bound of the error made so far; integers and bool
stay those of Python and wrap as their dtype does. Where too few bits of a result are certain, it starts
again with four times the precision; so `log(1 - sigmoid(x))` is right also where `sigmoid(x)` is almost 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import mpmath
import numpy as np

from graphc.interpret.elements import Elements, ObjectReader, elementwise
from graphc.interpret.reader import Array, Reader
from graphc.interpret.special_functions import FUNCTIONS
from graphc.ir.scalars import Value
from graphc.types import DType

GUARD = 96
"""How many bits of every result must be certain."""
WIDEST = 1 << 18
"""Sums of numbers whose exponents differ by no more are exact."""
BEYOND = 1 << 1000
"""Exponents that are larger are told as this one: they are no floats."""
FAR_FROM_ZERO = 3
"""The exponent from which on exp(x) is not near 1."""
EXPONENT = 1 << 14
"""The logarithm of the largest argument of `exp`: beyond, mpmath would need gigabytes."""


class PrecisionLost(ArithmeticError):
    """A result depends on bits that were rounded away."""


class Real:
    """A real number, an infinity or NaN, off by at most `2**error`. Zero has no sign."""

    __slots__ = ("error", "value", "words")

    def __init__(self, value: Any, error: float, words: MpmathElements) -> None:
        self.value, self.error, self.words = value, error, words

    def __add__(self, other: Any) -> Real:
        return self.words.add(self, self.words.real(other))

    __radd__ = __add__

    def __neg__(self) -> Real:
        return Real(self.words.context.fneg(self.value, exact=True), self.error, self.words)

    def __sub__(self, other: Any) -> Real:
        return self.words.subtract(self, self.words.real(other))

    def __rsub__(self, other: Any) -> Real:
        return self.words.subtract(self.words.real(other), self)

    def __mul__(self, other: Any) -> Real:
        return self.words.multiply(self, self.words.real(other))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Real:
        return self.words.divide(self, self.words.real(other))

    def __rtruediv__(self, other: Any) -> Real:
        return self.words.divide(self.words.real(other), self)


class MpmathElements(Elements):
    """The words at one precision. With `strict`, a result that is too uncertain raises PrecisionLost."""

    def __init__(self, precision: int, strict: bool) -> None:
        self.precision, self.strict = precision, strict
        self.context = _context(precision)

    def number(self, x: Any, dtype: DType) -> Value:
        if dtype.kind == "b":
            return bool(x)
        if dtype.is_float:
            return self.real(x)
        if isinstance(x, Real):
            return _saturated(x.value, dtype)
        limits = np.iinfo(dtype.numpy)
        return (int(x) - limits.min) % (1 << dtype.bits) + limits.min

    def real(self, x: Any) -> Real:
        """A number as a Real; floats and integers are taken exactly."""
        if isinstance(x, Real):
            return x
        if isinstance(x, np.ndarray):  # of one element, as what a loop over rows of an op leaves behind
            return self.real(x[()])
        if hasattr(x, "_mpf_"):
            raw = x._mpf_
        elif isinstance(x, int | np.integer | np.bool_):
            raw = mpmath.libmp.from_int(int(x))
        else:
            raw = mpmath.libmp.from_float(float(x))
        return Real(self.context.make_mpf(raw), -math.inf, self)

    # --- arithmetic ---

    def add(self, x: Real, y: Real) -> Real:
        if not (self._finite(x) and self._finite(y)):
            return self.real(x.value + y.value)
        gap = abs(self.context.mag(x.value) - self.context.mag(y.value))
        error = max(x.error, y.error) + 1
        if WIDEST < gap < math.inf:
            total = x.value + y.value
            return self._certain(total, max(error, self._magnitude(total) - self.precision))
        return self._certain(self.context.fadd(x.value, y.value, exact=True), error)

    def subtract(self, x: Real, y: Real) -> Real:
        if x is y and self._finite(x):
            return self.real(0)
        return self.add(x, -y)

    def multiply(self, x: Real, y: Real) -> Real:
        if not (self._finite(x) and self._finite(y)):
            return self.real(x.value * y.value)
        sizes = self._magnitude(x.value), self._magnitude(y.value)
        error = max(sizes[0] + y.error, sizes[1] + x.error, x.error + y.error) + 2  # the last where both may be 0
        product = self.context.fmul(x.value, y.value, exact=True)
        return self._certain(+product, error, exact=+product == product)

    def divide(self, x: Real, y: Real) -> Real:
        if y.value == 0:  # or no more than that is known of it, where no more bits are asked for
            return self.real(math.nan if x.value == 0 else math.inf * self.context.sign(x.value))
        if not (self._finite(x) and self._finite(y)):
            return self.real(x.value / y.value)
        quotient = x.value / y.value
        size = self._magnitude(y.value)
        error = max(x.error - size, self._magnitude(quotient) + y.error - size) + 2
        exact = self.context.fmul(quotient, y.value, exact=True) == x.value
        return self._certain(quotient, error, exact=exact)

    # --- words ---

    def cast(self, x: Value, dtype: DType) -> Value:
        if dtype.kind == "b":
            return x.value != 0 if isinstance(x, Real) else x != 0
        return self.number(x, dtype)

    def where(self, condition: Value, x: Value, y: Value) -> Value:
        chosen, other = (x, y) if condition else (y, x)
        return self.real(chosen) if isinstance(other, Real) else chosen

    def abs(self, x: Value) -> Value:
        if not isinstance(x, Real):
            return abs(x)
        return -x if x.value < 0 else x

    def sqrt(self, x: Value) -> Value:
        return self._function(self.context.sqrt, x, lambda y: -self._magnitude(y) if y else math.inf)

    def exp(self, x: Value) -> Value:
        if self._finite(x) and self._magnitude(x.value) > EXPONENT:
            return self.real(0 if x.value < 0 else math.inf)
        return self._function(self._exponential, x, self._magnitude)

    def _exponential(self, x: Any) -> Any:
        """exp of a number, for which mpmath takes long if it is huge."""
        size = self.context.mag(x)
        if not 32 < size <= EXPONENT:
            return self.context.exp(x)
        with self.context.extraprec(size + 32):
            doublings = self.context.floor(x / self.context.ln2)
            rest = self.context.exp(x - doublings * self.context.ln2)
        return self.context.ldexp(+rest, int(doublings))

    def expm1(self, x: Value) -> Value:
        if self._finite(x) and self._magnitude(x.value) > FAR_FROM_ZERO:
            return self.exp(x) - 1  # nothing cancels, and mpmath would add up with thousands of digits
        return self._function(self.context.expm1, x, lambda y: max(self._magnitude(y), 0) + 1)

    def log(self, x: Value) -> Value:
        if x.value == 0 and x.error == -math.inf:
            return self.real(-math.inf)
        return self._function(self.context.log, x, lambda _: 1 - self._magnitude(x.value))

    def log1p(self, x: Value) -> Value:
        if x.value == -1 and x.error == -math.inf:
            return self.real(-math.inf)
        if self.strict and x.error > -math.inf and self._magnitude(1 + x.value) <= x.error:
            raise PrecisionLost  # on which side of -1 it is
        return self._function(self.context.log1p, x, lambda _: 1 - self._magnitude(1 + x.value))

    def log2(self, x: Value) -> Value:
        return self.log(x) / self.log(self.real(2))

    def log10(self, x: Value) -> Value:
        return self.log(x) / self.log(self.real(10))

    def sin(self, x: Value) -> Value:
        return self._function(self.context.sin, x, lambda _: 0) if self._finite(x) else self.real(math.nan)

    def cos(self, x: Value) -> Value:
        return self._function(self.context.cos, x, lambda _: 0) if self._finite(x) else self.real(math.nan)

    def tan(self, x: Value) -> Value:
        if not self._finite(x):
            return self.real(math.nan)
        return self._function(self.context.tan, x, lambda y: 2 * max(self._magnitude(y), 0) + 1)

    def atan(self, x: Value) -> Value:
        return self._function(self.context.atan, x, lambda _: 0)

    def tanh(self, x: Value) -> Value:
        return self._function(self.context.tanh, x, lambda _: 0)

    def erf(self, x: Value) -> Value:
        return self._function(self.context.erf, x, lambda _: 1)

    def erfc(self, x: Value) -> Value:
        if self._finite(x) and self._magnitude(x.value) > 500:  # where mpmath overflows one term has 1000 bits
            if x.value < 0:
                return 2 - self.erfc(-x)
            root = Real(self.context.sqrt(self.context.pi), 2 - min(self.precision, 1000), self)
            return self.exp(-x * x) / (x * root)
        return self._function(self.context.erfc, x, lambda _: 1 - float(min(x.value * x.value, BEYOND)))

    def pow(self, x: Value, y: Value) -> Value:
        if not isinstance(x, Real) and not isinstance(y, Real):
            return pow(x, y % (1 << 64), 1 << 64)
        x, y = self.real(x), self.real(y)
        if y.value == 0 or x.value == 1:
            return self.real(1)
        if x.value == 0 and y.value < 0:
            return self.real(math.inf)
        uncertain = max(x.error, y.error)
        if uncertain > -math.inf and x.value > 0 and self._finite(x) and self._finite(y):
            return self.exp(y * self.log(x))
        return self._function(lambda v: self.context.power(v, y.value), x, lambda _: 0)

    def floor(self, x: Value) -> Value:
        return self._rounding(self.context.floor, x)

    def ceil(self, x: Value) -> Value:
        return self._rounding(self.context.ceil, x)

    def trunc(self, x: Value) -> Value:
        return self._rounding(lambda v: self.context.floor(v) if v > 0 else self.context.ceil(v), x)

    def round(self, x: Value) -> Value:
        return self._rounding(self.context.nint, x, at=0.5)

    def floor_divide(self, x: Value, y: Value) -> Value:
        if isinstance(y, int):
            return x // y if y else 0
        return self.floor(x / y)

    def remainder(self, x: Value, y: Value) -> Value:
        if isinstance(y, int):
            return x % y if y else 0
        if self.context.isinf(y.value) and self.context.isfinite(x.value):
            return x if x.value * y.value >= 0 else y
        return x - y * self.floor(x / y)

    def minimum(self, x: Value, y: Value) -> Value:
        return x if self._nan(x) or self.less(x, y) else y

    def maximum(self, x: Value, y: Value) -> Value:
        return x if self._nan(x) or self.less(y, x) else y

    def signbit(self, x: Value) -> Value:
        return self.less(x, 0)

    def nextafter(self, x: Value, y: Value) -> Value:
        return x

    def exponent(self, x: Value) -> Value:
        return self.real(self.context.frexp(x.value)[1] if self._finite(x) and x.value != 0 else 0)

    def ldexp(self, x: Value, k: Value) -> Value:
        power = 0 if self._nan(k) else int(max(min(k.value, 1 << 40), -(1 << 40)))  # as good as infinite
        return x * self.context.ldexp(1, power)

    def less(self, x: Value, y: Value) -> Value:
        return self._compare(x, y, lambda a, b: a < b)

    def less_equal(self, x: Value, y: Value) -> Value:
        return self._compare(x, y, lambda a, b: a <= b)

    def equal(self, x: Value, y: Value) -> Value:
        return self._compare(x, y, lambda a, b: a == b)

    def logical_not(self, x: Value) -> Value:
        return not x

    def logical_and(self, x: Value, y: Value) -> Value:
        return x and y

    def logical_or(self, x: Value, y: Value) -> Value:
        return x or y

    def bitwise_and(self, x: Value, y: Value) -> Value:
        return x & y

    def bitwise_or(self, x: Value, y: Value) -> Value:
        return x | y

    def bitwise_xor(self, x: Value, y: Value) -> Value:
        return x ^ y

    def left_shift(self, x: Value, y: Value) -> Value:
        return x << min(y, 64)

    def right_shift(self, x: Value, y: Value) -> Value:
        return x >> min(y, 64)

    def special(self, name: str, *xs: Value) -> Value:
        """What operands are uncertain about is measured: each is moved by its error. Unknown beyond 4096 bits."""
        operands = [self.real(x) for x in xs]
        if self.precision > 1 << 12 or not all(map(self._finite, operands)):
            return self.real(math.nan)
        values = [x.value for x in operands]
        result = self._at(name, values)
        if not self.context.isfinite(result):
            return self.real(result)
        error = -math.inf
        for i, x in enumerate(operands):
            if x.error > -math.inf:
                moved = [*values[:i], x.value + self.context.ldexp(1, int(x.error)), *values[i + 1 :]]
                error = max(error, self._magnitude(self._at(name, moved) - result) + 1)
        return self._certain(result, error, exact=result == 0 and error == -math.inf)

    def _at(self, name: str, values: list[Any]) -> Any:
        """A special function of numbers, NaN where it has no real value."""
        try:
            result = FUNCTIONS[name](self.context, *values)
        except (ValueError, ArithmeticError, self.context.NoConvergence):
            return self.context.nan
        return result if isinstance(result, self.context.mpf) else self.context.nan

    # --- errors ---

    def _finite(self, x: Real) -> bool:
        return bool(self.context.isfinite(x.value))

    def _magnitude(self, value: Any) -> float:
        """The exponent of a finite number: -inf for 0."""
        exponent = self.context.mag(value)
        return float(max(-BEYOND, min(exponent, BEYOND)) if isinstance(exponent, int) else exponent)

    def _certain(self, value: Any, error: float, exact: bool = True) -> Real:
        """A finite result with its error, to which rounding adds unless the result is exact."""
        size = self._magnitude(value)
        if not exact:
            error = max(error, size - self.precision) + 1
        if self.strict and size < error + GUARD:
            raise PrecisionLost
        return Real(value, error, self)

    def _function(self, function: Callable[[Any], Any], x: Real, slope: Callable[[Any], float]) -> Real:
        """A function of a real: NaN where it is none. `slope` bounds the derivative, given the result."""
        if self.context.isnan(x.value):
            return self.real(math.nan)
        result = function(x.value)
        if not isinstance(result, self.context.mpf):
            return self.real(math.nan)
        if not (self._finite(x) and self.context.isfinite(result)):
            return self.real(result)
        error = x.error + slope(result) if x.error > -math.inf else x.error
        trivial = x.error == -math.inf and x.value in (0, 1) and result in (0, 1)
        return self._certain(result, error, exact=trivial)

    def _rounding(self, function: Callable[..., Any], x: Value, at: float = 0.0) -> Value:
        """A step function with its steps at integers plus `at`."""
        if not isinstance(x, Real) or not self._finite(x):
            return x
        if self.strict and x.error > -math.inf:
            shifted = x.value - at
            if self._magnitude(shifted - self.context.nint(shifted)) <= x.error:
                raise PrecisionLost
        return self.real(function(x.value))

    def _compare(self, x: Value, y: Value, holds: Callable[[Any, Any], bool]) -> bool:
        if not isinstance(x, Real) and not isinstance(y, Real):
            return holds(x, y)
        a, b = self.real(x), self.real(y)
        if self._finite(a) and self._finite(b):
            self.subtract(a, b)  # raises PrecisionLost for two that cannot be told apart
        return bool(holds(a.value, b.value))

    def _nan(self, x: Value) -> bool:
        return isinstance(x, Real) and bool(self.context.isnan(x.value))


class MpmathReader(ObjectReader):
    """Object arrays: mpf for floats, Python's integers and bool.

    The first attempt has `precision` bits, and so have the results. With `limit` bits they stay as they are.
    """

    def __init__(self, precision: int = 256, limit: int = 1 << 17) -> None:
        super().__init__(MpmathElements(precision, strict=precision < limit))
        self.precision, self.limit = precision, limit

    def run(self, evaluation: Callable[[Reader], list[Array]]) -> list[Array]:
        plain = _context(self.precision).mpf
        precision = self.precision
        while True:
            try:
                values = evaluation(MpmathReader(precision, self.limit))
            except PrecisionLost:
                precision = min(4 * precision, self.limit)
            else:
                return [elementwise(lambda v: plain(v.value) if isinstance(v, Real) else v, a) for a in values]


def make_reader() -> Reader:
    """The reader with its usual precision."""
    return MpmathReader()


@cache
def _context(precision: int) -> Any:
    context = mpmath.ctx_mp.MPContext()
    context.prec = precision
    return context


def _saturated(value: Any, dtype: DType) -> int:
    limits = np.iinfo(dtype.numpy)
    if value != value:
        return 0
    if value < limits.min or value > limits.max:
        return int(limits.min if value < 0 else limits.max)
    return int(value)
