"""Homogeneous functions of rows: exact for rows of every size, and bit for bit as written for ordinary ones."""

import numpy as np
import pytest

import graphc as gc

ROWS = np.random.default_rng(5).standard_normal((2, 6, 7))


def cosine(x, y):
    return gc.sum(x * y, axis=-1) / (gc.sqrt(gc.sum(x * x, axis=-1)) * gc.sqrt(gc.sum(y * y, axis=-1)))


def slope(x, y):
    return gc.sum(x * y, axis=-1) / gc.sum(x * x, axis=-1)


def projection(x, y):
    return x * slope(x, y)[:, None]


def skewness(x, y):
    return gc.mean(x**3, axis=-1) / gc.mean(x**2, axis=-1) ** 1.5


def cubic_norm(x, y):
    return gc.sum(gc.abs(x) ** 3, axis=-1) ** (1 / 3)


def effective_number(x, y):
    return gc.sum(x, axis=-1) ** 2 / gc.sum(x * x, axis=-1)


def correlation(x, y):
    covariance = gc.mean(x * y, axis=-1) - gc.mean(x, axis=-1) * gc.mean(y, axis=-1)
    return covariance / (gc.std(x, axis=-1) * gc.std(y, axis=-1))


DEGREES = {cosine: (0, 0), slope: (-1, 1), projection: (0, 1), skewness: (0, 0), effective_number: (0, 0)}
"""The powers with which functions grow with their rows."""
each_function = pytest.mark.parametrize("function", [*DEGREES, cubic_norm], ids=lambda function: function.__name__)
each_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def compiled(function, dtype, **options):
    x, y = (gc.input(name, ("n", "m"), dtype) for name in "xy")
    return gc.compile([x, y], function(x, y), **options)


@each_dtype
@each_function
def test_ordinary_rows_keep_their_bits(function, dtype):
    x, y = ROWS.astype(dtype)
    stable = compiled(function, dtype)
    assert any(firing.rule.name == "scaled_rows" for firing in stable.rewrites)
    np.testing.assert_array_equal(stable(x, y), compiled(function, dtype, semantics="ieee")(x, y))


@each_dtype
@pytest.mark.parametrize("function", [*DEGREES, correlation], ids=lambda function: function.__name__)
def test_rows_of_every_size(function, dtype):
    """Scaling rows by powers of two scales the result exactly, each row for itself."""
    x, y = ROWS.astype(dtype)
    f = compiled(function, dtype)
    most = 50 if dtype == "float32" else 500
    sizes = np.array([[most, -most, 0, most, -most, 1], [most, -most, -most, most - 5, 0, most]])
    left, right = DEGREES.get(function, (0, 0))
    expected = np.ldexp(f(x, y).T, left * sizes[0] + right * sizes[1]).T
    np.testing.assert_array_equal(f(*np.ldexp([x, y], sizes[..., None])), expected)


@each_function
def test_rows_that_are_no_numbers(function):
    """Rows with NaN, infinities, or zeros only are as they are written, and spoil no others."""
    x, y = ROWS.astype("float32")
    x[0, 0], x[1, 1], x[2], x[3, 3] = np.nan, np.inf, 0, -np.inf
    expected = compiled(function, "float32", semantics="ieee")(x, y)
    np.testing.assert_array_equal(compiled(function, "float32")(x, y), expected)
    assert np.isnan(expected[0]).any() and np.isfinite(expected[4:]).all()


@each_function
def test_derivatives_of_large_rows(function):
    """A derivative is smaller than the function by the size of the row, in forward mode too."""
    x, y = (gc.input(name, (6, 7), "float64") for name in "xy")
    cost = gc.sum(function(x, y))
    f = gc.compile([x, y], [gc.grad(cost, x), gc.jvp(cost, x, gc.ones((6, 7), dtype="float64"))])
    slopes, total = f(*ROWS)
    largest, tangent = f(np.ldexp(ROWS[0], 400), ROWS[1])
    degree = 1 if function is cubic_norm else DEGREES[function][0]
    np.testing.assert_allclose(np.ldexp(largest, 400 * (1 - degree)), slopes, rtol=1e-13)
    np.testing.assert_allclose(np.ldexp(tangent, 400 * (1 - degree)), total, rtol=1e-12)


def test_each_item_of_a_stack_is_scaled_for_itself():
    stacks = [gc.input(name, (3, 6, 7), "float32") for name in "xy"]
    f = gc.compile(stacks, gc.vmap(cosine)(*stacks))
    x = np.ldexp(ROWS[0], np.array([70, 0, -70])[:, None, None]).astype("float32")
    y = np.broadcast_to(ROWS[1], x.shape).astype("float32")
    np.testing.assert_array_equal(f(x, y), np.broadcast_to(f(x, y)[1], (3, 6)))


def test_cosines_of_vectors_by_a_product():
    x, y = gc.input("x", ("n",)), gc.input("y", ("n",))
    f = gc.compile([x, y], x @ y / (gc.linalg.vector_norm(x) * gc.linalg.vector_norm(y)))
    np.testing.assert_allclose(f(np.float32([3e30, 4e30]), np.float32([1e-30, 0])), 0.6, rtol=1e-6)
