"""Roots of quadratic equations: of the two, the one nearer to 0 cancels.

The sign of the linear coefficient says which one that is; it is taken from the product of both roots instead. In f32
`sqrt(x*x + 1) - x` is 0 above 4,096.
"""

from __future__ import annotations

from graphc.ir.leaf import uniform_value
from graphc.ir.rule import RuleSet
from graphc.ops.elementwise import abs, sqrt
from graphc.ops.logic import isfinite, logical_and, where

ROOTS = RuleSet("roots")
CASES = "tested: the cases by sign"


@ROOTS.rule("stabilizing", "S58", proof=CASES)
def root_less_part(x, y):
    """sqrt(x*x + y) - x cancels for large x."""
    total = sqrt(x * x + y) + abs(x)
    return sqrt(x * x + y) - x, where(logical_and(x > 0, isfinite(y)), y / total, total)


@ROOTS.rule("stabilizing", "S58", proof=CASES)
def part_less_root(x, y):
    """x - sqrt(x*x + y) cancels for large x."""
    total = sqrt(x * x + y) + abs(x)
    return x - sqrt(x * x + y), -where(logical_and(x > 0, isfinite(y)), y / total, total)


@ROOTS.rule("stabilizing", "S58", proof=CASES, when=lambda y: uniform_value(y) is None or uniform_value(y) != 1)
def root_and_part(x, y):
    """x + sqrt(x*x + y) cancels far below 0. With 1 for y it is left to asinh."""
    total = sqrt(x * x + y) + abs(x)
    return sqrt(x * x + y) + x, where(logical_and(x < 0, isfinite(y)), y / total, total)


@ROOTS.rule("stabilizing", "S58", proof=CASES)
def minus_root_and_part(x, y):
    """-x - sqrt(x*x + y) cancels far below 0."""
    total = sqrt(x * x + y) + abs(x)
    return -x - sqrt(x * x + y), -where(logical_and(x < 0, isfinite(y)), y / total, total)
