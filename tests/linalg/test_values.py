"""Values of `graphc.linalg`: as NumPy and SciPy have them, on each target, for all kinds of sizes."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import scipy.linalg

import graphc as gc
from graphc import linalg
from tests.linalg.cases import CASES, regular

TOLERANCE = {"float64": 1e-9, "float32": 2e-3}


def results(y):
    return list(y) if isinstance(y, tuple | list) else [y]


def compiled(name, stack_ndim, dtype, target):
    case = CASES[name]
    stack = tuple(f"b{i}" for i in range(stack_ndim))
    inputs = [gc.input(f"x{i}", (*stack, *shape), dtype) for i, shape in enumerate(case.shapes)]
    return gc.compile(inputs, results(case.function(*inputs)), target=target)


STACKS = [(), (3,), (0,), (2, 2)]
SIZES = [*product((0, 1, 2, 3), (0, 1, 2, 3), (0, 1, 2)), (5, 4, 3), (4, 5, 1)]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", CASES)
def test_named_sizes(name, dtype):
    """One compiled function serves all sizes, 0 and 1 included, alone and in stacks."""
    functions = {ndim: [compiled(name, ndim, dtype, t) for t in ("llvm", "reference")] for ndim in (0, 1, 2)}
    shapes = CASES[name].shapes
    for stack, sizes in product(STACKS, dict.fromkeys(_named(shapes, sizes) for sizes in SIZES)):
        values = [x.astype(dtype) for x in CASES[name].sample(np.random.default_rng(sum(sizes)), stack, sizes)]
        with np.errstate(all="ignore"):
            wanted = results(CASES[name].peer(*(x.astype("float64") for x in values)))
        found = [f(*values) for f in functions[len(stack)]]
        for got, slow, truth in zip(*found, wanted, strict=True):
            assert got.dtype == dtype and got.shape == np.shape(truth)
            scale = 1 + np.max(np.abs(truth), initial=0)
            np.testing.assert_allclose(got, truth, rtol=0, atol=TOLERANCE[dtype] * scale, err_msg=f"{stack} {sizes}")
            np.testing.assert_allclose(got, slow, rtol=0, atol=1e-2 * TOLERANCE[dtype] * scale)


def _named(shapes, sizes):
    """The sizes, but for those that the shapes do not name, which are 1."""
    return tuple(n if letter in "".join(shapes) else 1 for letter, n in zip("mnk", sizes, strict=True))


def evaluated(y):
    return gc.compile([], results(y))()


def square(n=4, seed=0, stack=()):
    return regular(np.random.default_rng(seed).normal(size=(*stack, n, n)))[0]


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4), (2, 3, 5)])
def test_full_decompositions_give_the_matrix_back(shape):
    x = np.random.default_rng(1).normal(size=shape)
    m, n = shape[-2:]
    u, s, vh = evaluated(linalg.svd(x))
    assert u.shape[-2:] == (m, m) and vh.shape[-2:] == (n, n)
    middle = np.zeros(shape)
    np.einsum("...ii->...i", middle[..., : s.shape[-1], : s.shape[-1]])[...] = s
    np.testing.assert_allclose(u @ middle @ vh, x, atol=1e-12)
    q, r = evaluated(linalg.qr(x, mode="complete"))
    assert q.shape[-2:] == (m, m) and r.shape == shape
    np.testing.assert_allclose(q @ r, x, atol=1e-12)
    np.testing.assert_allclose(r, np.triu(r), atol=0)


def test_eig_gives_pairs_of_complex_numbers():
    x = np.random.default_rng(3).normal(size=(3, 5, 5))
    wr, wi, vr, vi = evaluated(linalg.eig(x))
    w, v = wr + 1j * wi, vr + 1j * vi
    np.testing.assert_allclose(x @ v, v * w[..., None, :], atol=1e-12)
    np.testing.assert_allclose(np.sum(np.abs(v) ** 2, -2), 1)
    assert np.abs(wi).max() > 0
    np.testing.assert_allclose(np.sort(evaluated(linalg.eigvals(x))[0]), np.sort(wr))


@pytest.mark.parametrize("n", [1, 31, 32, 33, 70, 150])
def test_lu_is_that_of_lapack(n):
    """Across the borders of panels and of blocks: the same pivots, hence the same factors."""
    x = np.random.default_rng(n).normal(size=(n, n + 3))
    packed, pivots, order = evaluated(linalg.lu_factor(x))
    wanted, rows = scipy.linalg.lu_factor(x)
    np.testing.assert_array_equal(pivots, rows)
    np.testing.assert_allclose(packed, wanted, atol=1e-11)
    lower = np.tril(packed[:, :n], -1) + np.eye(n)
    np.testing.assert_allclose(lower @ np.triu(packed), x[order], atol=1e-11)


@pytest.mark.parametrize("n", [63, 64, 65, 200])
@pytest.mark.parametrize("lower", [False, True])
def test_substitution_in_blocks(n, lower):
    """As good as LAPACK's, also where rows are of very different sizes; the other triangle is not read."""
    rng = np.random.default_rng(n)
    a = rng.normal(size=(n, n)) / n + np.eye(n)
    a *= 10.0 ** rng.integers(-8, 8, (n, 1))
    b = rng.normal(size=(n, 2))
    triangle = np.tril(a) if lower else np.triu(a)
    spoilt = np.where(triangle == 0, np.nan, a)
    (x,) = evaluated(linalg.triangular_solve(spoilt, b, lower=lower))
    np.testing.assert_allclose(x, scipy.linalg.solve_triangular(triangle, b, lower=lower), rtol=1e-9)


