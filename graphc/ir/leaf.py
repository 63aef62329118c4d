"""Nodes without operands: inputs, parameters and constants."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from graphc.errors import DTypeError, ShapeError
from graphc.ir.bounds import Bounds
from graphc.ir.node import Node, make, public
from graphc.ir.op import Op
from graphc.ir.scalars import Scalars, Value
from graphc.types import DType, TensorType, as_dtype


class Input(Op):
    """A value that the caller gives, and promises to lie within bounds. Equal ones are the same node."""

    label: str
    type: TensorType
    bounds: Bounds | None = None
    arity = 0
    vjp = None

    def infer(self) -> TensorType:
        return self.type

    def evaluate(self, s: Scalars) -> Value:
        raise KeyError(self.label)


class Storage:
    """The memory behind a parameter, an array of its own: changes between calls, all values at once.

    `advance` makes, from the parameter, the value that it has after a call that uses it and says nothing else.
    """

    def __init__(self, value: np.ndarray[Any, Any], advance: Callable[[Node], Any] | None = None) -> None:
        self.array = value
        self.advance = advance
        self.lock = threading.Lock()

    def read(self) -> np.ndarray[Any, Any]:
        """A copy of the value."""
        with self.lock:
            return self.array.copy()

    def write(self, value: Any) -> None:
        """Replace the value. Raises ShapeError or DTypeError for one that does not fit, and changes nothing then."""
        new = as_array(value)
        if new.shape != self.array.shape:
            raise ShapeError(f"the parameter has shape {self.array.shape}, the new value {new.shape}")
        if new.dtype != self.array.dtype and not np.can_cast(new.dtype, self.array.dtype, "same_kind"):
            raise DTypeError(f"the parameter has dtype {self.array.dtype}, the new value {new.dtype}")
        with self.lock:
            self.array[...] = new


class Parameter(Op):
    """A value that lives between calls. Each parameter is its own, whatever its name."""

    label: str
    type: TensorType
    storage: Storage
    arity = 0
    vjp = None

    def infer(self) -> TensorType:
        return self.type

    def evaluate(self, s: Scalars) -> Value:
        return self.storage.array


class Constant(Op):
    """A known array. A uniform one keeps a single element, and may have named dimensions."""

    type: TensorType
    value: Any  # np.ndarray: of the type's shape, or without axes if uniform
    arity = 0
    vjp = None

    def __post_init__(self) -> None:
        self.value.flags.writeable = False
        key = (Constant, self.type, self.value.shape, self.value.tobytes())
        object.__setattr__(self, "_key", key)

    @property
    def uniform(self) -> bool:
        return self.value.ndim == 0

    def infer(self) -> TensorType:
        if not self.uniform and self.value.shape != self.type.shape:
            raise ShapeError(f"elements of shape {self.value.shape} are no {self.type}")
        return self.type

    def evaluate(self, s: Scalars) -> Value:
        shape: Any = self.type.shape
        return np.broadcast_to(self.value, shape) if self.uniform else self.value


def as_array(value: Any, dtype: Any = None) -> np.ndarray[Any, Any]:
    """A new array of a dtype of graphc. Raises DTypeError for what NumPy makes no such array of."""
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise DTypeError("an array with masked elements", help="say what they stand for: x.filled(value)")
    try:
        array = np.array(value, dtype=as_dtype(dtype).numpy if dtype is not None else None, order="C", copy=True)
    except (ValueError, TypeError, OverflowError) as error:
        raise DTypeError(f"no array of numbers: {value!r:.80}", help=str(error).split("\n")[0]) from None
    return array.astype(as_dtype(array.dtype).numpy, copy=False)


def without_loss(array: np.ndarray[Any, Any], dtype: DType) -> np.ndarray[Any, Any]:
    """An array of another dtype. Raises DTypeError for an integer dtype that cannot hold the values."""
    with np.errstate(invalid="ignore", over="ignore"):
        converted = array.astype(dtype.numpy)
    if dtype.is_integer and not np.array_equal(converted, array):
        raise DTypeError(f"the values do not fit into {dtype.name}", help="round or clip them first")
    return converted


@public
def constant(value: Any, dtype: Any = None) -> Node:
    """A constant node from anything that NumPy makes an array of."""
    return constant_array(as_array(value, dtype))


def constant_array(array: np.ndarray[Any, Any]) -> Node:
    """The constant of an array of its own; one element stands for all if they are the same bit for bit."""
    type_ = TensorType(as_dtype(array.dtype), array.shape)
    if array.ndim and array.size:
        raw = array.reshape(-1).view(np.uint8).reshape(array.size, -1)
        if (raw == raw[0]).all():
            array = array.reshape(-1)[0:1].reshape(())
    return make(Constant(type_, array))


def full(value: Any, type_: TensorType) -> Node:
    """A constant of one repeated value; named dimensions are allowed."""
    try:
        array = np.array(value).astype(type_.dtype.numpy)
    except OverflowError:
        raise DTypeError(f"the number does not fit into {type_.dtype.name}: {value!r:.80}") from None
    return make(Constant(type_, np.asarray(array).reshape(())))


def uniform_value(node: Node) -> Any:
    """The repeated value of a uniform constant as a NumPy scalar, else None."""
    return node.op.value[()] if isinstance(node.op, Constant) and node.op.uniform else None
