"""Kernels whose top level has several loops, as several kernels that a whole GPU can share.

Comes in: a kernel. Goes out: `Parts`, kernels that run one after the other. Values that one part computes and
another needs go through memory. A long reduction is done in two steps, always in the same order:

    for i < n reduce(total)       becomes    for part < parts parallel: for i < chunk reduce(total): ...
                                             for part < parts reduce(total): ...
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from graphc.backends.cuda.loops import collapsed, is_parallel, is_shared, mentions, with_indices
from graphc.dimension import call, product, substitute, symbol
from graphc.kernel import (
    Accumulate,
    Buffer,
    CheckIndex,
    For,
    Index,
    Kernel,
    Let,
    Load,
    Position,
    Statement,
    Store,
    walk,
)
from graphc.types import DType, bool_, int64

MOST_PARTS = 128  # of a reduction: what one block then combines
LEAST_CHUNK = 4096  # elements of a part
_SMALL = 4096  # iterations that one block does sooner than a second launch begins


@dataclass(frozen=True)
class Parts:
    """Kernels in order, the buffers through which they hand values on, and sizes that they need besides."""

    kernels: tuple[Kernel, ...]
    carried: tuple[Buffer, ...] = ()
    derived: dict[str, Index] = field(default_factory=dict)


def fission(kernel: Kernel) -> Parts:
    """The parts of a kernel: each parallel loop by itself, long reductions in two, the rest between."""
    body = tuple(map(collapsed, kernel.body))
    if (len(body) == 1 and not _is_long_reduction(body[0])) or all(map(_is_small, body)):
        return Parts((replace(kernel, body=body),))
    return _Splitter(kernel).parts(body)


def _is_small(statement: Statement) -> bool:
    loops = [inner.extent for inner in walk((statement,)) if isinstance(inner, For)]
    iterations = product(tuple(loops))
    return isinstance(iterations, int) and iterations <= _SMALL


def _is_long_reduction(statement: Statement) -> bool:
    return is_shared(statement) and statement.kind == "reduce" and not _is_small(statement)


class _Splitter:
    """Splits one kernel."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.dtypes = {buffer.name: buffer.dtype for buffer in kernel.buffers}
        self.pieces: list[list[Statement]] = []
        self.between = False  # whether the last piece takes what stands between loops
        self.carried: dict[str, Buffer] = {}
        self.derived: dict[str, Index] = {}

    def parts(self, body: Sequence[Statement]) -> Parts:
        for statement in body:
            if is_parallel(statement):
                self._loop(statement)
            elif isinstance(statement, For) and _is_long_reduction(statement):
                self._reduction(statement)
            else:
                self._rest(statement)
        self._carry_values()
        self._carry_scratch()
        kernels = tuple(self._kernel(number, piece) for number, piece in enumerate(self.pieces, 1))
        return Parts(kernels, tuple(self.carried.values()), self.derived)

    def _loop(self, statement: Statement) -> None:
        self.pieces.append([statement])
        self.between = False

    def _rest(self, statement: Statement) -> None:
        if not self.between:
            self.pieces.append([])
        self.pieces[-1].append(statement)
        self.between = True

    def _reduction(self, loop: For) -> None:
        """Sum parts in one kernel, and the sums of the parts in the next."""
        number = len(self.derived) // 2 + 1
        needed = call("floordiv", loop.extent + MOST_PARTS - 1, MOST_PARTS)
        chunk = self._size(f"chunk.{number}", call("max", needed, LEAST_CHUNK))
        parts = self._size(f"parts.{number}", call("floordiv", loop.extent + chunk - 1, chunk))
        part = f"part.{number}"
        begin = symbol(part) * chunk
        place = {loop.var: begin + symbol(loop.var)}
        inside = with_indices(loop.body, lambda index: substitute(index, place))
        rest = replace(loop, extent=call("min", chunk, loop.extent - begin), body=inside)
        stores: list[Statement] = []
        sums: list[Statement] = []
        for accumulator in loop.accumulators:
            compensated = accumulator.combine == "compensated_sum"
            for result in (accumulator.name, accumulator.lost) if compensated else (accumulator.name,):
                buffer = self._carry(f"{result}.parts", accumulator.dtype, MOST_PARTS)
                stores.append(Store(buffer, symbol(part), result))
                sums += [Load(f"{result}.part", buffer, symbol(part)), Accumulate(accumulator.name, f"{result}.part")]
        self._loop(For(part, parts, (rest, *stores)))
        self._rest(For(part, parts, tuple(sums), "reduce", loop.accumulators))

    def _size(self, name: str, size: Index) -> Index:
        """A size under a name of its own, so that the text stays short."""
        if isinstance(size, int):
            return size
        self.derived[name] = substitute(size, self.derived)
        return symbol(name)

    def _carry(self, name: str, dtype: DType, size: Index) -> str:
        self.carried[name] = Buffer(name, dtype, size, "update")
        self.dtypes[name] = dtype
        return name

    def _carry_values(self) -> None:
        """Store what a later piece uses, and load it there."""
        uses = [{name for statement in piece for name in mentions(statement)} for piece in self.pieces]
        results_of = [{n: d for s in piece for n, d in self._values(s).items()} for piece in self.pieces]
        for number, values in enumerate(results_of):
            for name, dtype in values.items():
                users = [later for later in range(number + 1, len(self.pieces)) if name in uses[later]]
                if users:
                    cell = self._carry(f"{name}.value", dtype, 1)
                    self.pieces[number].append(Store(cell, 0, name))
                for user in users:
                    self.pieces[user] = _with_load(self.pieces[user], Load(name, cell, 0))

    def _values(self, statement: Statement) -> dict[str, DType]:
        match statement:
            case Load(name, buffer):
                return {name: self.dtypes[buffer]}
            case Let(name, dtype) | Position(name, dtype):
                return {name: dtype}
            case CheckIndex(name, valid):
                return {name: int64, valid: bool_}
            case For():
                return {a.name: a.dtype for a in statement.accumulators}
        return {}

    def _carry_scratch(self) -> None:
        """Scratch that several pieces use is no longer private to one."""
        for buffer in self.kernel.buffers:
            users = [p for p in self.pieces if any(buffer.name in mentions(statement) for statement in p)]
            if buffer.access == "scratch" and len(users) > 1:
                self._carry(buffer.name, buffer.dtype, buffer.size)

    def _kernel(self, number: int, piece: Sequence[Statement]) -> Kernel:
        used = {name for statement in piece for name in mentions(statement)}
        own = (self.carried.get(buffer.name, buffer) for buffer in self.kernel.buffers)
        buffers = dict.fromkeys((*own, *self.carried.values()))
        sizes = (*self.kernel.sizes, *(name for name in self.derived if name in used))
        name = self.kernel.name if len(self.pieces) == 1 else f"{self.kernel.name}_{number}"
        return Kernel(name, tuple(b for b in buffers if b.name in used), sizes, tuple(piece))


def _with_load(piece: list[Statement], load: Load) -> list[Statement]:
    """A piece that begins with a load: inside its parallel loops, so that they stay perfectly nested."""
    if len(piece) == 1 and is_parallel(loop := piece[0]):
        return [replace(loop, body=tuple(_with_load(list(loop.body), load)))]
    return [load, *piece]
