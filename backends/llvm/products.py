"""Matrix products for native code: what BLAS there is goes in, addresses for a program's imports come out.

A program calls `graphc_sgemm` and `graphc_dgemm`, which are those of `cblas` with 64-bit sizes, and
`graphc_get_threads` and `graphc_set_threads` around them, the setting of OpenBLAS. With vectors of 64 bytes they are
our own for what one thread does: OpenBLAS uses half of these vectors on many processors. It does the rest: what is
worth several threads, and products with too few columns for a vector. An OpenBLAS with 32-bit sizes gets a few
instructions in between; without any OpenBLAS `numpy.matmul` does the work on views of the memory: slow, but right.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from graphc.backends.llvm.blas import Blas, NoBlas
from graphc.backends.llvm.build import build
from graphc.backends.llvm.machine import Machine
from graphc.backends.llvm.matrix_product import VECTOR_BYTES, Element, define_product, lanes_of
from graphc.backends.llvm.text import Module

_TRANSPOSED = 112  # of cblas
_ELEMENTS: dict[str, tuple[Any, Element]] = {
    "sgemm": (ctypes.c_float, "float"),
    "dgemm": (ctypes.c_double, "double"),
}
_THREADS = ("graphc_get_threads", "graphc_set_threads")
_NO_THREADS = """define i32 @graphc_get_threads() {
  ret i32 1
}
define void @graphc_set_threads(i32 %count) {
  ret void
}
"""


@dataclass(frozen=True)
class Products:
    """Addresses by symbol, valid while `owner` is alive; `calls_python` if they enter the interpreter."""

    addresses: Mapping[str, int]
    owner: object
    calls_python: bool


def products(blas: Blas | NoBlas, machine: Machine, names: Iterable[str] = tuple(_ELEMENTS)) -> Products:
    """The routines for a machine: our own, of those that are named, before a library's where that is faster."""
    library = _of_library(blas)
    names = list(names)
    if machine.vector_bytes < VECTOR_BYTES or not machine.has_fma:
        return library
    module = Module(machine)
    for name in names:
        define_product(module, f"own_{name}", _ELEMENTS[name][1])
    text = "\n".join([str(module), "declare i32 @graphc_get_threads()", *map(_choosing, names)])
    imports = {f"library_{name}": library.addresses[f"graphc_{name}"] for name in names}
    imports["graphc_get_threads"] = library.addresses["graphc_get_threads"]
    own = build(text, [f"graphc_{name}" for name in names], imports, machine)
    return replace(library, addresses={**library.addresses, **own.addresses}, owner=(own, library))


def _choosing(name: str) -> str:
    """A routine of `cblas` that does the work itself, but for what the library does better. Programs give it
    row-major matrices, the factor 1, and nothing to add to."""
    element = _ELEMENTS[name][1]
    given = _parameters(element, "i64")
    types = ", ".join(parameter.split()[0] for parameter in given)
    sizes = "i64 %m, i64 %n, i64 %k"
    return f"""
declare void @library_{name}({types})
define void @graphc_{name}({", ".join(given)}) {{
  %threads = call i32 @graphc_get_threads()
  %alone = icmp sle i32 %threads, 1
  %wide = icmp sgt i64 %n, {lanes_of(element) // 2}
  %chosen = and i1 %alone, %wide
  br i1 %chosen, label %own, label %library
own:
  %flip.a = icmp eq i32 %ta, {_TRANSPOSED}
  %flip.b = icmp eq i32 %tb, {_TRANSPOSED}
  call void @own_{name}({sizes}, i1 %flip.a, ptr %a, i64 %lda, i1 %flip.b, ptr %b, i64 %ldb, ptr %c, i64 %ldc)
  ret void
library:
  call void @library_{name}({", ".join(given)})
  ret void
}}"""


