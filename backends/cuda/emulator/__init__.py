"""Runs CUDA kernels on the CPU and finds their defects.

In:  the text of CUDA kernels, the very text that goes to a GPU, and NumPy arrays.
Out: what the kernel writes into the arrays; an `EmulatorError` with every race, access out of bounds, read of
     uninitialised memory, misaligned access, divergent barrier, hang or crash that the launch met.

    module = Module(source)
    module.launch("softmax_rows", grid=(rows,), block=(256,), arguments=[x, y, columns], outputs=["y"])

In checked mode a missing barrier is found in every schedule, because the order of accesses is checked and not
only the values that one schedule happens to give. Blocks may only communicate through atomics.
"""

import ctypes
import re
import threading
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from graphc.backends.cuda.diagnostics import source_line
from graphc.backends.cuda.emulator.compilation import compiled_module, line_of_code, runtime_library
from graphc.backends.cuda.emulator.signature import Parameter, Signature, shared_granule, signatures
from graphc.errors import EmulatorError

Schedule = Literal["forward", "reverse", "random"]
_SCHEDULES: tuple[Schedule, ...] = ("forward", "reverse", "random")

DEFAULT_STEP_BUDGET = 500_000_000  # basic blocks of code in one CUDA block: a few seconds
_MOST_THREADS, _MOST_SHARED_BYTES = 1024, 227 * 1024
_MOST_BLOCKS = (2**31 - 1, 65535, 65535)

# The runtime has one machine: launches of a process come one after the other.
_one_launch = threading.Lock()


class _Dimensions(ctypes.Structure):
    _fields_ = [("x", ctypes.c_uint), ("y", ctypes.c_uint), ("z", ctypes.c_uint)]


class _Buffer(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("begin", ctypes.c_void_p),
        ("bytes", ctypes.c_size_t),
        ("granule", ctypes.c_uint32),
        ("initialised", ctypes.c_bool),
    ]


class _Launch(ctypes.Structure):
    _fields_ = [
        ("entry", ctypes.c_void_p),
        ("arguments", ctypes.c_void_p),
        ("image", ctypes.c_void_p),
        ("buffers", ctypes.POINTER(_Buffer)),
        ("buffer_count", ctypes.c_size_t),
        ("grid", _Dimensions),
        ("block", _Dimensions),
        ("shared_bytes", ctypes.c_size_t),
        ("shared_granule", ctypes.c_uint32),
        ("checked", ctypes.c_bool),
        ("schedule", ctypes.c_int),
        ("seed", ctypes.c_uint64),
        ("steps_per_block", ctypes.c_uint64),
    ]


class Module:
    """The kernels of one CUDA text, compiled for the CPU."""

    def __init__(self, source: str, *, checked: bool = True) -> None:
        self.source = source
        self.checked = checked
        self.kernels: dict[str, Signature] = signatures(source)
        self._path: Path = compiled_module(source, self.kernels, checked=checked)
        self._runtime = ctypes.CDLL(str(runtime_library()))
        self._runtime.graphc_run.restype = ctypes.c_char_p
        self._library = ctypes.CDLL(str(self._path))

    def launch(
        self,
        name: str,
        grid: Sequence[int],
        block: Sequence[int],
        arguments: Sequence[Any],
        *,
        shared_bytes: int = 0,
        outputs: Collection[str] = (),
        schedule: Schedule = "forward",
        seed: int = 0,
        step_budget: int = DEFAULT_STEP_BUDGET,
    ) -> None:
        """Run a kernel over a grid; arrays are changed in place.

        `outputs` names the pointer parameters whose contents on entry mean nothing: they are filled with NaN,
        and in checked mode a read before a write is a finding. The random schedule also switches threads
        between barriers; one seed gives one schedule.
        """
        signature = self._signature(name, arguments, outputs)
        _check_limits(name, grid, block, shared_bytes)
        buffers, values = _converted(signature, arguments, outputs)
        pointers = (ctypes.c_void_p * max(len(values), 1))(*map(ctypes.addressof, values))
        description = _Launch(
            entry=ctypes.cast(getattr(self._library, f"graphc_entry_{name}"), ctypes.c_void_p),
            arguments=ctypes.addressof(pointers),
            image=ctypes.addressof(ctypes.c_char.in_dll(self._library, "graphc_image")),
            buffers=(_Buffer * max(len(buffers), 1))(*buffers),
            buffer_count=len(buffers),
            grid=_Dimensions(*_three(grid)),
            block=_Dimensions(*_three(block)),
            shared_bytes=shared_bytes,
            shared_granule=shared_granule(self.source),
            checked=self.checked,
            schedule=_SCHEDULES.index(schedule),
            seed=seed,
            steps_per_block=step_budget,
        )
        with _one_launch:
            findings = self._runtime.graphc_run(ctypes.byref(description)).decode()
        if findings:
            raise self._error(name, findings)

    def _signature(self, name: str, arguments: Sequence[Any], outputs: Collection[str]) -> Signature:
        signature = self.kernels.get(name)
        if signature is None:
            raise EmulatorError(f"no kernel {name} in the module", details=["it has " + ", ".join(self.kernels)])
        if len(arguments) != len(signature.parameters):
            raise EmulatorError(f"{name} takes {len(signature.parameters)} arguments, not {len(arguments)}")
        unknown = set(outputs) - {p.name for p in signature.parameters if p.is_pointer and not p.is_const}
        if unknown:
            raise EmulatorError(f"{name} has no writable pointer parameter {', '.join(sorted(unknown))}")
        return signature

    def _error(self, name: str, findings: str) -> EmulatorError:
        details: dict[str, None] = {}  # one line inlined in two places gives one finding
        for finding in findings.splitlines():
            place, message = finding.split("\t")
            message = re.sub(r"@(0x[0-9a-f]+)", lambda match: f"line {self._line(match[1])}", message)
            line = self._line(place)
            shown = f"line {line}: {message}\n      {source_line(self.source, line)}" if line else message
            details[shown] = None
        return EmulatorError(f"the CUDA emulator found defects in kernel {name}", details=details)

    def _line(self, place: str) -> int:
        return line_of_code(self._path, int(place, 16)) if place.startswith("0x") else int(place)


