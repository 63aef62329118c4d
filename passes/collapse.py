"""Nested loops over contiguous memory become one loop.

    for i0 < n parallel                 for i1 < 10*n parallel
      for i1 < 10 parallel      to        v = x[i1]
        v = x[10*i0+i1]

Two perfectly nested parallel loops, or reduce loops, merge if every index moves on with both as with one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from graphc import dimension
from graphc.dimension import symbol
from graphc.kernel import CheckIndex, For, Kernel, Load, Position, Statement, Store


def collapse(kernel: Kernel) -> Kernel:
    """The kernel with nested loops merged where memory is contiguous."""
    return replace(kernel, body=tuple(_collapsed(statement) for statement in kernel.body))


def _collapsed(statement: Statement) -> Statement:
    if not isinstance(statement, For):
        return statement
    loop = replace(statement, body=tuple(_collapsed(inner) for inner in statement.body))
    while (merged := _merged(loop)) is not None:
        loop = merged
    return loop


def _merged(outer: For) -> For | None:
    """One loop for a loop whose whole body is another of the same kind, or None."""
    if len(outer.body) != 1 or not isinstance(outer.body[0], For):
        return None
    inner = outer.body[0]
    if inner.kind != outer.kind or inner.accumulators or outer.kind == "serial":
        return None
    if outer.var in dimension.symbols_of(inner.extent):
        return None
    body = []
    for statement in inner.body:
        new = _rewritten(statement, outer.var, inner.var, inner.extent)
        if new is None:
            return None
        body.append(new)
    return replace(outer, var=inner.var, extent=outer.extent * inner.extent, body=tuple(body))


def _rewritten(statement: Statement, outer: str, inner: str, extent: Any) -> Statement | None:
    """The statement in terms of one variable for `outer*extent + inner`, or None if it needs them apart."""
    match statement:
        case Load(index=index) | Store(index=index) | Position(index=index):
            new = _joint_index(index, outer, inner, extent)
            return None if new is None else replace(statement, index=new)
        case CheckIndex(extent=size) if {outer, inner} & dimension.symbols_of(size):
            return None
        case For():
            if {outer, inner} & dimension.symbols_of(statement.extent):
                return None
            parts = [_rewritten(part, outer, inner, extent) for part in statement.body]
            if any(part is None for part in parts):
                return None
            return replace(statement, body=tuple(part for part in parts if part is not None))
    return statement


def _joint_index(index: Any, outer: str, inner: str, extent: Any) -> Any:
    a, b = dimension.coefficient(index, outer), dimension.coefficient(index, inner)
    if a is None or b is None or a != b * extent:
        return None
    rest = dimension.substitute(index, {outer: 0, inner: 0})
    return rest + b * symbol(inner)
