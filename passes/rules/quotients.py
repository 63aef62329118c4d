"""Functions over their argument with a gap at 0, and differences whose first terms cancel there.

f(x) / x is as exact as f, but its derivative subtracts two numbers of the size of 1 / x: in f32 that of sin(x) / x has
no digits left below 3e-4. f(x) - x itself has none. The value at 0 of a quotient stays NaN, as it is written; over the
real numbers it is the limit.
"""

from __future__ import annotations

import math
from typing import Any

from graphc.ir.leaf import uniform_value
from graphc.ir.node import Node
from graphc.ir.pattern import PRODUCTS, SUMS, views
from graphc.ir.rule import NEAR_AND_FAR, RuleSet
from graphc.ops.elementwise import (
    Add,
    Log1p,
    Sin,
    Subtract,
    Tan,
    Tanh,
    abs,
    exp,
    expm1,
    log,
    log1p,
    power,
    sin,
    tan,
    tanh,
)
from graphc.ops.logic import Equal, Where, equal, logical_and, logical_or, where
from graphc.ops.special.quotient import Exprel, exprel, sinc
from graphc.ops.special.remainder import TaylorRemainder, taylor_remainder
from graphc.ops.trigonometry import Atan, Sinh, atan, cosh, sinh
from graphc.passes.rules.subtraction import difference

QUOTIENTS = RuleSet("quotients")
REMAINDERS = RuleSet("remainders")
AT_ZERO = "tested: the case at 0"
SERIES = "tested: the series near 0"
NEAR_ARGUMENT = {Sin: "sin", Sinh: "sinh", Tan: "tan", Tanh: "tanh", Atan: "atan", Log1p: "log1p"}
FAR = 50.0
"""Where exp(-x) is nothing beside 1."""
ABOVE = 5.0
"""Before the square of exp(x) overflows, also in float16."""


def _with_gap(x: Any, value: Any) -> Any:
    """The value, and NaN at 0."""
    return where(equal(x, 0), math.nan, value)


@QUOTIENTS.rewriter(Where, kind="real", reference="S36", proof="tested: 0 / 0 is no number before")
def limit_at_gap(node: Node) -> Node | None:
    """0 / 0 is the limit of the quotient, which its function of the same name has."""
    condition, missing, value = node.args
    number = uniform_value(missing)
    at_zero = isinstance(condition.op, Equal) and uniform_value(condition.args[1]) == 0
    known = at_zero and isinstance(value.op, Exprel | TaylorRemainder) and value.args[0] is condition.args[0]
    return value if known and number is not None and math.isnan(number) else None


# --- quotients ---


def sin_by_argument(x: Any) -> Any:
    """sin(x) / x: near 0 by its series, elsewhere as it is written."""
    near = abs(x) < 1
    return where(near, sinc(where(near, x, 0) / math.pi), sin(x) / where(near, 1, x))


@QUOTIENTS.rule("stabilizing", "S36", factors=True)
def expm1_over_argument(x):
    """The derivative cancels near 0. NaN at 0, as before."""
    return expm1(x) / x, _with_gap(x, exprel(x))


@QUOTIENTS.rule("stabilizing", "S36", factors=True)
def expm1_over_opposite(x):
    """(1 - exp(-x)) / x: the derivative cancels near 0. NaN at 0, as before."""
    return expm1(-x) / x, -_with_gap(x, exprel(-x))


@QUOTIENTS.rule("stabilizing", "S36", factors=True, proof=AT_ZERO)
def sin_over_argument(x):
    """The derivative cancels near 0. NaN at 0, as before."""
    return sin(x) / x, _with_gap(x, sin_by_argument(x))


@QUOTIENTS.rule("stabilizing", "S36", factors=True, proof=AT_ZERO)
def square_of_sin_over_argument(x):
    """(1 - cos(x)) / x**2: the derivative cancels near 0. NaN at 0, as before."""
    wave = sin_by_argument(0.5 * x)
    return sin(0.5 * x) * sin(0.5 * x) / (x * x), _with_gap(x, 0.25 * (wave * wave))


@QUOTIENTS.rule("stabilizing", "S36", factors=True)
def log1p_over_argument(x):
    """The derivative cancels near 0. NaN at 0, as before."""
    return log1p(x) / x, _with_gap(x, taylor_remainder(x, function="log1p", terms=1, over=1))


@QUOTIENTS.rule("stabilizing", "S36", factors=True)
def tanh_over_argument(x):
    """The derivative cancels near 0. NaN at 0, as before."""
    return tanh(x) / x, _with_gap(x, taylor_remainder(x, function="tanh", terms=1, over=1))


@QUOTIENTS.rule("stabilizing", "S36", factors=True)
def atan_over_argument(x):
    """The derivative cancels near 0. NaN at 0, as before."""
    return atan(x) / x, _with_gap(x, taylor_remainder(x, function="atan", terms=1, over=1))


