"""Where NaN and infinity come from: a graph and inputs go in, the first node that makes them of finite numbers
comes out.

The graph is evaluated node after node on the reference; bodies of loops step by step.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from graphc.interpret.evaluation import evaluate_nodes
from graphc.interpret.reader import Array
from graphc.ir.graph import Graph
from graphc.ir.leaf import Constant, Input, Parameter
from graphc.ir.node import Node
from graphc.numerics.formula import formula, is_derived, label, place, user_names
from graphc.numerics.recording import step_in_words

_KEPT = 16  # origins; one bad number tends to make many
_OPERANDS_SHOWN = 3


@dataclass(frozen=True, eq=False)
class Origin:
    """A node that made a NaN or an infinity of finite numbers, or a NaN of infinities.

    `index` is the element, `value` what it became, `operands` the finite elements that it was made of, or summaries
    of whole operands. `inside` says which loops at which iterations it was in, outermost first.
    """

    node: Node
    index: tuple[int, ...]
    value: float
    operands: tuple[tuple[Node, str], ...]
    count: int
    inside: tuple[str, ...]

    @property
    def is_derived(self) -> bool:
        """Whether the node was made from a user's line: by a derivative, a rewrite or a loop; else it is as written."""
        return is_derived(self.node)


@dataclass(frozen=True, eq=False)
class NanOrigin:
    """What was found: `origin` is the first that reaches a result, or else the first at all; None if all is finite.

    `origins` are all, in order, as far as kept; `given` names inputs and parameters that were not finite to begin
    with, `results` the bad results by number: outputs, then updates.
    """

    graph: Graph
    origin: Origin | None
    origins: tuple[Origin, ...]
    given: tuple[str, ...]
    results: tuple[int, ...]

    def __bool__(self) -> bool:
        return self.origin is not None

    def __str__(self) -> str:
        names = user_names(self.graph)
        lines = [f"{what} is not finite as it was given" for what in self.given]
        if self.origin is not None:
            lines.append(_shown(self.origin, names))
        lines.append(self._verdict())
        return "\n".join(lines)

    def _verdict(self) -> str:
        count = len(self.graph.outputs)
        bad = [f"output {i}" if i < count else f"update {i - count}" for i in self.results]
        others = len(self.origins) - 1
        more = f"; {others} more such nodes" if others > 0 else ""
        if bad:
            return f"not finite: {', '.join(bad)}{more}"
        return f"all results are finite{', in spite of it' if self.origin else ''}{more}"


def nan_origin(graph: Graph, bindings: Mapping[Node, Any], sizes: Mapping[str, int]) -> NanOrigin:
    """Look for the first node that makes a NaN or an infinity; `bindings` has inputs and parameters."""
    watcher = _Watcher(_Log())
    values = evaluate_nodes(graph.results, bindings, sizes, watcher=watcher)
    log = watcher.log
    results = tuple(i for i, value in enumerate(values) if not _is_finite(value))
    reaching = _reaching([graph.results[i] for i in results], log.bad)
    chosen = next((found for top, found in log.found if top in reaching), None)
    origins = tuple(found for _, found in log.found)
    given = tuple(_label(node) for node, value in bindings.items() if not _is_finite(value))
    return NanOrigin(graph, chosen or next(iter(origins), None), origins, given, results)


@dataclass
class _Log:
    """What happens in one evaluation: nodes of the outer graph that are not finite, origins with the outer node."""

    bad: set[Node] = field(default_factory=set)
    found: list[tuple[Node, Origin]] = field(default_factory=list)


class _Watcher:
    """Sees each value; knows in which loops it is, and which node of the outer graph that is."""

    def __init__(self, log: _Log, outer: Node | None = None, path: tuple[str, ...] = ()) -> None:
        self.log, self.outer, self.path = log, outer, path
        self._calls: Counter[tuple[int, int]] = Counter()

    def computed(self, node: Node, xs: Sequence[Array], value: Any) -> None:
        if _is_finite(value):
            return
        if self.outer is None:
            self.log.bad.add(node)
        if not node.args or node.op.moves or node.op.inner or isinstance(value, tuple):
            return
        origin = _origin(node, xs, value, self.path)
        if origin is not None and len(self.log.found) < _KEPT and not self._is_known(node):
            self.log.found.append((node if self.outer is None else self.outer, origin))

    def inside(self, node: Node, number: int) -> _Watcher:
        step = self._calls[id(node), number]
        self._calls[id(node), number] += 1
        return _Watcher(
            self.log, node if self.outer is None else self.outer, (*self.path, _at_line(node, number, step))
        )

    def _is_known(self, node: Node) -> bool:
        """Whether an earlier iteration has the same node as an origin."""
        return any(found.node is node for _, found in self.log.found)


