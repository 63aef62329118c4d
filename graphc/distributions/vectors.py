"""Distributions over vectors: the last axis of what is drawn, and of the parameters, is that of the vector."""

from __future__ import annotations

import math
from typing import Any

import graphc as gc
from graphc import random
from graphc.distributions.base import Distribution, inside, number, parameters
from graphc.errors import ShapeError
from graphc.ir.node import Node
from graphc.random.arguments import Given


class Dirichlet(Distribution):
    """Density proportional to the product of x[i]^(a[i]-1) over the simplex, with concentrations a (…, n)."""

    def __init__(self, concentration: Given) -> None:
        (self.concentration,) = parameters(concentration)
        if not self.concentration.ndim:
            raise ShapeError("the concentrations have no axes")

    def log_prob(self, x: Given) -> Node:
        x, a = number(x, self.concentration), self.concentration
        density = gc.sum(gc.xlogy(a - 1, x), axis=-1) - gc.sum(gc.lgamma(a), axis=-1)
        return inside(gc.all(x >= 0, axis=-1), density + gc.lgamma(gc.sum(a, axis=-1)))

    def sample(self, key: Any, shape: Any = None) -> Node:
        return random.dirichlet(key, self.concentration, shape)

    @property
    def mean(self) -> Node:
        return self.concentration / gc.sum(self.concentration, axis=-1, keepdims=True)

    @property
    def variance(self) -> Node:
        share = self.mean
        return share * (1 - share) / (gc.sum(self.concentration, axis=-1, keepdims=True) + 1)


class MultivariateNormal(Distribution):
    """Normal vectors with a mean (…, n) and covariance L @ L.T, given its Cholesky factor L (…, n, n)."""

    def __init__(self, loc: Given, cholesky: Given) -> None:
        self.loc, self.cholesky = parameters(loc, cholesky)
        if not self.loc.ndim or self.cholesky.shape[-2:] != (self.loc.shape[-1],) * 2:
            raise ShapeError("a mean of n numbers needs a factor of n rows and columns")

    def log_prob(self, x: Given) -> Node:
        away = (number(x, self.loc) - self.loc)[..., None]
        z = gc.linalg.triangular_solve(self.cholesky, away, lower=True)[..., 0]
        volume = gc.sum(gc.log(gc.diagonal(self.cholesky, axis1=-2, axis2=-1)), axis=-1)
        return -gc.sum(gc.square(z), axis=-1) / 2 - volume - self._size * math.log(2 * math.pi) / 2

    def sample(self, key: Any, shape: Any = None) -> Node:
        return random.multivariate_normal(key, self.loc, self.cholesky, shape)

    @property
    def mean(self) -> Node:
        return self.loc

    @property
    def variance(self) -> Node:
        return gc.sum(gc.square(self.cholesky), axis=-1)

    def entropy(self) -> Node:
        volume = gc.sum(gc.log(gc.diagonal(self.cholesky, axis1=-2, axis2=-1)), axis=-1)
        return volume + self._size * (math.log(2 * math.pi) + 1) / 2

    @property
    def _size(self) -> Node:
        return gc.extent(self.loc.shape[-1], self.loc.dtype)
