"""Sums of what need not be made to be added up."""

from __future__ import annotations

from graphc.ir.node import Node
from graphc.ir.rule import RuleSet
from graphc.ops.conversion import Sum, squeeze, sum
from graphc.ops.indexing import ScatterAdd, ScatterAddAlongAxis

SUMS_OF_PARTS = RuleSet("sums")


@SUMS_OF_PARTS.rewriter(
    Sum, kind="stabilizing", proof="tested: another order of addition, and an index out of bounds goes unnoticed here"
)
def sum_of_scattered(node: Node) -> Node | None:
    """Whatever their places, the elements have the same sum, and zeros between them add nothing."""
    (scattered,), axis = node.args, node.op.attributes()["axis"]
    if not isinstance(scattered.op, ScatterAdd | ScatterAddAlongAxis) or scattered.op.axis not in axis:
        return None
    elements, indices = scattered.args
    extra = indices.ndim - 1 if isinstance(scattered.op, ScatterAdd) else 0
    own = scattered.op.axis
    before, after = [a for a in axis if a < own], [a + extra for a in axis if a > own]
    return sum(elements, (*before, *range(own, own + extra + 1), *after), dtype=elements.dtype)


@SUMS_OF_PARTS.rewriter(Sum, kind="stabilizing")
def sum_of_one(node: Node) -> Node | None:
    """A sum over an axis of size 1 adds nothing up."""
    (x,), axis = node.args, node.op.attributes()["axis"]
    single = tuple(a for a in axis if x.shape[a] == 1)
    if not single:
        return None
    others = tuple(a - len([b for b in single if b < a]) for a in axis if a not in single)
    return sum(squeeze(x, single), others, dtype=x.dtype)
