"""One problem: compiled as written, stabilized and searched for, run, and compared with exact results."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

import graphc as gc
from benchmarks.accuracy.suite.herbie import REPORTED
from benchmarks.accuracy.suite.problem import Formula, Problem
from graphc.interpret.ranges import range_of
from graphc.search.points import bits_of_error, draw

SEED = 2015  # the search learns from other points


@dataclass(frozen=True)
class Row:
    """Bits of error on average, and how long the search took."""

    problem: str
    naive: float
    stable: float
    balanced: float
    best: float
    target: float | None
    herbie: float | None
    seconds: float


def measure(problem: Problem, dtype: str, count: int) -> Row:
    """A row of the table."""
    inputs = [gc.input(name, ("n",), dtype, range=problem.ranges.get(name)) for name in problem.operands.split()]
    scalars = [gc.input(name, (), dtype) for name in problem.operands.split()]
    points = draw(problem.formula(*scalars), scalars, [range_of(node) for node in inputs], count, SEED)

    def error(formula: Formula, **options: Any) -> float:
        f = gc.compile(inputs, formula(*inputs), **options)
        with np.errstate(all="ignore"):
            return float(bits_of_error(f(*points.operands), points.results).mean())

    start = time.perf_counter()
    best = error(problem.formula, accuracy="best")
    seconds = time.perf_counter() - start
    return Row(
        problem.name,
        error(problem.formula, semantics="ieee"),
        error(problem.formula),
        error(problem.formula, accuracy="balanced"),
        best,
        error(problem.target, semantics="ieee") if problem.target else None,
        REPORTED.get(problem.name),
        seconds,
    )