@QUOTIENTS.rule("stabilizing", "S36", factors=True)
def sinh_over_argument(x):
    """The derivative cancels near 0. NaN at 0, as before."""
    return sinh(x) / x, _with_gap(x, taylor_remainder(x, function="sinh", terms=1, over=1))


def _planck(x: Any) -> Any:
    """x / (exp(x) - 1): above 0 by halves of exponentials that underflow later than it does, far below it is -x."""
    above, below = where(x > ABOVE, x, 0), where(x < -FAR, x, 0)
    half, middle = exp(-0.5 * above), where(logical_or(x > ABOVE, x < -FAR), 0, x)
    return where(x > ABOVE, half / exprel(-above) * half, where(x < -FAR, -below, 1 / exprel(middle)))


def _bose(x: Any) -> Any:
    """1 / (exp(x) - 1), above 0 by exponentials of what is below."""
    far = x > ABOVE
    return where(far, exp(-x), 1) / where(far, -expm1(-x), expm1(x))


@QUOTIENTS.rule("stabilizing", "S36", factors=True, proof=NEAR_AND_FAR)
def argument_over_expm1(x):
    """The law of Planck: the derivative cancels near 0 and divides infinities far above. NaN at 0, as before."""
    return x / expm1(x), _with_gap(x, _planck(x))


@QUOTIENTS.rule("stabilizing", "S36", factors=True)
def inverse_of_expm1(x):
    """The distribution of Bose and Einstein: the derivative divides infinities."""
    return 1 / expm1(x), _bose(x)


def _are_close(x: Any, y: Any) -> Any:
    return abs(difference(x, y)) < 0.5 * abs(y)


def _logarithmic_mean_of_close(x: Any, y: Any, near: Any) -> Any:
    ratio = where(near, difference(x, y) / where(near, y, 1), 0)
    return where(equal(x, y), math.nan, y / taylor_remainder(ratio, function="log1p", terms=1, over=1))


@QUOTIENTS.rule("stabilizing", "S41", factors=True, proof=NEAR_AND_FAR)
def logarithmic_mean(x, y):
    """The derivative cancels where x and y are close. NaN where they are equal, as before."""
    near = _are_close(x, y)
    far = where(near, 1, x - y) / log(where(near, 2, x) / where(near, 1, y))
    return (x - y) / log(x / y), where(near, _logarithmic_mean_of_close(x, y, near), far)


@QUOTIENTS.rule("stabilizing", "S41", factors=True, proof=NEAR_AND_FAR)
def logarithmic_mean_by_logs(x, y):
    """The derivative cancels where x and y are close. NaN where they are equal, as before."""
    near = logical_and(_are_close(x, y), y > 0)
    far = where(near, 1, x - y) / (log(where(near, 2, x)) - log(where(near, 1, y)))
    return (x - y) / (log(x) - log(y)), where(near, _logarithmic_mean_of_close(x, y, near), far)


# --- remainders ---


@REMAINDERS.rule("stabilizing", "S36")
def exp_remainder(x):
    """exp(x) - 1 - x cancels near 0."""
    return expm1(x) - x, taylor_remainder(x, function="exp", terms=2)


@REMAINDERS.rule("stabilizing", "S36")
def exp_less_argument_and_one(x):
    """exp(x) - x - 1 cancels near 0."""
    return exp(x) - x - 1, taylor_remainder(x, function="exp", terms=2)


@REMAINDERS.rule("stabilizing", "S36", factors=True)
def exp_remainder_over_square(x):
    """(exp(x) - 1 - x) / x**2: the derivative cancels near 0. NaN at 0, as before."""
    whole = taylor_remainder(x, function="exp", terms=2) / (x * x)
    return whole, _with_gap(x, taylor_remainder(x, function="exp", terms=2, over=2))


@REMAINDERS.rule("stabilizing", "S36")
def log1p_remainder(x):
    """log(1 + x) - x cancels near 0."""
    return log1p(x) - x, taylor_remainder(x, function="log1p", terms=2)


@REMAINDERS.rule("stabilizing", "S36")
def argument_less_log1p(x):
    """x - log(1 + x) cancels near 0."""
    return x - log1p(x), -taylor_remainder(x, function="log1p", terms=2)


@REMAINDERS.rule("stabilizing", "S36")
def sin_remainder(x):
    """sin(x) - x cancels near 0."""
    return sin(x) - x, taylor_remainder(x, function="sin", terms=2)


@REMAINDERS.rule("stabilizing", "S36")
def argument_less_sin(x):
    """x - sin(x), as in the equation of Kepler, cancels near 0."""
    return x - sin(x), -taylor_remainder(x, function="sin", terms=2)


@REMAINDERS.rule("stabilizing", "S36", factors=True)
def sin_remainder_over_cube(x):
    """(x - sin(x)) / x**3, as in rotations: the derivative cancels near 0. NaN at 0, as before."""
    whole = taylor_remainder(x, function="sin", terms=2) / power(x, 3)
    return whole, _with_gap(x, taylor_remainder(x, function="sin", terms=3, over=3))


