"""The logarithm of the gamma function, and its derivatives of every order.

Near the zeros at 1 and 2 the logarithm is z times a polynomial of the distance z, beyond 2.5 it is Stirling's formula
with a polynomial of 1/x**2 for the remainder. Derivatives from the second on are zeta functions of Hurwitz (DLMF
5.15.1). Negative numbers are reflected (DLMF 5.5.3, 5.5.4, 5.15.6).
"""

from __future__ import annotations

import math
from typing import Any

from graphc.errors import ArgumentError
from graphc.ir.node import Node, public
from graphc.ir.op import Cotangents
from graphc.ir.scalars import Scalars, Value
from graphc.ops.base import Elementwise, floats, positive
from graphc.ops.conversion import function
from graphc.ops.elementwise import cos, round, sin
from graphc.ops.logic import where
from graphc.ops.special.algorithm import in_double, polynomial, sine_and_cosine_of_pi
from graphc.ops.special.zeta_function import zeta

_NEAR_TWO = (
    -1.3219945666117874e-07, 2.78740805211359e-07, -4.3252393445604814e-07, 9.200527894968101e-07,
    -2.0439048107029907e-06, 4.38470440459836e-06, -9.438715099211532e-06, 2.0505590755833454e-05,
    -4.49263133791557e-05, 9.945767355819498e-05, -0.00022315475400520507, 0.0005096695154115458,
    -0.0011927539118428156, 0.002890510331034267, -0.0073855510286719986, 0.02058080842778038, -0.0673523010531981,
    0.32246703342411326, 0.42278433509846713,
)  # fmt: skip
_STIRLING = (
    -209.0970293892629, 292.00281158371564, -189.66298669274826, 76.70180410593237, -21.95480171703655,
    4.851861977199753, -0.9007478902399945, 0.1558832342871608, -0.02864033066737167, 0.006383936584163082,
    -0.0019169808118864855, 0.0008417431992255935, -0.0005952380292171348, 0.0007936507933462513,
    -0.002777777777777214, 0.08333333333333333,
)  # fmt: skip
_OVER_ROOT = (
    0.00011881232908510335, -0.0001782188548855923, 9.653646261410062e-05, -0.00014480643368061614,
    0.00032395945401345196, -0.00048595039220036254, 0.0006909255761282986, -0.0010364584817312839,
    0.0015633696313653504, -0.0023454947397380833, 0.003518106563802472, -0.005279937255532708, 0.007927021796868154,
    -0.011908220105959716, 0.017907248317313294, -0.026975796659787055, 0.040760833940846085, -0.06192213327548831,
    0.09498872445289039, -0.14840492305388092, 0.24054248424078697, -0.4236274212814606, 0.9510558760318328,
)  # fmt: skip
_SLOPE_FAR = (
    21784.42753032721, -54024.44871749887, 62289.36687931711, -44411.403610320245, 21990.51884978667,
    -8063.975003943594, 2287.0351265462577, -520.0811372815846, 98.54670610560603, -16.376039782603392,
    2.5733394052573084, -0.4245912070617261, 0.08277317135070876, -0.02108050185602266, 0.007575572801591478,
    -0.004166664932186944, 0.003968253959483287, -0.008333333333315434, 0.08333333333333333,
)  # fmt: skip
_ROOT, _ROOT_LOW = 1.4616321449683622, 9.549995429965697e-17
_HALF_LOG_TWO_PI = 0.9189385332046728


class Lgamma(Elementwise):
    """log(abs(gamma(x))): inf at 0, at the negative integers and at the infinities."""

    accepts, domain = floats, positive

    @in_double
    def scalar(self, s: Scalars, x: Value) -> Value:
        return log_abs_gamma(s, x)

    def exact(self, s: Scalars, x: Value) -> Value:
        return s.special("log_gamma", x)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (g * digamma(x),)


class Digamma(Elementwise):
    """The derivative of lgamma: NaN at the negative integers, and of the sign of -x at 0."""

    accepts, domain = floats, positive

    @in_double
    def scalar(self, s: Scalars, x: Value) -> Value:
        return digamma_anywhere(s, x)

    def exact(self, s: Scalars, x: Value) -> Value:
        return s.special("digamma", x)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (g * polygamma(1, x),)


