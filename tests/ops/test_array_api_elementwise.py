"""Elementwise functions of `graphc.array_api` beside array-api-strict: every dtype, special values, broadcasting."""

import math
import warnings

import array_api_strict as strict
import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import graphc as gc
import graphc.array_api as xp
from graphc.array_api.array import BINARY, COMPARISONS, UNARY
from graphc.array_api.signatures import DTYPES, FUNCTIONS, MISSING

NUMERIC = [name for name in DTYPES if name not in MISSING]
FLOATS = [
    0.0,
    -0.0,
    0.5,
    -0.5,
    1.0,
    -1.0,
    1.5,
    2.0,
    -2.5,
    3.0,
    1e-3,
    30.0,
    -70.0,
    1e5,
    1e10,
    -1e30,
    5e-324,
    2.0**52 + 1,
]
FLOATS += [math.inf, -math.inf, math.nan, math.pi / 2, -math.pi, math.pi / 4]
ONE_OPERAND = [name for name, s in FUNCTIONS.items() if str(s) == "(x, /)"]
ONE_OPERAND = [n for n in ONE_OPERAND if n not in ("matrix_transpose", "nonzero") and "unique" not in n]
TWO_OPERANDS = [n for n, s in FUNCTIONS.items() if str(s) == "(x1, x2, /)" and n not in ("matmul",)]
ULPS = 8  # by which two libraries may differ, for functions that are not rounded correctly


def values(dtype):
    """Numbers of a dtype with everything special."""
    if dtype == "bool":
        return np.array([True, False, True])
    if dtype.startswith("float"):
        with np.errstate(over="ignore"):
            return np.array(FLOATS, dtype)
    info = np.iinfo(dtype)
    return np.array(
        [n for n in (0, 1, 2, 3, 7, 100, -1, -2, -5, info.min, info.max) if info.min <= n <= info.max], dtype
    )


def assert_same(found, expected, ulps=ULPS, signs=True):
    """Of one dtype and shape, and equal: NaN where NaN is, zeros of one sign, floats up to rounding."""
    assert isinstance(found, xp.Array)
    want = np.asarray(expected)
    assert (found.dtype.name, found.shape) == (want.dtype.name, want.shape)
    got = np.asarray(found)
    if want.dtype.kind != "f":
        np.testing.assert_array_equal(got, want)
        return
    eps = np.finfo(want.dtype).eps
    np.testing.assert_allclose(got, want, rtol=ulps * eps, atol=ulps * np.finfo(want.dtype).smallest_subnormal)
    zero = (want == 0) & (got == 0) & signs
    np.testing.assert_array_equal(np.signbit(got[zero]), np.signbit(want[zero]))


def in_strict(function, *args):
    """What array-api-strict gives; None where the standard does not define it."""
    try:
        with np.errstate(all="ignore"):
            return getattr(strict, function)(*args)
    except TypeError:
        return None


@pytest.mark.parametrize("name", ONE_OPERAND)
def test_one_operand(name):
    defined = 0
    for dtype in NUMERIC:
        x = values(dtype)
        expected = in_strict(name, strict.asarray(x))
        if expected is not None:
            assert_same(getattr(xp, name)(xp.asarray(x)), expected)
            defined += 1
    assert defined or name in ("real", "imag", "conj")


def undefined(name, x, y):
    """Pairs for which the standard leaves the result open."""
    integers = x.dtype.kind in "iu"
    if name in ("floor_divide", "remainder") and integers:
        return (y == 0) | ((y == -1) & (x == np.iinfo(x.dtype).min))
    if name == "pow" and integers:
        return (y < 0) | (np.abs(y.astype(float)) > 60)
    if "shift" in name:
        return (y < 0) | (y >= x.dtype.itemsize * 8)
    return np.zeros(x.shape, bool)


