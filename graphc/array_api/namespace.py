"""The functions of the namespace: which symbolic function stands behind each name of the standard."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

import graphc
from graphc.array_api import data_dependent
from graphc.array_api.array import DEVICE, Array
from graphc.array_api.calls import call
from graphc.array_api.eager import check_device, eager
from graphc.array_api.signatures import DTYPES, FUNCTIONS, LINALG, MISSING
from graphc.ir.op import OPS
from graphc.ops import datatypes, diagonals, products
from graphc.ops.base import Elementwise
from graphc.types import DType, as_dtype, bool_, float64, int64

Function = Callable[..., Any]

STANDARD_DTYPES = {name: as_dtype(name) for name in DTYPES if name not in MISSING}
DEFAULT_DTYPES = {"real floating": float64, "integral": int64, "indexing": int64}

_ANY_SIZE = frozenset(
    {
        *(name for name in FUNCTIONS if issubclass(OPS.get(name, object), Elementwise)),
        *("bitwise_invert", "positive", "reciprocal", "clip", "isnan", "isinf", "isfinite", "where", "matmul"),
        *("all", "any", "max", "mean", "min", "prod", "std", "sum", "var", "count_nonzero", "astype"),
    }
)
"""Functions whose compiled form serves all sizes."""

_NUMBERS = frozenset(name for name, s in FUNCTIONS.items() if {"x1", "x2"} <= set(s.parameters)) | {"clip"}
"""Functions that take Python numbers beside arrays."""


def _symbolic(name: str) -> Function | None:
    found: Function | None = getattr(graphc, name, None)
    return found


def eager_functions() -> dict[str, Function]:
    """The functions that calculate with arrays."""
    return {
        name: eager(name, found, signature, any_size=name in _ANY_SIZE, numbers=name in _NUMBERS)
        for name, signature in FUNCTIONS.items()
        if name not in _BY_HAND and (found := _symbolic(name)) is not None
    } | _BY_HAND


# --- creation ---


def asarray(obj: Any, /, *, dtype: Any = None, device: Any = None, copy: bool | None = None) -> Array:
    """An array of numbers, nested sequences of them, or another array, converted if a dtype is given.

    Python's floats become float64, its integers int64. Raises ValueError where `copy=False` cannot be met.
    """
    check_device(device)
    wanted = None if dtype is None else as_dtype(dtype)
    if isinstance(obj, Array):
        same = wanted is None or wanted is obj.dtype
        if same and not copy:
            return obj
        if copy is False:
            raise ValueError("another dtype needs a copy")
        return Array(np.array(obj.value)) if same else astype(obj, wanted)
    if copy is False:
        raise ValueError(f"{type(obj).__name__} is copied into an array: copy=False cannot be met")
    value = np.array(_unwrapped(obj), dtype=None if wanted is None else wanted.numpy)
    return Array(value.astype(as_dtype(value.dtype).numpy, copy=False))


def _unwrapped(obj: Any) -> Any:
    """Nested sequences with NumPy's arrays in the place of ours."""
    if isinstance(obj, Array):
        return obj.value
    return [_unwrapped(item) for item in obj] if isinstance(obj, list | tuple) else obj


def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Array:
    """An array of what another library holds, in the same memory where that is possible."""
    check_device(device)
    options: dict[str, Any] = {} if copy is None else {"copy": copy}  # which NumPy 2.0 does not know yet
    return Array(np.from_dlpack(x, **options))


