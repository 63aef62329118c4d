"""The incomplete gamma functions over the whole one, P and Q = 1 - P, and their derivatives.

Where x is near a large a, they are given by Temme's expansion; else below max(a, 1.5) by the power series of P
(DLMF 8.11.4), beyond by the continued fraction of Q (DLMF 8.9.2). Where 1 - P would cancel for x < 1.5, Q has a series
of its own (DLMF 8.7.3). The larger of P and Q is 1 less the smaller one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from graphc.ir.leaf import full
from graphc.ir.node import Node
from graphc.ir.op import Cotangents
from graphc.ir.scalars import Scalars, Value
from graphc.ops.base import Elementwise, floats, inf, positive
from graphc.ops.conversion import function
from graphc.ops.elementwise import log
from graphc.ops.special import temme
from graphc.ops.special.algorithm import cubic_artanh, excess_over_log1p, in_double, quadratic_excess
from graphc.ops.special.error_function import erfcx_right
from graphc.ops.special.gamma_function import digamma, digamma_above_one, log_gamma_of_one_and, stirling_remainder

nan = float("nan")
_SMALL_X = 1.5
_SERIES, _FRACTION, _SMALL_SERIES = 52, 64, 22


class Gammainc(Elementwise):
    """P(a, x), the integral of t**(a-1) * exp(-t) from 0 to x, over gamma(a)."""

    accepts, domain = floats, (positive, positive)

    @in_double
    def scalar(self, s: Scalars, a: Value, x: Value) -> Value:
        return _at_edges(s, a, x, _both(s, _Point(s, a, x))[0], low=0.0, high=1.0)

    def exact(self, s: Scalars, a: Value, x: Value) -> Value:
        return s.special("gamma_p", a, x)

    def vjp(self, g: Node, y: Node, a: Node, x: Node) -> Cotangents:
        return g * gammainc_grad_a(a, x), g * gamma_pdf(a, x)


class Gammaincc(Elementwise):
    """Q(a, x) = 1 - P(a, x), accurate in the right tail."""

    accepts, domain = floats, (positive, positive)

    @in_double
    def scalar(self, s: Scalars, a: Value, x: Value) -> Value:
        return _at_edges(s, a, x, _both(s, _Point(s, a, x))[1], low=1.0, high=0.0)

    def exact(self, s: Scalars, a: Value, x: Value) -> Value:
        return s.special("gamma_q", a, x)

    def vjp(self, g: Node, y: Node, a: Node, x: Node) -> Cotangents:
        return -g * gammainc_grad_a(a, x), -g * gamma_pdf(a, x)


class GammaPdf(Elementwise):
    """x**(a-1) * exp(-x) / gamma(a), the density of the gamma distribution and the derivative of P by x."""

    accepts, domain = floats, (positive, positive)

    @in_double
    def scalar(self, s: Scalars, a: Value, x: Value) -> Value:
        at_zero = s.where(s.less(a, 1), inf, s.where(s.equal(a, 1), a, 0.0))
        return _at_edges(s, a, x, _Point(s, a, x).front * (a / x), low=at_zero, high=0.0)

    def exact(self, s: Scalars, a: Value, x: Value) -> Value:
        return s.exp((a - 1) * s.log(x) - x - s.special("log_gamma", a))

    def vjp(self, g: Node, y: Node, a: Node, x: Node) -> Cotangents:
        return g * (y * (log(x) - digamma(a))), g * (y * ((a - 1) / x - 1))


class GammaincGradA(Elementwise):
    """The derivative of P(a, x) by a. Its own derivative by a is NaN: it has no closed form."""

    accepts, domain = floats, (positive, positive)

    @in_double
    def scalar(self, s: Scalars, a: Value, x: Value) -> Value:
        p = _Point(s, a, x)
        return _at_edges(s, a, x, p.front * _slope(s, p), low=0.0, high=0.0)

    def exact(self, s: Scalars, a: Value, x: Value) -> Value:
        return s.special("gamma_p_slope", a, x)

    def vjp(self, g: Node, y: Node, a: Node, x: Node) -> Cotangents:
        return full(nan, a.type), g * (gamma_pdf(a, x) * (log(x) - digamma(a)))


class RandomGammaGrad(Elementwise):
    """The derivative by a of a draw x from the gamma distribution, -gammainc_grad_a(a, x) / gamma_pdf(a, x).

    That is how x has to move for P(a, x) to stay. Its own derivative by a is NaN: it has no closed form.
    """

    accepts, domain = floats, (positive, positive)

    @in_double
    def scalar(self, s: Scalars, a: Value, x: Value) -> Value:
        return _at_edges(s, a, x, -(_slope(s, _Point(s, a, x)) * (x / a)), low=0.0, high=inf)

    def exact(self, s: Scalars, a: Value, x: Value) -> Value:
        density = s.exp((a - 1) * s.log(x) - x - s.special("log_gamma", a))
        return -s.special("gamma_p_slope", a, x) / density

    def vjp(self, g: Node, y: Node, a: Node, x: Node) -> Cotangents:
        return full(nan, a.type), g * (digamma(a) - log(x) - y * ((a - 1) / x - 1))


class _Point:
    """Where the functions are evaluated, and what all formulas need there.

    `front` is x**a * exp(-x) / gamma(a+1). For a >= 2.5 it is exp(-a*excess) over Stirling's formula, with
    excess = x/a - 1 - log(x/a), which loses nothing where a is large.
    """

    def __init__(self, s: Scalars, a: Value, x: Value) -> None:
        self.a, self.x = a, x
        self.distance = (x - a) / a
        self.log_x = s.log(x)
        self.excess = excess_over_log1p(s, self.distance, s.log(x / a))
        small = s.less(a, 2.5)
        self.log_power = a * self.log_x - log_gamma_of_one_and(s, s.minimum(a, 2.5))
        self.decay = s.exp(s.where(small, self.log_power - x, -(a * self.excess)))
        self.root = s.sqrt(2 * math.pi * a)
        stirling = self.decay * s.exp(-stirling_remainder(s, a)) / self.root
        self.front = s.where(small, self.decay, stirling)
        near = s.logical_and(s.less(-0.5, self.distance), s.less(self.distance, 1.0))
        self.near = s.logical_and(near, s.less_equal(temme.SMALLEST, a))
        self.by_series = s.logical_or(s.less(x, _SMALL_X), s.less(x, a))
        self.below = s.less(x, a)


@dataclass
class _Nearby:
    """What Temme's expansion is made of: eta, over the distance too, and 1/a."""

    distance: Value
    eta: Value
    eta_ratio: Value
    v: Value

    @classmethod
    def of(cls, s: Scalars, p: _Point) -> _Nearby:
        distance = s.where(p.near, p.distance, 0.0)
        ratio = s.sqrt(2 * quadratic_excess(distance))
        return cls(distance, distance * ratio, ratio, 1 / s.maximum(p.a, temme.SMALLEST))


