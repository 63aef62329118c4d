"""Attention: what is looked for, and where; queries, keys and values come in, weighted means of values go out."""

from __future__ import annotations

import math
from typing import Any

import graphc as gc
from graphc.errors import DTypeError, ShapeError
from graphc.ir.node import Node, describe
from graphc.nn.dropout import Dropout
from graphc.nn.linear import Initializer, Linear
from graphc.nn.module import Module, Seed, part, said


def attention(
    query: Node, key: Node, value: Node, *, mask: Node | None = None, causal: bool = False, bias: Node | None = None
) -> Node:
    """softmax(query keyᵀ / sqrt(d)) value, over (..., length, d), (..., memory, d) and (..., memory, features).

    `mask` is bool and broadcasts to (..., length, memory): true where a query may look; `causal` hides keys that
    are later than the query; `bias` is added to the scores. A query that may look nowhere gets 0, and has no
    gradient. Vaswani et al., "Attention is all you need", 2017, equation 1.
    """
    return _weights(query, key, mask, causal, bias) @ value


def causal_mask(length: Any, memory: Any) -> Node:
    """bool (length, memory): whether a key is no later than the query."""
    return gc.iota(memory)[None, :] <= gc.iota(length)[:, None]


class MultiHeadAttention(Module):
    """Attention in `heads` subspaces at once, each of features / heads dimensions, between linear maps.

    Vaswani et al., "Attention is all you need", 2017, section 3.2.2. With `groups` less than `heads`, several
    heads share keys and values (Ainslie et al., "GQA", 2023). Keys and values have `memory_features` if they do
    not have the features of queries.
    """

    def __init__(
        self,
        features: int,
        heads: int,
        *,
        seed: Seed,
        groups: int | None = None,
        memory_features: int | None = None,
        bias: bool = True,
        dropout: float = 0.0,
        init: Initializer = gc.init.xavier_uniform,
        dtype: Any = "float32",
    ) -> None:
        self.heads, self.groups = heads, groups or heads
        if features % heads or heads % self.groups:
            raise ShapeError(f"{features} features, {heads} heads and {self.groups} groups do not divide each other")
        shared = features // heads * self.groups

        def linear(number: int, inputs: int, outputs: int) -> Linear:
            return Linear(inputs, outputs, seed=part(seed, number), bias=bias, init=init, dtype=dtype)

        memory = memory_features or features
        self.query, self.out = linear(0, features, features), linear(3, features, features)
        self.key, self.value = linear(1, memory, shared), linear(2, memory, shared)
        self.dropout = Dropout(dropout, seed=part(seed, 4)) if dropout else None

    def __call__(
        self,
        query: Node,
        key: Node | None = None,
        value: Node | None = None,
        *,
        mask: Node | None = None,
        causal: bool = False,
        training: bool | None = None,
    ) -> Node:
        """From (batch, length, features); keys are the queries, and values the keys, where they are not given.

        `mask` is (length, memory), (batch, length, memory) or (batch, heads, length, memory).
        """
        key = query if key is None else key
        value = key if value is None else value
        if mask is not None and mask.ndim == 3:
            mask = mask[:, None]
        q = self._split(self.query(query), self.heads)
        k, v = (self._repeated(self._split(x, self.groups)) for x in (self.key(key), self.value(value)))
        weights = _weights(q, k, mask, causal, None)
        if self.dropout is not None:
            weights = self.dropout(weights, training=said(self, training))
        mixed = gc.transpose(weights @ v, (0, 2, 1, 3))
        return self.out(mixed.reshape(query.shape))

    def _split(self, x: Node, count: int) -> Node:
        """From (batch, length, features) to (batch, count, length, features / count)."""
        batch, length, features = x.shape
        return gc.transpose(x.reshape((batch, length, count, features // count)), (0, 2, 1, 3))

    def _repeated(self, x: Node) -> Node:
        """Each group's keys for all its heads."""
        batch, groups, length, features = x.shape
        if groups == self.heads:
            return x
        shape = (batch, groups, self.heads // self.groups, length, features)
        return gc.broadcast_to(x[:, :, None], shape).reshape((batch, self.heads, length, features))


def _weights(query: Node, key: Node, mask: Node | None, causal: bool, bias: Node | None) -> Node:
    """How much each query looks at each key; rows add up to 1, or are 0."""
    if query.ndim < 2 or key.ndim < 2 or query.shape[-1] != key.shape[-1]:
        raise ShapeError("queries and keys differ in the last axis", details=[describe(query), describe(key)])
    scores = query @ gc.matrix_transpose(key) / gc.sqrt(gc.extent(query.shape[-1], query.dtype))
    if bias is not None:
        scores = scores + bias
    if causal:
        earlier = causal_mask(*scores.shape[-2:])
        mask = earlier if mask is None else gc.logical_and(mask, earlier)
    if mask is None:
        return gc.softmax(scores)
    if mask.dtype is not gc.bool_:
        raise DTypeError(f"a mask is bool, not {mask.dtype.name}", details=[describe(mask)], help="use bias=")
    return gc.softmax(gc.where(mask, scores, -math.inf))