def empty(shape: Sequence[int], dtype: Any) -> np.ndarray[Any, Any]:
    """An uninitialised array aligned to 256 bytes, as memory of a GPU is."""
    alignment, dtype = 256, np.dtype(dtype)
    size = int(np.prod(shape)) * dtype.itemsize
    memory = np.empty(size + alignment, np.uint8)
    start = -memory.ctypes.data % alignment
    array: np.ndarray[Any, Any] = memory[start : start + size].view(dtype).reshape(shape)
    return array


def _three(dimensions: Sequence[int]) -> tuple[int, int, int]:
    x, y, z = (*dimensions, 1, 1)[:3]
    return int(x), int(y), int(z)


def _check_limits(name: str, grid: Sequence[int], block: Sequence[int], shared_bytes: int) -> None:
    """What cuLaunchKernel would refuse on sm_80 and later."""
    grid, block = _three(grid), _three(block)
    problems = []
    if min(grid) < 1 or any(size > most for size, most in zip(grid, _MOST_BLOCKS, strict=True)):
        problems.append(f"grid {grid}: each size is at least 1 and at most {_MOST_BLOCKS}")
    if min(block) < 1 or block[0] * block[1] * block[2] > _MOST_THREADS or block[2] > 64:
        problems.append(f"block {block}: 1 to {_MOST_THREADS} threads, at most 64 in z")
    if not 0 <= shared_bytes <= _MOST_SHARED_BYTES:
        problems.append(f"{shared_bytes} bytes of shared memory: at most {_MOST_SHARED_BYTES}")
    if problems:
        raise EmulatorError(f"no GPU could launch {name}", details=problems)


def _converted(
    signature: Signature, arguments: Sequence[Any], outputs: Collection[str]
) -> tuple[list[_Buffer], list[ctypes.Array[ctypes.c_char]]]:
    """The buffers to watch, and the bytes of each argument."""
    buffers, values = [], []
    for parameter, argument in zip(signature.parameters, arguments, strict=True):
        if parameter.is_pointer:
            array = _checked_array(signature.name, parameter, argument)
            buffers.append(_watched_buffer(parameter, array, parameter.name in outputs))
            values.append(ctypes.create_string_buffer(bytes(ctypes.c_void_p(buffers[-1].begin)), 8))
        else:
            values.append(parameter.scalar(argument))
    return buffers, values


def _checked_array(name: str, parameter: Parameter, argument: Any) -> np.ndarray[Any, Any]:
    if not isinstance(argument, np.ndarray):
        raise EmulatorError(f"{name}: {parameter.name} is a pointer, give it a NumPy array")
    if parameter.dtype is not None and argument.dtype != parameter.dtype:
        raise EmulatorError(f"{name}: {parameter.name} is {parameter.type}, the array has dtype {argument.dtype}")
    if not argument.flags.c_contiguous:
        raise EmulatorError(f"{name}: the array for {parameter.name} is not contiguous")
    if not parameter.is_const and not argument.flags.writeable:
        raise EmulatorError(f"{name}: {parameter.name} is written to, the array is read-only")
    return argument


def _watched_buffer(parameter: Parameter, array: np.ndarray[Any, Any], is_output: bool) -> _Buffer:
    if is_output:
        array.reshape(-1).view(np.uint8)[:] = 0xFF  # NaN in every float type
    address: int = array.__array_interface__["data"][0]
    granule = min(array.itemsize, 8)
    return _Buffer(parameter.name.encode(), address, array.nbytes, granule, not is_output)
