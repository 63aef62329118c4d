"""Decisions: what comes first, and what is larger. Functions that keep an order need not be calculated for it.

Where such a function is rounded, or all but reaches its limit, different numbers have one value of it.
"""

from __future__ import annotations

import math

from graphc.interpret.ranges import range_of
from graphc.ir.leaf import full, uniform_value
from graphc.ir.node import Node, make
from graphc.ir.op import Op
from graphc.ir.pattern import PRODUCTS, SUMS, views
from graphc.ir.rule import RuleSet, attribute
from graphc.ops.base import Elementwise
from graphc.ops.conversion import Expand, expand
from graphc.ops.elementwise import (
    Cbrt,
    Erf,
    Erfc,
    Exp,
    Expm1,
    Log,
    Log1p,
    Log2,
    Log10,
    Maximum,
    Minimum,
    Negative,
    Sigmoid,
    Softplus,
    Sqrt,
    Tanh,
)
from graphc.ops.logic import Greater, GreaterEqual, Less, LessEqual, isnan, where
from graphc.ops.position import iota
from graphc.ops.reduction import (
    Argmax,
    Argmin,
    LogSoftmax,
    Max,
    Min,
    Softmax,
    max,
    min,
    softmax,
    softmax_complement,
)
from graphc.ops.sorting import Argsort
from graphc.ops.special.error_function import LogErfc, LogNdtr, Ndtr
from graphc.ops.trigonometry import Asinh, Atan, Sinh
from graphc.passes.rules.log_sum_exp import logarithm_of_positive

DECISIONS = RuleSet("decisions")
RISING = (
    *(Exp, Expm1, Log, Log1p, Log2, Log10, Sqrt, Cbrt, Sigmoid, Softplus),
    *(Tanh, Erf, Ndtr, LogNdtr, Atan, Asinh, Sinh),
)
FALLING = (Negative, Erfc, LogErfc)
REVERSED: dict[type[Op], type[Op]] = {
    **{Argmax: Argmin, Argmin: Argmax},
    **{Less: Greater, Greater: Less, LessEqual: GreaterEqual, GreaterEqual: LessEqual},
}
THRESHOLDS: dict[tuple[type[Op], float], float] = {(Sigmoid, 0.5): 0.0, (Exp, 1.0): 0.0}
"""Where functions reach a value, near which they are rounded more coarsely than their operands."""
ORDER = "tested: it is about an order"
SYMBOLS = "tested: of two symbols, none is known to be larger"


@DECISIONS.rewriter(Argmax, Argmin, Argsort, kind="stabilizing", reference="S71", proof=ORDER)
def place_of_extreme_probability(node: Node) -> Node | None:
    """argmax(softmax(x)) is argmax(x): different logits may round to one probability, and underflow to 0."""
    (inner,), axis = node.args, node.op.attributes()["axis"]
    if not isinstance(inner.op, Softmax | LogSoftmax) or inner.op.axis != (axis,):
        return None
    (x,) = inner.args
    return _unless_missing(x, make(node.op, x), axis)


@DECISIONS.rewriter(Argmax, Argmin, Argsort, kind="stabilizing", reference="S71", proof=ORDER)
def place_of_extreme_value(node: Node) -> Node | None:
    """argmax(f(x)) is argmax(x) for a function that rises everywhere, and argmin(x) for one that falls."""
    (inner,) = node.args
    rises = _rises(inner)
    if rises is None or not (rises or type(node.op) in REVERSED):
        return None
    return make(node.op if rises else _reversed(node.op), *inner.args)


@DECISIONS.rewriter(Argmax, Argmin, Argsort, kind="stabilizing", reference="S71", proof=ORDER)
def place_beside_a_constant(node: Node) -> Node | None:
    """argmax(x + c) and argmax(k * x) are argmax(x), if c is the same in all of a row and k is a positive number."""
    (inner,), axis = node.args, node.op.attributes()["axis"]
    for family in (SUMS, PRODUCTS) if inner.dtype.is_float else ():
        for view in views(inner, family, 2):
            for x, other in (view.parts, view.parts[::-1]) if len(view.parts) == 2 else ():
                number = uniform_value(other.value)
                if family is PRODUCTS and (number is None or x.sign < 0 or not 0 < abs(number) < math.inf):
                    continue
                if number is None and not (isinstance(other.value.op, Expand) and axis in other.value.op.axis):
                    continue
                rises = x.sign * view.sign > 0 if family is SUMS else number * view.sign > 0
                if not rises and type(node.op) not in REVERSED:
                    continue
                found = make(node.op if rises else _reversed(node.op), x.value)
                return found if number is not None else _unless_missing(other.value, found, axis)
    return None


@DECISIONS.rewriter(Less, LessEqual, Greater, GreaterEqual, kind="stabilizing", reference="S71", proof=ORDER)
def comparison_of_values(node: Node) -> Node | None:
    """f(x) < f(y) is x < y for a function that rises everywhere, and sigmoid(x) > 1/2 is x > 0."""
    x, y = node.args
    for one, other in ((x, y), (y, x)):
        number = uniform_value(other)
        at = None if number is None else THRESHOLDS.get((type(one.op), float(number)))
        if at is not None:
            place = full(at, one.args[0].type)
            return make(node.op, *((one.args[0], place) if one is x else (place, one.args[0])))
    rises = _rises(x)
    if rises is None or type(x.op) is not type(y.op) or _rises(y) is None:
        return None
    return make(node.op if rises else _reversed(node.op), x.args[0], y.args[0])


@DECISIONS.rewriter(Log, kind="stabilizing", reference="S71", proof=SYMBOLS)
def log_of_extreme(node: Node) -> Node | None:
    """log(max(p)) is max(log(p)), and so for the larger of two: exponentials overflow, probabilities underflow."""
    inner = node.args[0]
    if not isinstance(inner.op, Max | Min | Maximum | Minimum):
        return None
    logarithms = [logarithm_of_positive(x) for x in inner.args]
    known = [x for x in logarithms if x is not None]
    if len(known) < len(logarithms) or all(uniform_value(x) is not None for x in known):
        return None
    return make(inner.op, *known)


@DECISIONS.rule("stabilizing", "S71", proof=SYMBOLS)
def one_less_largest_share(x, axis: attribute):
    """How unsure a choice is: the largest probability is rounded at 1."""
    return 1 - max(softmax(x, axis), axis), min(softmax_complement(x, axis), axis)


def _rises(x: Node) -> bool | None:
    """Whether an elementwise function of one operand rises or falls wherever that may be; None if it does neither."""
    if not isinstance(x.op, (*RISING, *FALLING)) or not isinstance(x.op, Elementwise) or not x.dtype.is_float:
        return None
    domain, known = x.op.domain_of(0), range_of(x.args[0])
    return isinstance(x.op, RISING) if domain.low <= known.low and known.high <= domain.high else None


def _reversed(op: Op) -> Op:
    return REVERSED[type(op)](**op.attributes())


def _unless_missing(x: Node, found: Node, axis: int) -> Node:
    """The place that was found; where x is NaN, and with it all of its row, the first one, or all in their order."""
    missing = isnan(max(x, axis))
    if found.ndim < x.ndim:
        return where(missing, 0, found)
    order = expand(iota(x.shape[axis], found.dtype), tuple(a for a in range(x.ndim) if a != axis), like=x)
    return where(expand(missing, (axis,), like=x), order, found)
