"""Random numbers as pure functions of a key and a position: the same on every target and for every batch size.

    key = gc.random.key(0)
    noise = gc.random.normal(key, (3, 4))

    stream = gc.random.Stream(0)             # or keys that make themselves, and others at each call
    dropped = x * stream.bernoulli(0.9, x.shape)

Every draw takes a key, the parameters that it cannot do without, `shape` and `dtype`; what moves and scales is given
by name. See docs/random.md.
"""

from graphc.random.bits import bits
from graphc.random.continuous import (
    cauchy,
    exponential,
    gumbel,
    laplace,
    logistic,
    lognormal,
    multivariate_normal,
    normal,
    pareto,
    rayleigh,
    triangular,
    truncated_normal,
    uniform,
    wald,
    weibull,
)
from graphc.random.counts import binomial, geometric, multinomial, negative_binomial, poisson
from graphc.random.discrete import bernoulli, categorical, rademacher, randint
from graphc.random.estimators import gumbel_softmax, score_function, straight_through
from graphc.random.gamma_family import beta, chisquare, dirichlet, f, gamma, loggamma, student_t
from graphc.random.keys import fold_in, key, split
from graphc.random.matrices import orthogonal
from graphc.random.order import choice, permutation, shuffle
from graphc.random.stream import Stream

__all__ = [
    "Stream",
    "bernoulli",
    "beta",
    "binomial",
    "bits",
    "categorical",
    "cauchy",
    "chisquare",
    "choice",
    "dirichlet",
    "exponential",
    "f",
    "fold_in",
    "gamma",
    "geometric",
    "gumbel",
    "gumbel_softmax",
    "key",
    "laplace",
    "loggamma",
    "logistic",
    "lognormal",
    "multinomial",
    "multivariate_normal",
    "negative_binomial",
    "normal",
    "orthogonal",
    "pareto",
    "permutation",
    "poisson",
    "rademacher",
    "randint",
    "rayleigh",
    "score_function",
    "shuffle",
    "split",
    "straight_through",
    "student_t",
    "triangular",
    "truncated_normal",
    "uniform",
    "wald",
    "weibull",
]
