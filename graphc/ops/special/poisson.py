"""The logarithm of a Poisson probability, and its derivative by the count: sums whose terms cancel for large counts.

The former is a deviance and what Stirling's formula leaves of the factorial (Loader 2000, "Fast and accurate
computation of binomial probabilities").
"""

from __future__ import annotations

import math

from graphc.ir.node import Node
from graphc.ir.op import Cotangents
from graphc.ir.scalars import Scalars, Value
from graphc.ops.base import Elementwise, floats, positive
from graphc.ops.conversion import function
from graphc.ops.logic import equal, where
from graphc.ops.special.algorithm import in_double
from graphc.ops.special.gamma_function import (
    digamma_anywhere,
    log_abs_gamma,
    log_gamma_of_one_and,
    log_less_digamma,
    polygamma,
    stirling_remainder,
)
from graphc.ops.special.information import deviance, log_ratio

_STIRLING = 2.5
"""From which count on Stirling's formula is used."""


class LogPoisson(Elementwise):
    """k * log(m) - m - lgamma(k + 1), of which the first term is 0 where k is."""

    accepts, domain = floats, (positive, positive)

    @in_double
    def scalar(self, s: Scalars, k: Value, m: Value) -> Value:
        many = s.less_equal(_STIRLING, k)
        large = s.where(many, k, _STIRLING)
        far = -deviance(s, large, m) - (0.5 * s.log(2 * math.pi * large) + stirling_remainder(s, large))
        few = s.where(s.less_equal(0, k), s.minimum(k, _STIRLING), 0.0)
        of_factorial = s.where(s.less(k, 0), log_abs_gamma(s, k + 1), log_gamma_of_one_and(s, few))
        near = s.where(s.equal(k, 0), 0.0, k * s.log(m)) - m - of_factorial
        limit = -s.abs(k - m)  # where one of them is infinite
        value = s.where(many, s.where(s.isfinite(limit), far, limit), near)
        return s.where(s.logical_or(s.equal(k, 0), s.less_equal(0, m)), value, float("nan"))

    def exact(self, s: Scalars, k: Value, m: Value) -> Value:
        return s.where(s.equal(k, 0), 0.0, k * s.log(m)) - m - s.special("log_gamma", k + 1)

    def vjp(self, g: Node, y: Node, k: Node, m: Node) -> Cotangents:
        none = equal(k, 0)
        return g * log_mean_less_digamma(k, m), g * where(none, -1, (k - m) / where(none, 1, m))


class LogMeanLessDigamma(Elementwise):
    """log(m) - digamma(k + 1), without the cancellation where k is near m."""

    accepts, domain = floats, (positive, positive)

    @in_double
    def scalar(self, s: Scalars, k: Value, m: Value) -> Value:
        many = s.less_equal(2, k)
        large = s.where(many, k, 2.0)
        far = log_ratio(s, m, large) + (log_less_digamma(s, large) - 1 / large)
        return s.where(many, far, s.log(m) - digamma_anywhere(s, s.minimum(k, 2.0) + 1))

    def exact(self, s: Scalars, k: Value, m: Value) -> Value:
        return s.log(m) - s.special("digamma", k + 1)

    def vjp(self, g: Node, y: Node, k: Node, m: Node) -> Cotangents:
        return -g * polygamma(1, k + 1), g / m


log_poisson = function(LogPoisson)
log_mean_less_digamma = function(LogMeanLessDigamma)
