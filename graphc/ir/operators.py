"""Python's operators on symbolic values. This layer knows the syntax; `graphc.tensor` supplies the meaning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

MEANING: dict[str, Callable[..., Any]] = {}


def means(word: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register the function behind an operator or method."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        MEANING[word] = function
        return function

    return register


class Operators:
    """Arithmetic, comparison, indexing and the array methods, for nodes and for the terms of rules."""

    __slots__ = ()
    __array_priority__ = 1000

    def __add__(self, other: Any) -> Any:
        return MEANING["add"](self, other)

    def __radd__(self, other: Any) -> Any:
        return MEANING["add"](other, self)

    def __sub__(self, other: Any) -> Any:
        return MEANING["subtract"](self, other)

    def __rsub__(self, other: Any) -> Any:
        return MEANING["subtract"](other, self)

    def __mul__(self, other: Any) -> Any:
        return MEANING["multiply"](self, other)

    def __rmul__(self, other: Any) -> Any:
        return MEANING["multiply"](other, self)

    def __truediv__(self, other: Any) -> Any:
        return MEANING["divide"](self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return MEANING["divide"](other, self)

    def __floordiv__(self, other: Any) -> Any:
        return MEANING["floor_divide"](self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return MEANING["floor_divide"](other, self)

    def __mod__(self, other: Any) -> Any:
        return MEANING["remainder"](self, other)

    def __rmod__(self, other: Any) -> Any:
        return MEANING["remainder"](other, self)

    def __pow__(self, other: Any) -> Any:
        return MEANING["pow"](self, other)

    def __rpow__(self, other: Any) -> Any:
        return MEANING["pow"](other, self)

    def __matmul__(self, other: Any) -> Any:
        return MEANING["matmul"](self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return MEANING["matmul"](other, self)

    def __neg__(self) -> Any:
        return MEANING["negative"](self)

    def __pos__(self) -> Any:
        return MEANING["positive"](self)

    def __abs__(self) -> Any:
        return MEANING["abs"](self)

    def __invert__(self) -> Any:
        return MEANING["invert"](self)

    def __and__(self, other: Any) -> Any:
        return MEANING["and"](self, other)

    def __rand__(self, other: Any) -> Any:
        return MEANING["and"](other, self)

    def __or__(self, other: Any) -> Any:
        return MEANING["or"](self, other)

    def __ror__(self, other: Any) -> Any:
        return MEANING["or"](other, self)

    def __xor__(self, other: Any) -> Any:
        return MEANING["xor"](self, other)

    def __rxor__(self, other: Any) -> Any:
        return MEANING["xor"](other, self)

    def __lshift__(self, other: Any) -> Any:
        return MEANING["left_shift"](self, other)

    def __rshift__(self, other: Any) -> Any:
        return MEANING["right_shift"](self, other)

    def __rlshift__(self, other: Any) -> Any:
        return MEANING["left_shift"](other, self)

    def __rrshift__(self, other: Any) -> Any:
        return MEANING["right_shift"](other, self)

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> Any:
        return other // self, other % self

    def __lt__(self, other: Any) -> Any:
        return MEANING["less"](self, other)

    def __le__(self, other: Any) -> Any:
        return MEANING["less_equal"](self, other)

    def __gt__(self, other: Any) -> Any:
        return MEANING["greater"](self, other)

    def __ge__(self, other: Any) -> Any:
        return MEANING["greater_equal"](self, other)

    def __eq__(self, other: Any) -> Any:
        return MEANING["equal"](self, other)

    def __ne__(self, other: Any) -> Any:
        return MEANING["not_equal"](self, other)

    __hash__ = object.__hash__

    def __getitem__(self, index: Any) -> Any:
        return MEANING["getitem"](self, index)

    @property
    def at(self) -> Any:
        """Elements to change in a copy: `x.at[1:3].set(0)`."""
        return MEANING["at"](self)

    @property
    def T(self) -> Any:
        """The transpose of a matrix."""
        return MEANING["T"](self)

    @property
    def mT(self) -> Any:
        """The last two axes exchanged."""
        return MEANING["mT"](self)

    def astype(self, dtype: Any) -> Any:
        """The values converted to a dtype."""
        return MEANING["astype"](self, dtype)

    def reshape(self, *shape: Any) -> Any:
        """The elements in another shape; one size may be -1."""
        return MEANING["reshape"](self, shape[0] if len(shape) == 1 else shape)

    def sum(self, axis: Any = None, *, keepdims: bool = False) -> Any:
        return MEANING["sum"](self, axis=axis, keepdims=keepdims)

    def mean(self, axis: Any = None, *, keepdims: bool = False) -> Any:
        return MEANING["mean"](self, axis=axis, keepdims=keepdims)

    def max(self, axis: Any = None, *, keepdims: bool = False) -> Any:
        return MEANING["max"](self, axis=axis, keepdims=keepdims)

    def min(self, axis: Any = None, *, keepdims: bool = False) -> Any:
        return MEANING["min"](self, axis=axis, keepdims=keepdims)

    def prod(self, axis: Any = None, *, keepdims: bool = False) -> Any:
        return MEANING["prod"](self, axis=axis, keepdims=keepdims)

    def any(self, axis: Any = None, *, keepdims: bool = False) -> Any:
        return MEANING["any"](self, axis=axis, keepdims=keepdims)

    def all(self, axis: Any = None, *, keepdims: bool = False) -> Any:
        return MEANING["all"](self, axis=axis, keepdims=keepdims)

    def argmax(self, axis: Any = None, *, keepdims: bool = False) -> Any:
        return MEANING["argmax"](self, axis=axis, keepdims=keepdims)

    def argmin(self, axis: Any = None, *, keepdims: bool = False) -> Any:
        return MEANING["argmin"](self, axis=axis, keepdims=keepdims)

    def var(self, axis: Any = None, *, correction: float = 0.0, keepdims: bool = False) -> Any:
        return MEANING["var"](self, axis=axis, correction=correction, keepdims=keepdims)

    def std(self, axis: Any = None, *, correction: float = 0.0, keepdims: bool = False) -> Any:
        return MEANING["std"](self, axis=axis, correction=correction, keepdims=keepdims)

    def clip(self, min: Any = None, max: Any = None) -> Any:
        """The values limited to [min, max]."""
        return MEANING["clip"](self, min, max)

    def squeeze(self, axis: Any = None) -> Any:
        """Without axes of size 1."""
        return MEANING["squeeze"](self, axis)

    def ravel(self) -> Any:
        """The elements along one axis."""
        return MEANING["ravel"](self)

    def transpose(self, *axes: Any) -> Any:
        """The axes in another order: reversed if none is given."""
        given = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes
        return MEANING["transpose"](self, given or None)

    def swapaxes(self, axis1: int, axis2: int) -> Any:
        """Two axes exchanged."""
        return MEANING["swapaxes"](self, axis1, axis2)

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        """graphc, whose functions have the names of the Array API standard."""
        return MEANING["namespace"]()

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return MEANING["ufunc"](ufunc, method, *inputs, **kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return MEANING["numpy function"](function, args, kwargs)
