"""Derivatives of solutions, against closed forms and differences."""

import numpy as np
import pytest

import graphc as gc
from graphc.errors import GradientError, ShapeError
from tests.differentiation.functions import difference, evaluated

A = gc.input("a", (), "float64")


def test_a_root_of_a_number_and_its_derivatives():
    x = gc.implicit.root(lambda x, a: x**3 - a, 1.5 * A / A, A)  # the cube root
    first = gc.grad(x, A)
    second = gc.grad(first, A)
    third = gc.grad(second, A)
    found = evaluated([x, first, second, third], {A: np.float64(2)})
    root = 2 ** (1 / 3)
    expected = [root, root / 3 / 2, -2 * root / 9 / 4, 10 * root / 27 / 8]
    np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_forward_mode_and_mixed_modes():
    x = gc.implicit.root(lambda x, a: x**3 - a, gc.constant(1.0), A)
    root = 2 ** (1 / 3)
    ways = [gc.jvp(gc.jvp(x, A, 1.0), A, 1.0), gc.jvp(gc.grad(x, A), A, 1.0), gc.grad(gc.jvp(x, A, 1.0), A)]
    for found in evaluated(ways, {A: np.float64(2)}):
        np.testing.assert_allclose(found, -2 * root / 9 / 4, rtol=1e-12)


def test_a_fixed_point_of_arrays():
    rng = np.random.default_rng(0)
    w = gc.input("w", (4, 4), "float64")
    b = gc.input("b", (3, 4), "float64")
    v = gc.input("v", (4, 4), "float64")
    x = gc.implicit.fixed_point(lambda x: gc.tanh(x @ w + b), gc.zeros((3, 4), "float64"))
    cost = gc.sum(x**2)
    at = {w: rng.normal(size=(4, 4)) / 5, b: rng.normal(size=(3, 4)), v: rng.normal(size=(4, 4))}
    value = evaluated(x, at)
    np.testing.assert_allclose(value, np.tanh(value @ at[w] + at[b]), rtol=1e-13)
    slope = difference(lambda a: evaluated(cost, {**at, w: a}), at[w], at[v], 1e-4)
    gradient, tangent = evaluated([gc.grad(cost, w), gc.jvp(cost, w, v)], at)
    np.testing.assert_allclose(np.sum(gradient * at[v]), slope, rtol=1e-9)
    np.testing.assert_allclose(tangent, slope, rtol=1e-9)
    curved = difference(lambda a: evaluated(gc.grad(cost, w), {**at, w: a}), at[w], at[v], 1e-4)
    for product in evaluated([gc.hvp(cost, w, v), gc.vjp(gc.grad(cost, w), w, v)], at):
        np.testing.assert_allclose(product, curved, rtol=1e-8, atol=1e-9)


def test_least_squares_as_an_argmin():
    rng = np.random.default_rng(1)
    data, weight = rng.normal(size=(8, 3)), rng.normal(size=8)
    y, penalty = gc.input("y", (8,), "float64"), gc.input("penalty", (), "float64")

    def cost(x, y, penalty):
        return gc.sum((gc.constant(data) @ x - y) ** 2) + penalty * gc.sum(x**2)

    at = {y: weight, penalty: np.float64(0.7)}
    solution = np.linalg.solve(data.T @ data + 0.7 * np.eye(3), data.T @ weight)
    slope = -np.linalg.solve(data.T @ data + 0.7 * np.eye(3), solution)
    for options in ({}, {"rate": 0.05}):
        x = gc.implicit.argmin(cost, gc.zeros((3,), "float64"), y, penalty, **options)
        found = evaluated([x, gc.jacobian(x, penalty), gc.jvp(x, penalty, 1.0)], at)
        np.testing.assert_allclose(found[0], solution, rtol=1e-11)
        np.testing.assert_allclose(found[1], slope, rtol=1e-10)
        np.testing.assert_allclose(found[2], slope, rtol=1e-10)


