"""Algebra that holds for every bit pattern: infinities, NaN, subnormals and signed zeros included.

Not here, since they are not exact: `x + 0.0` where x may be -0.0 (it loses the sign), `x * 0`, `x - x`, `x / x`
(infinities and NaN), sums in another order. Of integers all of arithmetic is exact, modulo the width.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from graphc.ir.leaf import Constant, full, uniform_value
from graphc.ir.node import Node, make
from graphc.ir.op import Op
from graphc.ir.rule import RuleSet
from graphc.ops.conversion import Cast, Sum, cast
from graphc.ops.elementwise import (
    Abs,
    Add,
    Divide,
    Exp,
    Log,
    Maximum,
    Minimum,
    Multiply,
    Pow,
    Sigmoid,
    Softplus,
    Square,
    Subtract,
    abs,
    maximum,
    minimum,
    square,
)
from graphc.ops.indexing import Take
from graphc.ops.logic import (
    BitwiseAnd,
    BitwiseOr,
    Equal,
    Greater,
    GreaterEqual,
    Less,
    LessEqual,
    LogicalAnd,
    LogicalNot,
    LogicalOr,
    LogicalXor,
    NotEqual,
    Where,
    equal,
    logical_and,
    logical_not,
    logical_or,
    not_equal,
    where,
)
from graphc.ops.movement import Concat, Slice, Transpose, slice_node, transpose
from graphc.ops.reduction import Max, Min, Softmax
from graphc.types import DType, bool_

EXACT = RuleSet("exact")
_OF_POSITIVE_ZEROS = (Abs, Exp, Log, Sigmoid, Softmax, Softplus, Square)


# --- neutral elements ---


@EXACT.rewriter(Multiply, Divide, Pow, kind="exact")
def times_one(node: Node) -> Node | None:
    """x * 1, x / 1 and x to the power 1 are x."""
    return node.args[0] if _is(node.args[1], 1) else None


@EXACT.rewriter(Add, Subtract, kind="exact")
def plus_nothing(node: Node) -> Node | None:
    """x - 0.0 and x + -0.0 are x, for integers x + 0 too; x + 0.0 turns -0.0 into 0.0, so x must never be that."""
    x, y = node.args
    if not _is(y, 0):
        return None
    minus = bool(np.signbit(np.asarray(uniform_value(y)).astype(np.float64)))
    return x if not node.dtype.is_float or minus == isinstance(node.op, Add) or _is_never_minus_zero(x) else None


def _is_never_minus_zero(x: Node) -> bool:
    """Whether all zeros are positive, by the last op. Python's `sum` adds to 0 first, exponentials for instance."""
    while x.op.moves:
        x = x.args[0]
    return isinstance(x.op, _OF_POSITIVE_ZEROS)


@EXACT.rewriter(Divide, kind="exact")
def divided_by_power_of_two(node: Node) -> Node | None:
    """Multiplication by the reciprocal, which is exact for powers of two, is faster."""
    x, y = node.args
    number = uniform_value(y)
    if number is None or number == 0 or not math.isfinite(number):
        return None
    mantissa, exponent = math.frexp(float(number))
    if math.fabs(mantissa) != 0.5 or math.fabs(exponent) > 13:
        return None
    return x * (1.0 / float(number))


@EXACT.rewriter(Multiply, BitwiseAnd, kind="exact")
def integer_times_zero(node: Node) -> Node | None:
    """0, for integers."""
    return full(0, node.type) if node.dtype.is_integer and _is(node.args[1], 0) else None


@EXACT.rewriter(Subtract, kind="exact")
def integer_less_itself(node: Node) -> Node | None:
    """0, for integers."""
    return full(0, node.type) if node.dtype.is_integer and node.args[0] is node.args[1] else None


@EXACT.rewriter(Add, kind="exact")
def integer_constants_together(node: Node) -> Node | None:
    """(x + 1) + 2 is x + 3, for integers."""
    inner, number = node.args[0], uniform_value(node.args[1])
    if not node.dtype.is_integer or number is None or not isinstance(inner.op, Add):
        return None
    other = uniform_value(inner.args[1])
    if other is None:
        return None
    with np.errstate(over="ignore"):
        together = full(np.add(other, number), node.type)
    return make(node.op, inner.args[0], together)


# --- the same twice ---


@EXACT.rewriter(Maximum, Minimum, LogicalAnd, LogicalOr, BitwiseAnd, BitwiseOr, kind="exact")
def with_itself(node: Node) -> Node | None:
    """The larger of x and x is x, and so for all choices and bits."""
    return node.args[0] if node.args[0] is node.args[1] else None


