"""Rules that fire where only a branch, a loop or an assumption licenses them, and nowhere else."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as gc
from graphc.interpret import evaluate
from graphc.interpret.ranges import is_nonnegative, range_of
from graphc.ir.graph import Graph
from graphc.ir.rewrite import Trace, rewrite, tracing
from graphc.ir.rule import RuleSet
from graphc.numerics.licences import licences
from graphc.passes.canonicalize import canonicalize
from graphc.passes.places import RulesAtPlaces
from graphc.passes.rules import CANONICAL

p, w = gc.input("p", ("n",), "float64"), gc.input("w", ("n",), "float64")
s, t = gc.input("s", (), "float64"), gc.input("t", (), "float64")
POINTS = np.array([2.5, 1e-3, 0.0, -0.5, 3.0, -1.5, np.nan, np.inf, 7.0, 1.0])
SPLIT = RuleSet("split")


@SPLIT.rule("real", when=lambda a, b: is_nonnegative(a) and is_nonnegative(b))
def log_of_product(a: Any, b: Any) -> Any:
    """A rule with a condition, for these tests."""
    return gc.log(a * b), gc.log(a) + gc.log(b)


RULES = RulesAtPlaces("test", CANONICAL + SPLIT)


def log_both(a: Any, b: Any) -> Any:
    return gc.log(a * b)


def rewritten(inputs: list[Any], *nodes: Any) -> tuple[Graph, Graph, Trace]:
    """A graph before and after, and what happened."""
    trace = Trace()
    before = canonicalize(Graph("f", tuple(inputs), nodes))
    with tracing(trace):
        return before, rewrite(before, RULES), trace


def fired(*nodes: Any, inputs: Any = (p, w)) -> list[str]:
    return [firing.rule.name for firing in rewritten(list(inputs), *nodes)[2].firings]


ELEMENTWISE: dict[str, Callable[[], Any]] = {
    "and": lambda: gc.where((p > 0) & (w > 0), log_both(p, w), 0.0),
    "otherwise": lambda: gc.where((p <= 0) | (w < 0) | gc.isnan(p) | gc.isnan(w), 0.0, log_both(p, w)),
    "not": lambda: gc.where(~((p > 0) & (w > 0)), 0.0, log_both(p, w)),
    "nested": lambda: gc.where(p > 0, gc.where(w > 1, log_both(p, w), 1.0), 0.0),
    "deeper": lambda: gc.where((p > 0) & (w > 0), gc.tanh(log_both(p, w) * 2) + w, 0.0),
    "a difference": lambda: gc.where((p > w) & (w > 0), log_both(p - w, w), 0.0),
    "shifted": lambda: gc.where((p - 1 > 0) & (w > 0), log_both(p, w), 0.0),
    "scaled": lambda: gc.where((2 * p > 1) & (-w < 0), log_both(p, w), 0.0),
    "either": lambda: gc.where(((p > 1) | (p > 0.5)) & (w > 0), log_both(p, w), 0.0),
    "not less": lambda: gc.where((p < 0) | (w < 0), 0.0, log_both(p, w)),
    "of one element": lambda: gc.where(gc.min(p) > 0, gc.sum(log_both(p, p * p)), 0.0),
}
ELSEWHERE: dict[str, Callable[[], Any]] = {
    "nothing known": lambda: gc.where(p > 0, log_both(p, w), 0.0),
    "other branch": lambda: gc.where((p > 0) & (w > 0), 0.0, log_both(p, w)),
    "other elements": lambda: gc.where((p > 0) & (w > 0), log_both(p, gc.flip(w)), 0.0),
    "sums over others": lambda: gc.where((p > 0) & (w > 0), gc.sum(log_both(p, w)) + p, 0.0),
    "either or": lambda: gc.where((p > 0) | (w > 0), log_both(p, w), 0.0),
}


@pytest.mark.parametrize("make", ELEMENTWISE.values(), ids=ELEMENTWISE)
def test_a_condition_is_known_in_its_branch(make: Callable[[], Any]) -> None:
    before, after, trace = rewritten([p, w], make())
    names = [firing.rule.name for firing in trace.firings]
    assert names.count("log_of_product") == names.count("in_branch") >= 1
    licence = licences(trace.firings)[0]
    assert "since this is decided: " in str(licence)
    given = [np.tile(POINTS, len(POINTS)), np.repeat(POINTS, len(POINTS))]
    for values in (given, [abs(given[0]) + 1, abs(given[1]) + 1]):
        with np.errstate(all="ignore"):
            got, wanted = (evaluate(graph, values).outputs[0] for graph in (after, before))
        np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("make", ELSEWHERE.values(), ids=ELSEWHERE)
def test_a_condition_is_known_nowhere_else(make: Callable[[], Any]) -> None:
    assert "log_of_product" not in fired(make())


def test_what_is_used_outside_stays() -> None:
    both = log_both(p, w)
    _, after, trace = rewritten([p, w], gc.where((p > 0) & (w > 0), both, 0.0), both)
    assert [firing.rule.name for firing in trace.firings].count("log_of_product") == 1
    assert after.outputs[1] is both


def test_gradients_stay_masked() -> None:
    share = w * gc.exp(p) / gc.sum(w * gc.exp(p))
    cost = gc.sum(gc.where((w > 0) & (p > 0), gc.log(share), 0.0))
    f = gc.compile([p, w], [cost, *gc.grad(cost, [p, w])])
    assert "in_branch" in [firing.rule.name for firing in f.rewrites] or not f.licences
    inside = gc.where((p > 0) & (w > 0), gc.log(p * w) * p, 0.0)
    stable = rewritten([p, w], gc.sum(inside))[1].outputs[0]
    assert "log_of_product" in fired(inside)
    first = gc.grad(stable, [p, w])
    second = gc.grad(gc.sum(first[0]) + gc.sum(first[1]), [p, w])
    g = gc.compile([p, w], [*first, *second])
    outside = np.array([-1.0, 0.0, np.nan, -0.5]), np.array([1.0, 2.0, 3.0, -1.0])
    for found in g(*outside):
        assert (found == 0).all()
    assert all(np.isfinite(found).all() for found in g(np.array([0.5, 2.0]), np.array([3.0, 0.25])))


def test_branches_know_their_condition() -> None:
    def chosen(predicate: Any, x: Any, y: Any) -> Any:
        return fired(gc.cond(predicate, lambda: log_both(x, y), lambda: x), inputs=(s, t, p, w))

    assert "log_of_product" in chosen((s > 0) & (t > 0), s, t)
    assert "log_of_product" not in chosen((s > 0) | (t > 0), s, t)
    assert "log_of_product" in chosen(gc.all((p > 0) & (w > 0)), p, w)
    assert "log_of_product" not in chosen(gc.any((p > 0) & (w > 0)), p, w)
    assert "log_of_product" in chosen(~gc.any((p < 0) | gc.isnan(p)), p, p * p)
    assert "log_of_product" not in chosen(gc.any((p < 0) | gc.isnan(p)), p, p * p)


def test_loops_know_what_they_carry() -> None:
    def rows(decay: float, first: Any) -> Any:
        def body(carry: Any, x: Any) -> Any:
            new = carry * decay + x * x
            return new, log_both(new, carry)

        return gc.scan(body, first, p)[1]

    zero = gc.zeros((), dtype="float64")
    before, after, trace = rewritten([p], rows(0.5, zero))
    (licence,) = licences(trace.firings)
    assert licence.rule.name == "log_of_product" and "it is given to %scan" in str(licence)
    values = [np.array([1.0, 2.0, 3.0])]
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(evaluate(after, values).outputs[0], evaluate(before, values).outputs[0], rtol=1e-12)
    assert "log_of_product" not in fired(rows(-0.5, zero))
    # Equal bodies know different things where they are given different things.
    assert fired(rows(0.5, zero), rows(0.5, zero - 1)).count("log_of_product") == 1


def test_ranges_of_loops() -> None:
    zero = gc.zeros((), dtype="float64")
    last, rows = gc.scan(lambda c, x: (gc.tanh(c + x), c * c), zero, p)
    assert (str(range_of(last, computed=False)), str(range_of(rows, computed=False))) == ("[-1, 1]", "[0, 1]")
    last, rows, _ = gc.scan(lambda c, x: (c + gc.exp(x), c + 1, x > 0), zero, p, until=True)
    assert str(range_of(last, computed=False)) == "[0, inf)" and range_of(rows, computed=False).low == 0
    number = gc.while_loop(lambda n: n < 10, lambda n: n + 3, gc.zeros((), dtype="int64"))
    assert str(range_of(number)) == "[10, 12]"
    total = gc.fori_loop(0, 5, lambda i, total: gc.maximum(total, i), gc.zeros((), dtype="int64"))
    assert str(range_of(total)) == "[0, 4]"
    chosen = gc.cond(s > 0, lambda: gc.exp(s), lambda: gc.sigmoid(s) + 2)
    assert str(range_of(chosen, computed=False)) == "(0, inf)"
    nested = gc.scan(lambda c, x: (gc.fori_loop(0, 3, lambda i, d: gc.sigmoid(d) + x * x, c), None), zero, p)[0]
    assert str(range_of(nested, computed=False)) == "[0, inf)"


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: gc.log(gc.assume(gc.exp(p) > 0)), "log_of_exp"),
        (lambda: gc.log(gc.sum(gc.assume(gc.exp(p) > 0))), "log_sum_exp"),
        (lambda: gc.log(1 - gc.assume(gc.sigmoid(p) < 1)), "one_minus_sigmoid"),
    ],
    ids=["log_of_exp", "log_sum_exp", "one_minus_sigmoid"],
)
def test_assumptions_hide_no_form(make: Callable[[], Any], name: str) -> None:
    assert name in [firing.rule.name for firing in gc.compile([p], make()).rewrites]


def test_an_assumption_beyond_which_a_rule_looks_is_known() -> None:
    assert "log_of_product" in fired(gc.log(gc.assume((p * p) * (w * w) > 1)))
    assert "log_of_product" in fired(gc.log(gc.assume(w > 0) * gc.assume(p > 0)))
    assert "log_of_product" not in fired(gc.log(gc.assume(w * p > 0)))


def test_many_choices_take_linear_time() -> None:
    def count(choices: int) -> float:
        y = p
        for number in range(choices):
            y = gc.where(y > number, gc.log(gc.sum(gc.abs(y) * gc.exp(y)) / y), y * 0.5)
        start = time.process_time()
        rewritten([p], y)
        return time.process_time() - start

    count(10)
    assert count(200) < 40 * count(20)
