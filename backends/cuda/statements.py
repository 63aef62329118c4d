"""Statements of the kernel IR as CUDA C++, for one thread and for a block.

`ThreadWriter` runs loops one iteration after the other in one thread. `BlockWriter` runs what is outside of
shared loops in every thread alike, deals the iterations of shared loops out to the threads, and puts barriers
where one thread reads what another has written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from graphc.backends.cuda.accumulators import Running, changed, is_short, running
from graphc.backends.cuda.functions import Functions
from graphc.backends.cuda.loops import is_shared, mentions, nest
from graphc.backends.cuda.notation import Names, factor_text, index_text, type_name
from graphc.backends.cuda.scalars import (
    SUM,
    Value,
    conditional,
    literal,
    printed,
    rounded,
)
from graphc.dimension import product
from graphc.kernel import (
    BLOCK,
    Accumulate,
    Accumulator,
    Buffer,
    CheckIndex,
    For,
    Index,
    Let,
    Literal,
    Load,
    Operand,
    Position,
    Statement,
    Store,
)
from graphc.types import DType, bool_, int64

LEAST_THREADS = 32  # of a block


class Lines:
    """Indented text."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._depth = 0

    def write(self, line: str) -> None:
        self._lines.append("  " * self._depth + line if not line.startswith("#") else line)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """`head {`, what is written meanwhile, `}`."""
        self.write(head + " {")
        self._depth += 1
        yield
        self._depth -= 1
        self.write("}")

    def __str__(self) -> str:
        return "\n".join(self._lines) + "\n"


