"""Cancellation: differences of numbers that are nearly equal, of which the rounding errors are what is left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from graphc.interpret.reader import Array
from graphc.ir.node import Node
from graphc.ir.pattern import forget_views
from graphc.numerics.accuracy import ExactReader
from graphc.numerics.diagnostics.expression import Expression, expressions
from graphc.numerics.diagnostics.finding import Finding, check
from graphc.numerics.diagnostics.scope import Scope
from graphc.ops.elementwise import Add, Log, Log2, Log10, Subtract
from graphc.ops.trigonometry import Acos, Acosh, Asin
from graphc.passes.rules.differences import DIFFERENCES
from graphc.passes.rules.variance import VARIANCE
from graphc.types import float32, float64

_CAN_CANCEL = (Add, Subtract, Log, Log2, Log10, Acos, Asin, Acosh)
_FEWEST = 6  # powers of two in a row at which half of the digits are lost: more than the surroundings of a zero
_USUAL = 2.0**30
_PRECISION = 256  # bits: differences of more are taken for 0


@check()
def cancellation(node: Node, scope: Scope) -> Iterator[Finding]:
    """A function of one value that loses half of its digits in some region, or a form that rules know to cancel."""
    if not isinstance(node.op, _CAN_CANCEL) or not node.dtype.is_float:
        return
    found = list(expressions(node, scope))
    known = [each for each in found[:-1] if scope.is_named(each.variable)] + found[-1:]
    described = (_where_digits_are_lost(each, scope.label(each.variable)) for each in known)
    where = next((words for words in described if words is not None), None)
    if where is not None:
        text = f"{scope.label(node)} loses more than half of its digits where {where}"
        yield Finding("cancellation", node, text, operand=_operand(node))
    elif not found and isinstance(node.op, Add | Subtract) and _is_known_form(node):
        text = f"{scope.label(node)} cancels where its terms are nearly equal"
        yield Finding("cancellation", node, text, operand=_operand(node))


def _operand(node: Node) -> Node:
    """The operand that is calculated."""
    return next((arg for arg in node.args if arg.args), node.args[0])


def _where_digits_are_lost(found: Expression, label: str) -> str | None:
    if not found.variable.dtype.is_float or len(found.steps) < 2:
        return None
    points = found.points()
    points = points[(np.abs(points) <= _USUAL) & (np.abs(points) >= 1 / _USUAL)]
    if not _in_a_row(_seem_lost(found, points), _FEWEST):
        return None
    lost = _lost(found, points)
    if not _in_a_row(lost, _FEWEST):
        return None
    return _described(points[lost].astype(np.float64), label)


def _seem_lost(found: Expression, points: Array) -> Array:
    """A quick guess, since exact numbers are slow: where the formula in float32 and in float64 differ by much."""
    narrow, wide = (found.values(points, dtype=dtype)[found.root].astype(np.float64) for dtype in (float32, float64))
    with np.errstate(all="ignore"):
        return ~(np.abs(narrow - wide) <= np.abs(wide) * 2.0**-9) | (wide == 0)


def _lost(found: Expression, points: Array) -> Array:
    """Where half of the digits of the root are wrong though those of its operands are right."""
    root, dtype = found.root, found.root.dtype
    digits = int(dtype.limits.nmant)
    values, exact = found.values(points), _exact(found, points)
    with np.errstate(all="ignore"):
        error = np.abs(values[root].astype(np.float64) - exact[root]) / np.abs(exact[root])
        lost = (error > 2.0 ** (-digits / 2)) & np.isfinite(values[root].astype(np.float64)) & (exact[root] != 0)
        for arg in root.args:
            if arg in exact:
                lost &= np.abs(values[arg].astype(np.float64) - exact[arg]) <= np.abs(exact[arg]) * 2.0 ** (3 - digits)
    return lost & found.possible(values)


def _exact(found: Expression, points: Array) -> Mapping[Node, Array]:
    """The steps at points as they are exactly, rounded to float64 at the end."""
    values = found.values(points, ExactReader(_PRECISION, _PRECISION))
    return {node: np.array([_number(v) for v in value], np.float64) for node, value in values.items()}


def _number(value: object) -> float:
    return float(getattr(value, "value", value))  # type: ignore[arg-type]


def _in_a_row(found: Array, count: int) -> bool:
    longest = run = 0
    for each in found:
        run = run + 1 if each else 0
        longest = max(longest, run)
    return longest >= count


def _described(points: Array, label: str) -> str:
    """Powers of two in words: near 0, or far from it."""
    low, high = float(np.abs(points).min()), float(np.abs(points).max())
    if low <= 2 / _USUAL:
        return f"|{label}| < {high:.2g}"
    signs = set(np.sign(points).tolist())
    if len(signs) == 2:
        return f"|{label}| > {low:.2g}"
    return f"{label} > {low:.2g}" if 1 in signs else f"{label} < {-low:.2g}"


def _is_known_form(node: Node) -> bool:
    """Whether a rule for differences would apply."""
    try:
        return any(rule.apply(node) is not None for rules in (DIFFERENCES, VARIANCE) for rule in rules.for_node(node))
    finally:
        forget_views()
