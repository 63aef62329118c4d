"""Reductions of the rows that share a number, and counts: values that are put together where indices say."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.errors import DTypeError, ShapeError
from graphc.ir.leaf import full
from graphc.ir.node import Node, public
from graphc.ops.conversion import as_node, cast, expand
from graphc.ops.indexing.bounds import check_integer
from graphc.ops.indexing.put import put_at
from graphc.types import DType, as_size, int64


@public
def segment_sum(data: Any, segment_ids: Any, num_segments: Any, *, mode: str = "error") -> Node:
    """The sum of the rows of `data` with each number from 0 to `num_segments`-1; 0 where there is none.

    `segment_ids` are integers with the shape of the leading axes of `data`; the other axes stay. `mode` says what a
    number out of bounds does: "error", "clip", "wrap", or "drop", which leaves its row out.
    """
    return _segments("add", 0, data, segment_ids, num_segments, mode)


@public
def segment_prod(data: Any, segment_ids: Any, num_segments: Any, *, mode: str = "error") -> Node:
    """The product of the rows of `data` with each number; 1 where there is none. See `segment_sum`."""
    return _segments("multiply", 1, data, segment_ids, num_segments, mode)


@public
def segment_max(data: Any, segment_ids: Any, num_segments: Any, *, mode: str = "error") -> Node:
    """The largest of the rows of `data` with each number; -inf, or the smallest integer, where there is none."""
    data = as_node(data)
    return _segments("max", _limits(data.dtype)[0], data, segment_ids, num_segments, mode)


@public
def segment_min(data: Any, segment_ids: Any, num_segments: Any, *, mode: str = "error") -> Node:
    """The smallest of the rows of `data` with each number; inf, or the largest integer, where there is none."""
    data = as_node(data)
    return _segments("min", _limits(data.dtype)[1], data, segment_ids, num_segments, mode)


@public
def segment_mean(data: Any, segment_ids: Any, num_segments: Any, *, mode: str = "error") -> Node:
    """The mean of the rows of `data`, which are floats, with each number; NaN where there is none."""
    data = as_node(data)
    if not data.dtype.is_float:
        raise DTypeError(f"not defined for {data.dtype.name}", help="cast to a float first")
    wide = cast(data, data.dtype.compute)
    total = _segments("add", 0, wide, segment_ids, num_segments, mode)
    ids = as_node(segment_ids)
    ones = full(1, wide.type.with_shape(ids.shape))
    count = _segments("add", 0, ones, ids, num_segments, mode)
    return cast(total / expand(count, tuple(range(1, total.ndim)), like=total), data.dtype)


@public
def bincount(x: Any, weights: Any = None, *, length: Any, mode: str = "error") -> Node:
    """How often each integer from 0 to `length`-1 is in the vector `x`, as int64; with weights, the sums of these."""
    x = as_node(x)
    if x.ndim != 1:
        raise ShapeError(f"the numbers have {x.ndim} axes, not 1", help="graphc.reshape(x, -1)")
    data = full(1, x.type.with_dtype(int64)) if weights is None else as_node(weights)
    if data.shape != x.shape:
        raise ShapeError("weights and numbers differ in shape")
    return _segments("add", 0, data, x, length, mode)


def _segments(how: str, start: float, data: Any, segment_ids: Any, num_segments: Any, mode: str) -> Node:
    data, ids = as_node(data), as_node(segment_ids)
    check_integer(ids.type)
    if data.shape[: ids.ndim] != ids.shape:
        raise ShapeError("the numbers of the segments do not have the shape of the leading axes of the data")
    empty = full(start, data.type.with_shape((as_size(num_segments), *data.shape[ids.ndim :])))
    return put_at(empty, data, (ids,), how, mode)


def _limits(dtype: DType) -> tuple[Any, Any]:
    """The smallest and the largest value of a dtype."""
    if dtype.is_float:
        return float("-inf"), float("inf")
    if dtype.kind == "b":
        return False, True
    limits = np.iinfo(dtype.numpy)
    return int(limits.min), int(limits.max)
