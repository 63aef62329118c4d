"""Arithmetic on floats with an exponent of their own: neither overflow nor underflow, and the rounding of floats.

    value = fraction * 2**power        the fraction a float32 or float64, the power an int32, for each element

Scaling by powers of two is exact. So a result has the bits that the formula gives wherever nothing over- or underflows,
zeros stay zeros, signs need no proof, and the derivative is that of the formula: powers count as constants in it.
Sums are taken relative to their largest term; what cannot be seen beside that one is lost there, as in floats.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from graphc.interpret.ranges import range_of
from graphc.ir.leaf import full, uniform_value
from graphc.ir.node import Node, make
from graphc.ops.conversion import Axes, cast, expand, sum
from graphc.ops.elementwise import (
    abs,
    cbrt,
    divide,
    exp,
    floor,
    floor_divide,
    log2,
    maximum,
    multiply,
    power,
    round,
    sigmoid,
    sign,
    sqrt,
)
from graphc.ops.logic import bitwise_right_shift, equal, greater, isfinite, isnan, less, logical_and, logical_or, where
from graphc.ops.reduction import Max, Min, count, log_softmax, softmax
from graphc.ops.representation import exponent, ldexp
from graphc.types import DType, Shape, float32, float64, int32

LOWEST, HIGHEST = -(2**31), 2**31 - 1
LN2 = math.log(2)
SETTLED = 8.0
"""The spread of fractions between the steps of a loop, and of those that are added up."""
LN2_LEADING, LN2_TRAILING = 0.6931471803691238, 1.9082149292705877e-10


@dataclass(frozen=True, eq=False)
class Extended:
    """Numbers `fraction * 2**power`. Where a fraction is finite and not 0, its |log2| is at most `spread`."""

    fraction: Node
    power: Node
    spread: float = math.inf

    @property
    def shape(self) -> Shape:
        return self.fraction.shape

    @property
    def ndim(self) -> int:
        return self.fraction.ndim

    @property
    def is_plain(self) -> bool:
        """Whether the powers are known to be 0."""
        return uniform_value(self.power) == 0

    def moved(self, move: Callable[[Node], Node]) -> Extended:
        """The elements at other places."""
        return replace(self, fraction=move(self.fraction), power=move(self.power))


Number = Extended | Node


def extended(x: Number) -> Extended:
    """Ordinary floats; 16-bit ones in float32."""
    if isinstance(x, Extended):
        return x
    value: Node = cast(x, x.dtype.compute)
    return Extended(value, full(0, value.type.with_dtype(int32)), _spread(value))


def ordinary(x: Extended, dtype: DType) -> Node:
    """Floats again, which may over- or underflow."""
    return cast(_scaled(x.fraction, x.power), dtype)


def normalised(x: Extended, most: float = 1.0) -> Extended:
    """The same numbers; fractions that may be farther from 1 become those from 0.5 to 1."""
    if x.spread <= most:
        return x
    k = exponent(x.fraction)
    return Extended(ldexp(x.fraction, -k), added(x.power, cast(k, int32)), 1.0)


# --- elementwise ---


def times(x: Extended, y: Extended) -> Extended:
    """x * y."""
    x, y = _multipliable(x, y)
    return Extended(multiply(x.fraction, y.fraction), added(x.power, y.power), x.spread + y.spread)


def over(x: Extended, y: Extended) -> Extended:
    """x / y."""
    x, y = _multipliable(x, y)
    return Extended(divide(x.fraction, y.fraction), added(x.power, y.power, -1), x.spread + y.spread)


def plus(x: Extended, y: Extended, sign: int = 1) -> Extended:
    """x + y, or x - y."""
    a, b, top = together(x, y)
    return Extended(a + b if sign > 0 else a - b, top)


def together(x: Extended, y: Extended) -> tuple[Node, Node, Node]:
    """The fractions of both relative to the larger power of what is not 0, and that power."""
    if x.is_plain and y.is_plain:
        return x.fraction, y.fraction, x.power
    x, y = normalised(x, SETTLED), normalised(y, SETTLED)
    of_both = where(equal(y.fraction, 0), x.power, maximum(x.power, y.power))
    top = where(equal(x.fraction, 0), y.power, of_both)
    return relative(x, top), relative(y, top), top


def larger(x: Extended, y: Extended, sign: int = 1) -> Extended:
    """The maximum of x and y, or the minimum; NaN if either is, and y at a tie."""
    a, b, _ = together(x, y)
    return chosen(logical_or(greater(a, b) if sign > 0 else less(a, b), isnan(a)), x, y)


def chosen(condition: Node, x: Extended, y: Extended) -> Extended:
    """x where the condition holds, else y."""
    fraction, powers = (where(condition, a, b) for a, b in ((x.fraction, y.fraction), (x.power, y.power)))
    return Extended(fraction, powers, max(x.spread, y.spread))


def square_root(x: Extended) -> Extended:
    """The square root."""
    x = normalised(x)
    half = bitwise_right_shift(x.power, 1)
    return Extended(sqrt(_scaled(x.fraction, x.power - 2 * half)), half, x.spread + 1)


def cube_root(x: Extended) -> Extended:
    """The cube root."""
    x = normalised(x)
    third = floor_divide(x.power, 3)
    return Extended(cbrt(_scaled(x.fraction, x.power - 3 * third)), third, x.spread + 1)


def raised(x: Extended, y: Node) -> Extended:
    """x to an ordinary power y.

    The power of the fraction is taken as such where it is a number, else by its logarithm, in float64. The product of
    both powers is split into a whole number and the rest, for which float32 has too few digits.
    """
    x = normalised(x)
    y = cast(y, x.fraction.dtype)
    low = less(abs(x.fraction), math.sqrt(0.5))  # fractions as close to 1 as can be
    base, k = where(low, 2 * x.fraction, x.fraction), x.power - cast(low, int32)
    base = where(isfinite(y), base, ordinary(x, base.dtype))
    wide = cast(y, float64)
    logarithm = wide * log2(cast(abs(base), float64))
    far = logical_and(greater(abs(logarithm), 100), isfinite(logarithm))
    total = cast(k, float64) * wide + where(far, logarithm, 0)
    split = isfinite(total)
    whole = floor(where(split, total, 0))
    rest = cast(exp(where(split, total - whole, 0) * LN2), base.dtype)
    near = power(where(far, sign(base), base), y)
    return Extended(near * rest, cast(whole, int32))


# --- what begins as a logarithm ---


def exponential(x: Node) -> Extended:
    """exp(x): 2 to the whole part of x / log(2), and the rest."""
    x = cast(x, x.dtype.compute)
    finite = less(abs(x), 2.0**30)
    k = round(where(finite, x, 0) * (1 / LN2))
    rest = cast(cast(x, float64) - cast(k, float64) * LN2, x.dtype) if x.dtype is float32 else _long_rest(x, k)
    return Extended(exp(rest), cast(k, int32), 1.0)


def logistic(x: Node) -> Extended:
    """sigmoid(x), which is exp(x) far below 0."""
    x = cast(x, x.dtype.compute)
    far = less(x, -40)
    return chosen(far, exponential(where(far, x, -40)), extended(sigmoid(x)))


def shares(x: Node, axis: Axes) -> Extended:
    """softmax(x), by its logarithm where it is small."""
    x = cast(x, x.dtype.compute)
    share = softmax(x, axis)
    small = less(share, 2.0**-60)
    return chosen(small, exponential(where(small, log_softmax(x, axis), -40)), extended(share))


# --- rows ---


def total(x: Extended, axis: Axes) -> Extended:
    """The sum over axes."""
    if not axis:
        return x
    if x.is_plain:
        value = sum(x.fraction, axis)
        return Extended(value, full(0, value.type.with_dtype(int32)))
    x = normalised(x, SETTLED)
    top = highest(x, axis)
    return Extended(sum(relative(x, expand(top, axis, like=x.fraction)), axis), top)


def average(x: Extended, axis: Axes) -> Extended:
    """The mean over axes."""
    found = total(x, axis)
    number = extended(count(x.fraction, axis, found.fraction))
    return over(found, number)


def aligned(x: Extended, axis: Axes, sign: int = 1) -> tuple[Node, Node]:
    """Fractions for one power along axes, which keep the largest number (or the smallest), and that power.

    The largest one is the one with the largest power, unless none is positive.
    """
    x = normalised(x, SETTLED)
    positive = greater(x.fraction, 0) if sign > 0 else less(x.fraction, 0)
    top = make(Max(axis), where(positive, x.power, LOWEST))
    bottom = make(Min(axis), x.power)
    power = where(equal(top, LOWEST), where(equal(bottom, HIGHEST), 0, bottom), top)
    return relative(x, expand(power, axis, like=x.fraction)), power


def highest(x: Extended, axis: Axes) -> Node:
    """The largest power over axes of what is not 0; of all, where everything is 0."""
    if x.is_plain or not axis:
        return full(0, Max(axis).infer(x.power.type)) if axis else x.power
    every = make(Max(axis), x.power)
    some = make(Max(axis), where(equal(x.fraction, 0), LOWEST, x.power))
    of_any = where(equal(some, LOWEST), every, some)
    filled = all(isinstance(x.shape[a], int) and x.shape[a] for a in axis)
    return of_any if filled else where(equal(of_any, LOWEST), 0, of_any)  # of nothing


def relative(x: Extended, top: Node) -> Node:
    """Fractions for other powers."""
    return x.fraction if top is x.power else _scaled(x.fraction, x.power - top)


def _multipliable(x: Extended, y: Extended) -> tuple[Extended, Extended]:
    """Both with fractions whose product is a normal number of the dtype."""
    most = 60.0 if x.fraction.dtype is float32 else 500.0
    return normalised(x, most), normalised(y, most)


def _scaled(x: Node, k: Node) -> Node:
    return x if uniform_value(k) == 0 else ldexp(x, cast(k, x.dtype))


def added(x: Node, y: Node, sign: int = 1) -> Node:
    """The sum or difference of powers."""
    if uniform_value(y) == 0:
        return x
    if uniform_value(x) == 0:
        return y if sign > 0 else -y
    return x + y if sign > 0 else x - y


def _long_rest(x: Node, k: Node) -> Node:
    """x - k * log(2) in float64: the leading digits of log(2) are few, so that their product is exact."""
    return (x - k * LN2_LEADING) - k * LN2_TRAILING


def _spread(x: Node) -> float:
    """How far the logarithms of numbers may be from 0, by what is known of their range."""
    if uniform_value(x) == 0:
        return 0.0
    found = range_of(x)
    low, high = (found.low, found.high) if found.low >= 0 else (-found.high, -found.low)
    known = 0 < low <= high < math.inf and not found.may_be_zero
    return max(-math.log2(low), math.log2(high), 0.0) if known else math.inf
