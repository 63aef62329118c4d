"""Index expressions in registers: a `Dim` over loop variables and sizes goes in, an int64 comes out."""

from collections.abc import Callable

from graphc.backends.llvm.values import Arithmetic, Value
from graphc.dimension import Call, Dim
from graphc.kernel import Index
from graphc.types import int64

Names = Callable[[str], Value]


def index_value(words: Arithmetic, index: Index, names: Names) -> Value:
    """The value of an index; `names` gives the int64 value of a symbol, in lanes or one for all."""
    if isinstance(index, int):
        return words.constant(index, int64)
    total: Value | None = None
    for monomial, coefficient in index.terms:
        product: Value | None = None
        for atom in monomial:
            factor = names(atom) if isinstance(atom, str) else _call(words, atom, names)
            product = factor if product is None else product * factor
        if product is None:
            product = words.constant(coefficient, int64)
        elif coefficient != 1:
            product = product * coefficient
        total = product if total is None else total + product
    assert total is not None
    return total


def _call(words: Arithmetic, call: Call, names: Names) -> Value:
    a, b = (index_value(words, arg, names) for arg in call.args)
    match call.function:
        case "min":
            return words.intrinsic("smin", a, b)
        case "max":
            return words.intrinsic("smax", a, b)
    if isinstance(call.args[1], Dim):
        b = words.intrinsic("smax", b, 1)  # an empty axis: nothing is read there, but the division must not trap
    if isinstance(call.args[1], int) and call.args[1] & (call.args[1] - 1) == 0:
        bits = call.args[1].bit_length() - 1
        return words.integer("ashr", a, bits) if call.function == "floordiv" else words.integer("and", a, 2**bits - 1)
    quotient = words.integer("sdiv", a, b)
    rest = a - quotient * b
    negative = words.integer("ashr", rest, 63)  # all ones where the division was rounded up
    return quotient + negative if call.function == "floordiv" else rest + words.integer("and", b, negative)
