"""Calls of LAPACK through NumPy: a routine and arrays go in, its results come out, NaN for items that fail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def call(routine: Callable[..., Any], *xs: Array) -> Any:
    """The results of a routine on stacks of matrices. A matrix for which it raises LinAlgError gives NaN, alone."""
    try:
        return routine(*xs)
    except np.linalg.LinAlgError:
        return _one_by_one(routine, xs)


def _one_by_one(routine: Callable[..., Any], xs: Sequence[Array]) -> Any:
    """Failing items are replaced by the identity, and their results by NaN."""
    first = np.array(xs[0])
    failing = [index for index in np.ndindex(first.shape[:-2]) if _fails(routine, [x[index] for x in xs])]
    for index in failing:
        first[index] = np.eye(*first.shape[-2:])
    results = routine(first, *xs[1:])
    for result in results if isinstance(results, tuple) else (results,):
        for index in failing:
            result[index] = np.nan
    return results


def _fails(routine: Callable[..., Any], xs: Sequence[Array]) -> bool:
    try:
        routine(*xs)
    except np.linalg.LinAlgError:
        return True
    return False
