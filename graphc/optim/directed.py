"""Methods that see all parameters as one vector: a direction is chosen, then how far to go along it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from math import prod

import graphc as gc
from graphc.errors import DTypeError, GraphError
from graphc.ir.node import Node, describe, make, rebuild
from graphc.optim.line_search import LineSearch
from graphc.optim.naming import Parameters, Updates
from graphc.optim.optimizer import Optimizer, Pairs, Transform
from graphc.optim.schedules import Schedule


class Directed(Optimizer):
    """An optimiser that gives a direction. It goes as far as the learning rate says, or a line search.

    A line search needs the loss, so it works with `updates` and not with `apply`. All parameters have one dtype.
    """

    def __init__(self, learning_rate: float | Node | Schedule = 1.0, *, line_search: LineSearch | None = None) -> None:
        super().__init__(learning_rate)
        self.line_search = line_search
        self._loss: Node | None = None

    def updates(self, loss: Node, parameters: Parameters, *, transform: Transform | None = None) -> Updates:
        self._loss = loss
        try:
            return super().updates(loss, parameters, transform=transform)
        finally:
            self._loss = None

    def step(self, pairs: Pairs) -> Updates:
        parameters = [w for w, _ in pairs]
        w, g = joined(parameters), joined([gradient for _, gradient in pairs])
        direction, new = self.direction(w, g, parameters)
        if self.line_search is None:
            move = self.rate(w) * direction
        else:
            move = self._searched(parameters, w, g, direction, self.line_search)
        return {**new, **parted(w + move, parameters)}

    @abstractmethod
    def direction(self, w: Node, g: Node, parameters: Sequence[Node]) -> tuple[Node, Updates]:
        """Where to go from w, given the gradient there, and the new values of what is remembered."""

    def loss(self) -> Node:
        """The loss that is made smaller. Raises GraphError if only its gradients are known."""
        if self._loss is None:
            raise GraphError(f"{type(self).__name__} needs the loss", help="call updates(loss, parameters)")
        return self._loss

    def _searched(self, parameters: Sequence[Node], w: Node, g: Node, direction: Node, line_search: LineSearch) -> Node:
        """How far and where to go: along the direction, or along -g if that does not lead downhill."""
        loss = self.loss()
        direction = gc.where(gc.sum(direction * g) < 0, direction, -g)

        def line(step: Node) -> tuple[Node, Node]:
            value = substituted(loss, parted(w + step * direction, parameters))
            return value, gc.grad(value, step)

        # The first direction is a gradient, whose length says nothing about the distance to a minimum.
        careful = gc.minimum(1, 1 / gc.sum(gc.abs(g)))
        first = gc.where(self.count == 0, careful, 1)
        return line_search(line, loss, gc.sum(direction * g), first) * direction


def joined(arrays: Sequence[Node]) -> Node:
    """All elements as one vector. Raises DTypeError if dtypes differ."""
    if len({array.dtype.compute for array in arrays}) > 1:
        raise DTypeError("the parameters of this optimiser have one dtype", details=map(describe, arrays))
    return gc.concat([array.reshape(-1).astype(array.dtype.compute) for array in arrays])


def parted(vector: Node, like: Sequence[Node]) -> dict[Node, Node]:
    """A vector as arrays of the types of parameters."""
    parts, start = {}, 0
    for w in like:
        size = prod(map(int, w.shape))
        parts[w] = vector[start : start + size].reshape(w.shape).astype(w.dtype)
        start += size
    return parts


def substituted(root: Node, values: Mapping[Node, Node]) -> Node:
    """A node with others in the place of parameters."""
    (new,) = rebuild([root], lambda node, args: values[node] if node in values else make(node.op, *args))
    return new
