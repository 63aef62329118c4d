"""Optimisers: a loss and parameters come in, the parameters' new values go out, for `compile(..., updates=)`.

    step = gc.compile([x, y], loss, updates=gc.optim.Adam(1e-3).updates(loss, [w, b]))

Whatever an optimiser remembers between steps is a parameter too, named after the one it belongs to, such as
"w.adam_m"; it is saved, restored and updated as the others are. A learning rate may be a parameter too.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

import graphc as gc
from graphc.errors import GraphError
from graphc.ir.leaf import Parameter
from graphc.ir.node import Node, describe

Updates = dict[Node, Node]


class Optimizer(ABC):
    """A rule that makes new values of parameters from gradients."""

    def __init__(self, learning_rate: float | Node) -> None:
        self.learning_rate = learning_rate

    def updates(self, loss: Node, parameters: Sequence[Node]) -> Updates:
        """The new values of the parameters, and of what is remembered, after one step down the loss."""
        return self.apply(parameters, gc.grad(loss, list(parameters)))

    def apply(self, parameters: Sequence[Node], gradients: Sequence[Node]) -> Updates:
        """The same from gradients at hand, such as clipped ones. Raises GraphError for no parameter."""
        for node in parameters:
            if not isinstance(node.op, Parameter):
                raise GraphError("only a parameter can be optimised", details=[describe(node)])
        return self.step(list(zip(parameters, gradients, strict=True)))

    @abstractmethod
    def step(self, pairs: list[tuple[Node, Node]]) -> Updates:
        """The new values, given each parameter with its gradient."""


class SGD(Optimizer):
    """Gradient descent, with classical momentum v = m v - r g, w = w + v, or Nesterov's.

    Momentum as in Sutskever, Martens, Dahl and Hinton, "On the importance of initialization and momentum in
    deep learning", 2013. Nesterov's gradient is taken where the momentum leads; the parameter is that point
    here (Bengio, Boulanger-Lewandowski and Pascanu, "Advances in optimizing recurrent networks", 2013).
    """

    def __init__(self, learning_rate: float | Node, *, momentum: float = 0.0, nesterov: bool = False) -> None:
        super().__init__(learning_rate)
        self.momentum, self.nesterov = momentum, nesterov

    def step(self, pairs: list[tuple[Node, Node]]) -> Updates:
        new: Updates = {}
        for w, g in pairs:
            down = self.learning_rate * g
            if self.momentum == 0:
                new[w] = w - down
                continue
            v = _state(w, "momentum")
            new[v] = self.momentum * v - down
            new[w] = w + self.momentum * new[v] - down if self.nesterov else w + new[v]
        return new


class AdaGrad(Optimizer):
    """Steps divided by the root of the sum of all squared gradients.

    Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic optimization",
    2011: the diagonal form, with `epsilon` as its delta.
    """

    def __init__(self, learning_rate: float | Node, *, epsilon: float = 1e-8) -> None:
        super().__init__(learning_rate)
        self.epsilon = epsilon

    def step(self, pairs: list[tuple[Node, Node]]) -> Updates:
        new: Updates = {}
        for w, g in pairs:
            s = _state(w, "adagrad_s")
            new[s] = s + g * g
            new[w] = w - self.learning_rate * g / (self.epsilon + gc.sqrt(new[s]))
        return new


class RMSProp(Optimizer):
    """Steps divided by the root of a running mean of squared gradients.

    Tieleman and Hinton, "Neural networks for machine learning", lecture 6.5, 2012.
    """

    def __init__(self, learning_rate: float | Node, *, decay: float = 0.9, epsilon: float = 1e-8) -> None:
        super().__init__(learning_rate)
        self.decay, self.epsilon = decay, epsilon

    def step(self, pairs: list[tuple[Node, Node]]) -> Updates:
        new: Updates = {}
        for w, g in pairs:
            s = _state(w, "rmsprop_s")
            new[s] = self.decay * s + (1 - self.decay) * (g * g)
            new[w] = w - self.learning_rate * g / (gc.sqrt(new[s]) + self.epsilon)
        return new


class Adam(Optimizer):
    """Running means of gradients and of their squares, both corrected for their start at zero.

    Kingma and Ba, "Adam: a method for stochastic optimization", 2015, algorithm 1.
    """

    def __init__(
        self,
        learning_rate: float | Node = 1e-3,
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
    ) -> None:
        super().__init__(learning_rate)
        self.beta1, self.beta2, self.epsilon = beta1, beta2, epsilon

    def step(self, pairs: list[tuple[Node, Node]]) -> Updates:
        count = gc.parameter("adam_count", np.int64(0))
        new: Updates = {count: count + 1}
        for w, g in pairs:
            m, v = _state(w, "adam_m"), _state(w, "adam_v")
            new[m] = self.beta1 * m + (1 - self.beta1) * g
            new[v] = self.beta2 * v + (1 - self.beta2) * (g * g)
            t = new[count].astype(w.dtype)
            m_hat, v_hat = new[m] / _remaining(self.beta1, t), new[v] / _remaining(self.beta2, t)
            new[w] = w - self.learning_rate * self.direction(w, m_hat / (gc.sqrt(v_hat) + self.epsilon))
        return new

    def direction(self, w: Node, adaptive: Node) -> Node:
        """Where a step goes, before the learning rate scales it."""
        return adaptive


class AdamW(Adam):
    """Adam whose weight decay does not pass through the running means.

    Loshchilov and Hutter, "Decoupled weight decay regularization", 2019, algorithm 2. The learning rate
    scales the decay too: the paper's lambda is `learning_rate * weight_decay`.
    """

    def __init__(
        self,
        learning_rate: float | Node = 1e-3,
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(learning_rate, beta1=beta1, beta2=beta2, epsilon=epsilon)
        self.weight_decay = weight_decay

    def direction(self, w: Node, adaptive: Node) -> Node:
        decayed: Node = adaptive + self.weight_decay * w
        return decayed


def _state(w: Node, word: str) -> Node:
    """What an optimiser remembers about a parameter: zeros of its type at first."""
    assert isinstance(w.op, Parameter)
    return gc.parameter(f"{w.op.label}.{word}", np.zeros_like(gc.value(w)))


def _remaining(beta: float, t: Node) -> Node | float:
    """1 - beta**t, without the cancellation that float32 suffers while t is small."""
    correction: float | Node = 1.0 if beta == 0 else -gc.expm1(t * math.log(beta))
    return correction
