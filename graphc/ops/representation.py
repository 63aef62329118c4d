"""Elementwise ops on what floats are made of: sign bit, power of two, and the next number that the dtype has."""

from __future__ import annotations

import math

from graphc.ir.node import Node
from graphc.ir.op import Cotangents
from graphc.ir.scalars import Scalars, Value
from graphc.ops.base import Elementwise, floats, positive, reals
from graphc.ops.conversion import function
from graphc.ops.logic import equal, where
from graphc.types import DType, bool_


class Signbit(Elementwise):
    """Whether the sign bit is set: also of -0.0, and of NaN."""

    accepts, vjp = floats, None

    def scalar(self, s: Scalars, x: Value) -> Value:
        return s.signbit(x)

    def result(self, dtype: DType) -> DType:
        return bool_


class Copysign(Elementwise):
    """|x| with the sign bit of y."""

    accepts = floats

    def scalar(self, s: Scalars, x: Value, y: Value) -> Value:
        size = s.abs(x)
        return s.where(s.signbit(y), -size, size)

    def vjp(self, g: Node, z: Node, x: Node, y: Node) -> Cotangents:
        return where(equal(signbit(x), signbit(y)), g, -g), None


class Nextafter(Elementwise):
    """The float next to x on the way to y; y if they are equal. Its derivative by x is 1.

    16-bit floats calculate in float32, whose steps are smaller: cast them.
    """

    accepts = floats

    def scalar(self, s: Scalars, x: Value, y: Value) -> Value:
        return s.nextafter(x, y)

    @classmethod
    def admits(cls, dtype: DType) -> bool:
        return dtype.is_float and dtype.compute is dtype

    def vjp(self, g: Node, z: Node, x: Node, y: Node) -> Cotangents:
        return g, None


class Exponent(Elementwise):
    """The integer k with 0.5 <= |x| / 2**k < 1, as a float; 0 for zeros, infinities and NaN. Its derivative is 0."""

    accepts, vjp = floats, None

    def scalar(self, s: Scalars, x: Value) -> Value:
        return s.exponent(x)


class Ldexp(Elementwise):
    """x * 2**k for a float k without a fraction: exact, unless the result is subnormal or overflows."""

    accepts, linear = floats, True

    def scalar(self, s: Scalars, x: Value, k: Value) -> Value:
        return s.ldexp(x, k)

    def vjp(self, g: Node, y: Node, x: Node, k: Node) -> Cotangents:
        return ldexp(g, k), None


class LogLdexp(Elementwise):
    """log(x * 2**k) for a float k without a fraction, though the power or the product may over- or underflow."""

    accepts, domain = floats, (positive, reals)

    def scalar(self, s: Scalars, x: Value, k: Value) -> Value:
        k = s.trunc(k)
        scaled = s.ldexp(x, s.where(s.less(s.abs(k), 64), k, 0.0))
        size = s.abs(scaled)
        near = s.logical_and(s.less(2.0**-126, size), s.less(size, 2.0**126))  # elsewhere a sum does not cancel
        near = s.logical_and(near, s.less(s.abs(k), 64))
        return s.log(s.where(near, scaled, x)) + s.where(near, 0.0, k) * math.log(2)

    def exact(self, s: Scalars, x: Value, k: Value) -> Value:
        return s.log(s.ldexp(x, k))

    def vjp(self, g: Node, y: Node, x: Node, k: Node) -> Cotangents:
        return g / x, None


exponent = function(Exponent)
signbit = function(Signbit)
copysign = function(Copysign)
ldexp = function(Ldexp)
log_ldexp = function(LogLdexp)
nextafter = function(Nextafter)