class ThreadWriter:
    """Writes statements that one thread runs by itself."""

    def __init__(self, lines: Lines, names: Names, functions: Functions, buffers: Sequence[Buffer]) -> None:
        self.lines, self.names, self.functions = lines, names, functions
        self.buffers = {buffer.name: buffer for buffer in buffers}
        self.values: dict[str, Value] = {}
        self.running: dict[str, Running] = {}  # by the names of accumulators

    def body(self, statements: Sequence[Statement]) -> None:
        for statement in statements:
            self.statement(statement)

    def statement(self, statement: Statement) -> None:
        match statement:
            case Load():
                self.define(statement.name, self.buffers[statement.buffer].dtype, self.loaded(statement))
            case Store():
                self.store(statement)
            case Let(name, dtype, op, args):
                self.define(name, dtype, self.functions.apply(op, tuple(map(self.operand, args)), dtype))
            case Position(name, dtype, index):
                self.define(name, dtype, rounded(self.index_value(index), dtype))
            case CheckIndex():
                self.check_index(statement)
            case Accumulate(accumulator, value, factor):
                other = None if factor is None else self.operand(factor)
                self.lines.write(self.running[accumulator].combined(self.operand(value), other))
            case For():
                self.loop(statement)

    # --- values ---

    def operand(self, operand: Operand) -> Value:
        if isinstance(operand, Literal):
            return literal(operand.value, operand.dtype)
        return self.values[operand]

    def define(self, name: str, dtype: DType, value: Value) -> None:
        variable = self.names.of_value(name)
        self.lines.write(f"const {type_name(dtype)} {variable} = {printed(value)};")
        self.values[name] = Value(dtype, variable)

    def index_value(self, index: Index) -> Value:
        return Value(int64, index_text(index, self.names), level=SUM)

    def element(self, buffer: str, index: Index) -> Value:
        place = f"{self.names.of_buffer(buffer)}[{index_text(index, self.names)}]"
        return Value(self.buffers[buffer].dtype, place)

    def loaded(self, load: Load) -> Value:
        element = self.element(load.buffer, load.index)
        if load.mask is None:
            return element
        return conditional(self.values[load.mask], element, rounded(0, element.dtype))

    def store(self, store: Store, condition: str = "") -> None:
        element, value = self.element(store.buffer, store.index), self.operand(store.value)
        mask = printed(self.values[store.mask]) if store.mask else ""
        conditions = " && ".join(filter(None, [condition, mask]))
        assignment = f"{printed(element)} = {printed(rounded(value, element.dtype))};"
        self.lines.write(f"if ({conditions}) {assignment}" if conditions else assignment)

    def check_index(self, check: CheckIndex) -> None:
        value, extent = printed(self.operand(check.value)), index_text(check.extent, self.names)
        self.define(check.valid, bool_, Value(bool_, f"is_index({value}, {extent})"))
        self.lines.write(f"if (!{self.names.of_value(check.valid)}) atomicCAS(error, 0, code);")
        self.define(check.name, int64, Value(int64, f"as_index({value}, {extent})"))

    # --- loops ---

    def loop(self, loop: For) -> None:
        self.declare(loop.accumulators, loop.body, loop.extent)
        with self.loop_of_blocks((loop,), loop.body, "0", "1"):
            self.body(loop.body)
        self.finish(loop.accumulators)

    @contextmanager
    def loop_of_blocks(
        self, loops: tuple[For, ...], body: Sequence[Statement], first: str, step: str
    ) -> Iterator[None]:
        """A flat loop; where its body adds to sums in blocks, a loop over blocks with one over their iterations."""
        sums = [sum_ for name in sorted(changed(body)) if (sum_ := self.running[name]).in_blocks]
        if not sums:
            with self.flat_loop(loops, body, first, step):
                yield
            return
        begin, end = self.names.fresh("begin"), self.names.fresh("end")
        last = index_text(product(tuple(loop.extent for loop in loops)), self.names)
        length = str(BLOCK) if step == "1" else f"{BLOCK} * {step}"
        with self.lines.block(f"for (long long {begin} = {first}; {begin} < {last}; {begin} += {length})"):
            self.lines.write(f"const long long {end} = minimum<long long>({begin} + {length}, {last});")
            with self.flat_loop(loops, body, begin, step, end):
                yield
            for sum_ in sums:
                self.lines.write(sum_.closed())

    @contextmanager
    def flat_loop(
        self, loops: tuple[For, ...], body: Sequence[Statement], first: str, step: str, end: str = ""
    ) -> Iterator[None]:
        """One loop over the iterations of perfectly nested ones, from `first` in steps of `step`, or up to `end`."""
        flat = self.names.of_value(loops[0].var) if len(loops) == 1 else self.names.fresh("flat")
        end = end or index_text(product(tuple(loop.extent for loop in loops)), self.names)
        advance = f"++{flat}" if step == "1" else f"{flat} += {step}"
        with self.lines.block(f"for (long long {flat} = {first}; {flat} < {end}; {advance})"):
            self.bind(loops, body, flat)
            yield

    def bind(self, loops: tuple[For, ...], body: Sequence[Statement], flat: str) -> None:
        """The variables of perfectly nested loops from the number of the iteration, as far as the body needs
        them."""
        if len(loops) == 1:
            return
        used = {name for statement in body for name in mentions(statement)}
        for position, loop in enumerate(loops):
            if loop.var in used:
                inner = product(tuple(inner.extent for inner in loops[position + 1 :]))
                text = flat if inner == 1 else f"{flat} / {factor_text(inner, self.names)}"
                text += f" % {factor_text(loop.extent, self.names)}" if position else ""
                self.lines.write(f"const long long {self.names.of_value(loop.var)} = {text};")

    # --- accumulators: carried in the dtype in which theirs calculates, rounded once at the end ---

    def declare(
        self, accumulators: Sequence[Accumulator], body: Sequence[Statement], iterations: Index, threads: int = 1
    ) -> None:
        for accumulator in accumulators:
            short = is_short(body, accumulator, iterations, threads)
            begun = self.running[accumulator.name] = running(accumulator, self.names, short)
            self.values[accumulator.name] = begun.so_far
            for line in begun.declared():
                self.lines.write(line)

    def finish(self, accumulators: Sequence[Accumulator]) -> None:
        for accumulator in accumulators:
            done = self.running.pop(accumulator.name)
            self.values[accumulator.name] = done.variable
            for line in done.finished():
                self.lines.write(line)
            if done.compensated:
                self.values[accumulator.lost] = Value(done.dtype, f"{done.twofold}.low()")


