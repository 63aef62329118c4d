"""Questions about dtypes, as the Array API standard asks them: conversion, promotion, kinds, limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from graphc.errors import DTypeError
from graphc.ir.node import Node, public
from graphc.ops.conversion import as_node, cast
from graphc.types import DType, as_dtype, promote, weak_dtype

_KINDS = {
    "bool": "b",
    "signed integer": "i",
    "unsigned integer": "u",
    "integral": "iu",
    "real floating": "f",
    "complex floating": "",
    "numeric": "iuf",
}


@dataclass(frozen=True)
class FloatLimits:
    """What a float dtype can hold; `eps` is the distance from 1 to the next larger number."""

    dtype: DType
    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float


@dataclass(frozen=True)
class IntegerLimits:
    """What an integer dtype can hold."""

    dtype: DType
    bits: int
    max: int
    min: int


@public
def astype(x: Any, dtype: Any, *, copy: bool = True) -> Any:
    """`x` converted to a dtype. Nodes have no memory of their own, so `copy` changes nothing."""
    return cast(x, dtype)


@public
def can_cast(from_: Any, to: Any) -> bool:
    """Whether a dtype, or that of an array, becomes another one by promotion."""
    wanted = as_dtype(to)
    return promote(_dtype(from_), wanted) is wanted


@public
def result_type(*arrays_and_dtypes: Any) -> DType:
    """The dtype of an op on arrays, dtypes and numbers. Raises DTypeError if numbers stand alone."""
    numbers = [x for x in arrays_and_dtypes if isinstance(x, bool | int | float) and not isinstance(x, np.generic)]
    typed = [_dtype(x) for x in arrays_and_dtypes if not any(x is number for number in numbers)]
    if not typed:
        raise DTypeError("no dtype follows from numbers alone", help="give an array or a dtype")
    dtype = promote(*typed)
    for number in numbers:
        dtype = weak_dtype(number, dtype)
    return dtype


@public
def isdtype(dtype: Any, kind: Any) -> bool:
    """Whether a dtype is of a kind ("bool", "signed integer", "integral", "real floating" …), or is a given dtype.

    A tuple of kinds and dtypes means any of them. Raises DTypeError for an unknown kind.
    """
    dtype = as_dtype(dtype)
    if isinstance(kind, tuple):
        return any(isdtype(dtype, one) for one in kind)
    if isinstance(kind, str) and kind in _KINDS:
        return dtype.kind in _KINDS[kind]
    if isinstance(kind, str):
        raise DTypeError(f"{kind!r} is no kind of dtypes", help=f"one of {', '.join(_KINDS)}")
    return dtype is as_dtype(kind)


@public
def finfo(type: Any) -> FloatLimits:
    """The limits of a float dtype, or of that of an array. Raises DTypeError for another."""
    dtype = _dtype(type)
    if not dtype.is_float:
        raise DTypeError(f"{dtype.name} is no float dtype", help="iinfo tells about integers")
    info = dtype.limits
    numbers = (float(value) for value in (info.eps, info.max, info.min, info.smallest_normal))
    return FloatLimits(dtype, dtype.bits, *numbers)


@public
def iinfo(type: Any) -> IntegerLimits:
    """The limits of an integer dtype, or of that of an array. Raises DTypeError for another."""
    dtype = _dtype(type)
    if not dtype.is_integer:
        raise DTypeError(f"{dtype.name} is no integer dtype", help="finfo tells about floats")
    info = np.iinfo(dtype.numpy)
    return IntegerLimits(dtype, dtype.bits, int(info.max), int(info.min))


def _dtype(x: Any) -> DType:
    if isinstance(x, Node | np.ndarray | np.generic | list):
        return as_node(x).dtype
    return as_dtype(x)
