"""Elementwise ops on numbers: arithmetic, powers, exponentials and their stable relatives.

To add one, write its class and its `function` line here; parsing, printing, the reference, the targets and the
tests find it by themselves. Derivatives are written so that they are right wherever the value is.
"""

from __future__ import annotations

import math
from typing import Any

from graphc.ir.leaf import full, uniform_value
from graphc.ir.node import Node
from graphc.ir.op import Cotangents
from graphc.ir.scalars import Scalars, Value
from graphc.ops.base import (
    Domain,
    Elementwise,
    floats,
    inf,
    negative_reals,
    nonnegative,
    positive,
    reals,
)
from graphc.ops.conversion import function
from graphc.ops.logic import equal, isinf, logical_and, where

# --- arithmetic ---


class Add(Elementwise):
    """x + y."""

    linear = True

    def scalar(self, s: Scalars, x: Value, y: Value) -> Value:
        return x + y

    def vjp(self, g: Node, z: Node, x: Node, y: Node) -> Cotangents:
        return g, g


class Subtract(Elementwise):
    """x - y."""

    linear = True

    def scalar(self, s: Scalars, x: Value, y: Value) -> Value:
        return x - y

    def vjp(self, g: Node, z: Node, x: Node, y: Node) -> Cotangents:
        return g, -g


class Multiply(Elementwise):
    """x * y."""

    def scalar(self, s: Scalars, x: Value, y: Value) -> Value:
        return x * y

    def vjp(self, g: Node, z: Node, x: Node, y: Node) -> Cotangents:
        return g * y, g * x


class Divide(Elementwise):
    """x / y of floats, as IEEE 754 divides."""

    accepts, domain = floats, (reals, positive)

    def scalar(self, s: Scalars, x: Value, y: Value) -> Value:
        return x / y

    def vjp(self, g: Node, z: Node, x: Node, y: Node) -> Cotangents:
        return g / y, -(g * z) / y


class Negative(Elementwise):
    """-x."""

    linear = True

    def scalar(self, s: Scalars, x: Value) -> Value:
        return -x

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (-g,)


class FloorDivide(Elementwise):
    """x // y, rounded towards minus infinity. Integers: 0 where y is 0."""

    domain = (reals, positive)
    vjp = None

    def scalar(self, s: Scalars, x: Value, y: Value) -> Value:
        return s.floor_divide(x, y)


class Remainder(Elementwise):
    """x % y, with the sign of y. Integers: 0 where y is 0."""

    domain = (reals, positive)

    def scalar(self, s: Scalars, x: Value, y: Value) -> Value:
        return s.remainder(x, y)

    def vjp(self, g: Node, z: Node, x: Node, y: Node) -> Cotangents:
        return g, -g * floor_divide(x, y)


class Abs(Elementwise):
    """|x|. Its derivative at 0 is 0."""

    def scalar(self, s: Scalars, x: Value) -> Value:
        return s.abs(x)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (g * sign(x),)


class Sign(Elementwise):
    """-1, 0 (without a sign) or 1; NaN for NaN. Its derivative is 0."""

    vjp = None

    def scalar(self, s: Scalars, x: Value) -> Value:
        return s.where(s.less(0, x), 1, s.where(s.less(x, 0), -1, x + 0))


class Square(Elementwise):
    """x * x."""

    def scalar(self, s: Scalars, x: Value) -> Value:
        return x * x

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (g * (2 * x),)

    def spelled_out(self, x: Node) -> Node:
        return x * x


class Pow(Elementwise):
    """x to the power y: IEEE 754 `pow` for floats."""

    domain = (positive, reals)

    def scalar(self, s: Scalars, x: Value, y: Value) -> Value:
        return s.pow(x, y)

    def vjp(self, g: Node, z: Node, x: Node, y: Node) -> Cotangents:
        exponent = uniform_value(y)
        if exponent is not None:
            slope = y * power(x, exponent - 1) if exponent != 0 else full(0, x.type)
            return g * slope, None
        return g * y * power(x, y - 1), g * where(equal(x, 0), 0 * x, z * log(x))


class Maximum(Elementwise):
    """The larger of x and y; NaN if either is. At a tie the derivative goes to y."""

    def scalar(self, s: Scalars, x: Value, y: Value) -> Value:
        return s.maximum(x, y)

    def vjp(self, g: Node, z: Node, x: Node, y: Node) -> Cotangents:
        return where(x > y, g, 0), where(x > y, 0, g)


class Minimum(Elementwise):
    """The smaller of x and y; NaN if either is. At a tie the derivative goes to y."""

    def scalar(self, s: Scalars, x: Value, y: Value) -> Value:
        return s.minimum(x, y)

    def vjp(self, g: Node, z: Node, x: Node, y: Node) -> Cotangents:
        return where(x < y, g, 0), where(x < y, 0, g)


# --- rounding: no derivative but zero ---


