"""Elementwise ops on truth values and bits: comparison, choice, logic, bitwise operations."""

from __future__ import annotations

from graphc.ir.node import Node
from graphc.ir.op import Cotangents
from graphc.ir.scalars import Scalars, Value
from graphc.ops.base import Elementwise, anything, booleans, floats, integers
from graphc.ops.conversion import function
from graphc.types import DType, bool_

# --- comparison and choice ---


class Comparison(Elementwise, abstract=True):
    """A comparison of two values, as IEEE 754 compares: false with NaN, but for `not_equal`."""

    accepts = anything

    def result(self, dtype: DType) -> DType:
        return bool_


class Less(Comparison):
    """x < y."""

    vjp = None

    def scalar(self, s: Scalars, x: Value, y: Value) -> Value:
        return s.less(x, y)


class LessEqual(Comparison):
    """x <= y."""

    vjp = None

    def scalar(self, s: Scalars, x: Value, y: Value) -> Value:
        return s.less_equal(x, y)


class Greater(Comparison):
    """x > y."""

    vjp = None

    def scalar(self, s: Scalars, x: Value, y: Value) -> Value:
        return s.greater(x, y)


class GreaterEqual(Comparison):
    """x >= y."""

    vjp = None

    def scalar(self, s: Scalars, x: Value, y: Value) -> Value:
        return s.greater_equal(x, y)


class Equal(Comparison):
    """x == y."""

    vjp = None

    def scalar(self, s: Scalars, x: Value, y: Value) -> Value:
        return s.equal(x, y)


class NotEqual(Comparison):
    """x != y."""

    vjp = None

    def scalar(self, s: Scalars, x: Value, y: Value) -> Value:
        return s.not_equal(x, y)


class Isnan(Comparison):
    """Whether x is NaN."""

    accepts, vjp = floats, None

    def scalar(self, s: Scalars, x: Value) -> Value:
        return s.isnan(x)


class Isinf(Comparison):
    """Whether x is infinite."""

    accepts, vjp = floats, None

    def scalar(self, s: Scalars, x: Value) -> Value:
        return s.isinf(x)


class Isfinite(Comparison):
    """Whether x is neither infinite nor NaN."""

    accepts, vjp = floats, None

    def scalar(self, s: Scalars, x: Value) -> Value:
        return s.isfinite(x)


class Where(Elementwise):
    """x where the condition holds, else y. The derivative of the branch not taken is 0, whatever it computes."""

    accepts, conditions, linear = anything, 1, True

    def scalar(self, s: Scalars, condition: Value, x: Value, y: Value) -> Value:
        return s.where(condition, x, y)

    def vjp(self, g: Node, z: Node, condition: Node, x: Node, y: Node) -> Cotangents:
        return None, where(condition, g, 0), where(condition, 0, g)


class LogicalNot(Elementwise):
    """not x."""

    accepts, vjp = booleans, None

    def scalar(self, s: Scalars, x: Value) -> Value:
        return s.logical_not(x)


class LogicalAnd(Elementwise):
    """x and y."""

    accepts, vjp = booleans, None

    def scalar(self, s: Scalars, x: Value, y: Value) -> Value:
        return s.logical_and(x, y)


class LogicalOr(Elementwise):
    """x or y."""

    accepts, vjp = booleans, None

    def scalar(self, s: Scalars, x: Value, y: Value) -> Value:
        return s.logical_or(x, y)


class LogicalXor(Elementwise):
    """Exactly one of x and y."""

    accepts, vjp = booleans, None

    def scalar(self, s: Scalars, x: Value, y: Value) -> Value:
        return s.logical_or(s.logical_and(x, s.logical_not(y)), s.logical_and(s.logical_not(x), y))


class BitwiseAnd(Elementwise):
    """The bits that both have."""

    accepts, vjp = integers, None

    def scalar(self, s: Scalars, x: Value, y: Value) -> Value:
        return s.bitwise_and(x, y)


class BitwiseOr(Elementwise):
    """The bits that either has."""

    accepts, vjp = integers, None

    def scalar(self, s: Scalars, x: Value, y: Value) -> Value:
        return s.bitwise_or(x, y)


class BitwiseXor(Elementwise):
    """The bits that one alone has."""

    accepts, vjp = integers, None

    def scalar(self, s: Scalars, x: Value, y: Value) -> Value:
        return s.bitwise_xor(x, y)


class BitwiseLeftShift(Elementwise):
    """x * 2**y, wrapping; 0 for shifts by the width or more."""

    accepts, vjp = integers, None

    def scalar(self, s: Scalars, x: Value, y: Value) -> Value:
        return s.left_shift(x, y)


class BitwiseRightShift(Elementwise):
    """x / 2**y, rounded towards minus infinity."""

    accepts, vjp = integers, None

    def scalar(self, s: Scalars, x: Value, y: Value) -> Value:
        return s.right_shift(x, y)


less = function(Less)
less_equal = function(LessEqual)
greater = function(Greater)
greater_equal = function(GreaterEqual)
equal = function(Equal)
not_equal = function(NotEqual)
isnan = function(Isnan)
isinf = function(Isinf)
isfinite = function(Isfinite)
where = function(Where)
logical_not = function(LogicalNot)
logical_and = function(LogicalAnd)
logical_or = function(LogicalOr)
logical_xor = function(LogicalXor)
bitwise_and = function(BitwiseAnd)
bitwise_or = function(BitwiseOr)
bitwise_xor = function(BitwiseXor)
bitwise_left_shift = function(BitwiseLeftShift)
bitwise_right_shift = function(BitwiseRightShift)
