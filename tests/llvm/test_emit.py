"""Hand-made kernels, compiled for several machines, against NumPy."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from graphc.backends.llvm.machine import Machine
from graphc.dimension import call, symbol
from graphc.kernel import (
    Accumulate,
    Accumulator,
    Buffer,
    CheckIndex,
    Combine,
    For,
    Index,
    Kernel,
    Let,
    Literal,
    Load,
    Position,
    Statement,
    Store,
)
from graphc.ops.elementwise import Add, Divide, Exp, Multiply, Negative, Subtract
from graphc.types import (
    DTYPES,
    DType,
    bfloat16,
    bool_,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    uint8,
    uint64,
)
from tests.llvm.accuracy import Word
from tests.llvm.kernels import MACHINES, Compiled, machine

m, n, i, j = map(symbol, "mnij")
generator = np.random.default_rng(0)


@pytest.fixture(params=MACHINES)
def target(request: pytest.FixtureRequest) -> Machine:
    return machine(request.param)


def elementwise(op: Any, dtypes: tuple[DType, ...], result: DType, index: Index = i) -> Kernel:
    """z[i] = op(x0[i], x1[i], ...)"""
    names = [f"x{k}" for k in range(len(dtypes))]
    loads = [Load(f"{name}_i", name, index) for name in names]
    let = Let("z_i", result, op, tuple(f"{name}_i" for name in names))
    buffers = [
        *(Buffer(name, dtype, n, "read") for name, dtype in zip(names, dtypes)),
        Buffer("z", result, n, "write"),
    ]
    return Kernel("map", tuple(buffers), ("n",), (For("i", n, (*loads, let, Store("z", i, "z_i")), mapping="vector"),))


def reduction(dtype: DType, combine: Combine, extent: Index = n) -> Kernel:
    """y[0] = combine over x[i]"""
    result = float32 if dtype.compute is float32 else dtype
    loop = For(
        "i",
        extent,
        (Load("a", "x", i), Accumulate("t", "a")),
        "reduce",
        (Accumulator("t", result, combine),),
        "vector",
    )
    buffers = (Buffer("x", dtype, n, "read"), Buffer("y", result, 1, "write"))
    return Kernel("reduce", buffers, ("n",), (loop, Store("y", 0, "t")))


def run(kernel: Kernel, target: Machine, arrays: list[Any], sizes: tuple[int, ...] = ()) -> int:
    return Compiled(kernel, target)(arrays, sizes)


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 63, 64, 65, 1000])
def test_sizes_and_tails(target: Machine, size: int) -> None:
    x, z = generator.normal(size=size).astype(np.float32), np.full(size + 1, 7, np.float32)
    run(elementwise(Negative(), (float32,), float32), target, [x, z], (size,))
    assert np.array_equal(z[:size], -x)
    assert z[size] == 7


def test_lanes_and_scalars_give_the_same_bits(target: Machine) -> None:
    """A loop that stays scalar computes with the same algorithms."""
    x = generator.normal(size=100).astype(np.float32)
    kernel = elementwise(Exp(), (float32,), float32)
    loop = kernel.body[0]
    assert isinstance(loop, For)
    scalar = Kernel("map", kernel.buffers, ("n",), (For("i", n, loop.body),))
    results = []
    for variant in (kernel, scalar):
        results.append(np.empty_like(x))
        run(variant, target, [x, results[-1]], (x.size,))
    assert results[0].tobytes() == results[1].tobytes()


def softmax(width: Index) -> Kernel:
    at = i * width + j
    top = For(
        "j",
        width,
        (Load("a", "x", at), Accumulate("top", "a")),
        "reduce",
        (Accumulator("top", float32, "max"),),
        "vector",
    )
    shifted = (
        Load("b", "x", at),
        Let("c", float32, Subtract(), ("b", "top")),
        Let("d", float32, Exp(), ("c",)),
    )
    total = For(
        "j", width, (*shifted, Store("y", at, "d"), Accumulate("total", "d")), "reduce",
        (Accumulator("total", float32, "sum"),), "vector",
    )  # fmt: skip
    scale = For(
        "j",
        width,
        (Load("e", "y", at), Let("f", float32, Divide(), ("e", "total")), Store("y", at, "f")),
        mapping="vector",
    )
    buffers = (Buffer("x", float32, m * width, "read"), Buffer("y", float32, m * width, "write"))
    return Kernel("softmax", buffers, ("m", "n"), (For("i", m, (top, total, scale)),))


@pytest.mark.parametrize("shape", [(3, 10), (5, 1), (2, 1000), (0, 4), (4, 0)])
@pytest.mark.parametrize("static", [False, True])
def test_row_softmax(target: Machine, shape: tuple[int, int], static: bool) -> None:
    x = (generator.normal(size=shape) * 5).astype(np.float32)
    y = np.zeros_like(x)
    run(softmax(shape[1] if static else n), target, [x, y], shape)
    wide = x.astype(np.float64)
    expected = np.exp(wide - wide.max(axis=1, keepdims=True, initial=-np.inf))
    np.testing.assert_allclose(y, expected / expected.sum(axis=1, keepdims=True), rtol=3e-6)


@pytest.mark.parametrize("shape", [(1, 1), (300, 37), (0, 5), (1000, 64)])
def test_column_sum(target: Machine, shape: tuple[int, int]) -> None:
    """A serial reduction inside a vector loop: the accumulators are vectors."""
    inner = For(
        "i",
        m,
        (Load("a", "x", i * n + j), Accumulate("t", "a")),
        "reduce",
        (Accumulator("t", float32, "sum"),),
    )
    body = (For("j", n, (inner, Store("y", j, "t")), mapping="vector"),)
    kernel = Kernel(
        "columns", (Buffer("x", float32, m * n, "read"), Buffer("y", float32, n, "write")), ("m", "n"), body
    )
    x, y = generator.normal(size=shape).astype(np.float32), np.zeros(shape[1], np.float32)
    run(kernel, target, [x, y], shape)
    np.testing.assert_allclose(y, x.astype(np.float64).sum(axis=0), rtol=1e-6, atol=2e-5)


@pytest.mark.parametrize("kind", ["uniform", "normal"])
def test_sum_of_a_million(target: Machine, kind: str) -> None:
    draw: dict[str, Callable[..., Any]] = {"uniform": generator.random, "normal": generator.standard_normal}
    for dtype in (float32, float64):
        x, y = draw[kind](1_000_003).astype(dtype.numpy), np.zeros(1, dtype.numpy)
        run(reduction(dtype, "sum"), target, [x, y], (x.size,))
        exact = math.fsum(x.tolist())
        size = math.fsum(np.abs(x).tolist()) if kind == "normal" else exact
        assert abs(float(y[0]) - exact) <= 1.5 * float(np.finfo(dtype.numpy).eps) * size / (
            100 if kind == "normal" else 1
        )


def test_sum_of_ten_million_does_not_drift(target: Machine) -> None:
    """0.1 added up: a plain float32 sum is off by per cents."""
    x, y = np.full(10_000_000, 0.1, np.float32), np.zeros(1, np.float32)
    run(reduction(float32, "sum"), target, [x, y], (x.size,))
    assert abs(y[0] / (float(x[0]) * x.size) - 1) < 3e-7


@pytest.mark.parametrize("special", [np.inf, -np.inf, np.nan])
def test_sums_with_infinities(target: Machine, special: float) -> None:
    x, y = np.ones(5000, np.float32), np.zeros(1, np.float32)
    x[[17, 4999]] = special
    run(reduction(float32, "sum"), target, [x, y], (x.size,))
    assert np.array_equal(y[0], np.float32(special), equal_nan=True)


# Sums of bools are sums of integers.
REDUCTIONS = [(c, d) for c in ("sum", "prod", "max", "min") for d in DTYPES if d is not bool_ or c in ("max", "min")]


@pytest.mark.parametrize(("combine", "dtype"), REDUCTIONS, ids=str)
@pytest.mark.parametrize("size", [0, 1, 13, 200])
def test_reductions(combine: Combine, dtype: DType, size: int) -> None:
    x = np.array(generator.integers(0 if dtype.kind in "ub" else -2, 2, size, endpoint=True), dtype.numpy)
    out = np.float32 if dtype.compute is float32 else dtype.numpy
    y = np.full(1, 1, out)
    run(reduction(dtype, combine), Machine.host(), [x, y], (size,))
    start: Any = {"sum": 0, "prod": 1}.get(combine)
    if start is None:
        low, high = (False, True) if dtype is bool_ else (-np.inf, np.inf)
        if dtype.is_integer:
            low, high = np.iinfo(dtype.numpy).min, np.iinfo(dtype.numpy).max
        start = low if combine == "max" else high
    function: Any = {"sum": np.add, "prod": np.multiply, "max": np.maximum, "min": np.minimum}[combine]
    with np.errstate(over="ignore"):
        assert y[0] == function.reduce(x.astype(out), initial=out(start) if callable(out) else np.array(start, out)[()])


@pytest.mark.parametrize("combine", ["max", "min"])
@pytest.mark.parametrize("place", [0, 5, 99, 128])
def test_extremes_keep_nan(target: Machine, combine: Combine, place: int) -> None:
    x, y = generator.normal(size=129).astype(np.float32), np.zeros(1, np.float32)
    x[place] = np.nan
    run(reduction(float32, combine), target, [x, y], (x.size,))
    assert np.isnan(y[0])


INDICES: list[tuple[str, Index, Callable[[Any], Any]]] = [
    ("reversed", n - 1 - i, lambda k: k.size - 1 - k),
    ("strided", call("floordiv", i * 2, 3), lambda k: k * 2 // 3),
    ("backwards", call("floordiv", i - 7, 4) + 2, lambda k: (k - 7) // 4 + 2),
    ("wrapped", call("mod", i * 3, n), lambda k: k * 3 % k.size),
    ("negative", call("mod", i - 5, 8), lambda k: (k - 5) % 8),
    ("clamped", call("max", call("min", i - 3, n - 5), 0), lambda k: np.clip(k - 3, 0, k.size - 5)),
    ("uniform", call("floordiv", n, 2), lambda k: np.full_like(k, k.size // 2)),
]


@pytest.mark.parametrize("name,index,expected", INDICES, ids=[row[0] for row in INDICES])
def test_indices(target: Machine, name: str, index: Index, expected: Callable[[Any], Any]) -> None:
    x, z = generator.normal(size=77).astype(np.float64), np.zeros(77)
    run(elementwise(Negative(), (float64,), float64, index), target, [x, z], (77,))
    assert np.array_equal(z, -x[expected(np.arange(77))])


def test_broadcast_of_a_row_and_a_column(target: Machine) -> None:
    """What does not vary is loaded before the loop, and not at all for an empty one."""
    body = (
        Load("a", "row", j),
        Load("b", "column", i),
        Let("c", float32, Exp(), ("b",)),
        Let("d", float32, Add(), ("a", "c")),
    )
    loops = For("i", m, (For("j", n, (*body, Store("z", i * n + j, "d")), mapping="vector"),))
    buffers = (
        Buffer("row", float32, n, "read"),
        Buffer("column", float32, m, "read"),
        Buffer("z", float32, m * n, "write"),
    )
    kernel = Kernel("outer", buffers, ("m", "n"), (loops,))
    row, column = generator.normal(size=33).astype(np.float32), generator.normal(size=5).astype(np.float32)
    z = np.zeros((5, 33), np.float32)
    run(kernel, target, [row, column, z], z.shape)
    np.testing.assert_allclose(z, row + np.exp(column)[:, None], rtol=1e-6, atol=1e-6)
    run(kernel, target, [row, column, z], (5, 0))


def test_transposed_store(target: Machine) -> None:
    loops = For("i", m, (For("j", n, (Load("a", "x", i * n + j), Store("z", j * m + i, "a")), mapping="vector"),))
    buffers = (Buffer("x", float32, m * n, "read"), Buffer("z", float32, m * n, "write"))
    x, z = generator.normal(size=(7, 50)).astype(np.float32), np.zeros((50, 7), np.float32)
    run(Kernel("transpose", buffers, ("m", "n"), (loops,)), target, [x, z], x.shape)
    assert np.array_equal(z, x.T)


def test_masked_load_and_store(target: Machine) -> None:
    """A pad: where the mask does not hold, nothing is read and 0 comes; nothing is written either."""
    body: tuple[Statement, ...] = (
        Position("p", int64, i),
        Let("low", bool_, Word("greater_equal"), ("p", Literal(3, int64))),
        Let("high", bool_, Word("less"), ("p", Literal(40, int64))),
        Let("inside", bool_, Word("logical_and"), ("low", "high")),
        Load("a", "x", i - 3, "inside"),
        Store("y", i, "a"),
        Store("z", i, "a", "inside"),
    )
    buffers = (
        Buffer("x", float32, 37, "read"),
        Buffer("y", float32, n, "write"),
        Buffer("z", float32, n, "write"),
    )
    x = generator.normal(size=37).astype(np.float32)
    for mapping in ("vector", "serial"):
        kernel = Kernel("pad", buffers, ("n",), (For("i", n, body, mapping=mapping),))  # type: ignore[arg-type]
        y, z = np.ones(50, np.float32), np.full(50, 7, np.float32)
        run(kernel, target, [x, y, z], (50,))
        assert np.array_equal(y, np.pad(x, (3, 10)))
        assert np.array_equal(z, np.pad(x, (3, 10), constant_values=7))


def take(mapping: str, dtype: DType) -> Kernel:
    body = (
        Load("k", "indices", i),
        CheckIndex("at", "valid", "k", m),
        Load("a", "x", symbol("at"), "valid"),
        Store("z", i, "a"),
    )
    buffers = (
        Buffer("x", float32, m, "read"),
        Buffer("indices", dtype, n, "read"),
        Buffer("z", float32, n, "write"),
    )
    return Kernel("take", buffers, ("m", "n"), (For("i", n, body, mapping=mapping),))  # type: ignore[arg-type]


@pytest.mark.parametrize("mapping", ["vector", "serial"])
@pytest.mark.parametrize("dtype", [int32, int64, uint8, uint64], ids=str)
def test_gather_with_checked_indices(target: Machine, mapping: str, dtype: DType) -> None:
    x = generator.normal(size=20).astype(np.float32)
    indices = generator.integers(-20 if dtype.kind == "i" else 0, 20, 90).astype(dtype.numpy)
    z = np.zeros(90, np.float32)
    compiled = Compiled(take(mapping, dtype), target)
    assert compiled([x, indices, z], (20, 90)) == 0
    assert np.array_equal(z, x[indices.astype(np.int64)])
    for wrong in (20, -21 if dtype.kind == "i" else 21, np.iinfo(dtype.numpy).max):
        spoiled = indices.copy()
        spoiled[77] = wrong
        assert compiled([x, spoiled, z], (20, 90), 5) == 5
        assert z[77] == 0
    assert compiled([x[:0], indices, z], (0, 90), 3) == 3


def test_accumulator_of_an_outer_loop(target: Machine) -> None:
    """A sum over two axes, the inner one in lanes; a value of the outer loop is added once."""
    inner = For("j", n, (Load("a", "x", i * n + j), Accumulate("t", "a")), "reduce", (), "vector")
    outer = For(
        "i",
        m,
        (inner, Load("b", "bias", i), Accumulate("t", "b")),
        "reduce",
        (Accumulator("t", float32, "sum"),),
    )
    buffers = (
        Buffer("x", float32, m * n, "read"),
        Buffer("bias", float32, m, "read"),
        Buffer("y", float32, 1, "write"),
    )
    x, bias, y = np.ones((300, 70), np.float32), np.full(300, 2, np.float32), np.zeros(1, np.float32)
    run(Kernel("total", buffers, ("m", "n"), (outer, Store("y", 0, "t"))), target, [x, bias, y], x.shape)
    assert y[0] == 300 * 72


@pytest.mark.parametrize("dtype", [float16, bfloat16], ids=str)
def test_short_floats_are_kept(target: Machine, dtype: DType) -> None:
    """Every value survives the way through float32, and sums round to nearest even."""
    x = np.arange(65536, dtype=np.uint16).view(dtype.numpy)
    z = np.zeros_like(x)
    run(elementwise(Word("abs"), (dtype,), dtype), target, [x, z], (x.size,))
    nan = np.isnan(x.astype(np.float32))
    assert np.array_equal(z.view(np.uint16)[~nan], np.abs(x).view(np.uint16)[~nan])
    assert np.isnan(z[nan].astype(np.float32)).all()
    y = np.roll(x, 777)
    run(elementwise(Add(), (dtype, dtype), dtype), target, [x, y, z], (x.size,))
    with np.errstate(all="ignore"):
        expected = x + y
    assert np.array_equal(z, expected, equal_nan=True)


@pytest.mark.parametrize("source", DTYPES, ids=str)
def test_casts(target: Machine, source: DType) -> None:
    """As NumPy casts where the value fits; beyond, floats go to the nearest end and NaN to 0."""
    if source.is_float:
        with np.errstate(over="ignore"):
            x = np.concatenate(
                [
                    [0, -0.0, 0.5, -0.5, 1.5, 2.49, 100.7, 3e38, 65519, 65520, 1e-8, -3.1],
                    generator.normal(size=999) * 50,
                ]
            ).astype(source.numpy)
    else:
        x = generator.integers(0, 2 if source is bool_ else 128, 1000).astype(source.numpy)
        x[:3] = [1, 0, 1] if source is bool_ else [np.iinfo(source.numpy).max, np.iinfo(source.numpy).min, 1]
    for to in DTYPES:
        kernel = elementwise(Cast(to), (source,), to)
        z = np.zeros(x.size, to.numpy)
        run(kernel, target, [x, z], (x.size,))
        with np.errstate(all="ignore"):
            if source.is_float and to.is_integer:
                info = np.iinfo(to.numpy)
                expected = np.array(
                    [
                        min(max(int(v), info.min), info.max) if np.isfinite(v) else (0 if np.isnan(v) else info.max)
                        for v in x.astype(float)
                    ],
                    to.numpy,
                )
            else:
                expected = x.astype(to.numpy)
        assert np.array_equal(z, expected, equal_nan=to.is_float), (
            source,
            to,
            x[z != expected][:3],
            z[z != expected][:3],
        )


class Cast:
    """Stands for the op."""

    name = "cast"

    def __init__(self, dtype: DType) -> None:
        self.dtype = dtype

    def scalar(self, s: Any, x: Any) -> Any:
        return s.cast(x, self.dtype)


INTEGERS = [d for d in DTYPES if d.is_integer]


@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
@pytest.mark.parametrize(
    "word", ["floor_divide", "remainder", "left_shift", "right_shift", "pow", "maximum", "minimum"]
)
def test_integers_never_trap(target: Machine, word: str, dtype: DType) -> None:
    info = np.iinfo(dtype.numpy)
    values = np.array(
        [info.min, info.max, 0, 1, 2, 3, 5, 7, 63, 64, 100, *([-1, -2, -7] if dtype.kind == "i" else [])],
        dtype.numpy,
    )
    x, y = (a.ravel().copy() for a in np.meshgrid(values, values))
    if word in ("left_shift", "right_shift", "pow"):
        x, y = x[y >= 0], y[y >= 0]
    z = np.zeros_like(x)
    run(elementwise(Word(word), (dtype, dtype), dtype), target, [x, y, z], (x.size,))
    with np.errstate(all="ignore"):
        expected = {"pow": np.power}.get(word, getattr(np, word, None))(x, y)  # type: ignore[misc]
        if word in ("floor_divide", "remainder"):
            expected[y == 0] = 0
    assert np.array_equal(z, expected), [row for row in zip(x, y, z, expected) if row[2] != row[3]][:5]


def test_constant_powers_and_shifts(target: Machine) -> None:
    for dtype, number in ((int32, 5), (uint8, 0), (int64, 13)):
        x = np.arange(50).astype(dtype.numpy)
        for word, function in (
            ("pow", np.power),
            ("right_shift", np.right_shift),
            ("left_shift", np.left_shift),
        ):
            z = np.zeros_like(x)
            kernel = elementwise(WithNumber(word, number), (dtype,), dtype)
            run(kernel, target, [x, z], (x.size,))
            assert np.array_equal(z, function(x, dtype.numpy.type(number)))


class WithNumber(Word):
    """A word whose second operand is a Python number."""

    def __init__(self, name: str, number: float) -> None:
        super().__init__(name)
        self.number = number

    def scalar(self, s: Any, x: Any) -> Any:
        return super().scalar(s, x, self.number)


@pytest.mark.parametrize("dtype", [float32, float64], ids=str)
@pytest.mark.parametrize("word", ["floor_divide", "remainder", "maximum", "minimum"])
def test_float_words(target: Machine, word: str, dtype: DType) -> None:
    values = np.array([0.0, -0.0, 1, -1, 2.5, -2.5, 7, 1e30, -1e30, 0.1, np.inf, -np.inf, np.nan], dtype.numpy)
    x, y = (a.ravel().copy() for a in np.meshgrid(values, values))
    z = np.zeros_like(x)
    run(elementwise(Word(word), (dtype, dtype), dtype), target, [x, y, z], (x.size,))
    with np.errstate(all="ignore"):
        expected = getattr(np, word)(x, y)
    assert np.array_equal(z, expected, equal_nan=True), [
        r for r in zip(x, y, z, expected) if r[2] != r[3] and r[3] == r[3]
    ][:5]


@pytest.mark.parametrize(
    "word,function", [("floor", np.floor), ("ceil", np.ceil), ("trunc", np.trunc), ("round", np.round)]
)
def test_rounding(target: Machine, word: str, function: Callable[[Any], Any]) -> None:
    for dtype in (float32, float64):
        x = np.array([0.5, 1.5, 2.5, -0.5, -1.5, 0.49999997, 1e20, -1e20, np.inf, np.nan, -0.0, 3.0], dtype.numpy)
        z = np.zeros_like(x)
        run(elementwise(Word(word), (dtype,), dtype), target, [x, z], (x.size,))
        assert np.array_equal(z, function(x), equal_nan=True)


@pytest.mark.parametrize("word", ["less", "less_equal", "equal", "not_equal", "greater"])
@pytest.mark.parametrize("dtype", [bool_, int8, uint64, float16, float32, float64], ids=str)
def test_comparisons(target: Machine, word: str, dtype: DType) -> None:
    values = np.array([0, 1, 100, 255 if dtype.kind == "u" else -1, 2**60 if dtype.bits == 64 else 7]).astype(
        dtype.numpy
    )
    if dtype.is_float:
        values = np.append(values, np.array([np.nan, np.inf], dtype.numpy))
    x, y = (a.ravel().copy() for a in np.meshgrid(values, values))
    z = np.zeros(x.size, bool)
    run(elementwise(Word(word), (dtype, dtype), bool_), target, [x, y, z], (x.size,))
    assert np.array_equal(z, getattr(np, word)(x, y))


@pytest.mark.parametrize("word", ["logical_and", "logical_or", "bitwise_xor", "minimum", "maximum"])
def test_bools(target: Machine, word: str) -> None:
    x, y, z = np.array([0, 0, 1, 1], bool), np.array([0, 1, 0, 1], bool), np.zeros(4, bool)
    run(elementwise(Word(word), (bool_, bool_), bool_), target, [x, y, z], (4,))
    assert np.array_equal(z, getattr(np, word)(x, y))


def test_arithmetic_is_not_fused(target: Machine) -> None:
    """a*b + c has two roundings, as in NumPy; only a reduction may keep a product unrounded."""
    a, b, c = (generator.normal(size=500).astype(np.float32) for _ in range(3))
    body = (
        Load("a_i", "a", i), Load("b_i", "b", i), Load("c_i", "c", i),
        Let("p", float32, Multiply(), ("a_i", "b_i")), Let("z_i", float32, Add(), ("p", "c_i")),
        Store("z", i, "z_i"),
    )  # fmt: skip
    buffers = tuple(Buffer(name, float32, n, "write" if name == "z" else "read") for name in "abcz")
    z = np.zeros_like(a)
    run(Kernel("fma", buffers, ("n",), (For("i", n, body, mapping="vector"),)), target, [a, b, c, z], (500,))
    assert np.array_equal(z, a * b + c)


@pytest.mark.parametrize("dtype,mixed", [(int16, float32), (float32, float64), (bfloat16, int64)], ids=str)
def test_positions(target: Machine, dtype: DType, mixed: DType) -> None:
    body = (
        Position("p", dtype, 2 * i + 1),
        Position("q", mixed, n - i),
        Store("y", i, "p"),
        Store("z", i, "q"),
    )
    buffers = (Buffer("y", dtype, n, "write"), Buffer("z", mixed, n, "write"))
    y, z = np.zeros(45, dtype.numpy), np.zeros(45, mixed.numpy)
    run(Kernel("iota", buffers, ("n",), (For("i", n, body, mapping="vector"),)), target, [y, z], (45,))
    assert np.array_equal(y, (2 * np.arange(45) + 1).astype(dtype.numpy))
    assert np.array_equal(z, (45 - np.arange(45)).astype(mixed.numpy))


def test_vector_loop_in_a_vector_loop(target: Machine) -> None:
    """Only the outer one runs in lanes; a thousand additions to each lane are a long sum."""
    load = Load("a", "x", j * n + i)
    inner = For("j", 1000, (load, Accumulate("t", "a")), "reduce", (Accumulator("t", float32, "sum"),), "vector")
    body = (For("i", n, (inner, Store("y", i, "t")), mapping="vector"),)
    buffers = (Buffer("x", float32, 1000 * n, "read"), Buffer("y", float32, n, "write"))
    x, y = np.full((1000, 70), 0.1, np.float32), np.zeros(70, np.float32)
    run(Kernel("columns", buffers, ("n",), body), target, [x, y], (70,))
    np.testing.assert_allclose(y, 1000 * float(x[0, 0]), rtol=3e-7)
