"""Sorting, quantiles, different elements, masks and segments against NumPy: values, targets, derivatives, errors."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import graphc as gc
from graphc.interpret import evaluate_nodes
from graphc.testing import assert_targets_agree
from tests.ops.differences import check_derivatives

TARGETS = ("llvm", "cuda-emulator")
VALUES = [0.0, -0.0, 1.0, -2.5, 3.0, np.inf, -np.inf, np.nan]


@st.composite
def arrays(draw, ndim=3):
    shape = tuple(draw(st.lists(st.integers(0, 4), min_size=1, max_size=ndim)))
    size = int(np.prod(shape))
    return np.array(draw(st.lists(st.sampled_from(VALUES), min_size=size, max_size=size)), float).reshape(shape)


def values_of(nodes, x, array):
    return evaluate_nodes(nodes, {x: array})


@settings(max_examples=150, deadline=None)
@given(arrays(), st.data())
def test_sorting(array, data):
    axis = data.draw(st.integers(-array.ndim, array.ndim - 1))
    x = gc.input("x", array.shape, "float64")
    ascending, places = values_of([gc.sort(x, axis=axis), gc.argsort(x, axis=axis)], x, array)
    np.testing.assert_array_equal(ascending, np.sort(array, axis))
    np.testing.assert_array_equal(places, np.argsort(array, axis, kind="stable"))
    down, places = values_of(
        [gc.sort(x, axis=axis, descending=True), gc.argsort(x, axis=axis, descending=True)], x, array
    )
    np.testing.assert_array_equal(down, np.flip(np.sort(array, axis), axis))
    np.testing.assert_array_equal(np.take_along_axis(array, places, axis), down)
    same = np.take(down, range(1, down.shape[axis]), axis) == np.take(down, range(down.shape[axis] - 1), axis)
    assert np.all(np.diff(places, axis=axis)[same] > 0)  # what is equal keeps its order


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint64", "float16", "bfloat16", "float32"])
def test_dtypes_and_targets(dtype):
    x = gc.input("x", ("n", 4), dtype)
    nodes = [gc.sort(x, axis=0), gc.argsort(x, descending=True), *gc.top_k(x, 2), *gc.unique_all(x, size=5)]
    array = np.random.default_rng(0).integers(0, 4, (5, 4)).astype(gc.types.as_dtype(dtype).numpy)
    for f in assert_targets_agree(((x,), nodes), [array], targets=TARGETS):
        found = f(array)
        np.testing.assert_array_equal(found[0].astype(float), np.sort(array.astype(float), 0))
        np.testing.assert_array_equal(found[2].astype(float), -np.sort(-array.astype(float))[:, :2])


def test_derivatives():
    x = gc.input("x", (3, 4), "float64")
    random = np.random.default_rng(1)
    at = random.normal(size=(3, 4))
    for y in (
        gc.sort(x, axis=0),
        gc.sort(x, descending=True),
        gc.top_k(x, 3)[0],
        gc.median(x, 0),
        gc.quantile(x, [0.3, 0.9], axis=1),
        gc.unique_values(x, size=12),
    ):
        check_derivatives(gc.sum(gc.sin(y) * random.normal(size=y.shape)), [x], [at])


@settings(max_examples=150, deadline=None)
@given(arrays(), st.data())
def test_quantiles(array, data):
    axis = data.draw(st.none() | st.integers(0, array.ndim - 1) | st.just(tuple(range(array.ndim))))
    keepdims = data.draw(st.booleans())
    q = data.draw(st.sampled_from([0.0, 0.5, 0.31, 1.0, [0.25, 0.75], [[0.1], [0.9]]]))
    x = gc.input("x", array.shape, "float64")
    count = array.size if axis is None else int(np.prod([array.shape[a] for a in np.atleast_1d(axis)]))
    if count == 0:
        with pytest.raises(gc.ShapeError, match=r"nothing has no(.|\n)*test_sorting\.py"):
            gc.quantile(x, q, axis)
        return
    found = values_of(
        [
            gc.quantile(x, q, axis, keepdims=keepdims),
            gc.percentile(x, np.multiply(q, 100), axis),
            gc.median(x, axis, keepdims=keepdims),
        ],
        x,
        array,
    )
    finite = np.where(np.isinf(array), 7.0, array)  # NumPy interpolates between infinities to NaN
    if np.isinf(array).any():
        found[:2] = values_of([gc.quantile(x, q, axis, keepdims=keepdims), gc.percentile(x, np.multiply(q, 100), axis)],
                              x, finite)  # fmt: skip
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(found[0], np.quantile(finite, q, axis, keepdims=keepdims), rtol=1e-12)
        np.testing.assert_allclose(found[1], np.percentile(finite, np.multiply(q, 100), axis), rtol=1e-12)
        np.testing.assert_allclose(found[2], np.median(array, axis, keepdims=keepdims), rtol=1e-12)


def test_numpys_functions():
    x = gc.input("x", (3, 4), "float64")
    array = np.random.default_rng(6).normal(size=(3, 4))
    for function in (
        lambda x: np.sort(x, 0),
        lambda x: np.argsort(x, axis=0),
        lambda x: np.median(x, axis=1, keepdims=True),
        lambda x: np.quantile(x, 0.3, axis=0),
        lambda x: np.percentile(x, [10, 70]),
        lambda x: np.searchsorted([0.0, 0.5], x, side="right"),
    ):
        np.testing.assert_allclose(values_of([function(x)], x, array)[0], function(array), rtol=1e-12)


def test_shares_may_be_symbolic():
    x, q = gc.input("x", (5,), "float64"), gc.input("q", (), "float64")
    y = gc.quantile(x, q)
    at = [np.array([3.0, 1.0, 2.0, 8.0, 5.0]), np.array(0.35)]
    check_derivatives(gc.sin(y), [x, q], at)
    for target in ("reference", *TARGETS):
        with pytest.raises(gc.IndexOutOfBounds):
            gc.compile([x, q], y, target=target)(at[0], 1.5)


def test_quantiles_of_named_dimensions():
    x = gc.input("x", ("n", "m"), "float32")
    nodes = [gc.median(x), gc.median(x, 1), gc.quantile(x, 0.2, 0)]
    for shape in ((1, 1), (4, 3), (5, 2)):
        array = np.random.default_rng(2).normal(size=shape).astype("f4")
        for f in assert_targets_agree(((x,), nodes), [array], targets=TARGETS):
            np.testing.assert_allclose(f(array)[0], np.median(array), rtol=1e-6)
            np.testing.assert_allclose(f(array)[2], np.quantile(array, 0.2, 0), rtol=1e-5)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-3, 3), max_size=6), st.lists(st.integers(-4, 4), max_size=4))
def test_places_in_sorted_arrays(ordered, wanted):
    a, v = np.sort(np.array(ordered, np.int32)), np.array(wanted, np.int64)
    x, y = gc.input("x", a.shape, "int32"), gc.input("y", v.shape, "int64")
    for side in ("left", "right"):
        found = evaluate_nodes([gc.searchsorted(x, y, side=side)], {x: a, y: v})[0]
        np.testing.assert_array_equal(found, np.searchsorted(a, v, side))
    shuffled = np.random.default_rng(0).permutation(a)
    sorter = np.argsort(shuffled)
    found = evaluate_nodes([gc.searchsorted(x, y, sorter=sorter)], {x: shuffled, y: v})[0]
    np.testing.assert_array_equal(found, np.searchsorted(shuffled, v, sorter=sorter))


@settings(max_examples=100, deadline=None)
@given(arrays(), st.integers(0, 9))
def test_different_elements(array, size):
    x = gc.input("x", array.shape, "float64")
    values, indices, inverse, counts = values_of(list(gc.unique_all(x, size=size, fill_value=-9)), x, array)
    expected = np.unique_all(array)
    count = min(size, len(expected.values))
    np.testing.assert_array_equal(values, [*expected.values[:count], *[-9.0] * (size - count)])
    np.testing.assert_array_equal(counts, [*expected.counts[:count], *[0] * (size - count)])
    first = [int(np.flatnonzero((array == v) | ((array != array) & (v != v)))[0]) for v in expected.values]
    known = ~np.isnan(expected.values[:count])
    np.testing.assert_array_equal(indices[:count][known], np.array(first, int)[:count][known])
    for mine, value in zip(inverse.ravel(), array.ravel(), strict=True):
        assert mine >= size or values[mine] == value or np.isnan(value)


@settings(max_examples=150, deadline=None)
@given(arrays(), st.integers(0, 9), st.sampled_from([0, -1]))
def test_places_that_hold(array, size, fill):
    x = gc.input("x", array.shape, "float64")
    expected = np.argwhere(array)[:size]
    expected = np.concatenate([expected, np.full((size - len(expected), array.ndim), fill)])
    found = values_of([*gc.nonzero(x, size=size, fill_value=fill), gc.flatnonzero(x, size=size, fill_value=fill),
                       gc.extract(x > 0, x, size=size, fill_value=fill)], x, array)  # fmt: skip
    for mine, theirs in zip(found, expected.T, strict=False):
        np.testing.assert_array_equal(mine, theirs)
    flat = np.flatnonzero(array)[:size]
    np.testing.assert_array_equal(found[-2], [*flat, *[fill] * (size - len(flat))])
    with np.errstate(invalid="ignore"):
        held = array[array > 0][:size]
    np.testing.assert_array_equal(found[-1], [*held, *[float(fill)] * (size - len(held))])


def test_a_mask_of_declared_size_is_an_index():
    x = gc.input("x", ("n", 3))
    at = gc.nonzero(x > 0, size=4)
    nodes = [x[at], x.at[at].set(0), gc.compress(x[:, 0] > 0, x, 0, size=2), gc.argwhere(x > 0, size="n")]
    nodes.append(gc.grad(gc.sum(nodes[2] ** 2), x))
    array = np.array([[1, -2, 3], [-4, 5, -6], [7, -8, -9]], "f4")
    for f in assert_targets_agree(((x,), nodes), [array], targets=TARGETS):
        found = f(array)
        np.testing.assert_array_equal(found[0], [1, 3, 5, 7])
        np.testing.assert_array_equal(found[1], np.minimum(array, 0))
        np.testing.assert_array_equal(found[2], array[[0, 2]])
        np.testing.assert_array_equal(found[3], [[0, 0], [0, 2], [1, 1]])
        np.testing.assert_array_equal(found[4], 2 * array * [[1], [0], [1]])


# --- segments ---

SEGMENTS = {
    "sum": (np.add, 0.0),
    "prod": (np.multiply, 1.0),
    "max": (np.maximum, -np.inf),
    "min": (np.minimum, np.inf),
}


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(SEGMENTS)), st.lists(st.integers(0, 4), max_size=6), st.booleans())
def test_segments(name, ids, drop):
    ids = np.array(ids, np.int64)
    data = np.random.default_rng(3).normal(size=(len(ids), 2))
    ufunc, start = SEGMENTS[name]
    expected = np.full((5, 2), start)
    ufunc.at(expected, ids, data)
    x, i = gc.input("x", data.shape, "float64"), gc.input("i", ids.shape, "int64")
    size = 3 if drop else 5
    node = getattr(gc, f"segment_{name}")(x, i, size, mode="drop" if drop else "error")
    np.testing.assert_allclose(evaluate_nodes([node], {x: data, i: ids})[0], expected[:size], rtol=1e-14)


@pytest.mark.parametrize("name", [*SEGMENTS, "mean"])
def test_derivatives_of_segments(name):
    i = np.array([2, 0, 2, 2, 1])
    random = np.random.default_rng(4)
    x = gc.input("x", (5, 2), "float64")
    y = getattr(gc, f"segment_{name}")(x, i, 3)
    at = random.normal(size=(5, 2))
    check_derivatives(gc.sum(gc.sin(y) * random.normal(size=(3, 2))), [x], [at])
    assert_targets_agree(((x,), [y, gc.grad(gc.sum(gc.sin(y)), x)]), [at], targets=TARGETS)


def test_counts():
    x = gc.input("x", ("n",), "uint8")
    array = np.array([1, 4, 1, 0, 4, 4], np.uint8)
    weights = np.arange(6.0)
    w = gc.input("w", ("n",), "float64")
    nodes = [gc.bincount(x, length=6), gc.bincount(x, w, length=6), gc.bincount(x, length=2, mode="drop")]
    found = evaluate_nodes(nodes, {x: array, w: weights})
    np.testing.assert_array_equal(found[0], np.bincount(array, minlength=6))
    np.testing.assert_array_equal(found[1], np.bincount(array, weights, 6))
    np.testing.assert_array_equal(found[2], [1, 2])
    for target in ("reference", *TARGETS):
        with pytest.raises(gc.IndexOutOfBounds, match=r"test_sorting\.py"):
            gc.compile([x], gc.bincount(x, length=3), target=target)(array)


def test_misuse():
    x = gc.input("x", (3, 4))
    for error, message, call in [
        (gc.AxisError, "axis 2 is out of range", lambda: gc.sort(x, axis=2)),
        (gc.GraphError, r"not in \[0, 1\]", lambda: gc.quantile(x, [0.5, 50])),
        (gc.ShapeError, "no 5 largest of 4", lambda: gc.top_k(x, 5)),
        (gc.GraphError, "no side", lambda: gc.searchsorted(x[0], x, side="up")),
        (gc.ShapeError, "not 1", lambda: gc.searchsorted(x, x)),
        (gc.ShapeError, "shape of the leading axes", lambda: gc.segment_sum(x, np.zeros(4, int), 2)),
        (gc.DTypeError, "indices are integers", lambda: gc.segment_sum(x, np.zeros(3), 2)),
        (gc.DTypeError, "not defined for int64", lambda: gc.segment_mean(x.astype("int64"), np.zeros(3, int), 2)),
        (gc.ShapeError, "not 1", lambda: gc.bincount(x.astype("int64"), length=2)),
        (gc.ShapeError, "no positions", lambda: gc.nonzero(x[0, 0], size=2)),
        (gc.ShapeError, "differ in shape", lambda: gc.extract(x[0] > 0, x, size=2)),
        (gc.IndexOutOfBounds, "out of bounds", lambda: gc.segment_max(x, np.array([0, 1, 2]), 2)),
    ]:
        with pytest.raises(error, match=rf"{message}(.|\n)*test_sorting\.py"):
            call()
