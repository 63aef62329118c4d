"""Elementwise ops of every dtype as CUDA C++, run on the emulator, against NumPy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from graphc import types
from graphc.backends.cuda.executable import EmulatorExecutable
from graphc.kernel import (
    For,
    Kernel,
    KernelCall,
    Let,
    Load,
    Program,
    Slot,
    Store,
)
from graphc.ops import elementwise as ops, logic
from graphc.ops.conversion import Cast
from graphc.types import DType, TensorType, bool_
from tests.cuda.gallery import ARCHITECTURES, Array, compile_for_gpu, i, kernel, n, reading, writing

# --- ops and dtypes ---


def elementwise(op: Any, *dtypes: DType, result: DType) -> Kernel:
    buffers = (*(reading(f"x{d}", n, dtype) for d, dtype in enumerate(dtypes)), writing("y", n, result))
    loads = tuple(Load(f"a{d}", f"x{d}", i) for d in range(len(dtypes)))
    let = Let("b", result, op, tuple(load.name for load in loads))
    return kernel(f"{op.name}_{dtypes[-1]}_{result}", buffers, For("i", n, (*loads, let, Store("y", i, "b"))))


def samples(dtype: DType, seed: int) -> Array:
    """19 numbers: the ends of the range, zeros, and everyday ones."""
    generator = np.random.default_rng(seed)
    if dtype.is_float:
        special = [0.0, -0.0, 1.0, -1.5, 2.5, -2.5, np.inf, -np.inf, np.nan, 0.1, 3.0]
        values = np.array([*special, *generator.normal(0, 3, 8)])
    elif dtype is bool_:
        return generator.integers(0, 2, 19).astype(bool)
    else:
        limits = np.iinfo(dtype.numpy)
        everyday = generator.integers(-9 if limits.min else 0, 9, 15).tolist()
        return np.array([*everyday, int(limits.min), int(limits.max), 0, 1], dtype.numpy)
    return generator.permutation(values).astype(dtype.numpy)


def reference(function: Callable[..., Any], *xs: Array, dtype: DType) -> Array:
    compute = xs[0].dtype if xs[0].dtype not in (np.float16, ml_dtypes.bfloat16) else np.dtype(np.float32)
    with np.errstate(all="ignore"):
        return np.asarray(function(*(x.astype(compute) for x in xs))).astype(dtype.numpy)


BINARY: list[tuple[Any, Callable[..., Any]]] = [
    (ops.Add(), np.add),
    (ops.Subtract(), np.subtract),
    (ops.Multiply(), np.multiply),
    (ops.Maximum(), np.maximum),
    (ops.Minimum(), np.minimum),
    (ops.FloorDivide(), np.floor_divide),
    (ops.Remainder(), np.remainder),
]
COMPARISONS = [
    (logic.Less(), np.less),
    (logic.Equal(), np.equal),
    (logic.NotEqual(), np.not_equal),
    (logic.LessEqual(), np.less_equal),
]
UNARY = [
    (ops.Abs(), np.abs), (ops.Negative(), np.negative), (ops.Exp(), np.exp), (ops.Tanh(), np.tanh),
    (ops.Round(), np.round), (ops.Floor(), np.floor), (ops.Sign(), np.sign), (ops.Sqrt(), np.sqrt),
    (ops.Log1p(), np.log1p),
]  # fmt: skip
BITWISE = [
    logic.BitwiseLeftShift(), logic.BitwiseRightShift(), logic.BitwiseAnd(), logic.BitwiseOr(), logic.BitwiseXor(),
]  # fmt: skip
NUMBERS = [dtype for dtype in types.DTYPES if dtype is not bool_]


def same(actual: Array, expected: Array, context: str, ulps: int = 0) -> None:
    if expected.dtype.kind in "iub":
        assert actual.tolist() == expected.tolist(), context
        return
    a, b = actual.astype(np.float64), expected.astype(np.float64)
    step = np.spacing(np.abs(expected[np.isfinite(b)])).astype(np.float64)
    assert (np.isnan(a) == np.isnan(b)).all(), context
    infinite = np.isinf(b)
    assert (a[infinite] == b[infinite]).all(), context
    finite = np.isfinite(b)
    assert (np.abs(a[finite] - b[finite]) <= ulps * step).all(), context


@pytest.mark.parametrize("dtype", NUMBERS, ids=str)
def test_arithmetic_is_that_of_numpy(dtype: DType) -> None:
    kernels = [elementwise(op, dtype, dtype, result=dtype) for op, _ in BINARY]
    kernels += [elementwise(op, dtype, dtype, result=bool_) for op, _ in COMPARISONS]
    x, y = samples(dtype, 1), samples(dtype, 2)
    expected = [f for _, f in BINARY + COMPARISONS]
    run_each(kernels, [reference(f, x, y, dtype=k.buffers[-1].dtype) for f, k in zip(expected, kernels)], x, y)


def program_of_each(kernels: Sequence[Kernel], inputs: Sequence[DType]) -> tuple[Program, list[Slot], list[Slot]]:
    """All kernels in one program, on the same inputs, each with its own output."""
    given = [Slot(f"x{d}", TensorType(dtype, (n,)), "input") for d, dtype in enumerate(inputs)]
    results = [Slot(f"y{d}", TensorType(each.buffers[-1].dtype, (n,)), "output") for d, each in enumerate(kernels)]
    steps = tuple(KernelCall(each, (*given[: len(each.buffers) - 1], result)) for each, result in zip(kernels, results))
    return Program("ops", (*given, *results), steps, len(steps), ("m", "n")), given, results


def run_each(kernels: list[Kernel], expected: list[Array], *xs: Array, ulps: int = 0) -> None:
    program, given, results = program_of_each(kernels, [types.as_dtype(x.dtype) for x in xs])
    executable = EmulatorExecutable(program, checked=False)
    for size in (len(xs[0]), 1, 0):
        arrays = {slot: x[:size].copy() for slot, x in zip(given, xs)}
        arrays.update({result: np.empty(size, result.type.dtype.numpy) for result in results})
        assert executable.run(arrays, {"m": 1, "n": size}) == 0
        for each, result, right in zip(kernels, results, expected):
            same(arrays[result], right[:size], each.name, ulps)


@pytest.mark.parametrize("dtype", [d for d in types.DTYPES if d.is_float], ids=str)
def test_functions_of_floats(dtype: DType) -> None:
    kernels = [elementwise(op, dtype, result=dtype) for op, _ in UNARY]
    x = samples(dtype, 3)
    run_each(kernels, [reference(f, x, dtype=dtype) for _, f in UNARY], x, ulps=2)


@pytest.mark.parametrize("source", types.DTYPES, ids=str)
def test_casts(source: DType) -> None:
    """Floats saturate and NaN gives 0; the rest is NumPy's."""
    x = samples(source, 4)
    if source.is_float:
        large = np.array([300.7, -300.7, 6e4, -1e10, 3e9, 1e20, -1e20], np.float64)
        with np.errstate(over="ignore"):
            x = np.concatenate([x, large.astype(source.numpy)])
    expected = []
    for target in types.DTYPES:
        if source.is_float and target.is_integer:
            limits = np.iinfo(target.numpy)
            wide = np.trunc(np.nan_to_num(x.astype(np.float64), nan=0.0))
            clipped = [
                min(max(int(v) if np.isfinite(v) else int(np.sign(v)) * 2**70, limits.min), limits.max) for v in wide
            ]
            expected.append(np.array(clipped, target.numpy))
        else:
            expected.append(reference(lambda v: v, x, dtype=target))
    run_each([elementwise(Cast(target), source, result=target) for target in types.DTYPES], expected, x)


