"""Quantiles of counts with small means: a number in [0, 1) and a distribution come in, a count goes out.

The probabilities of Poisson, binomial and negative binomial counts follow p[k] = p[k-1] * (a + b/k), the class of
H. Panjer, "Recursive evaluation of a family of compound distributions", 1981.
"""

from __future__ import annotations

from graphc.ir.scalars import Scalars, Value
from graphc.ops.base import Elementwise, floats, nonnegative, reals
from graphc.ops.conversion import function

TERMS = 48
"""Poisson counts of mean 10 are larger with a probability of 3e-17, less than the distance of 1 from its neighbour."""


class PanjerQuantile(Elementwise):
    """How many of the sums p[0] + … + p[k] are at most u, where p[0] is `first`: the count at the quantile u."""

    accepts, vjp = floats, None
    domain = (nonnegative, nonnegative, reals, nonnegative)

    def scalar(self, s: Scalars, u: Value, first: Value, a: Value, b: Value) -> Value:
        term, total = first, first
        count = s.where(s.less_equal(total, u), 0 * u + 1, 0)
        for k in range(1, TERMS):
            term = term * (a + b * (1 / k))
            total = total + term
            count = count + s.where(s.less_equal(total, u), 0 * u + 1, 0)
        return count


panjer_quantile = function(PanjerQuantile)
