"""What the tests of linear algebra go over: functions of `graphc.linalg`, their peers in NumPy, and samples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg

from graphc import linalg

Array = np.ndarray[Any, Any]
Sizes = tuple[int, int, int]


@dataclass(frozen=True)
class Case:
    """`function` of nodes and `peer` of arrays, for operands with the shapes that `shapes` gives for (m, n, k).

    `prepare` makes arrays of normal numbers into what the function is for.
    """

    function: Callable[..., Any]
    peer: Callable[..., Any]
    shapes: Sequence[str]
    prepare: Callable[..., Any] = lambda *xs: xs

    def sample(self, rng: np.random.Generator, stack: tuple[int, ...], sizes: Sizes) -> list[Array]:
        named = dict(zip("mnk", sizes, strict=True))
        xs = [rng.normal(size=(*stack, *(named[letter] for letter in shape))) for shape in self.shapes]
        return [np.asarray(x) for x in self.prepare(*xs)]


def positive(x: Array, *others: Array) -> tuple[Array, ...]:
    """Positive definite, with eigenvalues near 1."""
    n = max(x.shape[-1], 1)
    return (x @ x.mT / n + np.eye(x.shape[-1]), *others)


def regular(x: Array, *others: Array) -> tuple[Array, ...]:
    """Well conditioned, with rows that have to be exchanged."""
    n = max(x.shape[-1], 1)
    return (x / (2 * n) ** 0.5 + 1.5 * np.eye(x.shape[-1])[::-1], *others)


def triangular(x: Array, *others: Array) -> tuple[Array, ...]:
    return (x / max(x.shape[-1], 1) + 2 * np.eye(x.shape[-1]), *others)


def apart(x: Array) -> tuple[Array]:
    """Symmetric with eigenvalues that are clearly different."""
    return (positive(x)[0] + 3 * np.diag(np.arange(x.shape[-1])),)


def spread(x: Array, *others: Array) -> tuple[Array, ...]:
    """Rectangular with singular values that are clearly different and not small."""
    scale = 3.0 + 3 * np.arange(min(x.shape[-2:]))
    x = x.copy()
    np.einsum("...ii->...i", x[..., : len(scale), : len(scale)])[...] += scale
    return (x, *others)


def lstsq_of_stack(a: Array, b: Array) -> Array:
    return np.linalg.pinv(a) @ b


def lu_of_stack(x: Array) -> tuple[Array, ...]:
    m, n = x.shape[-2:]
    k = min(m, n)
    flat = [
        scipy.linalg.lu(item) if item.size else (np.eye(m), np.zeros((m, k)), np.zeros((k, n))) for item in _items(x)
    ]
    return tuple(
        np.reshape([parts[i] for parts in flat], (*x.shape[:-2], *s)) for i, s in enumerate([(m, m), (m, k), (k, n)])
    )


def _items(x: Array) -> Array:
    return x.reshape((int(np.prod(x.shape[:-2])), *x.shape[-2:]))


def over_stack(function: Callable[[Array], Array]) -> Callable[..., Array]:
    """A function of one matrix, applied to each of a stack."""

    def apply(x: Array) -> Array:
        return np.reshape([function(item) if item.size else item for item in _items(x)], x.shape)

    return apply


def eigen_sums(x: Any) -> tuple[Any, ...]:
    """What does not depend on the order and the phases: moments of eigenvalues and eigenvectors' sizes."""
    wr, wi, vr, vi = linalg.eig(x)
    weights = ((vr * vr + vi * vi) * (wr * wr + wi * wi)[..., None, :]).sum(axis=-1)
    return (wr**3 - 3 * wr * wi**2).sum(axis=-1), weights


def eigen_sums_of_arrays(x: Array) -> tuple[Array, ...]:
    w, v = np.linalg.eig(x)
    return (w**3).sum(-1).real, ((np.abs(v) ** 2) * np.abs(w)[..., None, :] ** 2).sum(-1)


