import gc as memory
import math
from typing import Any

import numpy as np
import pytest

import graphc as gc
from graphc.interpret import evaluate_nodes
from graphc.interpret.ranges import is_finite, is_never_nan, is_nonnegative, is_nonzero, is_positive, range_of
from graphc.interpret.ranges.analysis import GRAPH
from graphc.ops import contraction, conversion, elementwise, logic, movement, position, reduction

x = gc.input("x", ("n", 4), "float32")
y = gc.input("y", ("n", 4), "float32")
i = gc.input("i", ("n",), "int8")
unit = elementwise.tanh(x)


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (elementwise.exp(x), "(0, inf)"),
        (elementwise.sigmoid(x), "(0, 1]"),
        (x * x, "[0, inf)"),
        (x * y, "(-inf, inf)"),
        (x - x, "[0, 0]"),
        (position.extent(x.shape[0]), "[0, 4.61169e+18]"),
        (position.extent(-x.shape[0]), "[-4.61169e+18, 0]"),
        (elementwise.square(x) + 1.0, "[1, inf)"),
        (elementwise.rsqrt(elementwise.square(x) + 1.0), "(0, 1]"),
        (elementwise.softplus(x), "[0, inf)"),
        (conversion.sum(elementwise.exp(x), 1), "(0, inf)"),
        (conversion.sum(elementwise.exp(x), 0), "[0, inf)"),
        (conversion.sum(unit, 1), "[-4, 4]"),
        (reduction.max(unit, 1), "[-1, 1]"),
        (reduction.softmax(x, 1), "(0, 1]"),
        (reduction.logsumexp(unit, 1), "[-1, 2.38629]"),
        (contraction.matmul(unit, movement.transpose(unit)), "[-4, 4]"),
        (elementwise.log(x), "[-inf, inf] or nan"),
        (logic.where(x > 0, x, 0), "[0, inf)"),
        (elementwise.maximum(x, 0), "[0, inf)"),
        (logic.isfinite(x), "[1, 1]"),
        (position.iota("n"), "[0, 4.61169e+18]"),
        (position.iota("n", "int32"), "[-2.14748e+09, 2.14748e+09]"),
        (reduction.argmax(x, 1), "[0, 3]"),
        (conversion.cast(x, "uint8"), "[0, 255]"),
        (i, "[-128, 127]"),
        (elementwise.remainder(i, 10), "[0, 10]"),
        (conversion.as_node(np.array([1.0, 5.0])), "[1, 5]"),
    ],
    ids=lambda v: v if isinstance(v, str) else v.op.name,
)
def test_ranges_over_the_reals(node: Any, expected: str) -> None:
    assert str(range_of(node, computed=False)) == expected


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (x, "[-inf, inf] or nan"),
        (elementwise.exp(x), "[0, inf] or nan"),
        (elementwise.exp(elementwise.minimum(x, 0)), "[0, 1] or nan"),
        (unit, "[-1, 1] or nan"),
        (logic.isfinite(x), "[0, 1]"),
        (logic.where(logic.isnan(x), 0, x), "[-inf, inf]"),
        (logic.where(logic.isfinite(x), x, 1), "(-inf, inf)"),
        (logic.where(x > 0.5, elementwise.log(x), 0), "[-0.693149, inf]"),
        (logic.where(x > 0, 1, elementwise.exp(x)), "[0, 1] or nan"),
        (logic.where(x > y, elementwise.sqrt(x - y), -1), "[-1, inf]"),
        (i * i, "[-128, 127]"),
        (conversion.cast(i, "float32"), "[-128, 127]"),
    ],
    ids=lambda v: v if isinstance(v, str) else v.op.name,
)
def test_ranges_of_what_is_computed(node: Any, expected: str) -> None:
    assert str(range_of(node)) == expected


def test_facts() -> None:
    e, whole = elementwise.exp(x), conversion.cast(i, "float32")
    assert is_positive(e) and not is_positive(e, computed=True)
    assert is_nonzero(e) and not is_nonzero(e, computed=True)
    assert is_nonnegative(elementwise.abs(x)) and not is_nonnegative(x)
    assert not is_finite(e) and not is_never_nan(e)
    assert is_finite(whole) and is_never_nan(whole / 3.0) and is_finite(whole / 3.0)
    assert is_finite(elementwise.exp(whole / 2.0)) and not is_finite(elementwise.exp(whole))
    assert not is_finite(conversion.cast(i, "float16") * 600.0)
    assert not is_never_nan(elementwise.sqrt(whole)) and is_never_nan(elementwise.sqrt(elementwise.square(whole)))


SPECIAL = np.array([0, -0.0, 1, -1, 1e-38, -1e-38, 3e38, -3e38, 88.5, 104, -104, np.inf, -np.inf, np.nan, 0.3, 7])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.filterwarnings("ignore:overflow")
def test_computed_ranges_hold_what_is_computed(dtype: str) -> None:
    v = gc.input("v", (4, 4), dtype)
    s = elementwise.sigmoid(v)
    nodes = [
        elementwise.exp(v), elementwise.log(s), elementwise.softplus(v), elementwise.tan(s), s,
        elementwise.power(elementwise.abs(v), 1.5), elementwise.rsqrt(v * v + 1.0), v * v,
        conversion.cast(v, "int8"), s * s * s, s / (1.0 - s), s - v / 3.0, contraction.matmul(s, v),
        conversion.sum(s, 1), reduction.mean(v, 1), reduction.prod(s * 2.0, 0), reduction.max(s, 0),
        reduction.softmax(v, 1), reduction.log_softmax(v, 1), reduction.logsumexp(v, 1),
    ]  # fmt: skip
    rng = np.random.default_rng(4)
    for _ in range(5):
        given = rng.permutation(SPECIAL).reshape(4, 4).astype(v.dtype.numpy)
        for node, value in zip(nodes, evaluate_nodes(nodes, {v: given}), strict=True):
            found = range_of(node)
            for element in value.astype(np.float64).flat:
                assert float(element) in found, (node.op, element, str(found))


def test_infinities_stay_infinite() -> None:
    infinite = elementwise.exp(gc.constant(np.full(2, math.inf)))
    for node, expected in ((infinite, "[inf, inf]"), (infinite + 1.0, "[inf, inf]"), (-infinite, "[-inf, -inf]")):
        assert str(range_of(node)) == expected


def test_a_chain_of_100000_nodes() -> None:
    chain = x
    for _ in range(100_000):
        chain = -chain
    assert range_of(chain, computed=False).low == -math.inf


def test_ranges_are_forgotten_with_their_nodes() -> None:
    memory.collect()
    before = len(GRAPH[True])
    node = elementwise.exp(gc.input("short_lived", (3,)))
    range_of(node)
    assert len(GRAPH[True]) == before + 2
    del node
    memory.collect()
    assert len(GRAPH[True]) == before
