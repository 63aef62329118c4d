"""Library ops in native code: a step goes in, the address of a C function that calculates it comes out.

    int32 call(void *operand..., void *result..., int64 size...)

The function enters the interpreter, reads and writes the memory as NumPy arrays, and gives 0, or 1 after an
exception, which `take_error` hands on.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from typing import Any

import numpy as np

from graphc.backends.library import Array, calculate
from graphc.kernel import LibraryCall
from graphc.types import TensorType


class LibraryCallback:
    """The C function of a step; its address is valid while this object is alive."""

    def __init__(self, step: LibraryCall) -> None:
        self.step = step
        self._error: BaseException | None = None
        arguments = [ctypes.c_void_p] * len(step.slots) + [ctypes.c_int64] * len(step.sizes)
        self._function = ctypes.CFUNCTYPE(ctypes.c_int32, *arguments)(self._call)
        self.address = ctypes.cast(self._function, ctypes.c_void_p).value or 0

    def take_error(self) -> BaseException | None:
        """The exception of the last call that failed."""
        error, self._error = self._error, None
        return error

    def _call(self, *arguments: int) -> int:
        try:
            count = len(self.step.slots)
            sizes = dict(zip(self.step.sizes, arguments[count:], strict=True))
            types = (*self.step.operand_types, *self.step.result_types)
            arrays = [_array(a, t, sizes) for a, t in zip(arguments[:count], types, strict=True)]
            calculate(self.step, arrays, sizes)
        except BaseException as error:  # which must not unwind through native code
            self._error = error
            return 1
        return 0


def _array(address: int | None, type_: TensorType, sizes: Mapping[str, int]) -> Array:
    """The memory at an address, which may be none where there are no elements."""
    shape = type_.concrete_shape(sizes)
    size = int(np.prod(shape, dtype=np.int64)) * type_.dtype.bytes
    memory: Any = (ctypes.c_char * size).from_address(address) if size and address else bytearray(size)
    return np.frombuffer(memory, type_.dtype.numpy).reshape(shape)
