"""Powers of numbers near 1, such as growth and discount factors: 1 + x is rounded before its power magnifies that.

In f32 (1 + 1e-8)**1e8 is 1 instead of 2.718, and (1 + 1e-8)**12 - 1 is 0 instead of 1.2e-7. A power alone changes
last of all, since the rules for logarithms look for powers.
"""

from __future__ import annotations

import math

from graphc.ir.leaf import uniform_value
from graphc.ir.node import Node
from graphc.ir.rule import NEAR_AND_FAR, RuleSet
from graphc.ops.base import is_float
from graphc.ops.elementwise import abs, log1p, power
from graphc.ops.logic import equal, logical_and, logical_or, not_equal, where
from graphc.ops.special.power import one_plus_power, one_plus_power_minus_one, power_minus_one
from graphc.ops.special.quotient import exprel
from graphc.ops.special.remainder import taylor_remainder

POWERS = RuleSet("powers")
POWERS_ALONE = RuleSet("powers alone")
LARGE = 4
SMALL = 0.5
"""Up to here the series of an exponential is used."""


def _is_large(y: Node) -> bool:
    """Whether a power magnifies what is rounded: an exponent that is not known may do so."""
    number = uniform_value(y)
    return number is None or not -LARGE < number < LARGE


@POWERS.rule("stabilizing", "S35", when=_is_large)
def interest(x, y):
    """The interest of many periods: 1 + x is rounded, the power magnifies that, and what is left of it is small."""
    return power(1 + x, y) - 1, one_plus_power_minus_one(x, y)


@POWERS.rule("stabilizing", "S35", when=_is_large)
def share_of_interest(x, y):
    """The chance of at least one success in many trials, 1 - (1 - p)**n, which cancels for a small chance."""
    return 1 - power(1 + x, y), -one_plus_power_minus_one(x, y)


@POWERS.rule("stabilizing", "S35", factors=True, proof=NEAR_AND_FAR)
def rate_over_interest(x, y):
    """x / ((1 + x)**y - 1), as in an annuity: the derivative cancels near 0. NaN at 0, as before."""
    exponent = y * log1p(x)
    near = logical_and(abs(exponent) < SMALL, not_equal(y, 0))
    small, large = where(near, x, 0), where(near, 1, x)
    series = taylor_remainder(small, function="log1p", terms=1, over=1) * exprel(where(near, exponent, 0))
    grows = where(logical_or(x > 0, x < -2), y, where(x > -2, -y, 0)) > 0
    below = where(grows, -y, y)  # what grows may overflow
    share = where(grows, -one_plus_power(large, below), 1) / one_plus_power_minus_one(large, below)
    value = where(near, 1 / series / where(near, y, 1), where(near, 0, x) * share)
    return x / one_plus_power_minus_one(x, y), where(equal(x, 0), math.nan, value)


@POWERS.rule("stabilizing", "S35", when=is_float)
def power_less_one(x, y):
    """Cancels where the power is near 1, as in the transform of Box and Cox."""
    return power(x, y) - 1, power_minus_one(x, y)


@POWERS.rule("stabilizing", "S35", when=is_float)
def one_less_power(x, y):
    """Cancels where the power is near 1."""
    return 1 - power(x, y), -power_minus_one(x, y)


@POWERS.rule("stabilizing", "S65", when=is_float)
def reciprocal_as_a_power(x):
    """Division is rounded once, and its spelling is that of the other rules."""
    return power(x, -1), 1 / x


@POWERS_ALONE.rule("stabilizing", "S35", when=_is_large, proof="tested: SymPy does not know the function")
def power_of_one_and_more(x, y):
    """1 + x is rounded, which the power magnifies."""
    return power(1 + x, y), one_plus_power(x, y)
