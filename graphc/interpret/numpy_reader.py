"""The words over NumPy arrays: the definition of right for every target.

Each op calculates in float32 for 16-bit floats and rounds once. Functions, sums and matrix products of
float32 are calculated in float64 and rounded once, so that they do not depend on the version of NumPy; sums of
float64 are exact and rounded once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from graphc.interpret.reader import Array, Reader
from graphc.ir.op import Op
from graphc.ir.scalars import Scalars, Value
from graphc.ops.base import LibraryOp
from graphc.types import DType, TensorType, TupleType, as_dtype

_erf = np.frompyfunc(math.erf, 1, 1)
_erfc = np.frompyfunc(math.erfc, 1, 1)
Axis = int | tuple[int, ...]


class NumpyScalars(Scalars):
    """The words on arrays of every dtype but the 16-bit floats."""

    def cast(self, x: Value, dtype: DType) -> Value:
        if dtype.kind == "b":
            return np.not_equal(x, 0)
        if dtype.is_integer and x.dtype.kind == "f":
            return _saturated(x, dtype)
        return x.astype(dtype.numpy)

    def where(self, condition: Value, x: Value, y: Value) -> Value:
        dtype = next(v.dtype for v in (x, y) if hasattr(v, "dtype"))
        # `astype` lets -1 wrap to the largest unsigned integer.
        return np.where(condition, np.asarray(x).astype(dtype), np.asarray(y).astype(dtype))

    def abs(self, x: Value) -> Value:
        return np.abs(x)

    def sqrt(self, x: Value) -> Value:
        return np.sqrt(x)

    def exp(self, x: Value) -> Value:
        return _in_double(np.exp, x)

    def expm1(self, x: Value) -> Value:
        return _in_double(np.expm1, x)

    def log(self, x: Value) -> Value:
        return _in_double(np.log, x)

    def log1p(self, x: Value) -> Value:
        return _in_double(np.log1p, x)

    def log2(self, x: Value) -> Value:
        return _in_double(np.log2, x)

    def log10(self, x: Value) -> Value:
        return _in_double(np.log10, x)

    def sin(self, x: Value) -> Value:
        return _in_double(np.sin, x)

    def cos(self, x: Value) -> Value:
        return _in_double(np.cos, x)

    def tan(self, x: Value) -> Value:
        return _in_double(np.tan, x)

    def atan(self, x: Value) -> Value:
        return _in_double(np.arctan, x)

    def tanh(self, x: Value) -> Value:
        return _in_double(np.tanh, x)

    def erf(self, x: Value) -> Value:
        return _in_double(_erf, x)

    def erfc(self, x: Value) -> Value:
        return _in_double(_erfc, x)

    def pow(self, x: Value, y: Value) -> Value:
        dtype = np.result_type(x, y)
        return _in_double(np.power, x, y) if dtype.kind == "f" else _integer_power(x, y, dtype)

    def floor(self, x: Value) -> Value:
        return np.floor(x) if x.dtype.kind == "f" else x

    def ceil(self, x: Value) -> Value:
        return np.ceil(x) if x.dtype.kind == "f" else x

    def trunc(self, x: Value) -> Value:
        return np.trunc(x) if x.dtype.kind == "f" else x

    def round(self, x: Value) -> Value:
        return np.rint(x) if x.dtype.kind == "f" else x

    def floor_divide(self, x: Value, y: Value) -> Value:
        return np.floor_divide(x, y)

    def remainder(self, x: Value, y: Value) -> Value:
        return np.remainder(x, y)

    def minimum(self, x: Value, y: Value) -> Value:
        return np.minimum(x, y)

    def maximum(self, x: Value, y: Value) -> Value:
        return np.maximum(x, y)

    def signbit(self, x: Value) -> Value:
        return np.signbit(x)

    def nextafter(self, x: Value, y: Value) -> Value:
        return np.nextafter(x, y)

    def exponent(self, x: Value) -> Value:
        return np.where(np.isfinite(x), np.frexp(x)[1], 0).astype(x.dtype)

    def ldexp(self, x: Value, k: Value) -> Value:
        return np.ldexp(x, np.clip(np.nan_to_num(k), -(2**20), 2**20).astype(np.int32))

    def less(self, x: Value, y: Value) -> Value:
        return np.less(x, y)

    def less_equal(self, x: Value, y: Value) -> Value:
        return np.less_equal(x, y)

    def equal(self, x: Value, y: Value) -> Value:
        return np.equal(x, y)

    def logical_not(self, x: Value) -> Value:
        return np.logical_not(x)

    def logical_and(self, x: Value, y: Value) -> Value:
        return np.logical_and(x, y)

    def logical_or(self, x: Value, y: Value) -> Value:
        return np.logical_or(x, y)

    def bitwise_and(self, x: Value, y: Value) -> Value:
        return np.bitwise_and(x, y)

    def bitwise_or(self, x: Value, y: Value) -> Value:
        return np.bitwise_or(x, y)

    def bitwise_xor(self, x: Value, y: Value) -> Value:
        return np.bitwise_xor(x, y)

    def left_shift(self, x: Value, y: Value) -> Value:
        return np.left_shift(x, y)

    def right_shift(self, x: Value, y: Value) -> Value:
        return np.right_shift(x, y)

    # Words on whole arrays.

    def sum(self, x: Value, axis: Axis, keepdims: bool = False) -> Value:
        """The sum; integers wrap."""
        if x.dtype.kind != "f":
            return np.sum(x, axis, dtype=x.dtype, keepdims=keepdims)
        axes = (axis,) if isinstance(axis, int) else tuple(axis)
        kept = [a for a in range(x.ndim) if a not in axes]
        # NumPy adds up in pairs only along an axis that lies contiguous in memory.
        size = math.prod(x.shape[a] for a in axes)
        rows = np.ascontiguousarray(np.transpose(x, (*kept, *axes)), dtype=np.float64)
        rows = rows.reshape((*(x.shape[a] for a in kept), size))
        total = np.sum(rows, axis=-1).astype(x.dtype) if x.dtype != np.float64 else _exact_sums(rows)
        return np.expand_dims(total, axes) if keepdims else total

    def running_sum(self, x: Value, axis: int) -> Value:
        """The sums of all elements up to each one; those of floats as if in twice the precision."""
        if x.dtype != np.float64:
            wide = np.float64 if x.dtype.kind == "f" else x.dtype
            return np.add.accumulate(x, axis, dtype=wide).astype(x.dtype)
        total = np.add.accumulate(x, axis)
        later, before = (np.take(total, range(start, x.shape[axis] + start - 1), axis) for start in (1, 0))
        part = later - before
        taken = np.take(x, range(1, x.shape[axis]), axis)
        lost = np.add.accumulate((before - (later - part)) + (taken - part), axis)
        first = np.take(total, range(min(1, x.shape[axis])), axis)
        return np.concatenate([first, np.where(np.isfinite(lost), later + lost, later)], axis)

    def prod(self, x: Value, axis: Axis) -> Value:
        """The product; integers wrap."""
        if x.dtype.kind != "f":
            return np.prod(x, axis, dtype=x.dtype)
        return np.prod(x, axis, dtype=np.float64).astype(x.dtype)

    def max(self, x: Value, axis: Axis) -> Value:
        """The largest; NaN if any is NaN; of nothing the smallest value."""
        return np.max(x, axis, initial=_limits(x.dtype)[0])

    def min(self, x: Value, axis: Axis) -> Value:
        """The smallest; NaN if any is NaN; of nothing the largest value."""
        return np.min(x, axis, initial=_limits(x.dtype)[1])

    def matmul(self, x: Value, y: Value) -> Value:
        """The products of matrices in the last two axes; integers wrap."""
        return _in_double(np.matmul, x, y) if x.dtype.kind == "f" else np.matmul(x, y)


class NumpyReader(Reader):
    """Arrays with the dtype of their node, exactly."""

    scalars = NumpyScalars()

    def load(self, array: Any, dtype: DType) -> Array:
        return np.asarray(array, dtype=dtype.numpy)

    def apply(self, op: Op, type_: TensorType, xs: Sequence[Array]) -> Any:
        with np.errstate(all="ignore"):
            if isinstance(op, LibraryOp):
                return as_typed(op.calculate(*xs), type_)
            wide = [x.astype(np.float32) if as_dtype(x.dtype).compute.numpy != x.dtype else x for x in xs]
            return as_typed(op.evaluate(self.scalars, *wide), type_)


def as_typed(value: Any, type_: TensorType) -> Any:
    """An array, or a tuple of arrays, in the dtypes of a type."""
    if isinstance(type_, TupleType):
        return tuple(as_typed(part, element) for part, element in zip(value, type_.elements, strict=True))
    return np.asarray(value).astype(type_.dtype.numpy, copy=False)


def make_reader() -> Reader:
    """The reader."""
    return NumpyReader()


def _exact_sums(rows: Value) -> Value:
    """The sums along the last axis, rounded once; as they come where they are not finite."""
    total = np.asarray(np.sum(rows, axis=-1))
    for place in np.argwhere(np.isfinite(total)):
        with suppress(OverflowError):
            total[tuple(place)] = math.fsum(rows[tuple(place)])
    return total


def _in_double(function: Callable[..., Any], *xs: Value) -> Value:
    dtype = np.result_type(*xs)
    return np.asarray(function(*(np.asarray(x, dtype=np.float64) for x in xs))).astype(dtype)


def _saturated(x: Value, dtype: DType) -> Value:
    """Floats as integers: truncated, the nearest limit outside the range, 0 for NaN."""
    limits = np.iinfo(dtype.numpy)
    low, beyond = float(limits.min), float(limits.max + 1)  # powers of two, hence exact
    wide = np.trunc(np.asarray(x, dtype=np.float64))
    inside = (wide >= low) & (wide < beyond)
    value = np.where(inside, wide, 0).astype(dtype.numpy)
    value = np.where(wide >= beyond, np.asarray(limits.max, dtype.numpy), value)
    return np.where(wide < low, np.asarray(limits.min, dtype.numpy), value)


def _integer_power(x: Value, y: Value, dtype: np.dtype[Any]) -> Value:
    """By squaring; the exponent's bits count as those of an unsigned number."""
    result, base = np.ones((), dtype), np.asarray(x, dtype=dtype)
    bits = np.asarray(y, dtype=dtype).view(np.dtype(f"u{dtype.itemsize}"))
    while bits.any():
        result = np.where(bits & 1, result * base, result)
        base, bits = base * base, bits >> 1
    return np.broadcast_to(result, np.broadcast_shapes(base.shape, bits.shape))


def _limits(dtype: np.dtype[Any]) -> tuple[Any, Any]:
    match dtype.kind:
        case "b":
            return False, True
        case "f":
            return -math.inf, math.inf
        case _:
            return np.iinfo(dtype).min, np.iinfo(dtype).max