def test_right_sides():
    """Vectors, matrices, stacks against one matrix, and one right side against stacks."""
    a, stack = square(), square(seed=1, stack=(2, 3))
    rng = np.random.default_rng(2)
    for left, right in [(a, (4,)), (a, (4, 2)), (a, (5, 6, 4, 2)), (stack, (4,)), (stack, (4, 2)), (stack, (3, 4, 2))]:
        b = rng.normal(size=right)
        (x,) = evaluated(linalg.solve(left, b))
        np.testing.assert_allclose(x, np.linalg.solve(left, b), atol=1e-12)
        factor = linalg.lu_factor(left)
        np.testing.assert_allclose(evaluated(linalg.lu_solve(factor, b))[0], x, atol=1e-12)
        (triangular,) = evaluated(linalg.triangular_solve(left, b))
        np.testing.assert_allclose(triangular, np.linalg.solve(np.triu(left), b), rtol=1e-9)


@pytest.mark.parametrize("scale", [1e-8, 1.0, 30.0, 1e3])
def test_expm_of_all_sizes(scale):
    rng = np.random.default_rng(4)
    skew = rng.normal(size=(6, 6))
    skew = scale * (skew - skew.T)
    np.testing.assert_allclose(evaluated(linalg.expm(skew))[0], scipy.linalg.expm(skew), atol=1e-13 * (1 + 100 * scale))
    negative = -scale * np.abs(rng.normal(size=(5, 5)))
    nilpotent = scale * np.triu(negative, 1)
    np.testing.assert_allclose(evaluated(linalg.expm(nilpotent))[0], scipy.linalg.expm(nilpotent), rtol=1e-9)


def test_rank_and_least_squares_of_lower_rank():
    rng = np.random.default_rng(5)
    a = rng.normal(size=(2, 6, 3)) @ rng.normal(size=(2, 3, 5))
    a[1, :, :] = 0
    b = rng.normal(size=(2, 6, 2))
    x, residuals, rank, s = evaluated(linalg.lstsq(a, b))
    for i in range(2):
        wanted, _, number, values = np.linalg.lstsq(a[i], b[i])
        np.testing.assert_allclose(x[i], wanted, atol=1e-12)
        np.testing.assert_allclose(s[i], values, atol=1e-12)
        assert rank[i] == number == np.linalg.matrix_rank(a[i])
    np.testing.assert_allclose(residuals, np.sum((b - a @ x) ** 2, -2))
    rtol = np.array([0.5, 1e-9])
    np.testing.assert_allclose(evaluated(linalg.pinv(a, rtol=rtol))[0], np.linalg.pinv(a, rtol=rtol), atol=1e-12)
    np.testing.assert_array_equal(evaluated(linalg.matrix_rank(a, rtol=rtol))[0], np.linalg.matrix_rank(a, rtol=rtol))


def test_chains_take_the_cheapest_order():
    x, y = gc.input("x", (1000, 2), "float64"), gc.input("y", (2, 1000), "float64")
    v = gc.input("v", (1000,), "float64")
    product = linalg.multi_dot([x, y, x, y, v])
    assert max(node.size for node in gc.Graph("f", (x, y, v), (product,)).nodes) == 2000
    rng = np.random.default_rng(6)
    values = [rng.normal(size=node.shape) for node in (x, y, v)]
    (got,) = gc.compile([x, y, v], [product])(*values)
    np.testing.assert_allclose(got, np.linalg.multi_dot([values[0], values[1], values[0], values[1], values[2]]))
    a, b = gc.input("a", ("n", 3), "float64"), gc.input("b", (3, "k"), "float64")
    (got,) = gc.compile([a, b], [linalg.multi_dot([a, b, gc.transpose(b)])])(
        values[0][:4, :1] * np.ones(3), values[1][:, :5][[0, 1, 1]]
    )
    assert got.shape == (4, 3)


def test_structured():
    c, r = np.array([1.0, 2, 3]), np.array([9.0, 4, 5, 6])
    np.testing.assert_array_equal(evaluated(linalg.toeplitz(c, r))[0], scipy.linalg.toeplitz(c, r))
    np.testing.assert_array_equal(evaluated(linalg.toeplitz(c))[0], scipy.linalg.toeplitz(c))
    blocks = [np.ones((2, 3)), np.float64(7), np.ones((0, 1)), np.arange(4.0)]
    np.testing.assert_array_equal(evaluated(linalg.block_diag(*blocks))[0], scipy.linalg.block_diag(*blocks))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_16_bit_floats_are_calculated_in_float32(dtype):
    a = square().astype(gc.types.as_dtype(dtype).numpy)
    for function in (linalg.inv, linalg.det, linalg.slogdet, linalg.svd, linalg.lu, linalg.vector_norm, linalg.expm):
        wide = results(function(gc.constant(a.astype("float32"))))
        for got, exact in zip(evaluated(function(a)), evaluated(wide), strict=True):
            assert got.dtype == a.dtype
            np.testing.assert_array_equal(got, exact.astype(a.dtype))


def test_stacks_of_stacks():
    """vmap makes the stack longer."""
    rng = np.random.default_rng(7)
    a, b = square(stack=(3,)), rng.normal(size=(3, 4, 2))
    x, y = gc.input("x", (3, 4, 4), "float64"), gc.input("y", (3, 4, 2), "float64")
    mapped = gc.vmap(lambda a, b: (linalg.solve(a, b), *linalg.qr(a), linalg.lu_solve(linalg.lu_factor(a), b)))(x, y)
    got = gc.compile([x, y], list(mapped))(a, b)
    for one, wanted in zip(got, [np.linalg.solve(a, b), *np.linalg.qr(a), np.linalg.solve(a, b)], strict=True):
        np.testing.assert_allclose(one, wanted, atol=1e-12)
