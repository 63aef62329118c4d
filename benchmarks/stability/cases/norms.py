"""Lengths, distances and what is divided by them."""

from benchmarks.stability.case import Case, Family

NORMS = [[1e200, 2e200, 2e200], [3e-200, 4e-200, 0], [1, 2, 3]]
NARROW = [[1e30, 2e30, 2e30], [3e-30, 4e-30, 0], [1, 2, 3]]
PAIRS, NARROW_PAIRS = [(1e200, 2e200), (1e-200, 1e-190), (3, 4)], [(1e30, 2e30), (1e-30, 1e-29), (3, 4)]

FAMILY = Family(
    "norms, distances",
    [
        Case("√(x² + y²)", "S60", lambda xp, x, y: xp.sqrt(x**2 + y**2), PAIRS, NARROW_PAIRS),
        Case("√Σx²", "S60", lambda xp, x: xp.sqrt(xp.sum(x**2)), NORMS, NARROW),
        Case(
            "√Σx² at 0",
            "S69",
            lambda xp, x: xp.sqrt(xp.sum(x**2)),
            [[0, 0, 0]],
            slopes={0: [[0, 0, 0]]},
            source="jax#3058, pytorch#2421",
        ),
        Case("√(x·x)", "S60", lambda xp, x: xp.sqrt(x @ x), NORMS, NARROW),
        Case("unit vector", "S60", lambda xp, x: x / xp.sqrt(xp.sum(x**2)), NORMS, NARROW),
        Case(
            "cosine similarity",
            "S60",
            lambda xp, x, y: xp.sum(x * y) / (xp.sqrt(xp.sum(x**2)) * xp.sqrt(xp.sum(y**2))),
            [
                ([1e200, 2e200], [3e180, 1e180]),
                ([3e-200, 4e-200], [1e-190, 0]),
                ([1, 2], [3, 4]),
            ],
            [([1e30, 2e30], [3e25, 1e25]), ([3e-30, 4e-30], [1e-29, 0]), ([1, 2], [3, 4])],
        ),
        Case("√(x²)", "S64", lambda xp, x: xp.sqrt(x**2), [1e200, -1e-200, 3, -2], [1e30, -1e-30, 3, -2]),
        Case("√x √x", "S64", lambda xp, x: xp.sqrt(x) * xp.sqrt(x), [1e-300, 1e300, 7, 2], [1e-30, 1e30, 7, 2]),
        Case("√x at 0, squared", "S64", lambda xp, x: xp.sqrt(x) ** 2, [0, 4], slopes={0: 1}),
        Case(
            "distance of near points",
            "S60",
            lambda xp, x, y: xp.sqrt(xp.sum((x - y) ** 2)),
            [
                ([1, 2], [1, 2.0000002]),
                ([1e200, 0], [0, 1e200]),
                ([1, 2], [4, 6]),
            ],
            [([1, 2], [1, 2.0000002]), ([1e30, 0], [0, 1e30]), ([1, 2], [4, 6])],
        ),
        Case(
            "distance of a point to itself",
            "S69",
            lambda xp, x: xp.sqrt(xp.sum((x - xp.array([1, 2])) ** 2)),
            [[1, 2]],
            slopes={0: [[0, 0]]},
            source="jax#4177",
        ),
        Case(
            "squared distance, expanded",
            "S57",
            lambda xp, x, y: xp.sum(x**2) + xp.sum(y**2) - 2 * xp.sum(x * y),
            [
                ([1e4, 2], [1e4, 2.5]),
                ([100, 3], [100.25, 3]),
                ([1, 2], [4, 6]),
            ],
        ),
        Case("RMS-normalised row", "S60", lambda xp, x: x / xp.sqrt(xp.mean(x**2)), NORMS, NARROW),
        Case("part of a unit vector", "S60", lambda xp, x, y: x / xp.sqrt(x**2 + y**2), PAIRS, NARROW_PAIRS),
        Case(
            "angle: acos of a cosine",
            "S59",
            lambda xp, x, y: xp.acos(xp.sum(x * y) / (xp.sqrt(xp.sum(x**2)) * xp.sqrt(xp.sum(y**2)))),
            [([1, 1e-10], [1, 2e-10]), ([1, 1e-4], [1, 3e-4]), ([1, 2], [3, 4])],
        ),
        Case(
            "hypotenuse by max",
            "-",
            lambda xp, x, y: xp.maximum(x, y) * xp.sqrt(1 + (xp.minimum(x, y) / xp.maximum(x, y)) ** 2),
            PAIRS,
            NARROW_PAIRS,
        ),
        Case("√x / x", "S64", lambda xp, x: xp.sqrt(x) / x, [1e-300, 1e300, 4], [1e-38, 1e38, 4]),
        Case(
            "norm of eight tiny numbers",
            "S60",
            lambda xp, x: xp.sqrt(xp.sum(x**2)),
            [[1e-180] * 8],
            [[1e-25] * 8],
        ),
    ],
)
