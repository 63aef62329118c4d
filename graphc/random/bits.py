"""Random bits: a key and a shape come in; each element of a draw has blocks of 128 random bits of its own.

The blocks of an element depend on the key and on its position in row-major order, and on nothing else: not on the
target, the number of threads, or what else is calculated. So the first rows of a long draw are those of a short one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import graphc as gc
from graphc.dimension import product
from graphc.errors import DTypeError
from graphc.ir.node import Node, public
from graphc.random.keys import DRAW, as_key, block_word
from graphc.types import DType, Shape, as_dtype, as_shape


@dataclass(frozen=True)
class Blocks:
    """The random bits of a draw: four words of 32 for each element. Each `attempt` has others."""

    key: Node
    shape: Shape
    attempt: Any = 0

    def word(self, number: int) -> Node:
        """One of the four words, as uint32."""
        low, high = _positions(self.shape)
        return block_word(self.key, (low, high), self.attempt, DRAW, number)

    def pair(self, number: int) -> Node:
        """One of the two pairs of words, as uint64."""
        low, high = (gc.cast(self.word(2 * number + half), "uint64") for half in range(2))
        joined: Node = low | high << 32
        return joined

    def fraction(self, dtype: DType, number: int = 0) -> Node:
        """Numbers in [0, 1), all equally likely: the multiples of 2^-24 for float32, of 2^-53 for float64 …

        There are two in a block. Their leading bits are the same for every dtype.
        """
        if dtype is gc.float64:
            high, low = self.word(2 * number) >> 5, self.word(2 * number + 1) >> 6
            return (gc.cast(high, dtype) * 2.0**26 + gc.cast(low, dtype)) * 2.0**-53
        digits = {gc.float32: 24, gc.float16: 11, gc.bfloat16: 8}[dtype]
        return gc.cast(self.word(2 * number) >> (32 - digits), dtype) * 2.0**-digits

    def tails(self, dtype: DType, number: int = 0) -> tuple[Node, Node]:
        """A uniform number by its distance p in (0, 1/2] from the nearer end of (0, 1), and whether that is 1.

        So that both tails of a distribution are as fine: p is at least 2^-33, or 2^-65 for float64. 16-bit floats
        get it in float32.
        """
        wide = dtype.compute
        word = self.word(2 * number)
        upper, rest = word >= 1 << 31, gc.cast(word & 0x7FFFFFFF, wide)
        if wide is gc.float64:
            rest = rest * 2.0**32 + gc.cast(self.word(2 * number + 1), wide)
            return upper, (rest + 0.5) * 2.0**-64
        return upper, (rest + 0.5) * 2.0**-32


@public
def bits(key: Any, shape: Any = (), dtype: Any = "uint32") -> Node:
    """Random bits in unsigned integers of any width."""
    type_ = as_dtype(dtype)
    if type_.kind != "u":
        raise DTypeError(f"bits are unsigned integers, not {type_.name}", help="cast them")
    blocks = Blocks(as_key(key), as_shape(shape))
    return blocks.pair(0) if type_ is gc.uint64 else gc.cast(blocks.word(0), type_)


def _positions(shape: Shape) -> tuple[Node, Any]:
    """The position of each element in row-major order: its low 32 bits (and more), and its high ones."""
    size = product(shape)
    positions = gc.iota(size, "uint64").reshape(shape)
    small = isinstance(size, int) and size <= 1 << 32
    return positions, gc.full(shape, 0, "uint64") if small else positions >> 32
