"""Functions with derivatives of their own, and functions whose values are calculated again."""

import numpy as np
import pytest

import graphc as gc
from graphc.errors import GradientError, ShapeError
from tests.differentiation.functions import SHAPE, difference, evaluated, point

X = gc.input("x", SHAPE, "float64")
V = gc.input("v", SHAPE, "float64")


@gc.custom_gradient
def doubled(x):
    """sin, whose derivative is taken twice as large."""
    return gc.sin(x), lambda g: 2 * g * gc.cos(x)


@gc.custom_gradient
def product_and_sum(x, y, k):
    def rule(g):
        gp, gs = g["product"], g["sum"]
        return gp * y + gs, gp * x + gs, None

    return {"product": x * y, "sum": x + y + k.astype("float64")}, lambda g: rule(g)


def test_the_value_is_the_functions_and_the_derivative_the_rules():
    at = {X: point(), V: point(1)}
    value, gradient, tangent = evaluated([doubled(X), gc.grad(gc.sum(doubled(X)), X), gc.jvp(doubled(X), X, V)], at)
    np.testing.assert_allclose(value, np.sin(at[X]))
    np.testing.assert_allclose(gradient, 2 * np.cos(at[X]))
    np.testing.assert_allclose(tangent, 2 * np.cos(at[X]) * at[V])


def test_higher_derivatives_are_those_of_the_rule():
    at = {X: point(), V: point(1)}
    cost = gc.sum(doubled(X) ** 2)  # its gradient is 4 sin(x) cos(x); each later sin is an ordinary one or the rule's
    found = evaluated([gc.hvp(cost, X, V), gc.vjp(gc.grad(cost, X), X, V)], at)
    expected = 4 * (2 * np.cos(at[X]) ** 2 - np.sin(at[X]) ** 2) * at[V]
    for product in found:
        np.testing.assert_allclose(product, expected)


def test_several_arguments_and_results():
    x, y, k = gc.input("x", (2,), "float64"), gc.input("y", (2,), "float64"), gc.input("k", (2,), "int32")
    result = product_and_sum(x, y, k)
    cost = gc.sum(result["product"] * result["sum"])
    at = {x: np.array([1.0, 2.0]), y: np.array([3.0, 5.0]), k: np.array([0, 1], "int32")}
    dx, dy = evaluated(gc.grad(cost, [x, y]), at)
    total = at[x] + at[y] + at[k]
    np.testing.assert_allclose(dx, at[y] * total + at[x] * at[y])
    np.testing.assert_allclose(dy, at[x] * total + at[x] * at[y])


def test_what_the_rule_reads_from_around_it():
    scale = gc.input("scale", (), "float64")

    @gc.custom_gradient
    def scaled(x):
        return x * scale, lambda g: g * gc.exp(scale)

    at = {X: point(), scale: np.float64(2)}
    gradient = evaluated(gc.grad(gc.sum(scaled(X)), X), at)
    np.testing.assert_allclose(gradient, np.full(SHAPE, np.exp(2)))
    with pytest.warns(gc.UnusedInputWarning):
        assert evaluated(gc.grad(gc.sum(scaled(X)), scale), at) == 0


def test_a_rule_that_is_not_linear_has_no_forward_mode():
    @gc.custom_gradient
    def clipped(x):
        return x, lambda g: gc.clip(g, -1, 1)

    gradient = gc.grad(gc.sum(clipped(X) ** 2), X)
    np.testing.assert_allclose(evaluated(gradient, {X: point()}), np.clip(2 * point(), -1, 1))
    with pytest.raises(GradientError, match="not linear in the cotangent"):
        gc.jvp(clipped(X), X, V)


def test_it_is_made_stable_and_compiled():
    @gc.custom_gradient
    def total(x):
        return gc.log(gc.sum(gc.exp(x))), lambda g: g * gc.exp(x) / gc.sum(gc.exp(x))

    x = gc.input("x", ("n",), "float64")
    f = gc.compile([x], [total(x), gc.grad(total(x), x)])
    value, gradient = f(np.array([1000.0, 1000.0, 0.0]))
    assert value == 1000 + np.log(2)
    np.testing.assert_allclose(gradient, [0.5, 0.5, 0])


