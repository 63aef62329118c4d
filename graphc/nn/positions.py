"""Where an element of a sequence stands: encodings to add, rotations, and biases of attention."""

from __future__ import annotations

from typing import Any

import graphc as gc
from graphc.errors import ShapeError
from graphc.ir.node import Node, describe


def sinusoidal(length: Any, features: int, *, base: float = 10000.0, dtype: Any = "float32") -> Node:
    """(length, features): sin(p / base**(2 i / features)) in even columns 2 i, the cosine in odd ones.

    Vaswani et al., "Attention is all you need", 2017, section 3.5.
    """
    if features % 2:
        raise ShapeError(f"{features} features are no pairs of sine and cosine")
    angles = _angles(length, features, base)
    pairs = gc.stack([gc.sin(angles), gc.cos(angles)], axis=-1)
    return pairs.reshape((length, features)).astype(dtype)


def rotary(x: Node, *, base: float = 10000.0, first: int | Node = 0) -> Node:
    """Queries or keys (..., length, features) with neighbouring features turned by an angle of their position.

    `first` is the position of the first element. Su et al., "RoFormer", 2021, equation 34.
    """
    *_, length, features = x.shape
    if not isinstance(features, int) or features % 2:
        raise ShapeError("the last axis holds no pairs of features", details=[describe(x)])
    angles = _angles(length, features, base, first)
    sine, cosine = gc.sin(angles).astype(x.dtype), gc.cos(angles).astype(x.dtype)
    even, odd = x[..., 0::2], x[..., 1::2]
    turned = gc.stack([even * cosine - odd * sine, even * sine + odd * cosine], axis=-1)
    return turned.reshape(x.shape)


def alibi(heads: int, length: Any, memory: Any, *, dtype: Any = "float32") -> Node:
    """(heads, length, memory): minus the distance of query and key, times a slope for each head, to add to scores.

    The slopes are 2**(-8 h / heads) for h from 1 on. Press, Smith and Lewis, "Train short, test long", 2022.
    """
    slopes = gc.constant([2.0 ** (-8 * h / heads) for h in range(1, heads + 1)])
    distance = gc.abs(gc.iota(memory)[None, :] - gc.iota(length)[:, None]).astype("float64")
    return (-slopes[:, None, None] * distance).astype(dtype)


def _angles(length: Any, features: int, base: float, first: int | Node = 0) -> Any:
    """(length, features / 2), in float64: float32 would lose digits of far positions."""
    positions = (gc.iota(length) + first).astype("float64")
    frequencies = gc.constant([base ** (-2 * i / features) for i in range(features // 2)])
    return positions[:, None] * frequencies
