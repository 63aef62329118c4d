"""Right or wrong, and better or worse than the formula as it is written.

In: what a system returned, what NumPy (for values) and PyTorch's reverse mode (for derivatives) make of the formula
op by op, and the exact numbers. Out: one verdict a point.

A number is right if at most 8 bits are lost: it is within 256 units in the last place of the exact one. A partial
derivative is right as well if it is within 4 units in the last place of the largest one by the same input. All numbers
of a point have to be right. What is beyond the largest float is right as infinity.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any

import mpmath
import numpy as np

from benchmarks.stability.case import Array, Case, Probe
from benchmarks.stability.exact import exact_slopes, exact_values, unit

LOST_BITS = 8
NORM_UNITS = 4
ROUNDED_UNITS = 4


class Verdict(StrEnum):
    """One letter a point, as results.json has them."""

    KEPT = "k"  # right as written, and right
    REPAIRED = "r"  # wrong as written, and right
    HARMED = "h"  # right as written, and wrong
    WRONG = "w"  # wrong both times
    FAILED = "f"  # the system has no such function, or raised, or crashed
    OPEN = "-"  # the case does not say what is right


Truth = list[list[Array | None]]
"""For each point the exact arrays, None where it is open: one array for values, one an input for derivatives."""


def truths(case: Case, dtype: str) -> tuple[Truth, Truth]:
    """Exact values and derivatives at each point."""
    calls = case.arrays(dtype)
    if case.together:  # each point is a call of its own, except for the shape
        calls = [tuple(x[i : i + 1] for x in calls[0]) for i in range(len(calls[0][0]))]
    values: Truth = [
        [as_array(case.values[i]) if i in case.values else at(exact_values(case, arrays, dtype), case.together)]
        for i, arrays in enumerate(calls)
    ]
    if not case.gradient:
        return values, []
    slopes: Truth = [
        stated(case.slopes[i], len(arrays))
        if i in case.slopes
        else [at(slope, case.together) for slope in exact_slopes(case, arrays, dtype)]
        for i, arrays in enumerate(calls)
    ]
    return values, slopes


def at(array: Array, together: bool) -> Array:
    return as_array(array[0]) if together else array


def stated(slopes: Any, inputs: int) -> list[Array | None]:
    """What a case says of the derivatives: None, a number that is the same for all inputs, or one entry an input."""
    if slopes is None or np.ndim(slopes) == 0:
        return [None if slopes is None else as_array(slopes)] * inputs
    return [as_array(entry) for entry in slopes]


def as_array(value: Any) -> Array:
    return np.asarray(value, dtype=object)


def points_of(outputs: Sequence[Sequence[Array]], together: bool) -> list[list[Array]]:
    """The arrays of each point, out of the arrays of each call."""
    if not together:
        return [list(call) for call in outputs]
    (call,) = outputs
    return [[array[i] for array in call] for i in range(len(call[0]))]


def correct(found: Sequence[Array], truth: Sequence[Array | None], dtype: str, derivatives: bool) -> bool:
    """Whether all numbers of a point are right."""
    for array, exact in zip(found, truth, strict=True):
        if exact is None:
            continue
        if np.shape(array) != exact.shape or np.asarray(array).dtype != dtype:
            return False
        largest = max((abs(t) for t in exact.ravel() if mpmath.isfinite(t)), default=0)
        slack = NORM_UNITS * unit(mpmath.mpf(largest), dtype) if derivatives else 0
        if not all(right(float(a), t, dtype, slack) for a, t in zip(np.ravel(array), exact.ravel(), strict=True)):
            return False
    return True


def right(found: float, truth: Any, dtype: str, slack: Any = 0) -> bool:
    if mpmath.isnan(truth):
        return bool(np.isnan(found))
    if abs(truth) > float(np.finfo(dtype).max):
        return bool(np.isinf(found) and (found > 0) == (truth > 0))
    if not np.isfinite(found):
        return False
    allowed = mpmath.ldexp(unit(mpmath.mpf(truth), dtype), LOST_BITS)
    return bool(abs(mpmath.mpf(found) - truth) <= max(allowed, slack))


def verdict(before: bool, after: bool) -> Verdict:
    if after:
        return Verdict.KEPT if before else Verdict.REPAIRED
    return Verdict.HARMED if before else Verdict.WRONG


def verdicts(right_before: Iterable[bool | None], right_after: Iterable[bool]) -> str:
    """The verdict of each point; what is open before is open."""
    return "".join(
        Verdict.OPEN if before is None else verdict(before, after)
        for before, after in zip(right_before, right_after, strict=True)
    )


def same_bits(probe: Probe, found: Array, wanted: Array, dtype: str) -> bool:
    """Whether an answer is that of IEEE arithmetic; all NaNs are alike."""
    if np.shape(found) != np.shape(wanted):
        return False
    return all(same_number(float(a), float(b), probe.rounded, dtype) for a, b in zip(np.ravel(found), np.ravel(wanted)))


def same_number(found: float, wanted: float, rounded: bool, dtype: str) -> bool:
    if np.isnan(found) or np.isnan(wanted):
        return bool(np.isnan(found) and np.isnan(wanted))
    if found == wanted:
        return bool(np.signbit(found) == np.signbit(wanted))
    near = abs(found - wanted) <= ROUNDED_UNITS * abs(wanted) * float(np.finfo(dtype).eps)
    return bool(rounded and wanted != 0 and np.isfinite(wanted) and near)
