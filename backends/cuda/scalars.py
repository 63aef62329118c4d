"""The scalar vocabulary over CUDA C++ text: what an elementwise op computes, as an expression.

Comes in: operands as `Value`s, from `op.scalar(s, ...)`; goes out: a `Value`, a tree of expressions that
`printed` turns into text with a name for everything that is used twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from graphc.backends.cuda.notation import number, type_name
from graphc.errors import DTypeError
from graphc.ir.scalars import Scalars
from graphc.types import DType, bool_, float16, float32, float64, int32

# How tightly C++ binds, from loose to tight.
TERNARY, OR, AND, BIT_OR, BIT_XOR, BIT_AND, EQUALITY, RELATION, SUM, PRODUCT, UNARY, ATOM = range(12)


@dataclass(frozen=True, eq=False)
class Value:
    """An expression and its dtype. `{0}` in the template stands for the first operand, which gets parentheses
    if it binds less tightly than `needs` says.
    """

    dtype: DType
    template: str
    args: tuple[Value, ...] = ()
    level: int = ATOM
    needs: tuple[int, ...] = ()

    def __add__(self, other: Value | float) -> Value:
        return _arithmetic("+", self, other)

    def __radd__(self, other: Value | float) -> Value:
        return _arithmetic("+", other, self)

    def __sub__(self, other: Value | float) -> Value:
        return _arithmetic("-", self, other)

    def __rsub__(self, other: Value | float) -> Value:
        return _arithmetic("-", other, self)

    def __mul__(self, other: Value | float) -> Value:
        return _arithmetic("*", self, other)

    def __rmul__(self, other: Value | float) -> Value:
        return _arithmetic("*", other, self)

    def __truediv__(self, other: Value | float) -> Value:
        return _arithmetic("/", self, other)

    def __rtruediv__(self, other: Value | float) -> Value:
        return _arithmetic("/", other, self)

    def __neg__(self) -> Value:
        x = widened(self)
        if x.dtype.is_float:
            return Value(x.dtype, "-{0}", (x,), UNARY, (ATOM,))
        return _call("wrapping_negate", x)


def literal(value: bool | int | float, dtype: DType) -> Value:
    """A number as an operand; a 16-bit float is the float in which it calculates."""
    text = number(value, dtype)
    return Value(dtype.compute, text, level=UNARY if text[0] in "-(" and text[-1] != ")" else ATOM)


def widened(x: Value) -> Value:
    """A value in the dtype in which its dtype calculates."""
    if x.dtype.compute is x.dtype:
        return x
    function = "__half2float" if x.dtype is float16 else "__bfloat162float"
    return Value(float32, f"{function}({{0}})", (x,), needs=(TERNARY,))


def rounded(x: Value | bool | int | float, dtype: DType) -> Value:
    """A value of exactly this dtype: what an op gave, rounded once if it calculated in a wider one."""
    if not isinstance(x, Value):
        x = literal(x, dtype)
    return x if x.dtype is dtype else _cast(x, dtype)


def _cast(x: Value, dtype: DType) -> Value:
    x = widened(x)
    if x.dtype is dtype:
        return x
    if dtype.compute is not dtype:
        wide = x if x.dtype in (float32, float64) else _cast(x, float32)
        source = "double" if wide.dtype is float64 else "float"
        target = "half" if dtype is float16 else "bfloat16"
        suffix = "_rn" if wide.dtype is float32 else ""
        return Value(dtype, f"__{source}2{target}{suffix}({{0}})", (wide,), needs=(TERNARY,))
    if dtype is bool_:
        return _infix("!=", EQUALITY, x, literal(0, x.dtype), bool_)
    if x.dtype.is_float and dtype.is_integer:
        return Value(dtype, f"truncate<{type_name(dtype)}>({{0}})", (x,), needs=(TERNARY,))
    return _as_c_type(x, dtype)


def _as_c_type(x: Value, dtype: DType) -> Value:
    return Value(dtype, f"({type_name(dtype)}){{0}}", (x,), UNARY, (UNARY,))


def _operands(*xs: Value | float) -> tuple[Value, ...]:
    """Operands widened, and numbers as literals of the dtype that the others have."""
    values = [widened(x) for x in xs if isinstance(x, Value)]
    dtypes = {x.dtype for x in values}
    if len(dtypes) != 1:
        raise DTypeError("a scalar op mixes " + (", ".join(sorted(map(str, dtypes))) or "numbers alone"))
    return tuple(widened(x) if isinstance(x, Value) else literal(x, values[0].dtype) for x in xs)


def conditional(condition: Value, x: Value, y: Value) -> Value:
    """`x` if the condition holds, else `y`, which have one dtype; only that one is evaluated."""
    return Value(x.dtype, "{0} ? {1} : {2}", (condition, x, y), TERNARY, (OR, OR, TERNARY))


def _infix(symbol: str, level: int, x: Value, y: Value, dtype: DType) -> Value:
    return Value(dtype, f"{{0}} {symbol} {{1}}", (x, y), level, (level, level + 1))


def _logical(symbol: str, level: int, x: Value | float, y: Value | float) -> Value:
    a, b = _operands(x, y)
    return _infix(symbol, level, a, b, bool_)


def _call(function: str, *args: Value, dtype: DType | None = None) -> Value:
    holes = ", ".join(f"{{{i}}}" for i in range(len(args)))
    return Value(dtype or args[0].dtype, f"{function}({holes})", args, needs=(TERNARY,) * len(args))


_WRAPPING = {"+": "wrapping_add", "-": "wrapping_subtract", "*": "wrapping_multiply"}
_LOGICAL = {"+": ("||", OR), "*": ("&&", AND)}


def _arithmetic(symbol: str, x: Value | float, y: Value | float) -> Value:
    """Plain operators where C++ computes the same; signed and narrow integers must wrap."""
    a, b = _operands(x, y)
    dtype = a.dtype
    if dtype is bool_ and symbol in _LOGICAL:
        return _infix(*_LOGICAL[symbol], a, b, bool_)
    if dtype.is_float or (dtype.kind == "u" and dtype.bits >= 32 and symbol != "/"):
        return _infix(symbol, SUM if symbol in "+-" else PRODUCT, a, b, dtype)
    if not dtype.is_integer or symbol == "/":
        raise DTypeError(f"no operator {symbol} for {dtype.name}")
    return _call(_WRAPPING[symbol], a, b)


class CudaScalars(Scalars):
    """The words as C++ expressions."""

    def cast(self, x: Value, dtype: DType) -> Value:
        return _cast(x, dtype)

    def where(self, condition: Value, x: Value | float, y: Value | float) -> Value:
        a, b = _operands(x, y)
        return conditional(condition, a, b)

    def abs(self, x: Value) -> Value:
        x = widened(x)
        if x.dtype.kind in "ub":
            return x
        return self._math("fabs", x) if x.dtype.is_float else _call("absolute", x)

    def _math(self, function: str, *xs: Value | float) -> Value:
        args = _operands(*xs)
        if not args[0].dtype.is_float:
            raise DTypeError(f"{function} of {args[0].dtype.name}", help="cast the operand to a float first")
        return _call(function + ("f" if args[0].dtype is float32 else ""), *args)

    def sqrt(self, x: Value) -> Value:
        return self._math("sqrt", x)

    def exp(self, x: Value) -> Value:
        return self._math("exp", x)

    def expm1(self, x: Value) -> Value:
        return self._math("expm1", x)

    def log(self, x: Value) -> Value:
        return self._math("log", x)

    def log1p(self, x: Value) -> Value:
        return self._math("log1p", x)

    def log2(self, x: Value) -> Value:
        return self._math("log2", x)

    def log10(self, x: Value) -> Value:
        return self._math("log10", x)

    def sin(self, x: Value) -> Value:
        return self._math("sin", x)

    def cos(self, x: Value) -> Value:
        return self._math("cos", x)

    def tan(self, x: Value) -> Value:
        return self._math("tan", x)

    def atan(self, x: Value) -> Value:
        return self._math("atan", x)

    def tanh(self, x: Value) -> Value:
        return self._math("tanh", x)

    def erf(self, x: Value) -> Value:
        return self._math("erf", x)

    def erfc(self, x: Value) -> Value:
        return self._math("erfc", x)

    def pow(self, x: Value | float, y: Value | float) -> Value:
        a, b = _operands(x, y)
        return self._math("pow", a, b) if a.dtype.is_float else _call("integer_power", a, b)

    def _rounding(self, function: str, x: Value) -> Value:
        x = widened(x)
        return self._math(function, x) if x.dtype.is_float else x

    def floor(self, x: Value) -> Value:
        return self._rounding("floor", x)

    def ceil(self, x: Value) -> Value:
        return self._rounding("ceil", x)

    def trunc(self, x: Value) -> Value:
        return self._rounding("trunc", x)

    def round(self, x: Value) -> Value:
        return self._rounding("rint", x)

    def floor_divide(self, x: Value | float, y: Value | float) -> Value:
        return _call("floor_divide", *_operands(x, y))

    def remainder(self, x: Value | float, y: Value | float) -> Value:
        return _call("floor_remainder", *_operands(x, y))

    def minimum(self, x: Value | float, y: Value | float) -> Value:
        return _call("minimum", *_operands(x, y))

    def maximum(self, x: Value | float, y: Value | float) -> Value:
        return _call("maximum", *_operands(x, y))

    def signbit(self, x: Value) -> Value:
        return _call("signbit", widened(x), dtype=bool_)

    def nextafter(self, x: Value | float, y: Value | float) -> Value:
        return self._math("nextafter", x, y)

    def exponent(self, x: Value) -> Value:
        return _call("binary_exponent", widened(x))

    def ldexp(self, x: Value | float, k: Value | float) -> Value:
        x, k = _operands(x, k)
        return _call("ldexpf" if x.dtype is float32 else "ldexp", x, _cast(k, int32))

    def less(self, x: Value | float, y: Value | float) -> Value:
        return _logical("<", RELATION, x, y)

    def less_equal(self, x: Value | float, y: Value | float) -> Value:
        return _logical("<=", RELATION, x, y)

    def equal(self, x: Value | float, y: Value | float) -> Value:
        return _logical("==", EQUALITY, x, y)

    def not_equal(self, x: Value | float, y: Value | float) -> Value:
        return _logical("!=", EQUALITY, x, y)

    def logical_not(self, x: Value) -> Value:
        return Value(bool_, "!{0}", (x,), UNARY, (UNARY,))

    def logical_and(self, x: Value, y: Value) -> Value:
        return _logical("&&", AND, x, y)

    def logical_or(self, x: Value, y: Value) -> Value:
        return _logical("||", OR, x, y)

    def _bitwise(self, symbol: str, level: int, x: Value | float, y: Value | float) -> Value:
        a, b = _operands(x, y)
        result = _infix(symbol, level, a, b, a.dtype)
        if a.dtype.bits < 32:  # C++ promotes narrow ones to int
            return _as_c_type(result, a.dtype)
        return result

    def bitwise_and(self, x: Value | float, y: Value | float) -> Value:
        return self._bitwise("&", BIT_AND, x, y)

    def bitwise_or(self, x: Value | float, y: Value | float) -> Value:
        return self._bitwise("|", BIT_OR, x, y)

    def bitwise_xor(self, x: Value | float, y: Value | float) -> Value:
        return self._bitwise("^", BIT_XOR, x, y)

    def word_product(self, x: Value, y: int) -> Value:
        return _call("word_product", *_operands(x, y))

    def left_shift(self, x: Value | float, y: Value | float) -> Value:
        return _call("shift_left", *_operands(x, y))

    def right_shift(self, x: Value | float, y: Value | float) -> Value:
        return _call("shift_right", *_operands(x, y))


def in_order(root: Value) -> list[Value]:
    """The expressions of a tree, each once, operands first."""
    done: dict[Value, None] = {}
    stack = [root]
    while stack:
        value = stack[-1]
        waiting = [arg for arg in value.args if arg not in done]
        stack.extend(reversed(waiting))
        if not waiting:
            done[stack.pop()] = None
    return list(done)


def printed(root: Value, names: Mapping[Value, str] = {}) -> str:
    """The text of an expression in which some others have names."""
    texts: dict[Value, tuple[str, int]] = {}
    for value in in_order(root):
        if value in names and value is not root:
            texts[value] = names[value], ATOM
            continue
        operands = []
        for arg, need in zip(value.args, value.needs, strict=True):
            text, level = texts[arg]
            operands.append(f"({text})" if level < need else text)
        texts[value] = value.template.format(*operands), value.level
    return texts[root][0]
