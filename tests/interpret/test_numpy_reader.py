import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import scipy.special

import graphc as gc
from graphc.errors import IndexOutOfBounds
from graphc.interpret import evaluate_nodes
from graphc.ir.node import make
from graphc.ops import contraction, conversion, elementwise, indexing, logic, movement, position, reduction
from graphc.ops.base import Elementwise
from graphc.types import DTYPES, DType, as_dtype
from tests.interpret import samples

BF16 = ml_dtypes.bfloat16
RENAMED = {
    "round": np.rint,
    "sigmoid": scipy.special.expit,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "softplus": lambda x: np.logaddexp(0, x),
    "exp_add": lambda x, y: np.exp(x + y),
    "log1mexp": lambda x: np.where(x > -0.7, np.log(-np.expm1(x)), np.log1p(-np.exp(x))),
    "erf": scipy.special.erf,
    "erfc": scipy.special.erfc,
    "sinc": lambda x: np.where((x == np.rint(x)) & (x != 0), 0.0, np.sinc(x)),  # NumPy's sin(pi*x) is not exact there
    "pow": np.power,
    "ldexp": lambda x, k: np.ldexp(x, np.clip(np.nan_to_num(k), -9999, 9999).astype("int32")),
    "log_ldexp": lambda x, k: np.log(x) + np.trunc(k) * np.log(2),
    "log_product": lambda x, y: np.log(x * y),
    "log_quotient": lambda x, y: np.log(x / y),
    "bitwise_left_shift": np.left_shift,
    "bitwise_right_shift": np.right_shift,
}
SPECIAL = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -2.5,
    3.0,
    5e-324,
    -5e-324,
    1e308,
    -1e308,
    math.inf,
    -math.inf,
    math.nan,
]


def peer(op: Elementwise) -> Any:
    """NumPy's or SciPy's function of the same meaning, if there is one."""
    return RENAMED.get(op.name) or getattr(np, op.name, None) or getattr(scipy.special, op.name, None)


# SciPy misses limits, such as i0(inf), and tiny operands: erfcinv(5e-324) is infinite there, gammainc(5e-324, 1) is 0.
# The edges of these ops are tested where their values are.
OTHER_EDGES = {"betainc", "betaln", "erfcinv", "gammainc", "gammaincc", "i0", "i1", "i1e", "kl_div", "sinc"}
OTHER_EDGES |= {"log_product", "log_quotient"}
WITH_PEER = [op for op in samples.elementwise_ops() if peer(op)]
CASES = [(op, dtype) for op in WITH_PEER for dtype in samples.accepted(op)]


def run(node: Any, *pairs: tuple[Any, Any]) -> Any:
    return evaluate_nodes([node], dict(pairs))[0]


def check(actual: Any, expected: Any, dtype: DType, rtol: float, atol: float) -> None:
    assert actual.dtype == dtype.numpy
    if dtype.is_float:
        wide = np.asarray(expected, np.float64)
        np.testing.assert_allclose(actual.astype(np.float64), wide, rtol=rtol, atol=atol)
    else:
        np.testing.assert_array_equal(actual, np.asarray(expected).astype(dtype.numpy))


@pytest.mark.parametrize(("op", "dtype"), CASES, ids=str)
def test_agrees_with_numpy_and_scipy(op: Elementwise, dtype: DType) -> None:
    node, inputs = samples.apply(op, dtype, (200,))
    arrays = samples.operands(op, dtype, 200)
    wide = [x.astype(np.float64) if dtype.is_float and x.dtype != bool else x for x in arrays]
    with np.errstate(all="ignore"):
        expected = peer(op)(*wide)
        if node.dtype.is_float:
            expected = np.asarray(expected).astype(node.dtype.numpy)
    actual = run(node, *zip(inputs, arrays, strict=True))
    unit = float(ml_dtypes.finfo(node.dtype.numpy).eps) if node.dtype.is_float else 0.0
    # A sum of two terms near zero keeps the error of its terms.
    check(actual, expected, node.dtype, max(8 * unit, 1e-13), 2 * unit if op.name in {"logaddexp", "kl_div"} else 1e-30)


