"""Entropies, divergences, and what is 0 log 0."""

from benchmarks.stability.case import Case, Family

SHARES = [[0.5, 0.25, 0.25], [1e-30, 0.5, 0.5]]

FAMILY = Family(
    "entropy, divergence",
    [
        Case(
            "-Σ p log p",
            "S44",
            lambda xp, p: -xp.sum(p * xp.log(p)),
            [*SHARES, [0, 0.5, 0.5]],
            values={2: 0.6931471805599453},
            slopes={2: None},
        ),
        Case("x log x at 0", "S44", lambda xp, x: x * xp.log(x), [0, 1e-30, 1, 2], values={0: 0}, slopes={0: None}),
        Case(
            "x log y, x = 0",
            "S44",
            lambda xp, x, y: x * xp.log(y),
            [(0, 0), (0, 2), (1, 2)],
            values={0: 0},
            slopes={0: None},
        ),
        Case(
            "KL divergence",
            "S44",
            lambda xp, p, q: xp.sum(p * xp.log(p / q)),
            [
                ([0.5, 0.25, 0.25], [0.25, 0.25, 0.5]),
                ([0, 0.5, 0.5], [0.25, 0.25, 0.5]),
            ],
            values={1: 0.34657359027997264},
            slopes={1: None},
        ),
        Case(
            "KL divergence of Bernoullis",
            "S72",
            lambda xp, p, q: p * xp.log(p / q) + (1 - p) * xp.log((1 - p) / (1 - q)),
            [
                (0.5, 0.25),
                (1e-20, 1e-10),
                (0.25, 0.75),
            ],
        ),
        Case(
            "KL divergence from logits",
            "S72",
            lambda xp, a, b: xp.sum(
                xp.softmax(a, axis=0) * (xp.log(xp.softmax(a, axis=0)) - xp.log(xp.softmax(b, axis=0)))
            ),
            [([1000, 1001, 999], [999, 1000, 1002]), ([0, -800, 3], [5, 4, 3]), ([0.5, 1, 2], [1, 0.5, 2])],
        ),
        Case(
            "entropy of a Bernoulli from its logit",
            "S72",
            lambda xp, x: -(xp.sigmoid(x) * xp.log(xp.sigmoid(x)) + (1 - xp.sigmoid(x)) * xp.log(1 - xp.sigmoid(x))),
            [30, -30, 60, -60, 0.5, 3],
        ),
        Case(
            "KL divergence of normals",
            "S72",
            lambda xp, m, s: xp.log(1 / s) + (s**2 + m**2) / 2 - 0.5,
            [
                (1e-6, 1),
                (0.5, 2),
                (0, 1.0001),
            ],
        ),
        Case(
            "Jensen-Shannon divergence",
            "S44",
            lambda xp, p, q: xp.sum(p * xp.log(p / ((p + q) / 2)) + q * xp.log(q / ((p + q) / 2))) / 2,
            [([0.5, 0.25, 0.25], [0.25, 0.25, 0.5]), ([0, 0.5, 0.5], [0.5, 0.5, 0])],
            values={1: 0.34657359027997264},
            slopes={1: None},
        ),
        Case(
            "binary cross-entropy of probabilities 0 and 1",
            "S15",
            lambda xp, y, p: -xp.sum(y * xp.log(p) + (1 - y) * xp.log(1 - p)),
            [
                ([1, 0, 1], [1, 0, 0.5]),
                ([1, 0, 0], [0.5, 0.25, 0.125]),
            ],
            values={0: 0.6931471805599453},
            slopes={0: None},
        ),
        Case(
            "log Σ of shares times a softmax",
            "S9",
            lambda xp, x: xp.log(xp.sum(xp.softmax(x, axis=0) * xp.array([0, 0, 1]))),
            [
                [1000, 1001, 0],
                [-1, 800, -3],
                [0.5, 1, 2],
            ],
        ),
        Case(
            "Rényi entropy",
            "S9",
            lambda xp, x: -xp.log(xp.sum(xp.softmax(x, axis=0) ** 2)),
            [
                [1000, 1001, 999],
                [-1000, -1001, -1000.5],
                [0.5, 1, 2],
            ],
        ),
    ],
)
