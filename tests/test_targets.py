"""Every target gives what the reference gives: the same graphs, sizes around the widths of vectors and tiles."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import graphc as gc
from graphc.backends.cuda.module import CudaModule
from graphc.backends.cuda.nvrtc import compile_cubin
from graphc.ir.leaf import Input
from graphc.ir.node import topological

RNG = np.random.default_rng(0)


def _inputs() -> dict[str, Any]:
    return {
        "x": gc.input("x", ("n", 10)),
        "y": gc.input("y", ("n", 10)),
        "i": gc.input("i", ("n",), "int64"),
        "k": gc.input("k", ("n", 5), "int32"),
        "d": gc.input("d", ("n", 3, 4), "float64"),
        "h": gc.input("h", ("n", 7), "float16"),
        "bf": gc.input("bf", ("n", 7), "bfloat16"),
        "b": gc.input("b", ("n", 5), "bool"),
        "u": gc.input("u", ("n", 5), "uint8"),
    }


def _data(n: int) -> dict[str, Any]:
    return {
        "x": RNG.normal(size=(n, 10)).astype("f4"),
        "y": RNG.normal(size=(n, 10)).astype("f4"),
        "i": RNG.integers(0, 10, n),
        "k": RNG.integers(-5, 5, (n, 5)).astype("i4"),
        "d": RNG.normal(size=(n, 3, 4)),
        "h": RNG.normal(size=(n, 7)).astype("f2"),
        "bf": RNG.normal(size=(n, 7)).astype(ml_dtypes.bfloat16),
        "b": RNG.random((n, 5)) > 0.5,
        "u": RNG.integers(0, 255, (n, 5)).astype("u1"),
    }


IN = _inputs()
x, y, i, k, d, h, bf, b, u = IN.values()
w = gc.parameter("w", RNG.normal(size=(10, 6)).astype("f4"))
v = gc.parameter("v", RNG.normal(size=(6,)).astype("f4"))
table = gc.parameter("table", RNG.normal(size=(10, 6)).astype("f4"))

CASES: dict[str, Callable[[], Any]] = {
    "elementwise": lambda: gc.tanh(x * y + 1) * gc.sigmoid(y) - gc.exp(-gc.square(x)),
    "softmax": lambda: gc.softmax(x),
    "naive softmax": lambda: gc.exp(x) / gc.sum(gc.exp(x), axis=1, keepdims=True),
    "logsumexp": lambda: gc.logsumexp(x, axis=1),
    "log_softmax": lambda: gc.log_softmax(x),
    "long rows": lambda: gc.softmax(gc.broadcast_to(x[:, :1], ("n", 300)) * np.arange(300, dtype="f4")),
    "reductions": lambda: [gc.sum(x * y, axis=0), gc.sum(x * y), gc.mean(x), gc.mean(x, axis=0), gc.max(x, axis=0)],
    "positions": lambda: [gc.argmax(x, axis=1), gc.argmin(x, axis=0), gc.argmax(x)],
    "products": lambda: [gc.prod(x, axis=1), gc.min(x, axis=1)],
    "any and all": lambda: [gc.any(b, axis=1), gc.all(b, axis=0), gc.any(b), gc.sum(b, axis=1)],
    "matmul": lambda: [x @ w + v, w.T @ x.T, x.T @ y, w @ v, d @ gc.transpose(d, (0, 2, 1)), d @ np.ones((4, 5))],
    "matmul of integers": lambda: [k @ k.T, u @ u.T],
    "matmul of halves": lambda: [h @ h.T, bf.T @ bf],
    "layer norm": lambda: (x - gc.mean(x, axis=1, keepdims=True)) / gc.sqrt(gc.var(x, axis=1, keepdims=True) + 1e-5),
    "slices": lambda: [x[1:, ::-2], x[:, 3], x[None, ..., 2:5], x[-1], gc.flip(x) * 2, gc.exp(x.T) + 1],
    "pad and concat": lambda: [
        gc.pad(x, ((1, 2), (0, 3)), value=7.0) * 2,
        gc.concat([x, y * 2, x[:, :3]], axis=1) + 1,
        gc.concat([x, y], axis=0),
        gc.stack([x, y], axis=1),
    ],
    "gather": lambda: [table[i], gc.take(x, [1, 2, -1], axis=1), gc.one_hot(i, 10)],
    "gather of a row operation": lambda: gc.take_along_axis(gc.log_softmax(x), i[:, None], axis=1),
    "reshape": lambda: [
        x.reshape(-1),
        (x * 2).reshape((-1, 5)),
        gc.sum((x + 1).reshape((-1, 5)), axis=1),
        gc.exp(x).reshape(("n", 2, 5))[:, 1],
    ],
    "casts": lambda: [
        (x * 100).astype("int8"),
        k.astype("float32"),
        u.astype("float16"),
        x.astype("bool"),
        bf.astype("float32"),
        h.astype("bfloat16"),
    ],
    "halves": lambda: [h * 2 + 1, gc.sum(h, axis=1), gc.mean(h, axis=0), gc.softmax(h), gc.exp(bf), gc.sum(bf)],
    "integers": lambda: [k // 3, k % 3, k * k - 1, u + u, -k, k // 0, gc.sum(k, axis=0), gc.max(k), k**2],
    "comparisons": lambda: [x < y, (x == y) | (x > 0), ~b, gc.where(b, k, -k), gc.maximum(x, y), gc.isnan(x)],
    "functions": lambda: [
        gc.erf(x), gc.erfc(x), gc.log1p(abs(x)), gc.expm1(x), gc.sin(x), gc.cos(x), gc.tan(x), gc.sqrt(abs(x)),
        gc.rsqrt(abs(x) + 1), gc.floor(x), gc.ceil(x), gc.round(x), gc.sign(x), abs(x) ** y, gc.softplus(x),
        gc.logaddexp(x, y), gc.log1mexp(-abs(x)),
    ],
    "constants": lambda: [gc.zeros((3,)), x + np.arange(10, dtype="f4"), gc.iota(5), gc.ones(("n", 2)), x],
    "aliases": lambda: [x, x, x.reshape(-1), y + 0.0],
    "several results": lambda: [gc.exp(x), gc.sum(gc.exp(x), axis=1), gc.exp(x) + y],
    "attention": lambda: gc.softmax(d @ d.mT / 2.0) @ d,
    "gradient of a loss": lambda: gc.grad(
        -gc.mean(gc.take_along_axis(gc.log_softmax(x @ w @ w.T), i[:, None], axis=1)), [x, w]
    ),
    "gradient of a gather": lambda: gc.grad(gc.sum(gc.square(table[i])), table),
    "gradient of layer norm": lambda: gc.grad(
        gc.sum(y * (x - gc.mean(x, axis=1, keepdims=True)) / gc.sqrt(gc.var(x, axis=1, keepdims=True) + 1e-5)), [x, y]
    ),
    "gradient of movement": lambda: gc.grad(
        gc.sum(gc.square(gc.concat([x[:, ::-2], gc.pad(y, 1)[1:-1, :3]], axis=1))) + gc.sum(gc.stack([x, y]) ** 3),
        [x, y],
    ),
    "gradient of max and prod": lambda: gc.grad(
        gc.sum(gc.max(x, axis=1) + gc.max(x, axis=0)[3] + gc.prod(x, axis=1)), x
    ),
    "dot with itself": lambda: [gc.sum(x) * 2 + 1, gc.max(x) - gc.min(x)],
}  # fmt: skip

LOOSE = {"matmul of halves": 2e-3, "halves": 2e-3, "casts": 2e-3}
TARGETS = [
    "llvm",
    pytest.param("cuda-emulator", marks=pytest.mark.skipif(not shutil.which("g++"), reason="needs g++")),
]


def _outputs(case: str) -> list[Any]:
    built = CASES[case]()
    return list(built) if isinstance(built, list | tuple) else [built]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("case", CASES)
def test_target_agrees_with_the_reference(case: str, target: str) -> None:
    outputs = _outputs(case)
    inputs = [node for node in topological(outputs) if isinstance(node.op, Input)]
    compiled = gc.compile(inputs, outputs, target=target)
    reference = gc.compile(inputs, outputs, target="reference")
    for n in (1, 17) if target == "cuda-emulator" else (1, 2, 16, 17, 33):
        data = _data(n)
        arrays = [data[node.op.label] for node in inputs]
        for got, wanted in zip(compiled(*arrays), reference(*arrays), strict=True):
            assert got.dtype == wanted.dtype and got.shape == wanted.shape
            if got.dtype.kind in "fV":
                got, wanted = got.astype("f8"), wanted.astype("f8")
            tolerance = LOOSE.get(case, 1e-4)
            np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance)
    assert compiled.compile_count == 1


@pytest.mark.parametrize("architecture", ["sm_80", "sm_90"])
@pytest.mark.parametrize("case", CASES)
def test_kernels_compile_for_gpus(case: str, architecture: str) -> None:
    outputs = _outputs(case)
    inputs = [node for node in topological(outputs) if isinstance(node.op, Input)]
    module = CudaModule(gc.compile(inputs, outputs, target="reference").program)
    try:
        cubin = compile_cubin(module.text, architecture)
    except gc.TargetError as error:
        pytest.skip(str(error))
    assert cubin.image.startswith(b"\x7fELF")
