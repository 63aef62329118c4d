"""The processor to compile for, and LLVM itself: text of LLVM IR goes in, object code or assembly comes out.

    machine = Machine.host()                      # or Machine.named("x86-64-v3")
    machine.vector_bytes                          # 64 with AVX-512, 32 with AVX, else 16
    code = emit_object(ir_text, machine, opt=1)   # CompileError shows the line that LLVM refused

This is the only file (with `link.py`, which loads the objects) that talks to llvmlite, and nothing imports
llvmlite before a compile asks for it. `GRAPHC_CPU=x86-64` compiles for a named processor instead of the host.
"""

import importlib
import os
import re
import threading
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from types import ModuleType
from typing import Any, NamedTuple

from graphc.errors import CompileError, TargetError

_first_use = threading.Lock()


@lru_cache(maxsize=1)
def _initialised() -> ModuleType:
    try:
        llvm = importlib.import_module("llvmlite.binding")
    except ImportError as error:
        raise TargetError(
            f"the target llvm needs llvmlite: {error}",
            help="pip install llvmlite, or compile with target='reference'",
        ) from error
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm


def llvm_binding() -> ModuleType:
    """The module `llvmlite.binding`, imported and initialised on first use."""
    with _first_use:
        return _initialised()


@lru_cache(maxsize=1)
def llvm_version() -> str:
    """The versions that decide what code comes out, as text for cache keys and bug reports."""
    llvm = llvm_binding()
    return f"llvmlite {version('llvmlite')}, LLVM {'.'.join(map(str, llvm.llvm_version_info))}"


@dataclass(frozen=True)
class Machine:
    """A processor in LLVM's words: its name, its feature string ("+avx2,-fma") and the target triple."""

    cpu: str
    features: str
    triple: str

    @classmethod
    def host(cls) -> "Machine":
        """The processor that runs this process, or the one that `GRAPHC_CPU` names."""
        forced = os.environ.get("GRAPHC_CPU")
        if forced:
            return cls.named(forced)
        llvm = llvm_binding()
        return cls.named(llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten())

    @classmethod
    def named(cls, cpu: str, features: str = "") -> "Machine":
        """A processor by LLVM's name for it: "x86-64" (SSE2 only), "x86-64-v3", "znver4", "generic"."""
        return cls(cpu, features, llvm_binding().get_process_triple())

    @property
    def vector_bytes(self) -> int:
        """Bytes of the widest vector register of floats."""
        return _capabilities(self).vector_bytes

    @property
    def has_fma(self) -> bool:
        """Whether a*b+c with one rounding is an instruction; otherwise it is a slow call of the C library."""
        return _capabilities(self).fma

    @property
    def has_f16c(self) -> bool:
        """Whether f16 converts to f32 by an instruction; otherwise LLVM calls a function that may not exist."""
        return _capabilities(self).f16c


class _Capabilities(NamedTuple):
    vector_bytes: int
    fma: bool
    f16c: bool


# LLVM knows what every processor can do, but llvmlite does not say it: look at what it makes of three
# instructions. The attribute asks for full width where a processor's tuning prefers half.
_PROBE = """
define <16 x float> @vector(<16 x float> %x) "prefer-vector-width"="512" {
  %y = fadd <16 x float> %x, %x
  ret <16 x float> %y
}
declare float @llvm.fma.f32(float, float, float)
define float @fused(float %x) {
  %y = call float @llvm.fma.f32(float %x, float %x, float %x)
  ret float %y
}
define float @half(ptr %p) {
  %x = load half, ptr %p
  %y = fpext half %x to float
  ret float %y
}
"""


@lru_cache(maxsize=64)
def _capabilities(machine: Machine) -> _Capabilities:
    text = assembly(_PROBE, machine, opt=0)
    registers = set(re.findall(r"\b([yz]mm)\d", text))
    width = 64 if "zmm" in registers else 32 if "ymm" in registers else 16
    return _Capabilities(width, fma="fmaf" not in text, f16c="__extendhfsf2" not in text)


def emit_object(ir_text: str, machine: Machine, *, opt: int, passes: int = 0) -> bytes:
    """Object code of a module.

    `opt` is the level of the code generator, `passes` that of the passes over IR before it (0 is none).
    Explicit vector code needs none, and the automatic vectorisers stay off at every level. The code is
    position independent, so it can be loaded anywhere and linked into a shared library alike.
    """
    target = _target_machine(machine, opt)
    return bytes(target.emit_object(_module(ir_text, target, passes)))


def assembly(ir_text: str, machine: Machine, *, opt: int = 1, passes: int = 0) -> str:
    """The assembly that `emit_object` would encode."""
    target = _target_machine(machine, opt)
    return str(target.emit_assembly(_module(ir_text, target, passes)))


def _target_machine(machine: Machine, opt: int) -> Any:
    target = llvm_binding().Target.from_triple(machine.triple)
    return target.create_target_machine(
        cpu=machine.cpu, features=machine.features, opt=opt, reloc="pic", codemodel="default"
    )


def _module(ir_text: str, target: Any, passes: int) -> Any:
    """Parse, verify and optimise: a module ready for the code generator."""
    llvm = llvm_binding()
    try:
        module = llvm.parse_assembly(ir_text)
    except RuntimeError as error:
        raise _syntax_error(str(error), ir_text) from None
    module.triple = target.triple
    module.data_layout = str(target.target_data)
    try:
        module.verify()
    except RuntimeError as error:
        raise _verifier_error(str(error), ir_text) from None
    if passes:
        tuning = llvm.create_pipeline_tuning_options(speed_level=passes)
        tuning.loop_vectorization = tuning.slp_vectorization = False
        builder = llvm.create_pass_builder(target, tuning)
        builder.getModulePassManager().run(module, builder)
    return module


_REPORT_HELP = "this is a defect of graphc, not of your graph: please report it with this text"


def _syntax_error(message: str, ir_text: str) -> CompileError:
    """The parser names a place, "<string>:2:19: error: ...": show it with the line before and a caret."""
    place = re.search(r"<string>:(\d+):(\d+): error: (.*)", message)
    if place is None:
        return CompileError("LLVM refused the IR", details=message.splitlines(), help=_REPORT_HELP)
    line, column, reason = int(place[1]), int(place[2]), place[3]
    lines = ir_text.splitlines()
    shown = [f"{number:5} | {lines[number - 1]}" for number in (line - 1, line) if 0 < number <= len(lines)]
    caret = " " * (8 + column - 1) + "^"
    return CompileError(
        f"LLVM refused the IR at line {line}, column {column}: {reason}",
        details=[*shown, caret],
        help=_REPORT_HELP,
    )


def _verifier_error(message: str, ir_text: str) -> CompileError:
    """The verifier quotes instructions but says no place: find them in the text."""
    numbers = {line.strip(): number for number, line in enumerate(ir_text.splitlines(), 1)}
    reason, *quoted = message.splitlines()
    details = []
    for line in quoted:
        number = numbers.get(line.strip())
        details.append(f"{number:5} | {line}" if number else f"      | {line}")
    return CompileError(f"LLVM refused the IR: {reason}", details=details, help=_REPORT_HELP)
