"""What follows from conditions holds of the computed values, rounding and special values included."""

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings, strategies as st

import graphc as gc
from graphc.interpret import evaluate_nodes
from graphc.interpret.ranges import range_of
from graphc.interpret.ranges.conditions import consequences
from tests.interpret.test_ranges_hold import outside

NUMBERS = st.sampled_from([-3.0, -1.0, -0.1, -1e-6, 0.0, 1e-6, 0.3, 1.0, 2.0, 7.5, 1e4])
FACTORS = st.sampled_from([-3.0, -0.1, 1e-3, 0.3, 2.0, 7.0, 1e3])
SPECIAL = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 1e-6, -1e-6, 0.3, 2.0, 6e-8, -6e-8]


@st.composite
def terms(draw: st.DrawFn, x: gc.Node, y: gc.Node) -> Any:
    """Something that is calculated from x or y in a few steps."""
    steps: list[Callable[[Any], Any]] = [
        lambda v: -v,
        lambda v: v + draw(NUMBERS),
        lambda v: v - draw(NUMBERS),
        lambda v: draw(NUMBERS) - v,
        lambda v: v * draw(FACTORS),
        lambda v: v / draw(FACTORS),
        gc.abs, gc.square, gc.sqrt, gc.exp, gc.log,
        lambda v: v - y,
    ]  # fmt: skip
    found = draw(st.sampled_from([x, x, y]))
    for step in draw(st.lists(st.sampled_from(steps), max_size=3)):
        found = step(found)
    return found


@st.composite
def conditions(draw: st.DrawFn, x: gc.Node, y: gc.Node, deep: int = 2) -> Any:
    if deep and draw(st.booleans()):
        first = draw(conditions(x, y, deep - 1))
        if draw(st.integers(0, 3)) == 0:
            return ~first
        second = draw(conditions(x, y, deep - 1))
        return first & second if draw(st.booleans()) else first | second
    term = draw(terms(x, y))
    other = draw(NUMBERS) if draw(st.integers(0, 2)) else draw(terms(x, y))
    return draw(
        st.sampled_from(
            [
                *(term < other, term <= other, term > other, term >= other, term == other, term != other),
                *(gc.isnan(term), gc.isfinite(term), ~gc.isinf(term), term == gc.floor(term), gc.min(term) > 0),
                *(gc.all(term > other), gc.any(term > other)),
            ]
        )
    )


@settings(max_examples=600, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_follows_holds(data: Any) -> None:
    dtype = data.draw(st.sampled_from(["float16", "float32", "float64"]))
    bounds = data.draw(st.sampled_from([None, (0, 1), (-1, float("inf"))]))
    x, y = gc.input("x", (24,), dtype, range=bounds), gc.input("y", (24,), dtype)
    condition = data.draw(conditions(x, y))
    rng = np.random.default_rng(data.draw(st.integers(0, 100)))
    values = [np.concatenate([rng.choice(SPECIAL, 14), rng.normal(size=10)]).astype(x.dtype.numpy) for _ in range(2)]
    if bounds is not None:
        values[0] = np.clip(np.nan_to_num(values[0], nan=0.5), *bounds).astype(x.dtype.numpy)
    given_values = dict(zip((x, y), values, strict=True))
    chosen = gc.where(condition, x * 2, gc.sqrt(x))
    for holds in (True, False):
        facts = consequences(condition, holds, range_of, True)
        for about in (facts.everywhere, facts.here):
            for node, interval in about.items():
                with np.errstate(all="ignore"):
                    found, truth = evaluate_nodes([node, condition], given_values)
                if about is facts.everywhere:
                    kept = found if (truth == holds).any() else found[:0] if found.ndim else np.empty(0)
                else:
                    kept = found[truth == holds]
                wrong = outside(kept, interval)
                assert not wrong.size, (str(gc.ir.graph.Graph("f", (x, y), (condition, node))), str(interval), wrong)
    with np.errstate(all="ignore"):
        (value,) = evaluate_nodes([chosen], given_values)
    assert not outside(value, range_of(chosen)).size


def test_integers_below_one_may_be_zero() -> None:
    """Also beside a choice that hides them from the plain range."""
    x = gc.input("x", ("n",), "int64")
    f = gc.compile([x], gc.where(x < 1, gc.where(x < 0, 10, 20), 30))
    np.testing.assert_array_equal(f(np.array([-1, 0, 1])), [10, 20, 30])
    g = gc.compile([x], gc.where(x > -1, gc.where(x > 0, 10, 20), 30))
    np.testing.assert_array_equal(g(np.array([1, 0, -1])), [10, 20, 30])
