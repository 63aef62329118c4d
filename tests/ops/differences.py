"""First and second derivatives against differences in float64: quick, for costs that are smooth at the points."""

import numpy as np

import graphc as gc
from graphc.interpret import evaluate_nodes

STEP = 2.0**-17


def check_derivatives(cost, inputs, points, tolerance=1e-7):
    """The gradient of a cost, and the gradient of a projection of the gradient."""
    bindings = dict(zip(inputs, (np.array(point, np.float64) for point in points), strict=True))
    first = gc.grad(cost, inputs)
    _check(cost, first, bindings, tolerance)
    random = np.random.default_rng(0)
    projected = gc.sum(sum(gc.sum(d * random.uniform(1, 2, d.shape)) for d in first))
    second = gc.grad(projected, inputs)
    _check(projected, second, bindings, tolerance)


def _check(cost, gradients, bindings, tolerance):
    found = evaluate_nodes(gradients, bindings)
    for node, got in zip(bindings, found, strict=True):
        for place in np.ndindex(got.shape):
            sides = []
            for step in (STEP, -STEP):
                moved = bindings[node].copy()
                moved[place] += step
                sides.append(evaluate_nodes([cost], {**bindings, node: moved})[0])
            wanted = (sides[0] - sides[1]) / (2 * STEP)
            assert abs(got[place] - wanted) <= tolerance * max(1.0, abs(wanted)), (place, got[place], wanted)