CASES: dict[str, Case] = {
    "cholesky": Case(linalg.cholesky, np.linalg.cholesky, ["nn"], positive),
    "cholesky_upper": Case(
        lambda x: linalg.cholesky(x, upper=True), lambda x: np.linalg.cholesky(x).mT, ["nn"], positive
    ),
    "cho_solve": Case(lambda a, b: linalg.cho_solve(linalg.cholesky(a), b), np.linalg.solve, ["nn", "nk"], positive),
    "cho_logdet": Case(
        lambda a: linalg.cho_logdet(linalg.cholesky(a)), lambda a: np.linalg.slogdet(a)[1], ["nn"], positive
    ),
    "solve": Case(linalg.solve, np.linalg.solve, ["nn", "nk"], regular),
    "inv": Case(linalg.inv, np.linalg.inv, ["nn"], regular),
    "det": Case(linalg.det, np.linalg.det, ["nn"], regular),
    "slogdet": Case(linalg.slogdet, np.linalg.slogdet, ["nn"], regular),
    "logdet": Case(linalg.logdet, lambda x: np.log(np.linalg.det(x)), ["nn"], positive),
    "solve_lower": Case(
        lambda a, b: linalg.triangular_solve(a, b, lower=True),
        lambda a, b: np.linalg.solve(np.tril(a), b),
        ["nn", "nk"],
        triangular,
    ),
    "solve_upper_transposed": Case(
        lambda a, b: linalg.triangular_solve(a, b, transpose=True),
        lambda a, b: np.linalg.solve(np.triu(a).mT, b),
        ["nn", "nk"],
        triangular,
    ),
    "solve_unit_lower": Case(
        lambda a, b: linalg.triangular_solve(a, b, lower=True, unit_diagonal=True),
        lambda a, b: np.linalg.solve(np.tril(a, -1) + np.eye(a.shape[-1]), b),
        ["nn", "nk"],
        triangular,
    ),
    "lu": Case(linalg.lu, lu_of_stack, ["mn"]),
    "lu_solve": Case(lambda a, b: linalg.lu_solve(linalg.lu_factor(a), b), np.linalg.solve, ["nn", "nk"], regular),
    "qr": Case(linalg.qr, np.linalg.qr, ["mn"]),
    "svd_values_and_projector": Case(
        lambda x: (lambda u, s, vh: (s, u @ vh))(*linalg.svd(x, full_matrices=False)),
        lambda x: (lambda u, s, vh: (s, u @ vh))(*np.linalg.svd(x, full_matrices=False)),
        ["mn"],
        spread,
    ),
    "svdvals": Case(linalg.svdvals, lambda x: np.linalg.svd(x, compute_uv=False), ["mn"], spread),
    "eigh_values_and_squares": Case(
        lambda x: (lambda w, v: (w, v * v))(*linalg.eigh(x)),
        lambda x: (lambda w, v: (w, v * v))(*np.linalg.eigh(x)),
        ["nn"],
        apart,
    ),
    "eigvalsh": Case(linalg.eigvalsh, np.linalg.eigvalsh, ["nn"], apart),
    "eig": Case(eigen_sums, eigen_sums_of_arrays, ["nn"]),
    "eigvals": Case(
        lambda x: (lambda r, i: (r * r - i * i).sum(axis=-1))(*linalg.eigvals(x)),
        lambda x: np.trace(x @ x, axis1=-2, axis2=-1),
        ["nn"],
    ),
    "pinv": Case(linalg.pinv, np.linalg.pinv, ["mn"], spread),
    "lstsq": Case(lambda a, b: linalg.lstsq(a, b)[:2], lambda a, b: _lstsq(a, b), ["mn", "mk"], spread),
    "expm": Case(linalg.expm, over_stack(scipy.linalg.expm), ["nn"]),
    "matrix_power": Case(lambda x: linalg.matrix_power(x, 5), lambda x: np.linalg.matrix_power(x, 5), ["nn"]),
    "negative_power": Case(
        lambda x: linalg.matrix_power(x, -2), lambda x: np.linalg.matrix_power(x, -2), ["nn"], regular
    ),
    "trace": Case(linalg.trace, lambda x: np.linalg.trace(x), ["mn"]),
    "diagonal": Case(lambda x: linalg.diagonal(x, offset=1), lambda x: np.linalg.diagonal(x, offset=1), ["mn"]),
}


def _lstsq(a: Array, b: Array) -> tuple[Array, Array]:
    x = np.linalg.pinv(a) @ b
    return x, ((b - a @ x) ** 2).sum(-2)
