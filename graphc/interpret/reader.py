"""What a reader is: one kind of values, how arrays become such values, and what ops make of them."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from graphc.errors import GraphError
from graphc.ir.op import Op
from graphc.types import DType, TensorType

Array = np.ndarray[Any, Any]
NAMES = ("numpy", "mpmath", "sympy", "interval")


class Reader(ABC):
    """Arrays of one kind of values. They are NumPy arrays, so that ops which move elements need no words."""

    @abstractmethod
    def load(self, array: Any, dtype: DType) -> Array:
        """The reader's values for those of an array; they are left alone where they already are."""

    @abstractmethod
    def apply(self, op: Op, type_: TensorType, xs: Sequence[Array]) -> Array:
        """The result of an op without named dimensions, as an array of values of the given type."""

    def run(self, evaluation: Callable[[Reader], list[Array]]) -> list[Array]:
        """The values that an evaluation gives: a reader may repeat it until they are good enough."""
        return evaluation(self)

    def decomposes(self, op: Op) -> bool:
        """Whether a composite op is read as what it decomposes into."""
        return True


def as_reader(reader: str | Reader) -> Reader:
    """The reader of a name; libraries behind it are imported now. Raises GraphError for an unknown name."""
    if isinstance(reader, Reader):
        return reader
    if reader not in NAMES:
        raise GraphError(f"{reader!r} is no reader", help=f"one of {', '.join(NAMES)}")
    return _named(reader)


@cache
def _named(name: str) -> Reader:
    made: Reader = importlib.import_module(f"graphc.interpret.{name}_reader").make_reader()
    return made
