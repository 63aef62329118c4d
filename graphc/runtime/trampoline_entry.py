"""The native entry that every compiled function shares: a Python call goes in, `main` runs on raw pointers.

CPython calls the entry with the arguments and a `Context`, which says what this function expects (tables of
operands) and where its code and buffers are. So nothing is generated for one graph: the entry is compiled
once, its object is cached on disk, and it loops over the tables. Its checks come first and have no effect;
whatever does not fit exactly is handed to the Python callable `slow`.

The entry reads structures of others: ndarray (public layout), the C API table of NumPy, and the layout of a
ctypes instance. `native_entry` compares each with what Python reports and then makes calls whose answers are
known; where anything differs there is no native entry, and calls take the path in Python.
"""

import ctypes
import importlib
import platform
import sys
import sysconfig
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from graphc.backends.llvm.build import build
from graphc.backends.llvm.link import Library
from graphc.errors import TargetError

from .trampoline_ir import ENTRY

UNBOUND, READY, RUNNING = 0, 1, 2

Shape = tuple[int, ...]
OperandType = tuple[npt.DTypeLike, int]
"""A dtype and a number of axes."""


class _Operand(ctypes.Structure):
    """One input or output: the dtype object it must have, and where the shape it is bound to stands."""

    _fields_: ClassVar = [("descr", ctypes.c_void_p), ("ndim", ctypes.c_int64), ("shape", ctypes.c_void_p)]


class Context(ctypes.Structure):
    """What the entry knows of one function; the instance keeps alive whatever its pointers point to."""

    _fields_: ClassVar = [
        ("main", ctypes.c_void_p),
        ("buffers", ctypes.c_void_p),
        ("dims", ctypes.c_void_p),
        ("slow", ctypes.c_void_p),
        ("failed", ctypes.c_void_p),
        ("input_count", ctypes.c_int64),
        ("inputs", ctypes.c_void_p),
        ("output_count", ctypes.c_int64),
        ("outputs", ctypes.c_void_p),
        ("returns_list", ctypes.c_int32),
        ("state", ctypes.c_int32),
    ]
    state: int
    extents: npt.NDArray[np.int64]
    owned: tuple[object, ...]
    owner: object
    entry: Library
    method: "_MethodDefinition"

    @classmethod
    def create(
        cls,
        main: int,
        inputs: Sequence[OperandType],
        outputs: Sequence[OperandType],
        buffers: npt.NDArray[np.uint64],
        dims: npt.NDArray[np.int64],
        slow: Callable[..., Any],
        failed: Callable[[int], Any],
        returns_list: bool,
    ) -> "Context":
        operands = [*inputs, *outputs]
        dtypes = [np.dtype(dtype) for dtype, _ in operands]
        extents = np.zeros(sum(ndim for _, ndim in operands), np.int64)
        table = (_Operand * len(operands))()
        offset = extents.ctypes.data
        for entry, dtype, (_, ndim) in zip(table, dtypes, operands, strict=True):
            entry.descr, entry.ndim, entry.shape = id(dtype), ndim, offset
            offset += ndim * extents.itemsize
        tables = ctypes.addressof(table)
        context = cls(
            main, buffers.ctypes.data, dims.ctypes.data, id(slow), id(failed), len(inputs), tables,
            len(outputs), tables + len(inputs) * ctypes.sizeof(_Operand), returns_list, UNBOUND,
        )  # fmt: skip
        context.extents = extents
        context.owned = (table, dtypes, buffers, dims, slow, failed)
        return context

    def bind(self, shapes: Sequence[Shape]) -> None:
        """From now on the native path accepts these input shapes, and makes outputs of these shapes."""
        self.extents[:] = [extent for shape in shapes for extent in shape]
        self.state = READY


class _MethodDefinition(ctypes.Structure):
    """CPython's PyMethodDef."""

    _fields_: ClassVar = [
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    ]


_METH_KEYWORDS, _METH_FASTCALL = 0x02, 0x80
_MethodMaker = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p, ctypes.c_void_p)
_new_method = _MethodMaker(("PyCMethod_New", ctypes.pythonapi))


def native_callable(entry: Library, context: Context, name: str, doc: str) -> Callable[..., Any]:
    """A built-in function with the context as its `self`, so that it keeps the context alive."""
    method = _MethodDefinition(name.encode(), entry["call"], _METH_FASTCALL | _METH_KEYWORDS, doc.encode())
    context.entry, context.method = entry, method
    made: Callable[..., Any] = _new_method(ctypes.addressof(method), context, None, None)
    return made


@dataclass(frozen=True)
class NoEntry:
    """Calls take the path in Python, and why."""

    reason: str


@lru_cache(maxsize=1)
def native_entry() -> Library | NoEntry:
    """The compiled entry, checked: `library["call"]` is its address."""
    try:
        _check_interpreter()
        _check_layouts()
        library = build(ENTRY, ["call", "probe"], _imports(), opt=2)
        _check_calls(library)
    except Exception as error:  # whatever goes wrong in these tests, the path in Python works
        return NoEntry(str(error) or repr(error))
    return library


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise TargetError(what)


def _check_interpreter() -> None:
    _require(platform.python_implementation() == "CPython", "the interpreter is not CPython")
    _require(not sysconfig.get_config_var("Py_GIL_DISABLED"), "this CPython runs without its global lock")
    words = (ctypes.sizeof(ctypes.c_void_p), object.__basicsize__)
    _require(words == (8, 16), "objects of this CPython have an unknown header")


class _PyObject(ctypes.Structure):
    _fields_: ClassVar = [("reference_count", ctypes.c_ssize_t), ("type", ctypes.c_void_p)]


