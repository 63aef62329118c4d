"""Roots of quadratic equations and distances: of two roots, the one nearer to 0 cancels.

The sign of the linear coefficient says which one that is; it is taken from the product of both roots instead. In f32
`sqrt(x*x + 1) - x` is 0 above 4,096. A square overflows f32 above 1.8e19, the root of a sum of squares does not.

These rules come last: those for logarithms know the roots as they are written, as in asinh.
"""

from __future__ import annotations

import math
from typing import Any

from graphc.interpret.ranges import range_of
from graphc.ir.leaf import uniform_value
from graphc.ir.node import Node
from graphc.ir.pattern import SUMS, see, views
from graphc.ir.rule import RuleSet
from graphc.ops.elementwise import Sqrt, abs, sqrt
from graphc.ops.logic import isfinite, isinf, isnan, logical_and, logical_or, where
from graphc.ops.trigonometry import hypot

# The size of x is a choice, not abs(x), since the derivative of that at 0 is 0, not the one of x.
QUADRATICS = RuleSet("quadratics")
ROOTS = RuleSet("roots")
DISTANCES = RuleSet("distances")
AT_INFINITY = "tested: the case at infinity"


# --- the roots of a quadratic equation, as textbooks have them ---


@QUADRATICS.rule("stabilizing", "S58", proof="tested: the cases of both signs")
def larger_root_of_quadratic(a, b, c):
    """Cancels for positive b. The product of both roots is c / a, the other one does not cancel."""
    root = sqrt(b * b - 4 * a * c)
    small = logical_and(b > 0, abs(4 * a * c) < b * b)
    total = root + where(small, b, -b)
    return (root - b) / (2 * a), where(small, -2 * (c / total), total / (2 * a))


@QUADRATICS.rule("stabilizing", "S58", proof="tested: the cases of both signs")
def smaller_root_of_quadratic(a, b, c):
    """Cancels for negative b. The product of both roots is c / a, the other one does not cancel."""
    root = sqrt(b * b - 4 * a * c)
    small = logical_and(b < 0, abs(4 * a * c) < b * b)
    total = root + where(small, -b, b)
    return (-b - root) / (2 * a), where(small, 2 * (c / total), -total / (2 * a))


# --- a root and what is nearly as large ---


def _hypot_less(x: Any, y: Any) -> Any:
    """hypot(x, y) - x. The sum of both may overflow where their difference does not, so it is made of quarters."""
    small = logical_and(x > 0, logical_and(isfinite(y), isfinite(x)))
    u, v = where(x > 1, 0.25 * x, x), where(x > 1, 0.25 * y, y)
    distance = hypot(u, v)
    near = y * (v / where(small, distance + u, 1))
    far = where(logical_and(x > 0, isfinite(x)), distance, distance + where(x > 0, math.nan, -x))
    return where(small, near, far)


def _distance_less(x: Any, y: Any) -> Any:
    """sqrt(x*x + y*y) - x, of which hypot(x, y) differs at a NaN beside an infinity."""
    return where(logical_or(isnan(x), isnan(y)), math.nan, _hypot_less(x, y))


@ROOTS.rule("stabilizing", "S58")
def distance_less_part(x, y):
    """sqrt(x*x + y*y) - x cancels where y is small beside x, and the squares overflow and underflow."""
    return sqrt(x * x + y * y) - x, _distance_less(x, y)


@ROOTS.rule("stabilizing", "S58")
def part_less_distance(x, y):
    """x - sqrt(x*x + y*y) cancels where y is small beside x, and the squares overflow and underflow."""
    return x - sqrt(x * x + y * y), -_distance_less(x, y)


@ROOTS.rule("stabilizing", "S58")
def root_less_part(x, y):
    """sqrt(x*x + y) - x cancels for large x."""
    total = sqrt(x * x + y) + where(x > 0, x, -x)
    return sqrt(x * x + y) - x, where(logical_and(x > 0, isfinite(y)), y / total, total)


