"""Homogeneous functions of rows, f(c * x) = c**k * f(x), whose sums overflow where they themselves are numbers.

    sum(x * y) / (norm(x) * norm(y))        the cosine of an angle, k = 0 in both rows
    mean(d**3) / mean(d**2)**1.5            skewness, k = 0
    sum(abs(x)**8)**(1/8)                   a norm, k = 1

Rows of which a product may leave the range of the dtype are scaled by a power of two, which is exact, and what is made
of them is scaled back. Rows of ordinary numbers are multiplied by 1 and keep every bit.

This rule comes last: a scaled row hides from others what it is.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce

from graphc.interpret.ranges import range_of
from graphc.ir.leaf import full, uniform_value
from graphc.ir.node import Node, make
from graphc.ir.op import Op
from graphc.ir.rule import RuleSet
from graphc.ir.substitution import substitute
from graphc.ops.conversion import Axes, Expand, Sum, cast, expand
from graphc.ops.deviations import Covariance, SquaredDeviations
from graphc.ops.elementwise import Abs, Divide, Multiply, Negative, Pow, Rsqrt, Sqrt, Square, power
from graphc.ops.euclidean_norm import EuclideanNorm
from graphc.ops.reduction import Mean
from graphc.ops.representation import ldexp
from graphc.ops.row_exponent import RowExponent
from graphc.passes.rules.norms import is_scale, product_of_vectors
from graphc.passes.rules.variance import is_centred

HOMOGENEOUS = RuleSet("homogeneous")
MOST_LOOKED_AT = 24  # nodes of a product
MOST_FACTORS = 8  # of the terms of a sum: where there are more, the pass `log_domain` gives them exponents of their own
ORDINARY = 0.75
"""How much of the exponents of a dtype the products of ordinary elements may take: the rest is for their sums."""
POWERS: dict[type[Op], tuple[Fraction | int, ...]] = {
    Multiply: (1, 1),
    Divide: (1, -1),
    Square: (2,),
    Sqrt: (Fraction(1, 2),),
    Rsqrt: (Fraction(-1, 2),),
    Abs: (1,),
    Negative: (1,),
}
"""The power of each operand in the result."""


@dataclass(frozen=True, eq=False)
class _Total:
    """A sum of products of powers of rows, which stands itself to a power in a product."""

    node: Node
    power: Fraction
    axis: Axes
    rows: dict[Node, Fraction]

    @property
    def is_norm(self) -> bool:
        return isinstance(self.node.op, EuclideanNorm)

    @property
    def may_overflow(self) -> bool:
        """Whether its row is worth a look; that of a standard deviation is so only beside other sums."""
        return 1 < self.degree <= MOST_FACTORS and not isinstance(self.node.op, SquaredDeviations)

    @property
    def degree(self) -> Fraction:
        """The power with which the sum grows, on the way too; a norm does not square its row."""
        return Fraction(1) if self.is_norm else sum(map(abs, self.rows.values()), Fraction())


@HOMOGENEOUS.rewriter(
    Divide, Pow, Sqrt, kind="stabilizing", reference="S60", proof="tested: exponents of floats are no algebra"
)
def scaled_rows(node: Node) -> Node | None:
    """Sums of products of rows overflow and underflow where what is made of them, such as a cosine, does not."""
    found = _product(node)
    if found is None or not node.dtype.is_float:
        return None
    totals = [total for (factor, _), power in found.items() if (total := _total(factor, power)) is not None]
    rows = _endangered(totals)
    totals = [total for total in totals if not rows.isdisjoint(total.rows)]
    shapes = {(total.axis, repeats) for total in totals for factor, repeats in found if factor is total.node}
    if len(shapes) != 1 or any(is_scale(row) for total in totals for row in total.rows):
        return None
    ((axis, repeats),) = shapes
    limit = _limit(totals)
    if all(_is_ordinary(row, limit) for row in rows):
        return None
    ordered = list(dict.fromkeys(row for total in totals for row in total.rows if row in rows))
    shifts = {row: make(RowExponent(axis, limit), row, *(x for x in ordered if x is not row)) for row in ordered}
    scaled = {row: row * _along(shift, row, axis) for row, shift in shifts.items()}
    kept = {row: row for total in totals for row in total.rows}
    sums = substitute([total.node for total in totals], kept | scaled)
    others = {factor: factor for factor, _ in found}
    (result,) = substitute([node], others | dict(zip([total.node for total in totals], sums, strict=True)))
    return _scaled_back(result, totals, shifts, repeats)


# --- the form ---


def _product(root: Node, axis: Axes | None = None) -> dict[tuple[Node, tuple[Op, ...]], Fraction] | None:
    """The factors of a product of powers, each with the ops that repeat it along axes, and its exponent.

    With `axis` it is one of elements along rows, whose distances from their mean grow as they do. None if there are
    too many factors to look at.
    """
    found: dict[tuple[Node, tuple[Op, ...]], Fraction] = defaultdict(Fraction)
    nodes: list[tuple[Node, tuple[Op, ...], Fraction]] = [(root, (), Fraction(1))]
    for node, above, degree in nodes:  # grows
        if len(nodes) > MOST_LOOKED_AT:
            return None
        powers = POWERS.get(type(node.op))
        number = uniform_value(node.args[1]) if isinstance(node.op, Pow) else None
        if number is not None and math.isfinite(number):
            powers = (Fraction(float(number)),)
        elif axis is None and isinstance(node.op, Expand):
            powers, above = (1,), (*above, node.op)
        elif axis is not None and is_centred(node, axis):
            powers = (1,)
        if powers is not None:
            nodes += [(arg, above, degree * each) for arg, each in zip(node.args, powers)]
        elif uniform_value(node) is None:
            found[node, above] += degree
    return found


def _total(node: Node, power: Fraction) -> _Total | None:
    """A factor as a sum along rows."""
    if isinstance(node.op, Sum | Mean | EuclideanNorm | Covariance):
        axis, parts = node.op.axis, node.args
    elif isinstance(node.op, SquaredDeviations):
        axis, parts = node.op.axis, node.args * 2
    elif (vectors := product_of_vectors(node)) is not None:
        axis, parts = (0,), vectors
    else:
        return None
    rows: dict[Node, Fraction] = defaultdict(Fraction)
    for part in parts:
        terms = _product(part, axis)
        if terms is None:
            return None
        for (row, _), each in terms.items():
            rows[row] += each
    return _Total(node, power, axis, rows) if power else None


def _endangered(totals: list[_Total]) -> set[Node]:
    """The rows of sums that overflow sooner than their product does, since it has lower powers of a row."""
    endangered: set[Node] = set()
    for row in {row for total in totals for row in total.rows}:
        around = [total for total in totals if row in total.rows]
        largest = max(abs(total.rows[row]) for total in around)
        squared = largest > 1 or any(total.is_norm for total in around)
        if squared and abs(_power(row, totals)) < largest:
            endangered.update(*(total.rows for total in around if total.may_overflow))
    return endangered


def _power(row: Node, totals: Iterable[_Total]) -> Fraction:
    """The power of a row in a product of sums."""
    return sum((total.power * total.rows.get(row, 0) for total in totals), Fraction())


def _limit(totals: list[_Total]) -> int:
    """Rows whose exponents are below this have products within the range of the dtype."""
    degree = sum(max(Fraction(1), abs(total.power)) * total.degree for total in totals)
    return int(ORDINARY * int(totals[0].node.dtype.limits.maxexp) / degree)


def _is_ordinary(row: Node, limit: int) -> bool:
    """Whether a row is known to have no large and no small elements."""
    known = range_of(row)
    low, high = (known.low, known.high) if known.low > 0 else (-known.high, -known.low)
    return 2.0**-limit <= low and high <= 2.0**limit


# --- the scale ---


def _along(shift: Node, row: Node, axis: Axes) -> Node:
    """What scales each element of a row."""
    scale = ldexp(full(1, shift.type), -shift)
    return expand(cast(scale, row.dtype), axis, like=row)


def _scaled_back(result: Node, totals: list[_Total], shifts: dict[Node, Node], repeats: tuple[Op, ...]) -> Node:
    """A product of scaled sums times the powers of two that were taken off: exactly, where they are whole."""
    powers = {row: _power(row, totals) for row in shifts}
    whole = {row: round(each) for row, each in powers.items()}
    rest = {row: each - whole[row] for row, each in powers.items()}
    if any(whole.values()):
        value = ldexp(cast(result, result.dtype.compute), _repeated(_combined(shifts, whole), repeats))
        result = cast(value, result.dtype)
    if any(rest.values()):
        result = result * cast(_repeated(power(2.0, _combined(shifts, rest)), repeats), result.dtype)
    return result


def _combined(shifts: Mapping[Node, Node], powers: Mapping[Node, Fraction | int]) -> Node:
    """The exponent of a product of powers."""
    terms = [(powers[row], shift) for row, shift in shifts.items() if powers[row]]
    return reduce(lambda x, y: x + y, (shift if each == 1 else shift * float(each) for each, shift in terms))


def _repeated(x: Node, repeats: tuple[Op, ...]) -> Node:
    for op in reversed(repeats):
        x = make(op, x)
    return x
