"""The Herbie project's collections "libraries" and "physics": formulas found in programs and in papers.

math.js, Rust's standard library, Jmat, Octave, Basilisk and a test of GCC's fast mathematics; mechanics of orbits,
solid-state physics and optics.
"""

from __future__ import annotations

import math

import graphc as gc
from benchmarks.accuracy.suite.problem import Problem

ELLIPSE, HYPERBOLA = {"e": (0, 1)}, {"e": (1, math.inf)}


def modulus(a, b):
    return gc.sqrt(a * a + b * b)


def newton_of_lambert(w, x):
    e = gc.exp(w)
    return w - (w * e - x) / (e + w * e)


def better_newton_of_lambert(w, x):
    e = gc.exp(w)
    return w - (w / (w + 1) - x / (e + w * e))


def first_randg(a, x):
    d = a - 1 / 3
    return d * (1 + 1 / gc.sqrt(9 * d) * x)


def root_of_complex(a, b):
    left = 0.5 * (math.sqrt(2) * gc.sqrt(b * b / (modulus(a, b) - a)))
    return gc.where(a < 0, left, 0.5 * gc.sqrt(2 * (modulus(a, b) + a)))


def asinh_of_rust(x):
    return gc.copysign(gc.log(gc.abs(x) + gc.sqrt(x * x + 1)), x)


def erf_of_jmat(x):
    t = 1 / (1 + 0.3275911 * gc.abs(x))
    tail = 0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))
    return 1 - t * tail * gc.exp(-(gc.abs(x) * gc.abs(x)))


LIBRARIES = [
    Problem("abs of complex", "a b", modulus),
    Problem("cube", "x", lambda x: x * x * x, lambda x: x**3),
    Problem("cube of complex, real", "a b", lambda a, b: (a * a - b * b) * a - (a * b + b * a) * b,
            lambda a, b: a * a * (a - b) + a * b * (a - 3 * b)),
    Problem("cube of complex, imaginary", "a b", lambda a, b: (a * a - b * b) * b + (a * b + b * a) * a,
            lambda a, b: a * b * (2 * a) + b * (a - b) * (a + b)),
    Problem("exp of complex, real", "a b", lambda a, b: gc.exp(a) * gc.cos(b)),
    Problem("log of complex, real", "a b", lambda a, b: gc.log(modulus(a, b))),
    Problem("log of complex to a base, real", "a b c",
            lambda a, b, c: (gc.log(modulus(a, b)) * gc.log(c) + gc.atan2(b, a) * 0) / (gc.log(c) * gc.log(c))),
    Problem("log10 of complex, real", "a b", lambda a, b: gc.log(modulus(a, b)) / math.log(10)),
    Problem("product of complex, real", "a b c d", lambda a, b, c, d: a * c - b * d),
    Problem("power of complex, real", "a b c d",
            lambda a, b, c, d: gc.exp(gc.log(modulus(a, b)) * c - gc.atan2(b, a) * d)
            * gc.cos(gc.log(modulus(a, b)) * d + gc.atan2(b, a) * c)),
    Problem("root of complex, real", "a b", lambda a, b: 0.5 * gc.sqrt(2 * (modulus(a, b) + a)), root_of_complex),
    Problem("root of complex, imaginary", "a b", lambda a, b: 0.5 * gc.sqrt(2 * (modulus(a, b) - a)), None,
            {"b": (0, math.inf)}),
    Problem("square of complex, real", "a b", lambda a, b: a * a - b * b),
    Problem("cos of complex, real", "a b", lambda a, b: 0.5 * gc.cos(a) * (gc.exp(-b) + gc.exp(b))),
    Problem("cos of complex, imaginary", "a b", lambda a, b: 0.5 * gc.sin(a) * (gc.exp(-b) - gc.exp(b))),
    Problem("normal distribution", "u v",
            lambda u, v: 1 / 6 * (-2 * gc.log(u)) ** 0.5 * gc.cos(2 * math.pi * v) + 0.5, None,
            {"u": (0, 1), "v": (0, 1)}),
    Problem("Rust's asinh", "x", asinh_of_rust, gc.asinh),
    Problem("Rust's acosh", "x", lambda x: gc.log(x + gc.sqrt(x * x - 1)),
            lambda x: gc.log(x + gc.sqrt(x - 1) * gc.sqrt(x + 1)), {"x": (1, math.inf)}),
    Problem("Rust's atanh", "x", lambda x: 0.5 * gc.log1p(2 * x / (1 - x))),
    Problem("fast math, distributed", "a b c", lambda a, b, c: a * b + a * c, lambda a, b, c: a * (b + c)),
    Problem("fast math, distributed four times", "a b c d",
            lambda a, b, c, d: a * b - a * c + d * a - a * a, lambda a, b, c, d: a * (b - c + d - a)),
    Problem("Octave's randg", "a x", first_randg),
    Problem("Jmat's estimate of Lambert's W", "x", lambda x: gc.log(x) - gc.log(gc.log(x))),
    Problem("Jmat's step to Lambert's W", "w x", newton_of_lambert, better_newton_of_lambert),
    Problem("Jmat's erf", "x", erf_of_jmat),
    Problem("true anomaly", "E e",
            lambda a, e: 2 * gc.atan2(gc.sqrt(1 + e) * gc.sin(a / 2), gc.sqrt(1 - e) * gc.cos(a / 2)), None, ELLIPSE),
    Problem("mean anomaly", "E e", lambda a, e: a - e * gc.sin(a), None, ELLIPSE),
    Problem("hyperbolic true anomaly", "H e",
            lambda h, e: 2 * gc.atan(gc.sqrt((e + 1) / (e - 1)) * gc.tanh(h / 2)), None, HYPERBOLA),
    Problem("hyperbolic mean anomaly", "H e", lambda h, e: e * gc.sinh(h) - h, None, HYPERBOLA),
    Problem("semilatus rectum", "a e", lambda a, e: a * (1 - e * e)),
    Problem("optimal throwing angle", "v h", lambda v, h: gc.atan(v / gc.sqrt(v * v - 2 * 9.8 * h))),
    Problem("Maksimov and Kolovsky (3)", "j k u",
            lambda j, k, u: -2 * j * gc.cos(k / 2) * gc.sqrt(1 + (u / (2 * j * gc.cos(k / 2))) ** 2)),
    Problem("Maksimov and Kolovsky (4)", "j k l u",
            lambda j, k, x, u: j * (gc.exp(x) - gc.exp(-x)) * gc.cos(k / 2) + u),
]  # fmt: skip
