"""Eager calls: a symbolic function and arrays go in, it is compiled once for each kind of arguments, results come out.

The kind is the function, the arguments that are no arrays, and the types of those that are. For functions that serve
all sizes, sizes are named: equal ones by one name, 1 by itself because it broadcasts. So `add` is compiled once for
all matrices of a dtype.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from types import EllipsisType
from typing import Any

import numpy as np

from graphc.array_api.array import Array
from graphc.compile import compile
from graphc.ir.node import Node
from graphc.tensor import input
from graphc.types import DType, as_dtype, bool_, promote, weak_dtype

MOST_KEPT = 4096
"""Compiled calls; the one that was not used for longest makes room."""


_target: ContextVar[str] = ContextVar("target", default="llvm")


@contextmanager
def use_target(target: str) -> Iterator[None]:
    """Calculate on another target ("reference", "cuda" …) inside a `with` block."""
    token = _target.set(target)
    try:
        yield
    finally:
        _target.reset(token)


@dataclass(frozen=True)
class Operand:
    """The place of an array in a call."""

    name: str
    dtype: DType
    shape: tuple[int | str, ...]


@dataclass(frozen=True)
class Static:
    """An argument that is no array. The kind tells 1 from 1.0 and True; floats are told apart by their bits."""

    kind: type
    value: Hashable


@dataclass(frozen=True)
class Several:
    """A tuple, list or slice of arguments."""

    kind: type
    items: tuple[Any, ...]


class _Arguments:
    """Takes the arrays out of arguments, and describes the rest."""

    def __init__(self, any_size: bool) -> None:
        self.any_size = any_size
        self.arrays: dict[str, np.ndarray[Any, Any]] = {}
        self.names: dict[int, str] = {}

    def described(self, x: Any) -> Any:
        match x:
            case Array():
                name = f"x{len(self.arrays)}"
                self.arrays[name] = x.value
                return Operand(name, x.dtype, tuple(map(self._size, x.shape)))
            case tuple() | list():
                return Several(type(x), tuple(map(self.described, x)))
            case slice():
                return Several(slice, tuple(map(self.described, (x.start, x.stop, x.step))))
            case float():
                return Static(float, float(x).hex())
            case None | bool() | int() | str() | DType() | EllipsisType():
                return Static(type(x), x)
            case np.dtype() | type():
                return Static(DType, as_dtype(x))
            case _ if hasattr(x, "__index__"):
                return Static(int, x.__index__())
        raise TypeError(f"{x!r:.80} is no array of graphc.array_api")

    def _size(self, n: int) -> int | str:
        return self.names.setdefault(n, f"n{len(self.names)}") if self.any_size and n != 1 else n


def call(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], *, any_size: bool) -> Any:
    """The value of a symbolic function. Raises what it raises, and TypeError for arguments that are none."""
    arguments = _Arguments(any_size)
    described = tuple(map(arguments.described, args))
    options = tuple((name, arguments.described(value)) for name, value in sorted(kwargs.items()))
    compiled, shaped = _compiled(function, described, options, _target.get())
    return shaped([Array(np.asarray(result)) for result in compiled(**arguments.arrays)])


@lru_cache(maxsize=MOST_KEPT)
def _compiled(
    function: Callable[..., Any], described: tuple[Any, ...], options: tuple[tuple[str, Any], ...], target: str
) -> tuple[Callable[..., list[Any]], Callable[[list[Array]], Any]]:
    """The compiled function, and what puts its results into the form that the function gives."""
    inputs: dict[str, Node] = {}
    args = [_symbolic(x, inputs) for x in described]
    result = function(*args, **{name: _symbolic(x, inputs) for name, x in options})
    results, name = [result] if isinstance(result, Node) else list(result), function.__name__.strip("_")
    compiled = compile(list(inputs.values()), results, target=target, name=name)
    if isinstance(result, Node):
        return compiled, lambda arrays: arrays[0]
    form = type(result)
    return compiled, form._make if hasattr(form, "_make") else form


def _symbolic(x: Any, inputs: dict[str, Node]) -> Any:
    match x:
        case Operand():
            inputs[x.name] = input(x.name, x.shape, x.dtype)
            return inputs[x.name]
        case Several(kind=kind, items=items):
            parts = [_symbolic(item, inputs) for item in items]
            return slice(*parts) if kind is slice else kind(parts)
        case Static(kind=kind, value=value):
            return float.fromhex(str(value)) if kind is float else value
    raise TypeError(f"{x!r:.80} is no argument")


def with_arrays_for_numbers(args: Sequence[Any], conditions: int = 0) -> list[Any]:
    """Operands whose Python numbers have become arrays of the dtype that the others fix, so that any number will do.

    Raises DTypeError for an integer that does not fit into it.
    """
    typed = [x.dtype for x in args[conditions:] if isinstance(x, Array)]
    if not typed:
        return list(args)
    dtype = promote(*typed)
    return [
        Array(np.asarray(x, dtype=(bool_ if i < conditions else _dtype_of(x, dtype)).numpy))
        if isinstance(x, bool | int | float)
        else x
        for i, x in enumerate(args)
    ]


def _dtype_of(number: bool | int | float, dtype: DType) -> DType:
    if isinstance(number, np.generic):
        return as_dtype(number.dtype)
    return bool_ if dtype is bool_ and isinstance(number, bool) else weak_dtype(number, dtype)
