"""Names, numbers and sizes as CUDA C++ text.

Comes in: what the kernel IR says; goes out: identifiers, literals, expressions of `long long`.
"""

from __future__ import annotations

import re

import numpy as np

from graphc.dimension import Call
from graphc.errors import DTypeError
from graphc.kernel import Index
from graphc.types import DType

_TYPES = {
    "bool": "bool",
    "i8": "signed char",
    "i16": "short",
    "i32": "int",
    "i64": "long long",
    "u8": "unsigned char",
    "u16": "unsigned short",
    "u32": "unsigned",
    "u64": "unsigned long long",
    "f16": "__half",
    "bf16": "__nv_bfloat16",
    "f32": "float",
    "f64": "double",
}

# Words of C++ and CUDA, and names that generated text uses: a variable of the same name would hide them.
_WORDS = """
alignas alignof and asm auto bitand bitor bool break case catch char class compl const constexpr const_cast
continue decltype default delete do double dynamic_cast else enum explicit export extern false float for
friend goto if inline int long mutable namespace new noexcept not nullptr operator or private protected public
register reinterpret_cast return short signed sizeof static static_assert static_cast struct switch template
this throw true try typedef typeid typename union unsigned using virtual void volatile wchar_t while xor
threadIdx blockIdx blockDim gridDim warpSize atomicCAS NAN INFINITY Bits Pack Sum Product Maximum Minimum
TwofoldSum from_lane truncate is_index as_index load_pack store_pack
Shuffled wrapping_add wrapping_subtract wrapping_multiply wrapping_negate absolute minimum maximum shift_left
shift_right word_product binary_exponent integer_power floor_divide floor_remainder
is_aligned warp_reduce block_reduce min max abs main error code workspace slot_bytes partials shared_memory
isnan isinf isfinite signbit round remainder rsqrt fma fmin fmax div index select
"""
_MATHS = (
    "sqrt exp expm1 log log1p log2 log10 sin cos tan atan tanh erf erfc pow floor ceil trunc rint fabs fmod copysign "
    "nextafter ldexp frexp ilogb asin acos sinh cosh asinh acosh atanh atan2 hypot "
    "cbrt lgamma tgamma gamma erfinv erfcinv erfcx j0 j1 jn y0 y1 yn"
)
RESERVED = frozenset(_WORDS.split()).union(_MATHS.split(), [name + "f" for name in _MATHS.split()])


_OF_DTYPE = re.compile("_(" + "|".join(_TYPES) + ")$")  # as in sigmoid_f32, a function


def type_name(dtype: DType) -> str:
    """The C++ type of an element."""
    return _TYPES[dtype.short]


def identifier(name: str) -> str:
    """A name that C++ accepts and that hides nothing, as close to the given one as can be."""
    text = re.sub(r"\W", "_", name, flags=re.ASCII).strip("_") or "value"
    if text[0].isdigit():
        return "_" + text
    return text + "_" if text in RESERVED or _OF_DTYPE.search(text) else text


def number(value: bool | int | float, dtype: DType) -> str:
    """A number as a literal of its dtype; the 16-bit floats are written in the float in which they
    calculate."""
    if dtype.is_float:
        return _float(float(value), single=dtype.compute.bits == 32)
    if value != int(value):
        raise DTypeError(f"{value!r} is no number of {dtype.name}", help="cast the operand to a float first")
    if dtype.kind == "b":
        return "true" if value else "false"
    suffix = ("u" if dtype.kind == "u" and dtype.bits >= 32 else "") + ("ll" if dtype.bits == 64 else "")
    if dtype.kind == "i" and dtype.bits >= 32 and value == -(2 ** (dtype.bits - 1)):
        return f"({int(value) + 1}{suffix} - 1)"  # the magnitude of the smallest integer is no literal
    text = f"{int(value)}{suffix}"
    return f"({type_name(dtype)}){text}" if dtype.bits < 32 else f"({text})" if value < 0 else text


def _float(value: float, single: bool) -> str:
    with np.errstate(over="ignore"):
        rounded = np.float32(value) if single else np.float64(value)
    if np.isnan(rounded):
        return "NAN" if single else "(double)NAN"
    if np.isinf(rounded):
        text = "INFINITY" if single else "(double)INFINITY"
        return text if value > 0 else f"-{text}"
    text = str(rounded)
    text = text if "." in text or "e" in text else text + ".0"
    return text + "f" if single else text


class Names:
    """Identifiers of a module or kernel: buffers in one space; loop variables, sizes, values in another."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._identifiers: dict[tuple[str, str], str] = {}

    def fresh(self, wanted: str) -> str:
        """An identifier that nothing else has."""
        base = identifier(wanted)
        name, number = base, 1
        while name in self._taken:
            number += 1
            name = f"{base}_{number}"
        self._taken.add(name)
        return name

    def of_buffer(self, name: str) -> str:
        return self._of("buffer", name)

    def of_value(self, name: str) -> str:
        return self._of("value", name)

    def _of(self, space: str, name: str) -> str:
        if (space, name) not in self._identifiers:
            self._identifiers[space, name] = self.fresh(name)
        return self._identifiers[space, name]


def index_text(index: Index, names: Names) -> str:
    """An index as an expression of `long long`, a sum."""
    if isinstance(index, int):
        return str(index)
    text = ""
    for monomial, coefficient in sorted(index.terms, key=lambda term: term[1] < 0):  # a sum begins with no minus
        factors = [_atom(atom, names) for atom in monomial]
        size = abs(coefficient)
        body = " * ".join(([str(size)] if size != 1 or not factors else []) + factors)
        sign = (" - " if coefficient < 0 else " + ") if text else ("-" if coefficient < 0 else "")
        text += sign + body
    return text


def factor_text(index: Index, names: Names) -> str:
    """An index as a factor of a product: a sum gets parentheses."""
    text = index_text(index, names)
    return f"({text})" if " " in text or text.startswith("-") else text


def _atom(atom: str | Call, names: Names) -> str:
    if isinstance(atom, str):
        return names.of_value(atom)
    a, b = atom.args
    if atom.function in ("min", "max"):
        return f"{atom.function}imum<long long>({index_text(a, names)}, {index_text(b, names)})"
    if _is_natural(a) and _is_natural(b):
        sign = "/" if atom.function == "floordiv" else "%"
        return f"({factor_text(a, names)} {sign} {factor_text(b, names)})"
    function = "floor_divide" if atom.function == "floordiv" else "floor_remainder"
    return f"{function}<long long>({index_text(a, names)}, {index_text(b, names)})"


def _is_natural(index: Index) -> bool:
    """Whether no term can be negative, so that the division of C, towards zero, is a floor division."""
    if isinstance(index, int):
        return index >= 0
    calls = [atom for monomial, _ in index.terms for atom in monomial if isinstance(atom, Call)]
    return all(coefficient > 0 for _, coefficient in index.terms) and all(
        _is_natural(arg) for atom in calls for arg in atom.args
    )
