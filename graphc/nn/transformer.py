"""Blocks of transformers: attention and a network for each position, with residuals and norms around them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import graphc as gc
from graphc.ir.node import Node
from graphc.nn.attention import MultiHeadAttention
from graphc.nn.dropout import Dropout
from graphc.nn.linear import Linear
from graphc.nn.module import Module, Seed, call, part
from graphc.nn.normalization import LayerNorm

Activation = Callable[[Any], Any]


class FeedForward(Module):
    """Two linear maps with an activation between them, for each position alone.

    An activation that takes halves, such as `swiglu`, wants `gated=True`: the first map is then twice as wide.
    """

    def __init__(
        self,
        features: int,
        hidden: int,
        *,
        seed: Seed,
        activation: Activation = gc.relu,
        gated: bool = False,
        bias: bool = True,
        dropout: float = 0.0,
        dtype: Any = "float32",
    ) -> None:
        wide = 2 * hidden if gated else hidden
        self.first = Linear(features, wide, seed=part(seed, 0), bias=bias, dtype=dtype)
        self.second = Linear(hidden, features, seed=part(seed, 1), bias=bias, dtype=dtype)
        self.activation = activation
        self.dropout = Dropout(dropout, seed=part(seed, 2)) if dropout else None

    def __call__(self, x: Node, *, training: bool | None = None) -> Node:
        hidden = self.activation(self.first(x))
        return self.second(hidden if self.dropout is None else call(self.dropout, hidden, training))


class Block(Module):
    """What encoder and decoder share: parts with a residual, a norm and dropout around each.

    With `norm_first` it is x + part(norm(x)) (Xiong et al., "On layer normalization in the transformer
    architecture", 2020), else norm(x + part(x)) (Vaswani et al., "Attention is all you need", 2017).
    """

    def __init__(
        self,
        features: int,
        heads: int,
        hidden: int,
        *,
        seed: Seed,
        norm_first: bool = True,
        activation: Activation = gc.relu,
        gated: bool = False,
        dropout: float = 0.0,
        norm: Callable[..., Module] = LayerNorm,
        dtype: Any = "float32",
    ) -> None:
        self.norm_first = norm_first
        self.attention = MultiHeadAttention(features, heads, seed=part(seed, 0), dropout=dropout, dtype=dtype)
        self.feed_forward = FeedForward(
            features, hidden, seed=part(seed, 1), activation=activation, gated=gated, dropout=dropout, dtype=dtype
        )
        self.attention_norm, self.feed_forward_norm = norm(features, dtype=dtype), norm(features, dtype=dtype)
        self.dropout = Dropout(dropout, seed=part(seed, 2)) if dropout else None

    def around(self, x: Node, norm: Module, inside: Callable[[Node], Node], training: bool | None) -> Node:
        """A part with its residual, norm and dropout."""
        y = inside(norm(x) if self.norm_first else x)
        y = x + (y if self.dropout is None else call(self.dropout, y, training))
        return y if self.norm_first else norm(y)


class EncoderBlock(Block):
    """Attention of a sequence to itself, then a network for each position. With `causal=True` it is a block of a
    language model."""

    def __call__(
        self, x: Node, *, mask: Node | None = None, causal: bool = False, training: bool | None = None
    ) -> Node:
        """From (batch, length, features) to the same; `mask` as in `MultiHeadAttention`."""

        def attend(z: Node) -> Node:
            return self.attention(z, mask=mask, causal=causal, training=training)

        x = self.around(x, self.attention_norm, attend, training)
        return self.around(x, self.feed_forward_norm, lambda z: self.feed_forward(z, training=training), training)


class DecoderBlock(Block):
    """Causal attention of a sequence to itself, attention to a memory, then a network for each position."""

    def __init__(
        self,
        features: int,
        heads: int,
        hidden: int,
        *,
        seed: Seed,
        dropout: float = 0.0,
        norm: Callable[..., Module] = LayerNorm,
        dtype: Any = "float32",
        **options: Any,
    ) -> None:
        super().__init__(features, heads, hidden, seed=seed, dropout=dropout, norm=norm, dtype=dtype, **options)
        self.memory_attention = MultiHeadAttention(features, heads, seed=part(seed, 3), dropout=dropout, dtype=dtype)
        self.memory_norm = norm(features, dtype=dtype)

    def __call__(
        self,
        x: Node,
        memory: Node,
        *,
        mask: Node | None = None,
        memory_mask: Node | None = None,
        training: bool | None = None,
    ) -> Node:
        """From (batch, length, features) and (batch, memory, features) to the first shape."""

        def attend(z: Node) -> Node:
            return self.attention(z, mask=mask, causal=True, training=training)

        def look(z: Node) -> Node:
            return self.memory_attention(z, memory, mask=memory_mask, training=training)

        x = self.around(x, self.attention_norm, attend, training)
        x = self.around(x, self.memory_norm, look, training)
        return self.around(x, self.feed_forward_norm, lambda z: self.feed_forward(z, training=training), training)
