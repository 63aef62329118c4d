"""Functions that say themselves what happens in the derivative: `custom_gradient` and `checkpoint`.

Comes in: a Python function of nodes, called once on variables whenever it is used; goes out: nodes of an op whose
inner graphs are what was recorded. The op decomposes into the function's own graph, so a value costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import wraps
from typing import Any

from graphc import tree
from graphc.batching.transform import stacked_graph
from graphc.errors import GradientError, ShapeError
from graphc.forward import forward_mode
from graphc.grad import pull_back
from graphc.ir.graph import Graph
from graphc.ir.leaf import full
from graphc.ir.node import Node, describe, make, public
from graphc.ir.op import Cotangents
from graphc.ir.substitution import substitute, variable
from graphc.loops.closure import closed
from graphc.ops.barrier import recompute
from graphc.ops.base import Composite
from graphc.ops.conversion import as_node, sum
from graphc.ops.tuples import Pack, items
from graphc.types import TensorType, TupleType


class Recorded(Composite, abstract=True):
    """A recorded function: it takes the inputs of its graph, and gives the outputs."""

    function: Graph

    def infer(self, *types: TensorType) -> TensorType:
        wanted = [x.type for x in self.function.inputs]
        if wanted != list(types):
            raise ShapeError(f"the function takes {TupleType(wanted)}, not {TupleType(types)}")
        return TupleType(y.type for y in self.function.outputs)

    def decompose(self, *xs: Node) -> Node:
        return make(Pack(), *_called(self.function, xs))


class CustomGradient(Recorded):
    """A function and its derivative: `rule` takes the operands, the results and a cotangent for each result.

    It gives a cotangent for each operand that has one, which are the first.
    """

    rule: Graph
    arity = None

    @property
    def inner(self) -> tuple[Graph, ...]:
        return self.function, self.rule

    def with_inner(self, inner: tuple[Graph, ...]) -> CustomGradient:
        return CustomGradient(*inner)

    def vjp(self, g: Sequence[Node | None], y: Node, *xs: Node) -> Cotangents:
        zeros = (full(0, result.type) for result in self.function.outputs)
        given = [zero if part is None else part for part, zero in zip(g, zeros)]
        found = iter(_called(self.rule, [*xs, *items(y), *given]))
        return [next(found, None) if x.dtype.is_float else None for x in xs]

    def batch(self, size: Any, batched: Sequence[bool], *xs: Node) -> tuple[Node, ...]:
        function = stacked_graph(self.function, size, tuple(batched))
        rest = len(self.rule.inputs) - len(batched)
        rule = stacked_graph(self.rule, size, (*batched, *(True for _ in range(rest))))
        floats = [has for has, x in zip(batched, xs) if x.dtype.is_float]
        cotangents = (g if has else sum(g, 0) for g, has in zip(rule.outputs, floats))  # what items share adds up
        return items(make(CustomGradient(function, replace(rule, outputs=tuple(cotangents))), *xs))


class Checkpoint(Recorded):
    """A function whose values are not kept for the derivative: it calculates them again from the first `own` operands.

    The others (weights, what the function reads from around it) are at hand anyway.
    """

    own: int
    arity = None

    @property
    def inner(self) -> tuple[Graph, ...]:
        return (self.function,)

    def with_inner(self, inner: tuple[Graph, ...]) -> Checkpoint:
        return replace(self, function=inner[0])

    def vjp(self, g: Sequence[Node | None], y: Node, *xs: Node) -> Cotangents:
        again = [recompute(x) if i < self.own else x for i, x in enumerate(xs)]
        inputs = [variable(x.type) for x in xs]
        given = [(result, part) for result, part in zip(_called(self.function, inputs), g) if part is not None]
        seeds = [variable(part.type) for _, part in given]
        wanted = [x for x in inputs if x.dtype.is_float]
        found = dict(zip(wanted, pull_back([result for result, _ in given], wanted, seeds)))
        known = dict(zip(inputs, again)) | dict(zip(seeds, (part for _, part in given)))
        parts = iter(substitute([dx for dx in found.values() if dx is not None], known))
        return [None if found.get(x) is None else next(parts) for x in inputs]

    def jvp(self, y: Node, xs: Sequence[Node], dxs: Sequence[Node | None]) -> tuple[Node | None, ...]:
        inputs = [variable(x.type) for x in xs]
        moving = {x: variable(x.type) for x, dx in zip(inputs, dxs) if dx is not None}
        found = forward_mode(_called(self.function, inputs), moving)
        known = dict(zip(inputs, xs)) | {moving[x]: dx for x, dx in zip(inputs, dxs) if dx is not None}
        parts = iter(substitute([dy for dy in found if dy is not None], known))
        return tuple(None if dy is None else next(parts) for dy in found)

    def batch(self, size: Any, batched: Sequence[bool], *xs: Node) -> tuple[Node, ...]:
        return items(make(replace(self, function=stacked_graph(self.function, size, tuple(batched))), *xs))


def custom_gradient(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function with a derivative of its own: it returns its value, and a function from cotangents to cotangents.

        @gc.custom_gradient
        def clipped(x):
            return x, lambda g: gc.clip(g, -1, 1)

    The inner function takes a cotangent for each result and gives one for each argument (None where there is none),
    in containers as the arguments are: a single one, or a tuple for several arguments. Higher derivatives are those
    of the rule. Forward mode is its transpose, for which it must be linear in the cotangents. What the function reads
    from around it counts as constant.

    Raises GradientError or ShapeError for rules that do not fit.
    """

    @public
    @wraps(function)
    def apply(*args: Any) -> Any:
        xs, structure = _recorded_arguments(args)
        result = function(*tree.unflatten(structure, xs))
        if not isinstance(result, tuple) or len(result) != 2 or not callable(result[1]):
            raise GradientError("a custom gradient is a function that returns (value, rule)")
        ys, shape = _leaves(result[0])
        gs = [variable(y.type) for y in ys]
        cotangents = _cotangents(result[1](*_as_arguments(tree.unflatten(shape, gs))), xs, structure)
        op, operands = _with_rule(xs, ys, gs, cotangents)
        given = dict(zip(xs, _given(args)))
        return tree.unflatten(shape, items(make(op, *(given.get(x, x) for x in operands))))

    return apply


