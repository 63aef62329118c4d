"""What e-graphs are made of: symbols applied to classes."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import NamedTuple

from graphc.ir.op import OPS, Op
from graphc.ops.base import Elementwise


@dataclass(frozen=True)
class Leaf:
    """An operand that comes from outside, by number."""

    number: int


Symbol = str | Op | Fraction | Leaf
"""The name of an op, the op itself if it has attributes, a constant, or an operand."""


class ENode(NamedTuple):
    """A symbol applied to classes."""

    symbol: Symbol
    args: tuple[int, ...] = ()


@cache
def operation(symbol: Symbol) -> Elementwise:
    """The op that a symbol stands for."""
    op = OPS[symbol]() if isinstance(symbol, str) else symbol
    assert isinstance(op, Elementwise)
    return op
