"""Powers of numbers near 1, such as growth and discount factors: 1 + x is rounded before its power magnifies that.

In f32 (1 + 1e-8)**12 - 1 is 0 instead of 1.2e-7. Far from 1 the power is taken as it is written, since there an
exponential would magnify the rounding of its exponent. A power alone stays: the rules for its logarithm know it.
"""

from __future__ import annotations

from graphc.ir.leaf import uniform_value
from graphc.ir.node import Node
from graphc.ir.rule import RuleSet
from graphc.ops.elementwise import abs, expm1, log1p, power
from graphc.ops.logic import logical_and, where

POWERS = RuleSet("powers")
LARGE = 4


def _is_large(y: Node) -> bool:
    """Whether a power magnifies what is rounded: an exponent that is not known may do so."""
    number = uniform_value(y)
    return number is None or not -LARGE < number < LARGE


@POWERS.rule("stabilizing", "S35", when=_is_large, proof="tested: the cases of near and far")
def power_minus_one(x, y):
    """The interest of many periods: 1 + x is rounded, the power magnifies that, and what is left of it is small."""
    near = logical_and(abs(x) < 0.25, abs(y * log1p(x)) < 1)
    return power(1 + x, y) - 1, where(near, expm1(y * log1p(x)), power(where(near, 1, 1 + x), y) - 1)


@POWERS.rule("stabilizing", "S65")
def reciprocal_as_a_power(x):
    """Division is rounded once, and its spelling is that of the other rules."""
    return power(x, -1), 1 / x
