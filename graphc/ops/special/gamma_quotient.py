"""Differences of log-gammas: the logarithm of the beta function for operands of any sign."""

from __future__ import annotations

from graphc.ir.node import Node
from graphc.ir.op import Cotangents
from graphc.ir.scalars import Scalars, Value
from graphc.ops.base import Elementwise, floats, positive
from graphc.ops.conversion import function
from graphc.ops.special.algorithm import in_double
from graphc.ops.special.beta_function import log_beta
from graphc.ops.special.gamma_function import log_abs_gamma
from graphc.ops.special.polygamma_difference import digamma_difference


class LogAbsBeta(Elementwise):
    """lgamma(a) + lgamma(b) - lgamma(a + b), without the cancellation where both are positive."""

    accepts, domain = floats, (positive, positive)

    @in_double
    def scalar(self, s: Scalars, a: Value, b: Value) -> Value:
        inside = s.logical_and(s.less(0, a), s.less(0, b))
        value = log_beta(s, s.where(inside, a, 1.0), s.where(inside, b, 1.0))
        return s.where(inside, value, log_abs_gamma(s, a) + log_abs_gamma(s, b) - log_abs_gamma(s, a + b))

    def exact(self, s: Scalars, a: Value, b: Value) -> Value:
        return s.special("log_gamma", a) + s.special("log_gamma", b) - s.special("log_gamma", a + b)

    def vjp(self, g: Node, y: Node, a: Node, b: Node) -> Cotangents:
        return -g * digamma_difference(a, b), -g * digamma_difference(b, a)


log_abs_beta = function(LogAbsBeta)