COMPARED = [op for op in WITH_PEER if op in samples.FLOAT_OPS and op.name not in OTHER_EDGES]


@pytest.mark.parametrize("op", COMPARED, ids=str)
def test_special_values_are_those_of_numpy(op: Elementwise) -> None:
    node, inputs = samples.apply(op, as_dtype("float64"), (len(SPECIAL) ** 2,))
    grid = [x.ravel() for x in np.meshgrid(SPECIAL, SPECIAL)]
    arrays = [grid[0] > 0, *grid][: len(inputs)] if op.conditions else grid[: len(inputs)]
    actual = run(node, *zip(inputs, arrays, strict=True))
    with np.errstate(all="ignore"):
        expected = peer(op)(*arrays)
    np.testing.assert_allclose(actual.astype(float), np.asarray(expected, float), rtol=1e-12, atol=0)


def test_special_values_where_numpy_has_no_function() -> None:
    x = gc.input("x", (5,), "float64")
    v = np.array([math.inf, -math.inf, math.nan, 1e4, -1e4])
    y = gc.input("y", (5,), "float64")
    np.testing.assert_array_equal(run(elementwise.exp_add(x, y), (x, v), (y, v)), [math.inf, 0, math.nan, math.inf, 0])
    np.testing.assert_array_equal(run(elementwise.sign(x), (x, v)), [1, -1, math.nan, 1, -1])
    np.testing.assert_array_equal(run(elementwise.log1mexp(x), (x, v))[[1, 2, 4]], [0, math.nan, 0])
    np.testing.assert_array_equal(run(elementwise.logaddexp(x, y), (x, v), (y, v))[:2], [math.inf, -math.inf])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("function", [elementwise.exp, elementwise.sigmoid, elementwise.square, elementwise.tanh])
def test_short_floats_calculate_in_float32_and_round_once(function: Any, dtype: str) -> None:
    x, wide = gc.input("x", (256,), dtype), gc.input("x", (256,), "float32")
    v = np.linspace(-9, 9, 256).astype(as_dtype(dtype).numpy)
    expected = run(function(wide), (wide, v.astype(np.float32))).astype(v.dtype)
    actual = run(function(x), (x, v))
    assert actual.dtype == v.dtype
    np.testing.assert_array_equal(actual.view(np.uint16), expected.view(np.uint16))


# --- conversion ---


@pytest.mark.parametrize("dtype", [d for d in DTYPES if d.is_integer], ids=str)
def test_floats_saturate_as_integers(dtype: DType) -> None:
    x = gc.input("x", (7,), "float64")
    limits = np.iinfo(dtype.numpy)
    v = np.array([math.nan, math.inf, -math.inf, 1e30, -1e30, 2.9, -0.9])
    expected = [0, limits.max, limits.min, limits.max, limits.min, 2, 0]
    assert run(conversion.cast(x, dtype), (x, v)).tolist() == expected


def test_integers_wrap_as_integers_and_anything_but_zero_is_true() -> None:
    x, f = gc.input("x", (3,), "int64"), gc.input("f", (3,), "float32")
    assert run(conversion.cast(x, "int8"), (x, np.array([300, -129, 5]))).tolist() == [44, 127, 5]
    assert run(conversion.cast(f, "bool"), (f, np.array([0, -0.0, math.nan], np.float32))).tolist() == [
        False,
        False,
        True,
    ]


