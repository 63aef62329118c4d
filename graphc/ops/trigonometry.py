"""Elementwise ops on angles and their hyperbolic relatives: the inverses of sin, cos, tan; sinh, cosh and inverses.

They are made of few words (`atan`, exponentials, logarithms), in forms that neither overflow nor cancel, and stay
below 3.6 units in the last place. The tangent itself and tanh stand in `elementwise`.
"""

from __future__ import annotations

import math
from typing import Any

from graphc.ir.node import Node
from graphc.ir.op import Cotangents
from graphc.ir.scalars import Scalars, Value
from graphc.ops.base import Domain, Elementwise, floats, inf
from graphc.ops.conversion import function
from graphc.ops.elementwise import sqrt, square
from graphc.ops.logic import equal, where

_OPEN_UNIT = Domain(-1.0, 1.0, 0.5, closed=False)
_UNIT = Domain(-1.0, 1.0, 0.5)
_LARGE = 1e8
"""From here on 1 + x*x is x*x, in float64 too."""

# --- inverses of sin, cos, tan ---


class Asin(Elementwise):
    """The angle in [-pi/2, pi/2] whose sine is x; NaN outside [-1, 1]."""

    accepts, domain = floats, _UNIT

    def scalar(self, s: Scalars, x: Value) -> Value:
        return s.atan(x / s.sqrt((1 - x) * (1 + x)))

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (g / sqrt(one_minus_square(x)),)


class Acos(Elementwise):
    """The angle in [0, pi] whose cosine is x; NaN outside [-1, 1]."""

    accepts, domain = floats, _UNIT

    def scalar(self, s: Scalars, x: Value) -> Value:
        return 2 * s.atan(s.sqrt((1 - x) / (1 + x)))

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (-g / sqrt(one_minus_square(x)),)


class OneMinusSquare(Elementwise):
    """1 - x*x, which does not cancel near -1 and 1."""

    accepts = floats

    def scalar(self, s: Scalars, x: Value) -> Value:
        return (1 - x) * (1 + x)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (g * (-2 * x),)


class Atan(Elementwise):
    """The angle in [-pi/2, pi/2] whose tangent is x."""

    accepts = floats

    def scalar(self, s: Scalars, x: Value) -> Value:
        return s.atan(x)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (g / (1 + square(x)),)


class Atan2(Elementwise):
    """The angle in [-pi, pi] of the point (x, y), given y and x; signs of zeros count, as in IEEE 754."""

    accepts = floats

    def scalar(self, s: Scalars, y: Value, x: Value) -> Value:
        height, width = s.abs(y), s.abs(x)
        ratio = s.minimum(height, width) / s.maximum(height, width)
        steep = s.less(width, height)
        diagonal = s.where(s.equal(height, 0), height, math.pi / 4)
        angle = s.where(s.equal(height, width), diagonal, s.atan(ratio))
        angle = s.where(steep, math.pi / 2 - angle, angle)
        angle = s.where(s.signbit(x), math.pi - angle, angle)
        return s.where(s.signbit(y), -angle, angle)

    def exact(self, s: Scalars, y: Value, x: Value) -> Value:
        beside = s.abs(x) + s.sqrt(x * x + y * y)  # the tangent of half the angle, or its inverse, is y over it
        on_axis = s.where(s.equal(x, 0), y, 4 * s.atan(x / x))
        left = s.where(s.equal(y, 0), on_axis, 2 * s.atan(beside / y))
        return s.where(s.less(0, x), 2 * s.atan(y / beside), left)

    def vjp(self, g: Node, z: Node, y: Node, x: Node) -> Cotangents:
        distance = hypot(x, y)
        return g * (direction_cosine(x, y) / distance), -g * (direction_cosine(y, x) / distance)


class Hypot(Elementwise):
    """sqrt(x*x + y*y) without overflow. Its derivative at (0, 0) is 0."""

    accepts = floats

    def scalar(self, s: Scalars, x: Value, y: Value) -> Value:
        infinite = s.logical_or(s.isinf(x), s.isinf(y))
        longer, stretch = _distance(s, x, y)
        return s.where(infinite, inf, longer * stretch)

    def exact(self, s: Scalars, x: Value, y: Value) -> Value:
        return s.sqrt(x * x + y * y)

    def vjp(self, g: Node, z: Node, x: Node, y: Node) -> Cotangents:
        return g * direction_cosine(x, y), g * direction_cosine(y, x)


