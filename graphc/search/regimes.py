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
BISECTIONS = 20


@dataclass(frozen=True)
class Piece:
    """The points, in order along an operand, from one position on, and the formula that is best there."""

    first: int
    formula: int


def choices(region: Region, variants: Sequence[Variant], points: Points) -> list[Node]:
    """Formulas that choose between others by an operand."""
    errors = np.stack([variant.errors for variant in variants])
    found = []
    for number, values in enumerate(points.operands):
        order = np.argsort(values, kind="stable")
        pieces = _pieces(errors[:, order], values[order])
        if 1 < len(pieces) <= MOST_CHOICES + 1:
            found.append(_written(region, variants, points.some(order), pieces, number))
    return found


def _pieces(errors: Array, values: Array) -> list[Piece]:
    """The cheapest way through the points: each formula's errors, and a price for each change of formula."""
    count, length = errors.shape
    price = BITS_PER_CHOICE * length
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


def _written(region: Region, variants: Sequence[Variant], points: Points, pieces: Sequence[Piece], number: int) -> Node:
    """The choice as a formula; `points` are in order along the operand of that number."""
    scalar = TensorType(region.formula.dtype, ())
    total = variants[pieces[-1].formula].expression
    for before, after in reversed(list(pairwise(pieces))):
        formulas = variants[before.formula].expression, variants[after.formula].expression
        bound = _bound(region, formulas, points, after.first, number)
        total = where(less(region.variables[number], full(bound, scalar)), formulas[0], total)
    return total


def _bound(region: Region, formulas: tuple[Node, Node], points: Points, position: int, number: int) -> float:
    """Where the second formula becomes better than the first, between two points that are next to each other."""
    dtype = region.formula.dtype
    program = topological([region.formula])
    low, high = (float(points.operands[number][i]) for i in (position - 1, position))
    others = [float(column[position]) for column in points.operands]
    for _ in range(BISECTIONS):
        middle = between(low, high, 0.5, dtype)
        if middle in (low, high):
            break
        others[number] = middle
        exact = exact_result(program, dict(zip(region.variables, others, strict=True)))
        if exact is None:
            break
        columns = {v: np.array([x], dtype.numpy) for v, x in zip(region.variables, others, strict=True)}
        truth = np.array([float(exact)]).astype(dtype.numpy)
        first, second = (bits_of_error(evaluate(formula, dict(columns)), truth)[0] for formula in formulas)
        low, high = (low, middle) if second < first else (middle, high)
    return high
