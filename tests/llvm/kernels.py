"""Runs hand-made kernels: a kernel and arrays go in, the arrays are changed."""

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.backends.llvm.build import build
from graphc.backends.llvm.emit import kernel_text
from graphc.backends.llvm.machine import Machine
from graphc.kernel import Kernel

MACHINES = ("host", "x86-64-v3", "x86-64", "generic")


def machine(name: str) -> Machine:
    return Machine.host() if name == "host" else Machine.named(name)


class Compiled:
    """A kernel that takes arrays and sizes; it returns the error code."""

    def __init__(self, kernel: Kernel, target: Machine, opt: int = 1) -> None:
        self.kernel = kernel
        self.text = kernel_text(kernel, target)
        self.library = build(self.text, [kernel.name], machine=target, opt=opt)

    def __call__(self, arrays: Sequence[np.ndarray[Any, Any]], sizes: Sequence[int] = (), code: int = 7) -> int:
        pointers = [ctypes.c_void_p(array.ctypes.data) for array in arrays]
        args: list[Any] = [*pointers, *map(ctypes.c_int64, sizes)]
        error = ctypes.c_int32(0)
        if self.kernel.checks_indices:
            args += [ctypes.byref(error), ctypes.c_int32(code)]
        types = [ctypes.c_void_p if not isinstance(a, ctypes.c_int64 | ctypes.c_int32) else type(a) for a in args]
        ctypes.CFUNCTYPE(None, *types)(self.library[self.kernel.name])(*args)
        return error.value
