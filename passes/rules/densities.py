"""Logarithms of densities as textbooks print them: products of powers and exponentials, also over many observations.

Each factor that may over- or underflow leaves the product before the logarithm is taken. A power of 0 is 1 whatever
its base, and the logarithm of a negative product is NaN, as before.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from graphc.interpret.ranges import is_nonnegative
from graphc.ir.leaf import full, uniform_value
from graphc.ir.node import Node, make
from graphc.ir.pattern import PRODUCTS, Part, product, see, views
from graphc.ir.rule import NEAR_AND_FAR, RuleSet
from graphc.ops.conversion import sum
from graphc.ops.cumulative import CumulativeProd, CumulativeSum
from graphc.ops.elementwise import Log, abs, floor, log, log1p, maximum, minimum, sign
from graphc.ops.log_domain import LogProd, log_prod
from graphc.ops.logic import equal, isfinite, logical_and, logical_not, logical_or, where
from graphc.passes.rules.combinations import signed_sum
from graphc.passes.rules.log_sum_exp import logarithm_of_positive

DENSITIES = RuleSet("densities")
MOST_FACTORS = 4
MOST_CHOICES = 3
LARGE_EXPONENT = 4
"""From which constant exponent on a power leaves a product: x**4 overflows f32 above 4e9."""


@dataclass(frozen=True, eq=False)
class Split:
    """A node as `rest * exp(logarithm)`; no rest means 1."""

    logarithm: Node
    rest: Node | None


@DENSITIES.rewriter(Log, kind="stabilizing", reference="S42", proof="tested: the cases by sign")
def log_of_powers(node: Node) -> Node | None:
    """log(c * x**a) is a * log(x) + log(c): the power over- or underflows."""
    found = split(node.args[0])
    if found is None:
        return None
    return found.logarithm if found.rest is None else found.logarithm + log(found.rest)


@DENSITIES.rewriter(LogProd, kind="stabilizing", reference="S14")
def log_of_product_of_densities(node: Node) -> Node | None:
    """log(prod(c * exp(x))) is sum(x) + log(prod(c)): each factor may underflow, not their product alone."""
    found, axis = split(node.args[0]), node.op.attributes()["axis"]
    if found is None:
        return None
    total = sum(found.logarithm, axis, dtype=node.dtype)
    return total if found.rest is None else total + log_prod(found.rest, axis)


@DENSITIES.rewriter(Log, kind="stabilizing", reference="S14", proof=NEAR_AND_FAR)
def log_of_running_product(node: Node) -> Node | None:
    """log(cumprod(c * exp(x))) is cumsum(x) + log(cumprod(c)): the product of many factors underflows."""
    running = node.args[0]
    found = split(running.args[0]) if isinstance(running.op, CumulativeProd) else None
    if found is None or not isinstance(running.op, CumulativeProd):
        return None
    total = make(CumulativeSum(running.op.axis, running.op.reverse), found.logarithm)
    return total if found.rest is None else total + _log_of_running_factors(found.rest, running.op)


def _log_of_running_factors(x: Node, op: CumulativeProd) -> Any:
    """log(cumprod(x)), by a sum of logarithms where the product may have over- or underflowed on the way."""
    size = abs(x)
    below, above = make(op, minimum(size, 1)), make(op, maximum(size, 1))
    smallest = float(x.dtype.limits.smallest_normal)
    safe = logical_and(below >= smallest, isfinite(above))
    terms = make(CumulativeSum(op.axis, op.reverse), log(size))
    return where(make(op, sign(x)) >= 0, where(safe, log(below * above), terms), math.nan)


@DENSITIES.rule("stabilizing", "S31", proof="tested: SymPy does not compare -2 - x with x")
def log_of_size_of_one_plus(x):
    """1 + x is rounded where x is small."""
    return log(abs(1 + x)), log1p(maximum(x, -2 - x))


def split(x: Node, choices: int = MOST_CHOICES) -> Split | None:
    """The factors that may over- or underflow apart from the others; None if there are none."""
    for view in views(x, PRODUCTS, MOST_FACTORS):
        logarithms: list[tuple[int, Node]] = []
        rest = [] if view.sign > 0 else [Part(1, full(-1, x.type))]
        for part in view.parts:
            found = _split_factor(part.value, choices, alone=_only_constants(view.parts, part))
            if found is None:
                rest.append(part)
            else:
                logarithms.append((part.sign, found.logarithm))
                rest += [] if found.rest is None else [Part(part.sign, found.rest)]
        if logarithms and not all(uniform_value(logarithm) is not None for _, logarithm in logarithms):
            return Split(signed_sum(logarithms), product(rest) if rest else None)
    return None


def _only_constants(parts: tuple[Part, ...], but: Part) -> bool:
    return all(part is but or uniform_value(part.value) is not None for part in parts)


def _split_choice(choice: Node, choices: int) -> Split | None:
    """Both branches, if one of them has something to split."""
    condition, *branches = choice.args
    found = [split(branch, choices) for branch in branches]
    if all(part is None for part in found):
        return None
    parts = [Split(full(0, choice.type), x) if part is None else part for x, part in zip(branches, found, strict=True)]
    rests = [full(1, choice.type) if part.rest is None else part.rest for part in parts]
    logarithm = where(condition, *(part.logarithm for part in parts))
    return Split(logarithm, None if all(part.rest is None for part in parts) else where(condition, *rests))


def _split_factor(x: Node, choices: int, alone: bool) -> Split | None:
    """A factor that is positive by its form, a power, or a choice of these."""
    choice = see(x, frozenset({"where"})) if choices else None
    if choice is not None:
        return _split_choice(choice, choices - 1)
    known = logarithm_of_positive(x)
    if known is not None:
        return Split(known, None)
    power = see(x, frozenset({"pow"}))
    if power is None:
        return None
    base, exponent = power.args
    number, known = uniform_value(exponent), logarithm_of_positive(base)
    if known is None and not alone and number is not None and -LARGE_EXPONENT < number < LARGE_EXPONENT:
        return None
    if known is not None:
        return Split(_times(exponent, known), None)
    if is_nonnegative(base):
        return Split(_times(exponent, log(base)), None)
    return Split(_times(exponent, log(abs(base))), _sign_of_power(base, exponent))


def _times(exponent: Node, logarithm: Node) -> Node:
    """Their product, 0 where one of them is: a power of 1, and a power with the exponent 0, are 1 even for NaN."""
    number = uniform_value(exponent)
    if number is not None and number != 0 and math.isfinite(number):
        return exponent * logarithm
    finite = where(logical_and(equal(exponent, 0), logical_not(isfinite(logarithm))), 0, logarithm)
    return where(logical_and(equal(logarithm, 0), logical_not(isfinite(exponent))), 0, exponent) * finite


def _sign_of_power(base: Node, exponent: Node) -> Node:
    """The sign of a power of a base of any sign: NaN for a negative base with a fraction as its exponent."""
    even = equal(2 * floor(exponent / 2), exponent)
    odd = where(equal(floor(exponent), exponent), -1, full(math.nan, exponent.type))
    return where(logical_or(base >= 0, even), 1, odd)
