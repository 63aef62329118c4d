"""The error function and the normal distribution: tails that cancel, underflow, or are divided out again.

erfc underflows f32 above 10.1 and f64 above 26.5, the distribution function below -14.2 and -38.5; their logarithms
and their products with exp(x**2) go on. The limits at infinity are those of the logarithm and of the product.
"""

from __future__ import annotations

import math

from graphc.ir.leaf import uniform_value
from graphc.ir.node import Node
from graphc.ir.pattern import PRODUCTS, see, views
from graphc.ir.rule import RuleSet
from graphc.ops.elementwise import Log, erf, erfc, exp, log, log1p
from graphc.ops.logic import where
from graphc.ops.special.error_function import erfcx, log_erfc, log_ndtr, ndtr

ERROR_FUNCTION = RuleSet("error_function")


@ERROR_FUNCTION.rule("stabilizing", "S45")
def sum_with_multiple_of_erf(a, x):
    """a * (1 + erf(x)), multiplied out: cancels in the left tail."""
    return a + a * erf(x), a * erfc(-x)


@ERROR_FUNCTION.rule("stabilizing", "S45")
def difference_from_multiple_of_erf(a, x):
    """a * (1 - erf(x)), multiplied out: cancels in the right tail."""
    return a - a * erf(x), a * erfc(x)


@ERROR_FUNCTION.rule("stabilizing", "S45")
def difference_from_multiple_of_erfc(a, x):
    """a * (1 - erfc(x)), multiplied out: cancels near 0."""
    return a - a * erfc(x), a * erf(x)


@ERROR_FUNCTION.rule("stabilizing", "S45")
def one_minus_half_erfc(x):
    """1 less the normal distribution function, by erfc: cancels in the left tail."""
    return 1 - 0.5 * erfc(x), 0.5 * erfc(-x)


@ERROR_FUNCTION.rule("stabilizing", "S45")
def one_minus_ndtr(x):
    """Cancels in the right tail."""
    return 1 - ndtr(x), ndtr(-x)


@ERROR_FUNCTION.rule("stabilizing", "S46")
def log_of_erfc(x):
    """erfc underflows in the right tail."""
    return log(erfc(x)), log_erfc(x)


@ERROR_FUNCTION.rule("stabilizing", "S46")
def log1p_of_minus_erf(x):
    """log(1 - erf(x)), rounded at -inf in the right tail."""
    return log1p(-erf(x)), log_erfc(x)


@ERROR_FUNCTION.rule("stabilizing", "S46")
def log_of_ndtr(x):
    """ndtr underflows in the left tail."""
    return log(ndtr(x)), log_ndtr(x)


@ERROR_FUNCTION.rule("stabilizing", "S46")
def log1p_of_minus_ndtr(x):
    """log(1 - ndtr(x)), rounded at -inf in the right tail."""
    return log1p(-ndtr(x)), log_ndtr(-x)


@ERROR_FUNCTION.rewriter(Log, kind="stabilizing", reference="S46")
def log_of_multiple_of_erfc(node: Node) -> Node | None:
    """log(erfc(x) / 2) is that of the normal distribution function, other factors are added by their logarithms."""
    for view in views(node.args[0], PRODUCTS, 2):
        if len(view.parts) != 2 or view.sign < 0:
            continue
        for part, other in (view.parts, view.parts[::-1]):
            tail, number = see(part.value, frozenset({"erfc"})), uniform_value(other.value)
            if tail is None or part.sign < 0 or number is None or not 0 < number < math.inf:
                continue
            x = tail.args[0]
            if float(number) ** other.sign == 0.5:
                return log_ndtr(x * -math.sqrt(2))
            return log_erfc(x) + other.sign * math.log(number)
    return None


@ERROR_FUNCTION.rule("stabilizing", "S47", factors=True)
def exp_of_square_times_erfc(x):
    """inf * 0 in the right tail, where the product is near 1 / (x * sqrt(pi))."""
    return exp(x * x) * erfc(x), erfcx(x)


@ERROR_FUNCTION.rule("stabilizing", "S47", factors=True)
def erfc_over_exp_of_minus_square(x):
    """0 / 0 in the right tail, where the quotient is near 1 / (x * sqrt(pi))."""
    return erfc(x) / exp(-x * x), erfcx(x)


@ERROR_FUNCTION.rule("stabilizing", "S47", factors=True, proof="tested: the factor is a float near sqrt(1/2)")
def ndtr_over_its_density(x):
    """Mills' ratio: 0 / 0 in the left tail, where it is near sqrt(2 * pi) / -x."""
    right = where(x > -1, x, 0)  # where nothing underflows, and erfcx overflows before the half of it does
    left = 0.5 * erfcx(x * -math.sqrt(0.5))
    return ndtr(x) / exp(x * x * -0.5), where(x > -1, ndtr(right) * exp(right * right * 0.5), left)
