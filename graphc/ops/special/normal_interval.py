"""The logarithm of the probability that a normal number lies in an interval, and what its derivatives are made of.

Comes in: both ends, of a density like exp(-c * z**2), where c is the attribute `decay`. For 0 <= a < b the probability
is exp(-c*a**2) times a share that neither under- nor overflows: (erfcx(a*sqrt(c)) - exp(-u) * erfcx(b*sqrt(c))) / 2
with u = c * (b**2 - a**2), or of a short interval, where that cancels, an integral by Gauss and Legendre. An interval
below 0 is seen in the mirror; that of one with 0 inside is a sum of two.
"""

from __future__ import annotations

import math

from graphc.ir.node import Node
from graphc.ir.op import Cotangents
from graphc.ir.scalars import Scalars, Value
from graphc.ops.base import Elementwise, floats
from graphc.ops.conversion import function
from graphc.ops.elementwise import exp, square
from graphc.ops.logic import where
from graphc.ops.special.algorithm import half_square, in_double
from graphc.ops.special.error_function import erfcx, erfcx_right

nan = float("nan")
_SHORT = 0.5
_NODES = (
    0.019855071751231884, 0.10166676129318664, 0.2372337950418355, 0.4082826787521751, 0.591717321247825,
    0.7627662049581645, 0.8983332387068134, 0.9801449282487681,
)  # fmt: skip
_WEIGHTS = (0.05061426814518813, 0.11119051722668724, 0.15685332293894363, 0.181341891689181)


class LogNormalInterval(Elementwise):
    """log of the probability that low < z < high, where z is normal with mean 0 and a density like exp(-decay * z**2).

    NaN for low > high, and -inf where the error function of both is one float.
    """

    decay: float = 0.5
    accepts = floats

    @in_double
    def scalar(self, s: Scalars, low: Value, high: Value) -> Value:
        view = _Interval(s, low, high, self.decay)
        inside = s.where(s.less(view.beyond, 0.5), s.log1p(-view.beyond), s.log(view.within))
        value = s.where(view.one_sided, s.log(view.share) - self.decay * view.near * view.near, inside)
        root = math.sqrt(self.decay)
        return s.where(s.less(low, high), value, s.log(s.erf(high * root) - s.erf(low * root)))

    def exact(self, s: Scalars, low: Value, high: Value) -> Value:
        return s.log(_probability(s, low, high, self.decay))

    def vjp(self, g: Node, y: Node, low: Node, high: Node) -> Cotangents:
        by_low = density_over_interval(low, high, decay=self.decay)
        return -g * by_low, g * density_over_interval(-high, -low, decay=self.decay)


class DensityOverInterval(Elementwise):
    """The density at the lower end of an interval over the probability of the interval."""

    decay: float = 0.5
    accepts = floats

    @in_double
    def scalar(self, s: Scalars, low: Value, high: Value) -> Value:
        c, view = self.decay, _Interval(s, low, high, self.decay)
        first, rest = half_square(s, s.minimum(s.abs(low), 40.0))
        inside = s.exp(-2 * c * first) * (1 - 2 * c * rest) / view.within
        one_sided = s.where(view.turned, s.exp(-view.growth), 1.0) / view.share
        value = math.sqrt(c / math.pi) * s.where(view.one_sided, one_sided, inside)
        return s.where(s.less_equal(low, high), value, nan)

    def exact(self, s: Scalars, low: Value, high: Value) -> Value:
        density = s.exp(-self.decay * low * low) * s.sqrt(self.decay / (4 * s.atan(0 * low + 1)))
        return s.where(s.less_equal(low, high), density / _probability(s, low, high, self.decay), nan)

    def vjp(self, g: Node, y: Node, low: Node, high: Node) -> Cotangents:
        c, root = self.decay, math.sqrt(self.decay)
        below = y * (y - 2 * c * low)
        near, far = where(low > 0, low, 0), where(low > 0, high, 1)
        fall = 2 * c * near * exp(c * (near - far) * (near + far)) * erfcx(far * root)
        above = 0.5 * math.sqrt(math.pi / c) * square(y) * (fall - root * erfcx(near * root, order=1))
        by_high = -y * density_over_interval(-high, -low, decay=self.decay)
        return g * where(low > 0, above, below), g * by_high


class _Interval:
    """An interval, turned so that the end near 0 is the lower one.

    On one side of 0 its probability is `share` times exp(-c * near**2), and exp(-growth) is by how much the density
    falls from there to the far end. Else it is `within`, and `beyond` is the rest to 1.
    """

    def __init__(self, s: Scalars, low: Value, high: Value, c: float) -> None:
        self.c, root = c, math.sqrt(c)
        self.turned = s.less(low + high, 0)
        near, far = s.where(self.turned, -high, low), s.where(self.turned, -low, high)
        self.one_sided = s.less_equal(0, near)
        self.near = s.where(self.one_sided, near, 0.0)
        self.growth = c * (far - self.near) * (far + self.near)
        short = s.less(self.growth, _SHORT)
        length = s.where(short, far - self.near, 0.0)
        apart = erfcx_right(s, self.near * root) - s.exp(-self.growth) * erfcx_right(s, far * root)
        self.share = s.where(short, math.sqrt(c / math.pi) * length * self._mean(s, length), 0.5 * apart)
        ends = far * root, -s.minimum(near, 0.0) * root
        self.within = 0.5 * (s.erf(ends[0]) + s.erf(ends[1]))
        self.beyond = 0.5 * (s.erfc(ends[0]) + s.erfc(ends[1]))

    def _mean(self, s: Scalars, length: Value) -> Value:
        """That of exp(-c * (x**2 - near**2)) over the interval."""
        total, steep = 0.0, -2 * self.c * (self.near * length)
        for node, weight in zip(_NODES, _WEIGHTS + _WEIGHTS[::-1], strict=True):
            total = total + weight * s.exp(node * (steep - self.c * node * length * length))
        return total


def _probability(s: Scalars, low: Value, high: Value, decay: float) -> Value:
    """That of an interval, for exact readers."""
    turned = s.less(low + high, 0)
    near, far = s.where(turned, -high, low), s.where(turned, -low, high)
    root = s.sqrt(0 * low + 2 * decay)
    return s.special("ndtr", -near * root) - s.special("ndtr", -far * root)


log_normal_interval = function(LogNormalInterval)
density_over_interval = function(DensityOverInterval)
