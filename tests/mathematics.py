"""What is exactly right: a formula as the user wrote it and points go in, values and slopes by mpmath come out.

Nothing of a compilation takes part: mpmath evaluates the user's graph, and slopes are central differences.
"""

import mpmath
import numpy as np

import graphc as gc
from graphc.interpret import evaluate_nodes
from graphc.interpret.mpmath_reader import MpmathReader

BITS, STEP = 2048, 400


def mathematics(graph, x, values):
    """The exact values of a graph."""
    (result,) = evaluate_nodes([graph], {x: values}, reader=MpmathReader(BITS))
    return np.asarray(result, dtype=object)


def exact(graph, x, points):
    """The exact values, and the derivative of their sum with respect to each element; rows are apart."""
    with mpmath.workprec(BITS):
        at = np.vectorize(mpmath.mpf, otypes=[object])(points)
        gradient = np.zeros(points.shape, object)
        for place in [(slice(None), column) for column in range(points.shape[1])] if points.ndim > 1 else [...]:
            step = np.zeros(points.shape, object)
            step[place] = [mpmath.ldexp(abs(v) or 1, -STEP) for v in at[place].ravel()]
            above, below = (mathematics(graph, x, at + sign * step) for sign in (1, -1))
            difference = (above - below).reshape(len(points), -1).sum(axis=1)
            gradient[place] = difference / (2 * step[place])
        return mathematics(graph, x, at), gradient


def assert_right(y, x, points, units, largest):
    """The compiled values and slopes of a formula are right to so many units of what is larger: they, or a number."""
    found = gc.compile([x], [y, gc.grad(gc.sum(y), x)])(points)
    allowed = units * float(np.finfo(points.dtype).eps)
    for values, truths in zip(found, exact(y, x, points)):
        for value, truth in zip(values.ravel(), truths.ravel(), strict=True):
            assert abs(mpmath.mpf(float(value)) - truth) <= allowed * max(largest, abs(truth)), (value, truth)
