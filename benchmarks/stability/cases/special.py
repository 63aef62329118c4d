"""Gamma, beta and Bessel functions: logarithms of ratios and of scaled functions."""

from typing import Any

from benchmarks.stability.case import Case, Family


def log_factorial(xp: Any, x: Any) -> Any:
    return xp.lgamma(x + 1)


FAMILY = Family(
    "gamma and Bessel functions",
    [
        Case("lgamma(x + 1) - lgamma(x)", "S50", lambda xp, x: xp.lgamma(x + 1) - xp.lgamma(x), [0.5, 30, 1e6, 1e12]),
        Case("lgamma(x + ½) - lgamma(x)", "S50", lambda xp, x: xp.lgamma(x + 0.5) - xp.lgamma(x), [0.5, 30, 1e6, 1e12]),
        Case(
            "log of the beta function",
            "S50",
            lambda xp, a, b: xp.lgamma(a) + xp.lgamma(b) - xp.lgamma(a + b),
            [
                (1e6, 0.5),
                (1e10, 2),
                (3, 4),
                (0.5, 0.5),
            ],
        ),
        Case(
            "log of a binomial coefficient",
            "S50",
            lambda xp, n, k: log_factorial(xp, n) - log_factorial(xp, k) - log_factorial(xp, n - k),
            [
                (1e8, 3),
                (1e6, 10),
                (50, 20),
                (5, 2),
            ],
        ),
        Case(
            "ratio of gammas", "S50", lambda xp, x: xp.exp(xp.lgamma(x + 1)) / xp.exp(xp.lgamma(x)), [200, 1e4, 3, 0.5]
        ),
        Case(
            "log Poisson",
            "S50",
            lambda xp, k, m: k * xp.log(m) - m - log_factorial(xp, k),
            [(1e4, 1e4), (3, 4), (0.5, 2)],
        ),
        Case(
            "log of a Poisson probability",
            "S50",
            lambda xp, k, m: xp.log(xp.exp(-m) * m**k / xp.exp(log_factorial(xp, k))),
            [
                (300, 290),
                (500, 1000),
                (3, 4),
            ],
        ),
        Case(
            "log of a gamma density",
            "S41",
            lambda xp, x, a: xp.log(x ** (a - 1) * xp.exp(-x) / xp.exp(xp.lgamma(a))),
            [
                (300, 250),
                (1000, 3),
                (2, 3),
            ],
        ),
        Case("log I0, von Mises", "S49", lambda xp, x: xp.log(xp.i0(x)), [0.5, 30, 100, 1000]),
        Case(
            "von Mises density",
            "S49",
            lambda xp, t, k: xp.exp(k * xp.cos(t)) / xp.i0(k),
            [(0.5, 1000), (0.25, 100), (1, 2)],
        ),
        Case(
            "digamma(x + 1) - digamma(x)", "S50", lambda xp, x: xp.digamma(x + 1) - xp.digamma(x), [0.5, 30, 1e6, 1e10]
        ),
    ],
)
