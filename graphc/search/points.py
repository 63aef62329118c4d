"""Points at which formulas are judged: drawn from where the operands lie, with the exact results.

Points are drawn evenly over the floats of an interval, so over all its exponents alike. A point counts where the
exact result is a number that the dtype can represent. Errors are counted in bits: the logarithm of how many floats
lie between a result and the rounded exact one.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphc.interpret.interval import Interval
from graphc.interpret.mpmath_reader import MpmathElements, PrecisionLost, Real
from graphc.interpret.numpy_reader import NumpyScalars
from graphc.ir.leaf import Constant
from graphc.ir.node import Node, topological
from graphc.ops.base import Elementwise
from graphc.types import DType

Array = np.ndarray[Any, Any]
PRECISION = 256
MOST_BITS = 1 << 14
ATTEMPTS = 24
"""How many points are drawn for one that counts."""
NUMPY = NumpyScalars()


@dataclass(frozen=True, eq=False)
class Points:
    """Values for each operand, and the exact results, rounded."""

    operands: tuple[Array, ...]
    results: Array

    def __len__(self) -> int:
        return len(self.results)

    def followed_by(self, *others: Points) -> Points:
        """These points and others, of the same operands."""
        columns = zip(self.operands, *(other.operands for other in others), strict=True)
        return Points(tuple(map(np.concatenate, columns)), np.concatenate([self.results, *(o.results for o in others)]))

    def some(self, chosen: Any) -> Points:
        """A part of the points, by index."""
        return Points(tuple(x[chosen] for x in self.operands), self.results[chosen])


def draw(root: Node, leaves: Sequence[Node], intervals: Sequence[Interval], count: int, seed: int) -> Points:
    """So many points, or fewer where the exact result is hardly ever a number."""
    source = random.Random(seed)
    program = topological([root])
    rows: list[tuple[float, ...]] = []
    results: list[float] = []
    for _ in range(count * ATTEMPTS):
        row = tuple(_drawn(source, interval, root.dtype) for interval in intervals)
        result = exact_result(program, dict(zip(leaves, row, strict=True)))
        if result is not None and is_representable(result, root.dtype):
            rows.append(row)
            results.append(float(result))
            if len(rows) == count:
                break
    columns = [np.array(column, root.dtype.numpy) for column in zip(*rows)] or [np.empty(0, root.dtype.numpy)] * len(
        leaves
    )
    return Points(tuple(columns), np.array(results).astype(root.dtype.numpy))


def exact_result(program: Sequence[Node], values: Mapping[Node, Any]) -> Any:
    """The last value of a program for the values of its operands; None where it is not known, or no real number."""
    precision = PRECISION
    while True:
        words = MpmathElements(precision, strict=precision < MOST_BITS)
        try:
            found = _run(program, values, words)
        except PrecisionLost:
            precision *= 4
        except (ArithmeticError, MemoryError):  # of numbers that are too large to have a fraction
            return None
        else:
            known = words.strict or found.value == 0  # a difference that is exactly 0 is never certain
            return found.value if known and words.context.isfinite(found.value) else None


def _run(program: Sequence[Node], values: Mapping[Node, Any], words: MpmathElements) -> Real:
    known: dict[Node, Any] = {}
    for node in program:
        if node in values:
            known[node] = words.real(values[node])
        elif isinstance(node.op, Constant):
            known[node] = words.real(float(node.op.value))
        else:
            known[node] = words.real(node.op.exact(words, *(known[arg] for arg in node.args)))
            if not words.context.isfinite(known[node].value):
                return words.real(float("nan"))  # no real number, so none of what follows is
    found: Real = known[program[-1]]
    return found


def is_representable(value: Any, dtype: DType) -> bool:
    """Whether a number rounds to one that is finite, and not to 0 unless it is."""
    with np.errstate(over="ignore"):
        rounded = dtype.numpy.type(float(value))
    return bool(np.isfinite(rounded)) and (rounded != 0 or value == 0)


def evaluate(root: Node, known: dict[Node, Array]) -> Array:
    """The values of a formula at points, in its dtype; `known` has those of the operands, and keeps all others."""
    count = len(next(iter(known.values())))
    with np.errstate(all="ignore"):
        for node in topological([root]):
            if node not in known:
                known[node] = _values(node, [known[arg] for arg in node.args], count)
    return known[root]


def _values(node: Node, operands: Sequence[Array], count: int) -> Array:
    if isinstance(node.op, Constant):
        return np.full(count, node.op.value)
    assert isinstance(node.op, Elementwise)
    return np.asarray(node.op.evaluate(NUMPY, *operands)).astype(node.dtype.numpy, copy=False)


def bits_of_error(values: Array, results: Array) -> Array:
    """The logarithm of one more than the number of floats from a value to the right one; all bits for NaN."""
    size = values.dtype.itemsize * 8
    above, below = ordinals(values), ordinals(results)
    distance = np.where(above > below, above, below).view(np.uint64) - np.where(above > below, below, above).view(
        np.uint64
    )
    bits = np.log2(1.0 + distance.astype(np.float64))
    return np.where(np.isnan(values) != np.isnan(results), float(size), np.where(np.isnan(results), 0.0, bits))


def ordinals(values: Array) -> Array:
    """The floats of a dtype as integers in the same order, 0 for both zeros."""
    raw = values.view(np.dtype(f"i{values.dtype.itemsize}")).astype(np.int64)
    least = np.iinfo(f"i{values.dtype.itemsize}").min
    return np.where(raw < 0, least - raw, raw)


def between(low: float, high: float, share: float, dtype: DType) -> float:
    """The float at a share of the way from one to another, counting floats."""
    first, last = (int(ordinals(np.array([x], dtype.numpy))[0]) for x in (low, high))
    return _from_ordinal(first + int((last - first) * share), dtype)


def _from_ordinal(ordinal: int, dtype: DType) -> float:
    width = np.dtype(f"i{dtype.numpy.itemsize}")
    raw = ordinal if ordinal >= 0 else int(np.iinfo(width).min) - ordinal
    return float(np.array([raw], width).view(dtype.numpy)[0])


def _drawn(source: random.Random, interval: Interval, dtype: DType) -> float:
    """A float of an interval, each as likely as any other."""
    limits = dtype.limits
    ends = (max(interval.low, float(limits.min)), min(interval.high, float(limits.max)))
    low, high = (int(ordinals(np.array([end], dtype.numpy))[0]) for end in ends)
    return _from_ordinal(source.randint(min(low, high), high), dtype)
