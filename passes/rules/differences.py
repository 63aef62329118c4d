"""Differences of almost equal squares, reciprocals and roots: what is common to both goes before it is rounded.

The naive forms lose as many digits as both terms share, all of them once the larger part absorbs the difference:
in f32 `sqrt(x + 1) - sqrt(x)` is 0 above 1.7e7, `(x + 1)**2 - x**2` above 1.7e7, `1/x - 1/(x + 1)` above 1.7e7.
"""

from __future__ import annotations

from typing import Any

from graphc.ir.rule import NEAR_AND_FAR, RuleSet
from graphc.ops.base import is_float
from graphc.ops.elementwise import abs, expm1, log, log1p, power, sqrt
from graphc.ops.logic import equal, isinf, logical_and, logical_or, where
from graphc.ops.trigonometry import one_minus_square
from graphc.passes.rules.subtraction import difference

DIFFERENCES = RuleSet("differences")
SPECIAL_CASES = "tested: the cases at 0 and infinity"


@DIFFERENCES.rule("stabilizing", "S55", proof=SPECIAL_CASES)
def difference_of_roots(x, y):
    """Cancels where x and y are close."""
    total = sqrt(x) + sqrt(y)
    alone = logical_or(equal(total, 0), isinf(total))
    apart = where(alone, sqrt(x), 0) - where(alone, sqrt(y), 0)
    return sqrt(x) - sqrt(y), where(alone, apart, difference(x, y) / total)


@DIFFERENCES.rule("stabilizing", "S55")
def inverse_of_circle_less_one(x):
    """1 / sqrt(1 - x*x) - 1, as a kinetic energy, cancels near 0."""
    root = sqrt(one_minus_square(x))
    return 1 / root - 1, x * (x / root / (1 + root))


@DIFFERENCES.rule("stabilizing", "S55", proof=NEAR_AND_FAR)
def inverse_root_less_one(x):
    """1 / sqrt(1 + x) - 1 cancels near 0."""
    root, near = sqrt(1 + x), x < 1
    far = where(near, 1, 1 / root) - 1
    return 1 / root - 1, where(near, where(near, -x, 0) / root / (1 + root), far)


@DIFFERENCES.rule("stabilizing", "S55")
def one_minus_circle(x):
    """1 - sqrt(1 - x*x) cancels near 0."""
    return 1 - sqrt(one_minus_square(x)), x * (x / (1 + sqrt(one_minus_square(x))))


def _share_of_sum(x: Any, y: Any) -> Any:
    """y / (x + y), though the sum may overflow; 1 where y is infinite."""
    total = x + y
    share = where(isinf(total), (y / 2) / (x / 2 + y / 2), y / total)
    return where(isinf(y), 1, share)


@DIFFERENCES.rule("stabilizing", "S56")
def difference_of_reciprocals(x, y):
    """Cancels where y is small beside x."""
    return 1 / x - 1 / (x + y), _share_of_sum(x, y) / x


@DIFFERENCES.rule("stabilizing", "S56")
def difference_from_larger_reciprocal(x, y):
    """Cancels where y is small beside x."""
    return 1 / (x + y) - 1 / x, -_share_of_sum(x, y) / x


@DIFFERENCES.rule("stabilizing", "S57")
def difference_of_squares(x, y):
    """Cancels where x and y are close, and so do the squares of numbers that are rounded."""
    return x * x - y * y, difference(x, y) * (x + y)


@DIFFERENCES.rule("stabilizing", "S57", proof=NEAR_AND_FAR)
def difference_of_powers(x, y, p):
    """Cancels where x and y are close."""
    less = difference(x, y)
    near = logical_and(abs(less) < 0.5 * abs(y), abs(p * less) < 0.5 * abs(y))
    ratio = where(near, less / where(near, y, 1), 0)
    apart = where(near, 0, power(x, p)) - where(near, 0, power(y, p))
    return power(x, p) - power(y, p), where(near, power(y, p) * expm1(p * log1p(ratio)), apart)


@DIFFERENCES.rule("stabilizing", "S57", when=is_float)
def one_less_square(x):
    """Cancels near -1 and 1."""
    return 1 - x * x, one_minus_square(x)


@DIFFERENCES.rule("stabilizing", "S57", when=is_float)
def square_less_one(x):
    """Cancels near -1 and 1."""
    return x * x - 1, -one_minus_square(x)


@DIFFERENCES.rule("stabilizing", "S57")
def log_of_one_minus_square(x):
    """1 - x*x is rounded at 1 near 0."""
    near = x * x < 0.5
    return log(one_minus_square(x)), where(near, log1p(-x * x), log1p(x) + log1p(-x))