@pytest.mark.parametrize("name", TWO_OPERANDS)
def test_two_operands(name):
    defined = 0
    for dtype in NUMERIC:
        v = values(dtype)
        x, y = (a.ravel() for a in np.meshgrid(v, v))
        kept = ~undefined(name, x, y)
        x, y = x[kept], y[kept]
        expected = in_strict(name, strict.asarray(x), strict.asarray(y))
        if expected is None:
            continue
        defined += 1
        assert_same(getattr(xp, name)(xp.asarray(x), xp.asarray(y)), expected)
    assert defined


OPERATORS = {**BINARY, **COMPARISONS}


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "float32", "float64"])
@pytest.mark.parametrize("method", [name for name in OPERATORS if name != "matmul"])
def test_operators_with_numbers_on_either_side(method, dtype):
    """A number takes the dtype of the array; in place, the array keeps its own."""
    x = np.array([True, False]) if dtype == "bool" else np.array([1, 3], dtype)
    number = {"b": True, "u": 2, "i": 2, "f": 2.0}[x.dtype.kind]
    for name in (f"__{method}__", f"__r{method}__", f"__i{method}__"):
        if not hasattr(type(strict.asarray(0)), name):
            continue
        ours, theirs = xp.asarray(x, copy=True), strict.asarray(x)
        try:
            expected = getattr(theirs, name)(number)
        except TypeError:
            continue
        found = getattr(ours, name)(number)
        assert_same(found, expected)
        if name.startswith("__i"):
            assert found is ours


@pytest.mark.parametrize("method", UNARY)
def test_unary_operators(method):
    for dtype in ("bool", "int8", "uint16", "float32"):
        x = values(dtype)
        try:
            with np.errstate(all="ignore"):
                expected = getattr(strict.asarray(x), f"__{method}__")()
        except TypeError:
            continue
        assert_same(getattr(xp.asarray(x), f"__{method}__")(), expected)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3, min_side=0), st.data())
def test_operands_broadcast(shapes, data):
    x, y = (data.draw(hnp.arrays("float64", shape, elements=st.floats(-9, 9))) for shape in shapes.input_shapes)
    for name in ("add", "less", "atan2"):
        assert_same(
            getattr(xp, name)(xp.asarray(x), xp.asarray(y)), getattr(strict, name)(*map(strict.asarray, (x, y)))
        )
    condition = xp.asarray(x) > 0
    assert_same(xp.where(condition, xp.asarray(y), 1.0), strict.where(strict.asarray(x > 0), strict.asarray(y), 1.0))
    assert_same(xp.clip(xp.asarray(y), -1, xp.asarray(np.abs(x))), np.clip(y, -1, np.abs(x)))


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.sampled_from(NUMERIC), st.sampled_from(NUMERIC))
def test_dtypes_are_promoted(first, second):
    """As the standard promotes; where it does not, NumPy's answer is given."""
    x, y = np.ones(2, first), np.ones(2, second)
    if "bool" in (first, second):
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gc.PromotionWarning)
        assert_same(xp.multiply(xp.asarray(x), xp.asarray(y)), np.multiply(x, y))
    try:
        expected = strict.result_type(getattr(strict, first), getattr(strict, second))
    except TypeError:
        return
    assert xp.result_type(xp.asarray(x), getattr(xp, second)).name == np.dtype(expected._np_dtype).name


def test_clip_has_limits_of_all_kinds():
    x = np.array([-3.0, 0.0, 2.5, np.nan], "float32")
    for low, high in ((None, None), (-1, None), (None, 1.5), (-1, 1)):
        assert_same(xp.clip(xp.asarray(x), low, high), np.clip(x, low, high) if (low, high) != (None, None) else x)


def test_numbers_that_do_not_fit_are_refused():
    x = xp.asarray([1, 2], dtype=xp.uint8)
    with pytest.raises(gc.DTypeError, match="300 does not fit into uint8"):
        x + 300
    with pytest.raises(TypeError):
        x + "1"
    with pytest.raises(TypeError, match="is no array of"):
        xp.exp(np.ones(3))
