"""Kernel IR to CUDA C++.

Comes in: a `Kernel`. Goes out: a `CudaKernel`, the text of a `__global__` function for each of its parts with
their schedules, which know the launch shapes. The text needs the prelude before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from importlib.resources import files

from graphc.backends.cuda.fission import Parts, fission
from graphc.backends.cuda.functions import Functions, used_in
from graphc.backends.cuda.loops import is_shared
from graphc.backends.cuda.notation import Names, factor_text, index_text, type_name
from graphc.backends.cuda.packs import write_packs
from graphc.backends.cuda.schedule import Schedule, scheduled, scratch_bytes
from graphc.backends.cuda.statements import BlockWriter, Lines, ThreadWriter
from graphc.kernel import For, Kernel, walk
from graphc.types import DType, bfloat16, float16

_HEADERS = {float16: "#include <cuda_fp16.h>\n", bfloat16: "#include <cuda_bf16.h>\n"}


@dataclass(frozen=True)
class CudaKernel:
    """A kernel as text: a `__global__` function for each part, in order, and what these call."""

    name: str
    parts: Parts
    schedules: tuple[Schedule, ...]
    text: str
    definitions: tuple[str, ...]

    @property
    def source(self) -> str:
        """What a reader wants to see: all but the prelude."""
        return "\n".join([*self.definitions, self.text])


def prelude(dtypes: set[DType]) -> str:
    """What comes before kernels that use these dtypes."""
    headers = "".join(text for dtype, text in _HEADERS.items() if dtype in dtypes)
    return headers + files(__package__).joinpath("prelude.cu").read_text()


def emit(kernel: Kernel, functions: Functions, names: Names) -> CudaKernel:
    """A kernel as CUDA C++; `names` and `functions` are those of the module that it is part of."""
    parts = fission(kernel)
    schedules = tuple(scheduled(part, names.fresh(part.name)) for part in parts.kernels)
    text = "\n".join(map(partial(_function, functions), parts.kernels, schedules))
    return CudaKernel(kernel.name, parts, schedules, text, tuple(used_in(text, functions)))


def _function(functions: Functions, kernel: Kernel, schedule: Schedule) -> str:
    lines, names = Lines(), Names()
    writer = ThreadWriter(lines, names, functions, kernel.buffers)
    bounds = f"__launch_bounds__({schedule.most_threads})"
    head = f'extern "C" __global__ void {bounds} {schedule.name}({_parameters(kernel, schedule, names)})'
    lines.write(f"// {_summary(schedule)}")
    with lines.block(head):
        if schedule.style == "threads":
            _write_threads(schedule, writer)
        else:
            _write_blocks(schedule, writer)
    return str(lines)


def _summary(schedule: Schedule) -> str:
    """How the work is dealt out, in one line."""
    over = " and ".join(f"{loop.var} < {loop.extent}" for loop in schedule.loops)
    if schedule.style == "blocks":
        deal = f"One block for each {over}" if over else "One block does it all"
        return f"{deal}; its threads share the loops inside."
    packs = f", {schedule.pack} neighbours at once where memory is aligned" if schedule.pack > 1 else ""
    return f"One thread for each {over}{packs}." if over else "One thread does it all."


def _parameters(kernel: Kernel, schedule: Schedule, names: Names) -> str:
    parameters = []
    for buffer in kernel.buffers:
        if buffer.access != "scratch":
            const = "const " if buffer.access == "read" else ""
            parameters.append(f"{const}{type_name(buffer.dtype)}* {names.of_buffer(buffer.name)}")
    parameters += [f"long long {names.of_value(size)}" for size in kernel.sizes]
    if schedule.uses_workspace:
        parameters += ["unsigned char* workspace", "long long slot_bytes"]
    if kernel.checks_indices:
        parameters += ["int* error", "int code"]
    return ", ".join(parameters)


# --- one thread for each iteration ---


def _write_threads(schedule: Schedule, writer: ThreadWriter) -> None:
    lines, names = writer.lines, writer.names
    if not schedule.loops:
        _declare_scratch(schedule, writer, "0")
        with lines.block("if (blockIdx.x == 0 && threadIdx.x == 0)"):
            writer.body(schedule.body)
        return
    thread, threads = names.fresh("thread"), names.fresh("threads")
    lines.write(f"const long long {thread} = blockIdx.x * (long long)blockDim.x + threadIdx.x;")
    lines.write(f"const long long {threads} = gridDim.x * (long long)blockDim.x;")
    _declare_scratch(schedule, writer, thread)
    first = thread
    if schedule.pack > 1:
        done = write_packs(schedule, writer, thread, threads)
        first = f"{done} + {thread}"
    with writer.flat_loop(schedule.loops, schedule.body, first, threads):
        writer.body(schedule.body)


# --- one block for each iteration ---


def _write_blocks(schedule: Schedule, writer: ThreadWriter) -> None:
    if any(isinstance(s, For) and is_shared(s) and s.accumulators for s in walk(schedule.body)):
        writer.lines.write("__shared__ Bits partials[2 * 32];  // one for each warp, or two")
    _declare_scratch(schedule, writer, "blockIdx.x")
    block = BlockWriter(writer)
    if not schedule.loops:
        block.body(schedule.body)
        return
    with writer.flat_loop(schedule.loops, schedule.body, "blockIdx.x", "gridDim.x"):
        block.body(schedule.body)
        if schedule.scratch:
            block.barrier()  # the next iteration uses the same scratch


# --- scratch ---


def _declare_scratch(schedule: Schedule, writer: ThreadWriter, owner: str) -> None:
    """Scratch: local arrays of a thread, or parts of its block's shared memory or slot in the workspace."""
    lines, names = writer.lines, writer.names
    if schedule.local_scratch:
        for buffer in schedule.scratch:
            size = index_text(buffer.size, names)
            lines.write(f"{type_name(buffer.dtype)} {names.of_buffer(buffer.name)}[{size}];")
    elif schedule.scratch:
        slot = f"workspace + {owner} * slot_bytes"
        if schedule.style == "blocks":
            lines.write("extern __shared__ __align__(16) unsigned char shared_memory[];")
            slot = f"slot_bytes ? {slot} : shared_memory"
        scratch = names.fresh("scratch")
        lines.write(f"unsigned char* const {scratch} = {slot};")
        for number, buffer in enumerate(schedule.scratch):
            element = type_name(buffer.dtype)
            offset = factor_text(scratch_bytes(schedule.scratch[:number]), names)
            place = scratch if number == 0 else f"({scratch} + {offset})"
            lines.write(f"{element}* const {names.of_buffer(buffer.name)} = ({element}*){place};")
