"""From the text of a CUDA kernel to a shared library for the CPU.

In: CUDA C++ text. Out: the path of a library that holds its kernels, kept in the cache directory by content.

The header is precompiled and the runtime is a library of its own, so that a kernel costs one short run of
g++: about 60 ms, half of what it takes without. Processes share the cache without locks: everything is built
under a temporary name and renamed.
"""

import functools
import hashlib
import os
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from graphc.backends.cuda.diagnostics import SOURCE_NAME, compile_error
from graphc.cache_directory import cache_directory
from graphc.errors import TargetError

_HERE = Path(__file__).parent
_HEADERS = ("emulator.h", "cuda_fp16.h", "cuda_bf16.h", "graphc_tensor_core.cuh")
_RUNTIME = ("runtime.cpp", "checker.cpp")

# _FORTIFY_SOURCE refuses the longjmp between stacks that turns a crash into a finding.
_COMMON_FLAGS = ("-fPIC", "-std=c++17", "-fno-exceptions", "-U_FORTIFY_SOURCE")
_RUNTIME_FLAGS = (*_COMMON_FLAGS, "-O2")
# No contraction: the emulator rounds where the text says so. The frame limit guards the fibers' stacks.
_KERNEL_FLAGS = (
    *_COMMON_FLAGS, "-O1", "-g1", "-fno-strict-aliasing", "-fno-threadsafe-statics", "-ffp-contract=off",
    "-Wno-unknown-pragmas", "-Werror=frame-larger-than=49152", "-fsanitize-coverage=trace-pc",
)  # fmt: skip
_WATCHING_FLAGS = (
    "-fsanitize=thread,alignment,bounds,integer-divide-by-zero",
    "--param=tsan-instrument-func-entry-exit=0",
)

_DYNAMIC_SHARED = re.compile(
    r"extern\s+__shared__\s+(?:(?:__align__|alignas)\s*\(\d+\)\s*)?"
    r"(?P<type>[\w ]+?)\s+(?P<name>\w+)\s*\[\s*\]\s*;"
)


def compiled_module(source: str, kernels: Iterable[str], *, checked: bool) -> Path:
    """The library of a kernel text, from the cache or newly built."""
    toolchain = toolchain_directory()
    text = _host_text(source, kernels)
    path = toolchain / "modules" / f"{_digest(text, str(checked))}.so"
    if not path.exists():
        with tempfile.TemporaryDirectory(dir=toolchain) as scratch:
            _compile_kernel(source, text, Path(scratch), toolchain, checked)
            os.replace(Path(scratch) / "module.so", path)
    return path


def runtime_library() -> Path:
    """The runtime, which must be loaded before any module: modules find it by its name."""
    return next(toolchain_directory().glob("runtime-*.so"))


def line_of_code(library: Path, address: int) -> int:
    """The line of the kernel text that an instruction was made from, 0 where it is not known."""
    result = subprocess.run(
        ["addr2line", "--inlines", "--exe", str(library), hex(address)],
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(rf"{re.escape(SOURCE_NAME)}:(\d+)", result.stdout)
    return int(found[1]) if found else 0


@functools.cache
def toolchain_directory() -> Path:
    """Where the runtime, the precompiled headers and the modules of this compiler and this version lie."""
    compiler = _compiler()
    version = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True).stdout
    texts = [(_HERE / name).read_text() for name in (*_HEADERS, *_RUNTIME, "runtime.h")]
    flags = (*_RUNTIME_FLAGS, *_KERNEL_FLAGS, *_WATCHING_FLAGS)
    digest = _digest(version, platform.machine(), *texts, *flags)
    parent = _writable(cache_directory() / "cuda-emulator")
    directory = parent / digest
    if not directory.exists():
        scratch = Path(tempfile.mkdtemp(dir=parent))
        try:
            _build_toolchain(compiler, scratch, digest)
            scratch.rename(directory)
        except OSError:
            if not directory.exists():  # else another process was quicker
                raise
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return directory


def _writable(directory: Path) -> Path:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if os.access(directory, os.W_OK):
            return directory
    except OSError:
        pass
    # Libraries can only be loaded from files: without a cache they live as long as the process.
    return Path(_process_directory().name)


@functools.cache
def _process_directory() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="graphc-")


def _build_toolchain(compiler: str, directory: Path, digest: str) -> None:
    runtime = directory / f"runtime-{digest}.so"
    sources = [str(_HERE / name) for name in _RUNTIME]
    _run(
        [
            compiler,
            *_RUNTIME_FLAGS,
            "-shared",
            f"-Wl,-soname,{runtime.name}",
            *sources,
            "-o",
            str(runtime),
            "-lrt",
        ]
    )
    (directory / "modules").mkdir()
    for checked in (True, False):
        headers = directory / _header_folder(checked)
        headers.mkdir()
        for name in _HEADERS:
            shutil.copy(_HERE / name, headers)
        header = headers / "emulator.h"
        _run([compiler, *_kernel_flags(checked), "-x", "c++-header", str(header), "-o", f"{header}.gch"])


def _compile_kernel(source: str, text: str, scratch: Path, toolchain: Path, checked: bool) -> None:
    written = scratch / SOURCE_NAME  # the debugger's tables name the file now as written, now as #line says
    written.write_text(text)
    command = [
        _compiler(), *_kernel_flags(checked), f"-I{toolchain / _header_folder(checked)}",
        "-x", "c++", "-c", str(written), "-o", str(scratch / "module.o"),
    ]  # fmt: skip
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise compile_error("g++", source, result.stderr)
    # Linked apart from compiling, because g++ would add its own sanitizer library.
    objects = [str(scratch / "module.o"), str(next(toolchain.glob("runtime-*.so")))]
    _run([_compiler(), "-shared", "-Wl,-Bsymbolic", *objects, "-o", str(scratch / "module.so")])


def _kernel_flags(checked: bool) -> tuple[str, ...]:
    return (*_KERNEL_FLAGS, *_WATCHING_FLAGS) if checked else _KERNEL_FLAGS


def _header_folder(checked: bool) -> str:
    return "checked" if checked else "plain"


def _host_text(source: str, kernels: Iterable[str]) -> str:
    # C++ has no array whose size the launch decides: it becomes a pointer to what the runtime allocated.
    body = _DYNAMIC_SHARED.sub(r"\g<type>* const \g<name> = (\g<type>*)graphc_dynamic_shared();", source)
    entries = "".join(f"GRAPHC_KERNEL({name})\n" for name in kernels)
    return f'#include "emulator.h"\n#line 1 "{SOURCE_NAME}"\n{body}\nGRAPHC_MODULE\n{entries}'


def _compiler() -> str:
    compiler = shutil.which("g++")
    if compiler is None:
        raise TargetError(
            "the CUDA emulator needs g++, which is not on the PATH",
            help="install it (Debian, Ubuntu: apt install g++; Fedora: dnf install gcc-c++)",
        )
    return compiler


def _run(command: list[str]) -> None:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise TargetError(
            "g++ cannot build the CUDA emulator on this machine",
            details=[" ".join(command), *result.stderr.splitlines()[:20]],
            help="g++ 9 or later on Linux is needed",
        )


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:32]
