"""The search for a more accurate formula: a region comes in, a formula that is better where it was tested goes out.

Equality saturation gives many formulas for each part of the region, extraction the most accurate ones at points.
From the best, it starts again. What is chosen in the end is judged at other points.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from graphc.interpret.interval import Interval
from graphc.ir.node import Node, topological
from graphc.search.approximations import approximations
from graphc.search.checking import Found, Judge
from graphc.search.egraph import EGraph
from graphc.search.extraction import Cost, Extraction, Variant, chosen
from graphc.search.identities import IDENTITIES
from graphc.search.matching import apply_identities
from graphc.search.points import Points, bits_of_error, draw, evaluate, exact_result
from graphc.search.regimes import choices
from graphc.search.regions import Region, add, cost_of, planted
from graphc.search.ring import Ring

TRAINING, HELD_OUT = 1, 2
"""Seeds: the points that are learnt from, and those that judge."""
FEWEST = 32
"""With fewer points nothing is known."""
ORDINARY, ORDINARY_SHARE = 256.0, 16
"""One point in so many is positive, and one negative, between 1/ORDINARY and ORDINARY: few floats are."""
PROBES, NEAR = 4, 4.0
"""Points where what is said to be equal is compared: so many between -NEAR and NEAR, and as many others."""
GOOD_ENOUGH = 0.5
"""Bits of error from which on nothing is approximated."""
TRIED, SOURCES = 32, 4
"""Points at which approximations are tried, and how many formulas they are made from."""
MEASURED = 40
"""Points at which every part of every formula is measured."""


@dataclass(frozen=True)
class Effort:
    """How far a search goes: `nodes` of an e-graph, `rounds` of identities, so often anew, with so many points.

    A formula is taken if it gains `gain` bits on average and costs at most `slower` times as much.
    """

    gain: float
    slower: float
    nodes: int = 1500
    rounds: int = 4
    repeats: int = 2
    points: int = 256
    formulas: int = 8


Extend = Callable[[Node], Node]
"""A formula to the same in numbers that neither over- nor underflow on the way."""


def improve(region: Region, effort: Effort, cost: Cost, extend: Extend | None = None) -> Found | None:
    """A more accurate formula, if one is found."""
    points = draw(region.formula, region.variables, region.intervals, effort.points, TRAINING)
    if len(points) < FEWEST:
        return None
    points = points.followed_by(*_ordinary(region, effort.points // ORDINARY_SHARE))
    search = _Search(region, points, effort, cost, extend)
    if search.original.errors.mean() < effort.gain:
        return None
    good = [variant for variant in search.candidates() if search.is_worth(variant)]
    if not good:
        return None
    held_out = draw(region.formula, region.variables, region.intervals, effort.points, HELD_OUT)
    judge = Judge(region, held_out, HELD_OUT)
    accepted = [judge.accepted(variant.expression) for variant in sorted(good, key=lambda variant: variant.score)]
    measured = [search.measured(formula) for formula in accepted if formula is not None]
    best = min(filter(search.is_worth, measured), key=lambda variant: variant.score, default=None)
    return judge.found(best.expression) if best is not None else None


class _Search:
    """Formulas for a region, measured at the points that are learnt from."""

    def __init__(
        self, region: Region, points: Points, effort: Effort, cost: Cost, extend: Extend | None = None
    ) -> None:
        self.region, self.points, self.effort, self.cost, self.extend = region, points, effort, cost, extend
        self.original = self.measured(region.known)
        near = tuple(map(_moderate, region.intervals))
        middle = draw(region.formula, region.variables, near, PROBES, TRAINING)
        columns = (np.concatenate([x, y[:PROBES]]) for x, y in zip(middle.operands, points.operands, strict=True))
        self.probes = [tuple(map(float, row)) for row in zip(*columns, strict=True)]

    def is_worth(self, variant: Variant) -> bool:
        """Whether a formula gains enough for what it costs."""
        gain = float(self.original.errors.mean() - variant.errors.mean())
        return gain >= self.effort.gain and variant.cost <= self.effort.slower * self.original.cost

    def measured(self, formula: Node) -> Variant:
        """A formula with its errors at the points."""
        values = evaluate(formula, dict(zip(self.region.variables, self.points.operands, strict=True)))
        errors = bits_of_error(values, self.points.results)
        return Variant(formula, values, errors, cost_of(formula, self.cost))

    def candidates(self) -> list[Variant]:
        """Formulas that are equal to that of the region, or almost so in some part; choices between them."""
        known = [self.measured(self.region.formula)]
        for _ in range(self.effort.repeats):
            fresh = self._equal([self.region.formula, *(variant.expression for variant in known)])
            if not self._join(known, fresh) or known[0].errors.mean() < GOOD_ENOUGH:
                break
        if known[0].errors.mean() < GOOD_ENOUGH:
            return known
        equal = [variant.expression for variant in known]
        if self.extend is not None:
            self._join(known, map(self.extend, equal))
        if known[0].errors.mean() >= GOOD_ENOUGH:
            self._join(known, self._almost_equal(equal, known))
        if self.region.known is not self.region.formula:
            known.append(self.original)
        if len(known) > 1:
            for _ in range(2):  # the second may choose by another operand
                known += map(self.measured, choices(self.region, known, self.points))
        return known

    def _join(self, known: list[Variant], formulas: Iterable[Node]) -> bool:
        """Keep the best of what is known and others; whether there was one."""
        expressions = {variant.expression for variant in known}
        fresh = [self.measured(formula) for formula in formulas if formula not in expressions]
        known[:] = chosen([*known, *fresh], self.effort.formulas)
        return bool(fresh)

    def _equal(self, formulas: Sequence[Node]) -> list[Node]:
        """The most accurate formulas that are equal to some, all of which are equal to the first."""
        region = self.region
        nodes, intervals = self.effort.nodes, region.intervals
        graph, root = planted(formulas[0], region.variables, intervals, nodes, self.probes)
        for formula in formulas[1:]:
            graph.union(root, add(graph, formula, {v: number for number, v in enumerate(region.variables)}))
            graph.rebuild()
        saturate(graph, self.effort.rounds)
        few = self.points.some(np.arange(min(MEASURED, len(self.points))))
        found = Extraction(graph, region.variables, few.operands, self.cost).best(root, self.effort.formulas)
        return [variant.expression for variant in found]

    def _almost_equal(self, equal: Sequence[Node], known: Sequence[Variant]) -> Iterator[Node]:
        """The most accurate formulas for approximations that are good where what is known is bad."""
        near = list(dict.fromkeys(each for formula in equal[:SOURCES] for each in approximations(formula)))
        as_written = _added(known, map(self.measured, near), self.effort.formulas)
        few = self.points.some(np.arange(min(TRIED, len(self.points))))
        start = [replace(variant, errors=variant.errors[: len(few)]) for variant in (*known, *as_written)]
        promising = _added(start, (self._exactly(formula, few) for formula in near), self.effort.formulas)
        yield from (variant.expression for variant in as_written)
        for variant in promising:
            yield from self._equal([variant.expression])

    def _exactly(self, formula: Node, points: Points) -> Variant:
        """A formula with the errors that it would have if nothing were rounded."""
        program = topological([formula])
        values = []
        for row in zip(*points.operands, strict=True):
            exact = exact_result(program, dict(zip(self.region.variables, map(float, row), strict=True)))
            values.append(math.nan if exact is None else float(exact))
        with np.errstate(over="ignore"):
            rounded = np.array(values).astype(points.results.dtype)
        return Variant(formula, rounded, bits_of_error(rounded, points.results), 0.0)


def _ordinary(region: Region, count: int) -> Iterator[Points]:
    """Points of a size at which functions are neither almost linear nor far out, on either side of 0."""
    for low, high in ((1 / ORDINARY, ORDINARY), (-ORDINARY, -1 / ORDINARY)):
        inner = (Interval(max(x.low, low), min(x.high, high)) for x in region.intervals)
        intervals = [cut if cut.low < cut.high else x for cut, x in zip(inner, region.intervals, strict=True)]
        yield draw(region.formula, region.variables, intervals, count, TRAINING)


def _moderate(interval: Interval) -> Interval:
    """The part of an interval that is near 0, if it has one."""
    low, high = max(interval.low, -NEAR), min(interval.high, NEAR)
    return Interval(low, high) if low < high else interval


def _added(known: Sequence[Variant], others: Iterable[Variant], most: int) -> list[Variant]:
    """The best of some formulas where those that are known are bad."""
    kept = chosen([*known, *others], len(known) + most)
    return [variant for variant in kept if not any(variant is old for old in known)]


def saturate(graph: EGraph, rounds: int) -> None:
    """Add what identities and the arithmetic of polynomials say, so many times."""
    ring, done = Ring(graph), set[tuple[object, ...]]()
    for _ in range(rounds):
        before = len(graph)
        ring.normalise()
        apply_identities(graph, IDENTITIES, done)
        if graph.full or len(graph) == before:
            break
    ring.normalise()