@pytest.mark.parametrize("dtype", [d for d in types.DTYPES if d.is_integer], ids=str)
def test_bits_and_shifts(dtype: DType) -> None:
    x = samples(dtype, 5)
    counts = np.minimum(np.arange(19) * 4, 100).astype(dtype.numpy)
    wide = [int(v) for v in x]
    mask = 2**dtype.bits - 1

    def wrapped(values: list[int]) -> Array:
        unsigned = np.array([v & mask for v in values], np.uint64)
        return unsigned.astype(dtype.numpy)

    expected = [
        wrapped([v << int(c) for v, c in zip(wide, counts)]),
        wrapped([v >> int(c) for v, c in zip(wide, counts)]),
        x & counts, x | counts, x ^ counts,
    ]  # fmt: skip
    run_each([elementwise(op, dtype, dtype, result=dtype) for op in BITWISE], expected, x, counts)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("dtype", types.DTYPES, ids=str)
def test_compilers_for_gpus_accept_them(dtype: DType, architecture: str) -> None:
    kernels = [elementwise(Cast(target), dtype, result=target) for target in types.DTYPES]
    if dtype is not bool_:
        kernels += [elementwise(op, dtype, dtype, result=dtype) for op, _ in BINARY]
    if dtype.is_float:
        kernels += [elementwise(op, dtype, result=dtype) for op, _ in UNARY]
    if dtype.is_integer:
        kernels += [elementwise(op, dtype, dtype, result=dtype) for op in BITWISE]
    compile_for_gpu(program_of_each(kernels, [dtype, dtype])[0], architecture)
