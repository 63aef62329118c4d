"""Angles, hyperbolic functions and signs of floats: errors against wider arithmetic, and the ends of their domains."""

import math

import numpy as np
import pytest

import graphc as gc
from tests.llvm.accuracy import EXACT_LONG_DOUBLE

inf, nan = math.inf, math.nan
COUNT = 50_000
BOUNDS = {  # in units in the last place: the largest errors seen, rounded up
    **dict.fromkeys(["asin", "acos"], 2.7),
    "atanh": 2.2,
    "acosh": 3.6,
    **dict.fromkeys(["sinh", "cosh"], 2.3),
    "asinh": 1.9,
    "atan2": 2.3,
    "hypot": 2.1,
}
NUMPY = {name: getattr(np, name.replace("a", "arc", 1)) for name in BOUNDS if name[0] == "a"}
DTYPES = [
    "float32",
    pytest.param("float64", marks=pytest.mark.skipif(not EXACT_LONG_DOUBLE, reason="no longer format to compare")),
]


def points(name, dtype):
    """Points of all magnitudes in the domain, many near its ends."""
    random = np.random.default_rng(0)
    sign = random.choice([-1, 1], COUNT)
    tiny = np.exp(-random.uniform(0, 30, COUNT))
    if name in ("asin", "acos", "atanh"):
        near_one = 1 - np.exp(-random.uniform(0, 15, COUNT))
        return [np.concatenate([sign * tiny, sign * near_one, random.uniform(-1, 1, COUNT)]).astype(dtype)]
    if name == "acosh":
        return [
            np.concatenate([1 + np.exp(random.uniform(-14, 3, COUNT)), np.exp(random.uniform(0, 80, COUNT))]).astype(
                dtype
            )
        ]
    if name in ("sinh", "cosh"):
        return [
            (sign * random.uniform(0, 88 if dtype == "float32" else 710, COUNT)).astype(dtype),
        ]
    x = sign * np.exp(random.uniform(-20, 20, COUNT))
    others = [x * np.exp(3 * random.normal(size=COUNT))] if name in ("atan2", "hypot") else []
    return [v.astype(dtype) for v in (x, *others)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", BOUNDS)
def test_errors_are_bounded(name, dtype):
    arrays = points(name, dtype)
    inputs = [gc.input(f"x{i}", ("n",), dtype) for i in range(len(arrays))]
    found = gc.compile(inputs, getattr(gc, name)(*inputs))(*arrays)
    with np.errstate(all="ignore"):
        exact = NUMPY.get(name, getattr(np, name))(*(x.astype(np.longdouble) for x in arrays))
        rounded = exact.astype(dtype)
        errors = np.abs(found - exact) / np.spacing(np.abs(rounded))
    errors = np.where(np.isfinite(rounded) & np.isfinite(found), errors, np.where(found == rounded, 0, inf))
    worst = int(errors.argmax())
    assert errors[worst] <= BOUNDS[name], [float(x[worst]) for x in arrays]


SPECIAL = {
    "asin": [(1.0, math.pi / 2), (-1.0, -math.pi / 2), (-0.0, -0.0), (1.1, nan), (inf, nan), (nan, nan)],
    "acos": [(1.0, 0.0), (-1.0, math.pi), (0.0, math.pi / 2), (-1.1, nan), (-inf, nan), (nan, nan)],
    "atanh": [(1.0, inf), (-1.0, -inf), (-0.0, -0.0), (1.5, nan), (inf, nan), (nan, nan)],
    "acosh": [(1.0, 0.0), (0.5, nan), (-2.0, nan), (inf, inf), (-inf, nan), (nan, nan), (-1e30, nan)],
    "asinh": [(inf, inf), (-inf, -inf), (0.0, 0.0), (-0.0, -0.0), (nan, nan)],
    "sinh": [(inf, inf), (-inf, -inf), (-0.0, -0.0), (1000.0, inf), (nan, nan)],
    "cosh": [(inf, inf), (-inf, inf), (0.0, 1.0), (-1000.0, inf), (nan, nan)],
}


@pytest.mark.parametrize("target", ["llvm", "reference"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", SPECIAL)
def test_ends_of_domains(name, dtype, target):
    x, expected = np.array(SPECIAL[name], dtype).T
    node = gc.input("x", ("n",), dtype)
    found = gc.compile([node], getattr(gc, name)(node), target=target)(np.ascontiguousarray(x))
    np.testing.assert_allclose(found, expected, rtol=4 * np.finfo(dtype).eps)
    zero = expected == 0
    np.testing.assert_array_equal(np.signbit(found[zero]), np.signbit(expected[zero]))


VALUES = np.array([0.0, -0.0, 1.0, -1.0, 2.5, 1e-45, -1e-45, 3e38, -3e38, inf, -inf, nan, -nan])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["atan2", "hypot", "copysign", "nextafter"])
def test_pairs_of_special_values(name, dtype):
    x, y = (v.ravel() for v in np.meshgrid(VALUES.astype(dtype), VALUES.astype(dtype)))
    nodes = [gc.input(v, ("n",), dtype) for v in "xy"]
    with np.errstate(all="ignore"):
        expected = {"atan2": np.arctan2}.get(name, getattr(np, name))(x, y)
    for target in ("llvm", "reference"):
        found = gc.compile(nodes, getattr(gc, name)(*nodes), target=target)(x, y)
        np.testing.assert_allclose(found, expected, rtol=4 * np.finfo(dtype).eps)
        number = ~np.isnan(expected)
        np.testing.assert_array_equal(np.signbit(found)[number], np.signbit(expected)[number])
    x = gc.input("x", ("n",), dtype)
    np.testing.assert_array_equal(
        gc.compile([x], gc.signbit(x))(VALUES.astype(dtype)), np.signbit(VALUES.astype(dtype))
    )


def test_logarithms_of_powers_are_whole():
    x = gc.input("x", ("n",), "float64")
    twos, tens = np.arange(-1074.0, 1024.0), np.arange(0.0, 23.0)
    np.testing.assert_array_equal(gc.compile([x], gc.log2(x))(2.0**twos), twos)
    np.testing.assert_array_equal(gc.compile([x], gc.log10(x))(10.0**tens), tens)


def test_subgradients():
    x, y = gc.input("x", (), "float64"), gc.input("y", (), "float64")
    slopes = gc.compile([x, y], gc.grad(gc.hypot(x, y), [x, y]))
    assert [float(v) for v in slopes(0.0, 0.0)] == [0.0, 0.0]
    (along,) = gc.compile([x, y], gc.grad(gc.copysign(x, y), [x]))(2.0, -1.0)
    assert along == -1
    (beside,) = gc.compile([x, y], gc.grad(gc.nextafter(x, y), [x]))(2.0, 3.0)
    assert beside == 1
