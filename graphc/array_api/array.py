"""The array object of the standard: a thin shell around a NumPy array, whose operators are graphc's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np

from graphc.errors import GraphError
from graphc.types import DType, as_dtype

VERSION = "2024.12"
DEVICE = "cpu"


class Array:
    """An array whose operators compile and run ops of graphc. Made by `asarray` and the other creation functions."""

    __slots__ = ("value",)
    __array_priority__ = 100
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, value: np.ndarray[Any, Any]) -> None:
        self.value = value
        as_dtype(value.dtype)  # raises for one that graphc has not

    # --- attributes ---

    @property
    def dtype(self) -> DType:
        return as_dtype(self.value.dtype)

    @property
    def device(self) -> str:
        return DEVICE

    @property
    def ndim(self) -> int:
        return self.value.ndim

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    @property
    def size(self) -> int:
        return self.value.size

    @property
    def T(self) -> Array:
        """The transpose of a matrix."""
        if self.ndim != 2:
            raise ValueError(f"an array with {self.ndim} axes is no matrix: use mT or permute_dims")
        return self._function("matrix_transpose")(self)

    @property
    def mT(self) -> Array:
        """The last two axes exchanged."""
        return self._function("matrix_transpose")(self)

    def __array_namespace__(self, /, *, api_version: str | None = None) -> ModuleType:
        if api_version not in (None, "2021.12", "2022.12", "2023.12", VERSION):
            raise ValueError(f"graphc.array_api follows version {VERSION} of the standard, not {api_version}")
        from graphc import array_api

        return array_api

    def _function(self, name: str) -> Callable[..., Any]:
        function: Callable[..., Any] = getattr(self.__array_namespace__(), name)
        return function

    # --- conversion ---

    def __bool__(self) -> bool:
        return bool(self._element())

    def __int__(self) -> int:
        return int(self._element())

    def __float__(self) -> float:
        return float(self._element())

    def __complex__(self) -> complex:
        return complex(self._element())

    def __index__(self) -> int:
        element = self._element()
        if not self.dtype.is_integer:
            raise TypeError(f"an array of {self.dtype.name} is no index")
        return int(element)

    def _element(self) -> Any:
        if self.ndim:
            raise TypeError(f"an array with {self.ndim} axes is no number")
        return self.value[()]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return np.array(self.value, dtype=dtype, copy=copy)

    def __dlpack__(
        self,
        /,
        *,
        stream: Any = None,
        max_version: tuple[int, int] | None = None,
        dl_device: Any = None,
        copy: bool | None = None,
    ) -> Any:
        given = {"stream": stream, "max_version": max_version, "dl_device": dl_device, "copy": copy}
        return self.value.__dlpack__(**{name: value for name, value in given.items() if value is not None})

    def __dlpack_device__(self) -> Any:
        return self.value.__dlpack_device__()

    def to_device(self, device: str, /, *, stream: Any = None) -> Array:
        """Itself: there is one device."""
        if device != DEVICE or stream is not None:
            raise ValueError(f"there is the device {DEVICE!r} only, and it has no streams")
        return self

    def __repr__(self) -> str:
        return f"Array({np.array2string(self.value, separator=', ', prefix='Array(')}, dtype={self.dtype.name})"

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError("an array without axes has no length")
        return len(self.value)

    def __iter__(self) -> Iterator[Array]:
        return (self[i] for i in range(len(self)))

    # --- indexing ---

    def __getitem__(self, key: Any, /) -> Array:
        from graphc.array_api.indexing import read

        return read(self, key)

    def __setitem__(self, key: Any, value: Any, /) -> None:
        from graphc.array_api.indexing import changed

        self.value = changed(self, key, value).value


def _binary(name: str, function: str) -> None:
    def forward(self: Array, other: Any, /) -> Any:
        return self._function(function)(self, other) if _is_operand(other) else NotImplemented

    def reflected(self: Array, other: Any, /) -> Any:
        return self._function(function)(other, self) if _is_operand(other) else NotImplemented

    def in_place(self: Array, other: Any, /) -> Any:
        if not _is_operand(other):
            return NotImplemented
        result = self._function(function)(self, other)
        if result.shape != self.shape or result.dtype is not self.dtype:
            raise GraphError(
                f"an array of {self.dtype.name} and shape {self.shape} cannot become {result.dtype.name} {result.shape}"
            )
        self.value = result.value
        return self

    for prefix, method in (("", forward), ("r", reflected), ("i", in_place)):
        method.__name__ = f"__{prefix}{name}__"
        setattr(Array, method.__name__, method)


def _comparison(name: str, function: str) -> None:
    def compare(self: Array, other: Any, /) -> Any:
        return self._function(function)(self, other) if _is_operand(other) else NotImplemented

    compare.__name__ = f"__{name}__"
    setattr(Array, compare.__name__, compare)


def _unary(name: str, function: str) -> None:
    def apply(self: Array, /) -> Any:
        return self._function(function)(self)

    apply.__name__ = f"__{name}__"
    setattr(Array, apply.__name__, apply)


def _is_operand(x: Any) -> bool:
    return isinstance(x, Array | bool | int | float)


BINARY = {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "truediv": "divide",
    "floordiv": "floor_divide",
    "mod": "remainder",
    "pow": "pow",
    "matmul": "matmul",
    "and": "bitwise_and",
    "or": "bitwise_or",
    "xor": "bitwise_xor",
    "lshift": "bitwise_left_shift",
    "rshift": "bitwise_right_shift",
}
COMPARISONS = {
    "lt": "less",
    "le": "less_equal",
    "gt": "greater",
    "ge": "greater_equal",
    "eq": "equal",
    "ne": "not_equal",
}
UNARY = {"neg": "negative", "pos": "positive", "abs": "abs", "invert": "bitwise_invert"}

for _make, _table in ((_binary, BINARY), (_comparison, COMPARISONS), (_unary, UNARY)):
    for _method, _name in _table.items():
        _make(_method, _name)
