"""Intervals of real numbers, with what they may hold besides: NaN, infinities, zero. Bounds round outward."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

inf = math.inf


@dataclass(frozen=True, slots=True)
class Interval:
    """The values between `low` and `high`. An infinite bound alone means unbounded: infinity need not occur.

    A truth value is an interval of 0 and 1: [0, 1] where it is not known. One object stands for one value, so
    `x - x` is 0 and `x * x` is a square; two unknown values need two objects, however equal.
    """

    low: float = -inf
    high: float = inf
    may_be_nan: bool = False
    may_be_infinite: bool = True
    may_be_zero: bool = True
    whole: bool = False  # whether all numbers are integers, infinities and NaN apart

    def __post_init__(self) -> None:
        infinite = self.may_be_infinite and (self.low == -inf or self.high == inf)
        object.__setattr__(self, "may_be_infinite", infinite)
        object.__setattr__(self, "may_be_zero", self.may_be_zero and self.low <= 0 <= self.high)
        if self.low == self.high and math.isfinite(self.low) and self.low == math.floor(self.low):
            object.__setattr__(self, "whole", True)

    @property
    def known(self) -> bool:
        """Whether there is a single value."""
        return self.low == self.high and not self.may_be_nan

    def __contains__(self, x: Any) -> bool:
        if math.isnan(x):
            return self.may_be_nan
        if math.isinf(x) and not self.may_be_infinite:
            return False
        if self.whole and not math.isinf(x) and x != math.floor(x):
            return False
        return bool(self.low <= x <= self.high and (x != 0 or self.may_be_zero))

    def __add__(self, other: Any) -> Interval:
        return _sum(self, as_interval(other))

    __radd__ = __add__

    def __neg__(self) -> Interval:
        return Interval(-self.high, -self.low, self.may_be_nan, self.may_be_infinite, self.may_be_zero, self.whole)

    def __sub__(self, other: Any) -> Interval:
        if self is other and not self.may_be_infinite:
            return Interval(0.0, 0.0, self.may_be_nan)
        return _sum(self, -as_interval(other))

    def __rsub__(self, other: Any) -> Interval:
        return _sum(as_interval(other), -self)

    def __mul__(self, other: Any) -> Interval:
        return _product(self, as_interval(other))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Interval:
        return _quotient(self, as_interval(other))

    def __rtruediv__(self, other: Any) -> Interval:
        return _quotient(as_interval(other), self)

    def __str__(self) -> str:
        low = "(" if (self.low == 0 and not self.may_be_zero) or self._open(self.low) else "["
        high = ")" if (self.high == 0 and not self.may_be_zero) or self._open(self.high) else "]"
        return f"{low}{self.low:g}, {self.high:g}{high}{' or nan' if self.may_be_nan else ''}"

    def _open(self, bound: float) -> bool:
        return math.isinf(bound) and not self.may_be_infinite


def everything() -> Interval:
    """All that a float may be. Each call makes another one, since one object stands for one value."""
    return Interval(may_be_nan=True)


def reals() -> Interval:
    """All real numbers."""
    return Interval(may_be_infinite=False)


def as_interval(x: Any) -> Interval:
    """A number as an interval: a point, or the two floats around an integer that is none."""
    if isinstance(x, Interval):
        return x
    if isinstance(x, float) or not hasattr(x, "__index__"):
        value = float(x)
        return everything() if math.isnan(value) else Interval(value, value)
    low, high = around(Fraction(int(x)))
    return Interval(low, high, may_be_infinite=False, whole=True)


def hull(parts: Iterable[Interval]) -> Interval:
    """The smallest interval that holds some intervals."""
    parts = list(parts)
    return Interval(
        min(x.low for x in parts),
        max(x.high for x in parts),
        any(x.may_be_nan for x in parts),
        any(x.may_be_infinite for x in parts),
        any(x.may_be_zero for x in parts),
        all(x.whole for x in parts),
    )


def meet(x: Interval, y: Interval) -> Interval:
    """What is in both of two intervals that hold one value; the first one, should they contradict each other."""
    low, high = max(x.low, y.low), min(x.high, y.high)
    if low > high:
        return x
    return Interval(
        low,
        high,
        x.may_be_nan and y.may_be_nan,
        x.may_be_infinite and y.may_be_infinite,
        x.may_be_zero and y.may_be_zero,
        x.whole or y.whole,
    )


def around(exact: Fraction) -> tuple[float, float]:
    """The floats below and above a rational number; equal where it is a float itself."""
    try:
        near = float(exact)
    except OverflowError:
        largest = math.nextafter(inf, 0.0)
        return (largest, inf) if exact > 0 else (-inf, -largest)
    found = Fraction(near)
    low = near if found <= exact else math.nextafter(near, -inf)
    return low, near if found >= exact else math.nextafter(near, inf)


def _sum(x: Interval, y: Interval) -> Interval:
    low = -inf if -inf in (x.low, y.low) else _bounds(operator.add, x.low, y.low)[0]
    high = inf if inf in (x.high, y.high) else _bounds(operator.add, x.high, y.high)[1]
    infinite = x.may_be_infinite or y.may_be_infinite
    opposite = (x.high == inf and y.low == -inf) or (x.low == -inf and y.high == inf)
    nan = x.may_be_nan or y.may_be_nan or (x.may_be_infinite and y.may_be_infinite and opposite)
    same_sign = (x.low >= 0 and y.low >= 0) or (x.high <= 0 and y.high <= 0)
    zero = not same_sign or (x.may_be_zero and y.may_be_zero)
    return Interval(low, high, nan, infinite, zero, x.whole and y.whole)


def _product(x: Interval, y: Interval) -> Interval:
    pairs = [(a, b) for a in (x.low, x.high) for b in (y.low, y.high)]
    undefined = (x.may_be_infinite and y.may_be_zero) or (x.may_be_zero and y.may_be_infinite)
    if x is y:
        inside = [(0.0, 0.0)] if x.low < 0 < x.high else []
        pairs, undefined = [(x.low, x.low), (x.high, x.high), *inside], False
    corners = [_corner(a, b) for a, b in pairs]
    return Interval(
        min(low for low, _ in corners),
        max(high for _, high in corners),
        x.may_be_nan or y.may_be_nan or undefined,
        x.may_be_infinite or y.may_be_infinite,
        x.may_be_zero or y.may_be_zero,
        x.whole and y.whole,
    )


def _corner(a: float, b: float) -> tuple[float, float]:
    """The product of two bounds: 0 times an infinite bound is 0, the limit of the products inside."""
    if a == 0 or b == 0:
        return 0.0, 0.0
    return _bounds(operator.mul, a, b)


def _quotient(x: Interval, y: Interval) -> Interval:
    undefined = (x.may_be_zero and y.may_be_zero) or (x.may_be_infinite and y.may_be_infinite)
    nan = x.may_be_nan or y.may_be_nan or undefined
    infinite = x.may_be_infinite or y.may_be_zero
    zero = x.may_be_zero or y.may_be_infinite
    if y.low < 0 < y.high or y.low == y.high == 0 or (y.may_be_zero and y.low <= 0 <= y.high):
        # A zero divisor may have either sign.
        return Interval(-inf, inf, nan, infinite, zero)
    sign = 1.0 if y.low >= 0 else -1.0
    corners = [_ratio(a, b, sign) for a in (x.low, x.high) for b in (y.low, y.high)]
    return Interval(min(c[0] for c in corners), max(c[1] for c in corners), nan, infinite, zero)


def _ratio(a: float, b: float, sign: float) -> tuple[float, float]:
    """The quotient of two bounds; `sign` is that of the divisors."""
    if a == 0 or math.isinf(b):
        return 0.0, 0.0
    if b == 0:
        limit = math.copysign(inf, a) * sign
        return limit, limit
    return _bounds(operator.truediv, a, b)


def _bounds(operation: Callable[[Any, Any], Any], a: float, b: float) -> tuple[float, float]:
    if math.isinf(a) or math.isinf(b):
        value = operation(a, b)
        return value, value
    return around(operation(Fraction(a), Fraction(b)))
