import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import graphc as gc
from graphc.errors import DTypeError, GraphError, IndexOutOfBounds, ShapeError
from graphc.interpret import bind, evaluate, evaluate_nodes, infer_sizes
from graphc.ir.graph import Graph
from graphc.ops import conversion, elementwise, movement, position, reduction

x = gc.input("x", ("n", "2*n"))
y = gc.input("y", ("n-2",))


@pytest.fixture
def weight() -> Iterator[Any]:
    yield gc.parameter("w", np.array([1.0, 2.0]))


def ones(*shape: int) -> np.ndarray[Any, Any]:
    return np.ones(shape, np.float32)


@pytest.mark.parametrize(
    "inputs",
    [[ones(3, 6), ones(1)], {"x": ones(3, 6), "y": ones(1)}, {y: ones(1), "x": ones(3, 6)}],
    ids=type,
)
def test_inputs_in_order_by_name_and_by_node(inputs: Any) -> None:
    graph = Graph("f", (x, y), (conversion.sum(x), conversion.sum(y)))
    assert [float(v) for v in evaluate(graph, inputs).outputs] == [18, 1]


def test_updates_are_returned_and_not_stored(weight: Any) -> None:
    graph = Graph("f", (), (conversion.sum(weight),), ((weight, weight * 2),))
    results = evaluate(graph, [])
    assert float(results.outputs[0]) == 3
    assert results.updates[weight].tolist() == [2, 4]
    assert gc.tensor.value(weight).tolist() == [1, 2]
    assert evaluate(graph, [], parameters={weight: np.array([5.0, 5.0])}).updates[weight].tolist() == [10, 10]


def test_outputs_are_not_views_of_inputs() -> None:
    given = ones(3, 6)
    (output,) = evaluate(Graph("f", (x,), (x,)), [given]).outputs
    output[...] = 7
    assert given.max() == 1


def test_named_dimensions_in_attributes() -> None:
    graph = Graph(
        "f",
        (x,),
        (
            position.extent("3*n"),
            position.iota("n", "float32"),
            movement.flip(x, 1)[1:, 0],
            conversion.reshape(x, (2, -1)),
            conversion.expand(conversion.sum(x, 1), (1,), ("2*n",)),
            reduction.mean(x),
            gc.full(("n",), 7),
        ),
    )
    value = np.arange(18, dtype=np.float32).reshape(3, 6)
    outputs = evaluate(graph, [value]).outputs
    assert outputs[0] == 9 and outputs[1].tolist() == [0, 1, 2]
    assert outputs[2].tolist() == [11, 17]
    np.testing.assert_array_equal(outputs[3], value.reshape(2, 9))
    np.testing.assert_array_equal(outputs[4], np.repeat(value.sum(1)[:, None], 6, 1))
    assert outputs[5] == 8.5 and outputs[6].tolist() == [7, 7, 7]


def test_any_node_can_be_bound() -> None:
    inner = elementwise.exp(x)
    (value,) = evaluate_nodes([inner + 1.0], {inner: ones(2, 4)}, {"n": 2})
    assert value.tolist() == (ones(2, 4) + 1).tolist()


def test_ops_without_names_are_bound_to_themselves() -> None:
    assert bind(elementwise.exp(x).op, {"n": 3}) == elementwise.exp(x).op
    expand = conversion.Expand((0,), gc.input("z", ("n",)).shape)
    assert bind(expand, {"n": 3}) == conversion.Expand((0,), (3,))


# --- sizes ---


def test_sizes_follow_from_linear_expressions_in_any_order() -> None:
    z = gc.input("z", ("n+m", "n*m"))
    assert infer_sizes([(z, (7, 12)), (x, (3, 6))]) == {"n": 3, "m": 4}
    assert infer_sizes([(y, (0,))]) == {"n": 2}
    assert infer_sizes([(gc.input("h", ("(n+1)//2",)), (2,)), (x, (4, 8))]) == {"n": 4}


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ([(x, (3, 5))], r"n = 3, but 2\*n = 5\n.*%x.*axis 0: n = 3\n.*%x.*axis 1: 2\*n = 5"),
        ([(x, (3, 6)), (y, (3,))], r"n = 3, but n-2 = 3"),
        ([(gc.input("z", ("2*n",)), (5,))], r"no size n gives 2\*n = 5"),
        ([(gc.input("z", ("n+m",)), (5,))], r"the size of m, n does not follow"),
        ([(gc.input("z", (4,)), (5,))], r"axis 0 of %z has size 4, that of the value 5"),
        ([(x, (3,))], r"%x has 2 axes, the value 1"),
        ([(gc.input("z", ("n+9",)), (5,))], r"no size n gives n\+9 = 5"),
    ],
)
def test_sizes_that_do_not_fit(shapes: Any, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        infer_sizes(shapes)


def test_ops_are_checked_again_when_sizes_are_known() -> None:
    graph = Graph("f", (x,), (movement.slice_axis(x, 0, 3, 1),))
    assert evaluate(graph, [ones(4, 8)]).outputs[0].shape == (1, 8)
    with pytest.raises(IndexOutOfBounds, match=r"axis of size 2(.|\n)*%slice(.|\n)*n = 2"):
        evaluate(graph, [ones(2, 4)])
    with pytest.raises(ShapeError, match=r"negative|no array"):
        evaluate(Graph("f", (x,), (position.iota("n-5"),)), [ones(2, 4)])


# --- mistakes ---


def test_inputs_that_do_not_fit() -> None:
    graph = Graph("f", (x,), (elementwise.exp(x),))
    with pytest.raises(DTypeError, match=r"dtype float64\n.*%x"):
        evaluate(graph, [np.ones((3, 6))])
    with pytest.raises(GraphError, match="1 inputs are wanted, 2 given"):
        evaluate(graph, [ones(3, 6), ones(3)])
    with pytest.raises(GraphError, match="no input of the graph: 'z'"):
        evaluate(graph, {"z": ones(3, 6)})
    with pytest.raises(GraphError, match=r"no value\n.*%x"):
        evaluate(graph, {})
    with pytest.raises(GraphError, match="'x' has no value"):
        evaluate_nodes([elementwise.exp(x)], {}, {"n": 3})
    with pytest.raises(GraphError, match="'pari' is no reader"):
        evaluate(graph, [ones(3, 6)], reader="pari")


# --- size of graphs ---


def test_a_chain_of_100000_nodes() -> None:
    z = gc.input("z", ("n",), "float64")
    chain = z
    for _ in range(100_000):
        chain = chain + 1.0
    assert evaluate(Graph("f", (z,), (chain,)), [np.zeros(2)]).outputs[0].tolist() == [100_000] * 2


def test_values_are_dropped_after_their_last_use() -> None:
    z = gc.input("z", ("n",), "float64")
    chain = z
    for _ in range(100):
        chain = chain * 1.5
    given = np.ones(100_000)
    tracemalloc.start()
    evaluate_nodes([chain], {z: given})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5 * given.nbytes


def test_import_leaves_the_libraries_of_readers_alone() -> None:
    code = "import sys, graphc.interpret; print({'mpmath', 'sympy', 'scipy'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"
