import math

import numpy as np
import pytest

import graphc as gc
from graphc.errors import DTypeError, GraphError

STEPS = 100
A = np.array([[3.0, 0.5, 0.0], [0.5, 1.0, -0.2], [0.0, -0.2, 0.3]])
B = np.array([1.0, -2.0, 0.5])
START = np.array([0.3, -1.5, 2.0])


def gradient(w):
    """Of the sum of cosh(A w - b), whose steps change sign and size."""
    return A.T @ np.sinh(A @ w - B)


def trained(optimizer, dtype="float64", steps=STEPS, target="reference"):
    w = gc.parameter("w", START, dtype)
    z = gc.matmul(A.astype(dtype), w) - B.astype(dtype)
    loss = gc.sum((gc.exp(z) + gc.exp(-z)) / 2)
    step = gc.compile([], loss, updates=optimizer.updates(loss, [w]), target=target)
    path = []
    for _ in range(steps):
        step()
        path.append(gc.value(w))
    return np.array(path)


def sgd(w, r):
    while True:
        w = w - r * gradient(w)
        yield w


def momentum(w, r, m):
    """Sutskever et al. 2013, equations 1 and 2."""
    v = 0 * w
    while True:
        v = m * v - r * gradient(w)
        w = w + v
        yield w


def nesterov(w, r, m):
    """Sutskever et al. 2013, equations 3 and 4, seen at the point where the gradient is taken."""
    v = 0 * w
    while True:
        v = m * v - r * gradient(w + m * v)
        w = w + v
        yield w + m * v


def adagrad(w, r, epsilon):
    """Duchi et al. 2011: H = delta I + diag(root of the sum of squares)."""
    squares = 0 * w
    while True:
        g = gradient(w)
        squares = squares + g**2
        w = w - r * g / (epsilon + np.sqrt(squares))
        yield w


def rmsprop(w, r, decay, epsilon):
    mean_square = 0 * w
    while True:
        g = gradient(w)
        mean_square = decay * mean_square + (1 - decay) * g**2
        w = w - r * g / (np.sqrt(mean_square) + epsilon)
        yield w


def adam(w, r, beta1, beta2, epsilon, decay=0.0):
    """Kingma and Ba 2015, algorithm 1; with decay Loshchilov and Hutter 2019, algorithm 2."""
    m, v, t = 0 * w, 0 * w, 0
    while True:
        t += 1
        g = gradient(w)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat = m / (1 - beta1**t)
        v_hat = v / (1 - beta2**t)
        w = w - r * (m_hat / (np.sqrt(v_hat) + epsilon) + decay * w)
        yield w


def adadelta(w, decay, epsilon):
    """Zeiler 2012, algorithm 1."""
    squares, steps = 0 * w, 0 * w
    while True:
        g = gradient(w)
        squares = decay * squares + (1 - decay) * g**2
        step = -np.sqrt(steps + epsilon) / np.sqrt(squares + epsilon) * g
        steps = decay * steps + (1 - decay) * step**2
        w = w + step
        yield w


def lion(w, r, beta1, beta2, decay):
    """Chen et al. 2023, program 1."""
    m = 0 * w
    while True:
        g = gradient(w)
        update = np.sign(beta1 * m + (1 - beta1) * g)
        m = beta2 * m + (1 - beta2) * g
        w = w - r * (update + decay * w)
        yield w


CASES = {
    "sgd": (lambda: gc.optim.SGD(0.01), sgd, 0.01),
    "momentum": (lambda: gc.optim.SGD(0.003, momentum=0.9), momentum, 0.003, 0.9),
    "nesterov": (lambda: gc.optim.SGD(0.003, momentum=0.9, nesterov=True), nesterov, 0.003, 0.9),
    "adagrad": (lambda: gc.optim.AdaGrad(0.1, epsilon=1e-6), adagrad, 0.1, 1e-6),
    "rmsprop": (lambda: gc.optim.RMSProp(0.003, decay=0.8, epsilon=1e-7), rmsprop, 0.003, 0.8, 1e-7),
    "adam": (lambda: gc.optim.Adam(0.05), adam, 0.05, 0.9, 0.999, 1e-8),
    "adam, other betas": (
        lambda: gc.optim.Adam(0.003, beta1=0.0, beta2=0.9, epsilon=0.1),
        adam,
        0.003,
        0.0,
        0.9,
        0.1,
    ),
    "adadelta": (lambda: gc.optim.AdaDelta(epsilon=1e-4), adadelta, 0.95, 1e-4),
    "lion": (lambda: gc.optim.Lion(0.01, beta2=0.98, weight_decay=0.1), lion, 0.01, 0.9, 0.98, 0.1),
    "adamw": (lambda: gc.optim.AdamW(0.05, weight_decay=0.1), adam, 0.05, 0.9, 0.999, 1e-8, 0.1),
}


