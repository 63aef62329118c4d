import itertools

import numpy as np
import pytest

import graphc as gc
from graphc import optim
from graphc.errors import DTypeError, GraphError

A = np.array([[3.0, 0.5, 0.0], [0.5, 1.0, -0.2], [0.0, -0.2, 0.3]])
B = np.array([1.0, -2.0, 0.5])
START = np.array([0.3, -1.5, 2.0])


def gradient(w):
    return A.T @ np.sinh(A @ w - B)


def hessian(w):
    return A.T @ np.diag(np.cosh(A @ w - B)) @ A


def path(optimizer, steps):
    """The parameters in two pieces, after each step down the sum of cosh(A w - b)."""
    u, v = gc.parameter("u", START[:2].reshape(2, 1)), gc.parameter("v", START[2])
    w = gc.concat([u.reshape(-1), v.reshape(-1)])
    loss = gc.sum((gc.exp(A @ w - B) + gc.exp(B - A @ w)) / 2)
    step = gc.compile([], loss, updates=optimizer.updates(loss, [u, v]), target="reference")
    found = []
    for _ in range(steps):
        step()
        found.append([*gc.value(u)[:, 0], gc.value(v)])
    return np.array(found)


def lbfgs(points, rate, history):
    """The point after the last: Nocedal and Wright 2006, algorithms 7.4 and 7.5, with steps of a fixed rate."""
    s = list(np.diff(points, axis=0))[-history:]
    y = list(np.diff([gradient(w) for w in points], axis=0))[-history:]
    q, shares = gradient(points[-1]), []
    for i in reversed(range(len(s))):
        shares.append(s[i] @ q / (y[i] @ s[i]))
        q = q - shares[-1] * y[i]
    r = q * (s[-1] @ y[-1] / (y[-1] @ y[-1]) if s else 1.0)
    for i, share in zip(range(len(s)), reversed(shares)):
        r = r + s[i] * (share - y[i] @ r / (y[i] @ s[i]))
    return points[-1] - rate * r


def conjugate(w, rate, share):
    """Nocedal and Wright 2006, algorithm 5.4, with steps of a fixed rate."""
    g = gradient(w)
    d = -g
    while True:
        w = w + rate * d
        new = gradient(w)
        d = max(share(new, g, d), 0) * d - new
        g = new
        d = d if d @ g < 0 else -g
        yield w


def newton(w, rate, damping):
    while True:
        w = w - rate * np.linalg.solve(hessian(w) + damping * np.eye(3), gradient(w))
        yield w


SHARES = {
    "polak_ribiere": lambda new, g, d: new @ (new - g) / (g @ g),
    "fletcher_reeves": lambda new, g, d: new @ new / (g @ g),
    "hestenes_stiefel": lambda new, g, d: new @ (new - g) / (d @ (new - g)),
}


@pytest.mark.parametrize("history", [1, 4])
def test_lbfgs_is_that_of_the_book(history):
    points = [START, *path(optim.LBFGS(0.03, history=history, line_search=None), 100)]
    wanted = [lbfgs(points[:number], 0.03, history) for number in range(1, 101)]  # each from the path before it
    np.testing.assert_allclose(points[1:], wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("formula", SHARES)
def test_conjugate_gradients_are_those_of_the_book(formula):
    book = conjugate(START, 0.002, SHARES[formula])
    found = path(optim.ConjugateGradient(0.002, formula=formula, line_search=None), 100)
    np.testing.assert_allclose(found, [next(book) for _ in range(100)], rtol=1e-12, atol=1e-12)


def test_newton_is_that_of_the_book():
    book = newton(START, 0.1, 0.01)
    np.testing.assert_allclose(
        path(optim.Newton(0.1, damping=0.01), 100), [next(book) for _ in range(100)], rtol=1e-12, atol=1e-12
    )
    minimum = path(optim.Newton(), 12)[-1]
    assert np.abs(gradient(minimum)).max() < 1e-13


def rosenbrock(w):
    return gc.sum(100 * (w[1:] - w[:-1] ** 2) ** 2 + (1 - w[:-1]) ** 2)


@pytest.mark.parametrize(
    ("optimizer", "steps"),
    [(optim.LBFGS(), 80), (optim.ConjugateGradient(), 150), (optim.Newton(line_search=optim.LineSearch()), 40)],
)
def test_with_a_line_search_the_valley_is_walked_down(optimizer, steps):
    w = gc.parameter("w", np.array([-1.2, 1.0]))
    loss = rosenbrock(w)
    step = gc.compile([], loss, updates=optimizer.updates(loss, [w]))
    values = [float(step()) for _ in range(steps)]
    assert all(new <= old for old, new in itertools.pairwise(values))
    np.testing.assert_allclose(gc.value(w), 1, atol=1e-6)


@pytest.mark.parametrize("target", ["reference", "llvm"])
@pytest.mark.parametrize("make", [optim.LBFGS, optim.ConjugateGradient, optim.Newton])
def test_a_module_is_fitted_to_data(make, target):
    rng = np.random.default_rng(0)
    inputs, outputs = rng.normal(size=(40, 3)), rng.normal(size=(40, 2))
    model = gc.nn.Linear(3, 2, seed=0, dtype="float64")
    x, y = gc.input("x", ("n", 3), "float64"), gc.input("y", ("n", 2), "float64")
    loss = gc.nn.losses.mse(model(x), y)
    step = gc.compile([x, y], loss, updates=make().updates(loss, model), target=target)
    for _ in range(25):
        step(inputs, outputs)
    wanted = np.linalg.lstsq(np.c_[inputs, np.ones(40)], outputs)[0]
    np.testing.assert_allclose(gc.value(model.weight), wanted[:3], atol=1e-7)
    np.testing.assert_allclose(gc.value(model.bias), wanted[3], atol=1e-7)


@pytest.mark.parametrize("strong", [False, True])
def test_a_line_search_satisfies_the_wolfe_conditions(strong):
    search = optim.LineSearch(decrease=0.1, curvature=0.3, strong=strong)
    for first in (1e-3, 0.7, 50.0):
        w, d = gc.parameter("w", np.array(4.0)), gc.constant(-1.0)

        def line(step, w=w, d=d):
            value = gc.sin(w + step * d) + (w + step * d) ** 2 / 10
            return value, gc.grad(value, step)

        value, slope = line(gc.constant(0.0))
        step = search(line, value, slope, gc.constant(first))
        reached, there = line(step)
        v, s, t, r, u = gc.compile([], [value, slope, step, reached, there], target="reference")()
        assert t > 0 and r <= v + 0.1 * t * s and u >= 0.3 * s
        assert not strong or u <= -0.3 * s


def test_where_nothing_decreases_nothing_moves():
    w = gc.parameter("w", np.array(0.0))
    loss = gc.abs(w - 1e-3) * 0 + gc.where(w == 0, 0.0, 1.0) + w * 1e-3
    step = gc.compile([], loss, updates=optim.LBFGS().updates(loss, [w]), target="reference")
    for _ in range(3):
        step()
    assert gc.value(w) == 0


def test_what_is_missing_is_named():
    w, v = gc.parameter("w", 1.0), gc.parameter("v", 1.0, "float32")
    with pytest.raises(GraphError, match="LBFGS needs the loss"):
        optim.LBFGS().apply([w], [w])
    with pytest.raises(DTypeError, match="one dtype"):
        optim.LBFGS().updates(w * v, [w, v])
    with pytest.raises(GraphError, match="decrease < curvature"):
        optim.LineSearch(decrease=0.5, curvature=0.3)
