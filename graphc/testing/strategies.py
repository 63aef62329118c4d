"""A Hypothesis strategy of random graphs: ops, dtypes and sizes go in, whole graphs come out.

A graph grows from some inputs and parameters by one op at a time. Elementwise ops are taken from the registry; every
other op has a function here that draws its attributes and finds operands for it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from graphc.custom import checkpoint, custom_gradient
from graphc.errors import GraphcError
from graphc.implicit import fixed_point, linear_solve
from graphc.ir.graph import Graph
from graphc.ir.leaf import full
from graphc.ir.node import Node, make, topological
from graphc.ir.op import OPS, Op
from graphc.loops import scan, switch, while_loop
from graphc.ops import (
    contraction,
    conversion,
    elementwise,
    indexing,
    logic,
    movement,
    position,
    reduction,
    tuples,
    windows,
)
from graphc.ops.assume import assume
from graphc.ops.barrier import stop_gradient
from graphc.ops.base import Elementwise
from graphc.ops.cumulative import Cumulative, LogCumulativeSumExp
from graphc.tensor import input, parameter
from graphc.testing.samples import values
from graphc.types import DTYPES, DType, PromotionWarning, bool_, int32, int64

try:
    from hypothesis import strategies as st
except ImportError as error:
    raise ImportError("graphc.testing.graphs needs Hypothesis: pip install 'graphc[dev]'") from error

SIZES = (1, 2, 3, 5)
Builder = Callable[["_Grower", type[Op]], Node]
BUILDERS: dict[str, Builder] = {}


@st.composite
def graphs(
    draw: st.DrawFn,
    *,
    ops: Sequence[str] | None = None,
    dtypes: Sequence[DType] = DTYPES,
    dimensions: Sequence[str] = ("n", "m"),
    max_ops: int = 12,
    updates: bool = True,
) -> Graph:
    """Graphs of up to `max_ops` of some ops (all if None), with named dimensions and updates of parameters."""
    names = sorted(known_ops()) if ops is None else list(ops)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PromotionWarning)
        grower = _Grower(draw, tuple(dtypes), tuple(dimensions))
        for name in draw(st.lists(st.sampled_from(names), min_size=1, max_size=max_ops)):
            grower.grow(OPS[name])
        return grower.graph(updates)


def known_ops() -> set[str]:
    """The ops that random graphs may have: the elementwise ones of the registry, and those with a function here."""
    return {name for name, op in OPS.items() if issubclass(op, Elementwise)} | set(BUILDERS)


class _Grower:
    """The nodes so far, and ways to choose among them."""

    def __init__(self, draw: st.DrawFn, dtypes: tuple[DType, ...], dimensions: tuple[str, ...]) -> None:
        self.draw, self.dtypes, self.dimensions = draw, dtypes, dimensions
        count = draw(st.integers(1, 4))
        self.inputs = [self.input(number) for number in range(count)]
        self.parameters = [self.parameter(number) for number in range(draw(st.integers(0, 2)))]
        self.nodes = [*self.inputs, *self.parameters]

    def input(self, number: int) -> Node:
        sizes = st.sampled_from([*self.dimensions, *SIZES])
        shape, dtype = self.draw(st.lists(sizes, max_size=3)), self.dtype()
        return input(f"x{number}", shape, dtype, range=self.draw(st.none() | _ranges(dtype)))

    def parameter(self, number: int) -> Node:
        shape = tuple(self.draw(st.lists(st.sampled_from(SIZES), max_size=2)))
        return parameter(f"w{number}", values(np.random.default_rng(number), shape, self.dtype()))

    def grow(self, op: type[Op]) -> None:
        """Add a node with the op, unless no operands fit."""
        builder = BUILDERS.get(op.name, _elementwise)
        try:
            self.nodes.append(builder(self, op))
        except GraphcError:
            return

    def graph(self, updates: bool) -> Graph:
        used = {arg for node in topological(self.nodes) for arg in node.args}
        results = [node for node in dict.fromkeys(self.nodes) if node not in used and node.args]
        outputs = [*results, *self.draw(st.lists(st.sampled_from(self.nodes), max_size=2))]
        chosen = self.draw(st.lists(st.sampled_from(self.parameters), unique=True)) if self.parameters else []
        pairs = tuple((p, self.fitted(self.node(), p.dtype, p.shape)) for p in chosen if updates)
        return Graph("random", tuple(self.inputs), tuple(outputs), pairs)

    # --- choices ---

    def integer(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))

    def dtype(self) -> DType:
        return self.draw(st.sampled_from(self.dtypes))

    def node(self, kinds: str = "biuf", min_ndim: int = 0) -> Node:
        """A node of some kinds of dtypes with enough axes; the last ones are likely."""
        recent = self.nodes[-3:]
        x: Node = self.draw(st.sampled_from(recent) | st.sampled_from(self.nodes))
        if x.dtype.kind not in kinds:
            x = conversion.cast(x, self.draw(st.sampled_from([d for d in DTYPES if d.kind in kinds])))
        while x.ndim < min_ndim:
            x = conversion.expand(x, (0,), (self.draw(st.sampled_from(SIZES)),))
        return x

    def axis(self, x: Node) -> int:
        return self.integer(0, x.ndim - 1)

    def axes(self, x: Node) -> tuple[int, ...]:
        return tuple(sorted(self.draw(st.sets(st.integers(0, x.ndim - 1), min_size=1, max_size=x.ndim))))

    def size(self) -> Any:
        known = [n for x in self.inputs for n in x.shape]
        return self.draw(st.sampled_from([*known, *SIZES]))

    def indices(self, n: Any, x: Node | None = None) -> Node:
        """Integers that are positions in an axis, often negative, unless it is empty."""
        x = self.node("iu") if x is None else x
        inside = elementwise.remainder(x, conversion.expand(position.extent(n, x.dtype), range(x.ndim), x.shape))
        if x.dtype.kind == "u" or self.draw(st.booleans()):
            return inside
        return inside - conversion.expand(position.extent(n, x.dtype), range(x.ndim), x.shape)

    def fitted(self, x: Node, dtype: DType, shape: Any) -> Node:
        """A node of a type that depends on `x`."""
        x = conversion.cast(x, dtype)
        try:
            return conversion.broadcast_to(x, shape)
        except GraphcError:
            return conversion.broadcast_to(reduction.max(x), shape)


def _ranges(dtype: DType) -> st.SearchStrategy[tuple[float, float] | None]:
    """Declared ranges for values of a dtype, those that conditions of rules ask for among them."""
    if dtype.kind == "b":
        return st.none()
    inf = float("inf")
    common = [(0, inf), (0, 1), (1, inf), (1, 3)]
    signed = [(-1, 1), (-inf, 0), (-inf, inf)] if dtype.kind != "u" else []
    fractions = [(0.25, 0.75), (-0.5, 1e-3), (1e-3, inf)] if dtype.is_float else []
    return st.sampled_from([*common, *signed, *fractions])


def _elementwise(grower: _Grower, op: type[Op]) -> Node:
    assert issubclass(op, Elementwise) and op.arity is not None
    first = grower.node(op.accepts)
    first = first if op.admits(first.dtype) else conversion.cast(first, first.dtype.compute)
    others = [_operand(grower, first) for _ in range(op.arity - 1 - op.conditions)]
    conditions = [grower.fitted(grower.node(), bool_, first.shape) for _ in range(op.conditions)]
    attributes = {field.name: grower.dtype() for field in fields(op) if field.name == "dtype"}
    operands = [first, *others]
    for i, x in enumerate(operands):
        if op.__dict__.get("domain") and x.dtype.is_float and grower.draw(st.booleans()):
            domain = op(**attributes).domain_of(i)
            operands[i] = abs(x) if domain.low >= 0 else -abs(x) if domain.high <= 0 else x
    return make(op(**attributes), *conditions, *operands)


def _operand(grower: _Grower, like: Node) -> Node:
    """Something of the type of a node: another node, or a number."""
    if grower.draw(st.integers(0, 3)):
        return grower.fitted(grower.node(), like.dtype, like.shape)
    number = grower.draw(st.sampled_from([0, 1, 2] if like.dtype.kind in "bu" else [-1, 0, 1, 2, 0.5, -0.0]))
    return full(number, like.type)


def _builds(*names: str) -> Callable[[Builder], Builder]:
    def register(builder: Builder) -> Builder:
        BUILDERS.update(dict.fromkeys(names, builder))
        return builder

    return register


@_builds("sum", "prod", "max", "min")
def _reduce(grower: _Grower, op: type[Op]) -> Node:
    x = grower.node("iuf" if op.name in ("sum", "prod") else "biuf", 1)
    return make(op(grower.axes(x)), x)  # type: ignore[call-arg]


@_builds("mean", "logsumexp", "softmax", "softmax_complement", "log_softmax", "log_prod", "euclidean_norm", "direction")
@_builds("weighted_logsumexp", "weighted_softmax", "weighted_log_softmax", "compensated_sum")
@_builds("squared_deviations", "covariance")
def _float_rows(grower: _Grower, op: type[Op]) -> Node:
    x = grower.node("f", 1)
    weights = [_operand(grower, x) for _ in range((op.arity or 1) - 1)]
    return make(op(grower.axes(x)), x, *weights)  # type: ignore[call-arg]


@_builds("row_exponent")
def _row_exponent(grower: _Grower, op: type[Op]) -> Node:
    x = grower.node("f", 1)
    others = [_operand(grower, x) for _ in range(grower.integer(0, 2))]
    return make(op(grower.axes(x), grower.integer(0, 30)), x, *others)  # type: ignore[call-arg]


@_builds("taylor_remainder")
def _taylor_remainder(grower: _Grower, op: type[Op]) -> Node:
    function, terms = grower.draw(st.sampled_from(["exp", "log1p", "sin"])), grower.integer(1, 3)
    return make(op(function, terms, grower.integer(0, terms)), grower.node("f"))  # type: ignore[call-arg]


@_builds("argmax", "argmin")
def _position(grower: _Grower, op: type[Op]) -> Node:
    x = grower.node(min_ndim=1)
    return make(op(grower.axis(x)), x)  # type: ignore[call-arg]


@_builds("matmul")
def _matmul(grower: _Grower, op: type[Op]) -> Node:
    x = grower.node("iuf", 1)
    if grower.draw(st.booleans()):
        return contraction.matmul(x, grower.fitted(grower.node(), x.dtype, x.shape).T)
    return contraction.matmul(x, grower.fitted(grower.node(), x.dtype, (x.shape[-1], grower.size())))


@_builds("transpose")
def _transpose(grower: _Grower, op: type[Op]) -> Node:
    x = grower.node(min_ndim=2)
    return movement.transpose(x, grower.draw(st.permutations(range(x.ndim))))


@_builds("expand")
def _expand(grower: _Grower, op: type[Op]) -> Node:
    x = grower.node()
    return conversion.expand(x, (grower.integer(0, x.ndim),), (grower.size(),))


@_builds("reshape")
def _reshape(grower: _Grower, op: type[Op]) -> Node:
    x = grower.node(min_ndim=1)
    shapes = [(-1,), (1, -1), (x.shape[-1], -1), (*x.shape[:-2], -1), (-1, 2), tuple(reversed(x.shape))]
    return conversion.reshape(x, grower.draw(st.sampled_from(shapes)))


@_builds("slice")
def _slice(grower: _Grower, op: type[Op]) -> Node:
    x = grower.node(min_ndim=1)
    place = st.none() | st.integers(-3, 3)
    parts = st.builds(slice, place, place, st.sampled_from([None, 1, 2, -1, -2]))
    return x[tuple(grower.draw(parts) for _ in range(grower.integer(1, x.ndim)))]


@_builds("pad")
def _pad(grower: _Grower, op: type[Op]) -> Node:
    x = grower.node(min_ndim=1)
    widths = [(grower.integer(0, 2), grower.integer(0, 2)) for _ in x.shape]
    if x.dtype.is_float and grower.draw(st.booleans()):
        steps = tuple(grower.integer(1, 3) for _ in x.shape)
        shape = tuple(a + (n - 1) * k + 1 + b for (a, b), n, k in zip(widths, x.shape, steps, strict=True))
        return make(movement.Pad(tuple(a for a, _ in widths), steps, shape, 0.0), x)
    return movement.pad(x, widths, value=grower.integer(0, 1))


@_builds("shear")
def _shear(grower: _Grower, op: type[Op]) -> Node:
    x = grower.node(min_ndim=2)
    axis, along = grower.draw(st.permutations(range(x.ndim)))[:2]
    return windows.sheared(x, [(axis, along, grower.integer(-2, 2), grower.integer(-2, 2), grower.integer(1, 4))])


@_builds("windows")
def _windows(grower: _Grower, op: type[Op]) -> Node:
    x = grower.node(min_ndim=1)
    start, count, size, stride, dilation = ([grower.integer(low, 3)] for low in (-2, 1, 1, 1, 1))
    return windows.windows(x, [grower.axis(x)], start, count, size, stride=stride, dilation=dilation)


@_builds("merge")
def _merge(grower: _Grower, op: type[Op]) -> Node:
    x = grower.node(min_ndim=2)
    return make(windows.Merge((grower.integer(0, x.ndim - 2),)), x)


@_builds("conv")
def _conv(grower: _Grower, op: type[Op]) -> Node:
    x = grower.node("iuf", 4)
    x = x.reshape((*x.shape[:3], -1))
    steps = [(grower.integer(1, 3),) for _ in range(4)]
    w = grower.fitted(grower.node(), x.dtype, (x.shape[1], grower.size(), x.shape[2], grower.integer(1, 3)))
    return make(op((grower.integer(-2, 2),), *steps), x, w)  # type: ignore[call-arg]


@_builds("concat")
def _concat(grower: _Grower, op: type[Op]) -> Node:
    x = grower.node(min_ndim=1)
    a = grower.axis(x)
    others = [
        grower.fitted(grower.node(), x.dtype, (*x.shape[:a], grower.size(), *x.shape[a + 1 :]))
        for _ in range(grower.integer(1, 2))
    ]
    return movement.concat([x, *others], a)


@_builds("take")
def _take(grower: _Grower, op: type[Op]) -> Node:
    x = grower.node(min_ndim=1)
    a = grower.axis(x)
    return indexing.take(x, grower.indices(x.shape[a]), a)


@_builds("scatter_add")
def _scatter_add(grower: _Grower, op: type[Op]) -> Node:
    indices, size = grower.node("iu"), grower.size()
    g = grower.fitted(grower.node("iuf"), grower.node("iuf").dtype, (*indices.shape, *grower.node().shape[:1]))
    return make(indexing.ScatterAdd(0, size), g, grower.indices(size, indices))


@_builds("take_along_axis")
def _take_along_axis(grower: _Grower, op: type[Op]) -> Node:
    x = grower.node(min_ndim=1)
    a = grower.axis(x)
    indices = grower.fitted(grower.node("iu"), int64, (*x.shape[:a], grower.size(), *x.shape[a + 1 :]))
    return indexing.take_along_axis(x, grower.indices(x.shape[a], indices), a)


@_builds("scatter_add_along_axis")
def _scatter_add_along_axis(grower: _Grower, op: type[Op]) -> Node:
    g, size = grower.node("iuf", 1), grower.size()
    indices = grower.fitted(grower.node("iu"), int64, g.shape)
    return make(indexing.ScatterAddAlongAxis(grower.axis(g), size), g, grower.indices(size, indices))


def _places(grower: _Grower, x: Node, batch: int) -> list[Node]:
    """Indices of one shape for some axes behind the first ones."""
    count = grower.integer(1, min(2, x.ndim - batch))
    shape = (*x.shape[:batch], *(grower.size() for _ in range(grower.integer(0, 2))))
    indices = (grower.fitted(grower.node("iu"), int64, shape) for _ in range(count))
    return [grower.indices(n, i) for n, i in zip(x.shape[batch:], indices, strict=False)]


@_builds("gather")
def _gather(grower: _Grower, op: type[Op]) -> Node:
    x = grower.node(min_ndim=1)
    batch = grower.integer(0, x.ndim - 1)
    return make(indexing.Gather(batch), x, *_places(grower, x, batch))


@_builds("put", "put_add", "put_multiply", "put_max", "put_min")
def _put(grower: _Grower, op: type[Op]) -> Node:
    x = grower.node("biuf" if issubclass(op, indexing.Put) else "iuf", 1)
    batch = grower.integer(0, x.ndim - 1)
    places = _places(grower, x, batch)
    shape = (*places[0].shape, *x.shape[batch + len(places) :])
    values = grower.fitted(grower.node(), x.dtype, shape)
    return make(op(batch), x, values, *places)  # type: ignore[call-arg]


@_builds("cumulative_sum", "cumulative_prod", "cumulative_max", "cumulative_min", "linear_recurrence")
def _cumulative(grower: _Grower, op: type[Op]) -> Node:
    assert issubclass(op, Cumulative)
    x = grower.node("iuf", 1)
    others = [grower.fitted(grower.node("iuf"), x.dtype, x.shape) for _ in op.steps[1:]]
    return make(op(grower.axis(x), grower.draw(st.booleans())), x, *others)


@_builds("log_cumulative_sum_exp")
def _log_cumulative_sum_exp(grower: _Grower, op: type[Op]) -> Node:
    x = grower.node("f", 1)
    return make(LogCumulativeSumExp(grower.axis(x), grower.draw(st.booleans())), x)


@_builds("iota")
def _iota(grower: _Grower, op: type[Op]) -> Node:
    return position.iota(grower.size(), grower.dtype())


@_builds("extent")
def _extent(grower: _Grower, op: type[Op]) -> Node:
    return position.extent(grower.size(), grower.dtype())


@_builds("assume")
def _assume(grower: _Grower, op: type[Op]) -> Node:
    x = grower.node("f")
    return assume(logic.where(x > 0, x, 1) > 0)  # it has to hold


@_builds("pack")
def _pack(grower: _Grower, op: type[Op]) -> Node:
    packed = make(tuples.Pack(), grower.node(), grower.node())
    return tuples.item(packed, grower.integer(0, 1))


@_builds("checkpoint")
def _checkpoint(grower: _Grower, op: type[Op]) -> Node:
    x, y = grower.node("f"), grower.node("f")
    return checkpoint(lambda x: elementwise.tanh(x) + reduction.max(y))(x)


@_builds("custom_gradient")
def _custom_gradient(grower: _Grower, op: type[Op]) -> Node:
    # Only the rule gives the derivative: a result without it is wrong.
    wrapped = custom_gradient(lambda x: (elementwise.square(stop_gradient(x)), lambda g: 2 * g * x))
    return wrapped(grower.node("f"))


@_builds("fixed_point")
def _fixed_point(grower: _Grower, op: type[Op]) -> Node:
    x = grower.node("f")
    return fixed_point(lambda y: elementwise.minimum(y, 2) * 0.25 + x, x, max_steps=grower.integer(0, 30))


@_builds("linear_solve")
def _linear_solve(grower: _Grower, op: type[Op]) -> Node:
    weight = grower.integer(1, 4)
    return linear_solve(lambda x: x * weight, grower.node("f"), max_steps=2)


@_builds("scan")
def _scan(grower: _Grower, op: type[Op]) -> Node:
    xs, outer = grower.node("f", 1), grower.node("f")
    first = grower.fitted(grower.node(), xs.dtype, xs.shape[1:])

    def body(total: Node, x: Node) -> tuple[Node, Node]:
        following = elementwise.minimum(total, 2) * 0.5 + x
        return following, elementwise.tanh(total) * reduction.max(outer)

    final, rows = scan(body, first, xs, reverse=grower.draw(st.booleans()))
    return final if grower.draw(st.booleans()) else rows


@_builds("while")
def _while(grower: _Grower, op: type[Op]) -> Node:
    x, count = grower.node("f"), reduction.max(grower.node("u"))
    state = (x, elementwise.minimum(conversion.cast(count, int64), 5))
    result, _ = while_loop(lambda c: c[1] > 0, lambda c: (elementwise.sin(c[0]) + x, c[1] - 1), state)
    return result


@_builds("switch")
def _switch(grower: _Grower, op: type[Op]) -> Node:
    x, outer = grower.node("f"), grower.node("f")
    index = reduction.max(grower.node("u"))
    branches = (elementwise.tanh, elementwise.negative, lambda x: x + reduction.max(outer))
    return switch(conversion.cast(index, int32), branches, x)