def test_a_hyperparameter_learns_through_the_solution():
    x = gc.implicit.argmin(lambda x, a: (x - a) ** 2 + 0.1 * x**4, gc.constant(0.0), A)
    outer = (x - 1) ** 2
    at = {A: np.float64(0.8)}
    expected = difference(lambda a: evaluated(outer, {A: a}), at[A], 1.0, 1e-4)
    np.testing.assert_allclose(evaluated(gc.grad(outer, A), at), expected, rtol=1e-9)


def test_stacks_of_equations():
    a = gc.input("many", (4,), "float64")
    roots = gc.vmap(lambda a: gc.implicit.root(lambda x: x**3 - a, gc.constant(1.0)))(a)
    at = {a: np.array([0.5, 1.0, 2.0, 5.0])}
    found, slopes = evaluated([roots, gc.grad(gc.sum(roots), a)], at)
    np.testing.assert_allclose(found, np.cbrt(at[a]), rtol=1e-14)
    np.testing.assert_allclose(slopes, np.cbrt(at[a]) / at[a] / 3, rtol=1e-13)


@pytest.mark.parametrize("target", ["reference", "llvm"])
def test_targets(target):
    x = gc.implicit.root(lambda x, a: gc.stack([x[0] ** 2 + x[1] - a, x[0] - x[1]]), np.array([1.0, 1.0]), A)
    f = gc.compile([A], [x, gc.jacobian(x, A)], target=target)
    value, slope = f(6.0)
    np.testing.assert_allclose(value, [2, 2], rtol=1e-14)
    np.testing.assert_allclose(slope, [0.2, 0.2], rtol=1e-13)


def test_named_dimensions():
    b = gc.input("b", ("n",), "float64")
    x = gc.implicit.fixed_point(lambda x: 0.5 * gc.cos(x) + b, b)
    y = gc.implicit.root(lambda y: y - 0.5 * gc.cos(y) - b, b)
    at = {b: np.array([0.1, 0.5, -0.3])}
    found = evaluated([x, y, gc.grad(gc.sum(x), b), gc.grad(gc.sum(y), b)], at)
    np.testing.assert_allclose(found[0], found[1], rtol=1e-13)
    for slope in found[2:]:
        np.testing.assert_allclose(slope, 1 / (1 + 0.5 * np.sin(found[0])), rtol=1e-12)


def test_solutions_in_loops_and_loops_in_solutions():
    def body(carry, a):
        x = gc.implicit.root(lambda x: x**3 + x - a, carry)
        return x, x

    xs = gc.input("xs", (4,), "float64")
    last, _ = gc.scan(body, gc.constant(1.0), xs)
    at = {xs: np.array([1.0, 3.0, 2.0, 5.0])}
    expected = difference(lambda a: evaluated(last, {xs: a}), at[xs], np.eye(4)[3], 1e-4)
    gradient = evaluated(gc.grad(last, xs), at)
    np.testing.assert_allclose(gradient, [0, 0, 0, expected], rtol=1e-9)
    inner = gc.implicit.fixed_point(lambda x: gc.fori_loop(0, 2, lambda i, c: 0.5 * gc.cos(c) + 0.1 * A, x), A)
    slope = difference(lambda a: evaluated(inner, {A: a}), np.float64(0.3), 1.0, 1e-4)
    found = evaluated([gc.grad(inner, A), gc.jvp(inner, A, 1.0)], {A: np.float64(0.3)})
    np.testing.assert_allclose(found, [slope, slope], rtol=1e-9)


def test_an_iteration_that_goes_nowhere_ends():
    diverging = gc.implicit.fixed_point(lambda x: 2 * x, A, max_steps=20)
    assert evaluated(diverging, {A: np.float64(1)}) == 2.0**20
    undefined = gc.implicit.fixed_point(lambda x: gc.log(x), -abs(A))
    assert np.isnan(evaluated(undefined, {A: np.float64(1)}))


