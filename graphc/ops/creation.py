"""Arrays from nothing or from a shape: constants, ranges, grids, triangles. Named dimensions may be sizes.

Comes in: sizes, numbers, dtypes; goes out: nodes that take no memory of their own where they are used. Floats are
float32 and integers int64 where no dtype is given.
"""

from __future__ import annotations

import math
from operator import index
from typing import Any

import numpy as np

from graphc import dimension
from graphc.dimension import Dim
from graphc.errors import DTypeError, ShapeError
from graphc.ir import leaf
from graphc.ir.leaf import as_array, without_loss
from graphc.ir.node import Node, public
from graphc.ops.conversion import as_node, broadcast_to, cast, expand
from graphc.ops.logic import equal, greater_equal, less_equal, where
from graphc.ops.movement import broadcast_arrays
from graphc.ops.position import extent, iota
from graphc.types import DType, TensorType, as_dtype, as_shape, as_size, bool_, float32, float64, int64, uint64

Number = bool | int | float


@public
def asarray(x: Any, dtype: Any = None) -> Node:
    """`x` as a node: a node, or a constant of a number, array, or nested list; converted if a dtype is given."""
    if isinstance(x, list | tuple) and any(isinstance(element, Node) for element in x):
        raise DTypeError("a list of nodes is no array", help="graphc.stack makes one")
    node = as_node(x)
    return node if dtype is None else cast(node, dtype)


@public
def full(shape: Any, fill_value: Any, dtype: Any = None) -> Node:
    """One number, repeated to a shape, which may have named dimensions; of its dtype if none is given.

    Raises ShapeError for what is no shape, DTypeError for what is no number or does not fit into the dtype.
    """
    if not isinstance(fill_value, bool | int | float | np.generic):
        raise DTypeError(f"{fill_value!r:.80} is no number", help="graphc.broadcast_to repeats arrays")
    type_ = TensorType(default_dtype(fill_value) if dtype is None else as_dtype(dtype), as_shape(shape))
    return leaf.full(without_loss(as_array(fill_value), type_.dtype), type_)


def zeros(shape: Any, dtype: Any = "float32") -> Node:
    """Zeros of a shape, which may have named dimensions."""
    return full(shape, 0, dtype)


def ones(shape: Any, dtype: Any = "float32") -> Node:
    """Ones of a shape, which may have named dimensions."""
    return full(shape, 1, dtype)


def empty(shape: Any, dtype: Any = "float32") -> Node:
    """Zeros of a shape: nodes have values, so nothing is left out."""
    return full(shape, 0, dtype)


@public
def full_like(x: Any, fill_value: Any, dtype: Any = None) -> Node:
    """One number in the shape of `x`, and in its dtype if none is given."""
    x = as_node(x)
    return full(x.shape, fill_value, x.dtype if dtype is None else dtype)


def zeros_like(x: Any, dtype: Any = None) -> Node:
    """Zeros in the shape of `x`, and in its dtype if none is given."""
    return full_like(x, 0, dtype)


def ones_like(x: Any, dtype: Any = None) -> Node:
    """Ones in the shape of `x`, and in its dtype if none is given."""
    return full_like(x, 1, dtype)


def empty_like(x: Any, dtype: Any = None) -> Node:
    """Zeros in the shape of `x`, and in its dtype if none is given."""
    return full_like(x, 0, dtype)


