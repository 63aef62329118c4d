"""What loops and statements say, and loops that run as one.

Comes in: statements of the kernel IR; goes out: the names in them, which loops the threads of a block may
share, and the same loops merged or with other indices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeGuard

from graphc.dimension import coefficient, substitute, symbol, symbols_of
from graphc.kernel import (
    Accumulate,
    CheckIndex,
    For,
    Index,
    Let,
    Load,
    Operand,
    Position,
    Statement,
    Store,
    walk,
)


def results(statement: Statement) -> tuple[str, ...]:
    """The values that later statements of the same level can read."""
    match statement:
        case Load(name) | Let(name) | Position(name):
            return (name,)
        case CheckIndex(name, valid):
            return name, valid
        case For():
            return tuple(accumulator.name for accumulator in statement.accumulators)
    return ()


def mentions(statement: Statement) -> Iterator[str]:
    """Every name in a statement: what it defines and what it uses."""
    for inner in walk((statement,)):
        match inner:
            case Load(name, buffer, index, mask):
                yield from (name, buffer, *symbols_of(index), *([mask] if mask else []))
            case Store(buffer, index, value, mask):
                yield from (buffer, *symbols_of(index), *([mask] if mask else []), *_values(value))
            case Let(name, _, _, args):
                yield from (name, *_values(*args))
            case Position(name, _, index):
                yield from (name, *symbols_of(index))
            case CheckIndex(name, valid, value, extent):
                yield from (name, valid, *_values(value), *symbols_of(extent))
            case Accumulate(accumulator, value, factor):
                yield from (accumulator, *_values(value, *(() if factor is None else (factor,))))
            case For(_, extent):
                yield from (*results(inner), *symbols_of(extent))


def _values(*operands: Operand) -> Iterator[str]:
    return (operand for operand in operands if isinstance(operand, str))


def is_parallel(statement: Statement) -> TypeGuard[For]:
    return isinstance(statement, For) and statement.kind == "parallel"


def is_shared(statement: Statement) -> TypeGuard[For]:
    """Whether the threads of a block may share the iterations of a loop: its accumulators are its own."""
    if not isinstance(statement, For) or statement.kind == "serial":
        return False
    inside = list(walk((statement,)))
    own = {a.name for inner in inside if isinstance(inner, For) for a in inner.accumulators}
    return all(inner.accumulator in own for inner in inside if isinstance(inner, Accumulate))


def nest(loop: For) -> tuple[tuple[For, ...], tuple[Statement, ...]]:
    """The perfectly nested loops of one kind that begin here and can run as one, and what is inside."""
    loops: tuple[For, ...] = (loop,)
    while inner := _continuation(loops):
        loops = (*loops, inner)
    return loops, loops[-1].body


def _continuation(loops: tuple[For, ...]) -> For | None:
    """The loop that is all there is in the innermost of these, if it belongs to the same nest."""
    inner = loops[-1].body[0] if len(loops[-1].body) == 1 else None
    if not isinstance(inner, For) or inner.kind != loops[0].kind or inner.accumulators:
        return None
    return inner if symbols_of(inner.extent).isdisjoint(loop.var for loop in loops) else None


def collapsed(statement: Statement) -> Statement:
    """Perfectly nested loops merged into one wherever every index walks through them as through one.

    for i < m: for j < n: y[i*n+j] = x[i*n+j]   becomes   for i < m*n: y[i] = x[i]
    """
    if not isinstance(statement, For):
        return statement
    loop = replace(statement, body=tuple(map(collapsed, statement.body)))
    inner = _continuation((loop,))
    if inner is None or loop.kind == "serial":
        return loop
    if not all(_walks_as_one(index, loop.var, inner) for index in _indices(inner.body)):
        return loop
    merged: dict[str, Index] = {inner.var: symbol(loop.var), loop.var: 0}
    body = with_indices(inner.body, lambda index: substitute(index, merged))
    return replace(loop, extent=loop.extent * inner.extent, body=body)


def _walks_as_one(index: Index, outer: str, inner: For) -> bool:
    slow, fast = coefficient(index, outer), coefficient(index, inner.var)
    return slow is not None and fast is not None and slow == fast * inner.extent


def _indices(body: tuple[Statement, ...]) -> Iterator[Index]:
    for statement in walk(body):
        match statement:
            case Load() | Store() | Position():
                yield statement.index
            case CheckIndex() | For():
                yield statement.extent


def with_indices(body: tuple[Statement, ...], change: Callable[[Index], Index]) -> tuple[Statement, ...]:
    changed: list[Statement] = []
    for statement in body:
        match statement:
            case Load() | Store() | Position():
                changed.append(replace(statement, index=change(statement.index)))
            case CheckIndex():
                changed.append(replace(statement, extent=change(statement.extent)))
            case For():
                inner = with_indices(statement.body, change)
                changed.append(replace(statement, extent=change(statement.extent), body=inner))
            case _:
                changed.append(statement)
    return tuple(changed)
