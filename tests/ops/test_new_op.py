"""Adding an elementwise op touches one file: this one adds two, and every part of graphc knows them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import graphc as gc
from graphc.interpret import evaluate_nodes
from graphc.ir.op import OPS
from graphc.ir.parser import parse_graph

VALUES = np.array([-3.0, -1.0, -0.0, 0.5, 2.0, 7.0], np.float32)


@pytest.fixture(scope="module")
def added():
    """The functions of two new ops. The registry is as before when other tests loop over it."""

    class Gaussian(gc.Elementwise):
        """exp(-x*x/2), the bell."""

        accepts = "f"

        def scalar(self, s, x):
            return s.exp(-0.5 * (x * x))

        def vjp(self, g, y, x):
            return (-g * x * y,)

    class Hinge(gc.Elementwise):
        """max(0, margin - x*y)."""

        margin: float
        accepts = "f"

        def scalar(self, s, x, y):
            return s.maximum(self.margin - x * y, 0.0)

        def vjp(self, g, z, x, y):
            kept = gc.where(z > 0, g, 0)
            return -kept * y, -kept * x

    yield gc.function(Gaussian), gc.function(Hinge)
    for name in ("gaussian", "hinge"):
        del OPS[name]
        vars(gc).pop(name, None)


def test_it_is_a_function_of_graphc_and_broadcasts(added):
    gaussian, hinge = added
    x = gc.input("x", ("n",))
    assert gc.gaussian(x) is gaussian(x)
    assert str(hinge(x, np.ones((2, 1), np.float32), margin=1.0).type) == "f32[2,n]"
    with pytest.raises(gc.errors.DTypeError, match="gaussian: not an operand: 'text'"):
        gaussian("text")
    with pytest.warns(gc.PromotionWarning, match="gaussian of int32 gives float64"):
        assert gaussian(gc.input("k", (2,), "int32")).dtype is gc.float64


def test_it_prints_and_reads_back(added):
    gaussian, hinge = added
    x = gc.input("x", ("n",))
    text = str(gc.Graph("f", (x,), (hinge(gaussian(x), x, margin=0.5),)))
    assert "hinge(%0, %x, margin=0.5)" in text
    assert str(parse_graph(text)) == text


def test_the_readers_know_it(added):
    gaussian, _ = added
    x = gc.input("x", (6,))
    for reader in ("numpy", "mpmath"):
        (value,) = evaluate_nodes([gaussian(x)], {x: VALUES}, reader=reader)
        assert_allclose(value.astype(float), np.exp(-0.5 * VALUES.astype(float) ** 2), rtol=1e-6)


def test_its_derivatives_are_right(added):
    gaussian, _ = added
    x = gc.input("x", (6,), "float64")
    points = VALUES.astype(np.float64)
    first = gc.grad(gc.sum(gaussian(x)), x)
    second = gc.grad(gc.sum(first), x)
    bell = np.exp(-points * points / 2)
    assert_allclose(evaluate_nodes([first], {x: points})[0], -points * bell, rtol=1e-12)
    assert_allclose(evaluate_nodes([second], {x: points})[0], (points**2 - 1) * bell, rtol=1e-12)


@pytest.mark.parametrize("target", ["reference", "llvm", "cuda-emulator"])
def test_targets_compile_it(target, added):
    gaussian, hinge = added
    x, y = gc.input("x", ("n",)), gc.input("y", ("n",))
    z = hinge(gaussian(x), y, margin=0.75)
    cost = gc.sum(z * z)
    function = gc.compile([x, y], [z, gc.grad(cost, x)], target=target)
    other = np.linspace(-2, 3, 6, dtype=np.float32)
    found, slope = function(VALUES, other)
    bell = np.exp(-0.5 * VALUES.astype(float) ** 2)
    expected = np.maximum(0.75 - bell * other, 0)
    assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert_allclose(slope, 2 * expected * -other * (-VALUES * bell), rtol=1e-4, atol=1e-6)
