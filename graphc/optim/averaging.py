"""Averages of parameters along the way: updates come in, the same with the averages' new values go out.

    average = gc.optim.ExponentialAverage(0.999)
    step = gc.compile([x, y], loss, updates=average.updates(optimizer.updates(loss, model), model.parameters()))
    predict = gc.compile([x], z, givens=average.values)

`values` gives the average of each parameter.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

import graphc as gc
from graphc.errors import GraphError
from graphc.ir.leaf import Parameter
from graphc.ir.node import Node, describe
from graphc.optim.optimizer import Updates


class Average(ABC):
    """Keeps one average for each parameter, in `values`; `state` holds them, and the count of steps, by name."""

    word: str

    def __init__(self) -> None:
        self.values: dict[Node, Node] = {}
        self.state: dict[str, Node] = {}
        self._count = gc.parameter(f"{self.word}_count", np.int64(0))

    def updates(self, updates: Updates, parameters: Sequence[Node]) -> Updates:
        """The updates of an optimiser, and those of the averages of the values that it gives to parameters.

        Raises GraphError for a parameter that is not updated.
        """
        new = {**updates, self._count: self._count + 1}
        self.state[f"{self.word}_count"] = self._count
        for w in parameters:
            if w not in updates or not isinstance(w.op, Parameter):
                raise GraphError("there is no update to average", details=[describe(w)])
            if w not in self.values:
                name = f"{w.op.label}.{self.word}"
                name = f"{name}_{len(self.values)}" if name in self.state else name
                self.values[w] = self.state[name] = gc.parameter(name, gc.value(w))
            weight = self.weight((self._count + 1).astype(w.dtype.compute)).astype(w.dtype)
            new[self.values[w]] = self.values[w] + weight * (updates[w] - self.values[w])
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