@public
def polygamma(n: int, x: Any) -> Any:
    """The derivative of digamma of order n, a nonnegative integer. Raises ArgumentError for another order."""
    if not isinstance(n, int) or isinstance(n, bool) or n < 0:
        raise ArgumentError(f"{n!r:.80} is no order of a derivative", help="give a nonnegative integer")
    if n == 0:
        return digamma(x)
    right = (-1) ** (n + 1) * math.factorial(n) * zeta(n + 1.0, where(x > 0, x, 1 - x))
    angle = math.pi * (x - round(x))
    left = (-1) ** n * right - math.pi ** (n + 1) * polynomial(cos(angle) / sin(angle), _cotangent_derivative(n))
    return where(x > 0, right, left)


@public
def trigamma(x: Any) -> Any:
    """The derivative of digamma."""
    return polygamma(1, x)


def digamma_above_one(s: Scalars, x: Value) -> Value:
    """The derivative of log(gamma(x)) for x >= 1, of which float64 values go in."""
    near = ((x - _ROOT) - _ROOT_LOW) * polynomial(x - 1.5, _OVER_ROOT)
    return s.where(s.less(x, 2), near, s.log(x) - log_less_digamma(s, x))


def log_less_digamma(s: Scalars, x: Value) -> Value:
    """log(x) - digamma(x) for x >= 2; of smaller x that of 2."""
    inverse = 1 / s.maximum(x, 2.0)
    square = inverse * inverse
    return 0.5 * inverse + square * polynomial(square, _SLOPE_FAR)


def digamma_anywhere(s: Scalars, x: Value) -> Value:
    """The derivative of log(abs(gamma(x))), of which float64 values go in."""
    size = s.abs(x)
    above = digamma_above_one(s, s.where(s.less(size, 1), size + 1, size))
    sine, cosine = sine_and_cosine_of_pi(s, size)
    left = above + math.pi * (cosine / s.where(s.equal(sine, 0), float("nan"), sine))
    left = s.where(s.less(size, 1), left, left + 1 / size)
    right = s.where(s.less(size, 1), above - 1 / x, above)
    return s.where(s.less(x, 0), left, right)


def log_gamma(s: Scalars, x: Value) -> Value:
    """log(gamma(x)) for x >= 0, of which float64 values go in."""
    far = s.less_equal(2.5, x)
    z = s.where(s.less(x, 0.5), x, s.where(s.less(x, 1.5), x - 1, x - 2))
    middle = s.where(s.less(x, 1.5), x, 1.0)
    log = s.log(s.where(far, x, s.where(s.less(x, 0.5), x * (1 + x), middle)))
    near = z * polynomial(z, _NEAR_TWO) - log
    stirling = (x - 0.5) * (log - 1) + ((_HALF_LOG_TWO_PI - 0.5) + stirling_remainder(s, x))
    return s.where(far, s.where(s.equal(x, float("inf")), x, stirling), near)


def log_abs_gamma(s: Scalars, x: Value) -> Value:
    """log(abs(gamma(x))), of which float64 values go in."""
    size = s.abs(x)
    right = log_gamma(s, size)
    sine, _ = sine_and_cosine_of_pi(s, size)
    left = s.log(math.pi / (size * s.abs(sine))) - right
    pole = s.logical_or(s.equal(sine, 0), s.equal(size, float("inf")))
    return s.where(s.less(x, 0), s.where(pole, float("inf"), left), right)


def log_gamma_of_one_and(s: Scalars, x: Value) -> Value:
    """log(gamma(1 + x)) for 0 <= x <= 2.5, accurate near 0 where 1 + x is not."""
    below, above = s.less(x, 0.5), s.less(1.5, x)
    z = s.where(below, x, s.where(above, x - 2, x - 1))
    log = s.log1p(s.where(below, x, s.where(above, x - 1, 0.0)))
    return z * polynomial(z, _NEAR_TWO) + s.where(below, -log, log)


def stirling_remainder(s: Scalars, x: Value) -> Value:
    """log(gamma(x)) less Stirling's formula, for x >= 2.5; of smaller x that of 2.5."""
    inverse = 1 / s.maximum(x, 2.5)
    return inverse * polynomial(inverse * inverse, _STIRLING)


def _cotangent_derivative(n: int) -> list[float]:
    """The derivative of the cotangent of order n as a polynomial of the cotangent, highest power first."""
    coefficients = [0, 1]  # lowest power first
    for _ in range(n):
        slope = [k * c for k, c in enumerate(coefficients)][1:]
        coefficients = [-a - b for a, b in zip([*slope, 0, 0], [0, 0, *slope], strict=True)]
    return [float(c) for c in reversed(coefficients)]


lgamma = function(Lgamma)
digamma = function(Digamma)
