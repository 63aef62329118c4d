"""Forward-mode differentiation, graph to graph: tangents of nodes go in, tangents of outputs come out.

An op says its derivative once, as `vjp`, and the forward rule follows from it. An elementwise op has a diagonal
Jacobian, which is its own transpose. An op that is linear applies itself to the tangents. For every other op the vjp,
which is linear in the cotangent, is transposed: dy = d/du <vjp(u), dx>, where u itself drops out. An op for which
this would be wasteful defines `jvp(y, xs, dxs)`: the tangent of the result (a tuple for several), given for each
operand its tangent or None.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce

from graphc.errors import GradientError
from graphc.grad import pull_back, selection
from graphc.ir.leaf import full, uniform_value
from graphc.ir.node import Node, describe, make, topological
from graphc.ir.op import Op
from graphc.ir.source import at
from graphc.ir.substitution import substitute, variable
from graphc.ops.barrier import Barrier
from graphc.ops.base import Elementwise
from graphc.ops.conversion import Addition, Cast
from graphc.ops.indexing import PutAdd, ScatterAdd, ScatterAddAlongAxis
from graphc.ops.logic import Where, logical_and, logical_or, where
from graphc.ops.movement import Concat, Pad
from graphc.ops.reduction import Mean, any as any_of
from graphc.ops.tuples import Item
from graphc.types import TensorType, TupleType, bool_

Tangents = tuple[Node | None, ...]

_LINEAR = (Addition, Barrier, Cast, Concat, Mean, Pad, PutAdd, ScatterAdd, ScatterAddAlongAxis, Where)


def forward_mode(outputs: Sequence[Node], tangents: Mapping[Node, Node]) -> list[Node | None]:
    """The tangents of outputs, given those of nodes; None where an output does not depend on one of these."""
    known: dict[Node, Tangents] = {node: (tangent,) for node, tangent in tangents.items()}
    masks = {node: selection(tangent) for node, tangent in tangents.items()}
    for node in _needed(outputs, tangents):
        if isinstance(node.op, Item):
            known[node] = (known[node.args[0]][node.op.index],) if node.args[0] in known else (None,)
            continue
        given = tuple(known[arg][0] if arg in known else None for arg in node.args)
        if any(dx is not None for dx in given):
            with at(node.source):
                found = push_forward(node, given)
                known[node], masks[node] = _masked(node, found, _carried(node, given, masks))
    return [known[y][0] if y in known else None for y in outputs]


def _masked(y: Node, dys: Tangents, mask: Node | None) -> tuple[Tangents, Node | None]:
    """The tangents of a node, and where the only one is not 0: an infinite partial does not count where it is.

    The mask is that of the operands' tangents, and what the op itself selects.
    """
    dy = dys[0]
    if len(dys) > 1 or dy is None:
        return dys, None
    own = selection(dy)
    if mask is not None and isinstance(y.op, Elementwise) and not y.op.linear:
        dy = where(mask, dy, 0)
    if mask is None or own is None:
        return (dy,), own if mask is None else mask
    return (dy,), logical_and(mask, own)


def _carried(y: Node, dxs: Tangents, masks: Mapping[Node, Node | None]) -> Node | None:
    """Where the tangent of a node is not 0, given where those of operands are not; None if that is not known."""
    op = y.op
    of_operands = [None if dx is None else masks.get(x) for x, dx in zip(y.args, dxs)]
    known = [mask for mask in of_operands if mask is not None]
    if len(known) < len([dx for dx in dxs if dx is not None]):
        return None
    match op:
        case Elementwise():
            return reduce(logical_or, dict.fromkeys(known))
        case Addition() | Mean():
            return any_of(known[0], op.axis)
        case Pad():
            return make(replace(op, value=0.0), known[0])
        case Concat():
            nowhere = (full(False, x.type.with_dtype(bool_)) for x in y.args)
            return make(op, *(none if mask is None else mask for none, mask in zip(nowhere, of_operands)))
    return make(op, known[0], *y.args[1:]) if op.moves else None


def _needed(outputs: Sequence[Node], tangents: Mapping[Node, Node]) -> list[Node]:
    """The nodes through which a derivative may pass, operands first, without those whose tangents are given."""
    order = topological(outputs)
    needed = set(outputs)
    for node in reversed(order):
        if node in needed and node not in tangents and _is_differentiable(node):
            needed.update(node.args)
    return [node for node in order if node in needed and node not in tangents and _is_differentiable(node)]


def _is_differentiable(node: Node) -> bool:
    if isinstance(node.type, TupleType):
        return node.op.vjp is not None
    return node.dtype.is_float and (node.op.vjp is not None or isinstance(node.op, Item))


def push_forward(y: Node, dxs: Tangents) -> Tangents:
    """The tangents of the results of a node, given those of its operands."""
    op, xs = y.op, y.args
    rule = getattr(op, "jvp", None)
    if rule is not None:
        dy = rule(y, xs, dxs)
        return dy if isinstance(dy, tuple) else (dy,)
    if op.moves or isinstance(op, _LINEAR):
        return (_applied_to_tangents(op, xs, dxs),)
    if isinstance(op, Elementwise):
        return (_along_diagonal(y, dxs),)
    return _transposed(y, dxs)


def _applied_to_tangents(op: Op, xs: Sequence[Node], dxs: Tangents) -> Node:
    """The tangent of a linear op: the op itself, at tangents; what selects (indices, conditions) stays."""
    if isinstance(op, Pad):
        op = replace(op, value=0.0)
    zeros = (full(0, x.type) if x.dtype.is_float else x for x in xs)
    return make(op, *(zero if dx is None else dx for zero, dx in zip(zeros, dxs)))


def _along_diagonal(y: Node, dxs: Tangents) -> Node | None:
    """The sum over operands of partial derivative times tangent."""
    terms = [y.op.vjp(dx, y, *y.args)[i] for i, dx in enumerate(dxs) if dx is not None]
    terms = [term for term in terms if term is not None]
    return reduce(lambda a, b: a + b, terms) if terms else None


def _transposed(y: Node, dxs: Tangents) -> Tangents:
    """The tangents by the transpose of the vjp, derived on variables so that it costs what the op costs."""
    xs = {x: x if _is_known(x) else variable(x.type) for x in dict.fromkeys(y.args)}
    us = [variable(type_) for type_ in _types(y)]
    local = make(y.op, *(xs[x] for x in y.args))
    cotangents = y.op.vjp(tuple(us) if isinstance(y.type, TupleType) else us[0], local, *local.args)
    pairs = [(g, dx) for g, dx in zip(cotangents, dxs) if g is not None and dx is not None]
    if not pairs:
        return (None,) * len(us)
    tangents = [variable(dx.type) for _, dx in pairs]
    found = pull_back([g for g, _ in pairs], us, tangents)
    results = [dy for dy in found if dy is not None]
    given = {variable: x for x, variable in xs.items()} | dict(zip(tangents, (dx for _, dx in pairs)))
    _check_linear(y, topological(results), us)
    applied = iter(substitute(results, given))
    return tuple(None if dy is None else next(applied) for dy in found)


def _is_known(x: Node) -> bool:
    return uniform_value(x) is not None


def _types(y: Node) -> tuple[TensorType, ...]:
    return y.type.elements if isinstance(y.type, TupleType) else (y.type,)


def _check_linear(y: Node, order: Sequence[Node], us: Sequence[Node]) -> None:
    if not set(us).isdisjoint(order):
        raise GradientError(
            f"no forward mode through {y.op.name}: its vjp is not linear in the cotangent",
            details=[describe(y)],
            help="use grad or vjp",
        )
