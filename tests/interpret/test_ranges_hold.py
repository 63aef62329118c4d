"""Every computed value lies in the interval that range analysis claims, in loops and branches too.

To search for longer, raise the number of examples and delete `derandomize`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import graphc as gc
from graphc.errors import GraphcError
from graphc.interpret import evaluate
from graphc.interpret.interval import Interval
from graphc.interpret.ranges import places_inside, range_of
from graphc.ir.graph import Graph
from graphc.ir.knowledge import knowing
from graphc.ir.node import Node, describe
from graphc.testing import graphs, sample, sizes_for
from graphc.testing.strategies import known_ops
from graphc.types import TupleType


def outside(array: Any, interval: Interval) -> Any:
    """The elements that an interval does not hold."""
    wide = np.asarray(array)
    exact = wide.astype(np.float64) if wide.dtype.kind not in "iu" else wide.astype(object)
    if wide.dtype.kind in "iu":
        return np.array([v for v in exact.reshape(-1) if not interval.low <= float(v) <= interval.high])
    nan, infinite = np.isnan(exact), np.isinf(exact)
    good = (exact >= interval.low) & (exact <= interval.high)
    good &= ~infinite | interval.may_be_infinite
    good &= (exact != 0) | interval.may_be_zero
    good &= (exact == np.floor(exact)) | infinite | (not interval.whole)
    return exact[~np.where(nan, interval.may_be_nan, good)]


class Held:
    """Watches an evaluation, at a place."""

    def __init__(self, place: Any = None) -> None:
        self.place = place

    def computed(self, node: Node, xs: Sequence[Any], value: Any) -> None:
        if isinstance(node.type, TupleType):
            return
        with knowing(self.place):
            found = range_of(node)
        assert not outside(value, found).size, (describe(node), node.op, str(found), outside(value, found)[:3])

    def inside(self, node: Node, number: int) -> "Held":
        with knowing(self.place):
            return Held(places_inside(node)[number])


def check(graph: Graph, seed: int, special: bool, sizes: tuple[int, int] = (3, 2)) -> list[Any] | None:
    """Evaluate with every value compared; no sizes that the graph cannot have."""
    arrays = sample(graph, seed, sizes_for(graph, *sizes), special=special)
    try:
        with np.errstate(all="ignore"):
            evaluate(graph, arrays, watcher=Held())
    except GraphcError:
        return None
    return arrays


def examples(count: int) -> settings:
    return settings(
        max_examples=count, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )


@examples(150)
@given(graphs(max_ops=8), st.integers(0, 1000), st.booleans())
def test_ranges_hold(graph: Graph, seed: int, special: bool) -> None:
    check(graph, seed, special)


@pytest.mark.parametrize("op", sorted(known_ops()))
@examples(12)
@given(data=st.data())
def test_ranges_hold_of_each_op(op: str, data: Any) -> None:
    graph = data.draw(graphs(ops=[op], max_ops=2, updates=False))
    for seed in range(3):
        check(graph, seed, bool(seed % 2), (3, 2))


@examples(60)
@given(graphs(max_ops=6, updates=False), st.integers(0, 1000), st.booleans())
def test_ranges_hold_of_native_code(graph: Graph, seed: int, special: bool) -> None:
    arrays = check(graph, seed, special)
    nodes = [node for node in graph.nodes if node.args and not isinstance(node.type, TupleType)]
    if arrays is None or not nodes:
        return
    found = gc.compile(graph.inputs, nodes, passes="")(*arrays)
    for node, value in zip(nodes, found, strict=True):
        interval = range_of(node)
        assert not outside(value, interval).size, (describe(node), node.op, str(interval), outside(value, interval)[:3])
