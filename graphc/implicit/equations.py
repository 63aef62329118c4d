"""Roots and minima as fixed points of steps towards them."""

from __future__ import annotations

from typing import Any

from graphc.derivatives import hessian, jacobian
from graphc.differentiation import grad
from graphc.errors import ShapeError
from graphc.implicit.fixed_point import Function, fixed_point
from graphc.ir.node import Node, describe, public
from graphc.linalg import solve
from graphc.ops.barrier import stop_gradient
from graphc.ops.conversion import as_node, reshape


@public
def root(function: Function, start: Any, *params: Any, tolerance: float | None = None, max_steps: int = 100) -> Node:
    """x with function(x, *params) = 0, by Newton's method from `start`; the function keeps the shape.

    The steps solve with the whole Jacobian, so x should not be large. Derivatives pass to `params` and to whatever
    else the function reads. `tolerance` and errors are as in `fixed_point`.
    """

    def step(x: Node, *params: Any) -> Node:
        y = as_node(function(x, *params))
        _check_same(y, x)
        return x - _newton_step(jacobian(y, x), y)

    return fixed_point(step, start, *params, tolerance=tolerance, max_steps=max_steps)


@public
def argmin(
    cost: Function,
    start: Any,
    *params: Any,
    rate: float | None = None,
    tolerance: float | None = None,
    max_steps: int | None = None,
) -> Node:
    """x for which cost(x, *params), a scalar, is least nearby, from `start`.

    By Newton's method, which solves with the whole Hessian, or with `rate` by steps downhill of this length times the
    gradient, for large x. At the solution the Hessian must be invertible. The rest is as in `fixed_point`.
    """

    def newton(x: Node, *params: Any) -> Node:
        y = cost(x, *params)
        return x - _newton_step(hessian(y, x), grad(y, x))

    def downhill(x: Node, *params: Any) -> Node:
        return x - rate * grad(cost(x, *params), x)

    steps = (100 if rate is None else 10_000) if max_steps is None else max_steps
    return fixed_point(newton if rate is None else downhill, start, *params, tolerance=tolerance, max_steps=steps)


def _newton_step(matrix: Node, y: Node) -> Node:
    """matrix⁻¹ y, with a matrix that derivatives take for constant.

    At a solution that loses nothing: x - P f(x) has the same fixed points for every P, and derivatives of them too.
    """
    matrix = stop_gradient(matrix)
    if not y.ndim:
        return y / matrix
    return reshape(solve(reshape(matrix, (y.size, y.size)), reshape(y, (y.size,))), y.shape)


def _check_same(y: Node, x: Node) -> None:
    if y.type != x.type:
        raise ShapeError(f"there are {x.type} unknowns and {y.type} equations", details=[describe(y)])
