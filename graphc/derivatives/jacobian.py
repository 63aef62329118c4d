"""Jacobians and Hessians: one product with a vector for each row or column, or for each color of a sparse one.

The products are a single stack of vectors (`vmap`), so a Jacobian is one graph without loops.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from graphc import dimension
from graphc.batching import vmap
from graphc.derivatives.coloring import column_colors, count_of, places_in_columns, places_in_stars, star_colors
from graphc.derivatives.dependence import dependence
from graphc.differentiation import grad, jvp, nodes_of, vjp
from graphc.errors import GradientError, ShapeError
from graphc.ir.leaf import as_array, constant, full
from graphc.ir.node import Node, describe, public
from graphc.ops.conversion import cast, expand, reshape
from graphc.ops.indexing import take
from graphc.ops.logic import equal, where
from graphc.ops.movement import transpose
from graphc.ops.position import iota

Array = np.ndarray[Any, Any]
Mode = Literal["auto", "forward", "reverse"]


@public
def jacobian(
    y: Node | Sequence[Node],
    x: Node | Sequence[Node],
    *,
    mode: Mode = "auto",
    sparsity: Any = None,
    semantics: str = "stable",
) -> Any:
    """The derivative of each element of `y` by each element of `x`, of shape `(*y.shape, *x.shape)`.

    A list of nodes gives a list of Jacobians; lists of both, a list for each of `y`. "forward" takes a product for
    each element of `x`, "reverse" one for each element of `y`, "auto" the fewer. Where elements depend on few others,
    products are shared: elements that are always 0 are found in the graph if sizes are known and small, or given by
    `sparsity`, a bool array of the shape of the Jacobian or of `(y.size, x.size)` that is true elsewhere; False looks
    for none.

    Raises GradientError for nodes that hold no floating-point numbers or an unknown mode, ShapeError for a sparsity
    of another shape.
    """
    ys, xs = nodes_of("jacobian", y), nodes_of("jacobian", x)
    if not isinstance(y, Node):
        return [jacobian(each, x, mode=mode, sparsity=sparsity, semantics=semantics) for each in ys]
    if not isinstance(x, Node):
        return [jacobian(y, each, mode=mode, sparsity=sparsity, semantics=semantics) for each in xs]
    if mode not in ("auto", "forward", "reverse"):
        raise GradientError(f"{mode!r:.80} is no mode", help='"auto", "forward" or "reverse"')
    pattern = _pattern(y, x, sparsity)
    if pattern is not None:
        found = _sparse(y, x, pattern, mode, semantics)
        if found is not None:
            return found
    forward = _is_fewer(x.size, y.size) if mode == "auto" else mode == "forward"
    return _dense(y, x, forward, semantics)


@public
def hessian(cost: Node, x: Node | Sequence[Node], *, sparsity: Any = None, semantics: str = "stable") -> Any:
    """The second derivatives of a scalar cost, of shape `(*x.shape, *x.shape)`; for a list a list of rows of blocks.

    Forward over reverse; a sparse one shares products as its symmetry allows. `sparsity` is as in `jacobian`.
    """
    if not isinstance(x, Node):
        gradients = grad(cost, nodes_of("hessian", x), semantics=semantics)
        return [[jacobian(g, each, sparsity=sparsity, semantics=semantics) for each in x] for g in gradients]
    gradient = grad(cost, x, semantics=semantics)
    pattern = _pattern(gradient, x, sparsity)
    if pattern is not None:
        pattern = pattern & pattern.T
        colors = star_colors(pattern | np.eye(len(pattern), dtype=bool))
        count = count_of(colors)
        if count < len(colors):
            columns = _columns(gradient, x, constant(colors), count, semantics)
            return _spread(columns, pattern, places_in_stars(pattern, colors), gradient, x)
    return _dense(gradient, x, True, semantics)


def _sparse(y: Node, x: Node, pattern: Array, mode: Mode, semantics: str) -> Node | None:
    """The Jacobian by sums of columns or rows; None where that would not be fewer than all of them."""
    by_column = column_colors(pattern) if mode != "reverse" else np.arange(x.size)
    by_row = column_colors(pattern.T) if mode != "forward" else np.arange(y.size)
    columns, rows = count_of(by_column), count_of(by_row)
    if mode != "reverse" and columns < x.size and (mode == "forward" or columns <= rows):
        sums = _columns(y, x, constant(by_column), columns, semantics)
        return _spread(sums, pattern, places_in_columns(pattern, by_column), y, x)
    if mode != "forward" and rows < y.size:
        sums = transpose(reshape(_rows(y, x, constant(by_row), rows, semantics), (rows, x.size)))
        return _spread(sums, pattern, places_in_columns(pattern.T, by_row).T, y, x)
    return None


def _pattern(y: Node, x: Node, sparsity: Any) -> Array | None:
    """Where the Jacobian may not be 0; None where nothing is known."""
    if sparsity is False or (sparsity is None and (x.size == 1 or y.size == 1)):
        return None
    if sparsity is None:
        return dependence(y, x)
    given = as_array(sparsity, bool)
    if given.shape not in ((*y.shape, *x.shape), (y.size, x.size)):
        raise ShapeError(
            f"the sparsity has shape {given.shape}",
            details=[describe(y), describe(x)],
            help="it has the shape of the Jacobian, or (y.size, x.size)",
        )
    return given.reshape(y.size, x.size)


def _is_fewer(a: Any, b: Any) -> bool:
    """Whether one size is at most another; a known size is less than an unknown one."""
    return dimension.is_nonnegative(b - a) or (isinstance(a, int) and not isinstance(b, int))


def _dense(y: Node, x: Node, forward: bool, semantics: str) -> Node:
    if forward and x.size == 1:
        return reshape(jvp(y, x, full(1, x.type), semantics=semantics), (*y.shape, *x.shape))
    if not forward and y.size == 1:
        return reshape(vjp(y, x, full(1, y.type), semantics=semantics), (*y.shape, *x.shape))
    if forward:
        columns = _columns(y, x, iota(x.size), x.size, semantics)
        return reshape(columns, (*y.shape, *x.shape))
    rows = _rows(y, x, iota(y.size), y.size, semantics)
    return reshape(rows, (*y.shape, *x.shape))


def _columns(y: Node, x: Node, colors: Node, count: Any, semantics: str) -> Node:
    """The derivatives of `y` along sums of elements of `x` of one color, of shape `(*y.shape, count)`."""
    return vmap(lambda seed: jvp(y, x, seed, semantics=semantics), out_axes=-1)(_seeds(x, colors, count))


def _rows(y: Node, x: Node, colors: Node, count: Any, semantics: str) -> Node:
    """The derivatives by `x` of sums of elements of `y` of one color, of shape `(count, *x.shape)`."""
    return vmap(lambda seed: vjp(y, x, seed, semantics=semantics))(_seeds(y, colors, count))


def _seeds(x: Node, colors: Node, count: Any) -> Node:
    """For each color an array like `x` that is 1 at the elements of this color."""
    own = equal(expand(colors, (0,), (count,)), expand(iota(count), (1,), (x.size,)))
    return reshape(cast(own, x.dtype), (count, *x.shape))


def _spread(sums: Node, pattern: Array, places: Array, y: Node, x: Node) -> Node:
    """The elements of a sparse matrix, each from its place among sums; 0 elsewhere."""
    shape = (*y.shape, *x.shape)
    if not pattern.any():
        return full(0, y.type.with_shape(shape))
    elements = take(reshape(sums, (-1,)), np.where(pattern, places, 0))
    return reshape(where(constant(pattern), elements, 0), shape)
