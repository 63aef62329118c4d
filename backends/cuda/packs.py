"""Elementwise loops that move 16 bytes at a time.

Comes in: a schedule whose accesses all run along the innermost loop or stay. Goes out: text that handles as
many whole packs of neighbours as memory is aligned for, and the name of how many elements that were.
"""

from __future__ import annotations

from dataclasses import replace

from graphc.backends.cuda.notation import factor_text, index_text, type_name
from graphc.backends.cuda.scalars import Value, printed, rounded
from graphc.backends.cuda.schedule import Schedule
from graphc.backends.cuda.statements import ThreadWriter
from graphc.dimension import coefficient, substitute, symbol
from graphc.kernel import Index, Load, Position, Statement, Store

_LANE = " lane"  # no name in a kernel begins with a space


def write_packs(schedule: Schedule, writer: ThreadWriter, thread: str, threads: str) -> str:
    """Write the loop over whole packs; the name of the number of elements that it handles."""
    lines, names, width = writer.lines, writer.names, schedule.pack
    packed = names.fresh("packed")
    size = factor_text(schedule.count, names)
    whole = f"{size} / {width} * {width}"
    lines.write(f"const long long {packed} = {' && '.join(_conditions(schedule, writer))} ? {whole} : 0;")
    flat = names.of_value(schedule.loops[0].var) if len(schedule.loops) == 1 else names.fresh("first")
    head = f"for (long long {flat} = {width} * {thread}; {flat} < {packed}; {flat} += {width} * {threads})"
    with lines.block(head):
        writer.bind(schedule.loops, schedule.body, flat)
        PackWriter(schedule, writer).write()
    return packed


def _conditions(schedule: Schedule, writer: ThreadWriter) -> list[str]:
    """That every pack is aligned, and none crosses the end of an innermost loop."""
    names, width = writer.names, schedule.pack
    innermost = schedule.loops[-1]
    pointers: dict[str, None] = {}
    lengths: dict[Index, None] = {}
    for access in schedule.body:
        if isinstance(access, Load | Store) and coefficient(access.index, innermost.var) == 1:
            start = substitute(access.index, {loop.var: 0 for loop in schedule.loops})
            pointer = names.of_buffer(access.buffer)
            pointers[pointer if start == 0 else f"{pointer} + {index_text(start, names)}"] = None
            strides = (coefficient(access.index, loop.var) for loop in schedule.loops[:-1])
            lengths.update((stride, None) for stride in strides if stride is not None and stride != 0)
    if len(schedule.loops) > 1:
        lengths[innermost.extent] = None
    multiples = [f"{factor_text(length, names)} % {width} == 0" for length in lengths]
    return [f"is_aligned<{width}>({pointer})" for pointer in pointers] + multiples


class PackWriter:
    """Writes the iterations of one pack: loads, a loop over its lanes, stores."""

    def __init__(self, schedule: Schedule, writer: ThreadWriter) -> None:
        self.schedule, self.writer = schedule, writer
        self.lines, self.names = writer.lines, writer.names
        self.innermost = schedule.loops[-1]

    def write(self) -> None:
        packs: dict[Statement, str] = {}
        for statement in self.schedule.body:
            if isinstance(statement, Load | Store) and self._moves(statement.index):
                packs[statement] = self._declare(statement)
            elif isinstance(statement, Load):
                self.writer.statement(statement)  # the same for all lanes
        lane = self.names.of_value(_LANE)
        self.lines.write("#pragma unroll")
        with self.lines.block(f"for (int {lane} = 0; {lane} < {self.schedule.pack}; ++{lane})"):
            for statement in self.schedule.body:
                self._lane(statement, packs.get(statement), lane)
        for statement, pack in packs.items():
            if isinstance(statement, Store):
                self.lines.write(f"store_pack({self._address(statement)}, {pack});")

    def _moves(self, index: Index) -> bool:
        return coefficient(index, self.innermost.var) == 1

    def _address(self, access: Load | Store) -> str:
        return f"{self.names.of_buffer(access.buffer)} + {index_text(access.index, self.names)}"

    def _declare(self, access: Load | Store) -> str:
        buffer = self.writer.buffers[access.buffer]
        pack_type = f"Pack<{type_name(buffer.dtype)}, {self.schedule.pack}>"
        if isinstance(access, Store):
            pack = self.names.fresh(f"{access.buffer}_pack")
            self.lines.write(f"{pack_type} {pack};")
        else:
            pack = self.names.fresh(f"{access.name}_pack")
            load = f"load_pack<{self.schedule.pack}>({self._address(access)})"
            self.lines.write(f"const {pack_type} {pack} = {load};")
        return pack

    def _lane(self, statement: Statement, pack: str | None, lane: str) -> None:
        match statement:
            case Load(name, buffer) if pack:
                dtype = self.writer.buffers[buffer].dtype
                self.writer.define(name, dtype, Value(dtype, f"{pack}.at[{lane}]"))
            case Store(buffer, _, value) if pack:
                dtype = self.writer.buffers[buffer].dtype
                element = printed(rounded(self.writer.operand(value), dtype))
                self.lines.write(f"{pack}.at[{lane}] = {element};")
            case Load():
                pass
            case Position(index=index):
                shifted = substitute(index, {self.innermost.var: symbol(self.innermost.var) + symbol(_LANE)})
                self.writer.statement(replace(statement, index=shifted))
            case _:
                self.writer.statement(statement)
