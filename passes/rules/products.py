"""Logarithms of a few factors of unknown size: products, quotients and roots over- or underflow, or are rounded near 1.

The rules of `LOGARITHMS_OF_FACTORS` come last: those for logarithms know the factors as they are written.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from graphc.interpret.ranges import range_of
from graphc.ir.leaf import full, uniform_value
from graphc.ir.node import Node
from graphc.ir.pattern import PRODUCTS, Part, View, product, see, views
from graphc.ir.rule import NEAR_AND_FAR, RuleSet, attribute
from graphc.ops.conversion import sum
from graphc.ops.elementwise import Abs, Log, Log1p, abs, divide, expm1, log, log1p, multiply, sqrt
from graphc.ops.log_product import log_product, log_quotient, scales_of
from graphc.ops.logic import isinf, isnan, where
from graphc.ops.reduction import prod

FACTORS = RuleSet("factors")
LOGARITHMS_OF_FACTORS = RuleSet("logarithms of factors")
MOST_FACTORS = 4
LN2 = math.log(2)


@FACTORS.rewriter(Log, kind="stabilizing", reference="S41")
def log_of_inverse(node: Node) -> Node | None:
    """log(1 / x) is -log(x): the inverse is rounded, which shows where x is near 1."""
    if see(node.args[0], PRODUCTS) is None:
        return None
    for view in views(node.args[0], PRODUCTS, MOST_FACTORS):
        if view.sign > 0 and all(part.sign < 0 for part in view.parts):
            return -log(product([Part(1, part.value) for part in view.parts]))
    return None


@FACTORS.rule("stabilizing", "S41", proof=NEAR_AND_FAR)
def log_of_quotient_of_sums_with_one(x, y):
    """log((1 + x) / (1 + y)): both are rounded where x and y are small, and so is their quotient where it is near 1."""
    near = abs(x - y) < 0.5 * (1 + y)
    small = log1p(where(near, (x - y) / where(near, 1 + y, 1), 0))
    return log((1 + x) / (1 + y)), where(near, small, log(where(near, 1, (1 + x) / (1 + y))))


@FACTORS.rewriter(Log1p, kind="stabilizing", reference="S31", proof="tested: the root of a constant is a float")
def log1p_of_square(node: Node) -> Node | None:
    """log(1 + c * x**2) for positive c, as in the densities of Cauchy and Student: the square overflows."""
    for view in views(node.args[0], PRODUCTS, MOST_FACTORS):
        root = _root(view)
        if root is None or range_of(root).high < _fourth_root_of_largest(root) > -range_of(root).low:
            continue
        size = abs(root)
        far = size > 2 / math.sqrt(float(node.dtype.limits.eps))  # 1 is nothing beside its square
        return where(far, full(2, node.type), 1) * log1p(where(far, size - 1, node.args[0]))
    return None


@FACTORS.rule("stabilizing", "S31", proof="proved for n=1..4")
def any_of_rare(x, axis: attribute):
    """1 - prod(1 - x), the chance of at least one of several events: cancels where all are rare."""
    rare = x < 1
    none = sum(where(rare, log1p(-where(rare, x, 0)), -math.inf), axis)
    near = abs(none) < 1
    return 1 - prod(1 - x, axis), where(near, -expm1(where(near, none, 0)), 1 - where(near, 0, prod(1 - x, axis)))


# --- last of all ---


@LOGARITHMS_OF_FACTORS.rule("stabilizing", "S42")
def log_of_root(x):
    """The root is rounded, which shows where x is near 1."""
    return log(sqrt(x)), 0.5 * log(x)


@LOGARITHMS_OF_FACTORS.rewriter(Log, kind="stabilizing", reference="S41", proof="tested: the cases by size")
def log_of_factors(node: Node) -> Node | None:
    """log(x * y) and log(x / y), where x and y are of any size: the product over- or underflows."""
    whole = node.args[0]
    inner = whole.args[0] if isinstance(whole.op, Abs) else whole
    found = _far_factors(inner)
    if not found:
        return None
    view, far = found[-1]
    if len(far) > 2 and (node.dtype.bits < 32 or any(see(part.value, PRODUCTS) is not None for part in far)):
        view, far = found[0]
    total = product([part for part in view.parts if not any(part is other for other in far[1:])])
    total, shift = total if view.sign > 0 else -total, None
    for part in far[1:-1]:
        total, moved = _scaled_product(total, part)
        shift = moved if shift is None else shift + moved
    last, function = far[-1].value, log_product if far[-1].sign > 0 else log_quotient
    logarithm: Node = function(total, last) if inner is whole else function(abs(total), abs(last))
    return logarithm if shift is None else logarithm + shift


def _far_factors(x: Node) -> list[tuple[View, list[Part]]]:
    """The ways to see a product of several factors that may be far from 1, with these, divisors last."""
    if see(x, PRODUCTS) is None:
        return []
    ways = views(x, PRODUCTS, MOST_FACTORS)
    found = [(view, [part for part in view.parts if _may_be_far_from_one(part.value)]) for view in ways]
    return [(view, sorted(far, key=lambda part: -part.sign)) for view, far in found if len(far) > 1]


def _scaled_product(x: Node, part: Part) -> tuple[Node, Node]:
    """The product or quotient of x and a factor, scaled where it is no number, and the logarithm of the scale.

    That cancels where another factor brings the product back to 1, so a number that lost few digits is left alone.
    """
    times: Callable[[Any, Any], Any] = multiply if part.sign > 0 else divide
    plain, (_, step) = times(x, part.value), scales_of(x.dtype)
    tiny, huge = abs(plain) < 2.0**-10 * float(x.dtype.limits.smallest_normal), isinf(plain)
    scale, moved = (
        where(huge, full(above, x.type), where(tiny, full(below, x.type), unit))
        for above, below, unit in ((2.0**-step, 2.0**step, 1), (step * 2 * LN2, step * -2 * LN2, 0))
    )
    scaled = times(x * scale, times(scale, part.value) if part.sign > 0 else part.value / scale)
    return where(isnan(scaled), plain, scaled), moved


def _root(view: View) -> Node | None:
    """The root of a positive constant times a square of what is no constant."""
    constant, once = float(view.sign), list[Part]()
    pairs: list[Part] = []
    for part in view.parts:
        number = uniform_value(part.value)
        same = [other for other in once if other.value is part.value and other.sign == part.sign]
        if number is not None:
            constant *= float(number) ** part.sign if number else math.nan
        elif same:
            pairs += same
            once.remove(same[0])
        else:
            once.append(part)
    if once or not pairs or not 0 < constant < math.inf:
        return None
    return product(pairs) if constant == 1 else math.sqrt(constant) * product(pairs)


def _may_be_far_from_one(x: Node) -> bool:
    """Whether nothing is known that keeps a factor so close to 1 that two of them have a product that is a number."""
    known, largest = range_of(x), _fourth_root_of_largest(x)
    low, high = (known.low, known.high) if known.low >= 0 else (-known.high, -known.low)
    return known.may_be_zero or not 1 / largest < low <= high < largest


def _fourth_root_of_largest(x: Node) -> Any:
    return float(x.dtype.limits.max) ** 0.25
