"""Products of many matrices, in the order that needs the fewest multiplications."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.dimension import Dim
from graphc.errors import ShapeError
from graphc.ir.node import Node, public
from graphc.ops.contraction import matmul
from graphc.ops.conversion import as_node, expand

TYPICAL_SIZE = 1024  # what a named dimension counts as when costs are compared


@public
def multi_dot(arrays: Sequence[Any]) -> Any:
    """The product of two or more matrices; the first and the last may be vectors.

    The order of the products is the cheapest for the sizes; a named dimension counts as 1024.
    Source: Cormen et al., Introduction to Algorithms, 15.2.
    """
    nodes = [as_node(x) for x in arrays]
    if len(nodes) < 2:
        raise ShapeError("a product of fewer than two matrices")
    row, column = nodes[0].ndim == 1, nodes[-1].ndim == 1
    nodes[0] = expand(nodes[0], (0,), (1,)) if row else nodes[0]
    nodes[-1] = expand(nodes[-1], (1,), (1,)) if column else nodes[-1]
    if any(x.ndim != 2 for x in nodes):
        raise ShapeError("not matrices", help="only the first and the last may be vectors")
    y = _product(nodes, cheapest_splits([*(x.shape[0] for x in nodes), nodes[-1].shape[1]]))
    dropped = [axis for axis, drop in ((0, row), (1, column)) if drop]
    return y.reshape(tuple(n for axis, n in enumerate(y.shape) if axis not in dropped))


def cheapest_splits(sizes: Sequence[int | Dim]) -> dict[tuple[int, int], int]:
    """Where to split the product of matrices i … j - 1, matrix i being sizes[i] by sizes[i + 1]."""
    numbers = [n if isinstance(n, int) else n.evaluate(dict.fromkeys(n.symbols, TYPICAL_SIZE)) for n in sizes]
    count = len(sizes) - 1
    cost = {(i, i + 1): 0 for i in range(count)}
    splits = {}
    for length in range(2, count + 1):
        for i in range(count - length + 1):
            j = i + length
            costs = {k: cost[i, k] + cost[k, j] + numbers[i] * numbers[k] * numbers[j] for k in range(i + 1, j)}
            splits[i, j] = min(costs, key=costs.__getitem__)
            cost[i, j] = costs[splits[i, j]]
    return splits


def _product(nodes: list[Node], splits: dict[tuple[int, int], int]) -> Any:
    done: dict[tuple[int, int], Any] = {(i, i + 1): node for i, node in enumerate(nodes)}
    stack = [(0, len(nodes))]
    while stack:
        i, j = stack[-1]
        if (i, j) in done:
            stack.pop()
            continue
        k = splits[i, j]
        if (i, k) in done and (k, j) in done:
            done[i, j] = matmul(done[i, k], done[k, j])
        else:
            stack += [part for part in ((i, k), (k, j)) if part not in done]
    return done[0, len(nodes)]
