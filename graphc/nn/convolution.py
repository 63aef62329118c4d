"""Kernels that slide over images, and windows of which something is taken. Images are (batch, channels, *space)."""

from __future__ import annotations

from typing import Any, ClassVar

import graphc as gc
from graphc.errors import ShapeError
from graphc.ir.node import Node, describe
from graphc.nn.linear import Initializer, floats
from graphc.nn.module import Module, Seed


class Convolution(Module):
    """What convolutions of all ranks share: `weight` and `bias`, and the options of `gc.conv`.

    `window` is a number for all axes of space or one each. `layout` names other orders of axes, such as "NHWC".
    `init` is a function of `gc.init` that takes `fan_axes`.
    """

    rank: ClassVar[int]
    transposed: ClassVar[bool] = False

    def __init__(
        self,
        inputs: int,
        outputs: int,
        window: int | tuple[int, ...],
        *,
        seed: Seed,
        stride: Any = 1,
        padding: Any = "valid",
        dilation: Any = 1,
        groups: int = 1,
        output_padding: Any = None,
        bias: bool = True,
        layout: str | None = None,
        init: Initializer = gc.init.lecun_uniform,
        dtype: Any = "float32",
    ) -> None:
        sizes = (window,) * self.rank if isinstance(window, int) else tuple(window)
        if len(sizes) != self.rank:
            raise ShapeError(f"a window {sizes} for {self.rank} axes of space")
        if inputs % groups or outputs % groups:
            raise ShapeError(f"{inputs} channels in and {outputs} out are no {groups} groups of one size")
        shape, fan_axes = (outputs, inputs // groups, *sizes), (1, 0)
        if self.transposed:
            shape, fan_axes = (inputs, outputs // groups, *sizes), (0, 1)
        self.weight = gc.parameter("weight", init(shape, seed=seed, fan_axes=fan_axes, dtype=dtype))
        self.bias = gc.parameter("bias", gc.init.zeros(outputs, dtype)) if bias else None
        self.layout = layout
        self.options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        if output_padding is not None:
            self.options["output_padding"] = output_padding

    def __call__(self, x: Node) -> Node:
        """From (batch, inputs, *space) to (batch, outputs, *space). Raises ShapeError for what does not fit."""
        if x.ndim != self.rank + 2:
            name = type(self).__name__
            raise ShapeError(f"{name} takes (batch, channels) and {self.rank} axes of space", details=[describe(x)])
        floats(x, type(self).__name__)
        function = gc.conv_transpose if self.transposed else gc.conv
        kernels = ("IO" if self.transposed else "OI") + "DHW"[3 - self.rank :] if self.layout else None
        y = function(x, self.weight, layout=self.layout, kernel_layout=kernels, **self.options)
        if self.bias is None:
            return y
        axis = self.layout.index("C") if self.layout else 1
        return y + self.bias.reshape((-1, *(1,) * (x.ndim - axis - 1)))


class Conv1d(Convolution):
    """`gc.conv` along one axis of space."""

    rank = 1


class Conv2d(Convolution):
    """`gc.conv` along two axes of space."""

    rank = 2


class Conv3d(Convolution):
    """`gc.conv` along three axes of space."""

    rank = 3


class ConvTranspose1d(Convolution):
    """`gc.conv_transpose` along one axis of space."""

    rank, transposed = 1, True


class ConvTranspose2d(Convolution):
    """`gc.conv_transpose` along two axes of space."""

    rank, transposed = 2, True


class ConvTranspose3d(Convolution):
    """`gc.conv_transpose` along three axes of space."""

    rank, transposed = 3, True


class MaxPool(Module):
    """`gc.max_pool` with a window and its options."""

    def __init__(self, window: Any, **options: Any) -> None:
        self.window, self.options = window, options

    def __call__(self, x: Node) -> Node:
        return gc.max_pool(x, self.window, **self.options)


class AvgPool(Module):
    """`gc.avg_pool` with a window and its options."""

    def __init__(self, window: Any, **options: Any) -> None:
        self.window, self.options = window, options

    def __call__(self, x: Node) -> Node:
        return gc.avg_pool(x, self.window, **self.options)


def flatten(x: Node, first: int = 1) -> Node:
    """The axes from `first` on as one."""
    y: Node = x.reshape((*x.shape[:first], -1))
    return y
