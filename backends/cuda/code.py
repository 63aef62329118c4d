"""The targets cuda and cuda-emulator: a program becomes kernels that are called with NumPy arrays.

The GPU has memory of its own, so inputs and parameters are copied in and results out; the emulator reads and
writes the arrays themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from graphc.backends.cuda.executable import DeviceExecutable, EmulatorExecutable, Executable
from graphc.backends.target import Array, HostedCode, KernelSource, step_failure
from graphc.ir.graph import Graph
from graphc.ir.node import Node
from graphc.kernel import Program, Slot
from graphc.passes.plan_memory import plan_memory


class CudaCode(HostedCode):
    """A program on a GPU, or on the emulator of one."""

    def __init__(self, executable: Executable) -> None:
        self._executable = executable
        self._program = executable.program
        by_role: dict[str, list[Slot]] = {"input": [], "output": [], "parameter": []}
        for slot in self._program.slots:
            by_role.setdefault(slot.role, []).append(slot)
        self._inputs, self._outputs = by_role["input"], by_role["output"]
        self._parameters = by_role["parameter"]

    @property
    def kernels(self) -> tuple[KernelSource, ...]:
        """The CUDA C++ text of each kernel."""
        return tuple(KernelSource(name, source) for name, source in self._executable.sources)

    def run(self, inputs: Sequence[Array], parameters: Mapping[Node, Array], sizes: Mapping[str, int]) -> list[Array]:
        outputs = [np.empty(slot.type.concrete_shape(sizes), slot.type.dtype.numpy) for slot in self._outputs]
        arrays = dict(zip(self._inputs, inputs, strict=True)) | dict(zip(self._outputs, outputs, strict=True))
        arrays |= {slot: parameters[slot.node] for slot in self._parameters if slot.node is not None}
        code = self._executable.run(arrays, sizes)
        if code:
            raise step_failure(self._program, code)
        return outputs


def compile_for_device(graph: Graph, program: Callable[[], Program]) -> CudaCode:
    """Kernels on the GPU of this machine. Raises TargetError where there is none."""
    return CudaCode(DeviceExecutable(program(), memory_plan=_plan))


def compile_for_emulator(graph: Graph, program: Callable[[], Program]) -> CudaCode:
    """The same kernels on the CPU, with checks. Raises TargetError without g++."""
    return CudaCode(EmulatorExecutable(program()))


def _plan(program: Program, sizes: Mapping[str, int]) -> tuple[Mapping[Slot, int], int]:
    """One arena; apart from each other in a step, since its threads go over rows in orders of their own."""
    plan = plan_memory(program, sizes, in_place=False)
    return plan.offsets, plan.total
