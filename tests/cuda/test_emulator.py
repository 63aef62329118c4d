"""The CUDA emulator: correct kernels run right in every schedule, and each kind of defect is found."""

import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from graphc.backends.cuda import emulator
from graphc.backends.cuda.emulator import Module, compilation, empty
from graphc.errors import CompileError, EmulatorError, TargetError

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="the CUDA emulator needs g++")

KERNELS = Path(__file__).parent / "kernels"
Array = np.ndarray[Any, Any]


def text(name: str) -> str:
    return (KERNELS / f"{name}.cu").read_text()


def changed(name: str, old: str, new: str, count: int = 1) -> str:
    source = text(name)
    assert old in source
    return source.replace(old, new, count)


def normal(*shape: int, dtype: Any = np.float32) -> Array:
    array = empty(shape, dtype)
    array[...] = np.random.default_rng(len(shape)).standard_normal(shape)
    return array


def softmax(module: Module, **options: Any) -> tuple[Array, Array]:
    x, y = normal(3, 257), empty((3, 257), np.float32)
    module.launch("softmax_rows", (3,), (256,), [x, y, 257], outputs=["y"], **options)
    e = np.exp(x.astype(np.float64) - x.max(1, keepdims=True))
    return y, e / e.sum(1, keepdims=True)


def matmul(module: Module, **options: Any) -> tuple[Array, Array]:
    left, right, product = normal(33, 34), normal(34, 35), empty((33, 35), np.float32)
    arguments = [left, right, product, 33, 35, 34]
    module.launch("matmul_tiled", (2, 2), (32, 8), arguments, outputs=["product"], **options)
    return product, left.astype(np.float64) @ right


def gelu(module: Module, **options: Any) -> tuple[Array, Array]:
    x, bias, residual, out = normal(5, 260), normal(260), normal(5, 260), empty((5, 260), np.float32)
    arguments = [x, bias, residual, out, 0.5, x.size // 4, 65]
    module.launch("fused_gelu", (2,), (128,), arguments, outputs=["out"], **options)
    v = x.astype(np.float64) * 0.5 + bias
    return out, 0.5 * v * (1 + np.vectorize(math.erf)(v / math.sqrt(2))) + residual


def column_sum(module: Module, **options: Any) -> tuple[Array, Array]:
    x, out = normal(65, 33, dtype=ml_dtypes.bfloat16), empty((33,), np.float32)
    out[:] = 0
    module.launch("column_sum", (2, 4), (32, 8), [x, out, 65, 33], shared_bytes=32 * 8 * 4, **options)
    return out, x.astype(np.float64).sum(0)


def tensor_core_matmul(module: Module, **options: Any) -> tuple[Array, Array]:
    left, right = normal(65, 72, dtype=ml_dtypes.bfloat16), normal(66, 72, dtype=ml_dtypes.bfloat16)
    product = empty((65, 66), np.float32)
    arguments = [left, right, product, 65, 66, 72]
    module.launch("tensor_core_matmul", (2, 2), (128,), arguments, outputs=["product"], **options)
    return product, left.astype(np.float64) @ right.astype(np.float64).T


CASES: dict[str, Callable[..., tuple[Array, Array]]] = {
    "softmax": softmax,
    "matmul": matmul,
    "gelu": gelu,
    "column_sum": column_sum,
    "tensor_core_matmul": tensor_core_matmul,
}


@pytest.mark.parametrize("checked", [True, False])
@pytest.mark.parametrize("name", CASES)
def test_correct_kernels_give_the_right_numbers_in_every_schedule(name: str, checked: bool) -> None:
    module = Module(text(name), checked=checked)
    for schedule, seed in (("forward", 0), ("reverse", 0), ("random", 1), ("random", 2)):
        got, expected = CASES[name](module, schedule=schedule, seed=seed)
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)


def without_barrier(name: str, comment: str) -> str:
    return changed(name, f"__syncthreads();  // {comment}", "")