@EXACT.rule("exact")
def maximum_again(x, y):
    """The same bound twice."""
    return maximum(maximum(x, y), y), maximum(x, y)


@EXACT.rule("exact")
def minimum_again(x, y):
    """The same bound twice."""
    return minimum(minimum(x, y), y), minimum(x, y)


@EXACT.rule("exact")
def abs_of_abs(x):
    """A second abs changes nothing."""
    return abs(abs(x)), abs(x)


@EXACT.rule("exact")
def square_of_abs(x):
    """The sign goes anyway."""
    return square(abs(x)), square(x)


@EXACT.rewriter(Max, Min, kind="exact")
def extreme_of_extremes(node: Node) -> Node | None:
    """The largest of the largest, over all axes at once."""
    inner = node.args[0]
    if type(inner.op) is not type(node.op):
        return None
    first = inner.op.attributes()["axis"]
    kept = [a for a in range(inner.args[0].ndim) if a not in first]
    second = tuple(kept[a] for a in node.op.attributes()["axis"])
    return make(type(node.op)(tuple(sorted((*first, *second)))), inner.args[0])  # type: ignore[call-arg]


@EXACT.rewriter(Sum, kind="exact")
def integer_sum_of_sums(node: Node) -> Node | None:
    """Sums of integers do not depend on the order."""
    return extreme_of_extremes.function(node) if node.dtype.is_integer else None


# --- choices and truth ---


@EXACT.rule("exact")
def where_within_where(condition, x, y, z):
    """A condition that is known to hold."""
    return where(condition, where(condition, x, y), z), where(condition, x, z)


@EXACT.rule("exact")
def where_within_otherwise(condition, x, y, z):
    """A condition that is known not to hold."""
    return where(condition, x, where(condition, y, z)), where(condition, x, z)


@EXACT.rewriter(Where, kind="exact")
def decided_where(node: Node) -> Node | None:
    """The condition is constant, or the choice is the condition itself."""
    condition, x, y = node.args
    known = uniform_value(condition)
    if known is not None:
        return x if known else y
    if node.dtype is bool_ and _is(x, True) and _is(y, False):
        return condition
    return None


@EXACT.rule("exact")
def not_not(x):
    """Twice no is yes."""
    return logical_not(logical_not(x)), x


@EXACT.rule("exact")
def not_equal_to(x, y):
    """Also for NaN, which is not equal to anything."""
    return logical_not(equal(x, y)), not_equal(x, y)


@EXACT.rule("exact")
def not_unequal(x, y):
    """Also for NaN, which is not equal to anything."""
    return logical_not(not_equal(x, y)), equal(x, y)


@EXACT.rule("exact")
def and_absorbs(x, y):
    """x and (x or y) is x."""
    return logical_and(x, logical_or(x, y)), x


@EXACT.rule("exact")
def or_absorbs(x, y):
    """x or (x and y) is x."""
    return logical_or(x, logical_and(x, y)), x


@EXACT.rewriter(LogicalAnd, LogicalOr, LogicalXor, kind="exact")
def truth_with_constant(node: Node) -> Node | None:
    """`x and True` is x, `x and False` is False, and so for `or` and `xor`."""
    x, known = node.args[0], uniform_value(node.args[1])
    if known is None:
        return None
    if isinstance(node.op, LogicalXor):
        return logical_not(x) if known else x
    return x if bool(known) == isinstance(node.op, LogicalAnd) else node.args[1]


@EXACT.rewriter(LogicalNot, kind="exact")
def not_of_integer_comparison(node: Node) -> Node | None:
    """`not x < y` is `x >= y` for integers; with NaN neither holds."""
    comparison = node.args[0]
    opposite = _OPPOSITES.get(type(comparison.op))
    if opposite is None or comparison.args[0].dtype.is_float:
        return None
    return make(opposite(), *comparison.args)


@EXACT.rewriter(Less, Greater, NotEqual, LessEqual, GreaterEqual, Equal, kind="exact")
def compared_with_itself(node: Node) -> Node | None:
    """x < x never holds, x <= x always, but for NaN."""
    x, y = node.args
    if x is not y or (x.dtype.is_float and not isinstance(node.op, Less | Greater)):
        return None
    return full(isinstance(node.op, LessEqual | GreaterEqual | Equal), node.type)


_OPPOSITES: dict[type[Op], type[Op]] = {Less: GreaterEqual, GreaterEqual: Less, Greater: LessEqual, LessEqual: Greater}


