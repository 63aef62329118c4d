"""What all optimisers share: parameters with gradients come in, new values and remembered state go out."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

import graphc as gc
from graphc.errors import ArgumentError
from graphc.ir.node import Node
from graphc.ir.source import warn
from graphc.nn.normalization import forgotten_statistics
from graphc.optim.naming import Model, Naming, Parameters, Updates
from graphc.optim.schedules import Schedule

Pairs = list[tuple[Node, Node]]
Transform = Callable[[list[Node]], list[Node]]


_FORGOTTEN = (
    "running statistics are not updated: give the module itself to updates(loss, module), "
    "or add module.updates(loss), called before"
)


class ForgottenStatisticsWarning(UserWarning):
    """A loss in training, of batch norms whose running means and variances nobody moves."""


class Optimizer(ABC):
    """A rule that makes new values of parameters from gradients.

    16-bit floats are calculated with, and remembered, in float32: a mean of many squares would not move in them.
    `state()` is what is remembered between steps, by name: save and restore it along with the parameters. Used again
    for the same parameters, an optimiser goes on with the same state.
    """

    word: ClassVar[str]
    """What the names of its state begin with."""

    def __init__(self, learning_rate: float | Node | Schedule) -> None:
        if isinstance(learning_rate, int | float) and not 0 <= learning_rate < math.inf:
            raise ArgumentError(f"{learning_rate} is no learning rate", help="a number that is not negative")
        self.learning_rate = learning_rate
        self._state: dict[str, Node] = {}
        self._naming = Naming()

    def updates(self, loss: Node, parameters: Parameters, *, transform: Transform | None = None) -> Updates:
        """The new values of the parameters, and of what is remembered, after one step down the loss.

        `parameters` are a module, whose running statistics are updated too, nodes by name, or nodes; `transform`
        changes the gradients first, such as `lambda gradients: clip_by_global_norm(gradients, 1.0)`.
        Warns if the parameters are those of a module whose running statistics are left as they are.
        """
        named = self._naming.named(parameters)
        gradients = gc.grad(loss, list(named.values()))
        new = self.apply(named, transform(gradients) if transform else gradients)
        if isinstance(parameters, Model):
            return {**parameters.updates(loss), **new}
        if forgotten_statistics(loss):
            warn(_FORGOTTEN, ForgottenStatisticsWarning)
        return new

    def apply(self, parameters: Parameters, gradients: Sequence[Node]) -> Updates:
        """The same from gradients at hand. Raises GraphError for what is no parameter, DTypeError for integers."""
        named = self._naming.named(parameters)
        wide = [g.astype(g.dtype.compute) for g in gradients]
        new = {w: value.astype(w.dtype) for w, value in self.step(list(zip(named.values(), wide, strict=True))).items()}
        count = self._state.get(self._count_name)
        return new if count is None else {**new, count: count + 1}

    @abstractmethod
    def step(self, pairs: Pairs) -> Updates:
        """The new values, given each parameter with its gradient; 16-bit floats have gradients in float32."""

    def state(self) -> dict[str, Node]:
        """What is remembered, by name. It is complete once `updates` or `apply` has been called."""
        return dict(self._state)

    @property
    def count(self) -> Node:
        """The number of steps before this one, as an int64 parameter."""
        return self._state.setdefault(self._count_name, gc.parameter(self._count_name, np.int64(0)))

    def rate(self, like: Node) -> float | Node:
        """The learning rate of this step, in the dtype in which a parameter is computed."""
        rate = self.learning_rate
        if not isinstance(rate, Node) and callable(rate):
            rate = rate(self.count)
        return rate.astype(like.dtype.compute) if isinstance(rate, Node) else rate

    def remembered(self, parameter: Node, word: str) -> Node:
        """What is remembered about a parameter under a word: zeros at first, of its shape."""
        zeros = np.zeros_like(gc.value(parameter), dtype=parameter.dtype.compute.numpy)
        return self.remember(f"{self._naming.names[parameter]}.{word}", zeros)

    def remember(self, name: str, first: np.ndarray[Any, Any]) -> Node:
        """What is remembered under a name; it begins with a value."""
        if name not in self._state:
            self._state[name] = gc.parameter(name, first)
        return self._state[name]

    @property
    def _count_name(self) -> str:
        return f"{self.word}_count"
