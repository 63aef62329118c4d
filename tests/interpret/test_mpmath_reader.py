import math
from typing import Any

import mpmath
import numpy as np
import pytest

import graphc as gc
from graphc.interpret import evaluate_nodes
from graphc.ir.node import Node
from graphc.ops import contraction, conversion, elementwise, indexing, movement, reduction
from graphc.ops.base import Elementwise
from graphc.types import DTYPES, DType, float64
from tests.interpret import samples


def truth(node: Node, *pairs: tuple[Node, Any]) -> Any:
    return evaluate_nodes([node], dict(pairs), reader="mpmath")[0]


def relative_error(actual: Any, expected: Any) -> float:
    return float(abs(actual - expected) / abs(expected)) if expected else float(abs(actual))


@pytest.mark.parametrize("op", samples.FLOAT_OPS, ids=str)
def test_agrees_with_numpy_on_the_domain(op: Elementwise) -> None:
    node, inputs = samples.apply(op, float64, (60,))
    bound = dict(zip(inputs, samples.operands(op, float64, 60, seed=1), strict=True))
    (computed,), (exact,) = (evaluate_nodes([node], bound, reader=r) for r in ("numpy", "mpmath"))
    assert computed.shape == exact.shape
    limit = 1e-12
    if node.dtype.bits == 16:
        limit = 2.0**-8  # a cast, which rounds in one reader and not in the other
    elif node.dtype.bits == 32 and node.dtype.is_float:
        limit = 2.0**-24
    for actual, expected in zip(computed, exact, strict=True):
        if node.dtype.is_float:
            # An absolute error at the size of the operands is as good where terms cancel.
            assert relative_error(mpmath.mpf(float(actual)), expected) < limit or abs(actual - expected) < 1e-15
        else:
            assert actual == expected


INTEGER_CASES = [
    (op, dtype)
    for op in samples.elementwise_ops()
    for dtype in DTYPES
    if dtype.kind in "iub" and dtype in samples.accepted(op) and op.name != "cast"
]


@pytest.mark.parametrize(("op", "dtype"), INTEGER_CASES, ids=str)
def test_integers_are_exact_and_wrap(op: Elementwise, dtype: DType) -> None:
    node, inputs = samples.apply(op, dtype, (60,))
    bound = dict(zip(inputs, samples.operands(op, dtype, 60, seed=2), strict=True))
    (computed,), (exact,) = (evaluate_nodes([node], bound, reader=r) for r in ("numpy", "mpmath"))
    assert computed.tolist() == exact.tolist()


x = gc.input("x", (4,), "float64")
HARD = np.array([1e5, 700.0, 1e-300, -1e5])


def test_cancellation_finds_the_bits_that_it_wants() -> None:
    found = truth(elementwise.log(1.0 - elementwise.sigmoid(x)), (x, HARD / 10))
    for value, point in zip(found, HARD / 10, strict=True):
        with mpmath.workprec(200):
            # log(1 - sigmoid(x)) = -softplus(x)
            expected = -mpmath.mpf(point) if point > 1000 else -mpmath.log1p(mpmath.exp(point))
            assert relative_error(value, expected) < 1e-30


def test_sums_keep_what_is_tiny() -> None:
    tiny = truth(elementwise.softplus(x), (x, HARD))[3]
    with mpmath.workprec(200):
        assert relative_error(tiny, mpmath.exp(-100000)) < 1e-50
    assert relative_error(truth(elementwise.log(elementwise.softplus(x)), (x, HARD))[3], mpmath.mpf(-100000)) < 1e-50
    assert truth(elementwise.log1mexp(-x), (x, HARD))[2] == pytest.approx(math.log(1e-300), rel=1e-15)
    assert truth((x + 1e300) - 1e300, (x, HARD)).tolist() == HARD.tolist()


def test_exponents_are_unbounded() -> None:
    y = elementwise.exp(elementwise.exp(elementwise.abs(x)))
    value = truth(elementwise.log(elementwise.log(y)), (x, np.array([700.0, 5.0, 1.0, 20.0])))
    np.testing.assert_allclose(value.astype(float), [700, 5, 1, 20], rtol=1e-15)


def test_special_values() -> None:
    v = np.array([math.nan, math.inf, -math.inf, 0.0])
    expected = {
        elementwise.exp: [math.nan, math.inf, 0, 1],
        elementwise.log: [math.nan, math.inf, math.nan, -math.inf],
        elementwise.sqrt: [math.nan, math.inf, math.nan, 0],
        elementwise.sin: [math.nan, math.nan, math.nan, 0],
        elementwise.sigmoid: [math.nan, 1, 0, 0.5],
        elementwise.abs: [math.nan, math.inf, math.inf, 0],
        elementwise.floor: [math.nan, math.inf, -math.inf, 0],
        lambda x: x - x: [math.nan, math.nan, math.nan, 0],
        lambda x: x / x: [math.nan, math.nan, math.nan, math.nan],
        lambda x: 1.0 / x: [math.nan, 0, 0, math.nan],
        lambda x: elementwise.maximum(x, 1.0): [math.nan, math.inf, 1, 1],
        lambda x: elementwise.minimum(1.0, x): [math.nan, 1, -math.inf, 0],
    }
    for function, values in expected.items():
        found = truth(function(x), (x, v)).astype(float)
        if function(x).op.name == "divide" and values[1] == 0:
            values[3] = math.inf  # zero has no sign
        np.testing.assert_array_equal(found, values)
    assert truth(conversion.cast(x, "int8"), (x, v)).tolist() == [0, 127, -128, 0]


def test_operands_without_axes() -> None:
    z = gc.input("z", (), "float64")
    found = truth(elementwise.sigmoid(z) + z * z, (z, np.array(2.0)))
    assert found.shape == () and float(found[()]) == pytest.approx(1 / (1 + math.exp(-2)) + 4, rel=1e-15)


def test_ops_on_rows_and_movement() -> None:
    v = np.random.default_rng(3).normal(size=(3, 4))
    m, i = gc.input("m", v.shape, "float64"), gc.input("i", (2,), "int32")
    for node in (
        reduction.softmax(m, 1),
        reduction.log_softmax(m, (0, 1)),
        reduction.logsumexp(m, 0),
        reduction.mean(m, 1),
        reduction.prod(m, 1),
        reduction.max(m, 0),
        conversion.sum(m),
        contraction.matmul(m, movement.transpose(m)),
        reduction.argmax(m, 1),
        movement.pad(m, 1, value=2.0),
        movement.concat([m, m[::-1]], 0),
        indexing.take(m, i, 0),
    ):
        bound = {m: v, i: np.array([-1, 0], np.int32)}
        (computed,), (exact,) = (evaluate_nodes([node], bound, reader=r) for r in ("numpy", "mpmath"))
        np.testing.assert_allclose(exact.astype(computed.dtype), computed, rtol=1e-13)
