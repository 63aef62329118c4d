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
from dataclasses import dataclass

from graphc import dimension
from graphc.backends.llvm import loops
from graphc.backends.llvm.indices import index_value
from graphc.backends.llvm.machine import Machine
from graphc.backends.llvm.memory import narrow, rounded, stored, widen
from graphc.backends.llvm.reductions import BLOCK, Running
from graphc.backends.llvm.text import Function, Module
from graphc.backends.llvm.values import Value, type_suffix, type_text
from graphc.backends.llvm.vocabulary import Vectors
from graphc.dimension import symbols_of
from graphc.kernel import (
    Accumulate,
    CheckIndex,
    For,
    Index,
    Kernel,
    Let,
    Load,
    Operand,
    Position,
    Statement,
    Store,
)
from graphc.types import DType, bool_, int32, int64, uint64

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
    parameters = [f"ptr %{buffer.name}" for buffer in kernel.buffers] + [
        f"i64 %.size.{size}" for size in kernel.sizes
    ]
    if kernel.checks_indices:
        parameters += ["ptr %.error", "i32 %.code"]
    emitter = _Emitter(kernel, module)
    emitter.statements(kernel.body)
    emitter.function.line("ret void")
    module.define(symbol, f"{linkage}void @{symbol}({', '.join(parameters)})", emitter.function)


@dataclass(frozen=True)
class _Lanes:
    """The vector loop that is being written."""

    var: str
    first: Value  # the variable in lane 0


