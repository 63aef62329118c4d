"""Composite ops become simpler ones; only what targets know stays. Sums get the accumulation that was asked for.

    softmax(x)   becomes   e / sum(e)  with  e = exp(x - max(x))

Comes after every rewrite that looks for composite ops.
"""

from __future__ import annotations

from functools import partial

from graphc.errors import PipelineError
from graphc.ir.graph import Graph
from graphc.ir.node import Node, make
from graphc.ir.source import at
from graphc.ops.assume import Assume
from graphc.ops.barrier import Barrier, StopGradient
from graphc.ops.base import Composite
from graphc.ops.contraction import Matmul
from graphc.ops.conversion import Cast, CompensatedSum, Expand, Sum, cast, expand, reshape, sum
from graphc.ops.cumulative import Cumulative, LinearRecurrence
from graphc.ops.indexing import ScatterAddAlongAxis, Scattering
from graphc.ops.tuples import Item, Pack
from graphc.passes.registry import graph_pass
from graphc.types import DType, float32, float64

ACCUMULATIONS = ("blocked", "compensated")


@graph_pass
def decompose(graph: Graph, *, accumulation: str = "blocked") -> Graph:
    """Replace composite ops by what they are made of, and barriers by their operands.

        %1: f32[n] = logsumexp(%0, axis=(1,))

    becomes `max`, `subtract`, `exp`, `sum`, `log`, `add`. `accumulation` is how sums are calculated: "blocked", or
    "compensated", as if in twice the precision.
    """
    if accumulation not in ACCUMULATIONS:
        raise PipelineError(f"there is no accumulation {accumulation!r}", help=f"one of {', '.join(ACCUMULATIONS)}")
    simpler = partial(_simpler, compensated=accumulation == "compensated")
    done: dict[Node, Node] = {}
    stack = list(reversed(graph.results))
    became: dict[Node, Node] = {}
    while stack:
        node = stack[-1]
        if node in done:
            stack.pop()
        elif node in became:
            if became[node] in done:
                done[node] = done[became[node]]
            else:
                stack.append(became[node])
        elif pending := [arg for arg in node.args if arg not in done]:
            stack.extend(reversed(pending))
        else:
            with at(node.source):
                new = simpler(make(node.op, *(done[arg] for arg in node.args)))
            if new is node:
                done[node] = node
            else:
                became[node] = new
    names = {done[node]: name for node, name in graph.names.items() if node in done}
    return graph.with_results((done[node] for node in graph.results), names)


def _simpler(node: Node, compensated: bool) -> Node:
    match node.op:
        case Composite():
            return node.op.decompose(*node.args)
        case Item(index=index) if isinstance(node.args[0].op, Pack):
            return node.args[0].args[index]
        case Expand(size=size) if all(n == 1 for n in size):
            return reshape(node.args[0], node.shape)  # the same memory
        case Barrier() | StopGradient():
            return node.args[0]
        case Assume():
            return node.args[1]
        case ScatterAddAlongAxis(axis=axis) if node.args[0].shape[axis] == 1:
            return node.op.as_choice(*node.args)
        case Matmul() | Scattering() | Cumulative() if node.dtype.compute is not node.dtype:
            return _in_dtype(node.dtype.compute, node)  # they add up in memory, which must not round on the way
        case Matmul() if not node.dtype.is_float:
            return _product_and_sum(*node.args)
    return _compensated(node) if compensated and node.dtype.is_float else node


def _compensated(node: Node) -> Node:
    """A sum of floats as if in twice the precision: that of float32 numbers in float64, others with their errors."""
    match node.op:
        case Sum(axis=axis):
            return make(CompensatedSum(axis), *node.args)
        case Matmul() | Scattering() | LinearRecurrence() if node.dtype is float32:
            return _in_dtype(float64, node)
        case Matmul() if not all(isinstance(arg.op, Cast) and arg.args[0].dtype.bits < 64 for arg in node.args):
            return _product_and_sum(*node.args)
    return node


def _in_dtype(dtype: DType, node: Node) -> Node:
    """The same op on operands of another dtype, and its result as before."""
    wide = (cast(arg, dtype) if arg.dtype is node.dtype else arg for arg in node.args)
    return cast(make(node.op, *wide), node.dtype)


def _product_and_sum(x: Node, y: Node) -> Node:
    """A matrix product as a reduction, which needs no BLAS."""
    a = x.ndim - 2
    rows = expand(x, (a + 1,), (y.shape[-1],))
    columns = expand(y.mT, (a,), (x.shape[a],))
    return sum(rows * columns, a + 2, dtype=x.dtype).astype(x.dtype)
