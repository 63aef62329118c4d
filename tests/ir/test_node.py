"""Interning, freeing, threads, and where nodes come from."""

import copy
import gc as collector
import random
import sys
import threading
import weakref

import numpy as np
import pytest

import graphc as gc
from graphc.grad import reverse_mode
from graphc.ir import node as nodes
from graphc.ir.node import make, rebuild, topological
from graphc.ir.source import at
from graphc.ir.verify import verify
from graphc.ops.movement import Pad


def size_of_the_table():
    collector.collect()
    return len(nodes._table)


# --- equal nodes are one object ---


def test_equal_nodes_are_one_object():
    x = gc.input("x", ("n", 3))
    assert gc.input("x", ("n", 3)) is x
    assert gc.exp(x + 1) is gc.exp(x + 1)
    assert gc.sum(x, axis=1) is gc.sum(x, axis=-1)
    assert gc.input("x", ("n", 4)) is not x
    assert gc.input("x", ("n", 3), "float64") is not x
    assert gc.sum(x, axis=0) is not gc.sum(x, axis=1)
    assert x - 1 is not 1 - x


def test_parameters_are_their_own():
    assert gc.parameter("w", [1.0]) is not gc.parameter("w", [1.0])


@pytest.mark.parametrize(
    "values",
    [
        [np.float32(0.0), np.float32(-0.0)],
        [np.int64(1), np.float64(1.0), np.bool_(True), np.int32(1), np.float32(1.0), np.uint64(1)],
        list(np.array([0x7FC00000, 0x7FC00001, 0xFFC00000, 0x7F800001], np.uint32).view(np.float32)),
        [np.zeros(3), np.zeros((3, 1)), np.zeros(4), np.float64(0.0)],
        [np.array([0.0, -0.0]), np.array([0.0, 0.0]), np.array([-0.0, -0.0])],
    ],
    ids=["zeros", "ones", "NaNs", "shapes", "arrays of zeros"],
)
def test_constants_differ_by_dtype_shape_and_bytes(values):
    made = [gc.constant(value) for value in values]
    assert len(set(made)) == len(values)
    for node, value in zip(made, values, strict=True):
        same = gc.constant(np.array(value))
        assert same is node
        full = np.array(np.broadcast_to(node.op.value, node.shape))
        assert full.tobytes() == np.asarray(value).tobytes()


def test_attributes_differ_by_bits():
    x = gc.input("x", (2,))
    values = [0.0, -0.0, 1.0, np.inf, np.nan]
    assert len({gc.pad(x, 1, value=v) for v in values}) == len(values)
    assert gc.pad(x, 1, value=float("nan")) is gc.pad(x, 1, value=float("nan"))
    assert hash(Pad((1,), (1,), (4,), -0.0)) == hash(Pad((1,), (1,), (4,), -0.0))


def test_a_constant_does_not_see_later_changes_of_its_array():
    array = np.ones(3)
    node = gc.constant(array)
    array[0] = 7
    assert gc.constant(np.ones(3)) is node
    with pytest.raises(ValueError, match="read-only"):
        gc.constant(np.arange(3)).op.value[0] = 7


def test_nodes_are_copied_to_themselves():
    y = gc.exp(gc.input("x"))
    assert copy.copy(y) is y
    assert copy.deepcopy({"y": [y]})["y"][0] is y


# --- what is not needed is freed ---


def test_dropped_graphs_leave_the_table():
    before = size_of_the_table()
    x = gc.input("freed", (3,), "float64")
    y = gc.sum(gc.exp(x) * np.arange(3.0))
    watched = weakref.ref(y), weakref.ref(x)
    assert len(nodes._table) > before
    del x, y
    assert size_of_the_table() == before
    assert [ref() for ref in watched] == [None, None]


def test_a_node_after_a_freed_one_is_new():
    for i in range(2000):
        x = gc.input(f"again{i % 7}", (i % 5,))
        y = gc.exp(x) if i % 2 else gc.log(x)
        assert y.args == (x,)
        assert y.shape == (i % 5,)


