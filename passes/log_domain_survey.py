"""Where floats may leave their range: how many numbers are multiplied together for each node, also by loops.

Comes in: nodes; goes out: their `Survey`. A product of few numbers is left to the rules; one of many, or of as many
as a loop has steps, over- or underflows easily. What a loop divides by its own size at every step does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from graphc.interpret.ranges import range_of
from graphc.ir.graph import Graph
from graphc.ir.leaf import uniform_value
from graphc.ir.node import Node, topological
from graphc.ir.op import Op
from graphc.loops.ops import Scan, Switch, While
from graphc.ops.base import InnerGraphs
from graphc.ops.contraction import Matmul
from graphc.ops.cumulative import CumulativeProd
from graphc.ops.elementwise import Add, Divide, Maximum, Minimum, Multiply, Pow, Rsqrt, Sqrt, Square, Subtract
from graphc.ops.logic import Where
from graphc.ops.movement import Concat
from graphc.ops.reduction import Prod
from graphc.ops.tuples import Item
from graphc.passes.log_domain_ops import MOVES, begins_as_logarithm, carrying, consuming
from graphc.types import TupleType

FEW = 8
"""Products of at most so many numbers seldom leave the range."""
MANY = 10**6
Growth = int


@dataclass(frozen=True)
class Factors:
    """How many numbers are multiplied together for a node, and whether one of them begins as a logarithm."""

    number: int = 1
    logarithm: bool = False

    @property
    def many(self) -> bool:
        return self.number > FEW


class Survey:
    """What is known of the nodes that roots need; `given` is what is known of inputs."""

    def __init__(self, roots: Iterable[Node], given: Mapping[Node, Factors] | None = None) -> None:
        self.order = topological(roots)
        self.factors: dict[Node, Factors] = dict(given or {})
        self.results: dict[Node, list[Factors]] = {}  # of loops and branches
        for node in self.order:
            if isinstance(node.op, InnerGraphs):
                self.results[node] = results_of(node.op, [self.factors[arg] for arg in node.args])
            if node not in self.factors:
                self.factors[node] = self._of(node)

    def carries(self, node: Node) -> bool:
        """Whether a node is worth an exponent of its own, where one is needed: it multiplies, and not by the way."""
        if isinstance(node.op, InnerGraphs):
            return node in self.results and any(x.many for x in self.results[node])
        found = self.factors[node]
        if isinstance(node.op, Item):
            return found.many
        if begins_as_logarithm(node):
            return True
        chain = isinstance(node.op, (Multiply, Divide, Square, Where, *MOVES))
        return bool(carrying(node)) and (found.many or found.logarithm or (chain and found.number > 1))

    def fires(self, node: Node) -> bool:
        """Whether a node brings back to ordinary numbers what may have left their range."""
        xs = [self.factors[arg] for arg in node.args]
        if isinstance(node.type, TupleType) or not node.args:
            return False
        if isinstance(node.op, Divide):
            return xs[0].many and xs[1].many
        if isinstance(node.op, Pow):
            found = range_of(node.args[1])
            return xs[0].many and (max(-found.low, found.high) < 1 or uniform_value(node.args[1]) is None)
        places = consuming(node)
        return bool(places) and all(xs[i].many for i in places)

    def fires_inside(self, node: Node) -> bool:
        """Whether a loop or a branch does that inside."""
        return fires_inside(node.op, [self.factors[arg] for arg in node.args])

    def _of(self, node: Node) -> Factors:
        if isinstance(node.op, Item):
            return self.results[node.args[0]][node.op.index] if node.args[0] in self.results else Factors()
        if begins_as_logarithm(node):
            return Factors(1, logarithm=True)
        places = carrying(node)
        if not places:
            return Factors()
        xs = [self.factors[node.args[i]] for i in places]
        return Factors(min(_number(node, [x.number for x in xs]), MANY), any(x.logarithm for x in xs))


def results_of(op: InnerGraphs, given: Sequence[Factors]) -> list[Factors]:
    """What is known of the results of a loop or a branch."""
    match op:
        case Switch():
            found = [_outputs(branch, given[1:]) for branch in op.branches]
            return [max(each, key=lambda x: x.number) for each in zip(*found, strict=True)]
        case Scan() | While():
            state = states_of(op, given)
            return _outputs(op.body, [*state, *given[op.carries :]])
        case _:
            raise NotImplementedError(op.name)


def fires_inside(op: Op, given: Sequence[Factors]) -> bool:
    """Whether the graphs of a loop or a branch bring products back that may have left the range."""
    match op:
        case Switch():
            return any(_fires(branch, given[1:]) for branch in op.branches)
        case Scan():
            return _fires(op.body, [*states_of(op, given), *given[op.carries :]])
        case While():
            return any(_fires(graph, [*states_of(op, given), *given[op.carries :]]) for graph in op.inner)
        case _:
            return False


def _fires(graph: Graph, given: Sequence[Factors]) -> bool:
    survey = Survey(graph.outputs, dict(zip(graph.inputs, given, strict=True)))
    return any(map(survey.fires, survey.order)) or any(map(survey.fires_inside, survey.results))


def states_of(op: Scan | While, given: Sequence[Factors]) -> list[Factors]:
    """What is known of the carries of a loop in any of its steps."""
    n = op.carries
    growing = _multiplied(op.body.inputs[:n], op.body.outputs[:n])
    state = [Factors(MANY) if grows else x for grows, x in zip(growing, given[:n], strict=True)]
    while True:
        new = _outputs(op.body, [*state, *given[n:]])[:n]
        more = [Factors(MANY) if y.number > x.number else x for x, y in zip(state, new, strict=True)]
        if more == state:
            return state
        state = more


def _outputs(graph: Graph, given: Sequence[Factors]) -> list[Factors]:
    survey = Survey(graph.outputs, dict(zip(graph.inputs, given, strict=True)))
    return [survey.factors[node] for node in graph.outputs]


def _number(node: Node, xs: Sequence[int]) -> int:
    match node.op:
        case Multiply() | Divide() | Matmul():
            return sum(xs)
        case Square():
            return 2 * xs[0]
        case Sqrt() | Rsqrt():
            return -(-xs[0] // 2)
        case Pow():
            found = range_of(node.args[1])
            most = max(-found.low, found.high, 1)
            return MANY if most > MANY else int(xs[0] * most)
        case Prod() | CumulativeProd():
            return _length(node) * xs[0]
        case Add() | Subtract() | Maximum() | Minimum() if any(_is_limited(arg) for arg in node.args):
            return min(xs)
        case _:
            return max(xs)


def _is_limited(x: Node) -> bool:
    """A constant that is not 0: what is added to it does not underflow."""
    return uniform_value(x) not in (None, 0)


def _length(node: Node) -> int:
    """The number of elements that are multiplied together."""
    axis = node.op.attributes()["axis"]
    number = 1
    for a in axis if isinstance(axis, tuple) else (axis,):
        size = node.args[0].shape[a]
        number *= size if isinstance(size, int) else MANY
    return min(number, MANY)


def _multiplied(state: Sequence[Node], following: Sequence[Node]) -> list[bool]:
    """Which carries are products of carries with other numbers, and not divided by their own size."""
    known: dict[Node, tuple[float, bool]] = {node: (1.0, False) for node in state if node.dtype.is_float}
    for node in topological(following):
        if node in known:
            continue
        places = carrying(node)
        xs = [known.get(node.args[i]) for i in places]
        if any(x is not None for x in xs):
            found = _degree(node, xs)
            if found is not None:
                known[node] = found
    degrees = [known.get(node) for node in following]
    return [found is not None and found[1] and found[0] != 0 for found in degrees]


def _degree(node: Node, xs: Sequence[tuple[float, bool] | None]) -> tuple[float, bool] | None:
    """To which power the carries are in a node, and whether anything multiplied them; None where they are not alone."""
    present = [x for x in xs if x is not None]
    first = present[0]
    match node.op:
        case Multiply() | Matmul():
            return sum(x[0] for x in present), True
        case Divide():
            above, below = (0.0 if x is None else x[0] for x in xs)
            return above - below, True
        case Square():
            return 2 * first[0], True
        case Sqrt() | Rsqrt():
            return first[0] / (2 if isinstance(node.op, Sqrt) else -2), first[1]
        case Pow():
            y = uniform_value(node.args[1])
            return (first[0] if y is None else first[0] * float(y)), True
        case Prod() | CumulativeProd():
            return first[0], True
        case Add() | Subtract() | Maximum() | Minimum() if len(present) < 2:
            return (
                first if uniform_value(next(a for a, x in zip(node.args, xs, strict=True) if x is None)) == 0 else None
            )
        case Subtract():  # of numbers with signs, which rather oscillate
            return None
        case Add() | Where() | Concat() | Maximum() | Minimum():
            return max(x[0] for x in present), any(x[1] for x in present)
        case _:
            return first
