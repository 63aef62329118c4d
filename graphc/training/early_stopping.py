"""When training does not help any more: metrics of epochs come in, whether to stop goes out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

import graphc as gc
from graphc.errors import GraphError
from graphc.ir.node import Node
from graphc.training.progress import Epoch

Array = np.ndarray[Any, Any]


class EarlyStopping:
    """Stops when a metric has not become better for `patience` epochs, by more than `margin`.

    `parameters` by name, such as `model.state()`, get the values of the best epoch back at the end.
    Prechelt, "Early stopping, but when?", 1998.
    """

    def __init__(
        self,
        metric: str,
        *,
        patience: int,
        margin: float = 0.0,
        larger_is_better: bool = False,
        parameters: Mapping[str, Node] | None = None,
    ) -> None:
        self.metric, self.patience, self.margin = metric, patience, margin
        self.larger_is_better = larger_is_better
        self.parameters = dict(parameters or {})
        self.best, self.waited = -math.inf if larger_is_better else math.inf, 0
        self._kept: dict[str, Array] = {}

    @property
    def stops(self) -> bool:
        """Whether it is enough."""
        return self.waited >= self.patience

    def look(self, epoch: Epoch) -> None:
        """Take note of an epoch. Raises GraphError if it has no such metric."""
        if self.metric not in epoch:
            raise GraphError(f"an epoch has no metric {self.metric!r}", help=f"it has {', '.join(epoch)}")
        value = epoch[self.metric]
        gain = value - self.best if self.larger_is_better else self.best - value
        if gain > self.margin:
            self.best, self.waited = value, 0
            self._kept = {name: gc.value(node) for name, node in self.parameters.items()}
        else:
            self.waited += 1

    def restore_best(self) -> None:
        """Give the parameters their values of the best epoch."""
        for name, value in self._kept.items():
            gc.set_value(self.parameters[name], value)

    def state(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """What it knows, as numbers and as arrays."""
        return {"best": self.best, "waited": self.waited}, dict(self._kept)

    def resume(self, numbers: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
        """Know again what `state` said."""
        self.best, self.waited = numbers["best"], numbers["waited"]
        self._kept = {name: array for name, array in arrays.items() if name in self.parameters}
