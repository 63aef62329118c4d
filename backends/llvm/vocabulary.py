"""The vocabulary of elementwise ops over LLVM registers: values of a kernel go in, instructions are written.

No word traps and none is undefined: integer division by zero gives 0, floats that do not fit into an integer
dtype become its nearest end (NaN becomes 0), shifts may be as long as they like.
"""

from graphc.backends.llvm.mathematics import (
    errorfunction,
    exponential,
    inverse_tangent,
    logarithm,
    power,
    trigonometry,
)
from graphc.backends.llvm.mathematics.formats import format_of, power_of_two
from graphc.backends.llvm.memory import shortened
from graphc.backends.llvm.values import Arithmetic, Number, Value
from graphc.ir.scalars import Scalars
from graphc.types import DType, bool_, float16, float32, float64, int32, int64

Operand = Value | Number


class Vectors(Arithmetic, Scalars):
    """Every word, for any number of lanes."""

    def cast(self, x: Value, dtype: DType) -> Value:
        if dtype is float16 and x.dtype is float64:
            return shortened(self, x)
        target = dtype.compute
        if target is x.dtype:
            return x
        if target is bool_:
            return self.compare("une" if x.dtype.is_float else "ne", x, 0)
        if x.dtype.is_float and target.is_integer:
            return self._truncated(x, target)
        signed = x.dtype.kind == "i"
        if target.is_float:
            if x.dtype.is_float:
                return self.convert("fpext" if target.bits > x.dtype.bits else "fptrunc", x, target)
            return self.convert("sitofp" if signed else "uitofp", x, target)
        if x.dtype is not bool_ and target.bits == x.dtype.bits:
            return Value(x.text, target, x.lanes, self)
        widens = x.dtype is bool_ or target.bits > x.dtype.bits
        return self.convert(("sext" if signed else "zext") if widens else "trunc", x, target)

    def _truncated(self, x: Value, target: DType) -> Value:
        """Towards 0, at most to the ends of the dtype; 0 for NaN. What LLVM has for it takes four times as long."""
        signed, bits = target.kind == "i", target.bits - (target.kind == "i")
        low, beyond = float(-(2**bits) if signed else 0), float(2**bits)
        below, above = self.compare("olt", x, low), self.compare("oge", x, beyond)
        outside = self.integer("or", self.integer("or", below, above), self.compare("uno", x, x))
        inside = self.convert("fptosi" if signed else "fptoui", self.select(outside, 0.0, x), target)
        return self.select(below, int(low), self.select(above, 2**bits - 1, inside))

    def where(self, condition: Value, x: Operand, y: Operand) -> Value:
        return self.select(condition, x, y)

    # Comparison and logic.

    def less(self, x: Operand, y: Operand) -> Value:
        return self._ordered("lt", x, y)

    def less_equal(self, x: Operand, y: Operand) -> Value:
        return self._ordered("le", x, y)

    def equal(self, x: Operand, y: Operand) -> Value:
        return self.compare("oeq" if _dtype(x, y).is_float else "eq", x, y)

    def not_equal(self, x: Operand, y: Operand) -> Value:
        return self.compare("une" if _dtype(x, y).is_float else "ne", x, y)

    def logical_not(self, x: Value) -> Value:
        return self.integer("xor", self.cast(x, bool_), True)

    def logical_and(self, x: Value, y: Value) -> Value:
        return self.integer("and", self.cast(x, bool_), self.cast(y, bool_))

    def logical_or(self, x: Value, y: Value) -> Value:
        return self.integer("or", self.cast(x, bool_), self.cast(y, bool_))

    def minimum(self, x: Operand, y: Operand) -> Value:
        return self._extreme("lt", "min", x, y)

    def maximum(self, x: Operand, y: Operand) -> Value:
        return self._extreme("gt", "max", x, y)

    def _ordered(self, order: str, x: Operand, y: Operand) -> Value:
        dtype = _dtype(x, y)
        return self.compare(("o" if dtype.is_float else "s" if dtype.kind == "i" else "u") + order, x, y)

    def _extreme(self, order: str, name: str, x: Operand, y: Operand) -> Value:
        dtype = _dtype(x, y)
        if dtype is bool_:
            return self.integer("or" if name == "max" else "and", x, y)
        if not dtype.is_float:
            return self.intrinsic(("s" if dtype.kind == "i" else "u") + name, x, y)
        if not isinstance(x, Value):
            x, y = y, x
        if not isinstance(y, Value):  # one instruction; a NaN in x is kept because it compares false
            return self.select(self.compare("ogt" if order == "lt" else "olt", x, y), y, x)
        assert isinstance(x, Value)
        chosen = self.integer("or", self.compare("o" + order, x, y), self.compare("uno", x, x))
        return self.select(chosen, x, y)

    # Bits.

    def bitwise_and(self, x: Operand, y: Operand) -> Value:
        return self.integer("and", x, y)

    def bitwise_or(self, x: Operand, y: Operand) -> Value:
        return self.integer("or", x, y)

    def bitwise_xor(self, x: Operand, y: Operand) -> Value:
        return self.integer("xor", x, y)

    def left_shift(self, x: Operand, y: Operand) -> Value:
        last = _dtype(x, y).bits - 1
        shifted = self.integer("shl", x, self.intrinsic("umin", y, last) if isinstance(y, Value) else min(y, last))
        return self.select(self.compare("ugt", y, last), 0, shifted) if isinstance(y, Value) or y > last else shifted

    def right_shift(self, x: Operand, y: Operand) -> Value:
        dtype = _dtype(x, y)
        last = dtype.bits - 1
        count = self.intrinsic("umin", y, last) if isinstance(y, Value) else min(y, last)
        if dtype.kind == "i":
            return self.integer("ashr", x, count)
        shifted = self.integer("lshr", x, count)
        return self.select(self.compare("ugt", y, last), 0, shifted) if isinstance(y, Value) or y > last else shifted

    def signbit(self, x: Value) -> Value:
        return self.compare("slt", self.bits(x), 0)

    def nextafter(self, x: Operand, y: Operand) -> Value:
        x, y = self.agree(x, y)
        bits = self.bits(x)
        away = self.integer("xor", self.compare("olt", x, y), self.signbit(x))  # from zero, where the bits grow
        moved = self.from_bits(self.select(away, bits + 1, bits - 1))
        smallest = self.intrinsic("copysign", 2.0**-149 if x.dtype is float32 else 2.0**-1074, y)
        moved = self.select(self.compare("oeq", x, 0.0), smallest, moved)
        moved = self.select(self.compare("oeq", x, y), y, moved)
        return self.select(self.compare("uno", x, y), x + y, moved)

    def exponent(self, x: Value) -> Value:
        form = format_of(x)
        lift = form.fraction + 1  # of a subnormal number, to a normal one
        tiny = self.compare("olt", self.abs(x), form.smallest_normal)
        bits = self.bits(self.select(tiny, x * 2.0**lift, x))
        field = self.integer("and", self.integer("lshr", bits, form.fraction), 2 * form.bias + 1)
        exponent = field - self.select(tiny, form.bias - 1 + lift, self.constant(form.bias - 1, field.dtype))
        number = self.integer("and", self.compare("one", x, 0.0), self.compare("ne", field, 2 * form.bias + 1))
        return self.cast(self.select(number, exponent, 0), x.dtype)

    def ldexp(self, x: Operand, k: Operand) -> Value:
        x, k = self.agree(x, k)
        form = format_of(x)
        rest = self.cast(k, int32 if x.dtype is float32 else int64)
        for _ in range(3):  # which leads from one end of the format to beyond the other
            step = self.intrinsic("smin", self.intrinsic("smax", rest, 1 - form.bias), form.bias)
            x, rest = x * power_of_two(self, step, x.dtype), rest - step
        return x

    # Rounding and division.

    def abs(self, x: Value) -> Value:
        if x.dtype.is_float:
            return self.intrinsic("fabs", x)
        return self.intrinsic("abs", x, immediates=("i1 false",)) if x.dtype.kind == "i" else x

    def floor(self, x: Value) -> Value:
        return self.intrinsic("floor", x) if x.dtype.is_float else x

    def ceil(self, x: Value) -> Value:
        return self.intrinsic("ceil", x) if x.dtype.is_float else x

    def trunc(self, x: Value) -> Value:
        return self.intrinsic("trunc", x) if x.dtype.is_float else x

    def round(self, x: Value) -> Value:
        return self.intrinsic("rint", x) if x.dtype.is_float else x

    def floor_divide(self, x: Operand, y: Operand) -> Value:
        x, y = self.agree(x, y)
        return (self._float_division(x, y) if x.dtype.is_float else self._integer_division(x, y))[0]

    def remainder(self, x: Operand, y: Operand) -> Value:
        x, y = self.agree(x, y)
        return (self._float_division(x, y) if x.dtype.is_float else self._integer_division(x, y))[1]

    def _float_division(self, x: Value, y: Value) -> tuple[Value, Value]:
        """Floored quotient and exact remainder, as NumPy has them; LLVM calls `fmod` for each lane."""
        truncated = self.emit(f"frem {x.typed}, {y.text}", x.dtype, x.lanes)
        exact = self.compare("oeq", truncated, 0.0)
        crossed = self.integer("xor", self.compare("olt", truncated, 0.0), self.compare("olt", y, 0.0))
        adjust = self.integer("and", crossed, self.integer("xor", exact, True))
        rest = self.select(adjust, truncated + y, truncated)
        rest = self.select(exact, self.intrinsic("copysign", 0.0, y), rest)
        quotient = (x - truncated) / y
        quotient = self.select(adjust, quotient - 1.0, quotient)
        whole = self.floor(quotient)
        whole = self.select(self.compare("ogt", quotient - whole, 0.5), whole + 1.0, whole)
        whole = self.select(self.compare("oeq", quotient, 0.0), self.intrinsic("copysign", 0.0, x / y), whole)
        return self.select(self.compare("oeq", y, 0.0), x / y, whole), rest

    def _integer_division(self, x: Value, y: Value) -> tuple[Value, Value]:
        """Floored quotient and remainder. A divisor that would trap is replaced by 1."""
        by_zero = self.compare("eq", y, 0)
        if x.dtype.kind != "i":
            safe = self.select(by_zero, 1, y)
            quotient = self.integer("udiv", x, safe)
            return self.select(by_zero, 0, quotient), self.select(by_zero, 0, x - quotient * safe)
        wraps = self.compare("eq", y, -1)
        safe = self.select(self.integer("or", by_zero, wraps), 1, y)
        quotient = self.integer("sdiv", x, safe)
        rest = x - quotient * safe
        crossed = self.compare("slt", self.integer("xor", rest, safe), 0)
        adjust = self.integer("and", self.compare("ne", rest, 0), crossed)
        quotient = self.select(adjust, quotient - 1, quotient)
        rest = self.select(adjust, rest + safe, rest)
        quotient = self.select(by_zero, 0, self.select(wraps, -x, quotient))
        return quotient, rest  # dividing by 1 in place of 0 or -1 leaves 0

    # Mathematics.

    def sqrt(self, x: Value) -> Value:
        return self.intrinsic("sqrt", x)

    def exp(self, x: Value) -> Value:
        return exponential.exp(self, x)

    def expm1(self, x: Value) -> Value:
        return exponential.expm1(self, x)

    def tanh(self, x: Value) -> Value:
        return exponential.tanh(self, x)

    def log(self, x: Value) -> Value:
        return logarithm.log(self, x)

    def log1p(self, x: Value) -> Value:
        return logarithm.log1p(self, x)

    def log2(self, x: Value) -> Value:
        return logarithm.log2(self, x)

    def log10(self, x: Value) -> Value:
        return logarithm.log10(self, x)

    def sin(self, x: Value) -> Value:
        return trigonometry.sin(self, x)

    def cos(self, x: Value) -> Value:
        return trigonometry.cos(self, x)

    def tan(self, x: Value) -> Value:
        return trigonometry.tan(self, x)

    def atan(self, x: Value) -> Value:
        return inverse_tangent.atan(self, x)

    def erf(self, x: Value) -> Value:
        return errorfunction.erf(self, x)

    def erfc(self, x: Value) -> Value:
        return errorfunction.erfc(self, x)

    def pow(self, x: Operand, y: Operand) -> Value:
        dtype = _dtype(x, y)
        base, exponent = (v if isinstance(v, Value) else self.constant(v, dtype) for v in (x, y))
        if not dtype.is_float:
            return power.integer_pow(self, base, exponent)
        return power.pow(self, *self.agree(base, exponent))


def _dtype(*operands: Operand) -> DType:
    return next(x.dtype for x in operands if isinstance(x, Value))
