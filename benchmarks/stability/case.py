"""What is tried: a formula with the points at which it is hard.

In: formulas `formula(xp, *inputs)` over the vocabulary of words.py. Out: `Case` and `Probe`, which give the arrays
that every system is called with.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Arrays = tuple[Array, ...]
Formula = Callable[..., Any]
DTYPES = ("float32", "float64")


@dataclass(frozen=True)
class Case:
    """A textbook formula. A point is its argument, or a tuple of several; all points have the same shapes."""

    name: str
    row: str
    """The number of the identity in the catalogue of rewrites, or "-"."""
    formula: Formula
    points: Sequence[Any]
    narrow: Sequence[Any] | None = None
    """The points in float32, if they are others."""
    values: Mapping[int, Any] = field(default_factory=dict)
    """What is right at a point, where it is a limit or a convention and not a number that can be calculated."""
    slopes: Mapping[int, Any] = field(default_factory=dict)
    """The same for the derivative by the inputs: one entry an input."""
    gradient: bool = True
    source: str = ""
    """Where the formula is discussed."""

    def arrays(self, dtype: str) -> list[Arrays]:
        """The inputs of each call. Points that are plain numbers go together, as one array."""
        points = self.narrow if self.narrow is not None and dtype == "float32" else self.points
        return arrays_of(points, dtype)

    @property
    def together(self) -> bool:
        """Whether all points are the elements of one call."""
        return all(np.ndim(argument) == 0 for argument in arguments(self.points[0]))


@dataclass(frozen=True)
class Probe:
    """A formula whose IEEE answer is the right one: a system that gives another has harmed it."""

    name: str
    formula: Formula
    points: Sequence[Any]
    rounded: bool = False
    """Whether a few units in the last place are a matter of the library's functions; special values never are."""
    source: str = ""
    gradient = False
    together = True

    def arrays(self, dtype: str) -> list[Arrays]:
        return arrays_of(self.points, dtype)


@dataclass(frozen=True)
class Family:
    """Cases of one kind: a row of the table."""

    name: str
    cases: Sequence[Case]


def arrays_of(points: Sequence[Any], dtype: str) -> list[Arrays]:
    rows = [arguments(point) for point in points]
    with np.errstate(over="ignore", under="ignore"):
        if all(np.ndim(argument) == 0 for argument in rows[0]):
            return [tuple(np.array(column, dtype) for column in zip(*rows, strict=True))]
        return [tuple(np.array(argument, dtype) for argument in row) for row in rows]


def arguments(point: Any) -> tuple[Any, ...]:
    return point if isinstance(point, tuple) else (point,)
