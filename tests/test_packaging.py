"""The distribution: every package in the wheel, one name for each, a cheap import."""

import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONFIGURATION = tomllib.loads((ROOT / "pyproject.toml").read_text())
SETUPTOOLS = CONFIGURATION["tool"]["setuptools"]


def source_folder(package: str) -> Path:
    """Where the files of a package lie: `graphc.passes.rules` in `passes/rules`."""
    for prefix, folder in sorted(SETUPTOOLS["package-dir"].items(), key=lambda entry: -len(entry[0])):
        if package == prefix or package.startswith(prefix + "."):
            return ROOT.joinpath(folder, *package[len(prefix) :].split(".")[1:])
    raise AssertionError(f"{package} has no entry in package-dir")


def packages_on_disk() -> set[str]:
    return {
        ".".join([prefix, *init.parent.relative_to(ROOT / folder).parts])
        for prefix, folder in SETUPTOOLS["package-dir"].items()
        for init in (ROOT / folder).rglob("__init__.py")
    }


def run_python(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


def test_every_folder_with_an_init_is_a_listed_package() -> None:
    listed = SETUPTOOLS["packages"]
    assert sorted(packages_on_disk()) == sorted(listed)


@pytest.mark.parametrize("name", ["passes", "backends", "examples"])
def test_top_level_folder_is_linked_into_the_package(name: str) -> None:
    link = ROOT / "graphc" / name
    assert link.is_symlink() and str(link.readlink()) == f"../{name}"


@pytest.mark.parametrize("name", ["passes", "backends"])
def test_bare_name_is_refused(name: str) -> None:
    result = run_python("-c", f"import {name}")
    assert result.returncode != 0
    assert f"import graphc.{name}, not {name}" in result.stderr


def test_import_leaves_the_heavy_libraries_alone() -> None:
    heavy = {"sympy", "networkx", "llvmlite", "mpmath", "matplotlib", "cuda"}
    result = run_python("-c", "import sys, graphc; print(*{name.partition('.')[0] for name in sys.modules})")
    assert result.returncode == 0, result.stderr
    assert not heavy & set(result.stdout.split())


def test_wheel_holds_every_source_file(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for folder in SETUPTOOLS["package-dir"].values():
        shutil.copytree(ROOT / folder, checkout / folder, symlinks=True, ignore=ignored)
    for name in ("pyproject.toml", "LICENSE", "README.md"):
        shutil.copy(ROOT / name, checkout)

    build = "from setuptools import build_meta; print(build_meta.build_wheel('.'))"
    result = run_python("-c", build, folder=checkout)
    assert result.returncode == 0, result.stderr
    (wheel,) = checkout.glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())

    for package in SETUPTOOLS["packages"]:
        for source in source_folder(package).glob("*.*"):
            if source.suffix in {".py", ".typed", ".cu", ".cuh", ".h", ".cpp", ".html", ".ll"}:
                assert f"{package.replace('.', '/')}/{source.name}" in held