class _Emitter:
    def __init__(self, kernel: Kernel, module: Module) -> None:
        self.function = Function(module)
        self.words = Vectors(self.function)
        self.buffers = {buffer.name: buffer for buffer in kernel.buffers}
        width = module.machine.vector_bytes
        self.lane_count = loops.lane_count(kernel, width, UNROLL[width])
        self.values = {size: Value(f"%.size.{size}", int64, 1, self.words) for size in kernel.sizes}
        self.running: dict[str, Running] = {}
        self.lanes: _Lanes | None = None
        self.mask: Value | None = None  # which lanes are within the loop's extent; None is all
        self._cells: dict[str, str] = {}

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
                    value = (
                        result if isinstance(result, Value) else self.words.constant(result, dtype.compute)
                    )
                    self.values[name] = rounded(self.words, value, dtype)
                case Position(name, dtype, index):
                    value = self.words.cast(self._index(index), dtype)
                    self.values[name] = rounded(self.words, value, dtype)
                case CheckIndex():
                    self._check_index(statement)
                case Accumulate(accumulator, operand):
                    self._accumulate(self.running[accumulator], self._operand(operand))

    def _operand(self, operand: Operand) -> Value:
        if isinstance(operand, str):
            return self.values[operand]
        return self.words.constant(operand.value, operand.dtype.compute)

    def _accumulate(self, running: Running, value: Value) -> None:
        mask = self.mask
        if (
            self.lanes is None and running.registers[0].lanes > 1
        ):  # one value of a loop that is no vector: lane 0
            mask = self.words.compare("eq", self.words.lane_numbers(int32, running.registers[0].lanes), 0)
        running.add(value, mask)

    def _check_index(self, check: CheckIndex) -> None:
        words = self.words
        value, extent = self._operand(check.value), self._index(check.extent)
        if value.dtype is uint64:
            value = words.intrinsic("umin", value, 2**63 - 1)
        value = words.cast(value, int64)
        wrapped = words.select(words.compare("slt", value, 0), value + extent, value)
        valid = words.compare("ult", wrapped, extent)
        self.values[check.name] = words.intrinsic("smax", words.intrinsic("smin", wrapped, extent - 1), 0)
        self.values[check.valid] = valid
        wrong = words.integer("xor", valid, True)
        if self.mask is not None:
            wrong = words.integer("and", wrong, self.mask)
        self.function.when(self.words.any(wrong).text, self._record_error, (), ())

    def _record_error(self) -> Sequence[str]:
        """Only the first error counts, whichever thread finds it."""
        self.function.register("cmpxchg ptr %.error, i32 0, i32 %.code monotonic monotonic")
        return ()

    # Loops.

    def _for(self, loop: For) -> None:
        in_lanes = loop.mapping == "vector" and self.lanes is None and loops.fits_lanes(loop)
        extent = self._index(loop.extent)
        for accumulator in loop.accumulators:
            wide = self.lanes is not None or loops.accumulates_in_lanes(loop, accumulator.name)
            count = loops.additions(loop, accumulator.name, self.lane_count if wide else 1)
            self.running[accumulator.name] = Running(
                self.words, accumulator, self.lane_count if wide else 1, long=count is None or count > BLOCK
            )
        before, inside = loops.split_invariant(loop)
        self._before_loop(before, loop, extent)
        changing = [self.running[name] for name in loops.accumulated(loop)]
        if in_lanes:
            self._vector_loop(loop, extent, inside, changing)
        else:
            self._scalar_loop(loop, extent, inside, changing)
        for accumulator in loop.accumulators:
            result = self.running.pop(accumulator.name).finish(1 if self.lanes is None else self.lane_count)
            self.values[accumulator.name] = rounded(self.words, result, accumulator.dtype)

    def _before_loop(self, invariant: Sequence[Load | Let | Position], loop: For, extent: Value) -> None:
        """What every iteration would compute alike. An empty loop must read nothing."""
        may_be_empty = not isinstance(loop.extent, int) or loop.extent == 0
        runs = self.words.compare("sgt", extent, 0) if may_be_empty else None
        for statement in invariant:
            if isinstance(statement, Load):
                self._load(statement, runs)
            else:
                self.statements([statement])

    def _scalar_loop(
        self, loop: For, extent: Value, body: Sequence[Statement], changing: list[Running]
    ) -> None:
        def iteration(counter: Value) -> None:
            self.values[loop.var] = counter
            self.statements(body)

        self._blocks(self.words.constant(0, int64), extent, 1, changing, iteration)

    def _vector_loop(
        self, loop: For, extent: Value, body: Sequence[Statement], changing: list[Running]
    ) -> None:
        def iteration(counter: Value) -> None:
            self.values[loop.var] = counter
            self.lanes = _Lanes(loop.var, counter)
            self.statements(body)
            self.lanes = None

        def rest(counter: Value) -> None:
            left = self.words.convert("trunc", extent - counter, int32)
            self.mask = self.words.compare("slt", self.words.lane_numbers(int32, self.lane_count), left)
            iteration(counter)
            self.mask = None

        zero = self.words.constant(0, int64)
        whole = self.words.integer("and", extent, -self.lane_count)
        if isinstance(loop.extent, int):
            whole = self.words.constant(loop.extent - loop.extent % self.lane_count, int64)
        if not isinstance(loop.extent, int) or loop.extent >= self.lane_count:
            self._blocks(zero, whole, self.lane_count, changing, iteration)
        if not isinstance(loop.extent, int) or loop.extent % self.lane_count:
            self._iterate(whole, extent, self.lane_count, changing, rest)

    def _blocks(
        self, start: Value, end: Value, step: int, changing: list[Running], iteration: Callable[[Value], None]
    ) -> None:
        """Iterate; if long sums are carried, in blocks whose sums are added with care."""
        if not any(running.compensated for running in changing):
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

    # Memory.

    def _load(self, load: Load, guard: Value | None = None) -> None:
        mask = self._both(self.values[load.mask] if load.mask else None, guard)
        self.values[load.name] = self._read(load.buffer, load.index, mask)

    def _read(self, buffer: str, index: Index, mask: Value | None) -> Value:
        """An element for each lane, 0 where the mask does not hold."""
        dtype = self.buffers[buffer].dtype
        stride = self._stride(index)
        if stride == 0 and (mask is None or mask.lanes == 1):
            raw = self._load_scalar(buffer, self._index(index), dtype, mask)
        elif stride == 1:
            raw = self._load_contiguous(buffer, self._index(index, lane_0=True), dtype, mask)
        else:
            raw = self._gather(buffer, self._index(index), dtype, mask)
        return widen(self.words, raw, dtype)

    def _load_scalar(self, buffer: str, index: Value, dtype: DType, mask: Value | None) -> Value:
        address = self._address(buffer, index, dtype, mask, "zero")
        return self.words.emit(
            f"load {_memory_type(dtype, 1)}, ptr {address}, align {dtype.bytes}", stored(dtype), 1
        )

    def _load_contiguous(self, buffer: str, first: Value, dtype: DType, mask: Value | None) -> Value:
        mask = self._both(mask, self.mask)
        address = self._address(buffer, first, dtype)
        type_ = _memory_type(dtype, self.lane_count)
        if mask is None:
            load = f"load {type_}, ptr {address}, align {dtype.bytes}"
            return self.words.emit(load, stored(dtype), self.lane_count)
        return self._masked("load", "p0", f"ptr {address}", dtype, mask)

    def _gather(self, buffer: str, index: Value, dtype: DType, mask: Value | None) -> Value:
        addresses = self._addresses(buffer, self.words.splat(index, self.lane_count), dtype)
        return self._masked("gather", f"v{self.lane_count}p0", addresses, dtype, self._both(mask, self.mask))

    def _store(self, store: Store) -> None:
        words = self.words
        dtype = self.buffers[store.buffer].dtype
        value = self._operand(store.value)
        mask = self.values[store.mask] if store.mask else None
        stride = self._stride(store.index)
        if store.accumulate:
            value = self._read(store.buffer, store.index, mask) + value
        raw = narrow(words, value, dtype)
        if stride == 0 and raw.lanes == 1 and (mask is None or mask.lanes == 1):
            address = self._address(store.buffer, self._index(store.index), dtype, mask, "sink")
            self.function.line(f"store {raw.typed}, ptr {address}, align {dtype.bytes}")
            return
        raw, mask = words.splat(raw, self.lane_count), self._both(mask, self.mask)
        if stride == 1:
            address = self._address(store.buffer, self._index(store.index, lane_0=True), dtype)
            if mask is None:
                self.function.line(f"store {raw.typed}, ptr {address}, align {dtype.bytes}")
            else:
                self._masked("store", "p0", f"ptr {address}", dtype, mask, raw)
        else:
            indices = words.splat(self._index(store.index), self.lane_count)
            addresses = self._addresses(store.buffer, indices, dtype)
            self._masked("scatter", f"v{self.lane_count}p0", addresses, dtype, mask, raw)

    def _masked(
        self, kind: str, suffix: str, where: str, dtype: DType, mask: Value | None, value: Value | None = None
    ) -> Value:
        """LLVM's load, store, gather or scatter of the lanes whose mask holds; others are read as 0."""
        words, lanes = self.words, self.lane_count
        mask = words.splat(words.constant(True, bool_) if mask is None else mask, lanes)
        type_, name = (
            _memory_type(dtype, lanes),
            f"llvm.masked.{kind}.{type_suffix(stored(dtype), lanes)}.{suffix}",
        )
        place = where.rsplit(" ", 1)[0]
        if value is not None:
            self.function.module.declare(f"void @{name}({type_}, {place}, i32, {mask.type})")
            self.function.line(f"call void @{name}({value.typed}, {where}, i32 {dtype.bytes}, {mask.typed})")
            return value
        self.function.module.declare(f"{type_} @{name}({place}, i32, {mask.type}, {type_})")
        zero = f"{type_} zeroinitializer"
        call = f"call {type_} @{name}({where}, i32 {dtype.bytes}, {mask.typed}, {zero})"
        return words.emit(call, stored(dtype), lanes)

    def _address(
        self, buffer: str, index: Value, dtype: DType, mask: Value | None = None, otherwise: str = ""
    ) -> str:
        """Where an element is; a cell of our own, read as 0 or never read, where the mask does not hold."""
        element = _memory_type(dtype, 1)
        address = self.function.register(f"getelementptr {element}, ptr %{buffer}, {index.typed}")
        if mask is None:
            return address
        if otherwise not in self._cells:
            self._cells[otherwise] = self.function.allocate("i64", "0")
        return self.function.register(f"select {mask.typed}, ptr {address}, ptr {self._cells[otherwise]}")

    def _addresses(self, buffer: str, indices: Value, dtype: DType) -> str:
        element = _memory_type(dtype, 1)
        pointers = self.function.register(f"getelementptr {element}, ptr %{buffer}, {indices.typed}")
        return f"<{indices.lanes} x ptr> {pointers}"

    # Indices and masks.

    def _stride(self, index: Index) -> int | None:
        """How far apart the elements of neighbouring lanes are, if that is 0 or 1."""
        varying = {name for name in symbols_of(index) if self._varies(name)}
        if not varying:
            return 0
        assert self.lanes is not None
        contiguous = varying == {self.lanes.var} and dimension.coefficient(index, self.lanes.var) == 1
        return 1 if contiguous else None

    def _varies(self, name: str) -> bool:
        return self.values[name].lanes > 1 or (self.lanes is not None and name == self.lanes.var)

    def _index(self, index: Index, lane_0: bool = False) -> Value:
        """An index as int64, for all lanes or for the first."""

        def value(name: str) -> Value:
            if self.lanes is not None and name == self.lanes.var and not lane_0:
                return self.lanes.first + self.words.lane_numbers(int64, self.lane_count)
            return self.words.cast(self.values[name], int64)

        return index_value(self.words, index, value)

    def _both(self, a: Value | None, b: Value | None) -> Value | None:
        if a is None or b is None:
            return b if a is None else a
        return self.words.integer("and", a, b)


def _memory_type(dtype: DType, lanes: int) -> str:
    return type_text(stored(dtype), lanes)
