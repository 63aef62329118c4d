"""Values in LLVM registers and their arithmetic: the plain words, on which the mathematics is built.

A `Value` is a register or a constant, its dtype, and its number of lanes. One lane means the same for all
iterations: such a value stays scalar until it meets a vector. 16-bit floats live in memory only; here they
are float32 (`memory.py` converts).

No flag lets LLVM change a result, with one exception: a product may be fused into a sum that says so
(`fused_add`), which only saves a rounding.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphc.types import DType, bool_, float32, float64, int8, int16, int32, int64

if TYPE_CHECKING:
    from graphc.backends.llvm.text import Function

Number = bool | int | float
_TYPES = {bool_: "i1", float32: "float", float64: "double"}
_SIGNED = {8: int8, 16: int16, 32: int32, 64: int64}


def type_text(dtype: DType, lanes: int) -> str:
    """The LLVM type of a register."""
    element = _TYPES.get(dtype) or f"i{dtype.bits}"
    return element if lanes == 1 else f"<{lanes} x {element}>"


def type_suffix(dtype: DType, lanes: int) -> str:
    """How names of intrinsics spell the type."""
    element = "i1" if dtype is bool_ else f"f{dtype.bits}" if dtype.is_float else f"i{dtype.bits}"
    return element if lanes == 1 else f"v{lanes}{element}"


def constant_text(number: Number, dtype: DType) -> str:
    """A number as LLVM reads it; floats by their bits (LLVM writes a float as the double that equals it)."""
    if dtype is bool_:
        return "true" if number else "false"
    if not dtype.is_float:
        return str(int(number))
    wide = struct.unpack("<f", struct.pack("<f", number))[0] if dtype is float32 and number == number else number
    return f"0x{struct.unpack('<Q', struct.pack('<d', wide))[0]:016X}"


@dataclass(frozen=True, eq=False, slots=True)
class Value:
    """A register or constant, with operators."""

    text: str
    dtype: DType
    lanes: int
    words: Arithmetic

    @property
    def type(self) -> str:
        return type_text(self.dtype, self.lanes)

    @property
    def typed(self) -> str:
        return f"{self.type} {self.text}"

    def __add__(self, other: Value | Number) -> Value:
        return self.words.binary("add", self, other)

    def __radd__(self, other: Number) -> Value:
        return self.words.binary("add", other, self)

    def __sub__(self, other: Value | Number) -> Value:
        return self.words.binary("sub", self, other)

    def __rsub__(self, other: Number) -> Value:
        return self.words.binary("sub", other, self)

    def __mul__(self, other: Value | Number) -> Value:
        return self.words.binary("mul", self, other)

    def __rmul__(self, other: Number) -> Value:
        return self.words.binary("mul", other, self)

    def __truediv__(self, other: Value | Number) -> Value:
        return self.words.binary("div", self, other)

    def __rtruediv__(self, other: Number) -> Value:
        return self.words.binary("div", other, self)

    def __neg__(self) -> Value:
        return self.words.negative(self)


class Arithmetic:
    """Makes values and computes with them, by writing instructions at the end of a function."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self.machine = function.module.machine

    # Making values.

    def constant(self, number: Number, dtype: DType) -> Value:
        return Value(constant_text(number, dtype), dtype, 1, self)

    def emit(self, instruction: str, dtype: DType, lanes: int) -> Value:
        return Value(self.function.register(instruction), dtype, lanes, self)

    def call(self, name: str, dtype: DType, *args: Value, immediates: tuple[str, ...] = ()) -> Value:
        """Call a function of values of equal lanes; `immediates` are further typed constants."""
        result = type_text(dtype, args[0].lanes)
        types = [arg.type for arg in args] + [immediate.split()[0] for immediate in immediates]
        self.function.module.declare(f"{result} @{name}({', '.join(types)})")
        operands = ", ".join([*(arg.typed for arg in args), *immediates])
        return self.emit(f"call {result} @{name}({operands})", dtype, args[0].lanes)

    def intrinsic(self, name: str, *operands: Value | Number, immediates: tuple[str, ...] = ()) -> Value:
        """`llvm.name` on operands of one type, which is that of the result."""
        args = self.agree(*operands)
        suffix = type_suffix(args[0].dtype, args[0].lanes)
        return self.call(f"llvm.{name}.{suffix}", args[0].dtype, *args, immediates=immediates)

    def splat(self, value: Value, lanes: int) -> Value:
        """The same value in every lane."""
        if value.lanes == lanes:
            return value
        if not value.text.startswith("%"):
            return Value(f"splat ({value.typed})", value.dtype, lanes, self)
        vector = type_text(value.dtype, lanes)
        first = self.function.register(f"insertelement {vector} poison, {value.typed}, i32 0")
        zeros = f"<{lanes} x i32> zeroinitializer"
        return self.emit(f"shufflevector {vector} {first}, {vector} poison, {zeros}", value.dtype, lanes)

    def part(self, x: Value, start: int, lanes: int) -> Value:
        """Some lanes that follow each other."""
        if lanes == x.lanes:
            return x
        if lanes == 1:
            return self.emit(f"extractelement {x.typed}, i32 {start}", x.dtype, 1)
        places = ", ".join(f"i32 {lane}" for lane in range(start, start + lanes))
        poison = f"{x.type} poison"
        return self.emit(f"shufflevector {x.typed}, {poison}, <{lanes} x i32> <{places}>", x.dtype, lanes)

    def joined(self, x: Value, y: Value) -> Value:
        """The lanes of two equally long vectors, one after the other."""
        lanes = 2 * x.lanes
        places = ", ".join(f"i32 {lane}" for lane in range(lanes))
        return self.emit(f"shufflevector {x.typed}, {y.typed}, <{lanes} x i32> <{places}>", x.dtype, lanes)

    def lane_numbers(self, dtype: DType, lanes: int) -> Value:
        """0, 1, 2, ... in the lanes."""
        element = type_text(dtype, 1)
        return Value(f"<{', '.join(f'{element} {lane}' for lane in range(lanes))}>", dtype, lanes, self)

    def agree(self, *operands: Value | Number) -> list[Value]:
        """Operands with numbers turned into values, and all with the same lanes."""
        values = [operand for operand in operands if isinstance(operand, Value)]
        lanes = max(value.lanes for value in values)
        dtype = values[0].dtype
        made = (x if isinstance(x, Value) else self.constant(x, dtype) for x in operands)
        return [self.splat(value, lanes) for value in made]

    # Arithmetic.

    def binary(self, name: str, x: Value | Number, y: Value | Number) -> Value:
        a, b = self.agree(x, y)
        instruction = f"f{name}" if a.dtype.is_float else name
        if instruction == "fmul":
            instruction = "fmul contract"
        return self.emit(f"{instruction} {a.typed}, {b.text}", a.dtype, a.lanes)

    def fused_add(self, x: Value, y: Value) -> Value:
        """x + y, where a product `y` may stay unrounded."""
        if not x.dtype.is_float:
            return x + y
        a, b = self.agree(x, y)
        return self.emit(f"fadd contract {a.typed}, {b.text}", a.dtype, a.lanes)

    def negative(self, x: Value) -> Value:
        instruction = f"fneg {x.typed}" if x.dtype.is_float else f"sub {x.type} zeroinitializer, {x.text}"
        if not x.dtype.is_float and x.lanes == 1:
            instruction = f"sub {x.type} 0, {x.text}"
        return self.emit(instruction, x.dtype, x.lanes)

    def fma(self, x: Value | Number, y: Value | Number, z: Value | Number) -> Value:
        """x * y + z: with one rounding where the machine has it, else with two."""
        if self.machine.has_fma:
            return self.intrinsic("fma", x, y, z)
        a, b, c = self.agree(x, y, z)
        return a * b + c

    def integer(self, name: str, x: Value | Number, y: Value | Number) -> Value:
        """An instruction on integers or bools: and, or, xor, shl, lshr, ashr, sdiv, ..."""
        a, b = self.agree(x, y)
        return self.emit(f"{name} {a.typed}, {b.text}", a.dtype, a.lanes)

    def compare(self, predicate: str, x: Value | Number, y: Value | Number) -> Value:
        """`icmp` or `fcmp` with LLVM's name of the predicate."""
        a, b = self.agree(x, y)
        instruction = "fcmp" if a.dtype.is_float else "icmp"
        return self.emit(f"{instruction} {predicate} {a.typed}, {b.text}", bool_, a.lanes)

    def select(self, condition: Value, x: Value | Number, y: Value | Number) -> Value:
        a, b = self.agree(x, y)
        lanes = max(condition.lanes, a.lanes)
        if condition.lanes > 1 or a.lanes > 1:
            a, b = self.splat(a, lanes), self.splat(b, lanes)
        return self.emit(f"select {condition.typed}, {a.typed}, {b.typed}", a.dtype, lanes)

    def any(self, condition: Value) -> Value:
        """Whether a condition holds in some lane."""
        if condition.lanes == 1:
            return condition
        name = f"llvm.vector.reduce.or.{type_suffix(bool_, condition.lanes)}"
        self.function.module.declare(f"i1 @{name}({condition.type})")
        return self.emit(f"call i1 @{name}({condition.typed})", bool_, 1)

    # Conversions.

    def convert(self, instruction: str, x: Value, dtype: DType) -> Value:
        return self.emit(f"{instruction} {x.typed} to {type_text(dtype, x.lanes)}", dtype, x.lanes)

    def bits(self, x: Value) -> Value:
        """The bits of a float as a signed integer."""
        return self.convert("bitcast", x, _SIGNED[x.dtype.bits])

    def from_bits(self, x: Value) -> Value:
        """The float that has these bits."""
        return self.convert("bitcast", x, float32 if x.dtype.bits == 32 else float64)
