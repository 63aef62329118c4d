"""Continuous draws: against the distribution functions of SciPy, on all targets, and their derivatives."""

import math
import warnings

import numpy as np
import pytest
import scipy.special
import scipy.stats as stats

import graphc as gc
from graphc.testing import check_gradient
from tests.random.sampling import SIGNIFICANCE, TARGETS, drawn, ulps

random = gc.random
N = 20_000
CASES = [
    ("uniform", {}, stats.uniform()),
    ("uniform", {"low": -1.0, "high": 3.0}, stats.uniform(-1, 4)),
    ("normal", {}, stats.norm()),
    ("normal", {"loc": 1.0, "scale": 2.0}, stats.norm(1, 2)),
    ("lognormal", {"scale": 0.5}, stats.lognorm(0.5)),
    ("exponential", {"scale": 2.0}, stats.expon(0, 2)),
    ("gumbel", {"loc": 1.0, "scale": 3.0}, stats.gumbel_r(1, 3)),
    ("weibull", {"concentration": 1.5, "scale": 2.0}, stats.weibull_min(1.5, 0, 2)),
    ("pareto", {"alpha": 2.5, "scale": 2.0}, stats.pareto(2.5, 0, 2)),
    ("rayleigh", {"scale": 2.0}, stats.rayleigh(0, 2)),
    ("triangular", {"low": -1.0, "mode": 0.0, "high": 3.0}, stats.triang(0.25, -1, 4)),
    ("wald", {"mean": 2.0, "scale": 3.0}, stats.invgauss(2 / 3, 0, 3)),
    ("laplace", {"loc": -1.0, "scale": 2.0}, stats.laplace(-1, 2)),
    ("logistic", {"loc": -1.0, "scale": 2.0}, stats.logistic(-1, 2)),
    ("cauchy", {"loc": 1.0}, stats.cauchy(1)),
    ("truncated_normal", {"lower": -1.0, "upper": 2.0}, stats.truncnorm(-1, 2)),
    ("truncated_normal", {"lower": 4.0, "upper": math.inf}, stats.truncnorm(4, math.inf)),
    ("truncated_normal", {"lower": 8.0, "upper": 8.5}, stats.truncnorm(8, 8.5)),
    ("truncated_normal", {"lower": -30.5, "upper": -30.0}, stats.truncnorm(-30.5, -30)),
    ("truncated_normal", {"lower": -math.inf, "upper": -2.0}, stats.truncnorm(-math.inf, -2)),
    ("truncated_normal", {"lower": 0.0, "upper": 3.0, "loc": 2.0, "scale": 2.0}, stats.truncnorm(-1, 0.5, 2, 2)),
]
IDS = [f"{name}-{i}" for i, (name, *_) in enumerate(CASES)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name, parameters, distribution", CASES, ids=IDS)
def test_distribution(name, parameters, distribution, dtype):
    for seed in range(2):
        x = drawn(getattr(random, name)(random.key(seed), shape=(N,), dtype=dtype, **parameters))
        assert x.dtype == dtype and np.isfinite(x).all()
        assert stats.kstest(x.astype("f8"), distribution.cdf).pvalue > SIGNIFICANCE


@pytest.mark.parametrize("target", TARGETS[1:])
@pytest.mark.parametrize("name, parameters, distribution", CASES, ids=IDS)
def test_the_same_numbers_on_all_targets(name, parameters, distribution, target):
    """To rounding: for the same bits the same formula is calculated."""
    for dtype in ("float32", "float64"):
        draw = getattr(random, name)(random.key(7), shape=(500,), dtype=dtype, **parameters)
        expected, found = drawn(draw, "reference"), drawn(draw, target)
        scale = np.maximum(np.abs(expected), 0.1)
        assert np.abs(found - expected).max() <= (scale * 60 * np.finfo(dtype).eps).max()
        np.testing.assert_allclose(found, expected, rtol=300 * np.finfo(dtype).eps, atol=30 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32", "float64"])
@pytest.mark.parametrize("target", TARGETS[1:])
def test_uniform_numbers_are_the_same_bit_for_bit(dtype, target):
    draw = random.uniform(random.key(7), (1000,), dtype)
    np.testing.assert_array_equal(drawn(draw, target), drawn(draw, "reference"))
    assert drawn(draw).min() >= 0 and drawn(draw).max() < 1


def test_a_seed_means_about_the_same_numbers_in_every_dtype():
    exact, single, half = (drawn(random.normal(random.key(3), (1000,), d)) for d in ("float64", "float32", "float16"))
    np.testing.assert_allclose(single, exact, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(half, exact, rtol=2e-3, atol=1e-3)


def test_both_tails_are_fine():
    p = np.array([2.0**-65, 2.0**-40, 0.3, 0.5])
    x = gc.input("p", ("n",), "float64")
    found = gc.compile([x], gc.normal_quantile(x))(p)
    np.testing.assert_allclose(found, scipy.special.ndtri(p), rtol=4e-15)
    assert len(np.unique(drawn(random.normal(random.key(0), (100_000,))))) > 99_000
    extremes = drawn(random.exponential(random.key(0), (1_000_000,)))
    assert 0 < extremes.min() < 1e-5 and extremes.max() > 10


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_normal_quantile(dtype):
    rng = np.random.default_rng(0)
    p = np.concatenate([rng.uniform(0, 0.5, 5000), np.exp(-rng.uniform(0.7, 45, 5000)), [0.5, 0.075]]).astype(dtype)
    x = gc.input("p", ("n",), dtype)
    for target in ("reference", "llvm"):
        assert ulps(gc.compile([x], gc.normal_quantile(x), target=target)(p), scipy.special.ndtri(p)).max() < 8


def test_a_part_of_a_draw_is_that_part():
    key = random.key(5)
    whole = drawn(random.normal(key, (100, 7)))
    for a, b in ((0, 10), (37, 64), (99, 100)):
        np.testing.assert_array_equal(drawn(random.normal(key, (100, 7))[a:b]), whole[a:b])
    np.testing.assert_array_equal(drawn(random.normal(key, (40, 7))), whole[:40])


def test_a_named_dimension_gives_the_first_numbers_of_a_longer_draw():
    x = gc.input("x", ("n", 3))
    f = gc.compile([x], random.normal(random.key(1), x.shape))
    many = f(np.zeros((50, 3), "f4"))
    np.testing.assert_array_equal(f(np.zeros((9, 3), "f4")), many[:9])


def test_fusion_and_threads_change_nothing(monkeypatch):
    draw = random.normal(random.key(1), (3000,))
    alone = drawn(draw)
    many = gc.compile([], [draw, draw * 2, gc.sum(draw), gc.flip(draw)])()
    np.testing.assert_array_equal(many[0], alone)
    np.testing.assert_array_equal(many[3], alone[::-1])
    monkeypatch.setenv("GRAPHC_THREADS", "1")
    np.testing.assert_array_equal(drawn(random.normal(random.key(1), (3000,))), alone)


def test_parameters_broadcast_and_decide_the_dtype():
    loc, scale = gc.input("loc", (3, 1), "float64"), gc.input("scale", (4,), "float64")
    z = random.normal(random.key(0), loc=loc, scale=scale)
    assert (z.shape, z.dtype) == ((3, 4), gc.float64)
    wide = random.normal(random.key(0), (2, 3, 4), "float32", loc=loc, scale=scale)
    assert (wide.shape, wide.dtype) == ((2, 3, 4), gc.float32)
    f = gc.compile([loc, scale], z)
    at, by = np.array([[0.0], [5.0], [9.0]]), np.array([1.0, 2.0, 3.0, 4.0])
    np.testing.assert_allclose(f(at, by), at + by * f(0 * at, 1 + 0 * by), rtol=1e-14)
    assert random.normal(random.key(0)).shape == ()
    assert random.uniform(random.key(0), low=0, high=np.float16(1)).dtype is gc.float16


@pytest.mark.parametrize(
    "draw, parameters",
    [
        (random.normal, {"loc": 0.3, "scale": 1.7}),
        (random.uniform, {"low": -1.0, "high": 2.0}),
        (random.gumbel, {"loc": 0.3, "scale": 1.7}),
        (random.laplace, {"loc": 0.3, "scale": 1.7}),
        (random.logistic, {"loc": 0.3, "scale": 1.7}),
        (random.cauchy, {"loc": 0.3, "scale": 1.7}),
        (random.lognormal, {"loc": 0.3, "scale": 0.7}),
        (random.exponential, {"scale": 1.7}),
        (random.weibull, {"concentration": 1.3, "scale": 1.7}),
        (random.pareto, {"alpha": 2.3, "scale": 1.7}),
        (random.rayleigh, {"scale": 1.7}),
        (random.triangular, {"low": -1.0, "mode": 0.5, "high": 3.0}),
        (random.truncated_normal, {"lower": -1.0, "upper": 1.5, "loc": 0.1, "scale": 1.2}),
        (random.truncated_normal, {"lower": 2.0, "upper": 3.5, "loc": 0.1, "scale": 1.2}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_derivatives_by_the_parameters(draw, parameters):
    inputs = [gc.input(name, (), "float64") for name in parameters]
    weights = np.linspace(1, 2, 6)

    def cost(*xs):
        return gc.sum(weights * draw(random.key(3), shape=(6,), **dict(zip(parameters, xs))))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gc.UnusedInputWarning)
        points = [np.array(value) for value in parameters.values()]
        check_gradient(cost, inputs, points, tolerance=1e-6)


def test_multivariate_normal():
    covariance = np.array([[2.0, 0.6, 0.1], [0.6, 1.0, -0.3], [0.1, -0.3, 0.5]])
    mean, factor = np.array([1.0, -2.0, 0.0]), np.linalg.cholesky(covariance)
    x = drawn(random.multivariate_normal(random.key(0), mean, factor, (50_000,)))
    assert x.shape == (50_000, 3) and x.dtype == np.float64
    np.testing.assert_allclose(x.mean(0), mean, atol=0.03)
    np.testing.assert_allclose(np.cov(x.T), covariance, atol=0.04)
    batched = random.multivariate_normal(random.key(0), np.zeros((4, 3), "f4"), factor.astype("f4"))
    assert (batched.shape, batched.dtype) == ((4, 3), gc.float32)
    with pytest.raises(gc.ShapeError, match="rows and columns"):
        random.multivariate_normal(random.key(0), mean, factor[:2])


def test_wrong_arguments():
    key = random.key(0)
    with pytest.raises(gc.DTypeError, match="floats, not int32"):
        random.normal(key, (3,), "int32")
    with pytest.raises(gc.ShapeError, match="does not become"):
        random.normal(key, (3,), loc=np.zeros(4))
    with pytest.raises(gc.ShapeError, match="do not broadcast"):
        random.normal(key, loc=np.zeros(4), scale=np.ones(3))
    with pytest.raises(gc.DTypeError, match="unsigned"):
        random.bits(key, (3,), "int32")


def test_the_derivatives_of_inverse_gaussian_numbers_keep_the_quantile():
    mean, scale = gc.input("mean", (), "float64"), gc.input("scale", (), "float64")
    x = random.wald(random.key(0), mean, (30,), scale=scale)
    weights = np.arange(30.0)
    slopes = gc.grad(gc.sum(x * weights), [mean, scale])
    value, by_mean, by_scale = gc.compile([mean, scale], [x, *slopes])(2.0, 3.0)

    def at(m, s):
        return stats.invgauss(m / s, 0, s).ppf(stats.invgauss(2 / 3, 0, 3).cdf(value))

    h = 1e-5
    np.testing.assert_allclose(by_mean, ((at(2 + h, 3) - at(2 - h, 3)) / (2 * h) * weights).sum(), rtol=1e-4)
    np.testing.assert_allclose(by_scale, ((at(2, 3 + h) - at(2, 3 - h)) / (2 * h) * weights).sum(), rtol=1e-4)


def test_truncated_normal_numbers_stay_inside():
    lower, upper = np.array([-50.0, 60.0, -1e-3, 5.0, -np.inf]), np.array([-45.0, np.inf, 1e-3, 5.0, np.inf])
    for dtype in ("float16", "float32", "float64"):
        low, high = lower.astype(dtype), upper.astype(dtype)
        x = drawn(random.truncated_normal(random.key(0), low, high, (500, 5), dtype))
        assert ((x >= low) & (x <= high)).all()
        assert (x[:, 0] == -45).all() and (x[:, 1] == 60).all()  # so far out there is nothing to draw from
