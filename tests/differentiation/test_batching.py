"""vmap: a function of arrays applied to stacks of them, against one item after the other."""

import numpy as np
import pytest

import graphc as gc
from graphc.errors import AxisError, GraphError, ShapeError
from graphc.ir.node import make
from graphc.ops import indexing
from tests.differentiation.functions import FUNCTIONS, SHAPE, evaluated, point

STACK = gc.input("xs", (5, *SHAPE), "float64")


def one_by_one(function, stack, *rest):
    """The function of each item, as the reference calculates it."""
    item = gc.input("item", stack.shape[1:], stack.dtype)
    y = function(item, *rest)
    return np.stack([evaluated(y, {item: each}) for each in stack])


MORE = {
    "sort": lambda x: gc.sort(x, axis=0),
    "argsort": lambda x: gc.argsort(x, axis=1, descending=True),
    "searchsorted": lambda x: gc.searchsorted(gc.constant([-1.0, 0.0, 0.5]), x[0]),
    "searchsorted in an item": lambda x: gc.searchsorted(gc.sort(x[0]), gc.constant([-1.0, 0.0, 0.5])),
    "solve": lambda x: gc.linalg.solve(x @ x.T + np.eye(3), x),
    "eigenvalues": lambda x: gc.linalg.eigvalsh(x @ x.T),
    "convolution of images": lambda x: gc.conv(x[None, None], gc.sin(x[:2, :2])[None, None])[0, 0],
    "running product": lambda x: gc.cumulative_prod(x, axis=1),
    "product of zeros": lambda x: gc.grad(gc.prod(x * 0), x),
    "places": lambda x: x.at[gc.argmax(x, axis=0), [0, 1, 2, 3]].add(10.0),
    "fixed point": lambda x: gc.implicit.fixed_point(lambda y: 0.3 * gc.sin(y) + x, x),
    "linear equation": lambda x: gc.implicit.linear_solve(lambda y: 2 * y + x.T @ (x @ y), x[0]),
    "recorded": lambda x: gc.checkpoint(lambda x: (gc.sin(x), gc.sum(x)))(x)[1],
    "argmax": lambda x: gc.argmax(x, axis=1),
    "comparison": lambda x: gc.where(x > gc.mean(x), x, -1),
    "constant result": lambda x: gc.constant([1.0, 2.0]),
    "any": lambda x: gc.any(x > 1, axis=0),
    "one hot": lambda x: gc.one_hot(gc.argmax(x, axis=1), 6),
    "take at computed places": lambda x: gc.take(x * x, gc.argmax(x, axis=0), axis=0),
    "take from the end": lambda x: gc.take(gc.sin(x), gc.argmax(x, axis=0).reshape((2, 2)) - 3, axis=0),
    "take from a constant": lambda x: gc.take(gc.constant(np.arange(12.0).reshape(2, 6)), gc.argmax(x, axis=1), axis=1),
    "scatter at computed places": lambda x: make(indexing.ScatterAdd(1, 4), x, gc.argmax(x, axis=0) - 1),
    "scatter a constant": lambda x: make(
        indexing.ScatterAdd(0, 4), gc.constant(np.arange(15.0).reshape(3, 5)), gc.argmax(x, axis=1)
    ),
    "take along computed": lambda x: gc.take_along_axis(x, gc.argmax(x, axis=1)[:, None], axis=1),
    "constant matrix on the left": lambda x: gc.constant(np.arange(6.0).reshape(2, 3)) @ x,
    "log of a product": lambda x: gc.log(gc.prod(gc.exp(x), axis=1)),
    "gradient": lambda x: gc.grad(gc.sum(gc.logsumexp(x * x, axis=1)), x),
    "hvp": lambda x: gc.hvp(gc.sum(gc.softmax(x @ x.T) ** 2), x, gc.sin(x)),
}


