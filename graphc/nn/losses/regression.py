"""Losses of numbers: predictions and targets have one shape, the mean is over all elements."""

from __future__ import annotations

import math
from typing import Any

import graphc as gc
from graphc.ir.node import Node
from graphc.nn.losses.reduction import Reduction, reduced, same_shape


def mse(prediction: Any, target: Any, *, reduction: Reduction = "mean") -> Node:
    """(prediction - target)**2."""
    x, y = same_shape(prediction, target)
    return reduced((x - y) ** 2, reduction)


def mae(prediction: Any, target: Any, *, reduction: Reduction = "mean") -> Node:
    """|prediction - target|."""
    x, y = same_shape(prediction, target)
    return reduced(gc.abs(x - y), reduction)


def huber(prediction: Any, target: Any, *, delta: float = 1.0, reduction: Reduction = "mean") -> Node:
    """Half the square up to a distance delta, then a line of slope delta. Huber, 1964."""
    x, y = same_shape(prediction, target)
    distance = gc.abs(x - y)
    return reduced(gc.where(distance <= delta, distance**2 / 2, delta * (distance - delta / 2)), reduction)


def log_cosh(prediction: Any, target: Any, *, reduction: Reduction = "mean") -> Node:
    """log(cosh(prediction - target)): like half the square near 0, like the distance far off."""
    x, y = same_shape(prediction, target)
    d = x - y
    return reduced(gc.logaddexp(d, -d) - math.log(2), reduction)


def quantile(prediction: Any, target: Any, *, q: float, reduction: Reduction = "mean") -> Node:
    """q * d where d = target - prediction is positive, else (q - 1) * d. Koenker and Bassett, 1978."""
    x, y = same_shape(prediction, target)
    d = y - x
    return reduced(gc.where(d > 0, q * d, (q - 1) * d), reduction)


def gaussian_nll(mean: Any, variance: Any, target: Any, *, reduction: Reduction = "mean") -> Node:
    """The negative log-density of a normal distribution, without the constant log(2 * pi) / 2."""
    x, y = same_shape(mean, target)
    return reduced((gc.log(variance) + (x - y) ** 2 / variance) / 2, reduction)


def poisson_nll(log_rate: Any, target: Any, *, reduction: Reduction = "mean") -> Node:
    """The negative log-probability of counts, without the constant log(target!)."""
    x, y = same_shape(log_rate, target)
    return reduced(gc.exp(x) - y * x, reduction)
