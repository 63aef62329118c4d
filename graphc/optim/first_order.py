"""Steps along the gradient, its momentum, or its sign."""

from __future__ import annotations

from collections.abc import Callable

import graphc as gc
from graphc.ir.node import Node
from graphc.optim.naming import Updates
from graphc.optim.optimizer import Optimizer, Pairs
from graphc.optim.schedules import Schedule


class SGD(Optimizer):
    """Gradient descent, with classical momentum v = m v - r g, w = w + v, or Nesterov's.

    Momentum as in Sutskever, Martens, Dahl and Hinton, "On the importance of initialization and momentum in
    deep learning", 2013. Nesterov's gradient is taken where the momentum leads; the parameter is that point
    here (Bengio, Boulanger-Lewandowski and Pascanu, "Advances in optimizing recurrent networks", 2013).
    """

    word = "sgd"

    def __init__(
        self, learning_rate: float | Node | Schedule, *, momentum: float = 0.0, nesterov: bool = False
    ) -> None:
        super().__init__(learning_rate)
        self.momentum, self.nesterov = momentum, nesterov

    def step(self, pairs: Pairs) -> Updates:
        new: Updates = {}
        for w, g in pairs:
            down = self.rate(w) * g
            if self.momentum == 0:
                new[w] = w - down
                continue
            v = self.remembered(w, "momentum")
            new[v] = self.momentum * v - down
            new[w] = w + self.momentum * new[v] - down if self.nesterov else w + new[v]
        return new


class Lion(Optimizer):
    """Steps of one size, along the sign of the momentum; `weight_decay` and `decays` as in AdamW.

    Chen et al., "Symbolic discovery of optimization algorithms", 2023, program 1.
    """

    word = "lion"

    def __init__(
        self,
        learning_rate: float | Node | Schedule = 1e-4,
        *,
        beta1: float = 0.9,
        beta2: float = 0.99,
        weight_decay: float = 0.0,
        decays: Callable[[Node], bool] = lambda w: True,
    ) -> None:
        super().__init__(learning_rate)
        self.beta1, self.beta2 = beta1, beta2
        self.weight_decay, self.decays = weight_decay, decays

    def step(self, pairs: Pairs) -> Updates:
        new: Updates = {}
        for w, g in pairs:
            m = self.remembered(w, "lion_m")
            direction = gc.sign(self.beta1 * m + (1 - self.beta1) * g)
            if self.weight_decay and self.decays(w):
                direction = direction + self.weight_decay * w
            new[w] = w - self.rate(w) * direction
            new[m] = self.beta2 * m + (1 - self.beta2) * g
        return new
