"""Eager functions from symbolic ones: the parameters of the standard in front, compiled calls behind."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from graphc.array_api.array import DEVICE, Array
from graphc.array_api.calls import call, with_arrays_for_numbers

Function = Callable[..., Any]


def eager(
    name: str, symbolic: Function, signature: inspect.Signature, *, any_size: bool = False, numbers: bool = False
) -> Function:
    """A function of arrays that has a name and the parameters of the standard, and the meaning of a symbolic function.

    With `any_size` one compiled function serves all sizes; with `numbers`, all numbers in the place of an operand.
    """
    conditions = 1 if name == "where" else 0
    arrays = len([p for p in signature.parameters if p in ("x", "x1", "x2", "condition", "indices")])

    @functools.wraps(symbolic)
    def apply(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        _check_memory(bound.arguments)
        operands = bound.args
        if numbers and len(operands) > 1:
            operands = tuple(with_arrays_for_numbers(operands, conditions))
        if not all(isinstance(x, Array) for x in operands[:arrays]):
            raise TypeError(f"{name}: {_stranger(operands)!r:.80} is no array of graphc.array_api")
        options = {key: value for key, value in bound.kwargs.items() if key not in ("device", "copy")}
        return call(symbolic, operands, options, any_size=any_size)

    apply.__name__ = apply.__qualname__ = name
    apply.__module__ = "graphc.array_api"
    apply.__signature__ = signature  # type: ignore[attr-defined]
    return apply


def _stranger(operands: tuple[Any, ...]) -> Any:
    return next(x for x in operands if not isinstance(x, Array))


def check_device(device: Any) -> None:
    """Raises ValueError for a device that is not there."""
    if device not in (None, DEVICE):
        raise ValueError(f"there is the device {DEVICE!r} only, not {device!r:.80}")


def _check_memory(arguments: dict[str, Any]) -> None:
    """Raises ValueError for another device, and where a result is demanded to share memory."""
    check_device(arguments.get("device"))
    if arguments.get("copy") is False:
        raise ValueError("results have memory of their own: copy=False cannot be met")