@pytest.mark.parametrize("name", [*FUNCTIONS, *MORE])
def test_a_stack_is_item_after_item(name):
    function = (FUNCTIONS | MORE)[name]
    ys = gc.vmap(function)(STACK)
    stack = point(0, (5, *SHAPE))
    expected = one_by_one(function, stack)
    found = evaluated(ys, {STACK: stack})
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", [*FUNCTIONS, *MORE])
def test_the_gradient_of_each_item(name):
    function = (FUNCTIONS | MORE)[name]
    if not function(gc.input("item", SHAPE, "float64")).dtype.is_float or name == "constant result":
        return

    def gradient(x):
        return gc.grad(gc.sum(gc.sin(function(x)).astype("float64") + 0 * gc.sum(x)), x)

    stack = point(1, (5, *SHAPE))
    found = evaluated(gc.vmap(gradient)(STACK), {STACK: stack})
    np.testing.assert_allclose(found, one_by_one(gradient, stack), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("in_axes", [(0, None), (None, 1), (2, 1), (-1, 0)])
@pytest.mark.parametrize("out_axes", [0, 1, -1])
def test_axes(in_axes, out_axes):
    shapes = [(3, 4), (4, 5)]
    inputs, arrays = [], []
    for i, (shape, axis) in enumerate(zip(shapes, in_axes, strict=True)):
        place = None if axis is None else axis % 3
        full = shape if place is None else (*shape[:place], 6, *shape[place:])
        inputs.append(gc.input(f"in{i}", full, "float64"))
        arrays.append(point(i, full))
    found = evaluated(gc.vmap(gc.matmul, in_axes, out_axes)(*inputs), dict(zip(inputs, arrays, strict=True)))
    items = [a if axis is None else np.moveaxis(a, axis, 0) for a, axis in zip(arrays, in_axes, strict=True)]
    expected = np.moveaxis(np.matmul(*items), 0, out_axes)
    np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_nested_maps_of_pairs():
    x, y = gc.input("x", (3, 2), "float64"), gc.input("y", (4, 2), "float64")

    def distance(a, b):
        return gc.sqrt(gc.sum((a - b) ** 2))

    table = gc.vmap(lambda a: gc.vmap(lambda b: distance(a, b))(y))(x)
    same = gc.vmap(gc.vmap(distance, (None, 0)), (0, None))(x, y)
    at = {x: point(0, (3, 2)), y: point(1, (4, 2))}
    expected = np.sqrt(((at[x][:, None] - at[y][None]) ** 2).sum(-1))
    np.testing.assert_allclose(evaluated(table, at), expected, rtol=1e-13)
    np.testing.assert_allclose(evaluated(same, at), expected, rtol=1e-13)


def test_named_batch_sizes():
    x = gc.input("x", ("n", 3), "float64")
    ys = gc.vmap(lambda row: gc.softmax(row) @ np.arange(6.0).reshape(3, 2))(x)
    assert str(ys.type) == "f64[n,2]"
    e = np.exp(point(0, (7, 3)))
    expected = e / e.sum(1, keepdims=True) @ np.arange(6.0).reshape(3, 2)
    np.testing.assert_allclose(evaluated(ys, {x: point(0, (7, 3))}), expected, rtol=1e-12)


def test_structures_of_arguments_and_results():
    pair = gc.input("a", (3, 2)), gc.input("b", (3,))

    def function(parts, factor):
        return {"sum": parts["a"] + parts["b"], "rest": [factor, None]}

    result = gc.vmap(function, (0, None))({"a": pair[0], "b": pair[1]}, 2.0)
    assert result["sum"].shape == (3, 2)
    assert result["rest"][0].shape == (3,)
    assert result["rest"][1] is None


def test_what_is_shared_is_computed_once():
    w = gc.input("w", (4, 4), "float64")
    ys = gc.vmap(lambda x: x @ gc.tanh(w))(gc.input("x", (8, 4), "float64"))
    text = str(gc.Graph("f", (gc.input("x", (8, 4), "float64"), w), (ys,)))
    assert "tanh(%w)" in text
    assert text.count("matmul") == 1
    assert "f64[8,4,4]" not in text


def test_a_size_may_be_given():
    ys = gc.vmap(lambda: gc.constant([1.0, 2.0]), axis_size="n")()
    assert str(ys.type) == "f64[n,2]"


def test_llvm_computes_the_same():
    def function(x):
        return gc.hvp(gc.sum(gc.log_softmax(x @ x.T)), x, gc.cos(x))

    ys = gc.vmap(function)(STACK)
    stack = point(0, (5, *SHAPE))
    np.testing.assert_allclose(gc.compile([STACK], ys)(stack), one_by_one(function, stack), rtol=1e-10, atol=1e-11)


def test_an_index_out_of_bounds_in_one_item_is_an_error():
    x, i = gc.input("x", (2, 3)), gc.input("i", (2, 1), "int64")
    f = gc.compile([x, i], gc.vmap(gc.take)(x, i), target="reference")
    np.testing.assert_array_equal(f(np.arange(6.0).reshape(2, 3).astype("f4"), [[0], [-1]]), [[0], [5]])
    with pytest.raises(gc.IndexOutOfBounds):
        f(np.zeros((2, 3), "f4"), [[0], [3]])


def test_mistakes_are_errors():
    x, y = gc.input("x", (3, 2)), gc.input("y", (4, 2))
    with pytest.raises(ShapeError, match="the mapped axes differ in size: 3, 4"):
        gc.vmap(gc.add)(x, y)
    with pytest.raises(AxisError, match="out of range"):
        gc.vmap(gc.exp, in_axes=2)(x)
    with pytest.raises(AxisError, match="no axes of 2 values"):
        gc.vmap(gc.add, in_axes=(0,))(x, x)
    with pytest.raises(AxisError, match="differs from item to item"):
        gc.vmap(gc.exp, out_axes=None)(x)
    kept = []
    gc.vmap(lambda row: kept.append(gc.sin(row)) or row)(x)
    with pytest.raises(GraphError, match="is used outside of it"):
        gc.compile([x], kept)
    with pytest.raises(GraphError, match="no argument has an axis"):
        gc.vmap(gc.exp, in_axes=None)(x)


# --- loops and branches ---


def recurrent(x):
    """A state that differs from item to item, one that does not, and rows of both."""
    w = gc.constant(np.eye(4) * 0.3 + 0.1)

    def step(carry, row):
        h, count = carry
        h = gc.tanh(h @ w + row)
        return (h, count + 1.0), {"h": h, "count": count}

    (last, count), rows = gc.scan(step, (np.zeros(4), 0.0), x)
    return last * count + gc.sum(rows["h"], axis=0) + gc.sum(rows["count"])


def newton(x):
    """A while loop that ends at another step for each item."""
    a = gc.sum(x * x) + 1
    return gc.while_loop(lambda r: abs(r * r - a) > 1e-9 * a, lambda r: 0.5 * (r + a / r), a)


LOOPS = {
    "scan": recurrent,
    "reversed scan": lambda x: gc.scan(lambda c, row: (c * row, c + row), np.ones(4), x, reverse=True)[1],
    "scan that ends": lambda x: gc.scan(
        lambda c, row: (c + row[0], c * row, c > 0.5), 0.0, gc.concat([x, x]), until=True
    )[0],
    "state that begins alike": lambda x: gc.fori_loop(0, 3, lambda i, c: c * 0.5 + x[0], np.zeros(4)),
    "while": newton,
    "while of all": lambda x: gc.while_loop(lambda s: s[0] < 4, lambda s: (s[0] + 1, s[1] * x), (0, x))[1],
    "branch by item": lambda x: gc.cond(x[0, 0] > 0, gc.sin, lambda x: x * x, x),
    "branch for all": lambda x: gc.switch(gc.constant(1), [gc.sin, gc.cos, lambda x: x * 0.0], x),
    "switch by item": lambda x: gc.switch(
        gc.argmax(x[0]), [gc.sin, gc.cos, lambda x: gc.full((3, 4), 7, "float64")], x
    ),
    "derivative of a scan": lambda x: gc.grad(gc.sum(recurrent(x) ** 2), x),
    "map": lambda x: gc.map(lambda row: gc.softmax(row), x),
}


@pytest.mark.parametrize("name", LOOPS)
def test_loops_of_stacks(name):
    stack = point(2, (5, *SHAPE))
    ys = gc.vmap(LOOPS[name])(STACK)
    np.testing.assert_allclose(evaluated(ys, {STACK: stack}), one_by_one(LOOPS[name], stack), rtol=1e-12, atol=1e-13)


def test_a_stack_of_loops_is_one_loop():
    text = str(gc.Graph("f", (STACK,), (gc.vmap(recurrent)(STACK),)))
    assert text.count("scan(") == 1
    assert "f64[5,4] = matmul" in text


def test_the_derivative_of_a_stack_of_loops():
    stack = point(2, (5, *SHAPE))
    gradient = gc.grad(gc.sum(gc.vmap(recurrent)(STACK) ** 2), STACK)
    expected = one_by_one(LOOPS["derivative of a scan"], stack)
    np.testing.assert_allclose(evaluated(gradient, {STACK: stack}), expected, rtol=1e-11)
    np.testing.assert_allclose(gc.compile([STACK], gradient)(stack), expected, rtol=1e-11)


def test_random_numbers_of_a_stack_of_keys():
    keys = gc.random.split(gc.random.key(0), 4)
    drawn, first = gc.compile(
        [], [gc.vmap(lambda k: gc.random.normal(k, (3,)))(keys), gc.random.normal(keys[0], (3,))]
    )()
    np.testing.assert_array_equal(drawn[0], first)
    assert len(np.unique(drawn)) == 12
