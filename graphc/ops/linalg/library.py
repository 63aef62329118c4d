"""Calls of LAPACK through NumPy: a routine and arrays go in, its results come out, NaN for items that fail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def call(routine: Callable[..., Any], *xs: Array) -> Any:
    """The results of a routine on stacks of matrices: one array, or a tuple.

    A matrix of the first stack that is not finite, or for which the routine raises LinAlgError, gives NaN in all
    results, alone.
    """
    failing = np.array(~np.isfinite(xs[0]).all((-2, -1)))
    if not failing.any():
        try:
            return routine(*xs)
        except np.linalg.LinAlgError:
            pass
    for index in np.ndindex(failing.shape):
        failing[index] = failing[index] or _fails(routine, [x[index] for x in xs])
    harmless = np.where(failing[..., None, None], np.eye(*xs[0].shape[-2:], dtype=xs[0].dtype), xs[0])
    results = routine(harmless, *xs[1:])
    if isinstance(results, tuple):
        return tuple(_nan_where(failing, result) for result in results)
    return _nan_where(failing, results)


def _nan_where(failing: Array, result: Array) -> Array:
    each = failing.reshape(failing.shape + (1,) * (np.ndim(result) - failing.ndim))
    return np.where(each, np.nan, result)


def _fails(routine: Callable[..., Any], xs: Sequence[Array]) -> bool:
    try:
        routine(*xs)
    except np.linalg.LinAlgError:
        return True
    return False