@ROOTS.rule("stabilizing", "S58")
def part_less_root(x, y):
    """x - sqrt(x*x + y) cancels for large x."""
    total = sqrt(x * x + y) + where(x > 0, x, -x)
    return x - sqrt(x * x + y), -where(logical_and(x > 0, isfinite(y)), y / total, total)


@ROOTS.rule("stabilizing", "S58")
def distance_less_size(x, y):
    """sqrt(x*x + y*y) - abs(x) cancels where y is small beside x, and the squares overflow and underflow."""
    return sqrt(x * x + y * y) - abs(x), _distance_less(abs(x), y)


@ROOTS.rule("stabilizing", "S58", proof=AT_INFINITY)
def root_less_size(x, y):
    """sqrt(x*x + y) - abs(x) cancels for large x."""
    total = sqrt(x * x + y) + abs(x)
    finite = logical_and(total > 0, isfinite(y))
    return sqrt(x * x + y) - abs(x), where(finite, y / where(finite, total, 1), total - abs(x))


@ROOTS.rule("stabilizing", "S55")
def distance_less_one(x):
    """sqrt(1 + x*x) - 1 cancels near 0, as in a smooth absolute value; and x*x overflows."""
    root = sqrt(1 + x * x)
    return sqrt(1 + x * x) - 1, where(isinf(x), root, x * (x / (root + 1)))


@ROOTS.rule("stabilizing", "S55")
def root_minus_one(x):
    """sqrt(1 + x) - 1 cancels near 0."""
    root = sqrt(1 + x)
    return sqrt(1 + x) - 1, where(isinf(x), root, x / (root + 1))


@ROOTS.rule("stabilizing", "S55")
def one_minus_root(x):
    """1 - sqrt(1 + x) cancels near 0."""
    root = sqrt(1 + x)
    return 1 - sqrt(1 + x), -where(isinf(x), root, x / (root + 1))


@ROOTS.rule("stabilizing", "S58")
def hypot_less_part(x, y):
    """hypot(x, y) - x cancels where y is small beside x."""
    return hypot(x, y) - x, _hypot_less(x, y)


# --- distances ---


@DISTANCES.rewriter(Sqrt, kind="stabilizing", reference="S60", proof="tested: the root of a constant is a float")
def root_of_square_and_constant(node: Node) -> Node | None:
    """sqrt(x*x + c) for positive c, as in a smooth absolute value: the square overflows."""
    *_, view = views(node.args[0], SUMS, 2)
    for part, other in (view.parts, view.parts[::-1]) if len(view.parts) == 2 else ():
        number = uniform_value(other.value)
        squared = see(part.value, frozenset({"multiply"})) if part.sign > 0 else None
        if number is None or squared is None or squared.args[0] is not squared.args[1]:
            continue
        if 0 < number * other.sign < math.inf and _may_overflow(squared.args[0]):
            distance: Node = hypot(squared.args[0], math.sqrt(number))
            return distance
    return None


def _may_overflow(x: Node) -> bool:
    """Whether nothing is known that keeps the square of x finite."""
    known, largest = range_of(x), math.sqrt(float(x.dtype.limits.max))
    return not -largest < known.low <= known.high < largest


@DISTANCES.rule("stabilizing", "S60")
def root_of_two_squares(x, y):
    """Each of the squares may overflow or underflow. NaN for NaN beside an infinity, as before."""
    return sqrt(x * x + y * y), where(logical_or(isnan(x), isnan(y)), math.nan, hypot(x, y))


@DISTANCES.rule("stabilizing", "S60")
def root_of_three_squares(x, y, z):
    """Each of the squares may overflow or underflow. NaN for NaN beside an infinity, as before."""
    missing = logical_or(logical_or(isnan(x), isnan(y)), isnan(z))
    return sqrt(x * x + y * y + z * z), where(missing, math.nan, hypot(hypot(x, y), z))
