"""Learning rates that change: numbers come in, a function goes out, from the count of steps to the rate.

    gc.optim.Adam(gc.optim.warmup(gc.optim.cosine(3e-4, steps=10_000), steps=500))

The count is an integer node, 0 in the first step; the rate is a float64 node. A schedule has no state of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import graphc as gc
from graphc.errors import ShapeError
from graphc.ir.node import Node

Schedule = Callable[[Node], Node]


def constant(rate: float) -> Schedule:
    """The same rate always."""
    return lambda count: gc.constant(rate, "float64")


def step_decay(rate: float, *, every: int, factor: float = 0.1) -> Schedule:
    """rate * factor**(count // every)."""
    return lambda count: rate * gc.pow(factor, _float(count // every))


def exponential(rate: float, *, factor: float, every: int = 1) -> Schedule:
    """rate * factor**(count / every)."""
    return lambda count: rate * gc.pow(factor, _float(count) / every)


def polynomial(rate: float, *, steps: int, final: float = 0.0, power: float = 1.0) -> Schedule:
    """From `rate` to `final` within `steps`: a straight line, or a power of what is left. Then `final`."""
    return lambda count: final + (rate - final) * gc.pow(1 - _share(count, steps), power)


def cosine(rate: float, *, steps: int, final: float = 0.0) -> Schedule:
    """From `rate` to `final` within `steps`, along half a cosine. Then `final`.

    Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017, equation 5.
    """
    return lambda count: _cosine_between(rate, final, _share(count, steps))


def inverse_sqrt(rate: float, *, warmup: int) -> Schedule:
    """Up to `rate` in `warmup` steps along a line, then down with the inverse root of the number of steps.

    Vaswani et al., "Attention is all you need", 2017, equation 3, whose rate is (width * warmup)**-0.5.
    """

    def schedule(count: Node) -> Node:
        number = _float(count + 1)
        return rate * gc.minimum(number / warmup, gc.sqrt(warmup / number))

    return schedule


def warmup(schedule: Schedule, *, steps: int) -> Schedule:
    """A line up to the first rate of a schedule, which is reached in `steps` steps; then the schedule."""

    def warmed(count: Node) -> Node:
        rate = schedule(gc.maximum(count - steps, 0))
        return rate * gc.minimum(_float(count + 1) / steps, 1)

    return warmed


def one_cycle(
    peak: float, *, steps: int, rise: float = 0.3, divide_first: float = 25.0, divide_last: float = 1e4
) -> Schedule:
    """Up from peak / divide_first within a share `rise` of the steps, down to that / divide_last; along cosines.

    Smith and Topin, "Super-convergence: very fast training of neural networks using large learning rates", 2019.
    """
    first = peak / divide_first
    top, last = rise * steps - 1, steps - 1

    def schedule(count: Node) -> Node:
        number = gc.minimum(_float(count), last)
        up = _cosine_between(first, peak, number / top)
        down = _cosine_between(peak, first / divide_last, (number - top) / (last - top))
        return gc.where(number <= top, up, down)

    return schedule


def piecewise(rates: Sequence[float], *, boundaries: Sequence[int]) -> Schedule:
    """rates[i] from boundaries[i - 1] on, up to boundaries[i]. Raises ShapeError unless there is one rate more."""
    if len(rates) != len(boundaries) + 1 or sorted(set(boundaries)) != list(boundaries):
        raise ShapeError(
            f"{len(rates)} rates do not lie between the boundaries {tuple(boundaries)}",
            help="boundaries grow, and there is one rate more than boundaries",
        )

    def schedule(count: Node) -> Node:
        rate = gc.constant(rates[0], "float64")
        for boundary, later in zip(boundaries, rates[1:], strict=True):
            rate = gc.where(count >= boundary, later, rate)
        return rate

    return schedule


def _float(count: Node) -> Any:
    return count.astype("float64")


def _share(count: Node, steps: int) -> Any:
    return gc.minimum(_float(count) / steps, 1)


def _cosine_between(first: float, last: float, share: Node) -> Any:
    return last + (first - last) * (1 + gc.cos(math.pi * share)) / 2
