"""Quotients f(x) / x with a gap at 0.

They are as exact as f, but their derivatives subtract two numbers of the size of 1 / x: in f32 that of sin(x) / x has
no digits left below 3e-4. The value at 0 stays NaN, as it is written.
"""

from __future__ import annotations

import math
from typing import Any

from graphc.ir.rule import RuleSet
from graphc.ops.elementwise import abs, expm1, sin
from graphc.ops.logic import equal, where
from graphc.ops.special.quotient import exprel, sinc

QUOTIENTS = RuleSet("quotients")
AT_ZERO = "tested: the case at 0"


def _sin_over_argument(x: Any) -> Any:
    """sin(x) / x: near 0 by its series, elsewhere as it is written."""
    near = abs(x) < 1
    return where(near, sinc(where(near, x, 0) / math.pi), sin(x) / where(near, 1, x))


@QUOTIENTS.rule("stabilizing", "S36", factors=True, proof=AT_ZERO)
def expm1_over_argument(x):
    """The derivative cancels near 0. NaN at 0, as before."""
    return expm1(x) / x, where(equal(x, 0), math.nan, exprel(x))


@QUOTIENTS.rule("stabilizing", "S36", factors=True, proof=AT_ZERO)
def sin_over_argument(x):
    """The derivative cancels near 0. NaN at 0, as before."""
    return sin(x) / x, where(equal(x, 0), math.nan, _sin_over_argument(x))
