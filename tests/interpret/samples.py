"""Every elementwise op with every dtype it accepts, and values from its domain."""

from collections.abc import Iterator
from typing import Any

import numpy as np

import graphc  # noqa: F401  # registers all ops
from graphc.ir.leaf import Input
from graphc.ir.node import Node, make
from graphc.ir.op import OPS
from graphc.ops.base import Elementwise
from graphc.types import DTYPES, DType, TensorType, bool_, float64


def elementwise_ops() -> Iterator[Elementwise]:
    """One of each class, of `cast` one for each dtype."""
    for name, op in sorted(OPS.items()):
        if issubclass(op, Elementwise):
            yield from (op(dtype) for dtype in DTYPES) if name == "cast" else [op()]


def accepted(op: Elementwise) -> list[DType]:
    return [dtype for dtype in DTYPES if op.admits(dtype)]


def apply(op: Elementwise, dtype: DType, shape: tuple[int, ...]) -> tuple[Node, list[Node]]:
    """A node of the op on inputs of the dtype."""
    arity = op.arity or 1
    dtypes = [bool_ if i < op.conditions else dtype for i in range(arity)]
    inputs = [make(Input(f"x{i}", TensorType(d, shape))) for i, d in enumerate(dtypes)]
    return make(op, *inputs), inputs


ENDS_OF_INTERVALS = {"log_normal_interval", "density_over_interval"}


def operands(op: Elementwise, dtype: DType, size: int, seed: int = 0) -> list[np.ndarray[Any, Any]]:
    """Random values for all operands, those of intervals in order."""
    arrays = [values(op, i, dtype, size, seed) for i in range(op.arity or 1)]
    return list(np.sort(arrays, axis=0)) if op.name in ENDS_OF_INTERVALS else arrays


def values(op: Elementwise, operand: int, dtype: DType, size: int, seed: int = 0) -> np.ndarray[Any, Any]:
    """Random values in the domain of an operand, of several magnitudes."""
    rng = np.random.default_rng((seed, operand))
    if operand < op.conditions or dtype is bool_:
        return rng.random(size) < 0.5
    domain = op.domain_of(operand)
    if dtype.is_integer:
        low = 0 if dtype.kind == "u" or domain.low >= 0 or op.name == "pow" or "shift" in op.name else -9
        return rng.integers(max(low, int(max(domain.low, -9)) + (not domain.closed)), 10, size).astype(dtype.numpy)
    spread = np.exp(rng.uniform(-6, 2.5, size)) * rng.choice([-1, 1], size)
    if np.isfinite(domain.low) and np.isfinite(domain.high):
        return rng.uniform(domain.low, domain.high, size).astype(dtype.numpy)
    if np.isfinite(domain.low):
        spread = domain.low + abs(spread)
    if np.isfinite(domain.high):
        spread = domain.high - abs(spread)
    return spread.astype(dtype.numpy)


FLOAT_OPS = [op for op in elementwise_ops() if float64 in accepted(op)]
