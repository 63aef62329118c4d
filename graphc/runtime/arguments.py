"""The arguments of a call: whatever a user passes goes in, arrays that machine code can read come out.

    signature = Signature("step", graph.inputs)
    arrays = signature.arrays((x,), {"y": [1, 2]})

What NumPy converts without loss is converted; everything else is an error that names the input, says what it
got and shows the line where the input was made. Numbers and lists of numbers are weak, as in NumPy: they take
the dtype of the input if it can hold their kind and values. What has a dtype keeps to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from graphc.errors import ArgumentError, DTypeError, GraphcError, ShapeError
from graphc.ir.leaf import Input
from graphc.ir.node import Node, describe
from graphc.types import DType

Array = np.ndarray[Any, Any]
_RANK = {"b": 0, "u": 1, "i": 1, "f": 2}


class Signature:
    """The inputs of a function, in order and by name."""

    def __init__(self, name: str, inputs: Sequence[Node]) -> None:
        self.name = name
        self.inputs = tuple(inputs)
        self.names = tuple(node.op.label for node in self.inputs if isinstance(node.op, Input))

    def arrays(self, args: Sequence[Any], keywords: Mapping[str, Any]) -> list[Array]:
        """One contiguous, aligned array of the right dtype and number of axes for each input.

        Raises ArgumentError, DTypeError or ShapeError.
        """
        values = self._ordered(args, keywords) if keywords or len(args) != len(self.inputs) else args
        return [
            value
            if type(value) is np.ndarray
            and value.dtype is node.dtype.numpy
            and value.ndim == node.ndim
            and value.flags.c_contiguous
            and value.flags.aligned
            else self._converted(node, value)
            for node, value in zip(self.inputs, values, strict=True)
        ]

    def __str__(self) -> str:
        inputs = (f"{name}: {node.type}" for name, node in zip(self.names, self.inputs, strict=True))
        return f"{self.name}({', '.join(inputs)})"

    def _ordered(self, args: Sequence[Any], keywords: Mapping[str, Any]) -> list[Any]:
        if len(args) > len(self.inputs):
            raise ArgumentError(f"{self}: {len(self.inputs)} arguments are expected, {len(args)} were given")
        given = dict(zip(self.names, args))
        for name, value in keywords.items():
            if name not in self.names:
                raise ArgumentError(f"{self}: there is no input {name!r}")
            if name in given:
                raise ArgumentError(f"{self}: the input {name!r} is given twice")
            given[name] = value
        missing = [node for name, node in zip(self.names, self.inputs, strict=True) if name not in given]
        if missing:
            names = ", ".join(repr(name) for name in self.names if name not in given)
            raise ArgumentError(f"{self}: no argument for {names}", details=map(describe, missing))
        return [given[name] for name in self.names]

    def _converted(self, node: Node, value: Any) -> Array:
        try:
            array = _as_array(value)
            if array.dtype != node.dtype.numpy:
                weak = isinstance(value, bool | int | float | list | tuple) and not isinstance(value, np.generic)
                array = (_weakly if weak else _without_loss)(array, node.dtype)
            if array.ndim != node.ndim:
                raise ShapeError(f"has shape {array.shape}, {node.ndim} axes are expected")
        except GraphcError as error:
            message = f"{self.name}: the argument {node.op.label!r} {error.message}"  # type: ignore[attr-defined]
            raise type(error)(message, details=[describe(node)], help=error.help) from None
        plain = np.require(array, node.dtype.numpy, ["C_CONTIGUOUS", "ALIGNED", "ENSUREARRAY"])
        # An equal dtype may be another object, which the native path does not know.
        return plain if plain.dtype is node.dtype.numpy else plain.view(node.dtype.numpy)


def _as_array(value: Any) -> Array:
    if isinstance(value, Node):
        raise ArgumentError("is symbolic", help="a compiled function takes numbers and arrays")
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise ArgumentError("is an array with masked elements", help="say what they stand for: x.filled(value)")
    try:
        return np.asarray(value)
    except (ValueError, TypeError, OverflowError, RuntimeError) as error:
        raise ArgumentError(f"is no array: {error}") from None


def _without_loss(array: Array, dtype: DType) -> Array:
    """An array in a dtype that holds all values of its own."""
    if array.dtype.names is not None or not np.can_cast(array.dtype, dtype.numpy, "safe"):
        raise _refusal(array, dtype)
    return array.astype(dtype.numpy)


def _weakly(array: Array, dtype: DType) -> Array:
    """Python numbers in a dtype of their kind, or of a later one of bool, integers, floats."""
    kind = array.dtype.kind
    if array.size and _RANK.get(kind, 3) > _RANK[dtype.kind]:
        raise _refusal(array, dtype)
    with np.errstate(over="ignore"):
        converted = array.astype(dtype.numpy)
    exact = converted == array if dtype.is_integer else np.isfinite(converted) | ~np.isfinite(array)
    if not np.all(exact):
        raise DTypeError(f"has a value that {dtype.name} cannot hold: {array[~exact].flat[0]}")
    return converted


def _refusal(array: Array, dtype: DType) -> DTypeError:
    got = "no numbers" if array.dtype.kind not in "biufcV" else f"dtype {array.dtype}"
    converts = array.dtype.kind in "biufc" and array.dtype.kind != "c" and dtype.kind != "b"
    help_ = f'convert it where losing digits is meant: x.astype("{dtype.name}")' if converts else None
    return DTypeError(f"has {got}, {dtype.name} is expected", help=help_)
