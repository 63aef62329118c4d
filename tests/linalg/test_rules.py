"""Textbook formulas with determinants and inverses become stable ones."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as gc
from graphc import linalg


def names(f):
    return {firing.rule.name for firing in f.rewrites}


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_log_of_a_determinant_that_overflows(scale):
    x = gc.input("x", ("n", "n"))
    value = (scale * np.eye(50)).astype("f4")
    f = gc.compile([x], [gc.log(linalg.det(x)), gc.log(gc.abs(linalg.det(-x))), gc.sign(linalg.det(x))])
    np.testing.assert_allclose(f(value), [50 * np.log(scale), 50 * np.log(scale), 1], rtol=1e-6)
    assert names(f) >= {"log_of_determinant", "sign_of_determinant"}
    g = gc.compile([x], gc.grad(gc.log(linalg.det(x)), x))
    np.testing.assert_allclose(g(value), np.eye(50) / scale, rtol=1e-6)
    naive = gc.compile([x], gc.log(linalg.det(x)), semantics="ieee")
    assert np.isfinite(naive(value)) == (scale == 1)


def test_special_values_stay():
    x = gc.input("x", (2, 2), "float64")
    f = gc.compile([x], gc.log(linalg.det(x)))
    assert np.isneginf(f(np.zeros((2, 2))))
    assert np.isnan(f(np.diag([1.0, -1.0])))
    assert np.isnan(f(np.full((2, 2), np.nan)))


def test_the_density_of_a_normal_distribution():
    """As a textbook prints it: in 300 dimensions everything on the way overflows or underflows."""
    n = 300
    x, mean = gc.input("x", (n,), "float64"), gc.input("mean", (n,), "float64")
    covariance = gc.input("covariance", (n, n), "float64")
    d = x - mean
    density = gc.exp(-0.5 * d @ linalg.inv(covariance) @ d) / gc.sqrt((2 * np.pi) ** n * linalg.det(covariance))
    f = gc.compile([x, mean, covariance], [gc.log(density), gc.grad(gc.log(density), mean)])
    rng = np.random.default_rng(0)
    root = rng.normal(size=(n, n)) / 100 + np.eye(n) / 20
    sigma, at, centre = root @ root.T + 1e-4 * np.eye(n), rng.normal(size=n), rng.normal(size=n)
    got, slope = f(at, centre, sigma)
    solved = np.linalg.solve(sigma, at - centre)
    wanted = -0.5 * ((at - centre) @ solved + n * np.log(2 * np.pi) + np.linalg.slogdet(sigma)[1])
    np.testing.assert_allclose(got, wanted, rtol=1e-9)
    np.testing.assert_allclose(slope, solved, rtol=1e-7)


def test_inverses_that_are_multiplied():
    a, b = gc.input("a", ("s", "n", "n"), "float64"), gc.input("b", ("s", "n", "k"), "float64")
    f = gc.compile([a, b], [linalg.inv(a) @ b, b.mT @ linalg.inv(a), linalg.inv(a).mT @ b, linalg.inv(a)])
    assert "product_with_inverse" in names(f)
    ops = [node.op.name for node in f.graph.nodes]
    assert ops.count("solve") == 2 and "matmul" not in ops
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 4, 4)), rng.normal(size=(2, 4, 3))
    inverse = np.linalg.inv(x)
    for got, wanted in zip(f(x, y), [inverse @ y, y.mT @ inverse, inverse.mT @ y, inverse], strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-10)


def test_a_solution_is_more_accurate_than_a_product_with_the_inverse():
    n = 12
    hilbert = 1 / (np.arange(n)[:, None] + np.arange(n) + 1.0)
    truth = np.ones((n, 1))
    a, b = gc.input("a", (n, n), "float64"), gc.input("b", (n, 1), "float64")
    residual = {}
    for semantics in ("stable", "ieee"):
        x = gc.compile([a, b], linalg.inv(a) @ b, semantics=semantics)(hilbert, hilbert @ truth)
        residual[semantics] = np.abs(hilbert @ x - hilbert @ truth).max()
    assert residual["stable"] < 1e-14 < residual["ieee"]
