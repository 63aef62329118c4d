"""The target llvm: a program becomes one native function, loaded and ready to be called.

The object code comes from the cache on disk where an earlier process has compiled the same program.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, lru_cache

from graphc.backends.llvm.blas import numpy_blas
from graphc.backends.llvm.build import build
from graphc.backends.llvm.callback import LibraryCallback
from graphc.backends.llvm.emit import kernel_text
from graphc.backends.llvm.machine import Machine, assembly
from graphc.backends.llvm.products import Products, products
from graphc.backends.llvm.program import ENTRY, PRODUCTS, library_symbol, program_text
from graphc.backends.target import KernelSource, NativeCode
from graphc.ir.graph import Graph
from graphc.kernel import Gemm, LibraryCall, Program
from graphc.passes.schedule import schedule


class LlvmCode(NativeCode):
    """A program in machine code. `text` is its LLVM IR, `library` holds the code in memory."""

    overwrites = True

    def __init__(self, program: Program, machine: Machine) -> None:
        self.program, self.machine = program, machine
        self.text = program_text(program, machine)
        wanted = frozenset(PRODUCTS[step.out.type.dtype] for step in program.numbered if isinstance(step, Gemm))
        self._products = _products(machine, wanted) if wanted else Products({}, None, calls_python=False)
        self._calls = {
            library_symbol(number): LibraryCallback(step)
            for number, step in enumerate(program.numbered, 1)
            if isinstance(step, LibraryCall)
        }
        addresses = {**self._products.addresses, **{symbol: call.address for symbol, call in self._calls.items()}}
        self.library = build(self.text, [ENTRY], addresses, machine)
        self.main = self.library[ENTRY]
        self.calls_python = self._products.calls_python or bool(self._calls)

    def failure(self, code: int) -> BaseException | None:
        call = self._calls.get(library_symbol(code))
        return call.take_error() if call else None

    @cached_property
    def kernels(self) -> tuple[KernelSource, ...]:
        """The LLVM IR of each kernel."""
        return tuple(KernelSource(k.name, kernel_text(k, self.machine)) for k in self.program.kernels)

    def assembly(self) -> str:
        return assembly(self.text, self.machine)


@lru_cache
def _products(machine: Machine, symbols: frozenset[str]) -> Products:
    return products(numpy_blas(), machine, sorted(symbols))


def compile_graph(graph: Graph, program: Callable[[], Program]) -> LlvmCode:
    """Machine code for the host, or for the processor that GRAPHC_CPU names."""
    return LlvmCode(schedule(program()), Machine.host())
