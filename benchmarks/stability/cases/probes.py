"""What IEEE arithmetic answers, and an algebraist would not: special values, rounding that is meant, signs of zero.

No finite input overflows on its way to a finite result: there another answer may be the better one.
"""

from typing import Any

from benchmarks.stability.case import Probe

inf, nan = float("inf"), float("nan")
EDGES = [0.0, -0.0, 1.0, -2.5, inf, -inf, nan]
TINY = 1e-40  # subnormal in float32


def two_sum(_xp: Any, a: Any, b: Any) -> Any:
    """The rounding error of a + b, by Knuth."""
    s = a + b
    t = s - a
    return (a - (s - t)) + (b - t)


def kahan(_xp: Any, x: Any) -> Any:
    """A compensated sum."""
    total, lost = x[0], 0 * x[0]
    for i in range(1, 5):
        y = x[i] - lost
        new = total + y
        lost = (new - total) - y
        total = new
    return total


PROBES = [
    Probe("x * 0", lambda xp, x: x * 0, EDGES),
    Probe("0 / x", lambda xp, x: 0 / x, EDGES),
    Probe("x - x", lambda xp, x: x - x, EDGES),
    Probe("x / x", lambda xp, x: x / x, EDGES),
    Probe("x + 0.0", lambda xp, x: x + 0.0, EDGES),
    Probe("x - 0.0", lambda xp, x: x - 0.0, EDGES),
    Probe("0.0 - x", lambda xp, x: 0.0 - x, EDGES),
    Probe("-x", lambda xp, x: -x, EDGES),
    Probe("-(x - y)", lambda xp, x, y: -(x - y), [(1, 1), (0, 0), (inf, 1), (2, 1)]),
    Probe("x * 1", lambda xp, x: x * 1, EDGES),
    Probe("x * -1", lambda xp, x: x * -1, EDGES),
    Probe("x + (-x)", lambda xp, x: x + (-x), EDGES),
    Probe("(a + b) - a", lambda xp, a, b: (a + b) - a, [(1, 2), (inf, 1), (-inf, 1), (nan, 1)]),
    Probe("(a - b) + b", lambda xp, a, b: (a - b) + b, [(1, 2), (1, inf), (1, nan)]),
    Probe("a + (b - a)", lambda xp, a, b: a + (b - a), [(1, 2), (inf, 1), (nan, 1)]),
    Probe("rounding error of a sum", two_sum, [(1e8, 0.3), (1, 1e-10), (0.1, 0.2)], source="Knuth"),
    Probe("compensated sum", kahan, [[1e8, 0.3, -0.7, 1e-3, 3], [1, 1e-8, 1e-8, 1e-8, 1e-8]], source="Kahan"),
    Probe(
        "split of a number, c x - (c x - x)",
        lambda xp, x: 4097 * x - (4097 * x - x),
        [0.1, 3.3, 1e10],
        source="Veltkamp",
    ),
    Probe("rounding to an integer by 1.5 · 2^23", lambda xp, x: (x + 12582912.0) - 12582912.0, [0.3, 2.5, -7.7]),
    Probe("(x / y) / y", lambda xp, x, y: (x / y) / y, [(1, 1e-30), (1e30, 1e25), (1e-30, 1e-25), (1, 3)]),
    Probe("x / y * y", lambda xp, x, y: x / y * y, [(1, 0), (1, inf), (0, 0), (6, 3)]),
    Probe("x * y / y", lambda xp, x, y: x * y / y, [(1, 0), (1, inf), (0, 0), (6, 3)]),
    Probe("(x * y) * z", lambda xp, x, y, z: (x * y) * z, [(1e30, 1e-30, 1e-30), (1e-30, 1e30, 1e30), (2, 3, 4)]),
    Probe("x * (y * z)", lambda xp, x, y, z: x * (y * z), [(1e-30, 1e-30, 1e30), (1e30, 1e30, 1e-30), (2, 3, 4)]),
    Probe("(x * 1e-30) * 1e30", lambda xp, x: (x * 1e-30) * 1e30, [1e20, inf, nan, 0.0], rounded=True),
    Probe("1 / (1 / x)", lambda xp, x: 1 / (1 / x), [0.0, -0.0, inf, -inf, nan, 4]),
    Probe("x * 2 / 2", lambda xp, x: x * 2 / 2, [1, inf, nan, -0.0]),
    Probe("max(x, nan)", lambda xp, x: xp.maximum(x, xp.number(nan)), [1, inf, nan]),
    Probe("max(x, y)", lambda xp, x, y: xp.maximum(x, y), [(nan, 1), (1, nan), (-inf, 1), (2, 1)]),
    Probe("min(x, y)", lambda xp, x, y: xp.minimum(x, y), [(nan, 1), (1, nan), (inf, 1), (2, 1)]),
    Probe("max(x, x + 1)", lambda xp, x: xp.maximum(x, x + 1), [1, nan, -inf, inf, 1e30]),
    Probe("relu", lambda xp, x: xp.maximum(x, 0), [nan, -1, 2, inf, -inf]),
    Probe("where(x > 0, x, 0)", lambda xp, x: xp.where(x > 0, x, 0), [nan, -1, 2, inf, -inf]),
    Probe("where(x = x, x, 0)", lambda xp, x: xp.where(x == x, x, 0), EDGES, source="NaN is not equal to itself"),
    Probe("where(x ≠ x, 1, x)", lambda xp, x: xp.where(x != x, 1, x), EDGES),
    Probe("where(x ≥ x, 1, 2)", lambda xp, x: xp.where(x >= x, 1 + 0 * x, 2 + 0 * x), [1, 2.5]),
    Probe("where(not x < y, 1, 2)", lambda xp, x, y: xp.where(x < y, 0 * y, 1 + 0 * y), [(1, 2), (2, 1), (0.5, 0.5)]),
    Probe(
        "where(x - y = 0, 1, 0)",
        lambda xp, x, y: xp.where(xp.equal(x - y, 0), xp.number(1), xp.number(0)),
        [(inf, inf), (1, 1), (1e-310, 2e-310), (1e-44, 3e-44)],
    ),
    Probe("where(isnan(x), 0, x)", lambda xp, x: xp.where(xp.isnan(x), 0, x), EDGES),
    Probe("where with NaN in the branch not taken", lambda xp, x: xp.where(x < 0, 0, xp.sqrt(x)), [-1, 4, 0, nan]),
    Probe("x² - x²", lambda xp, x: x**2 - x**2, [1, inf, nan]),
    Probe("√(-0)", lambda xp, x: xp.sqrt(x), [-0.0, 0.0, -1, inf, nan]),
    Probe("√x √x at edges", lambda xp, x: xp.sqrt(x) * xp.sqrt(x), [-1, -0.0, 4, inf, nan]),
    Probe("√(x)², x < 0", lambda xp, x: xp.sqrt(x) ** 2, [-1, -4, 4, inf, nan]),
    Probe("√(x²), -0", lambda xp, x: xp.sqrt(x**2), [-0.0, -3, inf, -inf, nan]),
    Probe("x^0", lambda xp, x: x**0, EDGES),
    Probe("1^x", lambda xp, x: 1**x, EDGES),
    Probe("x^0.5", lambda xp, x: x**0.5, [4, -1, 0.0, inf, nan]),
    Probe("x^2", lambda xp, x: x**2, [-0.0, -inf, nan, -3, 1e30]),
    Probe("x^-1", lambda xp, x: x**-1.0, [0.0, -0.0, inf, -inf, nan, 4]),
    Probe("x^3", lambda xp, x: x**3, [-0.0, -inf, nan, -2], rounded=True),
    Probe("|-0|", lambda xp, x: xp.abs(x), EDGES),
    Probe("||x||", lambda xp, x: xp.abs(xp.abs(x)), EDGES),
    Probe("|x| = x for squares", lambda xp, x: xp.abs(x * x), [-0.0, -3, nan, inf]),
    Probe(
        "copysign(1, x)",
        lambda xp, x: xp.copysign(xp.where(x == x, xp.number(1), xp.number(1)), x),
        [0.0, -0.0, -3, inf, -inf],
    ),
    Probe("copysign(x, -0)", lambda xp, x: xp.copysign(x, -0.0 * xp.abs(x)), [2, -3, 1, 0.0]),
    Probe(
        "atan2(±0, -1)",
        lambda xp, y, x: xp.atan2(y, x),
        [(0.0, -1), (-0.0, -1), (0.0, -0.0), (-0.0, 1), (1, -inf)],
        rounded=True,
    ),
    Probe("log(-0)", lambda xp, x: xp.log(x), [-0.0, 0.0, -1, inf, nan]),
    Probe("e^log x, x < 0", lambda xp, x: xp.exp(xp.log(x)), [-1, -inf, 0, nan], rounded=True),
    Probe("2 log x, x < 0", lambda xp, x: 2 * xp.log(x), [-1, -3, 4, nan], rounded=True),
    Probe("log(x y), both negative", lambda xp, x, y: xp.log(x) + xp.log(y), [(-1, -2), (2, -3), (2, 3)], rounded=True),
    Probe(
        "log x - log y, both negative",
        lambda xp, x, y: xp.log(x) - xp.log(y),
        [(-1, -2), (2, -3), (2, 3)],
        rounded=True,
    ),
    Probe("e^-inf times inf", lambda xp, x: x * xp.exp(-x), [inf, 1, nan], rounded=True),
    Probe("e^x e^-x at inf", lambda xp, x: xp.exp(x) * xp.exp(-x), [inf, -inf, nan, 1], rounded=True),
    Probe("e^x - e^x", lambda xp, x: xp.exp(x) - xp.exp(x), [inf, nan, 1]),
    Probe("inf - inf", lambda xp, x, y: x - y, [(inf, inf), (-inf, -inf), (inf, -inf)]),
    Probe("softmax of NaN", lambda xp, x: xp.softmax(x, axis=0), [[nan, 1, 2], [1, 2, nan]]),
    Probe("log sum exp of NaN", lambda xp, x: xp.log(xp.sum(xp.exp(x))), [[nan, 1, 2], [inf, nan, 2]]),
    Probe("log sum exp of -inf", lambda xp, x: xp.log(xp.sum(xp.exp(x))), [[-inf, -inf, -inf]]),
    Probe("sum of inf and -inf", lambda xp, x: xp.sum(x), [[inf, -inf, 1], [inf, 1, 2], [1, nan, 2]]),
    Probe("0 * sum", lambda xp, x: 0 * xp.sum(x), [[inf, 1, 2], [nan, 1, 2], [1, 2, 3]]),
    Probe("sum(0 * x)", lambda xp, x: xp.sum(0 * x), [[inf, 1, 2], [nan, 1, 2], [1, 2, 3]]),
    Probe("product with 0 and inf", lambda xp, x: xp.prod(x), [[0, inf, 1], [0, nan, 1], [0, 2, 3]]),
    Probe("max of a row with NaN", lambda xp, x: xp.max(x), [[1, nan, 3], [-inf, -inf, -inf]]),
    Probe("x - mean of inf", lambda xp, x: x - xp.mean(x), [[inf, 1, 2], [2, 2, 2]]),
    Probe("subnormals are kept: x * 1", lambda xp, x: x * 1, [TINY, -TINY, 1e-310]),
    Probe("subnormals are kept: x / 2", lambda xp, x: x / 2, [TINY, 1.5e-38, 4e-308]),
    Probe("subnormals are kept: x - y", lambda xp, x, y: x - y, [(1.5e-38, 1.25e-38), (3e-308, 2.5e-308)]),
    Probe("subnormals are kept: x + y", lambda xp, x, y: x + y, [(TINY, TINY), (1e-310, 1e-310), (TINY, 0)]),
    Probe("subnormals are kept: √x", lambda xp, x: xp.sqrt(x), [TINY, 1e-310]),
    Probe(
        "overflow of a float32 cast",
        lambda xp, x: xp.cast(xp.cast(x, "float32"), "float64"),
        [1e300, 0.1, 1e-60, -1e300],
    ),
    Probe(
        "round trip through float16", lambda xp, x: xp.cast(xp.cast(x, "float16"), "float64"), [0.1, 1e6, 1e-9, -2049]
    ),
    Probe("round trip through int32", lambda xp, x: xp.cast(xp.cast(x, "int32"), "float64"), [0.9, -0.9, 7.5, -0.0]),
    Probe("floor(-0.5), floor(-0)", lambda xp, x: xp.floor(x), [-0.0, -0.5, inf, nan, 2.5]),
    Probe("sign of NaN and -0", lambda xp, x: xp.sign(x), [nan, -3, inf, 2]),
    Probe("(x - y) * (x + y)", lambda xp, x, y: (x - y) * (x + y), [(inf, inf), (1e30, 1e30), (3, 2)]),
    Probe(
        "distribution: a (b + c)",
        lambda xp, a, b, c: a * (b + c),
        [(inf, 1, -1), (0, inf, 1), (1e30, 1e30, -1e30), (2, 3, 4)],
    ),
    Probe("factoring: a b + a c", lambda xp, a, b, c: a * b + a * c, [(inf, 1, -2), (0, inf, 1), (2, 3, 4)]),
    Probe(
        "sum of four in the order written",
        lambda xp, a, b, c, d: ((a + b) + c) + d,
        [(1e30, -1e30, 1, 1), (1e8, 1, -1e8, 1), (1, 2, 3, 4)],
    ),
    Probe("x + x - x", lambda xp, x: x + x - x, [1, inf, nan]),
    Probe("x - floor(x)", lambda xp, x: x - xp.floor(x), [2.75, -0.25, inf, nan, 1e30]),
]
