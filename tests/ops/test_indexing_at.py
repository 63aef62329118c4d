"""`x.at[index]` against assignments of NumPy: values, derivatives, duplicates, modes, errors, on every target."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import graphc as gc
from graphc.interpret import evaluate_nodes
from graphc.testing import assert_targets_agree
from tests.ops.differences import check_derivatives

TARGETS = ("llvm", "cuda-emulator")
ARRAY = np.arange(1.0, 61.0).reshape(3, 4, 5)
places = st.sampled_from(
    [
        *(0, -1, slice(None), slice(1, None), slice(None, None, -2), slice(2, 0, -1), slice(3, 3), None, ...),
        *([0, 1], [2, 0, 2], np.array([[1], [-1]]), np.array(1), np.array([True, False, True])),
        np.arange(12).reshape(3, 4) % 3 == 0,
    ]
)
NUMPY = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "max": np.maximum,
    "min": np.minimum,
    "power": np.power,
}


def valid(index):
    try:
        return ARRAY[index].shape
    except (IndexError, ValueError):
        return None


@settings(max_examples=300, deadline=None)
@given(st.lists(places, max_size=4).map(tuple), st.sampled_from(["set", *NUMPY]), st.booleans())
def test_changes_are_those_of_numpy(index, method, one):
    shape = valid(index)
    if shape is None:
        return
    values = np.float64(2.0) if one else np.random.default_rng(0).integers(1, 4, shape).astype(float)
    expected = ARRAY.copy()
    if method == "set":
        expected[index] = values
    else:
        NUMPY[method].at(expected, index, values)
    x, v = gc.input("x", ARRAY.shape, "float64"), gc.input("v", values.shape, "float64")
    node = getattr(x.at[index], method)(v)
    (found,) = evaluate_nodes([node], {x: ARRAY, v: values})
    np.testing.assert_allclose(found, expected, rtol=1e-14)
    np.testing.assert_array_equal(evaluate_nodes([x.at[index].get()], {x: ARRAY})[0], ARRAY[index])


INDICES = {
    "slice": np.s_[1:3, ::-2],
    "position": np.s_[-1, 2],
    "array": np.s_[[2, 0, 2, 2]],
    "arrays": np.s_[[2, 0, 2, 2], :, [1, 1, 1, 0]],
    "array and slices": np.s_[1:, [3, 3, 0], ::2],
    "nothing": np.s_[[], 1:],
}


@pytest.mark.parametrize("method", ["set", "add", "subtract", "multiply", "divide", "max", "min", "power"])
@pytest.mark.parametrize("name", INDICES)
def test_targets_and_derivatives(method, name):
    index = INDICES[name]
    random = np.random.default_rng(1)
    x, v = gc.input("x", (3, 4, 5), "float64"), gc.input("v", ARRAY[index].shape, "float64")
    at = [random.uniform(1, 2, x.shape), random.uniform(1, 2, v.shape)]
    y = getattr(x.at[index], method)(v)
    cost = gc.sum(gc.sin(y) * random.normal(size=y.shape))
    assert_targets_agree(((x, v), [y, *gc.grad(cost, [x, v])]), at, targets=TARGETS)
    if name in ("arrays", "slice"):
        check_derivatives(cost, [x, v], at)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "int8", "uint16", "int64", "bool"])
def test_dtypes(dtype):
    x, v, i = gc.input("x", ("n", 2), dtype), gc.input("v", ("m", 2), dtype), gc.input("i", ("m",), "int32")
    nodes = [x.at[i].set(v), x.at[i].max(v), x.at[1:].set(v[0]), x.at[::2, 0].set(1), x.at[x != 0].set(v[0, 0])]
    if dtype != "bool":
        nodes += [x.at[i].add(v), x.at[i].multiply(v), x.at[-1].subtract(v[0]), x.at[i, 0].min(v[:, 1])]
    random = np.random.default_rng(2)
    arrays = [random.integers(0, 3, shape).astype(gc.types.as_dtype(dtype).numpy) for shape in ((5, 2), (6, 2))]
    assert_targets_agree(((x, v, i), nodes), [*arrays, random.integers(-5, 5, 6).astype("int32")], targets=TARGETS)


def test_of_several_values_the_last_stays():
    x, i, v = gc.input("x", (4,)), gc.input("i", (2, 3), "int64"), gc.input("v", (2, 3))
    y = x.at[i].set(v)
    given = [np.zeros(4, "f4"), np.array([[1, 1, -3], [2, 1, 0]]), np.arange(1, 7, dtype="f4").reshape(2, 3)]
    for target in ("reference", *TARGETS):
        dx, dv = gc.grad(gc.sum(y * y), [x, v])
        found = gc.compile([x, i, v], [y, dx, dv], target=target)(*given)
        np.testing.assert_array_equal(found[0], [6, 5, 4, 0])
        np.testing.assert_array_equal(found[1], [0, 0, 0, 0])
        np.testing.assert_array_equal(found[2], [[0, 0, 0], [8, 10, 12]])


def test_ties_are_shared_and_factors_of_zero_have_derivatives():
    x, v = gc.input("x", (2,), "float64"), gc.input("v", (3,), "float64")
    dx, dv = gc.grad(gc.sum(x.at[[0, 0, 1]].max(v)), [x, v])
    found = evaluate_nodes([dx, dv], {x: [5.0, 1.0], v: [5.0, 5.0, 0.0]})
    np.testing.assert_allclose(found[0], [1 / 3, 1])
    np.testing.assert_allclose(found[1], [1 / 3, 1 / 3, 0])
    y = gc.sum(x.at[[0, 0, 1]].multiply(v) * np.array([1.0, 2.0]))
    for at in ([[3.0, 0.0], [0.0, 2.0, 5.0]], [[3.0, 7.0], [0.0, 0.0, 5.0]], [[0.0, 7.0], [0.0, 0.0, 5.0]]):
        check_derivatives(y, [x, v], at)


def test_what_is_replaced_has_no_derivative_not_even_nan():
    x = gc.input("x", (3,), "float64")
    for y in (gc.log(x).at[0].set(0.0), gc.log(x).at[[0]].set(0.0), gc.log(x).at[x <= 0].set(0.0)):
        np.testing.assert_array_equal(evaluate_nodes([gc.grad(gc.sum(y), x)], {x: [0.0, 1.0, 2.0]})[0], [0.0, 1.0, 0.5])


def test_apply():
    x, i = gc.input("x", (4,), "float64"), gc.input("i", (3,), "int64")
    value, at = np.arange(1.0, 5.0), np.array([1, 1, 9])
    for node, expected in [
        (x.at[1:3].apply(gc.square), [1, 4, 9, 4]),
        (x.at[i[:2]].apply(lambda e: e * 10), [1, 20, 3, 4]),
        (x.at[i].apply(lambda e: e * 10, mode="drop"), [1, 20, 3, 4]),
        (x.at[x > 2].apply(gc.negative), [1, 2, -3, -4]),
    ]:
        np.testing.assert_array_equal(evaluate_nodes([node], {x: value, i: at})[0], expected)


def test_masks():
    x, m = gc.input("x", (2, 3, 4), "float64"), gc.input("m", (2, 3), "bool")
    value, held = np.arange(24.0).reshape(2, 3, 4), np.array([[True, False, True], [False, False, True]])
    expected = value.copy()
    expected[held] = [1, 2, 3, 4]
    (found,) = evaluate_nodes([x.at[m].set([1.0, 2.0, 3.0, 4.0])], {x: value, m: held})
    np.testing.assert_array_equal(found, expected)
    expected = value.copy()
    expected[:, held[0], 1] += 5
    (found,) = evaluate_nodes([x.at[:, m[0], 1].add(5.0)], {x: value, m: held})
    np.testing.assert_array_equal(found, expected)
    with pytest.raises(gc.ShapeError, match=r"mask(.|\n)*test_indexing_at\.py"):
        x.at[:, m].set(0)
    with pytest.raises(gc.DTypeError, match="unknown size"):
        x.at[m].get()


@pytest.mark.parametrize(
    ("mode", "expected"), [("clip", [1, 0, 0, 3]), ("wrap", [3, 2, 0, 0]), ("drop", [0, 2, 0, 0]), ("error", None)]
)
def test_modes(mode, expected):
    x, i = gc.input("x", ("n",)), gc.input("i", (3,), "int8")
    y = x.at[i].set(np.array([1.0, 2.0, 3.0], "f4"), mode=mode)
    for target in ("reference", *TARGETS):
        f = gc.compile([x, i], y, target=target)
        zeros, at = np.zeros(4, "f4"), np.array([-8, -3, 100], "i1")
        if mode == "clip":
            expected = [2, 0, 0, 3]
        if expected is None:
            with pytest.raises(gc.IndexOutOfBounds, match=r"put(.|\n)*test_indexing_at\.py"):
                f(zeros, at)
        else:
            np.testing.assert_array_equal(f(zeros, at), expected)


def test_parameters_stay_as_they_were_after_an_error():
    p, i = gc.parameter("p", np.zeros(3, "f4")), gc.input("i", (2,), "int64")
    f = gc.compile([i], [], updates={p: p.at[i].add(1.0)})
    f(np.array([0, 0]))
    with pytest.raises(gc.IndexOutOfBounds):
        f(np.array([1, 3]))
    np.testing.assert_array_equal(gc.value(p), [2, 0, 0])


def test_put_along_axis():
    x, i = gc.input("x", (3, 4), "float64"), gc.input("i", (3, 2), "int64")
    value, at = np.zeros((3, 4)), np.array([[0, 3], [-1, -1], [2, 1]])
    expected = value.copy()
    np.put_along_axis(expected, at, np.array([[5.0, 6.0]]), 1)
    y = gc.put_along_axis(x, i, [[5.0, 6.0]], 1)
    for function in assert_targets_agree(((x, i), y), [value, at], targets=TARGETS):
        np.testing.assert_array_equal(function(value, at)[0], expected)
    z = gc.put_along_axis(x, i, 1.0, 1, mode="wrap")
    np.testing.assert_array_equal(evaluate_nodes([z], {x: value, i: at + 4})[0], (expected != 0).astype(float))


def test_misuse():
    x, i = gc.input("x", (3, 4), "int32"), gc.input("i", (2,), "int64")
    for error, message, call in [
        (gc.DTypeError, "float32 does not go into int32", lambda: x.at[i].set(gc.ones((2, 4)))),
        (gc.DTypeError, "", lambda: x.at[0].set(1.5)),
        (gc.DTypeError, "no quotients", lambda: x.at[0].divide(2)),
        (gc.ShapeError, "does not become", lambda: x.at[i].set(np.zeros((3, 4), int))),
        (gc.IndexOutOfBounds, "out of bounds", lambda: x.at[[0, 3]].set(1)),
        (gc.IndexOutOfBounds, "out of bounds", lambda: x.at[4].get()),
        (gc.IndexOutOfBounds, "index 5 is out of bounds for axis 1", lambda: x.at[0, [1, 5]].set(0)),
        (gc.IndexOutOfBounds, "index 5 is out of bounds for axis 1", lambda: x.at[0, [1, 5]].get()),
        (gc.IndexOutOfBounds, "index -5 is out of bounds for axis 1", lambda: gc.put_along_axis(x, [[-5]], 0, 1)),
        (gc.GraphError, "no mode", lambda: x.at[i].set(1, mode="fill")),
        (gc.GraphError, "no mode", lambda: x.at[i].get(mode="drop")),
        (gc.GraphError, "no mode", lambda: x.at[0].set(1, mode="foo")),
        (gc.GraphError, "no mode", lambda: x.at[x > 0].add(1, mode="foo")),
        (gc.GraphError, "no mode", lambda: x.at[1:].get(mode="foo")),
        (gc.DTypeError, "no index", lambda: x.at[1.0].set(0)),
    ]:
        with pytest.raises(error, match=rf"{message}(.|\n)*test_indexing_at\.py"):
            call()


@pytest.mark.parametrize(
    "body",
    [
        lambda i, c: c.at[i].set(c[i - 1] * c[0]),
        lambda i, c: c.at[i + np.array([0, 1])].max(c[:2] * 1.5),
        lambda i, c: c.at[i, 1:].multiply(c[i - 1, :-1]),
        lambda i, c: gc.cummax(c, 0) * 0.5 + c[i],
        lambda i, c: gc.sort(c, axis=1) + gc.logcumsumexp(c, 0) * 0.1,
    ],
)
def test_in_loops(body):
    x = gc.input("x", (4, 3), "float64")
    plain = x
    for i in range(1, 3):
        plain = body(i, plain)
    loop = gc.fori_loop(1, 3, body, x)
    nodes = [loop, gc.grad(gc.sum(gc.sin(loop)), x)]
    array = np.random.default_rng(5).normal(size=(4, 3))
    expected = evaluate_nodes([plain, gc.grad(gc.sum(gc.sin(plain)), x)], {x: array})
    for f in assert_targets_agree(((x,), nodes), [array], targets=TARGETS):
        for mine, theirs in zip(f(array), expected, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-12, atol=1e-13)


def test_parameters_and_states_of_loops_are_changed_in_place():
    i, v = gc.input("i", ("k",), "int64"), gc.input("v", ("k", 2))
    start = np.arange(10, dtype="f4").reshape(5, 2)
    at, values = np.array([1, -1, 1]), np.ones((3, 2), "f4")
    for target in ("reference", *TARGETS):
        table = gc.parameter("table", start)
        new = table.at[i].add(v * table[0, 1] + table[i[0]])
        f = gc.compile([i, v], gc.sum(table), updates={table: new}, target=target)
        expected = start.copy()
        np.add.at(expected, at, values * start[0, 1] + start[1])
        assert f(at, values) == start.sum()
        np.testing.assert_array_equal(gc.value(table), expected)
        with pytest.raises(gc.IndexOutOfBounds):
            f(np.array([0, 5, 1]), values)
        np.testing.assert_array_equal(gc.value(table), expected)
        if target == "llvm":
            assert not any(slot.type.shape == (5, 2) and slot.role == "temporary" for slot in f.program.slots)
    x = gc.input("x", (1000,), "float64")
    loop = gc.compile([x], gc.fori_loop(1, 1000, lambda k, c: c.at[k].set(c[k - 1] + 1), x))
    np.testing.assert_array_equal(loop(np.zeros(1000)), np.arange(1000.0))
    assert not any(slot.type.shape == (1000,) and slot.role == "temporary" for slot in loop.program.slots)


def test_updates_that_read_each_other():
    a, b = gc.parameter("a", np.arange(3.0)), gc.parameter("b", np.arange(3.0) * 10)
    i = gc.input("i", (2,), "int64")
    f = gc.compile([i], [], updates={a: a.at[i].set(b[i]), b: b.at[i].set(a[i])})
    f(np.array([0, 2]))
    np.testing.assert_array_equal(gc.value(a), [0, 1, 20])
    np.testing.assert_array_equal(gc.value(b), [0, 10, 2])
    f = gc.compile([i], [], updates={a: a.at[i].add(1.0), b: a.at[1:].set(0.0)})
    f(np.array([0, 2]))
    np.testing.assert_array_equal(gc.value(a), [1, 1, 21])
    np.testing.assert_array_equal(gc.value(b), [0, 0, 0])
