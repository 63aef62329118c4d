"""How operands meet: `cast`, `expand`, `sum` and `reshape`, and the functions that promote and broadcast with them.

Core ops want equal shapes and dtypes. `function(Op)` makes the public function of an op, which takes numbers,
NumPy arrays and nodes, converts them to one dtype and shape, and makes the node; given the terms of a rule it
makes a term. The derivative of `expand` is `sum` and the other way round, hence they live together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from operator import index
from typing import Any

import numpy as np

from graphc import dimension
from graphc.dimension import Dim
from graphc.errors import AxisError, DTypeError, ShapeError
from graphc.ir.leaf import as_array, constant_array, full, uniform_value
from graphc.ir.node import Node, describe, make, public
from graphc.ir.op import Cotangents, Op
from graphc.ir.scalars import Scalars, Value
from graphc.ir.source import warn
from graphc.ir.term import Application, Term
from graphc.ops.base import Elementwise, anything
from graphc.ops.position import extent
from graphc.types import (
    DType,
    PromotionWarning,
    Shape,
    TensorType,
    as_dtype,
    as_shape,
    bool_,
    float16,
    float32,
    float64,
    int64 as int64_,
    is_surprising,
    promote,
    uint64,
    weak_dtype,
)

Axes = tuple[int, ...]


class Cast(Elementwise):
    """Convert to another dtype. Floats become integers by truncation; out of range they saturate, NaN becomes 0."""

    dtype: DType
    accepts = anything
    linear = True

    def scalar(self, s: Scalars, x: Value) -> Value:
        return s.cast(x, self.dtype)

    def result(self, dtype: DType) -> DType:
        return self.dtype

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (cast(g, x.dtype) if x.dtype.is_float and self.dtype.is_float else None,)


class Expand(Op):
    """Insert axes, and repeat the operand along them: result axis `axis[i]` has size `size[i]`."""

    axis: Axes
    size: Shape
    arity = 1
    moves = True

    def infer(self, x: TensorType) -> TensorType:
        ndim = x.ndim + len(self.axis)
        if sorted(set(self.axis)) != list(self.axis) or any(not 0 <= a < ndim for a in self.axis):
            raise AxisError(f"axes {self.axis} cannot be inserted to give {ndim} axes")
        sizes = iter(x.shape)
        inserted = dict(zip(self.axis, self.size, strict=True))
        return x.with_shape(tuple(inserted[a] if a in inserted else next(sizes) for a in range(ndim)))

    def evaluate(self, s: Scalars, x: Value) -> Value:
        inserted = dict(zip(self.axis, self.size, strict=True))
        x = np.expand_dims(x, self.axis)
        return np.broadcast_to(x, tuple(inserted.get(a, n) for a, n in enumerate(x.shape)))

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (sum(g, self.axis),)


class Addition(Op, abstract=True):
    """A sum over axes, which the result does not have. 16-bit floats are added up in float32."""

    axis: Axes
    arity = 1

    def infer(self, x: TensorType) -> TensorType:
        return reduced(x, self.axis)

    def evaluate(self, s: Any, x: Value) -> Value:
        return s.sum(x, self.axis)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (expand(g, self.axis, like=x),)


class Sum(Addition):
    """The sum over axes, in blocks: its error hardly grows with their sizes."""


class CompensatedSum(Addition):
    """The sum over axes as if it were calculated in twice the precision and rounded once, products in it included."""

    def infer(self, x: TensorType) -> TensorType:
        if not x.dtype.is_float:
            raise DTypeError(f"not defined for {x.dtype.name}", help="a sum of integers has nothing to compensate")
        return reduced(x, self.axis)


class Reshape(Op):
    """The elements in row-major order under another shape."""

    shape: Shape
    arity = 1
    moves = True

    def infer(self, x: TensorType) -> TensorType:
        if dimension.product(self.shape) != x.size:
            raise ShapeError(f"{x.size} elements do not fill the shape ({', '.join(map(str, self.shape))})")
        return x.with_shape(self.shape)

    def evaluate(self, s: Scalars, x: Value) -> Value:
        return np.reshape(x, self.shape)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (reshape(g, x.shape),)


def function(op: type[Op]) -> Callable[..., Any]:
    """The public function of an elementwise op: converts, promotes and broadcasts its operands as NumPy does.

    Terms of rules give a term. Raises ShapeError, DTypeError or TypeError for operands that do not fit.
    """

    def apply(*args: Any, **attributes: Any) -> Any:
        if len(args) != op.arity:
            raise TypeError(f"{op.name} takes {op.arity} operands, not {len(args)}")
        if any(isinstance(arg, Term) for arg in args):
            return Application(op, args, attributes)
        if unknown := attributes.keys() - {field.name for field in fields(op)}:  # type: ignore[arg-type]
            raise TypeError(f"{op.name} takes no argument {min(unknown)!r}")
        instance = op(**attributes)
        assert isinstance(instance, Elementwise)
        return make(instance, *_meet(instance, args))

    apply.__name__ = apply.__qualname__ = op.name
    apply.__doc__ = op.__doc__
    return public(apply)


@public
def cast(x: Any, dtype: Any) -> Any:
    """`x` converted to `dtype`; `x` itself if it has it."""
    if isinstance(x, Term):
        return Application(Cast, (x,), {"dtype": dtype})
    x, dtype = as_node(x), as_dtype(dtype)
    if x.dtype is dtype:
        return x
    value = uniform_value(x)
    if value is not None and np.isfinite(value):
        return full(value, x.type.with_dtype(dtype))
    return make(Cast(dtype), x)


@public
def expand(x: Any, axis: Any, size: Any = None, *, like: Any = None) -> Any:
    """Insert axes into `x` and repeat it along them; their sizes are given, or those of `like`."""
    if isinstance(x, Term):
        return Application(Expand, (x,), {"axis": axis}, like=like)
    if like is not None:
        axis = axes(axis, like.ndim)
        size = tuple(like.shape[a] for a in axis)
    axis, size = tuple(axis), as_shape(size)
    if not axis:
        return x
    if uniform_value(x) is not None:
        return full(uniform_value(x), Expand(axis, size).infer(x.type))
    if isinstance(x.op, Expand):
        return make(*_merged(x, axis, size))
    return make(Expand(axis, size), x)


@public
def sum(x: Any, axis: Any = None, *, keepdims: bool = False, dtype: Any = None, compensated: bool = False) -> Any:
    """The sum over axes (all if None). Small integers and bool are added up as int64, as in NumPy.

    `compensated` calculates as if in twice the precision, products `sum(x * y)` included: for terms that cancel.
    """
    if isinstance(x, Term):
        return Application(Sum, (x,), {"axis": axis})
    if not isinstance(compensated, bool):
        raise TypeError(f"sum: compensated is True or False, not {compensated!r:.80}")
    x = as_node(x)
    if dtype is not None:
        x = cast(x, dtype)
    elif x.dtype.kind in "bi":
        x = cast(x, int64_)
    elif x.dtype.kind == "u":
        x = cast(x, uint64)
    return reduction(CompensatedSum if compensated and x.dtype.is_float else Sum, x, axis, keepdims)


def reduction(op: type[Op], x: Node, axis: Any, keepdims: bool) -> Node:
    """A reduction over axes; with `keepdims` they stay, with size 1."""
    axis = axes(axis, x.ndim)
    if not axis:
        return x
    y = make(op(axis), x)  # type: ignore[call-arg]
    return expand(y, axis, (1,) * len(axis)) if keepdims else y


@public
def reshape(x: Any, shape: Any) -> Any:
    """The elements of `x` in another shape; one size may be -1."""
    if isinstance(x, Term):
        return Application(Reshape, (x,), {"shape": shape})
    x = as_node(x)
    sizes = list(shape) if isinstance(shape, Sequence) and not isinstance(shape, str) else [shape]
    if any(isinstance(size, int) and size == -1 for size in sizes):
        known = as_shape([size for size in sizes if not (isinstance(size, int) and size == -1)])
        if len(known) != len(sizes) - 1:
            raise ShapeError("only one size may be -1")
        sizes[sizes.index(-1)] = _missing_size(x, known)
    new = as_shape(sizes)
    if new == x.shape:
        return x
    if uniform_value(x) is not None and dimension.product(new) == x.size:
        return full(uniform_value(x), x.type.with_shape(new))
    if isinstance(x.op, Reshape):
        x = x.args[0]
        if new == x.shape:
            return x
    return make(Reshape(new), x)


def squeeze(x: Node, axis: Axes) -> Node:
    """Remove axes of size 1."""
    if isinstance(x.op, Expand) and set(axis) <= set(x.op.axis):
        inserted = dict(zip(x.op.axis, x.op.size, strict=True))
        kept = {a - len([b for b in axis if b < a]): n for a, n in inserted.items() if a not in axis}
        return expand(x.args[0], tuple(kept), tuple(kept.values()))
    return reshape(x, tuple(n for a, n in enumerate(x.shape) if a not in axis))


@public
def broadcast_to(x: Any, shape: Any) -> Node:
    """`x` repeated to a shape, as NumPy broadcasts. Raises ShapeError if it does not fit."""
    x = as_node(x)
    if isinstance(shape, tuple) and x.shape == shape:
        return x
    shape = as_shape(shape)
    new = len(shape) - x.ndim
    stretched = tuple(a for a, n in enumerate(x.shape) if n == 1 and new + a >= 0 and shape[new + a] != 1)
    fits = new >= 0 and all(n == shape[new + a] or a in stretched for a, n in enumerate(x.shape))
    if not fits:
        raise ShapeError(f"the shape does not become ({', '.join(map(str, shape))})")
    x = squeeze(x, stretched) if stretched else x
    axis = (*range(new), *(new + a for a in stretched))
    return expand(x, axis, tuple(shape[a] for a in axis))


def broadcast_shapes(*operands: Node) -> Shape:
    """The common shape of operands. Raises ShapeError naming them if there is none.

    A named dimension equals itself only: it may be 1 at a call, but then its axis stays 1.
    """
    ndim = max(x.ndim for x in operands)
    shape: list[Any] = [1] * ndim
    for x in operands:
        for a, n in enumerate(x.shape, ndim - x.ndim):
            if shape[a] == 1:
                shape[a] = n
            elif n not in (1, shape[a]):
                raise ShapeError(
                    f"shapes do not broadcast: {shape[a]} and {n} differ",
                    details=map(describe, operands),
                    help="sizes must be equal or 1; a named dimension equals only itself",
                )
    return tuple(shape)


def as_node(x: Any) -> Node:
    """A node for an operand: itself, or a constant for a number or array."""
    if isinstance(x, Node):
        return x
    if isinstance(x, Dim):
        return extent(x)
    if isinstance(x, bool | int | float | np.ndarray | np.generic | list | tuple):
        return constant_array(as_array(x))
    raise DTypeError(f"not an operand: {x!r:.80}", help="a node, a number or an array is")


def axes(axis: Any, ndim: int) -> Axes:
    """Sorted axes counted from the front; None means all. Raises AxisError."""
    if axis is None:
        return tuple(range(ndim))
    return tuple(sorted(ordered_axes(axis if isinstance(axis, Sequence) else (axis,), ndim)))


def one_axis(axis: Any, ndim: int) -> int:
    """A single axis counted from the front. Raises AxisError."""
    found = axes(axis, ndim)
    if axis is None or len(found) != 1:
        raise AxisError(f"{axis!r:.80} is not one axis", help="give one integer")
    return found[0]


def ordered_axes(given: Any, ndim: int) -> Axes:
    """Axes counted from the front, in the order given. Raises AxisError."""
    try:
        if isinstance(given, str | bytes):
            raise TypeError
        found = tuple(_integer(a) + (ndim if a < 0 else 0) for a in given)
    except TypeError:
        raise AxisError(f"{given!r:.80} are no axes", help="an axis is an integer, or a tuple of them") from None
    if any(not 0 <= a < ndim for a in found):
        raise AxisError(f"axis {', '.join(map(str, given))} is out of range for {ndim} axes")
    if len(set(found)) < len(found):
        raise AxisError(f"{tuple(given)} names an axis twice")
    return found


def _integer(a: Any) -> int:
    if isinstance(a, bool | np.bool_):
        raise TypeError("a truth value is no axis")
    return index(a)


def check_axis(axis: int, x: TensorType) -> None:
    """Raise AxisError for an attribute that is no axis."""
    if not 0 <= axis < x.ndim:
        raise AxisError(f"axis {axis} is out of range for {x.ndim} axes")


def reduced(x: TensorType, axis: Axes) -> TensorType:
    """The type of a reduction over axes."""
    if any(not 0 <= a < x.ndim for a in axis) or sorted(set(axis)) != list(axis):
        raise AxisError(f"axes {axis} do not fit {x.ndim} axes")
    return x.with_shape(tuple(n for a, n in enumerate(x.shape) if a not in axis))


def promoted(*dtypes: DType) -> DType:
    """The common dtype of operands, with a PromotionWarning where it may surprise."""
    result = promote(*dtypes)
    if is_surprising(result, *dtypes):
        given = " with ".join(dict.fromkeys(dtype.name for dtype in dtypes))
        warn(f"{given} gives {result.name}, as in NumPy; cast one of them to say what you want", PromotionWarning)
    return result


def common_dtype(op: str, accepts: str, args: Sequence[Any]) -> DType:
    """The dtype that operands are converted to. Raises DTypeError if the op is not defined for it."""
    typed = [as_node(x).dtype for x in args if not _is_weak(x)]
    weak = [x for x in args if _is_weak(x)]
    if typed:
        dtype = promoted(*typed)
        for x in weak:
            dtype = weak_dtype(0 if isinstance(x, Dim) else x, dtype)
    else:
        dtype = promoted(*(as_node(x).dtype for x in weak))
    if dtype.kind not in accepts and accepts == "f" and dtype.kind in "iub":
        wide = float16 if dtype.bits == 8 else float32 if dtype.bits == 16 else float64
        warn(f"{op} of {dtype.name} gives {wide.name}, as in NumPy", PromotionWarning)
        return wide
    return dtype


def _meet(op: Elementwise, args: tuple[Any, ...]) -> list[Node]:
    conditions, values = args[: op.conditions], args[op.conditions :]
    dtype = common_dtype(op.name, op.accepts, values) if not isinstance(op, Cast) else as_node(args[0]).dtype
    wanted = [*(bool_ for _ in conditions), *(dtype for _ in values)]
    nodes = [None if _is_weak(x) else as_node(x) for x in args]
    shape = broadcast_shapes(*(n for n in nodes if n is not None)) if any(n is not None for n in nodes) else ()
    met = []
    for x, node, to in zip(args, nodes, wanted, strict=True):
        if node is None:
            met.append(broadcast_to(extent(x, to) if isinstance(x, Dim) else full(x, TensorType(to, ())), shape))
        elif to is bool_ and node.dtype is not bool_:
            raise DTypeError(f"{node.dtype.name} is no condition", help="compare it with something")
        else:
            met.append(broadcast_to(cast(node, to), shape))
    return met


def _is_weak(x: Any) -> bool:
    return isinstance(x, bool | int | float | Dim) and not isinstance(x, np.generic)


def _merged(x: Node, axis: Axes, size: Shape) -> tuple[Op, Node]:
    """One expand for an expand of an expand."""
    assert isinstance(x.op, Expand)
    outer = dict(zip(axis, size, strict=True))
    inner = dict(zip(x.op.axis, x.op.size, strict=True))
    places = [a for a in range(x.ndim + len(axis)) if a not in outer]
    both = outer | {places[a]: n for a, n in inner.items()}
    order = tuple(sorted(both))
    return Expand(order, tuple(both[a] for a in order)), x.args[0]


def _missing_size(x: Node, known: Shape) -> Any:
    total, rest = x.size, dimension.product(known)
    missing: Any = total // rest if rest != 0 else None
    if missing is None or missing * rest != total:
        raise ShapeError(f"{total} elements cannot be divided by ({', '.join(map(str, known))})")
    return missing
