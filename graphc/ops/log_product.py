"""Logarithms of the product and the quotient of two numbers, which may over- or underflow where these do not.

Where the result is far from 0, both operands are scaled first, by powers of two: that is exact, and nothing that is
scaled over- or underflows, since the one operand is as large, or as small, as the other needs it for such a result.
Elsewhere the bits are those of the formula as it is written.
"""

from __future__ import annotations

import math
from typing import Any

from graphc.ir.node import Node
from graphc.ir.op import Cotangents
from graphc.ir.scalars import Scalars, Value
from graphc.ops.base import Elementwise, floats, positive
from graphc.ops.conversion import function
from graphc.types import as_dtype, float32


class LogProduct(Elementwise):
    """log(x * y), though the product may over- or underflow; NaN where it is negative, -inf where it is 0."""

    accepts, domain = floats, positive

    def scalar(self, s: Scalars, x: Value, y: Value) -> Value:
        far, step = scales_of(x.dtype)
        product = x * y
        size = s.abs(product)
        tiny, huge = s.less(size, 2.0**-far), s.less(2.0**far, size)
        scaled = _moved(s, x, huge, tiny, step) * _moved(s, y, huge, tiny, step)
        scaled = s.where(s.isnan(scaled), product, scaled)  # which does not need it if it is 0 or infinite itself
        return _moved_back(s, scaled, huge, tiny, step)

    def exact(self, s: Scalars, x: Value, y: Value) -> Value:
        return s.log(x * y)

    def vjp(self, g: Node, z: Node, x: Node, y: Node) -> Cotangents:
        return g / x, g / y


class LogQuotient(Elementwise):
    """log(x / y), though the quotient may over- or underflow; NaN where it is negative, -inf where it is 0."""

    accepts, domain = floats, positive

    def scalar(self, s: Scalars, x: Value, y: Value) -> Value:
        far, step = scales_of(x.dtype)
        above, below = s.abs(x), s.abs(y)
        tiny = s.logical_and(s.less(above, below * 2.0**-far), s.isfinite(y))
        huge = s.logical_and(s.less(below, above * 2.0**-far), s.isfinite(x))
        return _moved_back(s, _moved(s, x, huge, tiny, step) / _moved(s, y, tiny, huge, step), huge, tiny, step)

    def exact(self, s: Scalars, x: Value, y: Value) -> Value:
        return s.log(x / y)

    def vjp(self, g: Node, z: Node, x: Node, y: Node) -> Cotangents:
        return g / x, -(g / y)


def scales_of(dtype: Any) -> tuple[int, int]:
    """From which power of two on a result is far from 1, and by which one its operands are scaled then."""
    return (120, 96) if as_dtype(dtype) is float32 else (1000, 800)


def _moved(s: Scalars, x: Value, down: Value, up: Value, step: int) -> Value:
    return s.where(down, x * 2.0**-step, s.where(up, x * 2.0**step, x))


def _moved_back(s: Scalars, scaled: Value, huge: Value, tiny: Value, step: int) -> Value:
    """The logarithm of what is scaled by two steps."""
    logarithm, shift = s.log(scaled), 2 * step * math.log(2)
    return s.where(huge, logarithm + shift, s.where(tiny, logarithm - shift, logarithm))


log_product = function(LogProduct)
log_quotient = function(LogQuotient)
