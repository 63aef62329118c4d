"""Derivatives through what has none: draws that are no smooth function of their parameters, and choices.

Comes in: a cost or a value, and what it was drawn from; goes out: the same value with another derivative.
"""

from __future__ import annotations

from typing import Any

import graphc as gc
from graphc.errors import DTypeError
from graphc.ir.node import Node, public
from graphc.ops.conversion import as_node, one_axis
from graphc.random.arguments import Draw, Given
from graphc.random.continuous import gumbel


@public
def score_function(cost: Given, log_prob: Given) -> Node:
    """The cost, whose derivative is that of its expectation over what was drawn with these logarithms of densities.

    d E[cost] = E[d cost + cost d log_prob] (Williams, 1992), at any order (the magic box of Foerster et al., 2018).
    A baseline lowers the variance: `score_function(cost - baseline, log_prob) + baseline`.
    """
    cost, log_prob = as_node(cost), as_node(log_prob)
    if not (cost.dtype.is_float and log_prob.dtype.is_float):
        raise DTypeError("a cost and a log-probability are floats", help="cast them")
    surrogate: Node = cost * gc.exp(log_prob - gc.stop_gradient(log_prob))
    return surrogate


@public
def straight_through(value: Given, smooth: Given) -> Node:
    """The value, with the derivative of something smooth (Bengio, Leonard and Courville, 2013)."""
    smooth = as_node(smooth)
    if not smooth.dtype.is_float:
        raise DTypeError(f"{smooth.dtype.name} has no derivative", help="give the smooth value second")
    exact: Node = gc.stop_gradient(gc.cast(as_node(value), smooth.dtype)) + (smooth - gc.stop_gradient(smooth))
    return exact


@public
def gumbel_softmax(
    key: Any, logits: Given, temperature: Given = 1.0, shape: Any = None, *, axis: int = -1, hard: bool = False
) -> Node:
    """Points of the simplex near its corners, drawn with probabilities softmax(logits) as the temperature goes to 0.

    With `hard` they are the corners, with the derivative of the points (Jang et al., 2017; Maddison et al., 2017).
    """
    draw = Draw(key, shape, None, logits)
    (scores,) = draw.parameters
    a = one_axis(axis, scores.ndim)
    soft = gc.softmax((scores + gumbel(key, draw.shape, draw.dtype)) / temperature, axis=a)
    if not hard:
        return soft
    others = tuple(b for b in range(soft.ndim) if b != a)
    corners = gc.one_hot(gc.argmax(soft, axis=a), soft.shape[a], dtype=soft.dtype)
    order = sorted(range(soft.ndim), key=(*others, a).index)
    return straight_through(gc.transpose(corners, order), soft)
