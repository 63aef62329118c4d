"""Differences of almost equal squares, reciprocals and roots: what is common to both goes before it is rounded.

The naive forms lose as many digits as both terms share, all of them once the larger part absorbs the difference:
in f32 `sqrt(x + 1) - sqrt(x)` is 0 above 1.7e7, `(x + 1)**2 - x**2` above 1.7e7, `1/x - 1/(x + 1)` above 1.7e7.
"""

from __future__ import annotations

from typing import Any

from graphc.ir.node import Node
from graphc.ir.rule import RuleSet
from graphc.ops.elementwise import log, log1p, sqrt
from graphc.ops.logic import equal, isinf, logical_or, where
from graphc.ops.trigonometry import one_minus_square

DIFFERENCES = RuleSet("differences")


def _is_float(x: Node) -> bool:
    """Integers do not cancel, and have no such function."""
    return x.dtype.is_float


@DIFFERENCES.rule("stabilizing", "S55", proof="tested: the cases at 0 and infinity")
def difference_of_roots(x, y):
    """Cancels where y is small beside x."""
    root = sqrt(x + y)
    total = root + sqrt(x)
    return sqrt(x + y) - sqrt(x), where(logical_or(equal(total, 0), isinf(y)), root, y / total)


@DIFFERENCES.rule("stabilizing", "S55", proof="tested: the cases at 0 and infinity")
def difference_from_larger_root(x, y):
    """Cancels where y is small beside x."""
    root = sqrt(x + y)
    total = root + sqrt(x)
    return sqrt(x) - sqrt(x + y), -where(logical_or(equal(total, 0), isinf(y)), root, y / total)


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
def difference_of_squares_of_sum(x, y):
    """(x + y)**2 - x**2 cancels where y is small beside x."""
    return (x + y) * (x + y) - x * x, y * (2 * x + y)


@DIFFERENCES.rule("stabilizing", "S57")
def difference_from_square_of_sum(x, y):
    """x**2 - (x + y)**2 cancels where y is small beside x."""
    return x * x - (x + y) * (x + y), -y * (2 * x + y)


@DIFFERENCES.rule("stabilizing", "S57")
def difference_of_squares(x, y):
    """Cancels where x and y are close, and so do the squares of numbers that are rounded."""
    return x * x - y * y, (x - y) * (x + y)


@DIFFERENCES.rule("stabilizing", "S57", when=_is_float)
def one_less_square(x):
    """Cancels near -1 and 1."""
    return 1 - x * x, one_minus_square(x)


@DIFFERENCES.rule("stabilizing", "S57", when=_is_float)
def square_less_one(x):
    """Cancels near -1 and 1."""
    return x * x - 1, -one_minus_square(x)


@DIFFERENCES.rule("stabilizing", "S57")
def log_of_one_minus_square(x):
    """1 - x*x is rounded at 1 near 0."""
    near = x * x < 0.5
    return log(one_minus_square(x)), where(near, log1p(-x * x), log1p(x) + log1p(-x))
