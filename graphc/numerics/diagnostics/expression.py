"""Formulas as functions of one value: a node goes in, and what it computes as that value varies comes out.

    exp(2 * z + 1)     is a function of z: it overflows in f32 where z > 43.86

The value is the nearest one that the user named, or an input or a parameter. A function is sampled at 0 and at powers
of two of both signs, and thresholds are found by cutting intervals of floats: no op has to say where it overflows.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from graphc.interpret.ranges import range_of
from graphc.interpret.reader import Array, Reader, as_reader
from graphc.ir.leaf import uniform_value
from graphc.ir.node import Node
from graphc.numerics.diagnostics.scope import Scope
from graphc.ops.conversion import Cast
from graphc.types import DType, TensorType

MOST_STEPS = 24  # ops of a formula; longer ones are no function that a reader sees at once
_CUTS, _ROUNDS = 64, 5  # which find a threshold to more digits than are shown
_SMALL, _LARGE = 2.0**-10, 1e5  # what numbers tend to be: a threshold far beyond is of no interest

Predicate = Callable[[Mapping[Node, Array]], Array]


@dataclass(frozen=True, eq=False)
class Expression:
    """`root` as a function of `variable`; `steps` lead from there to the root, operands first."""

    variable: Node
    root: Node
    steps: tuple[Node, ...]

    def values(self, points: Array, reader: Reader | None = None, dtype: DType | None = None) -> dict[Node, Array]:
        """What all steps compute at values of the variable: as a target, another reader, or with all floats in
        another dtype."""
        reader = as_reader("numpy") if reader is None else reader

        def type_of(node: Node) -> DType:
            return node.dtype if dtype is None or not node.dtype.is_float else dtype

        def load(value: Any, node: Node) -> Array:
            return reader.load(np.full(points.shape, value).astype(type_of(node).numpy), type_of(node))

        found = {self.variable: load(points, self.variable)}
        with np.errstate(all="ignore"):
            for node in self.steps:
                op = node.op if dtype is None or not isinstance(node.op, Cast) else Cast(type_of(node))
                if not op.elementwise:  # it moves elements
                    found[node] = found[node.args[0]]
                    continue
                xs = [found[arg] if arg in found else load(uniform_value(arg), arg) for arg in node.args]
                found[node] = reader.apply(op, TensorType(type_of(node), points.shape), xs)
        return found

    def possible(self, values: Mapping[Node, Array]) -> Array:
        """Where all values are in the ranges that are known."""
        found = np.ones(values[self.root].shape, bool)
        for node in (self.variable, *self.steps[:-1]):
            known, value = range_of(node), values[node].astype(np.float64)
            found &= np.isnan(value) | ((known.low <= value) & (value <= known.high))
            found &= known.may_be_zero | (value != 0)
        return found

    def region(self, holds: Predicate, label: str, begins: Predicate | None = None) -> str | None:
        """Where something holds of the values, in words about the variable. None where it does not.

        What holds only at single points, or only of huge and tiny numbers, does not count, nor what does not begin.
        """
        points = self.points()
        values = self.values(points)
        possible = self.possible(values)
        found, size = holds(values) & possible, np.abs(points.astype(np.float64))
        counts = (size <= _LARGE) & (size >= _SMALL) & (found if begins is None else begins(values))
        runs = [(i, j) for i, j in _runs(found) if j > i and counts[i : j + 1].any()]
        parts = [self._bounds(i, j, points, holds) for i, j in runs]
        return _in_words(parts, label) if parts else None

    def points(self) -> Array:
        """Values of the variable, in order, inside its range."""
        known = range_of(self.variable)
        dtype = self.variable.dtype
        points = grid(dtype)
        wide = points.astype(np.float64)
        kept = points[(known.low <= wide) & (wide <= known.high)]
        if dtype.is_integer:
            return kept
        ends = [end for end in (known.low, known.high) if np.isfinite(end)]
        return np.unique(np.concatenate([kept, np.array(ends, np.float64).astype(dtype.numpy)]))

    def _bounds(self, i: int, j: int, points: Array, holds: Predicate) -> tuple[float, float]:
        """The ends of a run of points where something holds; infinite where it goes on."""
        low = -np.inf if i == 0 else self._threshold(points[i - 1], points[i], holds)
        high = np.inf if j == len(points) - 1 else self._threshold(points[j + 1], points[j], holds)
        return float(low), float(high)

    def _threshold(self, without: float, having: float, holds: Predicate) -> float:
        for _ in range(_ROUNDS):
            between = np.linspace(float(without), float(having), _CUTS + 1).astype(self.variable.dtype.numpy)
            first = int(np.argmax(holds(self.values(between))))
            without, having = between[max(first - 1, 0)], between[first]
        return having


def expressions(root: Node, scope: Scope) -> Iterator[Expression]:
    """The node as a function of a single node below it, near ones first."""
    open_, queue = {root}, [(-scope.order(root), id(root), root)]
    steps: list[Node] = []
    while queue and len(steps) < MOST_STEPS:
        _, _, node = heapq.heappop(queue)
        open_.discard(node)
        if steps and not open_:
            yield Expression(node, root, tuple(reversed(steps)))
        if not node.args or not (node.op.elementwise or (node.op.moves and not open_)):
            return
        steps.append(node)
        for arg in node.args[: 1 if node.op.moves else None]:
            if uniform_value(arg) is None and arg not in open_:
                open_.add(arg)
                heapq.heappush(queue, (-scope.order(arg), id(arg), arg))


def nearest(root: Node, scope: Scope) -> Expression | None:
    """The node as a function of the nearest node below it that the user named, or else of the farthest."""
    found = None
    for found in expressions(root, scope):
        if scope.is_named(found.variable):
            break
    return found


def farthest(root: Node, scope: Scope) -> Expression | None:
    """The node as a function of the farthest node below it: of an input, if it can be."""
    return next(iter(deque(expressions(root, scope), maxlen=1)), None)


@cache
def grid(dtype: DType) -> Array:
    """0 and numbers of both signs: each power of two that is usual, some of the others, and one between any two."""
    if dtype.kind == "b":
        return np.array([False, True])
    if dtype.is_integer:
        least, most = int(np.iinfo(dtype.numpy).min), int(np.iinfo(dtype.numpy).max)
        powers = [2**k for k in range(dtype.bits)]
        numbers = {0, *powers, *(3 * p for p in powers), *(-p for p in powers), *(-3 * p for p in powers)}
        return np.array(sorted(n for n in numbers if least <= n <= most), dtype.numpy)
    limits = dtype.limits
    low, high = int(limits.minexp) - int(limits.nmant), int(limits.maxexp)
    exponents = [k for k in range(low, high) if abs(k) <= 40 or k % 16 == 0]
    positive = np.array([m * 2.0**k for k in exponents for m in (1.0, 1.3737)]).astype(dtype.numpy)
    both = np.concatenate([-positive, np.zeros(1, dtype.numpy), positive])
    return np.unique(both[np.isfinite(both)])


def shown(number: float) -> str:
    """A threshold in a few digits."""
    return f"{number:.0f}" if abs(number) >= 1000 and abs(number) < 1e6 else f"{number:.4g}"


def _in_words(parts: list[tuple[float, float]], label: str) -> str:
    texts = []
    for low, high in parts:
        if np.isinf(low) and np.isinf(high):
            return f"{label} is any number"
        if np.isinf(high):
            texts.append(f"{label} > {shown(low)}")
        elif np.isinf(low):
            texts.append(f"{label} < {shown(high)}")
        elif low == -high or np.isclose(low, -high, rtol=1e-3):
            texts.append(f"|{label}| < {shown(high)}")
        else:
            texts.append(f"{shown(low)} < {label} < {shown(high)}")
    if len(parts) == 2 and np.isinf(parts[0][0]) and np.isinf(parts[1][1]):
        below, above = parts[0][1], parts[1][0]
        if np.isclose(below, -above, rtol=1e-3):
            return f"|{label}| > {shown(above)}"
    return " or ".join(texts[:2])


def _runs(found: Array) -> Iterator[tuple[int, int]]:
    """First and last index of each row of true values."""
    padded = np.concatenate([[False], found, [False]]).astype(np.int8)
    changes = np.diff(padded)
    yield from zip(np.flatnonzero(changes == 1).tolist(), (np.flatnonzero(changes == -1) - 1).tolist(), strict=True)
