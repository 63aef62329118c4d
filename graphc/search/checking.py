"""Is a formula as good as another one everywhere? Asked at points that nothing was learnt from, and at special ones.

Comes in: the formula that stands in the graph, and a candidate; goes out: the candidate, guarded where it needs it,
or None. A guarded candidate is used only where what it divides by and what comes out are numbers to calculate with;
elsewhere the formula stays as it was.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import product

import numpy as np

from graphc.ir.node import Node, topological
from graphc.ops.base import Elementwise
from graphc.ops.logic import isfinite, logical_and, where
from graphc.search.points import Array, Points, bits_of_error, evaluate, exact_result, is_representable
from graphc.search.regions import Region, add, planted

SPECIAL = (0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 2.0, 0.5)
FAR = (1 << 3000, 1 << 3500)
MOST_ROWS = 400
SLACK = 3.0
"""How many bits of error more are rounding."""


class Judge:
    """What is known about a region that candidates are compared with."""

    def __init__(self, region: Region, held_out: Points, seed: int) -> None:
        self.region, self.held_out = region, held_out
        self.errors = self._errors(region.formula)
        self.special = _special_rows(region, held_out, seed)
        self.before = evaluate(region.formula, dict(zip(region.variables, self.special, strict=True)))
        self.exact = self._exact_at_special()

    def accepted(self, candidate: Node) -> Node | None:
        """The candidate, with the guards that it needs; None if it is worse somewhere all the same."""
        if not self._is_better(candidate):
            return None
        quotients = self._unproved(candidate)
        for watched in self._guards(candidate, quotients):
            guarded = self._guarded(candidate, watched)
            if self._agrees_at_special(guarded):
                return guarded
        return None

    # --- points that nothing was learnt from ---

    def _errors(self, formula: Node) -> Array:
        values = evaluate(formula, dict(zip(self.region.variables, self.held_out.operands, strict=True)))
        return bits_of_error(values, self.held_out.results)

    def _is_better(self, candidate: Node) -> bool:
        return float(self._errors(candidate).mean()) < float(self.errors.mean())

    # --- guards ---

    def _unproved(self, candidate: Node) -> list[Node]:
        """The quotients and logarithms in a candidate whose operand is not known to be other than zero."""
        region = self.region
        graph, _ = planted(region.formula, region.variables, region.intervals, 1 << 20)
        classes = {variable: number for number, variable in enumerate(region.variables)}
        found = []
        for node in topological([candidate]):
            if not isinstance(node.op, Elementwise) or node.dtype is not candidate.dtype or node.op.name == "where":
                continue
            add(graph, node, classes)
            graph.rebuild()
            if node.op.name in ("divide", "rsqrt", "log", "log1p"):
                operand = graph.classes[graph.find(classes[node.args[-1]])].interval
                safe = operand.low > -1 if node.op.name == "log1p" else not operand.may_be_zero
                found += [] if safe else [node]
        return found

    def _guards(self, candidate: Node, quotients: Sequence[Node]) -> Iterator[list[Node]]:
        """What might have to be finite for a candidate to be used, with more and more caution."""
        yield list(quotients)
        yield [*quotients, candidate]
        yield [*quotients, candidate, *self.region.variables]

    def _guarded(self, candidate: Node, watched: Sequence[Node]) -> Node:
        if not watched:
            return candidate
        fine = reduce(logical_and, (isfinite(node) for node in dict.fromkeys(watched)))
        guarded: Node = where(fine, candidate, self.region.formula)
        return guarded

    # --- special values ---

    def _exact_at_special(self) -> list[float | None]:
        """The exact results where the operands are numbers and it is one."""
        program = topological([self.region.formula])
        found: list[float | None] = []
        for row in zip(*self.special, strict=True):
            given = {variable: float(x) for variable, x in zip(self.region.variables, row, strict=True)}
            value = exact_result(program, given) if np.isfinite(row).all() else None
            good = value is not None and is_representable(value, self.region.formula.dtype)
            found.append(float(value) if value is not None and good else None)
        return found

    def _agrees_at_special(self, candidate: Node) -> bool:
        """NaN stays NaN, infinities and what is undefined are as before, and numbers are as accurate as before."""
        after = evaluate(candidate, dict(zip(self.region.variables, self.special, strict=True)))
        rows = np.stack(self.special)
        missing, infinite = np.isnan(rows).any(axis=0), np.isinf(rows).any(axis=0)
        was, now = np.isnan(self.before), np.isnan(after)
        if (now & ~was).any() or (missing & was & ~now).any():
            return False
        if not all(
            self._is_limit(index, float(after[index])) for index in map(int, np.flatnonzero(infinite & was & ~now))
        ):
            return False
        exact = np.array([np.nan if value is None else value for value in self.exact], after.dtype)
        known = ~np.isnan(exact)
        old, new = bits_of_error(self.before[known], exact[known]), bits_of_error(after[known], exact[known])
        if (new > old + SLACK).any():
            return False
        rest = ~known & ~was & ~missing
        return bool((bits_of_error(after[rest], self.before[rest]) <= SLACK).all())

    def _is_limit(self, index: int, value: float) -> bool:
        """Whether exact results for operands far beyond all floats, in the place of infinities, round to a value."""
        program = topological([self.region.formula])
        for distance in FAR:
            given = {
                variable: float(row[index]) if np.isfinite(row[index]) else int(np.sign(row[index])) * distance
                for variable, row in zip(self.region.variables, self.special, strict=True)
            }
            exact = exact_result(program, given)
            if exact is None or float(exact) != value:
                return False
        return True


def _special_rows(region: Region, points: Points, seed: int) -> tuple[Array, ...]:
    """Special values for the operands: all pairs of one or two, otherwise each beside ordinary ones and some mixed."""
    dtype = region.formula.dtype.numpy
    limits = np.finfo(dtype)
    values = (*SPECIAL, float(limits.max), -float(limits.max), float(limits.tiny), -float(limits.tiny))
    possible = [[x for x in values if x in interval] or [interval.low] for interval in region.intervals]
    source = random.Random(seed)
    rows: list[tuple[float, ...]] = []
    if len(possible) <= 2:
        rows += product(*possible)
    for position, own in enumerate(possible):
        for special in own:
            for _ in range(3):
                ordinary = [float(column[source.randrange(len(points))]) for column in points.operands]
                ordinary[position] = special
                rows.append(tuple(ordinary))
    rows += [tuple(source.choice(own) for own in possible) for _ in range(64)]
    return tuple(np.array(column, dtype) for column in zip(*rows[:MOST_ROWS], strict=True))
