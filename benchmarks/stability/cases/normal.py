"""The error function, the normal distribution and its tails."""

from typing import Any

from benchmarks.stability.case import Case, Family

TAILS = [-30, -8, -3, -0.5, 0.5, 3, 8]
FAR = [-200, -30, -3, -0.5, 1e-5, 0.5, 3, 30, 200]
ROOT_HALF = 0.7071067811865476


def cdf(xp: Any, x: Any) -> Any:
    return 0.5 * (1 + xp.erf(x * xp.number(ROOT_HALF)))


def density(xp: Any, x: Any, mean: Any, scale: Any) -> Any:
    return xp.exp(-(((x - mean) / scale) ** 2) / 2) / (scale * xp.sqrt(xp.number(2 * xp.pi)))


FAMILY = Family(
    "error function, normal distribution",
    [
        Case("1 - erf", "S45", lambda xp, x: 1 - xp.erf(x), [-3, -0.5, 0.5, 3, 8, 20], [-3, -0.5, 0.5, 3, 8]),
        Case("1 + erf", "S45", lambda xp, x: 1 + xp.erf(x), [3, 0.5, -0.5, -3, -8, -20], [3, 0.5, -0.5, -3, -8]),
        Case("log erfc", "S46", lambda xp, x: xp.log(xp.erfc(x)), FAR),
        Case("log(1 - erf)", "S46", lambda xp, x: xp.log(1 - xp.erf(x)), [40, 30, 3, 0.5, -0.5, -3, -40]),
        Case("normal tail by erf", "S46", cdf, TAILS, [-8, -3, -0.5, 0.5, 3]),
        Case(
            "log of the normal distribution function",
            "S46",
            lambda xp, x: xp.log(cdf(xp, x)),
            [-40, -30, -3, 0.5, 3, 30],
        ),
        Case("log of the normal tail, 1 - Φ", "S46", lambda xp, x: xp.log(1 - cdf(xp, x)), [40, 30, 3, 0.5, -3, -30]),
        Case("e^(x²) erfc(x)", "S47", lambda xp, x: xp.exp(x**2) * xp.erfc(x), [0.125, 3, 12, 50, 1e4]),
        Case("Mills ratio", "S47", lambda xp, x: (1 - cdf(xp, x)) / xp.exp(-(x**2) / 2), [0.5, 3, 8, 20, 50]),
        Case("inverse Mills ratio", "S47", lambda xp, x: xp.exp(-(x**2) / 2) / (1 - cdf(xp, x)), [0.5, 3, 8, 20, 50]),
        Case("gelu", "S48", lambda xp, x: x * cdf(xp, x), [-8, -3, -0.5, 0.5, 3, 20], [-8, -3, -0.5, 0.5, 3, 20]),
        Case(
            "log of the normal density",
            "S43",
            lambda xp, x: xp.log(density(xp, x, 0, xp.number(1.0))),
            [100, -1000, 40, 1, 0.25],
        ),
        Case(
            "log of a normal density",
            "S43",
            lambda xp, x, m, s: xp.log(density(xp, x, m, s)),
            [
                (1000, 2, 0.5),
                (0.5, 0.25, 1e-10),
                (3, 1, 1e-3),
                (1, 2, 3),
            ],
        ),
        Case(
            "log of a ratio of normal densities",
            "S43",
            lambda xp, x: xp.log(density(xp, x, 1, xp.number(1.0)) / density(xp, x, 0, xp.number(1.0))),
            [100, -1000, 3, 0.25],
        ),
        Case(
            "log of an interval's probability",
            "S46",
            lambda xp, a, b: xp.log(cdf(xp, b) - cdf(xp, a)),
            [
                (-31, -30),
                (10, 11),
                (-1, 2),
                (0.5, 0.75),
            ],
            source="interval censoring",
        ),
        Case(
            "log of the Laplace density", "S43", lambda xp, x: xp.log(0.5 * xp.exp(-xp.abs(x))), [1000, -1000, 3, 0.25]
        ),
        Case(
            "log of the Cauchy density",
            "S41",
            lambda xp, x: xp.log(1 / (1 + x**2)),
            [1e200, 1e-5, 3, 0.25],
            [1e30, 1e-2, 3, 0.25],
        ),
        Case(
            "log of Student's density",
            "S31",
            lambda xp, x: xp.log((1 + x**2 / 4) ** -2.5),
            [1e100, 1e-5, 3, 0.25],
            [1e25, 1e-2, 3, 0.25],
        ),
        Case(
            "probit likelihood, label -1",
            "S46",
            lambda xp, x, y: -xp.log(cdf(xp, y * x)),
            [(40, -1), (40, 1), (-40, 1), (1, -1)],
        ),
    ],
)
