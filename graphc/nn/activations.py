"""Activation functions: a float array comes in, one of the same shape goes out, unless its name says otherwise."""

from __future__ import annotations

import math
from typing import Any

import graphc as gc
from graphc.errors import AxisError, ShapeError
from graphc.ir.node import Node, describe
from graphc.nn.module import Module


def leaky_relu(x: Node, slope: float = 0.01) -> Node:
    """x where it is positive, else slope * x. Maas, Hannun and Ng, 2013."""
    return gc.where(x > 0, x, slope * x)


def relu6(x: Node) -> Node:
    """x limited to [0, 6]. Howard et al., "MobileNets", 2017."""
    return gc.clip(x, 0, 6)


def elu(x: Node, alpha: float = 1.0) -> Node:
    """x where it is positive, else alpha * (exp(x) - 1). Clevert, Unterthiner and Hochreiter, 2016."""
    return gc.where(x > 0, x, alpha * (gc.exp(x) - 1))


def celu(x: Node, alpha: float = 1.0) -> Node:
    """x where it is positive, else alpha * (exp(x / alpha) - 1). Barron, 2017."""
    return gc.where(x > 0, x, alpha * (gc.exp(x / alpha) - 1))


def selu(x: Node) -> Node:
    """An elu that keeps mean 0 and variance 1. Klambauer et al., "Self-normalizing neural networks", 2017."""
    scale, alpha = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717
    return scale * elu(x, alpha)


def gelu(x: Node, *, approximate: bool = False) -> Node:
    """x times the probability that a normal number is less; `approximate` is the formula with tanh.

    Hendrycks and Gimpel, "Gaussian error linear units", 2016.
    """
    if approximate:
        return x / 2 * (1 + gc.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return x / 2 * gc.erfc(-x / math.sqrt(2))


def silu(x: Node) -> Node:
    """x * sigmoid(x). Elfwing, Uchibe and Doya, 2018; Ramachandran, Zoph and Le's swish, 2017, with beta 1."""
    return x * gc.sigmoid(x)


def mish(x: Node) -> Node:
    """x * tanh(softplus(x)). Misra, 2020."""
    return x * gc.tanh(gc.log(1 + gc.exp(x)))


def softplus(x: Node, beta: float = 1.0) -> Node:
    """log(1 + exp(beta * x)) / beta. Dugas et al., 2001."""
    return gc.log(1 + gc.exp(beta * x)) / beta


def softsign(x: Node) -> Node:
    """x / (1 + |x|)."""
    return x / (1 + gc.abs(x))


def log_sigmoid(x: Node) -> Node:
    """log(sigmoid(x))."""
    return gc.log(gc.sigmoid(x))


def hard_tanh(x: Node) -> Node:
    """x limited to [-1, 1]. Collobert, 2004."""
    return gc.clip(x, -1, 1)


def hard_sigmoid(x: Node) -> Node:
    """relu6(x + 3) / 6. Howard et al., "Searching for MobileNetV3", 2019."""
    return relu6(x + 3) / 6


def hard_silu(x: Node) -> Node:
    """x * relu6(x + 3) / 6. Howard et al., "Searching for MobileNetV3", 2019."""
    return x * hard_sigmoid(x)


def hard_shrink(x: Node, limit: float = 0.5) -> Node:
    """x where |x| is above a limit, else 0. Donoho and Johnstone, 1994."""
    return gc.where(gc.abs(x) > limit, x, 0)


def soft_shrink(x: Node, limit: float = 0.5) -> Node:
    """x moved a distance towards 0, no further. Donoho and Johnstone, 1994."""
    return gc.where(x > limit, x - limit, gc.where(x < -limit, x + limit, 0))


def glu(x: Node, axis: int = -1) -> Node:
    """The first half of an axis times the sigmoid of the second. Dauphin et al., 2017."""
    first, second = _halves(x, axis)
    return first * gc.sigmoid(second)


def swiglu(x: Node, axis: int = -1) -> Node:
    """silu of the first half of an axis times the second. Shazeer, "GLU variants improve transformer", 2020."""
    first, second = _halves(x, axis)
    return silu(first) * second


def geglu(x: Node, axis: int = -1) -> Node:
    """gelu of the first half of an axis times the second. Shazeer, 2020."""
    first, second = _halves(x, axis)
    return gelu(first) * second


def maxout(x: Node, pieces: int, axis: int = -1) -> Node:
    """The largest of each `pieces` neighbours along an axis, which becomes that much shorter.

    Goodfellow, Warde-Farley, Mirza, Courville and Bengio, "Maxout networks", 2013.
    """
    axis = _axis(x, axis)
    size: Any = x.shape[axis]
    if size % pieces != 0:
        raise ShapeError(f"{size} elements are not groups of {pieces}", details=[describe(x)])
    groups = x.reshape((*x.shape[:axis], size // pieces, pieces, *x.shape[axis + 1 :]))
    return gc.max(groups, axis=axis + 1)


class PReLU(Module):
    """x where it is positive, else slope * x, with a trained slope, or one for each channel (axis 1).

    He, Zhang, Ren and Sun, "Delving deep into rectifiers", 2015.
    """

    def __init__(self, channels: int = 1, *, first: float = 0.25, dtype: Any = "float32") -> None:
        self.slope = gc.parameter("slope", gc.init.constant(channels, first, dtype))

    def __call__(self, x: Node) -> Node:
        channels = self.slope.shape[0]
        if channels == 1:
            return gc.where(x > 0, x, self.slope * x)
        if x.ndim < 2 or x.shape[1] != channels:
            raise ShapeError(f"PReLU takes {channels} channels on axis 1", details=[describe(x)])
        return gc.where(x > 0, x, self.slope.reshape((channels, *(1,) * (x.ndim - 2))) * x)


def _halves(x: Node, axis: int) -> tuple[Node, Node]:
    axis = _axis(x, axis)
    size: Any = x.shape[axis]
    if size % 2 != 0:
        raise ShapeError(f"axis {axis} of size {size} has no halves", details=[describe(x)])
    before = (slice(None),) * axis
    return x[(*before, slice(0, size // 2))], x[(*before, slice(size // 2, size))]


def _axis(x: Node, axis: int) -> int:
    if not -x.ndim <= axis < x.ndim:
        raise AxisError(f"axis {axis} is out of range for {x.ndim} axes", details=[describe(x)])
    return axis % x.ndim
