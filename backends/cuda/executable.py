"""Programs that run: on the CPU through the emulator, or on a GPU.

Comes in: a `Program`, and for each call arrays for its inputs, parameters and outputs with the sizes of the
named dimensions. Goes out: outputs and parameters written in place, and the code of the first step that met
an index out of bounds (its number, from 1) or 0. Parameters keep their values where a call fails.

    EmulatorExecutable(program).run({x: array, y: empty}, {"n": 3})
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from graphc.backends.cuda import emulator, nvrtc
from graphc.backends.cuda.driver import Arena, Device, available
from graphc.backends.cuda.module import CudaModule, Invocation
from graphc.backends.library import calculate
from graphc.dimension import evaluate
from graphc.errors import TargetError
from graphc.kernel import Branch, Leave, LibraryCall, Program, Repeat, Slot, Step
from graphc.types import TensorType

Array = np.ndarray[Any, Any]
MemoryPlan = Callable[[Program, Mapping[str, int]], tuple[Mapping[Slot, int], int]]
"""Offsets of the temporaries in one arena, and the arena's size in bytes."""

_ALIGNMENT = 256


def sources(program: Program) -> tuple[tuple[str, str], ...]:
    """The name and the CUDA C++ text of each kernel; needs neither a GPU nor a compiler."""
    return CudaModule(program).sources


def separate_memory(program: Program, sizes: Mapping[str, int]) -> tuple[dict[Slot, int], int]:
    """The plan in which every temporary has its own place."""
    offsets, total = {}, 0
    for slot in program.slots:
        if slot.role == "temporary":
            offsets[slot] = total
            total += _padded(_bytes(slot, sizes))
    return offsets, total


class Executable(ABC):
    """Runs the steps of a program in order; a subclass has the memory and launches."""

    def __init__(self, program: Program) -> None:
        self.module = CudaModule(program)
        self.program = self.module.program

    @property
    def sources(self) -> tuple[tuple[str, str], ...]:
        """The name and the CUDA C++ text of each kernel."""
        return self.module.sources

    @abstractmethod
    def run(self, slot_arrays: Mapping[Slot, Array], sizes: Mapping[str, int]) -> int:
        """One call: 0, or the code of what failed."""

    def _workspace_bytes(self, sizes: Mapping[str, int]) -> int:
        found = self.module.all_invocations(sizes)
        return max((invocation.launch.workspace_bytes for invocation in found), default=0)


class Run(ABC):
    """One call: walks the steps, with the memory that a subclass has."""

    def __init__(self, module: CudaModule, sizes: Mapping[str, int]) -> None:
        self.module, self.sizes = module, dict(sizes)  # of dimensions, and the counters of repetitions

    def run(self) -> int:
        """0, or the code of what failed; then nothing was committed."""
        program = self.module.program
        self.steps(program.steps[: program.commit])
        if code := self.failure():
            return code
        self.steps(program.steps[program.commit :])
        return self.failure()

    def steps(self, steps: Sequence[Step]) -> bool:
        """Run steps; whether one of them leaves the repetition around them."""
        return any(self._step(step) for step in steps)

    def _step(self, step: Step) -> bool:
        match step:
            case LibraryCall():
                arrays = [self.read(slot, t) for slot, t in zip(step.operands, step.operand_types, strict=True)]
                results = [np.empty(t.concrete_shape(self.sizes), t.dtype.numpy) for t in step.result_types]
                calculate(step, [*arrays, *results], self.sizes)
                for slot, result in zip(step.results, results, strict=True):
                    self.write(slot, result)
            case Repeat():
                self._repeat(step)
            case Leave(condition, when):
                return bool(self.read(condition, condition.type)) is when
            case Branch(number, branches):
                chosen = int(self.read(number, number.type))
                return self.steps(branches[min(max(chosen, 0), len(branches) - 1)])
            case _:
                for invocation in self.module.invocations(step, self.sizes):
                    self.launch(invocation)
        return False

    def _repeat(self, repeat: Repeat) -> None:
        numbers = itertools.count() if repeat.extent is None else range(evaluate(repeat.extent, self.sizes))
        for number in numbers:
            self.sizes[repeat.counter] = number
            if self.steps(repeat.body):
                break

    def place(self, slot: Slot) -> tuple[Slot, int]:
        """The slot that has the memory, and where in it a view begins, in bytes."""
        total = 0
        while (base := slot.base) is not None:
            offset = evaluate(slot.offset, self.sizes)
            if slot.otherwise is not None and not 0 <= offset < evaluate(base.type.size, self.sizes):
                slot = slot.otherwise
            else:
                total += offset * slot.type.dtype.bytes
                slot = base
        return slot, total

    @abstractmethod
    def launch(self, invocation: Invocation) -> None:
        """Run a kernel."""

    @abstractmethod
    def read(self, slot: Slot, type_: TensorType) -> Array:
        """The value of a slot, on the host."""

    @abstractmethod
    def write(self, slot: Slot, value: Array) -> None:
        """Give a slot a value."""

    @abstractmethod
    def failure(self) -> int:
        """The code of the first step that failed so far, or 0."""


