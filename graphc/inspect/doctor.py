"""What this machine has for graphc: nothing comes in, lines of name and finding come out.

A finding is words: what is there, or why not and how to get it. Looking never fails and builds nothing.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from graphc.cache_directory import cache_directory
from graphc.errors import GraphcError

# The features that decide which code is made, in LLVM's words.
_TELLING = ("sse4.2", "avx", "avx2", "fma", "f16c", "avx512f", "avx512bf16", "avx512fp16", "neon", "sve")


def examine() -> Iterator[tuple[str, str]]:
    """The findings in reading order."""
    questions: list[tuple[str, Callable[[], str]]] = [
        ("graphc", lambda: _version("graphc")),
        ("Python", _python),
        ("NumPy", lambda: _version("numpy")),
        ("LLVM", _llvm),
        ("processor", _processor),
        ("features", _features),
        ("cores", _cores),
        ("caches", _caches),
        ("BLAS", _blas),
        ("CUDA", _cuda),
        ("CUDA compiler", _cuda_compiler),
        ("CUDA emulator", _emulator),
        ("kept code", _kept_code),
        ("settings", _settings),
    ]
    for name, ask in questions:
        try:
            yield name, ask()
        except GraphcError as error:
            yield name, f"not available: {error.message}" + (f" ({error.help})" if error.help else "")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed as a package: a bare checkout"


def _python() -> str:
    return f"{platform.python_version()} ({platform.python_implementation()}), {platform.platform()}"


def _llvm() -> str:
    from graphc.backends.llvm.machine import llvm_version

    return llvm_version()


def _processor() -> str:
    from graphc.backends.llvm.machine import Machine

    machine = Machine.host()
    forced = " (named by GRAPHC_CPU)" if os.environ.get("GRAPHC_CPU") else ""
    return f"{_model()}; LLVM says {machine.cpu}{forced}, vectors of {8 * machine.vector_bytes} bits"


def _model() -> str:
    try:
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return found[1] if found else platform.processor() or platform.machine()


def _features() -> str:
    from graphc.backends.llvm.machine import Machine

    features = Machine.host().features.split(",")
    return " ".join(name for name in _TELLING if f"+{name}" in features) or "none beyond the baseline"


def _cores() -> str:
    total = os.cpu_count() or 1
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else total
    return f"{usable} usable" if usable == total else f"{usable} usable of {total}"


def _caches() -> str:
    found = []
    for folder in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        try:
            level, kind, size = ((folder / name).read_text().strip() for name in ("level", "type", "size"))
        except OSError:
            continue
        found.append(f"L{level} {size.replace('K', ' KiB')} {kind.lower()}")
    return ", ".join(found) or "unknown: this system does not tell"


def _blas() -> str:
    from graphc.backends.llvm.blas import NoBlas, numpy_blas

    blas = numpy_blas()
    if isinstance(blas, NoBlas):
        return f"none: {blas.reason}; matrix products go through NumPy"
    sizes, name = f"{blas.integer_bits} bit sizes", Path(blas.path).name
    return f"{blas.description.strip()}; {sizes}, {blas.threads} threads, {name}"


def _cuda() -> str:
    from graphc.backends.cuda.driver import Device, available

    reason = available()
    if reason is not None:
        return f"no: {reason.splitlines()[0].rstrip('.')}"
    device = Device()
    return f"{device.name}, {device.architecture}, {device.multiprocessors} multiprocessors"


def _cuda_compiler() -> str:
    try:
        from cuda.bindings import nvrtc

        _, major, minor = nvrtc.nvrtcVersion()
        return f"NVRTC {major}.{minor}"
    except (ImportError, RuntimeError):
        found = shutil.which("nvcc")
        return found or "none: pip install 'graphc[cuda]'"


def _emulator() -> str:
    found = shutil.which("g++")
    return f"{found} compiles kernels for the CPU" if found else "not available: it needs g++ on the PATH"


def _kept_code() -> str:
    folder = cache_directory()
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
    where = " (GRAPHC_CACHE_DIR)" if os.environ.get("GRAPHC_CACHE_DIR") else ""
    return f"{folder}{where}: {len(sizes)} files, {sum(sizes) / 2**20:.1f} MiB"


def _settings() -> str:
    found = [f"{key}={value}" for key, value in sorted(os.environ.items()) if key.startswith("GRAPHC_")]
    return " ".join(found) or "no GRAPHC_ variable is set"
