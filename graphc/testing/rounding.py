"""How much rounding may change a result: the reference again and again, with random errors in the last place.

A graph and its inputs go in, for each result its value and a bound for each element come out: narrow where the
computation is stable, wide where it cancels or stands on the edge of a step. This is Monte Carlo arithmetic.
Source: Parker, Monte Carlo Arithmetic: exploiting randomness in floating-point arithmetic, UCLA, 1997.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from graphc.interpret.numpy_reader import NumpyReader
from graphc.ir.op import Op
from graphc.ops import elementwise, logic
from graphc.ops.barrier import Barrier, StopGradient
from graphc.ops.contraction import Matmul
from graphc.ops.conversion import Addition, Expand, Reshape
from graphc.ops.cumulative import CumulativeMax, CumulativeMin
from graphc.ops.movement import Concat, Pad
from graphc.ops.position import Extent, Iota
from graphc.ops.reduction import Max, Min, Prod
from graphc.types import TensorType, as_dtype

Array = np.ndarray[Any, Any]
UNITS = 2.0  # in the last place: what a function may be wrong by
SAMPLES = 6

_EXACT = (
    *(Barrier, StopGradient, Expand, Reshape, Concat, Pad, Extent, Iota, Max, Min, CumulativeMax, CumulativeMin),
    *(logic.Where, elementwise.Maximum, elementwise.Minimum, elementwise.Abs, elementwise.Negative),
    *(elementwise.Sign, elementwise.Floor, elementwise.Ceil, elementwise.Trunc, elementwise.Round),
)
_ACCUMULATES = (Addition, Prod, Matmul)
_CANCELS = (elementwise.Add, elementwise.Subtract)


class RoundingReader(NumpyReader):
    """The reference with random errors; `overflowed` says whether some op made an infinity or NaN.

    Every third one makes a sum exactly 0 that is no more than errors of its terms: random errors seldom meet, but a
    target's may, and next to 0 there are steps, such as the logarithm of a negative number that a factor 0 leaves out.
    """

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._nan = math.copysign(math.nan, 1 if seed % 2 else -1)  # its sign is open, also to copysign
        self._meets = seed % 3 == 0
        self.overflowed = False

    def apply(self, op: Op, type_: TensorType, xs: Sequence[Array]) -> Array:
        exact = not type_.dtype.is_float or not xs or isinstance(op, _EXACT) or op.moves
        if isinstance(op, _ACCUMULATES) and not exact:
            xs = [self._disturbed(x) for x in xs]
        result = super().apply(op, type_, xs)
        if exact:
            return result
        if isinstance(op, _CANCELS) and self._meets:
            result = _without_noise(result, xs)
        self.overflowed |= not bool(np.isfinite(result).all())
        return self._disturbed(result)

    def _disturbed(self, x: Array) -> Array:
        limits = as_dtype(x.dtype).limits
        errors = self._rng.uniform(-UNITS, UNITS, (2, *x.shape))
        with np.errstate(all="ignore"):
            wide = x.astype(np.float64) * (1 + errors[0] * float(limits.eps))
            wide = np.where(x == 0, wide, wide + errors[1] * float(limits.smallest_subnormal))
            wide = np.where(np.isnan(wide), self._nan, wide)
            return np.asarray(wide).astype(x.dtype)


def _without_noise(result: Array, terms: Sequence[Array]) -> Array:
    """A sum, 0 where it is smaller than what its terms may be wrong by."""
    error = UNITS * float(as_dtype(result.dtype).limits.eps)
    noise = sum(np.abs(x.astype(np.float64)) * error for x in terms)
    return np.where(np.abs(result.astype(np.float64)) < noise, np.zeros_like(result), result)


@dataclass(frozen=True)
class Expectation:
    """The value of a result, what each element may be off by, and where it may be anything at all."""

    value: Array
    bound: Array
    uncertain: Array

    def differs(self, got: Array, *, tolerance: float) -> Any:
        """Where an array is further off than `tolerance` times the bound."""
        if not as_dtype(got.dtype).is_float:
            return (got != self.value) & ~self.uncertain
        with np.errstate(all="ignore"):
            a, b = got.astype(np.float64), self.value.astype(np.float64)
            same = (a == b) | (np.isnan(a) & np.isnan(b)) | (np.abs(a - b) <= tolerance * self.bound)
        return ~same & ~self.uncertain


def expectations(run: Callable[[NumpyReader], Sequence[Array] | None]) -> tuple[list[Expectation], bool]:
    """What `run` should give with any reader that rounds, and whether anything overflowed on the way.

    Where rounding makes it fail (an index leaves its axis), it gives None, and everything is uncertain.
    """
    values = run(NumpyReader()) or []
    readers = [RoundingReader(seed) for seed in range(SAMPLES)]
    samples = [found for reader in readers if (found := run(reader)) is not None]
    expected = [_expectation(value, [each[i] for each in samples]) for i, value in enumerate(values)]
    if len(samples) < SAMPLES:
        expected = [replace(each, uncertain=np.ones(each.value.shape, bool)) for each in expected]
    return expected, any(reader.overflowed for reader in readers)


def _expectation(value: Array, samples: Sequence[Array]) -> Expectation:
    if not as_dtype(value.dtype).is_float:
        uncertain = np.any([each != value for each in (value, *samples)], axis=0)
        return Expectation(value, np.zeros(value.shape), uncertain)
    every = np.array([each.astype(np.float64) for each in (value, *samples)])
    finite = np.isfinite(every).all(0)
    with np.errstate(all="ignore"):
        certain = finite | np.isnan(every).all(0) | (np.isinf(every[0]) & (every == every[0]).all(0))
        spread = np.where(finite, every.max(0) - every.min(0), 0.0)
        limits = as_dtype(value.dtype).limits
        last_place = np.abs(every[0]) * float(limits.eps) + float(limits.smallest_subnormal)
    return Expectation(value, spread + last_place, ~certain)
