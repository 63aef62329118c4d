"""The elementary functions against exact values: largest errors, special values, hard points."""

import math
from typing import Any

import mpmath
import numpy as np
import pytest

from graphc.types import DType, bfloat16, float16, float32, float64
from tests.llvm.accuracy import EXACT_LONG_DOUBLE, Array, compiled, reference, ulps, worst
from tests.llvm.kernels import MACHINES, machine

inf, nan = math.inf, math.nan
BOUNDS = {  # float32, float64: the largest error seen in some 1e7 points, rounded up
    "exp": (0.80, 0.80),
    "expm1": (1.10, 1.20),
    "log": (1.10, 0.85),
    "log1p": (1.70, 1.45),
    "sin": (1.60, 0.85),
    "cos": (1.60, 0.85),
    "tan": (0.51, 1.05),
    "atan": (1.90, 1.85),
    "log2": (2.20, 1.80),
    "log10": (2.00, 1.80),
    "tanh": (1.45, 1.45),
    "erf": (1.25, 1.50),
    "erfc": (0.52, 1.60),
    "sqrt": (0.50, 0.50),
    "sigmoid": (1.70, 1.70),
    "pow": (0.52, 0.80),
}
DTYPES = [
    float32,
    pytest.param(float64, marks=pytest.mark.skipif(not EXACT_LONG_DOUBLE, reason="no longer format to compare")),
]


@pytest.mark.parametrize("name", MACHINES)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("word", BOUNDS)
def test_error_is_bounded(word: str, dtype: DType, name: str) -> None:
    count = 1_000_000 if name == "host" else 100_000
    error, where = worst(word, dtype, machine(name), count)
    assert error <= BOUNDS[word][dtype is float64], f"{error} at {where}"


SPECIAL: dict[str, list[tuple[float, float]]] = {
    "exp": [(inf, inf), (-inf, 0.0), (0.0, 1.0), (1000.0, inf), (-1000.0, 0.0)],
    "expm1": [(inf, inf), (-inf, -1.0), (0.0, 0.0), (-0.0, -0.0), (1000.0, inf), (-1000.0, -1.0)],
    "log": [(inf, inf), (-inf, nan), (0.0, -inf), (-0.0, -inf), (1.0, 0.0), (-1.0, nan)],
    "log1p": [(inf, inf), (-inf, nan), (0.0, 0.0), (-0.0, -0.0), (-1.0, -inf), (-2.0, nan)],
    "sin": [(inf, nan), (-inf, nan), (0.0, 0.0), (-0.0, -0.0)],
    "cos": [(inf, nan), (-inf, nan), (0.0, 1.0), (-0.0, 1.0)],
    "tan": [(inf, nan), (-inf, nan), (0.0, 0.0), (-0.0, -0.0)],
    "atan": [(inf, math.pi / 2), (-inf, -math.pi / 2), (0.0, 0.0), (-0.0, -0.0), (1.0, math.pi / 4)],
    "log2": [(inf, inf), (-inf, nan), (0.0, -inf), (-0.0, -inf), (1.0, 0.0), (-1.0, nan), (2.0**-149, -149.0)],
    "log10": [(inf, inf), (-inf, nan), (0.0, -inf), (-0.0, -inf), (1.0, 0.0), (-1.0, nan), (1e10, 10.0)],
    "tanh": [(inf, 1.0), (-inf, -1.0), (0.0, 0.0), (-0.0, -0.0), (30.0, 1.0)],
    "erf": [(inf, 1.0), (-inf, -1.0), (0.0, 0.0), (-0.0, -0.0), (7.0, 1.0)],
    "erfc": [(inf, 0.0), (-inf, 2.0), (0.0, 1.0), (-0.0, 1.0), (30.0, 0.0), (-30.0, 2.0)],
    "sqrt": [(inf, inf), (-inf, nan), (0.0, 0.0), (-0.0, -0.0), (-1.0, nan)],
}


def same_bits(got: Array, expected: Array) -> bool:
    return bool(np.all(((got == expected) & (np.signbit(got) == np.signbit(expected))) | (np.isnan(got + expected))))


@pytest.mark.parametrize("name", MACHINES)
@pytest.mark.parametrize("dtype", [float32, float64], ids=str)
@pytest.mark.parametrize("word", SPECIAL)
def test_special_values(word: str, dtype: DType, name: str) -> None:
    x, expected = np.array([*SPECIAL[word], (nan, nan)], dtype.numpy).T
    got = compiled(word, dtype, machine(name))(np.ascontiguousarray(x))
    assert same_bits(got, expected), list(zip(x, got, expected))


