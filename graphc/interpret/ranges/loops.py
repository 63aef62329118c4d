"""Ranges in loops and branches: inner graphs know what they are given; what goes from step to step is a fixed point.

What a loop carries begins as an interval that holds its first value and grows with what the body makes of it; bounds
that still move after some rounds are widened, to infinity in the end, and drawn in again by one more round.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from graphc.interpret.interval import Interval, everything, hull, inf, meet
from graphc.interpret.interval_reader import within
from graphc.interpret.ranges.analysis import OF_INNER, Branch, Place, interval_at
from graphc.ir.graph import Graph
from graphc.ir.knowledge import present
from graphc.ir.node import Node
from graphc.loops.ops import Scan, Switch, While
from graphc.ops.conversion import Cast
from graphc.types import DType, bool_

THRESHOLDS = (-1.0, 0.0, 1.0)
ROUNDS = 2  # before bounds are widened
MOST_ROUNDS = 8
Intervals = Sequence[Interval]


def places_inside(node: Node) -> tuple[Place | None, ...]:
    """For each inner graph of a node the place where its inputs have the ranges of what they stand for."""
    around = present()

    def of_operands(computed: bool) -> list[Interval]:
        return [interval_at(around, x, computed) for x in node.args]

    match node.op:
        case Scan() as scan:
            return (_inside(scan.body, lambda c: _given_to_steps(scan, of_operands(c), c), node),)
        case While() as loop:
            return (
                _inside(loop.condition, lambda c: _state_of_while(loop, of_operands(c), c), node),
                _running(loop, lambda c: _state_of_while(loop, of_operands(c), c), node),
            )
        case Switch(branches=branches):
            given = (_where_chosen(node, number, around) for number in range(len(branches)))
            return tuple(_inside(graph, ranges, node) for graph, ranges in zip(branches, given, strict=True))
    return (None,) * len(node.op.inner)


def _inside(graph: Graph, ranges: Callable[[bool], Intervals], *because: Node) -> Place:
    """The place of an inner graph with these ranges of its inputs."""
    return Place(lambda c: dict(zip(graph.inputs, ranges(c), strict=True)), None, most=None, because=because)


def _results(graph: Graph, place: Place, computed: bool) -> list[Interval]:
    return [replace(interval_at(place, y, computed)) for y in graph.outputs]


# --- scans ---


def _of_scan(node: Node, xs: Intervals, computed: bool) -> tuple[Interval, ...]:
    op = node.op
    assert isinstance(op, Scan)
    place = _inside(op.body, lambda _: _given_to_steps(op, xs, computed))
    results = _results(op.body, place, computed)
    last = [hull([first, new]) for first, new in zip(xs[: op.carries], results, strict=False)]
    rows = results[op.carries : len(results) - op.until]
    # Rows of steps that did not run are 0.
    return (*last, *(hull([row, Interval(0.0, 0.0)]) if op.until else row for row in rows))


def _given_to_steps(op: Scan, xs: Intervals, computed: bool) -> list[Interval]:
    n = op.carries

    def step(state: Intervals) -> list[Interval]:
        return _results(op.body, _inside(op.body, lambda _: [*state, *xs[n:]]), computed)[:n]

    return [*_fixed_point(xs[:n], step, [x.dtype for x in op.body.inputs[:n]]), *xs[n:]]


# --- while loops ---


def _of_while(node: Node, xs: Intervals, computed: bool) -> tuple[Interval, ...]:
    op = node.op
    assert isinstance(op, While)
    state = _state_of_while(op, xs, computed)
    place = _decided(op, lambda _: state, holds=False)
    return tuple(replace(interval_at(place, x, computed)) for x in op.condition.inputs[: op.carries])


def _state_of_while(op: While, xs: Intervals, computed: bool) -> list[Interval]:
    n = op.carries

    def step(state: Intervals) -> list[Interval]:
        place = _running(op, lambda _: [*state, *xs[n:]])
        return _results(op.body, place, computed)

    return [*_fixed_point(xs[:n], step, [x.dtype for x in op.body.inputs[:n]]), *xs[n:]]


def _running(op: While, ranges: Callable[[bool], Intervals], *because: Node) -> Place:
    """The place of the body of a while loop, where its condition holds."""
    decided = _decided(op, ranges, holds=True)
    return _inside(op.body, lambda c: [interval_at(decided, x, c) for x in op.condition.inputs], *because)


def _decided(op: While, ranges: Callable[[bool], Intervals], *, holds: bool) -> Place:
    """The place where it is known whether the condition of a while loop holds."""
    place = _inside(op.condition, ranges)
    return Branch(op.condition.outputs[0], holds, place).of_all(place) or place


# --- branches ---


def _of_switch(node: Node, xs: Intervals, computed: bool) -> tuple[Interval, ...]:
    op = node.op
    assert isinstance(op, Switch)
    columns = [_results(graph, _inside(graph, lambda _: xs[1:]), computed) for graph in op.branches]
    return tuple(hull(column) for column in zip(*columns, strict=True))


def _where_chosen(node: Node, number: int, around: Place | None) -> Callable[[bool], Intervals]:
    """The ranges of what a branch is given where it is chosen."""
    index, place = node.args[0], around
    if isinstance(index.op, Cast) and index.args[0].dtype is bool_ and len(node.op.inner) == 2:
        place = Branch(index.args[0], number == 1, around).of_all(around)
    return lambda c: [interval_at(place, x, c) for x in node.args[1:]]


# --- fixed points ---


def _fixed_point(first: Intervals, step: Callable[[Intervals], Intervals], dtypes: Sequence[DType]) -> list[Interval]:
    """Intervals that hold the first values and what a step makes of any values in them."""
    state = [replace(x) for x in first]
    for count in range(MOST_ROUNDS):
        grown = [hull([old, new]) for old, new in zip(state, step(state), strict=True)]
        if grown == state:
            break
        state = [_widened(old, new, count) for old, new in zip(state, grown, strict=True)]
    else:
        return [within(everything(), dtype) for dtype in dtypes]
    # What a step makes of these intervals holds all values too, and may be smaller.
    drawn_in = [hull([old, new]) for old, new in zip(first, step(state), strict=True)]
    return [meet(old, new) for old, new in zip(state, drawn_in, strict=True)]


def _widened(old: Interval, new: Interval, count: int) -> Interval:
    """An interval that has grown, as far as it may still grow."""
    low, high = new.low, new.high
    thresholds = THRESHOLDS if count == ROUNDS else ()
    if count >= ROUNDS and low < old.low:
        low = max((t for t in thresholds if t <= low), default=-inf)
    if count >= ROUNDS and high > old.high:
        high = min((t for t in thresholds if t >= high), default=inf)
    return replace(new, low=low, high=high)


OF_INNER.update({Scan: _of_scan, While: _of_while, Switch: _of_switch})
