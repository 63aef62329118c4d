"""Accumulators as CUDA C++: how each is declared, combined with values, and finished by a thread or by a block.

Comes in: accumulators of the kernel IR; goes out: statements. Long sums of floats are added in blocks, whose sums go
to a `TwofoldSum` of the prelude; compensated sums live there altogether. So every order is fixed by sizes alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graphc.backends.cuda.notation import Names, type_name
from graphc.backends.cuda.scalars import CudaScalars, Value, literal, printed, rounded, widened
from graphc.kernel import BLOCK, Accumulate, Accumulator, Combine, Statement
from graphc.types import DType, bool_

_SCALARS = CudaScalars()
_COMBINE: dict[Combine, str] = {"sum": "Sum", "prod": "Product", "max": "Maximum", "min": "Minimum"}


def identity(accumulator: Accumulator) -> Value:
    """What leaves every value as it is: the result of an empty loop."""
    dtype = accumulator.dtype
    if accumulator.start is not None:
        return literal(accumulator.start, dtype)
    if accumulator.combine not in ("max", "min"):
        return literal(int(accumulator.combine == "prod"), dtype)
    sign = -1 if accumulator.combine == "max" else 1
    if dtype.is_float:
        return literal(sign * float("inf"), dtype)
    if dtype is bool_:
        return literal(sign > 0, dtype)
    limits = np.iinfo(dtype.numpy)
    return literal(int(limits.min if sign < 0 else limits.max), dtype)


@dataclass(frozen=True)
class Running:
    """An accumulator while its loop runs: a variable of its dtype, and the name of a twofold sum or an empty text."""

    accumulator: Accumulator
    variable: Value
    twofold: str

    @property
    def dtype(self) -> DType:
        return self.variable.dtype

    @property
    def in_blocks(self) -> bool:
        """Whether the variable is the sum of a block that still has to go to the twofold sum."""
        return self.accumulator.combine == "sum" and bool(self.twofold)

    @property
    def so_far(self) -> Value:
        """What has been taken in."""
        return Value(self.dtype, f"{self.twofold}.high()") if self.compensated else self.variable

    @property
    def compensated(self) -> bool:
        return self.accumulator.combine == "compensated_sum"

    def declared(self) -> list[str]:
        lines = [f"TwofoldSum<{type_name(self.dtype)}> {self.twofold};"] if self.twofold else []
        start = printed(identity(self.accumulator))
        if self.compensated and self.accumulator.start is not None:
            lines.append(f"{self.twofold}.total = {start};")
        if not self.compensated:
            lines.append(f"{type_name(self.dtype)} {printed(self.variable)} = {start};")
        return lines

    def combined(self, value: Value, factor: Value | None) -> str:
        """The statement that takes in a value, or its product with a factor."""
        variable, value = self.variable, widened(value)
        match self.accumulator.combine:
            case "compensated_sum" if factor is not None:
                return f"{self.twofold}.add_product({printed(value)}, {printed(widened(factor))});"
            case "compensated_sum":
                return f"{self.twofold}.add({printed(value)});"
            case "sum":
                result = variable + value
            case "prod":
                result = variable * value
            case "max":
                result = _SCALARS.maximum(variable, value)
            case "min":
                result = _SCALARS.minimum(variable, value)
        return f"{printed(variable)} = {printed(result)};"

    def closed(self) -> str:
        """The statement that ends a block."""
        zero = printed(literal(0, self.dtype))
        return f"{self.twofold}.add({printed(self.variable)}), {printed(self.variable)} = {zero};"

    def joined(self) -> str:
        """The statement that joins what the threads of a block have."""
        if self.twofold:
            nothing = f"TwofoldSum<{type_name(self.dtype)}>()"
            return f"{self.twofold} = block_reduce<Sum>({self.twofold}, {nothing}, partials);"
        start, combine = printed(identity(self.accumulator)), _COMBINE[self.accumulator.combine]
        return f"{printed(self.variable)} = block_reduce<{combine}>({printed(self.variable)}, {start}, partials);"

    def finished(self) -> list[str]:
        """What makes the variable the result, rounded to the dtype of the accumulator."""
        lines = []
        if self.compensated:
            lines = [f"const {type_name(self.dtype)} {printed(self.variable)} = {self.twofold}.high();"]
        elif self.twofold:
            lines = [f"{printed(self.variable)} = {self.twofold}.high();"]
        if self.accumulator.dtype is not self.dtype:
            result = widened(rounded(self.variable, self.accumulator.dtype))
            lines.append(f"{printed(self.variable)} = {printed(result)};")
        return lines


def running(accumulator: Accumulator, names: Names, short: bool) -> Running:
    """An accumulator that begins; `short` says that it takes no more values than fill a block."""
    dtype, name = accumulator.dtype.compute, names.of_value(accumulator.name)
    twofold = accumulator.combine == "compensated_sum" or (
        accumulator.combine == "sum" and dtype.is_float and not short
    )
    return Running(accumulator, Value(dtype, name), names.fresh(f"{name}_sum") if twofold else "")


def changed(body: Sequence[Statement]) -> set[str]:
    """The accumulators that statements of a loop combine with values, not counting loops in it."""
    return {statement.accumulator for statement in body if isinstance(statement, Accumulate)}


def is_short(body: Sequence[Statement], accumulator: Accumulator, iterations: object, threads: int) -> bool:
    """Whether the iterations of a loop, dealt out to threads, fill no more than one block of an accumulator."""
    count = sum(isinstance(s, Accumulate) and s.accumulator == accumulator.name for s in body)
    return count == 1 and isinstance(iterations, int) and iterations <= BLOCK * threads