DEFECTS = {
    "barrier before reuse": (
        softmax,
        without_barrier("softmax", "the previous reduction has been read"),
        "race",
    ),
    "barrier before reading": (softmax, without_barrier("softmax", "all partial results are there"), "race"),
    "barrier before the result": (softmax, without_barrier("softmax", "the result is there"), "race"),
    "barrier at the end of a loop": (matmul, without_barrier("matmul", "the tiles have been read"), "race"),
    "barrier after the tile": (matmul, without_barrier("matmul", "the tiles are there"), "race"),
    "one column too many": (
        softmax,
        changed("softmax", "c < columns; c += blockDim.x) result", "c <= columns; c += blockDim.x) result"),
        "race in y",
    ),
    "lost guard": (matmul, changed("matmul", "&& column < columns)\n", ")\n"), "race in product"),
    "out of bounds": (gelu, changed("gelu", "(residual)[i]", "(residual)[i + 1000000]"), "out of bounds"),
    "index past an inner dimension": (
        matmul,
        changed("matmul", "[k] * right", "[k + 2] * right"),
        "out of bounds",
    ),
    "uninitialised shared": (
        matmul,
        changed("matmul", "left_tile[ty + 8 * r][tx] =", "if (ty + 8 * r < 31) left_tile[ty + 8 * r][tx] ="),
        "uninitialised read",
    ),
    "misaligned float4": (
        gelu,
        changed("gelu", "float4*>(residual)", "float4*>(residual + 1)"),
        "misaligned",
    ),
    "divergent barrier": (
        softmax,
        changed("softmax", "__syncthreads();  // the result is there", "if (warp == 0) __syncthreads();"),
        "deadlock",
    ),
    "partial shuffle": (
        softmax,
        changed(
            "softmax",
            "  sum = block_reduce",
            "  if (threadIdx.x & 1) sum = warp_reduce<Sum>(sum);\n  sum = block_reduce",
        ),
        "deadlock",
    ),
    "blocks overlap": (
        gelu,
        changed("gelu", "i += (long long)gridDim.x * blockDim.x", "i += blockDim.x"),
        "another block",
    ),
    "sum without atomics": (
        column_sum,
        changed("column_sum", "atomicAdd(&out[column], sum)", "out[column] += sum"),
        "another block",
    ),
    "copy not awaited": (
        tensor_core_matmul,
        changed("tensor_core_matmul", "async_wait<1>", "async_wait<2>"),
        "uninitialised read",
    ),
    "copy over a tile in use": (
        tensor_core_matmul,
        changed("tensor_core_matmul", "__syncthreads();  // the tile has been read", ""),
        "race",
    ),
}


@pytest.mark.parametrize("defect", DEFECTS)
@pytest.mark.parametrize("schedule", ["forward", "random"])
def test_seeded_defects_are_found(defect: str, schedule: str) -> None:
    run, source, finding = DEFECTS[defect]
    with pytest.raises(EmulatorError, match=finding):
        run(Module(source), schedule=schedule)


def launch_one(body: str, arguments: list[Any], parameters: str = "float* out", **options: Any) -> None:
    block = options.pop("block", (32,))
    checked = options.pop("checked", True)
    includes = "#include <cuda_fp16.h>\n#include <cuda_bf16.h>\n"
    source = f'{includes}extern "C" __global__ void k({parameters}) {{\n{body}\n}}\n'
    Module(source, checked=checked).launch("k", (1,), block, arguments, **options)


def test_a_finding_names_kernel_buffer_offset_thread_and_line() -> None:
    with pytest.raises(EmulatorError) as caught:
        launch_one("out[threadIdx.x + 1] = 1;", [empty((32,), np.float32)])
    assert caught.value.args[0] == (
        "the CUDA emulator found defects in kernel k\n"
        "  line 4: out of bounds: thread 31 of block 0 writes 4 bytes at offset 128 of out (128 bytes)\n"
        "      out[threadIdx.x + 1] = 1;"
    )


def test_reading_an_output_before_it_is_written_is_found() -> None:
    out = empty((32,), np.float32)
    out[:] = 0
    launch_one("out[threadIdx.x] += 1;", [out])
    assert (out == 1).all()
    with pytest.raises(EmulatorError, match="uninitialised read: thread 0 of block 0 reads offset 0 of out"):
        launch_one("out[threadIdx.x] += 1;", [out], outputs=["out"])
    assert np.isnan(out).any()


@pytest.mark.parametrize("checked", [True, False])
@pytest.mark.parametrize("body", [
    "for (;;) {}",
    "volatile int i = 0; while (i < 1 || out[0] == 0) i = i + 1;",
    "while (out[0] == 0) __syncthreads();",
    "while (out[0] == 0) __syncwarp();",
])  # fmt: skip
def test_an_endless_loop_ends_with_an_error(body: str, checked: bool) -> None:
    out = np.zeros(1, np.float32)
    with pytest.raises(EmulatorError, match=r"kernel k\n.*line [34]: endless loop"):
        launch_one(body, [out], checked=checked, step_budget=200_000)


