"""Noise that is there in training only."""

from __future__ import annotations

import numpy as np

import graphc as gc
from graphc.errors import GraphError
from graphc.ir.node import Node
from graphc.nn.module import Module, Seed, Updates


class Dropout(Module):
    """In training each element is 0 with probability `rate`, and the others are scaled to the same mean.

    Every training step draws anew: `draws` counts them, through `updates`. Elements that differ in an axis of
    `shared` only are dropped together. Srivastava et al., "Dropout", 2014.
    """

    statistics = ("draws",)
    has_modes = True

    def __init__(self, rate: float = 0.5, *, seed: Seed, shared: tuple[int, ...] = ()) -> None:
        if not 0 <= rate < 1:
            raise GraphError(f"a share of {rate} cannot be dropped", help="0 <= rate < 1")
        self.rate, self.shared = rate, shared
        self.draws = gc.parameter("draws", np.int64(0))
        self._seed = (seed,) if isinstance(seed, int) else seed
        self._keys: list[Node] = []

    def __call__(self, x: Node, *, training: bool) -> Node:
        """An array of the same shape."""
        if not training or self.rate == 0:
            return x
        key = gc.random.key(self._seed[0])
        for number in (*self._seed[1:], len(self._keys), self.draws):
            key = gc.random.fold_in(key, number)
        self._keys.append(key)
        shared = {axis % x.ndim for axis in self.shared}
        shape = tuple(1 if axis in shared else size for axis, size in enumerate(x.shape))
        kept = gc.random.bernoulli(key, 1 - self.rate, shape)
        return gc.where(kept, x / (1 - self.rate), 0)

    def own_updates(self, reached: set[Node]) -> Updates:
        drawn = any(key in reached for key in self._keys)
        return {self.draws: self.draws + 1} if drawn else {}
