"""Sines, cosines, tangents and their inverses."""

from __future__ import annotations

from graphc.ops.elementwise import cos, sin, tan
from graphc.ops.trigonometry import atan, atan2
from graphc.search.identities.table import Table

TRIGONOMETRY = Table()


@TRIGONOMETRY.identity
def difference_of_sines(a, b):
    return sin(a) - sin(b), 2 * (sin((a - b) / 2) * cos((a + b) / 2))


@TRIGONOMETRY.identity
def sum_of_sines(a, b):
    return sin(a) + sin(b), 2 * (sin((a + b) / 2) * cos((a - b) / 2))


@TRIGONOMETRY.identity
def difference_of_cosines(a, b):
    return cos(a) - cos(b), -2 * (sin((a + b) / 2) * sin((a - b) / 2))


@TRIGONOMETRY.identity
def sum_of_cosines(a, b):
    return cos(a) + cos(b), 2 * (cos((a + b) / 2) * cos((a - b) / 2))


@TRIGONOMETRY.identity
def difference_of_tangents(a, b):
    return tan(a) - tan(b), sin(a - b) / (cos(a) * cos(b))


@TRIGONOMETRY.identity
def sine_of_sum(a, b):
    return sin(a + b), sin(a) * cos(b) + cos(a) * sin(b)


@TRIGONOMETRY.identity
def cosine_of_sum(a, b):
    return cos(a + b), cos(a) * cos(b) - sin(a) * sin(b)


@TRIGONOMETRY.identity
def one_minus_cosine(a):
    return 1 - cos(a), 2 * (sin(a / 2) * sin(a / 2))


@TRIGONOMETRY.identity
def cosine_minus_one(a):
    return cos(a) - 1, -2 * (sin(a / 2) * sin(a / 2))


@TRIGONOMETRY.identity
def one_plus_cosine(a):
    return 1 + cos(a), 2 * (cos(a / 2) * cos(a / 2))


@TRIGONOMETRY.identity
def tangent_of_half(a):
    return (1 - cos(a)) / sin(a), tan(a / 2)


@TRIGONOMETRY.identity
def tangent_of_half_below(a):
    return sin(a) / (1 + cos(a)), tan(a / 2)


@TRIGONOMETRY.identity
def spelled_tangent(a):
    return tan(a), sin(a) / cos(a)


@TRIGONOMETRY.identity
def ratio_of_sine_and_cosine(a):
    return sin(a) / cos(a), tan(a)


@TRIGONOMETRY.identity
def pythagoras(a):
    return sin(a) * sin(a) + cos(a) * cos(a), 1


@TRIGONOMETRY.identity
def one_minus_square_of_sine(a):
    return 1 - sin(a) * sin(a), cos(a) * cos(a)


@TRIGONOMETRY.identity
def one_minus_square_of_cosine(a):
    return 1 - cos(a) * cos(a), sin(a) * sin(a)


@TRIGONOMETRY.identity
def square_of_sine(a):
    return sin(a) * sin(a), 1 - cos(a) * cos(a)


@TRIGONOMETRY.identity
def sine_times_cosine(a):
    return sin(a) * cos(a), sin(2 * a) / 2


@TRIGONOMETRY.identity
def difference_of_squared_waves(a):
    return cos(a) * cos(a) - sin(a) * sin(a), cos(2 * a)


@TRIGONOMETRY.identity
def difference_of_arctangents(a, b):
    return atan(a) - atan(b), atan2(a - b, 1 + a * b)


@TRIGONOMETRY.identity
def sum_of_arctangents(a, b):
    return atan(a) + atan(b), atan2(a + b, 1 - a * b)


@TRIGONOMETRY.identity
def sine_is_odd(a):
    return sin(-a), -sin(a)


@TRIGONOMETRY.identity
def cosine_is_even(a):
    return cos(-a), cos(a)


@TRIGONOMETRY.identity
def tangent_is_odd(a):
    return tan(-a), -tan(a)


@TRIGONOMETRY.identity
def arctangent_is_odd(a):
    return atan(-a), -atan(a)
