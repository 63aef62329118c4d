"""What loops and branches compute in each of their steps: an evaluation goes in, the values of inner nodes come out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from graphc.interpret.reader import Array
from graphc.ir.node import Node
from graphc.loops.ops import Scan, Switch, While
from graphc.types import TupleType

Step = tuple[int, int]  # the number of an inner graph, and how often it was evaluated before
Path = tuple[Step, ...]  # steps of loops inside of each other, outermost first


@dataclass(eq=False)
class Evaluation:
    """One evaluation of an inner graph: of which loop of the outer graph, in which step, and all values in order.

    `within` are the loops and branches around, outermost first.
    """

    outer: Node
    within: tuple[Node, ...]
    path: Path
    given: dict[Node, Array] = field(default_factory=dict)
    values: dict[Node, Array] = field(default_factory=dict)

    @property
    def key(self) -> tuple[Any, ...]:
        """What is the same in another evaluation of the same graph."""
        return tuple(map(id, self.within)), self.path

    @property
    def in_words(self) -> tuple[str, ...]:
        """Where it is, innermost first."""
        steps = zip(self.within, self.path, strict=True)
        return tuple(step_in_words(node, *step) for node, step in steps)[::-1]


class Recorder:
    """A watcher of an evaluation that keeps what inner graphs compute. One that is repeated is recorded anew."""

    def __init__(self) -> None:
        self.evaluations: list[Evaluation] = []
        self._first: Node | None = None
        self._top = _Inside(self, None)

    def computed(self, node: Node, xs: Sequence[Array], value: Any) -> None:
        if self._first is None:
            self._first = node
        elif self._first is node:
            self.evaluations.clear()
            self._top = _Inside(self, None)

    def inside(self, node: Node, number: int) -> _Inside:
        if self._first is None:
            self._first = node
        return self._top.inside(node, number)


class _Inside:
    """Watches one evaluation of an inner graph."""

    def __init__(self, recorder: Recorder, evaluation: Evaluation | None) -> None:
        self.recorder, self.evaluation = recorder, evaluation
        self._calls: Counter[tuple[int, int]] = Counter()

    def computed(self, node: Node, xs: Sequence[Any], value: Any) -> None:
        assert self.evaluation is not None
        if isinstance(node.type, TupleType):
            return
        for arg, x in zip(node.args, xs, strict=True):
            if arg not in self.evaluation.values and not isinstance(x, tuple):
                self.evaluation.given[arg] = x
        if node.args:
            self.evaluation.values[node] = value

    def inside(self, node: Node, number: int) -> _Inside:
        step = self._calls[id(node), number]
        self._calls[id(node), number] += 1
        here = self.evaluation
        outer, within, path = (node, (), ()) if here is None else (here.outer, here.within, here.path)
        found = Evaluation(outer, (*within, node), (*path, (number, step)))
        self.recorder.evaluations.append(found)
        return _Inside(self.recorder, found)


def step_in_words(node: Node, number: int, step: int) -> str:
    """Where in a loop or a branch an evaluation is; iterations count from 0."""
    match node.op:
        case Scan(reverse=reverse, length=length):
            return f"iteration {step} of a scan" + (f" from the end, over {length}" if reverse else "")
        case While():
            return f"iteration {step} of a while loop" + (", in its condition" if number == 0 else "")
        case Switch():
            return f"branch {number}"
    return f"{node.op.name}, graph {number}, evaluation {step}"
