"""What is left of a function when the first terms of its Taylor series at 0 are taken away, over a power of x.

    taylor_remainder(x, function="exp", terms=2)            exp(x) - 1 - x
    taylor_remainder(x, function="log1p", terms=1, over=1)       log(1 + x) / x, 1 at 0

Near 0, where the difference cancels, the rest of the series is used. The derivatives are remainders again and do not
cancel either: those of f, n terms and power p are the remainder of f' (n - 1 terms) over x**p less p times that of f
over x**(p+1), where both are numbers of the size of 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from graphc.ir.node import Node
from graphc.ir.op import Cotangents
from graphc.ir.scalars import Scalars, Value
from graphc.ops.base import Elementwise, floats
from graphc.ops.conversion import function
from graphc.ops.elementwise import power, square, tan, tanh
from graphc.ops.special.algorithm import in_double, polynomial

_BERNOULLI = (
    1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798, -174611 / 330,
    854513 / 138, -236364091 / 2730, 8553103 / 6, -23749461029 / 870, 8615841276005 / 14322,
)  # fmt: skip


@dataclass(frozen=True)
class _Function:
    """A function by its series at 0, which has as many terms as are needed for |x| <= near; and its derivative.

    `slope(x, n, p)` is what is left of the derivative without its first n terms, over x**p.
    """

    coefficient: Callable[[int], float]
    value: Callable[[Scalars, Value], Value]
    slope: Callable[[Node, int, int], Any]
    near: float = 1.0
    length: int = 24


class TaylorRemainder(Elementwise):
    """A function of x less the first `terms` powers of its series at 0, over x to the power `over`."""

    function: str = "exp"
    terms: int = 2
    over: int = 0
    accepts = floats

    @in_double
    def scalar(self, s: Scalars, x: Value) -> Value:
        known = _FUNCTIONS[self.function]
        near = s.less(s.abs(x), known.near)
        small = s.where(near, x, 0.0)
        rest = [known.coefficient(k) for k in range(self.terms, self.terms + known.length)]
        series = polynomial(small, rest[::-1])
        for _ in range(self.terms - self.over):
            series = series * small
        return s.where(near, series, self._far(s, s.where(near, known.near, x)))

    @property
    def limit(self) -> float:
        """The value at 0."""
        return _FUNCTIONS[self.function].coefficient(self.terms) if self.terms == self.over else 0.0

    def exact(self, s: Scalars, x: Value) -> Value:
        zero = s.equal(x, 0)
        return s.where(zero, self.limit, self._far(s, s.where(zero, 1.0, x)))

    def _far(self, s: Scalars, x: Value) -> Value:
        known = _FUNCTIONS[self.function]
        value = known.value(s, x)
        for k in range(self.terms):
            coefficient = known.coefficient(k)
            value = value - coefficient * _power(x, k) if coefficient else value
        return value / _power(x, self.over) if self.over else value

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        known, n, p = _FUNCTIONS[self.function], self.terms, self.over
        if p < n or not p:
            slope = known.slope(x, max(n - 1, 0), p)
        else:  # the first terms of both parts are equal
            slope = known.slope(x, n, p)
            n = n + 1
        return (g * (slope - p * taylor_remainder(x, function=self.function, terms=n, over=p + 1)) if p else g * slope,)


def _power(x: Value, k: int) -> Value:
    value: Value = 1.0
    for _ in range(k):
        value = value * x
    return value


def _over(x: Node, p: int) -> Any:
    """x to a whole power, which may be negative."""
    return power(x, p) if p else 1


# --- the functions ---


def _inverse_factorial(sign: int, *zeros: int) -> Callable[[int], float]:
    """Coefficients of exp and of waves: 1 / k!, 0 where k modulo 2 is a zero, and with signs that alternate."""

    def coefficient(k: int) -> float:
        return 0.0 if k % 2 in zeros else sign ** (k // 2) / math.factorial(k)

    return coefficient


def _tangent(sign: int) -> Callable[[int], float]:
    def coefficient(k: int) -> float:
        n = (k + 1) // 2
        if k % 2 == 0 or n > len(_BERNOULLI):
            return 0.0
        value: float = 2.0 ** (2 * n) * (2.0 ** (2 * n) - 1) * abs(_BERNOULLI[n - 1]) / math.factorial(2 * n)
        return sign ** (n - 1) * value

    return coefficient


def _remainder_of(function: str, sign: int = 1) -> Callable[[Node, int, int], Any]:
    return lambda x, n, p: sign * taylor_remainder(x, function=function, terms=n, over=p)


def _slope_of_log1p(x: Node, n: int, p: int) -> Any:
    return (-1) ** n * _over(x, n - p) / (1 + x)


def _slope_of_atan(x: Node, n: int, p: int) -> Any:
    even = n + n % 2
    return (-1) ** (even // 2) * _over(x, even - p) / (1 + square(x))


def _slope_of_tangent(function: str, sign: int) -> Callable[[Node, int, int], Any]:
    """1 + tan(x)**2, or 1 - tanh(x)**2, without its first terms."""

    def slope(x: Node, n: int, p: int) -> Any:
        value = tan(x) if sign > 0 else tanh(x)
        if n == 0:
            return (1 + sign * square(value)) * _over(x, -p)
        if n <= 2:
            return sign * square(value) * _over(x, -p)
        rest = sign * taylor_remainder(x, function=function, terms=2) * (value + x)
        for k in range(4, n, 2):
            rest = rest - (k + 1) * _FUNCTIONS[function].coefficient(k + 1) * power(x, k)
        return rest * _over(x, -p)

    return slope


def _hyperbolic(sign: int) -> Callable[[Scalars, Value], Value]:
    """Half the sum or difference of exp(x) and exp(-x)."""

    def value(s: Scalars, x: Value) -> Value:
        grown, shrunk = s.exp(x * 0.5), s.exp(x * -0.5)  # exp(x) overflows before half of it does
        return (grown * 0.5) * grown + sign * ((shrunk * 0.5) * shrunk)

    return value


_FUNCTIONS = {
    "exp": _Function(_inverse_factorial(1), lambda s, x: s.exp(x), _remainder_of("exp")),
    "sin": _Function(_inverse_factorial(-1, 0), lambda s, x: s.sin(x), _remainder_of("cos")),
    "cos": _Function(_inverse_factorial(-1, 1), lambda s, x: s.cos(x), _remainder_of("sin", -1)),
    "sinh": _Function(_inverse_factorial(1, 0), _hyperbolic(-1), _remainder_of("cosh")),
    "cosh": _Function(_inverse_factorial(1, 1), _hyperbolic(1), _remainder_of("sinh")),
    "log1p": _Function(
        lambda k: (-1.0) ** (k + 1) / k if k else 0.0, lambda s, x: s.log1p(x), _slope_of_log1p, 0.3, 32
    ),
    "atan": _Function(
        lambda k: (-1.0) ** (k // 2) / k if k % 2 else 0.0, lambda s, x: s.atan(x), _slope_of_atan, 0.4, 42
    ),
    "tan": _Function(_tangent(1), lambda s, x: s.tan(x), _slope_of_tangent("tan", 1), 0.25, 26),
    "tanh": _Function(_tangent(-1), lambda s, x: s.tanh(x), _slope_of_tangent("tanh", -1), 0.25, 26),
}
taylor_remainder = function(TaylorRemainder)
