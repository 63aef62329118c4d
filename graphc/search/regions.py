"""Regions: the elementwise formulas of a graph, as scalar formulas of their operands, and back.

A region is a node with all below it that calculates with real numbers of one float dtype, element by element. What
it reads are its leaves. A choice is a leaf: an identity that holds where one branch is taken may fail where the
other is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from graphc.interpret.interval import Interval, inf
from graphc.interpret.ranges import range_of
from graphc.ir.graph import Graph
from graphc.ir.leaf import Input, full, uniform_value
from graphc.ir.node import Node, make, topological
from graphc.ops.base import Elementwise
from graphc.search.egraph import EGraph, real
from graphc.search.exact import Probe
from graphc.search.extraction import Cost
from graphc.search.symbols import Leaf
from graphc.types import TensorType, float32, float64

VOCABULARY = frozenset({
    "add", "subtract", "multiply", "divide", "negative", "square", "one_minus_square", "abs", "maximum", "minimum",
    "pow", "sqrt", "cbrt", "rsqrt", "hypot", "direction_cosine", "exp", "expm1", "exprel", "exp_add", "log", "log1p",
    "log2", "log10", "logaddexp", "log1mexp", "sigmoid", "logistic_pdf", "softplus", "sin", "cos", "tan", "sinc",
    "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "erf", "erfc",
    "taylor_remainder",
})  # fmt: skip
"""Ops that are continuous functions of real numbers."""


@dataclass(frozen=True, eq=False)
class Region:
    """A formula over `variables`, scalar inputs that stand for the `leaves` of a graph, with their intervals.

    `known` is what is known to be accurate already: the formula itself, or what rules will make of it.
    """

    root: Node
    formula: Node
    known: Node
    variables: tuple[Node, ...]
    leaves: tuple[Node, ...]
    intervals: tuple[Interval, ...]

    @property
    def size(self) -> int:
        """The number of its ops."""
        return sum(isinstance(node.op, Elementwise) for node in topological([self.formula]))

    def placed(self, formula: Node, leaves: Mapping[Node, Node]) -> Node:
        """Another formula over the variables as a node of the graph, over what became of the leaves."""
        known = {variable: leaves[leaf] for variable, leaf in zip(self.variables, self.leaves, strict=True)}
        for node in topological([formula]):
            if node not in known:
                known[node] = self._placed(node, known)
        return known[formula]

    def _placed(self, node: Node, known: Mapping[Node, Node]) -> Node:
        value = uniform_value(node)
        if value is not None:
            return full(value, TensorType(node.dtype, self.root.shape))
        return make(node.op, *(known[arg] for arg in node.args))


def regions(graph: Graph, largest: int) -> Iterator[Region]:
    """The regions of a graph that have at least two ops and no more than the largest may have."""
    results = set(graph.results)
    for node in graph.nodes:
        outside = node in results or any(not _continues(node, user) for user in graph.users[node])
        if is_calculation(node) and outside:
            region = _region(node, largest)
            if region is not None and region.size >= 2 and region.variables:
                yield region


def is_calculation(node: Node) -> bool:
    """Whether a node is a continuous function of real numbers, element by element."""
    return isinstance(node.op, Elementwise) and node.op.name in VOCABULARY and node.dtype in (float32, float64)


def _continues(node: Node, user: Node) -> bool:
    return is_calculation(user) and user.dtype is node.dtype


def _region(root: Node, largest: int) -> Region | None:
    """The region of a root; None if it has too many ops."""
    known: dict[Node, Node] = {}
    leaves: dict[Node, Node] = {}
    scalar = TensorType(root.dtype, ())

    def inside(node: Node) -> bool:
        return is_calculation(node) and node.dtype is root.dtype

    stack = [root]
    while stack:
        node = stack[-1]
        missing = [arg for arg in node.args if arg not in known] if inside(node) else []
        if missing and node not in known:
            stack.extend(reversed(missing))
            continue
        stack.pop()
        if node in known:
            continue
        value = uniform_value(node)
        if inside(node):
            largest -= 1
            if largest < 0:
                return None
            known[node] = make(node.op, *(known[arg] for arg in node.args))
        elif value is not None and np.isfinite(value):
            known[node] = full(value, scalar)
        else:
            known[node] = leaves[node] = make(Input(f"x{len(leaves)}", scalar))
    intervals = tuple(map(range_of, leaves))
    return Region(root, known[root], known[root], tuple(leaves.values()), tuple(leaves), intervals)


# --- formulas in e-graphs ---

_DOMAINS: dict[str, dict[int, Interval]] = {
    "sqrt": {0: Interval(0.0, inf)},
    "rsqrt": {0: Interval(0.0, inf, may_be_zero=False)},
    "log": {0: Interval(0.0, inf, may_be_zero=False)},
    "log2": {0: Interval(0.0, inf, may_be_zero=False)},
    "log10": {0: Interval(0.0, inf, may_be_zero=False)},
    "log1p": {0: Interval(-1.0, inf)},
    "divide": {1: Interval(-inf, inf, may_be_zero=False)},
}
"""Where the operands of ops lie if the result is a real number."""


def planted(
    formula: Node,
    variables: tuple[Node, ...],
    intervals: tuple[Interval, ...],
    limit: int,
    rows: Sequence[Sequence[float]] = (),
) -> tuple[EGraph, int]:
    """An e-graph with a formula, and its class. The operands lie where all of the formula is defined.

    What is not equal at `rows` of operands, where the formula is defined, will not be said to be.
    """
    graph = EGraph(limit, Probe(rows) if rows else None)
    classes = {variable: graph.add(Leaf(number)) for number, variable in enumerate(variables)}
    for variable, interval in zip(variables, intervals, strict=True):
        graph.narrow(classes[variable], real(interval))
    graph.rebuild()
    add(graph, formula, classes)
    for node in topological([formula]):
        for position, domain in _DOMAINS.get(node.op.name, {}).items():
            graph.narrow(classes[node.args[position]], domain)
        if node.op.name == "pow" and _is_root(node.args[1]):
            graph.narrow(classes[node.args[0]], Interval(0.0, inf))
    graph.rebuild()
    return graph, graph.find(classes[formula])


def add(graph: EGraph, formula: Node, classes: dict[Node, int]) -> int:
    """The class of a formula; `classes` has those of the variables, and keeps all others."""
    for node in topological([formula]):
        if node not in classes:
            value = uniform_value(node)
            if value is not None:
                classes[node] = graph.add(Fraction(float(value)))
            else:
                symbol = node.op if node.op.attribute_names else node.op.name
                classes[node] = graph.add(symbol, *(classes[arg] for arg in node.args))
    return graph.find(classes[formula])


def _is_root(exponent: Node) -> bool:
    value = uniform_value(exponent)
    return value is not None and not float(value).is_integer()


def cost_of(formula: Node, cost: Cost) -> float:
    """What a formula costs, each of its nodes once."""
    return sum(cost(node.op) for node in topological([formula]) if isinstance(node.op, Elementwise))
