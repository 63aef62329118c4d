"""Batches: arrays come in, and for each epoch an order of their examples and pieces of one size."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from graphc.errors import ShapeError

Array = np.ndarray[Any, Any]


class Batches:
    """Examples (along the first axis of each array) in batches of `size`, in an order of its own for each epoch.

    The order follows from seed and epoch alone, so training can go on in the middle. `seed=None` keeps the order
    of the arrays; `drop_last` leaves out a last batch that is smaller.
    """

    def __init__(self, *arrays: Any, size: int, seed: int | None, drop_last: bool = False) -> None:
        self.arrays = [np.asarray(array) for array in arrays]
        counts = {len(array) for array in self.arrays}
        if len(counts) != 1:
            raise ShapeError(f"arrays of {sorted(counts)} examples have no batches in common")
        if size < 1:
            raise ShapeError(f"a batch of {size} examples", help="at least 1")
        self.count, self.size, self.seed, self.drop_last = counts.pop(), size, seed, drop_last

    def __len__(self) -> int:
        """The number of batches of an epoch."""
        return self.count // self.size if self.drop_last else math.ceil(self.count / self.size)

    def __call__(self, epoch: int) -> Iterator[tuple[Array, ...]]:
        """The batches of an epoch: a tuple of arrays each."""
        order = np.arange(self.count)
        if self.seed is not None:
            order = np.random.default_rng((self.seed, epoch + 1)).permutation(self.count)
        for start in range(0, len(self) * self.size, self.size):
            chosen = order[start : start + self.size]
            yield tuple(array[chosen] for array in self.arrays)
