"""Estimators of derivatives: the values are the same, the derivatives are those of expectations."""

import numpy as np
import pytest

import graphc as gc
from tests.random.sampling import drawn

random = gc.random


def test_score_function_of_a_coin():
    p = gc.parameter("p", np.array(0.3))
    x = gc.cast(random.bernoulli(random.key(0), p, (400_000,)), "float64")
    log_prob = gc.where(x > 0.5, gc.log(p), gc.log1p(-p))
    cost = random.score_function((x - 0.45) ** 2, log_prob)
    value, slope = gc.compile([], [gc.mean(cost), gc.grad(gc.mean(cost), p)])()
    np.testing.assert_allclose(value, drawn(gc.mean((x - 0.45) ** 2)), rtol=1e-12)
    np.testing.assert_allclose(slope, 0.55**2 - 0.45**2, atol=5e-3)


def test_score_function_has_second_derivatives():
    p = gc.parameter("p", np.array(0.3))
    x = gc.cast(random.bernoulli(random.key(0), p, (400_000, 2)), "float64")
    log_prob = gc.sum(gc.where(x > 0.5, gc.log(p), gc.log1p(-p)), axis=1)
    cost = gc.mean(random.score_function(x[:, 0] * x[:, 1], log_prob))  # E = p^2
    slope = gc.grad(cost, p)
    found = gc.compile([], [cost, slope, gc.grad(slope, p)])()
    np.testing.assert_allclose(found, [0.09, 0.6, 2.0], atol=0.06)


def test_score_function_includes_the_derivative_of_the_cost():
    mean = gc.parameter("mean", np.array(1.5))
    x = gc.stop_gradient(random.normal(random.key(0), (400_000,), "float64", loc=mean))
    cost = gc.mean(random.score_function(x * mean, -((x - mean) ** 2) / 2))
    np.testing.assert_allclose(gc.compile([], gc.grad(cost, mean))(), 2 * 1.5, atol=0.02)  # E = mean^2


def test_straight_through():
    x = gc.parameter("x", np.array([-2.0, 0.3, 1.0]))
    y = random.straight_through(gc.round(x), gc.tanh(x))
    value, slope = gc.compile([], [y, gc.grad(gc.sum(y), x)])()
    np.testing.assert_array_equal(value, [-2.0, 0.0, 1.0])
    np.testing.assert_allclose(slope, 1 - np.tanh(gc.value(x)) ** 2, rtol=1e-12)
    with pytest.raises(gc.DTypeError, match="no derivative"):
        random.straight_through(x, np.array([1, 2, 3]))


@pytest.mark.parametrize("axis", [-1, 0])
def test_gumbel_softmax(axis):
    logits = gc.parameter("logits", np.log(np.array([[0.1, 0.2, 0.7], [0.3, 0.3, 0.4]])))
    soft = random.gumbel_softmax(random.key(0), logits, 0.5, axis=axis)
    hard = random.gumbel_softmax(random.key(0), logits, 0.5, axis=axis, hard=True)
    weights = np.arange(6.0).reshape(2, 3)
    slopes = [gc.grad(gc.sum(y * weights), logits) for y in (soft, hard)]
    a, b, from_soft, from_hard = gc.compile([], [soft, hard, *slopes])()
    np.testing.assert_allclose(a.sum(axis), 1, rtol=1e-12)
    np.testing.assert_array_equal(b, (a == a.max(axis, keepdims=True)).astype(float))
    np.testing.assert_allclose(from_soft, from_hard, rtol=1e-12)
    assert np.abs(from_soft).min() > 0


def test_hard_gumbel_softmax_has_the_probabilities():
    p = np.array([0.1, 0.2, 0.7])
    x = drawn(random.gumbel_softmax(random.key(1), np.log(p), 0.1, (50_000, 3), hard=True))
    np.testing.assert_allclose(x.mean(0), p, atol=0.01)
