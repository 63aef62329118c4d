"""Products with logarithms that are 0 where the first factor is, and what entropies are summed from."""

from __future__ import annotations

from graphc.ir.node import Node
from graphc.ir.op import Cotangents
from graphc.ir.scalars import Scalars, Value
from graphc.ops.base import Domain, Elementwise, floats, inf, positive, reals
from graphc.ops.conversion import function
from graphc.ops.elementwise import log, log1p
from graphc.ops.logic import equal, where
from graphc.ops.special.algorithm import excess_over_log1p, in_double


class Xlogy(Elementwise):
    """x * log(y), and 0 where x is 0 and y is not NaN."""

    accepts, domain = floats, (reals, positive)

    def scalar(self, s: Scalars, x: Value, y: Value) -> Value:
        nothing = s.logical_and(s.equal(x, 0), s.equal(y, y))
        return s.where(nothing, 0.0, x * s.log(s.where(nothing, 1.0, y)))

    def vjp(self, g: Node, z: Node, x: Node, y: Node) -> Cotangents:
        return g * log(y), g * _ratio(x, y)


class Xlog1py(Elementwise):
    """x * log(1 + y), and 0 where x is 0 and y is not NaN."""

    accepts, domain = floats, (reals, Domain(-1.0, inf, 1.0, closed=False))

    def scalar(self, s: Scalars, x: Value, y: Value) -> Value:
        nothing = s.logical_and(s.equal(x, 0), s.equal(y, y))
        return s.where(nothing, 0.0, x * s.log1p(s.where(nothing, 1.0, y)))

    def vjp(self, g: Node, z: Node, x: Node, y: Node) -> Cotangents:
        return g * log1p(y), g * _ratio(x, 1 + y)


class Entr(Elementwise):
    """-x * log(x), 0 at 0 and -inf below."""

    accepts, domain = floats, positive

    def scalar(self, s: Scalars, x: Value) -> Value:
        inside = s.where(s.less_equal(x, 0), 1.0, x)
        return s.where(s.less(x, 0), -inf, -(s.where(s.equal(x, 0), 0.0, x) * s.log(inside)))

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (-g * (log(x) + 1),)


class RelEntr(Elementwise):
    """x * log(x / y): 0 where x is 0 and y is not negative, inf elsewhere outside of x > 0, y > 0."""

    accepts, domain = floats, (positive, positive)

    @in_double
    def scalar(self, s: Scalars, x: Value, y: Value) -> Value:
        return _where_positive(s, x, y, x * log_ratio(s, x, y), 0.0)

    def exact(self, s: Scalars, x: Value, y: Value) -> Value:
        return _where_positive(s, x, y, x * s.log(x / y), 0.0)

    def vjp(self, g: Node, z: Node, x: Node, y: Node) -> Cotangents:
        return g * (log(x / y) + 1), -g * (x / y)


class KlDiv(Elementwise):
    """x * log(x / y) - x + y, without its cancellation near x = y; y where x is 0, inf for negative operands."""

    accepts, domain = floats, (positive, positive)

    @in_double
    def scalar(self, s: Scalars, x: Value, y: Value) -> Value:
        return _where_positive(s, x, y, deviance(s, x, y), y)

    def exact(self, s: Scalars, x: Value, y: Value) -> Value:
        return _where_positive(s, x, y, x * s.log(x / y) - x + y, y)

    def vjp(self, g: Node, z: Node, x: Node, y: Node) -> Cotangents:
        return g * log(x / y), g * ((y - x) / y)


def deviance(s: Scalars, x: Value, y: Value) -> Value:
    """x * log(x / y) - x + y for positive x and y, of which float64 values go in."""
    close = s.less(s.abs(y / x - 2.125), 1.875)  # from 1/4 to 4
    distance = s.where(close, (y - x) / x, 0.0)
    value = x * excess_over_log1p(s, distance, s.log1p(distance))
    return s.where(close, value, x * (_log_ratio(s, x, y) - 1) + y)


def log_ratio(s: Scalars, x: Value, y: Value) -> Value:
    """log(x / y) for positive x and y, of which float64 values go in; near 1 of their difference."""
    close = s.less(s.abs(x / y - 0.75), 0.5)
    return s.where(close, s.log1p((x - y) / y), _log_ratio(s, x, y))


def _log_ratio(s: Scalars, x: Value, y: Value) -> Value:
    """log(x / y), also where the quotient over- or underflows."""
    ratio = x / y
    extreme = s.logical_or(s.less(ratio, 1e-300), s.less(1e300, ratio))
    return s.where(extreme, s.log(x) - s.log(y), s.log(ratio))


def _where_positive(s: Scalars, x: Value, y: Value, inside: Value, without: Value | float) -> Value:
    """A function of positive operands, what it is where x is 0, and inf beyond; NaN stays."""
    both = s.logical_and(s.less(0, x), s.less(0, y))
    nothing = s.logical_and(s.equal(x, 0), s.less_equal(0, y))
    missing = s.logical_or(s.isnan(x), s.isnan(y))
    outside = s.where(missing, x + y, s.where(nothing, s.where(missing, x, without), inf))
    return s.where(both, inside, outside)


def _ratio(x: Node, y: Node) -> Node:
    """x / y, and 0 where x is 0."""
    nothing = equal(x, 0)
    return where(nothing, 0, x / where(nothing, 1, y))


xlogy = function(Xlogy)
xlog1py = function(Xlog1py)
entr = function(Entr)
rel_entr = function(RelEntr)
kl_div = function(KlDiv)
