"""Operators, broadcasting, NumPy's functions and reductions against NumPy, through the reference interpreter."""

import operator
import warnings

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings

import graphc as gc
from graphc.interpret import evaluate_nodes


def run(function, *arrays):
    """The value and dtype of a function of symbolic arrays, for given arrays."""
    xs = [gc.input(f"x{i}", np.shape(a), np.asarray(a).dtype) for i, a in enumerate(arrays)]
    node = function(*xs)
    (value,) = evaluate_nodes([node], dict(zip(xs, map(np.asarray, arrays), strict=True)))
    assert value.shape == node.shape
    assert value.dtype == node.dtype.numpy
    return value


def same_as_numpy(function, *arrays, rtol=1e-6):
    """The function gives the same on symbolic arrays as on NumPy's, dtype and shape included."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", gc.PromotionWarning)
        expected = np.asarray(function(*arrays))
        found = run(function, *arrays)
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    np.testing.assert_allclose(found.astype(np.float64), expected.astype(np.float64), rtol=rtol)


FLOATS = np.array([-2.5, -1.0, -0.0, 0.0, 0.5, 1.0, 3.0, 7.25], np.float32)
INTEGERS = np.array([-128, -3, -1, 0, 1, 2, 5, 127], np.int8)
NATURALS = np.array([0, 1, 2, 3, 7, 100, 200, 255], np.uint8)
TRUTHS = np.array([True, False, True, True, False, False, True, False])

ARITHMETIC = [operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod]
COMPARISONS = [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne]
BITWISE = [operator.and_, operator.or_, operator.xor]


def others():
    """What stands beside a symbolic array: numbers of Python and NumPy, arrays and lists."""
    return [2, 3.0, np.float32(2.5), np.float64(2.5), np.int64(3), np.arange(1.0, 9.0), np.arange(1, 9, dtype=np.int16)]


@pytest.mark.parametrize("operation", [*ARITHMETIC, *COMPARISONS], ids=lambda f: f.__name__)
@pytest.mark.parametrize("other", others(), ids=lambda v: f"{type(v).__name__}")
@pytest.mark.parametrize("array", [FLOATS, INTEGERS, NATURALS, FLOATS.astype(np.float64)], ids=lambda a: str(a.dtype))
def test_operators_with_numbers_and_arrays_on_either_side(operation, other, array):
    same_as_numpy(lambda x: operation(x, other), array)
    nonzero = np.where(array == 0, np.ones_like(array), array)  # integers divided by 0 are 0 here, too
    same_as_numpy(lambda x: operation(other, x), nonzero)


@pytest.mark.parametrize("operation", [*ARITHMETIC, *COMPARISONS], ids=lambda f: f.__name__)
@pytest.mark.parametrize("array", [FLOATS, INTEGERS, NATURALS], ids=lambda a: str(a.dtype))
def test_operators_of_two_arrays(operation, array):
    nonzero = np.where(array == 0, np.ones_like(array), array)
    same_as_numpy(operation, array, nonzero[::-1].copy())


@pytest.mark.parametrize("operation", BITWISE, ids=lambda f: f.__name__)
def test_logic(operation):
    same_as_numpy(operation, TRUTHS, TRUTHS[::-1].copy())
    same_as_numpy(lambda x: operation(x, True), TRUTHS)
    same_as_numpy(lambda x: operation(False, x), TRUTHS)
    same_as_numpy(lambda x: operation(TRUTHS, x), TRUTHS[::-1].copy())
    for array in (INTEGERS, NATURALS):
        same_as_numpy(operation, array, array[::-1].copy())
        same_as_numpy(lambda x: operation(x, 5), array)
        same_as_numpy(lambda x, array=array: operation(array, x), array[::-1].copy())


def test_unary_operators():
    for array in (FLOATS, INTEGERS):
        for operation in (operator.neg, operator.pos, abs):
            same_as_numpy(operation, array)
    for array in (INTEGERS, NATURALS, TRUTHS):
        same_as_numpy(operator.invert, array)


def test_shifts():
    for array in (INTEGERS, NATURALS):
        same_as_numpy(lambda x: x << 2, array)
        same_as_numpy(lambda x: x >> 3, array)


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, 0.5, -1.0, 2.5], ids=repr)
def test_powers(exponent):
    same_as_numpy(lambda x: x**exponent, np.abs(FLOATS) + 1)
    if isinstance(exponent, int):
        same_as_numpy(lambda x: x**exponent, INTEGERS)
    same_as_numpy(lambda x: 2.0**x, FLOATS)


def test_numpys_numbers_keep_their_dtype_on_either_side():
    x = gc.input("x", (3,))
    assert (x * np.float64(2)).dtype is (np.float64(2) * x).dtype is gc.float64
    assert (x * np.float32(2)).dtype is (np.float32(2) * x).dtype is gc.float32
    assert (x * 2.0).dtype is (2.0 * x).dtype is gc.float32


# --- broadcasting ---

SHAPES = hnp.mutually_broadcastable_shapes(num_shapes=3, max_dims=4, max_side=3)


@settings(max_examples=60, deadline=None)
@given(SHAPES)
def test_operands_broadcast_as_in_numpy(shapes):
    arrays = [np.arange(np.prod(s), dtype=np.float64).reshape(s) for s in shapes.input_shapes]
    same_as_numpy(lambda x, y, z: x + y * z, *arrays)
    same_as_numpy(lambda x, y, z: np.where(x < y, y, z), *arrays)
    for i, found in enumerate(run_all(lambda *xs: gc.broadcast_arrays(*xs), *arrays)):
        np.testing.assert_array_equal(found, np.broadcast_arrays(*arrays)[i])


def run_all(function, *arrays):
    xs = [gc.input(f"x{i}", a.shape, a.dtype) for i, a in enumerate(arrays)]
    return evaluate_nodes(function(*xs), dict(zip(xs, arrays, strict=True)))


@settings(max_examples=60, deadline=None)
@given(hnp.array_shapes(max_dims=3, max_side=4), hnp.array_shapes(max_dims=3, max_side=4))
def test_what_does_not_broadcast_is_an_error_as_in_numpy(a, b):
    x, y = gc.input("x", a), gc.input("y", b)
    try:
        expected = np.broadcast_shapes(a, b)
    except ValueError:
        with pytest.raises(gc.errors.ShapeError, match=r"%x: .*\n.*%y: .*\n.*at test_sugar\.py"):
            x + y
    else:
        assert (x + y).shape == expected


def test_named_dimensions_broadcast_with_themselves_and_with_one():
    x, y = gc.input("x", ("n", 3)), gc.input("y", ("m", 3))
    assert str((x + gc.input("a", (1, 3)) + gc.input("b", (3,))).type) == "f32[n,3]"
    with pytest.raises(gc.errors.ShapeError, match="n and m differ"):
        x + y


def test_a_size_is_a_number_in_formulas():
    x = gc.input("x", ("n", 3))
    n = x.shape[0]
    for node, dtype in [(x.sum() / n, "f32"), (n * x, "f32"), (n + gc.input("k", (2,), "int8"), "i8"), (x**n, "f32")]:
        assert str(node.dtype) == dtype
    mean = evaluate_nodes([gc.sum(x, axis=0) / n, 1 / gc.cast(n, "float64")], {x: np.ones((4, 3), np.float32)})
    np.testing.assert_array_equal(mean[0], [1, 1, 1])
    assert mean[1] == 0.25


# --- reductions ---

TABLE = np.random.default_rng(0).normal(size=(2, 3, 4))
AXES = [None, 0, 1, -1, (0, 2), (-1, 0), (0, 1, 2), ()]


@pytest.mark.parametrize("axis", AXES, ids=repr)
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("name", ["sum", "prod", "max", "min", "mean", "var", "std"])
def test_reductions_over_axes(name, axis, keepdims):
    same_as_numpy(lambda x: getattr(np, name)(x, axis=axis, keepdims=keepdims), TABLE, rtol=1e-12)
    own = getattr(gc, name)
    np.testing.assert_allclose(
        run(lambda x: own(x, axis, keepdims=keepdims), TABLE), getattr(np, name)(TABLE, axis, keepdims=keepdims)
    )


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 1)], ids=repr)
@pytest.mark.parametrize("name", ["any", "all"])
def test_any_and_all(name, axis):
    for array in (TRUTHS.reshape(2, 4), np.array([[0.0, 0.0, 3.0], [0.0, 0.0, np.nan]])):
        same_as_numpy(lambda x: getattr(np, name)(x, axis=axis), array)


@pytest.mark.parametrize("dtype", ["bool", "int8", "int32", "uint8", "uint32", "float32"])
@pytest.mark.parametrize("name", ["sum", "prod", "mean", "max", "min", "var"])
def test_dtypes_of_reductions(name, dtype):
    if name in ("var", "max", "min") and dtype == "bool":
        return
    same_as_numpy(lambda x: getattr(np, name)(x), np.array([100, 27, 120, 3]).astype(dtype))


def test_sums_of_small_integers_do_not_wrap():
    assert run(gc.sum, np.full(1000, 127, np.int8)) == 127_000
    assert run(gc.sum, np.full(1000, 255, np.uint8)) == 255_000
    assert run(gc.sum, np.ones(300, bool)) == 300


@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_positions_with_ties_and_nan(name):
    array = np.array(
        [[1.0, 3.0, 3.0, 1.0], [np.nan, 1.0, np.nan, 9.0], [0.0, -0.0, 0.0, 0.0], [np.inf, -np.inf, 0, np.inf]]
    )
    for axis in (None, 0, 1, -1):
        same_as_numpy(lambda x, axis=axis: getattr(np, name)(x, axis=axis), array)
        same_as_numpy(lambda x, axis=axis: getattr(np, name)(x, axis=axis, keepdims=True), array)
    same_as_numpy(lambda x: getattr(np, name)(x, axis=1), np.array([[3, 7, 7, 1], [0, 0, 0, 0]], np.int8))


def test_reductions_of_nothing():
    empty = np.zeros((0, 3), np.float32)
    for name in ("sum", "prod", "any", "all"):
        same_as_numpy(lambda x, name=name: getattr(np, name)(x, axis=0), empty)
    np.testing.assert_array_equal(run(lambda x: gc.max(x, axis=0), empty), [-np.inf] * 3)
    np.testing.assert_array_equal(run(lambda x: gc.min(x, axis=0), empty), [np.inf] * 3)
    assert np.isnan(run(gc.mean, empty))
    for name in ("argmax", "argmin"):
        with pytest.raises(gc.errors.AxisError, match=rf"{name}: .*empty"):
            getattr(gc, name)(gc.input("x", (0, 3)), axis=0)


def test_variance_with_a_correction_and_without_cancellation():
    same_as_numpy(lambda x: np.var(x, axis=1, correction=1), TABLE)
    big = 1e8 + np.array([0.0, 1.0, 2.0])
    np.testing.assert_allclose(run(gc.var, big), 2 / 3)


# --- functions ---


def test_shapes_change_as_in_numpy():
    array = np.arange(24.0).reshape(2, 3, 4)
    for shape in [(6, 4), (-1,), -1, (4, -1), (2, -1, 2), 24, (1, 24, 1)]:
        same_as_numpy(lambda x, shape=shape: np.reshape(x, shape), array)
    for axes in [None, (2, 0, 1), (-1, 0, 1)]:
        same_as_numpy(lambda x, axes=axes: np.transpose(x, axes), array)
    for axis in [None, 0, (0, -1)]:
        same_as_numpy(lambda x, axis=axis: np.flip(x, axis), array)
    for widths in [1, (1, 2), ((1, 0), (0, 2), (3, 3)), 0]:
        same_as_numpy(lambda x, widths=widths: np.pad(x, widths), array)
    same_as_numpy(lambda x: x.mT, array)
    same_as_numpy(lambda x: x.T, array[0])
    np.testing.assert_array_equal(run(lambda x: x.reshape(6, -1), array), array.reshape(6, -1))


def test_named_sizes_reshape():
    x = gc.input("x", ("n", 4, 6))
    assert str(x.reshape(-1).type) == "f32[24*n]"
    assert str(x.reshape((-1, 8)).type) == "f32[3*n,8]"
    assert str(x.reshape(("n", -1)).type) == "f32[n,24]"
    assert str(x.reshape((3, -1)).type) == "f32[3,8*n]"
    with pytest.raises(gc.errors.ShapeError, match=r"reshape: .*cannot be divided by .7"):
        x.reshape((7, -1))


def test_arrays_are_joined_as_in_numpy():
    a, b = np.ones((2, 3), np.float32), np.arange(3.0).reshape(1, 3)
    same_as_numpy(lambda x, y: np.concatenate([x, y]), a, b)
    same_as_numpy(lambda x, y: np.concatenate([x, y], axis=None), a, b)
    same_as_numpy(lambda x: np.concatenate([x, a, x], axis=-1), a)
    same_as_numpy(lambda x: np.stack([x, x * 2, a], axis=1), a)
    same_as_numpy(lambda x: np.stack([x, x], axis=-1), a)


def test_limits_and_choices():
    same_as_numpy(lambda x: np.clip(x, -1, 2), FLOATS)
    same_as_numpy(lambda x: np.clip(x, None, 2.0), FLOATS)
    same_as_numpy(lambda x: np.clip(x, 0, None), FLOATS)
    same_as_numpy(lambda x: np.where(x > 0, x, 0), FLOATS)
    same_as_numpy(lambda x: np.where(x > 0, 1, 2), FLOATS)
    same_as_numpy(lambda x: np.maximum(x, 1), FLOATS)
    assert run(gc.relu, FLOATS).tolist() == np.maximum(FLOATS, 0).tolist()


def test_elements_at_indices():
    array, indices = np.arange(12.0).reshape(3, 4), np.array([[0, -1], [2, -3]])
    for axis in (None, 0, 1, -1):
        same_as_numpy(lambda x, i, axis=axis: np.take(x, i, axis=axis), array, indices)
    along = np.array([[0, -1, 3], [2, 2, 2], [-4, 1, 0]])
    same_as_numpy(lambda x, i: np.take_along_axis(x, i, axis=1), array, along)
    same_as_numpy(lambda x: np.take_along_axis(x, along[:, :1], axis=1), array)
    np.testing.assert_array_equal(
        run(lambda i: gc.one_hot(i, 3), np.array([[0, 2], [1, 5]])), [[[1, 0, 0], [0, 0, 1]], [[0, 1, 0], [0, 0, 0]]]
    )


@pytest.mark.parametrize(
    ("a", "b"), [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)),
                 ((2, 3), (5, 3, 4)), ((5, 1, 2, 3), (4, 3, 2)), ((0, 3), (3, 2)), ((2, 0), (0, 3))],
)  # fmt: skip
def test_products_of_matrices(a, b):
    x, y = np.random.default_rng(0).normal(size=a), np.random.default_rng(1).normal(size=b)
    same_as_numpy(lambda u, v: u @ v, x, y, rtol=1e-12)
    same_as_numpy(lambda u: u @ y, x, rtol=1e-12)
    same_as_numpy(lambda v: x @ v, y, rtol=1e-12)
    same_as_numpy(np.matmul, (x * 9).astype(np.int32), (y * 9).astype(np.int32))


def test_casts():
    for dtype in ("float64", "int8", "bool", "uint16"):
        same_as_numpy(lambda x, dtype=dtype: x.astype(dtype), np.array([0.0, 1.9, 100.0]))
    assert run(lambda x: x.astype("int8"), np.array([1e9, -1e9, np.nan])).tolist() == [127, -128, 0]


UNARY = [
    "exp",
    "expm1",
    "log",
    "log1p",
    "sqrt",
    "sin",
    "cos",
    "tan",
    "tanh",
    "floor",
    "ceil",
    "trunc",
    "rint",
    "square",
]
UNARY += ["absolute", "negative", "positive", "sign", "isnan", "isinf", "isfinite"]


@pytest.mark.parametrize("name", UNARY)
def test_numpys_functions_of_one_operand(name):
    special = np.array([-np.inf, -1.5, -0.0, 0.0, 0.5, 2.5, np.inf, np.nan], np.float32)
    same_as_numpy(getattr(np, name), special)


@pytest.mark.parametrize(
    "name", ["add", "subtract", "multiply", "divide", "power", "maximum", "minimum", "logaddexp", "mod"]
)
def test_numpys_functions_of_two_operands(name):
    same_as_numpy(getattr(np, name), np.abs(FLOATS) + 1, np.abs(FLOATS[::-1]) + 0.5)
    same_as_numpy(lambda x: getattr(np, name)(np.float64(2), x), np.abs(FLOATS) + 1)


@pytest.mark.parametrize(
    "function",
    [
        np.fft.fft,
        np.partition,
        np.linalg.tensorinv,
        np.gcd,
        np.heaviside,
        np.add.reduce,
        lambda x, *_: np.exp(x, out=np.zeros(3)),
        lambda x, *_: np.add(x, 1, where=np.ones(3, bool)),
        lambda x, *_: np.sum(x, out=np.zeros(())),
        lambda x, *_: np.ones(3).__iadd__(x),
    ],
)
def test_what_has_no_counterpart_is_a_type_error(function):
    x = gc.input("x", (3,))
    with pytest.raises(TypeError):
        function(x, x) if function in (np.gcd, np.heaviside) else function(x)


def test_a_node_is_no_array():
    x = gc.input("x", (3,))
    for function in (
        np.asarray,
        np.array,
        lambda v: np.array([v, v]),
        float,
        int,
        lambda v: np.add(np.zeros(2), [v, v]),
    ):
        with pytest.raises(TypeError):
            function(x)


def test_nodes_are_unpacked_and_counted():
    x = gc.input("x", (3, 2))
    a, b, c = x
    assert (a, c) == (x[0], x[2]) or (a is x[0] and c is x[2])
    assert len(x) == 3
    assert str(b.type) == "f32[2]"
    for question in (bool, iter, len):
        with pytest.raises((gc.errors.GraphError, TypeError), match="known"):
            question(gc.input("x", ("n",)))


def test_filled_arrays():
    assert str(gc.zeros(("n", 2)).type) == "f32[n,2]"
    x = gc.input("x", ("n",))
    (value,) = evaluate_nodes([gc.ones(("n", 2), "int8") * 3], {x: np.zeros(4)}, {"n": 4})
    np.testing.assert_array_equal(value, np.full((4, 2), 3, np.int8))
    np.testing.assert_array_equal(evaluate_nodes([gc.full((2,), 2.5)], {})[0], [2.5, 2.5])
    np.testing.assert_array_equal(evaluate_nodes([gc.iota(4, "uint8")], {})[0], np.arange(4))
