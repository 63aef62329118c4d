"""How exact sums are: the bounds that docs/accumulation.md states, on data that is made to reach them."""

import math
import os
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

import graphc as gc
from graphc.errors import GraphError
from graphc.passes.pipeline import parse_pipeline

FLOATS = ("float32", "float64")
LLVM = ("llvm", "reference")
BLOCKED = 24  # roundings: of a block, of lanes that are joined, and of parts on a GPU


def unit(dtype):
    """The largest relative error of one rounding."""
    return float(np.finfo(dtype).eps) / 2


def positive(rng, n, dtype):
    return rng.random(n).astype(dtype)


def one_and_tiny(rng, n, dtype):
    """A running total of 1 swallows each of the others."""
    return np.r_[1, np.full(n - 1, 0.7 * unit(dtype))].astype(dtype)


def growing(rng, n, dtype):
    """Every step of a running total rounds the same way."""
    return np.full(n, 1 + 2 * unit(dtype), dtype)


def alternating(rng, n, dtype):
    x = (rng.random(n) * 10.0 ** rng.integers(-6, 7, n)).astype(dtype)
    return np.where(np.arange(n) % 2, x, -np.roll(x, 1)).astype(dtype)


def cancelling(rng, n, dtype):
    """Every number but a few has its opposite somewhere else."""
    half = (rng.standard_normal((n - 3) // 2) * 10.0 ** rng.integers(-5, 6, (n - 3) // 2)).astype(dtype)
    rest = rng.random(n - 2 * half.size).astype(dtype) * np.asarray(1e-3, dtype)
    return rng.permutation(np.concatenate([half, -half, rest]))


DATA = (positive, one_and_tiny, growing, alternating, cancelling)


def exact(x):
    return math.fsum(x.astype(float).ravel().tolist())


def excess(got, terms, dtype):
    """The error in units of u * sum|x|."""
    size = exact(np.abs(terms))
    return abs(float(got) - exact(terms)) / (unit(dtype) * size) if size else abs(float(got))


@pytest.mark.parametrize("target", LLVM)
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("data", DATA)
def test_sums_along_each_axis(data, dtype, target):
    """Rows, columns, axes in the middle, several axes at once; known sizes and named ones."""
    rng = np.random.default_rng(1)
    x = data(rng, 7 * 411 * 5, dtype).reshape(7, 411, 5)
    for shape in (x.shape, ("a", "b", "c")):
        node = gc.input("x", shape, dtype)
        for axis in (0, 1, 2, (0, 1), (0, 2), (1, 2), None):
            got = gc.compile([node], gc.sum(node, axis), target=target)(x)
            axes = tuple(range(3)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
            kept = [a for a in range(3) if a not in axes]
            rows = np.transpose(x, (*kept, *axes)).reshape(got.size, -1)
            for result, row in zip(np.ravel(got), rows, strict=True):
                assert excess(result, row, dtype) <= BLOCKED


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("n", [1, 2, 15, 16, 17, 64, 1023, 100_003])
def test_the_bound_does_not_grow_with_the_length(n, data, dtype):
    x = data(np.random.default_rng(n), max(n, 5), dtype)[:n]
    node = gc.input("x", ("n",), dtype)
    assert excess(gc.compile([node], gc.sum(node))(x), x, dtype) <= BLOCKED


def test_columns_of_a_million_rows():
    x = np.full((1_000_000, 3), 1 + 2**-23, "float32")
    node = gc.input("x", ("n", 3))
    got = gc.compile([node], gc.sum(node, 0))(x)
    assert got.tolist() == [np.float32(1_000_000 * (1 + 2**-23))] * 3


@pytest.mark.parametrize("dtype", FLOATS)
def test_sums_of_what_is_computed(dtype):
    """Terms that never reach memory: a product may stay unrounded, so u * |product| is open, too."""
    rng = np.random.default_rng(3)
    x, y = positive(rng, 50_000, dtype), alternating(rng, 50_000, dtype)
    a, b = gc.input("a", ("n",), dtype), gc.input("b", ("n",), dtype)
    got = gc.compile([a, b], gc.sum(a * b))(x, y)
    products = x.astype(np.longdouble) * y.astype(np.longdouble)
    error = abs(float(got) - float(np.sum(products)))
    assert error <= (BLOCKED + 1) * unit(dtype) * float(np.sum(np.abs(products)))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("data", [growing, cancelling])
def test_sums_on_a_gpu(data, dtype):
    """Threads that go through columns, blocks that share rows, and long sums in two steps."""
    rng = np.random.default_rng(11)
    x = data(rng, 3 * 40_001, dtype).reshape(3, 40_001)
    rows, columns = gc.input("rows", ("m", "n"), dtype), gc.input("columns", ("n", 3), dtype)
    sums = [(rows, 1), (columns, 0), (rows, None)]
    results = [gc.sum(node, axis, compensated=care) for care in (False, True) for node, axis in sums]
    got = gc.compile([rows, columns], results, target="cuda-emulator")(x, x.T.copy())
    for number, result in enumerate(got):
        for value, row in zip(np.ravel(result), x if np.ndim(result) else x.reshape(1, -1), strict=True):
            if number < len(sums):
                assert excess(value, row, dtype) <= BLOCKED
            else:
                u, total = unit(dtype), exact(row)
                assert abs(float(value) - total) <= 1.01 * u * abs(total) + row.size * u * u * exact(np.abs(row))


# --- compensated ---


@pytest.mark.parametrize("target", LLVM)
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("data", DATA)
def test_compensated_sums_are_rounded_once(data, dtype, target):
    """|error| <= u |sum| + n u^2 sum|x|, where a blocked sum has u * sum|x| instead."""
    rng = np.random.default_rng(5)
    x = data(rng, 3 * 4001, dtype).reshape(3, 4001)
    node = gc.input("x", ("m", "n"), dtype)
    for axis in (0, 1, None):
        by_op = gc.compile([node], gc.sum(node, axis, compensated=True), target=target)(x)
        by_option = gc.compile([node], gc.sum(node, axis), accumulation="compensated", target=target)(x)
        assert np.array_equal(by_op, by_option)
        rows = x.reshape(1, -1) if axis is None else np.moveaxis(x, axis, -1)
        for result, row in zip(np.ravel(by_op), rows, strict=True):
            u, total = unit(dtype), exact(row)
            assert abs(float(result) - total) <= 1.01 * u * abs(total) + row.size * u * u * exact(np.abs(row))


@pytest.mark.parametrize("dtype", FLOATS)
def test_compensated_dots_and_products_of_matrices(dtype):
    """The rounding errors of products count as well: Ogita, Rump & Oishi, Accurate sum and dot product, 2005."""
    rng = np.random.default_rng(7)
    x, y = (cancelling(rng, 999, dtype) for _ in range(2))
    a, b = gc.input("a", ("n",), dtype), gc.input("b", ("n",), dtype)
    nodes = [gc.sum(a * b), gc.vecdot(a, b), a @ b, gc.sum(gc.square(a))]
    got = gc.compile([a, b], nodes, accumulation="compensated")(x, y)
    for result, other in zip(got, (y, y, y, x), strict=True):
        terms = [Fraction(float(p)) * Fraction(float(q)) for p, q in zip(x, other, strict=True)]
        total, size, u = float(sum(terms)), float(sum(map(abs, terms))), unit(dtype)
        assert abs(float(result) - total) <= 1.01 * u * abs(total) + len(terms) * u * u * size


def test_what_a_total_swallows_is_not_lost():
    """1 + 1e30 + 1 - 1e30 is 2 where rounding errors are kept."""
    for n in (1, 16, 33, 500):
        values = np.tile([1, 1e30, 1, -1e30], n)
        node = gc.input("x", ("n",), "float64")
        assert gc.compile([node], gc.sum(node, compensated=True))(values) == 2 * n


@pytest.mark.parametrize("processor", ["x86-64", "x86-64-v3"])
def test_compensation_without_wide_vectors_or_fused_products(processor):
    program = """
import numpy as np, graphc as gc
values = np.tile([1, 3e15, 1, -3e15], 500)
x, y = gc.input("x", ("n",), "float64"), gc.input("y", ("n",), "float64")
f = gc.compile([x, y], [gc.sum(x, compensated=True), gc.sum(x * y, compensated=True), gc.cumsum(x)[-1]])
print(*map(float, f(values, np.where(values < 0, -values - 1, values + 1))))
"""
    environment = {**os.environ, "GRAPHC_CPU": processor}
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    assert run.stdout.split() == ["1000.0", str(float(500 * (4 + 2 * 3 * 10**15))), "1000.0"], run.stderr


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("compensated", [False, True])
def test_infinities_and_nan_in_long_sums(dtype, compensated):
    inf = math.inf
    node = gc.input("x", ("n",), dtype)
    f = gc.compile([node], gc.sum(node, compensated=compensated))
    for n in (3, 1000):
        for special, wanted in (([inf], inf), ([-inf], -inf), ([inf, -inf], math.nan), ([math.nan], math.nan)):
            x = np.ones(n, dtype)
            x[-len(special) :] = special
            np.testing.assert_equal(float(f(x)), wanted)
    largest = float(np.finfo(dtype).max)
    assert f(np.full(1000, largest, dtype)) == inf
    assert f(np.zeros(0, dtype)) == 0


def test_rules_still_see_the_sums_of_a_compensated_function():
    x = gc.input("x", ("n",))
    f = gc.compile([x], gc.log(gc.sum(gc.exp(x))), accumulation="compensated")
    assert f(np.array([1000, 1000], "float32")) == np.float32(1000 + math.log(2))


def test_the_option_stands_in_the_pipeline():
    x = gc.input("x", ("n",))
    f = gc.compile([x], gc.sum(x), accumulation="compensated")
    assert [str(p).split(":")[0] for p in f.passes][-3:] == [
        "decompose{accumulation=compensated}",
        "fuse{accumulation=compensated}",
        "lower",
    ]
    text = "default,decompose{accumulation=compensated},fuse{accumulation=compensated},lower"
    assert str(parse_pipeline(text)).endswith("fuse{accumulation=compensated},lower")
    values = np.array([1, 1e9, -1e9], "float32")
    assert gc.compile([x], gc.sum(x), passes=text)(values) == 1


def test_unknown_accumulations_are_named():
    x = gc.input("x", ("n",))
    with pytest.raises(GraphError, match="no accumulation "):
        gc.compile([x], gc.sum(x), accumulation="kahan")
    with pytest.raises(TypeError, match="accumulation is a text"):
        gc.compile([x], gc.sum(x), accumulation=True)


def step_with(w):
    return lambda c, x: (c, w * x)


def test_what_steps_of_a_loop_add_to_a_gradient():
    """A running total of float32 would be off by hundreds of roundings."""
    values = np.random.default_rng(23).random(200_000).astype("float32")
    w, x = gc.input("w", ()), gc.input("x", ("n",))
    slope = gc.grad(gc.sum(gc.scan(step_with(w), w, x)[1]), w)
    assert excess(gc.compile([w, x], slope)(np.float32(1), values), values, "float32") <= 2


# --- running sums ---


@pytest.mark.parametrize("target", ["llvm", "reference", "cuda-emulator"])
@pytest.mark.parametrize("dtype", FLOATS)
def test_running_sums_are_rounded_once(dtype, target):
    rng = np.random.default_rng(19)
    for data, axis, reverse in ((growing, 0, False), (cancelling, 1, False), (one_and_tiny, 1, True)):
        x = data(rng, 401 * 403, dtype).reshape(401, 403)[:, ::5].copy()
        node = gc.input("x", ("m", "n"), dtype)
        got = gc.compile([node], gc.cumsum(node, axis, reverse=reverse), target=target)(x)
        flipped = np.flip(x, axis) if reverse else x
        wide = flipped.astype(np.longdouble if dtype == "float64" else np.float64)
        wanted, size = np.cumsum(wide, axis), np.cumsum(np.abs(wide), axis)
        error = np.abs((np.flip(got, axis) if reverse else got) - wanted)
        u, n = unit(dtype), x.shape[axis]
        slack = n * u * u + n * float(np.finfo(wide.dtype).eps)  # of what the sums are compared with, too
        assert (error <= 1.01 * u * np.abs(wanted) + slack * size).all()


def test_running_sums_keep_zeros_infinities_and_nothing():
    x = gc.input("x", ("n",))
    f = gc.compile([x], gc.cumsum(x))
    assert np.signbit(f(np.array([-0.0, -0.0, 0.0], "float32"))).tolist() == [True, True, False]
    np.testing.assert_array_equal(
        f(np.array([1, math.inf, 1, -math.inf], "float32")), [1, math.inf, math.inf, math.nan]
    )
    assert f(np.zeros(0, "float32")).shape == (0,)


# --- what is made of sums ---


@pytest.mark.parametrize("formula", [gc.var, lambda x: gc.mean(x * x) - gc.square(gc.mean(x))])
@pytest.mark.parametrize(("mean", "deviation"), [(0, 1), (1e5, 1), (1e6, 0.1), (1e6, 1), (1e7, 1)])
def test_variances_far_from_zero(mean, deviation, formula):
    """The rounding of the mean alone would cost NumPy's answer all digits at 1e6 and 0.1."""
    values = (mean + deviation * np.random.default_rng(1).standard_normal(100_001)).astype("float32")
    x = gc.input("x", ("n",))
    wanted = np.var(values.astype(np.longdouble))
    assert abs(gc.compile([x], formula(x))(values) - wanted) <= 4 * unit("float32") * float(wanted)


def test_variances_are_not_negative():
    x = gc.input("x", (3, "n"))
    f = gc.compile([x], [gc.var(x, 1), gc.std(x, 1)])
    for result in f(np.repeat(np.array([[0.1], [1e7 / 3], [-1e-30]], "float32"), 1001, axis=1)):
        assert (result >= 0).all() and (result <= 1e-3).all()
    assert gc.compile([x], gc.var(x, 1, correction=1))(np.ones((3, 2), "float32")).tolist() == [0, 0, 0]


def test_means_of_large_integers():
    x = gc.input("x", ("n",), "int64")
    assert gc.compile([x], gc.mean(x))(np.array([2**52 + 1, 2**52 + 3])) == 2**52 + 2


# --- 16-bit floats ---


ROWS = ((4, 3000), (4, 3000))
NARROW = {
    "sum": (lambda x, y: gc.sum(x, 1), ROWS),
    "columns": (lambda x, y: gc.sum(x.mT, 0), ROWS),
    "mean": (lambda x, y: gc.mean(x, 1), ROWS),
    "var": (lambda x, y: gc.var(x, 1), ROWS),
    "std": (lambda x, y: gc.std(x, 1), ROWS),
    "dot": (lambda x, y: gc.vecdot(x, y), ROWS),
    "matmul": (lambda x, y: x @ y.mT, ROWS),
    "einsum": (lambda x, y: gc.einsum("ij,ij->i", x, y), ROWS),
    "norm": (lambda x, y: gc.linalg.vector_norm(x, axis=1), ROWS),
    "running sum": (lambda x, y: gc.cumsum(x, 1), ROWS),
    "softmax": (lambda x, y: gc.softmax(x, 1), ROWS),
    "logsumexp": (lambda x, y: gc.logsumexp(x, 1), ROWS),
    "convolution": (lambda x, k: gc.conv(x, k), ((1, 64, 8, 8), (4, 64, 3, 3))),
    "gradient of what is broadcast": (lambda x, b: gc.grad(gc.sum(x * b), b), ((3000, 4), (4,))),
    "gradient of what many read": (
        lambda x, y: gc.grad(sum((gc.sum(x * float(k)) for k in range(1, 40)), gc.sum(y)), x),
        ((5,), (5,)),
    ),
    "gradient of what each step reads": (
        lambda w, x: gc.grad(gc.sum(gc.scan(step_with(w), w, x)[1]), w),
        ((), (3000,)),
    ),
}
PLACES = np.arange(3000) % 3 // 2
SCATTERED = {
    "segments": (lambda x: gc.segment_sum(x, PLACES, 2), ((3000, 4),)),
    "means of segments": (lambda x: gc.segment_mean(x, PLACES, 2), ((3000, 4),)),
    "rows that are added": (lambda x, y: y.at[PLACES].add(x), ((3000, 4), (2, 4))),
    "elements that are added": (lambda x, y: y.at[PLACES, PLACES].add(x), ((3000,), (2, 4))),
    "weights of numbers": (lambda x: gc.bincount(PLACES, weights=x, length=2), ((3000,),)),
    "gradient of rows": (lambda w, y: gc.grad(gc.sum(gc.take(w, PLACES, axis=0) * y), w), ((3, 4), (3000, 4))),
    "gradient of elements": (lambda w, y: gc.grad(gc.sum(w[PLACES, PLACES] * y), w), ((3, 4), (3000,))),
    "gradient along an axis": (
        lambda w, y: gc.grad(gc.sum(gc.take_along_axis(w, PLACES[:, None], 0) * y), w),
        ((3, 1), (3000, 1)),
    ),
}
EVERYWHERE = [(name, target) for name in NARROW for target in LLVM]
EVERYWHERE += [(name, target) for name in SCATTERED for target in (*LLVM, "cuda-emulator")]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize(("name", "target"), EVERYWHERE)
def test_narrow_floats_are_rounded_at_the_end(name, dtype, target):
    """Sums of 16-bit floats have no more error than rounding a few values to 16 bits."""
    formula, shapes = {**NARROW, **SCATTERED}[name]
    rng = np.random.default_rng(13)
    narrow = [gc.input(f"x{i}", shape, dtype) for i, shape in enumerate(shapes)]
    wide = [gc.input(f"x{i}", shape, "float64") for i, shape in enumerate(shapes)]
    values = [(rng.random(x.shape) / 8).astype(x.dtype.numpy) for x in narrow]
    got = gc.compile(narrow, formula(*narrow), target=target)(*values)
    wanted = gc.compile(wide, formula(*wide))(*(v.astype(float) for v in values))
    assert got.dtype == values[0].dtype
    roundings = 1.5 * {"float16": 2.0**-11, "bfloat16": 2.0**-8}[dtype]
    assert (np.abs(got.astype(float) - wanted) <= roundings * np.abs(wanted) + 2.0**-24).all()


def test_variances_of_narrow_floats_do_not_overflow_on_the_way():
    x = gc.input("x", ("n",), "float16")
    f = gc.compile([x], [gc.var(x), gc.mean(x * x) - gc.square(gc.mean(x))])
    assert f(np.array([250, -250, *[0] * 998], "float16")) == [125, 125]
    assert gc.compile([x], gc.var(x))(np.array([600, *[0] * 99], "float16")) == np.float16(3564)


MANY = 70_000  # float16 ends before
COUNTED = {
    "average": (lambda x: gc.average(x, weights=x), 1),
    "mean of segments": (lambda x: gc.segment_mean(x, gc.zeros(x.shape, "int64"), 1)[0], 1),
    "norm": (lambda x: gc.sqrt(gc.mean(x * x)), 1),
    "exponentials": (lambda x: gc.log(gc.mean(gc.exp(x))), 1),
    "gradient of a mean": (lambda x: gc.grad(gc.mean(x) * 7000, x)[0], 0.1),
    "gradient of the largest": (lambda x: gc.grad(gc.max(x) * 7000, x)[0], 0.1),
    "place": (lambda x: gc.quantile(gc.cumsum(x * 2.0**-10), 0.999), 0.999 * MANY / 1024),
}


@pytest.mark.parametrize("name", COUNTED)
def test_there_may_be_more_numbers_than_a_narrow_float_can_count(name):
    formula, wanted = COUNTED[name]
    x = gc.input("x", ("n",), "float16")
    got = gc.compile([x], formula(x))(np.ones(MANY, "float16"))
    assert got.dtype == np.float16 and abs(float(got) - wanted) <= 2.0**-10 * wanted


# --- matrix products, and the order ---


@pytest.mark.parametrize("target", ["llvm", "cuda-emulator"])
@pytest.mark.parametrize("shape", [(3, 9_000, 20), (32, 4097, 1)])
def test_long_products_of_matrices(shape, target):
    """Sums along k in blocks of 512: a running total of random terms would be off by hundreds of roundings."""
    rng = np.random.default_rng(17)
    rows, k, columns = shape
    x, y = rng.random((rows, k)).astype("float32"), rng.random((k, columns)).astype("float32")
    a, b = gc.input("a", ("m", "k")), gc.input("b", ("k", "n"))
    got = gc.compile([a, b], a @ b, target=target)(x, y)
    wanted = x.astype(float) @ y.astype(float)
    assert (np.abs(got - wanted) <= 48 * unit("float32") * wanted).all()


PROGRAM = """
import hashlib, numpy as np, graphc as gc
rng = np.random.default_rng(0)
x, y = gc.input("x", ("n", "m")), gc.input("y", ("m", "k"))
results = [gc.sum(x), gc.sum(x, 0), gc.sum(x, 1), gc.softmax(x, 1), gc.var(x), gc.cumsum(x, 1), x @ y, x @ y[:, 0]]
f = gc.compile([x, y], results)

def shifted(array, places):
    memory = np.empty(array.size + places, array.dtype)
    memory[places:] = array.ravel()
    return memory[places:].reshape(array.shape)

digests = set()
a, b = rng.standard_normal((301, 517)).astype("float32"), rng.standard_normal((517, 45)).astype("float32")
for places in (0, 1, 3, 16):
    digest = hashlib.sha256()
    for result in f(shifted(a, places), shifted(b, 2 * places)):
        digest.update(result.tobytes())
    digests.add(digest.hexdigest())
print(*digests)
"""


def test_bits_depend_neither_on_threads_nor_on_addresses():
    """Nor on the call: the order of additions follows from sizes and from the machine's vectors."""
    printed = set()
    for threads in ("1", "2", "4"):
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": threads}
        run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=environment)
        assert run.stderr == ""
        printed.add(run.stdout.strip())
    assert len(printed) == 1 and len(printed.pop()) == 64


def test_compensated_is_no_text():
    with pytest.raises(TypeError, match="compensated is True or False, not 'yes'"):
        gc.sum(gc.input("x", ("n",)), compensated="yes")
