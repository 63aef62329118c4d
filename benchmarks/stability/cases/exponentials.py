"""Differences from 1, logarithms of products and quotients, powers."""

from benchmarks.stability.case import Case, Family

TINY = [1e-12, -1e-12, 1e-5, -1e-5, 0.5, -0.5]
POSITIVE = [1e-10, 1e-3, 1, 30, 100, 800]
LARGE = [1000, -1000, 100, -100, 3, 0.5, 1e-10]

FAMILY = Family(
    "exponentials, logarithms",
    [
        Case("log(1 + x)", "S31", lambda xp, x: xp.log(1 + x), TINY),
        Case("log(1 - x)", "S31", lambda xp, x: xp.log(1 - x), TINY),
        Case("e^x - 1", "S32", lambda xp, x: xp.exp(x) - 1, TINY),
        Case("1 - e^-x", "S32", lambda xp, x: 1 - xp.exp(-x), TINY),
        Case("(1 - e^-x) / x", "S36", lambda xp, x: (1 - xp.exp(-x)) / x, TINY),
        Case("log(1 - e^-x)", "S33", lambda xp, x: xp.log(1 - xp.exp(-x)), POSITIVE[:-1], [*POSITIVE[:-2], 80]),
        Case("log1p(-e^-x)", "S33", lambda xp, x: xp.log1p(-xp.exp(-x)), POSITIVE[:-1], [*POSITIVE[:-2], 80]),
        Case("log(-expm1(-x))", "S33", lambda xp, x: xp.log(-xp.expm1(-x)), POSITIVE[:-1], [*POSITIVE[:-2], 80]),
        Case(
            "log(e^a - e^b)",
            "S34",
            lambda xp, a, b: xp.log(xp.exp(a) - xp.exp(b)),
            [
                (1000, 999),
                (-1000, -1002),
                (1.0000001, 1),
                (3, 1),
                (800, -800),
            ],
        ),
        Case("log(e^x)", "S37", lambda xp, x: xp.log(xp.exp(x)), LARGE),
        Case("e^log x", "S38", lambda xp, x: xp.exp(xp.log(x)), [1e-30, 1e30, 1e-5, 7, 1]),
        Case(
            "e^a e^b", "S39", lambda xp, a, b: xp.exp(a) * xp.exp(b), [(1000, -999), (-1000, 1001), (90, -90), (1, 2)]
        ),
        Case(
            "e^a / e^b", "S39", lambda xp, a, b: xp.exp(a) / xp.exp(b), [(1000, 999), (-1000, -1001), (90, 91), (1, 2)]
        ),
        Case("a / e^b", "S40", lambda xp, a, b: a / xp.exp(b), [(0.0, 1000), (1e-30, -80), (3, 2)]),
        Case(
            "log(a / b)",
            "S41",
            lambda xp, a, b: xp.log(a / b),
            [
                (1e200, 1e-200),
                (1e-200, 1e200),
                (3, 2),
            ],
            [(1e30, 1e-30), (1e-30, 1e30), (3, 2)],
        ),
        Case(
            "log(a b)",
            "S41",
            lambda xp, a, b: xp.log(a * b),
            [
                (1e200, 1e200),
                (1e-200, 1e-200),
                (3, 2),
            ],
            [(1e30, 1e30), (1e-30, 1e-30), (3, 2)],
        ),
        Case("log(x²)", "S42", lambda xp, x: xp.log(x**2), [1e200, -1e-200, 3], [1e30, -1e-30, 3]),
        Case("log √x", "S42", lambda xp, x: xp.log(xp.sqrt(x)), [1e-300, 1e300, 1.0001, 3], [1e-30, 1e30, 1.0001, 3]),
        Case("log(x^10)", "S42", lambda xp, x: xp.log(x**10), [1e100, 1e-100, 3], [1e20, 1e-20, 3]),
        Case("log(e^(-x²/2) / 2.5)", "S43", lambda xp, x: xp.log(xp.exp(-(x**2) / 2) / 2.5), [100, -1000, 1, 0.25]),
        Case(
            "log(1 + e^a e^b)",
            "S23",
            lambda xp, a, b: xp.log(1 + xp.exp(a) * xp.exp(b)),
            [(600, 600), (-600, 601), (90, -80), (1, 2)],
        ),
        Case(
            "log of a product",
            "S14",
            lambda xp, x: xp.log(xp.prod(x)),
            [
                [1e-200, 1e-200, 1e-300],
                [1e200, 1e150, 2],
                [-1e-200, -1e200, 3],
                [1, 2, 3],
            ],
            [[1e-30, 1e-30, 1e-30], [1e30, 1e20, 2], [-1e-30, -1e30, 3], [1, 2, 3]],
        ),
        Case(
            "log of a product of probabilities",
            "S14",
            lambda xp, x: xp.log(xp.prod(xp.sigmoid(x))),
            [
                [-300, -400, -100],
                [-30, 40, -100],
                [1, 2, 3],
            ],
        ),
        Case(
            "geometric mean",
            "S14",
            lambda xp, x: xp.prod(x) ** 0.25,
            [
                [1e-200, 1e-200, 1e-150, 1e-100],
                [1e200, 1e150, 2, 1],
                [1, 2, 3, 4],
            ],
            [[1e-30, 1e-30, 1e-20, 1e-20], [1e30, 1e20, 2, 1], [1, 2, 3, 4]],
        ),
        Case(
            "log-log complement: log(-log(1 - p))",
            "S31",
            lambda xp, p: xp.log(-xp.log(1 - p)),
            [1e-20, 1e-10, 0.5, 0.875],
        ),
        Case("Gumbel density", "S39", lambda xp, x: xp.exp(-x) * xp.exp(-xp.exp(-x)), [0.5, 3, 50, -3, -800]),
        Case(
            "log of the Gumbel density",
            "S39",
            lambda xp, x: xp.log(xp.exp(-x) * xp.exp(-xp.exp(-x))),
            [0.5, 3, 700, -3, -6],
        ),
        Case("Planck's law", "S32", lambda xp, x: x**3 / (xp.exp(x) - 1), [1e-8, 1e-4, 1, 30]),
        Case("Bose-Einstein", "S32", lambda xp, x: 1 / (xp.exp(x) - 1), [1e-10, 1e-4, 1, 30]),
        Case(
            "complement of a product: 1 - ∏(1 - p)",
            "S31",
            lambda xp, p: 1 - xp.prod(1 - p),
            [
                [1e-20, 1e-18, 1e-19],
                [1e-10, 1e-9, 2e-9],
                [0.5, 0.25, 0.125],
            ],
        ),
    ],
)
