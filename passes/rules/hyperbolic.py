"""Hyperbolic functions as spelled with exponentials, their inverses as spelled with logarithms.

The spellings cancel near 0 and overflow; at infinity the functions have their limits, where the spellings give NaN.
"""

from __future__ import annotations

import math
from typing import Any

from graphc.ir.rule import NEAR_AND_FAR, RuleSet
from graphc.ops.elementwise import (
    abs,
    exp,
    expm1,
    log,
    log1mexp,
    log1p,
    logistic_pdf,
    sigmoid,
    sqrt,
    square,
    tanh,
)
from graphc.ops.logic import where
from graphc.ops.trigonometry import acosh, asinh, atanh, cosh, one_minus_square, sinh

HYPERBOLIC = RuleSet("hyperbolic")


def _log_cosh(x: Any) -> Any:
    """log(cosh(x)): near 0 by the square of sinh, which is small, elsewhere without the exponential that overflows."""
    far = abs(x) + (log1p(exp(-2 * abs(x))) - math.log(2))
    return where(abs(x) < 1, 0.5 * log1p(square(sinh(x))), far)


def _derivative_of_tanh(x: Any) -> Any:
    """1 - tanh(x)**2: near 0 by tanh, which is one rounding less, elsewhere by what does not cancel."""
    return where(abs(x) < 0.5, one_minus_square(tanh(x)), 4 * logistic_pdf(2 * x))


@HYPERBOLIC.rule("stabilizing", "S51")
def tanh_of_two_exponentials(x):
    """Overflows to NaN for large x and cancels near 0."""
    return (exp(x) - exp(-x)) / (exp(x) + exp(-x)), tanh(x)


@HYPERBOLIC.rule("stabilizing", "S51")
def tanh_of_expm1(x):
    """(exp(x) - 1) / (exp(x) + 1) overflows to NaN for large x."""
    return expm1(x) / (1 + exp(x)), tanh(x / 2)


@HYPERBOLIC.rule("stabilizing", "S51")
def tanh_of_sigmoid(x):
    """2 * sigmoid(x) - 1 cancels near 0."""
    return 2 * sigmoid(x) - 1, tanh(x / 2)


@HYPERBOLIC.rule("stabilizing", "S51", factors=True)
def sinh_of_two_exponentials(x):
    """Cancels near 0."""
    return (exp(x) - exp(-x)) * 0.5, sinh(x)


@HYPERBOLIC.rule("stabilizing", "S51", factors=True)
def cosh_of_two_exponentials(x):
    """The exponential overflows before the half of it does."""
    return (exp(x) + exp(-x)) * 0.5, cosh(x)


@HYPERBOLIC.rule("stabilizing", "S51", factors=True)
def sinh_over_cosh(x):
    """inf / inf for large x."""
    return sinh(x) / cosh(x), tanh(x)


@HYPERBOLIC.rule("stabilizing", "S52")
def one_minus_square_of_tanh(x):
    """Cancels where tanh is near -1 or 1, and is 0 above 9 in f32."""
    return 1 - tanh(x) * tanh(x), _derivative_of_tanh(x)


@HYPERBOLIC.rule("stabilizing", "S52", proof=NEAR_AND_FAR)
def log1p_of_minus_square_of_tanh(x):
    """log(1 - tanh(x)**2) is -inf where tanh is rounded at 1."""
    return log1p(-tanh(x) * tanh(x)), -2 * _log_cosh(x)


@HYPERBOLIC.rule("stabilizing", "S52", proof=NEAR_AND_FAR)
def log_of_derivative_of_tanh(x):
    """log(1 - tanh(x)**2), which is rounded near 0 and underflows far from it."""
    return log(_derivative_of_tanh(x)), -2 * _log_cosh(x)


@HYPERBOLIC.rule("stabilizing", "S53", proof=NEAR_AND_FAR)
def log_of_cosh(x):
    """cosh overflows f32 above 89, and is rounded at 1 near 0."""
    return log(cosh(x)), _log_cosh(x)


@HYPERBOLIC.rule("stabilizing", "S53", proof=NEAR_AND_FAR)
def log_of_sinh(x):
    """sinh overflows f32 above 89."""
    far, near = where(x < 1, 1, x), where(x < 1, x, 1)  # not a maximum, whose derivative is shared at 1
    large = far + (log1mexp(-2 * far) - math.log(2))
    return log(sinh(x)), where(x < 1, log(where(x < 1, sinh(near), 1)), large)


