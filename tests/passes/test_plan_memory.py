import random
import time
from collections.abc import Iterable
from itertools import pairwise

import pytest

from graphc.dimension import symbol
from graphc.errors import ShapeError
from graphc.kernel import (
    Accumulate,
    Accumulator,
    Buffer,
    Copy,
    For,
    Kernel,
    KernelCall,
    Load,
    Program,
    Slot,
    Statement,
    Store,
)
from graphc.passes.plan_memory import ALIGNMENT, MemoryPlan, may_overwrite, plan_memory
from graphc.types import TensorType, as_shape, float32, float64

N = symbol("n")
ROW, COLUMN = symbol("i"), symbol("j")


def temporary(name: str, *shape: object, dtype=float32, role="temporary") -> Slot:
    return Slot(name, TensorType(dtype, as_shape(shape)), role)


def copies(*chain: Slot) -> tuple[Copy, ...]:
    return tuple(Copy(a, b) for a, b in pairwise(chain))


def program(slots: Iterable[Slot], steps, sizes=("n",)) -> Program:
    return Program("p", tuple(slots), tuple(steps), len(tuple(steps)), tuple(sizes))


def check(plan: MemoryPlan) -> None:
    """No two temporaries that are alive in one step overlap, and all lie inside the arena."""
    slots = sorted(plan.offsets, key=lambda slot: slot.name)
    for number, a in enumerate(slots):
        assert plan.offsets[a] % ALIGNMENT == 0
        assert plan.offsets[a] + plan.bytes[a] <= plan.total
        for b in slots[:number]:
            (first, last), (start, end) = plan.lives[a], plan.lives[b]
            apart = (
                plan.offsets[a] + plan.bytes[a] <= plan.offsets[b] or plan.offsets[b] + plan.bytes[b] <= plan.offsets[a]
            )
            assert last < start or end < first or apart or 0 in (plan.bytes[a], plan.bytes[b])
    assert plan.peak <= plan.total <= plan.separate


def test_a_chain_needs_two_places():
    x, out = Slot("x", TensorType(float32, (N,)), "input"), Slot("out", TensorType(float32, (N,)), "output")
    chain = [temporary(f"t{i}", "n") for i in range(10)]
    plan = plan_memory(program([x, out, *chain], copies(x, *chain, out)), {"n": 100})
    check(plan)
    assert plan.total == 2 * 448 and plan.separate == 10 * 448


def test_the_arena_follows_the_sizes():
    chain = [temporary(f"t{i}", "n", 3) for i in range(4)]
    made = program(chain, copies(*chain))
    totals = [plan_memory(made, {"n": n}).total for n in (0, 1, 64)]
    assert totals == [0, 2 * 64, 2 * 64 * 12]


def test_scratch_lives_in_its_step_only():
    scratches = [temporary(f"s{i}", 16, role="scratch") for i in range(3)]
    kernel = Kernel("k", (Buffer("s", float32, 16, "scratch"),), (), ())
    plan = plan_memory(program(scratches, [KernelCall(kernel, (s,)) for s in scratches], ()), {})
    assert set(plan.offsets.values()) == {0} and plan.total == 64


def test_inputs_outputs_and_parameters_are_not_in_the_arena():
    roles = ("input", "parameter", "constant", "output")
    slots = [Slot(role, TensorType(float32, (4,)), role) for role in roles]
    plan = plan_memory(program(slots, copies(*slots), ()), {})
    assert plan.offsets == {} and plan.total == 0
    assert str(plan) == "arena of 0 bytes, 0 alive at most, 0 unshared"


def test_a_temporary_without_a_step_has_a_place():
    unused = temporary("unused", "n")
    plan = plan_memory(program([unused], []), {"n": 3})
    assert plan.offsets == {unused: 0} and plan.total == 0


def test_a_negative_size_is_an_error():
    short = temporary("short", N - 2)
    with pytest.raises(ShapeError, match=r"short: f32\[n-2\] is \(-1,\) where n = 1"):
        plan_memory(program([short], copies(short, temporary("other", 1))), {"n": 1})


def test_the_table():
    a, b = temporary("a", "n"), temporary("b", "n")
    text = str(plan_memory(program([a, b], copies(a, b)), {"n": 16}))
    assert text.splitlines()[0] == "arena of 128 bytes, 128 alive at most, 128 unshared, n=16"
    assert [line.split() for line in text.splitlines()[2:]] == [
        ["0", "64", "0-0", "a:", "f32[n]"],
        ["64", "64", "0-0", "b:", "f32[n]"],
    ]


def random_program(count: int, seed: int) -> Program:
    """Each step copies a recent temporary or one of the first to a new one."""
    draw = random.Random(seed)
    slots = [temporary("t0", 1)]
    steps = []
    for number in range(1, count):
        recent = slots[max(0, number - 4) :]
        source = draw.choice(recent if draw.random() < 0.8 else slots)
        slots.append(temporary(f"t{number}", draw.choice([1, 7, 64, 1000, draw.randrange(5000)])))
        steps.append(Copy(source, slots[-1]))
    return program(slots, steps, ())


