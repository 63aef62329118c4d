"""A kernel as LLVM IR: loops over buffers go in, the text of a function comes out.

    print(kernel_text(kernel, Machine.host()))

The function is `void name(ptr buffer..., i64 size..., [ptr error, i32 code])`. A loop that the schedule
mapped to "vector" runs in lanes: first whole vectors, then one masked vector for the rest. In it a value is
a vector if it varies with the loop variable; otherwise it stays a scalar. How an index depends on the
variable decides the load: not at all (one scalar), with factor 1 (a vector), otherwise a gather. What does
not vary in a loop is computed before it. Nothing is left to LLVM but the selection of instructions and
registers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from graphc.backends.llvm import loops
from graphc.backends.llvm.access import Access
from graphc.backends.llvm.machine import Machine
from graphc.backends.llvm.memory import rounded
from graphc.backends.llvm.reductions import Running, begin
from graphc.backends.llvm.scope import Scope
from graphc.backends.llvm.text import Function, Module
from graphc.backends.llvm.values import Value
from graphc.backends.llvm.vocabulary import Vectors
from graphc.kernel import (
    BLOCK,
    Accumulate,
    Accumulator,
    CheckIndex,
    For,
    Kernel,
    Let,
    Load,
    Operand,
    Position,
    Prefetch,
    Statement,
    Store,
)
from graphc.types import DType, int32, int64, uint64

# Registers' worth of lanes, by bytes of a register: enough independent work to hide the latency of
# arithmetic, as far as there are registers (AVX-512 has twice as many).
UNROLL = {64: 4, 32: 2, 16: 2}


def kernel_text(kernel: Kernel, machine: Machine) -> str:
    """A module with one kernel, under its own name."""
    module = Module(machine)
    define_kernel(kernel, module, kernel.name)
    return str(module)


def define_kernel(kernel: Kernel, module: Module, symbol: str, linkage: str = "") -> None:
    """Add a kernel to a module."""
    parameters = [f"ptr %{buffer.name}" for buffer in kernel.buffers] + [f"i64 %.size.{size}" for size in kernel.sizes]
    if kernel.checks_indices:
        parameters += ["ptr %.error", "i32 %.code"]
    emitter = _Emitter(kernel, module)
    emitter.statements(kernel.body)
    emitter.function.line("ret void")
    module.define(symbol, f"{linkage}void @{symbol}({', '.join(parameters)})", emitter.function)


class _Emitter:
    def __init__(self, kernel: Kernel, module: Module) -> None:
        self.function = Function(module)
        self.words = Vectors(self.function)
        width = module.machine.vector_bytes
        sizes = {size: Value(f"%.size.{size}", int64, 1, self.words) for size in kernel.sizes}
        self.scope = Scope(self.words, loops.lane_count(kernel, width, UNROLL[width]), sizes)
        self.access = Access(self.words, self.scope, kernel.buffers)
        self.running: dict[str, Running] = {}

    # Statements.

    def statements(self, body: Sequence[Statement]) -> None:
        for statement in body:
            match statement:
                case For():
                    self._for(statement)
                case Load():
                    self._load(statement)
                case Store():
                    self._store(statement)
                case Let(name, dtype, op, args):
                    result = op.scalar(self.words, *map(self._operand, args))
                    self._name(name, result, dtype)
                case Position(name, dtype, index):
                    self._name(name, self.words.cast(self.scope.index(index), dtype), dtype)
                case CheckIndex():
                    self._check_index(statement)
                case Prefetch(buffer, index):
                    self.access.prefetch(buffer, index)
                case Accumulate():
                    self._accumulate(statement)

    def _operand(self, operand: Operand) -> Value:
        if isinstance(operand, str):
            return self.running[operand].value if operand in self.running else self.scope.values[operand]
        return self.words.constant(operand.value, operand.dtype.compute)

    def _name(self, name: str, result: Value | float, dtype: DType) -> None:
        value = result if isinstance(result, Value) else self.words.constant(result, dtype.compute)
        self.scope.values[name] = rounded(self.words, value, dtype)

    def _load(self, load: Load, guard: Value | None = None) -> None:
        mask = self.scope.both(self.scope.values[load.mask] if load.mask else None, guard)
        self.scope.values[load.name] = self.access.read(load.buffer, load.index, mask)

    def _store(self, store: Store) -> None:
        value = self._operand(store.value)
        mask = self.scope.values[store.mask] if store.mask else None
        self.access.write(store.buffer, store.index, value, mask)

    def _accumulate(self, statement: Accumulate) -> None:
        accumulator, mask = self.running[statement.accumulator], self.scope.mask
        factor = None if statement.factor is None else self._operand(statement.factor)
        if accumulator.lanes > 1 and not self.scope.in_lanes:  # a single value goes to lane 0
            mask = self.words.compare("eq", self.words.lane_numbers(int32, accumulator.lanes), 0)
        accumulator.add(self._operand(statement.value), factor, mask)

    def _check_index(self, check: CheckIndex) -> None:
        words = self.words
        value, extent = self._operand(check.value), self.scope.index(check.extent)
        if value.dtype is uint64:
            value = words.intrinsic("umin", value, 2**63 - 1)
        value = words.cast(value, int64)
        wrapped = words.select(words.compare("slt", value, 0), value + extent, value)
        valid = words.compare("ult", wrapped, extent)
        inside = words.intrinsic("smax", words.intrinsic("smin", wrapped, extent - 1), 0)
        self.scope.values |= {check.name: inside, check.valid: valid}
        wrong = words.integer("xor", valid, True)
        if self.scope.mask is not None:
            wrong = words.integer("and", wrong, self.scope.mask)
        self.function.when(words.any(wrong).text, self._record_error, (), ())

    def _record_error(self) -> Sequence[str]:
        """Only the first error counts, whichever thread finds it."""
        self.function.register("cmpxchg ptr %.error, i32 0, i32 %.code monotonic monotonic")
        return ()

    # Loops.

    def _for(self, loop: For) -> None:
        extent = self.scope.index(loop.extent)
        for accumulator in loop.accumulators:
            self.running[accumulator.name] = self._start(loop, accumulator)
        before, inside = loops.split_invariant(loop)
        self._before_loop(before, loop, extent)
        changing = [self.running[name] for name in loops.accumulated(loop)]
        if loops.runs_in_lanes(loop) and not self.scope.in_lanes:
            self._vector_loop(loop, extent, inside, changing)
        else:
            self._scalar_loop(loop, extent, inside, changing)
        for accumulator in loop.accumulators:
            lanes = self.scope.lane_count if self.scope.in_lanes else 1
            self._name(accumulator.name, self.running.pop(accumulator.name).finish(lanes), accumulator.dtype)

    def _start(self, loop: For, accumulator: Accumulator) -> Running:
        """Registers for an accumulator: in lanes if an outer, this or an inner loop is."""
        lanes = self.scope.lane_count
        step = 1 if self.scope.in_lanes else lanes  # of vector loops in here
        count = loops.additions(loop, accumulator.name, step)
        wide = self.scope.in_lanes or loops.accumulates_in_lanes(loop, accumulator.name)
        long = count is None or count > BLOCK
        return begin(self.words, accumulator, lanes if wide else 1, long, folds=not self.scope.in_lanes)

    def _before_loop(self, invariant: Sequence[Load | Let | Position], loop: For, extent: Value) -> None:
        """What every iteration would compute alike. An empty loop must read nothing."""
        may_be_empty = not isinstance(loop.extent, int) or loop.extent == 0
        runs = self.words.compare("sgt", extent, 0) if may_be_empty else None
        for statement in invariant:
            if isinstance(statement, Load):
                self._load(statement, runs)
            else:
                self.statements([statement])

    def _scalar_loop(self, loop: For, extent: Value, body: Sequence[Statement], changing: list[Running]) -> None:
        def iteration(counter: Value) -> None:
            self.scope.values[loop.var] = counter
            self.statements(body)

        self._blocks(self.words.constant(0, int64), extent, 1, changing, iteration)

    def _vector_loop(self, loop: For, extent: Value, body: Sequence[Statement], changing: list[Running]) -> None:
        def iteration(counter: Value) -> None:
            self.scope.values[loop.var] = counter
            self.scope.lane_variable = loop.var
            self.statements(body)
            self.scope.lane_variable = None

        def rest(counter: Value) -> None:
            left = self.words.convert("trunc", extent - counter, int32)
            self.scope.mask = self.words.compare("slt", self.words.lane_numbers(int32, self.scope.lane_count), left)
            iteration(counter)
            self.scope.mask = None

        zero = self.words.constant(0, int64)
        whole = self.words.integer("and", extent, -self.scope.lane_count)
        if isinstance(loop.extent, int):
            whole = self.words.constant(loop.extent - loop.extent % self.scope.lane_count, int64)
        if not isinstance(loop.extent, int) or loop.extent >= self.scope.lane_count:
            self._blocks(zero, whole, self.scope.lane_count, changing, iteration)
        if not isinstance(loop.extent, int) or loop.extent % self.scope.lane_count:
            self._iterate(whole, extent, self.scope.lane_count, changing, rest)

    def _blocks(
        self, start: Value, end: Value, step: int, changing: list[Running], iteration: Callable[[Value], None]
    ) -> None:
        """Iterate; if long sums are carried, in blocks whose sums are added with care."""
        if not any(running.closes for running in changing):
            self._iterate(start, end, step, changing, iteration)
            return

        def block(first: Value) -> None:
            last = self.words.intrinsic("smin", first + BLOCK * step, end)
            self._iterate(first, last, step, changing, iteration)
            for running in changing:
                running.close_block()

        self._iterate(start, end, BLOCK * step, changing, block)

    def _iterate(
        self, start: Value, end: Value, step: int, changing: list[Running], iteration: Callable[[Value], None]
    ) -> None:
        """A loop of which the registers of accumulators go from one iteration to the next."""
        templates = [register for running in changing for register in running.registers]

        def install(texts: Sequence[str]) -> None:
            values = iter(Value(text, t.dtype, t.lanes, self.words) for text, t in zip(texts, templates))
            for running in changing:
                running.registers = [next(values) for _ in running.registers]

        def body(counter: str, carried: list[str]) -> list[str]:
            install(carried)
            iteration(Value(counter, int64, 1, self.words))
            return [register.text for running in changing for register in running.registers]

        carried = [(register.type, register.text) for register in templates]
        install(self.function.loop(start.text, end.text, step, carried, body))
