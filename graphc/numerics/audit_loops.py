"""The rows of an audit inside of loops and branches: what each step computed goes in, one row for each node comes out.

A row is that of the step in which the node is worst. Besides, the first row of a loop that went bad is known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from graphc.interpret.reader import Array
from graphc.ir.leaf import Input
from graphc.ir.node import Node
from graphc.numerics.accuracy import plain_numbers
from graphc.numerics.audit_rows import Row, Table
from graphc.numerics.recording import Evaluation, Path, Recorder
from graphc.ops.tuples import Item


@dataclass(eq=False)
class Inside:
    """The rows of a loop of the outer graph, and the first one, in order of steps, that went bad by itself."""

    worst: dict[Node, Row] = field(default_factory=dict)
    first: Row | None = None

    @property
    def rows(self) -> list[Row]:
        return list(self.worst.values())


def rows_inside(
    written: Recorder,
    exact: Recorder,
    compiled: Recorder,
    names: Mapping[Node, str],
    counterpart: Callable[[Node], Node | None],
) -> dict[Node, Inside]:
    """The rows of each loop and branch. `counterpart` says what stands for a node in the optimised graph."""
    truths = {evaluation.key: evaluation for evaluation in exact.evaluations}
    values: dict[tuple[Node, Path], Array] = {}
    for evaluation in compiled.evaluations:
        values.update(((node, evaluation.path), value) for node, value in evaluation.values.items())
    found: dict[Node, Inside] = {}
    for evaluation in written.evaluations:
        truth = truths.get(evaluation.key)
        if truth is not None:  # exact numbers may end a loop earlier, or choose another branch
            table = _table(evaluation, truth, values, names, counterpart)
            _enter(found.setdefault(evaluation.outer, Inside()), table, evaluation)
    return found


def _table(
    evaluation: Evaluation,
    truth: Evaluation,
    compiled: Mapping[tuple[Node, Path], Array],
    names: Mapping[Node, str],
    counterpart: Callable[[Node], Node | None],
) -> Table:
    """The rows of one step; those of what it was given are there to be inherited from."""
    table = Table(names)
    for node, value in evaluation.given.items():
        if isinstance(node.op, Input) and node in truth.given:
            table.add(node, value, plain_numbers(truth.given[node]), None)
    for node, value in evaluation.values.items():
        if node in truth.values:
            other = counterpart(node)
            found = None if other is None else compiled.get((other, evaluation.path))
            table.add(node, value, plain_numbers(truth.values[node]), found)
    return table


def _enter(inside: Inside, table: Table, evaluation: Evaluation) -> None:
    """Enter the rows of one step."""
    for node, row in table.rows.items():
        if isinstance(node.op, Input):
            continue
        row = replace(row, inside=evaluation.in_words)
        known = inside.worst.get(node)
        if known is None or _badness(row) > _badness(known):
            inside.worst[node] = row
        begun = row.is_bad and not any(map(table.is_bad, node.args)) and not isinstance(node.op, Item)
        if begun and inside.first is None:
            inside.first = replace(table.beginning(row), inside=evaluation.in_words)


def _badness(row: Row) -> tuple[bool, bool, float]:
    return row.is_bad, bool(row.event), row.written