def test_long_chains_are_made_walked_checked_differentiated_and_dropped():
    before = size_of_the_table()
    x = y = gc.input("long", (), "float64")
    for _ in range(100_000):
        y = -y
    order = topological([y])
    assert (order[0], order[-1], len(order)) == (x, y, 100_001)
    assert verify(gc.Graph("f", (x,), (y,))).users[x] == (order[1],)
    (same,) = rebuild([y], lambda node, args: make(node.op, *args))
    assert same is y
    (dx,) = reverse_mode(y, [x])
    assert len(topological([dx])) > 100_000
    del x, y, order, dx, same
    assert size_of_the_table() == before


def test_wide_graphs_are_walked_once():
    x = y = gc.input("x")
    for _ in range(300):
        y = y + y * x  # 2**300 paths
    assert len(topological([y])) == 601


# --- threads ---


def test_threads_make_the_same_nodes():
    """Every thread builds the same graphs in another order, and the interpreter switches all the time."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    found: dict[int, dict[int, gc.Node]] = {}
    barrier = threading.Barrier(8)

    def build(worker):
        made = {}
        order = list(range(200))
        random.Random(worker).shuffle(order)
        barrier.wait()
        for i in order:
            x = gc.input(f"t{i % 10}", (i,), "float64")
            made[i] = gc.sum(gc.tanh(x * 2 + i) / (1 + gc.exp(-x)))
        found[worker] = made

    try:
        threads = [threading.Thread(target=build, args=(worker,)) for worker in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert len(found) == 8
    for i in range(200):
        assert len({id(made[i]) for made in found.values()}) == 1


def test_threads_make_and_drop_nodes():
    failures = []

    def churn(worker):
        try:
            for i in range(2000):
                x = gc.input("churn", (i % 3,))
                y = gc.exp(x) + float(i % 5)
                assert y.args[0].args[0] is x
                assert y is gc.exp(x) + float(i % 5)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=churn, args=(worker,)) for worker in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


# --- the user's line ---


def layer(x):
    return gc.tanh(x) + 1  # the line of the helper


def test_a_node_knows_the_users_line_and_expression():
    x = gc.input("line1", (3,))
    y = gc.exp(x) * 2  # this line
    assert y.source.file == __file__
    assert y.source.text == "y = gc.exp(x) * 2  # this line"
    assert y.source.expression == "gc.exp(x) * 2"
    assert y.args[0].source.expression == "gc.exp(x)"
    assert str(y.source) == f"test_node.py:{y.source.line}"
    assert repr(y) == f"<%multiply: f32[3]   {y.source}   {y.source.text}>"


def test_a_node_of_a_helper_comes_from_the_helpers_line():
    y = layer(gc.input("line2", (3,)))
    assert y.source.text == "return gc.tanh(x) + 1  # the line of the helper"
    assert y.source.expression == "gc.tanh(x) + 1"
    assert y.args[0].source.expression == "gc.tanh(x)"


def test_composed_functions_and_protocols_lead_to_the_users_line():
    x = gc.input("line3", ("n", 3))
    made = [gc.std(x, axis=1), np.exp(x), np.sum(x, axis=0), x[1:, None], x @ x.T]
    made += [gc.relu(x), abs(x), -x, x.mean()]
    of_x = {x}  # constants and sizes may have been made elsewhere, and are the same nodes
    for part in topological(made):
        if any(arg in of_x for arg in part.args):
            of_x.add(part)
            assert part.source.file == __file__
            assert part.source.text.startswith("made ")
    assert of_x.issuperset(made)


def test_expressions_of_several_lines_give_the_line():
    x = gc.input("line4", (3,))
    # fmt: off
    y = gc.exp(
        x
    )
    # fmt: on
    assert y.source.text == "y = gc.exp("
    assert y.source.expression == "y = gc.exp("


def test_derivatives_and_rewriting_keep_the_line():
    x = gc.input("line5", (19,), "float64")  # a size of its own: constants of others may be alive
    cost = gc.sum(gc.exp(x) * gc.sin(x))  # the cost
    lines = {cost.source.line, x.source.line}
    (dx,) = reverse_mode(cost, [x])
    assert {node.source.line for node in topological([dx])} <= lines
    with at(cost.source):
        assert gc.erf(x).source.text == cost.source.text
    function = gc.compile([x], gc.log(gc.sum(gc.exp(x))), target="reference")
    (y,) = function.graph.outputs
    assert y.source.text.startswith("function = gc.compile([x], gc.log(gc.sum(gc.exp(x)))")


def test_the_line_is_not_part_of_identity():
    x = gc.input("line6", (3,))
    first = gc.exp(x)
    second = gc.exp(x)
    assert first is second
    assert first.source.text == "first = gc.exp(x)"


def test_an_input_is_where_it_was_made_last():
    first = gc.input("x", (3,))
    last = gc.input("x", (3,))
    assert first is last
    assert first.source.text == 'last = gc.input("x", (3,))'


def test_code_without_a_file_has_a_place_too():
    scope = {"gc": gc}
    exec("x = gc.input('typed', (3,))\ny = gc.exp(x)", scope)
    assert str(scope["y"].source) == "<string>:2"
    with pytest.raises(gc.errors.ShapeError, match="at <string>:1"):
        exec("x + gc.input('other', (4,))", scope)


# --- graphs and the checker ---


def test_a_graph_needs_its_inputs():
    x, y = gc.input("x", (3,)), gc.input("y", (3,))
    with pytest.raises(gc.errors.GraphError, match="'y' is needed"):
        gc.Graph("f", (x,), (x + y,))
    with pytest.raises(gc.errors.GraphError, match=r"not an input\n.*exp.*test_node"):
        gc.Graph("f", (gc.exp(x),), (x,))
    with pytest.raises(gc.errors.GraphError, match="two inputs are named 'x'"):
        gc.Graph("f", (x, gc.input("x", (4,))), (x,))


def test_a_graph_as_networkx():
    x = gc.input("x")
    graph = gc.Graph("f", (x,), (x * x + gc.exp(x),)).to_networkx()
    assert sorted(data["op"] for _, data in graph.nodes(data=True)) == ["add", "exp", "input", "multiply"]
    assert sorted(data["position"] for *_, data in graph.edges(data=True)) == [0, 0, 0, 1, 1]


def test_verify_finds_a_wrong_type():
    x = gc.input("x", (3,))
    y = gc.exp(x) + 1
    graph = gc.Graph("f", (x,), (y,))
    assert verify(graph) is graph
    broken = make(gc.OPS["sin"](), y)
    broken.type = gc.TensorType(gc.float32, (4,))
    with pytest.raises(gc.errors.VerifyError, match=r"sin has type f32\[4\], its operands give f32\[3\]\n.*graph f"):
        verify(gc.Graph("f", (x,), (broken,)))


def test_verify_finds_operands_that_do_not_fit():
    x = gc.input("verified", (3,))
    y = make(gc.OPS["add"](), x, gc.exp(x))
    y.args = (x, gc.input("w", (4,)))
    with pytest.raises(gc.errors.VerifyError, match="add: shapes differ"):
        verify(gc.Graph("f", y.args, (y,)))


def test_verify_finds_a_node_before_its_operands():
    x = gc.input("x", (3,))
    y = gc.exp(x)
    graph = gc.Graph("f", (x,), (y,))
    graph.__dict__["nodes"] = (y, x)
    with pytest.raises(gc.errors.VerifyError, match="a node comes before its operands"):
        verify(graph)


def test_verify_finds_a_constant_with_another_array():
    node = gc.constant(np.arange(3.0))
    graph = gc.Graph("f", (), (node,))
    object.__setattr__(node.op, "value", np.zeros(2))
    with pytest.raises(gc.errors.VerifyError, match=r"constant: elements of shape \(2,\) are no f64\[3\]"):
        verify(graph)
