"""Whatever a user gives by mistake is an error of graphc that shows the operands and the user's line."""

import re

import numpy as np
import pytest

import graphc as gc
from graphc.errors import AxisError, DTypeError, GraphcError, GraphError, IndexOutOfBounds, ShapeError
from graphc.ir.op import OPS
from graphc.ops.base import Elementwise

STRANGE = [
    "text",
    None,
    1j,
    object,
    [[1], [1, 2]],
    {"a": 1},
    np.array(["a"]),
    np.array([1j]),
    b"x",
    np.datetime64("2020"),
]


@pytest.fixture
def x():
    return gc.input("x", (2, 3))


def fails(error, message, function, *shown):
    """The call fails with this error, which shows some values and the line of the call in this file."""
    with pytest.raises(error) as caught:
        function()
    text = str(caught.value)
    assert isinstance(caught.value, GraphcError)
    assert re.search(message, text), text
    assert "at test_misuse.py:" in text, text
    for value in shown:
        assert value in text, text


BINARY = ["add", "subtract", "multiply", "divide", "maximum", "logaddexp", "less", "equal", "pow", "remainder"]


@pytest.mark.parametrize("name", BINARY)
def test_shapes_that_differ_name_both_operands(x, name):
    y = gc.input("y", (2, 4))
    fails(
        ShapeError,
        "shapes do not broadcast: 3 and 4 differ",
        lambda: getattr(gc, name)(x, y),
        "%x: f32[2,3]",
        "%y: f32[2,4]",
    )


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("strange", STRANGE, ids=lambda v: repr(v)[:20])
def test_strange_operands(x, name, strange):
    fails(DTypeError, f"{name}: ", lambda: getattr(gc, name)(x, strange), "%x: f32[2,3]")


@pytest.mark.parametrize("strange", STRANGE, ids=lambda v: repr(v)[:20])
def test_strange_operands_of_operators_and_functions(x, strange):
    for function in (
        lambda: x + strange,
        lambda: x @ strange,
        lambda: x == strange,
        lambda: gc.where(x > 0, x, strange),
        lambda: gc.where(strange, x, x),
        lambda: gc.concat([x, strange]),
        lambda: gc.stack([strange, x]),
        lambda: gc.take(x, strange),
        lambda: gc.broadcast_arrays(x, strange),
        lambda: gc.sum(strange),
        lambda: gc.exp(strange),
        lambda: gc.softmax(strange),
        lambda: gc.reshape(strange, (1,)),
        lambda: gc.transpose(strange),
        lambda: gc.constant(strange),
        lambda: gc.parameter("w", strange),
        lambda: gc.full((2,), strange),
    ):
        fails(GraphcError, ".", function)


@pytest.mark.parametrize("axis", [2, -3, (0, 2), (0, 0), (1, -1), 0.0, "0", True, "rows", [0, None], 1j], ids=repr)
@pytest.mark.parametrize("name", ["sum", "max", "mean", "softmax", "logsumexp", "prod", "any", "flip", "argmax", "var"])
def test_axes(x, name, axis):
    fails(AxisError, f"{name}: ", lambda: getattr(gc, name)(x, axis), "%x: f32[2,3]")


@pytest.mark.parametrize("axis", [2, -3, 0.0, "0", True, (0, 1)], ids=repr)
def test_axes_of_joining_and_taking(x, axis):
    fails(GraphcError, "concat: ", lambda: gc.concat([x, x], axis=axis), "%x: f32[2,3]")
    fails(GraphcError, "take: ", lambda: gc.take(x, [0], axis=axis), "%x: f32[2,3]")
    if axis not in (2, -3):  # the result has an axis more
        fails(GraphcError, "stack: ", lambda: gc.stack([x, x], axis=axis), "%x: f32[2,3]")


@pytest.mark.parametrize(
    "order", [(0,), (0, 1, 2), (0, 0), (0, 5), "01", 1, (0.0, 1.0), (True, False), [None, 0]], ids=repr
)
def test_orders_of_axes(x, order):
    fails(AxisError, "transpose: ", lambda: gc.transpose(x, order), "%x: f32[2,3]")


@pytest.mark.parametrize(
    "shape", [(4,), (2, 4), (-1, -1), (-1, 4), (-2, 3), "a b", (2.0, 3), (None,), ("n", 3), (True, 6)], ids=repr
)
def test_shapes_to_reshape_to(x, shape):
    fails(ShapeError, "reshape: ", lambda: gc.reshape(x, shape), "%x: f32[2,3]")
    fails(ShapeError, "reshape: ", lambda: x.reshape(shape), "%x: f32[2,3]")


@pytest.mark.parametrize("shape", [(2,), (3, 2), (2, 3, 1), -1, "n", (2, -3)], ids=repr)
def test_shapes_to_broadcast_to(x, shape):
    fails(ShapeError, "broadcast_to: ", lambda: gc.broadcast_to(x, shape), "%x: f32[2,3]")


@pytest.mark.parametrize("widths", [-1, 0.5, (1, 2, 3), "1", None, ((1, 2),) * 3, (True, 1.5)], ids=repr)
def test_widths(x, widths):
    fails(GraphcError, "pad: ", lambda: gc.pad(x, widths), "%x: f32[2,3]")


