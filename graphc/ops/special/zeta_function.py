"""The zeta function of Hurwitz, by the Euler-Maclaurin formula (DLMF 25.11.7)."""

from __future__ import annotations

from typing import Any

from graphc.ir.leaf import full
from graphc.ir.node import Node, public
from graphc.ir.op import Cotangents
from graphc.ir.scalars import Scalars, Value
from graphc.ops.base import Domain, Elementwise, floats, inf, positive
from graphc.ops.conversion import function
from graphc.ops.special.algorithm import in_double

_TERMS = 8
_BERNOULLI = (  # B(2k) / (2k)!
    0.08333333333333333, -0.001388888888888889, 3.306878306878307e-05, -8.267195767195768e-07, 2.08767569878681e-08,
    -5.284190138687493e-10, 1.3382536530684679e-11, -3.3896802963225827e-13, 8.586062056277845e-15,
    -2.174868698558062e-16, 5.5090028283602295e-18, -1.3954464685812522e-19,
)  # fmt: skip


class HurwitzZeta(Elementwise):
    """The sum of (q + k)**-s over k = 0, 1, ...: inf at s = 1, NaN for s < 1 and for q < 0.

    Of the derivatives only the one by q has a closed form; that by s is NaN.
    """

    accepts, domain = floats, (Domain(1.0, inf, 2.0, closed=False), positive)

    @in_double
    def scalar(self, s: Scalars, exponent: Value, q: Value) -> Value:
        """Relative to the first term, which alone is large, so that errors of exponents do no harm."""
        total = 1.0
        for k in range(1, _TERMS):
            total = total + s.exp(-exponent * s.log1p(k / q))
        beyond = q + _TERMS
        term = s.exp(-exponent * s.log1p(_TERMS / q))
        tail = s.where(s.equal(term, 0), 0.0, term * (beyond / (exponent - 1) + 0.5 + _remainder(exponent, beyond)))
        value = s.pow(q, -exponent) * (total + tail)
        value = s.where(s.equal(q, inf), s.where(s.less(1, exponent), 0.0, value), value)
        value = s.where(s.equal(q, 0), inf, s.where(s.equal(exponent, 1), inf, value))
        outside = s.logical_or(s.less(exponent, 1), s.less(q, 0))
        missing = s.logical_or(s.isnan(exponent), s.isnan(q))
        return s.where(s.logical_or(outside, missing), float("nan"), value)

    def exact(self, s: Scalars, exponent: Value, q: Value) -> Value:
        return s.special("zeta", exponent, q)

    def vjp(self, g: Node, y: Node, exponent: Node, q: Node) -> Cotangents:
        return full(float("nan"), exponent.type), -g * (exponent * zeta(exponent + 1, q))


@public
def zeta(s: Any, q: Any = 1.0) -> Any:
    """The zeta function of Hurwitz, that of Riemann where q is 1: for s > 1 and q > 0."""
    return _hurwitz_zeta(s, q)


def _remainder(exponent: Value, x: Value) -> Value:
    """The terms with Bernoulli numbers, over x**-exponent, from the last inwards."""
    square = 1 / (x * x)
    value = 0.0
    for k in range(len(_BERNOULLI) - 1, 0, -1):
        factor = (exponent + (2 * k - 1)) * (exponent + 2 * k) * square
        value = factor * (_BERNOULLI[k] + value)
    return exponent / x * (_BERNOULLI[0] + value)


_hurwitz_zeta = function(HurwitzZeta)
