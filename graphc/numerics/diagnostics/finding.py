"""What checks find in a graph, before it is known what became of it; the table of checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from graphc.ir.leaf import Input
from graphc.ir.node import Node
from graphc.numerics.diagnostics.scope import Scope

KINDS = ("overflow", "underflow", "domain", "division", "cancellation", "hack", "narrow")


@dataclass(frozen=True, eq=False)
class Finding:
    """A numeric problem of a node: its kind, what happens and where, in words, what to do about it, and the range of
    the operand in question."""

    kind: str
    node: Node
    text: str
    remedy: str = ""
    known: str = ""


Check = Callable[[Node, Scope], Iterator[Finding]]
CHECKS: list[Check] = []


def check(function: Check) -> Check:
    """Decorator: a check looks at one node and says what it finds there."""
    CHECKS.append(function)
    return function


def unless(scope: Scope, node: Node, condition: str = "") -> str:
    """The advice to say what is known of a value: that a condition, in code, holds of it."""
    if isinstance(node.op, Input):
        return f'if it cannot be, declare that: gc.input("{node.op.label}", …, range=…)'
    return f"if it cannot be, say so: gc.assume({condition})" if condition else ""
