"""The table of docs/differentiation.md: what a derivative is where a function has none."""

import numpy as np
import pytest

import graphc as gc

inf, nan = np.inf, np.nan

# name: function of one array, where, derivative of the sum of its results
CASES = {
    "abs": (lambda x: abs(x), [0.0, -0.0, 2.0], [0, 0, 1]),
    "relu": (gc.relu, [0.0, 1.0, -1.0], [0, 1, 0]),
    "maximum with 0": (lambda x: gc.maximum(x, 0), [0.0, 1.0], [0, 1]),
    "maximum of two": (lambda x: gc.maximum(x, 3 * x - 2), [1.0, 0.0, 2.0], [3, 1, 3]),
    "minimum of two": (lambda x: gc.minimum(x, 3 * x - 2), [1.0, 0.0, 2.0], [3, 3, 1]),
    "maximum with a constant": (lambda x: gc.maximum(x, [2.0, 2.0]), [2.0, 3.0], [0, 1]),
    "maximum of a constant": (lambda x: gc.maximum([2.0, 2.0], x), [2.0, 3.0], [0, 1]),
    "clip": (lambda x: gc.clip(x, 0, 1), [0.0, 0.5, 1.0, 2.0], [0, 1, 0, 0]),
    "max": (gc.max, [3.0, 1.0, 3.0], [0.5, 0, 0.5]),
    "min": (gc.min, [3.0, 1.0, 1.0], [0, 0.5, 0.5]),
    "prod": (gc.prod, [2.0, 0.0, 5.0], [0, 10, 0]),
    "prod of two zeros": (gc.prod, [2.0, 0.0, 0.0], [0, 0, 0]),
    "prod with an infinity": (gc.prod, [2.0, inf, 5.0], [inf, 10, inf]),
    "remainder": (lambda x: x % 3.0, [7.0, -1.0], [1, 1]),
    "remainder, divisor": (lambda x: np.float64(7.0) % x, [3.0], [-2]),
    "sqrt": (gc.sqrt, [0.0, 4.0], [inf, 0.25]),
    "pow, exponent": (lambda x: 0.0**x, [2.0], [0]),
    "an index twice": (lambda x: x[[0, 0, 1]], [1.0, 2.0, 3.0], [2, 1, 0]),
    "where": (lambda x: gc.where(x > 0, gc.log(x), 0), [0.0, 2.0], [0, 0.5]),
    "where, inside": (lambda x: gc.where(x > 0, gc.sqrt(x * x), 0), [0.0, 2.0], [0, 1]),
}


@pytest.mark.parametrize("target", ["reference", "llvm"])
@pytest.mark.parametrize("name", CASES)
def test_derivative(name, target):
    function, at, expected = CASES[name]
    x = gc.input("x", (len(at),), "float64")
    f = gc.compile([x], gc.grad(gc.sum(function(x)), x), target=target)
    np.testing.assert_array_equal(f(np.array(at)), expected)


@pytest.mark.parametrize("name", CASES)
def test_forward_mode_takes_the_same(name):
    function, at, expected = CASES[name]
    x = gc.input("x", (len(at),), "float64")
    tangent = np.arange(1.0, len(at) + 1)
    f = gc.compile([x], gc.sum(gc.jvp(function(x), x, tangent)), target="reference")
    assert f(np.array(at)) == np.sum(expected * tangent)


@pytest.mark.filterwarnings("ignore::graphc.UnusedInputWarning")
@pytest.mark.parametrize("name", ["sign", "floor", "ceil", "trunc", "round"])
def test_steps_have_derivative_zero(name):
    x = gc.input("x", (3,), "float64")
    f = gc.compile([x], gc.grad(gc.sum(x + getattr(gc, name)(x)), x), target="reference")
    np.testing.assert_array_equal(f([0.0, 0.5, 1.0]), [1, 1, 1])


def test_rows_without_mass_have_no_nan():
    x = gc.input("x", (3, 2), "float64")
    rows = [[-inf, -inf], [inf, 0], [inf, inf]]
    softmax, total = gc.compile([x], [gc.softmax(x), gc.logsumexp(x, axis=1)])(rows)
    np.testing.assert_array_equal(softmax, [[0, 0], [1, 0], [0.5, 0.5]])
    np.testing.assert_array_equal(total, [-inf, inf, inf])


def test_integers_divide_by_zero():
    k = gc.input("k", (2,), "int32")
    quotient, rest = gc.compile([k], [k // 0, k % 0])(np.array([5, -5], "int32"))
    assert quotient.tolist() == [0, 0]
    assert rest.tolist() == [0, 0]


def test_casts_saturate():
    x = gc.input("x", (5,))
    given = np.array([nan, inf, -inf, 300.7, -1.5], "float32")
    for target in ("reference", "llvm"):
        found = gc.compile([x], x.astype("int8"), target=target)(given)
        assert found.tolist() == [0, 127, -128, 127, -1]
