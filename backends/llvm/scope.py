"""What names mean at one place of a kernel, and how indices vary there."""

from __future__ import annotations

from dataclasses import dataclass, field

from graphc import dimension
from graphc.backends.llvm.indices import index_value
from graphc.backends.llvm.values import Value
from graphc.backends.llvm.vocabulary import Vectors
from graphc.dimension import symbols_of
from graphc.kernel import Index
from graphc.types import int64


@dataclass
class Scope:
    """The values so far. In a vector loop also its variable, and the lanes that lie within its extent."""

    words: Vectors
    lane_count: int
    values: dict[str, Value] = field(default_factory=dict)
    lane_variable: str | None = None  # its value is that of the first lane
    mask: Value | None = None  # None is all lanes

    @property
    def in_lanes(self) -> bool:
        return self.lane_variable is not None

    def index(self, index: Index, first_lane: bool = False) -> Value:
        """An index as int64, for every lane or for the first."""

        def value(name: str) -> Value:
            start = self.words.cast(self.values[name], int64)
            if name != self.lane_variable or first_lane:
                return start
            return start + self.words.lane_numbers(int64, self.lane_count)

        return index_value(self.words, index, value)

    def stride(self, index: Index) -> int | None:
        """How far apart the elements of neighbouring lanes are, if that is 0 or 1."""
        varying = {n for n in symbols_of(index) if n == self.lane_variable or self.values[n].lanes > 1}
        if not varying:
            return 0
        contiguous = varying == {self.lane_variable} and dimension.coefficient(index, self.lane_variable or "") == 1
        return 1 if contiguous else None

    def both(self, a: Value | None, b: Value | None) -> Value | None:
        """Where both masks hold."""
        if a is None or b is None:
            return b if a is None else a
        return self.words.integer("and", a, b)
