"""A program as one native function: steps over slots go in, the text of a module comes out.

    i32 main(ptr buffers, ptr dims)

`buffers` is a table of the slots' addresses in the order of `program.slots`, `dims` of the sizes (int64) in
the order of `program.sizes`. The result is 0, or the number of the step (from 1) that met an index out of
bounds; the steps that write parameters then have not run. Matrix products call `graphc_sgemm` and
`graphc_dgemm`, which the loader binds to a `cblas` with 64-bit sizes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from graphc.backends.llvm.emit import define_kernel
from graphc.backends.llvm.indices import index_value
from graphc.backends.llvm.machine import Machine
from graphc.backends.llvm.text import Function, Module
from graphc.backends.llvm.values import Arithmetic, Value, constant_text, type_text
from graphc.errors import CompileError
from graphc.kernel import (
    Branch,
    Copy,
    Gemm,
    Index,
    KernelCall,
    Leave,
    LibraryCall,
    Program,
    Repeat,
    Slot,
    Step,
)
from graphc.types import float32, float64, int64

ENTRY = "main"
PRODUCTS = {float32: "sgemm", float64: "dgemm"}
WORTH_THREADS = 2**25  # multiplications; waking and waiting for threads costs more than they save below
_ROW_MAJOR, _PLAIN, _TRANSPOSED = 101, 111, 112  # of cblas


def program_text(program: Program, machine: Machine) -> str:
    """The module of a program."""
    module = Module(machine)
    writer = _Writer(program, module)
    writer.steps(program.steps[: program.commit])
    writer.return_error()
    writer.steps(program.steps[program.commit :])
    writer.finish()
    return str(module)


def library_symbol(number: int) -> str:
    """The import by which a program calls the library op of a step."""
    return f"graphc_library_{number}"


class _Writer:
    def __init__(self, program: Program, module: Module) -> None:
        self.module = module
        self.function = Function(module)
        self.words = Arithmetic(self.function)
        self.symbols = {kernel: f"kernel.{number}.{kernel.name}" for number, kernel in enumerate(program.kernels)}
        for kernel, symbol in self.symbols.items():
            define_kernel(kernel, module, symbol, linkage="internal ")
        self.sizes = {name: self._entry("i64", "%dims", k) for k, name in enumerate(program.sizes)}
        self.addresses = {slot: self._entry("ptr", "%buffers", k) for k, slot in enumerate(program.slots)}
        self.numbers = {step: number for number, step in enumerate(program.numbered, 1)}
        self.exits: list[str] = []  # where the steps of a repetition leave to
        checks = any(_may_fail(step) for step in program.numbered)
        multiplies = any(isinstance(step, Gemm) for step in program.numbered)
        self.threads = self._get_threads() if multiplies else None
        self.error = self.function.allocate("i32", "0") if checks else None

    def _entry(self, type_: str, table: str, position: int) -> str:
        address = self.function.register(f"getelementptr i64, ptr {table}, i64 {position}")
        return self.function.register(f"load {type_}, ptr {address}, align 8")

    def _get_threads(self) -> str:
        """How many threads a large product may use: as many as NumPy's."""
        self.module.declare("i32 @graphc_get_threads()")
        self.module.declare("void @graphc_set_threads(i32)")
        return self.function.register("call i32 @graphc_get_threads()")

    def _restore_threads(self) -> None:
        if self.threads is not None:
            self.function.line(f"call void @graphc_set_threads(i32 {self.threads})")

    def steps(self, steps: Sequence[Step]) -> Sequence[str]:
        for step in steps:
            self._step(step)
        return ()

    def _step(self, step: Step) -> None:
        match step:
            case KernelCall():
                self._kernel(step)
            case Gemm():
                self._gemm(step)
            case Copy(source, target):
                self.module.declare("void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)")  # inline where it is short
                to, origin = self._address(target), self._address(source)
                size = self._bytes(source, source.type.size)
                self.function.line(f"call void @llvm.memcpy.p0.p0.i64(ptr {to}, ptr {origin}, {size.typed}, i1 false)")
            case LibraryCall():
                self._library(step)
            case Repeat():
                self._repeat(step)
            case Leave(condition, when):
                value = self.function.register(f"load i8, ptr {self._address(condition)}")
                leaves = self.function.register(f"icmp {'ne' if when else 'eq'} i8 {value}, 0")
                self.function.jump_if(leaves, self.exits[-1])
            case Branch():
                self._branch(step)

    def _address(self, slot: Slot) -> str:
        """The address of a slot, that of a view in this iteration."""
        if slot.base is None:
            return self.addresses[slot]
        base = self._address(slot.base)
        offset = self._bytes(slot, slot.offset)
        address = self.function.register(f"getelementptr i8, ptr {base}, {offset.typed}")
        if slot.otherwise is None:
            return address
        inside = self.words.compare("ult", self._index(slot.offset), self._index(slot.base.type.size))
        other = self._address(slot.otherwise)
        return self.function.register(f"select i1 {inside.text}, ptr {address}, ptr {other}")

    def _repeat(self, repeat: Repeat) -> None:
        def body(counter: str, exit: str) -> None:
            self.sizes[repeat.counter] = counter
            self.exits.append(exit)
            self.steps(repeat.body)
            self.exits.pop()

        end = str(2**63 - 1) if repeat.extent is None else self._index(repeat.extent).text
        self.function.repeat(end, body)

    def _branch(self, branch: Branch) -> None:
        number = self.function.register(f"load i32, ptr {self._address(branch.number)}")
        last = len(branch.branches) - 1
        for case, steps in enumerate(branch.branches):
            if last == 0:
                self.steps(steps)
                return
            predicate, bound = ("sle", 0) if case == 0 else ("sge", last) if case == last else ("eq", case)
            chosen = self.function.register(f"icmp {predicate} i32 {number}, {bound}")
            self.function.when(chosen, partial(self.steps, steps), (), ())

    def _library(self, call: LibraryCall) -> None:
        self._restore_threads()
        number = self.numbers[call]
        symbol = library_symbol(number)
        args = [f"ptr {self._address(slot)}" for slot in call.slots]
        args += [f"i64 {self.sizes[size]}" for size in call.sizes]
        self.module.declare(f"i32 @{symbol}({', '.join(arg.split()[0] for arg in args)})")
        failed = self.function.register(f"call i32 @{symbol}({', '.join(args)})")
        wrong = self.function.register(f"icmp ne i32 {failed}, 0")

        def record() -> Sequence[str]:
            self.function.register(f"cmpxchg ptr {self.error}, i32 0, i32 {number} monotonic monotonic")
            return ()

        self.function.when(wrong, record, (), ())

    def return_error(self) -> None:
        """Leave before the parameters are written, if a step failed."""
        if self.error is None:
            return
        self._restore_threads()
        code = self.function.register(f"load i32, ptr {self.error}")
        failed = self.function.register(f"icmp ne i32 {code}, 0")
        self.function.return_if(failed, f"i32 {code}")

    def finish(self) -> None:
        code = self.function.register(f"load i32, ptr {self.error}") if self.error else "0"
        self._restore_threads()
        self.function.line(f"ret i32 {code}")
        self.module.define(ENTRY, f"i32 @{ENTRY}(ptr %buffers, ptr %dims)", self.function)

    def _kernel(self, call: KernelCall) -> None:
        args = [f"ptr {self._address(slot)}" for slot in call.slots]
        args += [f"i64 {self.sizes[size]}" for size in call.kernel.sizes]
        if call.kernel.checks_indices:
            args += [f"ptr {self.error}", f"i32 {self.numbers[call]}"]
        self.function.line(f"call void @{self.symbols[call.kernel]}({', '.join(args)})")

    def _gemm(self, gemm: Gemm) -> None:
        """An empty sum is 0; `cblas` is not asked, because it refuses empty matrices."""
        m, n, k = (self._index(size) for size in (gemm.m, gemm.n, gemm.k))
        positive = [self.words.compare("sgt", size, 0) for size in (m, n, k)]
        works = self.words.integer("and", self.words.integer("and", positive[0], positive[1]), positive[2])

        def multiply() -> Sequence[str]:
            small = self.words.compare("slt", m * n * k, WORTH_THREADS)
            count = self.function.register(f"select i1 {small.text}, i32 1, i32 {self.threads}")
            self.function.line(f"call void @graphc_set_threads(i32 {count})")
            self.function.loop("0", self._index(gemm.batch).text, 1, (), lambda i, _: self._call_gemm(gemm, i))
            return ()

        def clear() -> Sequence[str]:
            self.module.declare("ptr @memset(ptr, i32, i64)")
            size = self._bytes(gemm.out, gemm.out.type.size)
            self.function.register(f"call ptr @memset(ptr {self._address(gemm.out)}, i32 0, {size.typed})")
            return ()

        self.function.when(works.text, multiply, (), ())
        self.function.when(self.words.integer("xor", works, True).text, clear, (), ())

    def _call_gemm(self, gemm: Gemm, batch: str) -> Sequence[str]:
        dtype = gemm.out.type.dtype
        if dtype not in PRODUCTS:
            raise CompileError(f"{gemm}: there is no library product of {dtype.name}", help="lower it to a kernel")
        element, symbol = type_text(dtype, 1), f"graphc_{PRODUCTS[dtype]}"
        m, n, k = (self._index(size) for size in (gemm.m, gemm.n, gemm.k))
        number = Value(batch, int64, 1, self.words)
        a = self._matrix(gemm.a, number, m * k if gemm.batched_a else None)
        b = self._matrix(gemm.b, number, k * n if gemm.batched_b else None)
        out = self._matrix(gemm.out, number, m * n)
        one, zero = (f"{element} {constant_text(x, dtype)}" for x in (1.0, 0.0))
        transposes = (
            _TRANSPOSED if gemm.transpose_a else _PLAIN,
            _TRANSPOSED if gemm.transpose_b else _PLAIN,
        )
        a_width, b_width = (m if gemm.transpose_a else k), (k if gemm.transpose_b else n)
        args = [*(f"i32 {flag}" for flag in (_ROW_MAJOR, *transposes)), m.typed, n.typed, k.typed]
        args += [one, a, a_width.typed, b, b_width.typed, zero, out, n.typed]
        self.module.declare(f"void @{symbol}({', '.join(arg.split()[0] for arg in args)})")
        self.function.line(f"call void @{symbol}({', '.join(args)})")
        return ()

    def _matrix(self, slot: Slot, number: Value, elements: Value | None) -> str:
        """The address of a matrix of a batch; without a number of elements there is only one."""
        address = self._address(slot)
        if elements is None:
            return f"ptr {address}"
        offset = number * elements
        element = type_text(slot.type.dtype, 1)
        return f"ptr {self.function.register(f'getelementptr {element}, ptr {address}, {offset.typed}')}"

    def _bytes(self, slot: Slot, elements: Index) -> Value:
        return self._index(elements) * slot.type.dtype.bytes

    def _index(self, index: Index) -> Value:
        return index_value(self.words, index, lambda name: Value(self.sizes[name], int64, 1, self.words))


def _may_fail(step: Step) -> bool:
    return isinstance(step, LibraryCall) or (isinstance(step, KernelCall) and step.kernel.checks_indices)
