"""Regimes: one formula where an operand is small, another where it is large.

Comes in: formulas with their errors at points; goes out: choices between them. Where one becomes better than the
other along an operand follows from the points by dynamic programming, and is then made precise by bisection.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from graphc.ir.leaf import full
from graphc.ir.node import Node, topological
from graphc.ops.logic import less, where
from graphc.search.extraction import Variant
from graphc.search.points import Array, Points, between, bits_of_error, evaluate, exact_result
from graphc.search.regions import Region
from graphc.types import TensorType

BITS_PER_CHOICE = 0.1
"""What a choice has to gain on average."""
MOST_CHOICES = 4
BISECTIONS = 16
BETWEEN = 24
"""How many points are looked at between two where the best formula changes."""
BITS_INSIDE = 6.0
"""What a choice has to gain in all of them together."""


@dataclass(frozen=True)
class Piece:
    """The points, in order along an operand, from one position on, and the formula that is best there."""

    first: int
    formula: int


def choices(region: Region, variants: Sequence[Variant], points: Points) -> list[Node]:
    """Formulas that choose between others by an operand."""
    errors = np.stack([variant.errors for variant in variants])
    formulas = [variant.expression for variant in variants]
    found = []
    for number, values in enumerate(points.operands):
        order = np.argsort(values, kind="stable")
        pieces = _pieces(errors[:, order], values[order], BITS_PER_CHOICE * len(points))
        if 1 < len(pieces) <= MOST_CHOICES + 1:
            along = _Along(region, formulas, number)
            found.append(along.written(points.some(order), pieces))
    return found


def _pieces(errors: Array, values: Array, price: float) -> list[Piece]:
    """The cheapest way through the points: each formula's errors, and a price for each change of formula."""
    count, length = errors.shape
    total, came_from = errors[:, 0].copy(), np.zeros((length, count), int)
    for i in range(1, length):
        best = int(np.argmin(total))
        changes = (total > total[best] + price) & (values[i] > values[i - 1])
        came_from[i] = np.where(changes, best, np.arange(count))
        total = np.where(changes, total[best] + price, total) + errors[:, i]
    chosen = [int(np.argmin(total))]
    for i in range(length - 1, 0, -1):
        chosen.append(int(came_from[i, chosen[-1]]))
    chosen.reverse()
    return [Piece(i, c) for i, c in enumerate(chosen) if i == 0 or chosen[i - 1] != c]


class _Along:
    """Formulas of a region along one operand."""

    def __init__(self, region: Region, formulas: Sequence[Node], number: int) -> None:
        self.region, self.formulas, self.number = region, formulas, number
        self.program = topological([region.formula])
        self.dtype = region.formula.dtype

    def written(self, points: Points, pieces: Sequence[Piece]) -> Node:
        """The choice as a formula; `points` are in order along the operand."""
        steps: list[tuple[float, int]] = []  # up to where a formula holds
        for before, after in pairwise(pieces):
            steps += self._steps(points, before.formula, after)
        scalar = TensorType(self.dtype, ())
        variable = self.region.variables[self.number]
        total = self.formulas[pieces[-1].formula]
        for bound, formula in reversed(steps):
            total = where(less(variable, full(bound, scalar)), self.formulas[formula], total)
        return total

    def _steps(self, points: Points, first: int, after: Piece) -> list[tuple[float, int]]:
        """From one formula to another between two points: perhaps by others, which are best where no point was."""
        ends = [float(points.operands[self.number][i]) for i in (after.first - 1, after.first)]
        others = [float(column[after.first]) for column in points.operands]
        inner = [between(ends[0], ends[1], (k + 0.5) / BETWEEN, self.dtype) for k in range(BETWEEN)]
        columns = [(x, errors) for x in dict.fromkeys(inner) if (errors := self._errors(others, x)) is not None]
        if not columns:
            return [(ends[1], first)]
        values, errors = np.array([x for x, _ in columns]), np.stack([e for _, e in columns], axis=1)
        pieces = [Piece(-1, first), *_pieces(errors, values, BITS_INSIDE), Piece(len(values), after.formula)]
        steps = []
        bounds = [ends[0], *values, ends[1]]
        for one, other in pairwise(pieces):
            if one.formula != other.formula:
                gap = bounds[max(other.first, 0)], bounds[other.first + 1]
                steps.append((self._bound(others, one.formula, other.formula, *gap), one.formula))
        return steps

    def _bound(self, others: list[float], first: int, second: int, low: float, high: float) -> float:
        """Where the second formula becomes better than the first."""
        for _ in range(BISECTIONS):
            middle = between(low, high, 0.5, self.dtype)
            errors = self._errors(others, middle) if low < middle < high else None
            if errors is None:
                break
            low, high = (low, middle) if errors[second] < errors[first] else (middle, high)
        return float(high)

    def _errors(self, others: Sequence[float], x: float) -> Array | None:
        """The errors of all formulas at one value of the operand; None where there is no exact result."""
        row = [*others[: self.number], x, *others[self.number + 1 :]]
        variables = self.region.variables
        exact = exact_result(self.program, dict(zip(variables, row, strict=True)))
        if exact is None:
            return None
        with np.errstate(over="ignore"):
            truth = np.array([float(exact)]).astype(self.dtype.numpy)
        known = {v: np.array([value], self.dtype.numpy) for v, value in zip(variables, row, strict=True)}
        return np.array([bits_of_error(evaluate(formula, known), truth)[0] for formula in self.formulas])
