"""Values that follow from sizes alone: positions along an axis and sizes as numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.dimension import Dim
from graphc.errors import DTypeError
from graphc.ir.leaf import full
from graphc.ir.node import Node, make, public
from graphc.ir.op import Op
from graphc.ir.scalars import Scalars, Value
from graphc.types import DType, TensorType, as_dtype, as_size, bool_


class Iota(Op):
    """0, 1, 2 … along one axis."""

    size: int | Dim
    dtype: DType
    arity = 0
    vjp = None

    def infer(self) -> TensorType:
        if self.dtype is bool_:
            raise DTypeError("positions are numbers, not bool")
        return TensorType(self.dtype, (self.size,))

    def evaluate(self, s: Any) -> Value:
        size: Any = self.size
        return s.cast(np.arange(size), self.dtype)


class Extent(Op):
    """A size as a number."""

    size: int | Dim
    dtype: DType
    arity = 0
    vjp = None

    def infer(self) -> TensorType:
        return TensorType(self.dtype, ())

    def evaluate(self, s: Scalars) -> Value:
        return s.cast(np.asarray(self.size), self.dtype)


@public
def iota(size: Any, dtype: Any = "int64") -> Node:
    """The positions 0, 1, 2 … size-1."""
    return make(Iota(as_size(size), as_dtype(dtype)))


@public
def extent(size: Any, dtype: Any = "int64") -> Node:
    """A size as a value without axes."""
    number, dtype = as_size(size), as_dtype(dtype)
    if isinstance(number, int):
        return full(number, TensorType(dtype, ()))
    return make(Extent(number, dtype))
