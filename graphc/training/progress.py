"""How far training has come: what is written into a checkpoint beside the parameters, and read from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

Epoch = dict[str, float]
"""The means of the metrics over one epoch, by name, and what was evaluated after it."""


@dataclass
class Progress:
    """Epochs done, the batches done of the one that runs, and the sums of their metrics."""

    history: list[Epoch] = field(default_factory=list)
    steps: int = 0
    batches: int = 0
    examples: int = 0
    sums: list[float] = field(default_factory=list)

    def add(self, values: Sequence[Any], examples: int) -> None:
        """Count a batch: a metric of it counts as often as it has examples."""
        values = [float(np.asarray(value, np.float64)) for value in values]
        self.sums = [old + examples * new for old, new in zip(self.sums or [0.0] * len(values), values, strict=True)]
        self.steps, self.batches, self.examples = self.steps + 1, self.batches + 1, self.examples + examples

    def means(self, names: Sequence[str]) -> Epoch:
        """The means of the metrics so far, by name; NaN before the first batch."""
        return {
            name: total / self.examples if self.examples else float("nan")
            for name, total in zip(names, self.sums or [0.0] * len(names), strict=True)
        }

    def finish(self, epoch: Epoch) -> None:
        """Close an epoch and begin the next."""
        self.history.append(epoch)
        self.batches, self.examples, self.sums = 0, 0, []

    def to_json(self) -> dict[str, Any]:
        """Numbers and lists, from which `Progress(**...)` makes the same again."""
        return asdict(self)
