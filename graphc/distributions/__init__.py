"""Distributions as objects: densities, draws, moments, entropies and divergences, all of them differentiable nodes.

d = gc.distributions.Normal(mean, gc.exp(log_scale))
z = d.sample(key)
loss = -gc.mean(d.log_prob(x)) + gc.mean(gc.distributions.kl_divergence(d, gc.distributions.Normal()))
"""

from graphc.distributions.base import Distribution
from graphc.distributions.continuous import (
    Beta,
    Cauchy,
    Exponential,
    Gamma,
    Gumbel,
    Laplace,
    Logistic,
    Normal,
    StudentT,
    Uniform,
)
from graphc.distributions.discrete import Bernoulli, Binomial, Categorical, Geometric, Poisson
from graphc.distributions.divergence import kl_divergence
from graphc.distributions.vectors import Dirichlet, MultivariateNormal

__all__ = [
    "Bernoulli",
    "Beta",
    "Binomial",
    "Categorical",
    "Cauchy",
    "Dirichlet",
    "Distribution",
    "Exponential",
    "Gamma",
    "Geometric",
    "Gumbel",
    "Laplace",
    "Logistic",
    "MultivariateNormal",
    "Normal",
    "Poisson",
    "StudentT",
    "Uniform",
    "kl_divergence",
]
