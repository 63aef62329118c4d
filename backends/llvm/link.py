"""Loads object code into this process: bytes and the addresses it wants go in, addresses of functions come out.

library = load(object_bytes, ["main"], {"sgemm": address})
library["main"]                      # an address, valid while `library` is alive
"""

import ctypes
import itertools
import threading
from collections.abc import Iterable, Mapping
from typing import Any

from graphc.errors import CompileError

from .machine import Machine, llvm_binding

_lock = threading.Lock()
_serial = itertools.count()
_linker: list[Any] = []


class Library:
    """Loaded code. The addresses of its exports are valid for as long as this object lives."""

    def __init__(self, addresses: Mapping[str, int], tracker: object) -> None:
        self.addresses = dict(addresses)
        self._tracker = tracker

    def __getitem__(self, symbol: str) -> int:
        return self.addresses[symbol]


def load(object_bytes: bytes, exports: Iterable[str], imports: Mapping[str, int] | None = None) -> Library:
    """Link one object against `imports` and the symbols of this process (memcpy, expf, ...)."""
    builder = llvm_binding().JITLibraryBuilder().add_object_img(object_bytes).add_current_process()
    for symbol, address in (imports or {}).items():
        builder.import_symbol(symbol, address)
    exports = list(exports)
    for symbol in exports:
        builder.export_symbol(symbol)
    with _lock:
        linker = _shared_linker()
        try:
            tracker = builder.link(linker, f"graphc{next(_serial)}")
        except RuntimeError as error:
            raise CompileError(
                "the compiled code could not be linked",
                details=str(error).splitlines(),
                help="LLVM names on stderr what is missing: import it, or leave it out of the exports",
            ) from None
    return Library({symbol: tracker[symbol] for symbol in exports}, tracker)


def _shared_linker() -> Any:
    """One linker for the process. It is never freed: libraries may outlive it in any order at exit."""
    if not _linker:
        llvm = llvm_binding()
        host = llvm.Target.from_triple(Machine.host().triple).create_target_machine(
            reloc="pic", codemodel="default", jit=True
        )
        linker = llvm.create_lljit_compiler(host, use_jit_link=True)
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(linker))
        _linker.append(linker)
    return _linker[0]
