"""Values moved to mean 0 and variance 1: within an example, or within a batch.

16-bit floats are normalised in float32: the square of a large one would overflow.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakSet

import graphc as gc
from graphc.dimension import product
from graphc.errors import AxisError, ShapeError
from graphc.ir.node import Node, describe, topological
from graphc.nn.module import Module, Updates
from graphc.types import as_dtype


class LayerNorm(Module):
    """(x - mean) / sqrt(var + epsilon) over the last axes, then times `gain` plus `bias`.

    Ba, Kiros and Hinton, "Layer normalization", 2016.
    """

    def __init__(
        self, shape: int | tuple[int, ...], *, epsilon: float = 1e-5, affine: bool = True, dtype: Any = "float32"
    ) -> None:
        self.shape = (shape,) if isinstance(shape, int) else tuple(shape)
        self.epsilon = epsilon
        self.gain = gc.parameter("gain", gc.init.ones(self.shape, dtype)) if affine else None
        self.bias = gc.parameter("bias", gc.init.zeros(self.shape, dtype)) if affine else None

    def __call__(self, x: Node) -> Node:
        """An array of the same shape. Raises ShapeError if the last axes are others."""
        _ends_with(x, self.shape, "LayerNorm")
        y = _standardized(x, tuple(range(-len(self.shape), 0)), self.epsilon)
        return y if self.gain is None else y * self.gain + self.bias


class RMSNorm(Module):
    """x / sqrt(mean(x**2) + epsilon) over the last axis, then times `gain`.

    Zhang and Sennrich, "Root mean square layer normalization", 2019, equation 4.
    """

    def __init__(self, features: int, *, epsilon: float = 1e-6, dtype: Any = "float32") -> None:
        self.epsilon = epsilon
        self.gain = gc.parameter("gain", gc.init.ones(features, dtype))

    def __call__(self, x: Node) -> Node:
        """An array of the same shape. Raises ShapeError if the last axis is another."""
        _ends_with(x, self.gain.shape, "RMSNorm")
        wide = x.astype(x.dtype.compute)
        y = wide / gc.sqrt(gc.mean(wide**2, -1, keepdims=True) + self.epsilon)
        return y.astype(x.dtype) * self.gain


class GroupNorm(Module):
    """Within an example, over groups of channels and all places; channels are axis 1.

    Wu and He, "Group normalization", 2018. One group a channel is instance normalization.
    """

    def __init__(
        self, groups: int, channels: int, *, epsilon: float = 1e-5, affine: bool = True, dtype: Any = "float32"
    ) -> None:
        if channels % groups:
            raise ShapeError(f"{channels} channels are no {groups} groups of one size")
        self.groups, self.channels, self.epsilon = groups, channels, epsilon
        self.gain = gc.parameter("gain", gc.init.ones(channels, dtype)) if affine else None
        self.bias = gc.parameter("bias", gc.init.zeros(channels, dtype)) if affine else None

    def __call__(self, x: Node) -> Node:
        """An array of the same shape, (batch, channels, ...). Raises ShapeError for other channels."""
        _has_channels(x, 1, self.channels, "GroupNorm")
        z = x.reshape((x.shape[0], self.groups, self.channels // self.groups, *x.shape[2:]))
        y = _standardized(z, tuple(range(2, z.ndim)), self.epsilon).reshape(x.shape)
        if self.gain is None or self.bias is None:
            return y
        return y * _along(self.gain, 1, x) + _along(self.bias, 1, x)


class BatchNorm(Module):
    """Within the batch, over all axes but that of the channels, then times `gain` plus `bias`.

    In training the mean and variance are those of the batch, and `running_mean` and `running_var` move a share
    `momentum` towards them, through `updates`; in use they are the running ones. The running variance is that
    of a sample (divided by n - 1); a batch of one value leaves it as it is. Ioffe and Szegedy, "Batch
    normalization", 2015.
    """

    statistics = ("running_mean", "running_var")
    has_modes = True

    def __init__(
        self,
        channels: int,
        *,
        axis: int = 1,
        momentum: float = 0.1,
        epsilon: float = 1e-5,
        affine: bool = True,
        dtype: Any = "float32",
    ) -> None:
        self.axis, self.momentum, self.epsilon = axis, momentum, epsilon
        self.gain = gc.parameter("gain", gc.init.ones(channels, dtype)) if affine else None
        self.bias = gc.parameter("bias", gc.init.zeros(channels, dtype)) if affine else None
        wide = as_dtype(dtype).compute
        self.running_mean = gc.parameter("running_mean", gc.init.zeros(channels, wide))
        self.running_var = gc.parameter("running_var", gc.init.ones(channels, wide))
        self._batches: dict[Node, Node] = {}
        self._collected: set[Node] = set()

    def __call__(self, x: Node, *, training: bool) -> Node:
        """An array of the same shape. Raises ShapeError for other channels."""
        axis = _has_channels(x, self.axis, self.running_mean.shape[0], "BatchNorm")
        wide = x.astype(x.dtype.compute)
        mean, var = self.running_mean, self.running_var
        if training:
            others = tuple(a for a in range(x.ndim) if a != axis)
            mean, var = gc.mean(wide, others), gc.var(wide, others)
            several = gc.greater(product(tuple(x.shape[a] for a in others)), 1)  # one value has no variance of a sample
            self._batches[mean] = gc.where(several, gc.var(wide, others, correction=1), self.running_var)
            _trained.add(self)
        y = (wide - _along(mean, axis, x)) / gc.sqrt(_along(var, axis, x) + self.epsilon)
        y = y.astype(x.dtype)
        if self.gain is None or self.bias is None:
            return y
        return y * _along(self.gain, axis, x) + _along(self.bias, axis, x)

    def own_updates(self, reached: set[Node]) -> Updates:
        mean, var = self.running_mean, self.running_var
        for batch_mean, batch_var in self._batches.items():
            if batch_mean in reached:
                self._collected.add(batch_mean)
                mean = (1 - self.momentum) * mean + self.momentum * batch_mean
                var = (1 - self.momentum) * var + self.momentum * batch_var
        moved = mean is not self.running_mean
        return {self.running_mean: mean, self.running_var: var} if moved else {}

    def forgets(self, reached: set[Node]) -> bool:
        """Whether nodes that are reached come from a call in training whose statistics nobody has asked for."""
        return any(mean in reached and mean not in self._collected for mean in self._batches)


_trained: WeakSet[BatchNorm] = WeakSet()
"""All that were called in training."""


def forgotten_statistics(*outputs: Node) -> bool:
    """Whether outputs depend on a batch norm in training, and `updates` was not called for its statistics."""
    if not _trained:
        return False
    reached = set(topological(outputs))
    return any(norm.forgets(reached) for norm in list(_trained))


def _standardized(x: Node, axes: tuple[int, ...], epsilon: float) -> Node:
    """x with mean 0 and variance 1 over axes."""
    wide = x.astype(x.dtype.compute)
    y = (wide - gc.mean(wide, axes, keepdims=True)) / gc.sqrt(gc.var(wide, axes, keepdims=True) + epsilon)
    return y.astype(x.dtype)


def _along(channels: Node, axis: int, x: Node) -> Node:
    """One value a channel, in the place of the channels among the axes of x."""
    shape = (1,) * axis + channels.shape + (1,) * (x.ndim - axis - 1)
    y: Node = channels.reshape(shape)
    return y


def _ends_with(x: Node, shape: tuple[Any, ...], what: str) -> None:
    if x.shape[x.ndim - len(shape) :] != shape or x.ndim < len(shape):
        sizes = ", ".join(map(str, shape))
        raise ShapeError(f"{what} takes arrays whose last axes are ({sizes})", details=[describe(x)])


def _has_channels(x: Node, axis: int, channels: Any, what: str) -> int:
    """The axis of the channels counted from the front. Raises AxisError or ShapeError for other channels."""
    if not -x.ndim <= axis < x.ndim:
        raise AxisError(f"{what} has channels on axis {axis}, which is not there", details=[describe(x)])
    if x.shape[axis] != channels:
        raise ShapeError(f"{what} takes {channels} channels on axis {axis}", details=[describe(x)])
    return axis % x.ndim