@pytest.mark.parametrize(
    ("error", "message", "call"),
    [
        (ShapeError, "concat: no arrays", lambda x: gc.concat([])),
        (ShapeError, "stack: no arrays", lambda x: gc.stack([])),
        (ShapeError, "stack: shapes differ", lambda x: gc.stack([x, x[0]])),
        (ShapeError, "concat: shapes differ in another axis than 1", lambda x: gc.concat([x, x.T], axis=1)),
        (ShapeError, "matmul: 3 columns meet 2 rows", lambda x: x @ x),
        (ShapeError, "matmul: an operand without axes", lambda x: x @ 2.0),
        (ShapeError, "matmul: .*broadcast", lambda x: gc.zeros((2, 2, 3)) @ gc.zeros((3, 3, 2))),
        (ShapeError, "T: not a matrix|_transpose|transpose: not a matrix", lambda x: x[0].T),
        (ShapeError, "matrix_transpose: fewer than two axes", lambda x: x[0].mT),
        (DTypeError, "matmul: not defined for bool", lambda x: (x > 0) @ (x > 0).T),
        (DTypeError, "add: not defined for bool", lambda x: (x > 0) + (x > 0)),
        (DTypeError, "negative: not defined for bool", lambda x: -(x > 0)),
        (DTypeError, "bitwise_and: not defined for float32", lambda x: x & x),
        (DTypeError, "where: float32 is no condition", lambda x: gc.where(x, x, x)),
        (DTypeError, "logical_and: not defined for float32", lambda x: gc.logical_and(x, x)),
        (DTypeError, "take: indices are integers, not float32", lambda x: gc.take(x, x)),
        (DTypeError, "one_hot: indices are integers", lambda x: gc.one_hot(x, 3)),
        (ShapeError, "one_hot: ", lambda x: gc.one_hot([1], -3)),
        (IndexOutOfBounds, "take: index 5 is out of bounds for axis 1 of size 3", lambda x: gc.take(x, [0, 5], 1)),
        (IndexOutOfBounds, "index -3 is out of bounds for axis 0", lambda x: gc.take_along_axis(x, [[-3, 0, 0]], 0)),
        (ShapeError, "take_along_axis: the indices have 1 axes, the array 2", lambda x: gc.take_along_axis(x, [0], 0)),
        (DTypeError, "cast: .*complex", lambda x: x.astype("complex64")),
        (DTypeError, "pow: integers have no negative powers", lambda x: x.astype("int32") ** -1),
        (DTypeError, "300 does not fit into int8", lambda x: gc.input("k", (3,), "int8") + 300),
        (DTypeError, "-1 does not fit into uint8", lambda x: gc.maximum(gc.input("k", (3,), "uint8"), -1)),
        (DTypeError, "full: the values do not fit into int8", lambda x: gc.full((2,), 300, "int8")),
        (DTypeError, "parameter: the values do not fit into int32", lambda x: gc.parameter("w", [1.5], "int32")),
        (GraphError, "input: '1x' is no name", lambda x: gc.input("1x")),
        (GraphError, "input: 3 is no name", lambda x: gc.input(3)),
        (GraphError, "input: '' is no name", lambda x: gc.input("")),
        (GraphError, "parameter: 'a b' is no name", lambda x: gc.parameter("a b", 1.0)),
        (DTypeError, "input: 'f33' is not a dtype", lambda x: gc.input("y", (2,), "f33")),
        (ShapeError, "input: -1 is no size", lambda x: gc.input("y", (-1,))),
        (ShapeError, "input: a dimension cannot be named 'i0'", lambda x: gc.input("y", ("i0",))),
        (ShapeError, "zeros|full", lambda x: gc.zeros((2, -1))),
        (ShapeError, "iota: ", lambda x: gc.iota(-1)),
        (DTypeError, "iota: positions are numbers", lambda x: gc.iota(3, bool)),
        (GraphError, "value: only a parameter", lambda x: gc.value(x)),
        (GraphError, "set_value: only a parameter", lambda x: gc.set_value(x, 3)),
        (ShapeError, "set_value: .*has shape", lambda x: gc.set_value(gc.parameter("w", [1.0]), [1.0, 2.0])),
        (DTypeError, "set_value: ", lambda x: gc.set_value(gc.parameter("w", [1]), [1.5])),
        (GraphError, "no truth value", lambda x: bool(x > 0)),
        (GraphError, "no truth value", lambda x: [1] if x == 0 else [2]),
        (DTypeError, "numpy.asarray", lambda x: np.asarray(x)),
    ],
)  # fmt: skip
def test_calls(x, error, message, call):
    fails(error, message, lambda: call(x))


def test_two_inputs_of_one_name():
    with pytest.raises(GraphError, match=r"two inputs are named 'x'(.|\n)*test_misuse.py(.|\n)*test_misuse.py"):
        gc.Graph("f", (gc.input("x", (2,)), gc.input("x", (3,))), ())


@pytest.mark.parametrize(
    "name", sorted(n for n, op in OPS.items() if issubclass(op, Elementwise) and op.__module__.startswith("graphc."))
)
def test_every_elementwise_op_names_operands_of_the_wrong_dtype(name):
    op = OPS[name]
    kind = next((kind for kind in "fbi" if kind not in op.accepts), None)
    if kind is None:
        return
    wrong = gc.input("wrong", (3,), {"f": "float32", "b": "bool", "i": "int32"}[kind])
    conditions = [wrong > wrong if kind != "b" else wrong] * op.conditions
    operands = [*conditions, *[wrong] * (op.arity - op.conditions)]
    with pytest.raises(
        DTypeError, match=rf"{name}: not defined for {wrong.dtype.name}\n.*%wrong.*test_misuse.py"
    ) as caught:
        gc.ir.node.make(op(), *operands)
    assert "accepts" in caught.value.help


def test_wrong_numbers_of_operands():
    x = gc.input("x", (3,))
    for call in (lambda: gc.exp(), lambda: gc.exp(x, x), lambda: gc.add(x), lambda: gc.where(x > 0, x)):
        with pytest.raises(TypeError, match=r"takes . operands, not ."):
            call()
