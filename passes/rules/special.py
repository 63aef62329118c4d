"""Special functions: those that overflow before a logarithm or a quotient is taken, and log-gammas that cancel."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from graphc.interpret.ranges import is_nonnegative
from graphc.ir.leaf import full, uniform_value
from graphc.ir.node import Node
from graphc.ir.pattern import SUMS, Part, View, views
from graphc.ir.rule import RuleSet
from graphc.ops.elementwise import Add, Divide, ExpAdd, Log, Multiply, Subtract, abs, exp, exp_add, log, log1p
from graphc.ops.logic import isinf, where
from graphc.ops.special.bessel import I0, I1, i0, i0e, i1, i1e
from graphc.ops.special.beta_function import betaln
from graphc.ops.special.gamma_function import Lgamma, digamma
from graphc.ops.special.gamma_quotient import log_abs_beta
from graphc.ops.special.polygamma_difference import digamma_difference
from graphc.passes.rules.combinations import signed_sum

SPECIAL = RuleSet("special")
FEW = 4  # terms of a sum that are looked at together


@SPECIAL.rewriter(Log, kind="stabilizing", reference="S49")
def log_of_bessel(node: Node) -> Node | None:
    """The modified Bessel function overflows as exp does, as in the density of von Mises."""
    inner = node.args[0]
    scaled = i0e if isinstance(inner.op, I0) else i1e if isinstance(inner.op, I1) else None
    if scaled is None:
        return None
    (x,) = inner.args
    limit = 1 if scaled is i0e else where(x > 0, full(1, x.type), -1)  # the scaled function is 0 at infinity
    far = abs(x) + log(where(isinf(x), limit, scaled(x)))
    if scaled is not i0e:
        return far
    near = abs(x) < 1  # where both terms cancel
    return where(near, log1p(i0(where(near, x, 0)) - 1), far)


@SPECIAL.rule("stabilizing", "S49", factors=True)
def quotient_of_bessel(x):
    """Numerator and denominator overflow together, to NaN."""
    return i1(x) / i0(x), i1e(x) / i0e(x)


def _scaled_back(x: Any) -> Any:
    """exp(-x) * i0(x): the scaled function, times a factor that is 1 above 0; in two halves where it may overflow."""
    large = x < -32
    gap = abs(x) - x
    part = exp(where(large, 0.5 * gap, gap))
    return part * i0e(x) * where(large, part, 1)


@SPECIAL.rule("stabilizing", "S49", factors=True)
def exp_times_bessel(x):
    """0 * inf, where both nearly cancel."""
    return exp(-x) * i0(x), _scaled_back(x)


@SPECIAL.rule("stabilizing", "S49", factors=True)
def bessel_over_exp(x):
    """inf / inf, where both nearly cancel."""
    return i0(x) / exp(x), _scaled_back(x)


@SPECIAL.rule("stabilizing", "S49", factors=True)
def exp_of_size_times_bessel(x):
    """0 * inf, where both nearly cancel."""
    return exp(-abs(x)) * i0(x), i0e(x)


@SPECIAL.rule("stabilizing", "S49", factors=True)
def exp_over_bessel(x, y):
    """The density of von Mises: inf / inf where it is concentrated."""
    tail = x - abs(y) < -64  # where the exponential alone would underflow, it comes in two halves
    rest = where(tail, exp(0.5 * (x - abs(y))), 1)
    return exp(x) / i0(y), exp_add(where(tail, 0.5 * x, x), where(tail, -0.5 * abs(y), -abs(y))) / i0e(y) * rest


# --- log-gamma ---


@dataclass(frozen=True, eq=False)
class Affine:
    """scale * variable + offset; of a constant only the offset."""

    variable: Node | None
    scale: float
    offset: float


def affine(x: Node) -> Affine:
    """A node as a multiple of another one and a constant."""
    number = uniform_value(x)
    if number is not None:
        return Affine(None, 0.0, float(number))
    scale, offset = 1.0, 0.0
    while isinstance(x.op, Add | Subtract | Multiply | Divide):
        left, right = (uniform_value(arg) for arg in x.args)
        constant = right if right is not None else left
        if constant is None or (right is None and isinstance(x.op, Divide)):
            break
        number = float(constant)
        match x.op:
            case Add():
                offset += scale * number
            case Subtract():
                offset += scale * (-number if right is not None else number)
                scale = scale if right is not None else -scale
            case Multiply():
                scale *= number
            case Divide():
                if number == 0:
                    break
                scale /= number
        x = x.args[0] if right is not None else x.args[1]
    return Affine(x, scale, offset)


def difference(x: Node, y: Node) -> float | None:
    """The constant by which x exceeds y, or None."""
    a, b = affine(x), affine(y)
    same = a.variable is b.variable and a.scale == b.scale
    return a.offset - b.offset if same else None


@SPECIAL.rewriter(
    Add, Subtract, kind="stabilizing", reference="S50", proof="tested: SymPy does not know the beta function by sums"
)
def sum_of_lgammas(node: Node) -> Node | None:
    """All digits cancel where an argument is large.

    lgamma(x + 1) - lgamma(x) is log(abs(x)), lgamma(x + c) - lgamma(x) is lgamma(c) less the logarithm of the beta
    function, lgamma(a) + lgamma(b) - lgamma(a + b) is that itself, and so are binomial coefficients.
    """
    if not any(isinstance(part.value.op, Lgamma) for part in views(node, SUMS, 2)[-1].parts):
        return None
    for view in views(node, SUMS, FEW):
        for find in (_beta, _ratio):
            found = find(view)
            if found is not None:
                return found
    return None


@SPECIAL.rewriter(ExpAdd, kind="stabilizing", reference="S50")
def quotient_of_gammas(node: Node) -> Node | None:
    """exp(lgamma(x + 1)) / exp(lgamma(x)) is x: the sum in the exponent has better forms than that it is exact."""
    found = sum_of_lgammas.function(node.args[0] + node.args[1])
    return None if found is None else exp(found)


@SPECIAL.rule("stabilizing", "S50")
def next_digamma(x):
    """Both are near log(x) for large x."""
    return digamma(x + 1) - digamma(x), 1 / x


@SPECIAL.rule("stabilizing", "S50", proof="tested: the cases by sign")
def difference_of_digammas(x, y):
    """Both are near log(x) for large x."""
    return digamma(x + y) - digamma(x), digamma_difference(x, y)


@SPECIAL.rule("stabilizing", "S50", proof="tested: the cases by sign")
def digamma_less_a_larger_one(x, y):
    """Both are near log(x) for large x, as in the entropy of the beta distribution."""
    return digamma(x) - digamma(x + y), -digamma_difference(x, y)


def _beta(view: View) -> Node | None:
    """Of three log-gammas among the terms those that make a beta function, or a binomial coefficient."""
    gammas = [part for part in view.parts if isinstance(part.value.op, Lgamma)]
    for whole in gammas:
        parts = [part for part in gammas if part.sign == -whole.sign]
        for i, first in enumerate(parts):
            for second in parts[i + 1 :]:
                c, a, b = (part.value.args[0] for part in (whole, first, second))
                excess = _excess(c, a, b)
                if excess is None:
                    continue
                known = log_beta_of(a, b)
                rest = [(p.sign, p.value) for p in view.parts if p is not whole and p is not first and p is not second]
                value = known if excess == 0 else known + log(abs(c))
                return signed_sum([(first.sign, value), *rest])
    return None


def _excess(c: Node, a: Node, b: Node) -> int | None:
    """By how much a + b exceeds c, if that is 0 or 1."""
    for view in views(c, SUMS, 2):
        if len(view.parts) == 2 and all(part.sign > 0 for part in view.parts):
            x, y = (part.value for part in view.parts)
            if (x is a and y is b) or (x is b and y is a):
                return 0
    return _excess_by_terms(c, a, b)


def _excess_by_terms(c: Node, a: Node, b: Node) -> int | None:
    """The same by counting all terms of the three sums."""
    total, counts, nodes = 0.0, dict[int, int](), list[Node]()
    for times, x in ((1, a), (1, b), (-1, c)):
        for part in views(x, SUMS, FEW)[-1].parts:
            number = uniform_value(part.value)
            if number is not None:
                total += times * part.sign * float(number)
            else:
                nodes.append(part.value)
                counts[id(part.value)] = counts.get(id(part.value), 0) + times * part.sign
    return int(total) if not any(counts.values()) and total in (0, 1) else None


def log_beta_of(a: Node, b: Node) -> Node:
    """The logarithm of the beta function; of log-gammas where nothing is known of the signs."""
    known: Node = betaln(a, b) if is_nonnegative(a) and is_nonnegative(b) else log_abs_beta(a, b)
    return known


def _ratio(view: View) -> Node | None:
    """Of two log-gammas whose arguments differ by a constant their difference."""
    for first in view.parts:
        for second in view.parts:
            if first.sign < 0 or second.sign > 0 or not _are_lgammas(first, second):
                continue
            x, y = first.value.args[0], second.value.args[0]
            distance = difference(x, y)
            if distance is None or distance == 0:
                continue
            rest = [(p.sign, p.value) for p in view.parts if p is not first and p is not second]
            if distance < 0:
                ratio = _lgamma_ratio(x, -distance)
                return None if ratio is None else signed_sum([(-1, ratio), *rest])
            ratio = _lgamma_ratio(y, distance)
            return None if ratio is None else signed_sum([(1, ratio), *rest])
    return None


def _are_lgammas(first: Part, second: Part) -> bool:
    return isinstance(first.value.op, Lgamma) and isinstance(second.value.op, Lgamma)


def _lgamma_ratio(x: Node, distance: float) -> Node | None:
    """lgamma(x + distance) - lgamma(x)."""
    if distance == 1:
        logarithm: Node = log(abs(x))
        return logarithm
    if not 0.25 <= distance <= 1000:
        return None  # the logarithm of gamma of a small number is large itself
    constant = full(distance, x.type)
    return math.lgamma(distance) - log_beta_of(x, constant)
