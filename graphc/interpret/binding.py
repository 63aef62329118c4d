"""Named dimensions become numbers: sizes follow from the shapes of the inputs, then ops are bound to them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from graphc import dimension
from graphc.dimension import Dim
from graphc.errors import ShapeError
from graphc.ir.node import Node, describe
from graphc.ir.op import Op
from graphc.types import TensorType


@dataclasses.dataclass(frozen=True)
class Equation:
    """What one axis of one input says: a size has a value."""

    node: Node
    axis: int
    size: Dim
    value: int

    def __str__(self) -> str:
        return f"{describe(self.node)}   axis {self.axis}: {self.size} = {self.value}"


def infer_sizes(shapes: Iterable[tuple[Node, tuple[int, ...]]]) -> dict[str, int]:
    """The sizes of the named dimensions, given the shapes of nodes' values.

    Raises ShapeError where a shape does not fit its node, where two shapes contradict each other, and where a
    dimension remains unknown.
    """
    sizes: dict[str, int] = {}
    origin: dict[str, Equation] = {}
    pending = _equations(shapes)
    while pending:
        rest = []
        for equation in pending:
            left = equation.size.substitute(sizes)
            if isinstance(left, int):
                _check(equation, left, sizes, origin)
            elif (found := _solution(equation, left)) is not None:
                sizes[found[0]], origin[found[0]] = found[1], equation
            else:
                rest.append(equation)
        if len(rest) == len(pending):
            unknown = sorted(frozenset().union(*(e.size.symbols for e in rest)) - set(sizes))
            raise ShapeError(
                f"the size of {', '.join(unknown)} does not follow from the inputs",
                details=map(str, rest),
                help="give an axis of some input exactly this size",
            )
        pending = rest
    for name, equation in origin.items():
        low, high = dimension.range_of(name)
        if sizes[name] < low or (high is not None and sizes[name] > high):
            message = f"the size {name} is {sizes[name]}, its range is {dimension.range_text(name)}"
            raise ShapeError(message, details=[str(equation)])
    return sizes


def bind(op: Op, sizes: Mapping[str, int]) -> Op:
    """The op with numbers for the named dimensions in its attributes; the op itself if it has none."""
    if not any(map(_has_dimension, op.key[1:])):
        return op
    return _bind(op, tuple(sorted(sizes.items())))


@lru_cache(maxsize=4096)
def _bind(op: Op, sizes: tuple[tuple[str, int], ...]) -> Op:
    known = dict(sizes)
    return type(op)(**{name: _bound(value, known) for name, value in op.attributes().items()})


def _bound(value: Any, sizes: Mapping[str, int]) -> Any:
    match value:
        case Dim():
            return value.evaluate(sizes)
        case tuple():
            return tuple(_bound(part, sizes) for part in value)
        case TensorType():
            return value.with_shape(value.concrete_shape(sizes))
        case _:
            return value


def _has_dimension(value: Any) -> bool:
    if isinstance(value, TensorType):
        value = value.shape
    return isinstance(value, Dim) or (isinstance(value, tuple) and any(map(_has_dimension, value)))


def _equations(shapes: Iterable[tuple[Node, tuple[int, ...]]]) -> list[Equation]:
    found = []
    for node, shape in shapes:
        if len(shape) != node.ndim:
            message = f"{_name(node)} has {node.ndim} axes, the value {len(shape)}"
            raise ShapeError(message, details=[describe(node)])
        for axis, (size, value) in enumerate(zip(node.shape, shape, strict=True)):
            if isinstance(size, Dim):
                found.append(Equation(node, axis, size, value))
            elif size != value:
                message = f"axis {axis} of {_name(node)} has size {size}, that of the value {value}"
                raise ShapeError(message, details=[describe(node)])
    return found


def _solution(equation: Equation, size: Dim) -> tuple[str, int] | None:
    """The dimension and its value, if the equation is linear in a single unknown one."""
    if len(size.symbols) != 1:
        return None
    (name,) = size.symbols
    factor = size.coefficient(name)
    if not isinstance(factor, int) or factor == 0:
        return None
    value, remainder = divmod(equation.value - dimension.evaluate(size, {name: 0}), factor)
    if remainder or value < 0:
        raise ShapeError(f"no size {name} gives {equation.size} = {equation.value}", details=[str(equation)])
    return name, value


def _check(equation: Equation, size: int, sizes: Mapping[str, int], origin: Mapping[str, Equation]) -> None:
    if size == equation.value:
        return
    names = sorted(equation.size.symbols)
    known = ", ".join(f"{name} = {sizes[name]}" for name in names)
    raise ShapeError(
        f"the sizes contradict each other: {known}, but {equation.size} = {equation.value}",
        details=[*dict.fromkeys(str(origin[name]) for name in names), str(equation)],
    )


def _name(node: Node) -> str:
    return f"%{getattr(node.op, 'label', node.op.name)}"
