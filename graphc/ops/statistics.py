"""Statistics along axes: variance, counts, averages, covariance, histograms.

Sums, means and extremes are ops of their own in `reduction`; here stands what is made of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc import dimension
from graphc.dimension import Dim
from graphc.errors import ShapeError
from graphc.ir.node import Node, public
from graphc.ops.contraction import matmul, matrix_transpose
from graphc.ops.conversion import as_node, axes, broadcast_to, cast, common_dtype, expand, reshape, sum
from graphc.ops.creation import asarray
from graphc.ops.deviations import squared_deviations
from graphc.ops.diagonals import diagonal
from graphc.ops.elementwise import maximum, sqrt
from graphc.ops.logic import greater_equal, less, less_equal, logical_and, not_equal, where
from graphc.ops.manipulation import expand_dims
from graphc.ops.movement import concat
from graphc.ops.position import extent
from graphc.ops.reduction import mean
from graphc.types import bool_, float64, int64


@public
def var(x: Any, axis: Any = None, *, correction: float = 0.0, keepdims: bool = False) -> Any:
    """The variance over axes: the mean squared distance from the mean, which does not cancel; of integers in float64.

    The sum of squares is divided by the number of elements less the correction.
    """
    x = _as_float(x)
    return cast(_variance(x, axis, correction, keepdims), x.dtype)


def std(x: Any, axis: Any = None, *, correction: float = 0.0, keepdims: bool = False) -> Any:
    """The standard deviation over axes."""
    x = _as_float(x)
    return cast(sqrt(_variance(x, axis, correction, keepdims)), x.dtype)


def _variance(x: Node, axis: Any, correction: float, keepdims: bool) -> Any:
    """The variance, of 16-bit floats in float32."""
    axis = axes(axis, x.ndim)
    total = squared_deviations(cast(x, x.dtype.compute), axis)
    total = expand(total, axis, (1,) * len(axis)) if keepdims else total
    count = extent(dimension.product(tuple(x.shape[a] for a in axis)), total.dtype)
    return total / (maximum(count - correction, 0) if correction > 0 else count - correction)


@public
def count_nonzero(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """How many elements over axes are not 0, as int64."""
    x = as_node(x)
    return sum(cast(x if x.dtype is bool_ else not_equal(x, 0), int64), axis, keepdims=keepdims)


@public
def average(x: Any, axis: Any = None, weights: Any = None, *, keepdims: bool = False) -> Any:
    """The mean over axes, each element with its weight; the weights have the shape of x, or that of the axes."""
    x = _as_float(x)
    if weights is None:
        return mean(x, axis, keepdims=keepdims)
    over, weights = axes(axis, x.ndim), as_node(weights)
    if weights.shape != x.shape:
        if weights.shape != tuple(x.shape[a] for a in over):
            raise ShapeError("the weights have neither the shape of the array nor that of its axes")
        others = tuple(a for a in range(x.ndim) if a not in over)
        weights = expand(weights, others, tuple(x.shape[a] for a in others))
    weighted = x * weights
    total, weight = (sum(cast(each, weighted.dtype.compute), over, keepdims=keepdims) for each in (weighted, weights))
    return cast(total / weight, weighted.dtype)


@public
def cov(x: Any, y: Any = None, *, rowvar: bool = True, correction: float = 1.0) -> Any:
    """The covariances of variables: each row is one (each column without `rowvar`), `y` holds further ones."""
    rows = _variables(x, rowvar)
    if y is not None:
        rows = concat([rows, _variables(y, rowvar)], 0)
    centred = rows - mean(rows, 1, keepdims=True)
    return matmul(centred, matrix_transpose(centred)) / (extent(rows.shape[1], rows.dtype) - correction)


@public
def corrcoef(x: Any, y: Any = None, *, rowvar: bool = True) -> Any:
    """The correlation coefficients of variables, as `cov` takes them."""
    c = cov(x, y, rowvar=rowvar)
    deviation = sqrt(diagonal(c))
    return c / expand_dims(deviation, 0) / expand_dims(deviation, 1)


def _variables(x: Any, rowvar: bool) -> Node:
    x = _as_float(x)
    if x.ndim > 2:
        raise ShapeError("more than two axes", help="one for the variables, one for the observations")
    if x.ndim < 2:
        return reshape(x, (1, -1))
    return x if rowvar else matrix_transpose(x)


@public
def histogram(x: Any, bins: Any = 10, range: tuple[float, float] | None = None, weights: Any = None) -> Any:
    """How many elements, or how much weight, fall into each bin: `(counts, edges)`.

    `bins` is a number of equal bins over `range`, which has to be given then (computed bounds would make bins that
    depend on the data), or the edges of bins, ascending. The last bin has its right edge.
    """
    x = reshape(as_node(x), -1)
    if isinstance(bins, int | np.integer):
        if range is None:
            raise ShapeError("the range of the bins is not known", help="give range=(low, high), or the edges")
        low, high = range
        edges = asarray(np.linspace(low, high, int(bins) + 1))
    else:
        edges = asarray(bins)
    if edges.ndim != 1 or isinstance(edges.shape[0], Dim) or edges.shape[0] < 2:
        raise ShapeError(f"the edges of bins lie along one known axis, two or more of them, not {edges.type}")
    lower, upper = edges[:-1], edges[1:]
    dtype = common_dtype("histogram", "iuf", [x, edges])
    column = cast(reshape(x, (-1, 1)), dtype)
    inside = logical_and(greater_equal(column, lower), less(column, upper))
    at_end = logical_and(less_equal(column, upper[-1:]), greater_equal(column, upper[-1:]))
    last = np.arange(edges.shape[0] - 1) == edges.shape[0] - 2
    inside = where(asarray(last), inside | at_end, inside)
    if weights is None:
        return sum(cast(inside, int64), 0), edges
    weight = reshape(broadcast_to(as_node(weights), x.shape), (-1, 1))
    return sum(where(inside, weight, 0), 0), edges


def _as_float(x: Any) -> Node:
    x = as_node(x)
    if x.dtype.is_float:
        return x
    return cast(x, float64)
