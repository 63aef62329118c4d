"""Averages of parameters along the way: updates come in, the same with the averages' new values go out.

    average = gc.optim.ExponentialAverage(0.999)
    step = gc.compile([x, y], loss, updates=average.updates(optimizer.updates(loss, model), model))
    predict = gc.compile([x], z, givens=average.values)

`values` gives the average of each parameter.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

import graphc as gc
from graphc.errors import GraphError
from graphc.ir.node import Node, describe
from graphc.optim.naming import Naming, Parameters, Updates


class Average(ABC):
    """Keeps one average for each parameter, in `values`; `state()` are they, and the count of steps, by name."""

    word: str

    def __init__(self) -> None:
        self.values: dict[Node, Node] = {}
        self._count = gc.parameter(f"{self.word}_count", np.int64(0))
        self._state = {f"{self.word}_count": self._count}
        self._naming = Naming()

    def state(self) -> dict[str, Node]:
        """The averages by name, and the count of steps."""
        return dict(self._state)

    def updates(self, updates: Updates, parameters: Parameters) -> Updates:
        """The updates of an optimiser, and those of the averages of the values that it gives to parameters.

        Raises GraphError for a parameter that is not updated.
        """
        new = {**updates, self._count: self._count + 1}
        for name, w in self._naming.named(parameters).items():
            if w not in updates:
                raise GraphError("there is no update to average", details=[describe(w)])
            key = f"{name}.{self.word}"
            if key not in self._state:
                self._state[key] = gc.parameter(key, gc.value(w), w.dtype.compute)
                self.values[w] = self._state[key].astype(w.dtype)
            average = self._state[key]
            weight = self.weight((self._count + 1).astype(average.dtype))
            new[average] = average + weight * (updates[w].astype(average.dtype) - average)
        return new

    @abstractmethod
    def weight(self, number: Node) -> Node:
        """How much the newest value counts, in the step of a number that begins at 1."""


class ExponentialAverage(Average):
    """average + (1 - decay) * (parameter - average), which begins at the first values of the parameters."""

    word = "average"

    def __init__(self, decay: float = 0.999) -> None:
        super().__init__()
        self.decay = decay

    def weight(self, number: Node) -> Node:
        return gc.full(number.shape, 1 - self.decay, number.dtype)


class PolyakAverage(Average):
    """The plain mean of the values after each step.

    Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", 1992.
    """

    word = "polyak"

    def weight(self, number: Node) -> Node:
        weight: Node = 1 / number
        return weight
