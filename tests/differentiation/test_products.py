"""Products of derivatives and vectors: forward mode, reverse mode, and each over the other."""

import numpy as np
import pytest

import graphc as gc
from graphc.errors import GradientError, ShapeError
from graphc.interpret import evaluate_nodes
from tests.differentiation.functions import FUNCTIONS, SHAPE, difference, evaluated, point

X = gc.input("x", SHAPE, "float64")
V = gc.input("v", SHAPE, "float64")
NAMES = list(FUNCTIONS)


def close(found, expected, tolerance=1e-8):
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", NAMES)
def test_forward_mode_is_the_difference(name):
    y = FUNCTIONS[name](X)
    at, direction = point(), point(1)
    found = evaluated(gc.jvp(y, X, V), {X: at, V: direction})
    close(found, difference(lambda a: evaluated(y, {X: a}), at, direction))


@pytest.mark.parametrize("name", NAMES)
def test_reverse_mode_is_the_transpose_of_forward_mode(name):
    y = FUNCTIONS[name](X)
    w = gc.input("w", y.shape, "float64")
    bindings = {X: point(), V: point(1), w: point(2, y.shape)}
    forward, reverse = evaluated([gc.jvp(y, X, V), gc.vjp(y, X, w)], bindings)
    close(np.sum(forward * bindings[w]), np.sum(reverse * bindings[V]), 1e-11)