def _both(s: Scalars, p: _Point) -> tuple[Value, Value]:
    """P and Q."""
    nearby = _Nearby.of(s, p)
    half = 0.5 * erfcx_right(s, s.abs(nearby.eta) * s.sqrt(0.5 * p.a))
    correction = temme.correction(nearby.eta, nearby.v) / p.root
    tail = p.decay * s.where(p.below, half - correction, half + correction)
    lower = s.where(p.near, tail, p.front * _series(p.a, p.x))
    upper = s.where(p.near, tail, p.front * p.a / _fraction(s, p))
    below = s.where(p.near, p.below, p.by_series)
    rest = s.where(s.logical_and(s.less(p.x, _SMALL_X), s.logical_not(p.near)), _small_q(s, p, lower), 1 - lower)
    return s.where(below, lower, 1 - upper), s.where(below, rest, upper)


def _slope(s: Scalars, p: _Point) -> Value:
    """The derivative of P by a over the front factor, in the same regions."""
    nearby = _Nearby.of(s, p)
    t = nearby.distance / (2 + nearby.distance)
    ratio = 2 * (1 + t * t * cubic_artanh(t)) / ((2 + nearby.distance) * nearby.eta_ratio)  # log(x/a) over eta
    value, by_eta, by_v = temme.correction_and_slopes(nearby.eta, nearby.v)
    eta_slope = -(nearby.v * (ratio + 0.5 * nearby.eta))
    correction = value * (ratio * nearby.eta - 0.5 * nearby.v) + by_eta * eta_slope - by_v * (nearby.v * nearby.v)
    near = -(ratio + correction) * s.exp(stirling_remainder(s, p.a))
    log_slope = p.log_x - digamma_above_one(s, 1 + p.a)
    series, series_slope = _series_and_slope(p.a, p.x)
    lower = series * log_slope + series_slope
    fraction, fraction_slope = _fraction_and_slope(s, p)
    upper = -(1 + p.a * (log_slope - fraction_slope / fraction)) / fraction
    return s.where(p.near, near, s.where(p.by_series, lower, upper))


