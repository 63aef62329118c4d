"""The different elements of an array, in order. How many there are is known when the function runs: declare a size.

Of more elements than `size` the smallest are taken; fewer are filled up, and counted 0 times. NaN differs from NaN.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from graphc.ir.leaf import full
from graphc.ir.node import Node, public
from graphc.ops.conversion import as_node, cast, reshape
from graphc.ops.cumulative import cumulative_sum, shifted
from graphc.ops.indexing.along import take
from graphc.ops.indexing.put import put_at
from graphc.ops.logic import equal, logical_or, not_equal, where
from graphc.ops.position import iota
from graphc.ops.sorting import argsort
from graphc.types import TensorType, as_size, bool_, int64, uint8


class UniqueAll(NamedTuple):
    values: Node
    indices: Node
    inverse_indices: Node
    counts: Node


class UniqueCounts(NamedTuple):
    values: Node
    counts: Node


class UniqueInverse(NamedTuple):
    values: Node
    inverse_indices: Node


@public
def unique_all(x: Any, /, *, size: Any, fill_value: Any = 0) -> UniqueAll:
    """The `size` smallest different elements of `x`, then `fill_value`.

    Besides: the position of the first of each in the flattened array (0 for what is filled up), for each element of
    `x` the number of its value, from 0 (`size` or more if it is not among the values), and how often each value
    occurs; all int64.
    """
    x = as_node(x)
    size = as_size(size)
    flat = reshape(x, -1)
    order = argsort(flat, axis=0)
    ordered = take(flat, order, 0)
    numbered = cast(ordered, uint8) if x.dtype is bool_ else ordered
    first = equal(iota(flat.shape[0]), 0)
    is_new = logical_or(first, not_equal(numbered, shifted(numbered, 0, False, 0)))
    number = cumulative_sum(is_new) - 1
    start = where(is_new, number, size)
    none, ones = full(0, TensorType(int64, (size,))), full(1, TensorType(int64, flat.shape))
    values = put_at(full(fill_value, TensorType(x.dtype, (size,))), ordered, (start,), "set", "drop")
    indices = put_at(none, order, (start,), "set", "drop")
    inverse = put_at(full(0, order.type), number, (order,), "set", "error")
    counts = put_at(none, ones, (number,), "add", "drop")
    return UniqueAll(values, indices, reshape(inverse, x.shape), counts)


@public
def unique_values(x: Any, /, *, size: Any, fill_value: Any = 0) -> Node:
    """The `size` smallest different elements of `x`, then `fill_value`."""
    return unique_all(x, size=size, fill_value=fill_value).values


@public
def unique_counts(x: Any, /, *, size: Any, fill_value: Any = 0) -> UniqueCounts:
    """The `size` smallest different elements of `x`, and how often each occurs. See `unique_all`."""
    found = unique_all(x, size=size, fill_value=fill_value)
    return UniqueCounts(found.values, found.counts)


@public
def unique_inverse(x: Any, /, *, size: Any, fill_value: Any = 0) -> UniqueInverse:
    """The `size` smallest different elements of `x`, and for each element the number of its value. See `unique_all`."""
    found = unique_all(x, size=size, fill_value=fill_value)
    return UniqueInverse(found.values, found.inverse_indices)


def unique(x: Any, /, *, size: Any, fill_value: Any = 0) -> Node:
    """The `size` smallest different elements of `x`, then `fill_value`: `unique_values`."""
    return unique_values(x, size=size, fill_value=fill_value)
