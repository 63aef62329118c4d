"""Sizes of axes: integers, or integer polynomials over named dimensions such as `n`, `2*n` and `n-2`.

A `Dim` is kept in one normal form (a sorted sum of monomials), so equal sizes are equal values. The same
class describes the index arithmetic of kernels, where loop variables are symbols too. It is our own and small
because types are made for every node: SymPy's expressions cost a hundred times as much and 0.4 s to import.
`to_sympy` hands a size to SymPy where real algebra is wanted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import lcm, prod
from typing import Any, Literal

from graphc.errors import DTypeError, ShapeError

Function = Literal["floordiv", "mod", "min", "max"]

_FUNCTIONS: dict[str, Callable[[int, int], int]] = {
    "floordiv": lambda a, b: a // b,
    "mod": lambda a, b: a % b,
    "min": min,
    "max": max,
}


@dataclass(frozen=True)
class Call:
    """A function of sizes that is no polynomial: an atom of one."""

    function: Function
    args: tuple[int | Dim, int | Dim]

    def __str__(self) -> str:
        a, b = self.args
        if self.function in ("min", "max"):
            return f"{self.function}({a},{b})"
        sign = "//" if self.function == "floordiv" else "%"
        return f"{_in_product(a)}{sign}{_in_product(b)}"


Atom = str | Call
Monomial = tuple[Atom, ...]


@dataclass(frozen=True)
class Dim:
    """A size that is known when the function is called: `sum(coefficient * product(atoms))`."""

    terms: tuple[tuple[Monomial, int], ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash(self.terms))

    def __hash__(self) -> int:
        return self._hash  # type: ignore[attr-defined]

    @cached_property
    def symbols(self) -> frozenset[str]:
        """The named dimensions that the size depends on."""
        found: set[str] = set()
        for monomial, _ in self.terms:
            for atom in monomial:
                if isinstance(atom, str):
                    found.add(atom)
                else:
                    for arg in atom.args:
                        found |= symbols_of(arg)
        return frozenset(found)

    def evaluate(self, sizes: Mapping[str, int]) -> int:
        """The value for given sizes of the named dimensions; KeyError names a missing one."""
        result = self.substitute(sizes)
        if isinstance(result, Dim):
            raise KeyError(next(iter(sorted(result.symbols))))
        return result

    def substitute(self, values: Mapping[str, int | Dim]) -> int | Dim:
        """The size with named dimensions replaced."""
        if self.symbols.isdisjoint(values):
            return self
        total: int | Dim = 0
        for monomial, coefficient in self.terms:
            product: int | Dim = coefficient
            for atom in monomial:
                product = product * _substitute_atom(atom, values)
            total = total + product
        return total

    def coefficient(self, symbol: str) -> int | Dim | None:
        """The factor of `symbol` if the size is linear in it (0 if absent), else None."""
        factor: dict[Monomial, int] = {}
        for monomial, coefficient in self.terms:
            rest = tuple(atom for atom in monomial if atom != symbol)
            if any(isinstance(atom, Call) and symbol in symbols_of(atom) for atom in rest):
                return None
            if len(monomial) - len(rest) > 1:
                return None
            if len(rest) < len(monomial):
                factor[rest] = factor.get(rest, 0) + coefficient
        return _normal(factor)

    def __add__(self, other: object) -> int | Dim:
        if not isinstance(other, int | Dim):
            _refuse_number(self, other)
            return NotImplemented
        if other == 0:
            return self
        terms = dict(self.terms)
        for monomial, coefficient in _terms(other):
            terms[monomial] = terms.get(monomial, 0) + coefficient
        return _normal(terms)

    __radd__ = __add__

    def __neg__(self) -> int | Dim:
        return self * -1

    def __sub__(self, other: object) -> int | Dim:
        if not isinstance(other, int | Dim):
            _refuse_number(self, other)
            return NotImplemented
        return self + -other

    def __rsub__(self, other: object) -> int | Dim:
        if not isinstance(other, int | Dim):
            _refuse_number(self, other)
            return NotImplemented
        return -self + other

    def __mul__(self, other: object) -> int | Dim:
        if not isinstance(other, int | Dim):
            _refuse_number(self, other)
            return NotImplemented
        terms: dict[Monomial, int] = {}
        for left, a in self.terms:
            for right, b in _terms(other):
                monomial = tuple(sorted((*left, *right), key=str))
                terms[monomial] = terms.get(monomial, 0) + a * b
        return _normal(terms)

    __rmul__ = __mul__

    def __pow__(self, exponent: object) -> int | Dim:
        if isinstance(exponent, int) and exponent >= 0:
            return prod([self] * exponent)
        _refuse_number(self, exponent)
        return NotImplemented

    def __truediv__(self, other: object) -> int | Dim:
        _refuse_number(self, other)
        return NotImplemented

    __rtruediv__ = __truediv__

    def __floordiv__(self, other: int | Dim) -> int | Dim:
        return call("floordiv", self, other) if isinstance(other, int | Dim) else NotImplemented

    def __rfloordiv__(self, other: int) -> int | Dim:
        return call("floordiv", other, self)

    def __mod__(self, other: int | Dim) -> int | Dim:
        return call("mod", self, other) if isinstance(other, int | Dim) else NotImplemented

    def __rmod__(self, other: int) -> int | Dim:
        return call("mod", other, self)

    def __str__(self) -> str:
        text = ""
        for monomial, coefficient in self.terms:
            factors = "*".join(_factor(atom) for atom in monomial)
            size = abs(coefficient)
            body = factors if size == 1 and factors else f"{size}*{factors}" if factors else str(size)
            text += ("-" if coefficient < 0 else "+" if text else "") + body
        return text

    __repr__ = __str__

    def __bool__(self) -> bool:
        raise TypeError(f"the size {self} is known only when the function is called")

    def __index__(self) -> int:
        raise TypeError(f"the size {self} is known only when the function is called; an integer is needed here")

    def to_sympy(self) -> Any:
        """The size as a SymPy expression over non-negative integer symbols."""
        import sympy

        functions = {
            "floordiv": lambda a, b: sympy.floor(a / b),
            "mod": sympy.Mod,
            "min": sympy.Min,
            "max": sympy.Max,
        }

        def convert(size: int | Dim | Atom) -> Any:
            match size:
                case int():
                    return sympy.Integer(size)
                case str():
                    return sympy.Symbol(size, integer=True, nonnegative=True)
                case Call(function, args):
                    return functions[function](*map(convert, args))
                case Dim(terms):
                    return sympy.Add(*(c * sympy.Mul(*map(convert, m)) for m, c in terms))

        return convert(self)


def _refuse_number(size: Dim, other: object) -> None:
    """Raise DTypeError for arithmetic with a number that gives no size; other objects may know what to do."""
    if isinstance(other, int | float | Dim):
        raise DTypeError(
            f"no size comes of {size} and {other}: sizes are integers, and have +, -, *, // and %",
            help=f'gc.extent({size}, "float32") is the size as a number in a formula',
        )


def symbol(name: str) -> Dim:
    """The size of a named dimension."""
    return Dim((((name,), 1),))


_ranges: dict[str, tuple[int, int | None]] = {}


def declare(name: str, low: int, high: int | None) -> Dim:
    """The size of a named dimension that lies in a range from now on, wherever the name is used.

    Raises ShapeError if another range was declared: what was concluded from it may be in use.
    """
    if _ranges.setdefault(name, (low, high)) != (low, high):
        raise ShapeError(
            f"the dimension {name} has a range already: {range_text(name)}", help="use another name, or the same range"
        )
    return symbol(name)


def range_of(name: str) -> tuple[int, int | None]:
    """The least and the largest size of a named dimension; None if there is no largest."""
    return _ranges.get(name, (0, None))


def range_text(name: str) -> str:
    """The range of a named dimension in words."""
    low, high = range_of(name)
    return f"{low} or more" if high is None else f"{low} to {high}"


def least(size: int | Dim) -> int:
    """A number that a size is never below: the best that its form shows, at least 0."""
    low = _least(size)
    return 0 if low is None else max(low, 0)


def largest(size: int | Dim) -> int | None:
    """A number that a size is never above, if its form and the declared ranges show one."""
    low = _least(-size)
    return None if low is None else -low


def _least(size: int | Dim) -> int | None:
    """A lower bound of the values of a polynomial, whose dimensions lie in their ranges."""
    total = 0
    for monomial, factor in _terms(size):
        low: int = 1
        high: int | None = 1
        for atom in monomial:
            if not isinstance(atom, str):
                return 0 if is_nonnegative(size) else None
            first, last = range_of(atom)
            low, high = low * first, (None if high is None or last is None else high * last)
        if factor > 0:
            total += factor * low
        elif high is None:
            return 0 if is_nonnegative(size) else None
        else:
            total += factor * high
    return total


def call(function: Function, a: int | Dim, b: int | Dim) -> int | Dim:
    """A floor division, remainder, minimum or maximum of sizes, evaluated as far as it is known.

    Raises ShapeError for a division by 0.
    """
    if function in ("floordiv", "mod") and isinstance(b, int) and b == 0:
        raise ShapeError(f"the size {a} is divided by 0")
    if isinstance(a, int) and isinstance(b, int):
        return _FUNCTIONS[function](a, b)
    if function in ("min", "max"):
        if is_nonnegative(a - b):
            return b if function == "min" else a
        if is_nonnegative(b - a):
            return a if function == "min" else b
        a, b = sorted((a, b), key=lambda size: (isinstance(size, int), str(size)))
    elif isinstance(b, int) and b > 0:
        exact = {m: c // b for m, c in _terms(a) if c % b == 0}
        rest = _normal({m: c for m, c in _terms(a) if c % b != 0})
        if isinstance(rest, int):
            return _normal(exact) + rest // b if function == "floordiv" else rest % b
        if exact:
            return _normal(exact) + call("floordiv", rest, b) if function == "floordiv" else call("mod", rest, b)
    elif isinstance(b, Dim) and (quotient := _exact_quotient(a, b)) is not None:
        return quotient if function == "floordiv" else 0
    return Dim((((Call(function, (a, b)),), 1),))


def is_nonnegative(size: int | Dim) -> bool:
    """Whether a size is 0 or more whatever the named dimensions are, each in its range: if proved."""
    lows = {name: low + symbol(name) for name in symbols_of(size) if (low := range_of(name)[0])}
    size = substitute(size, lows) if lows else size
    return any(
        all(c >= 0 and all(map(_is_nonnegative_atom, monomial)) for monomial, c in _terms(bound))
        for bound in (size, _below_quotients(size))
    )


def _below_quotients(size: int | Dim) -> int | Dim:
    """A lower bound of a multiple, without quotients: b*(a//b) is a - a%b, and a%b at most b - 1."""
    quotients = [m[0].args[1] for m, _ in _terms(size) if len(m) == 1 and isinstance(m[0], Call)]
    size = size * lcm(*(b for b in quotients if isinstance(b, int) and b > 0))
    exact: int | Dim = 0
    for monomial, c in _terms(size):
        match monomial:
            case (Call("floordiv", (a, int(b))),) if b > 0 and c % b == 0:
                exact = exact + (a - call("mod", a, b)) * (c // b)
            case _:
                exact = exact + _normal({monomial: c})
    bound: int | Dim = 0
    for monomial, c in _terms(exact):
        match monomial:
            case (Call("mod", (_, int(b))),) if b > 0 and c < 0:
                bound = bound + (b - 1) * c
            case _:
                bound = bound + _normal({monomial: c})
    return bound


def _is_nonnegative_atom(atom: Atom) -> bool:
    if isinstance(atom, str):
        return True
    a, b = map(is_nonnegative, atom.args)
    return a or b if atom.function == "max" else b if atom.function == "mod" else a and b


def symbols_of(size: int | Dim | Call) -> frozenset[str]:
    """The named dimensions that a size depends on."""
    if isinstance(size, Call):
        return symbols_of(size.args[0]) | symbols_of(size.args[1])
    return size.symbols if isinstance(size, Dim) else frozenset()


def evaluate(size: int | Dim, sizes: Mapping[str, int]) -> int:
    """The value of a size for given sizes of the named dimensions."""
    return size if isinstance(size, int) else size.evaluate(sizes)


def substitute(size: int | Dim, values: Mapping[str, int | Dim]) -> int | Dim:
    """A size with named dimensions replaced."""
    return size if isinstance(size, int) else size.substitute(values)


def coefficient(size: int | Dim, symbol: str) -> int | Dim | None:
    """The factor of `symbol` in a size that is linear in it (0 if absent), else None."""
    return 0 if isinstance(size, int) else size.coefficient(symbol)


def product(sizes: tuple[int | Dim, ...]) -> int | Dim:
    """The number of elements of a shape."""
    total: int | Dim = 1
    for size in sizes:
        total = total * size
    return total


_TOKEN = re.compile(r"\s*(?:([0-9]+)|(min|max)\s*\(|([A-Za-z_][A-Za-z0-9_]*)|(//|[-+*%(),]))")


MOST_NESTED = 50  # parentheses in the text of a size


def parse(text: str) -> int | Dim:
    """A size from its text, such as `n`, `2*n-1` or `(n+1)//2`; ValueError if it is none."""
    tokens = _tokens(text)
    position = nested = 0

    def peek() -> str:
        return tokens[position] if position < len(tokens) else ""

    def take(expected: str = "") -> str:
        nonlocal position
        token = peek()
        if not token or (expected and token != expected):
            raise ValueError(f"{text!r} is no size")
        position += 1
        return token

    def total() -> int | Dim:
        nonlocal nested
        nested += 1
        if nested > MOST_NESTED:
            raise ValueError(f"{text!r:.40} is nested too deeply for a size")
        value = -term() if peek() == "-" and take() else term()
        while peek() in ("+", "-"):
            value = value + term() if take() == "+" else value - term()
        nested -= 1
        return value

    def term() -> int | Dim:
        value = atom()
        while peek() in ("*", "//", "%"):
            sign = take()
            right = atom()
            value = value * right if sign == "*" else call("floordiv" if sign == "//" else "mod", value, right)
        return value

    def atom() -> int | Dim:
        token = take()
        if token.isdigit():
            return int(token)
        if token in ("min(", "max("):
            a, _, b, _ = total(), take(","), total(), take(")")
            return call("min" if token == "min(" else "max", a, b)
        if token == "(":
            value, _ = total(), take(")")
            return value
        if token[0].isalpha() or token[0] == "_":
            return symbol(token)
        raise ValueError(f"{text!r} is no size")

    result = total()
    if position != len(tokens):
        raise ValueError(f"{text!r} is no size")
    return result


def _tokens(text: str) -> list[str]:
    tokens, end = [], 0
    while end < len(text.rstrip()):
        match = _TOKEN.match(text, end)
        if match is None:
            raise ValueError(f"{text!r} is no size")
        number, function, name, sign = match.groups()
        tokens.append(number or (function + "(" if function else None) or name or sign)
        end = match.end()
    return tokens


def _exact_quotient(a: int | Dim, b: Dim) -> int | Dim | None:
    """`a / b` if `b` is a single monomial that divides every one of `a`."""
    if a == b:
        return 1
    if len(b.terms) != 1:
        return None
    (divisor, factor), quotient = b.terms[0], {}
    for monomial, coefficient in _terms(a):
        rest = list(monomial)
        for atom in divisor:
            if atom not in rest:
                return None
            rest.remove(atom)
        if coefficient % factor:
            return None
        quotient[tuple(rest)] = coefficient // factor
    return _normal(quotient)


def _terms(size: int | Dim) -> Iterator[tuple[Monomial, int]]:
    if isinstance(size, Dim):
        yield from size.terms
    elif size:
        yield (), size


def _normal(terms: dict[Monomial, int]) -> int | Dim:
    kept = [(m, c) for m, c in terms.items() if c]
    if not kept:
        return 0
    if len(kept) == 1 and not kept[0][0]:
        return kept[0][1]
    if len(kept) > 1 and (whole := _without_remainder(dict(kept))) is not None:
        return whole
    return Dim(tuple(sorted(kept, key=lambda term: (-len(term[0]), [str(a) for a in term[0]]))))


def _without_remainder(terms: dict[Monomial, int]) -> int | Dim | None:
    """The sum with `a` in the place of `b*(a//b) + a%b`, if it holds that, else None."""
    for monomial, coefficient in terms.items():
        for k, atom in enumerate(monomial):
            if not isinstance(atom, Call) or atom.function != "mod":
                continue
            a, b = atom.args
            factor = _normal({(*monomial[:k], *monomial[k + 1 :]): coefficient})
            quotients = dict(_terms(factor * b * call("floordiv", a, b)))
            if all(terms.get(m) == c for m, c in quotients.items()):
                others = {m: c for m, c in terms.items() if m != monomial and m not in quotients}
                return _normal(others) + factor * a
    return None


def _substitute_atom(atom: Atom, values: Mapping[str, int | Dim]) -> int | Dim:
    if isinstance(atom, str):
        return values[atom] if atom in values else symbol(atom)
    a, b = (substitute(arg, values) for arg in atom.args)
    return call(atom.function, a, b)


def _factor(atom: Atom) -> str:
    """An atom as a factor of a product: a quotient needs parentheses there."""
    return f"({atom})" if isinstance(atom, Call) and atom.function in ("floordiv", "mod") else str(atom)


def _in_product(size: int | Dim) -> str:
    if isinstance(size, int):
        return str(size) if size >= 0 else f"({size})"
    simple = len(size.terms) == 1 and size.terms[0] == (size.terms[0][0][:1], 1)
    text = str(size)
    return text if simple and "//" not in text and "%" not in text else f"({text})"