@public
def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None) -> Node:
    """start, start+step, … below stop (above it for negative steps); from 0 if only a stop is given.

    The bounds are numbers; integer ones may be named dimensions. Raises ShapeError for a step of 0.
    """
    start, stop = (0, start) if stop is None else (start, stop)
    bounds = [_bound(value) for value in (start, stop, step)]
    start, stop, step = bounds
    if isinstance(step, Dim) or step == 0:
        raise ShapeError(f"{step} is no step", help="a number that is not 0")
    whole = not any(isinstance(value, float) for value in bounds)
    to = as_dtype(dtype) if dtype is not None else int64 if whole else float32
    if to is bool_:
        raise DTypeError("a range holds numbers, not bool")
    if not whole:
        if any(isinstance(value, Dim) for value in bounds):
            raise ShapeError("a named dimension in a range of floats", help="use graphc.iota, and multiply")
        size = max(0, math.ceil((stop - start) / step))
        return cast(iota(size, float64) * float(step) + float(start), to)
    size = dimension.call("max", -((start - stop) // step), 0)
    wide = uint64 if to is uint64 else int64
    return cast(iota(size, wide) * _wrapped(step, wide) + _wrapped(start, wide), to)


def _bound(value: Any) -> Any:
    if isinstance(value, float | np.floating):
        if not math.isfinite(value):
            raise ShapeError(f"a range cannot reach {value}")
        return float(value)
    if isinstance(value, Dim):
        return value
    try:
        return index(value)
    except TypeError:
        raise DTypeError(f"{value!r:.80} is no bound of a range", help="numbers and named dimensions are") from None


def _wrapped(value: int | Dim, dtype: DType) -> Any:
    """An integer as an operand of a 64-bit dtype; a negative one counts modulo 2**64."""
    if isinstance(value, Dim):
        return extent(value, dtype)
    return value % 2**64 if dtype is uint64 else value


@public
def linspace(start: Any, stop: Any, num: Any, dtype: Any = None, *, endpoint: bool = True) -> Node:
    """`num` evenly spaced numbers from start to stop, which is the last one with `endpoint`.

    The ends are numbers or nodes; a new first axis is added to their common shape. Raises DTypeError if the dtype
    is no float.
    """
    ends = broadcast_arrays(*(cast(as_node(value), float64) for value in (start, stop)))
    size = as_size(num)
    to = as_dtype(dtype) if dtype is not None else _spacing_dtype(start, stop)
    if not to.is_float:
        raise DTypeError(f"evenly spaced numbers are floats, not {to.name}")
    shape = (size, *ends[0].shape)
    first, last = (broadcast_to(value, shape) for value in ends)
    position = expand(iota(size), tuple(range(1, len(shape))), shape[1:])
    intervals = extent(dimension.call("max", size - 1 if endpoint else size, 1), float64)
    share = cast(position, float64) / intervals
    spaced = first + share * (last - first)
    if endpoint:
        is_last = equal(position, extent(size) - 1) if isinstance(size, Dim) else equal(position, max(size - 1, 1))
        spaced = where(is_last, last, spaced)
    return cast(spaced, to)


def _spacing_dtype(start: Any, stop: Any) -> DType:
    """float64 where an end is an array of it, else float32."""
    typed = [as_node(value).dtype for value in (start, stop) if not isinstance(value, Number)]
    return float64 if any(dtype is float64 for dtype in typed) else float32


@public
def eye(n_rows: Any, n_cols: Any = None, *, k: int = 0, dtype: Any = "float32") -> Node:
    """A matrix with ones on its k-th diagonal (above the main one for positive k), else zeros."""
    shape = (as_size(n_rows), as_size(n_rows if n_cols is None else n_cols))
    return cast(_compared(equal, shape, k), dtype)


@public
def tril(x: Any, k: int = 0) -> Node:
    """The elements of matrices on and below the k-th diagonal; zeros above."""
    return _triangle(greater_equal, x, k)


@public
def triu(x: Any, k: int = 0) -> Node:
    """The elements of matrices on and above the k-th diagonal; zeros below."""
    return _triangle(less_equal, x, k)


def _triangle(keeps: Any, x: Any, k: int) -> Node:
    x = as_node(x)
    if x.ndim < 2:
        raise ShapeError("fewer than two axes", help="matrices stand in the last two axes")
    kept = _compared(keeps, x.shape[-2:], k)
    return where(expand(kept, tuple(range(x.ndim - 2)), x.shape[:-2]), x, False if x.dtype is bool_ else 0)


def _compared(compare: Any, shape: tuple[Any, ...], k: int) -> Node:
    """For each place of a matrix, `row + k` compared with the column."""
    try:
        rows = iota(shape[0]) + index(k)
    except TypeError:
        raise ShapeError(f"{k!r:.80} is no number of a diagonal", help="an integer") from None
    return compare(expand(rows, (1,), (shape[1],)), expand(iota(shape[1]), (0,), (shape[0],)))


@public
def meshgrid(*arrays: Any, indexing: str = "xy") -> list[Node]:
    """Coordinates of a grid from those along each axis: arrays of shape (n0, n1, …), one for each operand.

    With "xy" the first two axes are exchanged, as plots have them; with "ij" they are not.
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f"indexing is 'xy' or 'ij', not {indexing!r}")
    nodes = [as_node(x) for x in arrays]
    if any(x.ndim > 1 for x in nodes):
        raise ShapeError("an operand with several axes", help="give the coordinates along one axis")
    nodes = [x if x.ndim else expand(x, (0,), (1,)) for x in nodes]
    order = list(range(len(nodes)))
    if indexing == "xy" and len(nodes) > 1:
        order[:2] = [1, 0]
    shape = tuple(nodes[i].shape[0] for i in order)
    others = [tuple(a for a, i in enumerate(order) if i != own) for own in range(len(nodes))]
    return [expand(x, axes, tuple(shape[a] for a in axes)) for x, axes in zip(nodes, others, strict=True)]


def default_dtype(value: Any) -> DType:
    """The dtype of a number where none is given: that of NumPy's scalars, else float32, int64 or bool."""
    if isinstance(value, np.generic):
        return as_dtype(value.dtype)
    return bool_ if isinstance(value, bool) else int64 if isinstance(value, int) else float32