def astype(x: Array, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Array:
    """`x` converted to a dtype; itself if it has it and no copy is asked for."""
    check_device(device)
    if not isinstance(x, Array):
        raise TypeError(f"astype: {x!r:.80} is no array of graphc.array_api")
    to = as_dtype(dtype)
    if to is x.dtype:
        return Array(np.array(x.value)) if copy else x
    found: Array = call(graphc.astype, [x, to], {}, any_size=True)
    return found


def _creation(name: str) -> Function:
    """A creation function whose dtype is float64 if nothing else follows."""
    symbolic = getattr(graphc, name)

    def create(*args: Any, dtype: Any = None, device: Any = None, **options: Any) -> Array:
        bound = FUNCTIONS[name].bind(*args, dtype=dtype, device=device, **options)
        check_device(device)
        numbers = {"full": bound.args[1:2], "arange": bound.args[:3]}.get(name, (0.0,))
        to = _default(numbers) if dtype is None else as_dtype(dtype)
        rest = {key: value for key, value in bound.kwargs.items() if key not in ("dtype", "device")}
        found: Array = call(symbolic, bound.args, {**rest, "dtype": to}, any_size=False)
        return found

    create.__name__ = create.__qualname__ = name
    create.__module__ = "graphc.array_api"
    create.__doc__ = symbolic.__doc__
    create.__signature__ = FUNCTIONS[name]  # type: ignore[attr-defined]
    return create


def _default(numbers: Sequence[Any]) -> DType:
    if all(isinstance(x, bool) for x in numbers):
        return bool_
    return float64 if any(isinstance(x, float) for x in numbers) else int64


# --- dtypes ---


def _of_dtypes(name: str) -> Function:
    """A question about dtypes; arrays stand for theirs."""
    question = getattr(datatypes, name)

    def ask(*args: Any, **kwargs: Any) -> Any:
        bound = FUNCTIONS[name].bind(*args, **kwargs)
        return question(*(x.dtype if isinstance(x, Array) else x for x in bound.args), **bound.kwargs)

    ask.__name__ = ask.__qualname__ = name
    ask.__module__ = "graphc.array_api"
    ask.__doc__ = question.__doc__
    ask.__signature__ = FUNCTIONS[name]  # type: ignore[attr-defined]
    return ask


_BY_HAND: dict[str, Function] = {
    "asarray": asarray,
    "astype": astype,
    "from_dlpack": from_dlpack,
    **data_dependent.FUNCTIONS,
    **{name: _creation(name) for name in ("arange", "empty", "eye", "full", "linspace", "ones", "zeros")},
    **{name: _of_dtypes(name) for name in ("can_cast", "finfo", "iinfo", "isdtype", "result_type")},
}


# --- the extension linalg ---


def _last_two_diagonal(x: Any, *, offset: int = 0) -> Any:
    """The diagonals of the matrices in the last two axes."""
    return diagonals.diagonal(x, offset, -2, -1)


def _last_two_trace(x: Any, *, offset: int = 0, dtype: Any = None) -> Any:
    """The sums of the diagonals of the matrices in the last two axes."""
    return diagonals.trace(x, offset, -2, -1, dtype)


def linalg_functions() -> dict[str, Function]:
    """The functions of the extension for linear algebra."""
    own: Mapping[str, Function] = {
        "diagonal": _last_two_diagonal,
        "trace": _last_two_trace,
        **{name: getattr(products, name) for name in ("cross", "outer", "tensordot", "vecdot")},
    }
    return {
        name: eager(name, found, signature)
        for name, signature in LINALG.items()
        if (found := own.get(name) or getattr(graphc.linalg, name, None)) is not None
    }


class NamespaceInfo:
    """What `__array_namespace_info__` tells: capabilities, devices and dtypes."""

    def capabilities(self) -> dict[str, Any]:
        """What works, and up to how many axes."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self) -> str:
        return DEVICE

    def devices(self) -> list[str]:
        """The only one."""
        return [DEVICE]

    def default_dtypes(self, *, device: Any = None) -> dict[str, DType]:
        """The dtypes of what is made without one."""
        check_device(device)
        return dict(DEFAULT_DTYPES)

    def dtypes(self, *, device: Any = None, kind: Any = None) -> dict[str, DType]:
        """The dtypes of the standard that there are, all or those of a kind."""
        check_device(device)
        return {name: d for name, d in STANDARD_DTYPES.items() if kind is None or datatypes.isdtype(d, kind)}
