"""What an op does to stacks of operands: one rule an op, from operands with a batch axis in front to such a result.

An op may bring its own rule, `batch(size, batched, *xs)`: the result (a tuple for several), with a batch axis of
`size` in front, given operands of which those with `batched` have one too. Elementwise ops need none. A rule that gives
None leaves the items to a loop.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from graphc.ir.leaf import full
from graphc.ir.node import Node, make
from graphc.ir.op import Op
from graphc.ops import indexing, movement, reduction
from graphc.ops.base import Elementwise
from graphc.ops.contraction import Matmul, matmul, matrix_transpose
from graphc.ops.conversion import Addition, Expand, Reshape, expand
from graphc.ops.cumulative import Cumulative, LogCumulativeSumExp
from graphc.ops.deviations import Covariance
from graphc.ops.log_domain import LogProd, Weighted
from graphc.ops.movement import transpose
from graphc.ops.row_exponent import RowExponent
from graphc.ops.sorting import Argsort, Searchsorted, Sort
from graphc.ops.tuples import Pack
from graphc.ops.windows import Shear

Batched = tuple[bool, ...]
Stacked = Node | tuple[Node, ...]
Rule = Callable[[Any, Any, Batched, tuple[Node, ...]], Stacked | None]

RULES: dict[type[Op], Rule] = {}


def batches(*ops: type[Op]) -> Callable[[Rule], Rule]:
    """Make a function the rule of ops."""

    def register(rule: Rule) -> Rule:
        RULES.update(dict.fromkeys(ops, rule))
        return rule

    return register


def rule_of(op: Op) -> Rule | None:
    """The rule of an op, which may be that of its family; None if there is none."""
    return next((RULES[family] for family in type(op).__mro__ if family in RULES), None)


def whole(size: Any, batched: Batched, xs: tuple[Node, ...]) -> list[Node]:
    """All operands with the batch axis: those without one are repeated along it."""
    return [x if has else expand(x, (0,), (size,)) for x, has in zip(xs, batched)]


@batches(Elementwise)
def _elementwise(op: Op, size: Any, batched: Batched, xs: tuple[Node, ...]) -> Node:
    return make(op, *whole(size, batched, xs))


@batches(Addition, reduction.Prod, reduction.Max, reduction.Min, reduction.FloatReduction, reduction.RowWise, LogProd)
@batches(reduction.Argmax, reduction.Argmin, Weighted, Covariance, movement.Concat, Cumulative, LogCumulativeSumExp)
@batches(indexing.TakeAlongAxis, indexing.ScatterAddAlongAxis, Sort, Argsort, RowExponent)
def _later_axes(op: Any, size: Any, batched: Batched, xs: tuple[Node, ...]) -> Node:
    """Ops along axes that all operands have: the axes are one further back."""
    axis = op.axis + 1 if isinstance(op.axis, int) else _later(op.axis)
    return make(replace(op, axis=axis), *whole(size, batched, xs))


@batches(Expand)
def _expand(op: Expand, size: Any, batched: Batched, xs: tuple[Node, ...]) -> Node:
    return expand(xs[0], _later(op.axis), op.size)


@batches(Reshape)
def _reshape(op: Reshape, size: Any, batched: Batched, xs: tuple[Node, ...]) -> Node:
    return xs[0].reshape((size, *op.shape))


@batches(movement.Transpose)
def _transpose(op: movement.Transpose, size: Any, batched: Batched, xs: tuple[Node, ...]) -> Node:
    return transpose(xs[0], (0, *_later(op.axes)))


@batches(movement.Slice)
def _slice(op: movement.Slice, size: Any, batched: Batched, xs: tuple[Node, ...]) -> Node:
    return make(movement.Slice((0, *op.start), (size, *op.size), (1, *op.step)), xs[0])


@batches(movement.Pad)
def _pad(op: movement.Pad, size: Any, batched: Batched, xs: tuple[Node, ...]) -> Node:
    return make(movement.Pad((0, *op.start), (1, *op.step), (size, *op.shape), op.value), xs[0])


@batches(Shear)
def _shear(op: Shear, size: Any, batched: Batched, xs: tuple[Node, ...]) -> Node:
    return make(replace(op, axis=_later(op.axis), along=_later(op.along)), xs[0])


@batches(Matmul)
def _matmul(op: Matmul, size: Any, batched: Batched, xs: tuple[Node, ...]) -> Node:
    """A single matrix takes all rows (or columns) of the stack of others at once."""
    x, y = xs
    if batched == (True, False) and y.ndim == 2:
        return matmul(x, y)
    if batched == (False, True) and x.ndim == 2:
        return matrix_transpose(matmul(matrix_transpose(y), matrix_transpose(x)))
    return make(op, *whole(size, batched, xs))


@batches(indexing.Take)
def _take(op: indexing.Take, size: Any, batched: Batched, xs: tuple[Node, ...]) -> Node:
    x, indices = xs
    if batched == (True, False):
        return make(indexing.Take(op.axis + 1), x, indices)
    if batched == (False, True):
        return moved(make(op, x, indices), op.axis, 0)
    y = make(indexing.Gather(1), moved(x, op.axis + 1, 1), indices)
    return moved_block(y, 1, indices.ndim - 1, op.axis + 1)


@batches(indexing.ScatterAdd)
def _scatter_add(op: indexing.ScatterAdd, size: Any, batched: Batched, xs: tuple[Node, ...]) -> Node:
    g, indices = xs
    if batched == (True, False):
        return make(indexing.ScatterAdd(op.axis + 1, op.size), g, indices)
    g, indices = whole(size, batched, xs)
    values = moved_block(g, op.axis + 1, indices.ndim - 1, 1)
    rest = values.shape[indices.ndim :]
    table = full(0, g.type.with_shape((size, op.size, *rest)))
    return moved(make(indexing.PutAdd(1), table, values, indices), 1, op.axis + 1)


@batches(Searchsorted)
def _searchsorted(op: Searchsorted, size: Any, batched: Batched, xs: tuple[Node, ...]) -> Node | None:
    return None if batched[0] else make(op, *xs)


@batches(Pack)
def _pack(op: Pack, size: Any, batched: Batched, xs: tuple[Node, ...]) -> tuple[Node, ...]:
    return tuple(whole(size, batched, xs))


@batches(indexing.Gather, indexing.Putting)
def _gather(op: Any, size: Any, batched: Batched, xs: tuple[Node, ...]) -> Node:
    return make(replace(op, batch=op.batch + 1), *whole(size, batched, xs))


def _later(axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(a + 1 for a in axes)


def moved(x: Node, source: int, destination: int) -> Node:
    """An axis moved to another place."""
    return moved_block(x, source, 1, destination)


def moved_block(x: Node, source: int, count: int, destination: int) -> Node:
    """Some axes side by side, moved so that the first of them is at the destination."""
    block = range(source, source + count)
    rest = [a for a in range(x.ndim) if a not in block]
    return transpose(x, (*rest[:destination], *block, *rest[destination:]))
