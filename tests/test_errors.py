"""What goes wrong is said: the kind of error, the user's own line, what was expected and what came.

One table of mistakes when nodes are made and functions compiled, one of mistakes when functions are called.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as gc
from graphc.errors import PipelineError

x = gc.input("x", ("n", 4))
y = gc.input("y", ("n",))
d = gc.input("d", (2, 3), "float64")
i = gc.input("i", ("n",), "int64")
b = gc.input("b", (3,), "bool")
u = gc.input("u", (), "uint8")
w = gc.parameter("w", np.ones((4, 3), "f4"))
masked = np.ma.array([1, 2], mask=[True, False])

Make = Callable[[], Any]
MAKING: list[tuple[type[Exception], str, Make]] = [
    # shapes
    (gc.ShapeError, "n and 4 differ", lambda: x + y),
    (gc.ShapeError, "4 columns meet n rows", lambda: x @ x),
    (gc.ShapeError, "without axes", lambda: u @ x),
    (gc.ShapeError, "5 elements|cannot be divided|do not fill", lambda: d.reshape((4, -1))),
    (gc.ShapeError, "only one size", lambda: d.reshape((-1, -1))),
    (gc.ShapeError, "does not become", lambda: gc.broadcast_to(d, (3, 2))),
    (gc.ShapeError, "shapes differ in another axis", lambda: gc.concat([d, d[:, :2]], axis=0)),
    (gc.ShapeError, "shapes differ", lambda: gc.stack([d, d[0]])),
    (gc.ShapeError, "no arrays", lambda: gc.concat([])),
    (gc.ShapeError, "no list of arrays", lambda: gc.concat(None)),  # type: ignore[arg-type]
    (gc.ShapeError, "no list of arrays", lambda: gc.stack(d)),  # type: ignore[arg-type]
    (gc.ShapeError, "no arrays", lambda: gc.broadcast_arrays()),
    (gc.ShapeError, "-1 is no size", lambda: gc.zeros((-1,))),
    (gc.ShapeError, "1.5 is no size", lambda: gc.input("z", (1.5,))),
    (gc.ShapeError, "None is no size", lambda: gc.input("z", (None, 3))),
    (gc.ShapeError, "no array has an axis of size", lambda: gc.zeros((10**30,))),
    (gc.ShapeError, "no size", lambda: gc.iota([])),
    (gc.ShapeError, "'n/2' is no size", lambda: gc.input("z", ("n/2",))),
    (gc.ShapeError, "cannot be named 'i0'", lambda: gc.input("z", ("i0",))),
    (gc.ShapeError, "no widths", lambda: gc.pad(d, (-1, 0))),
    (gc.ShapeError, "no widths", lambda: gc.pad(d, 1.5)),
    (gc.ShapeError, "not a matrix", lambda: y.T),
    # axes
    (gc.AxisError, "axis 2 is out of range for 2 axes", lambda: gc.sum(d, 2)),
    (gc.AxisError, "twice", lambda: gc.sum(d, (0, -2))),
    (gc.AxisError, "'rows' are no axes", lambda: gc.sum(d, "rows")),
    (gc.AxisError, "'' are no axes", lambda: gc.softmax(d, "")),
    (gc.AxisError, "True", lambda: gc.max(d, True)),
    (gc.AxisError, "not one axis", lambda: gc.argmax(d, (0, 1))),
    (gc.AxisError, "not one axis", lambda: gc.take(d, [0], ())),
    (gc.AxisError, "is empty", lambda: gc.argmax(gc.zeros((0,)))),
    (gc.AxisError, "3 indices for 2 axes", lambda: d[0, 0, 0]),
    (gc.AxisError, "more than one", lambda: d[..., ...]),
    # dtypes and values
    (gc.DTypeError, "'complex64' is not a dtype", lambda: gc.input("z", (), "complex64")),
    (gc.DTypeError, "None is not a dtype", lambda: gc.input("z", (), None)),
    (gc.DTypeError, "is not a dtype", lambda: x.astype(y)),
    (gc.DTypeError, "not defined for bool", lambda: -b),
    (gc.DTypeError, "not defined for float32", lambda: x & 1),
    (gc.DTypeError, "200 does not fit into uint8|-1 does not fit", lambda: u - 1 + (-1)),
    (gc.DTypeError, "does not fit into float32", lambda: x + 10**400),
    (gc.DTypeError, "is no condition", lambda: gc.where(x, x, x)),
    (gc.DTypeError, "indices are integers", lambda: gc.take(d, 0.5)),
    (gc.DTypeError, "indices are integers", lambda: x[y]),
    (gc.DTypeError, "unknown size", lambda: x[x > 0]),
    (gc.DTypeError, "1.0 is no index", lambda: x[1.0]),
    (gc.DTypeError, "not an operand: 'a'", lambda: x + "a"),
    (gc.DTypeError, "not an operand: None", lambda: gc.exp(None)),
    (gc.DTypeError, "no array of numbers", lambda: gc.constant([[1], [1, 2]])),
    (gc.DTypeError, "no array of numbers", lambda: y * [y, y]),
    (gc.DTypeError, "masked", lambda: gc.constant(masked)),
    (gc.DTypeError, "masked", lambda: gc.parameter("p", masked)),
    (gc.DTypeError, "do not fit into int8", lambda: gc.full((2,), 300, "int8")),
    (gc.DTypeError, "do not fit into int64", lambda: gc.pad(i, 1, value=0.5)),
    (gc.DTypeError, "fill a pad", lambda: gc.pad(i, 1, value=2**62 + 1)),
    (gc.DTypeError, "symbolic value is no array", lambda: np.asarray(x)),
    (gc.DTypeError, "no negative powers", lambda: i**-1),
    # indices
    (gc.IndexOutOfBounds, "index 2 is out of bounds for axis 0", lambda: d[2]),
    (gc.IndexOutOfBounds, "index -4", lambda: gc.take(d, [0, -4], axis=1)),
    # names, parameters, truth
    (gc.GraphError, "'a b' is no name", lambda: gc.input("a b")),
    (gc.GraphError, "only a parameter", lambda: gc.value(x)),
    (gc.GraphError, "only a parameter", lambda: gc.set_value(None, 1)),  # type: ignore[arg-type]
    (gc.ShapeError, "has shape", lambda: gc.set_value(w, [1, 2])),
    (gc.DTypeError, "complex128", lambda: gc.set_value(w, np.ones((4, 3)) * 1j)),
    (gc.DTypeError, "no array of numbers", lambda: gc.set_value(w, [[1], [1, 2]])),
    (gc.GraphError, "no truth value", lambda: bool(x > 0)),
    (gc.DTypeError, r"is no number(.|\n)*graphc.exp\(x\)", lambda: math.exp(gc.sum(x))),
    (gc.GraphError, "iterated", lambda: list(x)),
    # derivatives
    (gc.GradientError, r"f32\[n,4\], not a floating-point scalar", lambda: gc.grad(x, x)),
    (gc.GradientError, "None is no node", lambda: gc.grad(gc.sum(x), None)),  # type: ignore[arg-type]
    (gc.GradientError, "None is no node", lambda: gc.grad(gc.sum(x), [x, None])),  # type: ignore[list-item]
    (gc.GradientError, "with respect to int64", lambda: gc.grad(gc.sum(x), i)),
    (gc.RewriteError, "no semantics 'fast'", lambda: gc.grad(gc.sum(x), x, semantics="fast")),
    # compile
    (gc.GraphError, "no list", lambda: gc.compile(x, x)),  # type: ignore[arg-type]
    (gc.GraphError, "no list", lambda: gc.compile(None, x)),  # type: ignore[arg-type]
    (gc.GraphError, "two inputs are named 'x'", lambda: gc.compile([x, x], x)),
    (gc.GraphError, "two inputs are named 'x'", lambda: gc.compile([x, gc.input("x")], x)),
    (gc.GraphError, "'y' is needed but not given", lambda: gc.compile([x], y)),
    (gc.GraphError, "not an input", lambda: gc.compile([w], w)),
    (gc.GraphError, "not an input", lambda: gc.compile([None], x)),  # type: ignore[list-item]
    (gc.GraphError, "not an output: 'x'", lambda: gc.compile([x], "x")),
    (gc.GraphError, "not an output: None", lambda: gc.compile([x], [None])),
    (gc.GraphError, "no parameter", lambda: gc.compile([x], x, updates={x: x})),
    (gc.GraphError, "two updates", lambda: gc.compile([x], x, updates=[(w, w), (w, w + 1)])),
    (gc.GraphError, "no update: 1", lambda: gc.compile([x], x, updates=[1])),  # type: ignore[list-item]
    (gc.GraphError, "no updates", lambda: gc.compile([x], x, updates=np.eye(2))),
    (gc.ShapeError, r"\(2, 3\)|has shape", lambda: gc.compile([d], d, updates={w: d.astype("float32")})),
    (gc.DTypeError, "float64, not float32", lambda: gc.compile([x], x, updates={w: w.astype("float64")})),
    (gc.GraphError, "givens are a dict", lambda: gc.compile([x], x, givens=[(x, y)])),  # type: ignore[arg-type]
    (gc.GraphError, "givens replace nodes", lambda: gc.compile([x], x, givens={"x": y})),  # type: ignore[dict-item]
    (gc.ShapeError, "has shape", lambda: gc.compile([x, y], x, givens={y: x})),
    (gc.TargetError, "no target 'gpu'", lambda: gc.compile([x], x, target="gpu")),
    (PipelineError, "did you mean fold", lambda: gc.compile([x], x, passes="folt")),
    (PipelineError, "no option 'limit'", lambda: gc.compile([x], x, passes="fold{limit=1}")),
    (gc.GraphError, "no semantics 'fast'", lambda: gc.compile([x], x, semantics="fast")),
    (gc.GraphError, "is no name", lambda: gc.compile([x], x, name="a b")),
    (gc.ShapeError, "no input decides the size m", lambda: gc.compile([x], gc.zeros("m"))),
    (TypeError, "target is a text", lambda: gc.compile([x], x, target=None)),  # type: ignore[arg-type]
    (TypeError, "unexpected keyword", lambda: gc.compile([x], x, update={})),  # type: ignore[call-arg]
    (TypeError, "takes 2 operands", lambda: gc.maximum(x)),
    (TypeError, "takes no argument 'axis'", lambda: gc.exp(x, axis=0)),
    (TypeError, "parsed from text", lambda: gc.parse_graph(None)),  # type: ignore[arg-type]
]  # fmt: skip


def title(case: tuple[Any, ...]) -> str:
    return f"{case[0].__name__} {case[1]}"


@pytest.mark.parametrize(("kind", "words", "make"), MAKING, ids=map(title, MAKING))
def test_mistakes_when_nodes_are_made(kind: type[Exception], words: str, make: Make) -> None:
    with pytest.raises(kind, match=words) as caught:
        make()
    assert type(caught.value) is kind


def test_the_line_of_the_mistake_is_shown() -> None:
    for make in (lambda: x + y, lambda: gc.sum(d, 7), lambda: d[9], lambda: gc.zeros((-1,)), lambda: x.astype("int7")):
        with pytest.raises(gc.GraphcError) as caught:
            make()
        assert any("test_errors.py:" in line for line in caught.value.details), caught.value


# --- calls ---

X, Y = np.ones((3, 4), "f4"), np.ones(3, "f4")
CALLS: list[tuple[type[gc.GraphcError], str, tuple[Any, ...], dict[str, Any]]] = [
    (gc.ArgumentError, "no argument for 'x', 'y'", (), {}),
    (gc.ArgumentError, "2 arguments are expected, 3 were given", (X, Y, Y), {}),
    (gc.ArgumentError, "no input 'Y'", (X,), {"Y": Y}),
    (gc.ArgumentError, "'x' is given twice", (X,), {"x": X}),
    (gc.ArgumentError, "'y' is no array", (X, [1, [2]]), {}),
    (gc.ArgumentError, "'y' is symbolic", (X, y), {}),
    (gc.ArgumentError, "masked", (X, np.ma.array(Y, mask=[1, 0, 0])), {}),
    (gc.DTypeError, "'y' has no numbers", (X, None), {}),
    (gc.DTypeError, "'y' has no numbers", (X, "abc"), {}),
    (gc.DTypeError, "'y' has no numbers", (X, Y.astype(object)), {}),
    (gc.DTypeError, "'x' has dtype float64, float32 is expected", (X.astype("f8"), Y), {}),
    (gc.DTypeError, "'x' has dtype int32", (X.astype("i4"), Y), {}),
    (gc.DTypeError, "'y' has dtype complex64", (X, Y + 1j), {}),
    (gc.DTypeError, "float32 cannot hold: 1e\\+39", (X, [1e39, 0, 0]), {}),
    (gc.ShapeError, r"'y' has shape \(\), 1 axes are expected", (X, 1.0), {}),
    (gc.ShapeError, r"'y' has shape \(3, 1\)", (X, Y[:, None]), {}),
    (gc.ShapeError, "contradict each other: n = 2, but n = 3", (X[:2], Y), {}),
    (gc.ShapeError, "axis 1 of %x has size 4, that of the value 3", (X.T, Y), {}),
]


@pytest.mark.parametrize("target", ["llvm", "reference"])
@pytest.mark.parametrize(("kind", "words", "args", "keywords"), CALLS, ids=map(title, CALLS))
def test_mistakes_in_calls(
    kind: type[gc.GraphcError], words: str, args: tuple[Any, ...], keywords: dict[str, Any], target: str
) -> None:
    counter = gc.parameter("counter", 0.0, "float32")
    f = gc.compile([x, y], gc.sum(x, axis=1) + y, updates={counter: counter + 1}, target=target)
    with pytest.raises(kind, match=words) as caught:
        f(*args, **keywords)
    assert type(caught.value) is kind
    assert gc.value(counter) == 0
    f(X, Y)
    assert gc.value(counter) == 1


AT_SIZES: list[tuple[type[gc.GraphcError], str, gc.Node, int]] = [
    (gc.IndexOutOfBounds, "position 5 is out of bounds for an axis of size 3", y[5], 3),
    (gc.IndexOutOfBounds, "position -1 is out of bounds for an axis of size 3", y[-4], 3),
    (gc.IndexOutOfBounds, "out of bounds for an axis of size 0", y[0], 0),
    (gc.ShapeError, "n-5 is -2", gc.zeros("n-5") + gc.sum(y), 3),
    (gc.AxisError, "axis 0 is empty", gc.argmax(y), 0),
    (gc.AxisError, "axis 0 is empty", gc.argmin(x, axis=0), 0),
]


@pytest.mark.parametrize("target", ["llvm", "reference"])
@pytest.mark.parametrize(("kind", "words", "node", "n"), AT_SIZES, ids=map(title, AT_SIZES))
def test_sizes_for_which_a_node_does_not_exist(kind: Any, words: str, node: gc.Node, n: int, target: str) -> None:
    f = gc.compile([x, y], node, target=target)
    f(np.ones((9, 4), "f4"), np.ones(9, "f4"))
    with pytest.raises(kind, match=words) as caught:
        f(np.ones((n, 4), "f4"), np.ones(n, "f4"))
    assert "test_errors.py:" in str(caught.value)


def test_arrays_that_no_memory_holds() -> None:
    wide = gc.broadcast_to(y, (2**62, "n"))
    for node in (wide, gc.sum(gc.exp(wide).T @ gc.ones((2**62, 1)))):
        f = gc.compile([y], node)
        with pytest.raises(gc.ShapeError, match="bytes"):
            f(Y)


READS: dict[str, Callable[[gc.Node], gc.Node]] = {
    "take": lambda w: w[i],
    "take_along_axis": lambda w: gc.take_along_axis(gc.broadcast_to(w, ("n", 3)), i[:, None], axis=1),
    "gradient of take": lambda w: gc.grad(gc.sum(w[i] ** 2), w),
    "gradient of take_along_axis": lambda w: gc.grad(gc.sum(gc.take_along_axis(y[:, None] * w, i[:, None], 1)), w),
}


@pytest.mark.parametrize("target", ["llvm", "reference"])
@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("bad", [3, -4, 2**63 - 1, -(2**63)])
def test_indices_out_of_bounds(read: str, bad: int, target: str) -> None:
    p = gc.parameter("p", np.arange(3, dtype="f4"))
    f = gc.compile([i, y], READS[read](p), updates={p: p + 1}, target=target)
    with pytest.raises(gc.IndexOutOfBounds, match="out of bounds"):
        f([0, bad, 1], Y)
    assert gc.value(p).tolist() == [0, 1, 2]
    f([0, -3, 1], Y)
    assert gc.value(p).tolist() == [1, 2, 3]


def test_no_index_is_out_of_bounds_where_nothing_is_read() -> None:
    k = gc.input("k", (), "int64")
    f = gc.compile([y, k], gc.take_along_axis(y, gc.broadcast_to(k, ("n",)), axis=0))
    assert f(Y[:0], 5).shape == (0,)
    with pytest.raises(gc.IndexOutOfBounds):
        f(Y, 5)
