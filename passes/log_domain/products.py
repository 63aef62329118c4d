"""Products of many numbers that have an exponent of their own: over axes, running ones, and of matrices."""

from __future__ import annotations

from dataclasses import replace

from graphc import dimension
from graphc.interpret.ranges import range_of
from graphc.ir.node import Node, make
from graphc.loops.define import cond
from graphc.ops.contraction import Matmul
from graphc.ops.conversion import Axes, Sum, cast, expand, reshape, squeeze
from graphc.ops.cumulative import CumulativeProd, CumulativeSum, shifted
from graphc.ops.elementwise import abs
from graphc.ops.logic import less, logical_and, not_equal
from graphc.ops.movement import Pad, slice_axis, transpose
from graphc.ops.reduction import Prod, any
from graphc.passes.log_domain.arithmetic import SETTLED, Extended, added, highest, normalised, relative, times, total
from graphc.types import float32, float64

BLOCK = 64
"""As many fractions from 0.5 to 1 have a product that is a normal float32."""
SMALL = {float32: 2.0**-70, float64: 2.0**-900}
"""Sums of products below this may lack some that underflowed."""
LITTLE = 512
"""So few products of two elements are not worth two ways to take them."""
LEVELS = 3
"""How often a product of unknown length is taken in blocks: enough for 10 million factors."""


def product(x: Extended, axis: Axes) -> Extended:
    """The product over axes: of blocks whose fractions have a product that is a number, again and again."""
    if not axis:
        return x
    kept = tuple(a for a in range(x.ndim) if a not in axis)
    x = normalised(x).moved(lambda part: transpose(part, (*kept, *axis)))
    x = x.moved(lambda part: reshape(part, (*part.shape[: len(kept)], -1)))
    for _ in range(_levels(x)):
        x = normalised(_multiplied(_blocks(x)))
    return _multiplied(x)


def running_product(x: Extended, axis: int, reverse: bool) -> Extended:
    """The product of all elements up to each one: within blocks, times that of all blocks before."""
    order = (*(a for a in range(x.ndim) if a != axis), axis)
    rows = normalised(x).moved(lambda part: transpose(part, order))
    found = _running(rows, reverse, _levels(rows))
    back = tuple(order.index(a) for a in range(x.ndim))
    return found.moved(lambda part: transpose(part, back))


def matrix_product(x: Extended, y: Extended, alarms: list[Node] | None = None) -> Extended:
    """The product of matrices, each row and each column relative to its largest power.

    Where these do not meet, a sum of products may underflow; then all products are taken one by one. With `alarms` they
    are not, and the condition is added to these.
    """
    if alarms is None and _is_little(x, y):
        return _one_by_one(x, y)
    rows, columns = _rows(x), _rows(y)
    row_power, column_power = highest(rows, (x.ndim - 1,)), highest(columns, (y.ndim - 2,))
    left = relative(rows, expand(row_power, (x.ndim - 1,), like=x.fraction))
    right = relative(columns, expand(column_power, (y.ndim - 2,), like=y.fraction))
    value = make(Matmul(), left, right)
    powers = added(
        expand(row_power, (value.ndim - 1,), like=value), expand(column_power, (value.ndim - 2,), like=value)
    )
    if rows.is_plain and columns.is_plain:
        return Extended(value, powers)
    small = less(abs(value), SMALL[value.dtype])
    if alarms is not None:
        alarms.append(any(small))
        return Extended(value, powers)
    fraction, power = cond(
        any(small), lambda: _where_they_meet(rows, columns, value, powers, small), lambda: (value, powers)
    )
    return Extended(fraction, power)


def _where_they_meet(rows: Extended, columns: Extended, value: Node, powers: Node, small: Node) -> tuple[Node, Node]:
    """A product of matrices with small elements; one by one unless these are sums of zeros."""
    present = (cast(not_equal(x.fraction, 0), value.dtype) for x in (rows, columns))
    lost = any(logical_and(small, not_equal(make(Matmul(), *present), 0)))

    def one_by_one() -> tuple[Node, Node]:
        found = _one_by_one(rows, columns)
        return found.fraction, found.power

    fraction, power = cond(lost, one_by_one, lambda: (value, powers))
    return fraction, power


def _rows(x: Extended) -> Extended:
    """Fractions that can be multiplied and added up."""
    found = range_of(x.fraction)
    return x if x.is_plain and max(-found.low, found.high) <= 2.0**20 else normalised(x, SETTLED)


def _is_little(x: Extended, y: Extended) -> bool:
    """Whether few products are taken."""
    number = dimension.product((*x.shape, y.shape[-1]))
    return isinstance(number, int) and number <= LITTLE


def _one_by_one(x: Extended, y: Extended) -> Extended:
    """The product of matrices as a sum of products."""
    rows, columns, ndim = x.shape[-2], y.shape[-1], x.ndim
    left = x.moved(lambda part: expand(part, (ndim,), (columns,)))
    right = y.moved(lambda part: expand(part, (ndim - 2,), (rows,)))
    return total(times(left, right), (ndim - 1,))


# --- blocks along the last axis ---


def _levels(x: Extended) -> int:
    """How often products of blocks are taken before few factors are left."""
    size, levels = x.shape[-1], 0
    if not isinstance(size, int):
        return LEVELS
    whole = BLOCK
    while size > whole:
        levels, whole = levels + 1, whole * BLOCK
    return levels


def _blocks(x: Extended, reverse: bool = False) -> Extended:
    """The last axis in blocks, ones put behind what does not fill the last one, or before with `reverse`."""
    size = x.shape[-1]
    number = (size + (BLOCK - 1)) // BLOCK
    start = (*(0 for _ in x.shape[:-1]), number * BLOCK - size if reverse else 0)

    def part(elements: Node, fill: float) -> Node:
        shape = (*elements.shape[:-1], number * BLOCK)
        padded = elements if size == number * BLOCK else make(Pad(start, (1,) * len(shape), shape, fill), elements)
        return reshape(padded, (*shape[:-1], number, BLOCK))

    return replace(x, fraction=part(x.fraction, 1.0), power=part(x.power, 0.0))


def _multiplied(x: Extended) -> Extended:
    """The product over the last axis, of few elements."""
    last = (x.ndim - 1,)
    return Extended(make(Prod(last), x.fraction), make(Sum(last), x.power), BLOCK)


def _running(x: Extended, reverse: bool, levels: int) -> Extended:
    """Running products along the last axis."""
    last = x.ndim - 1
    if not levels:
        running = make(CumulativeProd(last, reverse), x.fraction)
        return Extended(running, make(CumulativeSum(last, reverse), x.power), BLOCK)
    size = x.shape[-1]
    within = normalised(_running(_blocks(x, reverse), reverse, 0))
    end = 0 if reverse else BLOCK - 1
    whole = within.moved(lambda part: squeeze(slice_axis(part, last + 1, end, 1), (last + 1,)))
    ends = normalised(_running(whole, reverse, levels - 1))
    before = replace(
        ends,
        fraction=shifted(ends.fraction, last, reverse, 1),
        power=shifted(ends.power, last, reverse, 0),
    )
    found = times(within, before.moved(lambda part: expand(part, (last + 1,), (BLOCK,))))
    flat = found.moved(lambda part: reshape(part, (*x.shape[:-1], -1)))
    start = flat.shape[-1] - size if reverse else 0
    return flat.moved(lambda part: slice_axis(part, last, start, size))
