"""Declared bounds: what a user promises about the elements of an input, as numbers of its dtype.

Comes in: a pair of numbers, open at infinite ends; goes out: the nearest numbers of the dtype. None is NaN then.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from graphc.errors import DTypeError, GraphError
from graphc.types import DType

Bounds = tuple[float, float]  # integers for integer dtypes, but for open ends


def as_bounds(given: Any, dtype: DType) -> Bounds:
    """The bounds of values of a dtype. Raises GraphError or DTypeError for what is no range of them."""
    if dtype.kind == "b":
        raise DTypeError("truth values have no range")
    try:
        low, high = given
    except (TypeError, ValueError):
        raise GraphError(f"{given!r:.80} is no range", help="a pair such as (0, 1) or (0, float('inf'))") from None
    low, high = (_bound(value, dtype) for value in (low, high))
    if low > high or low == math.inf or high == -math.inf:
        raise GraphError(f"no number lies in [{low}, {high}]", help="the lower bound comes first")
    return low, high


def _bound(value: Any, dtype: DType) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise GraphError(f"{value!r:.80} is no bound", help="a number, or an infinity for an open end")
    if math.isnan(value):
        raise GraphError("NaN bounds nothing", help="use an infinity for an open end")
    if math.isinf(value):
        return float(value)
    if dtype.is_float:
        return _nearest(value, dtype)
    limits = np.iinfo(dtype.numpy)
    if value != math.floor(value):
        raise DTypeError(f"the bound {value} is no {dtype.name}")
    whole = operator.index(value) if hasattr(value, "__index__") else int(value)
    if not limits.min <= whole <= limits.max:
        raise DTypeError(f"the bound {value} is no {dtype.name}", help="use an infinity for an open end")
    return whole


def _nearest(value: Any, dtype: DType) -> float:
    """The number of a floating-point dtype that is nearest to a finite one."""
    try:
        with np.errstate(over="ignore"):
            # 0.0 has no sign here: as bounds both zeros are the same.
            found = float(np.asarray(float(value)).astype(dtype.numpy)) + 0.0
    except OverflowError:
        found = math.inf
    if math.isinf(found):
        raise DTypeError(f"the bound {value} is no {dtype.name}", help="use an infinity for an open end")
    return found
