"""Hacks: small numbers that are put into formulas so that they do not fail, what they cost, and what they are not
needed for."""

from __future__ import annotations

import math
from collections.abc import Iterator

from graphc.interpret.ranges import range_of
from graphc.ir.leaf import Parameter, uniform_value
from graphc.ir.node import Node, make
from graphc.ir.pattern import see
from graphc.numerics.diagnostics.finding import Finding, check
from graphc.numerics.diagnostics.scope import Scope
from graphc.numerics.formula import formula
from graphc.ops.conversion import Addition
from graphc.ops.elementwise import Add, Divide, Log, Log1p, Log2, Log10, Maximum, Minimum, Sqrt, Subtract, sqrt
from graphc.ops.euclidean_norm import EuclideanNorm
from graphc.passes.rules.combinations import beyond_moves
from graphc.passes.stabilize import stabilize_nodes

_LARGEST = 1e-2  # what is larger is meant: a smoothing, a floor
_AVERAGES = ("mean", "squared_deviations")
_NEAR = 6  # ops below a root that may make it a variance


@check()
def hack_in_logarithm(node: Node, scope: Scope) -> Iterator[Finding]:
    """log(p + 1e-8), log(maximum(p, 1e-8)), log(clip(p, 1e-7, 1 - 1e-7)), log(1 - clip(p, 1e-7, 1 - 1e-7))."""
    if not isinstance(node.op, Log | Log1p | Log2 | Log10):
        return
    value = node.args[0]
    shift = _shift(value)
    if shift is not None and shift[1] <= (_LARGEST if range_of(shift[0]).low >= 0 else 1e-5):
        inner, size = shift
        cost = f"biased, and never below {_log(node, size):.4g}"
        text = f"{node.op.name} of a value that {size:g} is added to: {cost}"
        yield Finding("hack", node, text, _without(make(node.op, inner), scope), value)
        return
    complement = see(value, frozenset({"subtract"})) if not isinstance(node.op, Log1p) else None
    cut, rest = value, None
    if complement is not None and uniform_value(complement.args[0]) == 1:
        cut, rest = complement.args[1], complement
    clipped = _clipped(cut)
    if clipped is None:
        return
    inner, low, high = clipped
    size = 1 - high if rest is not None else low
    if 0 < size <= _LARGEST:
        exact = make(node.op, inner if rest is None else make(Subtract(), rest.args[0], inner))
        cost = f"never below {_log(node, size):.4g}, with a derivative of 0 there"
        text = f"{node.op.name} of a value cut off at {size:g}: {cost}"
        yield Finding("hack", node, text, _without(exact, scope), value)


@check()
def hack_in_root(node: Node, scope: Scope) -> Iterator[Finding]:
    """sqrt(x + 1e-12), but not of variances, where the number is part of what is calculated."""
    shift = _shift(node.args[0]) if isinstance(node.op, Sqrt) else None
    if shift is None or shift[1] > 1e-6 or not range_of(shift[0], computed=False).low >= 0 or _is_average(shift[0]):
        return
    inner, size = shift
    text = f"sqrt of a value that {size:g} is added to: off by up to {math.sqrt(size):.2g} near 0"
    yield Finding("hack", node, text, _without(sqrt(inner), scope), node.args[0])


@check()
def hack_in_divisor(node: Node, scope: Scope) -> Iterator[Finding]:
    """x / (norm(x) + 1e-8), x / (sum(x) + 1e-8)."""
    shift = _shift(beyond_moves(node.args[1])) if isinstance(node.op, Divide) else None
    if shift is None or shift[1] > 1e-5:
        return
    inner, size = shift
    total = beyond_moves(inner)
    what = "norm" if _is_norm(total) else "sum" if isinstance(total.op, Addition) else None
    if what is not None:
        text = (
            f"division by a {what} that {size:g} is added to: results are too small, by half for a {what} of {size:g}"
        )
        label = scope.label(inner)
        remedy = f"divide by gc.where({label} > 0, {label}, 1): exact, and 0 where all are 0"
        yield Finding("hack", node, text, remedy, node.args[1])


def _without(exact: Node, scope: Scope) -> str:
    """What graphc makes of a formula without its hack."""
    (stable,) = stabilize_nodes([exact])
    if stable is exact:
        infinite = "graphc computes it as it is written: exact, and -inf at 0"
        return f"without it {infinite}" if isinstance(exact.op, Log | Log2 | Log10) else "leave it out"
    return f"without it graphc computes {formula(stable, scope.names)}, which needs none"


def _shift(node: Node) -> tuple[Node, float] | None:
    """The value that a small positive number is added to, and the number."""
    if not isinstance(node.op, Add):
        return None
    for value, number in (node.args, node.args[::-1]):
        size = uniform_value(number)
        if size is not None and uniform_value(value) is None and 0 < float(size) <= _LARGEST:
            return value, float(size)
    return None


def _clipped(node: Node) -> tuple[Node, float, float] | None:
    """The value that is cut off at small numbers and near 1, with the limits."""
    low, high, found = -math.inf, math.inf, False
    while isinstance(node.op, Maximum | Minimum):
        number = uniform_value(node.args[1])
        inner = node.args[0]
        if number is None:
            number, inner = uniform_value(node.args[0]), node.args[1]
        if number is None:
            return None
        if isinstance(node.op, Maximum):
            low = max(low, float(number))
        else:
            high = min(high, float(number))
        node, found = inner, True
    return (node, low, high) if found else None


def _log(node: Node, size: float) -> float:
    return {"log2": math.log2, "log10": math.log10}.get(node.op.name, math.log)(size)


def _is_norm(node: Node) -> bool:
    if isinstance(node.op, EuclideanNorm):
        return True
    return isinstance(node.op, Sqrt) and isinstance(beyond_moves(node.args[0]).op, Addition)


def _is_average(node: Node) -> bool:
    """Whether a value is a mean, or remembered from step to step."""
    near = {node}
    for _ in range(_NEAR):
        if any(isinstance(each.op, Parameter) or each.op.name in _AVERAGES for each in near):
            return True
        near = {arg for each in near if each.op.elementwise or each.op.moves for arg in each.args}
    return False
