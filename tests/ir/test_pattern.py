"""Matching: what counts as a spelling of a pattern, and what does not."""

from __future__ import annotations

import pytest

import graphc as gc
from graphc.ir.pattern import matches
from graphc.ir.term import Variable
from graphc.ops.conversion import expand, sum
from graphc.ops.elementwise import exp, log, sigmoid, square

X, Y = Variable("x"), Variable("y")
x, y, z = (gc.input(name, (3, 4)) for name in "xyz")


def bound(pattern, node, factors=False):
    """The variables of the first match, by name; None if there is none."""
    found = next(matches(pattern, node, factors), None)
    return None if found is None else dict(found.bindings)


@pytest.mark.parametrize("node", [1 + exp(x), exp(x) + 1, exp(x) - (-1.0), -(-1 - exp(x)), -(-exp(x) - 1)])
def test_sums_modulo_order_and_sign(node):
    pattern = log(1 + exp(X))
    assert bound(pattern, log(node)) == {"x": x} or bound(pattern, log(node))["x"] is x


@pytest.mark.parametrize("node", [(1 + x) + exp(y), 1 + (x + exp(y)), 2 + exp(x), 1 - exp(x)])
def test_sums_are_not_regrouped(node):
    assert bound(log(1 + exp(X)), log(node)) is None


def test_variables_take_whole_terms_with_their_sign():
    assert bound(log(1 + X), log(1 - y))["x"] is -y
    assert bound(log(1 + X), log((x + y) + 1))["x"] is x + y


@pytest.mark.parametrize("node", [exp(x) / exp(y), exp(x) * (1 / exp(y)), 1 / exp(y) * exp(x), -exp(x) / -exp(y)])
def test_products_modulo_order_reciprocals_and_sign(node):
    found = bound(exp(X) / exp(Y), node)
    assert found["x"] is x and found["y"] is y


def test_factors_beside_only_where_allowed():
    node = z * exp(x) * y / exp(y)
    assert bound(exp(X) / exp(Y), node) is None
    found = next(matches(exp(X) / exp(Y), node, factors=True))
    assert found.beside[0].value is z and len(found.beside) == 2


def test_a_variable_twice_is_one_value():
    assert bound(exp(X) / (1 + exp(X)), exp(x) / (1 + exp(x)))["x"] is x
    assert bound(exp(X) / (1 + exp(X)), exp(x) / (1 + exp(y))) is None


@pytest.mark.parametrize(("left", "right"), [(x, -x), (-x, x), (x - y, y - x), (-2 * x, 2 * x), (x * y, -x * y)])
def test_opposites_are_recognised(left, right):
    assert bound(sigmoid(X) / sigmoid(-X), sigmoid(left) / sigmoid(right)) is not None


def test_elementwise_ops_under_moves():
    pattern = log(exp(X))
    assert bound(pattern, log(exp(x).T))["x"] is x.T
    assert bound(pattern, log(exp(x)[1:, ::2].reshape(-1)))["x"] is x[1:, ::2].reshape(-1)
    assert bound(pattern, log(gc.take(exp(x), [0, 2], 0)))["x"] is gc.take(x, [0, 2], 0)
    assert bound(pattern, log(expand(exp(x), (0,), (2,))))["x"] is expand(x, (0,), (2,))


def test_casts_to_a_wider_float_are_moves_others_are_not():
    assert bound(log(exp(X)), log(exp(x).astype("float64")))["x"] is x.astype("float64")
    assert bound(log(exp(X)), log(exp(x).astype("float16"))) is None


def test_abbreviations_are_seen_spelled_out():
    assert bound(log(X * X), log(square(x)))["x"] is x
    assert bound(log(exp(X)), log(gc.exp_add(x, y)))["x"] is x + y


def test_attributes_bind_and_compare():
    axis = Variable("axis")
    pattern = log(sum(exp(X), axis))
    assert bound(pattern, log(gc.sum(exp(x), axis=0)))["axis"] == (0,)
    again = sum(exp(X), axis) / sum(exp(Y), axis)
    assert bound(again, gc.sum(exp(x), axis=0) / gc.sum(exp(y), axis=0)) is not None
    assert bound(again, gc.sum(exp(x[:, :3]), axis=0) / gc.sum(exp(x[:, :3]), axis=1)) is None


def test_a_value_added_to_itself_is_another_value():
    pattern = log(exp(X) * exp(-X))
    assert bound(pattern, log(exp(x + y) * exp(-y - x))) is not None
    assert bound(pattern, log(exp(x + x) * exp(-x))) is None
    choice = gc.compile([x], gc.where(x < 0, x + x, x), target="reference")
    assert choice([[-1.0, 0.0, 1.0, 2.0]] * 3).tolist() == [[-2, 0, 1, 2]] * 3


def test_what_is_compared_stays_alive():
    """Both sides of a comparison make nodes without the sign, which must not be gone when the others are made."""
    pattern = exp(X) / sum(exp(X), Variable("axis"))
    exponent = square(x - y) * -0.5
    assert all(bound(pattern, exp(exponent) / gc.sum(exp(exponent), axis=1)[:, None]) is None for _ in range(3))
    pattern = exp(X) / (exp(X) + exp(Y))
    for _ in range(20):
        other = square(x - z) * -0.5
        assert bound(pattern, exp(exponent) / (exp(exponent) + exp(other))) is not None


@pytest.mark.parametrize("argument", [x, -x, x - y, y - x, 2 * x, -2 * x])
def test_the_sign_of_a_square_does_not_matter(argument):
    pattern = exp(-X * X) / gc.erfc(X)
    assert bound(pattern, exp(-square(argument)) / gc.erfc(argument)) is not None
    assert bound(pattern, exp(-square(argument)) / gc.erfc(-argument)) is not None
    assert bound(pattern, exp(-square(argument)) / gc.erfc(z)) is None
