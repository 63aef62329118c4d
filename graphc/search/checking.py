"""Is a formula as good as another one everywhere? Asked at points that nothing was learnt from, and at special ones.

Comes in: the formula that stands in the graph, and a candidate; goes out: the candidate, guarded where it needs it,
or None. A guarded candidate is used only where what it divides by and what comes out are numbers to calculate with;
elsewhere the formula stays as it was.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product

import numpy as np

from graphc.ir.leaf import uniform_value
from graphc.ir.node import Node, topological
from graphc.ops.base import Elementwise
from graphc.ops.logic import greater, isfinite, logical_and, not_equal, where
from graphc.search.points import Array, Points, bits_of_error, evaluate, exact_result
from graphc.search.regions import Region, add, planted

SPECIAL = (0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 2.0, 0.5)
FAR = (1 << 3000, 1 << 3500)
MOST_ROWS = 400
RARE = 0.02
"""The share of numbers for which a formula may be less accurate all the same."""
SLACK = 3.0
"""How many bits of error more are rounding."""


@dataclass(frozen=True, eq=False)
class Found:
    """A better formula for a region: what it is, and the bits of error at points that judged it."""

    formula: Node
    before: float
    after: float


class Judge:
    """What is known about a region that candidates are compared with."""

    def __init__(self, region: Region, held_out: Points, seed: int) -> None:
        self.region, self.held_out = region, held_out
        self.errors = self._errors(region.known)
        self.special = _special_rows(region, held_out, seed)
        self.before = evaluate(region.known, dict(zip(region.variables, self.special, strict=True)))
        self.exact = self._exact_at_special()

    def accepted(self, candidate: Node) -> Node | None:
        """The candidate, with the guards that it needs; None if it is worse somewhere all the same."""
        if not self._is_better(candidate):
            return None
        quotients = set(self._unproved(candidate))
        ways = [(_is_defined, False), (isfinite, False), (isfinite, True)]
        guarded = dict.fromkeys(self._guarded(candidate, quotients, *way) for way in ways)
        formulas = [formula for formula in map(self._agreeing, guarded) if formula is not None]
        return min(formulas, key=lambda formula: float(self._errors(formula).mean()), default=None)

    def _agreeing(self, candidate: Node) -> Node | None:
        """A candidate, under the weakest conditions on the operands with which special values are right."""
        for conditions in ([], self._finite_operands(), [*self._finite_operands(), *self._divisors()]):
            formula = self._unless(conditions, candidate)
            if self._agrees_at_special(formula):
                return formula
        return None

    def found(self, formula: Node) -> Found:
        """A formula with what it was judged by."""
        return Found(formula, float(self.errors.mean()), float(self._errors(formula).mean()))

    # --- points that nothing was learnt from ---

    def _errors(self, formula: Node) -> Array:
        values = evaluate(formula, dict(zip(self.region.variables, self.held_out.operands, strict=True)))
        return bits_of_error(values, self.held_out.results)

    def _is_better(self, candidate: Node) -> bool:
        """Whether it is, on average, by more than what the choice of the points may make."""
        gained = self.errors - self._errors(candidate)
        return float(gained.mean()) > float(gained.std()) / math.sqrt(len(gained))

    # --- guards ---

    def _unproved(self, candidate: Node) -> list[Node]:
        """The quotients and logarithms in a candidate whose operand is not known to be other than zero."""
        region = self.region
        graph, _ = planted(region.formula, region.variables, region.intervals, 1 << 20)
        classes = {variable: number for number, variable in enumerate(region.variables)}
        trusted = set(topological([region.known]))
        found = []
        for node in topological([candidate]):
            other = not isinstance(node.op, Elementwise) or node.dtype is not candidate.dtype
            if other or node in trusted or node.op.name == "where":
                continue
            add(graph, node, classes)
            graph.rebuild()
            if node.op.name in ("divide", "rsqrt", "log", "log1p"):
                operand = graph.classes[graph.find(classes[node.args[-1]])].interval
                safe = operand.low > -1 if node.op.name == "log1p" else not operand.may_be_zero
                found += [] if safe else [node]
        return found

    def _guarded(
        self, candidate: Node, quotients: Container[Node], safe: Callable[[Node], Node], cautious: bool
    ) -> Node:
        """A candidate that is used only where its quotients are safe, and if `cautious` all of it is finite."""
        if candidate is self.region.known:
            return candidate
        if candidate.op.name == "where":
            condition, *branches = candidate.args
            first, second = (self._guarded(branch, quotients, safe, cautious) for branch in branches)
            chosen: Node = where(condition, first, second)
            return chosen
        conditions = [safe(node) for node in topological([candidate]) if node in quotients]
        conditions += [isfinite(candidate)] if cautious else []
        return self._unless(list(dict.fromkeys(conditions)), candidate)

    def _unless(self, conditions: Sequence[Node], candidate: Node) -> Node:
        """A candidate where all conditions hold, elsewhere the formula as it was."""
        if not conditions or candidate is self.region.known:
            return candidate
        formula: Node = where(reduce(logical_and, conditions), candidate, self.region.known)
        return formula

    def _finite_operands(self) -> list[Node]:
        return [isfinite(variable) for variable in self.region.variables]

    def _divisors(self) -> list[Node]:
        """Conditions that the formula divides by nothing that is 0."""
        divisors = [node.args[1] for node in topological([self.region.formula]) if node.op.name == "divide"]
        return [not_equal(divisor, 0) for divisor in divisors if uniform_value(divisor) is None]

    # --- special values ---

    def _exact_at_special(self) -> Array:
        """The exact results, rounded, where the operands are numbers and it is one; else NaN."""
        program = topological([self.region.formula])
        found = []
        for row in zip(*self.special, strict=True):
            given = {variable: float(x) for variable, x in zip(self.region.variables, row, strict=True)}
            value = exact_result(program, given) if np.isfinite(row).all() else None
            found.append(np.nan if value is None else float(value))
        with np.errstate(over="ignore"):
            return np.array(found).astype(self.before.dtype)

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
        known = ~np.isnan(self.exact)
        old, new = (bits_of_error(values[known], self.exact[known]) for values in (self.before, after))
        lost = after.dtype.itemsize * 8 / 2
        if np.count_nonzero((new > old + SLACK) & (old < lost)) > RARE * len(old):
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


def _is_defined(node: Node) -> Node:
    """The condition that a quotient divides by a number other than 0, or that a logarithm is one of a positive number.

    What is beyond all floats then is infinite.
    """
    operand = node.args[-1]
    if node.op.name == "divide":
        return not_equal(operand, 0)
    return greater(operand, -1 if node.op.name == "log1p" else 0)


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
