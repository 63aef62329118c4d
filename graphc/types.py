"""What a value is: its dtype and its shape. Comes in: names, NumPy dtypes; goes out: `TensorType`.

Promotion follows NumPy 2 (NEP 50): Python numbers are weak. Where NumPy's answer surprises (int32 with
float32 gives float64) the answer is NumPy's, and those who ask `is_surprising` can say so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import ml_dtypes
import numpy as np

from graphc import dimension
from graphc.dimension import Dim
from graphc.errors import DTypeError, ShapeError

Shape = tuple[int | Dim, ...]

LARGEST = 2**63 - 1  # of what kernels count

_LOOP_VARIABLE = re.compile(r"(i|j|v|ok)[0-9]+")


class PromotionWarning(UserWarning):
    """Two dtypes whose common dtype loses or costs more than their user may expect."""


@dataclass(frozen=True, eq=False)
class DType:
    """An element type. There is one object for each, so `is` compares."""

    name: str
    short: str
    kind: str  # "b"ool, signed "i"nteger, "u"nsigned integer, "f"loat
    bits: int
    numpy: np.dtype[Any] = field(repr=False)

    @property
    def is_float(self) -> bool:
        return self.kind == "f"

    @property
    def is_integer(self) -> bool:
        return self.kind in "iu"

    @property
    def bytes(self) -> int:
        return self.bits // 8

    @property
    def compute(self) -> DType:
        """The dtype in which an op on this dtype calculates: float32 for the 16-bit floats."""
        return float32 if self.is_float and self.bits == 16 else self

    @property
    def limits(self) -> Any:
        """Of a float dtype: `eps`, `max`, `smallest_normal`, `nmant` and the like, as NumPy's `finfo` has them."""
        return ml_dtypes.finfo(self.numpy)  # type: ignore[no-untyped-call]

    def __str__(self) -> str:
        return self.short

    __repr__ = __str__

    def __reduce__(self) -> tuple[Any, ...]:
        return as_dtype, (self.name,)


bool_ = DType("bool", "bool", "b", 8, np.dtype(np.bool_))
int8, int16, int32, int64 = (DType(f"int{n}", f"i{n}", "i", n, np.dtype(f"int{n}")) for n in (8, 16, 32, 64))
uint8, uint16, uint32, uint64 = (DType(f"uint{n}", f"u{n}", "u", n, np.dtype(f"uint{n}")) for n in (8, 16, 32, 64))
float16, float32, float64 = (DType(f"float{n}", f"f{n}", "f", n, np.dtype(f"float{n}")) for n in (16, 32, 64))
bfloat16 = DType("bfloat16", "bf16", "f", 16, np.dtype(ml_dtypes.bfloat16))

DTYPES = (bool_, int8, int16, int32, int64, uint8, uint16, uint32, uint64, float16, bfloat16, float32, float64)
_BY_NAME = {name: dtype for dtype in DTYPES for name in (dtype.name, dtype.short)}
_BY_NUMPY = {dtype.numpy: dtype for dtype in DTYPES}


def as_dtype(dtype: Any) -> DType:
    """The `DType` for a name ("float32", "f32"), a NumPy dtype or scalar type, or a `DType`.

    Raises DTypeError for what has no counterpart, such as complex numbers and strings.
    """
    if isinstance(dtype, DType):
        return dtype
    if isinstance(dtype, str) and dtype in _BY_NAME:
        return _BY_NAME[dtype]
    try:
        if dtype is None:  # which NumPy takes for float64
            raise TypeError
        return _BY_NUMPY[np.dtype(dtype).newbyteorder("=")]
    except (TypeError, ValueError, KeyError):
        names = ", ".join(d.name for d in DTYPES)
        raise DTypeError(f"{dtype!r} is not a dtype of graphc", help=f"one of {names}") from None


def promote(*dtypes: DType) -> DType:
    """The common dtype of operands, as NumPy 2 promotes arrays (bfloat16 with float16 gives float32)."""
    result = dtypes[0]
    for dtype in dtypes[1:]:
        result = _promote_two(result, dtype)
    return result


def _promote_two(a: DType, b: DType) -> DType:
    if a is b:
        return a
    if bfloat16 in (a, b):
        other = b if a is bfloat16 else a
        if other.is_float:
            result = float32 if other is float16 else other
        else:
            result = bfloat16 if other.bits <= 8 else float32 if other.bits == 16 else float64
    else:
        result = _BY_NUMPY[np.result_type(a.numpy, b.numpy)]
    return result


def is_surprising(result: DType, *dtypes: DType) -> bool:
    """Whether operands become floats that are wider than all floats among them, for the sake of integers."""
    floats = [dtype.bits for dtype in dtypes if dtype.is_float]
    return result.is_float and len(floats) < len(dtypes) and result.bits > max(floats, default=0)


