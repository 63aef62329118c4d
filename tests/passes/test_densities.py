"""Densities, likelihoods and entropies as textbooks print them are right where they underflow as they are written.

Each formula is compiled as a user would do it, in float32 and float64. The exact values and slopes are those that
mpmath finds for the same formula. What is allowed is a few units in the last place of the largest term.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import graphc as gc
from tests.mathematics import assert_right

ROOT = math.sqrt(2 * math.pi)
ROWS = [[50, 40, 1], [-1000, 1, 2], [0.1, 0.2, -0.3]]


@dataclass(frozen=True)
class Case:
    """A formula of columns, points at which it is hard, and the size of the largest of its terms."""

    name: str
    formula: Callable[..., Any]
    points: Any
    largest: float = 1.0


def gamma(x: Any) -> Any:
    return gc.exp(gc.lgamma(x))


def normal(x: Any, mean: Any, deviation: Any) -> Any:
    return gc.exp(-((x - mean) ** 2) / (2 * deviation**2)) / (deviation * ROOT)


def chosen(x: Any) -> Any:
    """The probability of a 1 where x is positive or small, of a 0 elsewhere."""
    return gc.where(x > -500, gc.sigmoid(x), 1 - gc.sigmoid(x / 2))


CASES = [
    Case("normal", lambda x, m, s: gc.log(normal(x, m, s)), [[1000, 0, 1], [50, 0, 0.5], [3, 1, 2], [-40, 40, 0.5]]),
    Case(
        "gamma",
        lambda x, a, b: gc.log(b**a / gamma(a) * x ** (a - 1) * gc.exp(-b * x)),
        [[100, 3, 200], [5, 2, 1], [0.01, 300, 5], [1e-5, 0.5, 0.25], [400, 500, 2]],
        3000,
    ),
    Case(
        "beta",
        lambda p, a, b: gc.log(gamma(a + b) / (gamma(a) * gamma(b)) * p ** (a - 1) * (1 - p) ** (b - 1)),
        [[0.3, 200, 300], [0.999, 500, 4], [1e-8, 40, 2], [0.2, 3000, 9000]],
        1e5,
    ),
    Case(
        "poisson",
        lambda k, rate: gc.log(rate**k * gc.exp(-rate) / gamma(k + 1)),
        [[300, 250], [0, 1e-3], [3, 700], [1, 5], [50, 2]],
        1700,
    ),
    Case(
        "binomial",
        lambda p, k, n: gc.log(gamma(n + 1) / (gamma(k + 1) * gamma(n - k + 1)) * p**k * (1 - p) ** (n - k)),
        [[0.3, 400, 1000], [1e-5, 20, 300], [0.999, 1, 400], [0.5, 3, 8]],
        6000,
    ),
    Case(
        "bernoulli",
        lambda x, y: gc.log(gc.sigmoid(x) ** y * (1 - gc.sigmoid(x)) ** (1 - y)),
        [[1000, 0], [-1000, 1], [3, 1], [50, 0], [-120, 1]],
    ),
    Case("normal_product", lambda *x: gc.log(gc.prod(normal(gc.stack(x, 1), 0.5, 2.0), axis=1)), ROWS),
    Case("sigmoid_product", lambda *x: gc.log(gc.prod(gc.sigmoid(gc.stack(x, 1)), axis=1)), ROWS),
    Case("chosen_product", lambda *x: gc.log(gc.prod(chosen(gc.stack(x, 1)), axis=1)), ROWS),
    Case("chosen", lambda x, y: gc.log(chosen(x)) + y, [[-1000, 0], [-400, 1], [3, 0], [50, 1]]),
    Case("survival", lambda *x: gc.log(gc.cumprod(1 - gc.sigmoid(gc.stack(x, 1)), axis=1))[:, -1], ROWS),
    Case("cast", lambda x, y: gc.log((gc.sigmoid(x) ** y)[None].astype("float64"))[0], [[3, 1], [-1000, 2], [-200, 3]]),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_values_and_slopes(case, dtype):
    points = np.asarray(case.points, dtype)
    x = gc.input("x", points.shape, dtype)
    y = case.formula(*(x[:, i] for i in range(points.shape[1])))
    assert_right(y, x, points, 32, case.largest)


# --- special values ---

inf, nan = math.inf, math.nan
POWERS = [(0, 0), (0, 2), (0, -1), (inf, 0), (-2, 2), (-2, 3), (-2, 0.5), (1, inf), (2, inf), (0.5, -inf), (nan, 0)]
POWERS += [(1, nan), (nan, 1), (2, nan), (-1, inf), (-0.0, 3), (inf, -1), (-inf, 2), (-inf, 3)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_powers_keep_their_special_values(dtype):
    x, a = gc.input("x", ("n",), dtype), gc.input("a", ("n",), dtype)
    bases, exponents = np.array(POWERS, dtype).T
    found = gc.compile([x, a], [gc.log(x**a), gc.log(3 * x**a)])(bases, exponents)
    with np.errstate(all="ignore"):
        wanted = np.log(bases**exponents)
    for value, offset in zip(found, (0, math.log(3))):
        np.testing.assert_allclose(value, wanted + offset, rtol=1e-6)


def test_a_label_of_zero_counts_nothing():
    """The slope by the label is the logarithm all the same."""
    x, y = gc.input("x", (2,)), gc.input("y", (2,))
    likelihood = gc.sum(gc.log(gc.sigmoid(x) ** y))
    slopes = gc.compile([x, y], gc.grad(likelihood, [x, y]))([-200, 3], [0, 0])
    np.testing.assert_allclose(slopes, [[0, 0], [-200, -math.log1p(math.exp(-3))]], rtol=1e-6)
