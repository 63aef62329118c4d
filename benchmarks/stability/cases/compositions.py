"""Several identities within one formula, and spellings that hide one."""

from benchmarks.stability.case import Case, Family
from benchmarks.stability.cases.log_sum_exp import shares

ROWS = [[1000, 1001, 999], [-1000, -1001, -1000.5], [88.75, 10, -200], [0.5, 0.25, 2]]
LOGITS = [1000, -1000, 100, -100, 0.5, 3]


FAMILY = Family(
    "compositions, spellings",
    [
        Case(
            "log softmax, transposed and sliced",
            "S7",
            lambda xp, x: xp.log(xp.transpose(xp.exp(x[None, :]) / xp.sum(xp.exp(x[None, :]), axis=1, keepdims=True)))[
                1, 0
            ],
            ROWS,
        ),
        Case(
            "log of shares that were stored apart",
            "S7",
            lambda xp, x: xp.log(xp.stack([shares(xp, x)[0], shares(xp, x)[2]])),
            ROWS,
        ),
        Case(
            "log sum exp with -1 times",
            "S1",
            lambda xp, x: -1 * xp.log(xp.sum(xp.exp(-1 * x))),
            ROWS,
            source="pytensor#1476",
        ),
        Case(
            "log(1 - e^x) with -1 times",
            "S33",
            lambda xp, x: xp.log(1 + -1 * xp.exp(x)),
            [-1e-10, -1e-3, -1, -30, -80],
            source="pytensor#1476",
        ),
        Case("log of a reciprocal", "S41", lambda xp, x: xp.log(1 / xp.sum(xp.exp(x))), ROWS),
        Case("log of a quotient of sums", "S41", lambda xp, x: xp.log(xp.sum(xp.exp(x)) / xp.sum(xp.exp(x / 2))), ROWS),
        Case("log of a power of a sum", "S42", lambda xp, x: xp.log(xp.sum(xp.exp(x)) ** 3), ROWS),
        Case("log √ of a sum", "S42", lambda xp, x: xp.log(xp.sqrt(xp.sum(xp.exp(2 * x)))), ROWS),
        Case(
            "sigmoid of a log sum exp",
            "S20",
            lambda xp, x: 1 / (1 + xp.exp(-xp.log(xp.sum(xp.exp(x))))),
            [[500, 499], [-30, -31], [0.5, 1]],
        ),
        Case(
            "log of a sigmoid of a difference of sums",
            "S22",
            lambda xp, x, y: xp.log(xp.sum(xp.exp(x)) / (xp.sum(xp.exp(x)) + xp.sum(xp.exp(y)))),
            [([1000, 999], [1002, 3]), ([-1000, -999], [-998, -2000]), ([1, 2], [3, 1])],
        ),
        Case(
            "8-norm",
            "S1",
            lambda xp, x: xp.sum(xp.abs(x) ** 8) ** 0.125,
            [[1e100, 2e100], [1e-100, 3e-100], [1, 2]],
            [[1e10, 2e10], [1e-10, 3e-10], [1, 2]],
        ),
        Case(
            "softmax, then logit",
            "S26",
            lambda xp, x: xp.log(shares(xp, x) / (1 - shares(xp, x))),
            [[100, 101, 99], [-60, 0, -61], [0.5, 0.25, 2]],
        ),
        Case(
            "log of one less a share",
            "S5",
            lambda xp, x: xp.log(1 - shares(xp, x)),
            [[100, 60, 59], [-60, 0, -61], [0.5, 0.25, 2]],
        ),
        Case(
            "softmax of a log",
            "S3",
            lambda xp, x: xp.exp(xp.log(x)) / xp.sum(xp.exp(xp.log(x))),
            [[1e-300, 2e-300], [1e30, 3e30], [1, 2]],
            [[1e-30, 2e-30], [1e30, 3e30], [1, 2]],
        ),
        Case("two softmaxes, one after the other", "S4", lambda xp, x: xp.log(shares(xp, 100 * shares(xp, x))), ROWS),
        Case(
            "log cosh of a difference",
            "S53",
            lambda xp, x, y: xp.log(xp.cosh(x - y)),
            [(1000, 1), (-500, 300), (0.5, 0.25)],
        ),
        Case(
            "sum of softplus by products",
            "S14",
            lambda xp, x: xp.log((1 + xp.exp(x[0])) * (1 + xp.exp(x[1])) * (1 + xp.exp(x[2]))),
            ROWS,
        ),
        Case("soft minimum", "S1", lambda xp, x: -xp.log(xp.sum(xp.exp(-x * 8))) / 8, ROWS),
        Case(
            "soft minimum of two, written out",
            "S2",
            lambda xp, x, y: -xp.log(xp.exp(-x) + xp.exp(-y)),
            [(1000, 999), (-1000, -900), (1, 2)],
        ),
        Case("smooth maximum", "S3", lambda xp, x: xp.sum(x * xp.exp(x)) / xp.sum(xp.exp(x)), ROWS),
        Case(
            "hand-shifted softmax",
            "S3",
            lambda xp, x: xp.exp(x - xp.max(x)) / xp.sum(xp.exp(x - xp.max(x))),
            [[100, 101, 99], [-100, -101, -100.5], [0.5, 0.25, 2]],
        ),
        Case("hand-shifted log sum exp", "S1", lambda xp, x: xp.max(x) + xp.log(xp.sum(xp.exp(x - xp.max(x)))), ROWS),
        Case("log1p(expm1(x))", "S38", lambda xp, x: xp.log1p(xp.expm1(x)), [1000, 100, 1e-10, 0.5, -3]),
        Case(
            "log-likelihood ratio of sigmoids",
            "S22",
            lambda xp, x, y: xp.log(xp.sigmoid(x) / xp.sigmoid(y)),
            [(-1000, -999), (1000, 999), (40, -40), (1, 2)],
        ),
        Case(
            "product of a sigmoid and its complement",
            "S27",
            lambda xp, x: xp.log(xp.sigmoid(x) * (1 - xp.sigmoid(x))),
            LOGITS,
        ),
    ],
)
