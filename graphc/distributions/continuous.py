"""Continuous distributions: location and scale, or concentrations, come in. Outside of the support the density is 0."""

from __future__ import annotations

import math
from typing import Any

import graphc as gc
from graphc import random
from graphc.distributions.base import Distribution, inside, number, parameters
from graphc.ir.node import Node
from graphc.random.arguments import Given

EULER = 0.5772156649015329


class _LocationScale(Distribution):
    """Distributions of loc + scale * z with a standard z."""

    def __init__(self, loc: Given = 0.0, scale: Given = 1.0) -> None:
        self.loc, self.scale = parameters(loc, scale)

    def _standard(self, x: Given) -> Node:
        standard: Node = (number(x, self.loc) - self.loc) / self.scale
        return standard

    def _like_scale(self, value: float) -> Node:
        """A number for each scale and location."""
        spread: Node = value * gc.ones((), self.scale.dtype) + 0 * (self.loc + self.scale)
        return spread


class Normal(_LocationScale):
    """Density exp(-z^2 / 2) / (scale sqrt(2 pi)) with z = (x - loc) / scale."""

    def log_prob(self, x: Given) -> Node:
        return -gc.square(self._standard(x)) / 2 - gc.log(self.scale) - math.log(2 * math.pi) / 2

    def sample(self, key: Any, shape: Any = None) -> Node:
        return random.normal(key, shape, loc=self.loc, scale=self.scale)

    @property
    def mean(self) -> Node:
        return self.loc

    @property
    def variance(self) -> Node:
        return gc.square(self.scale)

    def entropy(self) -> Node:
        return gc.log(self.scale) + (math.log(2 * math.pi) + 1) / 2


class Laplace(_LocationScale):
    """Density exp(-|z|) / (2 scale) with z = (x - loc) / scale."""

    def log_prob(self, x: Given) -> Node:
        return -gc.abs(self._standard(x)) - gc.log(2 * self.scale)

    def sample(self, key: Any, shape: Any = None) -> Node:
        return random.laplace(key, shape, loc=self.loc, scale=self.scale)

    @property
    def mean(self) -> Node:
        return self.loc

    @property
    def variance(self) -> Node:
        return 2 * gc.square(self.scale)

    def entropy(self) -> Node:
        return 1 + gc.log(2 * self.scale)


class Logistic(_LocationScale):
    """Distribution function sigmoid(z) with z = (x - loc) / scale."""

    def log_prob(self, x: Given) -> Node:
        z = self._standard(x)
        return -z - 2 * gc.log(1 + gc.exp(-z)) - gc.log(self.scale)

    def sample(self, key: Any, shape: Any = None) -> Node:
        return random.logistic(key, shape, loc=self.loc, scale=self.scale)

    @property
    def mean(self) -> Node:
        return self.loc

    @property
    def variance(self) -> Node:
        return math.pi**2 / 3 * gc.square(self.scale)

    def entropy(self) -> Node:
        return gc.log(self.scale) + 2


class Gumbel(_LocationScale):
    """Distribution function exp(-exp(-z)) with z = (x - loc) / scale."""

    def log_prob(self, x: Given) -> Node:
        z = self._standard(x)
        return -z - gc.exp(-z) - gc.log(self.scale)

    def sample(self, key: Any, shape: Any = None) -> Node:
        return random.gumbel(key, shape, loc=self.loc, scale=self.scale)

    @property
    def mean(self) -> Node:
        return self.loc + EULER * self.scale

    @property
    def variance(self) -> Node:
        return math.pi**2 / 6 * gc.square(self.scale)

    def entropy(self) -> Node:
        return gc.log(self.scale) + EULER + 1


class Cauchy(_LocationScale):
    """Density 1 / (pi scale (1 + z^2)) with z = (x - loc) / scale. It has no moments."""

    def log_prob(self, x: Given) -> Node:
        return -gc.log1p(gc.square(self._standard(x))) - gc.log(math.pi * self.scale)

    def sample(self, key: Any, shape: Any = None) -> Node:
        return random.cauchy(key, shape, loc=self.loc, scale=self.scale)

    @property
    def mean(self) -> Node:
        return self._like_scale(math.nan)

    @property
    def variance(self) -> Node:
        return self._like_scale(math.nan)

    def entropy(self) -> Node:
        return gc.log(4 * math.pi * self.scale)


