"""Points at which formulas are hard: inputs go in, values for them come out.

Drawn from all exponents with both signs, subnormals included, from the range where exponentials matter, from the
neighbourhood of numbers where formulas change (0, 1, where exp over- and underflows, constants of the formulas), and
close to each other. A single 16-bit input takes all of its values.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from graphc.ir.leaf import uniform_value
from graphc.ir.node import Node, topological
from graphc.types import as_dtype

Array = np.ndarray[Any, Any]
SPECIAL = [0.0, -0.0, math.inf, -math.inf, math.nan]
NUMBERS = [1.0, 0.5, 2.0, 0.25, 0.75, 4.0, 8.0, math.log(2), math.log(2) / 2, math.sqrt(0.5), math.pi, 16.7, 37.0]
NUMBERS += [1e-8, 1e-3, 100.0, 4000.0]


def limits(dtype: Any) -> Any:
    """The limits of a float dtype."""
    return as_dtype(dtype).limits


def edges(dtype: Any, nodes: Iterable[Node] = ()) -> Array:
    """Numbers near which formulas change: those of the dtype, and the constants of nodes."""
    info = limits(dtype)
    largest, least, small = float(info.max), float(info.smallest_normal), float(info.smallest_subnormal)
    eps = float(info.eps)
    ends = [largest, least, small, eps, eps / 2, math.sqrt(largest), math.sqrt(small), math.sqrt(eps), eps ** (1 / 3)]
    ends += [math.log(largest), -math.log(least), -math.log(small), -math.log(eps), math.log(largest) / 2]
    values = (uniform_value(node) for node in topological(list(nodes)) if node.dtype.is_float)
    constants = [abs(float(value)) for value in values if value is not None and math.isfinite(value)]
    return np.array([*NUMBERS, *ends, *constants])


def hard_points(inputs: Mapping[str, Node], count: int, seed: int, nodes: Iterable[Node] = ()) -> dict[str, Array]:
    """Values for inputs of the shape (n,) or (n, row): `count` of them, or all where there are no more."""
    (first, *others) = inputs.values()
    if not others and first.ndim == 1 and first.dtype.is_float and first.dtype.bits == 16 and count >= 1 << 16:
        return {name: np.arange(1 << 16, dtype=np.uint16).view(first.dtype.numpy) for name in inputs}
    rng = np.random.default_rng(seed)
    nodes, points = list(nodes), dict[str, Array]()
    leader: Array | None = None
    for name, node in inputs.items():
        shape, dtype = (count, *node.shape[1:]), node.dtype.numpy
        if not node.dtype.is_float:
            points[name] = rng.integers(0, 2, shape).astype(dtype)
            continue
        values = _values(rng, shape, dtype, edges(dtype, nodes))
        if leader is not None:  # equal or close to another variable, or to its negative
            with np.errstate(over="ignore"):
                near = leader * (1 + rng.choice([0.0, 4 * float(limits(dtype).eps), -1e-3], shape))
            values = np.where(rng.random(shape) < 0.3, near * rng.choice([1.0, 1.0, -1.0], shape), values)
        elif len(shape) > 1:
            values = _rows(rng, values)
        leader = values if leader is None else leader
        with np.errstate(over="ignore", under="ignore"):
            points[name] = values.astype(dtype)
    return points


def _values(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any, marks: Array) -> Array:
    info = limits(dtype)
    lowest, top = int(info.minexp) - int(info.nmant), int(info.maxexp)
    anywhere = np.ldexp(rng.uniform(1, 2, shape), rng.integers(lowest, top, shape))
    moderate = np.exp2(rng.uniform(max(-30, lowest), min(11, top), shape))
    near_one = 1 + rng.normal(size=shape) * np.exp2(rng.uniform(-int(info.nmant), 0, shape))
    steps = rng.integers(-3, 4, shape) * rng.choice([float(info.eps), 0.01], shape)
    kind = rng.choice(5, shape, p=[0.3, 0.35, 0.1, 0.2, 0.05])
    with np.errstate(over="ignore"):
        near_edge = rng.choice(marks, shape) * (1 + steps)
        signed = rng.choice([-1.0, 1.0], shape) * np.choose(kind, [anywhere, moderate, near_one, near_edge, moderate])
    return np.where(kind == 4, rng.choice(SPECIAL, shape), signed)


def _rows(rng: np.random.Generator, values: Array) -> Array:
    """Some rows with elements that are equal, or close to their first one."""
    rows = (len(values), *(1 for _ in values.shape[1:]))
    start = values[(slice(None), *(slice(0, 1) for _ in values.shape[1:]))]
    with np.errstate(all="ignore"):
        close = start + rng.normal(size=values.shape) * np.exp2(rng.uniform(-30, 5, rows))
    kind = rng.choice(3, rows, p=[0.6, 0.3, 0.1])
    return np.where(kind == 0, values, np.where(kind == 1, close, start))
