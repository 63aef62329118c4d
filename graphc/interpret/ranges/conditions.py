"""What follows from a condition: a truth value goes in, and intervals of the nodes that it is about come out.

x > 0            x is in (0, inf] and no NaN; where it does not hold, x is in [-inf, 0] or NaN
abs(x) <= 1      x is in [-1, 1]
min(x) > 0       every element of x is in (0, inf]
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from graphc.interpret.interval import Interval, hull, inf, meet
from graphc.ir.leaf import uniform_value
from graphc.ir.node import Node, make
from graphc.ops.conversion import Cast, Expand
from graphc.ops.elementwise import (
    Abs,
    Add,
    Divide,
    Exp,
    Log,
    Multiply,
    Negative,
    Sqrt,
    Square,
    Subtract,
)
from graphc.ops.logic import (
    Comparison,
    Equal,
    Greater,
    GreaterEqual,
    Isfinite,
    Isinf,
    Isnan,
    Less,
    LessEqual,
    LogicalAnd,
    LogicalNot,
    LogicalOr,
    NotEqual,
)
from graphc.ops.reduction import Max, Min
from graphc.types import DType

MOST_DEEP = 8  # truth values and operands that are looked into
RangeOf = Callable[[Node], Interval]


@dataclass(frozen=True)
class Consequences:
    """Intervals of nodes: of all their elements, and of the elements where the condition holds."""

    everywhere: dict[Node, Interval] = field(default_factory=dict)
    here: dict[Node, Interval] = field(default_factory=dict)


def consequences(condition: Node, holds: bool, range_of: RangeOf, computed: bool) -> Consequences:
    """What is known of nodes where a condition holds, or where it does not, besides their ranges."""
    found = _follow(condition, holds, _Reader(range_of, computed), MOST_DEEP)
    result = Consequences()
    for node, interval in found.items():
        part: tuple[Node, Interval] | None = (node, interval)
        everywhere = condition.ndim == 0
        for _ in range(MOST_DEEP):
            if part is None:
                break
            # What has no axes is the same wherever it is met.
            everywhere = everywhere or part[0].ndim == 0
            _add(result.everywhere if everywhere else result.here, *part)
            part = _operand(*part)
    return result


@dataclass(frozen=True)
class _Reader:
    range_of: RangeOf
    computed: bool

    def largest(self, dtype: DType) -> float:
        """Beyond this there is only infinity."""
        return float(dtype.limits.max) if self.computed and dtype.is_float else inf


def _add(found: dict[Node, Interval], node: Node, interval: Interval) -> None:
    found[node] = meet(interval, found[node]) if node in found else interval


def _follow(condition: Node, holds: bool, reader: _Reader, deep: int) -> dict[Node, Interval]:
    op, args = condition.op, condition.args
    if deep == 0:
        return {}
    match op:
        case LogicalNot():
            return _follow(args[0], not holds, reader, deep - 1)
        case LogicalAnd() | LogicalOr():
            x, y = (_follow(arg, holds, reader, deep - 1) for arg in args)
            if isinstance(op, LogicalAnd) == holds:
                for node, interval in y.items():
                    _add(x, node, interval)
                return x
            return {node: hull([x[node], y[node]]) for node in x if node in y}
        case Min() | Max() if condition.ndim == 0 and condition.dtype.kind == "b":
            # All are true, or none is.
            return _follow(args[0], holds, reader, deep - 1) if isinstance(op, Min) == holds else {}
        case Isnan() | Isinf() | Isfinite():
            return _special(op, args[0], holds)
        case Comparison():
            return _compared(condition, holds, reader)
        case Cast() if condition.dtype.kind == "b" and args[0].dtype.kind != "b":
            return {args[0]: Interval(may_be_nan=True, may_be_zero=False) if holds else Interval(0.0, 0.0)}
        case _ if op.moves and len(args) == 1:
            inner = _follow(args[0], holds, reader, deep - 1)
            same = {node: interval for node, interval in inner.items() if node.ndim == 0 or args[0].ndim == 0}
            moved = {make(op, n): interval for n, interval in inner.items() if n.shape == args[0].shape}
            return {**same, **moved}
    return {}


def _special(op: Comparison, x: Node, holds: bool) -> dict[Node, Interval]:
    match op:
        case Isnan() if not holds:
            return {x: Interval()}
        case Isinf() if not holds:
            return {x: Interval(may_be_nan=True, may_be_infinite=False)}
        case Isfinite() if holds:
            return {x: Interval(may_be_infinite=False)}
    return {}


def _compared(condition: Node, holds: bool, reader: _Reader) -> dict[Node, Interval]:
    found: dict[Node, Interval] = {}
    x, y = condition.args
    match condition.op:
        case Less() | LessEqual() as op:
            _below(found, x, y, reader, strict=isinstance(op, Less), holds=holds)
        case Greater() | GreaterEqual() as op:
            _below(found, y, x, reader, strict=isinstance(op, Greater), holds=holds)
        case Equal() | NotEqual() as op if isinstance(op, Equal) == holds:
            for one, other in ((x, y), (y, x)):
                _add(found, one, meet(Interval(), reader.range_of(other)))
        case Equal() | NotEqual():
            for one, other in ((x, y), (y, x)):
                if uniform_value(other) == 0:
                    _add(found, one, Interval(may_be_nan=True, may_be_zero=False))
    return {node: interval for node, interval in found.items() if uniform_value(node) is None}


def _below(found: dict[Node, Interval], x: Node, y: Node, reader: _Reader, *, strict: bool, holds: bool) -> None:
    """Add what follows from x < y or x <= y, or from the contrary, which holds of NaN too."""
    if not holds:
        x, y, strict = y, x, not strict
    low, high = reader.range_of(x), reader.range_of(y)
    step = 1.0 if strict and not x.dtype.is_float else 0.0
    whole = step > 0  # x < 1 allows 0 among integers
    zero = not strict
    if holds or not high.may_be_nan:
        top = high.high - step
        if top == inf and (strict or not high.may_be_infinite):
            top = reader.largest(x.dtype)
        _add(found, x, Interval(-inf, top, not holds, may_be_zero=top != 0 or whole or (zero and high.may_be_zero)))
    if holds or not low.may_be_nan:
        bottom = low.low + step
        if bottom == -inf and (strict or not low.may_be_infinite):
            bottom = -reader.largest(y.dtype)
        _add(found, y, Interval(bottom, inf, not holds, may_be_zero=bottom != 0 or whole or (zero and low.may_be_zero)))
    if x.dtype.is_float and 0 not in (uniform_value(x), uniform_value(y)):
        # Of floats too a difference is 0 only if they are equal. Equal infinities have none.
        nan = not holds or (not strict and low.may_be_infinite and high.may_be_infinite)
        _add(found, make(Subtract(), y, x), Interval(0.0, inf, nan, may_be_zero=zero))
        _add(found, make(Subtract(), x, y), Interval(-inf, 0.0, nan, may_be_zero=zero))


def _operand(y: Node, known: Interval) -> tuple[Node, Interval] | None:
    """What follows for an operand from the interval of a result, which was rounded."""
    nan, infinite, zero = known.may_be_nan, known.may_be_infinite, known.may_be_zero
    x = y.args[0] if y.args else y
    match y.op:
        case Negative():
            return x, -known
        case Cast() if y.dtype.is_float and x.dtype.is_float and (x.dtype is y.dtype or x.dtype.bits < y.dtype.bits):
            return x, known
        case Expand() if x.ndim == 0:
            return x, known
        case Min() if y.ndim == 0 and not nan:
            return x, Interval(known.low, inf, may_be_zero=known.low != 0 or zero)
        case Max() if y.ndim == 0 and not nan:
            return x, Interval(-inf, known.high, may_be_zero=known.high != 0 or zero)
        case Abs():
            return x, Interval(-known.high, known.high, nan, infinite, zero)
        case Square() if y.dtype.is_float:
            top = math.sqrt(max(known.high, 0.0) + _tiny(y)) * (1 + _slack(y))
            return x, Interval(-top, top, nan, infinite, zero)
        case Sqrt():
            low = 0.0 if known.low <= 0 else known.low * known.low * (1 - _slack(y))
            high = inf if known.high > 1e150 else known.high * known.high * (1 + _slack(y))
            return x, Interval(-inf if nan else low, high, nan, infinite or nan, zero)
        case Log():
            low, high = (math.exp(b) if b < 700 else inf for b in (known.low, known.high))
            low, high = (
                low * (1 - _slack(y) * (1 + abs(known.low))) if 0 < low < inf else 0.0,
                high * (1 + 1e4 * _slack(y)),
            )
            return x, Interval(-inf if nan else low, high, nan, may_be_zero=nan or (infinite and known.low == -inf))
        case Exp() if known.high > 0:
            known = _before_overflow(y, known)
            high = math.log(known.high + _tiny(y)) if known.high < inf else inf
            low = math.log(known.low - _tiny(y)) if known.low > _tiny(y) else -inf
            return x, Interval(low - _slack(y) * (1 + abs(low)), high + _slack(y) * (1 + abs(high)), nan)
        case Add() | Subtract() | Multiply() | Divide() if y.dtype.is_float:
            return _operand_of_arithmetic(y, _before_overflow(y, known))
    return None


def _operand_of_arithmetic(y: Node, known: Interval) -> tuple[Node, Interval] | None:
    """The operand that is no number. The sign of a sum is exact, so is that of a product that is not 0."""
    (x, number), second = (y.args[0], uniform_value(y.args[1])), True
    if number is None:
        (x, number), second = (y.args[1], uniform_value(y.args[0])), False
    if number is None or not math.isfinite(number) or uniform_value(x) is not None:
        return None
    c, slack = float(number), _slack(y)
    if isinstance(y.op, Multiply) or (isinstance(y.op, Divide) and second):
        factor = c if isinstance(y.op, Multiply) else (1 / c if c else 0.0)
        if factor == 0 or not math.isfinite(1 / factor):
            return None
        ends = known if factor > 0 else -known
        size = abs(factor)
        low, high = (
            0.0 if end == 0 and not known.may_be_zero else (end + away * (abs(end) * slack + _tiny(y))) / size
            for end, away in ((ends.low, -1), (ends.high, 1))
        )
        return x, Interval(low, high, known.may_be_nan, True, known.may_be_zero)
    if isinstance(y.op, Divide):
        return None
    if isinstance(y.op, Subtract) and not second:
        known, c = -known, -c  # c - x = y, so x - c = -y
    elif isinstance(y.op, Subtract):
        c = -c  # x + c = y
    low, high = (
        end - c + (away * slack * (abs(end) + abs(c)) if end != 0 else 0.0)
        for end, away in ((known.low, -1), (known.high, 1))
    )
    touches = (low == 0 and known.low == 0) or (high == 0 and known.high == 0)
    return x, Interval(low, high, known.may_be_nan, True, known.may_be_zero or not touches)


def _slack(y: Node) -> float:
    return 8 * float(y.dtype.limits.eps)


def _before_overflow(y: Node, known: Interval) -> Interval:
    """The exact results of which rounding makes these: infinity may have been a number."""
    largest = float(y.dtype.limits.max)
    return replace(known, low=min(known.low, largest), high=max(known.high, -largest))


def _tiny(y: Node) -> float:
    """What products may lose that are nearly 0."""
    return float(y.dtype.limits.smallest_normal)
