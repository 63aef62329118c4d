"""What happens to gradients before a step: clipped, decayed, or collected over several calls."""

from __future__ import annotations

from collections.abc import Sequence

import graphc as gc
from graphc.ir.node import Node
from graphc.optim.naming import Updates
from graphc.optim.optimizer import Optimizer, Pairs


def clip_by_value(gradients: Sequence[Node], limit: float) -> list[Node]:
    """Every element limited to [-limit, limit]."""
    return [gc.clip(g, -limit, limit) for g in gradients]


def global_norm(gradients: Sequence[Node]) -> Node:
    """The Euclidean norm of all gradients taken as one vector."""
    total: Node = sum(gc.sum(g.astype(g.dtype.compute) ** 2) for g in gradients)
    return gc.sqrt(total)


def clip_by_global_norm(gradients: Sequence[Node], limit: float) -> list[Node]:
    """All gradients scaled together, so that their global norm is at most `limit`.

    Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks", 2013, algorithm 1.
    """
    norm = global_norm(gradients)
    scale = limit / gc.maximum(norm, limit)
    return [g * scale.astype(g.dtype) for g in gradients]


def add_weight_decay(gradients: Sequence[Node], parameters: Sequence[Node], rate: float) -> list[Node]:
    """The gradients of the loss plus rate / 2 * |parameters|**2."""
    return [g + rate * w for g, w in zip(gradients, parameters, strict=True)]


class Accumulate(Optimizer):
    """An optimiser that steps once in `steps` calls, along the mean of their gradients.

    What the optimiser remembers changes at these calls only, so its schedule counts them and not all calls.
    """

    word = "accumulate"

    def __init__(self, optimizer: Optimizer, steps: int) -> None:
        super().__init__(optimizer.learning_rate)
        self.optimizer, self.steps = optimizer, steps

    def state(self) -> dict[str, Node]:
        return {**super().state(), **self.optimizer.state()}

    def step(self, pairs: Pairs) -> Updates:
        is_last = (self.count + 1) % self.steps == 0
        sums = {w: self.remembered(w, "accumulated") for w, _ in pairs}
        totals = {w: sums[w] + g for w, g in pairs}
        names = {self._naming.names[w]: w for w, _ in pairs}
        inner = self.optimizer.apply(names, [totals[w] / self.steps for w, _ in pairs])
        new = {w: gc.where(is_last, value, w) for w, value in inner.items()}
        return new | {sums[w]: gc.where(is_last, 0, totals[w]) for w, _ in pairs}
