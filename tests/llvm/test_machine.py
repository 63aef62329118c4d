"""Machines, object code, linking, and the cache of objects."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

from graphc.backends.llvm import object_cache
from graphc.backends.llvm.build import build
from graphc.backends.llvm.link import Library, load
from graphc.backends.llvm.machine import Machine, assembly, emit_object
from graphc.cache_directory import cache_directory
from graphc.errors import CompileError

SCALE = """
define void @scale(ptr %p) {
  %x = load <16 x float>, ptr %p, align 4
  %y = fmul <16 x float> %x, splat (float 3.0)
  store <16 x float> %y, ptr %p, align 4
  ret void
}
"""
TWICE = "define i32 @twice(i32 %x) {\n  %y = shl i32 %x, 1\n  ret i32 %y\n}\n"
WIDTHS = {"x86-64": 16, "generic": 16, "sandybridge": 32, "x86-64-v3": 32, "x86-64-v4": 64, "znver4": 64}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRAPHC_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("GRAPHC_CPU", raising=False)
    return tmp_path / "cache"


def objects(cache: Path) -> list[Path]:
    return sorted(path for path in cache.rglob("*") if path.is_file())


def twice(library: Library, x: int) -> int:
    return int(ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_int32)(library["twice"])(x))


@pytest.mark.skipif("x86" not in os.uname().machine, reason="names of x86 processors")
@pytest.mark.parametrize("cpu", WIDTHS)
def test_capabilities_follow_the_name(cpu: str) -> None:
    machine = Machine.named(cpu)
    assert machine.vector_bytes == WIDTHS[cpu]
    assert machine.has_fma == machine.has_f16c == (cpu not in ("x86-64", "generic", "sandybridge"))


@pytest.mark.skipif("x86" not in os.uname().machine, reason="names of x86 processors")
def test_features_override_the_name() -> None:
    machine = Machine.named("x86-64", "+avx2,+fma")
    assert (machine.vector_bytes, machine.has_fma, machine.has_f16c) == (32, True, False)


def test_environment_names_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHC_CPU", "generic")
    assert Machine.host() == Machine.named("generic")


@pytest.mark.parametrize("cpu", [None, "generic", "x86-64"])
@pytest.mark.parametrize("passes", [0, 2])
def test_compiles_and_runs(cpu: str | None, passes: int) -> None:
    library = build(SCALE, ["scale"], machine=Machine.named(cpu) if cpu else None, passes=passes)
    numbers = (ctypes.c_float * 16)(*range(16))
    ctypes.CFUNCTYPE(None, ctypes.c_void_p)(library["scale"])(ctypes.addressof(numbers))
    assert list(numbers) == [3 * i for i in range(16)]


@pytest.mark.skipif("x86" not in os.uname().machine, reason="registers of x86 processors")
def test_assembly_is_for_the_machine() -> None:
    assert "ymm" in assembly(SCALE, Machine.named("x86-64-v3"))
    assert "ymm" not in assembly(SCALE, Machine.named("x86-64"))


def test_imports_by_address() -> None:
    given = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_int32)(lambda x: 100 * x)
    ir_text = "declare i32 @given(i32)\n" + TWICE.replace("shl i32 %x, 1", "call i32 @given(i32 %x)")
    address = ctypes.cast(given, ctypes.c_void_p).value or 0
    assert twice(build(ir_text, ["twice"], {"given": address}), 7) == 700
    with pytest.raises(CompileError, match="could not be linked"):
        build(ir_text, ["twice"])
    with pytest.raises(CompileError, match="absent"):
        build(TWICE, ["absent"])


def test_bad_text_shows_its_line() -> None:
    bad = TWICE.replace("ret i32 %y", "ret i32 %z")
    with pytest.raises(CompileError, match=r"line 3, column 11: .*%z") as caught:
        emit_object(bad, Machine.host(), opt=1)
    assert caught.value.details[1:] == ("    3 |   ret i32 %z", " " * 18 + "^")


def test_verifier_shows_the_lines_it_quotes() -> None:
    bad = "define i32 @f(i1 %c) {\n  br i1 %c, label %a, label %b\na:\n  %x = add i32 1, 2\n"
    bad += "  br label %b\nb:\n  ret i32 %x\n}"
    with pytest.raises(CompileError, match="does not dominate") as caught:
        emit_object(bad, Machine.host(), opt=1)
    assert caught.value.details == ("    4 |   %x = add i32 1, 2", "    7 |   ret i32 %x")


def test_second_build_takes_the_stored_object(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build(TWICE, ["twice"])
    monkeypatch.setattr("graphc.backends.llvm.build.emit_object", None)
    assert twice(build(TWICE, ["twice"]), 4) == 8
    assert len(objects(cache)) == 1


def test_key_depends_on_everything_that_decides_the_code(cache: Path) -> None:
    generic = Machine.named("generic")
    for machine, opt, passes in [(None, 1, 0), (generic, 1, 0), (generic, 2, 0), (generic, 1, 1)]:
        build(TWICE, ["twice"], machine=machine, opt=opt, passes=passes)
    build(TWICE + "; another text", ["twice"], machine=generic)
    assert len(objects(cache)) == 5
    assert object_cache.cache_key("ab", "c") != object_cache.cache_key("a", "bc")


@pytest.mark.parametrize("damage", ["empty", "short", "flipped", "garbage"])
def test_damaged_objects_are_rebuilt(cache: Path, damage: str) -> None:
    build(TWICE, ["twice"])
    (path,) = objects(cache)
    good = path.read_bytes()
    flipped = good[:-5] + bytes([good[-5] ^ 1]) + good[-4:]
    path.write_bytes({"empty": b"", "short": good[:-7], "flipped": flipped, "garbage": b"\0" * 999}[damage])
    assert twice(build(TWICE, ["twice"]), 21) == 42
    assert path.read_bytes() == good


def test_sound_file_that_is_no_object_is_rebuilt(cache: Path, capfd: pytest.CaptureFixture[str]) -> None:
    build(TWICE, ["twice"])
    (path,) = objects(cache)
    good = path.read_bytes()
    object_cache.store(path.parent.name + path.name, b"not an object")
    assert twice(build(TWICE, ["twice"]), 21) == 42
    assert path.read_bytes() == good


def test_unwritable_cache_is_harmless(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.write_text("a file where the folder should be")
    assert twice(build(TWICE, ["twice"]), 3) == 6
    monkeypatch.setenv("GRAPHC_CACHE_DIR", os.devnull)
    assert twice(build(TWICE, ["twice"]), 3) == 6


def test_cache_directory_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("GRAPHC_CACHE_DIR")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    object_cache.store("ab" * 32, b"content")
    assert object_cache.fetch("ab" * 32) is None
    assert not cache_directory().is_dir()


def test_libraries_drop_in_any_order() -> None:
    code = emit_object(TWICE, Machine.host(), opt=1)
    libraries = [load(code, ["twice"]) for _ in range(20)]
    del libraries[::2]
    assert [twice(library, 5) for library in libraries] == [10] * 10


CHILD = """
import ctypes, sys
from graphc.backends.llvm.build import build
for n in range(20):
    text = f"define i32 @f() {{ ret i32 {n} }}"
    library = build(text, ["f"])
    assert ctypes.CFUNCTYPE(ctypes.c_int32)(library["f"])() == n
"""


def test_processes_share_the_cache(cache: Path) -> None:
    root = str(Path(__file__).parents[2])
    children = [subprocess.Popen([sys.executable, "-c", CHILD], cwd=root) for _ in range(4)]
    assert [child.wait(timeout=60) for child in children] == [0] * 4
    assert len(objects(cache)) == 20


def test_llvmlite_loads_only_for_a_compile() -> None:
    program = "import sys, graphc.backends.llvm.build; assert 'llvmlite' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[2], check=True, timeout=60)