def test_a_crash_is_an_error_and_the_next_launch_works() -> None:
    out = empty((32,), np.float32)
    for _ in range(2):
        with pytest.raises(EmulatorError, match="line 4: the kernel crashes, Segmentation fault"):
            launch_one("out[1ll << 40] = 1;", [out], checked=False)
        launch_one("out[threadIdx.x] = 2;", [out], checked=False)
        assert (out == 2).all()
    with pytest.raises(EmulatorError, match="integer division by zero"):
        launch_one("out[0] = 1 / n;", [out, 0], "float* out, int n")


def test_atomics_of_every_type() -> None:
    types = {"int": np.int32, "unsigned": np.uint32, "unsigned long long": np.uint64, "float": np.float32,
             "double": np.float64, "__half": np.float16, "__nv_bfloat16": ml_dtypes.bfloat16}  # fmt: skip
    for spelling, dtype in types.items():
        total = np.zeros(1, dtype)
        launch_one("atomicAdd(total, value);", [total, 2], f"{spelling}* total, {spelling} value", block=(64,))
        assert total[0] == 128
    low, high = np.zeros(1, np.int64), np.zeros(1, np.int64)
    body = "atomicMin(low, -(long long)threadIdx.x); atomicMax(high, (long long)threadIdx.x);"
    launch_one(body, [low, high], "long long* low, long long* high")
    assert (low[0], high[0]) == (-31, 31)
    with pytest.raises(CompileError, match="CUDA has no atomicAdd"):
        launch_one("atomicAdd(total, 1);", [np.zeros(1, np.int64)], "long long* total")


def test_sixteen_bit_conversions_round_as_numpy_does() -> None:
    patterns = np.arange(0, 2**32, 65537 * 3, dtype=np.uint64).astype(np.uint32)
    near_ties = np.arange(65536, dtype=np.uint32)[:, None] * 65536 + np.array([0x7FFF, 0x8000, 0x8001], np.uint32)
    bits = np.concatenate([patterns, near_ties.ravel()[::7], near_ties.ravel()[::7] + 0x1000])
    x = bits.view(np.float32)
    n = x.size
    for dtype, to, back in ((np.float16, "__float2half_rn", "__half2float"),
                            (ml_dtypes.bfloat16, "__float2bfloat16_rn", "__bfloat162float")):  # fmt: skip
        spelling = "__half" if dtype is np.float16 else "__nv_bfloat16"
        narrow, wide = np.zeros(n, dtype), np.zeros(n, np.float32)
        step = f"narrow[i] = {to}(x[i]); wide[i] = {back}(narrow[i]);"
        body = f"for (int i = threadIdx.x; i < n; i += 32) {{ {step} }}"
        launch_one(
            body,
            [x, narrow, wide, n],
            f"const float* x, {spelling}* narrow, float* wide, int n",
            checked=False,
        )
        with np.errstate(all="ignore"):
            expected = x.astype(dtype)
        finite = ~np.isnan(x)
        assert (narrow.view(np.uint16)[finite] == expected.view(np.uint16)[finite]).all()
        assert np.isnan(narrow[~finite].astype(np.float32)).all()
        np.testing.assert_array_equal(wide, narrow.astype(np.float32))


def test_arguments_of_many_types_and_more_than_eight_buffers() -> None:
    names = [f"b{i}" for i in range(12)]
    buffers = [np.zeros(1, np.int64) for _ in names]
    scalars = [True, -3, 2**40, 0.1, np.float16(0.5), 200]
    parameters = ", ".join(f"long long* {name}" for name in names)
    parameters += ", bool t, int8_t s, long long l, double d, __half h, unsigned char u"
    body = "".join(f"*{name} = {i};" for i, name in enumerate(names))
    body += "*b0 = t; *b1 = s; *b2 = l; *b3 = d * 1e17; *b4 = 2 * __half2float(h); *b5 = u;"
    launch_one(body, buffers + scalars, parameters, block=(1,))
    assert [int(b[0]) for b in buffers] == [1, -3, 2**40, int(0.1 * 1e17), 1, 200, 6, 7, 8, 9, 10, 11]


def test_neighbouring_bytes_of_shared_memory_are_no_race() -> None:
    out = np.zeros(32, np.uint8)
    body = "__shared__ unsigned char bytes[32]; __shared__ float other[32]; other[threadIdx.x] = 0;\n"
    body += "bytes[threadIdx.x] = threadIdx.x; __syncthreads(); out[threadIdx.x] = bytes[31 - threadIdx.x];"
    launch_one(body, [out], "unsigned char* out")
    assert (out == np.arange(32)[::-1]).all()


