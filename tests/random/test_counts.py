"""Counts against the probabilities of SciPy, on both sides of the change from inversion to rejection."""

import numpy as np
import pytest
import scipy.stats as stats

import graphc as gc
from tests.random.sampling import SIGNIFICANCE, TARGETS, drawn

random = gc.random
N = 50_000


def assert_counts(counts, distribution):
    """A chi-square test over the likely counts, the unlikely ones taken as one."""
    low = int(counts.min())
    found = np.bincount(counts - low)
    expected = distribution.pmf(low + np.arange(len(found))) * len(counts)
    likely = expected > 8
    found = np.append(found[likely], len(counts) - found[likely].sum())
    expected = np.append(expected[likely], len(counts) - expected[likely].sum())
    if expected[-1] < 1:
        assert found[-1] < 8
        found, expected = found[:-1], expected[:-1] * found[:-1].sum() / expected[:-1].sum()
    if len(found) > 1:
        assert stats.chisquare(found, expected).pvalue > SIGNIFICANCE


@pytest.mark.parametrize("rate", [0.0, 0.01, 0.5, 4.0, 9.999, 10.0, 12.0, 50.0, 1000.0])
def test_poisson(rate):
    counts = drawn(random.poisson(random.key(1), rate, (N,)))
    assert counts.dtype == np.int64
    assert_counts(counts, stats.poisson(rate))


def test_poisson_of_large_rates():
    counts = drawn(random.poisson(random.key(1), 1e9, (N,)))
    assert stats.kstest((counts - 1e9) / np.sqrt(1e9), "norm").pvalue > SIGNIFICANCE


SMALL_AND_LARGE = [(1, 0.5), (10, 0.3), (30, 0.9), (47, 0.21), (100, 0.05), (40, 0.5), (19, 0.53), (10**6, 1e-6)]


@pytest.mark.parametrize("n, p", [*SMALL_AND_LARGE, (500, 0.3), (1000, 0.98), (10**6, 0.5)])
def test_binomial(n, p):
    counts = drawn(random.binomial(random.key(1), n, p, (N,)))
    assert counts.min() >= 0 and counts.max() <= n
    assert_counts(counts, stats.binom(n, p))


def test_certain_counts():
    n, p = np.array([0, 0, 5, 5, 10**9, 10**9]), np.array([0.3, 1, 0, 1, 0, 1])
    for seed in range(5):
        assert drawn(random.binomial(random.key(seed), n, p)).tolist() == [0, 0, 0, 5, 0, 10**9]


@pytest.mark.parametrize("target", TARGETS[1:])
def test_the_same_on_all_targets(target):
    rates, n = np.array([0.5, 5.0, 15.0, 300.0]), np.array([3, 30, 300, 3000])
    draws = [random.poisson(random.key(4), rates, (50, 4)), random.binomial(random.key(4), n, 0.3, (50, 4), "int32")]
    for found, draw in zip(gc.compile([], draws, target=target)(), draws):
        np.testing.assert_array_equal(found, drawn(draw, "reference"))


def test_parameters_broadcast_and_numbers_do_not_depend_on_the_others():
    rates = gc.input("rates", ("n",), "float32")
    f = gc.compile([rates], random.poisson(random.key(0), rates, dtype="int32"))
    many = f(np.array([1.0, 100.0, 3.0, 50.0] * 5, "f4"))
    assert many.dtype == np.int32
    np.testing.assert_array_equal(f(np.array([1.0, 100.0, 3.0], "f4")), many[:3])
    with pytest.raises(gc.DTypeError, match="integers, not float32"):
        random.poisson(random.key(0), 1.0, dtype="float32")


def test_the_quantile_of_small_counts():
    u = np.linspace(0, 1, 400, endpoint=False)
    first, a, b = np.exp(-3.0), 0.0, 3.0
    x = gc.input("u", ("n",), "float64")
    found = gc.compile([x], gc.panjer_quantile(x, first, a, b))(u)
    np.testing.assert_array_equal(found, np.maximum(stats.poisson(3).ppf(u), 0))


@pytest.mark.parametrize("p", [0.9, 0.3, 0.01, 1.0])
def test_geometric(p):
    assert_counts(drawn(random.geometric(random.key(2), p, (N,))), stats.geom(p))


@pytest.mark.parametrize("n, p", [(1, 0.5), (2.5, 0.3), (40, 0.2)])
def test_negative_binomial(n, p):
    assert_counts(drawn(random.negative_binomial(random.key(2), n, p, (N,))), stats.nbinom(n, p))


def test_multinomial():
    p = np.array([0.1, 0.0, 0.25, 0.65])
    x = drawn(random.multinomial(random.key(3), 60, p, (N,)))
    assert (x.sum(1) == 60).all() and (x >= 0).all()
    for i in (0, 2, 3):
        assert_counts(x[:, i], stats.binom(60, p[i]))
    assert (x[:, 1] == 0).all()
    np.testing.assert_allclose(np.cov(x.T), 60 * (np.diag(p) - np.outer(p, p)), atol=0.4)
    certain = drawn(random.multinomial(random.key(3), np.array([0, 7]), np.array([1.0, 0.0])))
    assert certain.tolist() == [[0, 0], [7, 0]]
    with pytest.raises(gc.ShapeError, match="number of outcomes"):
        random.multinomial(random.key(3), 60, 0.5)
