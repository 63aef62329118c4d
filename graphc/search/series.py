"""Series: a formula of one variable near 0 or far out, as a Laurent series with rational coefficients.

Comes in: a formula; goes out: formulas that are the first terms of its series. An op says itself what it is: its
mathematics is read in words over series, as it is in words over numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from typing import Any

from graphc.ir.leaf import full, uniform_value
from graphc.ir.node import Node, topological
from graphc.ops.base import Elementwise
from graphc.ops.elementwise import add, divide, multiply
from graphc.types import TensorType

ORDER = 14
"""So many coefficients are calculated."""
LENGTHS = (1, 2, 4)
"""So many terms other than 0 may stand for a formula."""


class NoSeries(ArithmeticError):
    """A formula has no series with rational coefficients."""


@dataclass(frozen=True, eq=False)
class Laurent:
    """sum(c * x**(start + k) for k, c in enumerate(coefficients)); what follows is not known."""

    start: int
    coefficients: tuple[Fraction, ...]

    def __add__(self, other: Any) -> Laurent:
        other = as_series(other)
        start = min(self.start, other.start)
        end = min(self.start + len(self.coefficients), other.start + len(other.coefficients))
        return shortened(start, [self[k] + other[k] for k in range(start, end)])

    __radd__ = __add__

    def __neg__(self) -> Laurent:
        return Laurent(self.start, tuple(-c for c in self.coefficients))

    def __sub__(self, other: Any) -> Laurent:
        return self + -as_series(other)

    def __rsub__(self, other: Any) -> Laurent:
        return as_series(other) + -self

    def __mul__(self, other: Any) -> Laurent:
        other = as_series(other)
        count = min(len(self.coefficients), len(other.coefficients))
        a, b = self.coefficients, other.coefficients
        found = [sum((a[i] * b[k - i] for i in range(k + 1)), Fraction(0)) for k in range(count)]
        return shortened(self.start + other.start, found)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Laurent:
        return self * as_series(other).inverse()

    def __rtruediv__(self, other: Any) -> Laurent:
        return as_series(other) * self.inverse()

    def __getitem__(self, exponent: int) -> Fraction:
        """The coefficient of a power, 0 before the first."""
        return self.coefficients[exponent - self.start] if exponent >= self.start else Fraction(0)

    @property
    def taylor(self) -> list[Fraction]:
        """The coefficients from the constant one on. Raises NoSeries if there is a pole."""
        if self.start < 0:
            raise NoSeries
        return [Fraction(0)] * self.start + list(self.coefficients)

    def inverse(self) -> Laurent:
        if not self.coefficients or not self.coefficients[0]:
            raise NoSeries
        a, found = self.coefficients, [1 / self.coefficients[0]]
        for k in range(1, len(a)):
            found.append(-sum((a[i] * found[k - i] for i in range(1, k + 1)), Fraction(0)) / a[0])
        return Laurent(-self.start, tuple(found))


class Words:
    """The vocabulary of ops over series, as far as it has rational coefficients."""

    def exp(self, x: Any) -> Laurent:
        """The solution y of y' = x' * y with y(0) = 1, for x(0) = 0."""
        a = as_series(x).taylor
        if a and a[0]:
            raise NoSeries
        found = [Fraction(1)]
        for k in range(1, len(a)):
            found.append(sum((i * a[i] * found[k - i] for i in range(1, k + 1)), Fraction(0)) / k)
        return shortened(0, found)

    def expm1(self, x: Any) -> Laurent:
        return self.exp(x) - 1

    def log(self, x: Any) -> Laurent:
        return self.log1p(as_series(x) - 1)

    def log1p(self, x: Any) -> Laurent:
        return _integral(_slope(x) / (as_series(x) + 1))

    def atan(self, x: Any) -> Laurent:
        return _integral(_slope(x) / (1 + x * x))

    def sin(self, x: Any) -> Laurent:
        return self._wave(x, 1)

    def cos(self, x: Any) -> Laurent:
        return self._wave(x, 0)

    def tan(self, x: Any) -> Laurent:
        return self.sin(x) / self.cos(x)

    def tanh(self, x: Any) -> Laurent:
        grown = self.expm1(2 * x)
        return grown / (grown + 2)

    def sqrt(self, x: Any) -> Laurent:
        return self.pow(x, Laurent(0, (Fraction(1, 2), *[Fraction(0)] * ORDER)))

    def pow(self, x: Any, y: Any) -> Laurent:
        x, exponent = as_series(x), _number(y)
        first = x.coefficients[0] if x.coefficients else Fraction(0)
        start = x.start * exponent
        if start.denominator != 1:
            raise NoSeries
        rest = shortened(0, [c / first for c in x.coefficients]) if first else None
        scale = _root(first, exponent)
        if rest is None or scale is None:
            raise NoSeries
        grown = self.exp(self.log(rest) * exponent) * scale
        return Laurent(grown.start + int(start), grown.coefficients)

    def equal(self, x: Any, y: Any) -> bool:
        x, y = as_series(x), as_series(y)
        return (x.start, x.coefficients) == (y.start, y.coefficients)

    def where(self, condition: bool, x: Any, y: Any) -> Any:
        return x if condition else y

    def _wave(self, x: Any, odd: int) -> Laurent:
        """The even or the odd part of exp(i * x) / i**odd, by its own series."""
        x = as_series(x)
        if x.coefficients and x.start < 1:
            raise NoSeries
        term = as_series(1) if not odd else x
        total = term
        for k in range(1 + odd, ORDER, 2):
            term = -term * x * x * Fraction(1, k * (k + 1))
            total = total + term
        return total


WORDS: Any = Words()


def expansions(formula: Node, variable: Node) -> Iterator[Node]:
    """The first terms of the series of a formula of one variable, near 0 and far out."""
    for direction in (1, -1):
        try:
            series = _expanded(formula, variable, direction)
            terms = [(direction * (series.start + k), c) for k, c in enumerate(series.coefficients) if c]
            found = [_polynomial(terms[:length], variable) for length in LENGTHS if len(terms) >= length]
        except (ArithmeticError, AttributeError):  # no series, too large a number, or a word that series do not know
            continue
        yield from found


def _expanded(formula: Node, variable: Node, direction: int) -> Laurent:
    known: dict[Node, Laurent] = {variable: Laurent(direction, (Fraction(1), *[Fraction(0)] * ORDER))}
    for node in topological([formula]):
        if node in known:
            continue
        value = uniform_value(node)
        if value is not None:
            known[node] = as_series(Fraction(float(value)))
        elif isinstance(node.op, Elementwise):
            known[node] = as_series(node.op.exact(WORDS, *(known[arg] for arg in node.args)))
        else:
            raise NoSeries
    return known[formula]


def _polynomial(terms: list[tuple[int, Fraction]], variable: Node) -> Node:
    """The sum of powers, from the last one on: c0 * x**n0 * (1 + ...), without common powers being repeated."""
    (first, _), *_ = terms
    total: Node | None = None
    for position in reversed(range(len(terms))):
        exponent, coefficient = terms[position]
        constant = full(float(coefficient), TensorType(variable.dtype, ()))
        if total is None:
            total = constant
        else:
            total = add(constant, _scaled(total, variable, terms[position + 1][0] - exponent))
    assert total is not None
    return _scaled(total, variable, first)


def _scaled(x: Node, variable: Node, exponent: int) -> Node:
    """x * variable**exponent."""
    power = variable
    for _ in range(abs(exponent) - 1):
        power = multiply(power, variable)
    if exponent == 0:
        return x
    found: Node = multiply(x, power) if exponent > 0 else divide(x, power)
    return found


def as_series(x: Any) -> Laurent:
    """A rational number as a series."""
    if isinstance(x, Laurent):
        return x
    return Laurent(0, (Fraction(x), *[Fraction(0)] * ORDER))


def shortened(start: int, coefficients: list[Fraction]) -> Laurent:
    """A series that begins with what is not 0."""
    zeros = next((k for k, c in enumerate(coefficients) if c), len(coefficients))
    return Laurent(start + zeros, tuple(coefficients[zeros:]))


def _slope(x: Any) -> Laurent:
    x = as_series(x)
    return shortened(x.start - 1, [c * (x.start + k) for k, c in enumerate(x.coefficients)])


def _integral(x: Laurent) -> Laurent:
    if x.coefficients and x.start < 0:
        raise NoSeries
    return shortened(x.start + 1, [c / (x.start + k + 1) for k, c in enumerate(x.coefficients)])


def _number(x: Any) -> Fraction:
    """The number that a series is. Raises NoSeries if it is none."""
    if isinstance(x, Laurent):
        if any(x.coefficients[k] for k in range(len(x.coefficients)) if x.start + k):
            raise NoSeries
        return x[0] if x.start <= 0 and x.coefficients else Fraction(0)
    return Fraction(x)


def _root(x: Fraction, exponent: Fraction) -> Fraction | None:
    """A power of a number, if it is rational: for whole exponents and halves."""
    if exponent.denominator == 1 and x:
        return x**exponent.numerator
    if exponent.denominator == 2 and x > 0:
        above, below = isqrt(x.numerator), isqrt(x.denominator)
        if above * above == x.numerator and below * below == x.denominator:
            return Fraction(above, below) ** exponent.numerator
    return Fraction(1) if x == 1 else None
