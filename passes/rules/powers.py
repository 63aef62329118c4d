"""Powers of numbers near 1, such as growth and discount factors: 1 + x is rounded before its power magnifies that.

In f32 (1 + 1e-8)**1e8 is 1 instead of 2.718. Far from 1 the power is taken as it is written, since there an
exponential would magnify the rounding of its exponent.
"""

from __future__ import annotations

from typing import Any

from graphc.ir.leaf import uniform_value
from graphc.ir.node import Node
from graphc.ir.rule import RuleSet
from graphc.ops.elementwise import abs, exp, expm1, log1p, power
from graphc.ops.logic import logical_and, where

POWERS = RuleSet("powers")
NEAR_AND_FAR = "tested: the cases of near and far"
LARGE = 4


def _is_large(y: Node) -> bool:
    """Whether a power magnifies what is rounded: an exponent that is not known may do so."""
    number = uniform_value(y)
    return number is None or not -LARGE < number < LARGE


def _is_near(x: Any, y: Any) -> Any:
    return logical_and(abs(x) < 0.25, abs(y * log1p(x)) < 1)


def _power_near_one(x: Any, y: Any) -> Any:
    near = _is_near(x, y)
    return where(near, exp(y * log1p(x)), power(where(near, 1, 1 + x), y))


@POWERS.rule("stabilizing", "S35", when=_is_large, proof=NEAR_AND_FAR)
def power_of_one_and_more(x, y):
    """1 + x is rounded, which the power magnifies."""
    return power(1 + x, y), _power_near_one(x, y)


@POWERS.rule("stabilizing", "S35", when=_is_large, proof=NEAR_AND_FAR)
def power_of_one_and_more_minus_one(x, y):
    """The interest of many periods: cancels where the power is near 1."""
    near = _is_near(x, y)
    return _power_near_one(x, y) - 1, where(near, expm1(y * log1p(x)), power(where(near, 1, 1 + x), y) - 1)


@POWERS.rule("stabilizing", "S65")
def reciprocal_as_a_power(x):
    """Division is rounded once, and its spelling is that of the other rules."""
    return power(x, -1), 1 / x
