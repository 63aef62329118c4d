"""Derivatives of draws that no formula makes of their parameters: numbers come in, numbers with derivatives go out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import graphc as gc
from graphc.ir.node import Node


def at_a_fixed_quantile(distribution: Callable[..., Node], x: Node, *parameters: Node) -> Node:
    """x as a function of the parameters that it was drawn with: `distribution(x, *parameters)` stays as it is.

    dx = -(dF / dparameter) / (dF / dx) for the distribution function F (Figurnov, Mohamed and Mnih, 2018).
    """

    @gc.custom_gradient
    def drawn(*given: Node) -> Any:
        def rule(g: Node) -> Any:
            density, *slopes = gc.grad(gc.sum(distribution(x, *given)), [x, *given])
            return tuple(-g * slope / density for slope in slopes)

        return x, rule if len(given) > 1 else lambda g: rule(g)[0]

    moving: Node = drawn(*parameters)
    return moving
