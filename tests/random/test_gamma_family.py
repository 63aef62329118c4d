"""Gamma numbers and what is made of them: distributions, tiny concentrations, and implicit derivatives."""

import numpy as np
import pytest
import scipy.special
import scipy.stats as stats

import graphc as gc
from tests.random.sampling import SIGNIFICANCE, TARGETS, drawn

random = gc.random
N = 20_000
CASES = [
    ("gamma", (0.05,), {}, stats.gamma(0.05)),
    ("gamma", (0.7,), {}, stats.gamma(0.7)),
    ("gamma", (1.0,), {"scale": 2.0}, stats.gamma(1, 0, 2)),
    ("gamma", (3.5,), {}, stats.gamma(3.5)),
    ("gamma", (1000.0,), {}, stats.gamma(1000)),
    ("loggamma", (0.5,), {}, stats.loggamma(0.5)),
    ("loggamma", (5.0,), {}, stats.loggamma(5)),
    ("chisquare", (3.0,), {}, stats.chi2(3)),
    ("f", (3.0, 7.0), {}, stats.f(3, 7)),
    ("beta", (0.5, 2.0), {}, stats.beta(0.5, 2)),
    ("beta", (5.0, 3.0), {}, stats.beta(5, 3)),
    ("student_t", (2.5,), {"loc": 1.0, "scale": 2.0}, stats.t(2.5, 1, 2)),
]
IDS = [f"{name}-{'-'.join(map(str, args))}" for name, args, *_ in CASES]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name, args, options, distribution", CASES, ids=IDS)
def test_distribution(name, args, options, distribution, dtype):
    x = drawn(getattr(random, name)(random.key(2), *args, (N,), dtype, **options))
    assert x.dtype == dtype
    assert stats.kstest(x.astype("f8"), distribution.cdf).pvalue > SIGNIFICANCE


@pytest.mark.parametrize("target", TARGETS[1:])
@pytest.mark.parametrize("name, args, options, distribution", CASES[::2], ids=IDS[::2])
def test_the_same_numbers_on_all_targets(name, args, options, distribution, target):
    for dtype in ("float32", "float64"):
        draw = getattr(random, name)(random.key(7), *args, (200,), dtype, **options)
        np.testing.assert_allclose(drawn(draw, target), drawn(draw, "reference"), rtol=1e4 * np.finfo(dtype).eps)


def test_numbers_do_not_depend_on_the_others():
    concentration = np.linspace(0.1, 5, 60)
    whole = drawn(random.gamma(random.key(1), concentration, (40, 60)))
    np.testing.assert_array_equal(drawn(random.gamma(random.key(1), concentration, (17, 60))), whole[:17])
    np.testing.assert_array_equal(drawn(random.gamma(random.key(1), concentration, (40, 60))[3:5]), whole[3:5])
    assert drawn(random.gamma(random.key(1), 2.0, (0, 3))).shape == (0, 3)


def test_tiny_concentrations():
    a = 1e-4
    logs = drawn(random.loggamma(random.key(0), a, (N,)))
    assert np.isfinite(logs).all() and logs.min() < -1e4
    assert stats.kstest(np.exp(a * logs.astype("f8")), "uniform").pvalue > SIGNIFICANCE  # in the limit of a to 0
    shares = drawn(random.dirichlet(random.key(0), np.full(4, 1e-4, "f4"), (1000,)))
    np.testing.assert_allclose(shares.sum(1), 1, rtol=1e-5)
    assert (shares.max(1) > 0.999).mean() > 0.99


def test_dirichlet():
    a = np.array([0.5, 2.0, 4.0])
    x = drawn(random.dirichlet(random.key(0), a, (N,)))
    assert x.shape == (N, 3)
    np.testing.assert_allclose(x.sum(1), 1, rtol=1e-12)
    for i in range(3):
        assert stats.kstest(x[:, i], stats.beta(a[i], a.sum() - a[i]).cdf).pvalue > SIGNIFICANCE
    np.testing.assert_allclose(np.cov(x.T), stats.dirichlet(a).cov(), atol=2e-3)
    assert random.dirichlet(random.key(0), gc.input("a", (5, 3))).shape == (5, 3)
    with pytest.raises(gc.ShapeError, match="no axes"):
        random.dirichlet(random.key(0), 1.0)


@pytest.mark.parametrize("a", [1.0, 1.5, 4.0, 30.0])
def test_the_derivative_by_the_concentration_keeps_the_quantile(a):
    concentration = gc.input("a", (), "float64")
    x = random.gamma(random.key(3), concentration, (50,))
    slopes = gc.grad(gc.sum(x * np.arange(50.0)), concentration)
    value, slope = gc.compile([concentration], [x, slopes])(a)
    p, h = scipy.special.gammainc(a, value), 1e-5
    moved = [scipy.special.gammaincinv(a + d, p) for d in (h, -h)]
    np.testing.assert_allclose(slope, ((moved[0] - moved[1]) / (2 * h) * np.arange(50.0)).sum(), rtol=1e-6)


def test_derivatives_are_those_of_expectations():
    a = gc.parameter("a", np.array([0.2, 0.9, 3.0]))
    x = random.gamma(random.key(0), a, (100_000, 3))
    slopes = gc.grad(gc.sum(gc.mean(x * x, axis=0)), a)
    found = gc.compile([], slopes)()
    np.testing.assert_allclose(found, 2 * gc.value(a) + 1, rtol=0.05)  # E[x^2] = a (a + 1)

    b = gc.parameter("b", np.array([0.7, 2.0]))
    share = random.beta(random.key(0), b[0], b[1], (100_000,))
    total = gc.value(b).sum()
    expected = np.array([gc.value(b)[1], -gc.value(b)[0]]) / total**2  # E[x] = b0 / (b0 + b1)
    np.testing.assert_allclose(gc.compile([], gc.grad(gc.mean(share), b))(), expected, rtol=0.02)

    df = gc.parameter("df", np.array(6.0))
    t = random.student_t(random.key(0), df, (200_000,))
    slope = gc.compile([], gc.grad(gc.mean(gc.minimum(t * t, 20.0)), df))()
    cut = [stats.t(6 + d).expect(lambda x: min(x * x, 20.0), lb=-200, ub=200, limit=200) for d in (0.05, -0.05)]
    np.testing.assert_allclose(slope, (cut[0] - cut[1]) / 0.1, rtol=0.1)
