"""The OpenBLAS in this process computes what NumPy computes."""

import ctypes

import numpy as np
import pytest

from graphc.backends.llvm import blas as module
from graphc.backends.llvm.blas import Blas, NoBlas, numpy_blas

ROW_MAJOR, NO_TRANSPOSE = 101, 111


@pytest.fixture
def blas() -> Blas:
    found = numpy_blas()
    if isinstance(found, NoBlas):
        pytest.skip(found.reason)
    return found


@pytest.mark.parametrize(("name", "dtype"), [("sgemm", np.float32), ("dgemm", np.float64)])
def test_gemm(blas: Blas, name: str, dtype: type) -> None:
    m, n, k = 5, 7, 3
    random = np.random.default_rng(0)
    a, b = random.normal(size=(m, k)).astype(dtype), random.normal(size=(k, n)).astype(dtype)
    c = np.full((m, n), np.nan, dtype)
    size = ctypes.c_int64 if blas.integer_bits == 64 else ctypes.c_int32
    real = ctypes.c_float if dtype is np.float32 else ctypes.c_double
    flag, pointer = ctypes.c_int, ctypes.c_void_p
    kinds = [flag, flag, flag, size, size, size, real, pointer, size, pointer, size, real, pointer, size]
    gemm = ctypes.CFUNCTYPE(None, *kinds)(blas.routines[name])
    gemm(
        ROW_MAJOR, NO_TRANSPOSE, NO_TRANSPOSE, m, n, k, 1, a.ctypes.data, k, b.ctypes.data, n, 0, c.ctypes.data, n
    )  # fmt: skip
    np.testing.assert_allclose(c, a @ b, rtol=1e-5)


def test_every_routine_has_its_own_address(blas: Blas) -> None:
    assert set(blas.routines) == set(module.ROUTINES)
    assert len(set(blas.routines.values())) == len(module.ROUTINES)


def test_sizes_are_as_the_build_says(blas: Blas) -> None:
    configured = np.show_config(mode="dicts")["Build Dependencies"]["blas"].get("openblas configuration")
    if not configured:
        pytest.skip("NumPy does not say how its OpenBLAS was built")
    assert blas.integer_bits == (64 if "USE64BITINT" in configured else 32)
    assert "OpenBLAS" in blas.description


def test_threads(blas: Blas) -> None:
    before = blas.threads
    try:
        blas.set_threads(1)
        assert blas.threads == 1
    finally:
        blas.set_threads(before)
    assert blas.threads == before


def test_reasons_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    search = numpy_blas.__wrapped__
    monkeypatch.setattr(module, "_candidates", lambda: iter(()))
    assert "brings no OpenBLAS" in search().reason
    monkeypatch.setattr(module, "_candidates", lambda: iter(["/nowhere/libopenblas.so"]))
    assert "brings no OpenBLAS" in search().reason
    monkeypatch.setattr(module, "_already_loaded", lambda path: ctypes.CDLL(None))
    assert "/nowhere/libopenblas.so" in search().reason
