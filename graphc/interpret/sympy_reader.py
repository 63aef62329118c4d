"""Proof: the words over SymPy formulas, with symbols for elements and concrete extents for reductions.

Floats are real numbers, integers do not wrap, conditions are SymPy's logic, `where` is a Piecewise. A symbol
is always a number: as an element of a bool array it stands for `symbol != 0`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import sympy
from sympy.logic.boolalg import Boolean

from graphc.interpret.elements import Elements, ObjectReader
from graphc.interpret.reader import Array, Reader
from graphc.ir.scalars import Value
from graphc.types import DType


class SympyElements(Elements):
    """The words on formulas."""

    def number(self, x: Any, dtype: DType) -> Value:
        if _is_condition(x):
            condition = sympy.sympify(bool(x) if isinstance(x, np.bool_) else x)
            return condition if dtype.kind == "b" else sympy.Piecewise((1, condition), (0, True))
        if isinstance(x, float | np.floating) or getattr(x, "is_Float", False):
            x = _rational(float(x))
        return sympy.Ne(x, 0) if dtype.kind == "b" else sympy.sympify(x)

    def total(self, row: Sequence[Value]) -> Value:
        return sympy.Add(*row)

    def product(self, row: Sequence[Value]) -> Value:
        return sympy.Mul(*row)

    def largest(self, row: Sequence[Value]) -> Value:
        return sympy.Or(*row) if any(map(_is_condition, row)) else sympy.Max(*row)

    def smallest(self, row: Sequence[Value]) -> Value:
        return sympy.And(*row) if any(map(_is_condition, row)) else sympy.Min(*row)

    def cast(self, x: Value, dtype: DType) -> Value:
        if dtype.is_integer and not _is_condition(x) and not sympy.sympify(x).is_integer:
            x = self.trunc(x)
        return self.number(x, dtype)

    def where(self, condition: Value, x: Value, y: Value) -> Value:
        if _is_condition(x) or _is_condition(y):
            return sympy.ITE(condition, x, y)
        return sympy.Piecewise((x, condition), (y, True))

    def abs(self, x: Value) -> Value:
        return sympy.Abs(x)

    def sqrt(self, x: Value) -> Value:
        return sympy.sqrt(x)

    def exp(self, x: Value) -> Value:
        return sympy.exp(x)

    def expm1(self, x: Value) -> Value:
        return sympy.exp(x) - 1

    def log(self, x: Value) -> Value:
        return sympy.log(x)

    def log1p(self, x: Value) -> Value:
        return sympy.log(1 + x)

    def log2(self, x: Value) -> Value:
        return sympy.log(x, 2)

    def log10(self, x: Value) -> Value:
        return sympy.log(x, 10)

    def sin(self, x: Value) -> Value:
        return sympy.sin(x)

    def cos(self, x: Value) -> Value:
        return sympy.cos(x)

    def tan(self, x: Value) -> Value:
        return sympy.tan(x)

    def atan(self, x: Value) -> Value:
        return sympy.atan(x)

    def tanh(self, x: Value) -> Value:
        return sympy.tanh(x)

    def erf(self, x: Value) -> Value:
        return sympy.erf(x)

    def erfc(self, x: Value) -> Value:
        return sympy.erfc(x)

    def pow(self, x: Value, y: Value) -> Value:
        return sympy.Pow(x, y)

    def floor(self, x: Value) -> Value:
        return sympy.floor(x)

    def ceil(self, x: Value) -> Value:
        return sympy.ceiling(x)

    def trunc(self, x: Value) -> Value:
        return sympy.sign(x) * sympy.floor(sympy.Abs(x))

    def round(self, x: Value) -> Value:
        nearest = sympy.floor(x + sympy.Rational(1, 2))
        tie = sympy.And(sympy.Eq(nearest - x, sympy.Rational(1, 2)), sympy.Eq(sympy.Mod(nearest, 2), 1))
        return sympy.Piecewise((nearest - 1, tie), (nearest, True))

    def floor_divide(self, x: Value, y: Value) -> Value:
        return sympy.floor(x / y) if y != 0 else sympy.Integer(0)

    def remainder(self, x: Value, y: Value) -> Value:
        return sympy.Mod(x, y) if y != 0 else sympy.Integer(0)

    def minimum(self, x: Value, y: Value) -> Value:
        return self.smallest((x, y))

    def maximum(self, x: Value, y: Value) -> Value:
        return self.largest((x, y))

    def signbit(self, x: Value) -> Value:
        return self.less(x, 0)

    def nextafter(self, x: Value, y: Value) -> Value:
        return x

    def exponent(self, x: Value) -> Value:
        size = sympy.Abs(x)
        return sympy.Piecewise((0, sympy.Eq(size, 0)), (sympy.floor(sympy.log(size, 2)) + 1, True))

    def ldexp(self, x: Value, k: Value) -> Value:
        return x * 2 ** self.smallest((self.largest((self.trunc(k), -5000)), 5000))  # more would not fit into memory

    def less(self, x: Value, y: Value) -> Value:
        return sympy.false if sympy.nan in (x, y) else sympy.Lt(x, y)

    def less_equal(self, x: Value, y: Value) -> Value:
        return sympy.false if sympy.nan in (x, y) else sympy.Le(x, y)

    def equal(self, x: Value, y: Value) -> Value:
        if _is_condition(x) or _is_condition(y):
            return sympy.Equivalent(x, y)
        return sympy.false if sympy.nan in (x, y) else sympy.Eq(x, y)

    def logical_not(self, x: Value) -> Value:
        return sympy.Not(x)

    def logical_and(self, x: Value, y: Value) -> Value:
        return sympy.And(x, y)

    def logical_or(self, x: Value, y: Value) -> Value:
        return sympy.Or(x, y)

    def bitwise_and(self, x: Value, y: Value) -> Value:
        return _bitwise("bitwise_and", operator.and_, x, y)

    def bitwise_or(self, x: Value, y: Value) -> Value:
        return _bitwise("bitwise_or", operator.or_, x, y)

    def bitwise_xor(self, x: Value, y: Value) -> Value:
        return _bitwise("bitwise_xor", operator.xor, x, y)

    def left_shift(self, x: Value, y: Value) -> Value:
        return x * 2**y

    def right_shift(self, x: Value, y: Value) -> Value:
        return sympy.floor(x / 2**y)

    def special(self, name: str, *xs: Value) -> Value:
        return _SPECIAL[name](*map(sympy.sympify, xs))


_SPECIAL: dict[str, Callable[..., Any]] = {
    "besseli": sympy.besseli,
    "beta_i": lambda a, b, x: sympy.betainc_regularized(a, b, 0, x),
    "digamma": sympy.digamma,
    "erfcinv": lambda x: sympy.erfinv(1 - x),
    "erfcx": lambda order, x: sympy.diff(sympy.exp(x**2) * sympy.erfc(x), x, order),
    "erfinv": sympy.erfinv,
    "gamma_p": lambda a, x: sympy.lowergamma(a, x) / sympy.gamma(a),
    "gamma_p_slope": lambda a, x: sympy.Derivative(sympy.lowergamma(a, x) / sympy.gamma(a), a),
    "gamma_q": lambda a, x: sympy.uppergamma(a, x) / sympy.gamma(a),
    "log_gamma": lambda x: sympy.log(sympy.Abs(sympy.gamma(x))),
    "log_ndtr": lambda x: sympy.log(sympy.erfc(-x / sympy.sqrt(2)) / 2),
    "ndtr": lambda x: sympy.erfc(-x / sympy.sqrt(2)) / 2,
    "polygamma": sympy.polygamma,
    "sinc": lambda order, x: sympy.diff(sympy.sinc(sympy.pi * x), x, order),
    "zeta": sympy.zeta,
}


def make_reader() -> Reader:
    """The reader."""
    return ObjectReader(SympyElements())


def symbols(name: str, shape: tuple[int, ...], dtype: DType, **assumptions: bool) -> Array:
    """An array of symbols `name_i_j`: real for floats, else integer, and as the assumptions say."""
    kind = {"real": True} if dtype.is_float else {"integer": True}
    result = np.empty(shape, object)
    for index in np.ndindex(*shape):
        result[index] = sympy.Symbol("_".join([name, *map(str, index)]), **kind, **assumptions)
    return result


def _rational(x: float) -> Any:
    """The exact value of a float."""
    return sympy.Rational(x) if np.isfinite(x) else sympy.nan if np.isnan(x) else sympy.oo * int(np.sign(x))


def _is_condition(x: Value) -> bool:
    """Whether an element is a truth value."""
    return isinstance(x, Boolean | bool | np.bool_) and not getattr(x, "is_Symbol", False)


def _bitwise(name: str, function: Callable[[int, int], int], x: Value, y: Value) -> Value:
    if getattr(x, "is_Integer", False) and getattr(y, "is_Integer", False):
        return sympy.Integer(function(int(x), int(y)))
    return sympy.Function(name, integer=True)(x, y)
