"""Dtypes and promotion against NumPy 2, and the shapes that users may give."""

import itertools
import pickle
import warnings

import ml_dtypes
import numpy as np
import pytest

import graphc as gc
from graphc.ops.conversion import promoted
from graphc.types import DTYPES, as_dtype, as_shape, promote, weak_dtype

OF_NUMPY = [dtype for dtype in DTYPES if dtype is not gc.bfloat16]
PAIRS = list(itertools.product(OF_NUMPY, repeat=2))


def quietly(function, *args):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gc.PromotionWarning)
        return function(*args)


@pytest.mark.parametrize(("a", "b"), PAIRS, ids=str)
def test_arrays_promote_as_in_numpy(a, b):
    assert promote(a, b).numpy == np.result_type(a.numpy, b.numpy)


@pytest.mark.parametrize("number", [1, 1.0, True], ids=repr)
@pytest.mark.parametrize("dtype", OF_NUMPY, ids=str)
def test_python_numbers_are_weak_as_in_numpy(dtype, number):
    assert weak_dtype(number, dtype).numpy == np.result_type(dtype.numpy, type(number)(1))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_bfloat16_stays_or_widens_to_what_holds_both(dtype):
    result = promote(gc.bfloat16, dtype)
    assert result is promote(dtype, gc.bfloat16)
    assert result.is_float
    if dtype.is_float or dtype.bits <= 8:
        assert np.can_cast(dtype.numpy, result.numpy, "safe") or dtype.numpy == result.numpy
    expected = {
        "f16": "f32",
        "f32": "f32",
        "f64": "f64",
        "i16": "f32",
        "u16": "f32",
        "i32": "f64",
        "i64": "f64",
    }
    assert str(result) == expected.get(str(dtype), "bf16" if dtype.bits <= 16 else "f64")


def test_promotion_does_not_depend_on_the_order_of_three_operands_where_numpys_does_not():
    for dtypes in itertools.product(OF_NUMPY, repeat=3):
        found = {promote(*order) for order in itertools.permutations(dtypes)}
        expected = {
            np.result_type(np.result_type(a.numpy, b.numpy), c.numpy) for a, b, c in itertools.permutations(dtypes)
        }
        assert {d.numpy for d in found} == expected


@pytest.mark.parametrize(("a", "b"), PAIRS, ids=str)
def test_a_float_wider_than_the_operands_floats_comes_with_a_warning(a, b):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = promoted(a, b)
    widest = max((d.bits for d in (a, b) if d.is_float), default=0)
    surprising = a is not b and result.is_float and result.bits > widest and not (a.is_float and b.is_float)
    assert bool(caught) == surprising
    assert all(w.category is gc.PromotionWarning for w in caught)
    assert all(a.name in str(w.message) and result.name in str(w.message) for w in caught)


def test_the_warning_points_at_the_users_line():
    x, n = gc.input("x", (3,), "float32"), gc.input("n", (3,), "int32")
    with pytest.warns(gc.PromotionWarning, match="float32 with int32 gives float64") as caught:
        assert (x + n).dtype is gc.float64
    assert caught[0].filename == __file__


def test_functions_of_floats_widen_integers_as_in_numpy():
    for dtype in OF_NUMPY:
        node = quietly(gc.exp, gc.input("x", (2,), dtype))
        with np.errstate(over="ignore"):
            assert node.dtype.numpy == np.exp(np.ones(2, dtype.numpy)).dtype


@pytest.mark.parametrize(("a", "b"), PAIRS, ids=str)
def test_true_division_as_in_numpy(a, b):
    node = quietly(lambda: gc.input("x", (2,), a) / gc.input("y", (2,), b))
    expected = np.true_divide(np.ones(2, a.numpy), np.ones(2, b.numpy)).dtype
    if np.result_type(a.numpy, b.numpy).itemsize == 1:
        assert node.dtype is gc.float64  # NumPy divides small integers in float64 too, bool included
    assert node.dtype.numpy == expected


@pytest.mark.parametrize("value", [128, -129, 1 << 70])
def test_an_integer_that_does_not_fit_is_an_error_as_in_numpy(value):
    with pytest.raises(OverflowError):
        np.ones(2, np.int8) + value
    with pytest.raises(gc.errors.DTypeError, match=f"{value} does not fit into int8.*\n.*\n.*test_types"):
        gc.input("x", (2,), "int8") + value


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("float32", gc.float32),
        ("f32", gc.float32),
        ("bf16", gc.bfloat16),
        (np.float64, gc.float64),
        (float, gc.float64),
        (bool, gc.bool_),
        (np.dtype(">f4"), gc.float32),
        (ml_dtypes.bfloat16, gc.bfloat16),
        (gc.int8, gc.int8),
    ],
    ids=str,
)
def test_names_of_dtypes(given, expected):
    assert as_dtype(given) is expected


@pytest.mark.parametrize("given", ["complex64", np.complex128, "str", object, "M8[s]", "nonsense", 17, [("a", int)]])
def test_what_is_no_dtype(given):
    with pytest.raises(gc.errors.DTypeError, match="is not a dtype of graphc") as caught:
        as_dtype(given)
    assert "bfloat16" in caught.value.help


def test_a_dtype_stays_itself_through_pickle():
    assert all(pickle.loads(pickle.dumps(dtype)) is dtype for dtype in DTYPES)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ((), "f32[]"),
        (3, "f32[3]"),
        ("n", "f32[n]"),
        ((2, "n"), "f32[2,n]"),
        (("2*n-1", np.int64(4)), "f32[2*n-1,4]"),
    ],
)
def test_shapes(given, shown):
    assert str(gc.input("x", given).type) == shown


@pytest.mark.parametrize("given", [-1, "-1", "2-3", 2.0, True, (2, None), ("",), "a b", "1//0", ("n", "n+"), b"n", 1j])
def test_what_is_no_shape(given):
    with pytest.raises(gc.errors.ShapeError, match=r"input: .*\n.*test_types\.py"):
        gc.input("x", given)


@pytest.mark.parametrize("name", ["i0", "j1", "v3", "ok2", "2*i12"])
def test_names_of_loop_variables_are_no_dimensions(name):
    with pytest.raises(gc.errors.ShapeError, match=f"cannot be named '{name.removeprefix('2*')}'"):
        gc.input("x", (name,))
    assert as_shape(("i", "index0", "v", "okay1", "ok"))


def test_a_type_knows_its_size_and_its_names():
    type_ = gc.input("x", ("n", 2, "n+m")).type
    assert str(type_.size) == "2*m*n+2*n*n"
    assert type_.symbols == {"m", "n"}
    assert type_.concrete_shape({"n": 3, "m": 4}) == (3, 2, 7)
    with pytest.raises(KeyError, match="m"):
        type_.concrete_shape({"n": 3})
