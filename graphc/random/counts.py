"""Counts: Poisson and binomial numbers, and what is made of them. Parameters come in, integers go out.

They are calculated in float64. Small means are inverted, which takes one random number. Large ones are drawn by
rejection from a quotient of uniform numbers (W. Hörmann, "The transformed rejection method for generating Poisson
random variables", 1993, algorithm PTRS; "The generation of binomial random variates", 1993, algorithm BTRS).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import graphc as gc
from graphc.errors import ShapeError
from graphc.ir.node import Node, public
from graphc.ops.conversion import as_node
from graphc.ops.panjer import panjer_quantile
from graphc.random.arguments import Draw, Given, as_integer_dtype
from graphc.random.bits import Blocks
from graphc.random.continuous import exponential
from graphc.random.gamma_family import gamma
from graphc.random.keys import split
from graphc.random.rejection import first_accepted

_INVERTED = 10.0
"""Up to this mean counts are inverted."""
_REJECTED = 0.3
_INVERSION = (1 << 32) - 1  # the number of an attempt that is never made: its bits are for the inversion


@public
def poisson(key: Any, rate: Given, shape: Any = None, dtype: Any = "int64") -> Node:
    """Poisson counts with mean `rate`: k with probability rate^k exp(-rate) / k!."""
    whole = as_integer_dtype(dtype)
    draw = Draw(key, shape, gc.float64, rate)
    (rate,) = draw.parameters
    small = rate < _INVERTED
    low = gc.where(small, rate, 0.0)
    u = Blocks(draw.key, draw.shape, _INVERSION).fraction(gc.float64)
    inverted = panjer_quantile(u, gc.exp(-low), 0.0, low)
    return gc.cast(_large_poisson(draw, gc.maximum(rate, _INVERTED), inverted, small), whole)


@public
def binomial(key: Any, n: Given, p: Given, shape: Any = None, dtype: Any = "int64") -> Node:
    """How many of `n` trials succeed, each with probability p."""
    whole = as_integer_dtype(dtype)
    draw = Draw(key, shape, gc.float64, n, p)
    n, p = draw.parameters
    mirrored = p > 0.5
    rare = gc.where(mirrored, 1 - p, p)
    small = n * rare < _INVERTED
    odds = gc.where(small, rare / (1 - rare), 0.0)
    u = Blocks(draw.key, draw.shape, _INVERSION).fraction(gc.float64)
    inverted = gc.minimum(panjer_quantile(u, gc.exp(n * gc.log1p(-rare)), -odds, (n + 1) * odds), n)
    successes = _large_binomial(draw, n, rare, inverted, small)
    return gc.cast(gc.where(mirrored, n - successes, successes), whole)


@public
def geometric(key: Any, p: Given, shape: Any = None, dtype: Any = "int64") -> Node:
    """How many trials it takes to succeed, each with probability p: 1, 2 …"""
    whole = as_integer_dtype(dtype)
    waited = exponential(key, shape, gc.float64, scale=-1 / gc.log1p(-gc.cast(as_node(p), gc.float64)))
    return gc.cast(gc.floor(waited) + 1, whole)


@public
def negative_binomial(key: Any, n: Given, p: Given, shape: Any = None, dtype: Any = "int64") -> Node:
    """How many trials fail before `n` succeed, each with probability p; n need not be whole."""
    draw = Draw(key, shape, gc.float64, n, p)
    n, p = draw.parameters
    keys = split(draw.key)
    return poisson(keys[0], gamma(keys[1], n, scale=(1 - p) / p), dtype=dtype)


@public
def multinomial(key: Any, n: Given, p: Given, shape: Any = None, dtype: Any = "int64") -> Node:
    """How many of `n` trials have each outcome along the last axis of p, their probabilities; these add up to 1.

    `shape` is that of the places, without the outcomes. Raises ShapeError for probabilities without a known last axis.
    """
    whole, p = as_integer_dtype(dtype), gc.cast(as_node(p), gc.float64)
    if not p.ndim or not isinstance(p.shape[-1], int):
        raise ShapeError("the number of outcomes is not known")
    outcomes = p.shape[-1]
    draw = Draw(key, shape, gc.float64, n, *([p[..., 0]] if outcomes else []))
    keys, left, counts = split(draw.key, outcomes), draw.parameters[0], []
    rest = gc.flip(gc.cumulative_sum(gc.flip(p, axis=-1), axis=-1), axis=-1)
    for i in range(outcomes):
        share = gc.clip(p[..., i] / gc.where(rest[..., i] > 0, rest[..., i], 1.0), 0.0, 1.0)
        last = i == outcomes - 1
        counts.append(left if last else gc.cast(binomial(keys[i], left, share, draw.shape), gc.float64))
        left = left - counts[-1]
    return gc.cast(gc.stack(counts, axis=-1), whole)


@dataclass(frozen=True)
class _Hat:
    """The quotient of uniform numbers under which a distribution with one mode lies: its constants, see Hörmann."""

    a: Node
    b: Node
    centre: Node
    alpha: Node
    sure: Node

    def propose(self, blocks: Blocks, log_ratio: Callable[[Node], Node]) -> tuple[Node, Node]:
        """A count and whether it is accepted; `log_ratio` is the logarithm of its probability."""
        u, v = blocks.fraction(gc.float64, 0) - 0.5, 1 - blocks.fraction(gc.float64, 1)
        inner = 0.5 - gc.abs(u)
        count = gc.floor((2 * self.a / inner + self.b) * u + self.centre)
        height = gc.log(v * self.alpha / (self.a / (inner * inner) + self.b))
        surely = gc.logical_and(inner >= 0.07, v <= self.sure)
        return count, gc.logical_or(surely, gc.logical_and(count >= 0, height <= log_ratio(count)))


def _large_poisson(draw: Draw, rate: Node, inverted: Node, settled: Node) -> Node:
    b = 0.931 + 2.53 * gc.sqrt(rate)
    a = -0.059 + 0.02483 * b
    hat = _Hat(a, b, rate + 0.43, 1.1239 + 1.1328 / (b - 3.4), 0.9277 - 3.6224 / (b - 2))
    logarithm = gc.log(rate)

    def propose(attempt: Node) -> tuple[Node, Node]:
        blocks = Blocks(draw.key, draw.shape, attempt)
        return hat.propose(blocks, lambda k: k * logarithm - rate - gc.lgamma(gc.maximum(k, 0.0) + 1))

    return first_accepted(propose, inverted, settled, _REJECTED)


def _large_binomial(draw: Draw, n: Node, p: Node, inverted: Node, settled: Node) -> Node:
    n, p = gc.where(settled, 4 * _INVERTED, n), gc.where(settled, 0.5, p)  # any parameters that are good ones
    spread = gc.sqrt(n * p * (1 - p))
    b = 1.15 + 2.53 * spread
    a = -0.0873 + 0.0248 * b + 0.01 * p
    hat = _Hat(a, b, n * p + 0.5, (2.83 + 5.1 / b) * spread, 0.92 - 4.2 / b)
    mode = gc.floor((n + 1) * p)
    log_odds = gc.log(p) - gc.log1p(-p)
    at_mode = gc.lgamma(mode + 1) + gc.lgamma(n - mode + 1)

    def log_ratio(k: Node) -> Node:
        inside = gc.logical_and(k >= 0, k <= n)
        k = gc.where(inside, k, mode)
        ratio = at_mode - gc.lgamma(k + 1) - gc.lgamma(n - k + 1) + (k - mode) * log_odds
        return gc.where(inside, ratio, float("-inf"))

    def propose(attempt: Node) -> tuple[Node, Node]:
        return hat.propose(Blocks(draw.key, draw.shape, attempt), log_ratio)

    return first_accepted(propose, inverted, settled, _REJECTED)
