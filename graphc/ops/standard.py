"""Elementwise functions as the Array API standard and NumPy have them, where they take more than the op of the name.

Comes in: operands of any dtype; goes out: ops on operands that they accept. Integers divide as floats, bits of bool
are truth values, and integers are never NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.errors import DTypeError
from graphc.ir.leaf import full
from graphc.ir.node import Node, public
from graphc.ir.term import Term
from graphc.ops import elementwise, logic
from graphc.ops.conversion import as_node, cast, common_dtype
from graphc.ops.datatypes import finfo
from graphc.types import bool_, float64


@public
def divide(x: Any, y: Any) -> Any:
    """x / y; integers divide as float64, as in NumPy."""
    if isinstance(x, Term) or isinstance(y, Term):
        return elementwise.divide(x, y)
    if common_dtype("divide", "iufb", (x, y)).is_float:
        return elementwise.divide(x, y)
    return elementwise.divide(cast(x, float64), cast(y, float64))


@public
def pow(x: Any, y: Any) -> Any:
    """x ** y; small whole powers of one node become products."""
    if isinstance(x, Term) or isinstance(y, Term):
        return elementwise.power(x, y)
    if isinstance(x, Node) and isinstance(y, int | float) and not isinstance(y, bool):
        if y == 2 and x.dtype.kind != "b":
            return elementwise.square(x)
        if isinstance(y, int) and y < 0 and x.dtype.is_integer:
            raise DTypeError("integers have no negative powers", help="cast to a float")
        if isinstance(y, float) and y == 0.5 and x.dtype.is_float:
            return elementwise.sqrt(x)
    return elementwise.power(x, y)


@public
def reciprocal(x: Any) -> Any:
    """1 / x of floats."""
    return elementwise.divide(1, x)


@public
def positive(x: Any) -> Any:
    """x itself; not defined for bool."""
    if isinstance(x, Term):
        return x
    x = as_node(x)
    if x.dtype is bool_:
        raise DTypeError("not defined for bool", help="cast to an integer")
    return x


@public
def real(x: Any) -> Any:
    """The real part of x, which is x: there are no complex numbers."""
    return as_node(x)


@public
def conj(x: Any) -> Any:
    """The complex conjugate of x, which is x: there are no complex numbers."""
    return as_node(x)


@public
def imag(x: Any) -> Any:
    """The imaginary part of x, which is 0: there are no complex numbers."""
    return full(0, as_node(x).type)


# --- bits ---


@public
def bitwise_invert(x: Any) -> Any:
    """~x: not for bool, all bits inverted for integers."""
    x = as_node(x)
    if x.dtype is bool_:
        return logic.logical_not(x)
    return logic.bitwise_xor(x, -1 if x.dtype.kind == "i" else (1 << x.dtype.bits) - 1)


def _of_bits(bitwise: Callable[..., Any], logical: Callable[..., Any], sign: str) -> Callable[..., Any]:
    """The op on bits, and on truth values where both operands are."""

    def apply(x: Any, y: Any) -> Any:
        return (logical if all(_is_truth(v) for v in (x, y)) else bitwise)(x, y)

    apply.__name__ = apply.__qualname__ = bitwise.__name__
    apply.__doc__ = f"x {sign} y: on bits for integers, on truth values for bool."
    return public(apply)


def _is_truth(x: Any) -> bool:
    return as_node(x).dtype is bool_


bitwise_and = _of_bits(logic.bitwise_and, logic.logical_and, "&")
bitwise_or = _of_bits(logic.bitwise_or, logic.logical_or, "|")
bitwise_xor = _of_bits(logic.bitwise_xor, logic.logical_xor, "^")


# --- special values ---


def _never(float_function: Callable[..., Any], whole: bool, doc: str) -> Callable[..., Any]:
    """A test of floats, which integers and truth values all pass or all fail."""

    def apply(x: Any) -> Any:
        if isinstance(x, Term):
            return float_function(x)
        x = as_node(x)
        return float_function(x) if x.dtype.is_float else full(whole, x.type.with_dtype(bool_))

    apply.__name__ = apply.__qualname__ = float_function.__name__
    apply.__doc__ = doc
    return public(apply)


isnan = _never(logic.isnan, False, "Whether x is NaN; integers are not.")
isinf = _never(logic.isinf, False, "Whether x is infinite; integers are not.")
isfinite = _never(logic.isfinite, True, "Whether x is neither infinite nor NaN; integers are finite.")


@public
def nan_to_num(x: Any, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Any:
    """x with numbers in the place of NaN and the infinities: by default 0 and the largest finite ones."""
    x = as_node(x)
    if not x.dtype.is_float:
        return x
    largest = finfo(x.dtype).max
    low, high = -largest if neginf is None else neginf, largest if posinf is None else posinf
    y = logic.where(logic.isnan(x), nan, x)
    y = logic.where(logic.equal(x, float("inf")), high, y)
    return logic.where(logic.equal(x, float("-inf")), low, y)


# --- limits ---


def clip(x: Any, min: Any = None, max: Any = None) -> Any:
    """x limited to [min, max]; None means no limit. At a limit the derivative goes to the limit."""
    x = x if min is None else elementwise.maximum(x, min)
    return x if max is None else elementwise.minimum(x, max)


def relu(x: Any) -> Any:
    """max(x, 0); its derivative at 0 is 0."""
    return elementwise.maximum(x, 0)
