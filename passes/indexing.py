"""How the index of a result becomes the indices of operands: views cost nothing when they are folded into these.

An index is a tuple of `Dim` expressions over loop variables, one for each axis.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc import dimension
from graphc.ir.node import Node
from graphc.ops.base import Elementwise
from graphc.ops.conversion import Expand, Reshape
from graphc.ops.indexing import Gather as GatherOp, Take, TakeAlongAxis
from graphc.ops.movement import Slice, Transpose
from graphc.ops.windows import Merge, Shear
from graphc.types import Shape

Index = tuple[Any, ...]
Gather = Callable[[Node, Index, Any], Any]  # (indices, index into them, extent) -> the position that is read there


def operand_indices(node: Node, index: Index, gather: Gather) -> list[tuple[Node, Index]]:
    """Which elements of its operands an element of a mapping op needs. `pad` and `concat` choose: not here."""
    op, args = node.op, node.args
    match op:
        case Elementwise():
            return [(arg, index) for arg in args]
        case Expand(axis=axis):
            return [(args[0], tuple(i for a, i in enumerate(index) if a not in axis))]
        case Transpose(axes=axes):
            return [(args[0], tuple(index[axes.index(a)] for a in range(len(axes))))]
        case Slice(start=start, step=step):
            return [(args[0], tuple(s + i * k for s, i, k in zip(start, index, step, strict=True)))]
        case Merge(axis=axis):
            factors = dict(zip(axis, args[0].shape[node.ndim :], strict=True))
            outer = tuple(i // factors[a] if a in factors else i for a, i in enumerate(index))
            return [(args[0], (*outer, *(index[a] % factors[a] for a in axis)))]
        case Shear(axis=axis, along=along, step=step, start=start):
            moved = {a: s + index[a] + k * index[b] for a, b, k, s in zip(axis, along, step, start, strict=True)}
            return [(args[0], tuple(moved.get(a, i) for a, i in enumerate(index)))]
        case Reshape():
            return [(args[0], _reshaped(index, node.shape, args[0].shape))]
        case Take(axis=axis):
            x, indices = args
            stop = axis + indices.ndim
            position = gather(indices, index[axis:stop], x.shape[axis])
            return [(x, (*index[:axis], position, *index[stop:]))]
        case TakeAlongAxis(axis=axis):
            x, indices = args
            position = gather(indices, index, x.shape[axis])
            return [(x, (*index[:axis], position, *index[axis + 1 :]))]
        case GatherOp(batch=batch):
            x, *arrays = args
            stop = arrays[0].ndim
            places = (gather(i, index[:stop], x.shape[batch + k]) for k, i in enumerate(arrays))
            return [(x, (*index[:batch], *places, *index[stop:]))]
    raise AssertionError(f"{op.name} maps no index")


def is_trivial_reshape(node: Node) -> bool:
    """Whether a reshape only adds or drops axes of size 1."""
    return [n for n in node.shape if n != 1] == [n for n in node.args[0].shape if n != 1]


def offset(index: Index, shape: Shape) -> Any:
    """The place of an element in row-major memory."""
    total: Any = 0
    for i, n in zip(index, shape, strict=True):
        total = total * n + i
    return total


def _reshaped(index: Index, shape: Shape, operand: Shape) -> Index:
    """The index before a reshape: by the axes where only sizes of 1 differ, else through the place in memory."""
    kept = [i for i, n in zip(index, shape, strict=True) if n != 1]
    if [n for n in shape if n != 1] == [n for n in operand if n != 1]:
        sizes = iter(kept)
        return tuple(0 if n == 1 else next(sizes) for n in operand)
    place = offset(index, shape)
    result: list[Any] = []
    for a, n in enumerate(operand):
        below = dimension.product(operand[a + 1 :])
        part = place // below if a + 1 < len(operand) else place
        result.append(part % n if a else part)
    return tuple(result)
