"""Bounds: the words over intervals, which hold the exact value for each choice inside their operands."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from graphc.errors import GraphError
from graphc.interpret.elements import Elements, ObjectReader, elementwise
from graphc.interpret.interval import Interval, as_interval, everything, hull, inf
from graphc.interpret.reader import Array, Reader
from graphc.ir.op import Op
from graphc.ir.scalars import Value
from graphc.ops.indexing import Indexed
from graphc.types import DType, TensorType

SLACK = 4
"""By how many floats the functions of the C library may be off."""


class IntervalElements(Elements):
    """The words on intervals."""

    def number(self, x: Any, dtype: DType) -> Interval:
        return within(as_interval(x), dtype)

    def cast(self, x: Value, dtype: DType) -> Interval:
        found = as_interval(x)
        if dtype.kind == "b":
            return as_interval(1) - self.equal(found, 0)
        if dtype.is_float:
            return found
        limits = np.iinfo(dtype.numpy)
        whole = _stepped(math.trunc, found)
        if not (found.may_be_nan or math.isinf(whole.low) or math.isinf(whole.high)):
            return within(whole, dtype)  # of an integer, which wraps, or of a float, which does not
        kept = Interval(max(whole.low, float(limits.min)), min(whole.high, float(limits.max)), False, False)
        if kept.low > kept.high:
            kept = as_interval(limits.min if whole.high < 0 else limits.max)
        return hull([kept, as_interval(0)]) if found.may_be_nan else kept

    def where(self, condition: Value, x: Value, y: Value) -> Interval:
        chosen = [as_interval(v) for v, possible in ((x, condition.high > 0), (y, condition.low < 1)) if possible]
        return chosen[0] if len(chosen) == 1 else hull(chosen)

    def abs(self, x: Value) -> Interval:
        low = 0.0 if x.low <= 0 <= x.high else min(abs(x.low), abs(x.high))
        high = max(abs(x.low), abs(x.high))
        return Interval(low, high, x.may_be_nan, x.may_be_infinite, x.may_be_zero, x.whole)

    def sqrt(self, x: Value) -> Interval:
        return _monotone(math.sqrt, _clipped(x, 0.0), 0.0)

    def exp(self, x: Value) -> Interval:
        return _monotone(math.exp, x, 0.0, zero=x.may_be_infinite and x.low == -inf)

    def expm1(self, x: Value) -> Interval:
        return _monotone(math.expm1, x, -1.0)

    def log(self, x: Value) -> Interval:
        return _monotone(math.log, _clipped(x, 0.0), infinite=x.may_be_infinite or x.may_be_zero)

    def log1p(self, x: Value) -> Interval:
        return _monotone(math.log1p, _clipped(x, -1.0), infinite=x.may_be_infinite or x.low <= -1)

    def log2(self, x: Value) -> Interval:
        return _monotone(math.log2, _clipped(x, 0.0), infinite=x.may_be_infinite or x.may_be_zero)

    def log10(self, x: Value) -> Interval:
        return _monotone(math.log10, _clipped(x, 0.0), infinite=x.may_be_infinite or x.may_be_zero)

    def sin(self, x: Value) -> Interval:
        return _bounded_wave(math.sin, x)

    def cos(self, x: Value) -> Interval:
        return _bounded_wave(math.cos, x)

    def tan(self, x: Value) -> Interval:
        if x.low >= -1.57 and x.high <= 1.57:
            return _monotone(math.tan, x)
        return Interval(-inf, inf, x.may_be_nan or x.may_be_infinite, False)

    def atan(self, x: Value) -> Interval:
        return _monotone(_atan, x, zero=x.may_be_zero, infinite=False)

    def tanh(self, x: Value) -> Interval:
        return _monotone(math.tanh, x, -1.0, 1.0, zero=x.may_be_zero)

    def erf(self, x: Value) -> Interval:
        return _monotone(math.erf, x, -1.0, 1.0, zero=x.may_be_zero)

    def erfc(self, x: Value) -> Interval:
        return _monotone(lambda v: math.erfc(-v), -x, 0.0, 2.0, zero=x.may_be_infinite and x.high == inf)

    def pow(self, x: Value, y: Value) -> Interval:
        x, y = as_interval(x), as_interval(y)
        nan = x.may_be_nan or y.may_be_nan
        if x.low < 0:
            if not (y.known and float(y.low).is_integer()):
                return everything()
            even = self.pow(self.abs(x), y)
            return even if y.low % 2 == 0 else hull([even, -even])
        corners = [_power(a, b) for a in (x.low, x.high) for b in (y.low, y.high)]
        low, high = min(c[0] for c in corners), max(c[1] for c in corners)
        if x.low <= 1 <= x.high or y.low <= 0 <= y.high:
            low, high = min(low, 1.0), max(high, 1.0)
        infinite = x.may_be_infinite or y.may_be_infinite or (x.may_be_zero and y.low < 0)
        zero = x.may_be_zero or y.may_be_infinite or (x.may_be_infinite and y.low < 0)
        return Interval(max(low, 0.0), high, nan, infinite, zero)

    def floor(self, x: Value) -> Interval:
        return _stepped(math.floor, x)

    def ceil(self, x: Value) -> Interval:
        return _stepped(math.ceil, x)

    def trunc(self, x: Value) -> Interval:
        return _stepped(math.trunc, x)

    def round(self, x: Value) -> Interval:
        return _stepped(round, x)

    def floor_divide(self, x: Value, y: Value) -> Interval:
        y = as_interval(y)
        quotient = self.floor(x / y)
        return hull([quotient, as_interval(0)]) if y.may_be_zero else quotient

    def remainder(self, x: Value, y: Value) -> Interval:
        dividend, divisor = as_interval(x), as_interval(y)
        undefined = dividend.may_be_infinite or divisor.may_be_zero
        nan = dividend.may_be_nan or divisor.may_be_nan or undefined
        if not nan and dividend.low >= 0 and dividend.high < divisor.low:
            return dividend
        whole = dividend.whole and divisor.whole
        return Interval(min(divisor.low, 0.0), max(divisor.high, 0.0), nan, divisor.may_be_infinite, whole=whole)

    def minimum(self, x: Value, y: Value) -> Interval:
        return -self.maximum(-as_interval(x), -as_interval(y))

    def maximum(self, x: Value, y: Value) -> Interval:
        x, y = as_interval(x), as_interval(y)
        nan, infinite = x.may_be_nan or y.may_be_nan, x.may_be_infinite or y.may_be_infinite
        zero = (x.may_be_zero and y.low <= 0) or (y.may_be_zero and x.low <= 0)
        return Interval(max(x.low, y.low), max(x.high, y.high), nan, infinite, zero, x.whole and y.whole)

    def signbit(self, x: Value) -> Interval:
        x = as_interval(x)
        return _decided(x.high < 0 and not x.may_be_nan, x.low > 0 and not x.may_be_nan)

    def nextafter(self, x: Value, y: Value) -> Interval:
        x, y = as_interval(x), as_interval(y)
        nan = x.may_be_nan or y.may_be_nan
        return replace(hull([x, y]), may_be_nan=nan, may_be_zero=True, whole=False)

    def exponent(self, x: Value) -> Interval:
        return Interval(-1100.0, 1100.0, False, False)

    def ldexp(self, x: Value, k: Value) -> Interval:
        x, k = as_interval(x), as_interval(k)
        power = Interval(0.0, inf, k.may_be_nan, k.may_be_infinite, k.may_be_infinite)
        return Interval(0.0, 0.0) if x.known and x.low == 0 and not (k.may_be_nan or k.may_be_infinite) else x * power

    def less(self, x: Value, y: Value) -> Interval:
        x, y = as_interval(x), as_interval(y)
        below = x.high < y.low or _apart_from_zero(x, y) or (y.low == inf and not x.may_be_infinite)
        return _decided(below and not (x.may_be_nan or y.may_be_nan), x.low >= y.high or x is y)

    def less_equal(self, x: Value, y: Value) -> Interval:
        x, y = as_interval(x), as_interval(y)
        not_above = x.high <= y.low or x is y
        return _decided(not_above and not (x.may_be_nan or y.may_be_nan), x.low > y.high or _apart_from_zero(y, x))

    def equal(self, x: Value, y: Value) -> Interval:
        x, y = as_interval(x), as_interval(y)
        same = (x is y or (x.known and y.known and x.low == y.low)) and not (x.may_be_nan or y.may_be_nan)
        disjoint = x.high < y.low or y.high < x.low
        for a, b in ((x, y), (y, x)):
            disjoint |= b.low == b.high == 0 and not a.may_be_zero
            disjoint |= math.isinf(b.low) and b.low == b.high and not a.may_be_infinite
        return _decided(same, disjoint)

    def logical_not(self, x: Value) -> Interval:
        return as_interval(1) - as_interval(x)

    def logical_and(self, x: Value, y: Value) -> Interval:
        return self.minimum(x, y)

    def logical_or(self, x: Value, y: Value) -> Interval:
        return self.maximum(x, y)

    def bitwise_and(self, x: Value, y: Value) -> Interval:
        x, y = as_interval(x), as_interval(y)
        if x.known and y.known:
            return as_interval(int(x.low) & int(y.low))
        nonnegative = [v.high for v in (x, y) if v.low >= 0]
        return Interval(0.0, min(nonnegative)) if nonnegative else everything()

    def bitwise_or(self, x: Value, y: Value) -> Interval:
        return _bits(lambda a, b: a | b, as_interval(x), as_interval(y))

    def bitwise_xor(self, x: Value, y: Value) -> Interval:
        return _bits(lambda a, b: a ^ b, as_interval(x), as_interval(y))

    def left_shift(self, x: Value, y: Value) -> Interval:
        return as_interval(x) * self.pow(as_interval(2), _clipped(as_interval(y), 0.0, 64.0))

    def right_shift(self, x: Value, y: Value) -> Interval:
        return self.floor(as_interval(x) / self.pow(as_interval(2), _clipped(as_interval(y), 0.0, 64.0)))

    def special(self, name: str, *xs: Value) -> Interval:
        return everything()


class IntervalReader(ObjectReader):
    """Object arrays of intervals. Operands that are indices have to be known."""

    def load(self, array: Any, dtype: DType) -> Array:
        # Equal bounds of two inputs do not make them one value.
        return elementwise(lambda v: replace(self.elements.number(v, dtype)), np.asarray(array))

    def apply(self, op: Op, type_: TensorType, xs: Sequence[Array]) -> Array:
        if isinstance(op, Indexed):
            xs = [*xs[: op.data], *map(_indices, xs[op.data :])]
        return super().apply(op, type_, xs)


def make_reader() -> Reader:
    """The reader."""
    return IntervalReader(IntervalElements())


def within(x: Interval, dtype: DType) -> Interval:
    """What an interval may become as a value of a dtype: integers wrap."""
    if dtype.is_float:
        return x
    if dtype.kind == "b":
        return Interval(max(x.low, 0.0), min(x.high, 1.0), False, False, x.may_be_zero, whole=True)
    limits = np.iinfo(dtype.numpy)
    if x.low < limits.min or x.high > limits.max:
        return Interval(float(limits.min), float(limits.max), False, False, whole=True)
    return Interval(x.low, x.high, False, False, x.may_be_zero, whole=True)


def _indices(x: Array) -> Array:
    if not all(v.known for v in x.flat):
        raise GraphError("an index is not known", help="bind the indices to integers")
    return np.array([int(v.low) for v in x.flat], dtype=np.int64).reshape(x.shape)


def _decided(yes: bool, no: bool) -> Interval:
    return Interval(0.0 if not yes else 1.0, 1.0 if not no else 0.0)


def _apart_from_zero(x: Interval, y: Interval) -> bool:
    """Whether x < y follows since both touch at zero, which one of them does not hold."""
    return x.high <= 0 <= y.low and not (x.may_be_zero and y.may_be_zero)


def _clipped(x: Interval, low: float, high: float = inf) -> Interval:
    """The part of an interval where a function is defined; NaN stands for the rest."""
    if x.high < low or x.low > high:
        return everything()
    nan = x.may_be_nan or x.low < low or x.high > high
    return Interval(max(x.low, low), min(x.high, high), nan, x.may_be_infinite, x.may_be_zero)


def _monotone(
    function: Callable[[float], float],
    x: Interval,
    lowest: float = -inf,
    highest: float = inf,
    *,
    zero: bool = True,
    infinite: bool | None = None,
) -> Interval:
    """The image under an increasing function, which stays between two limits."""
    low, high = max(_at(function, x.low, -1), lowest), min(_at(function, x.high, 1), highest)
    return Interval(low, high, x.may_be_nan, x.may_be_infinite if infinite is None else infinite, zero)


def _bounded_wave(function: Callable[[float], float], x: Interval) -> Interval:
    if x.known and not math.isinf(x.low):
        return Interval(max(_at(function, x.low, -1), -1.0), min(_at(function, x.low, 1), 1.0))
    return Interval(-1.0, 1.0, x.may_be_nan or x.may_be_infinite)


def _at(function: Callable[[float], float], bound: float, direction: int) -> float:
    """A function of a bound, rounded outward, but where it is exact; its limit where it has no value."""
    try:
        value = function(bound)
    except OverflowError:
        return _widened(inf, direction)
    except ValueError:
        return -inf
    return value if math.isinf(bound) or {bound, value} <= {0.0, 1.0} else _widened(value, direction)


def _widened(value: float, direction: int) -> float:
    for _ in range(SLACK):
        value = math.nextafter(value, math.copysign(inf, direction))
    return value


def _atan(x: float) -> float:
    """The angle, and beyond the right one for infinity, which is no float."""
    return math.copysign(math.nextafter(math.pi / 2, 2), x) if math.isinf(x) else math.atan(x)


def _power(x: float, y: float) -> tuple[float, float]:
    try:
        value = math.pow(x, y)
    except (OverflowError, ValueError):
        return (_widened(inf, -1), inf) if x else (inf, inf)
    exact = x.is_integer() and y.is_integer() and y >= 0 and value < 1 << 53
    return (value, value) if exact or math.isinf(x) or math.isinf(y) else (_widened(value, -1), _widened(value, 1))


def _stepped(function: Callable[[float], float], x: Interval) -> Interval:
    low, high = (bound if math.isinf(bound) else float(function(bound)) for bound in (x.low, x.high))
    return Interval(low, high, x.may_be_nan, x.may_be_infinite, whole=True)


def _bits(function: Callable[[int, int], int], x: Interval, y: Interval) -> Interval:
    if x.known and y.known:
        return as_interval(function(int(x.low), int(y.low)))
    if min(x.low, y.low) < 0 or max(x.high, y.high) == inf:
        return everything()
    return Interval(0.0, float((1 << int(max(x.high, y.high)).bit_length()) - 1))
