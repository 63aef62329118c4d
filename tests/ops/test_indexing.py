"""Indexing against NumPy: integers, slices, None, Ellipsis, arrays and known masks; named dimensions; modes."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import assume, given, settings

import graphc as gc
from graphc.interpret import evaluate_nodes
from graphc.testing import assert_targets_agree, check_gradient

ARRAY = np.arange(120.0).reshape(4, 5, 6)
bounds = st.one_of(st.none(), st.integers(-9, 9), st.integers(-9, 9).map(np.int64))
slices = st.builds(slice, bounds, bounds, st.sampled_from([None, 1, 2, 3, -1, -2, -5, np.int8(-2)]))
arrays = st.sampled_from([[0, 1], np.array([-1, 2, 2], np.int8), np.zeros((2, 1), int), np.array([], int), np.array(1)])


def indices(*items):
    return st.lists(st.one_of(*items), max_size=5).map(tuple)


def check(index, array=ARRAY):
    """The same element for element as NumPy; an error where NumPy has one."""
    x = gc.input("x", array.shape, array.dtype)
    try:
        expected = array[index]
    except IndexError:
        with pytest.raises((gc.errors.IndexOutOfBounds, gc.errors.AxisError), match=r"at test_indexing\.py"):
            x[index]
        return
    node = x[index]
    (found,) = evaluate_nodes([node], {x: array})
    assert node.shape == expected.shape
    np.testing.assert_array_equal(found, expected)


@settings(max_examples=300, deadline=None)
@given(indices(st.integers(-7, 7), slices, st.none(), st.just(...)))
def test_basic_indexing(index):
    check(index)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_one_array_among_other_indices(data):
    before = data.draw(indices(st.integers(-3, 3), slices, st.none(), st.just(...)))
    after = data.draw(indices(st.integers(-3, 3), slices, st.none(), st.just(...)))
    check((*before, data.draw(arrays), *after))


def test_the_shape_where_integers_and_arrays_are_apart():
    for index in [(0, slice(None), [1, 2]), ([1, 2], slice(None), 0), (0, None, [1, 2]), (..., 0, [1, 2]), (0, [1, 2])]:
        check(index)


def test_a_single_index():
    for index in (0, -1, slice(1, None), None, ..., [3, 0], np.array([[1], [2]]), np.int64(2), (), 4, -5):
        check(index)


def test_an_index_may_be_symbolic():
    x, i = gc.input("x", (4, 5), "float64"), gc.input("i", (3,), "int32")
    value, places = np.arange(20.0).reshape(4, 5), np.array([3, -4, 0], np.int32)
    for index, expected in [
        (i, value[places]),
        ((slice(None), i), value[:, places]),
        ((0, i), value[0, places]),
        ((i, None), value[places, None]),
    ]:
        np.testing.assert_array_equal(evaluate_nodes([x[index]], {x: value, i: places})[0], expected)
    with pytest.raises(gc.errors.IndexOutOfBounds, match="index 4 is out of bounds"):
        evaluate_nodes([x[i]], {x: value, i: np.array([0, 4, 1], np.int32)})


SIZES = [0, 1, 2, 3, 5, 8]


@settings(max_examples=200, deadline=None)
@given(slices)
def test_slices_of_a_named_dimension(index):
    x = gc.input("x", ("n",), "float64")
    node = x[index]
    for n in SIZES:
        array = np.arange(float(n))
        np.testing.assert_array_equal(evaluate_nodes([node], {x: array})[0], array[index])


@settings(max_examples=100, deadline=None)
@given(slices, slices, st.sampled_from(SIZES))
def test_slices_of_slices_of_a_named_dimension(first, second, n):
    assume(n > 0)
    x = gc.input("x", ("n", 2), "float64")
    array = np.arange(2.0 * n).reshape(n, 2)
    np.testing.assert_array_equal(evaluate_nodes([x[first][second]], {x: array})[0], array[first][second])


def test_positions_in_a_named_dimension():
    x = gc.input("x", ("n", 3), "float64")
    n = x.shape[0]
    array = np.arange(15.0).reshape(5, 3)
    for node, expected in [
        (x[0], array[0]),
        (x[-1], array[-1]),
        (x[n - 2], array[3]),
        (x[: n // 2], array[:2]),
        (x["n//2":], array[2:]),
        (x[n - 3 : n - 1], array[2:4]),
        (x[::-1, 1], array[::-1, 1]),
        (x[1:-1], array[1:-1]),
    ]:
        np.testing.assert_array_equal(evaluate_nodes([node], {x: array})[0], expected)
    with pytest.raises(gc.IndexOutOfBounds, match="position 7"):
        evaluate_nodes([x[7]], {x: array})


def test_shapes_of_slices_are_simple():
    x = gc.input("x", ("n",))
    shown = {"[1:]": x[1:], "[:-1]": x[:-1], "[::-1]": x[::-1], "[::2]": x[::2], "[:]": x[:]}
    assert {key: str(node.shape[0]) for key, node in shown.items()} == {
        "[1:]": "max(n-1,0)",
        "[:-1]": "max(n-1,0)",
        "[::-1]": "n",
        "[::2]": "((n+1)//2)",
        "[:]": "n",
    }
    assert shown["[:]"] is x
    odd = gc.input("odd", ("n", "2*n-1"))
    assert odd[:1].shape == odd[:1, ::-1].shape == (odd[:1] + odd[:1, 0:]).shape
    assert str(odd[0].shape[0]) == "2*n-1"
    even = gc.input("even", ("2*n",))
    assert even[::2].shape == even[1::2].shape == even["n":].shape == even[:"n"].shape
    assert (gc.concat([x[: x.shape[0] // 2], x[x.shape[0] // 2 :]]) + x).shape == x.shape
    assert x[3:].shape == x[:-3].shape == x[1:-2].shape == x[::-1][3:].shape
    assert x[:2].shape == x[-2:].shape
    assert x[x.shape[0] - 2 :].shape == (2,)


def test_differences_of_neighbours():
    x = gc.input("x", ("n",), "float64")
    first, second = x[1:] - x[:-1], x[2:] - 2 * x[1:-1] + x[:-2]
    for n in (3, 4, 7):
        array = np.random.default_rng(n).normal(size=n)
        found = evaluate_nodes([first, second], {x: array})
        np.testing.assert_allclose(found[0], np.diff(array))
        np.testing.assert_allclose(found[1], np.diff(array, 2), atol=1e-15)


@pytest.mark.parametrize(
    "index",
    [True, np.True_, 1.0, "a", "n", 1j, slice(None, None, 0), slice(1.5), slice("a b"), [True, False],
     np.array([True] * 5), np.array(True), (0, 0, 0, 0), (..., ...), b"0", {0}, [[0], [1, 2]],
     slice(None, None, "n"), object],
    ids=repr,
)  # fmt: skip
def test_what_is_no_index(index):
    x = gc.input("x", ARRAY.shape)
    with pytest.raises((gc.errors.GraphcError), match=r"getitem: (.|\n)*%x: f32\[4,5,6\](.|\n)*at test_indexing\.py"):
        x[index]


mixed = st.sampled_from(
    [
        *([0, 1], [[1], [2]], np.array([-1, 2], np.int8), np.array([[0, 1], [2, 3]], np.uint8), np.array(1), [1]),
        *(np.array([True, False, False, True]), np.array([False, True, True, False, False])),
        np.arange(20).reshape(4, 5) % 3 == 0,
    ]
)


@settings(max_examples=400, deadline=None)
@given(indices(mixed, mixed, mixed, st.integers(-3, 3), slices, st.none(), st.just(...)))
def test_several_arrays_among_other_indices(index):
    try:
        ARRAY[index]
    except IndexError:
        x = gc.input("x", ARRAY.shape, ARRAY.dtype)
        with pytest.raises(gc.GraphcError, match=r"at test_indexing\.py"):
            x[index]
    else:
        check(index)


def test_several_symbolic_arrays():
    x, i, j = gc.input("x", ("n", 4, 5), "float64"), gc.input("i", ("k", 1), "int32"), gc.input("j", (3,), "uint8")
    value = np.arange(60.0).reshape(3, 4, 5)
    at = {x: value, i: np.array([[2], [-1]], np.int32), j: np.array([0, 3, 1], np.uint8)}
    a, b = at[i], at[j]
    for node, expected in [
        (x[i, j], value[a, b]),
        (x[i, :, j], value[a, :, b]),
        (x[:, j, i], value[:, b, a]),
        (x[i, 1:3, j, None], value[a, 1:3, b, None]),
        (x[i, j, 0], value[a, b, 0]),
        (x[0, :, j], value[0, :, b]),
        (x[i[0, 0], j[0]], value[a[0, 0], b[0]]),
    ]:
        np.testing.assert_array_equal(evaluate_nodes([node], at)[0], expected)
    assert x[i, j].shape == (i.shape[0], 3, 5)
    targets = ("llvm", "cuda-emulator")
    assert_targets_agree(((x, i, j), [x[i, :, j], x[i, j], gc.grad(gc.sum(x[i, j] ** 3), x)]), list(at.values()),
                         targets=targets)  # fmt: skip
    for function in assert_targets_agree(((x, i, j), x[i, j]), list(at.values()), targets=targets):
        with pytest.raises(gc.IndexOutOfBounds, match=r"gather(.|\n)*test_indexing\.py"):
            function(value, np.array([[3]], np.int32), b)


def test_derivatives_of_several_arrays():
    x = gc.input("x", (3, 4, 2), "float64")
    y = x[[0, 2, 0, -1], :, [1, 0, 1, 1]]
    weights = np.random.default_rng(0).normal(size=y.shape)
    check_gradient(gc.sum(gc.sin(y) * weights), [x], [np.random.default_rng(1).normal(size=(3, 4, 2))])


@pytest.mark.parametrize("dtype", ["int8", "int64", "uint64"])
@pytest.mark.parametrize("mode", ["clip", "wrap", "fill"])
def test_modes(mode, dtype):
    x, i = gc.input("x", ("n", 3), "float64"), gc.input("i", (7,), dtype)
    y, z = gc.take(x, i, 0, mode=mode), x.at[i, 1].get(mode=mode, fill_value=-7.0 if mode == "fill" else None)
    rows = gc.take_along_axis(x, i[:, None], 0, mode=mode)
    big = np.iinfo(dtype).max
    places = np.array([0, 1, -1 % 2**64 if dtype == "uint64" else -1, 2, 5, 100, big], dtype=dtype)
    for n in (3, 1, 5):
        value = np.arange(3.0 * n).reshape(n, 3)
        (a, b, c), *others = [f(value, places) for f in compiled([x, i], [y, z, rows])]
        for other in others:
            for mine, theirs in zip((a, b, c), other, strict=True):
                np.testing.assert_array_equal(mine, theirs)
        if mode == "fill":
            inside = (places.astype(float) < n) & (places.astype(float) >= -n)
            expected = np.where(inside[:, None], value[np.where(inside, places, 0).astype(int)], np.nan)
            np.testing.assert_array_equal(a, expected)
            np.testing.assert_array_equal(b, np.where(inside, expected[:, 1], -7.0))
        else:
            known = [int(p) % n if mode == "wrap" else min(max(int(p), 0), n - 1) for p in places]
            expected = value[known]
            np.testing.assert_array_equal(a, expected)
            np.testing.assert_array_equal(b, expected[:, 1])
        np.testing.assert_array_equal(c, a)


def compiled(inputs, outputs):
    return [gc.compile(inputs, outputs, target=target) for target in ("reference", "llvm", "cuda-emulator")]


def test_fill_reads_nothing_of_an_empty_axis():
    x, i = gc.input("x", ("n",), "float32"), gc.input("i", (2,), "int64")
    for f in compiled([x, i], gc.take(x, i, mode="fill")):
        np.testing.assert_array_equal(f(np.zeros(0, "f4"), np.array([0, -1])), [np.nan, np.nan])
    for f in compiled([x, i], gc.take(x, i, mode="clip")):
        with pytest.raises(gc.IndexOutOfBounds):
            f(np.zeros(0, "f4"), np.array([0, -1]))


def test_known_indices_out_of_bounds_are_found_at_once():
    x = gc.input("x", (3, 4))
    for index in ([3], ([0, 1], [0, 4]), (slice(1, None), [-5]), (slice(1), [0, 1])):
        with pytest.raises(gc.IndexOutOfBounds, match=r"is out of bounds for axis (.|\n)*at test_indexing\.py"):
            x[index] if index != (slice(1), [0, 1]) else x[1:][[2]]
    with pytest.raises(gc.errors.GraphError, match="no mode"):
        gc.take(x, [0], mode="raise")
    with pytest.raises(gc.ShapeError, match="do not broadcast"):
        x[[0, 1], [0, 1, 2]]


def test_masks_of_unknown_size_are_refused_with_a_way_out():
    x = gc.input("x", (3, 4))
    with pytest.raises(gc.DTypeError, match=r"unknown size(.|\n)*nonzero"):
        x[x > 0]
    with pytest.raises(gc.DTypeError, match=r"calculated end(.|\n)*iota"):
        x[gc.input("i", (), "int64") :]
    with pytest.raises(gc.ShapeError, match="mask"):
        x[np.array([True, False])]


def test_nodes_are_not_assigned_to():
    x = gc.input("x", (3,))
    with pytest.raises(TypeError, match="does not support item assignment"):
        x[0] = 1