def test_mistakes_are_errors():
    with pytest.raises(ShapeError, match="takes f64\\[\\] and gives f64\\[2\\]"):
        gc.implicit.fixed_point(lambda x: x + np.ones(2), A)
    with pytest.raises(ShapeError, match="unknowns"):
        gc.implicit.root(lambda x: gc.stack([x, x]), A)
    with pytest.raises(GradientError, match="int64"):
        gc.implicit.fixed_point(lambda x: x, gc.constant(1))


# --- linear equations ---


@pytest.mark.parametrize("symmetric", [True, False])
def test_linear_equations_without_a_matrix(symmetric):
    rng = np.random.default_rng(3)
    b, s = gc.input("b", (2, 3), "float64"), gc.input("s", (), "float64")
    v = gc.input("v", (2, 3), "float64")
    factor = rng.normal(size=(6, 6))
    matrix = factor @ factor.T + np.eye(6) if symmetric else factor + 3 * np.eye(6)

    def operator(x, s):
        return (gc.constant(matrix) @ x.reshape(-1)).reshape((2, 3)) * gc.exp(s) + s * x

    def solution(b, s):
        return np.linalg.solve(matrix * np.exp(s) + s * np.eye(6), b.reshape(-1)).reshape(2, 3)

    x = gc.implicit.linear_solve(operator, b, s, symmetric=symmetric)
    at = {b: rng.normal(size=(2, 3)), s: np.float64(0.3), v: rng.normal(size=(2, 3))}
    cost = gc.sum(gc.sin(x))
    found = evaluated([x, gc.grad(cost, s), gc.jvp(x, b, v), gc.jvp(x, s, 1.0), gc.vjp(x, b, v)], at)
    slope = difference(lambda a: solution(at[b], a), at[s], 1.0, 1e-3)
    transposed = np.linalg.solve((matrix * np.exp(0.3) + 0.3 * np.eye(6)).T, at[v].reshape(-1)).reshape(2, 3)
    np.testing.assert_allclose(found[0], solution(at[b], at[s]), rtol=1e-11)
    np.testing.assert_allclose(found[1], np.sum(np.cos(found[0]) * slope), rtol=1e-8)
    np.testing.assert_allclose(found[2], solution(at[v], at[s]), rtol=1e-11)
    np.testing.assert_allclose(found[3], slope, rtol=1e-8)
    np.testing.assert_allclose(found[4], transposed, rtol=1e-10)
    curved = difference(lambda a: evaluated(gc.grad(cost, s), {**at, s: a}), at[s], 1.0, 1e-3)
    for way in (gc.grad(gc.grad(cost, s), s), gc.jvp(gc.grad(cost, s), s, 1.0)):
        np.testing.assert_allclose(evaluated(way, at), curved, rtol=1e-7)


def test_a_newton_step_without_a_hessian():
    x = gc.input("x", (5,), "float64")
    cost = gc.sum(gc.exp(x)) + gc.sum((x[1:] - x[:-1]) ** 2)
    step = gc.implicit.linear_solve(lambda v: gc.hvp(cost, x, v), gc.grad(cost, x))
    at = {x: np.linspace(-1, 1, 5)}
    expected = np.linalg.solve(*evaluated([gc.hessian(cost, x), gc.grad(cost, x)], at))
    np.testing.assert_allclose(evaluated(step, at), expected, rtol=1e-12)
    f = gc.compile([x], [step, gc.vmap(lambda b: gc.implicit.linear_solve(lambda v: gc.hvp(cost, x, v), b))(np.eye(5))])
    np.testing.assert_allclose(f(at[x])[0], expected, rtol=1e-12)
    np.testing.assert_allclose(f(at[x])[1], np.linalg.inv(evaluated(gc.hessian(cost, x), at)), rtol=1e-11)


def test_operators_that_are_none():
    with pytest.raises(ShapeError, match="takes f64\\[2\\] and gives f64\\[\\]"):
        gc.implicit.linear_solve(gc.sum, np.ones(2))
    with pytest.raises(GradientError, match="does not depend on"):
        gc.implicit.linear_solve(lambda x: gc.constant(np.ones(2)), np.ones(2))
