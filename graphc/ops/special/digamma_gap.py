"""By how much the logarithm exceeds digamma, and the derivatives of that: about 1 / (2 * x), of which both are rounded.

As in `polygamma_difference`: the recurrence moves x up to where the asymptotic series is precise, and what a move
changes, 1 / x - log(1 + 1 / x) and its derivatives, is a sum of positive terms of the inverses p and q of x and x + 1.
"""

from __future__ import annotations

import math

from graphc.ir.node import Node
from graphc.ir.op import Cotangents
from graphc.ir.scalars import Scalars, Value
from graphc.ops.base import Elementwise, floats, positive
from graphc.ops.conversion import function
from graphc.ops.special.algorithm import excess_over_log1p, in_double, polynomial
from graphc.ops.special.polygamma_difference import MOVES, asymptotic_terms


class DigammaGap(Elementwise):
    """log(x) - digamma(x) for x > 0, or a derivative of it; NaN below."""

    order: int = 0
    accepts, domain = floats, positive

    @in_double
    def scalar(self, s: Scalars, x: Value) -> Value:
        n, moved = self.order, 0.0
        terms = asymptotic_terms(n)
        terms[n] = 0.0  # the first one is the logarithm's
        for k in range(MOVES + n - 1, -1, -1):  # the largest term last
            moved = moved + _move(s, x + k, n)
        value = (moved + polynomial(1 / (x + (MOVES + n)), terms[::-1])) * (-1) ** n
        return s.where(s.less_equal(0, x), value, float("nan"))

    def exact(self, s: Scalars, x: Value) -> Value:
        n = self.order
        logarithm = (-1) ** (n - 1) * math.factorial(n - 1) / s.pow(x, 0 * x + n) if n else s.log(x)
        return logarithm - s.special("polygamma", n, x)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (g * digamma_gap(x, order=self.order + 1),)


def _move(s: Scalars, x: Value, n: int) -> Value:
    """The derivative of 1 / x - log(1 + 1 / x) of order n, times (-1)**n."""
    p, q = 1 / x, 1 / (x + 1)
    if n == 0:
        return s.where(s.isinf(p), p, excess_over_log1p(s, p, s.log1p(p)))
    total, power = float(n), 1.0
    for k in range(n - 1, 0, -1):  # k * p**(k - 1) * q**(n - k)
        power = power * q
        total = total * p + k * power
    return math.factorial(n - 1) * (p * p) * q * total


digamma_gap = function(DigammaGap)