def weak_dtype(value: bool | int | float, dtype: DType) -> DType:
    """The dtype of an op between a Python number and an array of `dtype` (NEP 50).

    Raises DTypeError for an integer that `dtype` cannot hold.
    """
    if isinstance(value, bool):
        return dtype
    if isinstance(value, int):
        if dtype is bool_:
            return int64
        if dtype.is_integer:
            info = np.iinfo(dtype.numpy)
            if not info.min <= value <= info.max:
                raise DTypeError(f"the number {value} does not fit into {dtype.name}", help="cast the array first")
        return dtype
    return dtype if dtype.is_float else float64


@dataclass(frozen=True)
class TensorType:
    """The type of a node: a dtype, and a size for each axis."""

    dtype: DType
    shape: Shape

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((id(self.dtype), self.shape)))

    def __hash__(self) -> int:
        return self._hash  # type: ignore[attr-defined]

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int | Dim:
        """The number of elements."""
        return dimension.product(self.shape)

    @property
    def symbols(self) -> frozenset[str]:
        """The named dimensions of the shape."""
        return frozenset().union(*map(dimension.symbols_of, self.shape))

    def with_dtype(self, dtype: DType) -> TensorType:
        return TensorType(dtype, self.shape)

    def with_shape(self, shape: Shape) -> TensorType:
        return TensorType(self.dtype, shape)

    def concrete_shape(self, sizes: Mapping[str, int]) -> tuple[int, ...]:
        """The shape for given sizes of the named dimensions."""
        return tuple(dimension.evaluate(size, sizes) for size in self.shape)

    def bound(self, sizes: Mapping[str, int]) -> TensorType:
        """The type for given sizes of the named dimensions."""
        return TensorType(self.dtype, self.concrete_shape(sizes))

    def __str__(self) -> str:
        return f"{self.dtype.short}[{','.join(map(str, self.shape))}]"

    __repr__ = __str__


_tuple = DType("tuple", "tuple", "t", 0, np.dtype(object))


@dataclass(frozen=True)
class TupleType(TensorType):
    """The type of a node with several results. Seen as a tensor it has a dtype that no other op accepts."""

    elements: tuple[TensorType, ...]

    def __init__(self, elements: Iterable[TensorType]) -> None:
        object.__setattr__(self, "elements", tuple(elements))
        object.__setattr__(self, "dtype", _tuple)
        object.__setattr__(self, "shape", ())
        object.__setattr__(self, "_hash", hash(self.elements))

    def __hash__(self) -> int:
        return self._hash  # type: ignore[attr-defined]

    @property
    def symbols(self) -> frozenset[str]:
        return frozenset().union(*(element.symbols for element in self.elements))

    def bound(self, sizes: Mapping[str, int]) -> TupleType:
        return TupleType(element.bound(sizes) for element in self.elements)

    def __str__(self) -> str:
        return f"({', '.join(map(str, self.elements))})"

    __repr__ = __str__


def as_shape(shape: Any) -> Shape:
    """A shape from an integer, a name, a `Dim`, or a tuple or list of these; names may be expressions ("2*n").

    Raises ShapeError for a negative size, for what is no size, and for names that kernels give to loop variables.
    """
    sizes = shape if isinstance(shape, tuple | list) else (shape,)
    return tuple(map(as_size, sizes))


def as_size(size: Any) -> int | Dim:
    """The size of one axis, from an integer, a name or a `Dim`. Raises ShapeError."""
    if isinstance(size, Dim):
        return size
    if isinstance(size, str):
        return parse_size(size)
    try:
        number = int(size.__index__())
    except (AttributeError, TypeError):
        raise ShapeError(f"{size!r} is no size of an axis", help="an integer, or a name such as 'batch'") from None
    if isinstance(size, bool | np.bool_) or number < 0:
        raise ShapeError(f"{size!r} is no size of an axis", help="a size is a non-negative integer or a name")
    if number > LARGEST:
        raise ShapeError(f"no array has an axis of size {number}", help=f"the largest size is {LARGEST}")
    return number


def parse_size(text: str) -> int | Dim:
    """The size of an axis from its text. Raises ShapeError."""
    try:
        size = dimension.parse(text)
    except ValueError as error:
        raise ShapeError(str(error), help="an integer, or a name such as 'batch' or '2*n'") from None
    if isinstance(size, int) and size < 0:
        raise ShapeError(f"{text!r} is no size of an axis", help="a size is a non-negative integer or a name")
    for name in sorted(dimension.symbols_of(size)):
        if _LOOP_VARIABLE.fullmatch(name):
            raise ShapeError(f"a dimension cannot be named {name!r}", help="i0, j0, v0, ok0 … are names inside kernels")
    return size
