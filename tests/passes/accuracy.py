"""Is one formula ever less accurate than another? Measured at hard points, against the exact value.

An error is counted in units in the last place (ULP) of the exact result. Beside one such unit, what is allowed is
what a change of the inputs in their last place does to the exact result: no algorithm can promise more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import mpmath
import numpy as np

from graphc.interpret import evaluate_nodes
from graphc.interpret.mpmath_reader import MpmathReader
from graphc.ir.node import Node

Array = np.ndarray[Any, Any]
EDGES = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 0.5, -0.5, 2.0, 0.6931472, -0.6931472, 16.7, -16.7, 37.0, -37.0]
EDGES += [88.0, 88.8, -88.0, -104.0, 709.0, 710.0, -709.0, -746.0, 1e-8, -1e-8, 1 - 6e-8, 1 + 1.2e-7]
CONDITIONING = 3.0
PRECISION = {"float16": 512, "float32": 512, "float64": 2600}


def hard_points(inputs: Mapping[str, Node], count: int, seed: int) -> dict[str, Array]:
    """Values for inputs of shape (n,) or (n, row): edges, all exponents, and the range where exp matters."""
    rng = np.random.default_rng(seed)
    points: dict[str, Array] = {}
    first: Array | None = None
    for name, node in inputs.items():
        shape = (count, *node.shape[1:])
        if not node.dtype.is_float:
            points[name] = rng.integers(0, 2, shape).astype(node.dtype.numpy)
            continue
        values = _values(rng, shape, np.finfo(node.dtype.numpy))
        if first is not None:  # close to another variable, or its negative
            near = first * (1 + rng.choice([0.0, 1e-7, -1e-3], shape))
            values = np.where(rng.random(shape) < 0.3, near * rng.choice([1.0, 1.0, -1.0], shape), values)
        first = values if first is None else first
        with np.errstate(over="ignore"):
            points[name] = values.astype(node.dtype.numpy)
    return points


def _values(rng: np.random.Generator, shape: tuple[int, ...], info: Any) -> Array:
    exponents = rng.uniform(info.minexp - info.nmant, min(info.maxexp - 1, 500), shape)
    anywhere = np.exp2(exponents)
    moderate = np.exp2(rng.uniform(-30, 11, shape))
    near_one = 1 + rng.normal(size=shape) * np.exp2(rng.uniform(-info.nmant, 0, shape))
    edges = rng.choice(EDGES, shape)
    kind = rng.choice(4, shape, p=[0.25, 0.4, 0.1, 0.25])
    signed = rng.choice([-1.0, 1.0], shape) * np.choose(kind, [anywhere, moderate, near_one, moderate])
    return np.where(kind == 3, edges, signed)


def less_accurate(
    before: Node, after: Node, inputs: Mapping[str, Node], points: Mapping[str, Array], allowed: float = 1.0
) -> list[str]:
    """The points at which `after` is worse than `before` by more than `allowed` units, in words."""
    bindings = {node: points[name] for name, node in inputs.items()}
    with np.errstate(all="ignore"):
        old, new = evaluate_nodes([before, after], bindings)
    exact = exact_value(before, bindings)
    missing = np.zeros(old.shape, bool)
    for values in bindings.values():
        nan = np.isnan(values) if values.dtype.kind == "f" else np.zeros(values.shape, bool)
        missing |= nan if nan.shape == old.shape else nan.any(axis=tuple(range(1, nan.ndim)), keepdims=old.ndim > 1)
    found = []
    for index in np.ndindex(*old.shape):
        truth, a, b = exact[index], old[index], new[index]
        if missing[index]:
            bad = np.isnan(a) and not np.isnan(b)
        elif mpmath.isnan(truth) or (mpmath.isinf(truth) and np.isfinite(b)):
            continue  # a limit, or too large for exact arithmetic: the rule's own table says what is right
        else:
            limit = error(a, truth) + allowed
            bad = error(b, truth) > limit and error(b, truth) > limit + _inherent(
                before, bindings, index, truth, a.dtype
            )
        if bad:
            given = {name: value[index[0]] for name, value in points.items()}
            found.append(f"{given}: exactly {mpmath.nstr(truth, 9)}, was {a!r}, becomes {b!r}")
    return found


def exact_value(node: Node, bindings: Mapping[Node, Array]) -> Any:
    """The exact value, with so many bits that no sum of two floats of the dtype loses any."""
    reader = MpmathReader(PRECISION[node.dtype.name], PRECISION[node.dtype.name])
    (value,) = evaluate_nodes([node], bindings, reader=reader)
    return value


def error(value: Any, truth: Any) -> float:
    """The distance from the exact value, in units in the last place of it."""
    info = np.finfo(value.dtype)
    if abs(truth) > float(info.max):
        return 0.0 if np.isinf(value) and (value > 0) == (truth > 0) else np.inf
    if not np.isfinite(value):
        return np.inf
    units = abs(mpmath.mpf(float(value)) - truth) / _unit(truth, info)
    return float(units) if units < 1e30 else np.inf


def _unit(truth: Any, info: Any) -> Any:
    exponent = mpmath.frexp(truth)[1] if truth else info.minexp
    return mpmath.ldexp(1, max(int(exponent) - 1, info.minexp) - info.nmant)


def _inherent(before: Node, bindings: Mapping[Node, Array], index: Sequence[int], truth: Any, dtype: Any) -> float:
    """How far the exact result moves when the inputs move in their last place."""
    total = 0.0
    if not mpmath.isfinite(truth):
        return total
    row = {node: np.asarray(value[index[0] : index[0] + 1]) for node, value in bindings.items()}
    at = (0, *index[1:])
    for node, value in row.items():
        if value.dtype.kind != "f":
            continue
        for place in zip(*np.nonzero(np.isfinite(value)), strict=True):
            moved = value.copy()
            moved[place] = np.nextafter(value[place], value.dtype.type(np.inf))
            result = exact_value(before, {**row, node: moved})
            if mpmath.isfinite(result[at]):
                total += min(float(abs(result[at] - truth) / _unit(truth, np.finfo(dtype))), 1e30)
    return CONDITIONING * total
