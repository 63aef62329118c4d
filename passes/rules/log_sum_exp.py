"""Logarithms of sums of exponentials, softmax and log-softmax: what overflows or underflows in between.

`logsumexp` and its relatives treat infinities as limits: a row of -inf has the logarithm -inf and the softmax
0, a row with inf has the logarithm inf and a softmax that is uniform on these; the naive formulas give NaN. NaN
stays NaN.
"""

from __future__ import annotations

import math

from graphc.interpret.ranges import is_nonnegative
from graphc.ir.leaf import full, uniform_value
from graphc.ir.node import Node
from graphc.ir.pattern import PRODUCTS, SUMS, Part, product, see, views
from graphc.ir.rewrite import Trace, rewrite_nodes, tracing
from graphc.ir.rule import RuleSet, attribute
from graphc.ops.barrier import stop_gradient
from graphc.ops.contraction import Matmul
from graphc.ops.conversion import Sum, cast, expand, sum
from graphc.ops.cumulative import CumulativeSum
from graphc.ops.elementwise import Add, Divide, Exp, Log, Multiply, exp, log, logaddexp, softplus
from graphc.ops.indexing import TakeAlongAxis
from graphc.ops.movement import stack
from graphc.ops.reduction import Mean, count, log_softmax, logsumexp, max, softmax
from graphc.ops.special.bessel import I0
from graphc.passes.rules.canonical import CANONICAL, take_of_expand
from graphc.passes.rules.combinations import (
    MOST_TERMS,
    beyond_moves,
    combination,
    exponent_of,
    is_exp,
    moved_by,
    signed_sum,
    without_moves,
)
from graphc.types import DType

LOG_SUM_EXP = RuleSet("log_sum_exp")


def is_narrower(x: Node, dtype: DType) -> bool:
    """Whether a cast of x loses bits."""
    return dtype.is_float and dtype.bits < x.dtype.bits


@LOG_SUM_EXP.rule("stabilizing", "S1", proof="proved for n=1..4")
def log_sum_exp(x, axis: attribute):
    """exp overflows f32 above 88.7 and underflows below -103; logsumexp does neither."""
    return log(sum(exp(x), axis)), logsumexp(x, axis)


@LOG_SUM_EXP.rewriter(Log, kind="stabilizing", reference="S1")
def log_of_sum_of_sums(node: Node) -> Node | None:
    """log(sum(sum(exp(x)))), one axis after the other, is the logarithm of one sum."""
    outer = node.args[0]
    inner = outer.args[0] if isinstance(outer.op, Sum) else outer
    if not isinstance(outer.op, Sum) or not isinstance(inner.op, Sum) or combination(inner.args[0]) is None:
        return None
    kept = [a for a in range(inner.args[0].ndim) if a not in inner.op.axis]
    axis = tuple(sorted((*inner.op.axis, *(kept[a] for a in outer.op.axis))))
    return log(sum(inner.args[0], axis))


@LOG_SUM_EXP.rule("stabilizing", "S1", when=is_narrower, proof="proved for n=1..4")
def log_sum_narrow_exp(x, axis: attribute, dtype: attribute):
    """The exponentials need not be rounded before they are added."""
    return log(sum(cast(exp(x), dtype), axis)), cast(logsumexp(x, axis), dtype)


@LOG_SUM_EXP.rewriter(
    Log, kind="stabilizing", reference="S8", proof="tested: the logarithm of the number of terms is a float"
)
def log_mean_exp(node: Node) -> Node | None:
    """log(mean(exp(x))) is log(sum(exp(x))) less the logarithm of the number of terms, and so with weights."""
    mean = node.args[0]
    if not isinstance(mean.op, Mean) or combination(mean.args[0]) is None:
        return None
    x, axis = cast(mean.args[0], node.dtype.compute), mean.op.axis
    total = log(sum(x, axis))
    number = count(x, axis, total)
    logarithm = logarithm_of_positive(number)
    return cast(total - (log(number) if logarithm is None else logarithm), node.dtype)


@LOG_SUM_EXP.rule("stabilizing", "S2")
def log_add_exp(x, y):
    """Either exponential may overflow where the logarithm of their sum is small."""
    return log(exp(x) + exp(y)), logaddexp(x, y)


@LOG_SUM_EXP.rewriter(Log, kind="stabilizing", reference="S2")
def log_of_many_exponentials(node: Node) -> Node | None:
    """log(exp(x) + exp(y) + exp(z) + …): all terms are positive, so their order does not matter."""
    best = None
    for view in views(node.args[0], SUMS, MOST_TERMS):
        terms = [part.value for part in view.parts if part.sign > 0]
        nested = any(_has_sum(term) for term in terms)
        logarithms = [_logarithm_of_term(term) if nested else logarithm_of_positive(term) for term in terms]
        known = [x for x in logarithms if x is not None]
        if len(known) == len(view.parts) >= 2 and (nested or any(is_exp(term) for term in terms)):
            best = known
    if best is None:
        return None
    return logaddexp(*best) if len(best) == 2 else logsumexp(stack(best), (0,))