def test_stacks():
    stack = gc.input("stack", (5, 2), "float64")
    ks = gc.input("k", (2,), "int32")

    def gradient(x):
        found = product_and_sum(x, gc.sin(x), ks)
        return gc.grad(gc.sum(found["product"] * found["sum"]) + gc.sum(doubled(x)), x)

    at = {stack: point(0, (5, 2)), ks: np.array([1, 2], "int32")}
    item = gc.input("item", (2,), "float64")
    expected = [evaluated(gradient(item), {item: row, ks: at[ks]}) for row in at[stack]]
    np.testing.assert_allclose(evaluated(gc.vmap(gradient)(stack), at), expected, rtol=1e-12)


def test_mistakes_are_errors():
    with pytest.raises(GradientError, match=r"returns \(value, rule\)"):
        gc.custom_gradient(lambda x: x)(X)
    with pytest.raises(ShapeError, match="as the cotangent of"):
        gc.custom_gradient(lambda x: (x, lambda g: gc.sum(g)))(X)
    with pytest.raises(GradientError, match="2 cotangents for 1 arguments"):
        gc.custom_gradient(lambda x: (x, lambda g: (g, g)))(X)


# --- checkpoints ---


def block(x, w):
    for _ in range(3):
        x = gc.tanh(x @ w)
    return x


def deep(wrapped, x, w, blocks=4):
    for _ in range(blocks):
        x = wrapped(x, w)
    return gc.sum(gc.log(gc.sum(gc.exp(x), axis=1)))


def test_a_checkpoint_changes_no_value():
    w = gc.input("w", (4, 4), "float64")
    at = {X: point(), w: point(1, (4, 4)), V: point(2)}
    kept, again = deep(block, X, w), deep(gc.checkpoint(block), X, w)
    for one, other in (
        (kept, again),
        (gc.grad(kept, X), gc.grad(again, X)),
        (gc.grad(kept, w), gc.grad(again, w)),
        (gc.jvp(kept, X, V), gc.jvp(again, X, V)),
        (gc.hvp(kept, X, V), gc.hvp(again, X, V)),
    ):
        np.testing.assert_allclose(*evaluated([one, other], at), rtol=1e-10)
    found = gc.compile([X, w], gc.grad(again, [X, w]))(at[X], at[w])
    for got, expected in zip(found, evaluated(gc.grad(kept, [X, w]), at), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-10)


def test_a_checkpoint_reads_from_around_it():
    w = gc.input("w", (4, 4), "float64")
    at = {X: point(), w: point(1, (4, 4))}
    again = gc.sum(gc.checkpoint(lambda x: block(x, gc.sin(w)))(X))
    expected = difference(lambda a: evaluated(again, {X: at[X], w: a}), at[w], np.eye(4))
    np.testing.assert_allclose(np.sum(evaluated(gc.grad(again, w), at) * np.eye(4)), expected, rtol=1e-8)


def test_a_checkpoint_takes_less_memory():
    x, w = gc.input("x", (256, 64)), gc.input("w", (64, 64))
    sizes = []
    for wrapped in (block, gc.checkpoint(block)):
        f = gc.compile([x, w], gc.grad(deep(wrapped, x, w, 6), w))
        sizes.append(f.memory_for().peak)
    assert sizes[1] < 0.6 * sizes[0]


def test_stacks_share_what_is_not_stacked():
    w = gc.input("w", (4, 4), "float64")
    stack = gc.input("stack", (6, 3, 4), "float64")

    @gc.custom_gradient
    def product(x, w):
        return x @ w, lambda g: (g @ w.T, x.T @ g)

    for function in (product, gc.checkpoint(block)):
        ys = gc.vmap(function, (0, None))(stack, w)
        cost = gc.sum(gc.sin(ys))
        plain = gc.sum(gc.sin(gc.vmap(block if function is not product else gc.matmul, (0, None))(stack, w)))
        at = {w: point(1, (4, 4)), stack: point(0, (6, 3, 4))}
        for way in (lambda y: gc.grad(y, w), lambda y: gc.grad(y, stack), lambda y: gc.jvp(y, w, np.eye(4))):
            np.testing.assert_allclose(*evaluated([way(cost), way(plain)], at), rtol=1e-11, atol=1e-12)
        assert "f64[6,4,4] = expand" not in str(gc.compile([w, stack], ys, target="reference").graph)
