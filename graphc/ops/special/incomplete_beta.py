"""The incomplete beta function over the whole one, and its derivative by x.

The smaller one of I(a, b, x) and 1 - I = I(b, a, 1-x) is calculated: by an asymptotic expansion where both parameters
are large and x is near the transition, else by a continued fraction (DiDonato and Morris, 1992).
"""

from __future__ import annotations

import math

from graphc.ir.leaf import full
from graphc.ir.node import Node
from graphc.ir.op import Cotangents
from graphc.ir.scalars import Scalars, Value
from graphc.ops.base import Domain, Elementwise, floats, inf, positive
from graphc.ops.conversion import function
from graphc.ops.elementwise import log, log1p
from graphc.ops.special.algorithm import excess_over_log1p, in_double
from graphc.ops.special.beta_expansion import REACH, SMALLEST, expansion
from graphc.ops.special.beta_function import log_beta, stirling_excess
from graphc.ops.special.polygamma_difference import polygamma_difference

nan = float("nan")
_FRACTION = 72
_unit = Domain(0.0, 1.0, 0.5, closed=False)


class Betainc(Elementwise):
    """I(a, b, x), the integral of t**(a-1) * (1-t)**(b-1) from 0 to x over that to 1.

    The derivatives by the parameters are NaN: they have no closed form.
    """

    accepts, domain = floats, (positive, positive, _unit)

    @in_double
    def scalar(self, s: Scalars, a: Value, b: Value, x: Value) -> Value:
        y = 1 - x
        shift = s.where(s.less(s.minimum(a, b), SMALLEST), 1.0, 0 * a)
        beyond = s.less((a + shift) * y, (b + shift) * x)
        # For b < 1 the other one may be close to 1 far beyond the transition.
        beyond = s.logical_and(beyond, s.logical_not(s.logical_and(s.less(b, 1), s.less(x, 0.95))))
        log_x, log_y = s.log(x), s.log1p(-x)
        turned = [s.where(beyond, v, w) for v, w in ((b, a), (a, b), (y, x), (x, y), (log_y, log_x), (log_x, log_y))]
        value = _smaller(s, *turned)
        return _at_edges(s, a, b, x, s.where(beyond, 1 - value, value), low=0.0, high=1.0)

    def exact(self, s: Scalars, a: Value, b: Value, x: Value) -> Value:
        return s.special("beta_i", a, b, x)

    def vjp(self, g: Node, y: Node, a: Node, b: Node, x: Node) -> Cotangents:
        missing = full(nan, a.type)
        return missing, missing, g * beta_pdf(a, b, x)


class BetaPdf(Elementwise):
    """x**(a-1) * (1-x)**(b-1) / B(a, b), the density of the beta distribution, the derivative of betainc by x."""

    accepts, domain = floats, (positive, positive, _unit)

    @in_double
    def scalar(self, s: Scalars, a: Value, b: Value, x: Value) -> Value:
        y = 1 - x
        value = _front(s, a, b, x, y, s.log(x), s.log1p(-x))[0] / (x * y)
        low = s.where(s.less(a, 1), inf, s.where(s.equal(a, 1), b, 0.0))
        high = s.where(s.less(b, 1), inf, s.where(s.equal(b, 1), a, 0.0))
        return _at_edges(s, a, b, x, value, low, high)

    def exact(self, s: Scalars, a: Value, b: Value, x: Value) -> Value:
        log_beta = s.special("log_gamma", a) + s.special("log_gamma", b) - s.special("log_gamma", a + b)
        return s.pow(x, a - 1) * s.pow(1 - x, b - 1) * s.exp(-log_beta)

    def vjp(self, g: Node, y: Node, a: Node, b: Node, x: Node) -> Cotangents:
        by_a, by_b = log(x) + polygamma_difference(a, b), log1p(-x) + polygamma_difference(b, a)
        return g * (y * by_a), g * (y * by_b), g * (y * ((a - 1) / x - (b - 1) / (1 - x)))


def _smaller(s: Scalars, a: Value, b: Value, x: Value, y: Value, log_x: Value, log_y: Value) -> Value:
    """I(a, b, x) where it is not the larger one."""
    front, decay, excess = _front(s, a, b, x, y, log_x, log_y)
    small, large = s.minimum(a, b), s.maximum(a, b)
    ratio = small / large
    gap = _gap(s, a, b, x, y)
    near = s.logical_and(s.less_equal(SMALLEST, small), s.less(gap, REACH * small))
    w = 1 / s.sqrt(small * (1 + ratio))
    nearby = decay * expansion(s, ratio, s.where(s.less(a, b), w, -w), excess)
    return s.where(near, nearby, front / _fraction(a, b, x, y))


def _front(
    s: Scalars, a: Value, b: Value, x: Value, y: Value, log_x: Value, log_y: Value
) -> tuple[Value, Value, Value]:
    """x**a * y**b / B(a, b), and for large parameters its exponential factor and the exponent without Stirling's."""
    total, gap = a + b, _gap(s, a, b, x, y)
    below = excess_over_log1p(s, -(gap / a), s.log(x * (total / a)))
    above = excess_over_log1p(s, gap / b, s.log(y * (total / b)))
    excess = s.maximum(a * below + b * above, 0.0)
    small = s.less(s.minimum(a, b), 2.5)
    exponent = s.where(small, a * log_x + b * log_y - log_beta(s, a, b), -excess - stirling_excess(s, a, b))
    decay = s.exp(exponent)
    return s.where(small, decay, decay * s.sqrt(a * (b / total) / (2 * math.pi))), decay, excess


def _gap(s: Scalars, a: Value, b: Value, x: Value, y: Value) -> Value:
    """a - (a+b)*x, from the operands that lose least."""
    return s.where(s.less_equal(a, b), a - (a + b) * x, (a + b) * y - b)


def _fraction(a: Value, b: Value, x: Value, y: Value) -> Value:
    """What x**a * y**b / B(a, b) is divided by."""
    value, numerator = inf, 0.0
    middle, inverse = a * y - b * x + 1, 1 / (a + (2 * _FRACTION + 1))
    for m in range(_FRACTION, 0, -1):
        before = 1 / (a + (2 * m - 1))
        growth = m * (b - m) * x * before
        value = m + growth + (a + m) * (middle + m * (1 + y)) * inverse + numerator / value
        numerator = (a + (m - 1)) * (a + b + (m - 1)) * x * before * growth
        inverse = before
    return a * middle * inverse + numerator / value


def _at_edges(s: Scalars, a: Value, b: Value, x: Value, value: Value, low: Value | float, high: Value | float) -> Value:
    """The limits: `low` for x = 0, b = 0 and infinite a, `high` for x = 1, a = 0 and infinite b; else NaN."""
    low_ends = s.logical_or(s.equal(b, 0), s.logical_or(s.equal(x, 0), s.equal(a, inf)))
    high_ends = s.logical_or(s.equal(a, 0), s.logical_or(s.equal(x, 1), s.equal(b, inf)))
    value = s.where(low_ends, low, s.where(high_ends, high, value))
    parameters = s.logical_and(s.less_equal(0, a), s.less_equal(0, b))
    inside = s.logical_and(parameters, s.logical_and(s.less_equal(0, x), s.less_equal(x, 1)))
    return s.where(s.logical_and(inside, s.logical_not(s.logical_and(low_ends, high_ends))), value, nan)


betainc = function(Betainc)
beta_pdf = function(BetaPdf)
