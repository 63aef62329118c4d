"""Sums of exponentials and what is made of them: log-sum-exp, softmax, cross-entropy."""

from typing import Any

from benchmarks.stability.case import Case, Family

inf = float("inf")
ROWS = [[1000, 1001, 999], [-1000, -1001, -1000.5], [0, 1e-8, -300], [88.75, 10, -200], [-800, 800, 3], [0.5, 0.25, 2]]
HALVES = [[90, 91, 89], [-200, -201, -200.5], [1000, 1000, 1001], [0.5, 0.25, 2]]
WEIGHTS = [0.5, 2, 0.25]


def total(xp: Any, x: Any) -> Any:
    return xp.sum(xp.exp(x))


def shares(xp: Any, x: Any) -> Any:
    return xp.exp(x) / total(xp, x)


def rows(x: Any) -> tuple[Any, Any]:
    return [[x[0], x[1]], [x[2], x[0]]], [[x[1], x[2]], [x[0], x[1]]]


MATRICES = [rows(row) for row in ([1000, 1001, 999], [-1000, -1001, -1000.5], [-800, 800, 3], [0.5, 0.25, 2])]

FAMILY = Family(
    "log-sum-exp, softmax",
    [
        Case("log sum exp", "S1", lambda xp, x: xp.log(total(xp, x)), ROWS),
        Case("log sum exp, keepdims", "S1", lambda xp, x: xp.log(xp.sum(xp.exp(x), axis=0, keepdims=True))[0], ROWS),
        Case(
            "log sum exp of a row of -inf",
            "S11",
            lambda xp, x: xp.log(total(xp, x)),
            [[-inf, -inf, -inf], [-inf, 2, -inf]],
            values={0: -inf},
            slopes={0: [[0, 0, 0]], 1: [[0, 1, 0]]},
            source="jax#6811, pytorch#31829",
        ),
        Case(
            "log sum exp of a row with inf",
            "S11",
            lambda xp, x: xp.log(total(xp, x)),
            [[inf, 5, 2], [inf, 0, -inf]],
            values={0: inf, 1: inf},
            slopes={0: [[1, 0, 0]], 1: [[1, 0, 0]]},
        ),
        Case(
            "log(e^a + e^b)",
            "S2",
            lambda xp, a, b: xp.log(xp.exp(a) + xp.exp(b)),
            [
                (1000, 999),
                (-1000, -1001),
                (0, -300),
                (800, -800),
                (1, 2),
            ],
        ),
        Case("log(e^a + e^b + e^c)", "S2", lambda xp, x: xp.log(xp.exp(x[0]) + xp.exp(x[1]) + xp.exp(x[2])), ROWS),
        Case("softmax", "S3", shares, [[1000, 1001, 999], [-1000, -1001, -1000.5], [89, 10, 80], [0.5, 0.25, 2]]),
        Case(
            "softmax of scaled scores",
            "S3",
            lambda xp, x: xp.exp(x / 0.125) / xp.sum(xp.exp(x / 0.125)),
            [[100, 101, 99], [-100, -101, -102], [1, 0.5, 2]],
        ),
        Case(
            "log of the largest exponential",
            "S71",
            lambda xp, x: xp.log(xp.max(xp.exp(x))),
            [[1000, 1001, 999], [-1000, -1001, -1000.5], [0.5, 0.25, 2]],
        ),
        Case(
            "1 - the largest probability",
            "S71",
            lambda xp, x: 1 - xp.max(xp.softmax(x, axis=0)),
            [[60, 1, 0], [-50, -10, -51], [0.5, 0.25, 2]],
        ),
        Case("log of the library's softmax", "S4", lambda xp, x: xp.log(xp.softmax(x, axis=0)), ROWS),
        Case("log of one share of the softmax", "S4", lambda xp, x: xp.log(xp.softmax(x, axis=0)[1]), ROWS),
        Case("x - log sum exp", "S5", lambda xp, x: x - xp.log(total(xp, x)), ROWS),
        Case("log of a softmax by hand", "S7", lambda xp, x: xp.log(shares(xp, x)), ROWS, source="pytensor#1476"),
        Case("one element of its logarithm", "S7", lambda xp, x: xp.log(shares(xp, x)[0]), ROWS),
        Case("log mean exp", "S8", lambda xp, x: xp.log(xp.mean(xp.exp(x))), ROWS),
        Case("log of a sum over n", "S8", lambda xp, x: xp.log(total(xp, x) / 3), ROWS),
        Case("log of a weighted sum", "S9", lambda xp, x: xp.log(xp.sum(xp.array(WEIGHTS) * xp.exp(x))), ROWS),
        Case(
            "log of a sum with given weights",
            "S9",
            lambda xp, x, w: xp.log(xp.sum(w * xp.exp(x))),
            [
                ([1000, 1001, 999], WEIGHTS),
                ([-1000, -1001, -999], WEIGHTS),
                ([500, 3, 20], [0, 1, 2]),
                ([1, 2, 0], WEIGHTS),
            ],
        ),
        Case("log of a mixture of two", "S10", lambda xp, x: xp.log(0.25 * xp.exp(x[0]) + 0.75 * xp.exp(x[1])), ROWS),
        Case(
            "masked softmax",
            "S12",
            lambda xp, x: (
                xp.where(xp.booleans([True, False, True]), xp.exp(x), 0)
                / xp.sum(xp.where(xp.booleans([True, False, True]), xp.exp(x), 0))
            ),
            [[1000, 2000, 999], [-1000, 1000, -1001], [90, 0, 89], [0.5, 4, 2]],
        ),
        Case(
            "softmax where nothing is allowed",
            "S12",
            lambda xp, x: xp.softmax(xp.where(x > 0, x, -xp.number(inf)), axis=0),
            [[-1, -2, -3], [1, -2, 3]],
            values={0: [0, 0, 0]},
            slopes={0: [[0, 0, 0]]},
            source="pytorch#41508",
        ),
        Case(
            "e^(s x - max(s x))", "S13", lambda xp, x: xp.exp(3 * x - xp.max(3 * x)), [[30, 31, 29], [-100, -101, -102]]
        ),
        Case(
            "cross-entropy with one class",
            "S15",
            lambda xp, x: -xp.log(shares(xp, x)[2]),
            [[1000, 1001, 999], [-1000, -1001, -1000.5], [0, 1e-8, -300], [1, 2, 0.5]],
        ),
        Case(
            "cross-entropy with one-hot targets",
            "S15",
            lambda xp, x: -xp.sum(xp.array([0, 1, 0]) * xp.log(shares(xp, x))),
            ROWS,
            source="0 times -inf",
        ),
        Case(
            "cross-entropy with label smoothing",
            "S15",
            lambda xp, x: -xp.sum(xp.array([0.0625, 0.875, 0.0625]) * xp.log(shares(xp, x))),
            HALVES,
        ),
        Case(
            "log cumulative sum exp",
            "S17",
            lambda xp, x: xp.log(xp.cumulative_sum(xp.exp(x), 0)),
            [[1000, 1001, 999], [-1000, -1001, -1000.5], [-800, 800, 3], [0.5, 0.25, 2]],
        ),
        Case(
            "log matmul exp",
            "S19",
            lambda xp, a, b: xp.log(xp.exp(a) @ xp.exp(b)),
            MATRICES,
            source="log-space products",
        ),
        Case(
            "perplexity",
            "S15",
            lambda xp, x: xp.exp(-xp.log(shares(xp, x)[1])),
            [[1000, 1001, 999], [-500, -501, -500.5], [1, 2, 0.5]],
        ),
        Case(
            "temperature limit: log sum exp(t x) / t",
            "S1",
            lambda xp, x: xp.log(total(xp, 64 * x)) / 64,
            [[30, 31, 29], [-30, -31, -30.5], [1, 2, 0.5]],
        ),
        Case(
            "entropy of a softmax",
            "S44",
            lambda xp, x: -xp.sum(shares(xp, x) * xp.log(shares(xp, x))),
            [[1000, 1001, 999], [-1000, -1001, -1000.5], [90, 91, 89.5], [0.5, 0.25, 2]],
        ),
        Case(
            "free energy difference",
            "S1",
            lambda xp, a, b: xp.log(total(xp, -a)) - xp.log(total(xp, -b)),
            [
                ([1000, 1001, 999], [1002, 1001, 1000]),
                ([-900, -901, -899], [-902, -900, -901]),
                ([1, 2, 3], [0.5, 1, 4]),
            ],
        ),
    ],
)