@pytest.mark.parametrize("target", ["reference", "llvm"])
@pytest.mark.parametrize("name", CASES)
def test_steps_are_those_of_the_paper(name, target):
    make, paper, *options = CASES[name]
    steps = paper(START, *options)
    expected = np.array([next(steps) for _ in range(STEPS)])
    assert np.abs(expected - START).max() > 0.1  # it moves
    np.testing.assert_allclose(trained(make(), target=target), expected, rtol=1e-12, atol=1e-12)


def test_adam_of_float32_follows_that_of_float64():
    # 1 - 0.999**t in float32 is wrong by 6e-5 in the first step: the correction must not cancel.
    np.testing.assert_allclose(
        trained(gc.optim.Adam(0.05), "float32", 20), trained(gc.optim.Adam(0.05), steps=20), rtol=2e-6
    )


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("make", [gc.optim.Adam, gc.optim.AdamW, gc.optim.RMSProp, gc.optim.AdaGrad, gc.optim.SGD])
def test_16_bit_floats_follow_float64(make, dtype):
    # in float16 the square of a small gradient is 0, and so is epsilon
    start = np.array([1e-4, -1.0])

    def after(dtype, steps=10):
        w = gc.parameter("w", start, dtype)
        loss = gc.sum(gc.abs(w) ** 1.5) * 1e-2
        optimizer = gc.optim.Accumulate(make(0.01), 2)
        average = gc.optim.ExponentialAverage(0.9)
        step = gc.compile([], None, updates=average.updates(optimizer.updates(loss, [w]), [w]), target="reference")
        for _ in range(steps):
            step()
        assert optimizer.state()["w.accumulated"].dtype is (gc.float64 if dtype == "float64" else gc.float32)
        return gc.value(w).astype("float64")

    np.testing.assert_allclose(after(dtype), after("float64"), rtol=0.02, atol=0.002)


def test_a_learning_rate_can_change_between_calls():
    rate, w = gc.parameter("rate", 0.5), gc.parameter("w", 1.0)
    step = gc.compile([], w, updates=gc.optim.SGD(rate).updates(w * 3, [w]), target="reference")
    step()
    assert gc.value(w) == -0.5
    gc.set_value(rate, 0.25)
    step()
    assert gc.value(w) == -1.25


def test_what_is_remembered_is_named_after_its_parameter():
    w = gc.parameter("w", np.ones((2, 3), "float32"))
    names = {node.op.label: str(node.type) for node in gc.optim.Adam().updates(gc.sum(w * w), [w])}
    assert names == {"adam_count": "i64[]", "w.adam_m": "f32[2,3]", "w.adam_v": "f32[2,3]", "w": "f32[2,3]"}


def test_parameters_of_one_name_are_told_apart():
    a, b = gc.parameter("w", 1.0), gc.parameter("w", 2.0)
    optimizer = gc.optim.SGD(0.1, momentum=0.9)
    optimizer.updates(a * b, [a, b])
    assert set(optimizer.state()) == {"w.momentum", "w_1.momentum"}
    c, d = gc.parameter("w_1", 3.0), gc.parameter("w", 4.0)
    optimizer.updates(a * b * c * d, [a, b, c, d])
    assert set(optimizer.state()) == {"w.momentum", "w_1.momentum", "w_1_1.momentum", "w_2.momentum"}
    optimizer = gc.optim.SGD(0.1, momentum=0.9)
    optimizer.updates(a * b, {"first": a, "second": b})
    assert set(optimizer.state()) == {"first.momentum", "second.momentum"}


@pytest.mark.parametrize("make", [gc.optim.AdamW, gc.optim.Lion])
def test_some_parameters_may_not_decay(make):
    w, b = gc.parameter("w", np.ones((1, 1))), gc.parameter("b", np.ones(1))
    optimizer = make(0.1, weight_decay=0.5, decays=lambda w: w.ndim > 1)
    gc.compile([], None, updates=optimizer.apply([w, b], [w * 0, b * 0]), target="reference")()
    assert (gc.value(w), gc.value(b)) == (0.95, 1)


def test_an_optimiser_goes_on_with_its_state():
    w = gc.parameter("w", 1.0)
    optimizer = gc.optim.Adam()
    assert set(optimizer.updates(w * w, [w])) == set(optimizer.updates(w * 3, [w]))


def test_gradients_can_be_transformed():
    w = gc.parameter("w", 1.0)
    updates = gc.optim.SGD(0.5).updates(w * w, [w], transform=lambda gs: gc.optim.clip_by_value(gs, 0.25))
    gc.compile([], None, updates=updates, target="reference")()
    assert gc.value(w) == 1 - 0.5 * 0.25


@pytest.mark.parametrize("rate", [-0.1, math.nan, math.inf])
def test_a_rate_is_not_negative(rate):
    with pytest.raises(gc.ArgumentError, match="no learning rate"):
        gc.optim.SGD(rate)


def test_only_parameters_are_optimised():
    x = gc.input("x", (3,))
    with pytest.raises(GraphError, match="only a parameter"):
        gc.optim.Adam().updates(gc.sum(x * x), [x])
    with pytest.raises(DTypeError, match="only floats"):
        gc.optim.Adam().apply([gc.parameter("n", 1)], [x])
