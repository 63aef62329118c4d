"""Where floats may leave their range: how many numbers are multiplied together for each node, also by loops.

Comes in: nodes; goes out: their `Survey`. A product of few numbers is left to the rules; one of many, or of as many
as a loop has steps, over- or underflows easily. What a loop divides by its own size at every step does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from graphc.interpret.ranges import range_of
from graphc.ir.graph import Graph
from graphc.ir.leaf import Constant, uniform_value
from graphc.ir.node import Node, topological
from graphc.ir.op import Op
from graphc.loops.ops import Scan, Switch, While
from graphc.ops.base import InnerGraphs
from graphc.ops.contraction import Matmul
from graphc.ops.conversion import Expand, Reshape, Sum
from graphc.ops.cumulative import CumulativeProd
from graphc.ops.elementwise import (
    Abs,
    Add,
    Cbrt,
    Divide,
    Exp,
    Maximum,
    Minimum,
    Multiply,
    Pow,
    Rsqrt,
    Sqrt,
    Square,
    Subtract,
)
from graphc.ops.euclidean_norm import EuclideanNorm
from graphc.ops.log_domain import WeightedLogsumexp
from graphc.ops.log_product import LogProduct, LogQuotient
from graphc.ops.logic import Comparison, Where
from graphc.ops.movement import Concat
from graphc.ops.reduction import Argmax, Argmin, Max, Mean, Prod
from graphc.ops.tuples import Item
from graphc.passes.log_domain.ops import MOVES, begins_as_logarithm, carrying, consuming
from graphc.passes.rules.norms import is_scale
from graphc.types import TupleType

FEW = 8
"""Products of at most so many numbers seldom leave the range."""
FEW_WITH_EXPONENTIALS = 2
"""The same, if one is an exponential: the rules know the logarithms of simpler ones."""
MANY = 10**6
_BOUNDED = (Add, Subtract, Maximum, Minimum)
_SIZES = (Expand, Reshape, Sum, Mean, Max, Sqrt, Square, Abs, Multiply, Divide, EuclideanNorm)


@dataclass(frozen=True)
class Factors:
    """How many numbers are multiplied together for a node, whether one of them begins as a logarithm, and whether one
    is an exponential that may be beyond the range alone."""

    number: int = 1
    logarithm: bool = False
    exponential: bool = False

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
        chain = isinstance(node.op, (Multiply, Divide, Square, Prod, Where, *MOVES))
        return bool(carrying(node)) and (found.many or found.logarithm or (chain and found.number > 1))

    def fires(self, node: Node) -> bool:
        """Whether a node brings back to ordinary numbers what may have left their range."""
        xs = [self.factors[arg] for arg in node.args]
        if isinstance(node.type, TupleType) or not node.args:
            return False
        if isinstance(node.op, Divide):
            return xs[0].many and xs[1].many
        if isinstance(node.op, Pow):
            found, mean = range_of(node.args[1]), isinstance(node.args[0].op, Prod)
            return (xs[0].many or mean) and (max(-found.low, found.high) < 1 or uniform_value(node.args[1]) is None)
        if isinstance(node.op, LogProduct):
            return _may_leave_range(xs, xs[0].number + xs[1].number)
        if isinstance(node.op, LogQuotient):
            return any(_may_leave_range([x], x.number) for x in xs)
        places = consuming(node)
        if isinstance(node.op, Argmax | Argmin | Comparison):
            return bool(places) and all(xs[i].many for i in places)
        own = isinstance(node.op, WeightedLogsumexp)  # which multiplies by exponentials
        return any(_may_leave_range([xs[i]], xs[i].number + own) for i in places)

    def fires_inside(self, node: Node) -> bool:
        """Whether a loop or a branch does that inside."""
        return fires_inside(node.op, [self.factors[arg] for arg in node.args])

    def _of(self, node: Node) -> Factors:
        if isinstance(node.op, Item):
            return self.results[node.args[0]][node.op.index] if node.args[0] in self.results else Factors()
        if begins_as_logarithm(node):
            return Factors(1, logarithm=True, exponential=isinstance(node.op, Exp))
        places = carrying(node)
        if not places:
            return Factors()
        xs = [self.factors[node.args[i]] for i in places]
        number = min(_number(node, [x.number for x in xs]), MANY)
        limited = isinstance(node.op, _BOUNDED) and any(map(_is_limited, node.args))
        exponential = not limited and any(x.exponential for x in xs)
        return Factors(number, any(x.logarithm for x in xs), exponential)


def _may_leave_range(xs: Sequence[Factors], number: int) -> bool:
    """Whether a product of so many numbers may: where the rules have left exponentials, three are many."""
    return number > (FEW_WITH_EXPONENTIALS if any(x.exponential for x in xs) else FEW)


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
    degrees = _degrees_of_carries(op)
    state = [Factors(MANY) if found and found.multiplied else x for found, x in zip(degrees, given[:n], strict=True)]
    while True:
        new = _outputs(op.body, [*state, *given[n:]])[:n]
        more = [x if d and not d.degree else Factors(MANY) if y.many else x for x, y, d in zip(state, new, degrees)]
        if more == state:
            return state
        state = more


def _outputs(graph: Graph, given: Sequence[Factors]) -> list[Factors]:
    survey = Survey(graph.outputs, dict(zip(graph.inputs, given, strict=True)))
    return [survey.factors[node] for node in graph.outputs]


def _number(node: Node, xs: Sequence[int]) -> int:
    match node.op:
        case Multiply() if any(map(is_scale, node.args)):
            return 0
        case Multiply() | Matmul():
            return sum(xs)
        case Divide():
            return 1 if _is_share(node) else max(xs)
        case Square():
            return 2 * xs[0]
        case Sqrt() | Rsqrt():
            return -(-xs[0] // 2)
        case Cbrt():
            return -(-xs[0] // 3)
        case Pow():
            found = range_of(node.args[1])
            most = max(-found.low, found.high, 1)
            return MANY if most > MANY else int(xs[0] * most)
        case Prod() | CumulativeProd():
            return _length(node) * xs[0]
        case _ if isinstance(node.op, _BOUNDED) and any(map(_is_limited, node.args)):
            return min(xs)
        case _:
            return max(xs)


def _is_share(node: Node) -> bool:
    """Whether a quotient is that of something by its own sum, maximum, or norm."""
    above, below = node.args
    while below is not above and isinstance(below.op, _SIZES):
        parts = {arg for arg in below.args if not _is_number(arg)}
        if len(parts) != 1:
            return False
        (below,) = parts
    return below is above


def _is_number(x: Node) -> bool:
    """Whether a node is a constant, or a function of one."""
    while len(x.args) == 1:
        (x,) = x.args
    return isinstance(x.op, Constant)


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


@dataclass(frozen=True)
class _Degree:
    """To which power the carries of a loop are in a node, and whether they were multiplied by anything."""

    degree: float = 1.0
    by_others: bool = False

    @property
    def multiplied(self) -> bool:
        """Whether this is a product of carries and other numbers, and not divided by its own size."""
        return self.by_others and self.degree != 0


def _degrees_of_carries(op: Scan | While) -> list[_Degree | None]:
    """What carries become in a step; None for what is more than carries with factors: for others it is no carry."""
    state, following = op.body.inputs[: op.carries], op.body.outputs[: op.carries]
    left = {node for node in state if node.dtype.is_float}
    while True:
        found = _degrees(dict.fromkeys(left, _Degree()), following)
        more = {node for node, degree in zip(state, found, strict=True) if degree is not None} & left
        if more == left:
            return found
        left = more


def _degrees(given: Mapping[Node, _Degree], wanted: Sequence[Node]) -> list[_Degree | None]:
    """The degrees of nodes, from those of inputs."""
    known, branches = dict(given), dict[Node, list[_Degree | None]]()
    for node in topological(wanted):
        if node in known:
            continue
        if isinstance(node.op, Switch):
            branches[node] = _degrees_of_branches(node.op, [known.get(arg) for arg in node.args[1:]])
        if isinstance(node.op, Item):
            found = branches[node.args[0]][node.op.index] if node.args[0] in branches else None
        else:
            xs = [known.get(node.args[i]) for i in carrying(node)]
            found = _degree(node, xs) if any(x is not None for x in xs) else None
        if found is not None:
            known[node] = found
    return [known.get(node) for node in wanted]


def _degrees_of_branches(op: Switch, given: Sequence[_Degree | None]) -> list[_Degree | None]:
    found = []
    for branch in op.branches:
        inputs = {x: degree for x, degree in zip(branch.inputs, given, strict=True) if degree is not None}
        found.append(_degrees(inputs, branch.outputs))
    columns = [[x for x in column if x is not None] for column in zip(*found, strict=True)]
    return [_joined(column) if column else None for column in columns]


def _joined(xs: Sequence[_Degree]) -> _Degree:
    """What is known of one of several."""
    return _Degree(max(x.degree for x in xs), any(x.by_others for x in xs))


def _degree(node: Node, xs: Sequence[_Degree | None]) -> _Degree | None:
    """That of a node, from those of operands."""
    present = [x for x in xs if x is not None]
    first = present[0]
    match node.op:
        case Multiply() | Matmul():
            return _Degree(sum(x.degree for x in present), True)
        case Divide():
            above, below = (0.0 if x is None else x.degree for x in xs)
            return _Degree(above - below, True)
        case Square():
            return _Degree(2 * first.degree, True)
        case Sqrt() | Rsqrt():
            return _Degree(first.degree / (2 if isinstance(node.op, Sqrt) else -2), first.by_others)
        case Cbrt():
            return _Degree(first.degree / 3, first.by_others)
        case Pow():
            y = uniform_value(node.args[1])
            return _Degree(first.degree if y is None else first.degree * float(y), True)
        case Prod() | CumulativeProd():
            return _Degree(first.degree, True)
        case Subtract():  # of numbers with signs, which rather oscillate
            return None
        case Add() | Maximum() | Minimum() if len(present) == 1:  # what is added to it does not underflow
            other = node.args[xs.index(None)]
            return first if uniform_value(other) == 0 else None
        case Add() | Where() | Concat() | Maximum() | Minimum():
            return _joined(present)
        case _:
            return first
