"""Sums of arrays that are zero but for a range along one axis each: laid side by side instead of added.

The derivative of `x[:, :h]`, `x[:, h:2*h]` … with respect to x is such a sum.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from graphc.dimension import Dim
from graphc.ir.leaf import full
from graphc.ir.node import Node
from graphc.ops.movement import Pad, concat


def side_by_side(terms: Sequence[Node]) -> list[Node]:
    """The terms of a sum, those that lie in different ranges of one axis joined into one."""
    strips: dict[int, list[tuple[int, int, Node]]] = {}
    rest = []
    for term in terms:
        found = _strip(term)
        if found is None:
            rest.append(term)
        else:
            axis, start, stop = found
            strips.setdefault(axis, []).append((start, stop, term))
    for axis, parts in strips.items():
        parts.sort(key=lambda part: part[:2])
        apart = all(one[1] <= other[0] for one, other in itertools.pairwise(parts))
        if len(parts) > 1 and apart:
            rest.append(_joined(axis, parts))
        else:
            rest += [term for _, _, term in parts]
    return rest


def _strip(term: Node) -> tuple[int, int, int] | None:
    """The axis, start and stop of the range outside which a padded array is zero."""
    if not isinstance(term.op, Pad) or term.op.value != 0 or any(step != 1 for step in term.op.step):
        return None
    inner = term.args[0].shape
    cut = [a for a in range(term.ndim) if inner[a] != term.shape[a]]
    if len(cut) != 1:
        return None
    start, size, whole = term.op.start[cut[0]], inner[cut[0]], term.shape[cut[0]]
    if isinstance(start, int) and isinstance(size, int) and isinstance(whole, int):
        return cut[0], start, start + size
    return None


def _joined(axis: int, parts: Sequence[tuple[int, int, Node]]) -> Node:
    """Strips in their order, with zeros between them."""
    whole = parts[0][2].type
    pieces: list[Node] = []
    end: int | Dim = 0
    for start, stop, term in (*parts, (whole.shape[axis], whole.shape[axis], None)):
        if start != end:
            gap = (*whole.shape[:axis], start - end, *whole.shape[axis + 1 :])
            pieces.append(full(0, whole.with_shape(gap)))
        if term is not None:
            pieces.append(term.args[0])
        end = stop
    return concat(pieces, axis)
