"""The rows of an audit: values of nodes as computed and as they are exactly go in, errors and events come out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np

from graphc.interpret.reader import Array
from graphc.ir.graph import Graph
from graphc.ir.node import Node
from graphc.numerics.accuracy import bits_of_error, overflowed, underflowed
from graphc.numerics.formula import formula

BAD = 6.0  # bits in the last places that a few operations in a row do not lose
_CANCELS = 3  # bits by which a sum is smaller than its largest term


@dataclass(frozen=True, eq=False)
class Row:
    """One node of the user's graph: the worst bits of error as `written` and `compiled` (None: no counterpart).

    `event` says what happened at `index`, where it is worst as written: overflow, underflow, cancellation, invalid
    (a NaN), amplified (errors of operands grew) or inherited (an operand was bad); empty if nothing did. `inside` says
    in which steps of which loops that was, innermost first; a row of a loop is that of its worst step.
    """

    node: Node
    formula: str
    written: float
    compiled: float | None
    event: str
    index: tuple[int, ...]
    value: float
    exact: str
    inside: tuple[str, ...] = ()

    @property
    def is_bad(self) -> bool:
        return self.written >= BAD


class Table:
    """Rows as they are made, with what later ones need of earlier ones."""

    def __init__(self, names: Mapping[Node, str]) -> None:
        self.names, self.rows = names, dict[Node, Row]()
        self.exact: dict[Node, Array] = {}
        self.flags: dict[Node, Array] = {}  # where a number became 0 or infinity

    def add(self, node: Node, value: Array, truth: Array, compiled: Array | None) -> None:
        known = np.nan_to_num(bits_of_error(value, truth, node.dtype), nan=0.0)
        worst = float(known.max(initial=0.0))
        flags = np.zeros(value.shape, bool)
        if node.dtype.is_float:  # numbers that a bad operand spoiled are its fault
            flags = (overflowed(value, truth) | underflowed(value, truth)) & (known < BAD)
        self.exact[node], self.flags[node] = truth, flags
        order = known if worst >= BAD else known + BAD * flags
        at = tuple(map(int, np.unravel_index(int(order.argmax()), order.shape))) if order.size else ()
        other = None
        if compiled is not None:
            errors = np.nan_to_num(bits_of_error(compiled, truth, node.dtype), nan=0.0)
            other = float(errors.max(initial=0.0))
        event = self._event(node, at, value, worst) if value.size else ""
        shown = mpmath.nstr(truth[at], 6) if value.size and node.dtype.is_float else ""
        number = float(value[at]) if value.size else 0.0
        text = formula(node, {name: own for name, own in self.names.items() if name is not node}, 2)
        label = f"%{self.names[node]} = {text}" if node in self.names else text
        self.rows[node] = Row(node, label, worst, other, event, at, number, shown)

    def _event(self, node: Node, index: tuple[int, ...], value: Array, worst: float) -> str:
        number = float(value[index])
        if self.flags[node][index]:
            return "overflow" if np.isinf(number) else "underflow"
        if worst < BAD:
            return ""
        if any(self.is_bad(arg) or np.any(self._flagged(node, index, arg)) for arg in node.args):
            return "inherited"
        if np.isnan(number):
            return "invalid"
        if np.isinf(number):
            return "overflow"
        return "cancellation" if self._cancels(node, index) else "amplified"

    def _cancels(self, node: Node, index: tuple[int, ...]) -> bool:
        """Whether a sum is much smaller than a term of it."""
        truth = self.exact[node][index]
        if node.op.name in ("add", "subtract"):
            terms = [self.exact[arg][index] for arg in node.args if arg in self.exact]
        elif node.op.name in ("sum", "mean", "matmul"):
            terms = list(self.exact[node.args[0]].flat) if node.args[0] in self.exact else []
        else:
            return False
        largest = max((abs(term) for term in terms if mpmath.isfinite(term)), default=0)
        return bool(abs(truth) * 2**_CANCELS <= largest)

    def culprit(self, graph: Graph) -> tuple[Row | None, list[Row]]:
        """The first row that went bad among those that spoil a result, and the rows of spoiled results."""
        spoiled = [self.rows[node] for node in dict.fromkeys(graph.results) if self.is_bad(node)]
        stack, reached = [row.node for row in spoiled], set[Node]()
        while stack:
            node = stack.pop()
            if node not in reached:
                reached.add(node)
                stack.extend(arg for arg in node.args if self.is_bad(arg))
        begun = (row for row in self.rows.values() if row.node in reached and reached.isdisjoint(row.node.args))
        first = next(begun, None)
        return (self.beginning(first) if first is not None else None), spoiled

    def is_bad(self, node: Node) -> bool:
        return node in self.rows and self.rows[node].is_bad

    def _flagged(self, node: Node, index: tuple[int, ...], arg: Node) -> Any:
        """Where an operand became 0 or infinite, as far as it matters for an element of a node."""
        flags = self.flags.get(arg, np.zeros((), bool))
        return flags[index] if node.op.elementwise and arg in self.flags else flags

    def beginning(self, row: Row) -> Row:
        """Where the numbers became 0 or infinite that a bad row was made of; else the row itself."""
        while True:
            below = [arg for arg in row.node.args if np.any(self._flagged(row.node, row.index, arg))]
            if not below:
                return row
            row = self.rows[below[0]]
