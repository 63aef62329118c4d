"""What an identity is, and tables of them.

    @ROOTS.identity
    def conjugate_of_roots(a, b):
        return sqrt(a) - sqrt(b), (a - b) / (sqrt(a) + sqrt(b))

The left-hand side may be replaced by the right-hand side: over the real numbers, wherever the left one is defined and
`when` holds, both are equal, but where the right one divides by zero or has the logarithm of zero.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from graphc.interpret.interval import Interval
from graphc.ir.term import Application, Variable

Condition = Callable[..., bool]


@dataclass(frozen=True, eq=False)
class Identity:
    """Two terms that are equal where the first is defined and the condition, on intervals, holds."""

    name: str
    before: Application
    after: Any
    when: Condition | None
    variables: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.before} -> {self.after}"

    def holds(self, intervals: dict[str, Interval]) -> bool:
        """Whether the condition is proved by where the variables lie."""
        if self.when is None:
            return True
        return self.when(**{name: intervals[name] for name in inspect.signature(self.when).parameters})


class Table:
    """Identities in order."""

    def __init__(self) -> None:
        self.rows: list[Identity] = []

    def __iter__(self) -> Iterator[Identity]:
        return iter(self.rows)

    def identity(self, function: Callable[..., Any] | None = None, *, when: Condition | None = None) -> Any:
        """Decorator: add the pair of terms that a function of variables returns."""

        def register(function: Callable[..., Any]) -> Identity:
            names = tuple(inspect.signature(function).parameters)
            before, after = function(*map(Variable, names))
            row = Identity(function.__name__, before, after, when, names)
            self.rows.append(row)
            return row

        return register if function is None else register(function)

    def both_ways(self, function: Callable[..., Any]) -> None:
        """Decorator: each side may be replaced by the other; both are defined at the same points."""
        names = tuple(inspect.signature(function).parameters)
        one, other = function(*map(Variable, names))
        self.rows.append(Identity(function.__name__, one, other, None, names))
        self.rows.append(Identity(f"{function.__name__}_back", other, one, None, names))


def nonnegative(a: Interval) -> bool:
    """A condition: no value is below 0."""
    return a.low >= 0
