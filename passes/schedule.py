"""How the loops of kernels use a CPU: which one runs in vectors.

The innermost loop whose variable walks contiguous memory becomes `@vector`: the reduce loop itself where rows are
reduced, the parallel loop around it where columns are. Rows that are walked several times fetch the next one ahead.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from graphc import dimension
from graphc.dimension import symbol
from graphc.kernel import (
    For,
    Kernel,
    KernelCall,
    Load,
    Prefetch,
    Program,
    Statement,
    Step,
    Store,
    bodies,
    with_bodies,
)
from graphc.passes.registry import lowering_pass


@lowering_pass
def schedule(program: Program) -> Program:
    """Map one loop of each nest to vectors.

    for i0 < n parallel                     for i0 < n parallel
      for i1 < m reduce(v1: sum f32)   to     for i1 < m reduce(v1: sum f32) @vector
    """

    @cache
    def scheduled(kernel: Kernel) -> Kernel:
        return replace(kernel, body=tuple(_mapped(statement) for statement in kernel.body))

    def mapped(step: Step) -> Step:
        if isinstance(step, KernelCall):
            return replace(step, kernel=scheduled(step.kernel))
        return with_bodies(step, tuple(tuple(map(mapped, body)) for body in bodies(step)))

    return replace(program, steps=tuple(map(mapped, program.steps)))


def _mapped(statement: Statement) -> Statement:
    """A nest with its best loop in vectors: an inner loop of each branch, or this one if it serves better."""
    if not isinstance(statement, For):
        return statement
    inner = [s for s in statement.body if isinstance(s, For)]
    if not inner:
        return replace(statement, mapping="vector") if statement.kind != "serial" else statement
    own = _contiguous(statement, statement.var)
    theirs = max(_best(loop) for loop in inner)
    free = _innermost_parallel(statement) and not _shares_a_row(statement)
    if statement.kind == "parallel" and own > theirs and free:
        return replace(statement, mapping="vector")
    return _with_prefetches(replace(statement, body=tuple(_mapped(s) for s in statement.body)))


def _with_prefetches(rows: For) -> For:
    """Rows that are walked several times: while the processor calculates on one, memory brings the next."""
    walks = [s for s in rows.body if isinstance(s, For) and s.mapping == "vector"]
    if rows.kind != "parallel" or len(walks) < 2:
        return rows
    first, busiest = walks[0], max(walks[1:], key=lambda walk: len(walk.body))
    ahead = {rows.var: symbol(rows.var) + 1, first.var: symbol(busiest.var)}
    loads = [s for s in first.body if isinstance(s, Load) and s.mask is None and _moves(s.index, rows.var, first.var)]
    hints = tuple(Prefetch(load.buffer, dimension.substitute(load.index, ahead)) for load in loads)
    better = replace(busiest, body=(*hints, *busiest.body))
    return replace(rows, body=tuple(better if s is busiest else s for s in rows.body))


def _moves(index: int | dimension.Dim, row: str, column: str) -> bool:
    """Whether an index goes on from row to row, and by one along a row."""
    return dimension.coefficient(index, row) not in (0, None) and dimension.coefficient(index, column) == 1


def _best(loop: For) -> int:
    """The contiguous accesses of the loop of a nest that walks memory best."""
    inner = [_best(s) for s in loop.body if isinstance(s, For)]
    own = _contiguous(loop, loop.var) if loop.kind != "serial" else 0
    return max([own, *inner])


def _innermost_parallel(loop: For) -> bool:
    return not any(isinstance(s, For) and s.kind == "parallel" for s in loop.body)


def _shares_a_row(loop: For) -> bool:
    """Whether iterations write to the same memory, one after the other: the row that is kept in cache."""
    stores = (s for s in _accesses(loop.body) if isinstance(s, Store))
    return any(dimension.coefficient(store.index, loop.var) == 0 for store in stores)


def _contiguous(loop: For, variable: str) -> int:
    """How many accesses in a nest move by one element with a variable, less those that jump."""
    score = 0
    for access in _accesses(loop.body):
        step = dimension.coefficient(access.index, variable)
        score += 1 if step == 1 else 0 if step == 0 else -1
    return score


def _accesses(body: tuple[Statement, ...]) -> Iterator[Load | Store]:
    for statement in body:
        if isinstance(statement, For):
            yield from _accesses(statement.body)
        elif isinstance(statement, Load | Store):
            yield statement
