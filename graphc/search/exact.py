"""Exact values of what an e-graph holds, each with how much of it is certain.

Errors are bounded to first order, so a value counts for nothing where an operand is almost unknown.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from graphc.interpret.mpmath_reader import MpmathElements, Real
from graphc.search.symbols import ENode, Leaf, operation

CERTAIN = 72
"""As many bits of an exact value have to be known."""
ENOUGH = 24
"""So many bits of the operands have to be certain, but for sums and products."""
BILINEAR = frozenset({"add", "subtract", "multiply", "negative", "square", "abs"})
HUGE = 1 << 14
"""Numbers with larger exponents are not looked at."""
EXPONENTIALS = frozenset({"exp", "expm1", "sinh", "cosh"})
LARGEST_EXPONENT = 12
"""The exponent of the largest number of which an exponential is taken."""
PROBED = 640
"""Bits of the numbers by which classes are compared."""


def exact_value(words: MpmathElements, node: ENode, operands: Sequence[Real], leaves: Sequence[float]) -> Real:
    """The value of a node for those of its operands and of the leaves: NaN where it is none, or not known."""
    if isinstance(node.symbol, Leaf):
        return words.real(leaves[node.symbol.number])
    if isinstance(node.symbol, Fraction):
        return words.real(node.symbol.numerator) / words.real(node.symbol.denominator)
    if _is_giant(node, operands) or _is_vague(node, operands):
        return words.real(math.nan)
    try:
        found = words.real(operation(node.symbol).exact(words, *operands))
    except (ArithmeticError, MemoryError):  # a division by what may be 0 or not, or a giant
        return words.real(math.nan)
    return found if not found.value or abs(words.context.mag(found.value)) < HUGE else words.real(math.nan)


def _is_giant(node: ENode, operands: Sequence[Real]) -> bool:
    """Whether an exponential is far beyond all floats, which would take long to find out."""
    return node.symbol in EXPONENTIALS and operands[0].words.context.mag(operands[0].value) > LARGEST_EXPONENT


def _is_vague(node: ENode, operands: Sequence[Real]) -> bool:
    """Whether too little is known of an operand for the bound of the error to hold."""
    if node.symbol in BILINEAR:
        return any(operand.value != operand.value for operand in operands)
    return any(certainty(operand) < ENOUGH for operand in operands)


class Probe:
    """Points at which the values of classes are compared before they are said to be equal."""

    def __init__(self, rows: Sequence[Sequence[float]]) -> None:
        self.rows = rows
        self.words = MpmathElements(PROBED, strict=False)

    def values(self, node: ENode, operands: Sequence[Sequence[Real]]) -> list[Real]:
        """The values of a node, given those of its operands."""
        columns = [[values[i] for values in operands] for i in range(len(self.rows))]
        return [exact_value(self.words, node, xs, row) for xs, row in zip(columns, self.rows, strict=True)]


def contradict(x: Real, y: Real) -> bool:
    """Whether two values are certainly not the same."""
    if min(certainty(x), certainty(y)) < CERTAIN:
        return False
    return bool(abs(x.value - y.value) > max(abs(x.value), abs(y.value)) * 2.0**-40)


def certainty(x: Real) -> float:
    """How many bits of a number are certain."""
    if not x.words.context.isfinite(x.value):
        return -math.inf
    if x.error == -math.inf:
        return math.inf
    if not x.value:
        return -math.inf
    return float(x.words.context.mag(x.value)) - x.error
