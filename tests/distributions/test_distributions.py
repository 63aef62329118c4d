"""Distributions against those of SciPy: densities, moments, entropies, draws and divergences."""

import numpy as np
import pytest
import scipy.stats as stats

import graphc as gc
from graphc.testing import check_gradient

D = gc.distributions
CONTINUOUS = [
    (D.Normal, (0.5, 2.0), stats.norm(0.5, 2.0), [-3.0, 0.5, 40.0]),
    (D.Laplace, (0.5, 2.0), stats.laplace(0.5, 2.0), [-3.0, 0.5, 40.0]),
    (D.Logistic, (0.5, 2.0), stats.logistic(0.5, 2.0), [-3000.0, 0.5, 40.0, 3000.0]),
    (D.Gumbel, (0.5, 2.0), stats.gumbel_r(0.5, 2.0), [-6.0, 0.5, 400.0]),
    (D.Cauchy, (0.5, 2.0), stats.cauchy(0.5, 2.0), [-3.0, 0.5, 400.0]),
    (D.StudentT, (3.5, 0.5, 2.0), stats.t(3.5, 0.5, 2.0), [-3.0, 0.5, 400.0]),
    (D.Uniform, (-1.0, 3.0), stats.uniform(-1.0, 4.0), [-2.0, -1.0, 0.0, 2.9, 4.0]),
    (D.Exponential, (2.0,), stats.expon(0, 2.0), [-1.0, 0.0, 3.0]),
    (D.Gamma, (0.7, 2.0), stats.gamma(0.7, 0, 2.0), [-1.0, 0.1, 3.0]),
    (D.Gamma, (1.0, 2.0), stats.gamma(1.0, 0, 2.0), [0.0, 0.1, 3.0]),
    (D.Beta, (0.7, 2.0), stats.beta(0.7, 2.0), [-0.5, 0.1, 0.9, 1.5]),
]
DISCRETE = [
    (D.Bernoulli, (0.3,), stats.bernoulli(0.3), [-1, 0, 1, 2]),
    (D.Poisson, (3.5,), stats.poisson(3.5), [-1, 0, 2, 50]),
    (D.Binomial, (10, 0.3), stats.binom(10, 0.3), [-1, 0, 5, 10, 11]),
    (D.Geometric, (0.3,), stats.geom(0.3, loc=-1), [-1, 0, 5, 40]),
]
NAMES = [family.__name__ for family, *_ in CONTINUOUS]


def value(node):
    return gc.compile([], node)()


def log_prob(distribution, x):
    """At points that are not known when the formula is compiled."""
    points = gc.input("x", x.shape, x.dtype)
    return gc.compile([points], distribution.log_prob(points))(x)


def made(family, parameters):
    return family(*(np.array(p, "f8") for p in parameters))


