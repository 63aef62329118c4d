"""A program as one CUDA text and the launches that run it.

Comes in: a `Program`. Goes out: a `CudaModule` with the text that is compiled, the sources that people read,
and for each step and binding of sizes the `Invocation`s in order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from graphc.backends.cuda.emit import CudaKernel, emit, prelude
from graphc.backends.cuda.functions import Functions
from graphc.backends.cuda.gemm import gemm_launch, gemm_name, gemm_text
from graphc.backends.cuda.notation import Names
from graphc.backends.cuda.schedule import Launch
from graphc.dimension import evaluate, symbol
from graphc.kernel import Buffer, Copy, For, Gemm, Kernel, KernelCall, Load, Program, Slot, Store, walk
from graphc.types import DType, TensorType

Launched = KernelCall | Gemm | Copy  # the steps that are kernels


@dataclass(frozen=True)
class Invocation:
    """One launch: the function, its shape, and its arguments in this order."""

    function: str
    launch: Launch
    slots: tuple[Slot, ...]
    sizes: tuple[int, ...]
    uses_workspace: bool = False
    code: int | None = None  # of the error cell, for functions that check indices


class CudaModule:
    """All kernels of a program. `program` is the given one, with the temporaries that split kernels need."""

    def __init__(self, program: Program) -> None:
        self._numbers = {step: number for number, step in enumerate(program.numbered, 1)}
        self._calls = {s: _as_call(s) for s in program.numbered if isinstance(s, Launched)}
        self._kernels: dict[Kernel, CudaKernel] = {}
        products: dict[str, str] = {}
        functions, names = Functions(), Names()
        for call in self._calls.values():
            if isinstance(call, Gemm):
                products.setdefault(gemm_name(call), gemm_text(call))
            elif call.kernel not in self._kernels:
                self._kernels[call.kernel] = emit(call.kernel, functions, names)
        self._slots = {s: self._slots_of(c) for s, c in self._calls.items() if isinstance(c, KernelCall)}
        used = [slot for slots in self._slots.values() for slot in slots.values()]
        carried = [slot for slot in used if slot.base is None and slot not in program.slots]
        self.program = replace(program, slots=(*program.slots, *carried))
        own = [(kernel.name, kernel.source) for kernel in self._kernels.values()]
        self.sources: tuple[tuple[str, str], ...] = (*own, *products.items())
        texts = [kernel.text for kernel in self._kernels.values()]
        definitions = [prelude(self._dtypes()), *functions.texts.values()]
        self.text = "\n".join([*definitions, *texts, *products.values()])

    @property
    def checks_indices(self) -> bool:
        """Whether a call can fail."""
        return any(kernel.checks_indices for kernel in self._kernels)

    def all_invocations(self, sizes: Mapping[str, int]) -> Iterator[Invocation]:
        """The launches of all steps, each as often as it is written down."""
        return (invocation for step in self._calls for invocation in self.invocations(step, sizes))

    def invocations(self, step: Launched, sizes: Mapping[str, int]) -> Iterator[Invocation]:
        """The launches of a step, leaving out those with nothing to do."""
        call = self._calls[step]
        if isinstance(call, Gemm):
            launch, numbers = gemm_launch(call, sizes)
            found = [Invocation(gemm_name(call), launch, call.slots, numbers)]
        else:
            found = self._parts(self._kernels[call.kernel], self._slots[step], self._numbers[step], sizes)
        return (invocation for invocation in found if invocation.launch.grid)

    def _parts(
        self, kernel: CudaKernel, slots: Mapping[str, Slot], code: int, sizes: Mapping[str, int]
    ) -> list[Invocation]:
        derived = {name: evaluate(size, sizes) for name, size in kernel.parts.derived.items()}
        known = {**sizes, **derived}
        return [
            Invocation(
                schedule.name,
                schedule.launch(known),
                tuple(slots[buffer.name] for buffer in part.buffers if buffer.access != "scratch"),
                tuple(known[name] for name in part.sizes),
                schedule.uses_workspace,
                code if part.checks_indices else None,
            )
            for part, schedule in zip(kernel.parts.kernels, kernel.schedules, strict=True)
        ]

    def _slots_of(self, call: KernelCall) -> dict[str, Slot]:
        """The slots of a call by the names of the buffers, and new ones for what its parts hand on."""
        slots = {buffer.name: slot for buffer, slot in zip(call.kernel.buffers, call.slots, strict=True)}
        for buffer in self._kernels[call.kernel].parts.carried:
            type = TensorType(buffer.dtype, (buffer.size,))
            slots[buffer.name] = Slot(f"{call.kernel.name}.{buffer.name}", type, "temporary")
        return slots

    def _dtypes(self) -> set[DType]:
        buffers = {buffer.dtype for kernel in self._kernels for buffer in kernel.buffers}
        values = {
            statement.dtype
            for kernel in self._kernels
            for statement in walk(kernel.body)
            if hasattr(statement, "dtype")
        }
        return buffers | values | {slot.type.dtype for slot in self.program.slots}


def _as_call(step: Launched) -> KernelCall | Gemm:
    """A copy is an elementwise kernel too."""
    if not isinstance(step, Copy):
        return step
    source, target = step.slots
    dtype, size = source.type.dtype, source.type.size
    body = For("i0", size, (Load("v0", "source", symbol("i0")), Store("target", symbol("i0"), "v0")))
    buffers = (Buffer("source", dtype, size, "read"), Buffer("target", dtype, size, "write"))
    kernel = Kernel(f"copy_{dtype.short}", buffers, tuple(sorted(source.type.symbols)), (body,))
    return KernelCall(kernel, (source, target), step.nodes)
