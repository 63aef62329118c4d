"""The Herbie project's collection "numerics": formulas of numerical analysis, most of them from textbooks.

S. D. Conte and C. de Boor, Elementary Numerical Analysis (ENA); R. W. Hamming, Numerical Methods for Scientists and
Engineers (NMSE); W. Kahan's notes; the papers on Rosa and by M. Martel; exercises of courses.
"""

from __future__ import annotations

import math

import graphc as gc
from benchmarks.accuracy.suite.problem import Problem

FAR = {"x": (-1e9, 1e9), "eps": (-1, 1)}


def quotient_of_smith(a, b, c, d):
    wide = (a + b * (d / c)) / (c + d * (d / c))
    return gc.where(gc.abs(d) < gc.abs(c), wide, (b + a * (c / d)) / (d + c * (c / d)))


def imaginary_quotient_of_smith(a, b, c, d):
    wide = (b - a * (d / c)) / (c + d * (d / c))
    return gc.where(gc.abs(d) < gc.abs(c), wide, (-a + b * (c / d)) / (d + c * (c / d)))


def ratio_of_squares(x, y):
    ratio = gc.abs(x / y)
    near = (x - y) * (x + y) / (x * x + y * y)
    return gc.where((ratio > 0.5) & (ratio < 2), near, 1 - 2 / (1 + (x / y) ** 2))


def one_over_two(u):
    return (1 + u * u) / (2 + u * u)


def jet_engine(a, b):
    d = a * a + 1
    s, t = (3 * a * a + 2 * b - a) / d, (3 * a * a - 2 * b - a) / d
    inner = (2 * a * s * (s - 3) + a * a * (4 * s - 6)) * d
    return a + (inner + 3 * a * a * s + a * a * a + a + 3 * t)


NUMERICS = [
    Problem("ln(1 + x)", "x", lambda x: gc.log(1 + x),
            lambda x: gc.where(1 + x == 1, x, x * gc.log(1 + x) / ((1 + x) - 1))),
    Problem("difference of squares", "a b", lambda a, b: a * a - b * b, lambda a, b: (a + b) * (a - b)),
    Problem("compound interest", "i n", lambda i, n: 100 * (((1 + i / n) ** n - 1) / (i / n))),
    Problem("x / (x**2 + 1)", "x", lambda x: x / (x * x + 1), lambda x: 1 / (x + 1 / x)),
    Problem("complex division, real", "a b c d", lambda a, b, c, d: (a * c + b * d) / (c * c + d * d),
            quotient_of_smith),
    Problem("complex division, imaginary", "a b c d", lambda a, b, c, d: (b * c - a * d) / (c * c + d * d),
            imaginary_quotient_of_smith),
    Problem("arccos", "x", lambda x: 2 * gc.atan(gc.sqrt((1 - x) / (1 + x)))),
    Problem("Kahan's exp quotient", "x", lambda x: (gc.exp(x) - 1) / x,
            lambda x: gc.where(gc.abs(x) < 1, (gc.exp(x) - 1) / gc.log(gc.exp(x)), (gc.exp(x) - 1) / x)),
    Problem("Kahan p9", "x y", lambda x, y: (x - y) * (x + y) / (x * x + y * y), ratio_of_squares,
            {"x": (0, 1), "y": (-math.inf, 1)}),
    Problem("Kahan p13, 1", "t", lambda t: one_over_two(2 * t / (1 + t))),
    Problem("Kahan p13, 2", "t", lambda t: one_over_two(2 - 2 / t / (1 + 1 / t))),
    Problem("Kahan p13, 3", "t", lambda t: 1 - 1 / (2 + (2 - 2 / t / (1 + 1 / t)) ** 2)),
    Problem("ENA 1.4, A", "x", lambda x: 1 - gc.cos(x), lambda x: gc.sin(x) ** 2 / (1 + gc.cos(x)),
            {"x": (-0.01, 0.01)}),
    Problem("ENA 1.4, B", "x", lambda x: 10 / (1 - x * x), None, {"x": (0.999, 1.001)}),
    Problem("ENA 1.4, exercise 1", "x", lambda x: gc.cos(x) * gc.exp(10 * (x * x)), None, {"x": (1.99, 2.01)}),
    Problem("ENA 1.4, exercise 4a", "x", lambda x: (x - gc.sin(x)) / gc.tan(x), lambda x: x * x / 6, {"x": (-1, 1)}),
    Problem("ENA 1.4, exercise 4b, n = 2", "x eps", lambda x, e: (x + e) ** 2 - x**2, None, FAR),
    Problem("ENA 1.4, exercise 4b, n = 5", "x eps", lambda x, e: (x + e) ** 5 - x**5, None, FAR),
    Problem("ENA 1.4, exercise 4d", "x eps", lambda x, e: x - gc.sqrt(x * x - e),
            lambda x, e: e / (x + gc.sqrt(x * x - e)), {"x": (0, 1e9), "eps": (-1, 1)}),
    Problem("NMSE 6.1, A", "x eps",
            lambda x, e: ((1 + 1 / e) * gc.exp(-((1 - e) * x)) - (1 / e - 1) * gc.exp(-((1 + e) * x))) / 2),
    Problem("NMSE 6.1, B", "a b", lambda a, b: math.pi / 2 * (1 / (b * b - a * a)) * (1 / a - 1 / b)),
    Problem("radioactive exchange of two surfaces", "x y", lambda x, y: x**4 - y**4),
    Problem("Rosa's Doppler", "u v t", lambda u, v, t: -t * v / ((t + u) * (t + u))),
    Problem("Rosa's polynomial", "x", lambda x: 0.954929658551372 * x - 0.12900613773279798 * (x * x * x)),
    Problem("Rosa's jet engine", "a b", jet_engine),
    Problem("Rosa's turbine", "v w r",
            lambda v, w, r: 3 + 2 / (r * r) - 0.125 * (3 - 2 * v) * (w * w * r * r) / (1 - v) - 4.5),
    Problem("Martel p14", "a b c d", lambda a, b, c, d: a * (b + c + d), lambda a, b, c, d: a * b + a * (c + d),
            {"a": (56789, 98765), "b": (0, 1), "c": (0, 0.0016773), "d": (0, 0.0016773)}),
    Problem("Martel p15, 2", "x", lambda x: x + x * x, lambda x: (1 + x) * x, {"x": (0, 2)}),
    Problem("Martel p15, 3", "x", lambda x: x * (x * x) + x * x, lambda x: (1 + x) * x * x, {"x": (0, 2)}),
    Problem("Martel p15, 4", "a b", lambda a, b: (a + b) * (a + b), lambda a, b: b * a + b * b + b * a + a * a,
            {"a": (5, 10), "b": (0, 0.001)}),
    Problem("fma, 1", "t", lambda t: (1 + t * 2e-16) * (1 + t * 2e-16) + (-1 - 2 * (t * 2e-16)), None,
            {"t": (0.9, 1.1)}),
    Problem("fma, 2", "t", lambda t: 1.7e308 * t - 1.7e308, None, {"t": (1.9, 2.1)}),
    Problem("cancel like terms", "x", lambda x: (1 + x) - x),
    Problem("expanding a square", "x", lambda x: (x + 1) * (x + 1) - 1),
    Problem("commute and associate", "x y z", lambda x, y, z: ((x + y) + z) - (x + (y + z))),
    Problem("sqrt A", "x", lambda x: gc.sqrt(x * x + x * x)),
]  # fmt: skip
