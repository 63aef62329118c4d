"""What an elementwise op costs, in rough cycles for an element: read off its own definition by a counting reader."""

from __future__ import annotations

from functools import cache
from typing import Any

from graphc.ops.base import Elementwise
from graphc.types import float32

_CYCLES = {
    "exp": 10,
    "expm1": 14,
    "log": 12,
    "log1p": 16,
    "log2": 14,
    "log10": 14,
    "sin": 20,
    "cos": 20,
    "tan": 30,
    "atan": 20,
    "tanh": 16,
    "erf": 20,
    "erfc": 30,
    "pow": 40,
    "sqrt": 6,
    "floor_divide": 10,
    "remainder": 10,
}
_DIVISION = 5
EXPENSIVE = 8  # from here on, computing a value twice costs more than storing and loading it


@cache
def cycles(op: Elementwise) -> int:
    """The cost of one application of an op."""
    counter = _Counter()
    assert op.arity is not None
    op.scalar(counter, *(_Counted(counter) for _ in range(op.arity)))
    return counter.total


class _Counter:
    """A vocabulary that adds up what it is asked for."""

    def __init__(self) -> None:
        self.total = 0

    def spend(self, amount: int) -> _Counted:
        self.total += amount
        return _Counted(self)

    def __getattr__(self, word: str) -> Any:
        return lambda *args: self.spend(_CYCLES.get(word, 1))


class _Counted:
    """A value of the counting vocabulary."""

    dtype = float32  # an op may choose by it; the cost is the same

    def __init__(self, counter: _Counter) -> None:
        self.counter = counter

    def _cheap(self, other: Any = None) -> _Counted:
        return self.counter.spend(1)

    def _division(self, other: Any) -> _Counted:
        return self.counter.spend(_DIVISION)

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __neg__ = _cheap
    __truediv__ = __rtruediv__ = _division