class DirectionCosine(Elementwise):
    """x / hypot(x, y), the cosine of the angle between the vector (x, y) and its first axis; 0 for no vector."""

    accepts = floats

    def scalar(self, s: Scalars, x: Value, y: Value) -> Value:
        longer, stretch = _distance(s, x, y)
        return s.where(s.equal(longer, 0), 0.0, (x / longer) / stretch)

    def exact(self, s: Scalars, x: Value, y: Value) -> Value:
        return s.where(s.logical_and(s.equal(x, 0), s.equal(y, 0)), 0, x / s.sqrt(x * x + y * y))

    def vjp(self, g: Node, z: Node, x: Node, y: Node) -> Cotangents:
        across, distance = direction_cosine(y, x), hypot(x, y)
        bend = across / where(equal(distance, 0), 1, distance)
        return g * (across * bend), -g * (z * bend)


# --- hyperbolic functions ---


class Sinh(Elementwise):
    """Hyperbolic sine: (exp(x) - exp(-x)) / 2."""

    accepts = floats

    def scalar(self, s: Scalars, x: Value) -> Value:
        size = s.abs(x)
        e, root = s.expm1(size), s.exp(0.5 * size)
        # exp(size) overflows before the half of it does.
        return _with_sign(s, s.where(s.less(size, 80), 0.5 * (e + e / (1 + e)), 0.5 * root * root), x)

    def exact(self, s: Scalars, x: Value) -> Value:
        return 0.5 * (s.exp(x) - s.exp(-x))

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (g * cosh(x),)


class Cosh(Elementwise):
    """Hyperbolic cosine: (exp(x) + exp(-x)) / 2."""

    accepts = floats

    def scalar(self, s: Scalars, x: Value) -> Value:
        size = s.abs(x)
        e, root = s.exp(size), s.exp(0.5 * size)
        return s.where(s.less(size, 80), 0.5 * (e + 1 / e), 0.5 * root * root)

    def exact(self, s: Scalars, x: Value) -> Value:
        return 0.5 * (s.exp(x) + s.exp(-x))

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (g * sinh(x),)


class Asinh(Elementwise):
    """The inverse of sinh: log(x + sqrt(x*x + 1))."""

    accepts = floats

    def scalar(self, s: Scalars, x: Value) -> Value:
        size = s.abs(x)
        near = s.log1p(size + size * (size / (1 + s.sqrt(size * size + 1))))
        return _with_sign(s, s.where(s.less(size, _LARGE), near, s.log(size) + math.log(2)), x)

    def exact(self, s: Scalars, x: Value) -> Value:
        return s.log(x + s.sqrt(x * x + 1))

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (g / hypot(x, 1),)


class Acosh(Elementwise):
    """The inverse of cosh: log(x + sqrt(x*x - 1)); NaN below 1."""

    accepts, domain = floats, Domain(1.0, inf, 2.0)

    def scalar(self, s: Scalars, x: Value) -> Value:
        above = x - 1
        near = s.log1p(above + s.sqrt(above) * s.sqrt(x + 1))
        return s.where(s.less(x, _LARGE), near, s.log(x) + math.log(2))

    def exact(self, s: Scalars, x: Value) -> Value:
        return s.log(x + s.sqrt(x * x - 1))

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (g / (sqrt(x - 1) * sqrt(x + 1)),)


class Atanh(Elementwise):
    """The inverse of tanh: log((1 + x) / (1 - x)) / 2; infinite at -1 and 1, NaN beyond."""

    accepts, domain = floats, _OPEN_UNIT

    def scalar(self, s: Scalars, x: Value) -> Value:
        size = s.abs(x)
        return _with_sign(s, 0.5 * s.log1p(2 * size / (1 - size)), x)

    def exact(self, s: Scalars, x: Value) -> Value:
        return 0.5 * s.log((1 + x) / (1 - x))

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (g / one_minus_square(x),)


asin = function(Asin)
acos = function(Acos)
one_minus_square = function(OneMinusSquare)
atan = function(Atan)
atan2 = function(Atan2)
hypot = function(Hypot)
direction_cosine = function(DirectionCosine)
sinh = function(Sinh)
cosh = function(Cosh)
asinh = function(Asinh)
acosh = function(Acosh)
atanh = function(Atanh)


def _distance(s: Any, x: Value, y: Value) -> tuple[Value, Value]:
    """The longer side of the rectangle between 0 and (x, y), and how many times longer the diagonal is."""
    size, other = s.abs(x), s.abs(y)
    longer = s.maximum(size, other)
    ratio = s.minimum(size, other) / s.where(s.equal(longer, 0), 1.0, longer)
    return longer, s.sqrt(1 + ratio * ratio)


def _with_sign(s: Any, size: Value, x: Value) -> Value:
    return s.where(s.signbit(x), -size, size)
