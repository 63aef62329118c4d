"""Loops and branches whose state has an exponent of its own: a carry becomes two, its fractions and its powers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import reduce

from graphc.ir.graph import Graph
from graphc.ir.leaf import constant
from graphc.ir.node import Node, make, recorded
from graphc.ir.substitution import variable
from graphc.loops.closure import closed
from graphc.loops.define import cond
from graphc.loops.ops import Scan, Switch, While
from graphc.loops.traces import traces
from graphc.ops.logic import logical_or
from graphc.ops.tuples import items
from graphc.passes.log_domain.arithmetic import SETTLED, Extended, Number, extended, normalised, ordinary
from graphc.types import TensorType, bool_

Evaluate = Callable[[Sequence[Node], Mapping[Node, Number], list[Node] | None], list[Number]]
"""What nodes of an inner graph are, for what its inputs are; see `calculated` for the alarms."""


def carried_scan(
    op: Scan,
    operands: Sequence[Number],
    growing: Sequence[bool],
    used: Sequence[int],
    evaluate: Evaluate,
    alarms: list[Node] | None,
) -> dict[int, Number]:
    """The results that are used of a scan of which some carries and operands have exponents of their own, by number.

    All steps are taken the quick way. If they raise an alarm, they are all taken again with care.
    """
    loop = _Carried(op, operands, growing, used, evaluate)
    quick, alarm = loop.results(quick=True)
    if alarm is None:
        return quick
    if alarms is not None:
        alarms.append(alarm)
        return quick
    forms = list(quick.values())
    found = cond(alarm, lambda: _parts(list(loop.results(quick=False)[0].values())), lambda: _parts(forms))
    return dict(zip(quick, _joined(found, forms), strict=True))


class _Carried:
    """A scan whose state has exponents of its own."""

    def __init__(
        self, op: Scan, operands: Sequence[Number], growing: Sequence[bool], used: Sequence[int], evaluate: Evaluate
    ) -> None:
        n, split = op.carries, op.carries + op.sequences
        self.op, self.evaluate = op, evaluate
        self.first = [_begun(x) if grows else x for x, grows in zip(operands, growing, strict=False)]
        self.rows = [normalised(x) if isinstance(x, Extended) else x for x in operands[n:split]]
        self.constants = operands[split:]
        flag = n + len(op.stacked) - 1 if op.until else None
        self.last = [i for i in used if i < n]
        self.stacked = [i for i in used if i >= n and i != flag]
        self.flags = [] if flag is None else [flag]

    def results(self, quick: bool) -> tuple[dict[int, Number], Node | None]:
        """The results that are used, and whether the quick way went wrong, where that may be."""
        op, n = self.op, self.op.carries
        state, slices = [_variables(x) for x in self.first], [_slice(x) for x in self.rows]
        values = dict(zip(op.body.inputs, [*state, *slices, *self.constants], strict=True))
        wanted = [*op.body.outputs[:n], *(op.body.outputs[i] for i in self.stacked)]
        alarms: list[Node] | None = [] if quick else None
        outputs = self.evaluate([*wanted, *op.body.outputs[n + len(op.stacked) :]], values, alarms)
        following = [_like(x, begun, y) for x, begun, y in zip(outputs, self.first, wanted, strict=False)]
        stacked, stop = outputs[n : len(wanted)], outputs[len(wanted) :]
        first, now, after = _parts(self.first), _parts(state), _parts(following)
        if alarms:
            first, now = [*first, constant(False)], [*now, variable(TensorType(bool_, ()))]
            after = [*after, reduce(logical_or, alarms, now[-1])]

        own = dict.fromkeys(now, "carry") | dict.fromkeys(_parts(slices), "x")
        rows = _parts(stacked)
        kept = traces(now, own, [*after, *rows], rows, products=True)
        ends = [constant(True), *_parts(stop)] if op.until else []
        graph, needed = closed([*after, *rows, *kept, *ends], own, always=len(own))
        new = Scan(graph, len(now), len(_parts(slices)), op.length, op.reverse, op.until)
        found = items(make(new, *first, *_parts(self.rows), *needed[len(own) :]))
        carries = dict(enumerate(_joined(found, following)))
        results = {i: carries[i] for i in self.last}
        results |= zip(self.stacked, _joined(found[len(now) :], stacked), strict=True)
        results |= dict.fromkeys(self.flags, found[-1])
        return results, found[len(now) - 1] if alarms else None


def carried_while(op: While, operands: Sequence[Number], growing: Sequence[bool], evaluate: Evaluate) -> list[Number]:
    """The results of a while loop of which some carries have exponents of their own."""
    n = op.carries
    first = [_begun(x) if grows else x for x, grows in zip(operands, growing, strict=False)]
    state = [_variables(x) for x in first]
    values = [*state, *operands[n:]]
    outputs = evaluate(op.body.outputs, dict(zip(op.body.inputs, values, strict=True)), None)
    goes_on = evaluate(op.condition.outputs, dict(zip(op.condition.inputs, values, strict=True)), None)
    following = [_like(x, begun, node) for x, begun, node in zip(outputs, first, op.body.outputs, strict=True)]
    own = dict.fromkeys(_parts(state), "carry")
    graph, needed = closed([_plain(goes_on[0]), *_parts(following)], own, always=len(own))
    condition, body = replace(graph, outputs=graph.outputs[:1]), replace(graph, outputs=graph.outputs[1:])
    found = items(make(While(condition, body, len(own)), *_parts(first), *needed[len(own) :]))
    return _joined(found, following)


def carried_switch(op: Switch, operands: Sequence[Number], evaluate: Evaluate) -> list[Number]:
    """The results of a branch some of whose operands have exponents of their own."""
    given = [_variables(x) for x in operands[1:]]
    with recorded() as made:
        found = [evaluate(b.outputs, dict(zip(b.inputs, given, strict=True)), None) for b in op.branches]
        wide = [any(isinstance(x, Extended) for x in column) for column in zip(*found, strict=True)]
        results = [[extended(x) if w else x for x, w in zip(row, wide, strict=True)] for row in found]
    forms = [_widest(column) for column in zip(*results, strict=True)]
    own = dict.fromkeys(_parts(given), "x")
    graph, needed = closed([part for row in results for part in _parts(row)], own, always=len(own), inside=made)
    count = len(_parts(results[0]))
    branches = [Graph("inner", graph.inputs, graph.outputs[i * count : (i + 1) * count]) for i in range(len(results))]
    node = make(Switch(tuple(branches)), _plain(operands[0]), *_parts(operands[1:]), *needed[len(own) :])
    return _joined(items(node), forms)


def _begun(x: Number) -> Extended:
    """What a carry begins with, no better known than what it becomes."""
    return replace(normalised(extended(x), SETTLED), spread=SETTLED)


def _like(x: Number, begun: Number, node: Node) -> Number:
    """What a carry becomes, in the form in which it began."""
    if isinstance(begun, Extended):
        return normalised(extended(x), SETTLED)
    return ordinary(x, node.dtype) if isinstance(x, Extended) else x


def _widest(column: Sequence[Number]) -> Number:
    """Of the results of all branches in one place the one of which least is known."""
    return max(column, key=lambda x: x.spread if isinstance(x, Extended) else 0.0)


def _plain(x: Number) -> Node:
    assert isinstance(x, Node)
    return x


def _variables(x: Number) -> Number:
    """What stands for a value inside."""
    if isinstance(x, Node):
        return variable(x.type)
    return Extended(variable(x.fraction.type), variable(x.power.type), x.spread)


def _slice(x: Number) -> Number:
    """What stands for a slice of a sequence inside."""
    if isinstance(x, Node):
        return variable(_row(x.type))
    return Extended(variable(_row(x.fraction.type)), variable(_row(x.power.type)), x.spread)


def _row(type_: TensorType) -> TensorType:
    return type_.with_shape(type_.shape[1:])


def _parts(xs: Sequence[Number]) -> list[Node]:
    """All nodes, fractions before powers."""
    return [part for x in xs for part in ((x.fraction, x.power) if isinstance(x, Extended) else (x,))]


def _joined(found: Sequence[Node], like: Sequence[Number]) -> list[Number]:
    """Results in the form of others, whose parts they are."""
    parts = iter(found)
    return [Extended(next(parts), next(parts), x.spread) if isinstance(x, Extended) else next(parts) for x in like]