# --- casts and moves ---


@EXACT.rewriter(Cast, kind="exact")
def cast_of_cast(node: Node) -> Node | None:
    """A detour through a dtype that holds all values; a cast to the dtype that is there."""
    x = node.args[0]
    if x.dtype is node.dtype:
        return x
    if isinstance(x.op, Cast) and holds_all(x.dtype, x.args[0].dtype):
        return cast(x.args[0], node.dtype)
    return None


def holds_all(wide: DType, narrow: DType) -> bool:
    """Whether every value of a dtype has an equal one in another."""
    if narrow is wide or narrow is bool_:
        return True
    if wide.is_float and narrow.is_float:
        return wide.bits > narrow.bits
    if wide.is_float:
        return narrow.bits - (narrow.kind == "i") <= int(_DIGITS[wide.name])
    if narrow.is_float or wide is bool_:
        return False
    return wide.bits > narrow.bits and (wide.kind == "i" or narrow.kind == "u")


_DIGITS = {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 53}


@EXACT.rewriter(Slice, kind="exact")
def slice_of_slice(node: Node) -> Node | None:
    """Positions of positions."""
    inner, op = node.args[0], node.op
    if not isinstance(inner.op, Slice) or not isinstance(op, Slice):
        return None
    axes = zip(inner.op.start, inner.op.step, op.start, op.size, op.step, strict=True)
    ranges = {a: (s + t * first, n, t * step) for a, (s, t, first, n, step) in enumerate(axes)}
    return slice_node(inner.args[0], ranges)


@EXACT.rewriter(Slice, kind="exact")
def slice_of_transpose(node: Node) -> Node | None:
    """What is left is transposed."""
    inner, op = node.args[0], node.op
    if not isinstance(inner.op, Transpose) or not isinstance(op, Slice):
        return None
    axes = zip(inner.op.axes, op.start, op.size, op.step, strict=True)
    ranges = {a: (start, size, step) for a, start, size, step in axes}
    return transpose(slice_node(inner.args[0], ranges), inner.op.axes)


@EXACT.rewriter(Slice, kind="exact")
def slice_of_concat(node: Node) -> Node | None:
    """Only one of the operands is looked at."""
    inner, op = node.args[0], node.op
    if not isinstance(inner.op, Concat) or not isinstance(op, Slice):
        return None
    axis, begin = inner.op.axis, 0
    first, count, step = op.start[axis], op.size[axis], op.step[axis]
    if not isinstance(first, int) or not isinstance(count, int) or count == 0:
        return None
    low, high = sorted((first, first + (count - 1) * step))
    for operand in inner.args:
        size = operand.shape[axis]
        if not isinstance(size, int):
            return None
        if begin <= low and high < begin + size:
            ranges = dict(enumerate(zip(op.start, op.size, op.step, strict=True)))
            return slice_node(operand, {**ranges, axis: (first - begin, count, step)})
        begin += size
    return None


@EXACT.rewriter(Take, kind="exact")
def take_of_all(node: Node) -> Node | None:
    """Every element, in the order in which it is."""
    x, indices = node.args
    if not isinstance(indices.op, Constant) or node.shape != x.shape or indices.type.symbols:
        return None
    shape: Any = indices.shape
    return x if np.array_equal(np.broadcast_to(indices.op.value, shape), np.arange(shape[0])) else None


@EXACT.rewriter(Concat, kind="exact")
def concat_of_slices(node: Node) -> Node | None:
    """What was cut into pieces, put together again."""
    first, axis, place = node.args[0], node.op.attributes()["axis"], 0
    if not isinstance(first.op, Slice) or first.args[0].shape != node.shape:
        return None
    whole = first.args[0]
    for piece in node.args:
        if not isinstance(piece.op, Slice) or piece.args[0] is not whole or any(n != 1 for n in piece.op.step):
            return None
        if piece.op.start != tuple(place if a == axis else 0 for a in range(node.ndim)):
            return None
        place = place + piece.shape[axis]
    return whole


@EXACT.rewriter(Concat, kind="exact")
def concat_of_concat(node: Node) -> Node | None:
    """All operands at once; one alone is itself."""
    if len(node.args) == 1:
        return node.args[0]
    args = [inner for x in node.args for inner in (x.args if x.op == node.op else (x,))]
    return make(node.op, *args) if len(args) > len(node.args) else None


def _is(x: Node, number: float) -> bool:
    """Whether a node is a number, repeated."""
    value = uniform_value(x)
    return value is not None and bool(value == number)