class _ArrayObject(ctypes.Structure):
    _fields_: ClassVar = [
        ("base_object", _PyObject),
        ("data", ctypes.c_void_p),
        ("nd", ctypes.c_int),
        ("dimensions", ctypes.POINTER(ctypes.c_ssize_t)),
        ("strides", ctypes.POINTER(ctypes.c_ssize_t)),
        ("base", ctypes.c_void_p),
        ("descr", ctypes.c_void_p),
        ("flags", ctypes.c_int),
    ]


class _CDataObject(ctypes.Structure):
    _fields_: ClassVar = [("base_object", _PyObject), ("address", ctypes.c_void_p)]


def _check_layouts() -> None:
    """What the structures say of real objects is what Python says of them."""
    known = ctypes.sizeof(_ArrayObject) <= np.ndarray.__basicsize__
    _require(known, "ndarray is smaller than its public layout")
    grid = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    for array in (
        grid,
        grid.T,
        grid[:, ::2],
        np.array(1),
        np.empty((3, 0), bool),
        np.frombuffer(b"abc", "u1"),
    ):
        read = _ArrayObject.from_address(id(array))
        same = (read.data, read.nd, read.descr, read.flags) == (
            array.__array_interface__["data"][0], array.ndim, id(array.dtype), array.flags.num
        )  # fmt: skip
        _require(same and read.base_object.type == id(np.ndarray), "ndarray has an unknown layout")
        axes = range(array.ndim)
        _require(tuple(read.dimensions[axis] for axis in axes) == array.shape, "ndarray keeps its shape elsewhere")
    context = Context()
    address = _CDataObject.from_address(id(context)).address
    _require(address == ctypes.addressof(context), "ctypes instances have an unknown layout")


# Places in NumPy's table, which its ABI number promises.
_ABI_VERSION, _ARRAY_TYPE, _EMPTY = 0, 2, 184
_NUMPY_2 = 0x02000000


def _imports() -> dict[str, int]:
    """The addresses that the entry calls, out of CPython and of NumPy's table `_ARRAY_API`."""
    names = (
        "PyObject_Vectorcall",
        "PyLong_FromLong",
        "PyList_New",
        "PyList_SetItem",
        "Py_IncRef",
        "Py_DecRef",
    )
    pointers = {name: ctypes.cast(ctypes.pythonapi[name], ctypes.c_void_p).value or 0 for name in names}
    _require(np.lib.NumpyVersion(np.__version__).major == 2, f"NumPy {np.__version__} is not NumPy 2")
    try:
        capsule = importlib.import_module("numpy._core._multiarray_umath")._ARRAY_API
    except (ImportError, AttributeError):
        raise TargetError("NumPy keeps its C API elsewhere") from None
    kind = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)
    address = kind(("PyCapsule_GetPointer", ctypes.pythonapi))(capsule, None)
    table = (ctypes.c_void_p * (_EMPTY + 1)).from_address(address)
    version = ctypes.CFUNCTYPE(ctypes.c_uint)(table[_ABI_VERSION] or 0)()
    _require(version == _NUMPY_2, f"NumPy has the ABI {version:#x}")
    _require(table[_ARRAY_TYPE] == id(np.ndarray), "NumPy's C API table is ordered otherwise")
    pointers["PyArray_Empty"] = table[_EMPTY] or 0
    return {**pointers, "PyArray_Type": id(np.ndarray), "_Py_NoneStruct": id(None)}


_never_freed: list[object] = []


def _check_calls(library: Library) -> None:
    """Calls with known answers: `probe` is a main that fails with the first dimension value as its code.

    The dtype objects are private copies, so nobody else moves their reference counts meanwhile; some
    references are never given back, so that a miscount which is found here frees nothing that is in use.
    """
    buffers, dims = np.zeros(4, np.uint64), np.zeros(1, np.int64)
    f32, f64 = np.dtype(np.float32, copy=True), np.dtype(np.float64, copy=True)
    _never_freed.extend([f32, f64] * 8)
    slow, failed = (lambda *args: ("slow", args)), (lambda code: ("failed", code))
    inputs: list[OperandType] = [(f32, 2), (f64, 0)]
    outputs: list[OperandType] = [(f64, 1), (f32, 3)]
    context = Context.create(library["probe"], inputs, outputs, buffers, dims, slow, failed, returns_list=True)
    call = native_callable(library, context, "probe", "")
    matrix, scalar = np.ones((2, 3), f32), np.array(5, f64)
    _require(call(matrix, scalar) == ("slow", (matrix, scalar)), "an unbound call was not slow")
    context.bind([(2, 3), (), (7,), (1, 0, 2)])
    unaligned = np.frombuffer(bytes(25), np.uint8)[1:].view(f32).reshape(2, 3)
    others = (np.asfortranarray(matrix), unaligned, matrix[:1], matrix[0], np.ones((2, 3), np.float32), 1.0)
    for arguments in [(matrix,), (matrix, 5), *((other, scalar) for other in others)]:
        _require(type(call(*arguments)) is tuple, "the native entry accepts what it should not")
    watched = [matrix, scalar, f32, f64]
    before = [sys.getrefcount(each) for each in watched]
    results = call(matrix, scalar)
    _require(type(results) is list, "the native entry does not take what it should")
    _require([result.shape for result in results] == [(7,), (1, 0, 2)], "outputs have wrong shapes")
    _require(results[0].dtype is f64 and results[1].dtype is f32, "outputs have wrong dtypes")
    pointers = [array.__array_interface__["data"][0] for array in (matrix, scalar, *results)]
    _require(buffers.tolist() == pointers, "the native entry passes wrong pointers")
    del results
    dims[0] = -3
    _require(call(matrix, scalar) == ("failed", -3), "an error code is lost")
    _require([sys.getrefcount(each) for each in watched] == before, "reference counts drift")
