"""Ranges of forms whose operands depend on each other, which intervals alone would take for independent.

x - max(x) <= 0, x - floor(x) >= 0       a difference of what is never smaller
x / sum(x) in [0, 1] for x >= 0          shares
sum(softmax(x)) = 1
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from graphc.interpret.interval import Interval, inf
from graphc.ir.node import Node
from graphc.ops.assume import Assume
from graphc.ops.barrier import Barrier, Recompute, StopGradient
from graphc.ops.conversion import Addition, Expand
from graphc.ops.elementwise import (
    Abs,
    Ceil,
    Divide,
    Exp,
    Floor,
    Log,
    Logaddexp,
    Maximum,
    Minimum,
    Softplus,
    Subtract,
)
from graphc.ops.euclidean_norm import EuclideanNorm
from graphc.ops.logic import Greater, GreaterEqual, Less, LessEqual
from graphc.ops.reduction import Logsumexp, Max, Min, Softmax
from graphc.types import DType

SLACK = 64
"""How many units in the last place a sum may be off that is compared with its terms."""


def of_related(node: Node, x: Interval, computed: bool) -> Interval | None:
    """What follows for a node from how its operands depend on each other; `x` is the range of the first one."""
    match node.op:
        case Subtract():
            a, b = node.args
            if _is_never_less(a, b):
                return Interval(0.0, inf, True)
            return Interval(-inf, 0.0, True) if _is_never_less(b, a) else None
        case Less() | LessEqual() | Greater() | GreaterEqual():
            return _compared(node, x)
        case Divide():
            return _share(node.args[0], node.args[1], x, _off(node.dtype, computed))
        case Addition(axis=axis) if isinstance(node.args[0].op, Softmax) and node.args[0].op.axis == axis:
            off = _off(node.dtype, computed) * (1 if not computed else _terms(node.args[0], axis))
            return Interval(1 - off if not x.may_be_zero or not computed else 0.0, 1 + off, x.may_be_nan)
    return None


def _is_never_less(a: Node, b: Node) -> bool:
    """Whether a >= b by the form of a or of b, NaN and infinities apart."""
    a, b = _peeled(a), _peeled(b)
    return _is_above(a, b) or _is_below(b, a)


def _is_above(a: Node, x: Node) -> bool:
    inner = _peeled(a.args[0]) if isinstance(a.op, Expand) else a
    match inner.op:
        case Abs() | Ceil() | Exp() | Softplus() | Maximum() | Logaddexp() if inner is a:
            return any(_peeled(arg) is x for arg in a.args)
        case Max() | Logsumexp() if isinstance(a.op, Expand):
            return inner.op.axis == a.op.axis and _peeled(inner.args[0]) is x
    return False


def _is_below(b: Node, x: Node) -> bool:
    inner = _peeled(b.args[0]) if isinstance(b.op, Expand) else b
    match inner.op:
        case Floor() | Log() | Minimum() if inner is b:
            return any(_peeled(arg) is x for arg in b.args)
        case Min() if isinstance(b.op, Expand):
            return inner.op.axis == b.op.axis and _peeled(inner.args[0]) is x
    return False


def _peeled(x: Node) -> Node:
    """What a node is the same value as."""
    while isinstance(x.op, Barrier | StopGradient | Recompute | Assume):
        x = x.args[-1]
    return x


def _compared(node: Node, x: Interval) -> Interval | None:
    """A comparison of what is never less; NaN compares as false."""
    a, b = node.args
    if isinstance(node.op, Less | LessEqual):
        a, b = b, a
    never_less, never_greater = _is_never_less(a, b), _is_never_less(b, a)
    if isinstance(node.op, GreaterEqual | LessEqual) and never_less and not x.may_be_nan:
        return Interval(1.0, 1.0)
    return Interval(0.0, 0.0) if isinstance(node.op, Greater | Less) and never_greater else None


def _share(a: Node, b: Node, x: Interval, off: float) -> Interval | None:
    """a / b, where b is the sum, the largest or the norm of the rows of a."""
    whole = _peeled(b)
    if not isinstance(whole.op, Expand):
        return None
    inner = _peeled(whole.args[0])
    if getattr(inner.op, "axis", None) != whole.op.axis:
        return None
    of = _peeled(inner.args[0])
    match inner.op:
        case Addition() | Max() if of is _peeled(a) and x.low >= 0:
            return Interval(0.0, 1 + off, True)
        case EuclideanNorm() if of is _peeled(a):
            return Interval(-1 - off, 1 + off, True)
        case Addition() | Max() if isinstance(of.op, Abs) and _peeled(of.args[0]) is _peeled(a):
            return Interval(-1 - off, 1 + off, True)
    return None


def _off(dtype: DType, computed: bool) -> float:
    """How far a quotient may be off, relatively."""
    return SLACK * float(dtype.limits.eps) if computed else 0.0


def _terms(x: Node, axis: Any) -> float:
    """How much larger errors may get by adding up rows."""
    sizes = [x.shape[a] for a in axis]
    known = [size for size in sizes if isinstance(size, int)]
    return float(np.prod(known)) if len(known) == len(sizes) else math.inf
