"""The search for a more accurate formula: a region comes in, a formula that is better where it was tested goes out.

Equality saturation gives many formulas for each part of the region, extraction the most accurate ones at points.
From the best, it starts again. What is chosen in the end is judged at other points.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphc.ir.node import Node
from graphc.search.checking import Judge
from graphc.search.egraph import EGraph
from graphc.search.extraction import Extraction, Variant, chosen
from graphc.search.identities import IDENTITIES
from graphc.search.matching import apply_identities
from graphc.search.points import Points, bits_of_error, draw, evaluate
from graphc.search.regions import Cost, Region, add, cost_of, planted
from graphc.search.ring import Ring

TRAINING, HELD_OUT = 1, 2
"""Seeds: the points that are learnt from, and those that judge."""
FEWEST = 32
"""With fewer points nothing is known."""
MEASURED = 48
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


@dataclass(frozen=True, eq=False)
class Found:
    """A better formula for a region: what it is, and the bits of error at points that judged it."""

    formula: Node
    before: float
    after: float


def improve(region: Region, effort: Effort, cost: Cost) -> Found | None:
    """A more accurate formula, if one is found."""
    points = draw(region.formula, region.variables, region.intervals, effort.points, TRAINING)
    if len(points) < FEWEST:
        return None
    original = _measured(region, region.formula, points, cost)
    if original.errors.mean() < effort.gain:
        return None
    candidates = _candidates(region, original, points, effort, cost)
    limit = effort.slower * original.cost
    good = [c for c in candidates if c.cost <= limit and original.errors.mean() - c.errors.mean() >= effort.gain]
    if not good:
        return None
    held_out = draw(region.formula, region.variables, region.intervals, effort.points, HELD_OUT)
    judge = Judge(region, held_out, HELD_OUT)
    for candidate in sorted(good, key=lambda variant: variant.score):
        accepted = judge.accepted(candidate.expression)
        if accepted is not None and cost_of(accepted, cost) <= limit:
            errors = _measured(region, accepted, held_out, cost).errors
            return Found(accepted, float(judge.errors.mean()), float(errors.mean()))
    return None


def _candidates(region: Region, original: Variant, points: Points, effort: Effort, cost: Cost) -> list[Variant]:
    """Formulas that are equal to that of the region, each the best somewhere."""
    known = [original]
    for _ in range(effort.repeats):
        graph, root = planted(region.formula, region.variables, region.intervals, effort.nodes)
        for variant in known:
            _also(graph, root, variant.expression, region)
        saturate(graph, effort.rounds)
        few = points.some(np.arange(min(MEASURED, len(points))))
        found = Extraction(graph, region.variables, few.operands, cost).best(root, effort.formulas)
        fresh = [v.expression for v in found if not any(v.expression is old.expression for old in known)]
        if not fresh:
            break
        known = chosen([*known, *(_measured(region, each, points, cost) for each in fresh)], effort.formulas)
    return known


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


def _also(graph: EGraph, root: int, formula: Node, region: Region) -> None:
    """Say that a formula is equal to that of a class."""
    classes = {variable: number for number, variable in enumerate(region.variables)}
    graph.union(root, add(graph, formula, classes))
    graph.rebuild()


def _measured(region: Region, formula: Node, points: Points, cost: Cost) -> Variant:
    values = evaluate(formula, dict(zip(region.variables, points.operands, strict=True)))
    return Variant(formula, values, bits_of_error(values, points.results), cost_of(formula, cost))
