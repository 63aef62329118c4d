"""Jacobians and Hessians, dense and sparse, against differences and against each other."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import graphc as gc
from graphc.derivatives.coloring import (
    column_colors,
    count_of,
    places_in_columns,
    places_in_stars,
    star_colors,
)
from graphc.derivatives.dependence import dependence
from graphc.errors import GradientError, ShapeError
from graphc.ir.node import topological
from tests.differentiation.functions import FUNCTIONS, SHAPE, difference, evaluated, point

X = gc.input("x", SHAPE, "float64")


def jacobian_by_differences(node, x, at):
    columns = []
    for place in np.ndindex(at.shape):
        direction = np.zeros(at.shape)
        direction[place] = 1
        columns.append(difference(lambda a: evaluated(node, {x: a}), at, direction))
    return np.stack(columns, axis=-1).reshape(*node.shape, *at.shape)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_all_modes_agree_with_differences(name):
    y = FUNCTIONS[name](X)
    at = point(3)
    expected = jacobian_by_differences(y, X, at)
    ways = [gc.jacobian(y, X, mode=mode, sparsity=s) for mode in ("forward", "reverse", "auto") for s in (None, False)]
    for found in evaluated(ways, {X: at}):
        np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_hessians(name):
    cost = gc.sum(gc.sin(FUNCTIONS[name](X)))
    at = point(3)
    expected = jacobian_by_differences(gc.grad(cost, X), X, at)
    for found in evaluated([gc.hessian(cost, X), gc.hessian(cost, X, sparsity=False)], {X: at}):
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_pattern_covers_the_jacobian(name):
    y = FUNCTIONS[name](X)
    pattern = dependence(y, X)
    at = point(4)
    dense = evaluated(gc.jacobian(y, X, sparsity=False), {X: at}).reshape(pattern.shape)
    assert not np.any(dense[~pattern])


def test_how_much_is_known():
    n = 20
    x = gc.input("x", (n,), "float64")
    band = np.abs(np.subtract.outer(np.arange(n), np.arange(n))) <= 1
    stencil = gc.pad(x[2:] - 2 * x[1:-1] + x[:-2], 1) + gc.exp(x)
    inner = dependence(stencil, x)
    assert np.array_equal(inner[1:-1], band[1:-1])
    by_matrix = gc.tanh(gc.constant(band * 1.0) @ x)
    assert np.array_equal(dependence(by_matrix, x), band)
    assert np.array_equal(dependence(gc.reshape(x, (4, 5)).sum(axis=1), x), np.kron(np.eye(4), np.ones(5)) > 0)
    assert np.array_equal(dependence(gc.softmax(x.reshape((4, 5))), x), np.kron(np.eye(4), np.ones((5, 5))) > 0)
    assert np.array_equal(dependence(x * np.arange(n * 1.0), x), np.diag(np.arange(n) > 0))
    assert np.array_equal(dependence(gc.take(x, [3, 1]), x), np.eye(n)[[3, 1]] > 0)
    assert dependence(gc.input("y", ("n",), "float64"), x) is None
    assert not dependence(gc.floor(x), x).any()


def test_a_band_takes_as_many_products_as_it_is_wide():
    n = 60
    x = gc.input("x", (n,), "float64")
    y = gc.sin(x[2:]) * gc.exp(x[1:-1]) + x[:-2] ** 2
    sparse = gc.jacobian(y, x)
    sizes = [node.size for node in topological([sparse]) if node.op.name in ("cos", "multiply", "exp")]
    assert max(sizes) <= 3 * n
    at = point(0, (n,))
    np.testing.assert_allclose(*evaluated([sparse, gc.jacobian(y, x, sparsity=False)], {x: at}), atol=1e-14)
    cost = gc.sum((x[1:] - x[:-1] ** 2) ** 2 * 100 + (1 - x[:-1]) ** 2)  # Rosenbrock's function
    np.testing.assert_allclose(
        *evaluated([gc.hessian(cost, x), gc.hessian(cost, x, sparsity=False)], {x: at}), atol=1e-11
    )


def test_a_pattern_may_be_given():
    x = gc.input("x", (6,), "float64")
    w = gc.input("w", (6, 6), "float64")
    band = np.tri(6, k=1) * np.tri(6, k=1).T > 0
    y = gc.sin(w @ x)
    at = {x: point(0, (6,)), w: point(1, (6, 6)) * band}
    for mode in ("auto", "forward", "reverse"):
        ways = [gc.jacobian(y, x, mode=mode, sparsity=s) for s in (band, False)]
        np.testing.assert_allclose(*evaluated(ways, at), atol=1e-14)


def test_what_is_always_zero_is_zero_where_partial_derivatives_are_infinite():
    x = gc.input("x", (3,), "float64")
    at = {x: np.array([0.0, 1.0, 4.0])}
    expected = np.diag([np.inf, 0.5, 0.25])
    for mode in ("auto", "forward", "reverse"):
        np.testing.assert_array_equal(evaluated(gc.jacobian(gc.sqrt(x), x, mode=mode), at), expected)


def test_named_dimensions():
    x = gc.input("x", ("n",), "float64")
    w = gc.input("w", (2, "n"), "float64")
    y = gc.tanh(w @ x)
    jacobian = gc.jacobian(y, x)
    assert str(jacobian.type) == "f64[2,n]"
    at = {x: point(0, (3,)), w: point(1, (2, 3))}
    slope = 1 - np.tanh(at[w] @ at[x]) ** 2
    np.testing.assert_allclose(evaluated(jacobian, at), slope[:, None] * at[w], rtol=1e-12)
    square = gc.jacobian(gc.exp(x), x)
    np.testing.assert_allclose(evaluated(square, at), np.diag(np.exp(at[x])), rtol=1e-12)
    assert str(gc.hessian(gc.sum(gc.exp(x)), x).type) == "f64[n,n]"


def test_lists_give_blocks():
    a, b = gc.input("a", (2,), "float64"), gc.input("b", (), "float64")
    cost = gc.sum(gc.exp(a * b))
    blocks = gc.hessian(cost, [a, b])
    assert [[block.shape for block in row] for row in blocks] == [[(2, 2), (2,)], [(2,), ()]]
    found = evaluated([block for row in blocks for block in row], {a: np.array([0.1, 0.2]), b: np.float64(2)})
    np.testing.assert_allclose(found[1], found[2], rtol=1e-13)
    with pytest.raises(GradientError, match="is no node"):
        gc.jacobian(1.0, a)
    table = gc.jacobian([gc.exp(a), b], [a, b])
    assert [[j.shape for j in row] for row in table] == [[(2, 2), (2,)], [(2,), ()]]


def test_llvm_computes_the_same():
    y = gc.softmax(gc.tanh(X) @ FUNCTIONS["matmul"](X).T[:4])
    nodes = [gc.jacobian(y, X), gc.hessian(gc.sum(y**2), X), gc.jacobian(gc.exp(X), X)]
    for found, expected in zip(gc.compile([X], nodes)(point()), evaluated(nodes, {X: point()}), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_third_derivatives_of_vectors():
    x = gc.input("x", (3,), "float64")
    tensor = gc.jacobian(gc.hessian(gc.sum(x**4), x), x)
    expected = np.zeros((3, 3, 3))
    expected[np.arange(3), np.arange(3), np.arange(3)] = 24 * np.arange(1, 4)
    np.testing.assert_allclose(evaluated(tensor, {x: np.arange(1.0, 4.0)}), expected, rtol=1e-12)


def test_mistakes_are_errors():
    x = gc.input("x", (2,))
    with pytest.raises(GradientError, match="no mode"):
        gc.jacobian(x, x, mode="backward")
    with pytest.raises(ShapeError, match="the sparsity has shape"):
        gc.jacobian(x, x, sparsity=np.ones((3, 2), bool))
    with pytest.raises(GradientError, match="int32"):
        gc.jacobian(x.astype("int32"), x)


# --- colorings ---

patterns = st.tuples(st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**32 - 1), st.floats(0.05, 0.5))


def drawn(case):
    rows, columns, seed, density = case
    return np.random.default_rng(seed).random((rows, columns)) < density


@settings(max_examples=60, deadline=None)
@given(patterns)
def test_sums_of_columns_show_every_element(case):
    pattern = drawn(case)
    matrix = np.where(pattern, np.arange(1.0, pattern.size + 1).reshape(pattern.shape), 0)
    colors = column_colors(pattern)
    sums = matrix @ (colors[:, None] == np.arange(count_of(colors)))
    found = np.where(pattern, sums.reshape(-1)[places_in_columns(pattern, colors)], 0)
    np.testing.assert_array_equal(found, matrix)


@settings(max_examples=60, deadline=None)
@given(patterns)
def test_stars_show_every_element_of_a_symmetric_matrix(case):
    pattern = drawn((case[0], case[0], *case[2:]))
    pattern = pattern | pattern.T | np.eye(len(pattern), dtype=bool)
    matrix = np.random.default_rng(0).normal(size=pattern.shape)
    matrix = np.where(pattern, matrix + matrix.T, 0)
    colors = star_colors(pattern)
    sums = matrix @ (colors[:, None] == np.arange(count_of(colors)))
    found = np.where(pattern, sums.reshape(-1)[places_in_stars(pattern, colors)], 0)
    np.testing.assert_array_equal(found, matrix)


def test_an_arrow_takes_two_colors():
    arrow = np.eye(30, dtype=bool)
    arrow[0] = arrow[:, 0] = True
    assert count_of(star_colors(arrow)) == 2
    assert count_of(column_colors(arrow)) == 30
