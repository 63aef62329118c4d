"""The error function scaled and inverted, and the distribution function of the standard normal distribution.

The scaled function is a tame function of (x-4)/(x+4) over 1/2 + x (Shepherd and Laframboise, 1981). The inverse is x
times a function of x**2 in the middle; in the tails it is r times a tame function of (r-4)/(r+4), where r is
sqrt(-log(1 - |x|)).
"""

from __future__ import annotations

import math
from typing import Any

from graphc.ir.node import Node
from graphc.ir.op import Cotangents
from graphc.ir.scalars import Scalars, Value
from graphc.ops.base import Domain, Elementwise, floats
from graphc.ops.conversion import function
from graphc.ops.elementwise import erfc, exp, square
from graphc.ops.logic import where
from graphc.ops.special.algorithm import half_square, in_double, polynomial

_SCALED = (
    -7.155659235464081e-11, -1.3278633081562875e-10, 9.128475594769535e-10, 1.5836305559680848e-09,
    -7.4034940734628975e-09, -1.027726568492965e-08, 5.512635999500076e-08, 3.87303431784099e-08,
    -4.125391693406225e-07, 1.4599109542274128e-07, 2.854657056766246e-06, -5.610646307657137e-06,
    -1.219949722788105e-05, 7.531074618918668e-05, -9.962838013205229e-05, -0.0003788866310154575,
    0.0025159849947621257, -0.008098867029841646, 0.018583757768161995, -0.03316518290609952, 0.04686641749920525,
    -0.05051953301814995, 0.03404852712734565, 0.007689826051309795, -0.06981055842028125, 0.6164975593127763,
)  # fmt: skip
_CENTRE = (
    75.24000355311752, -441.44493804222907, 1218.418699753156, -2094.413518177167, 2507.1988311194605,
    -2215.650383036516, 1495.9641900440256, -788.0859278984534, 328.14317977436434, -108.6922376984884,
    28.74582080640001, -6.020239485763326, 1.0314038410411326, -0.10342014032729271, 0.044946524207395276,
    0.03545317311670549, 0.042893663881062735, 0.05172901700262048, 0.06495967793654481, 0.08655212826206549,
    0.1275561753140357, 0.23201366653462566, 0.886226925452758,
)  # fmt: skip
_TAIL = (
    0.006728257136290297, -0.029767464746361518, 0.04109636920182623, 0.006682338171945422, -0.07444179942520521,
    0.07066300504355413, -0.011829798687079812, -0.012851990917548527, -0.002072133316078014, 0.002480994513560141,
    0.019384776923859027, -0.03713257837475974, 0.04236012478575972, -0.04071288650863717, 0.033502186610584905,
    -0.019325995460253813, -0.0009091856399039251, 0.024244750411794466, -0.04704530140961525, 0.0651599122602598,
    -0.07449272324646675, 0.07132200190810173, -0.05324318953334864, 0.019256936812915695, 0.02913254038443902,
    -0.08841833355889364, 0.15151882415538886, -0.20978202934544862, 0.249147400374373, -0.2565173079858561,
    0.18802636330749672, 0.9378398360103707,
)  # fmt: skip
_FAR, _STEPS = 1.5, 64
"""From where on a continued fraction gives derivatives, and its length."""


class Erfcx(Elementwise):
    """exp(x**2) * erfc(x), which neither over- nor underflows for x > 0; or a derivative of it."""

    order: int = 0
    accepts = floats

    @in_double
    def scalar(self, s: Scalars, x: Value) -> Value:
        value, before = _erfcx(s, x), 0.0
        if not self.order:
            return value
        far = value
        for ratio in _ratios(s, s.maximum(x, _FAR), self.order):
            far = far * ratio
        far = far * float((-2) ** self.order * math.factorial(self.order))
        value, before = 2 * (x * value - 1 / math.sqrt(math.pi)), value
        for k in range(1, self.order):
            value, before = 2 * (x * value + k * before), value
        return s.where(s.less(_FAR, x), far, value)

    def exact(self, s: Scalars, x: Value) -> Value:
        return s.special("erfcx", self.order, x)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (g * erfcx(x, order=self.order + 1),)


class LogErfc(Elementwise):
    """log(erfc(x)), also where erfc(x) underflows; halved, log(erfc(x) / 2), also where erfc(x) is nearly 2."""

    halved: bool = False
    accepts = floats

    @in_double
    def scalar(self, s: Scalars, x: Value) -> Value:
        tail = s.log(erfcx_right(s, s.abs(x))) - x * x
        whole = s.where(s.less(x, 0.5), s.log1p(-s.erf(s.minimum(x, 0.5))), tail)
        if not self.halved:
            return whole
        near_one = s.log1p(-0.5 * s.erfc(s.maximum(-x, 0.5)))
        return s.where(s.less(x, -0.5), near_one, whole - math.log(2))

    def exact(self, s: Scalars, x: Value) -> Value:
        return s.log(s.erfc(x) / 2) if self.halved else s.log(s.erfc(x))

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (g * (-2 / math.sqrt(math.pi) * _density_over_tail(x)),)


class Erfinv(Elementwise):
    """The inverse of the error function: infinite at -1 and 1, NaN beyond."""

    accepts, domain = floats, Domain(-1.0, 1.0, 0.0, closed=False)

    @in_double
    def scalar(self, s: Scalars, x: Value) -> Value:
        return _inverse(s, x, 1 - s.abs(x))

    def exact(self, s: Scalars, x: Value) -> Value:
        return s.special("erfinv", x)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (g * (math.sqrt(math.pi) / 2 * exp(square(y))),)


