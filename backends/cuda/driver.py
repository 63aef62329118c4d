"""The GPU, through the CUDA driver API: memory, copies, modules, launches.

In:  cubins and NumPy arrays. Out: what the kernels computed.

A thin layer over `cuda.bindings.driver`: each call is checked, and a failure says which call it was and what
the driver said. All work goes to one stream in order: a copy back sees what the launches before it wrote.
"""

import ctypes
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.errors import TargetError

Scalar = bool | int | float | np.generic


def available() -> str | None:
    """None where a GPU can be used, otherwise the reason in words."""
    try:
        _device_count()
    except TargetError as error:
        return error.message
    return None


class Device:
    """One GPU, with the primary context that other libraries of the process share."""

    def __init__(self, ordinal: int = 0) -> None:
        count = _device_count()
        if not 0 <= ordinal < count:
            raise TargetError(f"there is no GPU {ordinal}: this machine has {count}")
        driver = _driver()
        self._device = _call("cuDeviceGet", ordinal)
        self._context = _call("cuDevicePrimaryCtxRetain", self._device)
        self._bind()
        self._stream = _call("cuStreamCreate", driver.CUstream_flags.CU_STREAM_NON_BLOCKING)
        self._modules: list[Module] = []  # loaded code stays as long as the context
        self.name: str = _call("cuDeviceGetName", 256, self._device).split(b"\0")[0].decode()
        self.compute_capability: tuple[int, int] = (
            self._attribute("COMPUTE_CAPABILITY_MAJOR"),
            self._attribute("COMPUTE_CAPABILITY_MINOR"),
        )
        self.multiprocessors: int = self._attribute("MULTIPROCESSOR_COUNT")
        self.shared_bytes_per_block: int = self._attribute("MAX_SHARED_MEMORY_PER_BLOCK_OPTIN")

    @property
    def architecture(self) -> str:
        """The name that compilers know this GPU by, such as sm_90."""
        major, minor = self.compute_capability
        return f"sm_{major}{minor}"

    def allocate(self, size: int) -> "Arena":
        """Uninitialised memory, aligned to 256 bytes."""
        self._bind()
        return Arena(self, int(_call("cuMemAlloc", max(size, 1))), size)

    def load(self, image: bytes) -> "Module":
        """A module from a cubin for this architecture."""
        self._bind()
        module = Module(self, _call("cuModuleLoadData", image))
        self._modules.append(module)
        return module

    def synchronize(self) -> None:
        """Wait for all launches; errors inside kernels come up here."""
        self._bind()
        _call("cuStreamSynchronize", self._stream)

    def _attribute(self, name: str) -> int:
        attribute = getattr(_driver().CUdevice_attribute, f"CU_DEVICE_ATTRIBUTE_{name}")
        return int(_call("cuDeviceGetAttribute", attribute, self._device))

    def _bind(self) -> None:
        """Make the context current: it is a property of the calling thread."""
        _call("cuCtxSetCurrent", self._context)


class Arena:
    """One allocation on a GPU; buffers are offsets into it."""

    def __init__(self, device: Device, address: int, size: int) -> None:
        self.device, self.address, self.size = device, address, size

    def write(self, array: np.ndarray[Any, Any], offset: int = 0) -> None:
        """Copy an array to the GPU; it may be changed as soon as this returns."""
        source = np.ascontiguousarray(array)
        self._check_range(offset, source.nbytes)
        if source.nbytes:
            self.device._bind()
            host = source.__array_interface__["data"][0]
            _call("cuMemcpyHtoDAsync", self.address + offset, host, source.nbytes, self.device._stream)
            self.device.synchronize()

    def read(self, array: np.ndarray[Any, Any], offset: int = 0) -> None:
        """Copy from the GPU into a contiguous array, after all launches before."""
        if not (array.flags.c_contiguous and array.flags.writeable):
            raise ValueError("an array to read into must be contiguous and writable")
        self._check_range(offset, array.nbytes)
        if array.nbytes:
            self.device._bind()
            host = array.__array_interface__["data"][0]
            _call("cuMemcpyDtoHAsync", host, self.address + offset, array.nbytes, self.device._stream)
            self.device.synchronize()

    def free(self) -> None:
        """Give the memory back; a second call does nothing."""
        if self.address:
            self.device.synchronize()
            _call("cuMemFree", self.address)
            self.address = self.size = 0

    def _check_range(self, offset: int, size: int) -> None:
        if offset < 0 or offset + size > self.size:
            raise ValueError(f"{size} bytes at offset {offset} do not lie in an arena of {self.size} bytes")