@HYPERBOLIC.rule("stabilizing", "S53", proof=NEAR_AND_FAR)
def log_of_tanh(x):
    """tanh is rounded at 1."""
    return log(tanh(x)), where(x < 1, log(where(x < 1, tanh(x), 1)), -2 * atanh(exp(-2 * where(x < 1, 1, x))))


@HYPERBOLIC.rule("stabilizing", "S21")
def one_minus_tanh(x):
    """Cancels where tanh is near 1."""
    return 1 - tanh(x), 2 * sigmoid(-2 * x)


@HYPERBOLIC.rule("stabilizing", "S21")
def one_plus_tanh(x):
    """Cancels where tanh is near -1."""
    return 1 + tanh(x), 2 * sigmoid(2 * x)


@HYPERBOLIC.rule("stabilizing", "S21", factors=True)
def half_of_twice_sigmoid(x):
    """The sigmoid as it is spelled with tanh."""
    return 0.5 * (2 * sigmoid(x)), sigmoid(x)


@HYPERBOLIC.rule("stabilizing", "S21")
def sum_with_multiple_of_tanh(a, x):
    """a * (1 + tanh(x)), multiplied out: cancels in the left tail."""
    return a + a * tanh(x), a * (2 * sigmoid(2 * x))


@HYPERBOLIC.rule("stabilizing", "S21")
def difference_from_multiple_of_tanh(a, x):
    """a * (1 - tanh(x)), multiplied out: cancels in the right tail."""
    return a - a * tanh(x), a * (2 * sigmoid(-2 * x))


@HYPERBOLIC.rule("stabilizing", "S52", factors=True, proof=NEAR_AND_FAR)
def inverse_square_of_cosh(x):
    """The derivative divides infinities."""
    return 1 / (cosh(x) * cosh(x)), _derivative_of_tanh(x)


@HYPERBOLIC.rule("stabilizing", "S53", factors=True, proof=NEAR_AND_FAR)
def derivative_of_sech(x):
    """The square of cosh overflows, to 0 * sinh(x), long before cosh does."""
    return _derivative_of_tanh(x) * sinh(x), tanh(x) / cosh(x)


@HYPERBOLIC.rule("stabilizing", "S51", factors=True)
def cosh_over_sinh(x):
    """inf / inf for large x."""
    return cosh(x) / sinh(x), 1 / tanh(x)


@HYPERBOLIC.rule("stabilizing", "S51")
def cosh_less_sinh(x):
    """Cancels for large x, and is inf - inf then."""
    return cosh(x) - sinh(x), exp(-x)


@HYPERBOLIC.rule("stabilizing", "S51")
def cosh_and_sinh(x):
    """Cancels far below 0."""
    return cosh(x) + sinh(x), exp(x)


@HYPERBOLIC.rule("stabilizing", "S54")
def acosh_of_one_plus(x):
    """1 + x is rounded, which the root magnifies."""
    return acosh(1 + x), 2 * asinh(sqrt(0.5 * x))


@HYPERBOLIC.rule("stabilizing", "S54")
def log_of_root_and_part(x):
    """Cancels far below 0, is rounded near 0, and the square overflows."""
    return log(x + sqrt(x * x + 1)), asinh(x)


@HYPERBOLIC.rule("stabilizing", "S54")
def log_of_root_and_size(x):
    """The inverse hyperbolic sine of a size, whose sign is given later: rounded near 0, the square overflows."""
    return log(abs(x) + sqrt(x * x + 1)), asinh(abs(x))


@HYPERBOLIC.rule("stabilizing", "S54")
def log_of_root_of_factors_and_part(x):
    """The square overflows for large x, and is rounded near 1."""
    return log(x + sqrt(-one_minus_square(x))), acosh(x)


@HYPERBOLIC.rule("stabilizing", "S54")
def log_of_quotient_near_one(x):
    """The quotient is rounded where x is small."""
    return log((1 + x) / (1 - x)), 2 * atanh(x)


@HYPERBOLIC.rule("stabilizing", "S54")
def difference_of_logs_near_one(x):
    """Two logarithms where one is enough."""
    return log1p(x) - log1p(-x), 2 * atanh(x)
