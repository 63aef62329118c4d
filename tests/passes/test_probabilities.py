"""Likelihoods, information and log-densities of classes and directions, at points where the naive formulas fail.

The exact values and slopes are those that mpmath finds for the same formula. What is allowed is a few units in the
last place, of 1 or of the largest input where the result is a difference of numbers as large.
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

ROWS = [[1000, 1001, 999], [-1000, -1001, -1000.5], [0, 1e-8, -300], [88.75, 10, -200], [-800, 800, 3]]
ANGLES = [[0.001, 2, 0], [0.5, 800, 0], [3, 100, 0]]
MASK = np.array([True, False, True])


@dataclass(frozen=True)
class Case:
    """A formula of rows, points at which it is hard, and the size of numbers that cancel in it."""

    name: str
    formula: Callable[[Any], Any]
    points: Any
    largest: float = 1.0


def shares(x: Any) -> Any:
    return gc.softmax(x, axis=1)


def running(x: Any) -> Any:
    return gc.cumsum(gc.exp(x), axis=1)


def beta_function(x: Any) -> Any:
    a, b = gc.abs(x[:, 0]), gc.abs(x[:, 1])
    return gc.lgamma(a) + gc.lgamma(b) - gc.lgamma(a + b)


CASES = [
    Case("running_sum", lambda x: gc.log(running(x)), ROWS, 1000),
    Case("reversed_sum", lambda x: gc.log(gc.flip(running(gc.flip(x, 1)), 1)), ROWS, 1000),
    Case("ranking", lambda x: gc.sum(gc.log(gc.exp(x)[:, 1:] / running(x)[:, 1:]), axis=1), ROWS, 1000),
    Case("bits", lambda x: -gc.sum(shares(x) * gc.log2(shares(x)), axis=1), ROWS, 3),
    Case("log10", lambda x: gc.log10(gc.exp(x) / gc.sum(gc.exp(x), axis=1, keepdims=True)), ROWS, 8),
    Case("log2_of_sigmoid", lambda x: gc.log2(gc.sigmoid(x)), ROWS, 8),
    Case("other_classes", lambda x: gc.log(1 - shares(x)), ROWS, 8),
    Case("other_classes_of_one", lambda x: gc.log(1 - shares(x)[:, 0]), ROWS, 8),
    Case("masked", lambda x: gc.log(gc.sum(gc.where(MASK, shares(x), 0), axis=1)), ROWS, 8),
    Case(
        "direction",
        lambda x: gc.log(gc.exp(x[:, 1] * gc.cos(x[:, 0])) / (2 * math.pi * gc.i0(x[:, 1]))),
        ANGLES,
        800,
    ),
    Case("mean_direction", lambda x: gc.i1(x[:, 1]) / gc.i0(x[:, 1]), ANGLES),
    Case("sum_of_lgammas", lambda x: gc.lgamma(x + 1) - gc.lgamma(x), [[1e-3, 1, 1e9]]),
    Case("beta", beta_function, [[1e8, 0.5, 0], [2, 3, 0]], 8),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_values_and_slopes(case, dtype):
    points = np.asarray(case.points, dtype)
    x = gc.input("x", points.shape, dtype)
    assert_right(case.formula(x), x, points, 16, case.largest)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_running_sums_have_limits(dtype):
    """Nothing yet is -inf, NaN stays."""
    x = gc.input("x", (2, 3), dtype)
    y = gc.log(running(x))
    value, slope = gc.compile([x], [y, gc.grad(gc.sum(y[0, 1:]), x)])([[-np.inf, 1000, -np.inf], [0, np.nan, 1]])
    np.testing.assert_array_equal(value, [[-np.inf, 1000, 1000], [0, np.nan, np.nan]])
    np.testing.assert_array_equal(slope[0], [0, 2, 0])