class StudentT(_LocationScale):
    """Density proportional to (1 + z^2 / df)^(-(df+1)/2) with z = (x - loc) / scale."""

    def __init__(self, df: Given, loc: Given = 0.0, scale: Given = 1.0) -> None:
        self.df, self.loc, self.scale = parameters(df, loc, scale)

    def log_prob(self, x: Given) -> Node:
        df = self.df
        weight = gc.lgamma((df + 1) / 2) - gc.lgamma(df / 2) - gc.log(math.pi * df) / 2 - gc.log(self.scale)
        return weight - (df + 1) / 2 * gc.log1p(gc.square(self._standard(x)) / df)

    def sample(self, key: Any, shape: Any = None) -> Node:
        return random.student_t(key, self.df, shape, loc=self.loc, scale=self.scale)

    @property
    def mean(self) -> Node:
        return gc.where(self.df > 1, self.loc, math.nan)

    @property
    def variance(self) -> Node:
        heavy = gc.where(self.df > 1, gc.full((), math.inf, self.df.dtype), math.nan)
        return gc.where(self.df > 2, gc.square(self.scale) * self.df / (self.df - 2), heavy)


class Uniform(Distribution):
    """Density 1 / (high - low) for x in [low, high)."""

    def __init__(self, low: Given = 0.0, high: Given = 1.0) -> None:
        self.low, self.high = parameters(low, high)

    def log_prob(self, x: Given) -> Node:
        x = number(x, self.low)
        return inside(gc.logical_and(x >= self.low, x < self.high), -gc.log(self.high - self.low))

    def sample(self, key: Any, shape: Any = None) -> Node:
        return random.uniform(key, shape, low=self.low, high=self.high)

    @property
    def mean(self) -> Node:
        return (self.low + self.high) / 2

    @property
    def variance(self) -> Node:
        return gc.square(self.high - self.low) / 12

    def entropy(self) -> Node:
        return gc.log(self.high - self.low)


class Exponential(Distribution):
    """Density exp(-x / scale) / scale for x >= 0."""

    def __init__(self, scale: Given = 1.0) -> None:
        (self.scale,) = parameters(scale)

    def log_prob(self, x: Given) -> Node:
        x = number(x, self.scale)
        return inside(x >= 0, -x / self.scale - gc.log(self.scale))

    def sample(self, key: Any, shape: Any = None) -> Node:
        return random.exponential(key, shape, scale=self.scale)

    @property
    def mean(self) -> Node:
        return self.scale

    @property
    def variance(self) -> Node:
        return gc.square(self.scale)

    def entropy(self) -> Node:
        return 1 + gc.log(self.scale)


class Gamma(Distribution):
    """Density x^(a-1) exp(-x / scale) / (gamma(a) scale^a) for x >= 0, with a the concentration."""

    def __init__(self, concentration: Given, scale: Given = 1.0) -> None:
        self.concentration, self.scale = parameters(concentration, scale)

    def log_prob(self, x: Given) -> Node:
        a, z = self.concentration, number(x, self.scale) / self.scale
        return inside(z >= 0, gc.xlogy(a - 1, z) - z - gc.lgamma(a) - gc.log(self.scale))

    def sample(self, key: Any, shape: Any = None) -> Node:
        return random.gamma(key, self.concentration, shape, scale=self.scale)

    @property
    def mean(self) -> Node:
        return self.concentration * self.scale

    @property
    def variance(self) -> Node:
        return self.concentration * gc.square(self.scale)

    def entropy(self) -> Node:
        a = self.concentration
        return a + gc.log(self.scale) + gc.lgamma(a) + (1 - a) * gc.digamma(a)


class Beta(Distribution):
    """Density x^(a-1) (1-x)^(b-1) / beta(a, b) for x in [0, 1]."""

    def __init__(self, a: Given, b: Given) -> None:
        self.a, self.b = parameters(a, b)

    def log_prob(self, x: Given) -> Node:
        x = number(x, self.a)
        density = gc.xlogy(self.a - 1, x) + gc.xlog1py(self.b - 1, -x) - gc.betaln(self.a, self.b)
        return inside(gc.logical_and(x >= 0, x <= 1), density)

    def sample(self, key: Any, shape: Any = None) -> Node:
        return random.beta(key, self.a, self.b, shape)

    @property
    def mean(self) -> Node:
        return self.a / (self.a + self.b)

    @property
    def variance(self) -> Node:
        total = self.a + self.b
        return self.a * self.b / (gc.square(total) * (total + 1))

    def entropy(self) -> Node:
        a, b = self.a, self.b
        spread = (a + b - 2) * gc.digamma(a + b) - (a - 1) * gc.digamma(a) - (b - 1) * gc.digamma(b)
        return gc.betaln(a, b) + spread
