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
from graphc.ops.elementwise import Log, erf, erfc, exp, log, log1mexp, log1p, square
from graphc.ops.logic import equal, logical_and, logical_or, where
from graphc.ops.special.error_function import erfcx, log_erfc, log_ndtr, ndtr

ERROR_FUNCTION = RuleSet("error_function")
INTERVALS = RuleSet("intervals")
TAIL = 5.0


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


@ERROR_FUNCTION.rewriter(Log, kind="stabilizing", reference="S46", proof="tested: the logarithm of a number is a float")
def log_of_multiple_of_erfc(node: Node) -> Node | None:
    """erfc underflows in the right tail. Half of it is near 1 in the left one; other factors go by their logarithms."""
    for view in views(node.args[0], PRODUCTS, 2):
        if len(view.parts) != 2 or view.sign < 0:
            continue
        for part, other in (view.parts, view.parts[::-1]):
            tail, number = see(part.value, frozenset({"erfc"})), uniform_value(other.value)
            if tail is None or part.sign < 0 or number is None or not 0 < number < math.inf:
                continue
            x = tail.args[0]
            if float(number) ** other.sign == 0.5:
                return log_erfc(x, halved=True)  # not log_ndtr: x * -sqrt(2) is rounded, which x**2 magnifies
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


@ERROR_FUNCTION.rule("stabilizing", "S47", factors=True, proof="tested: the cases by sign")
def exp_of_minus_square_over_erfc(x):
    """0 / 0 in the right tail, where the quotient is near x * sqrt(pi)."""
    left = where(x < 0, x, 0)  # not a minimum, whose derivative is shared at 0
    return exp(-x * x) / erfc(x), where(
        x < 0, exp(-square(left)) / where(x < 0, erfc(left), 1), 1 / erfcx(where(x < 0, 0, x))
    )


@ERROR_FUNCTION.rule("stabilizing", "S47", factors=True, proof="tested: the cases by sign")
def density_over_ndtr(x):
    """The inverse of Mills' ratio, as of a truncated normal distribution: 0 / 0 in the left tail."""
    right, left = where(x > 0, x, 0), where(x > 0, 0, x)
    near = exp(square(right) * -0.5) / where(x > 0, ndtr(right), 1)
    return exp(x * x * -0.5) / ndtr(x), where(x > 0, near, 2 / erfcx(left * -math.sqrt(0.5)))


@ERROR_FUNCTION.rule("stabilizing", "S46", proof="tested: SymPy does not know the function")
def log_of_difference_of_ndtr(x, y):
    """The probability of an interval in a tail: both terms are rounded at 1, or underflow."""
    right, left = logical_and(x > TAIL, y > TAIL), logical_and(x < -TAIL, y < -TAIL)
    middle = log(where(logical_or(right, left), 1, ndtr(x) - ndtr(y)))
    # A tail is seen from the left, where nothing is rounded at 1.
    above, below = log_ndtr(where(right, -y, where(left, x, 0))), log_ndtr(where(right, -x, where(left, y, 0)))
    tail = above + log1mexp(where(equal(above, below), 0, below - above))
    return log(ndtr(x) - ndtr(y)), where(logical_or(right, left), tail, middle)


@INTERVALS.rule("stabilizing", "S45")
def difference_of_ndtr(x, y):
    """Both terms are rounded at 1 in the right tail."""
    right = logical_and(x > 1, y > 1)
    return ndtr(x) - ndtr(y), where(right, where(right, ndtr(-y), 0) - ndtr(-x), where(right, 0, ndtr(x)) - ndtr(y))


@INTERVALS.rule("stabilizing", "S45", proof="tested: the cases by sign")
def difference_of_erf(x, y):
    """Both terms are rounded at 1, or at -1, in a tail."""
    right, left = logical_and(x > 0.5, y > 0.5), logical_and(x < -0.5, y < -0.5)
    middle = where(logical_or(right, left), 0, erf(x)) - erf(y)
    return erf(x) - erf(y), where(right, erfc(y) - erfc(x), where(left, erfc(-x) - erfc(-y), middle))
