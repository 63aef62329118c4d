"""Philox4x32-10: counters and a key come in, random bits go out, as a function of nothing else.

J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011. The words of 32 bits are
kept in 64, where products are exact: vector units multiply so, and no reader has to wrap.
"""

from __future__ import annotations

from graphc.errors import GraphError
from graphc.ir.scalars import Scalars, Value
from graphc.ops.base import Elementwise
from graphc.ops.conversion import function
from graphc.types import DType, uint32, uint64

MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
WEYL = 0x9E3779B9, 0xBB67AE85  # what the key grows by: the golden ratio, and the root of 3 less 1
ROUNDS = 10
_WORD = 0xFFFFFFFF


class Philox(Elementwise):
    """One of the four words, each of 32 random bits, that a counter of four words becomes under a key of two."""

    word: int = 0
    accepts, vjp = "u", None

    def scalar(
        self, s: Scalars, counter0: Value, counter1: Value, counter2: Value, counter3: Value, key0: Value, key1: Value
    ) -> Value:
        given = counter0, counter1, counter2, counter3, key0, key1
        *block, left, right = (s.bitwise_and(s.cast(word, uint64), _WORD) for word in given)
        for _ in range(ROUNDS):
            first, second = (s.word_product(block[2 * i], MULTIPLIERS[i]) for i in range(2))
            block = [
                s.bitwise_xor(s.bitwise_xor(s.right_shift(second, 32), block[1]), left),
                s.bitwise_and(second, _WORD),
                s.bitwise_xor(s.bitwise_xor(s.right_shift(first, 32), block[3]), right),
                s.bitwise_and(first, _WORD),
            ]
            left, right = (s.bitwise_and(key + step, _WORD) for key, step in zip((left, right), WEYL))
        return s.cast(block[self.word], uint32)

    def result(self, dtype: DType) -> DType:
        if self.word not in range(4):
            raise GraphError(f"a block has the words 0 to 3, not {self.word!r:.80}")
        return uint32


philox = function(Philox)
