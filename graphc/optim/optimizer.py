"""What all optimisers share: parameters with gradients come in, new values and remembered state go out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np

import graphc as gc
from graphc.errors import DTypeError, GraphError
from graphc.ir.leaf import Parameter
from graphc.ir.node import Node, describe
from graphc.optim.schedules import Schedule

Updates = dict[Node, Node]
Pairs = list[tuple[Node, Node]]
Transform = Callable[[list[Node]], list[Node]]


@runtime_checkable
class Model(Protocol):
    """What has parameters by name, and running statistics that change with training: a module of `graphc.nn`."""

    def named_parameters(self) -> Mapping[str, Node]: ...

    def updates(self, *outputs: Node) -> Updates: ...


Parameters = Model | Mapping[str, Node] | Sequence[Node]


class Optimizer(ABC):
    """A rule that makes new values of parameters from gradients.

    `state` holds what it remembers between steps, by name: save and restore it along with the parameters. Used
    again for the same parameters, an optimiser goes on with the same state.
    """

    word: ClassVar[str]
    """What the names of its state begin with."""

    def __init__(self, learning_rate: float | Node | Schedule) -> None:
        self.learning_rate = learning_rate
        self.state: dict[str, Node] = {}
        self._names: dict[Node, str] = {}

    def updates(self, loss: Node, parameters: Parameters, *, transform: Transform | None = None) -> Updates:
        """The new values of the parameters, and of what is remembered, after one step down the loss.

        `parameters` are a module, whose running statistics are updated too, nodes by name, or nodes; `transform`
        changes the gradients first, such as `lambda gradients: clip_by_global_norm(gradients, 1.0)`.
        """
        named = self._named(parameters)
        gradients = gc.grad(loss, list(named.values()))
        new = self.apply(named, transform(gradients) if transform else gradients)
        return {**parameters.updates(loss), **new} if isinstance(parameters, Model) else new

    def apply(self, parameters: Parameters, gradients: Sequence[Node]) -> Updates:
        """The same from gradients at hand. Raises GraphError for what is no parameter, DTypeError for integers."""
        named = self._named(parameters)
        new = self.step(list(zip(named.values(), gradients, strict=True)))
        count = self.state.get(self._count_name)
        return new if count is None else {**new, count: count + 1}

    @abstractmethod
    def step(self, pairs: Pairs) -> Updates:
        """The new values, given each parameter with its gradient."""

    @property
    def count(self) -> Node:
        """The number of steps before this one, as an int64 parameter."""
        return self.state.setdefault(self._count_name, gc.parameter(self._count_name, np.int64(0)))

    def rate(self, like: Node) -> float | Node:
        """The learning rate of this step, in the dtype of a parameter."""
        rate = self.learning_rate
        if not isinstance(rate, Node) and callable(rate):
            rate = rate(self.count)
        return rate.astype(like.dtype) if isinstance(rate, Node) else rate

    def remembered(self, parameter: Node, word: str) -> Node:
        """What is remembered about a parameter under a word: zeros of its type at first."""
        return self.remember(f"{self._names[parameter]}.{word}", np.zeros_like(gc.value(parameter)))

    def remember(self, name: str, first: np.ndarray[Any, Any]) -> Node:
        """What is remembered under a name; it begins with a value."""
        if name not in self.state:
            self.state[name] = gc.parameter(name, first)
        return self.state[name]

    @property
    def _count_name(self) -> str:
        return f"{self.word}_count"

    def _named(self, parameters: Parameters) -> dict[str, Node]:
        """The parameters by the names that their state gets: those given, or their own, numbered where needed."""
        if isinstance(parameters, Model):
            parameters = parameters.named_parameters()
        given = parameters.items() if isinstance(parameters, Mapping) else [(None, node) for node in parameters]
        for name, node in given:
            if not isinstance(node, Node) or not isinstance(node.op, Parameter):
                shown = describe(node) if isinstance(node, Node) else f"{node!r:.80}"
                raise GraphError("only a parameter can be optimised", details=[shown])
            if not node.dtype.is_float:
                raise DTypeError("only floats can be optimised", details=[describe(node)])
            self._names.setdefault(node, self._unused(name or node.op.label))
        return {self._names[node]: node for _, node in given}

    def _unused(self, name: str) -> str:
        taken, number, unused = set(self._names.values()), 0, name
        while unused in taken:
            number += 1
            unused = f"{name}_{number}"
        return unused
