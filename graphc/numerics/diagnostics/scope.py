"""What checks know of the graph around a node: what the user calls it, under which conditions it is used, and what may
be presumed of ranges beyond what is proved.

Diagnostics are for readers, so they presume what everyone does: axes are not empty, numbers minus the largest of them
are not positive, and what counts steps does not become less.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cached_property

import numpy as np

from graphc.interpret.interval import Interval, inf
from graphc.interpret.ranges import Branch, Place, places_inside, range_of
from graphc.ir.graph import Graph
from graphc.ir.knowledge import knowing, present
from graphc.ir.leaf import Input, Parameter, uniform_value
from graphc.ir.node import Node
from graphc.ir.printer import variable_names
from graphc.loops.ops import Scan, Switch, While
from graphc.numerics.formula import formula
from graphc.ops.conversion import Addition, Cast, Expand, Reshape
from graphc.ops.elementwise import Add, Subtract
from graphc.ops.logic import Where
from graphc.ops.position import Extent
from graphc.ops.reduction import Logsumexp, Max, Mean, Min, Prod

MOST_CONDITIONS = 4  # under which a value is used that are looked at
LONGEST_EXPRESSION = 48  # characters of the user's text that stand for a value
Condition = tuple[Node, bool]


class Scope:
    """A graph: the user's, or the body of a loop or of a branch in it.

    `around` is what is known of its inputs, `stands_for` says which of them are operands of the loop.
    """

    def __init__(
        self,
        graph: Graph,
        names: Mapping[Node, str],
        around: Place | None = None,
        stands_for: Mapping[Node, Node] | None = None,
    ) -> None:
        self.graph, self.names, self._stands_for = graph, names, stands_for or {}
        self._order = {node: i for i, node in enumerate(graph.nodes)}
        self._presumed: dict[bool, dict[Node, Interval]] = {True: {}, False: {}}
        self.place = Place(self._presumed.__getitem__, around, most=None)
        with knowing(self.place):
            for node in graph.nodes:
                self._presume(node)

    def order(self, node: Node) -> int:
        """The place of a node among all: operands come before."""
        return self._order[node]

    def users(self, node: Node) -> tuple[Node, ...]:
        return self.graph.users[node]

    def is_named(self, node: Node) -> bool:
        """Whether the user has a name for a node."""
        return isinstance(node.op, Input | Parameter) or node in self.names

    def label(self, node: Node) -> str:
        """The user's name of a node, or the text that made it, or a short formula."""
        while node.op.moves and node not in self.names:
            node = node.args[0]
        if node in self.names:
            return f"%{self.names[node]}"
        if isinstance(node.op, Input | Parameter):
            return f"%{node.op.label}"
        if isinstance(node.op, Extent):
            return str(node.op.size)
        return self._written(node) or formula(node, self.names, 3)

    def code(self, node: Node) -> str:
        """The same as the user would write it, as far as that is known."""
        return self.label(node).removeprefix("%")

    def _written(self, node: Node) -> str:
        """The user's text of which a node is the result, if it is short and of one line."""
        source = node.source
        if source is None or source.is_text or is_backward(node) or not node.args:
            return ""
        if any(user.source is not None and user.source.is_same_expression(source) for user in self.users(node)):
            return ""
        text = source.expression
        return text if len(text) <= LONGEST_EXPRESSION and text != source.text else ""

    def inside(self, node: Node) -> Iterator[Scope]:
        """The inner graphs of a node, with the names of what their inputs stand for."""
        for graph, place in zip(node.op.inner, places_inside(node), strict=True):
            names = variable_names(graph.nodes)
            given = list(_constant_inputs(node, graph))
            for inner, outer, suffix in given:
                if self.is_named(outer):
                    names[inner] = self.label(outer).removeprefix("%") + suffix
            yield Scope(graph, names, place, {inner: self.outer(outer) for inner, outer, _ in given})

    def outer(self, node: Node) -> Node:
        """What a node is outside of the loop, if it is known; else itself."""
        return self._stands_for.get(node, node)

    @contextmanager
    def at(self, node: Node) -> Iterator[None]:
        """Inside, ranges are those that values have where this node is used: in the branches of choices only."""
        with ExitStack() as stack:
            stack.enter_context(knowing(self.place))
            for condition, holds in self._conditions[node]:
                known = Branch(condition, holds, present())
                stack.enter_context(knowing(known.of_each(known.of_all(present()))))
            yield

    @cached_property
    def _conditions(self) -> dict[Node, tuple[Condition, ...]]:
        """The conditions under which an element of a node matters: those that all of its uses have in common."""
        found: dict[Node, tuple[Condition, ...]] = dict.fromkeys(self.graph.results, ())
        for node in reversed(self.graph.nodes):
            if node in found:
                continue
            common: dict[tuple[int, bool], Condition] | None = None
            for user in self.users(node):
                uses = {(id(c), holds): (c, holds) for c, holds in _use(node, user, found[user])}
                common = uses if common is None else {key: value for key, value in common.items() if key in uses}
            found[node] = tuple((common or {}).values())[:MOST_CONDITIONS]
        return found

    def _presume(self, node: Node) -> None:
        for computed in (True, False):
            found = self._presumption(node, computed)
            if found is not None:
                self._presumed[computed][node] = found

    def _presumption(self, node: Node, computed: bool) -> Interval | None:
        match node.op:
            case Addition() | Mean() | Max() | Min() | Prod() | Logsumexp():
                x = range_of(node.args[0], computed=computed)
                if x.low >= 0 and not isinstance(node.op, Prod | Logsumexp):
                    return Interval(x.low, inf, True, may_be_zero=x.may_be_zero)
            case Extent():
                return Interval(1.0, inf, whole=True) if range_of(node).low == 0 else None
            case Subtract() if _is_largest_of(node.args[1], node.args[0]):
                return Interval(-inf, 0.0, True)
            case Parameter(storage=storage) if node in self._counters:
                return Interval(float(storage.read().min()), inf, True)
        return None

    @cached_property
    def _counters(self) -> set[Node]:
        """The parameters that each call increases by a constant."""
        return {
            parameter
            for parameter, new in self.graph.updates
            if isinstance(new.op, Add)
            and any(arg is parameter for arg in new.args)
            and any((number := uniform_value(arg)) is not None and number >= 0 for arg in new.args)
            and np.size(parameter.op.storage.array)  # type: ignore[attr-defined]
        }


