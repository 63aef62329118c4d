"""Approximations: what a formula almost is, where one part of it is far larger than another.

Comes in: a formula; goes out: others, each of which may be right in some part of the plane: without a term of a sum,
with the first term of a function in the place of the function, or with the first terms of a series.
"""

from __future__ import annotations

from collections.abc import Iterator

from graphc.ir.leaf import Input
from graphc.ir.node import Node, make, rebuild, topological
from graphc.ops.elementwise import abs, negative
from graphc.search.series import expansions

IDENTITY_NEAR_ZERO = frozenset({"sin", "tan", "asin", "atan", "sinh", "tanh", "asinh", "atanh", "expm1", "log1p"})
POLYNOMIAL = frozenset({"add", "subtract", "multiply", "negative", "square"})


def approximations(formula: Node) -> Iterator[Node]:
    """Formulas that are near to one somewhere, each once."""
    seen = {formula}
    small = _with_small_arguments(formula)
    if small not in seen:
        seen.add(small)
        yield small
    for node in reversed(topological([formula])):
        for part in _parts(node):
            whole = _with(formula, node, part)
            if whole not in seen:
                seen.add(whole)
                yield whole


def _parts(node: Node) -> Iterator[Node]:
    """What may stand for a node."""
    match node.op.name:
        case "add":
            yield from node.args
        case "subtract":
            yield node.args[0]
            yield negative(node.args[1])
        case "hypot":
            yield from map(abs, node.args)
        case name if name in IDENTITY_NEAR_ZERO:
            yield node.args[0]
    below = topological([node])
    variables = [leaf for leaf in below if isinstance(leaf.op, Input)]
    if len(variables) == 1 and not all(part.op.name in POLYNOMIAL for part in below if part.args):
        yield from expansions(node, variables[0])


def _with_small_arguments(formula: Node) -> Node:
    """A formula with the first term of all functions that are small for small arguments."""

    def replaced(node: Node, args: tuple[Node, ...]) -> Node:
        return args[0] if node.op.name in IDENTITY_NEAR_ZERO else make(node.op, *args)

    (found,) = rebuild([formula], replaced)
    return found


def _with(formula: Node, old: Node, new: Node) -> Node:
    """A formula with something else in the place of a node."""

    def replaced(node: Node, args: tuple[Node, ...]) -> Node:
        return new if node is old else make(node.op, *args)

    (found,) = rebuild([formula], replaced)
    return found
