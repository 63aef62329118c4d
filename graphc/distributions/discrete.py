"""Distributions over truth values, categories and counts."""

from __future__ import annotations

from typing import Any

import graphc as gc
from graphc import random
from graphc.distributions.base import Distribution, inside, number, one_of, parameters
from graphc.errors import DTypeError, ShapeError
from graphc.ir.node import Node
from graphc.ops.conversion import as_node
from graphc.random.arguments import Given


class Bernoulli(Distribution):
    """True (1) with probability p, or sigmoid(logits)."""

    def __init__(self, p: Given | None = None, *, logits: Given | None = None) -> None:
        name, value = one_of(p=p, logits=logits)
        (given,) = parameters(value)
        self.p = given if name == "p" else gc.sigmoid(given)
        self.complement = 1 - self.p if name == "p" else gc.sigmoid(-given)

    def log_prob(self, x: Given) -> Node:
        x = number(x, self.p)
        return gc.where(x == 1, gc.log(self.p), inside(x == 0, gc.log(self.complement)))

    def sample(self, key: Any, shape: Any = None) -> Node:
        return random.bernoulli(key, self.p, shape)

    @property
    def mean(self) -> Node:
        return self.p

    @property
    def variance(self) -> Node:
        return self.p * self.complement

    def entropy(self) -> Node:
        return -gc.xlogy(self.p, self.p) - gc.xlogy(self.complement, self.complement)


class Categorical(Distribution):
    """0 … n-1 with probabilities p (…, n), or softmax(logits)."""

    def __init__(self, p: Given | None = None, *, logits: Given | None = None) -> None:
        name, value = one_of(p=p, logits=logits)
        (given,) = parameters(value)
        if not given.ndim:
            raise ShapeError("the probabilities have no axes")
        self.logits = gc.log(given) if name == "p" else given
        self.p = gc.exp(self.logits) / gc.sum(gc.exp(self.logits), axis=-1, keepdims=True)

    def log_prob(self, x: Given) -> Node:
        places = as_node(x)
        if not places.dtype.is_integer:
            raise DTypeError(f"a category is an integer, not {places.dtype.name}", help="cast it")
        return gc.take_along_axis(*_of_one_rank(gc.log(self.p), places[..., None]), axis=-1)[..., 0]

    def sample(self, key: Any, shape: Any = None) -> Node:
        return random.categorical(key, self.logits, shape=shape)

    @property
    def mean(self) -> Node:
        return gc.sum(self.p * gc.iota(self.p.shape[-1], self.p.dtype), axis=-1)

    @property
    def variance(self) -> Node:
        away = gc.iota(self.p.shape[-1], self.p.dtype) - self.mean[..., None]
        return gc.sum(self.p * gc.square(away), axis=-1)

    def entropy(self) -> Node:
        return -gc.sum(gc.xlogy(self.p, self.p), axis=-1)


class Poisson(Distribution):
    """k with probability rate^k exp(-rate) / k!."""

    def __init__(self, rate: Given) -> None:
        (self.rate,) = parameters(rate)

    def log_prob(self, x: Given) -> Node:
        k = number(x, self.rate)
        logarithm = gc.xlogy(k, self.rate) - self.rate - gc.lgamma(k + 1)
        return inside(gc.logical_and(k >= 0, gc.floor(k) == k), logarithm)

    def sample(self, key: Any, shape: Any = None) -> Node:
        return random.poisson(key, self.rate, shape)

    @property
    def mean(self) -> Node:
        return self.rate

    @property
    def variance(self) -> Node:
        return self.rate


class Binomial(Distribution):
    """How many of n trials succeed, each with probability p."""

    def __init__(self, n: Given, p: Given) -> None:
        self.n, self.p = parameters(n, p)

    def log_prob(self, x: Given) -> Node:
        k, n = number(x, self.p), self.n
        ways = gc.lgamma(n + 1) - gc.lgamma(k + 1) - gc.lgamma(n - k + 1)
        whole = gc.logical_and(gc.logical_and(k >= 0, k <= n), gc.floor(k) == k)
        return inside(whole, ways + gc.xlogy(k, self.p) + gc.xlog1py(n - k, -self.p))

    def sample(self, key: Any, shape: Any = None) -> Node:
        return random.binomial(key, self.n, self.p, shape)

    @property
    def mean(self) -> Node:
        return self.n * self.p

    @property
    def variance(self) -> Node:
        return self.n * self.p * (1 - self.p)


class Geometric(Distribution):
    """How many trials fail before the first success, each successful with probability p."""

    def __init__(self, p: Given) -> None:
        (self.p,) = parameters(p)

    def log_prob(self, x: Given) -> Node:
        k = number(x, self.p)
        whole = gc.logical_and(k >= 0, gc.floor(k) == k)
        return inside(whole, gc.xlog1py(k, -self.p) + gc.log(self.p))

    def sample(self, key: Any, shape: Any = None) -> Node:
        waited = random.exponential(key, shape, scale=-1 / gc.log1p(-self.p))
        return gc.cast(gc.floor(waited), gc.int64)

    @property
    def mean(self) -> Node:
        return (1 - self.p) / self.p

    @property
    def variance(self) -> Node:
        return (1 - self.p) / gc.square(self.p)

    def entropy(self) -> Node:
        return -(gc.xlogy(self.p, self.p) + gc.xlog1py(1 - self.p, -self.p)) / self.p


def _of_one_rank(x: Node, places: Node) -> tuple[Node, Node]:
    """Two nodes with as many axes."""
    ndim = max(x.ndim, places.ndim)
    widened = [y.reshape((*(1,) * (ndim - y.ndim), *y.shape)) for y in (x, places)]
    return widened[0], widened[1]
