"""Hyperbolic functions by their definitions."""

from benchmarks.stability.case import Case, Family

SMALL_AND_LARGE = [1e-10, -1e-10, 0.5, -3, 40, 1000, -1000]
TAILS = [-200, -30, -3, -0.5, 1e-5, 0.5, 3, 30, 200]

FAMILY = Family(
    "hyperbolic functions",
    [
        Case(
            "(e^2x - 1) / (e^2x + 1)", "S51", lambda xp, x: (xp.exp(2 * x) - 1) / (xp.exp(2 * x) + 1), SMALL_AND_LARGE
        ),
        Case(
            "tanh by exponentials",
            "S51",
            lambda xp, x: (xp.exp(x) - xp.exp(-x)) / (xp.exp(x) + xp.exp(-x)),
            SMALL_AND_LARGE,
        ),
        Case("sinh by exponentials", "S51", lambda xp, x: (xp.exp(x) - xp.exp(-x)) / 2, [1e-10, -1e-5, 0.5, -3, 30]),
        Case("sinh(x) / cosh(x)", "S51", lambda xp, x: xp.sinh(x) / xp.cosh(x), SMALL_AND_LARGE),
        Case("2 sigmoid(2x) - 1", "S51", lambda xp, x: 2 * xp.sigmoid(2 * x) - 1, SMALL_AND_LARGE),
        Case("1 - tanh²", "S52", lambda xp, x: 1 - xp.tanh(x) ** 2, [0.5, 3, -3, 10, 20, 30, -40]),
        Case(
            "log(1 - tanh²)",
            "S52",
            lambda xp, x: xp.log(1 - xp.tanh(x) ** 2),
            TAILS,
            source="squashed Gaussian policies",
        ),
        Case("1 - tanh", "S52", lambda xp, x: 1 - xp.tanh(x), [0.5, 3, -3, 10, 20, 30]),
        Case("log cosh", "S53", lambda xp, x: xp.log(xp.cosh(x)), [*TAILS, 1000]),
        Case("log((e^x + e^-x) / 2)", "S53", lambda xp, x: xp.log((xp.exp(x) + xp.exp(-x)) / 2), [*TAILS, 1000]),
        Case("log sinh", "S53", lambda xp, x: xp.log(xp.sinh(x)), [1e-5, 0.5, 30, 200, 1000]),
        Case("sech", "S53", lambda xp, x: 1 / xp.cosh(x), [0.5, 3, -30, 80, 700], [0.5, 3, -30, 80]),
        Case(
            "log(x + √(x² + 1))",
            "S54",
            lambda xp, x: xp.log(x + xp.sqrt(x**2 + 1)),
            [1e-10, -1e-5, -3, 30, -1e6, 1e200],
            [1e-10, -1e-5, -3, 30, -1e6, 1e30],
        ),
        Case(
            "log(x + √(x² - 1))",
            "S54",
            lambda xp, x: xp.log(x + xp.sqrt(x**2 - 1)),
            [1.0000001, 1.5, 30, 1e200],
            [1.000001, 1.5, 30, 1e30],
        ),
        Case(
            "log((1 + x) / (1 - x)) / 2", "S54", lambda xp, x: xp.log((1 + x) / (1 - x)) / 2, [1e-10, -1e-5, 0.5, 0.875]
        ),
        Case("x coth(x) - 1", "-", lambda xp, x: x / xp.tanh(x) - 1, [1e-4, 1e-2, 0.5, 30], source="Langevin function"),
        Case("Langevin function coth(x) - 1/x", "-", lambda xp, x: 1 / xp.tanh(x) - 1 / x, [1e-5, 1e-2, 0.5, 30, 1000]),
        Case(
            "gelu by tanh",
            "S52",
            lambda xp, x: 0.5 * x * (1 + xp.tanh(0.797884560802865 * (x + 0.044715 * x**3))),
            [-8, -4, -1, 0.5, 3, 10],
        ),
    ],
)