@pytest.mark.parametrize("seed", range(20))
def test_random_programs(seed):
    plan = plan_memory(random_program(120, seed), {})
    check(plan)
    assert plan.total <= 1.25 * plan.peak


def test_long_programs_are_planned_quickly():
    slots = [temporary(f"t{i}", i % 100) for i in range(20_000)]
    forward = list(copies(*slots[:10_000]))
    backward = [Copy(slots[9_999 - i], slots[10_000 + i]) for i in range(10_000)]
    start = time.perf_counter()
    plan = plan_memory(program(slots, [*forward, *backward], ()), {})
    assert time.perf_counter() - start < 5
    assert plan.total <= 1.1 * plan.peak


# --- in place ---


def call(body: tuple[Statement, ...], x: Slot, y: Slot, access="write") -> KernelCall:
    buffers = (Buffer("x", x.type.dtype, x.type.size, "read"), Buffer("y", y.type.dtype, y.type.size, access))
    return KernelCall(Kernel("k", buffers, ("n",), body), (x, y))


def loop(var: str, *body: Statement, extent=N, kind="parallel", accumulators=()) -> For:
    return For(var, extent, body, kind, accumulators)


def row_kernel(last_index=ROW * N + COLUMN, second_load=()) -> tuple[Statement, ...]:
    total = Accumulator("total", float32, "sum")
    add = loop("j", Load("a", "x", ROW * N + COLUMN), Accumulate("total", "a"), kind="reduce", accumulators=(total,))
    k_index = last_index.substitute({"j": symbol("k")})
    store = loop("k", Load("b", "x", k_index), Store("y", k_index, "b"))
    return (loop("i", add, store, *second_load),)


PLAIN = (loop("i", Load("a", "x", ROW), Store("y", ROW, "a")),)
X, Y = temporary("x", "n"), temporary("y", "n")
ROWS, ROWS_OUT = temporary("x", "n", "n"), temporary("y", "n", "n")


@pytest.mark.parametrize(
    ("body", "allowed"),
    [
        (PLAIN, True),
        ((loop("i", Load("a", "x", N - ROW - 1), Store("y", ROW, "a")),), False),  # flipped
        ((loop("i", Load("a", "x", N - ROW - 1), Store("y", N - ROW - 1, "a")),), True),
        ((loop("i", Store("y", ROW, "a"), Load("a", "x", ROW)),), False),  # read after written
        ((loop("i", Load("a", "x", ROW), Store("y", ROW, "a"), kind="serial"),), False),
        ((loop("i", Load("a", "x", ROW)), loop("k", Store("y", symbol("k"), "a"))), True),
        ((loop("i", Load("a", "x", ROW), extent=N - 1), loop("i", Store("y", ROW, "a"))), False),
    ],
)
def test_when_a_result_may_lie_over_an_operand(body, allowed):
    assert may_overwrite(call(body, X, Y), X, Y) == allowed


def test_rows():
    assert may_overwrite(call(row_kernel(), ROWS, ROWS_OUT), ROWS, ROWS_OUT)
    assert not may_overwrite(call(row_kernel(COLUMN * N + ROW), ROWS, ROWS_OUT), ROWS, ROWS_OUT)
    late = (loop("l", Load("c", "x", ROW * N + symbol("l"))),)
    assert not may_overwrite(call(row_kernel(second_load=late), ROWS, ROWS_OUT), ROWS, ROWS_OUT)


def test_other_accesses_and_widths():
    wide = temporary("wide", "n", dtype=float64)
    assert not may_overwrite(call(PLAIN, X, Y, access="update"), X, Y)
    assert not may_overwrite(call(PLAIN, X, wide), X, wide)


def test_a_chain_of_elementwise_kernels_works_in_place():
    x, out = Slot("x", TensorType(float32, (N,)), "input"), Slot("out", TensorType(float32, (N,)), "output")
    chain = [x, *(temporary(f"t{i}", "n") for i in range(5)), out]
    made = program(chain, [call(PLAIN, a, b) for a, b in pairwise(chain)])
    assert plan_memory(made, {"n": 16}).total == 64
    apart = plan_memory(made, {"n": 16}, in_place=False)
    check(apart)
    assert apart.total == 128


def test_an_operand_that_is_needed_later_is_kept():
    a, b, c = (temporary(name, "n") for name in "abc")
    steps = [Copy(a, b), call(PLAIN, b, c), Copy(b, a), Copy(c, a)]
    check(plan_memory(program([a, b, c], steps), {"n": 16}))


def test_two_results_never_share_one_operand():
    a, b, c, out = (temporary(name, 16) for name in "abcd")
    accesses = {"a": "read", "b": "write", "c": "write"}
    buffers = tuple(Buffer(name, float32, 16, access) for name, access in accesses.items())
    body = (loop("i", Load("v", "a", ROW), Store("b", ROW, "v"), Store("c", ROW, "v"), extent=16),)
    split = KernelCall(Kernel("split", buffers, (), body), (a, b, c))
    plan = plan_memory(program([a, b, c, out], [Copy(out, a), split, Copy(b, out), Copy(c, out)], ()), {})
    assert plan.offsets[b] != plan.offsets[c]
    assert plan.offsets[a] in (plan.offsets[b], plan.offsets[c])
