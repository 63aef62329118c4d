"""Derivatives as users ask for them: what is differentiated is made stable first.

So the derivative of `log(sum(exp(x)))` is that of `logsumexp(x)`, namely `softmax(x)`, and not a quotient of
overflowing exponentials. Nodes go in, nodes come out: every result is an ordinary graph, differentiable again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from graphc.errors import GradientError, GraphcError
from graphc.forward import forward_mode
from graphc.grad import pull_back, reverse_mode
from graphc.ir.leaf import Input, Parameter, full
from graphc.ir.node import Node, describe, make, public, rebuild
from graphc.ir.source import warn
from graphc.ir.substitution import substitute
from graphc.ops.barrier import barrier
from graphc.ops.conversion import as_node, broadcast_to, cast


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
    nodes, (cost,) = nodes_of("grad", wrt), nodes_of("grad", [cost])
    stable = _Stable([cost], nodes, semantics)
    found = stable.restored(reverse_mode(stable.outputs[0], stable.wrt))
    results = [_zeros(cost, node) if g is None else g for g, node in zip(found, nodes)]
    return _like(wrt, results)


@public
def value_and_grad(cost: Node, wrt: Node | Sequence[Node], *, semantics: str = "stable") -> tuple[Node, Any]:
    """The cost and its derivative."""
    return cost, grad(cost, wrt, semantics=semantics)


@public
def vjp(
    outputs: Node | Sequence[Node],
    wrt: Node | Sequence[Node],
    cotangents: Any,
    *,
    semantics: str = "stable",
) -> Any:
    """Cotangents times the Jacobian of outputs: one result of the type of each node of `wrt`, in reverse mode.

    There is one cotangent for each output, of its shape. What no output depends on gives zeros.
    Raises GradientError for nodes that hold no floating-point numbers, ShapeError for a cotangent of another shape.
    """
    ys, nodes = nodes_of("vjp", outputs), nodes_of("vjp", wrt)
    given = _fitted("cotangent", cotangents, outputs, ys)
    _check_floats([*ys, *nodes])
    stable = _Stable(ys, nodes, semantics)
    found = stable.restored(pull_back(stable.outputs, stable.wrt, given))
    return _like(wrt, [full(0, x.type) if g is None else g for g, x in zip(found, nodes)])


@public
def jvp(
    outputs: Node | Sequence[Node],
    wrt: Node | Sequence[Node],
    tangents: Any,
    *,
    semantics: str = "stable",
) -> Any:
    """The Jacobian of outputs times tangents: one result of the type of each output, in forward mode.

    There is one tangent for each node of `wrt`, of its shape. An output that depends on none of them gives zeros.
    Raises GradientError for nodes that hold no floating-point numbers, ShapeError for a tangent of another shape.
    """
    ys, nodes = nodes_of("jvp", outputs), nodes_of("jvp", wrt)
    given = _fitted("tangent", tangents, wrt, nodes)
    _check_floats([*ys, *nodes])
    if len(set(nodes)) < len(nodes):
        raise GradientError("a node is given twice: which tangent is its own?", details=map(describe, nodes))
    stable = _Stable(ys, nodes, semantics)
    found = stable.restored(forward_mode(stable.outputs, dict(zip(stable.wrt, given))))
    return _like(outputs, [full(0, y.type) if dy is None else dy for dy, y in zip(found, ys)])


def linearize(
    outputs: Node | Sequence[Node], wrt: Node | Sequence[Node], *, semantics: str = "stable"
) -> Callable[[Any], Any]:
    """The derivative as a function from tangents of `wrt` to tangents of the outputs; see `jvp`.

    What does not depend on the tangent is shared by all calls of the function.
    """
    return lambda tangents: jvp(outputs, wrt, tangents, semantics=semantics)


@public
def hvp(cost: Node, wrt: Node | Sequence[Node], vectors: Any, *, semantics: str = "stable") -> Any:
    """The Hessian of a scalar cost times vectors, forward over reverse: it costs a few evaluations of the cost.

    Source: Pearlmutter, Fast exact multiplication by the Hessian, Neural Computation 6, 1994.
    """
    return jvp(grad(cost, wrt, semantics=semantics), wrt, vectors, semantics=semantics)


@public
def gauss_newton_vp(
    loss: Node,
    outputs: Node | Sequence[Node],
    wrt: Node | Sequence[Node],
    vectors: Any,
    *,
    semantics: str = "stable",
) -> Any:
    """The Gauss-Newton matrix of a loss of outputs times vectors: Jᵀ H J v, with H the loss's Hessian by the outputs.

    It is positive semidefinite where the loss is convex in the outputs.
    Source: Schraudolph, Fast curvature matrix-vector products, Neural Computation 14, 2002.
    """
    moved = jvp(outputs, wrt, vectors, semantics=semantics)
    return vjp(outputs, wrt, hvp(loss, outputs, moved, semantics=semantics), semantics=semantics)


class _Stable:
    """Outputs made stable, with barriers at the nodes of `wrt`, so that rewriting keeps these."""

    def __init__(self, outputs: Sequence[Node], wrt: Sequence[Node], semantics: str) -> None:
        if not isinstance(semantics, str):
            raise TypeError(f"semantics is a text, not {semantics!r:.80}")
        # The rules are imported when they are needed: importing graphc stays cheap.
        from graphc.passes.log_domain import log_domain_nodes
        from graphc.passes.stabilize import stabilize_nodes

        kept, targets = _behind_barriers(outputs, wrt)
        stable = log_domain_nodes(stabilize_nodes([*kept, *targets], semantics=semantics), semantics=semantics)
        self.outputs, self.wrt = stable[: len(kept)], stable[len(kept) :]
        self.given = {new: node for new, node in zip(self.wrt, wrt) if new is not node}

    def restored(self, found: Sequence[Node | None]) -> list[Node | None]:
        """Derivatives over the nodes themselves, without the barriers."""
        if not self.given:
            return list(found)
        results = iter(substitute([y for y in found if y is not None], self.given))
        return [None if y is None else next(results) for y in found]


def _behind_barriers(outputs: Sequence[Node], wrt: Sequence[Node]) -> tuple[list[Node], list[Node]]:
    """The outputs over barriers at every node of `wrt` that a rewrite may change, and these barriers."""
    inner = {node for node in wrt if not isinstance(node.op, Input | Parameter)}
    if not inner:
        return list(outputs), list(wrt)

    def replace(node: Node, args: tuple[Node, ...]) -> Node:
        same = make(node.op, *args)
        return barrier(same) if node in inner else same

    new = rebuild([*outputs, *wrt], replace)
    return new[: len(outputs)], new[len(outputs) :]


def nodes_of(name: str, given: Any) -> list[Node]:
    """A node or a list of nodes as a list. Raises GradientError for anything else."""
    nodes = [given] if isinstance(given, Node) else list(given) if isinstance(given, Iterable) else [given]
    for node in nodes:
        if not isinstance(node, Node):
            raise GradientError(f"{node!r:.80} is no node", help=f"{name} takes a node or a list of nodes")
    return nodes


def _check_floats(nodes: Sequence[Node]) -> None:
    for node in nodes:
        if not node.dtype.is_float:
            raise GradientError(f"no derivative of or by {node.dtype.name}", details=[describe(node)])


def _fitted(what: str, given: Any, single: Any, nodes: Sequence[Node]) -> list[Node]:
    """One node for each of `nodes`, of its type. Raises GradientError or ShapeError for what does not fit."""
    parts = [given] if isinstance(single, Node) else list(given) if isinstance(given, list | tuple) else [given]
    if len(parts) != len(nodes):
        raise GradientError(f"{len(nodes)} {what}s are wanted, {len(parts)} given", details=map(describe, nodes))
    fitted = []
    for part, node in zip(parts, nodes):
        try:
            fitted.append(broadcast_to(cast(as_node(part), node.dtype), node.shape))
        except GraphcError as error:
            message = f"the {what} does not fit: {error.message}"
            raise type(error)(message, details=[describe(node)], help=f"a {what} has the node's shape") from None
    return fitted


def _like(given: Any, results: list[Node]) -> Any:
    """One result for a single node, a list for a list."""
    return results[0] if isinstance(given, Node) else results


def _zeros(cost: Node, node: Node) -> Node:
    warn(f"the cost does not depend on this, its derivative is zero: {describe(node)}", UnusedInputWarning)
    return full(0, node.type)
