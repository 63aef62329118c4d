"""Overflow: functions that grow fast, and casts to narrower floats. State of loops is in `growth`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

import numpy as np

from graphc.interpret.reader import Array, as_reader
from graphc.ir.leaf import uniform_value
from graphc.ir.node import Node
from graphc.ir.op import Op
from graphc.numerics.diagnostics.expression import grid, nearest
from graphc.numerics.diagnostics.finding import Finding, check, unless
from graphc.numerics.diagnostics.scope import Scope
from graphc.ops.base import Elementwise
from graphc.ops.conversion import Cast
from graphc.ops.elementwise import Add, Divide, Rsqrt, Subtract
from graphc.types import DType, TensorType

_SLOW = (Add, Subtract, Divide, Rsqrt)  # these have no threshold; what is wrong with divisors, `division` says


@check()
def overflow(node: Node, scope: Scope) -> Iterator[Finding]:
    """A function of finite numbers of a usual size that becomes infinite."""
    if not node.dtype.is_float or not _is_steep(node):
        return
    found = nearest(node, scope)
    if found is None:
        return

    def begins(values: Mapping[Node, Array]) -> Array:
        """Where it is this op that makes the infinity."""
        finite = [np.isfinite(values[arg].astype(np.float64)) for arg in node.args if arg in values]
        return holds(values) & np.logical_and.reduce(finite)

    def holds(values: Mapping[Node, Array]) -> Array:
        return np.isinf(values[node].astype(np.float64))

    where = found.region(holds, scope.label(found.variable), begins)
    if where is not None:
        operand = next(arg for arg in node.args if uniform_value(arg) is None)
        text = f"{named(node)} may overflow in {node.dtype} where {where}"
        if isinstance(node.op, Cast):
            text = f"the cast to {node.dtype} overflows where {where}"
        yield Finding("overflow", node, text, unless(scope, found.variable, _opposite(where)), operand)


def _opposite(where: str) -> str:
    """Code that says that a threshold is not passed; empty if there are several."""
    if " or " in where or where.count("<") > 1 or " is " in where:
        return ""
    code = where.replace("%", "").replace(">", "<=") if ">" in where else where.replace("%", "").replace("<", ">=")
    return f"gc.abs({code[1:].replace('|', ')')}" if code.startswith("|") else code


def named(node: Node) -> str:
    """An op as a sentence has it."""
    return {"pow": "the power", "square": "the square", "multiply": "the product"}.get(node.op.name, node.op.name)


def _is_steep(node: Node) -> bool:
    """Whether an op makes infinities of finite numbers of one operand, by more than a factor."""
    op = node.op
    if not isinstance(op, Elementwise) or isinstance(op, _SLOW) or op.conditions:
        return False
    numbers = [uniform_value(arg) for arg in node.args]
    if not all(number is None or np.isfinite(number) for number in numbers):
        return False
    if len({arg for arg, number in zip(node.args, numbers, strict=True) if number is None}) != 1:
        return False
    return _steep(op, node.dtype, tuple((arg.dtype, n) for arg, n in zip(node.args, numbers, strict=True)))


@lru_cache(maxsize=1024)
def _steep(op: Op, dtype: DType, operands: tuple[tuple[DType, float | None], ...]) -> bool:
    """The same for an op with numbers as operands; None stands for the one that varies."""
    varying = next(kind for kind, number in operands if number is None)
    points = grid(varying)
    if varying.is_float:
        root = float(varying.limits.max) ** 0.75
        points = points[np.abs(points.astype(np.float64)) <= max(root, 1e5)]
    xs = [points if n is None else np.full(points.shape, n, kind.numpy) for kind, n in operands]
    with np.errstate(all="ignore"):
        values = as_reader("numpy").apply(op, TensorType(dtype, points.shape), xs)
    return bool(np.isinf(np.asarray(values).astype(np.float64))[np.abs(points.astype(np.float64)) > 1].any())
