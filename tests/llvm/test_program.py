"""Programs as one native function: products, copies, errors before parameters are written."""

import ctypes
from typing import Any

import numpy as np
import pytest

from graphc.backends.llvm.blas import Blas, numpy_blas
from graphc.backends.llvm.build import build
from graphc.backends.llvm.machine import Machine
from graphc.backends.llvm.products import products
from graphc.backends.llvm.program import ENTRY, PRODUCTS, program_text
from graphc.dimension import Dim, symbol
from graphc.errors import CompileError
from graphc.kernel import (
    Buffer,
    CheckIndex,
    Copy,
    For,
    Gemm,
    Index,
    Kernel,
    KernelCall,
    Let,
    Load,
    Program,
    Slot,
    Store,
)
from graphc.ops.elementwise import Negative
from graphc.types import DType, TensorType, float16, float32, float64, int64

b, m, n, k, i = map(symbol, "bmnki")
blas = numpy_blas()
needs_blas = pytest.mark.skipif(not isinstance(blas, Blas) or blas.integer_bits != 64, reason="no 64-bit OpenBLAS")


def run(program: Program, arrays: list[Any], sizes: dict[str, int]) -> int:
    multiplies = any(isinstance(step, Gemm) for step in program.steps)
    made = products(blas, Machine.host()) if multiplies else None  # alive until the call is over
    library = build(program_text(program, Machine.host()), [ENTRY], made.addresses if made else {})
    table = (ctypes.c_void_p * len(arrays))(*(array.ctypes.data for array in arrays))
    dims = (ctypes.c_int64 * len(program.sizes))(*(sizes[name] for name in program.sizes))
    return int(ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p)(library[ENTRY])(table, dims))


def product(dtype: DType, batch: Index, transposes: tuple[bool, bool], batched: tuple[bool, bool]) -> Program:
    def slot(name: str, rows: Dim, columns: Dim, transposed: bool, many: bool, role: Any) -> Slot:
        shape = (columns, rows) if transposed else (rows, columns)
        return Slot(name, TensorType(dtype, (batch, *shape) if many else shape), role)

    left = slot("a", m, k, transposes[0], batched[0], "input")
    right = slot("b", k, n, transposes[1], batched[1], "input")
    out = slot("out", m, n, False, True, "output")
    step = Gemm(left, right, out, batch, m, n, k, *transposes, *batched)
    return Program("product", (left, right, out), (step,), 1, ("b", "m", "n", "k"))


SIZES = [(1, 3, 4, 5), (3, 2, 7, 1), (2, 0, 3, 4), (2, 3, 0, 4), (2, 3, 4, 0), (0, 3, 4, 5)]


@needs_blas
@pytest.mark.parametrize("dtype", [float32, float64], ids=str)
@pytest.mark.parametrize("transposes", [(False, False), (True, False), (False, True), (True, True)])
@pytest.mark.parametrize("batched", [(True, True), (False, True), (True, False)])
def test_products(dtype: DType, transposes: tuple[bool, bool], batched: tuple[bool, bool]) -> None:
    program = product(dtype, b, transposes, batched)
    for sizes in SIZES:
        values = dict(zip("bmnk", sizes))
        generator = np.random.default_rng(0)
        left, right, out = (
            generator.normal(size=slot.type.concrete_shape(values)).astype(dtype.numpy) for slot in program.slots
        )
        assert run(program, [left, right, out], values) == 0
        x = left.swapaxes(-1, -2) if transposes[0] else left
        y = right.swapaxes(-1, -2) if transposes[1] else right
        expected = np.broadcast_to(x @ y, out.shape)
        np.testing.assert_allclose(out, expected, rtol=1e-5, atol=1e-6)


def test_products_of_short_floats_are_refused() -> None:
    with pytest.raises(CompileError, match="float16"):
        program_text(product(float16, b, (False, False), (True, True)), Machine.host())


def negate(buffer_size: Index) -> Kernel:
    body = (Load("a", "x", i), Let("c", float32, Negative(), ("a",)), Store("y", i, "c"))
    buffers = (Buffer("x", float32, buffer_size, "read"), Buffer("y", float32, buffer_size, "write"))
    return Kernel("negate", buffers, ("n",), (For("i", buffer_size, body, mapping="vector"),))


def take() -> Kernel:
    body = (
        Load("a", "indices", i),
        CheckIndex("at", "valid", "a", n),
        Load("c", "x", symbol("at"), "valid"),
        Store("y", i, "c"),
    )
    buffers = (
        Buffer("x", float32, n, "read"),
        Buffer("indices", int64, 2, "read"),
        Buffer("y", float32, 2, "write"),
    )
    return Kernel("take", buffers, ("n",), (For("i", 2, body),))


def test_an_error_leaves_parameters_as_they_were() -> None:
    """The number of the first step that failed comes back, and the steps from `commit` on have not run."""
    indices, out = Slot("i", TensorType(int64, (2,)), "input"), Slot("o", TensorType(float32, (2,)), "output")
    weight = Slot("w", TensorType(float32, (n,)), "parameter")
    new, other = Slot("t", weight.type, "temporary"), Slot("o2", out.type, "output")
    steps = (
        KernelCall(negate(n), (weight, new)),
        KernelCall(take(), (weight, indices, out)),
        KernelCall(take(), (weight, indices, other)),
        Copy(new, weight),
    )
    program = Program("update", (indices, out, weight, new, other), steps, 3, ("n",))
    for index, code in (([1, -5], 0), ([2, 5], 2), ([-6, 0], 2)):
        w = np.arange(5, dtype=np.float32)
        o, t, o2 = np.zeros(2, np.float32), np.zeros(5, np.float32), np.zeros(2, np.float32)
        assert run(program, [np.array(index), o, w, t, o2], {"n": 5}) == code
        assert np.array_equal(w, np.arange(5) if code else -np.arange(5))
        if not code:
            assert np.array_equal(o, [1, 0])


def test_names_of_users_do_not_collide() -> None:
    """A kernel called main, a size called like its buffer."""
    x, y = (Slot(name, TensorType(float32, (symbol("x"),)), "input") for name in "xy")
    body = (Load("a", "x", i), Store("y", i, "a"))
    buffers = (Buffer("x", float32, symbol("x"), "read"), Buffer("y", float32, symbol("x"), "write"))
    kernel = Kernel("main", buffers, ("x",), (For("i", symbol("x"), body, mapping="vector"),))
    program = Program("copy", (x, y), (KernelCall(kernel, (x, y)),), 1, ("x",))
    source, target = np.arange(9, dtype=np.float32), np.zeros(9, np.float32)
    assert run(program, [source, target], {"x": 9}) == 0
    assert np.array_equal(source, target)


def test_text_is_deterministic() -> None:
    program = product(float32, b, (True, False), (True, False))
    assert program_text(program, Machine.host()) == program_text(program, Machine.host())
    assert f"graphc_{PRODUCTS[float32]}" in program_text(program, Machine.host())
