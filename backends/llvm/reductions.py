"""Accumulators in registers: an accumulator goes in, what its loop carries comes out, and at the end the result.

Lanes add up for themselves and are joined by a fixed tree at the end, so the order depends on sizes and on the machine
alone. Long sums of floats are added in blocks of 16 values a lane: the sums of blocks go to totals of twice the
precision, so the error does not grow with the length. Twice the precision of float32 is float64, that of float64 is a
total with a second register for its rounding errors.
Sources: Castaldo, Whaley & Chronopoulos, Reducing floating point error in dot product using the superblock family of
algorithms, 2008; Joldes, Muller & Popescu, Tight and rigorous error bounds for basic building blocks of double-word
arithmetic, 2017.
"""

from __future__ import annotations

from collections.abc import Callable

from graphc.backends.llvm.mathematics.formats import fast_two_sum, two_product, two_sum
from graphc.backends.llvm.values import Value
from graphc.backends.llvm.vocabulary import Vectors
from graphc.kernel import Accumulator, Combine
from graphc.types import DType, bool_, float32, float64


def identity(combine: Combine, dtype: DType) -> bool | int | float:
    """What changes nothing when combined."""
    if combine not in ("max", "min"):
        return int(combine == "prod")
    if dtype.is_float:
        return float("-inf" if combine == "max" else "inf")
    if dtype is bool_:
        return combine == "min"
    lowest = -(1 << (dtype.bits - 1)) if dtype.kind == "i" else 0
    return lowest if combine == "max" else lowest + (1 << dtype.bits) - 1


def begin(words: Vectors, accumulator: Accumulator, lanes: int, long: bool, folds: bool) -> Running:
    """An accumulator that begins: with this many lanes, `long` if it may take more than a block of values, `folds` if
    its lanes are joined at the end.
    """
    dtype, combine = accumulator.dtype.compute, accumulator.combine
    if combine == "compensated_sum":
        return (_WideSum if dtype is float32 else _CompensatedSum)(words, accumulator, lanes)
    if combine == "sum" and dtype.is_float and long:
        return (_BlocksIntoWide if dtype is float32 else _BlocksCompensated)(words, accumulator, lanes)
    if combine in ("max", "min") and dtype.is_float and folds and lanes > 1:
        return _Extreme(words, accumulator, lanes)
    return Running(words, accumulator, lanes)


class Running:
    """An accumulator while its loop runs: one value that others are combined with.

    `registers` is what goes from one iteration to the next; `closes` says that it wants `close_block` now and then.
    """

    closes = False

    def __init__(self, words: Vectors, accumulator: Accumulator, lanes: int) -> None:
        self._words, self._combine = words, accumulator.combine
        self.lanes, self.dtype = lanes, accumulator.dtype.compute
        self._first = identity(self._combine, self.dtype) if accumulator.start is None else accumulator.start
        self.registers = self._start()

    def _start(self) -> list[Value]:
        return [self._filled(self._first, self.dtype, self.lanes)]

    @property
    def value(self) -> Value:
        """What has been taken in so far, in lanes."""
        return self.registers[0]

    def add(self, value: Value, factor: Value | None, mask: Value | None) -> None:
        """Combine a value, or its product with a factor, where the mask holds."""
        new = self._added(value, factor)
        if mask is not None:
            new = [self._words.select(mask, x, old) for x, old in zip(new, self.registers, strict=True)]
        self.registers = new

    def _added(self, value: Value, factor: Value | None) -> list[Value]:
        return [self._combined(self.registers[0], value)]

    def close_block(self) -> None:
        """Called after every `BLOCK` values or less."""

    def finish(self, lanes: int) -> Value:
        """The result, with this many lanes: those of an enclosing loop, or 1."""
        return self._folded(self.registers[0], lanes, self._combined)

    def _combined(self, x: Value, y: Value) -> Value:
        words = self._words
        combine: dict[Combine, Callable[[Value, Value], Value]] = {
            "sum": words.fused_add,
            "prod": lambda a, b: a * b,
            "max": lambda a, b: words.maximum(b, a),
            "min": lambda a, b: words.minimum(b, a),
        }
        return combine[self._combine](x, y)

    def _folded(self, x: Value, lanes: int, combine: Callable[[Value, Value], Value]) -> Value:
        """The upper half of the lanes is combined with the lower half, until as many are left."""
        while x.lanes > lanes:
            x = combine(self._half(x, 0), self._half(x, 1))
        return x

    def _filled(self, number: bool | int | float, dtype: DType, lanes: int) -> Value:
        return self._words.splat(self._words.constant(number, dtype), lanes)

    def _half(self, x: Value, which: int) -> Value:
        count = x.lanes // 2
        return self._words.part(x, which * count, count)


