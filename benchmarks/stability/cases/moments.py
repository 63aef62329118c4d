"""Variances, normalised rows, sums in an unlucky order."""

from typing import Any

from benchmarks.stability.case import Case, Family

SHIFTED = [[50000, 50001, 50003, 50002], [1, 2, 4, 3], [-8000, -8001, -8000.5, -7999]]
NARROW = [[5000, 5001, 5003, 5002], [1, 2, 4, 3], [-8000, -8001, -8000.5, -7999]]
FAR = [[1e9, 1e9 + 1, 1e9 + 3, 1e9 + 2], [1, 2, 4, 3]]
HUGE = [[1e200, 2e200, 4e200, 3e200], [1e-200, 2e-200, 4e-200, 3e-200], [1, 2, 4, 3]]
NARROW_HUGE = [[1e30, 2e30, 4e30, 3e30], [1e-25, 2e-25, 4e-25, 3e-25], [1, 2, 4, 3]]


def variance(xp: Any, x: Any) -> Any:
    """The mean of the squares less the square of the mean, as textbooks have it."""
    return xp.mean(x**2) - xp.mean(x) ** 2


FAMILY = Family(
    "moments, normalisation",
    [
        Case("variance", "S61", variance, [*SHIFTED, FAR[0]], NARROW),
        Case("standard deviation", "S61", lambda xp, x: xp.sqrt(variance(xp, x)), [*SHIFTED, FAR[0]], NARROW),
        Case(
            "variance of equal numbers",
            "S61",
            variance,
            [[0.1] * 5, [1e8 + 1] * 5],
            slopes={0: None, 1: None},
            values={0: 0, 1: 0},
        ),
        Case("variance by sums", "S61", lambda xp, x: (xp.sum(x**2) - xp.sum(x) ** 2 / 4) / 3, SHIFTED, NARROW),
        Case(
            "variance by differences",
            "-",
            lambda xp, x: xp.mean((x - xp.mean(x)) ** 2),
            [*SHIFTED, FAR[0]],
            NARROW,
        ),
        Case(
            "covariance",
            "S61",
            lambda xp, x, y: xp.mean(x * y) - xp.mean(x) * xp.mean(y),
            [
                ([50000, 50001, 50003], [50000, 50002, 50001]),
                ([1, 2, 4], [2, 1, 3]),
            ],
            [([5000, 5001, 5003], [5000, 5002, 5001]), ([1, 2, 4], [2, 1, 3])],
        ),
        Case(
            "batch normalisation",
            "S61",
            lambda xp, x: (x - xp.mean(x)) / xp.sqrt(variance(xp, x) + 0.0009765625),
            SHIFTED,
            NARROW,
        ),
        Case("standardised row", "S61", lambda xp, x: (x - xp.mean(x)) / xp.sqrt(variance(xp, x)), SHIFTED, NARROW),
        Case("coefficient of variation", "S61", lambda xp, x: xp.sqrt(variance(xp, x)) / xp.mean(x), SHIFTED, NARROW),
        Case(
            "variance of huge numbers", "S60", lambda xp, x: xp.sqrt(xp.mean((x - xp.mean(x)) ** 2)), HUGE, NARROW_HUGE
        ),
        Case(
            "layer normalisation of huge numbers",
            "S60",
            lambda xp, x: (x - xp.mean(x)) / xp.sqrt(xp.mean((x - xp.mean(x)) ** 2)),
            HUGE,
            NARROW_HUGE,
        ),
        Case(
            "mean of two large numbers",
            "-",
            lambda xp, a, b: (a + b) / 2,
            [(1.5e308, 1.7e308), (1, 2)],
            [(3e38, 3.2e38), (1, 2)],
        ),
        Case(
            "mean of large numbers",
            "S67",
            lambda xp, x: xp.mean(x),
            [[1.5e308, 1.7e308, 1e308], [1, 2, 3]],
            [[3e38, 3.2e38, 1e38], [1, 2, 3]],
        ),
        Case(
            "sum of large and small",
            "S67",
            lambda xp, x: xp.sum(x),
            [
                [1e16, 1, -1e16, 1, 1],
                [1, 2, 3, 4, 5],
            ],
            [[1e8, 1, -1e8, 1, 1], [1, 2, 3, 4, 5]],
            source="Kahan, Neumaier",
        ),
        Case(
            "dot product that cancels",
            "S67",
            lambda xp, x, y: xp.sum(x * y),
            [
                ([1e8, 1, -1e8], [1e8, 1, 1e8]),
                ([1, 2, 3], [4, 5, 6]),
            ],
            [([1e4, 1, -1e4], [1e4, 1, 1e4]), ([1, 2, 3], [4, 5, 6])],
        ),
        Case(
            "skewness",
            "S61",
            lambda xp, x: xp.mean((x - xp.mean(x)) ** 3) / xp.mean((x - xp.mean(x)) ** 2) ** 1.5,
            HUGE,
            NARROW_HUGE,
        ),
        Case(
            "skewness of shifted numbers",
            "S61",
            lambda xp, x: xp.mean((x - xp.mean(x)) ** 3) / xp.mean((x - xp.mean(x)) ** 2) ** 1.5,
            [[5e8 + 0.1, 5e8 + 1, 5e8 + 3, 5e8 + 8], [1, 2, 4, 8]],
            [[5000.1, 5001, 5003, 5008], [1, 2, 4, 8]],
        ),
        Case(
            "correlation of huge numbers",
            "S61",
            lambda xp, x, y: (
                (xp.mean(x * y) - xp.mean(x) * xp.mean(y)) / (xp.sqrt(variance(xp, x)) * xp.sqrt(variance(xp, y)))
            ),
            [(HUGE[0], [7e180, 1e180, 2e180, 5e180]), (HUGE[1], [2, 3, 5, 9]), (HUGE[2], [7, 1, 2, 5])],
            [(NARROW_HUGE[0], [7e25, 1e25, 2e25, 5e25]), (NARROW_HUGE[1], [2, 3, 5, 9]), (HUGE[2], [7, 1, 2, 5])],
        ),
        Case("relative change (a - b) / b", "-", lambda xp, a, b: a / b - 1, [(1.0000001, 1), (3, 2)]),
    ],
)
