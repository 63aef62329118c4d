"""Matrix products and copies of our own, run on the emulator, against NumPy."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from graphc import types
from graphc.backends.cuda.executable import EmulatorExecutable
from graphc.dimension import symbol
from graphc.kernel import (
    Copy,
    Gemm,
    Program,
    Slot,
    Step,
)
from graphc.types import DType, TensorType, float32
from tests.cuda.gallery import ARCHITECTURES, check, compile_for_gpu, k, m, n, random

# --- matrix products and copies ---


def matmul_program(dtype: DType, ta: bool, tb: bool, batched_a: bool, batched_b: bool) -> Program:
    batch = symbol("b")
    a = Slot("a", TensorType(dtype, ((batch if batched_a else 1) * m * k,)), "input")
    b = Slot("b", TensorType(dtype, ((batch if batched_b else 1) * k * n,)), "input")
    c = Slot("c", TensorType(dtype, (batch * m * n,)), "temporary")
    out = Slot("out", TensorType(dtype, (batch * m * n,)), "output")
    steps: tuple[Step, ...] = (Gemm(a, b, c, batch, m, n, k, ta, tb, batched_a, batched_b), Copy(c, out))
    return Program("matmul", (a, b, c, out), steps, 2, ("b", "m", "n", "k"))


@pytest.mark.parametrize("ta", [False, True])
@pytest.mark.parametrize("tb", [False, True])
def test_matmul(ta: bool, tb: bool) -> None:
    program = matmul_program(float32, ta, tb, True, False)
    executable = EmulatorExecutable(program)
    for sizes in [(1, 1, 1, 1), (2, 65, 3, 17), (1, 3, 65, 16), (3, 2, 2, 0), (0, 2, 2, 2), (1, 0, 5, 5)]:
        batch, rows, columns, inner = sizes
        a, b = random(batch, rows, inner), random(inner, columns, seed=1)
        out = np.full(batch * rows * columns, np.nan, np.float32)
        stored = (a.swapaxes(1, 2) if ta else a, b.T if tb else b, out)
        slots = [program.slots[0], program.slots[1], program.slots[3]]
        arrays = {slot: np.ascontiguousarray(x).reshape(-1) for slot, x in zip(slots, stored)}
        assert executable.run(arrays, dict(zip(("b", "m", "n", "k"), sizes))) == 0
        check(arrays[slots[2]], a @ b, 1e-5)


@pytest.mark.parametrize("dtype", [d for d in types.DTYPES if d.is_float], ids=str)
def test_matmul_dtypes(dtype: DType) -> None:
    program = matmul_program(dtype, False, False, False, True)
    a, b = random(7, 9).astype(dtype.numpy), random(2, 9, 5, seed=1).astype(dtype.numpy)
    out = np.zeros(2 * 7 * 5, dtype.numpy)
    arrays = {program.slots[0]: a.reshape(-1), program.slots[1]: b.reshape(-1), program.slots[3]: out}
    assert EmulatorExecutable(program).run(arrays, {"b": 2, "m": 7, "n": 5, "k": 9}) == 0
    check(out, a.astype(np.float64) @ b.astype(np.float64), float(ml_dtypes.finfo(dtype.numpy).eps) * 8)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("dtype", [d for d in types.DTYPES if d.is_float], ids=str)
def test_compilers_for_gpus_accept_it(dtype: DType, architecture: str) -> None:
    compile_for_gpu(matmul_program(dtype, True, False, True, True), architecture)
