"""Constant folding: what does not depend on inputs and parameters is computed now.

Comes in: a graph; goes out: one in which the reference's results stand for such parts, in dtype and bits.
"""

from __future__ import annotations

import numpy as np

from graphc.dimension import Dim
from graphc.errors import GraphcError
from graphc.interpret import evaluate_nodes
from graphc.interpret.reader import Array
from graphc.ir.graph import Graph
from graphc.ir.leaf import Constant, constant, full, uniform_value
from graphc.ir.node import Node, make, rebuild
from graphc.ir.source import at
from graphc.ops.barrier import Barrier
from graphc.ops.conversion import Expand
from graphc.passes.registry import graph_pass
from graphc.types import TensorType, TupleType


@graph_pass
def fold(graph: Graph, *, max_elements: int = 4096, formulas: bool = True) -> Graph:
    """Compute what is constant, up to a size beyond which a program is better than data.

    %0 = log(2.0)   becomes the constant 0.6931472

    With `formulas=false`, sums and functions of floats stay: `log(sum(exp([1000, 999])))` has to be made stable first.
    """
    names: dict[Node, str] = {}

    def replace(node: Node, args: tuple[Node, ...]) -> Node:
        with at(node.source):
            new = make(node.op, *args)
            new = _folded(new, max_elements) if formulas or _keeps_digits(new) else new
        if node in graph.names:
            names.setdefault(new, graph.names[node])
        return new

    return graph.with_results(rebuild(graph.results, replace), names)


def _folded(node: Node, max_elements: int) -> Node:
    if not node.args or isinstance(node.op, Barrier | Expand):  # an expand costs nothing where it is read
        return node
    if isinstance(node.type, TupleType):  # one constant holds one array
        return node
    if not all(isinstance(arg.op, Constant) for arg in node.args):
        return node
    if all(uniform_value(arg) is not None for arg in node.args) and node.op.elementwise:
        scalars = [full(uniform_value(arg), TensorType(arg.dtype, ())) for arg in node.args]
        found = _value(make(node.op, *scalars))
        return node if found is None else full(found, node.type)
    if _names_sizes(node) or node.size > max_elements:
        return node
    if any(not isinstance(arg.size, int) or arg.size > max_elements for arg in node.args):
        return node
    found = _value(node)
    return node if found is None else constant(found)


_FACTORS = frozenset({"abs", "cast", "divide", "maximum", "minimum", "multiply", "negative", "where"})


def _keeps_digits(node: Node) -> bool:
    """Whether a result from exact operands is off by rounding at most, with no overflow or cancellation on the way."""
    return not node.dtype.is_float or node.op.moves or node.op.name in _FACTORS


def _names_sizes(node: Node) -> bool:
    """Whether a value or an attribute depends on a named dimension."""
    attributes = node.op.attributes().values()
    sizes = [size for value in attributes for size in (value if isinstance(value, tuple) else (value,))]
    return any(isinstance(size, Dim) for size in (*sizes, *node.shape))


def _value(node: Node) -> Array | None:
    """The value of a node of constants; None where it is an error, which is left to the call."""
    with np.errstate(all="ignore"):
        try:
            (value,) = evaluate_nodes([node], {}, {})
        except GraphcError:
            return None
    return value
