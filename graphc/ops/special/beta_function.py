"""The beta function and its logarithm."""

from __future__ import annotations

from typing import Any

from graphc.ir.node import Node, public
from graphc.ir.op import Cotangents
from graphc.ir.scalars import Scalars, Value
from graphc.ops.base import Elementwise, floats, inf, positive
from graphc.ops.conversion import function
from graphc.ops.elementwise import exp
from graphc.ops.special.algorithm import in_double
from graphc.ops.special.gamma_function import log_gamma, stirling_remainder
from graphc.ops.special.polygamma_difference import polygamma_difference

_HALF_LOG_TWO_PI = 0.9189385332046728
_STIRLING = 2.5
"""From where on Stirling's formula is used, in which the largest terms of large parameters cancel beforehand."""


class Betaln(Elementwise):
    """log(gamma(a) * gamma(b) / gamma(a+b)) for nonnegative parameters, NaN for others."""

    accepts, domain = floats, (positive, positive)

    @in_double
    def scalar(self, s: Scalars, a: Value, b: Value) -> Value:
        return log_beta(s, a, b)

    def exact(self, s: Scalars, a: Value, b: Value) -> Value:
        return s.special("log_gamma", a) + s.special("log_gamma", b) - s.special("log_gamma", a + b)

    def vjp(self, g: Node, y: Node, a: Node, b: Node) -> Cotangents:
        return -g * polygamma_difference(a, b), -g * polygamma_difference(b, a)


@public
def beta(a: Any, b: Any) -> Any:
    """The beta function, gamma(a) * gamma(b) / gamma(a+b), for nonnegative parameters."""
    return exp(betaln(a, b))


def log_beta(s: Scalars, a: Value, b: Value) -> Value:
    """The logarithm of the beta function, of which float64 values go in."""
    small, large = s.minimum(a, b), s.maximum(a, b)
    total, of_small = a + b, log_gamma(s, small)
    shrinking = s.log1p(small / large)
    both = (small - 0.5) * s.log(small / total) - large * shrinking
    both = both + (_HALF_LOG_TWO_PI - 0.5 * s.log(large) + stirling_excess(s, a, b))
    rest = stirling_remainder(s, large) - stirling_remainder(s, total)
    one = of_small - ((large - 0.5) * shrinking + small * (s.log(total) - 1)) + rest
    none = of_small + log_gamma(s, large) - log_gamma(s, total)
    value = s.where(s.less(large, _STIRLING), none, s.where(s.less(small, _STIRLING), one, both))
    pole, endless = s.equal(small, 0), s.equal(large, inf)
    value = s.where(pole, inf, s.where(endless, -inf, value))
    contradiction = s.logical_and(pole, endless)
    inside = s.logical_and(s.less_equal(0, small), s.logical_not(contradiction))
    return s.where(inside, value, float("nan"))


def stirling_excess(s: Scalars, a: Value, b: Value) -> Value:
    """By how much the logarithm of the beta function exceeds what Stirling's formula gives, for a, b >= 2.5."""
    return stirling_remainder(s, a) + stirling_remainder(s, b) - stirling_remainder(s, a + b)


betaln = function(Betaln)
