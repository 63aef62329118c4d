"""The extension linalg of `graphc.array_api` beside array-api-strict, on stacks of small matrices."""

import array_api_strict as strict
import numpy as np
import pytest

import graphc.array_api as xp

RANDOM = np.random.default_rng(0)
DTYPES = ["float32", "float64"]


def matrices(*shape, dtype="float64"):
    return RANDOM.normal(size=shape).astype(dtype)


def definite(*shape, dtype="float64"):
    x = matrices(*shape, dtype=dtype)
    return x @ np.matrix_transpose(x) + np.eye(shape[-1], dtype=dtype)


def assert_close(found, expected, dtype):
    found, expected = np.asarray(found), np.asarray(expected)
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    np.testing.assert_allclose(
        found, expected, rtol=1e-4 if dtype == "float32" else 1e-10, atol=1e-5 if dtype == "float32" else 1e-12
    )


CALLS = {
    "cholesky": lambda space, x: space.linalg.cholesky(x),
    "cholesky, upper": lambda space, x: space.linalg.cholesky(x, upper=True),
    "det": lambda space, x: space.linalg.det(x),
    "eigvalsh": lambda space, x: space.linalg.eigvalsh(x),
    "inv": lambda space, x: space.linalg.inv(x),
    "matrix_norm": lambda space, x: space.linalg.matrix_norm(x),
    "matrix_norm, 1": lambda space, x: space.linalg.matrix_norm(x, ord=1, keepdims=True),
    "matrix_norm, nuclear": lambda space, x: space.linalg.matrix_norm(x, ord="nuc"),
    "matrix_power": lambda space, x: space.linalg.matrix_power(x, 3),
    "matrix_power, negative": lambda space, x: space.linalg.matrix_power(x, -1),
    "matrix_rank": lambda space, x: space.linalg.matrix_rank(x),
    "matrix_transpose": lambda space, x: space.linalg.matrix_transpose(x),
    "pinv": lambda space, x: space.linalg.pinv(x),
    "slogdet": lambda space, x: space.linalg.slogdet(x).logabsdet,
    "slogdet, sign": lambda space, x: space.linalg.slogdet(x).sign,
    "solve": lambda space, x: space.linalg.solve(x, x + x),
    "svdvals": lambda space, x: space.linalg.svdvals(x),
    "trace": lambda space, x: space.linalg.trace(x, offset=1),
    "diagonal": lambda space, x: space.linalg.diagonal(x, offset=-1),
    "vector_norm": lambda space, x: space.linalg.vector_norm(x),
    "vector_norm, axis": lambda space, x: space.linalg.vector_norm(x, axis=(0, 1), ord=1, keepdims=True),
    "vector_norm, inf": lambda space, x: space.linalg.vector_norm(x, axis=-1, ord=float("inf")),
    "matmul": lambda space, x: space.linalg.matmul(x, x),
    "vecdot": lambda space, x: space.linalg.vecdot(x, x, axis=-2),
    "tensordot": lambda space, x: space.linalg.tensordot(x, x, axes=1),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(3, 3), (2, 2, 2)], ids=str)
@pytest.mark.parametrize("name", CALLS)
def test_values(name, shape, dtype):
    x = definite(*shape, dtype=dtype)
    expected = CALLS[name](strict, strict.asarray(x))
    assert_close(CALLS[name](xp, xp.asarray(x)), expected, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_decompositions_multiply_back(dtype):
    x = matrices(2, 4, 3, dtype=dtype)
    for mode in ("reduced", "complete"):
        q, r = xp.linalg.qr(xp.asarray(x), mode=mode)
        assert_close(q @ r, x, dtype)
        assert q.shape == strict.linalg.qr(strict.asarray(x), mode=mode).Q.shape
    for full in (True, False):
        found = xp.linalg.svd(xp.asarray(x), full_matrices=full)
        assert found.U.shape == strict.linalg.svd(strict.asarray(x), full_matrices=full).U.shape
        assert_close((found.U[..., :3] * found.S[:, None, :]) @ found.Vh, x, dtype)
    symmetric = definite(2, 3, 3, dtype=dtype)
    values, vectors = xp.linalg.eigh(xp.asarray(symmetric))
    assert_close((vectors * values[:, None, :]) @ vectors.mT, symmetric, dtype)


def test_products_of_vectors():
    x, y = matrices(4, 3), matrices(4, 3)
    for function in ("cross", "vecdot"):
        assert_close(
            getattr(xp.linalg, function)(xp.asarray(x), xp.asarray(y)),
            getattr(strict.linalg, function)(strict.asarray(x), strict.asarray(y)),
            "float64",
        )
    with pytest.raises(ValueError, match="size 3"):
        xp.linalg.cross(xp.ones(2), xp.ones(2))
