"""What does not fit is refused where it is written, with what would fit."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as gc
from graphc import linalg

X = gc.input("x", (3, 4), "float64")
V = gc.input("v", (3,), "float64")
S = gc.input("s", ("n", "n"), "float64")

SQUARE = ["cholesky", "inv", "det", "slogdet", "logdet", "eigh", "eigvalsh", "eig", "eigvals", "expm", "cho_logdet"]
MATRIX = ["svd", "svdvals", "qr", "lu", "lu_factor", "pinv", "matrix_rank", "matrix_norm"]


@pytest.mark.parametrize("name", SQUARE)
def test_not_square(name):
    with pytest.raises(gc.ShapeError, match="not square: 3 rows and 4 columns") as caught:
        getattr(linalg, name)(X)
    assert "test_misuse.py" in str(caught.value)


@pytest.mark.parametrize("name", [*SQUARE, *MATRIX])
def test_no_matrices(name):
    with pytest.raises(gc.ShapeError, match="fewer than two axes"):
        getattr(linalg, name)(V)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: linalg.solve(X, V), gc.ShapeError, "not square"),
        (lambda: linalg.solve(S, V), gc.ShapeError, "n unknowns meet 3 rows"),
        (lambda: linalg.solve(np.eye(3), np.float64(1)), gc.ShapeError, "no axes"),
        (lambda: linalg.solve(np.ones((2, 3, 3)), np.ones((4, 3, 1))), gc.ShapeError, "do not broadcast"),
        (lambda: linalg.lstsq(X, np.ones((4, 1))), gc.ShapeError, "3 equations meet 4 rows"),
        (lambda: linalg.qr(X, mode="raw"), gc.GraphError, "'raw' is no mode"),
        (lambda: linalg.vector_norm(X, ord="fro"), gc.GraphError, "'fro' is no order of a vector norm"),
        (lambda: linalg.matrix_norm(X, ord=3), gc.GraphError, "3 is no order of a matrix norm"),
        (lambda: linalg.norm(np.ones((2, 2, 2)), 2), gc.AxisError, "over 3 axes"),
        (lambda: linalg.matrix_power(S, 0.5), gc.GraphError, "0.5 is no power"),
        (lambda: linalg.multi_dot([X]), gc.ShapeError, "fewer than two matrices"),
        (lambda: linalg.multi_dot([X, X]), gc.ShapeError, "4 columns meet 3 rows"),
        (lambda: linalg.multi_dot([X, V, X]), gc.ShapeError, "not matrices"),
        (lambda: linalg.block_diag(np.ones((1, 1, 1))), gc.ShapeError, "more than two axes"),
        (lambda: linalg.toeplitz(X), gc.ShapeError, "vectors"),
        (lambda: linalg.cond(X, 1), gc.ShapeError, "not square"),
        (lambda: linalg.inv(gc.constant([["a"]])), gc.DTypeError, "no array|not a dtype"),
    ],
)
def test_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_ops_take_the_dtypes_of_lapack():
    with pytest.raises(gc.ParseError, match="cast to float32 or float64"):
        gc.parse_graph("graph f(%x: f16[2,2]) {\n  %y: f16[2,2] = inv(%x)\n  return %y\n}\n")


def test_integers_become_floats():
    with pytest.warns(gc.PromotionWarning, match="float64"):
        (y,) = gc.compile([], [linalg.inv(np.array([[2, 0], [0, 4]]))])()
    np.testing.assert_array_equal(y, [[0.5, 0], [0, 0.25]])


def test_every_name_of_the_array_api_is_there():
    names = """cholesky cross det diagonal eigh eigvalsh inv matmul matrix_norm matrix_power matrix_rank
        matrix_transpose outer pinv qr slogdet solve svd svdvals tensordot trace vecdot vector_norm"""
    assert set(names.split()) <= set(linalg.__all__)
    assert all(getattr(linalg, name).__doc__ for name in linalg.__all__)


def test_graphs_read_back():
    y = [*linalg.svd(S), *linalg.lu(S), linalg.solve(S, S), *linalg.qr(S, mode="complete"), linalg.logdet(S)]
    graph = gc.Graph("f", (S,), tuple(y))
    assert str(gc.parse_graph(str(graph))) == str(graph)