def test_integer_arithmetic_is_total() -> None:
    x, y = gc.input("x", (5,), "int8"), gc.input("y", (5,), "int8")
    pairs = (x, np.array([-128, 7, -7, -128, 100], np.int8)), (y, np.array([-1, 0, 2, 0, 100], np.int8))
    assert run(x // y, *pairs).tolist() == [-128, 0, -4, 0, 1]
    assert run(x % y, *pairs).tolist() == [0, 0, 1, 0, 0]
    assert run(x * y, *pairs).tolist() == [-128, 0, -14, 0, 16]
    assert run(elementwise.abs(x), *pairs).tolist() == [-128, 7, 7, -128, 100]


def test_shifts_past_the_width() -> None:
    x, y = gc.input("x", (4,), "int8"), gc.input("y", (4,), "int8")
    pairs = (x, np.array([1, -1, 1, -8], np.int8)), (y, np.array([7, 8, 100, 9], np.int8))
    assert run(logic.bitwise_left_shift(x, y), *pairs).tolist() == [-128, 0, 0, 0]
    assert run(logic.bitwise_right_shift(x, y), *pairs).tolist() == [0, -1, 0, -1]


def test_integer_powers_wrap() -> None:
    x, y = gc.input("x", (4,), "uint8"), gc.input("y", (4,), "uint8")
    result = run(
        elementwise.power(x, y),
        (x, np.array([3, 2, 0, 255], np.uint8)),
        (y, np.array([5, 8, 0, 255], np.uint8)),
    )
    assert result.tolist() == [3**5 % 256, 0, 1, pow(255, 255, 256)]


def test_sign_of_unsigned() -> None:
    x = gc.input("x", (2,), "uint8")
    assert run(elementwise.sign(x), (x, np.array([0, 200], np.uint8))).tolist() == [0, 1]


# --- reductions and products ---


def test_sums_are_accurate_along_every_axis() -> None:
    v = np.random.default_rng(0).normal(size=(3000, 2)) * 1e3
    x, f = gc.input("x", v.shape, "float64"), gc.input("f", v.shape, "float32")
    exact = [math.fsum(column) for column in v.T]
    scale = [math.fsum(abs(column)) for column in v.T]
    assert np.all(np.abs(run(conversion.sum(x, 0), (x, v)) - exact) <= 4e-16 * 4 * np.array(scale))
    short = v.astype(np.float32)
    rounded = [np.float32(math.fsum(column.astype(float))) for column in short.T]
    assert run(conversion.sum(f, 0), (f, short)).tolist() == rounded


def test_sum_of_short_floats_rounds_once() -> None:
    x = gc.input("x", (4096,), "float16")
    assert run(conversion.sum(x), (x, np.full(4096, 0.1, np.float16))) == np.float16(4096 * float(np.float16(0.1)))
    b = gc.input("b", (1000,), "bfloat16")
    assert run(conversion.sum(b), (b, np.ones(1000, BF16))) == BF16(1000)


def test_integer_sums_and_products_wrap() -> None:
    x = gc.input("x", (3,), "int8")
    v = np.array([100, 100, 3], np.int8)
    assert run(make(conversion.Sum((0,)), x), (x, v)) == np.int8(203 - 256)
    assert run(make(reduction.Prod((0,)), x), (x, v)) == np.array(30000).astype(np.int8)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_extremes_of_nothing(dtype: DType) -> None:
    x = gc.input("x", (2, 0), dtype)
    if dtype.kind == "b":
        low, high = False, True
    elif dtype.is_float:
        low, high = -math.inf, math.inf
    else:
        low, high = np.iinfo(dtype.numpy).min, np.iinfo(dtype.numpy).max
    empty = np.zeros((2, 0), dtype.numpy)
    assert run(reduction.max(x, 1), (x, empty)).tolist() == [low, low]
    assert run(reduction.min(x, 1), (x, empty)).tolist() == [high, high]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_extremes_propagate_nan(dtype: str) -> None:
    x = gc.input("x", (3,), dtype)
    v = np.array([1, math.nan, 2]).astype(as_dtype(dtype).numpy)
    assert np.isnan(run(reduction.max(x), (x, v))) and np.isnan(run(reduction.min(x), (x, v)))


def test_any_and_all() -> None:
    x = gc.input("x", (2, 2), "bool")
    v = np.array([[True, False], [True, True]])
    assert run(reduction.any(x, 1), (x, v)).tolist() == [True, True]
    assert run(reduction.all(x, 1), (x, v)).tolist() == [False, True]


@pytest.mark.parametrize("dtype", ["int32", "float16", "bfloat16", "float32", "float64"])
def test_matmul(dtype: str) -> None:
    rng = np.random.default_rng(1)
    a, b = (rng.integers(-9, 9, s).astype(as_dtype(dtype).numpy) for s in ((2, 3, 4), (2, 4, 5)))
    x, y = gc.input("x", a.shape, dtype), gc.input("y", b.shape, dtype)
    actual = run(contraction.matmul(x, y), (x, a), (y, b))
    assert actual.dtype == a.dtype
    np.testing.assert_array_equal(actual.astype(float), a.astype(float) @ b.astype(float))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_rows_agree_with_scipy(dtype: str) -> None:
    v = (np.random.default_rng(2).normal(size=(4, 9)) * 5).astype(as_dtype(dtype).numpy)
    x, wide = gc.input("x", v.shape, dtype), v.astype(np.float64)
    unit = float(ml_dtypes.finfo(v.dtype).eps)
    for node, expected in (
        (reduction.softmax(x, 1), scipy.special.softmax(wide, 1)),
        (reduction.log_softmax(x, 1), scipy.special.log_softmax(wide, 1)),
        (reduction.logsumexp(x, 0), scipy.special.logsumexp(wide, 0)),
        (reduction.mean(x, 0), wide.mean(0)),
    ):
        actual = run(node, (x, v))
        assert actual.dtype == v.dtype
        np.testing.assert_allclose(actual.astype(float), expected, rtol=8 * unit, atol=4 * unit)


def test_rows_without_mass_and_infinite_rows() -> None:
    x = gc.input("x", (2, 3), "float32")
    v = np.array([[-math.inf] * 3, [math.inf, 1, math.inf]], np.float32)
    np.testing.assert_array_equal(run(reduction.softmax(x, 1), (x, v)), [[0, 0, 0], [0.5, 0, 0.5]])
    np.testing.assert_array_equal(run(reduction.logsumexp(x, 1), (x, v)), [-math.inf, math.inf])


def test_positions_of_extremes() -> None:
    x = gc.input("x", (3, 4), "float32")
    v = np.array([[1, 5, 5, 0], [2, math.nan, 3, math.nan], [-1, -1, -2, -2]], np.float32)
    np.testing.assert_array_equal(run(reduction.argmax(x, 1), (x, v)), np.argmax(v, 1))
    np.testing.assert_array_equal(run(reduction.argmin(x, 1), (x, v)), np.argmin(v, 1))


# --- movement and indices ---


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_movement_changes_no_bit(dtype: DType) -> None:
    x = gc.input("x", (3, 4), dtype)
    v = np.arange(12).reshape(3, 4).astype(dtype.numpy)
    for node, expected in (
        (movement.transpose(x), v.T),
        (x[2:0:-1, ::2], v[2:0:-1, ::2]),
        (x[:, None, 1], v[:, None, 1]),
        (movement.pad(x, 1), np.pad(v, 1)),
        (movement.concat([x, x], 1), np.concatenate([v, v], 1)),
        (conversion.broadcast_to(x, (2, 3, 4)), np.broadcast_to(v, (2, 3, 4))),
        (conversion.reshape(x, (2, -1)), v.reshape(2, -1)),
        (indexing.take(x, np.array([[-1, 0]]), 1), np.take(v, [[-1, 0]], 1)),
    ):
        actual = run(node, (x, v))
        assert actual.dtype == v.dtype
        assert actual.tobytes() == np.ascontiguousarray(expected).tobytes()


def test_scatters_add_up_repeated_indices() -> None:
    g, i = gc.input("g", (3, 2), "float32"), gc.input("i", (3,), "int32")
    v, at = np.arange(6, dtype=np.float32).reshape(3, 2), np.array([1, -1, 1], np.int32)
    expected = np.zeros((4, 2), np.float32)
    np.add.at(expected, at, v)
    np.testing.assert_array_equal(run(make(indexing.ScatterAdd(0, 4), g, i), (g, v), (i, at)), expected)


def test_index_out_of_bounds_names_the_node() -> None:
    x, i = gc.input("x", (3,)), gc.input("i", (2,), "int64")
    with pytest.raises(IndexOutOfBounds, match=r"index 3 is out of bounds.*\n.*%take"):
        run(indexing.take(x, i), (x, np.zeros(3, np.float32)), (i, np.array([0, 3])))


def test_positions_and_extents() -> None:
    assert run(position.iota(4, "bfloat16")).tolist() == [0, 1, 2, 3]
    assert run(position.iota(300, "uint8"))[256:258].tolist() == [0, 1]
