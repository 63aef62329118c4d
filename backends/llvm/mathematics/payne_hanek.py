"""Reduction of huge arguments modulo pi/2 (Payne and Hanek, 1983): exact, one lane after the other.

x = m * 2**e with an integer m. Of the digits of 2/pi those above 2**(2-e) give whole turns, and those far
below change nothing: a window of 192 bits decides x * 2/pi modulo 4.
"""

from collections.abc import Sequence

from graphc.backends.llvm.mathematics.formats import fast_two_sum, two_product
from graphc.backends.llvm.text import Function, Module
from graphc.backends.llvm.values import Arithmetic, Value
from graphc.types import float64, int64

_FUNCTION, _TABLE = "graphc.reduce_large", "graphc.two_over_pi"
_RESULT = "{ double, double, i64 }"
_DIGITS, _WINDOW = 1216, 192
_HALF_PI, _HALF_PI_LOW = 1.5707963267948966, 6.123233995736766e-17


def reduce_large(s: Arithmetic, x: Value, where: Value, usual: Sequence[Value]) -> list[Value]:
    """`usual` (high, low, quadrant) with the lanes replaced that `where` names."""
    if not s.function.module.has(_FUNCTION):
        _define(s.function.module)
    if x.lanes == 1:
        results = _call(s, x.typed)
        return [s.select(where, new, old) for new, old in zip(results, usual)]

    def lane(number: str, carried: list[str]) -> list[str]:
        element = s.function.register(f"extractelement {x.typed}, i64 {number}")
        return [
            s.function.register(f"insertelement {old.type} {text}, {new.typed}, i64 {number}")
            for old, text, new in zip(usual, carried, _call(s, f"double {element}"))
        ]

    texts = s.function.loop("0", str(x.lanes), 1, [(value.type, value.text) for value in usual], lane)
    results = [Value(text, old.dtype, old.lanes, s) for text, old in zip(texts, usual)]
    return [s.select(where, new, old) for new, old in zip(results, usual)]


def _call(s: Arithmetic, argument: str) -> list[Value]:
    result = s.function.register(f"call {_RESULT} @{_FUNCTION}({argument})")
    dtypes = (float64, float64, int64)
    return [s.emit(f"extractvalue {_RESULT} {result}, {k}", dtype, 1) for k, dtype in enumerate(dtypes)]


def _two_over_pi() -> int:
    """floor(2/pi * 2**1216), by Machin's formula in integers."""
    guard = _DIGITS + 64

    def arctangent_of_inverse(n: int) -> int:
        term = total = (1 << guard) // n
        divisor, sign = 1, 1
        while term:
            term //= n * n
            divisor, sign = divisor + 2, -sign
            total += sign * (term // divisor)
        return total

    pi = 4 * (4 * arctangent_of_inverse(5) - arctangent_of_inverse(239))
    return (2 << (guard + _DIGITS)) // pi


def _define(module: Module) -> None:
    """The function for one argument of at least 2**30."""
    digits = _two_over_pi().to_bytes(_DIGITS // 8 + 24, "little")
    text = "".join(f"\\{byte:02X}" for byte in digits)
    module.define_constant(_TABLE, f'[{len(digits)} x i8] c"{text}"')
    function = Function(module)
    write = function.register
    bits = write("bitcast double %x to i64")
    field = write(f"lshr i64 {bits}, 52")
    exponent = write(f"and i64 {field}, 2047")
    digits_of_x = write(f"and i64 {bits}, {2**52 - 1}")
    fraction = write(f"or i64 {digits_of_x}, {2**52}")
    # The window begins at bit 1216 + 2 - e and is 192 bits long; e is the exponent of the last bit of x.
    shift = write(f"sub i64 {_DIGITS + 2 - _WINDOW + 1075}, {exponent}")
    whole_bytes = write(f"lshr i64 {shift}, 3")
    address = write(f"getelementptr i8, ptr @{_TABLE}, i64 {whole_bytes}")
    loaded = write(f"load i256, ptr {address}, align 1")
    odd_bits = write(f"and i64 {shift}, 7")
    distance = write(f"zext i64 {odd_bits} to i256")
    shifted = write(f"lshr i256 {loaded}, {distance}")
    window = write(f"trunc i256 {shifted} to i192")
    factor = write(f"zext i64 {fraction} to i192")
    product = write(f"mul i192 {window}, {factor}")
    # The product is x * 2/pi modulo 4 in units of 2**-190: round it to a quadrant, keep the signed rest.
    moved = write(f"add i192 {product}, {2**189}")
    top = write(f"lshr i192 {moved}, 190")
    quadrant = write(f"trunc i192 {top} to i64")
    unsigned = write(f"and i192 {moved}, {2**190 - 1}")
    rest = write(f"sub i192 {unsigned}, {2**189}")
    high, low = _as_sum(Arithmetic(function), rest)
    sign = Value(write(f"and i64 {bits}, {-(2**63)}"), int64, 1, high.words)
    _return(high.words, high, low, Value(quadrant, int64, 1, high.words), sign)
    module.define(_FUNCTION, f"internal {_RESULT} @{_FUNCTION}(double %x)", function, "noinline")


def _as_sum(s: Arithmetic, rest: str) -> tuple[Value, Value]:
    """rest * 2**-190 * pi/2 as a sum of two float64; `rest` is a signed i192."""
    write = s.function.register
    s.function.module.declare("i192 @llvm.abs.i192(i192, i1)")
    s.function.module.declare("i192 @llvm.ctlz.i192(i192, i1)")
    size = write(f"call i192 @llvm.abs.i192(i192 {rest}, i1 false)")
    zeros = write(f"call i192 @llvm.ctlz.i192(i192 {size}, i1 false)")
    leading = write(f"shl i192 {size}, {zeros}")
    first = _extract(s, leading, 139)  # 53 bits
    second = _extract(s, leading, 75)  # the 64 after them
    leading_zeros = write(f"trunc i192 {zeros} to i64")
    exponent = write(f"sub i64 {1023 + 139 - 190}, {leading_zeros}")
    exponent_field = write(f"shl i64 {exponent}, 52")
    sign = _extract(s, rest, 191)
    sign_field = write(f"shl i64 {sign}, 63")
    unit_bits = write(f"or i64 {exponent_field}, {sign_field}")
    unit = s.emit(f"bitcast i64 {unit_bits} to double", float64, 1)
    high = s.emit(f"uitofp i64 {first} to double", float64, 1) * unit
    low = s.emit(f"uitofp i64 {second} to double", float64, 1) * 2.0**-64 * unit
    product, error = two_product(s, high, _HALF_PI)
    return fast_two_sum(product, error + (high * _HALF_PI_LOW + low * _HALF_PI))


def _extract(s: Arithmetic, wide: str, first_bit: int) -> str:
    """64 bits of an i192."""
    shifted = s.function.register(f"lshr i192 {wide}, {first_bit}")
    return s.function.register(f"trunc i192 {shifted} to i64")


def _return(s: Arithmetic, high: Value, low: Value, quadrant: Value, sign: Value) -> None:
    """For a negative argument all three change sign."""
    negative = s.compare("ne", sign, 0)
    signed = [s.from_bits(s.integer("xor", s.bits(part), sign)) for part in (high, low)]
    signed.append(s.select(negative, -quadrant, quadrant))
    result = "poison"
    for k, value in enumerate(signed):
        result = s.function.register(f"insertvalue {_RESULT} {result}, {value.typed}, {k}")
    s.function.line(f"ret {_RESULT} {result}")