def _with_rule(
    xs: Sequence[Node], ys: Sequence[Node], gs: Sequence[Node], cotangents: Sequence[Node]
) -> tuple[CustomGradient, list[Node]]:
    """The op of a recorded function and its recorded rule, and the operands: those with a cotangent come first."""
    own = sorted(xs, key=lambda x: not x.dtype.is_float)
    results = [variable(y.type) for y in ys]  # a rule that uses the value uses this op's, whose derivative is the rule
    cotangents = substitute(cotangents, {y: result for y, result in zip(ys, results) if y.args})
    words = dict.fromkeys(own, "x") | dict.fromkeys(results, "y") | dict.fromkeys(gs, "g")
    graph, needed = _closed_and_stable([*ys, *cotangents], words)
    n, m = len(own), len(words)
    inputs = (*graph.inputs[:n], *graph.inputs[m:])
    function = Graph("inner", inputs, graph.outputs[: len(ys)])
    rule = Graph("inner", (*inputs, *graph.inputs[n:m]), graph.outputs[len(ys) :])
    return CustomGradient(function, rule), [*own, *needed[m:]]


def checkpoint(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, of which the derivative in reverse mode keeps only the arguments.

    Values inside are calculated again when the derivative needs them: memory for time. Wrap the blocks of a deep
    model. Source: Chen, Xu, Zhang & Guestrin, Training deep nets with sublinear memory cost, 2016.
    """

    @public
    @wraps(function)
    def apply(*args: Any) -> Any:
        xs, structure = _recorded_arguments(args)
        ys, shape = _leaves(function(*tree.unflatten(structure, xs)))
        graph, needed = _closed_and_stable(ys, dict.fromkeys(xs, "x"))
        node = make(Checkpoint(graph, len(xs)), *_given(args), *needed[len(xs) :])
        return tree.unflatten(shape, items(node))

    return apply


def _given(args: tuple[Any, ...]) -> list[Node]:
    return [as_node(leaf) for leaf in tree.flatten(args)[0]]


def _recorded_arguments(args: tuple[Any, ...]) -> tuple[list[Node], Any]:
    """A variable for each leaf of the arguments, and their containers."""
    return [variable(x.type) for x in _given(args)], tree.flatten(args)[1]


def _leaves(value: Any) -> tuple[list[Node], Any]:
    leaves, structure = tree.flatten(value)
    return [as_node(leaf) for leaf in leaves], structure


def _as_arguments(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _cotangents(found: Any, xs: Sequence[Node], structure: Any) -> list[Node]:
    """The cotangents of the arguments that hold floats. Raises GradientError or ShapeError for what does not fit."""
    parts = _flat_with_none(_as_arguments(found), structure)
    if len(parts) != len(xs):
        raise GradientError(
            f"the rule gives {len(parts)} cotangents for {len(xs)} arguments", details=map(describe, xs)
        )
    fitted = []
    for part, x in zip(parts, xs):
        if not x.dtype.is_float:
            continue
        g = full(0, x.type) if part is None else as_node(part)
        if g.type != x.type:
            raise ShapeError(f"the rule gives {g.type} as the cotangent of {x.type}", details=[describe(g)])
        fitted.append(g)
    return fitted


def _flat_with_none(found: Any, structure: Any) -> list[Any]:
    """The leaves of what a rule gives, None among them where the arguments have a leaf."""
    if structure is tree.LEAF:
        return [found]
    if structure is None:
        return []
    keys: Iterable[Any] = structure if isinstance(structure, dict) else range(len(structure))
    if found is None:
        return [leaf for key in keys for leaf in _flat_with_none(None, structure[key])]
    if len(found) != len(structure):
        raise GradientError(f"the rule gives {len(found)} cotangents for {len(structure)} arguments")
    return [leaf for key in keys for leaf in _flat_with_none(found[key], structure[key])]


def _closed_and_stable(outputs: Sequence[Node], own: Mapping[Node, str]) -> tuple[Graph, list[Node]]:
    """A graph that reads only its inputs, and what these stand for: the own nodes, then others.

    It is made stable here, since what is differentiated later is what it holds.
    """
    from graphc.passes.stabilize import stabilize_nodes

    graph, needed = closed(outputs, own, always=len(own))
    return replace(graph, outputs=tuple(stabilize_nodes(graph.outputs))), needed


def _called(graph: Graph, xs: Sequence[Node]) -> list[Node]:
    """The outputs of a graph, over other nodes than its inputs."""
    return substitute(graph.outputs, dict(zip(graph.inputs, xs)))
