"""Derivatives of what rules make: the first and the second are right, also where the right side changes its form.

The truth is the mathematics of the left side, by differences at 2600 bits, so that a derivative that an `abs` or a
`maximum` shares between both sides of a seam does not go unnoticed.
"""

from __future__ import annotations

from itertools import product

import mpmath
import numpy as np
import pytest

import graphc as gc
from graphc.interpret import evaluate, evaluate_nodes
from graphc.interpret.mpmath_reader import MpmathReader
from graphc.ir.graph import Graph
from graphc.ir.rule import Rule
from graphc.passes.pipeline import parse_pipeline
from graphc.passes.rules import ALL
from tests.passes.rule_samples import sides

BITS, STEP = 2600, -120
SEAMS = [0.0, 1.0, -1.0, 0.5, -0.5]
HARD = [30.0, -30.0, 100.0, -100.0]
CLOSE = {"float16": (2e-2, 2e-3), "bfloat16": (1e-1, 2e-2), "float32": (1e-3, 1e-5), "float64": (1e-9, 1e-11)}
FEW = 15
SINGULAR = {"interest", "share_of_interest", "power_less_one", "one_less_power", "power_of_one_and_more"}
SINGULAR |= {"rate_over_interest", "root_less_size"}
"""Powers and roots of 0, whose derivatives have no limit there."""
OVERFLOWING = {"derivative_of_sech"}
"""A factor that overflows is left in the second derivative, beside one that is 0 by then."""


def elementwise():
    """Stabilizing rules of one or two floats."""
    for rule in ALL:
        if isinstance(rule, Rule) and rule.kind == "stabilizing":
            inputs, _, _ = sides(rule, "float64", rows=1)
            if len(inputs) <= 2 and all(node.ndim == 1 and node.dtype.is_float for node in inputs.values()):
                yield rule


def truth(before, inputs, point, which):
    """First and second derivative of the left side in one of its inputs; None at a kink or beyond numbers."""
    reader = MpmathReader(BITS, BITS)
    step = mpmath.ldexp(1, STEP)
    with mpmath.workprec(BITS):
        values = []
        for sign in (-1, 0, 1):
            at = [mpmath.mpf(x) + (sign * step if i == which else 0) for i, x in enumerate(point)]
            bindings = {node: np.array([x], object) for node, x in zip(inputs, at, strict=True)}
            try:
                values.append(evaluate_nodes([before], bindings, reader=reader)[0][0])
            except ZeroDivisionError:
                return None
        if not all(map(mpmath.isfinite, values)):
            return None
        below, here, above = values
        slope, bend = (above - below) / (2 * step), (above - 2 * here + below) / step**2
        kink = abs(above - 2 * here + below) > step * (abs(slope) + 1) / 2**40
        return (slope, bend) if not kink and max(abs(slope), abs(bend)) < 1e20 else None


@pytest.mark.parametrize("rule", list(elementwise()), ids=lambda rule: rule.name)
def test_derivatives_at_seams(rule):
    inputs, before, _ = sides(rule, "float64", rows=1)
    count = len(inputs)
    points = list(product(SEAMS + HARD if count == 1 else SEAMS[:3], repeat=count))[:FEW]
    without = {0.0, -1.0} if rule.name in SINGULAR else set(HARD) if rule.name in OVERFLOWING else set()
    points = [point for point in points if not without & set(point)]
    wanted = [[truth(before, inputs.values(), point, which) for which in range(count)] for point in points]
    for dtype, (relative, absolute) in CLOSE.items():
        inputs, before, _ = sides(rule, dtype, rows=1)
        nodes = list(inputs.values())
        slopes = gc.grad(gc.sum(before), nodes)
        bends = [gc.grad(gc.sum(slope), node) for slope, node in zip(slopes, nodes, strict=True)]
        optimised = parse_pipeline("default").run(Graph("f", tuple(nodes), (*slopes, *bends)))
        for point, known in zip(points, wanted, strict=True):
            with np.errstate(all="ignore"):
                found = evaluate(optimised, [np.array([x], nodes[0].dtype.numpy) for x in point]).outputs
            for which, pair in enumerate(known):
                for order, got in enumerate((found[which], found[which + count])) if pair else ():
                    if abs(pair[order]) > float(before.dtype.limits.max):
                        continue
                    off = abs(float(got[0]) - pair[order])
                    assert off <= relative * abs(pair[order]) + absolute, (dtype, point, order + 1, got[0])
