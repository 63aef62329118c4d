"""An element of a row less the logarithm of the row's sum of exponentials, however the element is picked.

    x[y] - logsumexp(x)      is      log_softmax(x)[y]

A cross-entropy of logits is often written so. Where the element dominates, both terms are equal but for the little that
is wanted; log_softmax calculates that little.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.dimension import Dim
from graphc.ir.leaf import uniform_value
from graphc.ir.node import Node, make
from graphc.ir.op import Op
from graphc.ir.pattern import SUMS, View, views
from graphc.ir.rule import RuleSet
from graphc.ops.base import Elementwise
from graphc.ops.conversion import Reshape
from graphc.ops.elementwise import Add, Subtract
from graphc.ops.indexing import Gather, Take, TakeAlongAxis
from graphc.ops.movement import Slice
from graphc.ops.position import Iota
from graphc.ops.reduction import Logsumexp, log_softmax
from graphc.passes.rules.combinations import keeps_order, signed_sum

PICKED = RuleSet("picked")
MOST_TERMS = 3
MOST_MOVES = 6
DEEPEST = 4  # elementwise ops between a row and where an element of it was picked

Move = tuple[Op, tuple[Node, ...]]  # an op that moves elements, and its operands but the first


@PICKED.rewriter(Add, Subtract, kind="stabilizing", reference="S5", proof="tested: SymPy does not pick by symbols")
def picked_less_logsumexp(node: Node) -> Node | None:
    """Where an element dominates its row, it and the logsumexp of the row nearly cancel."""
    for view in views(node, SUMS, MOST_TERMS):
        for i, part in enumerate(view.parts):
            total = _logsumexp(part.value)
            found = _with(total, i, view) if total is not None else None
            if found is not None:
                return found
    return None


def _with(total: Node, i: int, view: View) -> Node | None:
    """The sum, with one of the terms that is picked from the row of part `i` taken together with it."""
    (row,) = total.args
    axis = total.op.attributes()["axis"]
    for j, other in enumerate(view.parts):
        if other.sign == view.parts[i].sign:
            continue
        moves = _moves(other.value, row, DEEPEST)
        if moves is None or not _picks_one(moves, row, axis):
            continue
        picked = log_softmax(row, axis)
        for op, others in reversed(moves):
            picked = make(op, picked, *others)
        rest = [(part.sign, part.value) for k, part in enumerate(view.parts) if k not in (i, j)]
        return signed_sum([(other.sign, picked), *rest])
    return None


def _logsumexp(x: Node) -> Node | None:
    """The logsumexp that is below ops which only add or drop axes of size 1."""
    for _ in range(MOST_MOVES):
        if isinstance(x.op, Logsumexp):
            return x
        if not keeps_order(x.op):
            return None
        x = x.args[0]
    return None


def _moves(x: Node, row: Node, deep: int) -> tuple[Move, ...] | None:
    """The moves, the last first, that make x of the row, be they on its operands."""
    moves: list[Move] = []
    while x is not row and x.op.moves and len(moves) < MOST_MOVES:
        within = _slice_of_slice(x, row)
        if within is not None:
            return (*moves, *within)
        moves.append((x.op, x.args[1:]))
        x = x.args[0]
    if x is row:
        return tuple(moves)
    if deep == 0 or not isinstance(x.op, Elementwise) or x.op != row.op or not x.args:
        return None
    found: tuple[Move, ...] | None = None
    for mine, other in zip(x.args, row.args, strict=True):
        if uniform_value(mine) is not None and uniform_value(mine) == uniform_value(other):
            continue
        below = _moves(mine, other, deep - 1)
        if below is None or (found is not None and not _same(below, found)):
            return None
        found = below
    return None if found is None else (*moves, *found)


def _slice_of_slice(x: Node, row: Node) -> tuple[Move, ...] | None:
    """The moves that make x of the row, where both are slices of one node, perhaps with other axes of size 1."""
    inner, outer = _slice_below(x), _slice_below(row)
    if inner is None or outer is None or inner[0] is not outer[0]:
        return None
    small, large = inner[1], outer[1]
    kept = [a for a, size in enumerate(large.size) if row.ndim == len(large.size) or not _equal(size, 1)]
    if len(kept) != row.ndim or not all(_equal(large.size[a], row.shape[i]) for i, a in enumerate(kept)):
        return None
    places = zip(small.start, small.size, large.start, large.size, strict=True)
    start = [a - b for a, n, b, m in places if _inside(a, n, b, m)]
    if len(start) != len(large.size) or {*small.step, *large.step} != {1}:
        return None
    op = Slice(tuple(start[a] for a in kept), tuple(small.size[a] for a in kept), (1,) * len(kept))
    return (Reshape(x.shape), ()), (op, ())


def _inside(first: int | Dim, size: int | Dim, start: int | Dim, whole: int | Dim) -> bool:
    """Whether a range is known to lie inside another one."""
    if not (isinstance(first, int) and isinstance(size, int) and isinstance(start, int) and isinstance(whole, int)):
        return False
    return start <= first <= first + size <= start + whole


def _slice_below(x: Node) -> tuple[Node, Slice] | None:
    """The slice that a node is, perhaps with other axes of size 1, and of what."""
    if isinstance(x.op, Reshape):
        x = x.args[0]
    return (x.args[0], x.op) if isinstance(x.op, Slice) else None


def _same(these: Sequence[Move], those: Sequence[Move]) -> bool:
    return len(these) == len(those) and all(
        op == other and len(args) == len(others) and all(a is b for a, b in zip(args, others, strict=True))
        for (op, args), (other, others) in zip(these, those, strict=True)
    )


def _picks_one(moves: Sequence[Move], row: Node, axis: tuple[int, ...]) -> bool:
    """Whether moves take one element of each row, in the order of the rows."""
    if not moves:
        return False
    *above, (op, others) = moves
    if not all(keeps_order(each) for each, _ in above):
        return False
    shape = row.shape
    match op:
        case Slice(size=size, step=step):
            whole = (_equal(size[a], shape[a]) and step[a] == 1 for a in range(row.ndim) if a not in axis)
            return all(_equal(size[a], 1) for a in axis) and all(whole)
        case TakeAlongAxis(axis=along):
            return axis == (along,) and _equal(others[0].shape[along], 1)
        case Take(axis=along):
            return axis == (along,) and others[0].ndim == 0
        case Gather(batch=0) if row.ndim == 2 and len(others) == 2 and len(axis) == 1:
            (kept,) = {0, 1} - set(axis)
            rows = others[kept]
            return isinstance(rows.op, Iota) and rows.ndim == 1 and _equal(rows.op.size, shape[kept])
    return False


def _equal(size: Any, other: Any) -> bool:
    return bool(size == other)
