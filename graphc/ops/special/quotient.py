"""(exp(x) - 1) / x and sin(pi*x) / (pi*x), and their derivatives of every order.

Of f(x) = F(x)/x the derivatives follow one from the other, x*f[k] = F[k] - k*f[k-1]. Near 0 that cancels, and the
power series is used instead.
"""

from __future__ import annotations

import math

from graphc.ir.node import Node
from graphc.ir.op import Cotangents
from graphc.ir.scalars import Scalars, Value
from graphc.ops.base import Elementwise, floats
from graphc.ops.conversion import function
from graphc.ops.special.algorithm import in_double, polynomial, sine_and_cosine_of_pi

_SERIES = 24


class Exprel(Elementwise):
    """(exp(x) - 1) / x, 1 at 0; or a derivative of it, the integral of t**order * exp(x*t) over t from 0 to 1."""

    order: int = 0
    accepts = floats

    @in_double
    def scalar(self, s: Scalars, x: Value) -> Value:
        near = s.less(s.abs(x), 1.5)
        divisor = s.minimum(s.where(near, 1.5, x), 1e4)  # exp overflows before x is infinite
        value = s.expm1(x) / s.where(s.equal(x, 0), 1.0, s.minimum(x, 1e4))
        if not self.order:
            return s.where(s.equal(x, 0), 1.0, value)
        power = s.exp(x)
        for k in range(1, self.order + 1):
            value = s.where(s.isfinite(power), power - k * value, power) / divisor
        terms = [1 / (math.factorial(n) * (n + self.order + 1)) for n in range(_SERIES)]
        return s.where(near, polynomial(s.where(near, x, 0.0), terms[::-1]), value)

    def exact(self, s: Scalars, x: Value) -> Value:
        value = s.where(s.equal(x, 0), 1.0, s.expm1(x) / s.where(s.equal(x, 0), 1.0, x))
        for k in range(1, self.order + 1):
            value = s.where(s.equal(x, 0), 1 / (k + 1), (s.exp(x) - k * value) / s.where(s.equal(x, 0), 1.0, x))
        return value

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (g * exprel(x, order=self.order + 1),)


class Sinc(Elementwise):
    """sin(pi*x) / (pi*x), 1 at 0; or a derivative of it."""

    order: int = 0
    accepts = floats

    @in_double
    def scalar(self, s: Scalars, x: Value) -> Value:
        near = s.less(s.abs(x), 0.5)
        sine, cosine = sine_and_cosine_of_pi(s, x)
        angle = math.pi * s.where(near, 0.5, x)
        value = s.where(s.equal(s.abs(x), math.inf), 0.0, sine / angle)
        for k in range(1, self.order + 1):
            wave = (sine, cosine, -sine, -cosine)[k % 4]
            value = (math.pi**k * wave - k * math.pi * value) / angle
        small = math.pi * s.where(near, x, 0.0)
        series = math.pi**self.order * polynomial(small * small, _sinc_series(self.order))
        return s.where(near, series * small if self.order % 2 else series, value)

    def exact(self, s: Scalars, x: Value) -> Value:
        return s.special("sinc", self.order, x)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (g * sinc(x, order=self.order + 1),)


def _sinc_series(order: int) -> list[float]:
    """The derivative of sin(z)/z of an order as a polynomial of z**2, times z for an odd order."""
    first = (order + 1) // 2
    terms = [(-1) ** n / (math.factorial(2 * n - order) * (2 * n + 1)) for n in range(first, first + _SERIES // 2)]
    return terms[::-1]


exprel = function(Exprel)
sinc = function(Sinc)
