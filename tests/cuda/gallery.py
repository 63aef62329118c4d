"""Kernels of every shape, made by hand, and what runs them on the emulator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from graphc.backends.cuda import nvrtc
from graphc.backends.cuda.executable import EmulatorExecutable
from graphc.backends.cuda.module import CudaModule
from graphc.dimension import Dim, evaluate, symbol
from graphc.errors import TargetError
from graphc.kernel import (
    Accumulate,
    Accumulator,
    Buffer,
    CheckIndex,
    For,
    Kernel,
    KernelCall,
    Let,
    Literal,
    Load,
    Position,
    Program,
    Slot,
    Statement,
    Store,
)
from graphc.ops import elementwise as ops, logic
from graphc.types import DType, TensorType, bool_, float32, int64

m, n, k, i, j, p = map(symbol, "mnkijp")
Sizes = Mapping[str, int]
Array = np.ndarray[Any, Any]
ARCHITECTURES = ["sm_80", "sm_90"]
_ROLES = {"read": "input", "write": "output", "update": "parameter", "scratch": "scratch"}


def kernel(name: str, buffers: tuple[Buffer, ...], *body: Statement) -> Kernel:
    return Kernel(name, buffers, ("m", "n"), body)


def reading(name: str, size: int | Dim, dtype: DType = float32) -> Buffer:
    return Buffer(name, dtype, size, "read")


def writing(name: str, size: int | Dim, dtype: DType = float32) -> Buffer:
    return Buffer(name, dtype, size, "write")


def program_of(*kernels: Kernel) -> tuple[Program, dict[str, Slot]]:
    """A program that calls kernels in order; buffers of one name are one slot."""
    slots: dict[str, Slot] = {}
    for buffer in (b for each in kernels for b in each.buffers):
        role: Any = _ROLES[buffer.access]
        slots.setdefault(buffer.name, Slot(buffer.name, TensorType(buffer.dtype, (buffer.size,)), role))
    steps = tuple(KernelCall(each, tuple(slots[b.name] for b in each.buffers)) for each in kernels)
    return Program("test", tuple(slots.values()), steps, len(steps), ("m", "n")), slots


class Runner:
    """A kernel compiled for the emulator, and run with fresh outputs at any sizes."""

    def __init__(self, *kernels: Kernel, checked: bool = True) -> None:
        self.program, self.slots = program_of(*kernels)
        self.executable = EmulatorExecutable(self.program, checked=checked)
        self.code = 0

    def __call__(self, sizes: Sizes, **arrays: np.ndarray[Any, Any]) -> dict[str, np.ndarray[Any, Any]]:
        """The outputs and parameters by name; `arrays` give inputs and parameters."""
        given = {self.slots[name]: np.ascontiguousarray(array).reshape(-1) for name, array in arrays.items()}
        for slot in self.program.slots:
            if slot.role == "output":
                raw = np.full(evaluate(slot.type.size, sizes) * slot.type.dtype.bytes, 0xFF, np.uint8)
                given[slot] = raw.view(slot.type.dtype.numpy)
        self.code = self.executable.run(given, sizes)
        return {slot.name: array for slot, array in given.items() if slot.role in ("output", "parameter")}


def random(*shape: int, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def check(actual: np.ndarray[Any, Any], expected: Any, tolerance: float = 2e-6) -> None:
    expected = np.asarray(expected)
    np.testing.assert_allclose(
        actual.reshape(expected.shape).astype(np.float64),
        expected.astype(np.float64),
        rtol=tolerance,
        atol=tolerance,
    )


EDGES = [(1, 1), (3, 5), (2, 8), (5, 33), (1, 257), (0, 4), (4, 0), (7, 1)]


def compile_for_gpu(program: Program, architecture: str) -> None:
    try:
        assert nvrtc.compile_cubin(CudaModule(program).text, architecture).image
    except TargetError as error:
        pytest.skip(error.message)


# --- the kernels ---

ADD_BIAS = kernel(
    "add_bias",
    (reading("x", m * n), reading("b", n), reading("c", m), writing("y", m * n)),
    For("i", m, (
        For("j", n, (
            Load("x1", "x", i * n + j),
            Load("b1", "b", j),
            Load("c1", "c", i),
            Let("t", float32, ops.Add(), ("x1", "b1")),
            Let("u", float32, ops.Sigmoid(), ("t",)),
            Let("v", float32, ops.Multiply(), ("u", "c1")),
            Store("y", i * n + j, "v"),
        )),
    )),
)  # fmt: skip

TRANSPOSE = kernel(
    "transpose",
    (reading("x", m * n), writing("y", m * n)),
    For("i", n, (For("j", m, (Load("a", "x", j * n + i), Store("y", i * m + j, "a"))),)),
)

SOFTMAX = kernel(
    "softmax",
    (reading("x", m * n), writing("y", m * n), Buffer("e", float32, n, "scratch")),
    For("i", m, (
        For("j", n, (Load("a", "x", i * n + j), Accumulate("top", "a")), "reduce",
            (Accumulator("top", float32, "max"),)),
        For("j", n, (
            Load("b", "x", i * n + j),
            Let("c", float32, ops.Subtract(), ("b", "top")),
            Let("d", float32, ops.Exp(), ("c",)),
            Store("e", j, "d"),
            Accumulate("total", "d"),
        ), "reduce", (Accumulator("total", float32, "sum"),)),
        For("j", n, (
            Load("f", "e", j),
            Let("g", float32, ops.Divide(), ("f", "total")),
            Store("y", i * n + j, "g"),
        )),
    )),
)  # fmt: skip

REVERSED_ROWS = kernel(  # an element of scratch is read by another thread than the one that wrote it
    "reversed_rows",
    (reading("x", m * n), writing("y", m * n), Buffer("row", float32, n, "scratch")),
    For("i", m, (
        For("j", n, (Load("a", "x", i * n + j), Store("row", j, "a"))),
        For("j", n, (Load("b", "row", n - 1 - j), Store("y", i * n + j, "b"))),
    )),
)  # fmt: skip

ROW_MAXIMUM = kernel(
    "row_maximum",
    (reading("x", m * n), writing("y", m)),
    For("i", m, (
        For("j", n, (Load("a", "x", i * n + j), Accumulate("top", "a")), "reduce",
            (Accumulator("top", float32, "max"),)),
        Store("y", i, "top"),
    )),
)  # fmt: skip

COLUMN_SUM = kernel(
    "column_sum",
    (reading("x", m * n), writing("y", n)),
    For("j", n, (
        For("i", m, (Load("a", "x", i * n + j), Accumulate("total", "a")), "reduce",
            (Accumulator("total", float32, "sum"),)),
        Store("y", j, "total"),
    )),
)  # fmt: skip

FULL_SUM = kernel(
    "full_sum",
    (reading("x", m * n), writing("y", 1), writing("z", m * n)),
    For("i", m, (
        For("j", n, (Load("a", "x", i * n + j), Accumulate("total", "a"), Accumulate("top", "a")), "reduce"),
    ), "reduce", (Accumulator("total", float32, "sum"), Accumulator("top", float32, "max"))),
    Store("y", 0, "total"),
    For("i", m * n, (
        Load("b", "x", i),
        Let("c", float32, ops.Subtract(), ("b", "top")),
        Store("z", i, "c"),
    )),
)  # fmt: skip

VARIANCE = kernel(  # the second reduction needs the result of the first
    "variance",
    (reading("x", m * n), writing("y", 1)),
    For("i", m * n, (Load("a", "x", i), Accumulate("total", "a")), "reduce",
        (Accumulator("total", float32, "sum"),)),
    Position("count", float32, m * n),
    Let("mean", float32, ops.Divide(), ("total", "count")),
    For("i", m * n, (
        Load("b", "x", i),
        Let("c", float32, ops.Subtract(), ("b", "mean")),
        Let("d", float32, ops.Square(), ("c",)),
        Accumulate("squares", "d"),
    ), "reduce", (Accumulator("squares", float32, "sum"),)),
    Let("result", float32, ops.Divide(), ("squares", "count")),
    Store("y", 0, "result"),
)  # fmt: skip

CONCATENATE = kernel(
    "concatenate",
    (reading("x", m * n), reading("b", n), writing("y", (m + 1) * n)),
    For("i", m, (For("j", n, (Load("a", "x", i * n + j), Store("y", i * n + j, "a"))),)),
    For("j", n, (Load("a", "b", j), Store("y", m * n + j, "a"))),
)

GATHER = kernel(
    "gather",
    (reading("x", m * n), reading("at", n, int64), writing("y", n * n)),
    For("i", n, (
        Load("raw", "at", i),
        CheckIndex("row", "ok", "raw", m),
        For("j", n, (Load("a", "x", symbol("row") * n + j), Store("y", i * n + j, "a"))),
    )),
)  # fmt: skip

SCATTER_ADD = kernel(
    "scatter_add",
    (reading("v", n), reading("at", n, int64), Buffer("y", float32, m, "update")),
    For("i", n, (
        Load("raw", "at", i),
        CheckIndex("place", "ok", "raw", m),
        Load("a", "v", i),
        Load("old", "y", symbol("place"), mask="ok"),
        Let("new", float32, ops.Add(), ("old", "a")),
        Store("y", symbol("place"), "new", mask="ok"),
    ), "serial"),
)  # fmt: skip

SCATTER_ROWS = kernel(
    "scatter_rows",
    (reading("v", n * n), reading("at", n, int64), Buffer("y", float32, m * n, "update")),
    For("i", n, (
        Load("raw", "at", i),
        CheckIndex("place", "ok", "raw", m),
        For("j", n, (
            Load("a", "v", i * n + j),
            Load("old", "y", symbol("place") * n + j, mask="ok"),
            Let("new", float32, ops.Add(), ("old", "a")),
            Store("y", symbol("place") * n + j, "new", mask="ok"),
        )),
    ), "serial"),
)  # fmt: skip

PAD = kernel(
    "pad",
    (reading("x", n), writing("y", n + 2)),
    For("i", n + 2, (
        Position("at", int64, i - 1),
        Let("low", bool_, logic.LessEqual(), (Literal(0, int64), "at")),
        Position("size", int64, n),
        Let("high", bool_, logic.Less(), ("at", "size")),
        Let("inside", bool_, logic.LogicalAnd(), ("low", "high")),
        Load("a", "x", i - 1, mask="inside"),
        Store("y", i, "a"),
    )),
)  # fmt: skip

RECURRENCE = kernel(  # h[t] = mean(h[t-1]) + x[t]: the rows in order, each by the whole block
    "recurrence",
    (reading("x", m * n), writing("y", m * n), Buffer("h", float32, n, "scratch")),
    For("j", n, (Store("h", j, Literal(0.0, float32)),)),
    For("i", m, (
        For("j", n, (Load("a", "h", j), Accumulate("total", "a")), "reduce",
            (Accumulator("total", float32, "sum"),)),
        Position("count", float32, n),
        Let("mean", float32, ops.Divide(), ("total", "count")),
        For("j", n, (
            Load("b", "x", i * n + j),
            Let("c", float32, ops.Add(), ("b", "mean")),
            Store("h", j, "c"),
            Store("y", i * n + j, "c"),
        )),
    ), "serial"),
)  # fmt: skip

SHORT_ROWS = kernel(  # rows of 3: one thread each, with scratch of its own
    "short_rows",
    (reading("x", m * 3), writing("y", m), Buffer("row", float32, 3, "scratch")),
    For("i", m, (
        For("j", 3, (Load("a", "x", i * 3 + j), Store("row", 2 - j, "a"))),
        For("j", 3, (Load("b", "row", j), Accumulate("top", "b")), "reduce",
            (Accumulator("top", float32, "max"),)),
        Load("first", "row", 0),
        Let("c", float32, ops.Subtract(), ("top", "first")),
        Store("y", i, "c"),
    )),
)  # fmt: skip

PREFIX_MAXIMA = kernel(  # scratch belongs to an iteration of the inner parallel loop, and is long
    "prefix_maxima",
    (reading("x", m * n), writing("y", m * n), writing("z", m), Buffer("row", float32, n, "scratch")),
    For("i", m, (
        Store("z", i, Literal(7.0, float32)),
        For("j", n, (
            For("k", n, (
                Position("at", int64, j - k),
                Let("before", bool_, logic.LessEqual(), (Literal(0, int64), "at")),
                Load("a", "x", i * n + k, mask="before"),
                Store("row", k, "a"),
            ), "serial"),
            For("k", n, (
                Load("b", "row", k),
                Accumulate("top", "b"),
            ), "reduce", (Accumulator("top", float32, "max"),)),
            Store("y", i * n + j, "top"),
        )),
    )),
)  # fmt: skip

UPDATE = kernel(
    "update",
    (reading("g", m * n), Buffer("w", float32, m * n, "update")),
    For("i", m * n, (
        Load("w0", "w", i),
        Load("g0", "g", i),
        Let("step", float32, ops.Multiply(), ("g0", Literal(0.5, float32))),
        Let("w1", float32, ops.Subtract(), ("w0", "step")),
        Store("w", i, "w1"),
    )),
)  # fmt: skip

ALL = [
    ADD_BIAS, TRANSPOSE, SOFTMAX, REVERSED_ROWS, ROW_MAXIMUM, COLUMN_SUM, FULL_SUM, VARIANCE, CONCATENATE,
    GATHER, SCATTER_ADD, SCATTER_ROWS, PAD, RECURRENCE, SHORT_ROWS, PREFIX_MAXIMA, UPDATE,
]  # fmt: skip
