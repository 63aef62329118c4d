"""Truth values, signs, integers and categories: a key and parameters come in, draws go out. They have no derivatives;
`graphc.random.gumbel_softmax` and `score_function` are ways around that.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import graphc as gc
from graphc.errors import DTypeError, GraphError, ShapeError
from graphc.ir.node import Node, public
from graphc.ops.conversion import as_node, broadcast_shapes, one_axis
from graphc.random.arguments import Given, as_integer_dtype
from graphc.random.bits import Blocks, bits
from graphc.random.continuous import gumbel
from graphc.random.keys import as_key
from graphc.types import DType, as_shape


@public
def bernoulli(key: Any, p: Given = 0.5, shape: Any = None) -> Node:
    """Truth values, true with probability p to 2^-64."""
    p = as_node(p)
    if not p.dtype.is_float:
        p = gc.cast(p, gc.float32)  # 0 and 1
    p = gc.broadcast_to(gc.cast(p, p.dtype.compute), p.shape if shape is None else as_shape(shape))
    threshold = gc.cast(p * 2.0**64, gc.uint64)  # exact, as the numbers below 2^64 are
    return gc.logical_or(Blocks(as_key(key), p.shape).pair(0) < threshold, p >= 1)


@public
def rademacher(key: Any, shape: Any = (), dtype: Any = "float32") -> Node:
    """1 and -1, equally likely, in floats or signed integers."""
    signed = gc.types.as_dtype(dtype)
    if signed.kind not in "if":
        raise DTypeError(f"{signed.name} has no -1", help="choose a float or a signed integer")
    return gc.where(bits(key, shape) >= 1 << 31, gc.full((), 1, signed), gc.full((), -1, signed))


@public
def randint(key: Any, low: Given, high: Given, shape: Any = None, dtype: Any = "int64") -> Node:
    """Integers in [low, high): floor(r (high - low)) + low for r in [0, 1) of 128 bits.

    So each has its probability to 2^-128. Raises GraphError for numbers that have no integer between them.
    """
    type_ = as_integer_dtype(dtype)
    if isinstance(low, int) and isinstance(high, int) and low >= high:
        raise GraphError(f"no integer is at least {low} and below {high}")
    first, stop = (_integers(x, type_) for x in (low, high))
    sizes = broadcast_shapes(first, stop) if shape is None else as_shape(shape)
    span = gc.broadcast_to(gc.cast(stop, gc.uint64) - gc.cast(first, gc.uint64), sizes)
    above = _scaled(Blocks(as_key(key), sizes), span)
    return gc.broadcast_to(first, sizes) + gc.cast(above, type_)


@public
def categorical(key: Any, logits: Given, axis: int = -1, shape: Any = None) -> Node:
    """Positions along an axis with probabilities softmax(logits), as int64; of -inf never.

    `shape` is that of the result; that of the logits without the axis, which is the default, broadcasts to it.
    The largest of logits plus Gumbel numbers is drawn so (Yellott, 1977).
    """
    scores = as_node(logits)
    scores = gc.cast(scores, scores.dtype.compute if scores.dtype.is_float else gc.float32)
    if not scores.ndim:
        raise ShapeError("the logits have no axes")
    a = one_axis(axis, scores.ndim)
    scores = gc.transpose(scores, (*(b for b in range(scores.ndim) if b != a), a))
    places = scores.shape[:-1] if shape is None else as_shape(shape)
    sizes = (*places, scores.shape[-1])
    return gc.argmax(gc.broadcast_to(scores, sizes) + gumbel(key, sizes, scores.dtype), axis=-1)


def _integers(value: Given, dtype: DType) -> Node:
    if isinstance(value, int) and not isinstance(value, bool):
        return gc.constant(value, dtype)
    node = as_node(value)
    if not node.dtype.is_integer:
        raise DTypeError(f"the limits are integers, not {node.dtype.name}", help="cast them")
    if not np.can_cast(node.dtype.numpy, dtype.numpy):
        raise DTypeError(f"limits of {node.dtype.name} may not fit {dtype.name}", help="give the dtype, or cast them")
    return gc.cast(node, dtype)


def _scaled(blocks: Blocks, span: Node) -> Node:
    """floor(r span) for r in [0, 1) of 128 bits: a long multiplication of words, lowest first."""
    low, high = span & 0xFFFFFFFF, span >> 32
    carry = gc.full(blocks.shape, 0, gc.uint64)
    for number in reversed(range(4)):
        word = gc.cast(blocks.word(number), gc.uint64)
        carry = (carry >> 32) + word * high + (word * low + (carry & 0xFFFFFFFF) >> 32)
    return carry
