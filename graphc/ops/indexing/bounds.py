"""Indices that a calculation gives: what ops with such indices have in common, and what becomes of bad ones.

Indices are integers of any dtype; negative ones count from the end. The ops themselves know one mode: an index
outside of [-n, n) raises IndexOutOfBounds when the function runs, and parameters stay as they were. The other modes
are graphs around them: `fitted` changes the indices such that none is outside.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from graphc.errors import DTypeError, GraphError, IndexOutOfBounds
from graphc.ir.leaf import Constant
from graphc.ir.node import Node
from graphc.ir.op import Op
from graphc.ir.scalars import Value
from graphc.ops.conversion import cast
from graphc.ops.elementwise import add, maximum, minimum, remainder
from graphc.ops.logic import greater_equal, less, logical_and, where
from graphc.ops.movement import pad, slice_node
from graphc.types import TensorType, int64, uint64

READING = ("error", "clip", "wrap", "fill")  # what an index out of bounds may do
CHANGING = ("error", "clip", "wrap", "drop")


class Indexed(Op, abstract=True):
    """An op some of whose operands are indices: all but the first `data`."""

    data: ClassVar[int] = 1


class Gathering(Indexed, abstract=True):
    """Elements of the first operand, where indices say."""

    moves = True


class Scattering(Indexed, abstract=True):
    """Values that go where indices say, one after the other in row-major order of the indices."""


def fitted(indices: Node, n: Any, mode: str) -> Node:
    """Indices of an axis of size `n` that never fail, unless the mode is "error".

    "clip" limits them to [0, n-1], so that negative ones become 0; "wrap" takes them modulo n; "fill" and "drop"
    move those outside of [-n, n) to n: one past the end.
    """
    if mode == "error":
        return indices
    if indices.dtype is uint64:
        indices = remainder(indices, n) if mode == "wrap" else minimum(indices, (1 << 63) - 1)
    i = cast(indices, int64)
    match mode:
        case "clip":
            return minimum(maximum(i, 0), n - 1)
        case "wrap":
            return remainder(i, n)
    inside = logical_and(greater_equal(i, -n), less(i, n))
    return where(inside, where(less(i, 0), add(i, n), i), n)


def with_spare(x: Node, axes: Iterable[int], value: Any = 0) -> Node:
    """An array with one element of `value` after the end of some axes: what `fitted` indices find outside."""
    axes = set(axes)
    return pad(x, [(0, int(a in axes)) for a in range(x.ndim)], value=value)


def without_spare(x: Node, axes: Iterable[int]) -> Node:
    """An array without the last element of some axes."""
    return slice_node(x, {a: (0, x.shape[a] - 1, 1) for a in axes})


def check_mode(mode: str, *allowed: str) -> None:
    """Raise GraphError for what is no mode here."""
    if mode not in allowed:
        raise GraphError(f"{mode!r} is no mode for indices out of bounds here", help=f"one of {', '.join(allowed)}")


def default_fill(x: Node) -> float:
    """What "fill" gives where nothing else is said: NaN for floats, else 0."""
    return float("nan") if x.dtype.is_float else 0


def check_integer(indices: TensorType) -> None:
    """Raise DTypeError for what cannot be indices."""
    if not indices.dtype.is_integer:
        raise DTypeError(f"indices are integers, not {indices.dtype.name}", help="cast them")


def check_constant(n: Any, axis: int, indices: Node) -> None:
    """Raise DTypeError for what is no index, and IndexOutOfBounds for known indices outside of a known size."""
    check_integer(indices.type)
    if isinstance(indices.op, Constant) and isinstance(n, int) and indices.op.value.size and indices.size != 0:
        low, high = int(indices.op.value.min()), int(indices.op.value.max())
        if low < -n or high >= n:
            raise IndexOutOfBounds(f"index {low if low < -n else high} is out of bounds for axis {axis} of size {n}")


def checked(indices: Value, n: Any) -> Value:
    """Indices counted from the front. Raises IndexOutOfBounds."""
    indices = np.asarray(indices)
    if indices.size and (indices.min() < -n or indices.max() >= n):
        bad = indices.min() if indices.min() < -n else indices.max()
        raise IndexOutOfBounds(f"index {bad} is out of bounds for an axis of size {n}")
    return np.where(indices < 0, indices + np.int64(n), indices).astype(np.int64)