@pytest.mark.parametrize("name", NAMES)
def test_second_derivatives_agree_in_every_order_of_modes(name):
    cost = gc.sum(gc.sin(FUNCTIONS[name](X)))
    gradient = gc.grad(cost, X)
    ways = [
        gc.hvp(cost, X, V),  # forward over reverse
        gc.grad(gc.jvp(cost, X, V), X),  # reverse over forward
        gc.vjp(gradient, X, V),  # reverse over reverse
    ]
    bindings = {X: point(), V: point(1)}
    found = evaluated(ways, bindings)
    expected = difference(lambda a: evaluated(gradient, {X: a}), point(), point(1))
    for product in found:
        close(product, expected, 1e-7)
        close(product, found[0], 1e-10)
    twice = evaluated(gc.jvp(gc.jvp(cost, X, V), X, V), bindings)  # forward over forward
    close(twice, np.sum(found[0] * bindings[V]), 1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_third_derivatives(name):
    cost = gc.sum(gc.sin(FUNCTIONS[name](X)))
    second = gc.hvp(cost, X, V)
    third = gc.jvp(second, X, V)
    bindings = {X: point(), V: point(1)}
    expected = difference(lambda a: evaluated(second, {X: a, V: point(1)}), point(), point(1), 1e-4)
    close(evaluated(third, bindings), expected, 1e-6)
    close(evaluated(gc.vjp(second, X, V), bindings), evaluated(third, bindings), 1e-9)


def test_several_nodes_and_outputs():
    a, b = gc.input("a", (3,), "float64"), gc.input("b", (), "float32")
    h = gc.sin(a)
    ys = [h * b.astype("float64"), gc.sum(h)]
    da, db = gc.jvp(ys, [a, b], [np.ones(3), 2.0])
    assert da.type == ys[0].type and db.type == ys[1].type
    at = {a: np.array([0.1, 0.2, 0.3]), b: np.float32(3)}
    found = evaluated([da, db, *gc.vjp(ys, [h, b], [np.ones(3), 10.0])], at)
    close(found[0], np.cos(at[a]) * 3 + 2 * np.sin(at[a]))
    close(found[1], np.sum(np.cos(at[a])))
    close(found[2], np.full(3, 13.0))
    close(found[3], np.sum(np.sin(at[a])), 1e-6)


def test_cotangents_and_tangents_count_as_constants():
    x = gc.input("x", (2,), "float64")
    found = evaluated([gc.vjp(x * x, x, x), gc.jvp(x * x, x, x * x)], {x: np.array([2.0, 3.0])})
    close(found[0], [8, 18])
    close(found[1], [16, 54])


def test_what_nothing_depends_on_is_zero():
    x, y = gc.input("x", (2,), "float64"), gc.input("y", (3,), "float64")
    found = evaluated([gc.vjp(gc.sum(x), y, 1.0), gc.jvp(x, y, np.ones(3))], {x: np.ones(2), y: np.ones(3)})
    close(found[0], np.zeros(3))
    close(found[1], np.zeros(2))


def test_the_derivative_by_a_node_that_stabilizing_rewrites():
    x = gc.input("x", (3,), "float64")
    total = gc.log(gc.sum(gc.exp(x)))
    at = {x: np.array([0.0, 1.0, 2.0])}
    close(evaluated(gc.grad(total * total, total), at), 2 * evaluated(total, at))
    close(evaluated(gc.jvp(total * total, total, 1.0), at), 2 * evaluated(total, at))


def test_the_derivative_by_a_constant():
    c = gc.constant([1.0, 2.0])
    close(evaluated(gc.grad(gc.sum(gc.log(gc.exp(c * 2) + 0)), c), {}), [2, 2])


def test_linearize_is_linear():
    f = gc.linearize(gc.tanh(X) * X, X)
    at = {X: point(), V: point(1)}
    close(evaluated(f(2 * V + X), at), evaluated(2 * f(V) + f(X), at))


def test_gauss_newton_is_the_product_of_matrices():
    x, v = gc.input("x", (4,), "float64"), gc.input("v", (4,), "float64")
    outputs = gc.tanh(x @ np.arange(12.0).reshape(4, 3) / 10)
    loss = gc.logsumexp(outputs)
    found = gc.gauss_newton_vp(loss, outputs, x, v)
    at = {x: np.array([0.1, -0.2, 0.3, 0.4]), v: np.array([1.0, 2.0, -1.0, 0.5])}
    matrix = np.array([evaluated(gc.jvp(outputs, x, np.eye(4)[i]), at) for i in range(4)]).T
    curvature = np.array([evaluated(gc.hvp(loss, outputs, np.eye(3)[i]), at) for i in range(3)])
    close(evaluated(found, at), matrix.T @ curvature @ matrix @ at[v])


@pytest.mark.parametrize("at", [1e4, -1e4, 1e300])
def test_the_derivative_of_a_naive_formula_is_that_of_the_stable_one(at):
    x, v = gc.input("x", (3,), "float64"), gc.input("v", (3,), "float64")
    y = gc.log(gc.sum(gc.exp(x)))
    bindings = {x: np.array([at, at, 0.0]), v: np.array([1.0, 3.0, 5.0])}
    expected = 2.0 if at > 0 else 5.0
    close(evaluated(gc.jvp(y, x, v), bindings), expected)
    assert np.isfinite(evaluated(gc.hvp(y, x, v), bindings)).all()


def test_a_branch_that_is_not_taken_gives_no_nan():
    x = gc.input("x", (3,), "float64")
    y = gc.where(x > 0, gc.log(x), 0)
    at = {x: np.array([0.0, -1.0, 2.0])}
    close(evaluated(gc.jvp(y, x, np.ones(3)), at), [0, 0, 0.5])
    close(evaluated(gc.hvp(gc.sum(y), x, np.ones(3)), at), [0, 0, -0.25])
    close(evaluated(gc.grad(gc.sum(gc.jvp(y, x, np.ones(3))), x), at), [0, 0, -0.25])


@pytest.mark.parametrize(
    "function",
    [
        lambda x: gc.sqrt(gc.where(x > 0, x, 0)),
        lambda x: gc.sqrt(gc.relu(x)),
        lambda x: gc.sqrt(gc.transpose(gc.relu(x)[:, None] * 2)) + 0,
        lambda x: gc.sqrt(gc.sum(gc.stack([gc.relu(x), gc.where(x > 0, 0, 0.0)]), axis=0)),
        lambda x: gc.where(x > 0, x, 0) ** 0.75,
    ],
)
def test_what_is_selected_away_below_gives_no_nan(function):
    """A tangent of 0 that a selection made does not meet the infinite derivative above it."""
    x = gc.input("x", (3,), "float64")
    y = function(x)
    at = {x: np.array([0.0, -1.0, 4.0])}
    forward = evaluated(gc.jvp(gc.sum(y), x, np.ones(3)), at)
    assert forward == np.sum(evaluated(gc.grad(gc.sum(y), x), at))
    for way in (gc.jvp(gc.jvp(gc.sum(y), x, np.ones(3)), x, np.ones(3)), gc.grad(gc.jvp(gc.sum(y), x, np.ones(3)), x)):
        assert np.isfinite(evaluated(way, at)).all()


def test_named_dimensions():
    x = gc.input("x", ("n", 3), "float64")
    v = gc.input("v", ("n", 3), "float64")
    cost = gc.mean(gc.logsumexp(x * x, axis=1))
    bindings = {x: point(0, (5, 3)), v: point(1, (5, 3))}
    expected = difference(lambda a: evaluated(gc.grad(cost, x), {x: a}), bindings[x], bindings[v])
    close(evaluated(gc.hvp(cost, x, v), bindings), expected, 1e-7)


def test_llvm_computes_the_same():
    cost = gc.sum(gc.log_softmax(gc.tanh(X @ gc.sin(X).T)) ** 2)
    nodes = [gc.hvp(cost, X, V), gc.jvp(cost, X, V)]
    found = gc.compile([X, V], nodes)(point(), point(1))
    for got, expected in zip(found, evaluate_nodes(nodes, {X: point(), V: point(1)})):
        close(got, expected, 1e-11)


def test_mistakes_are_errors():
    x, k = gc.input("x", (2,)), gc.input("k", (2,), "int32")
    with pytest.raises(GradientError, match="int32"):
        gc.vjp(x, k, np.ones(2))
    with pytest.raises(GradientError, match="int32"):
        gc.jvp(k, x, np.ones(2))
    with pytest.raises(ShapeError, match="the tangent does not fit"):
        gc.jvp(x, x, np.ones(3))
    with pytest.raises(GradientError, match="1 cotangents are wanted, 2 given"):
        gc.vjp([x], x, [np.ones(2), np.ones(2)])
    with pytest.raises(GradientError, match="is no node"):
        gc.jvp(x, [1.0], [2.0])
    with pytest.raises(GradientError, match="given twice"):
        gc.jvp(x, [x, x], [np.ones(2), np.ones(2)])


@pytest.mark.parametrize("zeros", [0, 1, 2, 3, 4])
def test_all_derivatives_of_a_product_are_right_where_factors_are_zero(zeros):
    x = gc.input("x", (2, 4), "float64")
    at = {x: np.array([[2.0, 3.0, 0.5, -1.0], [1.0, 1.0, 1.0, 1.0]])}
    at[x][0, :zeros] = 0
    derivative = gc.prod(x, axis=1)[0]
    for order in range(1, 5):
        derivative = gc.grad(derivative, x)[0, order - 1]
        expected = np.prod(at[x][0, order:])
        assert evaluated(derivative, at) == expected
    assert evaluated(gc.jvp(gc.prod(x), x, np.eye(2, 4)), at) == 3 * 0.5 * -1 * (zeros < 2) + np.prod(at[x])
