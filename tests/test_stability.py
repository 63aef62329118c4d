"""Textbook formulas give the right value and gradient where they overflow, underflow or cancel as they are written.

Each row of the table is compiled as a user would do it, in float32 and float64, and compared with the mathematics of
the same formula: mpmath evaluates the user's graph, and differentiates it by central differences at 2048 bits.

Values are right to 16 units in the last place. Where a value is the exponential of a difference, rounding the
difference costs as many units as it is large; where terms cancel by nature, a few units of the terms remain.
Derivatives are right to 64 units in the last place, or to 4 units of 1.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np
import pytest

import graphc as gc
from tests.mathematics import BITS, STEP, exact, mathematics

inf, nan = np.inf, np.nan
ROWS = [[1000, 1001, 999], [-1000, -1001, -1000.5], [0, 1e-8, -300], [88.8, 10, -200], [-800, 800, 3], [0, 0, 0]]
LOGITS = [1000, -1000, -100, 100, 40, -40, 1e-10, -1e-10, 0, 3, -750, 750]
SHARES = [1e-20, 1e-8, 0.5, 0.999, 1 - 1e-7]
SMALL = [1e-9, 1e-7, 1e-5, 1e-3, 0.01]
POSITIVE = [1e-10, 1e-3, 1, 30, 100, 800]
NORMS = [[1e30, 2e30, 2e30], [3e-30, 4e-30, 0], [1, 2, 3]]
PRODUCTS = [[30, 40, 5], [-30, -1, 2], [60, 70, 80]]
TAILS = [-200, -30, -3, -0.5, 1e-5, 0.5, 3, 30, 200]
FACTORS = [[1e-200, 1e-200, 1e-300], [1e200, 1e150, 2], [-1e-200, -1e200, 3], [1 + 1e-9, 1 - 2e-9, 1 + 5e-10]]
SMALL_FACTORS = [[1e-30, 1e-30, 1e-30], [1e30, 1e20, 2], [-1e-30, -1e30, 3], [1 + 1e-5, 1 - 2e-5, 1 + 5e-6]]
WEIGHTS = np.array([0.5, 2.0, 0.25])
MASK = np.array([True, False, True])


@dataclass(frozen=True)
class Case:
    """A formula, by its number in the catalogue of rewrites, and the points at which it is hard."""

    reference: str
    formula: Callable[[Any], Any]
    points: Any
    exponential: bool = False  # whether the value is the exponential of a difference
    cancels: bool = False  # whether its terms cancel by nature
    small: Any = None  # the points in float32, if they are others


def constant(x, values):
    """An array of the dtype of x."""
    return gc.constant(np.asarray(values).astype(x.dtype.numpy))


def total(x):
    return gc.sum(gc.exp(x), axis=1, keepdims=True)


def heat_capacity(x):
    weights = gc.exp(-x / 2)
    mean = gc.sum(weights * x, axis=1) / gc.sum(weights, axis=1)
    return gc.sum(weights * x**2, axis=1) / gc.sum(weights, axis=1) - mean**2


def weighted(x):
    return gc.sum(constant(x, WEIGHTS) * gc.exp(x), axis=1)


def by_hand(x):
    return gc.exp(x) / total(x)


def weighted_by_hand(x):
    shares = constant(x, WEIGHTS) * gc.exp(x)
    return shares / gc.sum(shares, axis=1, keepdims=True)


def matmul(x):
    """For each row: its exponentials times those of the row reversed, and times those of its negative."""
    return gc.exp(x[:, None, :]) @ gc.exp(gc.stack([gc.flip(x, 1), -x], axis=2))


CASES = [
    Case("S1", lambda x: gc.log(gc.sum(gc.exp(x), axis=1)), ROWS),
    Case("S1", lambda x: gc.log(total(x)), ROWS),
    Case("S1", lambda x: gc.log(gc.sum(gc.exp(x.T), axis=0)), ROWS),
    Case("S2", lambda x: gc.log(gc.exp(x[:, 0]) + gc.exp(x[:, 1])), ROWS),
    Case("S2", lambda x: gc.log(gc.exp(x[:, 0]) + gc.exp(x[:, 1]) + gc.exp(x[:, 2])), ROWS),
    Case("S2", lambda x: gc.log(gc.exp(x[:, 0]) + 2 + gc.exp(x[:, 1]) + gc.exp(-x[:, 2])), ROWS),
    Case("S3", by_hand, ROWS, exponential=True),
    Case("S3", weighted_by_hand, ROWS, exponential=True),
    Case("S4", lambda x: gc.log(gc.softmax(x, axis=1))[:, 0], ROWS),
    Case("S4", lambda x: gc.log(gc.softmax(x, axis=1)[:, 0]), ROWS),
    Case("S5", lambda x: x - gc.log(total(x)), ROWS),
    Case("S5", lambda x: x - gc.log(weighted(x))[:, None], ROWS, cancels=True),
    Case("S5", lambda x: x[:, 0] / 0.0625 - gc.logsumexp(x[:, 0:3] / 0.0625, axis=1), ROWS),
    Case("S5", lambda x: gc.stack([x[i, 1] * 4 - gc.logsumexp(x[i] * 4) for i in range(x.shape[0])]), ROWS),
    Case("S6", lambda x: gc.exp(gc.log_softmax(x, axis=1)), ROWS, exponential=True),
    Case("S7", lambda x: gc.log(by_hand(x)), ROWS),
    Case("S7", lambda x: gc.log(by_hand(x)[:, 0]), ROWS),
    Case("S7", lambda x: gc.log(gc.exp(x) / weighted(x)[:, None]), ROWS, cancels=True),
    Case("S8", lambda x: gc.log(gc.mean(gc.exp(x), axis=1)), ROWS, cancels=True),
    Case("S8", lambda x: gc.log(gc.sum(gc.exp(x), axis=1) / 3), ROWS, cancels=True),
    Case("S8", lambda x: gc.log(gc.mean(constant(x, WEIGHTS) * gc.exp(x), axis=1)), ROWS, cancels=True),
    Case("S9", lambda x: gc.log(weighted(x)), ROWS),
    Case("S9", lambda x: gc.log(weighted(x)[:, None] / 7), ROWS, cancels=True),
    Case("S9", lambda x: gc.log(gc.sum(-constant(x, [0.5, 2, 0]) * gc.exp(x) * -2, axis=1)), ROWS),
    Case("S9", lambda x: gc.log(gc.sum(constant(x, [2, 3, -1]) * gc.exp(-gc.abs(x)), axis=1)), ROWS, cancels=True),
    Case("S9", lambda x: gc.log(gc.exp(x) @ constant(x, WEIGHTS)), ROWS),
    Case("S9", lambda x: gc.log(gc.sum(gc.softmax(x, axis=1) * constant(x, [0, 0, 1]), axis=1)), ROWS),
    Case("S9", lambda x: gc.log(gc.mean(gc.sigmoid(x), axis=1)), ROWS, cancels=True),
    Case("S10", lambda x: gc.log(0.25 * gc.exp(x[:, 0]) + 0.75 * gc.exp(x[:, 1])), ROWS),
    Case("S10", lambda x: gc.log(0.3 * gc.exp(x[:, 0]) + 0.7 * gc.exp(x[:, 1])), ROWS, cancels=True),
    Case("S10", lambda x: gc.log(gc.exp(x[:, 0]) * 3 + 0.5 * gc.exp(x[:, 1]) + 2 * gc.exp(x[:, 2])), ROWS),
    Case("S10", lambda x: gc.log(3 * gc.exp(gc.abs(x[:, 0]) + 1) - gc.exp(gc.abs(x[:, 0]) - 1)), ROWS),
    Case(
        "S12",
        lambda x: gc.where(MASK, gc.exp(x), 0) / gc.sum(gc.where(MASK, gc.exp(x), 0), 1, keepdims=True),
        ROWS,
        exponential=True,
    ),
    Case("S13", lambda x: 3 * x - gc.max(3 * x, axis=1, keepdims=True), ROWS[:-1]),
    Case("S14", lambda x: gc.log(gc.prod(x, axis=1)), FACTORS, small=SMALL_FACTORS),
    Case("S14", lambda x: gc.log(gc.prod(1 + gc.exp(x), axis=1) + gc.prod(1 + gc.exp(x * 0.5), axis=1)), PRODUCTS),
    Case("S15", lambda x: -gc.sum(constant(x, [0, 1, 0]) * gc.log(by_hand(x)), axis=1), ROWS),
    Case("S15", lambda x: -gc.sum(constant(x, [0.05, 0.9, 0.05]) * gc.log(by_hand(x)), axis=1), ROWS),
    Case("S15", lambda x: -gc.log(gc.sum(constant(x, [0, 1, 0]) * by_hand(x), axis=1)), ROWS),
    Case("S15", lambda x: -gc.log(gc.take_along_axis(by_hand(x), np.full((len(ROWS), 1), 2), axis=1)), ROWS),
    Case("S19", lambda x: gc.log(matmul(x)), ROWS, cancels=True),
    Case("S20", lambda x: 1 / (1 + gc.exp(-x)), LOGITS),
    Case("S20", lambda x: gc.exp(x) / (1 + gc.exp(x)), LOGITS),
    Case("S20", lambda x: 3 / (1 + gc.exp(x)), LOGITS),
    Case("S21", lambda x: 1 - gc.sigmoid(x), LOGITS),
    Case("S21", lambda x: 1 - 1 / (1 + gc.exp(-x)), LOGITS),
    Case("S22", lambda x: gc.log(gc.sigmoid(x)), LOGITS),
    Case("S22", lambda x: gc.log(1 - gc.sigmoid(x)), LOGITS),
    Case("S22", lambda x: gc.log1p(-gc.sigmoid(x)), LOGITS),
    Case("S22", lambda x: gc.log(1 / (1 + gc.exp(-x))), LOGITS),
    Case("S23", lambda x: gc.log(1 + gc.exp(x)), LOGITS),
    Case("S23", lambda x: gc.log1p(gc.exp(x)), LOGITS),
    Case("S24", lambda x: gc.exp(x) * gc.sigmoid(-x), LOGITS),
    Case("S25", lambda x: gc.sigmoid(x) / (1 - gc.sigmoid(x)), LOGITS),
    Case("S26", lambda x: gc.log(gc.sigmoid(x) / (1 - gc.sigmoid(x))), LOGITS),
    Case("S26", lambda x: gc.sigmoid(gc.log(x / (1 - x))), SHARES),
    Case("S27", lambda x: gc.exp(-x) / (1 + gc.exp(-x)) ** 2, LOGITS),
    Case("S28", lambda x: -(0.25 * gc.log(gc.sigmoid(x)) + 0.75 * gc.log(1 - gc.sigmoid(x))), LOGITS),
    Case("S29", lambda x: gc.softplus(gc.log(x)), SHARES),
    Case("S29", lambda x: gc.log(1 + gc.exp(gc.log(x))), SHARES),
    Case("S30", lambda x: gc.log(gc.exp(x) - 1), POSITIVE),
    Case("S46", lambda x: gc.log(gc.erfc(x)), TAILS),
    Case("S46", lambda x: gc.log(0.5 * (1 + gc.erf(x))), [-20, -8, -3, -0.6, 1e-5, 0.4, 3, 5]),
    Case("S46", lambda x: gc.log(1 - 0.5 * (1 + gc.erf(x))), [20, 8, 3, 0.5, -3, -5]),
    Case("S47", lambda x: gc.exp(x**2) * gc.erfc(x), [0.1, 3, 12, 50, 1e4]),
    Case("S52", lambda x: gc.log(1 - gc.tanh(x) ** 2), TAILS),
    Case("S53", lambda x: gc.log((gc.exp(x) + gc.exp(-x)) / 2), TAILS),
    Case("S54", lambda x: gc.log(x + gc.sqrt(x**2 + 1)), TAILS),
    Case("S54", lambda x: gc.log((1 + x) / (1 - x)) / 2, SHARES[:4]),
    Case("S55", lambda x: gc.sqrt(x + 1) - gc.sqrt(x), POSITIVE[1:]),
    Case("S56", lambda x: 1 / x - 1 / (x + 1), POSITIVE[1:]),
    Case("S57", lambda x: (x + 1) ** 2 - x**2, [0.5, 30, 1e8, 1e12]),
    Case("S58", lambda x: -x + gc.sqrt(x**2 - 4), [3, 100, 1e8, 1e12]),
    Case("S59", lambda x: 1 - gc.cos(x), [1e-10, 1e-3, 1, 30]),
    Case("S59", lambda x: gc.acos(gc.cos(x)), [1e-9, -1e-5, 0.3, -0.9, 1.5, 2, -2.5, 7]),
    Case("S59", lambda x: gc.asin(gc.sin(x)), [1e-9, -1e-5, 0.3, -0.9, 1.5625, 2, -2.5, 7]),
    Case("S59", lambda x: gc.sin(x) * gc.cos(x + 1e-4) - gc.cos(x) * gc.sin(x + 1e-4), [1, -0.5, 3], cancels=True),
    Case(
        "S59",
        lambda x: gc.acos(gc.sin(x) * gc.sin(x * 1.0625) + gc.cos(x) * gc.cos(x * 1.0625)),
        [1e-9, 1e-5, 0.5, -3, 15, 40],
    ),
    Case("S60", lambda x: gc.sqrt(x[:, None, :] @ x[:, :, None])[:, 0, 0], NORMS),
    Case("S60", lambda x: gc.stack([gc.sqrt(x[i] @ x[i]) for i in range(x.shape[0])]), NORMS),
    Case("S60", lambda x: gc.sqrt(gc.sum(x**2, axis=1, keepdims=True)), NORMS),
    Case(
        "S3", lambda x: gc.exp(x[:, 0]) / (gc.exp(x[:, 0]) + gc.exp(x[:, 1]) + gc.exp(x[:, 2])), ROWS, exponential=True
    ),
    Case(
        "S3",
        lambda x: 0.5 * gc.exp(-(x**2)) / (0.5 * gc.exp(-(x**2)) + 2 * gc.exp(-((x - 1) ** 2))),
        [-2, 0.1, 30, 100],
    ),
    Case("S3", lambda x: gc.sum(x * gc.exp(x), axis=1) / gc.sum(gc.exp(x), axis=1), ROWS, exponential=True),
    Case("S20", lambda x: 3 / (1 + 5 * gc.exp(-x)), [1000, -1000, 80, -80, 0.5, 3]),
    Case("S20", lambda x: gc.exp(x) / (2 + gc.exp(x)), LOGITS),
    Case("S27", lambda x: gc.sigmoid(x) * (1 - gc.sigmoid(x)), [*LOGITS, 1e-10]),
    Case("S27", lambda x: gc.log(gc.sigmoid(x) * (1 - gc.sigmoid(x))), [*LOGITS, 1e-10]),
    Case("S40", lambda x: x / gc.exp(x), [-1000, -40, 1e-10, 0.5, 40, 80], exponential=True),
    Case("S53", lambda x: 1 / gc.cosh(x), [1e-10, 0.5, -3, 40, -80], exponential=True),
    Case("S35", lambda x: (1 + x) ** 360, SMALL),
    Case("S35", lambda x: 1 - (1 - x) ** 1000, SMALL[:-1]),
    Case("S35", lambda x: (1 + 0.05 / x) ** x, [12, 365, 1e6, 1e9]),
    Case("S36", lambda x: gc.exp(x) - 1 - x, [*SMALL, -1e-4, 30, -100]),
    Case("S36", lambda x: gc.log(1 + x) / x, SMALL),
    Case("S36", lambda x: (1 - gc.cos(x)) / x**2, SMALL),
    Case("S36", lambda x: x / (gc.exp(x) - 1), [*SMALL, -1e-4, 30, -100, 800]),
    Case("S36", lambda x: x - gc.sin(x), [1e-3, 0.01, 0.3, 2]),
    Case("S36", lambda x: 1 / gc.tanh(x) - 1 / x, [*SMALL, 2, -100]),
    Case("S41", lambda x: gc.log(x + 1) - gc.log(x), [0.1, 30, 1e8, 1e12]),
    Case("S47", lambda x: gc.exp(-(x**2) / 2) / gc.ndtr(-x), [-3, -0.5, 0.5, 3]),
    Case("S50", lambda x: gc.lgamma((x + 1) / 2) - gc.lgamma(x / 2), [0.5, 30, 1e3, 1e6]),
    Case("S53", lambda x: gc.log(gc.sinh(x)), [1e-3, 0.5, 30, 800]),
    Case("S58", lambda x: gc.sqrt(x**2 + 1) - gc.abs(x), [0.5, -30, 1e5, -1e10]),
    Case("S59", lambda x: gc.acos(1 - x), [1e-12, 1e-3, 0.5, 1.5]),
    Case("S72", lambda x: 0.5 * (gc.exp(x) + (x / 2) ** 2 - 1 - x), [1e-5, -1e-3, 0.5, 5, -80]),
    Case("S61", heat_capacity, [[5000, 5001, 5003], [-900, -902, -901.5], [1, 2, 4]], exponential=True),
    Case("S61", lambda x: gc.mean(x**2, axis=1) - gc.mean(x, axis=1) ** 2, [[5000, 5001, 5003], [1, 2, 4]]),
]


def name(case):
    return f"{case.reference}-{CASES.index(case)}"


def close(found, truth, ulps, units=0.0):
    """Whether values are right to so many units in the last place, or of 1."""
    info = np.finfo(found.dtype)
    good = np.zeros(found.shape, bool)
    for i in np.ndindex(found.shape):
        value, wanted = float(found[i]), truth[i]
        if mpmath.isnan(wanted):
            good[i] = np.isnan(value)
        elif abs(wanted) > float(info.max):
            good[i] = value == (inf if wanted > 0 else -inf)
        elif np.isfinite(value):
            allowed = max(ulps(wanted) * float(info.eps) * abs(wanted), units * float(info.eps))
            good[i] = abs(mpmath.mpf(value) - wanted) <= allowed + 4 * float(info.smallest_subnormal)
    return good


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=name)
def test_values_and_gradients(case, dtype):
    points = case.small if dtype == "float32" and case.small is not None else case.points
    points = np.asarray(points, dtype)
    x = gc.input("x", points.shape, dtype)
    y = case.formula(x)
    value, gradient = gc.compile([x], [y, gc.grad(gc.sum(y), x)])(points)
    true_value, true_gradient = exact(y, x, points)
    units = 4 if case.cancels else 0
    ulps = (lambda v: 16 + abs(mpmath.log(abs(v) or 1))) if case.exponential else (lambda v: 16)
    good = close(value, true_value, ulps, units)
    assert good.all(), [(points, value[~good], true_value[~good])]
    good = close(gradient, true_gradient, lambda v: 64, 4) | np.vectorize(mpmath.isnan)(true_gradient)
    assert good.all(), [(points[~good], gradient[~good], true_gradient[~good])]


# --- second derivatives ---

TWICE = [case for case in CASES if case.reference in ("S1", "S2", "S3", "S5", "S8", "S9", "S10", "S14", "S19", "S22")]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", TWICE, ids=name)
def test_second_derivatives(case, dtype):
    """How fast the derivative along a direction changes along it, at points where nothing is extreme."""
    points = np.array([[0.5, 1.25, 2], [1, 0.75, 0.5]], dtype)
    points = points if np.ndim(case.points) > 1 else points[0]
    direction = np.array([1, -0.5, 2], dtype)
    x = gc.input("x", points.shape, dtype)
    y = case.formula(x)[:1]
    slope = gc.sum(gc.grad(gc.sum(y), x) * direction)
    found = gc.compile([x], gc.sum(gc.grad(slope, x) * direction))(points)
    with mpmath.workprec(BITS):
        at, step = np.vectorize(mpmath.mpf, otypes=[object])(points), mpmath.ldexp(1, -STEP)
        along = np.vectorize(mpmath.mpf, otypes=[object])(direction)
        above, here, below = (mathematics(gc.sum(y), x, at + k * step * along).item() for k in (1, 0, -1))
        truth = (above - 2 * here + below) / step**2
    assert abs(float(found) - truth) <= 64 * np.finfo(dtype).eps * max(1, abs(truth))


# --- special values: the limits that docs/semantics.md promises ---


def reversed_product(x):
    """The logarithm of the exponentials of a row times those of the row reversed."""
    return gc.log(gc.exp(x[:, None, :]) @ gc.exp(gc.flip(x, 1)[:, :, None]))


SPECIAL = [
    ("S11", lambda x: gc.log(total(x)), [-inf, -inf, -inf], -inf, [0, 0, 0]),
    ("S11", lambda x: gc.log(total(x)), [inf, 0, -inf], inf, [1, 0, 0]),
    ("S11", lambda x: gc.log(total(x)), [inf, 5, inf], inf, [0.5, 0, 0.5]),
    ("S11", lambda x: gc.log(total(x)), [nan, 0, 0], nan, [nan, nan, nan]),
    ("S11", lambda x: gc.log(gc.exp(x[:, 0]) + gc.exp(x[:, 1]) + gc.exp(x[:, 2])), [-inf] * 3, -inf, [0, 0, 0]),
    ("S12", lambda x: gc.softmax(gc.where(x > 0, x, -inf), axis=1)[:, 0], [-1, -2, -3], 0, [0, 0, 0]),
    ("S12", lambda x: by_hand(gc.where(x > 0, x, -inf))[:, 1], [-1, 1000, -3], 1, [0, 0, 0]),
    ("S12", lambda x: by_hand(gc.where(x > 0, x, -inf))[:, 0], [-1, -2, -3], 0, [0, 0, 0]),
    ("S9", lambda x: gc.log(weighted(x)), [-inf, -inf, -inf], -inf, [0, 0, 0]),
    ("S9", lambda x: gc.log(weighted(x)), [1, inf, 3], inf, [0, 1, 0]),
    ("S9", lambda x: gc.log(weighted(x)), [1, nan, 3], nan, [nan, nan, nan]),
    ("S9", lambda x: gc.log(gc.sum(constant(x, [0, 1, 0]) * gc.exp(x), axis=1)), [1e5, 3, inf], 3, [0, 1, 0]),
    ("S9", lambda x: gc.log(gc.sum(constant(x, [0, 1, 0]) * gc.exp(x), axis=1)), [nan, 3, 4], nan, [nan, nan, nan]),
    ("S9", lambda x: gc.log(gc.sum(constant(x, [0, 0, 0]) * gc.exp(x), axis=1)), [1e5, 3, 4], -inf, [0, 0, 0]),
    ("S9", lambda x: gc.log(gc.sum(constant(x, [1e-9, -1, 0]) * gc.exp(x), axis=1)), [1, 2, 3], nan, None),
    ("S9", lambda x: gc.log(gc.sum(constant(x, [inf, 1, 2]) * gc.exp(x), axis=1)), [-500, 200, 3], inf, None),
    ("S14", lambda x: gc.log(gc.prod(x, axis=1)), [0, 1e30, 2], -inf, [inf, 1e-30, 0.5]),
    ("S14", lambda x: gc.log(gc.prod(x, axis=1)), [-1e-30, 1e-30, 1e-30], nan, None),
    ("S14", lambda x: gc.log(gc.prod(x, axis=1)), [inf, 1, 2], inf, [0, 1, 0.5]),
    ("S14", lambda x: gc.log(gc.prod(x, axis=1)), [nan, 1, 2], nan, [nan, 1, 0.5]),
    ("S19", reversed_product, [-inf, 1, -inf], 2, [0, 2, 0]),
    ("S19", reversed_product, [-inf, -inf, -inf], -inf, [0, 0, 0]),
    ("S19", reversed_product, [nan, 1, 2], nan, [nan, nan, nan]),
    ("S23", lambda x: gc.log(1 + gc.exp(x[:, 0])), [inf, 0, 0], inf, [1, 0, 0]),
    ("S30", lambda x: gc.log(gc.exp(x[:, 0]) - 1), [0, 0, 0], -inf, [inf, 0, 0]),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("number", range(len(SPECIAL)), ids=lambda number: f"{SPECIAL[number][0]}-{number}")
def test_special_values(number, dtype):
    _, formula, row, wanted, slopes = SPECIAL[number]
    x = gc.input("x", (1, 3), dtype)
    y = gc.sum(formula(x))
    value, gradient = gc.compile([x], [y, gc.grad(y, x)])(np.array([row], dtype))
    np.testing.assert_allclose(value, wanted, rtol=1e-6)
    if slopes is not None:
        np.testing.assert_allclose(gradient, [slopes], rtol=1e-6, atol=1e-6)


# --- weights as variables ---


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_weights_have_derivatives_too(dtype):
    """d/dw log(sum(w * exp(x))) = exp(x) / sum(w * exp(x)), also where a weight is 0."""
    exponents = np.array([[1000, 1001, 1002], [-900, -901, 3]], dtype)
    weights = np.array([[1, 0, 2], [-0.5, 2, 0]], dtype)
    x, w = gc.input("x", (2, 3), dtype), gc.input("w", (2, 3), dtype)
    y = gc.log(gc.sum(w * gc.exp(x), axis=1))
    found = gc.compile([x, w], gc.grad(gc.sum(y), w))(exponents, weights)
    with mpmath.workprec(BITS):
        e = np.vectorize(mpmath.exp, otypes=[object])(exponents.astype(object))
        truth = e / (weights.astype(object) * e).sum(axis=1, keepdims=True)
    assert close(found, truth, lambda v: 64).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_largest_of_a_row_and_of_a_column_need_not_meet(dtype):
    """Scaled by rows and columns, both products of exponentials would underflow."""
    left = np.array([[0, -2000, -np.inf], [-3000, -3000, 5]], dtype)
    right = np.array([[-2500, 1], [0, -np.inf], [7, 2000]], dtype)
    a, b = gc.input("a", ("n", "k"), dtype), gc.input("b", ("k", "m"), dtype)
    y = gc.log(gc.exp(a) @ gc.exp(b))
    value, by_left = gc.compile([a, b], [y, gc.grad(y[0, 0], a)])(left, right)
    np.testing.assert_allclose(value, [[-2000, 1], [12, 2005]], rtol=1e-6)
    np.testing.assert_allclose(by_left, [[0, 1, 0], [0, 0, 0]], atol=1e-30)