@pytest.mark.parametrize(
    "family, parameters, scipy, points", CONTINUOUS + DISCRETE, ids=lambda x: getattr(x, "__name__", "")
)
def test_densities(family, parameters, scipy, points):
    x = np.array(points, "f8")
    expected = scipy.logpdf(x) if hasattr(scipy.dist, "pdf") else scipy.logpmf(x)
    np.testing.assert_allclose(log_prob(made(family, parameters), x), expected, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(value(made(family, parameters).prob(x)), np.exp(expected), rtol=1e-10, atol=1e-300)


@pytest.mark.parametrize(
    "family, parameters, scipy, points", CONTINUOUS + DISCRETE, ids=lambda x: getattr(x, "__name__", "")
)
def test_moments(family, parameters, scipy, points):
    d = made(family, parameters)
    mean, variance = value([d.mean, d.variance])
    np.testing.assert_allclose([mean, variance], [scipy.mean(), scipy.var()], rtol=1e-12)
    try:
        entropy = d.entropy()
    except gc.GraphError as error:
        assert "has no formula" in str(error)
    else:
        np.testing.assert_allclose(value(entropy), scipy.entropy(), rtol=1e-10)


@pytest.mark.parametrize(
    "family, parameters, scipy, points", CONTINUOUS + DISCRETE, ids=lambda x: getattr(x, "__name__", "")
)
def test_draws(family, parameters, scipy, points):
    x = value(made(family, parameters).sample(gc.random.key(1), (20_000,))).astype("f8")
    if hasattr(scipy.dist, "pdf"):
        assert stats.kstest(x, scipy.cdf).pvalue > 1e-4
    else:
        np.testing.assert_allclose(x.mean(), scipy.mean(), atol=5 * scipy.std() / np.sqrt(20_000))
        np.testing.assert_allclose(x.var(), scipy.var(), rtol=0.06)


@pytest.mark.parametrize("family, parameters, scipy, points", CONTINUOUS, ids=NAMES)
def test_derivatives_of_densities(family, parameters, scipy, points):
    inputs = [gc.input(f"p{i}", (), "float64") for i in range(len(parameters))]
    x = np.array(
        [p for p in points if np.isfinite(scipy.logpdf(p)) and abs(p - 0.5) > 1e-6 and abs(p) < 100 and p != 0]
    )

    def cost(*nodes):
        return gc.sum(family(*nodes).log_prob(x))

    if family is not D.Uniform:  # its density does not depend on a parameter alone
        check_gradient(cost, inputs, [np.array(p) for p in parameters], tolerance=1e-6)


def test_far_tails_in_single_precision():
    for family, x, expected in [(D.Logistic, [-500.0, 500.0], [-500.0, -500.0]), (D.Normal, [1e18], [-5e35])]:
        np.testing.assert_allclose(log_prob(family(), np.array(x, "f4")), expected, rtol=1e-6)
    z = gc.input("z", (3,))
    outcomes = [D.Bernoulli(logits=z).log_prob(np.array([1, 0, 0])), D.Categorical(logits=z).log_prob(np.arange(3))]
    certain, chosen = gc.compile([z], outcomes)(np.array([200.0, -200.0, 200.0], "f4"))
    np.testing.assert_allclose(certain, [0, 0, -200], atol=1e-30)
    np.testing.assert_allclose(chosen, np.array([0, -400, 0]) - np.log(2), rtol=1e-6)


def test_categorical():
    p = np.array([[0.1, 0.2, 0.7], [0.25, 0.25, 0.5]])
    d = D.Categorical(p)
    np.testing.assert_allclose(value(d.log_prob(np.array([2, 0]))), np.log([0.7, 0.25]), rtol=1e-12)
    np.testing.assert_allclose(value(d.log_prob(np.zeros((4, 2), int))), np.log([[0.1, 0.25]] * 4), rtol=1e-12)
    np.testing.assert_allclose(value(d.entropy()), stats.entropy(p, axis=1), rtol=1e-12)
    np.testing.assert_allclose(value([d.mean, d.variance])[0], p @ np.arange(3), rtol=1e-12)
    draws = value(d.sample(gc.random.key(0), (30_000, 2)))
    np.testing.assert_allclose([np.bincount(draws[:, i]) / 30_000 for i in range(2)], p, atol=0.012)
    with pytest.raises(gc.DTypeError, match="integer"):
        d.log_prob(0.5)
    with pytest.raises(gc.DTypeError, match="one of p and logits"):
        D.Categorical(p, logits=p)


def test_vectors():
    a = np.array([0.5, 2.0, 4.0])
    d, known = D.Dirichlet(a), stats.dirichlet(a)
    x = np.array([[0.2, 0.3, 0.5], [0.01, 0.01, 0.98]])
    np.testing.assert_allclose(value(d.log_prob(x)), [known.logpdf(row) for row in x], rtol=1e-12)
    mean, variance = value([d.mean, d.variance])
    np.testing.assert_allclose([mean, variance], [known.mean(), known.var()], rtol=1e-12)
    covariance = np.array([[2.0, 0.6, 0.1], [0.6, 1.0, -0.3], [0.1, -0.3, 0.5]])
    d, known = D.MultivariateNormal(a, np.linalg.cholesky(covariance)), stats.multivariate_normal(a, covariance)
    np.testing.assert_allclose(value(d.log_prob(x)), known.logpdf(x), rtol=1e-12)
    np.testing.assert_allclose(value(d.entropy()), known.entropy(), rtol=1e-12)
    np.testing.assert_allclose(value(d.variance), np.diag(covariance), rtol=1e-12)
    with pytest.raises(gc.ShapeError, match="rows and columns"):
        D.MultivariateNormal(a, np.eye(2))


PAIRS = [
    (D.Normal, (0.5, 2.0), (-1.0, 3.0)),
    (D.Laplace, (0.5, 2.0), (-1.0, 3.0)),
    (D.Exponential, (2.0,), (3.0,)),
    (D.Gamma, (1.7, 2.0), (2.5, 1.0)),
    (D.Bernoulli, (0.3,), (0.6,)),
    (D.Poisson, (3.0,), (4.5,)),
    (D.Categorical, ([0.1, 0.2, 0.7],), ([0.3, 0.3, 0.4],)),
    (D.Dirichlet, ([0.5, 2.0, 4.0],), ([1.0, 1.0, 2.0],)),
]


@pytest.mark.parametrize("family, one, other", PAIRS, ids=lambda x: getattr(x, "__name__", ""))
def test_divergences(family, one, other):
    p, q = made(family, one), made(family, other)
    shape = (100_000,)
    x = p.sample(gc.random.key(2), shape)
    ratio = p.log_prob(x) - q.log_prob(x)
    exact, estimate, spread, itself = value(
        [D.kl_divergence(p, q), gc.mean(ratio), gc.std(ratio), D.kl_divergence(p, p)]
    )
    assert abs(estimate - exact) < 4.5 * spread / np.sqrt(shape[0])
    np.testing.assert_allclose(itself, 0, atol=1e-12)


def test_no_formula():
    with pytest.raises(gc.GraphError, match="Normal from Laplace has no formula"):
        D.kl_divergence(D.Normal(), D.Laplace())
