"""How far to go along a direction: the loss along a line comes in, a step that decreases it enough goes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import graphc as gc
from graphc.errors import GraphError
from graphc.ir.node import Node

Line = Callable[[Node], tuple[Node, Node]]
"""The loss at a distance along the direction, and its derivative there."""


@dataclass(frozen=True)
class LineSearch:
    """Doubles and halves a step until the loss and its slope satisfy the Wolfe conditions.

    The loss is at most that at 0 plus `decrease` times what the slope promises, and the slope is at least
    `curvature` times that at 0, or also at most minus that if `strong`. After `max_steps` trials it takes the longest
    step that decreases enough and still leads downhill, or none.
    Lewis and Overton, "Nonsmooth optimization via quasi-Newton methods", 2013, algorithm 2.6.
    """

    decrease: float = 1e-4
    curvature: float = 0.9
    max_steps: int = 30
    strong: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.decrease < self.curvature < 1:
            raise GraphError(f"no line search with {self}", help="0 < decrease < curvature < 1")

    def __call__(self, line: Line, value: Node, slope: Node, first: Node) -> Node:
        """The step, from the loss and its slope at 0, and a first step to try."""

        def goes_on(carry: tuple[Node, ...]) -> Any:
            *_, done, trials = carry
            return gc.logical_and(gc.logical_not(done), trials < self.max_steps)

        def trial(carry: tuple[Node, ...]) -> tuple[Any, ...]:
            step, low, high, _, trials = carry
            reached, slope_there = line(step)
            fits = reached <= value + self.decrease * step * slope
            if self.strong:
                fits = gc.logical_and(fits, slope_there <= -self.curvature * slope)
            too_short = gc.logical_and(fits, slope_there < self.curvature * slope)
            low, high = gc.where(too_short, step, low), gc.where(fits, high, step)
            done = gc.logical_and(fits, gc.logical_not(too_short))
            following = gc.where(gc.isinf(high), 2 * step, (low + high) / 2)
            return gc.where(done, step, following), low, high, done, trials + 1

        nothing = gc.zeros((), first.dtype)
        start = (first, nothing, nothing + float("inf"), gc.constant(False), gc.constant(0))
        step, low, _, done, _ = gc.while_loop(goes_on, trial, start)
        return gc.where(done, step, low)
