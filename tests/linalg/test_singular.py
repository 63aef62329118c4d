"""Matrices without a result: NaN where NumPy raises, and nothing else of the stack notices."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as gc
from graphc import linalg

GOOD = np.array([[4.0, 1.0], [1.0, 3.0]])
SINGULAR = np.array([[1.0, 2.0], [2.0, 4.0]])
INDEFINITE = np.array([[1.0, 2.0], [2.0, 1.0]])
BROKEN = np.array([[1.0, np.nan], [np.nan, 1.0]])
INFINITE = np.array([[np.inf, 0.0], [0.0, 1.0]])


@pytest.fixture(params=["llvm", "reference"])
def run(request):
    def apply(function, *arrays):
        xs = [gc.input(f"x{i}", x.shape, "float64") for i, x in enumerate(arrays)]
        y = function(*xs)
        return gc.compile(xs, list(y) if isinstance(y, tuple) else [y], target=request.param)(*arrays)

    return apply


def test_cholesky_of_what_is_not_positive_definite(run):
    stack = np.stack([GOOD, INDEFINITE, BROKEN, np.zeros((2, 2)), GOOD])
    (found,) = run(linalg.cholesky, stack)
    np.testing.assert_array_equal(np.isnan(found).all((1, 2)), [False, True, True, True, False])
    np.testing.assert_allclose(found[[0, 4]], np.linalg.cholesky(stack[[0, 4]]))
    (upper,) = run(lambda x: linalg.cholesky(x, upper=True), INDEFINITE)
    assert np.isnan(upper).all()


@pytest.mark.parametrize("function", [linalg.solve, lambda a, b: linalg.lu_solve(linalg.lu_factor(a), b)])
def test_systems_without_a_solution(run, function):
    stack, b = np.stack([SINGULAR, GOOD, np.zeros((2, 2))]), np.ones((2, 1))
    (x,) = run(function, stack, b)
    np.testing.assert_array_equal(np.isnan(x).all((1, 2)), [True, False, True])
    np.testing.assert_allclose(x[1], np.linalg.solve(GOOD, b))


def test_inverses(run):
    y, power = run(lambda x, y: (linalg.inv(x), linalg.matrix_power(y, -1)), np.stack([SINGULAR, GOOD]), SINGULAR)
    assert np.isnan(y[0]).all() and np.isnan(power).all()
    np.testing.assert_allclose(y[1], np.linalg.inv(GOOD))


def test_triangles_with_a_zero_on_the_diagonal(run):
    stack = np.stack([np.tril(GOOD), np.array([[0.0, 0.0], [1.0, 1.0]])])
    b = np.ones((2, 2, 1))
    (plain,) = run(lambda a, b: linalg.triangular_solve(a, b, lower=True), stack, b)
    (unit,) = run(lambda a, b: linalg.triangular_solve(a, b, lower=True, unit_diagonal=True), stack, b)
    np.testing.assert_array_equal(np.isnan(plain).all((1, 2)), [False, True])
    assert np.isfinite(unit).all()


@pytest.mark.parametrize("bad", [BROKEN, INFINITE], ids=["nan", "inf"])
@pytest.mark.parametrize(
    "function",
    [
        linalg.svd,
        linalg.svdvals,
        linalg.eigh,
        linalg.eigvalsh,
        linalg.eig,
        linalg.eigvals,
        linalg.pinv,
        linalg.expm,
        lambda x: linalg.lstsq(x, np.ones((2, 1)))[0],
    ],
)
def test_matrices_that_are_not_finite(run, function, bad):
    alone = run(function, GOOD)
    for both, single in zip(run(function, np.stack([bad, GOOD])), alone, strict=True):
        np.testing.assert_allclose(both[1], single, atol=1e-15)
        assert np.isnan(both[0]).all()


def test_determinants(run):
    (det,) = run(linalg.det, np.stack([SINGULAR, INDEFINITE, BROKEN]))
    stack = np.stack([np.zeros((2, 2)), INDEFINITE, GOOD])
    sign, logarithm, logdet = run(lambda x: (*linalg.slogdet(x), linalg.logdet(x)), stack)
    np.testing.assert_allclose(det, [0, -3, np.nan], atol=1e-15)
    np.testing.assert_array_equal(sign, [0, -1, 1])
    np.testing.assert_allclose(logarithm, [-np.inf, np.log(3), np.log(11)])
    np.testing.assert_allclose(logdet, [-np.inf, np.nan, np.log(11)])


def test_condition_and_rank(run):
    (cond,) = run(linalg.cond, np.stack([np.zeros((2, 2)), np.diag([1.0, 0.0]), GOOD]))
    (other,) = run(lambda x: linalg.cond(x, 1), np.stack([np.zeros((2, 2)), np.diag([1.0, 0.0]), BROKEN]))
    (rank,) = run(linalg.matrix_rank, np.stack([np.zeros((2, 2)), SINGULAR, GOOD]))
    np.testing.assert_allclose(cond, [np.inf, np.inf, np.linalg.cond(GOOD)])
    np.testing.assert_array_equal(other, [np.inf, np.inf, np.nan])
    np.testing.assert_array_equal(rank, [0, 1, 2])


def test_a_harmless_matrix_keeps_nan_out_of_the_gradient():
    """The choice is made before the op that has no result, as the guide says."""
    x = gc.input("x", (3, 2, 2), "float64")
    regular = gc.not_equal(linalg.det(x), 0)
    chosen = gc.where(regular[:, None, None], x, gc.eye(2, dtype="float64"))
    cost = gc.sum(gc.where(regular, linalg.slogdet(chosen).logabsdet, 0))
    f = gc.compile([x], [cost, gc.grad(cost, x)])
    value, slope = f(np.stack([GOOD, np.zeros((2, 2)), GOOD]))
    np.testing.assert_allclose(value, 2 * np.log(11))
    np.testing.assert_allclose(slope, np.stack([np.linalg.inv(GOOD), np.zeros((2, 2)), np.linalg.inv(GOOD)]))
