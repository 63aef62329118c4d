"""Elementwise ops as CUDA C++: short ones are written in place, longer ones become device functions.

Comes in: an op and its operands; goes out: an expression, and the functions that it calls.
"""

from __future__ import annotations

import inspect
import re
from collections import Counter

from graphc.backends.cuda.notation import identifier, type_name
from graphc.backends.cuda.scalars import TERNARY, CudaScalars, Value, in_order, printed, rounded, widened
from graphc.ops.base import Elementwise
from graphc.types import DType

_SCALARS = CudaScalars()
_SHORT = 2  # operations that read well in place


class Functions:
    """The device functions of a module, each printed once and named like `sigmoid_f32`."""

    def __init__(self) -> None:
        self._names: dict[tuple[Elementwise, tuple[DType, ...]], str] = {}
        self.texts: dict[str, str] = {}

    def apply(self, op: Elementwise, args: tuple[Value, ...], dtype: DType) -> Value:
        """`op(args)`, rounded to `dtype`."""
        args = tuple(map(widened, args))
        expression = rounded(op.scalar(_SCALARS, *args), dtype.compute)
        if _operations(expression, args) <= _SHORT:
            return rounded(expression, dtype)
        name = self._function(op, tuple(arg.dtype for arg in args), dtype.compute)
        holes = ", ".join(f"{{{i}}}" for i in range(len(args)))
        return rounded(Value(dtype.compute, f"{name}({holes})", args, needs=(TERNARY,) * len(args)), dtype)

    def _function(self, op: Elementwise, dtypes: tuple[DType, ...], result: DType) -> str:
        key = op, dtypes
        if key not in self._names:
            kinds = dtypes if len(set(dtypes)) > 1 else dtypes[:1]
            base = name = "_".join([identifier(op.name), *(dtype.short for dtype in kinds)])
            while name in self.texts:  # the same op with other attributes
                name = f"{base}_{len(self.texts)}"
            self._names[key] = name
            self.texts[name] = _definition(op, name, dtypes, result)
        return self._names[key]


def used_in(text: str, functions: Functions) -> list[str]:
    """The definitions that a kernel's text needs, in order."""
    words = set(re.findall(r"\w+", text))
    return [definition for name, definition in functions.texts.items() if name in words]


def _operations(expression: Value, args: tuple[Value, ...]) -> int:
    operands = {value for arg in args for value in in_order(arg)}
    return sum(1 for value in in_order(expression) if value.args and value not in operands)


def _definition(op: Elementwise, name: str, dtypes: tuple[DType, ...], result: DType) -> str:
    parameters = [p.name for p in inspect.signature(op.scalar).parameters.values()][1:]
    if len(parameters) != len(dtypes):
        parameters = [f"x{number}" for number in range(len(dtypes))]
    parameters = [identifier(parameter) for parameter in parameters]
    args = tuple(Value(dtype, parameter) for dtype, parameter in zip(dtypes, parameters, strict=True))
    root = rounded(op.scalar(_SCALARS, *args), result)
    expressions = in_order(root)
    uses = Counter(arg for value in expressions for arg in value.args)
    names: dict[Value, str] = {}
    lines = []
    for value in expressions:
        if value.args and uses[value] > 1:
            temporary = f"t{len(names)}"
            lines.append(f"  const {type_name(value.dtype)} {temporary} = {printed(value, names)};")
            names[value] = temporary
    declared = ", ".join(f"{type_name(arg.dtype)} {arg.template}" for arg in args)
    head = f"__device__ __forceinline__ {type_name(result)} {name}({declared}) {{"
    return "\n".join([head, *lines, f"  return {printed(root, names)};", "}"]) + "\n"
