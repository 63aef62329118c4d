"""Dtypes as they lie in memory: a bool is a byte, a 16-bit float two; in registers they are i1 and float32.

The conversions of 16-bit floats are made of integer instructions unless the machine has its own: LLVM would
call a runtime function that a process need not have, and the bfloat16 instruction of x86 flushes
subnormals.
"""

from graphc.backends.llvm.values import Arithmetic, Value, type_text
from graphc.types import DType, bfloat16, bool_, float16, float32, float64, uint8, uint16, uint32

_BFLOAT_QUIET, _HALF_QUIET = 0x40, 0x7E00


def stored(dtype: DType) -> DType:
    """The dtype of a register that holds what memory holds."""
    return uint8 if dtype is bool_ else uint16 if dtype in (float16, bfloat16) else dtype


def widen(words: Arithmetic, raw: Value, dtype: DType) -> Value:
    """A value from what memory holds."""
    if dtype is bool_:
        return words.compare("ne", raw, 0)
    if dtype is bfloat16:
        return words.from_bits(words.integer("shl", words.convert("zext", raw, uint32), 16))
    if dtype is float16:
        return _from_half(words, raw)
    return raw


def narrow(words: Arithmetic, x: Value, dtype: DType) -> Value:
    """What memory holds, from a value: 16-bit floats are rounded to nearest even."""
    if dtype is bool_:
        return words.convert("zext", x, uint8)
    if dtype is bfloat16:
        return words.convert("trunc", words.integer("lshr", _bfloat_bits(words, x), 16), uint16)
    if dtype is float16:
        return _to_half(words, x)
    return x


def rounded(words: Arithmetic, x: Value, dtype: DType) -> Value:
    """A float32 rounded to what a 16-bit dtype can hold; others as they are."""
    if dtype is bfloat16:
        return words.from_bits(words.integer("and", _bfloat_bits(words, x), 0xFFFF0000))
    return _from_half(words, _to_half(words, x)) if dtype is float16 else x


def shortened(words: Arithmetic, x: Value) -> Value:
    """A float64 as float32, rounded to odd: a second rounding to 16 bits then is as good as one."""
    y = words.convert("fptrunc", x, float32)
    back = words.convert("fpext", y, float64)
    bits = words.bits(y)
    outward = words.compare("ogt", words.intrinsic("fabs", back), words.intrinsic("fabs", x))
    inward = words.integer("or", words.select(outward, bits - 1, bits), 1)
    return words.from_bits(words.select(words.compare("one", back, x), inward, bits))


def _bfloat_bits(words: Arithmetic, x: Value) -> Value:
    """The bits rounded to the upper half; what is left in the lower half does not count."""
    bits = words.bits(x)
    odd = words.integer("and", words.integer("lshr", bits, 16), 1)
    nan = words.integer("or", bits, _BFLOAT_QUIET << 16)
    return words.select(words.compare("uno", x, x), nan, bits + (odd + 0x7FFF))


def _from_half(words: Arithmetic, raw: Value) -> Value:
    if words.machine.has_f16c:
        half = type_text(uint16, raw.lanes).replace("i16", "half")
        cast = words.function.register(f"bitcast {raw.typed} to {half}")
        return words.emit(f"fpext {half} {cast} to {type_text(float32, raw.lanes)}", float32, raw.lanes)
    bits = words.convert("zext", raw, uint32)
    magnitude = words.integer("shl", words.integer("and", bits, 0x7FFF), 13)
    finite = words.bits(words.from_bits(magnitude) * 2.0**112)
    special = words.integer("or", magnitude, 0x7F800000)
    value = words.select(words.compare("uge", magnitude, 0x7C00 << 13), special, finite)
    return words.from_bits(words.integer("or", value, words.integer("shl", words.integer("and", bits, 0x8000), 16)))


def _to_half(words: Arithmetic, x: Value) -> Value:
    if words.machine.has_f16c:
        half = type_text(uint16, x.lanes).replace("i16", "half")
        cast = words.function.register(f"fptrunc {x.typed} to {half}")
        return words.emit(f"bitcast {half} {cast} to {type_text(uint16, x.lanes)}", uint16, x.lanes)
    bits = words.bits(x)
    magnitude = words.integer("and", bits, 0x7FFFFFFF)
    odd = words.integer("and", words.integer("lshr", magnitude, 13), 1)
    normal = words.integer("lshr", magnitude + (odd + 0xFFF) - (112 << 23), 13)
    # Adding 1/2 shifts the bits of a subnormal half to the end of the float, and rounds.
    subnormal = words.bits(words.from_bits(magnitude) + 0.5) - 0x3F000000
    result = words.select(words.compare("ult", magnitude, 0x38800000), subnormal, normal)
    result = words.select(words.compare("uge", magnitude, 0x47800000), 0x7C00, result)
    result = words.select(words.compare("ugt", magnitude, 0x7F800000), _HALF_QUIET, result)
    sign = words.integer("and", words.integer("lshr", bits, 16), 0x8000)
    return words.convert("trunc", words.integer("or", result, sign), uint16)
