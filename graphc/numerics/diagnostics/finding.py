"""What checks find in a graph, before it is known what became of it; the table of checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from graphc.dimension import symbols_of
from graphc.ir.leaf import Input
from graphc.ir.node import Node
from graphc.numerics.diagnostics.scope import Scope
from graphc.ops.position import Extent
from graphc.passes.rules.combinations import beyond_moves

KINDS = ("overflow", "underflow", "domain", "division", "cancellation", "hack", "narrow")


@dataclass(frozen=True, eq=False)
class Finding:
    """A numeric problem of a node: its kind, what happens and where, in words, and what to do about it.

    `operand` is what it is about, and `known` its range, in words. It `is_internal` where one call of a function of
    graphc made both: then it is not for users.
    """

    kind: str
    node: Node
    text: str
    remedy: str = ""
    operand: Node | None = None
    known: str = ""
    is_internal: bool = False


Check = Callable[[Node, Scope], Iterator[Finding]]
CHECKS: list[Check] = []
OF_DERIVATIVES: list[Check] = []
"""The checks for what graphc writes itself to calculate derivatives."""


def check(*, of_derivatives: bool = False) -> Callable[[Check], Check]:
    """Decorator: a check looks at one node and says what it finds there."""

    def register(function: Check) -> Check:
        CHECKS.append(function)
        if of_derivatives:
            OF_DERIVATIVES.append(function)
        return function

    return register


def unless(scope: Scope, node: Node, condition: str = "") -> str:
    """The advice to say what is known of a value: that a condition, in code, holds of it."""
    node = scope.outer(beyond_moves(node))
    if isinstance(node.op, Input):
        return f'if it cannot be, declare that: gc.input("{node.op.label}", …, range=…)'
    if isinstance(node.op, Extent):
        dims = ", ".join(f'gc.dim("{name}", min=…)' for name in sorted(symbols_of(node.op.size)))
        return f"if it cannot be, declare that: {dims}"
    return f"if it cannot be, say so: gc.assume({condition})" if condition else ""
