"""The Kullback-Leibler divergence of two distributions of one family."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import graphc as gc
from graphc.distributions.base import Distribution
from graphc.distributions.continuous import Exponential, Gamma, Laplace, Normal
from graphc.distributions.discrete import Bernoulli, Categorical, Poisson
from graphc.distributions.vectors import Dirichlet
from graphc.errors import GraphError
from graphc.ir.node import Node


def kl_divergence(p: Distribution, q: Distribution) -> Node:
    """The expectation of log(p(x) / q(x)) over x drawn from p. Raises GraphError where it has no formula here."""
    formula = _FORMULAS.get(type(p)) if type(p) is type(q) else None
    if formula is None:
        raise GraphError(
            f"the divergence of {type(p).__name__} from {type(q).__name__} has no formula",
            help="estimate it: graphc.mean(p.log_prob(x) - q.log_prob(x)) for x = p.sample(key, shape)",
        )
    return formula(p, q)


def _normal(p: Normal, q: Normal) -> Node:
    ratio = gc.square(p.scale / q.scale)
    return (ratio + gc.square((p.loc - q.loc) / q.scale) - 1 - gc.log(ratio)) / 2


def _laplace(p: Laplace, q: Laplace) -> Node:
    away = gc.abs(p.loc - q.loc)
    return gc.log(q.scale / p.scale) + (p.scale * gc.exp(-away / p.scale) + away) / q.scale - 1


def _exponential(p: Exponential, q: Exponential) -> Node:
    ratio = p.scale / q.scale
    return ratio - 1 - gc.log(ratio)


def _gamma(p: Gamma, q: Gamma) -> Node:
    a, b, ratio = p.concentration, q.concentration, p.scale / q.scale
    return (a - b) * gc.digamma(a) - gc.lgamma(a) + gc.lgamma(b) - b * gc.log(ratio) + a * (ratio - 1)


def _dirichlet(p: Dirichlet, q: Dirichlet) -> Node:
    a, b = p.concentration, q.concentration
    total, other = gc.sum(a, axis=-1), gc.sum(b, axis=-1)
    each = gc.lgamma(b) - gc.lgamma(a) + (a - b) * (gc.digamma(a) - gc.digamma(total)[..., None])
    return gc.lgamma(total) - gc.lgamma(other) + gc.sum(each, axis=-1)


def _bernoulli(p: Bernoulli, q: Bernoulli) -> Node:
    return gc.rel_entr(p.p, q.p) + gc.rel_entr(p.complement, q.complement)


def _categorical(p: Categorical, q: Categorical) -> Node:
    return gc.sum(gc.rel_entr(p.p, q.p), axis=-1)


def _poisson(p: Poisson, q: Poisson) -> Node:
    return gc.rel_entr(p.rate, q.rate) - p.rate + q.rate


_FORMULAS: dict[type, Callable[[Any, Any], Node]] = {
    Normal: _normal,
    Laplace: _laplace,
    Exponential: _exponential,
    Gamma: _gamma,
    Dirichlet: _dirichlet,
    Bernoulli: _bernoulli,
    Categorical: _categorical,
    Poisson: _poisson,
}