def is_internal(node: Node, operand: Node) -> bool:
    """Whether one call of a function of graphc made a node and its operand, so the user wrote neither."""
    if is_backward(node):
        operand = before_derivative(node, operand)
    while isinstance(operand.op, Expand | Cast | Reshape):  # what graphc puts between them
        operand = operand.args[0]
    ours, theirs = node.source, operand.source
    if ours is None or theirs is None or not operand.args or ours.is_text:
        return False
    return ours.is_same_expression(theirs)


def is_backward(node: Node) -> bool:
    """Whether a node calculates a derivative."""
    return node.source is not None and node.source.backward_of is not None


def _constant_inputs(node: Node, graph: Graph) -> Iterator[tuple[Node, Node, str]]:
    """The inputs of an inner graph that stand for one operand each, with these and what tells rows from the whole."""
    match node.op:
        case Scan(carries=carries, sequences=sequences):
            for i in range(carries, len(node.args)):
                yield graph.inputs[i], node.args[i], "[step]" if i < carries + sequences else ""
        case While(carries=carries):
            for i in range(carries, len(node.args)):
                yield graph.inputs[i], node.args[i], ""
        case Switch():
            for inner, outer in zip(graph.inputs, node.args[1:], strict=True):
                yield inner, outer, ""


def before_derivative(node: Node, operand: Node) -> Node:
    """What the op was applied to whose derivative calculates with an operand."""
    while is_backward(operand) or (node.source is not None and operand.op.name == node.source.backward_of):
        floats = [arg for arg in operand.args if arg.dtype.is_float and uniform_value(arg) is None]
        if not floats:
            break
        operand = next((arg for arg in floats if arg.args), floats[0])
    return operand


def _is_largest_of(y: Node, x: Node) -> bool:
    """Whether y repeats the largest of the elements of x, or more."""
    while not isinstance(y.op, Max | Logsumexp):
        if y.op.moves or y.op.name in ("stop_gradient", "barrier"):
            y = y.args[0]
        elif isinstance(y.op, Where) and uniform_value(y.args[2]) is not None:
            y = y.args[1]
        else:
            return False
    return y.args[0] is x


def _use(node: Node, user: Node, outer: tuple[Condition, ...]) -> tuple[Condition, ...]:
    """The conditions of one use."""
    if not user.op.elementwise:
        return ()
    if not isinstance(user.op, Where):
        return outer
    condition, x, y = user.args
    return outer if condition is node or x is y else (*outer, (condition, x is node))
