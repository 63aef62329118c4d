"""Readers over arrays of objects: words on single elements become words on arrays.

An exact reader says what the words mean for two elements (`Elements`); `ObjectReader` applies them to arrays.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np

from graphc.interpret.reader import Array, Reader
from graphc.ir.op import Op
from graphc.ir.scalars import Scalars, Value
from graphc.ops.base import Elementwise
from graphc.types import DType, TensorType

Axis = int | tuple[int, ...]


class Elements(Scalars):
    """The words on single elements, which understand `+ - * /` themselves, and folds of a row of them."""

    @abc.abstractmethod
    def number(self, x: Any, dtype: DType) -> Value:
        """An element for a number of Python or NumPy, or for an element: integers wrap as `dtype` does."""

    def total(self, row: Sequence[Value]) -> Value:
        return reduce(lambda x, y: x + y, row, 0)

    def product(self, row: Sequence[Value]) -> Value:
        return reduce(lambda x, y: x * y, row, 1)

    def largest(self, row: Sequence[Value]) -> Value:
        return reduce(self.maximum, row) if row else -math.inf

    def smallest(self, row: Sequence[Value]) -> Value:
        return reduce(self.minimum, row) if row else math.inf


def _lifted(cls: type[ArrayWords]) -> type[ArrayWords]:
    """Every word of a single element is also one of arrays."""
    for name in Scalars.__abstractmethods__ - {"cast"}:
        setattr(cls, name, _lift(name))
    return abc.update_abstractmethods(cls)


def _lift(name: str) -> Callable[..., Value]:
    def word(self: ArrayWords, *xs: Value) -> Value:
        return elementwise(getattr(self.elements, name), *xs)

    word.__name__ = name
    return word


@_lifted
class ArrayWords(Scalars):
    """The words on arrays of objects."""

    def __init__(self, elements: Elements) -> None:
        self.elements = elements

    def cast(self, x: Value, dtype: DType) -> Value:
        return elementwise(lambda v: self.elements.cast(v, dtype), x)

    def special(self, name: str, *xs: Value) -> Value:
        return elementwise(lambda *vs: self.elements.special(name, *vs), *xs)

    def sum(self, x: Value, axis: Axis, keepdims: bool = False) -> Value:
        return _folded(self.elements.total, x, axis, keepdims)

    def running_sum(self, x: Value, axis: int) -> Value:
        return np.add.accumulate(x, axis)

    def prod(self, x: Value, axis: Axis) -> Value:
        return _folded(self.elements.product, x, axis)

    def max(self, x: Value, axis: Axis) -> Value:
        return _folded(self.elements.largest, x, axis)

    def min(self, x: Value, axis: Axis) -> Value:
        return _folded(self.elements.smallest, x, axis)

    def mean(self, x: Value, axis: Axis) -> Value:
        return _folded(lambda row: self.elements.total(row) / len(row) if row else math.nan, x, axis)

    def matmul(self, x: Value, y: Value) -> Value:
        products = np.expand_dims(x, -1) * np.expand_dims(y, -3)
        return self.sum(products, products.ndim - 2)


class ObjectReader(Reader):
    """Arrays of objects, read in the exact mathematics of each op."""

    def __init__(self, elements: Elements) -> None:
        self.elements = elements
        self.scalars: Scalars = ArrayWords(elements)  # type: ignore[abstract]  # `_lifted` gives the words

    def load(self, array: Any, dtype: DType) -> Array:
        return elementwise(lambda v: self.elements.number(v, dtype), np.asarray(array))

    def apply(self, op: Op, type_: TensorType, xs: Sequence[Array]) -> Array:
        if isinstance(op, Elementwise):
            # NumPy makes bare elements of arrays without axes.
            xs = [x.reshape(-1) for x in xs]
        with np.errstate(all="ignore"):
            found = op.exact(self.scalars, *xs)
        value = elementwise(lambda v: self.elements.number(v, type_.dtype), found)
        return value.reshape(type_.shape)

    def decomposes(self, op: Op) -> bool:
        return type(op).exact is Op.exact


def elementwise(function: Callable[..., Any], *xs: Any) -> Array:
    """An array of the function's results for the elements of arrays."""
    with np.errstate(all="ignore"):  # NumPy reports what Python's own float arithmetic leaves behind
        result = np.frompyfunc(function, len(xs), 1)(*xs)
    if isinstance(result, np.ndarray) and result.dtype == object:
        return result
    single = np.empty((), object)
    single[()] = result
    return single


def _folded(fold: Callable[[list[Value]], Value], x: Value, axis: Axis, keepdims: bool = False) -> Array:
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    kept = [a for a in range(x.ndim) if a not in axes]
    shape = tuple(x.shape[a] for a in kept)
    size = math.prod(x.shape[a] for a in axes)
    rows = np.transpose(x, (*kept, *axes)).reshape((math.prod(shape), size))
    result = np.empty(len(rows), object)
    for i, row in enumerate(rows):
        result[i] = fold(list(row))
    result = result.reshape(shape)
    return np.expand_dims(result, axes) if keepdims else result
