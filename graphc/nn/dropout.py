"""Noise that is there in training only."""

from __future__ import annotations

import numpy as np

import graphc as gc
from graphc.errors import GraphError
from graphc.ir.node import Node
from graphc.nn.module import Module, Seed
from graphc.random import Stream


class Dropout(Module):
    """In training each element is 0 with probability `rate`, and the others are scaled to the same mean.

    Every call of a compiled function draws anew, from a stream of its own that a seed begins, or from a given one.
    Elements that differ in an axis of `shared` only are dropped together. Srivastava et al., "Dropout", 2014.
    """

    statistics = ("draws",)
    has_modes = True

    def __init__(self, rate: float = 0.5, *, seed: Seed | Stream, shared: tuple[int, ...] = ()) -> None:
        if not 0 <= rate < 1:
            raise GraphError(f"a share of {rate} cannot be dropped", help="0 <= rate < 1")
        self.rate, self.shared = rate, shared
        self._stream = seed if isinstance(seed, Stream) else Stream(_number(seed), "draws")
        self.draws = self._stream.parameter

    def __call__(self, x: Node, *, training: bool) -> Node:
        """An array of the same shape."""
        if not training or self.rate == 0:
            return x
        shared = {axis % x.ndim for axis in self.shared}
        shape = tuple(1 if axis in shared else size for axis, size in enumerate(x.shape))
        return gc.where(self._stream.bernoulli(1 - self.rate, shape), x / (1 - self.rate), 0)


def _number(seed: Seed) -> int:
    """One seed of several."""
    return seed if isinstance(seed, int) else int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0])
