"""Kernels in which order counts: values that go to computed places, one after the other, and running totals.

Comes in: the builder of a kernel and the node that it is to calculate; goes out: statements. Everything is parallel
over the other axes, so what is read and written there can run in vectors, and the order is the same on every target.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from graphc import dimension
from graphc.dimension import symbol
from graphc.ir.leaf import full
from graphc.ir.node import Node
from graphc.kernel import (
    Accumulate,
    Accumulator,
    CheckIndex,
    Combine,
    For,
    Let,
    Load,
    Operand,
    Position,
    Statement,
    Store,
)
from graphc.ops.cumulative import Cumulative, CumulativeMax, CumulativeMin, CumulativeProd, CumulativeSum
from graphc.ops.elementwise import Add
from graphc.ops.indexing import Putting, ScatterAdd, ScatterAddAlongAxis, Scattering
from graphc.passes.fuse import domain_index
from graphc.passes.indexing import Index, offset

if TYPE_CHECKING:
    from graphc.passes.build_kernel import Builder

_COMBINE: dict[type, Combine] = {
    CumulativeSum: "sum",
    CumulativeProd: "prod",
    CumulativeMax: "max",
    CumulativeMin: "min",
}


@dataclass(frozen=True, eq=False)
class _Scatter:
    """What a scattering op says: where it starts from, and the values and indices at the steps of its walk."""

    start: Node
    values: Node
    indices: tuple[Node, ...]
    axes: tuple[int, ...]  # of the result, those that the indices are for
    steps: Index
    at: Index  # into the indices

    def values_index(self, whole: Index) -> Index:
        return (*whole[: self.axes[0]], *self.steps, *whole[self.axes[-1] + 1 :])


def scatter(builder: Builder, node: Node) -> None:
    """A copy of what is there before; then every value goes to its place, in row-major order of the indices.

    for i < n: y[i] = x[i]
    for j < m serial: y[index[j]] = combine(y[index[j]], v[j])
    """
    assert isinstance(node.op, Scattering)
    told = _told(node)
    whole = domain_index(node.shape)
    buffer = builder.buffer(node, "update")
    place = offset(whole, node.shape)
    builder.open_all(whole, node.shape)
    builder.add(Store(buffer.name, place, builder.value(told.start, whole, None)))
    builder.close_all(whole, "parallel")
    others = tuple(0 if a in told.axes else i for a, i in enumerate(whole))
    builder.open_all(others, node.shape)
    builder.open_all(told.steps, told.values.shape[told.axes[0] :])
    positions, valid = [], None
    for indices, a in zip(told.indices, told.axes, strict=True):
        position, ok = builder.checked(builder.value(indices, told.at, None), told.at, node.shape[a])
        positions.append(symbol(position))
        valid = builder.both(valid, ok)
    at = (*whole[: told.axes[0]], *positions, *whole[told.axes[-1] + 1 :])
    value = builder.value(told.values, told.values_index(whole), None)
    _combine_at(builder, node, offset(at, node.shape), value, valid)
    builder.close_all(told.steps, "serial")
    builder.close_all(others, "parallel")


def _combine_at(builder: Builder, node: Node, place: Any, value: Operand, valid: str | None) -> None:
    buffer = builder.buffer(node, "update")
    combine = node.op.combine if isinstance(node.op, Putting) else Add()
    if combine is not None:
        old = builder.fresh("v")
        builder.emit(old, Load(old, buffer.name, place, valid), place, valid)
        value = builder.let(combine, node.dtype, (old, value))
    builder.add(Store(buffer.name, place, value, valid))


def only_checks(body: tuple[Statement, ...], needed: set[str]) -> tuple[Statement, ...]:
    """The statements that find out whether indices are in bounds; `needed` are names that come before them."""
    kept: list[Statement] = []
    for statement in reversed(body):
        match statement:
            case For(extent=extent, body=inner):
                statement = replace(statement, body=only_checks(inner, needed))
                if not statement.body:
                    continue
                needed |= dimension.symbols_of(extent)
            case CheckIndex(value=value, extent=extent):
                needed |= {*dimension.symbols_of(extent), *([value] if isinstance(value, str) else [])}
            case Load(name, _, index, mask) if name in needed:
                needed |= {*dimension.symbols_of(index), *([mask] if mask else [])}
            case Position(name, _, index) if name in needed:
                needed |= dimension.symbols_of(index)
            case Let(name, _, _, args) if name in needed:
                needed |= {arg for arg in args if isinstance(arg, str)}
            case _:
                continue
        kept.append(statement)
    return tuple(reversed(kept))


def _told(node: Node) -> _Scatter:
    """The walk of a scattering op: its loop variables are `j0`, `j1` …"""
    match node.op:
        case Putting(batch=batch):
            start, values, *indices = node.args
            steps = _steps(indices[0].shape[batch:])
            axes = tuple(range(batch, batch + len(indices)))
            at = (*domain_index(node.shape)[:batch], *steps)
            return _Scatter(start, values, tuple(indices), axes, steps, at)
        case ScatterAdd(axis=axis):
            values, index = node.args
            steps = _steps(index.shape)
            return _Scatter(full(0, node.type), values, (index,), (axis,), steps, steps)
        case ScatterAddAlongAxis(axis=axis):
            values, index = node.args
            steps = _steps((values.shape[axis],))
            whole = domain_index(node.shape)
            at = (*whole[:axis], *steps, *whole[axis + 1 :])
            return _Scatter(full(0, node.type), values, (index,), (axis,), steps, at)
    raise AssertionError(f"{node.op.name} scatters nothing")


def _steps(shape: tuple[Any, ...]) -> Index:
    return tuple(0 if n == 1 else symbol(f"j{k}") for k, n in enumerate(shape))


def cumulate(builder: Builder, node: Node) -> None:
    """The first element of each row is that of the operand; each other one takes in the one before.

    y[0] = x[0];  for j < n-1 serial: y[j+1] = step(y[j], x[j+1])
    """
    assert isinstance(node.op, Cumulative)
    if type(node.op) in _COMBINE:
        accumulate(builder, node)
        return
    a, n, backwards = node.op.axis, node.shape[node.op.axis], node.op.reverse
    whole = domain_index(node.shape)
    others = (*whole[:a], 0, *whole[a + 1 :])
    buffer = builder.buffer(node, "update")

    def at(place: Any) -> Index:
        return (*whole[:a], n - 1 - place if backwards else place, *whole[a + 1 :])

    builder.open_all(others, node.shape)
    there, steps = dimension.call("min", n, 1), dimension.call("max", n - 1, 0)
    step, first = symbol("j0"), 0 if there == 1 else symbol("j1")  # the first is a loop of one iteration, or none
    builder.open_all((first,), (there,))
    builder.add(Store(buffer.name, offset(at(first), node.shape), builder.value(node.args[-1], at(first), None)))
    builder.close_all((first,), "parallel")
    builder.open_all((step,), (steps,))
    old, before = builder.fresh("v"), offset(at(step), node.shape)
    builder.emit(old, Load(old, buffer.name, before), before)
    total: Operand = old
    for op, x in zip(node.op.steps, node.args, strict=True):
        total = builder.let(op, node.dtype, (total, builder.value(x, at(step + 1), None)))
    builder.add(Store(buffer.name, offset(at(step + 1), node.shape), total))
    builder.close_all((step,), "serial")
    builder.close_all(others, "parallel")


def accumulate(builder: Builder, node: Node) -> None:
    """Running sums, products and extremes do not go through memory; sums of floats are as if in twice the precision.

    for j < n serial(total): total <- x[j]; y[j] = total
    """
    assert isinstance(node.op, Cumulative)
    a, n, combine, start = node.op.axis, node.shape[node.op.axis], _COMBINE[type(node.op)], None
    if combine == "sum" and node.dtype.is_float:
        combine, start = "compensated_sum", -0.0  # -0.0 + -0.0 is -0.0
    whole = domain_index(node.shape)
    others = (*whole[:a], 0, *whole[a + 1 :])
    step = symbol("j0")
    at = (*whole[:a], n - 1 - step if node.op.reverse else step, *whole[a + 1 :])
    buffer = builder.buffer(node, "write")
    builder.open_all(others, node.shape)
    builder.open("j0", n)
    total = Accumulator(builder.fresh("v"), node.dtype, combine, start)
    builder.add(Accumulate(total.name, builder.value(node.args[0], at, None)))
    builder.add(Store(buffer.name, offset(at, node.shape), total.name))
    builder.close("j0", "serial", (total,))
    builder.close_all(others, "parallel")
