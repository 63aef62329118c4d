"""Ops that pass their operand through: to stop a derivative, or to stop rewriting."""

from __future__ import annotations

from graphc.ir.node import Node
from graphc.ir.op import Cotangents
from graphc.ir.scalars import Scalars, Value
from graphc.ops.base import Elementwise, anything
from graphc.ops.conversion import function


class StopGradient(Elementwise):
    """x itself, which derivatives take for a constant."""

    accepts, vjp = anything, None

    def scalar(self, s: Scalars, x: Value) -> Value:
        return x


class Barrier(Elementwise):
    """x itself, which no rewrite looks through."""

    accepts, linear = anything, True

    def scalar(self, s: Scalars, x: Value) -> Value:
        return x

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (g,)


class Recompute(Elementwise):
    """x itself, but another value than x: what is calculated from it is calculated again, not kept from before."""

    accepts, linear = anything, True

    def scalar(self, s: Scalars, x: Value) -> Value:
        return x

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (g,)


stop_gradient = function(StopGradient)
barrier = function(Barrier)
recompute = function(Recompute)
