"""Numbers that a dtype does not hold: terms that vanish beside others, constants that became 0, counts that stop."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import numpy as np

from graphc.interpret.ranges import range_of
from graphc.ir.leaf import Parameter, uniform_value
from graphc.ir.node import Node
from graphc.numerics.diagnostics.finding import Finding, check
from graphc.numerics.diagnostics.scope import Scope
from graphc.numerics.formula import is_derived
from graphc.ops.conversion import Addition, Cast
from graphc.ops.elementwise import Add, Maximum, Minimum, Subtract
from graphc.ops.logic import Where
from graphc.types import DType


@check()
def vanishing_term(node: Node, scope: Scope) -> Iterator[Finding]:
    """x + 1e-10 where x is 1 or more."""
    if not isinstance(node.op, Add | Subtract) or not node.dtype.is_float:
        return
    for number, value in (node.args, node.args[::-1]):
        size, known = uniform_value(number), range_of(value)
        least = max(known.low, -known.high)
        if size and uniform_value(value) is None and abs(float(size)) < least * _resolution(node.dtype) / 2:
            text = f"{abs(float(size)):g} changes nothing in {node.dtype}, since {scope.label(value)} is in {known}"
            yield Finding("narrow", node, text, operand=value)


@check()
def vanished_constant(node: Node, scope: Scope) -> Iterator[Finding]:
    """x + 1e-8 in float16, where 1e-8 is 0; clip(p, 1e-8, 1 - 1e-8) in float32, where 1 - 1e-8 is 1."""
    if (
        not isinstance(node.op, Add | Subtract | Maximum | Minimum | Where)
        or not node.dtype.is_float
        or is_derived(node)
    ):
        return
    for arg in node.args:
        value = uniform_value(arg)
        if value is None or not (value == 0 or np.isinf(value) or value == 1):
            continue
        for number in _numbers(node):
            if _became(number, float(value), node.dtype):
                text = f"{number:.10g} is {float(value):g} in {node.dtype}"
                yield Finding(
                    "narrow", node, text, f"write a number that {node.dtype} holds, or calculate in a wider float"
                )
                return


@check()
def stopping_count(node: Node, scope: Scope) -> Iterator[Finding]:
    """Counts of more than a float tells apart: sums of truth values, positions, and what each call increases by 1."""
    if not node.dtype.is_float:
        return
    limit = 2 / _resolution(node.dtype)
    if isinstance(node.op, Addition) and node.dtype.bits == 16:
        x = node.args[0]
        if isinstance(x.op, Cast) and not x.args[0].dtype.is_float and range_of(node).high > limit:
            text = f"the sum counts in {node.dtype}, which does not tell {limit:.0f} and {limit + 1:.0f} apart"
            yield Finding("narrow", node, text, "sum in a wider dtype, and convert the result")
    elif isinstance(node.op, Cast) and node.args[0].dtype.is_integer and node.dtype.bits == 16:
        known = range_of(node.args[0])
        if node.args[0].args and max(known.high, -known.low) > limit and not isinstance(node.args[0].op, Addition):
            text = f"integers above {limit:.0f} are rounded to {node.dtype}"
            yield Finding("narrow", node, text, "convert to a wider float")


@check()
def stopping_update(node: Node, scope: Scope) -> Iterator[Finding]:
    """A parameter that is increased by a number in each call, until that changes nothing any more."""
    if not isinstance(node.op, Add) or not node.dtype.is_float:
        return
    for parameter, number in (node.args, node.args[::-1]):
        size = uniform_value(number)
        if (
            size
            and isinstance(parameter.op, Parameter)
            and any(p is parameter and new is node for p, new in scope.graph.updates)
        ):
            last = abs(float(size)) * 2 / _resolution(node.dtype)
            text = f"{scope.label(parameter)} stops at {last:.8g} in {node.dtype}: {float(size):g} more changes nothing"
            yield Finding("narrow", node, text, "count in integers")


def _resolution(dtype: DType) -> float:
    return float(dtype.limits.eps)


def _became(number: float, value: float, dtype: DType) -> bool:
    """Whether a number of the user's text lost what it says: became 0, infinite, or 1 though it is none of these."""
    with np.errstate(all="ignore"):
        rounded = abs(float(np.float64(number).astype(dtype.numpy)))
    return rounded == abs(value) and abs(number) != rounded and bool(np.isfinite(number))


def _numbers(node: Node) -> list[float]:
    """The numbers in the user's text of a node, sums and differences of numbers included."""
    source = node.source
    try:
        tree = ast.parse(source.expression if source is not None and not source.is_text else "", mode="eval")
    except SyntaxError:
        return []
    found = []
    for part in ast.walk(tree):
        if isinstance(part, ast.Constant | ast.UnaryOp | ast.BinOp):
            value = _value(part)
            if value is not None:
                found.append(value)
    return found


def _value(part: ast.expr) -> float | None:
    """The value of numbers and of what is calculated with them by + and -."""
    match part:
        case ast.Constant(value=int() | float() as value):
            return float(value)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            inner = _value(operand)
            return None if inner is None else -inner
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as op, right=right):
            x, y = _value(left), _value(right)
            if x is None or y is None:
                return None
            return x + y if isinstance(op, ast.Add) else x - y
    return None
