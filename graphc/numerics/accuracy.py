"""How far computed numbers are from exact ones, in bits: arrays go in, one number for each element comes out."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np

from graphc.interpret.elements import elementwise
from graphc.interpret.mpmath_reader import MpmathReader, Real
from graphc.interpret.reader import Array, Reader
from graphc.ir.op import Op
from graphc.ops.base import LibraryOp
from graphc.types import DType, TensorType, TupleType

PRECISION = 256
MOST_BITS = 1 << 13
"""Where as many bits do not suffice, as for a difference that is exactly 0, what they give is taken."""


class ExactReader(MpmathReader):
    """Exact numbers, with the precision growing to a bound. What a library calculates is calculated in float64."""

    def __init__(self, precision: int = PRECISION, limit: int = MOST_BITS) -> None:
        super().__init__(precision, limit)

    def apply(self, op: Op, type_: TensorType, xs: Any) -> Any:
        if not isinstance(op, LibraryOp):
            return super().apply(op, type_, xs)
        with np.errstate(all="ignore"):
            found = op.calculate(*map(_as_numbers, xs))
        if isinstance(type_, TupleType):
            return tuple(self.load(part, element.dtype) for part, element in zip(found, type_.elements, strict=True))
        return self.load(found, type_.dtype)

    def run(self, evaluation: Callable[..., list[Array]]) -> list[Array]:
        def exactly(reader: Reader) -> list[Array]:
            assert isinstance(reader, MpmathReader)
            return evaluation(ExactReader(reader.precision, reader.limit))

        return super().run(exactly)


def plain_numbers(exact: Array) -> Array:
    """What an exact reader has in the middle of an evaluation, as it gives it at the end."""
    return np.asarray(elementwise(lambda v: v.value if isinstance(v, Real) else v, exact))


def bits_of_error(computed: Array, exact: Array, dtype: DType) -> Array:
    """log2(1 + the distance in units in the last place), at most the bits of the dtype; NaN where nothing is exact.

    A rounded exact value is off by less than one bit, also where it rounds to 0 or infinity. Integers and truth
    values are right (0) or wrong (all bits).
    """
    result = np.empty(computed.shape)
    limits = dtype.limits if dtype.is_float else None
    for index in np.ndindex(*computed.shape):
        result[index] = _bits(computed[index], exact[index], dtype, limits)
    return result


def _bits(got: Any, truth: Any, dtype: DType, limits: Any) -> float:
    if limits is None:
        return 0.0 if int(got) == int(truth) else float(dtype.bits)
    number = float(got)
    if mpmath.isnan(truth):
        return math.nan
    if math.isnan(number) or math.isinf(number) or mpmath.isinf(truth):
        rounded = mpmath.inf * mpmath.sign(truth) if abs(truth) > float(limits.max) else truth
        return 0.0 if number == rounded else float(dtype.bits)
    digits, lowest = int(limits.nmant), int(limits.minexp) - int(limits.nmant)
    exponent = max(int(mpmath.mag(truth)) - 1 - digits, lowest) if truth else lowest
    units = abs(mpmath.mpf(number) - truth) / mpmath.ldexp(1, exponent)
    return min(float(mpmath.log(1 + units, 2)), float(dtype.bits))


def overflowed(computed: Array, exact: Array) -> Array:
    """Where a finite number was computed as infinity."""
    return np.isinf(computed.astype(np.float64)) & _each(mpmath.isfinite, exact)


def underflowed(computed: Array, exact: Array) -> Array:
    """Where a number other than 0 was computed as 0."""
    return (computed == 0) & _each(lambda truth: truth != 0, exact)


def _each(holds: Callable[[Any], bool], exact: Array) -> Array:
    return np.asarray(elementwise(holds, exact), bool)


def _as_numbers(x: Array) -> Array:
    """Exact numbers as a library takes them."""
    if all(isinstance(value, bool) for value in x.flat):
        return x.astype(bool)
    if all(isinstance(value, int) for value in x.flat):
        return x.astype(np.int64)
    return np.asarray(elementwise(lambda value: float(value.value), x), np.float64)
