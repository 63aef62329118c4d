"""Matrix products in machine code of our own, against NumPy in twice the precision."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import numpy as np
import pytest

from graphc.backends.llvm.build import build
from graphc.backends.llvm.link import Library
from graphc.backends.llvm.machine import Machine
from graphc.backends.llvm.matrix_product import DEPTH, HEIGHT, define_product
from graphc.backends.llvm.text import Module

NAMES = {np.float32: "float", np.float64: "double"}
SIZES = [
    (1, 1, 1),
    (3, 5, 7),
    (12, 32, 16),
    (11, 33, 17),
    (25, 48, 15),
    (64, 10, 100),
    (7, 100, DEPTH + 1),
    (30, 40, 2 * DEPTH + 3),
    (HEIGHT + 5, 70, 9),
]


@cache
def library() -> Library:
    module = Module(Machine.host())
    for element in NAMES.values():
        define_product(module, f"product_{element}", element)  # type: ignore[arg-type]
    return build(str(module), [f"product_{element}" for element in NAMES.values()])


def multiply(a: Any, b: Any, out: Any, transpose_a: bool, transpose_b: bool) -> None:
    """out = a @ b; rows may be further apart than they are long."""
    size, flag, address = ctypes.c_int64, ctypes.c_bool, ctypes.c_void_p
    types = (size, size, size, flag, address, size, flag, address, size, address, size)
    function = ctypes.CFUNCTYPE(None, *types)(library()[f"product_{NAMES[a.dtype.type]}"])
    (m, n), k = out.shape, a.shape[0 if transpose_a else 1]
    a_row, b_row, row = (x.strides[0] // x.itemsize for x in (a, b, out))
    function(m, n, k, transpose_a, a.ctypes.data, a_row, transpose_b, b.ctypes.data, b_row, out.ctypes.data, row)


@pytest.mark.parametrize("dtype", NAMES)
@pytest.mark.parametrize("transposes", [(False, False), (True, False), (False, True), (True, True)])
@pytest.mark.parametrize("sizes", SIZES)
def test_products(sizes: tuple[int, int, int], transposes: tuple[bool, bool], dtype: Any) -> None:
    m, n, k = sizes
    random = np.random.default_rng(m + n + k)
    a = random.standard_normal((k, m + 3) if transposes[0] else (m, k + 3)).astype(dtype)
    a = a[:, :m] if transposes[0] else a[:, :k]
    b = random.standard_normal((n, k) if transposes[1] else (k, n)).astype(dtype)
    around = np.full((m + 1, n + 5), 7, dtype)
    multiply(a, b, around[:m, :n], *transposes)
    left, right = (a.T if transposes[0] else a), (b.T if transposes[1] else b)
    exact = left.astype(np.longdouble) @ right.astype(np.longdouble)
    bound = (k + 2) * np.finfo(dtype).eps * (abs(left).astype(np.longdouble) @ abs(right))
    assert (abs(around[:m, :n] - exact) <= bound).all()
    assert (around[m] == 7).all() and (around[:, n:] == 7).all(), "nothing else is written"


@pytest.mark.parametrize("dtype", NAMES)
def test_bits_do_not_depend_on_where_matrices_lie(dtype: Any) -> None:
    random = np.random.default_rng(0)
    a, b = random.standard_normal((50, 70)).astype(dtype), random.standard_normal((70, 45)).astype(dtype)
    results = []
    for shift in (0, 1, 5):
        moved = np.zeros(b.size + shift, dtype)[shift:].reshape(b.shape)
        moved[...] = b
        out = np.empty((50, 45), dtype)
        multiply(a, moved, out, False, False)
        results.append(out)
    rows = np.empty((20, 45), dtype)
    multiply(a[13:33], b, rows, False, False)
    assert all((result == results[0]).all() for result in results)
    assert (rows == results[0][13:33]).all()


def test_infinities_and_nan_stay_in_their_rows() -> None:
    a, b = np.ones((4, 20), np.float32), np.ones((20, 33), np.float32)
    a[1, 3], a[2, 5] = np.inf, np.nan
    out = np.empty((4, 33), np.float32)
    multiply(a, b, out, False, False)
    assert (out[[0, 3]] == 20).all() and np.isposinf(out[1]).all() and np.isnan(out[2]).all()
