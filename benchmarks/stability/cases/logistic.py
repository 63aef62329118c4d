"""The logistic function and its logarithms."""

from benchmarks.stability.case import Case, Family

LOGITS = [1000, -1000, -100, 100, 40, -40, 1e-10, -1e-10, 0.5, 3, -750, 750]
MODERATE = [60, -60, 40, -40, 1e-10, -1e-10, 0.5, 3]
SHARES = [1e-20, 1e-8, 0.5, 0.999]

FAMILY = Family(
    "logistic, softplus",
    [
        Case(
            "1 / (1 + e^-x)", "S20", lambda xp, x: 1 / (1 + xp.exp(-x)), [*MODERATE, 1000, -700], [*MODERATE, 1000, -80]
        ),
        Case(
            "e^x / (1 + e^x)",
            "S20",
            lambda xp, x: xp.exp(x) / (1 + xp.exp(x)),
            [*MODERATE, 1000, -700],
            [*MODERATE, 1000],
        ),
        Case(
            "3 / (1 + e^x)", "S20", lambda xp, x: 3 / (1 + xp.exp(x)), [*MODERATE, -1000, 700], [*MODERATE, -1000, 80]
        ),
        Case("1 - sigmoid(x)", "S21", lambda xp, x: 1 - xp.sigmoid(x), [*MODERATE, -1000, 700], [*MODERATE, -1000, 80]),
        Case("1 - 1 / (1 + e^-x)", "S21", lambda xp, x: 1 - 1 / (1 + xp.exp(-x)), [*MODERATE, -1000, 700], MODERATE),
        Case("log sigmoid", "S22", lambda xp, x: xp.log(xp.sigmoid(x)), LOGITS),
        Case("log(1 - sigmoid)", "S22", lambda xp, x: xp.log(1 - xp.sigmoid(x)), LOGITS),
        Case("log1p(-sigmoid)", "S22", lambda xp, x: xp.log1p(-xp.sigmoid(x)), LOGITS),
        Case("log(1 / (1 + e^-x))", "S22", lambda xp, x: xp.log(1 / (1 + xp.exp(-x))), LOGITS),
        Case("log(1 + e^x)", "S23", lambda xp, x: xp.log(1 + xp.exp(x)), [1000, 100, 40, -40, 1e-10, 0.5, 3, -80]),
        Case("log1p(e^x)", "S23", lambda xp, x: xp.log1p(xp.exp(x)), [1000, 100, 40, -40, 1e-10, 0.5, 3, -80]),
        Case("e^x sigmoid(-x)", "S24", lambda xp, x: xp.exp(x) * xp.sigmoid(-x), [*MODERATE, 1000, 90]),
        Case("odds of a sigmoid", "S25", lambda xp, x: xp.sigmoid(x) / (1 - xp.sigmoid(x)), MODERATE),
        Case("log odds of a sigmoid", "S26", lambda xp, x: xp.log(xp.sigmoid(x) / (1 - xp.sigmoid(x))), LOGITS),
        Case("sigmoid of log odds", "S26", lambda xp, p: xp.sigmoid(xp.log(p / (1 - p))), SHARES),
        Case(
            "logistic density",
            "S27",
            lambda xp, x: xp.exp(-x) / (1 + xp.exp(-x)) ** 2,
            [*MODERATE, -80, 80, -500],
            [*MODERATE, -80],
        ),
        Case("log of the logistic density", "S27", lambda xp, x: xp.log(xp.exp(-x) / (1 + xp.exp(-x)) ** 2), LOGITS),
        Case(
            "binary cross-entropy",
            "S28",
            lambda xp, x: -(0.25 * xp.log(xp.sigmoid(x)) + 0.75 * xp.log(1 - xp.sigmoid(x))),
            LOGITS,
        ),
        Case(
            "binary cross-entropy, label 1",
            "S28",
            lambda xp, x, y: -(y * xp.log(xp.sigmoid(x)) + (1 - y) * xp.log(1 - xp.sigmoid(x))),
            [([1000, -1000, 40, -40], [1, 1, 1, 0]), ([0.5, 3, -3, 1], [1, 0, 0, 1])],
            source="0 times -inf",
        ),
        Case("log(1 + e^log x)", "S29", lambda xp, x: xp.log(1 + xp.exp(xp.log(x))), SHARES),
        Case("logit", "S26", lambda xp, p: xp.log(p) - xp.log(1 - p), SHARES),
        Case("softplus inverse", "S30", lambda xp, y: xp.log(xp.exp(y) - 1), [1e-10, 1e-3, 1, 30, 100, 800]),
        Case("mish", "S23", lambda xp, x: x * xp.tanh(xp.log(1 + xp.exp(x))), [100, 1000, 3, 0.5, -3, -20]),
        Case(
            "swish",
            "S20",
            lambda xp, x: x / (1 + xp.exp(-x)),
            [100, 1000, 3, 0.5, -3, -90],
            [100, 1000, 3, 0.5, -3, -80],
        ),
        Case(
            "Fermi-Dirac",
            "S20",
            lambda xp, e, t: 1 / (xp.exp((e - 1) / t) + 1),
            [(2, 0.001), (-1, 0.001), (1.5, 0.5), (60, 1)],
        ),
        Case(
            "focal loss",
            "S22",
            lambda xp, x: -((1 - xp.sigmoid(x)) ** 2) * xp.log(xp.sigmoid(x)),
            [20, -20, -1000, 0.5, 3, -3],
        ),
        Case(
            "two-class log-likelihood of a difference",
            "S22",
            lambda xp, a, b: xp.log(xp.exp(a) / (xp.exp(a) + xp.exp(b))),
            [(1000, 900), (-1000, 100), (3, 4), (50, 5)],
            source="Bradley-Terry",
        ),
        Case(
            "log sigmoid of a product of signs",
            "S22",
            lambda xp, x, y: -xp.log(1 / (1 + xp.exp(-y * x))),
            [
                (1000, -1),
                (1000, 1),
                (-40, 1),
                (3, 1),
                (0.5, -1),
            ],
        ),
    ],
)
