"""Every draw in every shape and dtype: empty ones, single numbers, named dimensions, short floats."""

import inspect

import numpy as np
import pytest

import graphc as gc
from tests.random.sampling import drawn

random = gc.random
NEEDED = {
    "beta": (2.0, 3.0),
    "binomial": (20, 0.4),
    "chisquare": (3.0,),
    "f": (3.0, 5.0),
    "gamma": (2.0,),
    "geometric": (0.3,),
    "loggamma": (2.0,),
    "negative_binomial": (3, 0.4),
    "pareto": (2.0,),
    "poisson": (4.0,),
    "randint": (0, 9),
    "student_t": (5.0,),
    "triangular": (0.0, 1.0, 3.0),
    "truncated_normal": (-1.0, 2.0),
    "wald": (1.5,),
    "weibull": (1.5,),
}
PLAIN = ["bits", "cauchy", "exponential", "gumbel", "laplace", "logistic", "lognormal", "normal", "rademacher"]
DRAWS = {**NEEDED, **dict.fromkeys([*PLAIN, "rayleigh", "uniform"], ()), "bernoulli": (0.5,)}
OF_ARRAYS = {"categorical", "choice", "dirichlet", "gumbel_softmax", "multinomial", "multivariate_normal", "shuffle"}
OTHERS = {"Stream", "fold_in", "key", "orthogonal", "permutation", "score_function", "split", "straight_through"}
DISCRETE = {"bits", "bernoulli", "rademacher", "randint", "poisson", "binomial", "geometric", "negative_binomial"}


def test_no_draw_is_forgotten():
    assert set(DRAWS) | OF_ARRAYS | OTHERS == set(random.__all__)


@pytest.mark.parametrize("name", sorted(DRAWS))
def test_shapes(name):
    def draw(shape):
        return getattr(random, name)(random.key(1), *DRAWS[name], shape=shape)

    shapes = [(), 3, (0,), (2, 0, 3), (2, 3), (1, 1)]
    x = gc.input("x", ("n", 2))
    f = gc.compile([x], [*map(draw, shapes), draw(x.shape)])
    *found, named = f(np.zeros((5, 2), "f4"))
    assert [y.shape for y in found] == [(), (3,), *shapes[2:]]
    assert named.shape == (5, 2)
    np.testing.assert_array_equal(named.ravel()[:6], found[4].ravel())
    np.testing.assert_array_equal(named.ravel()[0], found[0])


@pytest.mark.parametrize("name", sorted(set(DRAWS) - DISCRETE))
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_dtypes(name, dtype):
    draw = getattr(random, name)
    short = drawn(draw(random.key(1), *DRAWS[name], (200,), dtype))
    assert short.dtype == gc.types.as_dtype(dtype).numpy
    exact = drawn(draw(random.key(1), *DRAWS[name], (200,), "float32"))
    assert np.isfinite(short.astype("f8")).all()
    tolerance = {"float16": 4e-3, "bfloat16": 3e-2, "float64": 1e-4}[dtype]
    np.testing.assert_allclose(short.astype("f8"), exact, rtol=tolerance, atol=2 * tolerance)


@pytest.mark.parametrize("name", sorted(DRAWS))
def test_parameters_broadcast(name):
    names = list(inspect.signature(getattr(random, name)).parameters)
    needed = DRAWS[name]
    if not needed:
        return
    first = np.full((3, 1), needed[0])
    others = [np.full((4,), value) for value in needed[1:]]
    y = getattr(random, name)(random.key(1), first, *others)
    assert y.shape == ((3, 4) if others else (3, 1)), names