@LOG_SUM_EXP.rewriter(Log, kind="stabilizing", reference="S22")
def log_of_share(node: Node) -> Node | None:
    """log(x / (x + y)) for sums of exponentials, which overflow; the logarithms of all and of nearly all cancel."""
    for view in views(node.args[0], PRODUCTS, 2) if see(node.args[0], PRODUCTS) is not None else ():
        above, below = ([part.value for part in view.parts if part.sign == sign] for sign in (1, -1))
        if len(above) != 1 or len(below) != 1 or view.sign < 0:
            continue
        rest = _less(below[0], above[0])
        part, other = (None if x is None else logarithm_of_positive(x) for x in (above[0], rest))
        if part is not None and other is not None:
            return -softplus(other - part)
    return None


def _less(total: Node, x: Node) -> Node | None:
    """The other one of two terms."""
    *_, view = views(total, SUMS, 2)
    values = [part.value for part in view.parts if part.sign > 0]
    if len(values) != 2 or not any(value is x for value in values):
        return None
    return values[1] if values[0] is x else values[0]


@LOG_SUM_EXP.rewriter(Log, kind="stabilizing", reference="S43")
def log_of_positive_factors(node: Node) -> Node | None:
    """log(w * exp(x)) is x + log(w), and so for softmax and sigmoid: the product may overflow."""
    if see(node.args[0], PRODUCTS) is None:
        return None
    for view in views(node.args[0], PRODUCTS, 4):
        logarithms, rest = [], [] if view.sign > 0 else [Part(1, full(-1, node.type))]
        for part in view.parts:
            known = logarithm_of_positive(part.value)
            if known is None:
                rest.append(part)
            else:
                logarithms.append((part.sign, known))
        if len(view.parts) < 2 or all(uniform_value(x) is not None for _, x in logarithms):
            continue
        if rest:
            logarithms.append((1, log(product(rest))))
        return signed_sum(logarithms)
    return None


def logarithm_of_positive(x: Node) -> Node | None:
    """The logarithm of what is positive by its form and easily overflows, or of a positive constant."""
    number = uniform_value(x)
    if number is not None:
        positive = x.dtype.is_float and 0 < number < math.inf
        return full(math.log(number), x.type) if positive else None
    known = exponent_of(x)
    if known is not None:
        return known
    inner = beyond_moves(x)
    if isinstance(inner.op, I0) or (isinstance(inner.op, CumulativeSum) and exponent_of(inner.args[0]) is not None):
        return log(x)
    if _sums_exponentials(inner) or (isinstance(inner.op, Add) and combination(inner) is not None):
        return log(x) if is_nonnegative(inner) else None
    return None


def _sums_exponentials(x: Node) -> bool:
    return isinstance(x.op, Sum | Mean | Matmul) and any(combination(arg) for arg in x.args)


def _has_sum(x: Node) -> bool:
    """Whether a term is a sum of exponentials, or a multiple of one, as a part of a mixture of mixtures."""
    factors = x.args if isinstance(x.op, Multiply | Divide) else (x,)
    return any(_sums_exponentials(beyond_moves(factor)) for factor in factors)


def _logarithm_of_term(x: Node) -> Node | None:
    """The logarithm of what is positive by its form, or of a positive constant times that."""
    if not isinstance(x.op, Multiply | Divide):
        return logarithm_of_positive(x)
    last = uniform_value(x.args[1])
    first = uniform_value(x.args[0]) if isinstance(x.op, Multiply) else None
    constant, whole = (last, x.args[0]) if last is not None else (first, x.args[1])
    if constant is None or not 0 < constant < math.inf:
        return None
    known, sign = logarithm_of_positive(whole), -1 if isinstance(x.op, Divide) else 1
    return None if known is None else known + sign * math.log(constant)


@LOG_SUM_EXP.rule("stabilizing", "S3", factors=True, proof="proved for n=1..4")
def softmax_of_exponentials(x, axis: attribute):
    """Numerator and denominator overflow together, to NaN."""
    return exp(x) / expand(sum(exp(x), axis), axis, like=x), softmax(x, axis)


@LOG_SUM_EXP.rewriter(Divide, Multiply, kind="stabilizing", reference="S3")
def part_of_softmax(node: Node) -> Node | None:
    """exp(x)[i] / sum(exp(x)) is softmax(x)[i], and so for transposed and reshaped parts."""
    for view in views(node, PRODUCTS, 4):
        for i, above in enumerate(view.parts):
            found = _moved_exp(above.value) if above.sign > 0 else None
            if found is None:
                continue
            moves, x = found
            for j, below in enumerate(view.parts):
                axis = _axis_of_sum(below.value, x) if below.sign < 0 else None
                if axis is None or not _same_rows(moves, x, axis, below.value):
                    continue
                others = [p for k, p in enumerate(view.parts) if k not in (i, j)]
                value = product([Part(1, moved_by(moves, softmax(x, axis))), *others])
                return value if view.sign > 0 else -value
    return None


