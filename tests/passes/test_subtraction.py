"""The difference of two nodes by their form: what is left of it, and that functions of both profit."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as gc
from graphc.ir.pattern import forget_views
from graphc.passes.rules.subtraction import difference, excess

x, y, w, h, p, q = (gc.input(name, (3,)) for name in "xywhpq")


@pytest.fixture(autouse=True)
def _forget():
    yield
    forget_views()


@pytest.mark.parametrize(
    ("above", "below", "left"),
    [
        (x + h, x, h),
        (h + x, x, h),
        (x, x + h, -h),
        (x - h, x, -h),
        (x, x - h, h),
        (h - x, h - y, -(x - y)),
        (x + p, x + q, p - q),
        (x + p, q + x, p - q),
        (x + h, x - h, h + h),
        ((x + h) + p, x + p, h),
        (w * (x + h), w * x, h * w),
        (-(x + h) / w, -x / w, -(h / w)),
        (w * (x + h) + p, w * x + p, h * w),
    ],
    ids=str,
)
def test_what_both_have_in_common_is_taken_away(above, below, left):
    assert difference(above, below) is left


@pytest.mark.parametrize(
    ("above", "below"), [(x, y), (x, x), (x * y, x), (x + h, y + p), (w / (x + h), w / x), (-x + h, x)], ids=str
)
def test_nothing_in_common(above, below):
    assert excess(above, below) is None
    assert difference(above, below) is above - below


FUNCTIONS = ["sin", "cos", "tan", "exp", "log", "sqrt", "atan"]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_step_that_rounding_absorbs_is_kept(name):
    """In float32 1.5 + 1e-9 is 1.5: the step is seen in the formula, not in the sum."""
    f = getattr(gc, name)
    a, step = gc.input("a", ("n",)), gc.input("step", ("n",))
    slope = gc.compile([a], gc.grad(gc.sum(f(a)), a))(np.float32([1.5, 3.25]))
    found = gc.compile([a, step], f(2 * (a + step)) - f(2 * a))(np.float32([0.75, 1.625]), np.float32([1e-9, 1e-9]))
    np.testing.assert_allclose(found, 2e-9 * slope, rtol=2e-6)


@pytest.mark.parametrize("name", [*FUNCTIONS, "cbrt_by_power"])
def test_central_differences(name):
    f = (lambda z: z ** (1 / 3)) if name == "cbrt_by_power" else getattr(gc, name)
    a, step = gc.input("a", ("n",), "float64"), gc.input("step", ("n",), "float64")
    points = np.array([0.75, 1.25])
    slope = gc.compile([a], gc.grad(gc.sum(f(a)), a))(points)
    central = gc.compile([a, step], (f(a + step) - f(a - step)) / (2 * step))(points, np.full(2, 1e-9))
    np.testing.assert_allclose(central, slope, rtol=1e-14)