def _series(a: Value, x: Value) -> Value:
    """The sum of x**n / ((a+1)...(a+n))."""
    value = 1.0
    for n in range(_SERIES, 0, -1):
        value = 1 + value * (x / (a + n))
    return value


def _series_and_slope(a: Value, x: Value) -> tuple[Value, Value]:
    """The sum, and its derivative by a."""
    value, slope = 1.0, 0.0
    for n in range(_SERIES, 0, -1):
        inverse = 1 / (a + n)
        slope = x * inverse * (slope - value * inverse)
        value = 1 + value * (x * inverse)
    return value, slope


def _fraction(s: Scalars, p: _Point) -> Value:
    """What x**a * exp(-x) / gamma(a) is divided by to give Q."""
    value, gap = _last_of_fraction(s, p), p.x - p.a
    for n in range(_FRACTION, 0, -1):
        value = gap + (2 * n - 1) + (n * (p.a - n)) / value
    return value


def _fraction_and_slope(s: Scalars, p: _Point) -> tuple[Value, Value]:
    """The fraction, and its derivative by a."""
    value, slope, gap = _last_of_fraction(s, p), -0.5, p.x - p.a
    for n in range(_FRACTION, 0, -1):
        inverse = n / value
        slope = inverse * (1 - (p.a - n) / value * slope) - 1
        value = gap + (2 * n - 1) + (p.a - n) * inverse
    return value, slope


def _last_of_fraction(s: Scalars, p: _Point) -> Value:
    """About what the rest of the continued fraction comes to: its fixed point if nothing changed any more."""
    last = p.x - p.a + (2 * _FRACTION + 1)
    return 0.5 * (last + s.sqrt(s.maximum(last * last + 4 * _FRACTION * (p.a - _FRACTION), 0.0)))


def _small_q(s: Scalars, p: _Point, lower: Value) -> Value:
    """Q for x < 1.5: 1 - x**a/gamma(a+1) less the rest of a series, or 1 - P where P is small."""
    x, rest = s.minimum(p.x, _SMALL_X), 0.0
    for n in range(_SMALL_SERIES, 0, -1):
        rest = (rest + (-1) ** n / math.factorial(n) / (p.a + n)) * x
    value = -s.expm1(p.log_power) - s.exp(p.log_power) * (p.a * rest)
    small = s.where(s.less(x, 0.5), s.less(p.a * p.log_x, -0.4), s.less(1.1 * x, p.a))
    return s.where(small, 1 - lower, value)


def _at_edges(s: Scalars, a: Value, x: Value, value: Value, low: Value | float, high: float) -> Value:
    """The limits: `low` for x = 0 and infinite a, `high` for a = 0 and infinite x; NaN for both and outside."""
    downwards, upwards = s.logical_or(s.equal(x, 0), s.equal(a, inf)), s.logical_or(s.equal(a, 0), s.equal(x, inf))
    value = s.where(downwards, low, s.where(upwards, high, value))
    inside = s.logical_and(s.less_equal(0, a), s.less_equal(0, x))
    contradiction = s.logical_and(downwards, upwards)
    return s.where(s.logical_and(inside, s.logical_not(contradiction)), value, nan)


gammainc = function(Gammainc)
gammaincc = function(Gammaincc)
gamma_pdf = function(GammaPdf)
gammainc_grad_a = function(GammaincGradA)
random_gamma_grad = function(RandomGammaGrad)