class EmulatorExecutable(Executable):
    """Runs on the CPU, one CUDA thread after the other; `checked` finds races and accesses out of bounds.

    Temporaries begin as NaN. Each has its own array, so that bounds are exact, unless a memory plan is given.
    """

    def __init__(self, program: Program, *, checked: bool = True, memory_plan: MemoryPlan | None = None) -> None:
        super().__init__(program)
        self._memory_plan = memory_plan
        self._code = emulator.Module(self.module.text, checked=checked) if self.module.sources else None

    def run(self, slot_arrays: Mapping[Slot, Array], sizes: Mapping[str, int]) -> int:
        arrays = {**self._temporaries(sizes), **slot_arrays}
        arrays.update((slot, slot.data) for slot in self.program.slots if slot.data is not None)
        workspace = emulator.empty((self._workspace_bytes(sizes),), np.uint8)
        return _EmulatorRun(self.module, self._code, arrays, workspace, sizes).run()

    def _temporaries(self, sizes: Mapping[str, int]) -> dict[Slot, Array]:
        """Arrays of NaN for the temporaries, apart or in one arena."""
        temporaries = [slot for slot in self.program.slots if slot.role == "temporary"]
        if self._memory_plan is None:
            memory = {slot: emulator.empty((_bytes(slot, sizes),), np.uint8) for slot in temporaries}
        else:
            offsets, total = self._memory_plan(self.program, sizes)
            arena = emulator.empty((total,), np.uint8)
            memory = {slot: arena[offsets[slot] :][: _bytes(slot, sizes)] for slot in temporaries}
        for part in memory.values():
            part[:] = 0xFF  # NaN in every float type
        return {slot: part.view(slot.type.dtype.numpy) for slot, part in memory.items()}


class _EmulatorRun(Run):
    def __init__(
        self,
        module: CudaModule,
        code: emulator.Module | None,
        arrays: Mapping[Slot, Array],
        workspace: Array,
        sizes: Mapping[str, int],
    ) -> None:
        super().__init__(module, sizes)
        self.code, self.arrays, self.workspace = code, arrays, workspace
        self.error = np.zeros(1, np.int32)

    def launch(self, invocation: Invocation) -> None:
        shape = invocation.launch
        arguments: list[Any] = [self._memory(slot) for slot in invocation.slots]
        arguments += invocation.sizes
        arguments += [self.workspace, shape.slot_bytes] if invocation.uses_workspace else []
        arguments += [self.error, invocation.code] if invocation.code is not None else []
        assert self.code is not None
        self.code.launch(invocation.function, (shape.grid,), (shape.block,), arguments, shared_bytes=shape.shared_bytes)

    def read(self, slot: Slot, type_: TensorType) -> Array:
        return self._memory(slot).reshape(type_.concrete_shape(self.sizes))

    def write(self, slot: Slot, value: Array) -> None:
        self._memory(slot).reshape(value.shape)[...] = value

    def failure(self) -> int:
        return int(self.error[0])

    def _memory(self, slot: Slot) -> Array:
        root, offset = self.place(slot)
        whole = self.arrays[root]
        if slot.base is None:
            return whole
        start = offset // slot.type.dtype.bytes
        return whole.reshape(-1)[start : start + evaluate(slot.type.size, self.sizes)]


