"""Affine maps, and tables of vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import graphc as gc
from graphc.errors import DTypeError, ShapeError
from graphc.ir.node import Node, describe
from graphc.nn.module import Module, Seed

Initializer = Callable[..., Any]


class Linear(Module):
    """x @ weight + bias, over the last axis of x.

    `weight` is `(inputs, outputs)`; it begins as `init` says: by default with variance 1 / inputs.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        seed: Seed,
        bias: bool = True,
        init: Initializer = gc.init.lecun_uniform,
        dtype: Any = "float32",
    ) -> None:
        self.weight = gc.parameter("weight", init((inputs, outputs), seed=seed, dtype=dtype))
        self.bias = gc.parameter("bias", gc.init.zeros(outputs, dtype)) if bias else None

    def __call__(self, x: Node) -> Node:
        """From (..., inputs) to (..., outputs). Raises ShapeError for another last axis."""
        last_axis(x, self.weight.shape[0], "Linear")
        y: Node = x @ self.weight
        return y if self.bias is None else y + self.bias


class Bilinear(Module):
    """x^T weight y + bias: one product for each output, over the last axes of x and y."""

    def __init__(
        self, inputs: tuple[int, int], outputs: int, *, seed: Seed, bias: bool = True, dtype: Any = "float32"
    ) -> None:
        left, right = inputs
        weight = gc.init.lecun_uniform((left, right * outputs), seed=seed, dtype=dtype)
        self.weight = gc.parameter("weight", weight.reshape(left, right, outputs))
        self.bias = gc.parameter("bias", gc.init.zeros(outputs, dtype)) if bias else None

    def __call__(self, x: Node, y: Node) -> Node:
        """From (..., left) and (..., right) to (..., outputs)."""
        left, right, outputs = self.weight.shape
        last_axis(x, left, "Bilinear")
        last_axis(y, right, "Bilinear")
        products = (x @ self.weight.reshape((left, right * outputs))).reshape((*x.shape[:-1], right, outputs))
        z: Node = gc.sum(products * y[..., None], axis=-2)
        return z if self.bias is None else z + self.bias


class Embedding(Module):
    """A table of vectors: an index becomes a row of `weight`, `(count, features)`, at first normal numbers.

    The vector of the index `padding` is 0 and is not trained.
    """

    def __init__(
        self,
        count: int,
        features: int,
        *,
        seed: Seed,
        padding: int | None = None,
        std: float = 1.0,
        dtype: Any = "float32",
    ) -> None:
        self.weight = gc.parameter("weight", gc.init.normal((count, features), seed=seed, std=std, dtype=dtype))
        self.padding = padding

    def __call__(self, indices: Node) -> Node:
        """From integers (...) to (..., features). An index out of bounds is an error of the call."""
        vectors = gc.take(self.weight, indices, axis=0)
        if self.padding is None:
            return vectors
        return gc.where((indices == self.padding)[..., None], 0, vectors)


def last_axis(x: Node, size: Any, what: str) -> None:
    """Raises ShapeError unless the last axis of x has a size, DTypeError unless x holds floats."""
    if not x.ndim or x.shape[-1] != size:
        raise ShapeError(f"{what} takes arrays whose last axis has size {size}", details=[describe(x)])
    floats(x, what)


def floats(x: Node, what: str) -> None:
    """Raises DTypeError unless x holds floats."""
    if not x.dtype.is_float:
        raise DTypeError(f"{what} takes floats, not {x.dtype.name}", details=[describe(x)])
