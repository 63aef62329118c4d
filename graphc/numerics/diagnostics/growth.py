"""State that grows in each step of a loop: h @ w, h * a, h * h, (h @ w) * a."""

from __future__ import annotations

from collections.abc import Iterator

from graphc.dimension import Dim
from graphc.interpret.ranges import range_of
from graphc.ir.knowledge import knowing
from graphc.ir.leaf import Constant, uniform_value
from graphc.ir.node import Node
from graphc.loops.ops import Scan, While
from graphc.numerics.diagnostics.finding import Finding, check, unless
from graphc.numerics.diagnostics.scope import Scope
from graphc.ops.contraction import Matmul
from graphc.ops.conversion import Expand, Reshape
from graphc.ops.elementwise import Add, Multiply, Negative, Square, Subtract

_FEW = 8  # steps in which nothing grows far


@check()
def growing_state(node: Node, scope: Scope) -> Iterator[Finding]:
    """A state that each step multiplies by what is not known to be 1 or less.

    What is added to the state in each step, as in a descent along a gradient, is none of this.
    """
    if not isinstance(node.op, Scan | While) or (isinstance(node.op, Scan) and _is_short(node.op.length)):
        return
    inner = list(scope.inside(node))[-1]
    with knowing(inner.place):
        for state, new in zip(inner.graph.inputs[: node.op.carries], inner.graph.outputs, strict=False):
            terms = _terms(new)
            known = range_of(new)
            bounded = known.low > -float("inf") and known.high < float("inf")
            if state.dtype.is_float and not bounded and not any(term is state for term in terms):
                yield from _growth(state, terms, inner)


def _growth(state: Node, terms: list[Node], scope: Scope) -> Iterator[Finding]:
    for term in terms:
        factor = _factor(term, state)
        if factor is None:
            continue
        known = range_of(factor)
        if known.low >= -1 and known.high <= 1 and isinstance(term.op, Multiply):
            continue
        by = "itself" if factor is state else scope.label(factor)
        text = f"a state of the loop may overflow in {term.dtype}: each step multiplies it by {by}"
        says = isinstance(term.op, Multiply) and not isinstance(factor.op, Constant)
        remedy = unless(scope, factor, f"gc.abs({scope.code(factor)}) <= 1") if says else ""
        yield Finding("overflow", term, text, remedy, factor, f"{scope.label(factor)} is in {known}")


def _is_short(length: int | Dim) -> bool:
    return isinstance(length, int) and length <= _FEW


def _terms(node: Node) -> list[Node]:
    """The terms of a sum, without what moves them."""
    found, stack = [], [node]
    while stack:
        term = _unmoved(stack.pop())
        if isinstance(term.op, Add | Subtract | Negative):
            stack.extend(term.args)
        else:
            found.append(term)
    return found


def _factor(term: Node, state: Node) -> Node | None:
    """What a term multiplies the state by: another value, or the state itself."""
    if isinstance(term.op, Square) and _unmoved(term.args[0]) is state:
        return state
    products, seen = [term], set[Node]()
    while products:
        product = products.pop()
        if product in seen or not isinstance(product.op, Multiply | Matmul):
            continue
        seen.add(product)
        x, y = map(_unmoved, product.args)
        for one, other in ((x, y), (y, x)):
            number = uniform_value(other)
            fixed = isinstance(other.op, Constant) and (number is None or abs(float(number)) <= 1)
            if one is state and not fixed:
                return other
        products += [x, y]
    return None


def _unmoved(node: Node) -> Node:
    while isinstance(node.op, Expand | Reshape):
        node = node.args[0]
    return node