class DeviceExecutable(Executable):
    """Runs on a GPU: copies inputs and parameters in, launches, copies outputs and changed parameters out."""

    def __init__(
        self, program: Program, *, memory_plan: MemoryPlan = separate_memory, device: Device | None = None
    ) -> None:
        super().__init__(program)
        if device is None and (reason := available()):
            raise TargetError(
                f"the target cuda needs an NVIDIA GPU: {reason}",
                help="the target cuda-emulator runs the same kernels on the CPU, and `sources` prints them",
            )
        self._device = device or Device()
        self._memory_plan = memory_plan
        self._idle: list[Arena] = []  # calls at the same time have an arena each
        if self.module.sources:
            cubin = nvrtc.compile_cubin(self.module.text, self._device.architecture)
            self._code = self._device.load(cubin.image)

    def run(self, slot_arrays: Mapping[Slot, Array], sizes: Mapping[str, int]) -> int:
        places, total = self._places(sizes)
        arena = self._idle.pop() if self._idle else self._device.allocate(total)
        if arena.size < total:
            arena.free()
            arena = self._device.allocate(total)
        try:
            return self._run_in(arena, places, slot_arrays, sizes)
        finally:
            self._idle.append(arena)

    def close(self) -> None:
        """Give the GPU's memory back; the next call takes it anew."""
        while self._idle:
            self._idle.pop().free()

    def _places(self, sizes: Mapping[str, int]) -> tuple[dict[Slot | str, int], int]:
        """Offsets in one arena: error cell, workspace, what comes in and goes out, temporaries."""
        places: dict[Slot | str, int] = {"error": 0, "workspace": _ALIGNMENT}
        total = _ALIGNMENT + _padded(self._workspace_bytes(sizes))
        for slot in self.program.slots:
            if slot.role not in ("temporary", "scratch"):
                places[slot] = total
                total += _padded(_bytes(slot, sizes))
        offsets, size = self._memory_plan(self.program, sizes)
        places.update((slot, total + offset) for slot, offset in offsets.items())
        return places, total + size

    def _run_in(
        self,
        arena: Arena,
        places: Mapping[Slot | str, int],
        slot_arrays: Mapping[Slot, Array],
        sizes: Mapping[str, int],
    ) -> int:
        for slot in self.program.slots:
            data = slot.data if slot.data is not None else slot_arrays.get(slot)
            if slot.role in ("input", "parameter", "constant") and data is not None:
                arena.write(data, places[slot])
        code = _DeviceRun(self.module, self._code, arena, places, sizes).run()
        if not code:
            for slot in self.program.slots:
                if slot.role in ("output", "parameter") and slot in slot_arrays:
                    arena.read(slot_arrays[slot], places[slot])
        return code


class _DeviceRun(Run):
    def __init__(
        self,
        module: CudaModule,
        code: Any,
        arena: Arena,
        places: Mapping[Slot | str, int],
        sizes: Mapping[str, int],
    ) -> None:
        super().__init__(module, sizes)
        self.code, self.arena, self.places = code, arena, places
        self.error = np.zeros(1, np.int32)
        arena.write(self.error, places["error"])

    def launch(self, invocation: Invocation) -> None:
        shape = invocation.launch
        arguments: list[np.generic] = [self._address(self._place(slot)) for slot in invocation.slots]
        arguments += map(np.int64, invocation.sizes)
        if invocation.uses_workspace:
            arguments += [self._address(self.places["workspace"]), np.int64(shape.slot_bytes)]
        if invocation.code is not None:
            arguments += [self._address(self.places["error"]), np.int32(invocation.code)]
        kernel = self.code.kernel(invocation.function)
        kernel.launch((shape.grid, 1, 1), (shape.block, 1, 1), arguments, shared_bytes=shape.shared_bytes)

    def read(self, slot: Slot, type_: TensorType) -> Array:
        value = np.empty(type_.concrete_shape(self.sizes), type_.dtype.numpy)
        self.arena.read(value, self._place(slot))
        return value

    def write(self, slot: Slot, value: Array) -> None:
        self.arena.write(value, self._place(slot))

    def failure(self) -> int:
        if self.module.checks_indices:
            self.arena.read(self.error, self.places["error"])
        return int(self.error[0])

    def _place(self, slot: Slot) -> int:
        root, offset = self.place(slot)
        return self.places[root] + offset

    def _address(self, place: int) -> np.uint64:
        return np.uint64(self.arena.address + place)


def _bytes(slot: Slot, sizes: Mapping[str, int]) -> int:
    return evaluate(slot.type.size, sizes) * slot.type.dtype.bytes


def _padded(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT
