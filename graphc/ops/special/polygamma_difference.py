"""Differences of digamma and of its derivatives at two points, which cancel where the points are close for their size.

Comes in: a point and the step to the next one. Both are moved up by the recurrence (DLMF 5.5.2), whose terms all have
one sign, to where the asymptotic series (DLMF 5.11.2, 5.15.8) is precise. What is left are differences of powers of
the inverses p and q of both points: p - q is step * p * q, and the rest is a divided difference of polynomials.
"""

from __future__ import annotations

import math
from typing import Any

from graphc.ir.node import Node
from graphc.ir.op import Cotangents
from graphc.ir.scalars import Scalars, Value
from graphc.ops.base import Elementwise, floats, inf, positive
from graphc.ops.conversion import function
from graphc.ops.logic import logical_and, where
from graphc.ops.special.algorithm import in_double
from graphc.ops.special.gamma_function import digamma, polygamma

MOVES = 10
_BERNOULLI = (
    1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798, -174611 / 330,
)  # fmt: skip


class PolygammaDifference(Elementwise):
    """polygamma(order, x + step) - polygamma(order, x) for x > 0 and x + step > 0, NaN elsewhere."""

    order: int = 0
    accepts, domain = floats, (positive, positive)

    @in_double
    def scalar(self, s: Scalars, x: Value, step: Value) -> Value:
        n, low, size = self.order, s.minimum(x, x + step), s.abs(step)
        far = low + (MOVES + n)
        rest, moved = _difference(s, far, size, asymptotic_terms(n)), 0.0
        if n == 0:
            rest = rest + s.log1p(size / far)
        for k in range(MOVES + n - 1, -1, -1):  # the largest term last
            moved = moved + _difference(s, low + k, size, [0.0] * (n + 1) + [float(math.factorial(n))])
        total = moved + rest
        value = s.where(s.less(step, 0), -total, total) * (-1) ** n
        return s.where(s.less_equal(0, low), value, float("nan"))

    def exact(self, s: Scalars, x: Value, step: Value) -> Value:
        low = s.where(s.less(x, x + step), x, x + step)
        value = s.special("polygamma", self.order, x + step) - s.special("polygamma", self.order, x)
        return s.where(s.less_equal(0, low), value, float("nan"))

    def vjp(self, g: Node, y: Node, x: Node, step: Node) -> Cotangents:
        order = self.order + 1
        return g * polygamma_difference(x, step, order=order), g * polygamma(order, x + step)


def digamma_difference(x: Any, step: Any) -> Any:
    """digamma(x + step) - digamma(x), without the cancellation where both points are positive."""
    total = x + step
    inside = logical_and(x > 0, total > 0)
    smooth = polygamma_difference(where(inside, x, 1), where(inside, step, 1))
    return where(inside, smooth, digamma(where(inside, 1, total)) - digamma(where(inside, 1, x)))


def asymptotic_terms(n: int) -> list[float]:
    """(-1)**(n+1) * polygamma(n, x) as a polynomial of 1/x, the lowest power first; of n = 0 without the logarithm."""
    terms = [0.0] * n + [float(math.factorial(n - 1)) if n else 0.0, math.factorial(n) / 2]
    for k, number in enumerate(_BERNOULLI, 1):
        terms += [number * math.factorial(2 * k + n - 1) / math.factorial(2 * k), 0.0]
    return terms[:-1]


def _difference(s: Scalars, x: Value, step: Value, terms: list[float]) -> Value:
    """A polynomial of 1/x at x, less that at x + step: Horner's scheme for the divided difference."""
    p, q = 1 / x, 1 / (x + step)
    ratio, value = terms[-1], terms[-1] * q + terms[-2]
    for term in terms[-3::-1]:
        ratio = ratio * p + value
        value = value * q + term if term else value * q
    return p * s.where(s.equal(step, inf), 1.0, step * q) * ratio


polygamma_difference = function(PolygammaDifference)
