"""Evaluate graphs, node after node, with any reader.

Comes in: a graph (or nodes) and values; goes out: values. It walks in order, without recursion on the depth,
and drops each value after its last use.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

import numpy as np

from graphc.errors import DTypeError, GraphcError, GraphError, ShapeError
from graphc.interpret.binding import bind, infer_sizes
from graphc.interpret.reader import Array, Reader, as_reader
from graphc.ir.graph import Graph
from graphc.ir.leaf import Input, Parameter
from graphc.ir.node import Node, describe, make, topological
from graphc.ir.op import Op
from graphc.ops.base import Composite, Elementwise, InnerGraphs
from graphc.ops.tuples import Item, Pack
from graphc.types import TensorType, as_dtype


class Watcher(Protocol):
    """Sees an evaluation as it goes."""

    def computed(self, node: Node, xs: Sequence[Array], value: Any) -> None:
        """A node has a value, for these of its operands."""

    def inside(self, node: Node, number: int) -> Watcher:
        """Who watches one evaluation of an inner graph of a node, by number: one step of a loop, or a branch."""


class Results(NamedTuple):
    """What a call computes."""

    outputs: list[Array]
    updates: dict[Node, Array]
    """The new value of each parameter that has an update; nothing is stored."""


def evaluate(
    graph: Graph,
    inputs: Mapping[Any, Any] | Sequence[Any],
    *,
    reader: str | Reader = "numpy",
    parameters: Mapping[Node, Any] | None = None,
    watcher: Watcher | None = None,
) -> Results:
    """The values of a graph, given inputs in order, or by name or node.

    `parameters` replaces the present values of some parameters. A `watcher` is told of each value.
    Raises GraphError for a missing or unknown input, DTypeError and ShapeError for one that does not fit.
    """
    given = _by_node(graph, inputs)
    for parameter in graph.parameters:
        assert isinstance(parameter.op, Parameter)
        given[parameter] = parameter.op.storage.read()
    given.update(parameters or {})
    arrays = {node: _typed(node, value) for node, value in given.items()}
    sizes = infer_sizes((node, array.shape) for node, array in arrays.items())
    values = evaluate_nodes(graph.results, arrays, sizes, reader, watcher)
    # A copy, since a value may be a view of an input or of another output.
    values = [np.array(value, order="C", copy=True) for value in values]
    updated = [parameter for parameter, _ in graph.updates]
    count = len(graph.outputs)
    return Results(values[:count], dict(zip(updated, values[count:], strict=True)))


def evaluate_nodes(
    roots: Iterable[Node],
    bindings: Mapping[Node, Any],
    sizes: Mapping[str, int] | None = None,
    reader: str | Reader = "numpy",
    watcher: Watcher | None = None,
) -> list[Array]:
    """The values of nodes; `bindings` gives those of inputs, or of any nodes inside.

    The sizes of named dimensions follow from the bindings unless they are given. A `watcher` is told of each value.
    """
    roots, reader = list(roots), as_reader(reader)
    shapes = ((node, np.shape(value)) for node, value in bindings.items())
    known = infer_sizes(shapes) if sizes is None else sizes
    return reader.run(lambda reader: _walk(roots, bindings, known, reader, watcher))


def _walk(
    roots: list[Node],
    bindings: Mapping[Node, Any],
    sizes: Mapping[str, int],
    reader: Reader,
    watcher: Watcher | None = None,
) -> list[Array]:
    order = _needed(roots, bindings)
    uses = Counter(arg for node in order if node not in bindings for arg in node.args)
    uses.update(roots)
    values: dict[Node, Array] = {}
    for node in order:
        if node in bindings:
            values[node] = reader.load(bindings[node], node.dtype)
            continue
        xs = [values[arg] for arg in node.args]
        values[node] = _apply(node, xs, sizes, reader, watcher)
        if watcher is not None:
            watcher.computed(node, xs, values[node])
        for arg in node.args:
            uses[arg] -= 1
            if not uses[arg]:
                del values[arg]
    return [values[root] for root in roots]


def _needed(roots: list[Node], bindings: Mapping[Node, Any]) -> list[Node]:
    """The nodes to visit, operands first: nothing that only bound nodes need."""
    order = topological(roots)
    needed = set(roots)
    for node in reversed(order):
        if node in needed and node not in bindings:
            needed.update(node.args)
    return [node for node in order if node in needed]


def _apply(node: Node, xs: list[Array], sizes: Mapping[str, int], reader: Reader, watcher: Watcher | None) -> Array:
    if isinstance(node.op, Input):
        raise GraphError(f"the input {node.op.label!r} has no value", details=[describe(node)])
    if isinstance(node.op, Item):
        return xs[0][node.op.index]
    if isinstance(node.op, Pack):
        several: Any = tuple(xs)
        return several
    try:
        type_ = node.type.bound(sizes)
        op = _concrete(node, type_, sizes)
        if isinstance(op, InnerGraphs):

            def call(graph: Graph, given: Sequence[Array]) -> list[Array]:
                number = next(i for i, inner in enumerate(op.inner) if inner is graph)
                below = None if watcher is None else watcher.inside(node, number)
                return _walk(list(graph.outputs), dict(zip(graph.inputs, given, strict=True)), sizes, reader, below)

            return op.run(call, type_, *xs)
        if isinstance(node.op, Composite) and reader.decomposes(node.op):
            operands, root = _decomposition(node.op, tuple(arg.type for arg in node.args))
            return _walk([root], dict(zip(operands, xs, strict=True)), sizes, reader)[0]
        return reader.apply(op, type_, xs)
    except GraphcError as error:
        raise _at_sizes(error, node, sizes) from None


def check_sizes(nodes: Iterable[Node], sizes: Mapping[str, int]) -> None:
    """Apply the type rules of nodes again, with numbers for the named dimensions.

    Raises what the rule raises: `x[5]` is an error where x has a size of 3.
    """
    for node in nodes:
        try:
            _concrete(node, node.type.bound(sizes), sizes)
        except GraphcError as error:
            raise _at_sizes(error, node, sizes) from None


def _at_sizes(error: GraphcError, node: Node, sizes: Mapping[str, int]) -> GraphcError:
    """The error with the node and the sizes at which it arose."""
    known = ", ".join(f"{name} = {size}" for name, size in sorted(sizes.items()))
    details = [*error.details, describe(node), *([f"where {known}"] if known else [])]
    return type(error)(error.message, details=details, help=error.help)


def _concrete(node: Node, type_: TensorType, sizes: Mapping[str, int]) -> Op:
    """The op bound to sizes. Its type rule looks again, now that no size is a name."""
    op = bind(node.op, sizes)
    if isinstance(op, Elementwise | Item) or op.inner or not any(x.type.symbols for x in (node, *node.args)):
        return op
    found = op.infer(*(arg.type.bound(sizes) for arg in node.args))
    if found != type_ or any(isinstance(size, int) and size < 0 for size in type_.shape):
        raise ShapeError(f"{op.name}: no array has the type {type_}")
    return op


@lru_cache(maxsize=1024)
def _decomposition(op: Composite, types: tuple[TensorType, ...]) -> tuple[tuple[Node, ...], Node]:
    operands = tuple(make(Input(f"operand {i}", type_)) for i, type_ in enumerate(types))
    return operands, op.decompose(*operands)


def _by_node(graph: Graph, inputs: Mapping[Any, Any] | Sequence[Any]) -> dict[Node, Any]:
    if not isinstance(inputs, Mapping):
        if len(inputs) != len(graph.inputs):
            message = f"{len(graph.inputs)} inputs are wanted, {len(inputs)} given"
            raise GraphError(message, details=map(describe, graph.inputs))
        return dict(zip(graph.inputs, inputs, strict=True))
    nodes: dict[Any, Node] = {node.op.label: node for node in graph.inputs if isinstance(node.op, Input)}
    nodes |= {node: node for node in graph.inputs}
    given = {}
    for key, value in inputs.items():
        if key not in nodes:
            shown = describe(key) if isinstance(key, Node) else repr(key)
            raise GraphError(f"no input of the graph: {shown}", details=map(describe, graph.inputs))
        given[nodes[key]] = value
    missing = [node for node in graph.inputs if node not in given]
    if missing:
        raise GraphError("inputs have no value", details=map(describe, missing))
    return given


def _typed(node: Node, value: Any) -> Array:
    """An array of the node's dtype; arrays of objects hold a reader's own values and are left to it."""
    array = np.asarray(value)
    if array.dtype != object and as_dtype(array.dtype) is not node.dtype:
        message = f"the value has dtype {as_dtype(array.dtype).name}"
        raise DTypeError(message, details=[describe(node)], help="convert it first")
    return array
