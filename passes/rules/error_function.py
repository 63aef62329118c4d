"""The error function and the normal distribution: tails that cancel, underflow, or are divided out again.

erfc underflows f32 above 10.1 and f64 above 26.5, the distribution function below -14.2 and -38.5; their logarithms
and their products with exp(x**2) go on. The limits at infinity are those of the logarithm and of the product.
"""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import permutations

from graphc.ir.node import Node
from graphc.ir.pattern import PRODUCTS, SUMS, Part, may_have_factors, product, see, views
from graphc.ir.rule import RuleSet
from graphc.ops.elementwise import Divide, Log, Multiply, erf, erfc, exp, log, log1p, square
from graphc.ops.logic import logical_and, logical_or, where
from graphc.ops.special.error_function import erfcx, log_erfc, log_ndtr, ndtr
from graphc.ops.special.normal_interval import log_normal_interval
from graphc.passes.rules.multiples import as_multiple, as_multiple_of_square, multiples

ERROR_FUNCTION = RuleSet("error_function")
INTERVALS = RuleSet("intervals")
ERRORS, DENSITY_AND_TAIL = frozenset({"erf", "erfc"}), frozenset({"exp", "erfc"})
MOST_FACTORS = 6
CLOSE = 1 / 64
"""By which part of a factor of x**2 two may differ if they are meant to be one: 16-bit constants are off by less."""


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
    for number, tail in multiples(node.args[0], frozenset({"erfc"})):
        if number == 0.5:
            return log_erfc(tail.args[0], halved=True)  # not log_ndtr: x * -sqrt(2) is rounded, which x**2 magnifies
        if 0 < number < math.inf and number != 1:
            return log_erfc(tail.args[0]) + math.log(number)
    return None


@ERROR_FUNCTION.rewriter(Log, kind="stabilizing", reference="S46", proof="tested: the logarithm of a number is a float")
def log_of_difference_of_erfc(node: Node) -> Node | None:
    """The probability of an interval in a tail: both terms are rounded, or underflow. The same of erf."""
    for number, inner in multiples(node.args[0], SUMS):
        for view in views(inner, SUMS, 2):
            match [_term(part) for part in view.parts]:
                case [(a, first), (b, second)] if a == -b and first.op == second.op:
                    rises = (number * a > 0) == (first.op.name == "erf")
                    low, high = (second.args[0], first.args[0]) if rises else (first.args[0], second.args[0])
                    scale = 2 * abs(number * a)
                    interval = _log_of_interval(low, high)
                    return interval if scale == 1 else interval + math.log(scale)
    return None


def _log_of_interval(low: Node, high: Node) -> Node:
    """log((erf(high) - erf(low)) / 2). A factor of both ends is no part of them: it was rounded, which is magnified."""
    (a, x), (b, y) = as_multiple(low), as_multiple(high)
    if a != b:
        return log_normal_interval(low, high, decay=1.0)
    return log_normal_interval(x, y, decay=float(a * a)) if a > 0 else log_normal_interval(-x, -y, decay=float(a * a))


def _term(part: Part) -> tuple[Fraction, Node] | None:
    """A term of a sum as a multiple of erf or erfc."""
    found = next(multiples(part.value, ERRORS), None)
    return (part.sign * found[0], found[1]) if found else None


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


@ERROR_FUNCTION.rewriter(Multiply, Divide, kind="stabilizing", reference="S47", proof="tested: the factors are floats")
def density_beside_erfc(node: Node) -> Node | None:
    """Mills' ratio and its inverse, of exp(-x**2 / 2) and erfc(x * sqrt(1/2)): 0 / 0 in the right tail."""
    if not may_have_factors(node, DENSITY_AND_TAIL):
        return None
    for view in views(node, PRODUCTS, MOST_FACTORS):
        for density, tail in permutations(view.parts, 2):
            quotient = _quotient_of_tail(density, tail)
            if quotient:
                others = [part for part in view.parts if part is not density and part is not tail]
                result = product([*quotient, *others])
                return result if view.sign > 0 else -result
    return None


def _quotient_of_tail(density: Part, tail: Part) -> list[Part] | None:
    """exp(a * x**2) * erfc(b * x), or over it, where a is nearly b**2, or -b**2: by erfcx, and what a is off by."""
    power, error = see(density.value, frozenset({"exp"})), see(tail.value, frozenset({"erfc"}))
    squared = as_multiple_of_square(power.args[0]) if power is not None and error is not None else None
    if error is None or squared is None:
        return None
    (a, x), (b, y) = squared, as_multiple(error.args[0])
    a *= density.sign
    rest = a - tail.sign * b * b
    if x is not y or abs(rest) > CLOSE * b * b:
        return None
    argument = error.args[0]
    value = erfcx(argument) if tail.sign > 0 else exp_of_minus_square_over_erfc.function(argument)[1]
    near = where(argument < -30, 0, x)  # beyond the value is infinite, or 0
    return [Part(1, value), Part(1, exp(float(rest) * (near * near)))] if rest else [Part(1, value)]


@ERROR_FUNCTION.rule("stabilizing", "S47", factors=True, proof="tested: the cases by sign")
def density_over_ndtr(x):
    """The inverse of Mills' ratio, as of a truncated normal distribution: 0 / 0 in the left tail."""
    right, left = where(x > 0, x, 0), where(x > 0, 0, x)
    near = exp(square(right) * -0.5) / where(x > 0, ndtr(right), 1)
    return exp(x * x * -0.5) / ndtr(x), where(x > 0, near, 2 / erfcx(left * -math.sqrt(0.5)))


@ERROR_FUNCTION.rule("stabilizing", "S46", proof="tested: SymPy does not know the function")
def log_of_difference_of_ndtr(x, y):
    """The probability of an interval in a tail: both terms are rounded at 1, or underflow."""
    return log(ndtr(x) - ndtr(y)), log_normal_interval(-x, -y)


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
