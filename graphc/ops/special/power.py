"""Powers of sums with 1, and powers less 1: what rounding of the base or the subtraction would lose.

The base of a power of 1 + x is the exact sum, split into a float and its rounding error (Knuth's two-sum), of which
the second enters by way of its exponential. IEEE 754-2019 calls the function compound.
"""

from __future__ import annotations

from graphc.ir.node import Node
from graphc.ir.op import Cotangents
from graphc.ir.scalars import Scalars, Value
from graphc.ops.base import Domain, Elementwise, floats, inf, positive, reals
from graphc.ops.conversion import function
from graphc.ops.elementwise import Pow, log1p
from graphc.ops.special.algorithm import in_double

_SMALL = 0.5
"""Up to here an exponent is small: expm1 of it keeps what a subtraction of 1 would lose."""


class OnePlusPower(Elementwise):
    """(1 + x)**y, accurate also where 1 + x is rounded."""

    accepts, domain = floats, (Domain(-1.0, inf, 1.0, closed=False), reals)

    @in_double
    def scalar(self, s: Scalars, x: Value, y: Value) -> Value:
        return _power_of_one_plus(s, x, y)

    def exact(self, s: Scalars, x: Value, y: Value) -> Value:
        return s.pow(1 + x, y)

    def vjp(self, g: Node, z: Node, x: Node, y: Node) -> Cotangents:
        return g * (y * one_plus_power(x, y - 1)), g * (z * log1p(x))


class OnePlusPowerMinusOne(Elementwise):
    """(1 + x)**y - 1, accurate where the power is near 1."""

    accepts, domain = floats, (Domain(-1.0, inf, 1.0, closed=False), reals)

    @in_double
    def scalar(self, s: Scalars, x: Value, y: Value) -> Value:
        exponent = y * s.log1p(x)
        near = s.less(s.abs(exponent), _SMALL)
        return s.where(near, s.expm1(s.where(near, exponent, 0.0)), _power_of_one_plus(s, x, y) - 1)

    def exact(self, s: Scalars, x: Value, y: Value) -> Value:
        return s.pow(1 + x, y) - 1

    def vjp(self, g: Node, z: Node, x: Node, y: Node) -> Cotangents:
        return g * (y * one_plus_power(x, y - 1)), g * ((z + 1) * log1p(x))


class PowerMinusOne(Elementwise):
    """x**y - 1, accurate where the power is near 1."""

    accepts, domain = floats, (positive, reals)

    @in_double
    def scalar(self, s: Scalars, x: Value, y: Value) -> Value:
        exponent = y * s.log(x)
        near = s.less(s.abs(exponent), _SMALL)
        return s.where(near, s.expm1(s.where(near, exponent, 0.0)), s.pow(x, y) - 1)

    def exact(self, s: Scalars, x: Value, y: Value) -> Value:
        return s.pow(x, y) - 1

    def vjp(self, g: Node, z: Node, x: Node, y: Node) -> Cotangents:
        return Pow().vjp(g, z + 1, x, y)


def _power_of_one_plus(s: Scalars, x: Value, y: Value) -> Value:
    base, error = 1 + x, _error_of_one_plus(s, x)
    exact = s.logical_or(s.equal(error, 0), s.equal(y, 0))
    rest = s.where(exact, 0.0, y) * (error / s.where(exact, 1.0, base))
    power = s.pow(base, y)
    far = s.where(s.less(s.abs(x), _SMALL), s.exp(y * s.log1p(x)), power)
    return s.where(s.less(s.abs(rest), _SMALL), s.where(exact, power, power * s.exp(rest)), far)


def _error_of_one_plus(s: Scalars, x: Value) -> Value:
    """1 + x less its rounded value, which is exact; 0 where it is not finite."""
    total = 1 + x
    part = total - x
    error = (x - (total - part)) + (1 - part)
    return s.where(s.isfinite(error), error, 0.0)


one_plus_power = function(OnePlusPower)
one_plus_power_minus_one = function(OnePlusPowerMinusOne)
power_minus_one = function(PowerMinusOne)
