"""Where: masks, branches not taken, and derivatives at their edges."""

from benchmarks.stability.case import Case, Family

nan = float("nan")

FAMILY = Family(
    "branches, masks",
    [
        Case(
            "where(x > 0, log x, 0)",
            "S68",
            lambda xp, x: xp.where(x > 0, xp.log(x), 0),
            [0, 1, 2],
            slopes={0: 0},
            source="jax#1052",
        ),
        Case(
            "where(x > 0, x log x, 0)",
            "S68",
            lambda xp, x: xp.where(x > 0, x * xp.log(x), 0),
            [0, -1, 2],
            slopes={0: 0},
        ),
        Case(
            "where(x ≠ 0, sin(x) / x, 1)",
            "S68",
            lambda xp, x: xp.where(xp.not_equal(x, 0), xp.sin(x) / x, 1),
            [0, 0.5, 2],
            slopes={0: 0},
            source="jax#347",
        ),
        Case(
            "where(x > 0, √x, 0)",
            "S68",
            lambda xp, x: xp.where(x > 0, xp.sqrt(x), 0),
            [0, -1, 4],
            slopes={0: 0},
            source="pytorch#4132",
        ),
        Case("where(x < 0, e^x, x + 1)", "S68", lambda xp, x: xp.where(x < 0, xp.exp(x), x + 1), [1000, -3, 0.5, 100]),
        Case("elu", "S68", lambda xp, x: xp.where(x > 0, x, xp.exp(x) - 1), [1000, -1e-10, -3, 0.5]),
        Case(
            "where(x > 1, 1/(x-1), 0)", "S68", lambda xp, x: xp.where(x > 1, 1 / (x - 1), 0), [1, 2, 0.5], slopes={0: 0}
        ),
        Case(
            "norm under a mask",
            "S68",
            lambda xp, x: xp.where(xp.sum(x**2) > 0, xp.sqrt(xp.sum(x**2)), 0),
            [[0, 0], [3, 4]],
            slopes={0: [[0, 0]]},
            source="jax#5798",
        ),
        Case(
            "sum under a mask of what is NaN",
            "S68",
            lambda xp, x: xp.sum(xp.where(xp.booleans([True, False, True]), xp.log(x), 0)),
            [[1, -1, 2], [1, -3, 2]],
        ),
        Case(
            "mean under a mask",
            "S68",
            lambda xp, x: xp.sum(xp.where(x > 0, xp.log(x), 0)) / xp.sum(xp.where(x > 0, 1 + 0 * x, 0 * x)),
            [[1, -1, 2], [1, -3, 2]],
        ),
        Case("max(0, x) of an overflow", "S68", lambda xp, x: xp.maximum(xp.log(1 + xp.exp(x)) - 1, 0), [1000, -3, 5]),
        Case("power under a mask", "S68", lambda xp, x: xp.where(x > 0, x**0.5, 0), [0, -2, 4], slopes={0: 0}),
        Case(
            "division by a masked zero",
            "S68",
            lambda xp, x, y: xp.where(xp.equal(y, 0), 0, x / y),
            [(1, 0), (0, 0), (3, 2)],
            slopes={0: None, 1: None},
        ),
        Case(
            "safe log of a sum",
            "S68",
            lambda xp, x: xp.where(xp.sum(x) > 0, xp.log(xp.sum(x)), 0),
            [[0, 0], [1, 2]],
            slopes={0: [[0, 0]]},
        ),
        Case(
            "acos of a clipped cosine",
            "S68",
            lambda xp, x: xp.where(xp.abs(x) < 1, xp.acos(x), 0),
            [1, 0.5, -0.25],
            slopes={0: 0},
        ),
        Case("abs at 0", "S69", lambda xp, x: xp.abs(x), [0, 1, -2], slopes={0: 0}),
        Case(
            "√|x| at 0, weight 0",
            "S69",
            lambda xp, x: 0 * xp.sqrt(xp.abs(x)),
            [0, 1, 4],
            slopes={0: 0},
            source="0 times inf",
        ),
        Case(
            "Huber loss",
            "S68",
            lambda xp, x: xp.where(xp.abs(x) < 1, x**2 / 2, xp.abs(x) - 0.5),
            [1e200, -3, 0.5],
            [1e30, -3, 0.5],
        ),
        Case("x^y at x = 0", "S65", lambda xp, x, y: xp.where(x > 0, x**y, 0), [(0, 0.5), (2, 3)], slopes={0: (0, 0)}),
    ],
)
