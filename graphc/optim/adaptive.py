"""Steps whose length adapts to each element, through what its gradients were before."""

from __future__ import annotations

import math
from collections.abc import Callable

import graphc as gc
from graphc.ir.node import Node
from graphc.optim.naming import Updates
from graphc.optim.optimizer import Optimizer, Pairs
from graphc.optim.schedules import Schedule


class AdaGrad(Optimizer):
    """Steps divided by the root of the sum of all squared gradients.

    Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic optimization",
    2011: the diagonal form, with `epsilon` as its delta.
    """

    word = "adagrad"

    def __init__(self, learning_rate: float | Node | Schedule, *, epsilon: float = 1e-8) -> None:
        super().__init__(learning_rate)
        self.epsilon = epsilon

    def step(self, pairs: Pairs) -> Updates:
        new: Updates = {}
        for w, g in pairs:
            s = self.remembered(w, "adagrad_s")
            new[s] = s + g * g
            new[w] = w - self.rate(w) * g / (self.epsilon + gc.sqrt(new[s]))
        return new


class RMSProp(Optimizer):
    """Steps divided by the root of a running mean of squared gradients.

    Tieleman and Hinton, "Neural networks for machine learning", lecture 6.5, 2012.
    """

    word = "rmsprop"

    def __init__(self, learning_rate: float | Node | Schedule, *, decay: float = 0.9, epsilon: float = 1e-8) -> None:
        super().__init__(learning_rate)
        self.decay, self.epsilon = decay, epsilon

    def step(self, pairs: Pairs) -> Updates:
        new: Updates = {}
        for w, g in pairs:
            s = self.remembered(w, "rmsprop_s")
            new[s] = self.decay * s + (1 - self.decay) * (g * g)
            new[w] = w - self.rate(w) * g / (gc.sqrt(new[s]) + self.epsilon)
        return new


class AdaDelta(Optimizer):
    """Steps in the units of the parameter: the ratio of running root mean squares of steps and of gradients.

    Zeiler, "ADADELTA: an adaptive learning rate method", 2012, algorithm 1; its learning rate is 1.
    """

    word = "adadelta"

    def __init__(
        self, learning_rate: float | Node | Schedule = 1.0, *, decay: float = 0.95, epsilon: float = 1e-6
    ) -> None:
        super().__init__(learning_rate)
        self.decay, self.epsilon = decay, epsilon

    def step(self, pairs: Pairs) -> Updates:
        new: Updates = {}
        for w, g in pairs:
            s, d = self.remembered(w, "adadelta_s"), self.remembered(w, "adadelta_d")
            new[s] = self.decay * s + (1 - self.decay) * (g * g)
            step = g * gc.sqrt(d + self.epsilon) / gc.sqrt(new[s] + self.epsilon)
            new[d] = self.decay * d + (1 - self.decay) * (step * step)
            new[w] = w - self.rate(w) * step
        return new


class Adam(Optimizer):
    """Running means of gradients and of their squares, both corrected for their start at zero.

    Kingma and Ba, "Adam: a method for stochastic optimization", 2015, algorithm 1.
    """

    word = "adam"

    def __init__(
        self,
        learning_rate: float | Node | Schedule = 1e-3,
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
    ) -> None:
        super().__init__(learning_rate)
        self.beta1, self.beta2, self.epsilon = beta1, beta2, epsilon

    def step(self, pairs: Pairs) -> Updates:
        new: Updates = {}
        for w, g in pairs:
            m, v = self.remembered(w, "adam_m"), self.remembered(w, "adam_v")
            new[m] = self.beta1 * m + (1 - self.beta1) * g
            new[v] = self.beta2 * v + (1 - self.beta2) * (g * g)
            t = (self.count + 1).astype(w.dtype.compute)
            m_hat, v_hat = _corrected(new[m], self.beta1, t), _corrected(new[v], self.beta2, t)
            new[w] = w - self.rate(w) * self.direction(w, m_hat / (gc.sqrt(v_hat) + self.epsilon))
        return new

    def direction(self, w: Node, adaptive: Node) -> Node:
        """Where a step goes, before the learning rate scales it."""
        return adaptive


class AdamW(Adam):
    """Adam whose weight decay does not pass through the running means.

    Loshchilov and Hutter, "Decoupled weight decay regularization", 2019, algorithm 2. The learning rate
    scales the decay too: the paper's lambda is `learning_rate * weight_decay`. `decays` says which parameters
    decay, all if not given: `lambda w: w.ndim > 1` leaves out biases and gains.
    """

    def __init__(
        self,
        learning_rate: float | Node | Schedule = 1e-3,
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 1e-2,
        decays: Callable[[Node], bool] = lambda w: True,
    ) -> None:
        super().__init__(learning_rate, beta1=beta1, beta2=beta2, epsilon=epsilon)
        self.weight_decay, self.decays = weight_decay, decays

    def direction(self, w: Node, adaptive: Node) -> Node:
        return adaptive + self.weight_decay * w if self.decays(w) else adaptive


def _corrected(mean: Node, beta: float, t: Node) -> Node:
    """A running mean of t values, begun at 0, divided by 1 - beta**t; float32 would cancel in that difference."""
    if beta == 0:
        return mean
    corrected: Node = mean / -gc.expm1(t * math.log(beta))
    return corrected
