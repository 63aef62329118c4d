"""The kernels of a CUDA text: their names and parameters.

In: CUDA C++ with `extern "C" __global__ void name(...)`. Out: a `Signature` for each, enough to convert
Python arguments and to name them in messages.
"""

import ctypes
import re
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np

from graphc.errors import CompileError

_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_KERNEL = re.compile(
    r'extern\s+"C"\s+__global__\s+(?:__launch_bounds__\s*\([^)]*\)\s*)?void\s+'
    r"(?:__launch_bounds__\s*\([^)]*\)\s*)?(?P<name>\w+)\s*\((?P<parameters>[^)]*)\)\s*\{"
)
_SHARED = re.compile(r"__shared__\s+(?:(?:__align__|alignas)\s*\(\d+\)\s*)?(?P<type>[\w ]+?)\s+\w+\s*[\[;=]")
_QUALIFIERS = re.compile(r"\b(const|volatile|__restrict__|__restrict|__grid_constant__)\b")

# The spelling of a C type, and the NumPy dtype of its elements.
_DTYPES: dict[str, np.dtype[Any]] = {
    "bool": np.dtype(np.bool_),
    "signed char": np.dtype(np.int8),
    "char": np.dtype(np.int8),
    "int8_t": np.dtype(np.int8),
    "unsigned char": np.dtype(np.uint8),
    "uint8_t": np.dtype(np.uint8),
    "short": np.dtype(np.int16),
    "int16_t": np.dtype(np.int16),
    "unsigned short": np.dtype(np.uint16),
    "uint16_t": np.dtype(np.uint16),
    "int": np.dtype(np.int32),
    "int32_t": np.dtype(np.int32),
    "unsigned": np.dtype(np.uint32),
    "unsigned int": np.dtype(np.uint32),
    "uint32_t": np.dtype(np.uint32),
    "long long": np.dtype(np.int64),
    "int64_t": np.dtype(np.int64),
    "unsigned long long": np.dtype(np.uint64),
    "uint64_t": np.dtype(np.uint64),
    "size_t": np.dtype(np.uint64),
    "float": np.dtype(np.float32),
    "double": np.dtype(np.float64),
    "__half": np.dtype(np.float16),
    "half": np.dtype(np.float16),
    "__nv_bfloat16": np.dtype(ml_dtypes.bfloat16),
    "nv_bfloat16": np.dtype(ml_dtypes.bfloat16),
}


@dataclass(frozen=True)
class Parameter:
    """A kernel's parameter; `dtype` is None for a pointer to something that is no plain number."""

    name: str
    type: str
    dtype: np.dtype[Any] | None
    is_pointer: bool
    is_const: bool

    def scalar(self, value: object) -> ctypes.Array[ctypes.c_char]:
        """The bytes of a by-value argument."""
        bytes_of_value = np.asarray(value).astype(self.dtype).tobytes()
        return ctypes.create_string_buffer(bytes_of_value, len(bytes_of_value))


@dataclass(frozen=True)
class Signature:
    """A kernel's name and parameters."""

    name: str
    parameters: tuple[Parameter, ...]


def signatures(source: str) -> dict[str, Signature]:
    """All kernels of the text, by name, in order."""
    found = {}
    for match in _KERNEL.finditer(_COMMENT.sub(" ", source)):
        texts = [text.strip() for text in match["parameters"].split(",")]
        parameters = tuple(_parameter(match["name"], text) for text in texts if text and text != "void")
        found[match["name"]] = Signature(match["name"], parameters)
    if not found:
        raise CompileError("the text has no kernel", help='a kernel begins with extern "C" __global__ void name(')
    return found


def shared_granule(source: str) -> int:
    """The size of the smallest element that shared memory holds, 1 where the text does not say.

    The checker remembers one state per granule, so that larger ones make it quicker.
    """
    types = [" ".join(match["type"].split()) for match in _SHARED.finditer(_COMMENT.sub(" ", source))]
    return min((_DTYPES[type_].itemsize if type_ in _DTYPES else 1 for type_ in types), default=1)


def _parameter(kernel: str, text: str) -> Parameter:
    declaration, name = re.fullmatch(r"(.*?)(\w+)", text, re.DOTALL).groups()  # type: ignore[union-attr]
    pointee, star, _ = declaration.partition("*")
    element = " ".join(_QUALIFIERS.sub(" ", pointee).split())
    dtype = _DTYPES.get(element)
    if dtype is None and not star:
        raise CompileError(
            f"kernel {kernel}: parameter {name} has type {element}, which the emulator cannot pass by value",
            help="use one of " + ", ".join(_DTYPES),
        )
    return Parameter(name, declaration.strip(), dtype, bool(star), re.search(r"\bconst\b", pointee) is not None)