def test_device_functions() -> None:
    expressions = {
        "fmaf(x, 2.f, 1.f)": 2,
        "fminf(x, 0.25f)": 0.25,
        "fmaxf(x, __int_as_float(0x7fc00000))": 0.5,
        "rintf(2.5f)": 2,
        "erff(x)": math.erf(0.5),
        "erfcf(x)": math.erfc(0.5),
        "expm1f(x)": math.expm1(0.5),
        "log1pf(x)": math.log1p(0.5),
        "rsqrtf(x)": 2**0.5,
        "__ldg(&in[0])": 0.5,
        "max(1, 2)": 2,
        "min(x, 3.f)": 0.5,
        "__popc(255)": 8,
        "(float)__umulhi(1u << 31, 4u)": 2,
        "__logf(x)": math.log(0.5),
        "normcdff(0.f)": 0.5,
        "(float)__shfl_xor_sync(0xffffffffu, (double)lane, 1)": 1,
        "(float)__shfl_sync(0xffffffffu, 7ll, 3)": 7,
        "(float)__popc(__ballot_sync(0xffffffffu, lane & 1))": 16,
        "(float)__any_sync(0xffffffffu, lane == 5)": 1,
        "(float)__syncthreads_count(lane < 5)": 5,
        "(float)__all_sync(0xffffffffu, lane < 32)": 1,
        "__half2float(__float2half(3.f) / __float2half(2.f))": 1.5,
        "(float)__clz(1)": 31,
    }
    out = empty((len(expressions),), np.float32)
    body = "const int lane = threadIdx.x; const float x = in[0]; float v;\n"
    body += "\n".join(f"v = {e}; if (lane == 0) out[{i}] = v;" for i, e in enumerate(expressions))
    launch_one(body, [out, np.full(1, 0.5, np.float32)], "float* out, const float* in", outputs=["out"])
    np.testing.assert_allclose(out, list(expressions.values()), rtol=1e-6)


def test_wrong_launches_are_refused_in_words() -> None:
    module = Module(text("softmax"))
    x, y = normal(3, 257), empty((3, 257), np.float32)
    for arguments, options, message in (
        ([x, y], {}, "takes 3 arguments, not 2"),
        ([x.astype(np.float64), y, 257], {}, "x is const float"),
        ([x.T, y, 257], {}, "not contiguous"),
        ([x, y, 257], {"outputs": ["x"]}, "no writable pointer parameter x"),
        ([x, y, 257], {"shared_bytes": 1 << 20}, "no GPU could launch softmax_rows"),
    ):
        with pytest.raises(EmulatorError, match=message):
            module.launch("softmax_rows", (3,), (256,), arguments, **options)
    with pytest.raises(EmulatorError, match="block"):
        module.launch("softmax_rows", (3,), (2048,), [x, y, 257])
    with pytest.raises(EmulatorError, match="no kernel gelu"):
        module.launch("gelu", (3,), (32,), [])


def test_a_compile_error_shows_the_line() -> None:
    with pytest.raises(CompileError, match=r"kernel\.cu:2: out\[0\] = undeclared;"):
        Module('extern "C" __global__ void k(float* out) {\nout[0] = undeclared;\n}')


def test_large_frames_are_refused_when_compiling() -> None:
    with pytest.raises(CompileError, match="frame size"):
        launch_one("volatile float big[30000]; big[0] = 1; out[0] = big[0];", [empty((1,), np.float32)])


def test_without_a_compiler_the_error_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compilation.shutil, "which", lambda name: None)
    compilation.toolchain_directory.cache_clear()
    try:
        with pytest.raises(TargetError, match="apt install g"):
            Module(text("softmax"))
    finally:
        monkeypatch.undo()
        compilation.toolchain_directory.cache_clear()


def test_portable_fibers_and_a_cache_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHC_CACHE_DIR", "/dev/null")
    monkeypatch.setattr(compilation, "_RUNTIME_FLAGS", (*compilation._RUNTIME_FLAGS, "-DGRAPHC_EMULATOR_UCONTEXT"))
    compilation.toolchain_directory.cache_clear()
    try:
        got, expected = softmax(Module(text("softmax")), schedule="random")
        np.testing.assert_allclose(got, expected, rtol=1e-4)
        with pytest.raises(EmulatorError, match="endless loop"):
            launch_one("for (;;) {}", [empty((1,), np.float32)], step_budget=1000)
        with pytest.raises(EmulatorError, match="crashes"):
            launch_one("out[1ll << 40] = 1;", [empty((1,), np.float32)], checked=False)
    finally:
        monkeypatch.undo()
        compilation.toolchain_directory.cache_clear()


def test_a_second_module_of_the_same_text_comes_from_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    first = Module(text("softmax"))
    monkeypatch.setattr(emulator.compilation, "_compile_kernel", None)
    assert Module(text("softmax"))._path == first._path