def _at_line(node: Node, number: int, step: int) -> str:
    return f"{step_in_words(node, number, step)}   {place(node)}".rstrip()


def _origin(node: Node, xs: Sequence[Array], value: Array, path: tuple[str, ...]) -> Origin | None:
    """The first element that is bad though what it is made of is not: no longer finite, or not NaN before."""
    bad = ~np.isfinite(value)
    if node.op.elementwise:
        nan = np.isnan(value) & ~np.logical_or.reduce([_nan(x) for x in xs])  # of infinities
        bad = nan | (bad & np.logical_and.reduce([_finite(x) for x in xs]))
    elif not all(map(_is_finite, xs)):
        bad = np.isnan(value) & (not any(_has_nan(x) for x in xs))
    if not bad.any():
        return None
    index = tuple(int(i[0]) for i in np.nonzero(np.atleast_1d(bad))) if value.ndim else ()
    shown = [str(x[index]) if node.op.elementwise else _summary(x) for x in xs]
    operands = tuple((arg, text) for arg, text in zip(node.args, shown) if not isinstance(arg.op, Constant))
    return Origin(node, index, float(value[index]), operands, int(np.sum(bad)), path)


def _reaching(results: Sequence[Node], bad: set[Node]) -> set[Node]:
    """The nodes of the outer graph that are not finite and that a result is not finite for."""
    found: set[Node] = set()
    stack = list(results)
    while stack:
        node = stack.pop()
        if node in bad and node not in found:
            found.add(node)
            stack.extend(node.args)
    return found


def _shown(origin: Origin, names: Mapping[Node, str]) -> str:
    node = origin.node
    element = f" at [{', '.join(map(str, origin.index))}]" if origin.index else ""
    others = f" and {origin.count - 1} more elements" if origin.count > 1 else ""
    lines = [f"{_word(origin.value)}{element}{others}: {formula(node, names)}: {node.type}"]
    lines += [f"  {label(arg, names)} is {text}" for arg, text in origin.operands[:_OPERANDS_SHOWN]]
    lines += [f"  in {each}" for each in reversed(origin.inside)]
    of = node.source.backward_of if node.source is not None else None
    written = f"backward of {of} at" if of else "made from" if origin.is_derived else "written at"
    line = place(node)
    return "\n".join([*lines, *([f"  {written} {line}"] if line else [])])


def _word(value: float) -> str:
    return "NaN" if np.isnan(value) else str(value)


def _summary(x: Any) -> str:
    """What an operand holds, in a line."""
    array = np.asarray(x)
    if array.size <= 4 or array.dtype.kind == "b":
        return " ".join(np.array2string(array, threshold=8, edgeitems=2).split())
    with np.errstate(all="ignore"):
        return f"{array.dtype}{list(array.shape)} between {array.min()} and {array.max()}"


def _label(node: Node) -> str:
    return f"%{node.op.label}" if isinstance(node.op, Input | Parameter) else node.op.name


def _finite(x: Array) -> Array:
    return np.isfinite(x) if np.asarray(x).dtype.kind not in "biu" else np.ones(np.shape(x), bool)


def _nan(x: Array) -> Array:
    return np.isnan(x) if np.asarray(x).dtype.kind not in "biu" else np.zeros(np.shape(x), bool)


def _is_finite(value: Any) -> bool:
    """Whether an array, or each of a tuple, holds only finite numbers."""
    if isinstance(value, tuple):
        return all(map(_is_finite, value))
    return bool(np.all(_finite(value)))


def _has_nan(value: Any) -> bool:
    if isinstance(value, tuple):
        return any(map(_has_nan, value))
    return np.asarray(value).dtype.kind not in "biu" and bool(np.isnan(value).any())