class Floor(Elementwise):
    """The largest integer that is not larger."""

    vjp = None

    def scalar(self, s: Scalars, x: Value) -> Value:
        return s.floor(x)


class Ceil(Elementwise):
    """The smallest integer that is not smaller."""

    vjp = None

    def scalar(self, s: Scalars, x: Value) -> Value:
        return s.ceil(x)


class Trunc(Elementwise):
    """The integer part."""

    vjp = None

    def scalar(self, s: Scalars, x: Value) -> Value:
        return s.trunc(x)


class Round(Elementwise):
    """The nearest integer, ties to even."""

    vjp = None

    def scalar(self, s: Scalars, x: Value) -> Value:
        return s.round(x)


# --- roots, exponentials, logarithms ---


class Sqrt(Elementwise):
    """The square root; NaN below 0."""

    accepts, domain = floats, nonnegative

    def scalar(self, s: Scalars, x: Value) -> Value:
        return s.sqrt(x)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (g / (2 * y),)


class Cbrt(Elementwise):
    """The cube root, negative for negative numbers."""

    accepts = floats

    def scalar(self, s: Scalars, x: Value) -> Value:
        size = s.abs(x)
        near = s.exp(s.log(size) / 3)
        root = near - (near - size / (near * near)) / 3  # a step of Newton's method
        root = s.where(s.logical_or(s.equal(size, 0), s.isinf(size)), size, root)
        return s.where(s.less(x, 0), -root, s.where(s.equal(x, 0), x, root))

    def exact(self, s: Scalars, x: Value) -> Value:
        root = s.exp(s.log(s.abs(x)) / 3)
        return s.where(s.equal(x, 0), x, s.where(s.less(x, 0), -root, root))

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (g / (3 * (y * y)),)


class Rsqrt(Elementwise):
    """1 / sqrt(x)."""

    accepts, domain = floats, positive

    def scalar(self, s: Scalars, x: Value) -> Value:
        return 1 / s.sqrt(x)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (g * (-0.5 * y) / x,)

    def spelled_out(self, x: Node) -> Node:
        return 1 / sqrt(x)


class Exp(Elementwise):
    """e to the power x."""

    accepts = floats

    def scalar(self, s: Scalars, x: Value) -> Value:
        return s.exp(x)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (g * y,)


class Expm1(Elementwise):
    """exp(x) - 1, accurate near 0."""

    accepts = floats

    def scalar(self, s: Scalars, x: Value) -> Value:
        return s.expm1(x)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (g * exp(x),)


class Log(Elementwise):
    """Natural logarithm; -inf at 0, NaN below."""

    accepts, domain = floats, positive

    def scalar(self, s: Scalars, x: Value) -> Value:
        return s.log(x)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (g / x,)


class Log1p(Elementwise):
    """log(1 + x), accurate near 0."""

    accepts, domain = floats, Domain(-1.0, inf, 1.0, closed=False)

    def scalar(self, s: Scalars, x: Value) -> Value:
        return s.log1p(x)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (g / (1 + x),)


class Log2(Elementwise):
    """The logarithm to the base 2; whole for powers of 2."""

    accepts, domain = floats, positive

    def scalar(self, s: Scalars, x: Value) -> Value:
        return s.log2(x)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return ((g / math.log(2)) / x,)


class Log10(Elementwise):
    """The logarithm to the base 10."""

    accepts, domain = floats, positive

    def scalar(self, s: Scalars, x: Value) -> Value:
        return s.log10(x)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return ((g / math.log(10)) / x,)


class ExpAdd(Elementwise):
    """exp(x + y) = exp(x) * exp(y), without losing the rounding error of x + y, which exp would magnify.

    The error of the sum is exact (Knuth's two-sum) and enters to first order.
    """

    accepts = floats

    def scalar(self, s: Scalars, x: Value, y: Value) -> Value:
        total = x + y
        part = total - x
        error = (x - (total - part)) + (y - part)
        value = s.exp(total)
        return s.where(s.isfinite(total - value), value + value * error, value)

    def exact(self, s: Scalars, x: Value, y: Value) -> Value:
        return s.exp(x + y)

    def vjp(self, g: Node, z: Node, x: Node, y: Node) -> Cotangents:
        return g * z, g * z

    def spelled_out(self, x: Node, y: Node) -> Node:
        return exp(x + y)


class Logaddexp(Elementwise):
    """log(exp(x) + exp(y)) without overflow."""

    accepts = floats

    def scalar(self, s: Scalars, x: Value, y: Value) -> Value:
        distance = s.where(s.equal(x, y), 0.0, s.abs(x - y))
        return s.maximum(x, y) + s.log1p(s.exp(-distance))

    def exact(self, s: Scalars, x: Value, y: Value) -> Value:
        return s.log(s.exp(x) + s.exp(y))

    def vjp(self, g: Node, z: Node, x: Node, y: Node) -> Cotangents:
        return g * sigmoid(_gap(x, y)), g * sigmoid(_gap(y, x))


