"""Polynomials with integer exponents of either sign: sums of products of atoms, which are numbered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

Monomial = tuple[tuple[int, int], ...]
"""Atoms with their exponents, in order."""
Polynomial = dict[Monomial, Fraction]

MOST_TERMS = 10
ONE: Monomial = ()


def mentions(form: Polynomial, atom: int) -> bool:
    return any(other == atom for monomial in form for other, _ in monomial)


def constant(value: Fraction) -> Polynomial:
    return {ONE: value} if value else {}


def polynomial_of(number: int) -> Polynomial:
    return {((number, 1),): Fraction(1)}


def plus(x: Polynomial, y: Polynomial) -> Polynomial:
    total = dict(x)
    for monomial, coefficient in y.items():
        total[monomial] = total.get(monomial, Fraction(0)) + coefficient
    return {m: total[m] for m in sorted(total) if total[m]}


def scaled(x: Polynomial, factor: Fraction) -> Polynomial:
    return {m: c * factor for m, c in x.items()}


def joined(x: Monomial, y: Monomial) -> Monomial:
    exponents = dict(x)
    for atom, exponent in y:
        exponents[atom] = exponents.get(atom, 0) + exponent
    return tuple(sorted((a, e) for a, e in exponents.items() if e))


def shared_factor(monomials: Iterable[Monomial]) -> Monomial:
    """The factors, with positive or negative exponents, that all monomials have."""
    common: Mapping[int, int] | None = None
    for monomial in monomials:
        own = dict(monomial)
        if common is None:
            common = own
        same = {a: e for a, e in common.items() if own.get(a, 0) * e > 0}
        common = {a: min(e, own[a]) if e > 0 else max(e, own[a]) for a, e in same.items()}
    return tuple(sorted((common or {}).items()))


def divided(form: Polynomial, monomial: Monomial) -> Polynomial:
    inverse = tuple((atom, -exponent) for atom, exponent in monomial)
    return {m: form[n] for m, n in sorted((joined(n, inverse), n) for n in form)}


def exact_quotient(above: Polynomial, below: Polynomial) -> Polynomial | None:
    """The quotient of two polynomials, if the division leaves nothing."""
    rest, result = dict(above), Polynomial()
    leading = max(below, key=degree)
    for _ in range(MOST_TERMS):
        if not rest:
            return result
        top = max(rest, key=degree)
        step = joined(top, tuple((atom, -e) for atom, e in leading))
        if any(e < 0 for _, e in step) and not any(e < 0 for _, e in top):
            return None
        factor = {step: rest[top] / below[leading]}
        result = plus(result, factor)
        product_ = {joined(step, m): c * factor[step] for m, c in below.items()}
        rest = plus(rest, scaled(product_, Fraction(-1)))
    return None


def degree(monomial: Monomial) -> tuple[tuple[int, int], ...]:
    """An order of monomials that products keep: by the exponent of the first atom, then of the next."""
    return tuple((-atom, exponent) for atom, exponent in monomial)


def complexity(form: Polynomial) -> tuple[int, int, tuple[tuple[Monomial, Fraction], ...]]:
    return len(form), sum(abs(e) for monomial in form for _, e in monomial), tuple(sorted(form.items()))
