"""Arrays for graphs: ordinary numbers, special values and the ends of ranges, the same for the same seed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from graphc.ir.graph import Graph
from graphc.ir.leaf import Input
from graphc.ir.node import Node
from graphc.types import DType

Array = np.ndarray[Any, Any]


def sizes_for(graph: Graph, *sizes: int) -> dict[str, int]:
    """A size for each named dimension of a graph; the sizes are used in turn."""
    return {name: sizes[i % len(sizes)] for i, name in enumerate(graph.dimensions)}


def sample(graph: Graph, seed: int, sizes: Mapping[str, int] | None = None, *, special: bool = False) -> list[Array]:
    """An array for each input, within its bounds.

    With `special`, half of the elements are NaN, inf, -0.0, subnormals or limits, as far as the bounds admit them.
    """
    rng = np.random.default_rng(seed)
    known = sizes_for(graph, 3, 5, 4) if sizes is None else sizes
    arrays = (values(rng, node.type.concrete_shape(known), node.dtype, special=special) for node in graph.inputs)
    return [within_bounds(array, node) for array, node in zip(arrays, graph.inputs, strict=True)]


def within_bounds(array: Array, node: Node) -> Array:
    """Values moved into the bounds that an input declares."""
    if not isinstance(node.op, Input) or node.op.bounds is None:
        return array
    low, high = node.op.bounds
    limits = np.iinfo(array.dtype) if node.dtype.is_integer else None
    ends = [max(low, limits.min), min(high, limits.max)] if limits else [low, high]
    known = np.where(np.isnan(array), ends[0] if np.isfinite(ends[0]) else 0, array) if limits is None else array
    return np.clip(known, *(np.asarray(end).astype(array.dtype) for end in ends)).astype(array.dtype)


def values(rng: np.random.Generator, shape: tuple[int, ...], dtype: DType, *, special: bool = False) -> Array:
    """Random elements of a dtype."""
    if dtype.kind == "b":
        return np.asarray(rng.random(shape) < 0.5)
    ordinary = rng.normal(size=shape) if dtype.is_float else rng.integers(0 if dtype.kind == "u" else -5, 6, shape)
    array = np.asarray(ordinary).astype(dtype.numpy)
    if special:
        array = np.where(rng.random(shape) < 0.5, rng.choice(_special(dtype), shape), array)
    return np.asarray(array, dtype.numpy)


def _special(dtype: DType) -> Array:
    if dtype.is_integer:
        range_ = np.iinfo(dtype.numpy)
        return np.array([range_.min, range_.max, 0, 1, range_.max - 1], dtype.numpy)
    limits = dtype.limits
    tiny, large = limits.smallest_subnormal, limits.max
    special = [np.nan, np.inf, -np.inf, 0.0, -0.0, tiny, -tiny, limits.tiny, large, -large, 1.0, -1.0, 0.5]
    return np.array(special, dtype.numpy)
