"""The branch of a choice that is not taken has the derivative 0, to every order, also inside of loops and branches."""

import numpy as np
import pytest

import graphc as gc

ZERO = gc.zeros((), dtype="float64")


def logarithm(x):
    return gc.where(x > 0, gc.log(x), 0.0)


def power(x, *shape):
    return gc.fori_loop(0, 3, lambda _, c: c * x, gc.ones(shape, dtype="float64"))


# Each with its first derivative at 0 and -1; those of higher order are 0.
FORMULAS = {
    "log": (logarithm, 0),
    "sqrt": (lambda x: gc.where(x > 0, gc.sqrt(x), 0.0), 0),
    "division": (lambda x: gc.where(x > 0, 1 / x, x), 1),
    "quotient": (lambda x: gc.where(x > 0, gc.sin(x) / x, 1.0), 0),
    "state of a scan": (lambda x: gc.scan(lambda c, _: (gc.where(c > 0, gc.sqrt(c), c), None), x, length=3)[0], 1),
    "captured by a scan": (lambda x: gc.scan(lambda c, _: (c + logarithm(x), None), ZERO, length=3)[0], 0),
    "while": (lambda x: gc.while_loop(lambda c: c < 10, lambda c: c + logarithm(x) + 1, ZERO, max_steps=5), 0),
    "product in a loop": (lambda x: power(gc.where(x > 0, 1 / x, 2.0)), 0),
    "loop of an infinite value": (lambda x: gc.where(x > 0, power(1 / x), 0.0), 0),
    "loop in nested choices": (lambda x: gc.where(x > 0, gc.where(x < 5, power(gc.log(x)), 0.0), 0.0), 0),
    "loop with axes": (lambda x: gc.sum(gc.where(x > 0, power(gc.log(x), 2), 0.0)), 0),
    "loop with axes, the other side": (
        lambda x: gc.sum(gc.where(x <= 0, 0.0, gc.where(x >= 5, 0.0, power(gc.log(x), 2)))),
        0,
    ),
    "cond": (lambda x: gc.cond(x > 0, gc.log, lambda v: v * 0.0, x), 0),
    "cond in a scan": (
        lambda x: gc.scan(
            lambda c, _: (gc.cond(x > 0, lambda v: v + gc.log(x), lambda v: v * 1.0, c), None), ZERO, length=2
        )[0],
        0,
    ),
}


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("name", FORMULAS)
def test_derivatives(name, order):
    formula, slope = FORMULAS[name]
    x = gc.input("x", (), "float64")
    y = formula(x)
    for _ in range(order):
        y = gc.grad(y, x)
    f = gc.compile([x], y)
    wanted = slope if order == 1 else 0
    assert [float(f(np.float64(at))) for at in (0.0, -1.0)] == [wanted, wanted]
