"""Random orders and selections: a key and a size or an array come in, positions or elements go out.

An order is that of 64 random bits for each element; two are equal with a probability of n^2 / 2^65.
"""

from __future__ import annotations

from typing import Any

import graphc as gc
from graphc.dimension import Dim, product
from graphc.errors import ShapeError
from graphc.ir.node import Node, public
from graphc.ops.conversion import as_node, one_axis
from graphc.random.arguments import Given
from graphc.random.bits import Blocks, bits
from graphc.random.continuous import gumbel
from graphc.random.discrete import randint
from graphc.random.keys import as_key
from graphc.types import Shape, as_shape, as_size


@public
def permutation(key: Any, size: Any) -> Node:
    """The numbers 0 … size-1 in a random order, as int64."""
    return gc.argsort(bits(key, (as_size(size),), gc.uint64))


@public
def shuffle(key: Any, x: Given, axis: int = 0) -> Node:
    """The slices of `x` along an axis in a random order."""
    x = as_node(x)
    a = one_axis(axis, x.ndim)
    return gc.take(x, permutation(key, x.shape[a]), axis=a)


@public
def choice(key: Any, a: Any, shape: Any = (), *, replace: bool = True, p: Given | None = None, axis: int = 0) -> Node:
    """Elements of an array along an axis, or of 0 … a-1 for a size, with probabilities p or all alike.

    Without `replace` no position comes twice. The probabilities need not add up to 1.
    Raises ShapeError where there are not enough elements, or not as many probabilities as elements.
    """
    counted = isinstance(a, int | Dim)
    x = None if counted else as_node(a)
    along = 0 if x is None else one_axis(axis, x.ndim)
    size = as_size(a) if x is None else x.shape[along]
    sizes = as_shape(shape)
    weights = None if p is None else gc.cast(as_node(p), gc.float64)
    if weights is not None and weights.shape != (size,):
        raise ShapeError(f"{size} elements need as many probabilities, not {weights.type}")
    chosen = _repeated(key, size, sizes, weights) if replace else _different(key, size, sizes, weights)
    return chosen if x is None else gc.take(x, chosen, axis=along)


def _repeated(key: Any, size: Any, shape: Shape, weights: Node | None) -> Node:
    """Positions by inverting the distribution function."""
    if weights is None:
        return randint(key, 0, size, shape)
    reached = gc.cumulative_sum(weights)
    u = Blocks(as_key(key), shape).fraction(gc.float64) * reached[-1]
    passed = gc.cast(u[..., None] >= reached, gc.int64)
    return gc.minimum(gc.sum(passed, axis=-1), gc.extent(size) - 1)


def _different(key: Any, size: Any, shape: Shape, weights: Node | None) -> Node:
    """Positions that differ: the first of a random order, or those of the largest Gumbel numbers (Yellott, 1977)."""
    count = product(shape)
    if isinstance(count, int) and isinstance(size, int) and count > size:
        raise ShapeError(f"{count} of {size} elements cannot be different", help="replace=True repeats some")
    if weights is None:
        order = permutation(key, size)
    else:
        order = gc.argsort(-(gc.log(weights) + gumbel(key, weights.shape, gc.float64)))
    return order[:count].reshape(shape)
