"""FPBench's collection "hamming-ch3": R. W. Hamming, Numerical Methods for Scientists and Engineers, chapter 3.

Conditions and better forms are those of the collection.
"""

from __future__ import annotations

import math

import graphc as gc
from benchmarks.accuracy.suite.problem import Problem
from graphc.ops.elementwise import cbrt

inf = math.inf


def root(a, b, c):
    return gc.sqrt(b * b - 4 * (a * c))


def half_root(a, b, c):
    return gc.sqrt(b * b - a * c)


def larger_root(a, b, c):
    first, second = (-b + root(a, b, c)) / (2 * a), (-b - root(a, b, c)) / (2 * a)
    return gc.where(b < 0, first, c / (a * second))


def smaller_root(a, b, c):
    first, second = (-b + root(a, b, c)) / (2 * a), (-b - root(a, b, c)) / (2 * a)
    return gc.where(b < 0, c / (a * first), second)


def logarithm_series(n):
    far = 1 / n - 1 / (2 * n**2) + 1 / (3 * n**3) - 1 / (4 * n**4)
    return gc.where(n >= 1e3, far, gc.log(1 + 1 / n))


def cotangent_series(x):
    return gc.where(gc.abs(x) < 0.026, (x / 3) * (1 + x * x / 15), 1 / x - 1 / gc.tan(x))


def wave_series(x):
    near = -0.5 + 9 * x**2 / 40 - 27 * x**4 / 2800 + 27 * x**6 / 112000
    return gc.where(gc.abs(x) <= 1, near, (x - gc.sin(x)) / (x - gc.tan(x)))


POSITIVE = {"x": (0, inf)}
UNIT = {"eps": (-1, 1)}

HAMMING = [
    Problem("2sqrt (3.1)", "x", lambda x: gc.sqrt(x + 1) - gc.sqrt(x),
            lambda x: 1 / (gc.sqrt(x + 1) + gc.sqrt(x)), POSITIVE),
    Problem("2sin (3.3)", "x eps", lambda x, e: gc.sin(x + e) - gc.sin(x),
            lambda x, e: 2 * (gc.cos(x + e / 2) * gc.sin(e / 2))),
    Problem("tanhf (3.4)", "x", lambda x: (1 - gc.cos(x)) / gc.sin(x), lambda x: gc.tan(x / 2)),
    Problem("2atan (3.5)", "N", lambda n: gc.atan(n + 1) - gc.atan(n), lambda n: gc.atan(1 / (1 + n * (n + 1)))),
    Problem("2isqrt (3.6)", "x", lambda x: 1 / gc.sqrt(x) - 1 / gc.sqrt(x + 1),
            lambda x: 1 / ((x + 1) * gc.sqrt(x) + x * gc.sqrt(x + 1)), POSITIVE),
    Problem("2frac (3.3.1)", "x", lambda x: 1 / (x + 1) - 1 / x),
    Problem("2tan (3.3.2)", "x eps", lambda x, e: gc.tan(x + e) - gc.tan(x),
            lambda x, e: gc.sin(e) / (gc.cos(x) * gc.cos(x + e))),
    Problem("3frac (3.3.3)", "x", lambda x: 1 / (x + 1) - 2 / x + 1 / (x - 1), lambda x: 2 / (x * (x * x - 1))),
    Problem("2cbrt (3.3.4)", "x", lambda x: cbrt(x + 1) - cbrt(x)),
    Problem("2cos (3.3.5)", "x eps", lambda x, e: gc.cos(x + e) - gc.cos(x),
            lambda x, e: -2 * (gc.sin(x + e / 2) * gc.sin(e / 2))),
    Problem("2log (3.3.6)", "N", lambda n: gc.log(n + 1) - gc.log(n), logarithm_series, {"N": (0, inf)}),
    Problem("exp2 (3.3.7)", "x", lambda x: gc.exp(x) - 2 + gc.exp(-x), lambda x: 4 * gc.sinh(x / 2) ** 2),
    Problem("quadp (p42)", "a b c", lambda a, b, c: (-b + root(a, b, c)) / (2 * a), larger_root),
    Problem("quadm (p42)", "a b c", lambda a, b, c: (-b - root(a, b, c)) / (2 * a), smaller_root),
    Problem("quad2p (3.2.1)", "a b c", lambda a, b, c: (-b + half_root(a, b, c)) / a),
    Problem("quad2m (3.2.1)", "a b c", lambda a, b, c: (-b - half_root(a, b, c)) / a),
    Problem("expm1 (3.7)", "x", lambda x: gc.exp(x) - 1, lambda x: gc.expm1(x), {"x": (-0.00017, inf)}),
    Problem("logs (3.8)", "N", lambda n: (n + 1) * gc.log(n + 1) - n * gc.log(n) - 1,
            lambda n: gc.log(n + 1) - (1 / (2 * n) - (1 / (3 * (n * n)) - 4 / n**3)), {"N": (6.8e15, inf)}),
    Problem("invcot (3.9)", "x", lambda x: 1 / x - 1 / gc.tan(x), cotangent_series, {"x": (-0.026, 0.026)}),
    Problem("qlog (3.10)", "x", lambda x: gc.log(1 - x) / gc.log(1 + x),
            lambda x: gc.log1p(-x) / gc.log1p(x), {"x": (-1, 1)}),
    Problem("cos2 (3.4.1)", "x", lambda x: (1 - gc.cos(x)) / (x * x)),
    Problem("expq3 (3.4.2)", "a b eps",
            lambda a, b, e: e * (gc.exp((a + b) * e) - 1) / ((gc.exp(a * e) - 1) * (gc.exp(b * e) - 1)),
            lambda a, b, e: 1 / a + 1 / b, UNIT),
    Problem("logq (3.4.3)", "eps", lambda e: gc.log((1 - e) / (1 + e)), lambda e: gc.log1p(-e) - gc.log1p(e), UNIT),
    Problem("sqrtexp (3.4.4)", "x", lambda x: gc.sqrt((gc.exp(2 * x) - 1) / (gc.exp(x) - 1))),
    Problem("sintan (3.4.5)", "x", lambda x: (x - gc.sin(x)) / (x - gc.tan(x)), wave_series),
    Problem("2nthrt (3.4.6)", "x n", lambda x, n: (x + 1) ** (1 / n) - x ** (1 / n), None, POSITIVE),
    Problem("expax (3.5)", "a x", lambda a, x: gc.exp(a * x) - 1, lambda a, x: gc.expm1(a * x)),
    Problem("expq2 (3.11)", "x", lambda x: gc.exp(x) / (gc.exp(x) - 1), lambda x: 1 / (1 - gc.exp(-x))),
]  # fmt: skip
