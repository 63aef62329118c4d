"""Norms: NumPy's values for all orders and axes, no overflow on the way, and a derivative of 0 at 0."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import graphc as gc
from graphc import linalg
from tests.linalg.test_derivatives import assert_derivatives

# Sums of absolute values have no curvature.
pytestmark = pytest.mark.filterwarnings("ignore::graphc.UnusedInputWarning")

ORDERS = [2, 1, 0, 3, 0.5, -1, -2.5, np.inf, -np.inf]
MATRIX_ORDERS = ["fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf]


def value(y):
    return gc.compile([], y)()


@settings(max_examples=60, deadline=None, database=None)
@given(st.data())
def test_as_numpy(data):
    shape = tuple(data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)))
    axis = data.draw(st.sampled_from([None, 0, -1, tuple(range(len(shape)))]))
    order, keepdims = data.draw(st.sampled_from(ORDERS)), data.draw(st.booleans())
    elements = st.sampled_from([0.0, -0.0, 1.0, -2.5, 1e-3, 7.0, np.inf, np.nan])
    flat = data.draw(st.lists(elements, min_size=int(np.prod(shape)), max_size=int(np.prod(shape))))
    x = np.array(flat).reshape(shape)
    with np.errstate(all="ignore"):
        wanted = np.linalg.vector_norm(x, axis=axis, ord=order, keepdims=keepdims)
    got = value(linalg.vector_norm(x, axis=axis, ord=order, keepdims=keepdims))
    assert got.shape == wanted.shape
    np.testing.assert_allclose(got, wanted, rtol=1e-13)


@pytest.mark.parametrize("order", [2, 3, 0.5, -1, -2.5])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_powers_neither_overflow_nor_underflow(order, dtype):
    numbers = np.array([3.0, -4.0, 1.0])
    info = np.finfo(dtype)
    for scale in (1.0, float(info.max) / 64, float(info.tiny)):
        x = (numbers * scale).astype(dtype)
        wanted = np.linalg.vector_norm(numbers, ord=order) * scale
        np.testing.assert_allclose(value(linalg.vector_norm(x, ord=order)), wanted, rtol=4 * float(info.eps))
    assert np.isinf(value(linalg.matrix_norm(np.full((2, 2), info.max, dtype))))


def test_sizes_of_0():
    empty = np.zeros((0, 3))
    for order in (0, 1, 2, 3, np.inf):
        np.testing.assert_array_equal(value(linalg.vector_norm(empty, axis=0, ord=order)), np.zeros(3))


@pytest.mark.parametrize("order", MATRIX_ORDERS, ids=str)
@pytest.mark.parametrize("keepdims", [False, True])
def test_matrix_norms(order, keepdims):
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    got = value(linalg.matrix_norm(x, ord=order, keepdims=keepdims))
    np.testing.assert_allclose(got, np.linalg.matrix_norm(x, ord=order, keepdims=keepdims))


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize(
    ("order", "axis"), [(None, None), (None, 1), (2, (0, 2)), ("nuc", (2, 0)), (np.inf, -1), (1, (-1, 0)), (3, (1,))]
)
def test_norm_of_numpy(order, axis, keepdims):
    x = np.random.default_rng(1).normal(size=(2, 3, 4))
    got = value(linalg.norm(x, order, axis, keepdims))
    np.testing.assert_allclose(got, np.linalg.norm(x, order, axis, keepdims))
    np.testing.assert_allclose(value(linalg.norm(x[0], "fro")), np.linalg.norm(x[0], "fro"))


@pytest.mark.parametrize("order", [None, 2, -2, "fro", "nuc", 1, -1, np.inf, -np.inf], ids=str)
def test_condition(order):
    x = np.random.default_rng(2).normal(size=(2, 3, 3))
    np.testing.assert_allclose(value(linalg.cond(x, order)), np.linalg.cond(x, order))


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_derivatives_of_vector_norms(order):
    x = np.array([[1.0, -2.0, 0.5], [-0.7, 3.0, 1.1]])
    if order != 0:
        assert_derivatives(lambda x: linalg.vector_norm(x, axis=1, ord=order), [x], 1e-6)


@pytest.mark.parametrize("order", MATRIX_ORDERS, ids=str)
def test_derivatives_of_matrix_norms(order):
    assert_derivatives(lambda x: linalg.matrix_norm(x, ord=order), [np.random.default_rng(3).normal(size=(2, 3, 2))])


@pytest.mark.parametrize("order", [2, 1, 3, 1.5, np.inf, "fro"])
@pytest.mark.parametrize("point", [np.zeros((2, 2)), np.array([[0.0, 2.0], [0.0, 0.0]])], ids=["zero", "zeros"])
def test_derivatives_at_zero(order, point):
    """0 at 0, and finite, second derivatives too."""
    x = gc.input("x", (2, 2), "float64")
    norm = linalg.matrix_norm(x) if order == "fro" else linalg.vector_norm(x, ord=order)
    first = gc.grad(norm, x)
    second = gc.grad(gc.sum(first * np.array([[1.0, 2.0], [3.0, 4.0]])), x)
    one, two = gc.compile([x], [first, second])(point)
    np.testing.assert_allclose(one, np.sign(point) if order != np.inf or point.any() else 0 * point)
    assert np.isfinite(two).all()


def test_the_length_of_huge_vectors_has_a_gradient():
    x = gc.input("x", (2,), "float32")
    g = gc.compile([x], gc.grad(linalg.vector_norm(x), x))
    np.testing.assert_allclose(g(np.array([3e30, 4e30], "f4")), [0.6, 0.8], rtol=1e-6)
    np.testing.assert_allclose(g(np.array([3e-30, 4e-30], "f4")), [0.6, 0.8], rtol=1e-6)
