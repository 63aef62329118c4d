import math

import numpy as np
import pytest

import graphc as gc
from graphc.interpret.ranges import is_whole, range_of
from graphc.ir.graph import Graph

inf = math.inf
x = gc.input("x", ("n", 3))
y = gc.input("y", ("n", 3))
i = gc.input("i", ("n",), "int32")
n = gc.dim("n")


@pytest.mark.parametrize(
    ("condition", "node", "computed", "real"),
    [
        (x > 0, x, "(0, inf]", "(0, inf)"),
        (gc.less(0, x), x, "(0, inf]", "(0, inf)"),
        (x >= 0, x, "[0, inf]", "[0, inf)"),
        ((x > 0) & (x <= 1), x, "(0, 1]", "(0, 1]"),
        ((x > -1) & gc.greater(1, x) & (x != 0), x, "[-1, 1]", "[-1, 1]"),
        (x != 0, x, "[-inf, inf] or nan", "(-inf, inf)"),
        (gc.isfinite(x), x, "(-inf, inf)", "(-inf, inf)"),
        (~gc.isnan(x), x, "[-inf, inf]", "(-inf, inf)"),
        (~gc.isinf(x), x, "(-inf, inf) or nan", "(-inf, inf)"),
        (x < inf, x, "[-inf, 3.40282e+38]", "(-inf, inf)"),
        (gc.abs(x) <= 2, gc.abs(x), "[0, 2]", "[0, 2]"),
        (i >= 0, i, "[0, 2.14748e+09]", "[0, 2.14748e+09]"),
        ((i > 2) & (i < 8), i, "[3, 7]", "[3, 7]"),
        (x > gc.constant([1.0, 2.0, 3.0], "float32"), x, "[1, inf]", "[1, inf)"),
    ],
    ids=str,
)
def test_what_is_assumed_is_known(condition: gc.Node, node: gc.Node, computed: str, real: str) -> None:
    found = gc.assume(condition)
    assert found.args[1] is node and found.type == node.type
    assert (str(range_of(found)), str(range_of(found, computed=False))) == (computed, real)


def test_sizes_and_whole_numbers() -> None:
    batch = gc.dim("assumed_batch", min=1, max=64)
    assert str(range_of(gc.assume((i >= 0) & (i < batch)))) == "[0, 63]"
    assert is_whole(gc.assume(x == gc.floor(x))) and is_whole(gc.assume(gc.round(x) == x)) and not is_whole(x)
    assert not range_of(gc.assume(x != 0)).may_be_zero


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        (x > y, "none that can be assumed"),
        (gc.isnan(x), "none that can be assumed"),
        (x > float("nan"), "NaN bounds nothing"),
        ((x > 0) | (x < -1), "none that can be assumed"),
        ((x > 0) & (y > 0), "different nodes"),
        (x, "is no condition"),
        (True, "True is no condition"),
    ],
    ids=str,
)
def test_what_cannot_be_assumed(condition: object, message: str) -> None:
    with pytest.raises(gc.GraphError, match=message) as error:
        _ = gc.assume(condition)
    assert "help" in str(error.value) and "test_assume.py" in str(error.value)


def test_an_assumption_that_is_thrown_away_is_an_error() -> None:
    with pytest.raises(gc.GraphError, match=r"write x = gc.assume\(x > 0\)"):
        gc.assume(x > 0)
    with pytest.raises(gc.GraphError, match="of the result alone"):
        gc.assume(
            x  # over several lines
            > 0
        )
    for kept in (gc.assume(x > 0), [gc.assume(x > 0)][0], (lambda: gc.assume(x > 0))(), gc.log(gc.assume(x > 0))):
        assert kept.type == x.type


def test_assumptions_in_text() -> None:
    graph = Graph("f", (x,), (gc.log(gc.assume((x > 0) & (x < 5))),))
    assert "assume(" in str(graph)
    assert str(gc.parse_graph(str(graph))) == str(graph)


def test_an_assumption_costs_nothing_and_has_the_derivative_one() -> None:
    positive = gc.assume(x > 0)
    f = gc.compile([x], [gc.log(positive) * 2, gc.grad(gc.sum(gc.log(positive)), x)])
    plain = gc.compile([x], [gc.log(x) * 2, gc.grad(gc.sum(gc.log(x)), x)])
    assert [k.source for k in f.kernels] == [k.source for k in plain.kernels]
    values = np.array([[1, 2, 3]], "f4")
    for got, wanted in zip(f(values), plain(values), strict=True):
        assert (got == wanted).all()


def test_what_is_assumed_of_an_input_or_a_parameter_stands_for_it() -> None:
    v, scale = gc.input("v", (2,)), gc.parameter("scale", 2.0)
    v, known = gc.assume(v > 0), gc.assume(scale > 0)
    cost = gc.sum(gc.log(v * known))
    f = gc.compile([v], [cost, gc.grad(cost, v)], updates={known: known * 2})
    assert [y.tolist() for y in f(np.array([0.5, 1], "f4"))] == [pytest.approx(np.log(2)), [2, 1]]
    assert gc.value(scale) == 4


def test_an_assumption_licenses_a_rule_and_is_named() -> None:
    p, w = gc.input("p", (3,)), gc.input("w", (3,))
    a = gc.assume(p >= 0)
    b = gc.assume(w >= 0)
    f = gc.compile([p, w], gc.lgamma(a) + gc.lgamma(b) - gc.lgamma(a + b))
    (licence,) = f.licences
    assert licence.rule.name == "sum_of_lgammas"
    assert "a = gc.assume(p >= 0)" in str(licence) and "is nonnegative: its values are [0, inf)" in str(licence)


@pytest.mark.parametrize("target", ["reference", "llvm"])
def test_assumptions_are_checked(monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    positive = gc.assume(x > 0)
    out = gc.sqrt(positive)
    given = np.array([[1, 4, 9], [1, -4, 9]], "f4")
    assert gc.compile([x], out, target=target)(given)[0].tolist() == [1, 2, 3]
    monkeypatch.setenv("GRAPHC_CHECK", "1")
    f = gc.compile([x], out, target=target)
    assert f(given[:1]).tolist() == [[1, 2, 3]]
    with pytest.raises(gc.AssumptionError, match=r"an element is -4.0, at \(1, 1\)\n.*positive = gc.assume\(x > 0\)"):
        f(given)


def test_assumptions_in_loops_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHC_CHECK", "1")

    def step(total: gc.Node, row: gc.Node) -> tuple[gc.Node, gc.Node]:
        known = gc.assume(row >= 0)
        return total + gc.sqrt(known), total

    v = gc.input("v", ("n",))
    total, _ = gc.scan(step, gc.zeros((), dtype="float32"), v)
    f = gc.compile([v], total)
    assert f(np.array([1, 4], "f4")) == 3
    with pytest.raises(gc.AssumptionError, match=r"an element is -1.0"):
        f(np.array([1, 4, -1], "f4"))
