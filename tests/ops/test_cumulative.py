"""Running totals against NumPy and JAX's definitions: values, all targets, derivatives at zeros and infinities."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import graphc as gc
from graphc.interpret import evaluate_nodes
from graphc.testing import assert_targets_agree
from tests.ops.differences import check_derivatives

NUMPY = {
    "cumsum": np.add.accumulate,
    "cumprod": np.multiply.accumulate,
    "cummax": np.maximum.accumulate,
    "cummin": np.minimum.accumulate,
    "logcumsumexp": np.logaddexp.accumulate,
}
TARGETS = ("llvm", "cuda-emulator")
SPECIAL = [0.0, -0.0, 1.0, -2.5, np.inf, -np.inf, np.nan, 1e-300, 800.0]


def accumulated(name, x, axis, reverse):
    with np.errstate(all="ignore"):
        x = np.flip(x, axis) if reverse else x
        y = NUMPY[name](x, axis)
        return np.flip(y, axis) if reverse else y


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_values_are_those_of_numpy(data):
    name, reverse = data.draw(st.sampled_from(sorted(NUMPY))), data.draw(st.booleans())
    shape = tuple(data.draw(st.lists(st.integers(0, 4), min_size=1, max_size=3)))
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    size = int(np.prod(shape))
    values = st.one_of(st.floats(-5, 5), st.sampled_from(SPECIAL))
    array = np.array(data.draw(st.lists(values, min_size=size, max_size=size))).reshape(shape)
    x = gc.input("x", shape, "float64")
    (found,) = evaluate_nodes([getattr(gc, name)(x, axis, reverse=reverse)], {x: array})
    np.testing.assert_allclose(found, accumulated(name, array, axis, reverse), rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("name", NUMPY)
def test_targets_on_named_dimensions(name, reverse):
    x = gc.input("x", ("n", "m"), "float32")
    nodes = [getattr(gc, name)(x * 2, a, reverse=reverse) for a in (0, 1, None)]
    nodes.append(gc.grad(gc.sum(gc.sin(nodes[1])), x))
    for shape in [(3, 5), (1, 1), (0, 2), (2, 0), (9, 33)]:
        array = np.random.default_rng(0).normal(size=shape).astype("f4")
        assert_targets_agree(((x,), nodes), [array], targets=TARGETS if shape[1] < 9 else ("llvm",))


@pytest.mark.parametrize("name", ["first", "step", "i", "source"])
def test_dimensions_of_any_name(name):
    """Kernels have loop variables of their own."""
    x = gc.input("x", (name,), "float64")
    total = gc.cumsum(x)
    assert_targets_agree(((x,), [total, total]), [np.arange(7.0)], targets=TARGETS)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "int8", "uint32", "bool"])
def test_dtypes(dtype):
    x = gc.input("x", (4, 3), dtype)
    nodes = [gc.cumsum(x, 0), gc.cumprod(x, 1), gc.cummax(x, 0), gc.cummin(x, 1, reverse=True)]
    assert [n.dtype.name for n in nodes] == [
        *[{"int8": "int64", "uint32": "uint64", "bool": "int64"}.get(dtype, dtype)] * 2,
        *[dtype] * 2,
    ]
    array = np.random.default_rng(1).integers(0, 3, (4, 3)).astype(gc.types.as_dtype(dtype).numpy)
    (f, _) = assert_targets_agree(((x,), nodes), [array], targets=TARGETS)
    np.testing.assert_array_equal(f(array)[0].astype(float), np.cumsum(array.astype(float), 0))
    np.testing.assert_array_equal(f(array)[3], np.flip(np.minimum.accumulate(np.flip(array, 1), 1), 1))


def test_sums_of_16_bit_floats_are_kept_in_float32():
    x = gc.input("x", (3000,), "float16")
    (found,) = evaluate_nodes([gc.cumsum(x)], {x: np.ones(3000, "f2")})
    assert found[-1] == 3000  # steps of 1 are lost from 2048 on


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("name", [*NUMPY, "linear_recurrence"])
def test_derivatives(name, reverse):
    x = gc.input("x", (2, 5), "float64")
    if name == "linear_recurrence":
        a = gc.input("a", (2, 5), "float64")
        y, inputs = gc.linear_recurrence(a, x, 1, reverse=reverse), [x, a]
    else:
        y, inputs = getattr(gc, name)(x, 1, reverse=reverse), [x]
    random = np.random.default_rng(2)
    cost = gc.sum(gc.sin(y) * random.normal(size=(2, 5)))
    check_derivatives(cost, inputs, [random.normal(size=(2, 5)) for _ in inputs])


@pytest.mark.parametrize("zeros", [[1], [0, 3], [2, 2], [0, 1, 2, 3, 4], [1, 2, 4]])
def test_derivatives_of_products_with_zeros(zeros):
    x = gc.input("x", (5,), "float64")
    at = np.array([1.5, -2.0, 0.5, 3.0, -1.0])
    at[zeros] = 0
    for reverse in (False, True):
        cost = gc.sum(gc.cumprod(x, reverse=reverse) * np.array([1.0, -2.0, 3.0, 0.7, 2.0]))
        check_derivatives(gc.sin(cost), [x], [at])


def test_logcumsumexp_with_infinities():
    x = gc.input("x", (6,), "float64")
    at = np.array([-np.inf, -np.inf, 1.0, -np.inf, 2.0, 1e3])
    y = gc.logcumsumexp(x)
    weights = np.array([0.0, 0.0, 1.0, 2.0, 3.0, 4.0])
    first = gc.grad(gc.sum(y * weights), x)
    second = gc.grad(gc.sum(first * np.arange(6.0)), x)
    found = evaluate_nodes([y, first, second], {x: at})
    share = 1 / (1 + np.exp(1.0))
    np.testing.assert_allclose(found[0], [-np.inf, -np.inf, 1, 1, 2 + np.log1p(np.exp(-1)), 1000])
    np.testing.assert_allclose(found[1], [0, 0, 3 + 3 * share, 0, 3 * (1 - share), 4], rtol=1e-14)
    curvature = 3 * share * (1 - share) * (2 - 4)
    np.testing.assert_allclose(found[2], [0, 0, curvature, 0, -curvature, 0], atol=1e-14)


def test_logcumsumexp_keeps_the_digits_of_small_results():
    x = gc.input("x", (2,), "float64")
    (found,) = evaluate_nodes([gc.logcumsumexp(x)], {x: np.array([0.0, -60.0])})
    np.testing.assert_allclose(found, [0, np.exp(-60.0)], rtol=1e-14)


def test_extremes_belong_to_the_first_of_equal_elements():
    x = gc.input("x", (5,), "float64")
    weights = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
    for y, expected in [
        (gc.cummax(x), [3, 0, 28, 0, 0]),
        (gc.cummax(x, reverse=True), [0, 0, 0, 15, 16]),
        (gc.cummin(x), [1, 30, 0, 0, 0]),
    ]:
        slope = gc.grad(gc.sum(y * weights), x)
        at = np.array([1.0, 1.0, 2.0, 2.0, 0.0]) if expected[1] == 0 else np.array([1.0, -1.0, -1.0, 2.0, 0.0])
        np.testing.assert_array_equal(evaluate_nodes([slope], {x: at})[0], expected)


def test_forms_of_the_standard():
    x = gc.input("x", (2, 3), "int8")
    array = np.arange(6, dtype=np.int8).reshape(2, 3)
    for node, expected in [
        (gc.cumulative_sum(x, axis=1), np.cumulative_sum(array, axis=1)),
        (gc.cumulative_sum(x, axis=0, include_initial=True), np.cumulative_sum(array, axis=0, include_initial=True)),
        (
            gc.cumulative_prod(x, axis=-1, include_initial=True),
            np.cumulative_prod(array, axis=-1, include_initial=True),
        ),
        (gc.cumulative_sum(x, axis=1, dtype="float32"), np.cumulative_sum(array, axis=1, dtype="f4")),
        (gc.cumulative_sum(x[0]), np.cumulative_sum(array[0])),
        (np.cumsum(x), np.cumsum(array)),
        (gc.cumulative_sum(x[0], include_initial=True, reverse=True), [3, 3, 2, 0]),
    ]:
        (found,) = evaluate_nodes([node], {x: array})
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == getattr(expected, "dtype", np.int64)
    for error, call in [
        (gc.AxisError, lambda: gc.cumulative_sum(x)),
        (gc.AxisError, lambda: gc.cumsum(x, 2)),
        (gc.AxisError, lambda: gc.cummax(x, (0, 1))),
        (gc.ShapeError, lambda: gc.linear_recurrence(x, gc.input("b", (4,), "int8"))),
    ]:
        with pytest.raises(error, match=r"test_cumulative\.py"):
            call()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 3), st.integers(-2, 1), st.booleans(), st.booleans(), st.sampled_from(["float64", "bool"]))
def test_differences(n, axis, prepend, append, dtype):
    array = np.random.default_rng(n).integers(0, 2, (3, 4)).astype(dtype)
    x = gc.input("x", (3, 4), dtype)
    given = {"prepend": array[:, :1] if axis % 2 else array[:1]} if prepend else {}
    given |= {"append": array.dtype.type(1)} if append else {}
    (found,) = evaluate_nodes([gc.diff(x, n, axis, **given)], {x: array})
    np.testing.assert_array_equal(found, np.diff(array, n, axis, **given))
