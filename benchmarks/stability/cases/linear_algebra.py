"""Determinants, inverses and quadratic forms."""

from typing import Any

from benchmarks.stability.case import Case, Family


def diagonal(*numbers: float) -> Any:
    """A symmetric matrix with these numbers on the diagonal and a hundredth of the least beside it."""
    beside = min(map(abs, numbers)) / 128
    return [[number if i == j else beside for j in range(len(numbers))] for i, number in enumerate(numbers)]


HUGE, TINY, PLAIN = diagonal(1e150, 2e150, 3e150), diagonal(1e-150, 2e-150, 3e-150), diagonal(1, 2, 3)
NARROW = [diagonal(1e20, 2e20, 3e20), diagonal(1e-20, 2e-20, 3e-20), PLAIN]

FAMILY = Family(
    "linear algebra",
    [
        Case("log det", "S62", lambda xp, a: xp.log(xp.det(a)), [HUGE, TINY, PLAIN], NARROW),
        Case(
            "log det of a Cholesky factor",
            "S62",
            lambda xp, a: xp.log(xp.det(xp.cholesky(a))),
            [
                diagonal(1e250, 2e250, 3e250),
                diagonal(1e-250, 2e-250, 3e-250),
                PLAIN,
            ],
            [diagonal(1e35, 2e35, 3e35), diagonal(1e-35, 2e-35, 3e-35), PLAIN],
            gradient=False,
        ),
        Case(
            "inverse times vector",
            "S63",
            lambda xp, a, b: xp.inv(a) @ b,
            [
                ([[1, 0.5], [0.5, 0.2500001]], [1, 2]),
                ([[2, 1], [1, 3]], [1, 2]),
            ],
            [([[2, 1], [1, 3]], [1, 2])],
        ),
        Case(
            "log of a determinant's absolute value",
            "S62",
            lambda xp, a: xp.log(xp.abs(xp.det(a))),
            [
                [[0, 1e200], [1e200, 0]],
                [[1e-200, 0], [0, -1e-200]],
                [[2, 1], [1, 3]],
            ],
            [[[0, 1e25], [1e25, 0]], [[1e-25, 0], [0, -1e-25]], [[2, 1], [1, 3]]],
            slopes={0: None, 1: None},
        ),
        Case(
            "log of a Gaussian density of two variables",
            "S43",
            lambda xp, x, a: xp.log(xp.exp(-0.5 * (x @ (xp.inv(a) @ x))) / (xp.sqrt(xp.det(a)) * 6.25)),
            [([100, -50], [[2, 1], [1, 3]]), ([3, 4], [[1e-3, 0], [0, 1e-3]]), ([0.5, 0.25], [[2, 1], [1, 3]])],
        ),
    ],
)
