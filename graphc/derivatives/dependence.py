"""Which elements of a node depend on which elements of another: the pattern of a Jacobian, read off the graph.

Comes in: two nodes of known sizes; goes out: a bool array, true wherever the derivative may not be 0. Ops that are
not understood count as if everything depended on everything.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from graphc.interpret.numpy_reader import NumpyReader
from graphc.ir.leaf import Constant
from graphc.ir.node import Node, topological
from graphc.ir.op import Op
from graphc.ir.substitution import variable
from graphc.ops import indexing, movement, reduction
from graphc.ops.base import Composite, Elementwise
from graphc.ops.contraction import Matmul
from graphc.ops.conversion import Addition
from graphc.ops.elementwise import Multiply
from graphc.ops.log_domain import LogProd
from graphc.ops.tuples import Item
from graphc.types import TupleType

Array = np.ndarray[Any, Any]
LIMIT = 2**16  # elements of a pattern

_REDUCTIONS = (Addition, reduction.Prod, reduction.Max, reduction.Min, reduction.FloatReduction, LogProd)
_WORDS = NumpyReader().scalars


def dependence(y: Node, x: Node) -> Array | None:
    """The pattern of the derivative of `y` by `x`, a row for each element of `y`; None for sizes that are unknown."""
    sizes = [node.size for node in topological([y, x]) if not isinstance(node.type, TupleType)]
    if not isinstance(x.size, int) or not all(isinstance(n, int) and n * x.size <= LIMIT for n in sizes):
        return None
    start = np.eye(x.size, dtype=bool).reshape((*x.shape, x.size))
    found = _propagated(y, {x: start})
    return np.zeros((y.size, x.size), bool) if found is None else found.reshape(y.size, x.size)


def _propagated(root: Node, known: dict[Node, Array]) -> Array | None:
    """The pattern of a node, with an axis for the elements of `x` at the end; None if it depends on none of them."""
    patterns: dict[Node, Array | None] = dict(known)
    order = [node for node in topological([root]) if node not in known]
    uses = Counter(arg for node in order for arg in node.args)
    uses[root] += 1
    for node in order:
        parts = [patterns[arg] for arg in node.args]
        passes = node.op.vjp is not None or isinstance(node.op, Item)
        patterns[node] = _pattern(node, parts) if passes and any(p is not None for p in parts) else None
        for arg in node.args:
            uses[arg] -= 1
            if not uses[arg]:
                del patterns[arg]
    return patterns[root]


def _pattern(y: Node, parts: Sequence[Array | None]) -> Array:
    """The pattern of a node, given those of its operands."""
    op = y.op
    width = next(p.shape[-1] for p in parts if p is not None)
    given = [np.zeros((*_shape(x), width), bool) if p is None else p for p, x in zip(parts, y.args)]
    match op:
        case Multiply():
            return _union(p & _nonzero(other) for p, other in zip(given, reversed(y.args)))
        case Elementwise():
            return _union(p for p in parts if p is not None)
        case Matmul():
            left = np.einsum("...ikp,...kj->...ijp", _counted(given[0]), _counted(_weights(y.args[1])))
            right = np.einsum("...ik,...kjp->...ijp", _counted(_weights(y.args[0])), _counted(given[1]))
            return np.asarray(left + right).astype(bool)
        case movement.Concat():
            return np.concatenate(given, axis=op.axis)
        case reduction.RowWise():
            return np.broadcast_to(given[0].any(axis=op.axis, keepdims=True), given[0].shape)
        case indexing.ScatterAdd() if _value(y.args[1]) is not None:
            return _applied(op, [_counted(given[0]), _value(y.args[1])]).astype(bool)
    if isinstance(op, _REDUCTIONS):
        return np.asarray(given[0].any(axis=op.axis))
    if isinstance(op, Composite) and not isinstance(y.type, TupleType):
        operands = [variable(arg.type) for arg in y.args]
        found = _propagated(op.decompose(*operands), dict(zip(operands, given)))
        return np.zeros((*_shape(y), width), bool) if found is None else found
    return _moved(y, given[0]) if op.moves or isinstance(op, movement.Pad) else _everything(y, given)


def _moved(y: Node, pattern: Array) -> Array:
    """The pattern of what consists of elements of the first operand, and of filling."""
    rest = [_value(arg) for arg in y.args[1:]]
    if any(value is None for value in rest):
        return _everything(y, [pattern])
    op = y.op
    if isinstance(op, movement.Pad):
        op = movement.Pad(op.start, op.step, op.shape, -1.0)
    count = math.prod(pattern.shape[:-1])
    source = _applied(op, [np.arange(count).reshape(pattern.shape[:-1]), *rest])
    rows = np.concatenate([pattern.reshape(count, -1), np.zeros((1, pattern.shape[-1]), bool)])
    return np.asarray(rows[source])  # -1 is the row of zeros


def _applied(op: Op, xs: Sequence[Array | None]) -> Array:
    """What an op that moves or adds elements makes of arrays."""
    words: Any = _WORDS
    return np.asarray(op.evaluate(words, *xs))


def _everything(y: Node, given: Sequence[Array]) -> Array:
    row = _union([np.asarray(p.reshape(-1, p.shape[-1]).any(axis=0)) for p in given])
    return np.broadcast_to(row, (*_shape(y), len(row)))


def _union(patterns: Iterable[Array]) -> Array:
    first, *rest = patterns
    for pattern in rest:
        first = first | pattern
    return first


def _counted(pattern: Array) -> Array:
    return pattern.astype(np.float32)


def _value(x: Node) -> Array | None:
    """The elements of a constant."""
    return np.broadcast_to(x.op.value, _shape(x)) if isinstance(x.op, Constant) else None


def _shape(x: Node) -> tuple[int, ...]:
    """The known sizes of a node; none for a tuple of results, whose pattern is a single row."""
    return tuple(int(n) for n in x.shape if isinstance(n, int))


def _weights(x: Node) -> Array:
    """Where a factor may not be 0."""
    value = _value(x)
    return np.ones(_shape(x), bool) if value is None else value != 0


def _nonzero(x: Node) -> Array:
    return _weights(x)[..., None]
