"""Derivatives as users ask for them: the cost is made stable first, then differentiated.

So the derivative of `log(sum(exp(x)))` is that of `logsumexp(x)`, namely `softmax(x)`, and not a quotient of
overflowing exponentials.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from graphc.errors import GradientError
from graphc.grad import reverse_mode
from graphc.ir.leaf import full
from graphc.ir.node import Node, describe, make, public, rebuild, topological
from graphc.ir.source import warn
from graphc.ops.barrier import Barrier, barrier


class UnusedInputWarning(UserWarning):
    """A derivative with respect to something that the cost does not depend on: it is zero."""


@public
def grad(cost: Node, wrt: Node | Sequence[Node], *, semantics: str = "stable") -> Any:
    """The derivative of a scalar cost with respect to a node, or a list of them for a list of nodes.

    `wrt` may hold inputs, parameters and any node on the way to the cost. The results have the types of the nodes;
    one that the cost does not depend on gives zeros, with an UnusedInputWarning.
    Raises GradientError if the cost is no floating-point scalar or a node holds no floating-point numbers.
    Source: reverse accumulation, Goodfellow, Bengio & Courville, Deep Learning, section 6.5.
    """
    nodes = [wrt] if isinstance(wrt, Node) else list(wrt) if isinstance(wrt, Iterable) else [wrt]
    for node in [cost, *nodes]:
        if not isinstance(node, Node):
            raise GradientError(f"{node!r:.80} is no node", help="grad(cost, node) or grad(cost, [node, ...])")
    if not isinstance(semantics, str):
        raise TypeError(f"grad: semantics is a text, not {semantics!r:.80}")
    # The rules are imported when they are needed: importing graphc stays cheap.
    from graphc.passes.stabilize import stabilize_nodes

    kept, targets = _behind_barriers(cost, nodes)
    (stable,) = stabilize_nodes([kept], semantics=semantics)
    found = reverse_mode(stable, targets)
    results = [g if g is not None else _zeros(cost, node) for g, node in zip(found, nodes, strict=True)]
    results = _without_barriers(results)
    return results[0] if isinstance(wrt, Node) else results


@public
def value_and_grad(cost: Node, wrt: Node | Sequence[Node], *, semantics: str = "stable") -> tuple[Node, Any]:
    """The cost and its derivative."""
    return cost, grad(cost, wrt, semantics=semantics)


def _behind_barriers(cost: Node, wrt: list[Node]) -> tuple[Node, list[Node]]:
    """The cost with a barrier at every node of `wrt` that is no leaf, so that rewriting keeps it; and these nodes."""
    inner = {node for node in wrt if node.args}
    if not inner:
        return cost, wrt
    new: dict[Node, Node] = {}
    for node in topological([cost, *wrt]):
        same = make(node.op, *(new[arg] for arg in node.args))
        new[node] = barrier(same) if node in inner else same
    return new[cost], [new[node] for node in wrt]


def _without_barriers(nodes: list[Node]) -> list[Node]:
    def replace(node: Node, args: tuple[Node, ...]) -> Node:
        return args[0] if isinstance(node.op, Barrier) else make(node.op, *args)

    return rebuild(nodes, replace)


def _zeros(cost: Node, node: Node) -> Node:
    warn(f"the cost does not depend on this, its derivative is zero: {describe(node)}", UnusedInputWarning)
    return full(0, node.type)