class BlockWriter(ThreadWriter):
    """Writes statements that all threads of a block run together. Values are the same in each of them."""

    def __init__(self, thread: ThreadWriter) -> None:
        super().__init__(thread.lines, thread.names, thread.functions, tuple(thread.buffers.values()))
        self._thread = thread
        self.values, self.running = thread.values, thread.running
        self._since_barrier = Accesses()

    def statement(self, statement: Statement) -> None:
        if not isinstance(statement, For) or is_shared(statement):
            self._access(Accesses.of((statement,)))
        super().statement(statement)

    def store(self, store: Store, condition: str = "") -> None:
        super().store(store, "threadIdx.x == 0")

    def loop(self, loop: For) -> None:
        if is_shared(loop):
            self._shared_loop(loop)
        else:
            self._common_loop(loop)

    def _common_loop(self, loop: For) -> None:
        inside = Accesses.of(loop.body)
        before = self._since_barrier
        if before.meets(inside):
            self.barrier()
            before = self._since_barrier
        self.declare(loop.accumulators, loop.body, loop.extent)
        with self.loop_of_blocks((loop,), loop.body, "0", "1"):
            self.body(loop.body)
            if self._since_barrier.meets(inside):  # in the next iteration
                self.barrier()
        self._since_barrier = self._since_barrier | before  # the loop may not run at all
        self.finish(loop.accumulators)

    def _shared_loop(self, loop: For) -> None:
        loops, body = nest(loop)
        self.declare(loop.accumulators, body, product(tuple(each.extent for each in loops)), LEAST_THREADS)
        with self.loop_of_blocks(loops, body, "threadIdx.x", "blockDim.x"):
            self._thread.body(body)
        for accumulator in loop.accumulators:
            self.lines.write(self.running[accumulator.name].joined())
        self.finish(loop.accumulators)

    def _access(self, accesses: Accesses) -> None:
        if self._since_barrier.meets(accesses):
            self.barrier()
        self._since_barrier = self._since_barrier | accesses

    def barrier(self) -> None:
        self.lines.write("__syncthreads();")
        self._since_barrier = Accesses()


@dataclass(frozen=True)
class Accesses:
    """The buffers that a block's threads read, that they write, and that thread 0 alone writes."""

    read: frozenset[str] = frozenset()
    written: frozenset[str] = frozenset()
    written_by_first: frozenset[str] = frozenset()

    @staticmethod
    def of(statements: Sequence[Statement], shared: bool = False) -> Accesses:
        """What statements access, run by the block as one or, if `shared`, by different threads."""
        found = Accesses()
        for statement in statements:
            match statement:
                case Load(_, buffer):
                    found = found | Accesses(read=frozenset([buffer]))
                case Store(buffer):
                    one = frozenset([buffer])
                    found = found | (Accesses(written=one) if shared else Accesses(written_by_first=one))
                case For():
                    found = found | Accesses.of(statement.body, shared or is_shared(statement))
        return found

    def meets(self, later: Accesses) -> bool:
        """Whether different threads may touch one element, and at least one of them writes it."""
        mine, theirs = self.written | self.written_by_first, later.written | later.written_by_first
        by_others = later.written & self.written_by_first | later.written_by_first & self.written
        return bool(mine & later.read or theirs & self.read or self.written & later.written or by_others)

    def __or__(self, other: Accesses) -> Accesses:
        return Accesses(
            self.read | other.read,
            self.written | other.written,
            self.written_by_first | other.written_by_first,
        )
