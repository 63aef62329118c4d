"""From the text of CUDA kernels to machine code, with no GPU and no driver.

In:  CUDA C++ and an architecture, "sm_90". Out: a `Cubin`.

NVRTC compiles, through cuda-bindings; where that is not installed, an `nvcc` on the PATH does. The result is
a cubin and not PTX, because an older driver refuses the PTX of a newer compiler. It is kept in the cache
directory by content.
"""

import functools
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from graphc.backends.cuda.diagnostics import SOURCE_NAME, compile_error
from graphc.cache_directory import cache_directory
from graphc.errors import TargetError

_OWN_HEADERS = Path(__file__).parent  # graphc_tensor_core.cuh
_OPTIONS = ("--std=c++17", "--generate-line-info")


@dataclass(frozen=True)
class Resources:
    """What the assembler says that one kernel takes; spills are bytes of stores to local memory."""

    registers: int
    spilled_bytes: int
    shared_bytes: int


@dataclass(frozen=True)
class Cubin:
    """Machine code for one architecture."""

    image: bytes
    architecture: str
    log: str
    resources: dict[str, Resources]


def compile_cubin(source: str, architecture: str = "sm_90") -> Cubin:
    """Machine code of all kernels of the text; an error shows the compiler's log and the lines it names."""
    compiler = _compiler()
    headers = [path.read_text() for path in sorted(_OWN_HEADERS.glob("*.cuh"))]
    key = "\0".join([source, architecture, compiler.version, *_OPTIONS, *headers])
    path = cache_directory() / "cubin" / hashlib.sha256(key.encode()).hexdigest()[:32]
    cached = _read(path, architecture)
    if cached is not None:
        return cached
    image, log = compiler.compile(source, architecture)
    _write(path, image, log)
    return Cubin(image, architecture, log, _resources(log))


class _Nvrtc:
    """The compiler as a library."""

    def __init__(self, nvrtc: ModuleType) -> None:
        self._nvrtc: Any = nvrtc
        status, major, minor = self._nvrtc.nvrtcVersion()
        self._check(status)
        self.version = f"nvrtc {major}.{minor}"

    def compile(self, source: str, architecture: str) -> tuple[bytes, str]:
        options = [
            f"--gpu-architecture={architecture}", *_OPTIONS, "--ptxas-options=-v",
            *(f"--include-path={folder}" for folder in (_OWN_HEADERS, *_cuda_headers())),
        ]  # fmt: skip
        program = self._call("nvrtcCreateProgram", source.encode(), SOURCE_NAME.encode(), 0, [], [])
        try:
            encoded = [option.encode() for option in options]
            (status,) = self._nvrtc.nvrtcCompileProgram(program, len(encoded), encoded)
            log = self._bytes("ProgramLog", program).rstrip(b"\0").decode()
            if status == self._nvrtc.nvrtcResult.NVRTC_ERROR_COMPILATION:
                raise compile_error("NVRTC", source, log)
            self._check(status, log)
            return self._bytes("CUBIN", program), log
        finally:
            self._nvrtc.nvrtcDestroyProgram(program)

    def _bytes(self, what: str, program: Any) -> bytes:
        """A result of the program: NVRTC writes it into memory of the caller."""
        memory = bytearray(self._call(f"nvrtcGet{what}Size", program))
        # The binding wants immutable bytes and fills them all the same: these are ours alone.
        filled = bytes(memory)
        (status,) = getattr(self._nvrtc, f"nvrtcGet{what}")(program, filled)
        self._check(status)
        return filled

    def _call(self, function: str, *arguments: Any) -> Any:
        status, result = getattr(self._nvrtc, function)(*arguments)
        self._check(status)
        return result

    def _check(self, status: Any, log: str = "") -> None:
        if status == self._nvrtc.nvrtcResult.NVRTC_SUCCESS:
            return
        _, message = self._nvrtc.nvrtcGetErrorString(status)
        raise TargetError(f"NVRTC: {message.decode()}", details=log.splitlines())


class _Nvcc:
    """The compiler as a program."""

    def __init__(self, program: str) -> None:
        self._program = program
        self.version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout

    def compile(self, source: str, architecture: str) -> tuple[bytes, str]:
        with tempfile.TemporaryDirectory() as folder:
            text, cubin = Path(folder) / SOURCE_NAME, Path(folder) / "kernel.cubin"
            text.write_text(source)
            command = [
                self._program, "--cubin", f"--gpu-architecture={architecture}", *_OPTIONS,
                "--ptxas-options=-v",
                f"--include-path={_OWN_HEADERS}", str(text), f"--output-file={cubin}",
            ]  # fmt: skip
            result = subprocess.run(command, capture_output=True, text=True, check=False)
            log = (result.stdout + result.stderr).replace(str(text), SOURCE_NAME)
            if result.returncode:
                raise compile_error("nvcc", source, log)
            return cubin.read_bytes(), log


@functools.cache
def _compiler() -> _Nvrtc | _Nvcc:
    reason = "cuda-bindings is not installed"
    try:
        from cuda.bindings import nvrtc

        return _Nvrtc(nvrtc)
    except ImportError:
        pass
    except RuntimeError as error:  # the package is there, the library it loads is not
        reason = str(error).splitlines()[0]
    program = shutil.which("nvcc")
    if program:
        return _Nvcc(program)
    raise TargetError(
        "no compiler for CUDA", details=[reason, "no nvcc on the PATH"], help="pip install 'graphc[cuda]'"
    )


def _cuda_headers() -> Sequence[Path]:
    """Where nvidia-cuda-runtime put cuda_fp16.h and its like: NVRTC does not look for them itself."""
    package = importlib.util.find_spec("nvidia")
    roots = [Path(root) for root in package.submodule_search_locations or ()] if package else []
    folders = [folder for root in roots for folder in sorted(root.glob("*/include"), reverse=True)]
    found = [folder for folder in folders if (folder / "cuda_fp16.h").exists()]
    toolkit = Path(os.environ.get("CUDA_HOME") or "/usr/local/cuda") / "include"
    return found or ([toolkit] if (toolkit / "cuda_fp16.h").exists() else [])


def _resources(log: str) -> dict[str, Resources]:
    found = {}
    for entry in re.split(r"Compiling entry function '", log)[1:]:
        name, _, rest = entry.partition("'")
        numbers = [
            re.search(pattern, rest)
            for pattern in (r"Used (\d+) registers", r"(\d+) bytes spill stores", r"(\d+) bytes smem")
        ]
        found[name] = Resources(*(int(number[1]) if number else 0 for number in numbers))
    return found


def _read(path: Path, architecture: str) -> Cubin | None:
    """A cached cubin; None when there is none or when it was damaged."""
    try:
        header, _, image = path.read_bytes().partition(b"\n")
        entry = json.loads(header)
        if hashlib.sha256(image).hexdigest() != entry["digest"]:
            return None
        return Cubin(image, architecture, entry["log"], _resources(entry["log"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(path: Path, image: bytes, log: str) -> None:
    """Keep a cubin for later processes; where nothing can be written, go without."""
    header = json.dumps({"digest": hashlib.sha256(image).hexdigest(), "log": log}).encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(header + b"\n" + image)
        os.replace(file.name, path)
    except OSError:
        pass