@pytest.mark.parametrize("name", MACHINES)
@pytest.mark.parametrize("dtype", [float32, float64], ids=str)
def test_pow_special_values(dtype: DType, name: str) -> None:
    """Every pair of special values, as the C library has them."""
    values = [0.0, 0.5, 1.0, 2.0, 3.0, 2.5, 1e30, 2.0**23 + 1, 2.0**24 + 2, 2.0**61, inf, 1e-40]
    signed = np.array([*values, *(-v for v in values), nan], dtype.numpy)
    first, second = np.meshgrid(signed, signed)
    x, y = first.ravel(), second.ravel()
    with np.errstate(all="ignore"):
        expected = np.power(x.astype(np.float64), y.astype(np.float64)).astype(dtype.numpy)
    got = compiled("pow", dtype, machine(name))(x, y)
    special = (expected == 0) | ~np.isfinite(expected) | (np.abs(expected) == 1)
    assert special.sum() > 200
    rows = zip(*(a[special] for a in (x, y, got, expected)))
    wrong = [row for row in rows if not same_bits(row[2], row[3])]
    assert not wrong


HARD = {
    "sin": [1e22, 2.0**1023, 6381956970095103.0 * 2.0**797, 3.0, 355.0, 5.32525e14, 2.0**30 + 0.5, 1e300],
    "cos": [1e22, 2.0**1023, 6381956970095103.0 * 2.0**797, 1.5707963267948966, 1e15, 5.3e8],
    "tan": [1e22, 2.0**1023, 6381956970095103.0 * 2.0**797, 1.5707963267948966, 1e15],
    "exp": [709.782712893384, -708.3964185322641, -745.13, -744.44, 1e-300, -36.7368],
    "expm1": [1e-310, -1e-310, 1e-8, 709.78, -37.4, 0.34657359027997264],
    "log": [5e-324, 1 - 2.0**-53, 1 + 2.0**-52, 2.2250738585072014e-308, 1.7e308, 0.7071067811865476],
    "log1p": [-1 + 2.0**-53, 5e-324, -1e-17, 0.41421356237309503, 1.7e308, -0.2928932188134524],
    "tanh": [1e-310, 0.55, 0.5500000000000002, 19.06, 1e-9],
    "erf": [1e-310, 0.93, 0.9300000000000002, 5.86, 1e-9],
    "erfc": [26.5, 27.2, 26.543, 0.4999999999, 0.5, 1e-20, -5.8, -1e-17],
}


@pytest.mark.parametrize("word", HARD)
def test_hard_points(word: str) -> None:
    """Where naive algorithms fail, with 300 digits as the judge."""
    x = np.array(HARD[word])
    got = compiled(word, float64, machine("host"))(x)
    with mpmath.workdps(400):
        exact = [getattr(mpmath, word)(mpmath.mpf(float(v))) for v in x]
        for value, result, right in zip(x, got, exact):
            error = abs(mpmath.mpf(float(result)) - right) / mpmath.mpf(float(np.spacing(np.abs(float(right)))))
            assert error <= 1.5, f"{word}({value}) = {result}, not {mpmath.nstr(right, 20)}"


@pytest.mark.parametrize("word", ["sin", "cos", "tan"])
def test_huge_float32_arguments(word: str) -> None:
    bits = np.random.default_rng(1).integers(0x4E800000, 0x7F800000, 300).astype(np.uint32)
    x = bits.view(np.float32)
    with mpmath.workdps(100):
        exact = np.array([float(getattr(mpmath, word)(mpmath.mpf(float(v)))) for v in x])
    assert ulps(compiled(word, float32, machine("host"))(x), exact).max() <= 1.6


@pytest.mark.parametrize("dtype", [float16, bfloat16], ids=str)
def test_short_floats_are_rounded_once(dtype: DType) -> None:
    """All 65536 values: the correctly rounded result of the float32 function."""
    x = np.arange(65536, dtype=np.uint16).view(dtype.numpy)
    got = compiled("exp", dtype, machine("host"))(x)
    with np.errstate(all="ignore"):
        expected: Any = np.exp(x.astype(np.float64)).astype(np.float32).astype(dtype.numpy)
    different = (got.view(np.uint16) != expected.view(np.uint16)) & ~np.isnan(expected.astype(np.float32))
    assert different.sum() <= 20  # where the float32 lies next to a tie


def test_reference_is_better_than_the_bounds() -> None:
    assert ulps(reference("exp", np.array([1.0])).astype(np.float64), reference("exp", np.array([1.0])))[0] <= 0.5