@REMAINDERS.rule("stabilizing", "S36")
def tan_remainder(x):
    """tan(x) - x cancels near 0."""
    return tan(x) - x, taylor_remainder(x, function="tan", terms=2)


@REMAINDERS.rule("stabilizing", "S36")
def argument_less_tanh(x):
    """x - tanh(x) cancels near 0."""
    return x - tanh(x), -taylor_remainder(x, function="tanh", terms=2)


@REMAINDERS.rule("stabilizing", "S36")
def argument_less_atan(x):
    """x - atan(x) cancels near 0."""
    return x - atan(x), -taylor_remainder(x, function="atan", terms=2)


@REMAINDERS.rule("stabilizing", "S36")
def sinh_remainder(x):
    """sinh(x) - x cancels near 0."""
    return sinh(x) - x, taylor_remainder(x, function="sinh", terms=2)


@REMAINDERS.rule("stabilizing", "S36")
def cosh_less_one(x):
    """Cancels near 0."""
    return cosh(x) - 1, taylor_remainder(x, function="cosh", terms=1)


@REMAINDERS.rule("stabilizing", "S36", factors=True, proof=AT_ZERO)
def cosh_less_one_over_square(x):
    """(cosh(x) - 1) / x**2: the derivative cancels near 0. NaN at 0, as before."""
    whole = taylor_remainder(x, function="cosh", terms=1) / (x * x)
    return whole, _with_gap(x, taylor_remainder(x, function="cosh", terms=2, over=2))


@REMAINDERS.rule("stabilizing", "S36", proof=AT_ZERO)
def langevin(x):
    """coth(x) - 1 / x cancels near 0."""
    near = abs(x) < 1
    small, large = where(near, x, 0), where(near, 1, x)
    even = taylor_remainder(small, function="cosh", terms=1, over=1)
    odd = taylor_remainder(small, function="sinh", terms=2, over=2)
    value = (even - odd) / taylor_remainder(small, function="sinh", terms=1, over=1)
    return 1 / tanh(x) - 1 / x, _with_gap(x, where(near, value, where(near, 0, 1 / tanh(large)) - 1 / large))


@REMAINDERS.rule("stabilizing", "S36", proof=AT_ZERO)
def inverse_less_inverse_of_expm1(x):
    """1 / x - 1 / (exp(x) - 1) cancels near 0, where it is 1 / 2."""
    near = abs(x) < 1
    small, large = where(near, x, 0), where(near, 1, x)
    value = taylor_remainder(small, function="exp", terms=2, over=2) / exprel(small)
    return -_bose(x) + 1 / x, _with_gap(x, where(near, value, 1 / large - where(near, 0, _bose(large))))


@REMAINDERS.rewriter(Add, Subtract, kind="stabilizing", reference="S36", proof=SERIES)
def quotient_less_its_limit(node: Node) -> Node | None:
    """(exp(x) - 1) / x - 1 cancels near 0, and so does x * coth(x) - 1. NaN at 0, as before."""
    *_, view = views(node, SUMS, 2)
    for quotient, number in (view.parts, view.parts[::-1]) if len(view.parts) == 2 else ():
        limit = uniform_value(number.value)
        if limit is None or not node.dtype.is_float:
            continue
        limit *= -number.sign * quotient.sign
        rest = _without_first_term(quotient.value, limit)
        rest = _without_one(quotient.value) if rest is None and limit == 1 else rest
        if rest is not None:
            return rest if quotient.sign > 0 else -rest
    return None


def _without_first_term(quotient: Node, limit: float) -> Node | None:
    """A quotient less its limit at 0, with or without a gap there: the rest of its series."""
    has_gap = isinstance(quotient.op, Where) and isinstance(quotient.args[0].op, Equal)
    value = quotient.args[2] if has_gap else quotient
    x = quotient.args[0].args[0] if has_gap else value.args[0] if value.args else value
    if has_gap and quotient is not _with_gap(x, value):
        return None
    op = TaylorRemainder("exp", 1, 1) if isinstance(value.op, Exprel) and value.op.order == 0 else value.op
    if not isinstance(op, TaylorRemainder) or op.terms != op.over or op.limit != limit:
        return None
    near = abs(x) < 1
    small = taylor_remainder(where(near, x, 0), function=op.function, terms=op.terms + 1, over=op.over)
    rest: Node = where(near, small, where(near, limit, value) - limit)
    return _with_gap(x, rest) if has_gap else rest


def _without_one(quotient: Node) -> Node | None:
    """x / f(x) - 1 where f(x) is near x."""
    for view in views(quotient, PRODUCTS, 2):
        if view.sign < 0 or len(view.parts) != 2:
            continue
        x, f = (part.value for part in sorted(view.parts, key=lambda part: -part.sign))
        name = NEAR_ARGUMENT.get(type(f.op))
        if name is not None and f.args[0] is x and view.parts[0].sign != view.parts[1].sign:
            return -taylor_remainder(x, function=name, terms=2) / f
    return None