def _of_library(blas: Blas | NoBlas) -> Products:
    """The routines through a BLAS, or through NumPy where there is none."""
    if isinstance(blas, Blas) and blas.integer_bits == 64:
        symbols = {f"graphc_{name}": blas.routines[name] for name in _ELEMENTS}
        return Products(symbols | blas.thread_routines, blas, calls_python=False)
    callbacks = {name: _callback(name) for name in _ELEMENTS}
    addresses = {name: ctypes.cast(call, ctypes.c_void_p).value or 0 for name, call in callbacks.items()}
    if isinstance(blas, NoBlas):
        symbols = {f"graphc_{name}": address for name, address in addresses.items()}
        unthreaded = build(_NO_THREADS, _THREADS)
        return Products(symbols | unthreaded.addresses, (callbacks, unthreaded), calls_python=True)
    imports = {f"cblas_{name}": blas.routines[name] for name in _ELEMENTS}
    imports |= {f"wide_{name}": address for name, address in addresses.items()}
    text = "\n".join(_narrowing(name) for name in _ELEMENTS)
    library = build(text, [f"graphc_{name}" for name in _ELEMENTS], imports)
    return Products(library.addresses | blas.thread_routines, (library, blas, callbacks), calls_python=False)


def _narrowing(name: str) -> str:
    """A routine with 64-bit sizes that calls one with 32-bit sizes, or `wide_…` where a size does not fit."""
    element = _ELEMENTS[name][1]
    sizes = ("m", "n", "k", "lda", "ldb", "ldc")
    wide, narrow = (_parameters(element, integer) for integer in ("i64", "i32"))
    names = [parameter.split()[1] for parameter in wide]
    given = ", ".join(wide)
    narrowed = ", ".join(
        f"{parameter.split()[0]} {name}{'.narrow' if name[1:] in sizes else ''}"
        for parameter, name in zip(narrow, names)
    )
    types = {kind: ", ".join(p.split()[0] for p in parameters) for kind, parameters in (("w", wide), ("n", narrow))}
    fits = [f"  %{size}.fits = icmp ule i64 %{size}, 2147483647" for size in sizes]
    both = [
        f"  %all.{size} = and i1 %{size}.fits, {f'%all.{before}' if before else 'true'}"
        for size, before in zip(sizes, ("", *sizes))
    ]
    lines = [f"  %{size}.narrow = trunc i64 %{size} to i32" for size in sizes]
    return "\n".join([
        f"declare void @cblas_{name}({types['n']})",
        f"declare void @wide_{name}({types['w']})",
        f"define void @graphc_{name}({given}) {{", *fits, *both,
        f"  br i1 %all.{sizes[-1]}, label %narrow, label %wide", "narrow:", *lines,
        f"  call void @cblas_{name}({narrowed})", "  ret void", "wide:",
        f"  call void @wide_{name}({given})", "  ret void", "}", "",
    ])  # fmt: skip


def _parameters(element: str, integer: str) -> list[str]:
    text = (
        f"i32 %order, i32 %ta, i32 %tb, {integer} %m, {integer} %n, {integer} %k, {element} %alpha, "
        f"ptr %a, {integer} %lda, ptr %b, {integer} %ldb, {element} %beta, ptr %c, {integer} %ldc"
    )
    return text.split(", ")


def _callback(name: str) -> Any:
    """`cblas_sgemm` (row major) by NumPy, as a C function."""
    element = _ELEMENTS[name][0]
    flag, size, pointer = ctypes.c_int32, ctypes.c_int64, ctypes.c_void_p

    def gemm(
        order: int, ta: int, tb: int, m: int, n: int, k: int,
        alpha: float, a: int, lda: int, b: int, ldb: int, beta: float, c: int, ldc: int,
    ) -> None:  # fmt: skip
        left = _matrix(element, a, k, m, lda).T if ta == _TRANSPOSED else _matrix(element, a, m, k, lda)
        right = _matrix(element, b, n, k, ldb).T if tb == _TRANSPOSED else _matrix(element, b, k, n, ldb)
        out = _matrix(element, c, m, n, ldc)
        product = np.matmul(left, right)
        out[...] = product if (alpha, beta) == (1, 0) else alpha * product + (beta * out if beta else 0)

    sizes, operands = (size, size, size), (element, pointer, size, pointer, size, element, pointer, size)
    return ctypes.CFUNCTYPE(None, flag, flag, flag, *sizes, *operands)(gemm)


def _matrix(element: Any, address: int, rows: int, columns: int, width: int) -> np.ndarray[Any, Any]:
    """The memory of a row-major matrix whose rows are `width` elements apart."""
    memory = (element * ((rows - 1) * width + columns)).from_address(address)
    bytes_ = ctypes.sizeof(element)
    return np.ndarray((rows, columns), element, memory, strides=(width * bytes_, bytes_))
