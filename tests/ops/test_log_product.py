"""Logarithms of products and quotients of numbers of any size."""

import math

import mpmath
import numpy as np
import pytest

import graphc as gc

TARGETS = ["reference", "llvm", "cuda-emulator"]
SIZES = {
    "float32": [1e-45, 3e-39, 1e-30, 1e-12, 0.5, 1.0, 7.0, 1e12, 1e30, 3e38],
    "float64": [5e-324, 1e-310, 1e-300, 1e-120, 0.5, 1.0, 7.0, 1e120, 1e300, 1.7e308],
}
SPECIAL = [0.0, -0.0, 1e-45, -1e-45, 2.0, -2.0, 3e38, -3e38, math.inf, -math.inf, math.nan]


def grid(values, dtype, number):
    return [x.ravel() for x in np.meshgrid(*[np.array(values, dtype)] * number)]


def nodes(dtype, number):
    return [gc.input(name, ("n",), dtype) for name in "xyz"[:number]]


def signed_logs(arrays, signs):
    """The sum of logarithms, and where it is far from 0."""
    with mpmath.workprec(200):
        rows = zip(*(x.tolist() for x in arrays), strict=True)
        total = [float(sum(sign * mpmath.log(v) for sign, v in zip(signs, row, strict=True))) for row in rows]
    return np.array(total), np.abs(total) > 1


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("dtype", list(SIZES))
def test_two_of_any_size(dtype, target):
    x, y = nodes(dtype, 2)
    a, b = grid(SIZES[dtype], dtype, 2)
    f = gc.compile([x, y], [gc.log(x * y), gc.log(x / y)], target=target)
    assert {firing.rule.name for firing in f.rewrites} == {"log_of_factors"}
    for found, signs in zip(f(a, b), ((1, 1), (1, -1)), strict=True):
        exact, far = signed_logs((a, b), signs)
        np.testing.assert_allclose(found[far], exact[far], rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", list(SIZES))
def test_three_of_any_size(dtype):
    x, y, z = nodes(dtype, 3)
    arrays = grid(SIZES[dtype], dtype, 3)
    formulas = {(1, 1, 1): x * y * z, (1, 1, -1): x * y / z, (1, -1, -1): x / (y * z)}
    f = gc.compile([x, y, z], [gc.log(formula) for formula in formulas.values()])
    for found, signs in zip(f(*arrays), formulas, strict=True):
        exact, far = signed_logs(arrays, signs)
        scale = 150 if dtype == "float32" else 1200  # its logarithm is added where the product of two is far from 1
        eps = np.finfo(dtype).eps
        np.testing.assert_allclose(found[far], exact[far], rtol=4 * eps, atol=scale * eps)


@pytest.mark.parametrize("dtype", list(SIZES))
def test_what_is_benign_keeps_its_bits(dtype):
    x, y, z = nodes(dtype, 3)
    arrays = np.random.default_rng(0).uniform(0.1, 10, (3, 1000)).astype(dtype)
    outputs = [gc.log(x * y), gc.log(x / y), gc.log(x * y / z), gc.log(x * y * z)]
    stable, written = gc.compile([x, y, z], outputs), gc.compile([x, y, z], outputs, semantics="ieee")
    for found, wanted in zip(stable(*arrays), written(*arrays), strict=True):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("target", TARGETS)
def test_special_values(target):
    x, y = nodes("float32", 2)
    a, b = grid(SPECIAL, "float32", 2)
    found = gc.compile([x, y], [gc.log(x * y), gc.log(x / y)], target=target)(a, b)
    with np.errstate(all="ignore"):
        wide = [np.log(a.astype(float) * b), np.log(a.astype(float) / b)]  # which no product of these leaves
    for actual, expected in zip(found, wide, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-6)


def test_derivatives_are_inverses():
    x, y = nodes("float32", 2)
    slopes = gc.compile([x, y], [*gc.grad(gc.sum(gc.log(x * y)), [x, y]), *gc.grad(gc.sum(gc.log(x / y)), [x, y])])
    a, b = grid([1e-30, -1e-30, 2.0, 1e30], "float32", 2)
    for found, wanted in zip(slopes(a, b), (1 / a, 1 / b, 1 / a, -1 / b), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_what_a_mask_leaves_out_has_no_derivative():
    x, y = nodes("float32", 2)
    cost = gc.sum(gc.where(x > 0, gc.log(x * y), 0))
    slope = gc.compile([x, y], gc.grad(cost, [x, y]))(np.array([0, -1, 2], "float32"), np.array([0, 1, 4], "float32"))
    np.testing.assert_array_equal(slope, [[0, 0, 0.5], [0, 0, 0.25]])
