"""Derivatives of `graphc.linalg`, compiled: first and second against differences, forward against reverse."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as gc
from graphc import linalg
from tests.linalg.cases import CASES, apart, spread

SIZES = [(3, 3, 2), (4, 2, 1), (2, 4, 3), (1, 1, 1)]
SMOOTH = {name: case for name, case in CASES.items() if name not in ("trace", "diagonal")}


def sizes_of(case):
    """Tall and wide ones only where a form is not square."""
    return SIZES if "m" in "".join(case.shapes) else [SIZES[0], SIZES[-1]]


def results(y):
    return list(y) if isinstance(y, tuple | list) else [y]


class Curve:
    """A cost along a line through operands: its value and derivatives, as compiled functions."""

    def __init__(self, function, values, seed=0):
        rng = np.random.default_rng(seed)
        self.values = values
        self.directions = [rng.normal(size=x.shape) for x in values]
        xs = [gc.input(f"x{i}", x.shape, "float64") for i, x in enumerate(values)]
        ys = [y for y in results(function(*xs)) if y.dtype.is_float]
        cost = sum(gc.sum(y * rng.normal(size=y.shape)) for y in ys)
        slope = self.along(gc.grad(cost, xs))
        curvature = self.along(gc.grad(slope, xs))
        forward = gc.jvp(cost, xs, [gc.constant(d) for d in self.directions])
        self.compiled = gc.compile(xs, [cost, slope, curvature, forward])

    def along(self, gradients):
        return sum(gc.sum(g * d) for g, d in zip(gradients, self.directions, strict=True))

    def at(self, t):
        return self.compiled(*(x + t * d for x, d in zip(self.values, self.directions, strict=True)))

    def difference(self, which, step=1e-3):
        """The derivative of one of the results by differences, with the first two errors cancelled."""
        one, two, three = ((self.at(k * step)[which] - self.at(-k * step)[which]) / (2 * k * step) for k in (1, 2, 3))
        return 1.5 * one - 0.6 * two + 0.1 * three


def assert_derivatives(function, values, tolerance=1e-7, seed=0):
    curve = Curve(function, values, seed)
    _, slope, curvature, forward = curve.at(0)
    scale = 1 + abs(slope) + abs(curvature)
    np.testing.assert_allclose(slope, curve.difference(0), rtol=0, atol=tolerance * scale)
    np.testing.assert_allclose(curvature, curve.difference(1), rtol=0, atol=tolerance * scale)
    np.testing.assert_allclose(forward, slope, rtol=0, atol=1e-11 * scale)


@pytest.mark.filterwarnings("ignore::graphc.UnusedInputWarning")
@pytest.mark.parametrize(
    ("name", "sizes"), [(name, sizes) for name, case in SMOOTH.items() for sizes in sizes_of(case)]
)
def test_first_and_second(name, sizes):
    values = CASES[name].sample(np.random.default_rng(11), (2,), sizes)
    assert_derivatives(CASES[name].function, values)


def test_of_named_sizes():
    """The derivative needs no number for a size where none decides."""
    a, b = gc.input("a", ("n", "n"), "float64"), gc.input("b", ("n", "k"), "float64")
    cost = (
        gc.sum(linalg.solve(a, b) ** 2)
        + linalg.slogdet(a)[1]
        + gc.sum(linalg.lu(b).L * 2)
        + gc.sum(gc.square(linalg.qr(b).Q)[0])
    )
    f = gc.compile([a, b], [cost, *gc.grad(cost, [a, b])])
    rng = np.random.default_rng(0)
    for n, k in [(3, 2), (2, 4), (1, 1)]:
        x, y = rng.normal(size=(n, n)) + 3 * np.eye(n), rng.normal(size=(n, k))
        dx, dy = rng.normal(size=(n, n)), rng.normal(size=(n, k))
        _, gx, gy = f(x, y)
        up, down = (f(x + h * dx, y + h * dy)[0] for h in (1e-6, -1e-6))
        np.testing.assert_allclose(np.sum(gx * dx) + np.sum(gy * dy), (up - down) / 2e-6, rtol=1e-6)


@pytest.mark.parametrize("make", [lambda x: linalg.svd(x)[0], lambda x: linalg.qr(x, mode="complete")[0]])
def test_completed_bases_have_no_derivative(make):
    x = gc.input("x", (4, 2), "float64")
    with pytest.raises(gc.GradientError, match="no derivative"):
        gc.grad(gc.sum(make(x)), x)
    assert gc.grad(gc.sum(linalg.svd(x)[1]), x).type == x.type


# --- where decompositions are degenerate ---


def gradient(function, value):
    x = gc.input("x", value.shape, "float64")
    cost = function(x)
    first = gc.grad(cost, x)
    return gc.compile([x], [first, gc.grad(gc.sum(first * np.cos(np.arange(value.size)).reshape(value.shape)), x)])(
        value
    )


EQUAL = {"identity": np.eye(3), "zero": np.zeros((3, 3)), "two of three": np.diag([2.0, 2.0, 5.0])}


@pytest.mark.parametrize("value", EQUAL.values(), ids=EQUAL)
def test_functions_of_equal_eigenvalues(value):
    """The trace of a matrix is the sum of its eigenvalues, however many are equal."""
    first, second = gradient(lambda x: gc.sum(linalg.eigvalsh(x)), value)
    np.testing.assert_allclose(first, np.eye(3), atol=1e-14)
    assert np.isfinite(second).all()
    first, _ = gradient(lambda x: gc.sum(linalg.eigh(x)[0] ** 2), value)
    np.testing.assert_allclose(first, 2 * value, atol=1e-13)
    first, _ = gradient(lambda x: gc.sum(linalg.svdvals(x) ** 2), value)
    np.testing.assert_allclose(first, 2 * value, atol=1e-13)
    (first, _) = gradient(lambda x: gc.sum(gc.square(linalg.eigh(x)[1])), value)
    np.testing.assert_allclose(first, 0, atol=1e-13)


@pytest.mark.parametrize("rank", [0, 1, 2, 3, 4])
def test_determinants_of_singular_matrices(rank):
    """The derivative is the cofactors at every rank, the second one as well; the third where values are distinct."""
    rng = np.random.default_rng(rank)
    x, d = rng.normal(size=(4, rank)) @ rng.normal(size=(rank, 4)), rng.normal(size=(4, 4))
    places = np.cos(np.arange(5) * np.pi / 4)
    curve = np.polynomial.Polynomial.fit(places, [np.linalg.det(x + t * d) for t in places], 4).convert().coef
    orders = 3 if rank >= 3 else 2
    node = gc.input("x", (4, 4), "float64")
    along = [linalg.det(node)]
    for _ in range(orders):
        along.append(gc.sum(gc.grad(along[-1], node) * d))
    wanted = curve[: orders + 1] * [1, 1, 2, 6][: orders + 1]
    np.testing.assert_allclose(gc.compile([node], along)(x), wanted, atol=1e-10 * (1 + np.max(np.abs(wanted))))


def test_third_derivative_of_the_determinant_at_the_identity():
    d = np.random.default_rng(0).normal(size=(3, 3))
    x = gc.input("x", (3, 3), "float64")
    along = linalg.det(x)
    for _ in range(3):
        along = gc.sum(gc.grad(along, x) * d)
    np.testing.assert_allclose(gc.compile([x], along)(np.eye(3)), 6 * np.linalg.det(d), rtol=1e-12)


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4)])
def test_generalised_inverse_of_lower_rank(shape):
    """Along matrices of the same rank, where the generalised inverse is smooth."""
    rng = np.random.default_rng(1)
    left, right = rng.normal(size=(shape[0], 2)), rng.normal(size=(2, shape[1]))
    b = rng.normal(size=(shape[0], 2))
    assert_derivatives(lambda p, q: linalg.pinv(p @ q), [left, right])
    assert_derivatives(lambda p, q, b: linalg.lstsq(p @ q, b).x, [left, right, b])


def test_symmetric_matrices_have_symmetric_gradients():
    x = gc.input("x", (4, 4), "float64")
    value = apart(np.random.default_rng(2).normal(size=(4, 4)))[0]
    for function in (linalg.cholesky, linalg.eigvalsh, lambda x: linalg.eigh(x)[1]):
        y = function(x)
        g = gc.compile([x], gc.grad(gc.sum(y * np.random.default_rng(3).normal(size=y.shape)), x))(value)
        np.testing.assert_array_equal(g, g.T)


def test_third_derivative_of_a_decomposition():
    value = spread(np.random.default_rng(4).normal(size=(3, 2)))[0]

    def slope(x):
        return gc.grad(gc.sum(linalg.svdvals(x) ** 3), x)

    assert_derivatives(slope, [value], 1e-6)


@pytest.mark.parametrize("target", ["llvm", "reference"])
def test_inside_loops(target):
    """A recursion of matrices, as in a Kalman filter: each step calls the library."""
    a, xs = gc.input("a", ("n", "n"), "float64"), gc.input("xs", ("steps", "n"), "float64")
    eye = gc.eye("n", dtype="float64")

    def step(p, x):
        p = linalg.inv(a @ p @ a.mT + eye)
        return p, linalg.slogdet(p).logabsdet + x @ linalg.solve(p, x)

    _, terms = gc.scan(step, eye, xs)
    cost = gc.sum(terms)
    f = gc.compile([a, xs], [cost, gc.grad(cost, a)], target=target)
    rng = np.random.default_rng(0)
    value, given, d = rng.normal(size=(3, 3)), rng.normal(size=(4, 3)), rng.normal(size=(3, 3))
    up, down = (f(value + h * d, given)[0] for h in (1e-5, -1e-5))
    np.testing.assert_allclose(np.sum(f(value, given)[1] * d), (up - down) / 2e-5, rtol=1e-6)
