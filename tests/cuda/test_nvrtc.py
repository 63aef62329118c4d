"""Kernels become machine code for several architectures, without a GPU."""

import importlib.util
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from graphc.backends.cuda import nvrtc
from graphc.backends.cuda.nvrtc import compile_cubin
from graphc.errors import CompileError, TargetError

HAS_NVRTC = importlib.util.find_spec("cuda") is not None and importlib.util.find_spec("cuda.bindings") is not None
HAS_COMPILER = HAS_NVRTC or shutil.which("nvcc") is not None
needs_compiler = pytest.mark.skipif(not HAS_COMPILER, reason="needs graphc[cuda] or nvcc")

KERNELS = sorted((Path(__file__).parent / "kernels").glob("*.cu"))
FAULTY = 'extern "C" __global__ void k(float* out) {\n  out[0] = undeclared;\n}\n'


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("GRAPHC_CACHE_DIR", str(tmp_path))
    nvrtc._compiler.cache_clear()
    yield
    nvrtc._compiler.cache_clear()


@needs_compiler
@pytest.mark.parametrize("architecture", ["sm_80", "sm_90"])
@pytest.mark.parametrize("path", KERNELS, ids=lambda path: path.stem)
def test_kernels_compile_without_spills(path: Path, architecture: str) -> None:
    cubin = compile_cubin(path.read_text(), architecture)
    assert cubin.image.startswith(b"\x7fELF")
    (resources,) = cubin.resources.values()
    assert 0 < resources.registers <= 128 and resources.spilled_bytes == 0
    assert (resources.shared_bytes > 0) == (path.stem in ("softmax", "matmul", "tensor_core_matmul"))


@needs_compiler
def test_an_error_shows_the_log_and_the_line() -> None:
    with pytest.raises(CompileError, match=r'(?s)"undeclared" is undefined.*kernel\.cu:2: out\[0\] = undeclared;'):
        compile_cubin(FAULTY)


@needs_compiler
def test_an_unknown_architecture_is_an_error_of_the_target() -> None:
    with pytest.raises((TargetError, CompileError), match=r"sm_12345|architecture"):
        compile_cubin(KERNELS[0].read_text(), "sm_12345")


@needs_compiler
def test_the_cache_survives_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = KERNELS[0].read_text()
    first = compile_cubin(source)
    (entry,) = (tmp_path / "cubin").iterdir()
    with monkeypatch.context() as patch:
        patch.setattr(type(nvrtc._compiler()), "compile", None)
        assert compile_cubin(source) == first
    entry.write_bytes(entry.read_bytes()[:-1])
    assert compile_cubin(source).resources == first.resources


@pytest.mark.skipif(shutil.which("nvcc") is None, reason="needs nvcc")
def test_nvcc_stands_in_for_nvrtc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cuda.bindings", None)
    cubin = compile_cubin((Path(__file__).parent / "kernels" / "matmul.cu").read_text(), "sm_80")
    assert cubin.image.startswith(b"\x7fELF") and cubin.resources["matmul_tiled"].shared_bytes == 2 * 32 * 33 * 4
    with pytest.raises(CompileError, match=r"nvcc refuses(?s:.*)kernel\.cu:2: out\[0\] = undeclared;"):
        compile_cubin(FAULTY)


def test_without_any_compiler_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cuda.bindings", None)
    monkeypatch.setattr(nvrtc.shutil, "which", lambda name: None)
    with pytest.raises(TargetError, match=r"pip install 'graphc\[cuda\]'"):
        compile_cubin(FAULTY)
