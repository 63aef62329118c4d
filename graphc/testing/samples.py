"""Arrays for graphs: ordinary numbers, special values and the ends of ranges, the same for the same seed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ml_dtypes
import numpy as np

from graphc.ir.graph import Graph
from graphc.types import DType

Array = np.ndarray[Any, Any]


def sizes_for(graph: Graph, *sizes: int) -> dict[str, int]:
    """A size for each named dimension of a graph; the sizes are used in turn."""
    return {name: sizes[i % len(sizes)] for i, name in enumerate(graph.dimensions)}


def sample(graph: Graph, seed: int, sizes: Mapping[str, int] | None = None, *, special: bool = False) -> list[Array]:
    """An array for each input. With `special`, half of the elements are NaN, inf, -0.0, subnormals or limits."""
    rng = np.random.default_rng(seed)
    known = sizes_for(graph, 3, 5, 4) if sizes is None else sizes
    return [values(rng, node.type.concrete_shape(known), node.dtype, special=special) for node in graph.inputs]


def float_limits(dtype: np.dtype[Any]) -> Any:
    """`eps`, `smallest_subnormal` and the like, also of bfloat16."""
    return ml_dtypes.finfo(dtype)  # type: ignore[no-untyped-call]


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
    limits = float_limits(dtype.numpy)
    tiny, large = limits.smallest_subnormal, limits.max
    special = [np.nan, np.inf, -np.inf, 0.0, -0.0, tiny, -tiny, limits.tiny, large, -large, 1.0, -1.0, 0.5]
    return np.array(special, dtype.numpy)
