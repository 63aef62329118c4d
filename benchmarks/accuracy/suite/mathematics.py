"""The Herbie project's collection "mathematics": definitions of functions as textbooks and their users write them."""

from __future__ import annotations

import math

import graphc as gc
from benchmarks.accuracy.suite.problem import Problem
from graphc.ops.elementwise import cbrt

UNIT = {"e": (0.0, 1.0)}
NARROW = dict.fromkeys("abc", (1.0536712127723509e-8, 9.490626562425156e7))
WIDE = dict.fromkeys("abc", (4.930380657631324e-32, 2.028240960365167e31))
SHAPE = {"m": (0, math.inf), "v": (0, 0.25)}


def quadratic(a, b, c):
    return (-b + gc.sqrt(b * b - 4 * a * c)) / (2 * a)


def cubic(a, b, c):
    return (-b + gc.sqrt(b * b - 3 * a * c)) / (3 * a)


def haversine(longitude, other_longitude, latitude, other_latitude):
    across, along = longitude - other_longitude, latitude - other_latitude
    a = gc.sin(along / 2) ** 2 + gc.cos(latitude) * gc.cos(other_latitude) * gc.sin(across / 2) * gc.sin(across / 2)
    return 2 * gc.atan2(gc.sqrt(a), gc.sqrt(1 - a))


def law_of_cosines(longitude, other_longitude, latitude, other_latitude):
    straight = gc.cos(latitude) * gc.cos(other_latitude) * gc.cos(longitude - other_longitude)
    return gc.acos(gc.sin(latitude) * gc.sin(other_latitude) + straight)


def equirectangular(longitude, other_longitude, latitude, other_latitude):
    x = (longitude - other_longitude) * gc.cos((latitude + other_latitude) / 2)
    y = latitude - other_latitude
    return gc.sqrt(x * x + y * y)


def bearing(longitude, other_longitude, latitude, other_latitude):
    across = longitude - other_longitude
    north = gc.cos(latitude) * gc.sin(other_latitude) - gc.sin(latitude) * gc.cos(other_latitude) * gc.cos(across)
    return gc.atan2(gc.sin(across) * gc.cos(other_latitude), north)


def ancestry(g, h, a):
    root = gc.sqrt(g * g - h * h)
    return cbrt(1 / (2 * a) * (-g + root)) + cbrt(1 / (2 * a) * (-g - root))


MATHEMATICS = [
    Problem("hyperbolic sine", "x", lambda x: (gc.exp(x) - gc.exp(-x)) / 2),
    Problem("hyperbolic tangent", "x", lambda x: (gc.exp(x) - gc.exp(-x)) / (gc.exp(x) + gc.exp(-x))),
    Problem("hyperbolic secant", "x", lambda x: 2 / (gc.exp(x) + gc.exp(-x))),
    Problem("hyperbolic arcsine", "x", lambda x: gc.log(x + gc.sqrt(x * x + 1)),
            lambda x: gc.where(x < 0, gc.log(-1 / (x - gc.sqrt(x * x + 1))), gc.log(x + gc.sqrt(x * x + 1)))),
    Problem("hyperbolic arccosine", "x", lambda x: gc.log(x + gc.sqrt(x * x - 1))),
    Problem("hyperbolic arctangent", "x", lambda x: 0.5 * gc.log((1 + x) / (1 - x))),
    Problem("hyperbolic arcsecant", "x", lambda x: gc.log(1 / x + gc.sqrt(1 - x * x) / x)),
    Problem("exp of a sum of logs", "a b", lambda a, b: gc.exp(gc.log(a) + gc.log(b)), lambda a, b: a * b),
    Problem("quotient of a sum of exps", "a b", lambda a, b: gc.exp(a) / (gc.exp(a) + gc.exp(b)),
            lambda a, b: 1 / (1 + gc.exp(b - a))),
    Problem("quotient of products", "a b c d", lambda a, b, c, d: (a * b) / (c * d),
            lambda a, b, c, d: (a / c) * (b / d)),
    Problem("log of a sum of exps", "a b", lambda a, b: gc.log(gc.exp(a) + gc.exp(b))),
    Problem("logistic regression 2", "x y", lambda x, y: gc.log(1 + gc.exp(x)) - x * y,
            lambda x, y: gc.where(x <= 0, gc.log(1 + gc.exp(x)) - x * y, gc.log(1 + gc.exp(-x)) + x * (1 - y))),
    Problem("logistic function", "x", lambda x: 2 / (1 + gc.exp(-2 * x)) - 1),
    Problem("a of the beta distribution", "m v", lambda m, v: (m * (1 - m) / v - 1) * m, None, SHAPE),
    Problem("b of the beta distribution", "m v", lambda m, v: (m * (1 - m) / v - 1) * (1 - m), None, SHAPE),
    Problem("x / (1 - y) - x", "x y", lambda x, y: x / (1 - y) - x, lambda x, y: x * y / (1 - y),
            {"x": (1.855, 2.985), "y": (0.000209, 0.0186)}),
    Problem("quadratic roots, full range", "a b c", quadratic),
    Problem("quadratic roots, narrow range", "a b c", quadratic, None, NARROW),
    Problem("quadratic roots, wide range", "a b c", quadratic, None, WIDE),
    Problem("cubic critical", "a b c", cubic),
    Problem("cubic critical, narrow range", "a b c", cubic, None, NARROW),
    Problem("cubic critical, wide range", "a b c", cubic, None, WIDE),
    Problem("asymptote A", "x", lambda x: 1 / (x + 1) - 1 / (x - 1)),
    Problem("asymptote B", "x", lambda x: 1 / (x - 1) + x / (x + 1)),
    Problem("asymptote C", "x", lambda x: x / (x + 1) - (x + 1) / (x - 1)),
    Problem("eccentricity of an ellipse", "a b", lambda a, b: gc.sqrt(gc.abs((a * a - b * b) / (a * a))), None,
            {"a": (0.5, 1), "b": (0, 0.5)}),
    Problem("trigonometry A", "e v", lambda e, v: e * gc.sin(v) / (1 + e * gc.cos(v)), None, UNIT),
    Problem("trigonometry B", "x", lambda x: (1 - gc.tan(x) * gc.tan(x)) / (1 + gc.tan(x) * gc.tan(x))),
    Problem("2-ancestry mixing, positive", "g h a", ancestry),
    Problem("2-ancestry mixing, zero", "g a", lambda g, a: cbrt(g / (2 * a))),
    Problem("2-ancestry mixing, negative", "g h",
            lambda g, h: 2 * gc.cos(2 * math.pi / 3 + gc.acos(-g / h) / 3)),
    Problem("great circle, haversine", "l m p q", haversine),
    Problem("great circle, law of cosines", "l m p q", law_of_cosines),
    Problem("great circle, equirectangular", "l m p q", equirectangular),
    Problem("great circle, bearing", "l m p q", bearing),
    Problem("logarithmic transform", "c x y", lambda c, x, y: c * gc.log(1 + (math.e**x - 1) * y),
            lambda c, x, y: c * gc.log1p(gc.expm1(x) * y)),
]  # fmt: skip