class Log1mexp(Elementwise):
    """log(1 - exp(x)) for x < 0, accurate near 0 and far below (Maechler, 2012)."""

    accepts, domain = floats, negative_reals

    def scalar(self, s: Scalars, x: Value) -> Value:
        return s.where(s.less(-math.log(2.0), x), s.log(-s.expm1(x)), s.log1p(-s.exp(x)))

    def exact(self, s: Scalars, x: Value) -> Value:
        return s.log(1 - s.exp(x))

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (g * (exp(x) / expm1(x)),)  # both factors stay finite where exp(-x) overflows


# --- logistic family ---


class Sigmoid(Elementwise):
    """1 / (1 + exp(-x)), accurate in both tails."""

    accepts = floats

    def scalar(self, s: Scalars, x: Value) -> Value:
        e = s.exp(-s.abs(x))
        top = s.where(s.less(x, 0), e, 1.0)
        return top - top * (e / (1 + e))  # rounds less than top / (1 + e)

    def exact(self, s: Scalars, x: Value) -> Value:
        return 1 / (1 + s.exp(-x))

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (g * logistic_pdf(x),)


class LogisticPdf(Elementwise):
    """exp(-x) / (1 + exp(-x))**2, the density of the logistic distribution and the derivative of the sigmoid."""

    accepts = floats

    def scalar(self, s: Scalars, x: Value) -> Value:
        e = s.exp(-s.abs(x))
        return e / ((1 + e) * (1 + e))

    def exact(self, s: Scalars, x: Value) -> Value:
        return s.exp(-x) / ((1 + s.exp(-x)) * (1 + s.exp(-x)))

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (-g * (y * tanh(x / 2)),)  # the two tails do not cancel at 0


class Softplus(Elementwise):
    """log(1 + exp(x)) without overflow."""

    accepts = floats

    def scalar(self, s: Scalars, x: Value) -> Value:
        return s.maximum(x, 0) + s.log1p(s.exp(-s.abs(x)))

    def exact(self, s: Scalars, x: Value) -> Value:
        return s.log(1 + s.exp(x))

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (g * sigmoid(x),)


class Tanh(Elementwise):
    """Hyperbolic tangent."""

    accepts = floats

    def scalar(self, s: Scalars, x: Value) -> Value:
        return s.tanh(x)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (g * (4 * logistic_pdf(2 * x)),)  # 1 - tanh(x)**2 would cancel


# --- trigonometry and the error function ---


class Sin(Elementwise):
    """Sine of radians."""

    accepts = floats

    def scalar(self, s: Scalars, x: Value) -> Value:
        return s.sin(x)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (g * cos(x),)


class Cos(Elementwise):
    """Cosine of radians."""

    accepts = floats

    def scalar(self, s: Scalars, x: Value) -> Value:
        return s.cos(x)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (-g * sin(x),)


class Tan(Elementwise):
    """Tangent of radians."""

    accepts, domain = floats, Domain(-1.57, 1.57, 1.0)

    def scalar(self, s: Scalars, x: Value) -> Value:
        return s.tan(x)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (g / square(cos(x)),)


class Erf(Elementwise):
    """The error function."""

    accepts = floats

    def scalar(self, s: Scalars, x: Value) -> Value:
        return s.erf(x)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (g * (2 / math.sqrt(math.pi) * exp(-square(x))),)


class Erfc(Elementwise):
    """1 - erf(x), accurate in the right tail."""

    accepts = floats

    def scalar(self, s: Scalars, x: Value) -> Value:
        return s.erfc(x)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (-g * (2 / math.sqrt(math.pi) * exp(-square(x))),)


add = function(Add)
subtract = function(Subtract)
multiply = function(Multiply)
divide = function(Divide)
negative = function(Negative)
floor_divide = function(FloorDivide)
remainder = function(Remainder)
abs = function(Abs)
sign = function(Sign)
square = function(Square)
power = function(Pow)
maximum = function(Maximum)
minimum = function(Minimum)
floor = function(Floor)
ceil = function(Ceil)
trunc = function(Trunc)
round = function(Round)
sqrt = function(Sqrt)
cbrt = function(Cbrt)
rsqrt = function(Rsqrt)
exp = function(Exp)
expm1 = function(Expm1)
log = function(Log)
log1p = function(Log1p)
log2 = function(Log2)
log10 = function(Log10)
exp_add = function(ExpAdd)
logaddexp = function(Logaddexp)
log1mexp = function(Log1mexp)
sigmoid = function(Sigmoid)
logistic_pdf = function(LogisticPdf)
softplus = function(Softplus)
tanh = function(Tanh)
sin = function(Sin)
cos = function(Cos)
tan = function(Tan)
erf = function(Erf)
erfc = function(Erfc)


def _gap(x: Any, y: Any) -> Any:
    """x - y, and 0 where both are the same infinity."""
    return where(logical_and(equal(x, y), isinf(x)), 0, x - y)
