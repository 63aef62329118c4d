"""Accumulators in registers: identity, combination, and the fixed tree that joins the lanes at the end.

Long sums of floats are added in blocks: a block's sum goes into a total whose rounding errors are kept in a
second register (two-sum), so the error does not grow with the length.
"""

from collections.abc import Callable, Sequence

from graphc.backends.llvm.mathematics.formats import two_sum
from graphc.backends.llvm.values import Value, type_text
from graphc.backends.llvm.vocabulary import Vectors
from graphc.kernel import Accumulator, Combine
from graphc.types import DType, bool_

BLOCK = 16  # additions between two steps of a compensated sum


def identity(combine: Combine, dtype: DType) -> bool | int | float:
    """What changes nothing when combined."""
    if combine in ("sum", "prod"):
        return int(combine == "prod")
    if dtype.is_float:
        return float("-inf" if combine == "max" else "inf")
    if dtype is bool_:
        return combine == "min"
    lowest = -(1 << (dtype.bits - 1)) if dtype.kind == "i" else 0
    return lowest if combine == "max" else lowest + (1 << dtype.bits) - 1


class Running:
    """An accumulator while its loop runs. `registers` is what goes from one iteration to the next."""

    def __init__(self, words: Vectors, accumulator: Accumulator, lanes: int, long: bool, folds: bool) -> None:
        self.accumulator = accumulator
        self._words = words
        dtype = accumulator.dtype.compute
        start = words.splat(words.constant(identity(accumulator.combine, dtype), dtype), lanes)
        self.compensated = long and accumulator.combine == "sum" and dtype.is_float
        self.registers = [start] * (3 if self.compensated else 1)
        # One instruction finds the larger of two, another in two vectors at once whether there was a NaN.
        self.watches_nan = folds and lanes > 1 and accumulator.combine in ("max", "min") and dtype.is_float
        if self.watches_nan:
            self.registers.append(words.splat(words.constant(False, bool_), lanes // 2))

    def add(self, value: Value, mask: Value | None) -> None:
        """Combine a value where the mask holds."""
        old = self.registers[0]
        if self.watches_nan:
            value = self._words.splat(value, old.lanes)
            value = value if mask is None else self._words.select(mask, value, self._identity())
            unordered = self._words.compare("uno", self._half(value, 0), self._half(value, 1))
            self.registers = [self._better(value, old), self._words.integer("or", self.registers[1], unordered)]
            return
        new = self._combine(old, value)
        self.registers[0] = new if mask is None else self._words.select(mask, new, old)

    def close_block(self) -> None:
        """Move the sum of a block to the total."""
        if self.compensated:
            block, total, lost = self.registers
            total, error = two_sum(total, block)
            zero = self._words.splat(self._words.constant(0, block.dtype), block.lanes)
            self.registers = [zero, total, lost + error]

    def finish(self, lanes: int) -> Value:
        """The result, with this many lanes: those of an enclosing loop, or 1."""
        self.close_block()
        if self.watches_nan:
            best, unordered = self.registers
            while best.lanes > 1:
                best = self._better(self._half(best, 0), self._half(best, 1))
            return self._words.select(self._words.any(unordered), float("nan"), best)
        parts = self.registers[1:] if self.compensated else self.registers
        while parts[0].lanes > lanes:
            parts = self._fold(parts)
        if not self.compensated:
            return parts[0]
        total, lost = parts
        finite = self._words.compare("ord", lost, lost)  # infinities leave no meaningful error
        return self._words.select(finite, total + lost, total)

    def _identity(self) -> Value:
        return self._words.constant(identity(self.accumulator.combine, self.accumulator.dtype), self.registers[0].dtype)

    def _better(self, x: Value, y: Value) -> Value:
        """The larger or smaller of two values of which none that matters is NaN."""
        predicate = "ogt" if self.accumulator.combine == "max" else "olt"
        return self._words.select(self._words.compare(predicate, x, y), x, y)

    def _combine(self, x: Value, y: Value) -> Value:
        words = self._words
        combine: dict[Combine, Callable[[Value, Value], Value]] = {
            "sum": words.fused_add,
            "prod": lambda a, b: a * b,
            "max": lambda a, b: words.maximum(b, a),
            "min": lambda a, b: words.minimum(b, a),
        }
        return combine[self.accumulator.combine](x, y)

    def _fold(self, parts: Sequence[Value]) -> list[Value]:
        """Combine the upper half of the lanes with the lower half."""
        halves = [(self._half(part, 0), self._half(part, 1)) for part in parts]
        if not self.compensated:
            return [self._combine(*halves[0])]
        total, error = two_sum(*halves[0])
        return [total, halves[1][0] + halves[1][1] + error]

    def _half(self, x: Value, which: int) -> Value:
        count = x.lanes // 2
        if count == 1:
            return self._words.emit(f"extractelement {x.typed}, i32 {which}", x.dtype, 1)
        lanes = ", ".join(f"i32 {which * count + lane}" for lane in range(count))
        poison = f"{type_text(x.dtype, x.lanes)} poison"
        return self._words.emit(
            f"shufflevector {x.typed}, {poison}, <{count} x i32> <{lanes}>", x.dtype, count
        )
