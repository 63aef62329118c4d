"""Indexing against NumPy: integers, slices, None, Ellipsis and arrays, on known and on named dimensions."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import assume, given, settings

import graphc as gc
from graphc.interpret import evaluate_nodes

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
    with pytest.raises(gc.errors.GraphcError):
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
     np.array([True] * 4), (0, 0, 0, 0), (..., ...), b"0", {0}, [[0], [1, 2]], slice(None, None, "n"), object],
    ids=repr,
)  # fmt: skip
def test_what_is_no_index(index):
    x = gc.input("x", ARRAY.shape)
    with pytest.raises((gc.errors.GraphcError), match=r"getitem: (.|\n)*%x: f32\[4,5,6\](.|\n)*at test_indexing\.py"):
        x[index]


def test_several_arrays_are_refused_with_a_way_out():
    with pytest.raises(gc.errors.GraphError, match=r"(.|\n)*take_along_axis"):
        gc.input("x", (3, 4))[[0, 1], [1, 2]]


def test_nodes_are_not_assigned_to():
    x = gc.input("x", (3,))
    with pytest.raises(TypeError, match="does not support item assignment"):
        x[0] = 1