class Module:
    """Loaded machine code."""

    def __init__(self, device: Device, handle: Any) -> None:
        self._device, self._handle = device, handle

    def kernel(self, name: str) -> "Kernel":
        """A kernel by the name that the text gives it."""
        self._device._bind()
        return Kernel(self._device, name, _call("cuModuleGetFunction", self._handle, name.encode()))


class Kernel:
    """A kernel ready to launch."""

    _SHARED_BYTES_WITHOUT_ASKING = 48 * 1024

    def __init__(self, device: Device, name: str, handle: Any) -> None:
        self._device, self.name, self._handle = device, name, handle

    def launch(
        self,
        grid: tuple[int, int, int],
        block: tuple[int, int, int],
        arguments: Sequence[Scalar],
        *,
        shared_bytes: int = 0,
    ) -> None:
        """Start the kernel and return at once.

        Arguments are passed as the kernel declares them: a pointer is a NumPy uint64 (an arena's address plus
        an offset), a Python int is a 32-bit int, a Python float a 32-bit float. NumPy scalars keep their
        width.
        """
        self._device._bind()
        if shared_bytes > self._SHARED_BYTES_WITHOUT_ASKING:
            attribute = _driver().CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
            _call("cuFuncSetAttribute", self._handle, attribute, shared_bytes)
        storage = [_argument_bytes(argument) for argument in arguments]
        pointers = (ctypes.c_void_p * max(len(storage), 1))(*map(ctypes.addressof, storage))
        try:
            # The driver copies the arguments before it returns.
            _call("cuLaunchKernel", self._handle, *grid, *block, shared_bytes, self._device._stream,
                  ctypes.addressof(pointers), 0)  # fmt: skip
        except TargetError as error:
            raise TargetError(
                f"launch of {self.name} failed",
                details=[f"grid {grid}, block {block}, {shared_bytes} bytes shared", error.message],
            ) from None


def _argument_bytes(argument: Scalar) -> ctypes.Array[ctypes.c_char]:
    if isinstance(argument, np.generic):
        data = argument.tobytes()
    elif isinstance(argument, bool):
        data = np.bool_(argument).tobytes()
    elif isinstance(argument, int):
        data = np.int32(argument).tobytes()
    else:
        data = np.float32(argument).tobytes()
    return ctypes.create_string_buffer(data, len(data))


@functools.cache
def _driver() -> Any:
    try:
        from cuda.bindings import driver
    except ImportError:
        raise TargetError("cuda-bindings is not installed", help="pip install 'graphc[cuda]'") from None
    return driver


def _device_count() -> int:
    """How many GPUs there are, at least one; the driver is ready for use afterwards."""
    _call("cuInit", 0)
    count = int(_call("cuDeviceGetCount"))
    if count == 0:
        raise TargetError("the CUDA driver finds no GPU")
    return count


def _call(function: str, *arguments: Any) -> Any:
    """A call of the driver API: its one result, or None where it has none."""
    driver = _driver()
    try:
        status, *results = getattr(driver, function)(*arguments)
    except RuntimeError as error:  # the binding loads libcuda when it is first called
        reason = str(error).splitlines()[0]
        raise TargetError(f"the NVIDIA driver is not installed: {reason}") from None
    if status != driver.CUresult.CUDA_SUCCESS:
        raise TargetError(f"{function}: {_words(driver, status)}")
    return results[0] if results else None


def _words(driver: Any, status: Any) -> str:
    found, text = driver.cuGetErrorString(status)
    known = found == driver.CUresult.CUDA_SUCCESS and text
    name = getattr(status, "name", str(status))
    return f"{text.decode()} ({name})" if known else str(name)
