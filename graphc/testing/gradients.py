"""Derivatives against differences: a cost and points go in, MismatchError comes out where a gradient is wrong."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphc.differentiation import UnusedInputWarning, grad
from graphc.errors import MismatchError
from graphc.interpret import evaluate_nodes
from graphc.interpret.mpmath_reader import MpmathReader
from graphc.ir.node import Node, describe

Array = np.ndarray[Any, Any]
STEP = 2.0**-20  # of the larger of 1 and the point; the difference is exact, so its error is near 2**-40
_EXACT = MpmathReader(limit=1 << 10)  # what cancels even then is far below any tolerance


def check_gradient(
    cost: Node | Callable[..., Node],
    inputs: Sequence[Node],
    points: Sequence[Any],
    *,
    tolerance: float = 1e-6,
) -> None:
    """Compare the gradient of a cost (or of a function of nodes) with central differences in exact arithmetic.

    The derivative must exist at the points. Raises MismatchError with the element that differs.
    """
    inputs = list(inputs)
    root = cost if isinstance(cost, Node) else cost(*inputs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnusedInputWarning)
        gradients = grad(root, inputs)
    at = dict(zip(inputs, (np.asarray(point, np.float64) for point in points), strict=True))
    found = evaluate_nodes(gradients, at, reader=_EXACT)
    for node, got in zip(inputs, found, strict=True):
        wanted = _differences(root, node, at)
        got = np.asarray(got, dtype=object).astype(np.float64)
        scale = tolerance * np.maximum(1.0, np.abs(wanted))
        wrong = ~((np.abs(got - wanted) <= scale) | (np.isnan(got) & np.isnan(wanted)))
        if wrong.any():
            place = tuple(int(index[0]) for index in np.nonzero(np.atleast_1d(wrong)))[: got.ndim]
            raise MismatchError(
                "the gradient differs from finite differences",
                details=[
                    describe(node),
                    f"at {place}: {got[place]} instead of {wanted[place]}",
                    describe(root),
                ],
            )


def _differences(cost: Node, node: Node, at: dict[Node, Array]) -> Array:
    """The central differences with respect to each element of one node."""
    result = np.empty(at[node].shape)
    for place in np.ndindex(result.shape):
        step = STEP * max(1.0, 2.0 ** np.floor(np.log2(abs(at[node][place]) + 1e-300)))
        values = [_moved(cost, node, at, place, sign * step) for sign in (1, -1)]
        result[place] = float(values[0] - values[1]) / (2 * step)
    return result


def _moved(cost: Node, node: Node, at: dict[Node, Array], place: tuple[int, ...], step: float) -> Any:
    moved = at[node].copy()
    moved[place] += step
    (value,) = evaluate_nodes([cost], {**at, node: moved}, reader=_EXACT)
    return np.asarray(value, dtype=object)[()]
