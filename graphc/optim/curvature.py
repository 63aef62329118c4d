"""Directions that know about curvature: from gradients before, or from second derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

import graphc as gc
from graphc.ir.node import Node
from graphc.optim.directed import Directed
from graphc.optim.line_search import LineSearch
from graphc.optim.naming import Updates
from graphc.optim.schedules import Schedule

Formula = Literal["polak_ribiere", "fletcher_reeves", "hestenes_stiefel"]


class LBFGS(Directed):
    """Quasi-Newton steps from the last `history` differences of parameters and of gradients.

    Nocedal and Wright, "Numerical optimization", 2006, algorithms 7.4 and 7.5. Differences that show no positive
    curvature are left out. The loss should be the same function in every call: large batches, no dropout.
    """

    word = "lbfgs"

    def __init__(
        self,
        learning_rate: float | Node | Schedule = 1.0,
        *,
        history: int = 10,
        line_search: LineSearch | None = LineSearch(),  # noqa: B008 - it is immutable
    ) -> None:
        super().__init__(learning_rate, line_search=line_search)
        self.history = history

    def direction(self, w: Node, g: Node, parameters: Sequence[Node]) -> tuple[Node, Updates]:
        last_w, last_g = self._vector("lbfgs_w", w), self._vector("lbfgs_g", g)
        rows = np.zeros((self.history, w.size), w.dtype.numpy)
        steps, changes = self.remember("lbfgs_s", rows), self.remember("lbfgs_y", rows)
        s, y = w - last_w, g - last_g
        tiny = np.finfo(np.float64).eps * gc.sum(y * y)
        counts = gc.logical_and(self.count > 0, gc.sum(s * y) > tiny)
        new_s = gc.where(counts, gc.concat([steps[1:], s[None]]), steps)
        new_y = gc.where(counts, gc.concat([changes[1:], y[None]]), changes)
        new = {steps: new_s, changes: new_y, last_w: w, last_g: g}
        return -_inverse_product(new_s, new_y, g, self.history), new

    def _vector(self, name: str, like: Node) -> Node:
        return self.remember(name, np.zeros(int(like.size), like.dtype.numpy))


class ConjugateGradient(Directed):
    """Nonlinear conjugate gradients: a direction is the gradient downhill, and a share of the direction before.

    The share is that of Polak and Ribière, of Fletcher and Reeves, or of Hestenes and Stiefel, and never negative:
    Nocedal and Wright, "Numerical optimization", 2006, section 5.2.
    """

    word = "cg"

    def __init__(
        self,
        learning_rate: float | Node | Schedule = 1.0,
        *,
        formula: Formula = "polak_ribiere",
        line_search: LineSearch | None = LineSearch(curvature=0.1, strong=True),  # noqa: B008 - it is immutable
    ) -> None:
        super().__init__(learning_rate, line_search=line_search)
        self.formula = formula

    def direction(self, w: Node, g: Node, parameters: Sequence[Node]) -> tuple[Node, Updates]:
        zeros = np.zeros(int(w.size), w.dtype.numpy)
        last_d, last_g = self.remember("cg_d", zeros), self.remember("cg_g", zeros)
        change = g - last_g
        match self.formula:
            case "fletcher_reeves":
                share = _quotient(gc.sum(g * g), gc.sum(last_g * last_g))
            case "hestenes_stiefel":
                share = _quotient(gc.sum(g * change), gc.sum(last_d * change))
            case _:
                share = _quotient(gc.sum(g * change), gc.sum(last_g * last_g))
        d = gc.where(self.count > 0, gc.maximum(share, 0), 0) * last_d - g
        d = gc.where(gc.sum(d * g) < 0, d, -g)
        return d, {last_d: d, last_g: g}


class Newton(Directed):
    """Steps to the minimum of the second-order approximation: -(H + damping * I)⁻¹ g, with the Hessian H.

    For few parameters: H has the square of their number of elements. Nocedal and Wright, "Numerical optimization",
    2006, section 3.3; damping is that of Levenberg, 1944.
    """

    word = "newton"

    def __init__(
        self,
        learning_rate: float | Node | Schedule = 1.0,
        *,
        damping: float = 0.0,
        line_search: LineSearch | None = None,
    ) -> None:
        super().__init__(learning_rate, line_search=line_search)
        self.damping = damping

    def direction(self, w: Node, g: Node, parameters: Sequence[Node]) -> tuple[Node, Updates]:
        blocks = gc.hessian(self.loss(), list(parameters))
        rows = [
            gc.concat([block.reshape((a.size, b.size)) for block, b in zip(row, parameters, strict=True)], axis=1)
            for row, a in zip(blocks, parameters, strict=True)
        ]
        curvature = gc.concat(rows) + self.damping * np.eye(int(w.size), dtype=w.dtype.numpy)
        return -gc.linalg.solve(curvature, g), {}


def _inverse_product(steps: Node, changes: Node, g: Node, history: int) -> Node:
    """The inverse Hessian that differences approximate, times g: the two loops of algorithm 7.4, newest row last."""
    pairs = [(steps[i], changes[i]) for i in range(history)]
    weights = [_quotient(gc.constant(1.0, g.dtype), gc.sum(s * y)) for s, y in pairs]
    q, shares = g, []
    for (s, y), weight in zip(reversed(pairs), reversed(weights), strict=True):
        shares.append(weight * gc.sum(s * q))
        q = q - shares[-1] * y
    s, y = pairs[-1]
    known = gc.sum(y * y) > 0
    q = q * gc.where(known, _quotient(gc.sum(s * y), gc.sum(y * y)), 1)
    for (s, y), weight, share in zip(pairs, weights, reversed(shares), strict=True):
        q = q + (share - weight * gc.sum(y * q)) * s
    return q


def _quotient(x: Node, y: Node) -> Node:
    """x / y, and 0 where y is 0: of rows without differences yet."""
    return gc.where(y == 0, 0, x / gc.where(y == 0, 1, y))