class Erfcinv(Elementwise):
    """The inverse of erfc: infinite at 0 and 2, NaN beyond."""

    accepts, domain = floats, Domain(0.0, 2.0, 1.0, closed=False)

    @in_double
    def scalar(self, s: Scalars, x: Value) -> Value:
        return _inverse(s, 1 - x, s.minimum(x, 2 - x))

    def exact(self, s: Scalars, x: Value) -> Value:
        return s.special("erfcinv", x)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (-g * (math.sqrt(math.pi) / 2 * exp(square(y))),)


class Ndtr(Elementwise):
    """The probability that a standard normal number is less than x."""

    accepts = floats

    @in_double
    def scalar(self, s: Scalars, x: Value) -> Value:
        tail = _normal_tail(s, x)
        return s.where(s.less(x, 0), tail, 1 - tail)

    def exact(self, s: Scalars, x: Value) -> Value:
        return s.special("ndtr", x)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (g * (1 / math.sqrt(2 * math.pi) * exp(-square(x) / 2)),)


class LogNdtr(Elementwise):
    """log(ndtr(x)), also where ndtr(x) underflows."""

    accepts = floats

    @in_double
    def scalar(self, s: Scalars, x: Value) -> Value:
        below = s.log(erfcx_right(s, s.abs(x) * math.sqrt(0.5)) * 0.5) - x * x * 0.5
        middle = s.log1p(s.erf(s.where(s.less(s.abs(x), 0.5), x, 0.0) * math.sqrt(0.5))) - math.log(2)
        tails = s.where(s.less(x, 0), below, s.log1p(-_normal_tail(s, x)))
        return s.where(s.less(s.abs(x), 0.5), middle, tails)

    def exact(self, s: Scalars, x: Value) -> Value:
        return s.special("log_ndtr", x)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (g * (math.sqrt(2 / math.pi) * _density_over_tail(x * -math.sqrt(0.5))),)


class Ndtri(Elementwise):
    """The inverse of ndtr: the quantile of a probability. Infinite at 0 and 1, NaN beyond."""

    accepts, domain = floats, Domain(0.0, 1.0, 0.5, closed=False)

    @in_double
    def scalar(self, s: Scalars, x: Value) -> Value:
        return math.sqrt(2) * _inverse(s, 2 * x - 1, 2 * s.minimum(x, 1 - x))

    def exact(self, s: Scalars, x: Value) -> Value:
        return -s.sqrt(0 * x + 2) * s.special("erfcinv", 2 * x)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (g * (math.sqrt(2 * math.pi) * exp(square(y) / 2)),)


def erfcx_right(s: Scalars, x: Value) -> Value:
    """exp(x**2) * erfc(x) for x >= 0, of which float64 values go in."""
    bounded = s.minimum(x, 1e300)
    return polynomial((bounded - 4) / (bounded + 4), _SCALED) / (0.5 + x)


def _erfcx(s: Scalars, x: Value) -> Value:
    size = s.abs(x)
    right = erfcx_right(s, size)
    high, low = half_square(s, s.minimum(size, 27.0))
    apart = s.where(s.less(x, 0), 2 * s.exp(2 * high) * (1 + 2 * low) - right, right)
    middle = s.where(s.less(size, 1), x, 0.0)
    return s.where(s.less(size, 1), s.exp(middle * middle) * s.erfc(middle), apart)


def _ratios(s: Scalars, x: Value, count: int) -> list[Value]:
    """The first ratios of the repeated integrals of erfc, from a continued fraction: 1/(2*x + 2*n*next)."""
    ratio = 1 / (x + s.sqrt(x * x + 2 * (_STEPS + count)))
    ratios = []
    for n in range(_STEPS + count, 1, -1):
        ratio = 1 / (2 * (x + n * ratio))
        ratios.append(ratio)
    return ratios[-count:]


def _density_over_tail(x: Node) -> Any:
    """exp(-x**2) / erfc(x): below 0 as it is, since erfcx overflows there and with it the derivative of 1 / erfcx."""
    left = where(x < 0, x, 0)
    return where(x < 0, exp(-square(left)) / erfc(left), 1 / erfcx(where(x < 0, 0, x)))


def _normal_tail(s: Scalars, x: Value) -> Value:
    """The probability beyond abs(x)."""
    size = s.minimum(s.abs(x), 40.0)
    high, low = half_square(s, size)
    return s.exp(-high) * (1 - low) * (erfcx_right(s, size * math.sqrt(0.5)) * 0.5)


def _inverse(s: Scalars, x: Value, rest: Value) -> Value:
    """The inverse of the error function at x, given 1 - abs(x)."""
    middle = x * polynomial(x * x, _CENTRE)
    r = s.sqrt(-s.log(rest))
    bounded = s.minimum(r, 28.0)
    tail = r * polynomial((bounded - 4) / (bounded + 4), _TAIL)
    return s.where(s.less(x * x, 0.6), middle, s.where(s.less(x, 0), -tail, tail))


erfcx = function(Erfcx)
log_erfc = function(LogErfc)
erfinv = function(Erfinv)
erfcinv = function(Erfcinv)
ndtr = function(Ndtr)
log_ndtr = function(LogNdtr)
ndtri = function(Ndtri)
