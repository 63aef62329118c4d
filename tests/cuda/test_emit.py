"""Kernels of every shape as CUDA C++, run on the emulator, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from graphc.backends.cuda import fission as fission_module, schedule
from graphc.backends.cuda.driver import available
from graphc.backends.cuda.executable import DeviceExecutable, EmulatorExecutable, sources
from graphc.backends.cuda.fission import fission
from graphc.backends.cuda.module import CudaModule
from graphc.dimension import symbol
from graphc.errors import EmulatorError, TargetError
from graphc.kernel import (
    For,
    Kernel,
    Let,
    Load,
    Program,
    Store,
)
from graphc.ops import elementwise as ops
from graphc.types import float32
from tests.cuda.gallery import (
    ADD_BIAS,
    ALL,
    ARCHITECTURES,
    COLUMN_SUM,
    CONCATENATE,
    EDGES,
    FULL_SUM,
    GATHER,
    PAD,
    PREFIX_MAXIMA,
    RECURRENCE,
    REVERSED_ROWS,
    ROW_MAXIMUM,
    SCATTER_ADD,
    SCATTER_ROWS,
    SHORT_ROWS,
    SOFTMAX,
    TRANSPOSE,
    UPDATE,
    VARIANCE,
    Runner,
    check,
    compile_for_gpu,
    program_of,
    random,
    reading,
    writing,
)

# --- shapes of kernels ---


def test_elementwise_with_broadcasts() -> None:
    run = Runner(ADD_BIAS)
    for rows, columns in EDGES:
        x, b, c = random(rows, columns), random(columns, seed=1), random(rows, seed=2)
        y = run({"m": rows, "n": columns}, x=x, b=b, c=c)["y"]
        check(y, c[:, None] / (1 + np.exp(-(x + b).astype(np.float64))))


def test_packs_need_aligned_memory() -> None:
    run = Runner(ADD_BIAS)
    memory = random(41)
    for start in range(2):  # the second lies 4 bytes off
        x, b, c = memory[start : start + 40], random(8), random(5)
        y = run({"m": 5, "n": 8}, x=x, b=b, c=c)["y"]
        check(y, c[:, None] / (1 + np.exp(-(x.reshape(5, 8) + b).astype(np.float64))))


def test_strided_access() -> None:
    run = Runner(TRANSPOSE)
    for rows, columns in EDGES:
        x = random(rows, columns)
        check(run({"m": rows, "n": columns}, x=x)["y"], x.T)


def test_rows_in_several_phases() -> None:
    run, reverse = Runner(SOFTMAX), Runner(REVERSED_ROWS)
    for rows, columns in [*EDGES, (2, 1000)]:
        x = random(rows, columns)
        e = np.exp(x - x.max(axis=1, keepdims=True, initial=-np.inf))
        check(run({"m": rows, "n": columns}, x=x)["y"], e / e.sum(axis=1, keepdims=True))
        check(reverse({"m": rows, "n": columns}, x=x)["y"], x[:, ::-1])


def test_scratch_that_shared_memory_cannot_hold() -> None:
    x = random(2, 20_000)
    check(Runner(REVERSED_ROWS)({"m": 2, "n": 20_000}, x=x)["y"], x[:, ::-1])


def test_more_rows_than_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "MOST_BLOCKS", 2)
    for each, expected in ((REVERSED_ROWS, lambda x: x[:, ::-1]), (TRANSPOSE, lambda x: x.T)):
        x = random(40, 33)
        check(Runner(each)({"m": 40, "n": 33}, x=x)["y"], expected(x))


def test_nan_and_infinity_in_rows() -> None:
    x = random(3, 40)
    x[0, 7], x[1, :], x[2, 3] = np.nan, -np.inf, np.inf
    y = Runner(SOFTMAX)({"m": 3, "n": 40}, x=x)["y"].reshape(3, 40)
    assert np.isnan(y).all()  # as the formula says: inf - inf is NaN
    top = Runner(ROW_MAXIMUM)({"m": 3, "n": 40}, x=x)["y"]
    np.testing.assert_array_equal(top, x.max(axis=1))


def test_columns() -> None:
    run = Runner(COLUMN_SUM)
    for rows, columns in EDGES:
        x = random(rows, columns)
        check(run({"m": rows, "n": columns}, x=x)["y"], x.sum(axis=0))
    assert CudaModule(program_of(COLUMN_SUM)[0]).text.count("block_reduce<") == 0


def test_full_reduction_and_what_follows() -> None:
    run = Runner(FULL_SUM)
    for rows, columns in [*EDGES, (40, 70)]:
        x = random(rows, columns)
        found = run({"m": rows, "n": columns}, x=x)
        check(found["y"], x.sum(dtype=np.float64), 1e-5)
        check(found["z"], x - x.max(initial=-np.inf))


def test_long_reductions_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fission_module, "LEAST_CHUNK", 64)
    monkeypatch.setattr(fission_module, "MOST_PARTS", 5)
    total, variance = Runner(FULL_SUM), Runner(VARIANCE)
    for rows, columns in [(1, 1), (1, 64), (5, 13), (20, 17), (33, 100), (0, 4)]:
        sizes, x = {"m": rows, "n": columns}, random(rows, columns)
        found = total(sizes, x=x)
        check(found["y"], x.sum(dtype=np.float64), 1e-5)
        check(found["z"], x - x.max(initial=-np.inf))
        if x.size:
            check(variance(sizes, x=x)["y"], x.var(dtype=np.float64), 1e-5)


def test_loops_that_follow_each_other_are_launches() -> None:
    run = Runner(CONCATENATE)
    assert [part.name for part in fission(CONCATENATE).kernels] == ["concatenate_1", "concatenate_2"]
    for rows, columns in EDGES:
        x, b = random(rows, columns), random(columns, seed=1)
        check(run({"m": rows, "n": columns}, x=x, b=b)["y"], np.concatenate([x, b[None]]))


def test_gather_wraps_negative_indices_and_reports_others() -> None:
    run = Runner(GATHER)
    x = random(5, 4)
    at = np.array([0, -1, 4, -5])
    check(run({"m": 5, "n": 4}, x=x, at=at)["y"], x[at])
    assert run.code == 0
    for bad in (5, -6, 2**62, -(2**62)):
        run({"m": 5, "n": 4}, x=x, at=np.array([0, 1, bad, 2]))
        assert run.code == 1


def test_failure_spares_parameters() -> None:
    program, slots = program_of(GATHER, UPDATE)
    program = Program("test", program.slots, program.steps, 1, program.sizes)
    w, x = random(2, 3), random(2, 3)
    arrays = {"x": x, "at": np.array([0, 1, 2]), "y": np.empty((3, 3), np.float32), "g": x, "w": w.copy()}
    given = {slots[name]: array.reshape(-1) for name, array in arrays.items()}
    assert EmulatorExecutable(program).run(given, {"m": 2, "n": 3}) == 1
    check(given[slots["w"]], w, 0)


def test_scatter_keeps_the_order_of_additions() -> None:
    values = np.array([1e8, 1.0, -1e8, 3.0, 1.0], np.float32)
    at = np.array([1, 1, 1, 0, -1])
    expected = np.zeros(3, np.float32)
    np.add.at(expected, at, values)
    check(Runner(SCATTER_ADD)({"m": 3, "n": 5}, v=values, at=at, y=np.zeros(3, np.float32))["y"], expected, 0)
    rows = random(5, 5)
    expected = np.zeros((3, 5), np.float32)
    np.add.at(expected, at, rows)
    run = Runner(SCATTER_ROWS)
    check(run({"m": 3, "n": 5}, v=rows, at=at, y=np.zeros((3, 5), np.float32))["y"], expected, 0)
    run({"m": 3, "n": 5}, v=rows, at=at + 2, y=np.zeros((3, 5), np.float32))
    assert run.code == 1


def test_masked_loads_read_nothing() -> None:
    run = Runner(PAD)
    for size in (0, 1, 5):
        x = random(size)
        check(run({"m": 1, "n": size}, x=x)["y"], np.pad(x, 1))


def test_serial_loop_of_a_block() -> None:
    run = Runner(RECURRENCE)
    for rows, columns in [(1, 1), (3, 5), (4, 100), (0, 3)]:
        x = random(rows, columns)
        h, expected = np.zeros(columns), np.zeros((rows, columns))
        for row in range(rows):
            h = h.mean() + x[row]
            expected[row] = h
        check(run({"m": rows, "n": columns}, x=x)["y"], expected, 1e-5)


def test_short_rows_belong_to_threads() -> None:
    assert schedule.scheduled(SHORT_ROWS, "short").style == "threads"
    assert schedule.scheduled(SOFTMAX, "long").style == "blocks"
    assert schedule.scheduled(GATHER, "rows").style == "blocks"
    run = Runner(SHORT_ROWS)
    for rows in (0, 1, 300):
        x = random(rows, 3)
        check(run({"m": rows, "n": 1}, x=x)["y"], x.max(axis=1) - x[:, 2])


def test_scratch_of_a_thread_in_global_memory() -> None:
    run = Runner(PREFIX_MAXIMA)
    for rows, columns in [(1, 1), (3, 5), (300, 4), (0, 2)]:
        x = random(rows, columns)
        found = run({"m": rows, "n": columns}, x=x)
        padded = np.where(np.tri(columns, dtype=bool), x[:, None, :], 0)  # what is masked is 0
        check(found["y"], padded.max(axis=2, initial=-np.inf))
        check(found["z"], np.full(rows, 7.0))


def test_update_in_place() -> None:
    run = Runner(UPDATE)
    for rows, columns in EDGES:
        w, g = random(rows, columns), random(rows, columns, seed=1)
        check(run({"m": rows, "n": columns}, w=w.copy(), g=g)["w"], w - g / 2)


def test_a_missing_barrier_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graphc.backends.cuda.statements.BlockWriter.barrier", lambda self: None)
    with pytest.raises(EmulatorError, match="race"):
        Runner(REVERSED_ROWS)({"m": 3, "n": 64}, x=random(3, 64))


# --- the text, and real compilers ---


def test_sources_read_well() -> None:
    ((name, text),) = sources(program_of(ADD_BIAS)[0])
    assert name == "add_bias"
    assert "const float u = sigmoid_f32(t);" in text
    assert "Pack<float, 4> y_pack;" in text
    assert text.count("float sigmoid_f32(float x)") == 1


def test_names_of_users_do_no_harm() -> None:
    odd = Kernel(
        "exp",
        (reading("float", symbol("for.x")), writing("exp", symbol("for.x"))),
        ("for.x",),
        (For("int", symbol("for.x"), (
            Load("threadIdx", "float", symbol("int")),
            Let("expf", float32, ops.Exp(), ("threadIdx",)),
            Store("exp", symbol("int"), "expf"),
        )),),
    )  # fmt: skip
    program, slots = program_of(odd)
    x, y = random(5), np.zeros(5, np.float32)
    assert EmulatorExecutable(program).run({slots["float"]: x, slots["exp"]: y}, {"for.x": 5}) == 0
    check(y, np.exp(x))


def test_without_a_gpu_the_error_says_what_to_do() -> None:
    if available() is None:
        pytest.skip("there is a GPU")
    with pytest.raises(TargetError, match="cuda-emulator"):
        DeviceExecutable(program_of(UPDATE)[0])


@pytest.mark.skipif(available() is not None, reason="no GPU")
def test_the_gpu_agrees_with_the_emulator() -> None:
    program, slots = program_of(SOFTMAX)
    for rows, columns in EDGES:
        x = random(rows, columns).reshape(-1)
        found = [np.zeros_like(x), np.zeros_like(x)]
        for executable, y in zip((DeviceExecutable(program), EmulatorExecutable(program)), found):
            assert executable.run({slots["x"]: x, slots["y"]: y}, {"m": rows, "n": columns}) == 0
        check(*found)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_compilers_for_gpus_accept_every_kernel(architecture: str) -> None:
    compile_for_gpu(program_of(*ALL)[0], architecture)