@LOG_SUM_EXP.rule("stabilizing", "S4", proof="proved for n=1..4")
def log_of_softmax(x, axis: attribute):
    """softmax underflows to 0, whose logarithm is -inf."""
    return log(softmax(x, axis)), log_softmax(x, axis)


@LOG_SUM_EXP.rule("stabilizing", "S5", proof="proved for n=1..4")
def less_logsumexp(x, axis: attribute):
    """Where one element dominates, x and logsumexp(x) nearly cancel."""
    return x - expand(logsumexp(x, axis), axis, like=x), log_softmax(x, axis)


@LOG_SUM_EXP.rule("stabilizing", "S5", proof="proved for n=1..4")
def logsumexp_less(x, axis: attribute):
    """Where one element dominates, logsumexp(x) and x nearly cancel."""
    return expand(logsumexp(x, axis), axis, like=x) - x, -log_softmax(x, axis)


@LOG_SUM_EXP.rule("stabilizing", "S6", proof="proved for n=1..4")
def exp_of_log_softmax(x, axis: attribute):
    """Rounding errors of the logarithm would be magnified."""
    return exp(log_softmax(x, axis)), softmax(x, axis)


# --- the user's own protection, which is then done twice ---


@LOG_SUM_EXP.rule("stabilizing", "S1", proof="proved for n=1..4")
def logsumexp_shifted(x, axis: attribute):
    """max(x) + log(sum(exp(x - max(x)))) as scientists write it."""
    top = max(x, axis)
    return top + logsumexp(x - expand(top, axis, like=x), axis), logsumexp(x, axis)


@LOG_SUM_EXP.rule("stabilizing", "S3", proof="proved for n=1..4")
def softmax_shifted(x, axis: attribute):
    """softmax subtracts the maximum itself."""
    return softmax(x - expand(max(x, axis), axis, like=x), axis), softmax(x, axis)


@LOG_SUM_EXP.rule("stabilizing", "S4", proof="proved for n=1..4")
def log_softmax_shifted(x, axis: attribute):
    """log_softmax subtracts the maximum itself."""
    return log_softmax(x - expand(max(x, axis), axis, like=x), axis), log_softmax(x, axis)


@LOG_SUM_EXP.rule("stabilizing", "S1", proof="proved for n=1..4")
def logsumexp_shifted_by_constant(x, axis: attribute):
    """The same, where the maximum was taken for a constant."""
    top = stop_gradient(max(x, axis))
    return top + logsumexp(x - expand(top, axis, like=x), axis), logsumexp(x, axis)


@LOG_SUM_EXP.rule("stabilizing", "S3", proof="proved for n=1..4")
def softmax_shifted_by_constant(x, axis: attribute):
    """The same, where the maximum was taken for a constant."""
    return softmax(x - expand(stop_gradient(max(x, axis)), axis, like=x), axis), softmax(x, axis)


@LOG_SUM_EXP.rule("stabilizing", "S4", proof="proved for n=1..4")
def log_softmax_shifted_by_constant(x, axis: attribute):
    """The same, where the maximum was taken for a constant."""
    return log_softmax(x - expand(stop_gradient(max(x, axis)), axis, like=x), axis), log_softmax(x, axis)


# --- parts of a softmax ---


def _moved_exp(node: Node) -> tuple[list[Node], Node] | None:
    """The moves above an exponential, outermost first, and its operand."""
    inner, moves = without_moves(node)
    return (moves, inner.args[0]) if isinstance(inner.op, Exp) else None


def _axis_of_sum(node: Node, x: Node) -> tuple[int, ...] | None:
    """The axes of the sum of exp(x) that a node repeats or moves, if it does."""
    inner = beyond_moves(node)
    if not isinstance(inner.op, Sum) or inner.args[0] is not exp(x):
        return None
    return inner.op.axis


def _same_rows(moves: list[Node], x: Node, axis: tuple[int, ...], below: Node) -> bool:
    """Whether moving the denominators of a whole softmax gives those that are there."""
    whole = expand(sum(exp(x), axis), axis, like=x)
    with tracing(Trace()):
        wanted, given = rewrite_nodes([moved_by(moves, whole), below], SAME_ELEMENTS)
    return wanted is given


SAME_ELEMENTS = RuleSet("same_elements", CANONICAL)
SAME_ELEMENTS.rewriter(TakeAlongAxis, kind="exact")(take_of_expand)