class _Extreme(Running):
    """One instruction finds the larger of two, another in two vectors at once whether there was a NaN."""

    def _start(self) -> list[Value]:
        return [*super()._start(), self._filled(False, bool_, self.lanes // 2)]

    def add(self, value: Value, factor: Value | None, mask: Value | None) -> None:
        words, (old, seen) = self._words, self.registers
        value = words.splat(value, self.lanes)
        if mask is not None:
            value = words.select(mask, value, words.constant(identity(self._combine, self.dtype), self.dtype))
        unordered = words.compare("uno", self._half(value, 0), self._half(value, 1))
        self.registers = [self._better(value, old), words.integer("or", seen, unordered)]

    def finish(self, lanes: int) -> Value:
        best, unordered = self.registers
        best = self._folded(best, lanes, self._better)
        return self._words.select(self._words.any(unordered), float("nan"), best)

    def _better(self, x: Value, y: Value) -> Value:
        """The larger or smaller of two values of which none that matters is NaN."""
        predicate = "ogt" if self._combine == "max" else "olt"
        return self._words.select(self._words.compare(predicate, x, y), x, y)


class _WideSum(Running):
    """A compensated sum of float32: all in float64, where products of two are exact."""

    def _start(self) -> list[Value]:
        return [self._filled(self._first, float64, self.lanes)]

    @property
    def value(self) -> Value:
        return self._words.cast(self.registers[0], self.dtype)

    def _added(self, value: Value, factor: Value | None) -> list[Value]:
        wide = self._words.cast(value, float64)
        if factor is not None:
            wide = wide * self._words.cast(factor, float64)
        return [self._words.fused_add(self.registers[0], wide)]

    def finish(self, lanes: int) -> Value:
        total = self._folded(self.registers[0], lanes, self._words.fused_add)
        return self._words.cast(total, self.dtype)


class _BlocksIntoWide(Running):
    """A sum of float32: blocks, and a total in float64."""

    closes = True

    def _start(self) -> list[Value]:
        return [*super()._start(), self._filled(0, float64, self.lanes)]

    def _added(self, value: Value, factor: Value | None) -> list[Value]:
        return [self._combined(self.registers[0], value), self.registers[1]]

    def close_block(self) -> None:
        block, total = self.registers
        self.registers = [self._filled(0, self.dtype, self.lanes), total + self._words.cast(block, float64)]

    def finish(self, lanes: int) -> Value:
        self.close_block()
        total = self._folded(self.registers[1], lanes, self._words.fused_add)
        return self._words.cast(total, self.dtype)


class _CompensatedSum(Running):
    """A compensated sum of float64: the rounding errors of all steps are added up beside it."""

    closes = True

    def _start(self) -> list[Value]:
        return [self._filled(self._first, self.dtype, self.lanes), self._filled(0, self.dtype, self.lanes)]

    @property
    def value(self) -> Value:
        return self._normal(*self.registers)[0]

    def _added(self, value: Value, factor: Value | None) -> list[Value]:
        total, lost = self.registers
        if factor is not None:
            value, error = two_product(self._words, value, factor)
            lost = lost + error
        total, error = two_sum(total, value)
        return [total, lost + error]

    def close_block(self) -> None:
        self.registers = list(self._normal(*self.registers))

    def finish(self, lanes: int) -> Value:
        self.close_block()
        total, lost = self._normal(*self.registers[-2:])
        while total.lanes > lanes:
            (a, b), (p, q) = ([self._half(x, which) for which in (0, 1)] for x in (total, lost))
            total, error = two_sum(a, b)
            total, lost = self._normal(total, p + q + error)
        return total

    def _normal(self, total: Value, lost: Value) -> tuple[Value, Value]:
        """The same number with all that fits in the total. Infinities leave no meaningful error."""
        usable = self._words.compare("ord", lost, total - total)
        near, rest = fast_two_sum(total, lost)
        return self._words.select(usable, near, total), self._words.select(usable, rest, 0)


class _BlocksCompensated(_CompensatedSum):
    """A sum of float64: blocks, and a compensated total."""

    def _start(self) -> list[Value]:
        return [self._filled(0, self.dtype, self.lanes)] * 3

    def _added(self, value: Value, factor: Value | None) -> list[Value]:
        return [self._combined(self.registers[0], value), *self.registers[1:]]

    def close_block(self) -> None:
        block, total, lost = self.registers
        total, error = two_sum(total, block)
        self.registers = [self._filled(0, self.dtype, self.lanes), total, lost + error]
