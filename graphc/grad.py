"""Reverse-mode differentiation, graph to graph: the result is an ordinary graph, differentiable again.

Where an op selects (`where`, `maximum`, ties of `max`), the cotangent of what was not selected is 0, and the partial
derivatives above it are evaluated at a safe point there: a mask travels with the cotangent down to the *inputs* of
the partials. So `where(x > 0, log(x), 0)` has a finite derivative at 0, at any order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

from graphc.errors import GradientError
from graphc.ir.leaf import full, uniform_value
from graphc.ir.node import Node, describe, make, topological
from graphc.ir.source import at
from graphc.ops import conversion, logic, reduction
from graphc.ops.base import Elementwise
from graphc.ops.tuples import Item
from graphc.tiling import side_by_side
from graphc.types import TupleType


@dataclass(frozen=True)
class Cotangent:
    """The derivative of the cost with respect to a node; it is 0 where the mask (if any) does not hold."""

    value: Node
    mask: Node | None = None


def reverse_mode(cost: Node, wrt: Sequence[Node]) -> list[Node | None]:
    """The derivatives of a scalar cost with respect to nodes; None where it does not depend on one.

    Raises GradientError if the cost is no floating-point scalar or a node holds no floating-point numbers.
    """
    _check(cost, wrt)
    return pull_back([cost], wrt, [full(1, cost.type)])


def pull_back(outputs: Sequence[Node], wrt: Sequence[Node], cotangents: Sequence[Node]) -> list[Node | None]:
    """For each node of `wrt` the sum over outputs of cotangent times derivative; None where no output depends on it.

    The cotangents count as constants, whatever they depend on.
    """
    order = topological(outputs)
    varying = _varying(order, wrt)
    pending: dict[Node, list[Cotangent]] = {}
    for output, g in zip(outputs, cotangents, strict=True):
        pending.setdefault(output, []).append(Cotangent(g))
    of_items: dict[Node, dict[int, Cotangent]] = {}  # for ops with several results: the cotangents that are known
    found: dict[Node, Node] = {}
    targets = set(wrt)
    for node in reversed(order):
        if node not in varying or not (node in pending or node in of_items):
            continue
        with at(node.source, backward_of=node.op.name):
            if node in of_items:
                parts = _pull_back_items(node, of_items.pop(node))
            else:
                cotangent = _together(pending.pop(node))
                if node in targets:
                    found[node] = cotangent.value
                if isinstance(node.op, Item):
                    of_items.setdefault(node.args[0], {})[node.op.index] = cotangent
                    continue
                parts = _pull_back(node, cotangent)
            for arg, part in zip(node.args, parts, strict=True):
                if part is not None and arg in varying:
                    pending.setdefault(arg, []).append(part)
    return [found.get(node) for node in wrt]


def _check(cost: Node, wrt: Sequence[Node]) -> None:
    if cost.shape != () or not cost.dtype.is_float:
        raise GradientError(
            f"the cost is {cost.type}, not a floating-point scalar",
            details=[describe(cost)],
            help="reduce it with graphc.sum or graphc.mean",
        )
    for node in wrt:
        if not node.dtype.is_float:
            raise GradientError(f"no derivative with respect to {node.dtype.name}", details=[describe(node)])


def _varying(order: Sequence[Node], wrt: Sequence[Node]) -> set[Node]:
    """The nodes that depend on one of `wrt` through differentiable ops."""
    varying = set(wrt)
    for node in order:
        if any(arg in varying for arg in node.args) and _differentiable(node):
            varying.add(node)
    return varying


def _differentiable(node: Node) -> bool:
    if isinstance(node.type, TupleType) or isinstance(node.op, Item):
        return node.dtype.is_float or isinstance(node.type, TupleType)
    return node.op.vjp is not None and node.dtype.is_float


def _together(parts: list[Cotangent]) -> Cotangent:
    """The sum, rounded once if it has 16 bits; its mask holds where any of the masks does."""
    values = side_by_side([part.value for part in parts])
    dtype = values[0].dtype
    if len(values) > 2:
        values = [conversion.cast(value, dtype.compute) for value in values]
    value = conversion.cast(reduce(lambda a, b: a + b, values), dtype)
    masks = list(dict.fromkeys(part.mask for part in parts if part.mask is not None))
    if len(masks) == 0 or any(part.mask is None for part in parts):
        return Cotangent(value)
    return Cotangent(value, reduce(logic.logical_or, masks))


def _pull_back(node: Node, cotangent: Cotangent) -> list[Cotangent | None]:
    """The cotangents of the operands."""
    if node.op.vjp is None or not node.args:
        return [None] * len(node.args)
    op, g, mask = node.op, cotangent.value, cotangent.mask
    if mask is None or not isinstance(op, Elementwise):
        parts = op.vjp(g, node, *node.args)
        return [_masked(part, outer) for part, outer in zip(parts, _carried(mask, node), strict=True)]
    if op.linear:
        return [_masked(part, mask) for part in op.vjp(g, node, *node.args)]
    safe = [_safe(op, i, mask, arg) for i, arg in enumerate(node.args)]
    parts = op.vjp(g, make(op, *safe), *safe)
    return [None if p is None else _masked(logic.where(mask, p, 0), mask) for p in parts]


def _pull_back_items(node: Node, cotangents: dict[int, Cotangent]) -> list[Cotangent | None]:
    """The cotangents of the operands of an op with several results.

    The partial derivatives of a loop have no point at which they are known to be finite, so they are replaced by 0
    if one condition says that no element of any result was selected.
    """
    assert isinstance(node.type, TupleType)
    if node.op.vjp is None:
        return [None] * len(node.args)
    gs = tuple(cotangents[i].value if i in cotangents else None for i in range(len(node.type.elements)))
    parts = node.op.vjp(gs, node, *node.args)
    found = [_one_condition(cotangent.mask) for cotangent in cotangents.values()]
    conditions = dict.fromkeys(condition for condition in found if condition is not None)
    if any(condition is None for condition in found):
        return [_masked(part, None) for part in parts]
    selected = reduce(logic.logical_or, conditions)
    return [None if part is None else _masked(logic.where(selected, part, 0), None) for part in parts]


_MASKS = frozenset({"expand", "logical_and", "logical_or", "logical_not"})


def _one_condition(mask: Node | None) -> Node | None:
    """A condition without axes, outside of which the mask holds nowhere; None if it is made of no such condition."""
    known: dict[Node | None, Node | None] = {None: None}
    stack = [] if mask is None else [mask]
    while stack:
        part = stack[-1]
        within = part.args if part.ndim and part.op.name in _MASKS else ()
        missing = [arg for arg in within if arg not in known]
        stack.extend(missing)
        if not missing:
            known[stack.pop()] = _over_all(part, [known[arg] for arg in within])
    return known[mask]


def _over_all(part: Node, conditions: Sequence[Node | None]) -> Node | None:
    """The condition of a part of a mask, given those of its operands."""
    found = [condition for condition in conditions if condition is not None]
    if not found:
        return None if part.ndim else part
    if part.op.name == "logical_not":  # the opposite of what is true of all is known only of one condition, repeated
        repeated = part.args[0]
        return logic.logical_not(found[0]) if repeated.op.name == "expand" and not repeated.args[0].ndim else None
    if part.op.name == "logical_or":
        return logic.logical_or(*found) if len(found) == 2 else None
    return reduce(logic.logical_and, found)


def _safe(op: Elementwise, operand: int, mask: Node, x: Node) -> Node:
    """The operand where the mask holds, elsewhere a point inside the domain."""
    if not x.dtype.is_float or uniform_value(x) is not None:
        return x
    return logic.where(mask, x, op.domain_of(operand).safe)


def _masked(part: Node | None, mask: Node | None) -> Cotangent | None:
    """A cotangent that knows where it is 0: from an outer mask, and from its own selection."""
    if part is None:
        return None
    own = selection(part)
    if mask is None or own is None or own is mask:
        return Cotangent(part, own if mask is None else mask)
    return Cotangent(part, logic.logical_and(mask, own))


def selection(part: Node) -> Node | None:
    """The condition under which a `where(condition, g, 0)` or `where(condition, 0, g)` is not 0."""
    if part.op.name != "where":
        return None
    condition, x, y = part.args
    decided = uniform_value(condition)  # as it is inside of branches
    if uniform_value(y) == 0:
        return None if decided else condition
    return logic.logical_not(condition) if uniform_value(x) == 0 and (decided is None or decided) else None


_SUMS = frozenset({"sum", "compensated_sum"})
_MOVES = _SUMS | {"reshape", "transpose", "slice", "windows", "shear", "merge", "pad", "concat"}


def _carried(mask: Node | None, y: Node) -> Sequence[Node | None]:
    """For each operand of an op that moves elements: where its cotangent is not 0, given that of the result."""
    if mask is not None and y.op.name == "mean":
        return [conversion.expand(mask, y.op.attributes()["axis"], like=y.args[0])]
    if mask is not None and y.op.name == "expand":
        return [reduction.any(mask, y.op.attributes()["axis"])]
    if mask is not None and y.op.name in _MOVES:
        return y.op.vjp(mask, y, *y.args)
    return [None] * len(y.args)
