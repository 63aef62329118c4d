"""Layers one after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.nn.module import Module, call


class Sequential(Module):
    """Layers, each of which takes what the one before gives: modules, or functions such as `gc.relu`."""

    def __init__(self, *layers: Callable[..., Any]) -> None:
        self.layers = list(layers)

    def __call__(self, x: Any, *, training: bool | None = None) -> Any:
        """The last layer's result. Raises GraphError if a layer has to know whether it is training."""
        for layer in self.layers:
            x = call(layer, x, training)
        return x

    def __len__(self) -> int:
        return len(self.layers)

    def __getitem__(self, index: int) -> Callable[..., Any]:
        return self.layers[index]


class Residual(Module):
    """x + layer(x).

    He, Zhang, Ren and Sun, "Deep residual learning for image recognition", 2016.
    """

    def __init__(self, layer: Callable[..., Any]) -> None:
        self.layer = layer

    def __call__(self, x: Any, *, training: bool | None = None) -> Any:
        return x + call(self.layer, x, training)
