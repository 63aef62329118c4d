"""The OpenBLAS that NumPy brings: nothing goes in, addresses of its routines come out, or the reason for none.

    blas = numpy_blas()
    if isinstance(blas, Blas):
        blas.routines["sgemm"], blas.integer_bits      # cblas_sgemm, called with 32 or 64 bit sizes

Wheels of NumPy carry OpenBLAS in a folder of their own and rename its symbols (`scipy_cblas_sgemm64_`); other
builds link to one of the system. Either way it is in this process already, and nothing new is loaded.
"""

import ctypes
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

import numpy as np

ROUTINES = ("sgemm", "dgemm", "sgemv", "dgemv")
_SETTINGS = ("get_config", "get_num_threads", "set_num_threads")

# How builds of OpenBLAS decorate a name; the suffixes with 64 belong to builds with 64 bit sizes.
_PREFIXES = ("scipy_", "")
_SUFFIXES = ("64_", "_64", "_64_", "")


@dataclass(frozen=True)
class Blas:
    """A loaded OpenBLAS. `routines` maps "sgemm" to the address of `cblas_sgemm`, and so on."""

    path: str
    description: str
    integer_bits: int
    routines: Mapping[str, int]
    _library: ctypes.CDLL = field(repr=False, compare=False)
    _spelling: tuple[str, str] = field(repr=False)

    @property
    def threads(self) -> int:
        """How many threads a call may use; OpenBLAS keeps one setting for the whole process."""
        return int(self._function("openblas_get_num_threads")())

    def set_threads(self, count: int) -> None:
        """Change that setting, for NumPy's own calls too."""
        self._function("openblas_set_num_threads")(ctypes.c_int(count))

    @property
    def thread_routines(self) -> dict[str, int]:
        """The addresses of the functions that read and change that setting."""
        return {
            f"graphc_{verb}_threads": _address(self._library, f"openblas_{verb}_num_threads".join(self._spelling))
            for verb in ("get", "set")
        }

    def _function(self, name: str) -> "ctypes._NamedFuncPointer":
        prefix, suffix = self._spelling
        return self._library[prefix + name + suffix]


@dataclass(frozen=True)
class NoBlas:
    """No OpenBLAS to call, and why."""

    reason: str


@lru_cache(maxsize=1)
def numpy_blas() -> Blas | NoBlas:
    """The OpenBLAS of this process, looked for once."""
    seen = []
    for path in _candidates():
        library = _already_loaded(path)
        if library is None:
            continue
        blas = _inspect(path, library)
        if blas is not None:
            return blas
        seen.append(path)
    if seen:
        return NoBlas(f"these libraries export no cblas_sgemm under a known name: {', '.join(seen)}")
    return NoBlas("NumPy brings no OpenBLAS: neither its package nor this process has a library of that name")


def _candidates() -> Iterator[str]:
    """Paths of libraries by that name: NumPy's own first, because others (SciPy's) may be loaded too."""
    package = Path(np.__file__).parent
    for folder in (package.parent / "numpy.libs", package / ".dylibs", package / ".libs"):
        if folder.is_dir():
            yield from _openblas(str(path) for path in folder.iterdir())
    try:
        mapped = Path("/proc/self/maps").read_text().splitlines()
    except OSError:
        return
    yield from _openblas(line.split(maxsplit=5)[5] for line in mapped if line.count("/"))


def _openblas(paths: Iterable[str]) -> list[str]:
    return sorted({path for path in paths if "openblas" in os.path.basename(path).lower()})


def _already_loaded(path: str) -> ctypes.CDLL | None:
    try:
        if sys.platform == "win32":
            return ctypes.CDLL(path)
        return ctypes.CDLL(path, mode=os.RTLD_NOLOAD | os.RTLD_NOW)
    except OSError:
        return None


def _inspect(path: str, library: ctypes.CDLL) -> Blas | None:
    """What a library offers, under the first spelling that has every routine."""
    for prefix in _PREFIXES:
        for suffix in _SUFFIXES:
            names = {name: f"{prefix}cblas_{name}{suffix}" for name in ROUTINES}
            settings = [f"{prefix}openblas_{name}{suffix}" for name in _SETTINGS]
            if not all(hasattr(library, name) for name in [*names.values(), *settings]):
                continue
            routines = {name: _address(library, symbol) for name, symbol in names.items()}
            configuration = library[f"{prefix}openblas_get_config{suffix}"]
            configuration.restype = ctypes.c_char_p
            description = configuration().decode()
            bits = 64 if "64" in suffix or "USE64BITINT" in description else 32
            return Blas(path, description, bits, MappingProxyType(routines), library, (prefix, suffix))
    return None


def _address(library: ctypes.CDLL, symbol: str) -> int:
    address = ctypes.cast(library[symbol], ctypes.c_void_p).value
    assert address is not None
    return address
