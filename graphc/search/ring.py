"""Sums, products and quotients in an e-graph, by normal forms: polynomials with integer exponents of either sign.

Comes in: an e-graph; goes out: the same with equal polynomials in one class, and with them in other spellings:
split in two in every way, with what is common taken out, over a common denominator. So identities need not say that
sums commute, and `(x + y) - x` is y. Squares of roots and products of exponentials are known too.

A polynomial is over atoms: classes that are no sums, products or quotients, and divisors that are sums.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations, product

from graphc.search.egraph import EGraph
from graphc.search.polynomials import (
    MOST_TERMS,
    ONE,
    Monomial,
    Polynomial,
    complexity,
    constant,
    divided,
    exact_quotient,
    joined,
    mentions,
    plus,
    polynomial_of,
    scaled,
    shared_factor,
)
from graphc.search.symbols import ENode, Leaf

OPERATIONS = frozenset({"add", "subtract", "multiply", "divide", "negative", "square", "pow"})
MOST_SPLIT = 4
"""The longest sums and products that are split in every way."""
HIGHEST = 6
SWEEPS = 8


class Ring:
    """The polynomials of an e-graph."""

    def __init__(self, graph: EGraph) -> None:
        self.graph = graph
        self.forms: dict[int, Polynomial] = {}
        self._seen: set[tuple[int, frozenset[tuple[Monomial, Fraction]]]] = set()
        self._class_of: dict[frozenset[tuple[Monomial, Fraction]], int] = {}

    def normalise(self) -> None:
        """Merge what is equal as a polynomial, and add the other spellings."""
        self._find_forms()
        self._class_of = {}
        for number in list(self.forms):
            key = frozenset(self.forms[number].items())
            if key in self._class_of:
                self.graph.union(self._class_of[key], number)
            self._class_of.setdefault(key, number)
        for number, form in list(self.forms.items()):
            key = frozenset(form.items())
            if (number, key) not in self._seen and not self.graph.full:
                self._seen.add((number, key))
                for spelled in self._spellings(form):
                    self.graph.union(number, spelled)
        self.graph.rebuild()

    # --- normal forms ---

    def _find_forms(self) -> None:
        """The simplest polynomial of each class, from those of its operands."""
        composed: dict[int, list[ENode]] = {}
        self.forms = {}
        for number, found in self.graph.classes.items():
            nodes = [n for n in found.nodes if n.symbol in OPERATIONS or isinstance(n.symbol, Fraction)]
            if found.constant is not None:
                self.forms[number] = constant(found.constant)
            elif nodes and not any(isinstance(node.symbol, Leaf) for node in found.nodes):
                composed[number] = nodes
            else:
                self.forms[number] = polynomial_of(number)
        for _ in range(SWEEPS):
            changed = False
            for number, nodes in composed.items():
                forms = [self._form(node) for node in nodes]
                others = [form for form in forms if form is not None and not mentions(form, number)]
                best = min(others, key=complexity, default=None)
                known = self.forms.get(number)
                if best is not None and (known is None or complexity(best) < complexity(known)):
                    self.forms[number], changed = best, True
            if not changed:
                for number in composed:
                    if number not in self.forms:
                        self.forms[number], changed = polynomial_of(number), True
            if not changed:
                break
        for number in composed:
            self.forms.setdefault(number, polynomial_of(number))

    def _form(self, node: ENode) -> Polynomial | None:
        """The polynomial of a node; None if it is none, too long, or not yet known."""
        forms = [self.forms.get(arg) for arg in node.args]
        known = [form for form in forms if form is not None]
        if len(known) < len(forms):
            return None
        match node.symbol:
            case "add":
                return plus(known[0], known[1])
            case "subtract":
                return plus(known[0], scaled(known[1], Fraction(-1)))
            case "negative":
                return scaled(known[0], Fraction(-1))
            case "multiply":
                return self._times(known[0], known[1])
            case "square":
                return self._times(known[0], known[0])
            case "divide":
                if not known[0] and self.graph.classes[self.graph.find(node.args[1])].interval.may_be_zero:
                    return None
                inverse = self._inverse(known[1], node.args[1])
                return self._times(known[0], inverse) if inverse is not None else None
            case _:
                return self._power(known[0], node)

    def _power(self, base: Polynomial, node: ENode) -> Polynomial | None:
        exponent = self.graph.classes[self.graph.find(node.args[1])].constant
        if exponent is None or exponent.denominator != 1 or not 0 < abs(exponent) <= HIGHEST:
            return None
        factor = base if exponent > 0 else self._inverse(base, node.args[0])
        result: Polynomial | None = factor
        for _ in range(abs(int(exponent)) - 1):
            result = self._times(result, factor) if result is not None and factor is not None else None
        return result

    def _inverse(self, form: Polynomial, number: int) -> Polynomial | None:
        if not form:
            return None
        if len(form) > 1:
            return {((self.graph.find(number), -1),): Fraction(1)}
        ((monomial, coefficient),) = form.items()
        return {tuple((atom, -exponent) for atom, exponent in monomial): 1 / coefficient}

    def _times(self, x: Polynomial, y: Polynomial) -> Polynomial | None:
        if len(x) * len(y) > 2 * MOST_TERMS or self._is_undefined(x, y) or self._is_undefined(y, x):
            return None
        total: Polynomial = {}
        for (m, a), (n, b) in product(x.items(), y.items()):
            part = self._reduced(joined(m, n))
            if part is None:
                return None
            total = plus(total, scaled(part, a * b))
        return total if len(total) <= MOST_TERMS else None

    def _is_undefined(self, zero: Polynomial, form: Polynomial) -> bool:
        """Whether a product with 0 has divisors that may be 0, perhaps wherever the other factor is 0 as well."""
        divisors = [atom for monomial in form for atom, exponent in monomial if exponent < 0]
        return not zero and any(self.graph.classes[self.graph.find(a)].interval.may_be_zero for a in divisors)

    def _reduced(self, monomial: Monomial) -> Polynomial | None:
        """A product with squares of roots and products of exponentials carried out; None if it is too large."""
        if sum(abs(exponent) for _, exponent in monomial) > 2 * HIGHEST:
            return None
        grown = self._without_exponentials(monomial)
        for position, (atom, exponent) in enumerate(grown):
            inside = self._operand(atom, "sqrt") if abs(exponent) > 1 else None
            if inside is not None and not mentions(self.forms.get(inside, polynomial_of(atom)), atom):
                step = 2 if exponent > 0 else -2
                left = exponent - step
                rest = grown[:position] + (((atom, left),) if left else ()) + grown[position + 1 :]
                form = self.forms[inside]
                factor = form if step > 0 else self._inverse(form, inside)
                return self._times({rest: Fraction(1)}, factor) if factor is not None else None
        return {grown: Fraction(1)}

    def _without_exponentials(self, monomial: Monomial) -> Monomial:
        """A product with at most one exponential in it."""
        grown = [(atom, e, arg) for atom, e in monomial if (arg := self._operand(atom, "exp")) is not None]
        if len(grown) < 2 and all(e == 1 for _, e, _ in grown):
            return monomial
        total: Polynomial = {}
        for _, exponent, arg in grown:
            total = plus(total, scaled(self.forms.get(arg, polynomial_of(arg)), Fraction(exponent)))
        gone = {atom for atom, _, _ in grown}
        rest = tuple(part for part in monomial if part[0] not in gone)
        if not total or len(total) > MOST_SPLIT or self.graph.full:
            return rest if not total else monomial
        atom = self.graph.add("exp", self.class_of(total))
        self.forms.setdefault(atom, polynomial_of(atom))
        return joined(rest, ((self.graph.find(atom), 1),))

    def _operand(self, atom: int, symbol: str) -> int | None:
        """What a function is applied to in a class."""
        for node in self.graph.classes[self.graph.find(atom)].nodes:
            if node.symbol == symbol:
                return self.graph.find(node.args[0])
        return None

    # --- spellings ---

    def class_of(self, form: Polynomial) -> int:
        """The class of a polynomial: the one that is known, or a new one."""
        key = frozenset(form.items())
        known = self._class_of.get(key)
        if known is not None:
            return self.graph.find(known)
        number = self._sum(form) if len(form) != 1 else self._product(*next(iter(form.items())))
        self._class_of[key] = number
        self.forms.setdefault(number, form)
        return number

    def _sum(self, form: Polynomial) -> int:
        if not form:
            return self.graph.add(Fraction(0))
        terms = sorted(form.items(), key=lambda term: term[1] < 0)
        total = self.class_of(dict(terms[:1]))
        for monomial, coefficient in terms[1:]:
            sign = "add" if coefficient > 0 else "subtract"
            total = self.graph.add(sign, total, self.class_of({monomial: abs(coefficient)}))
        return total

    def _product(self, monomial: Monomial, coefficient: Fraction) -> int:
        if monomial == ONE:
            return self.graph.add(Fraction(coefficient))
        if coefficient == -1:
            return self.graph.add("negative", self.class_of({monomial: Fraction(1)}))
        if coefficient != 1:
            return self._scaled_class(monomial, coefficient)
        above = [atom for atom, exponent in monomial for _ in range(exponent)]
        below = [atom for atom, exponent in monomial for _ in range(-exponent)]
        top = self._chain(above)
        return self.graph.add("divide", top, self._chain(below)) if below else top

    def _scaled_class(self, monomial: Monomial, coefficient: Fraction) -> int:
        factor = self.class_of({monomial: Fraction(1)})
        number = self.graph.add("multiply", self.graph.add(coefficient), factor)
        if abs(coefficient.numerator) == 1:
            divisor = self.graph.add(1 / coefficient)
            self.graph.union(number, self.graph.add("divide", factor, divisor))
        return self.graph.find(number)

    def _chain(self, atoms: list[int]) -> int:
        if not atoms:
            return self.graph.add(Fraction(1))
        total = atoms[0]
        for atom in atoms[1:]:
            total = self.graph.add("multiply", total, atom)
        return total

    def _spellings(self, form: Polynomial) -> Iterator[int]:
        """Classes that are equal to a polynomial."""
        yield self.class_of(form)
        if len(form) == 1:
            ((monomial, coefficient),) = form.items()
            yield self._product(monomial, coefficient)
            if coefficient == 1:
                yield from self._factorings(monomial)
            return
        if 2 <= len(form) <= MOST_SPLIT:
            yield from self._splits(form)
        if len(form) >= 2:
            yield from self._common_factor(form)
            yield from self._common_denominator(form)

    def _splits(self, form: Polynomial) -> Iterator[int]:
        """A sum as two sums, in every way."""
        first, *others = form.items()
        for size in range(len(others)):
            for chosen in combinations(others, size):
                part = dict([first, *chosen])
                rest = {m: c for m, c in form.items() if m not in part}
                negative = [all(c < 0 for c in half.values()) for half in (part, rest)]
                x, y = (self._class_of_size(half, sign) for half, sign in zip((part, rest), negative))
                if negative == [True, True]:
                    yield self.graph.add("negative", self.graph.add("add", x, y))
                elif negative[0]:
                    yield self.graph.add("subtract", y, x)
                else:
                    yield self.graph.add("subtract" if negative[1] else "add", x, y)

    def _class_of_size(self, form: Polynomial, negative: bool) -> int:
        return self.class_of(scaled(form, Fraction(-1)) if negative else form)

    def _factorings(self, monomial: Monomial) -> Iterator[int]:
        """A product as two products, in every way."""
        if not 2 <= sum(abs(exponent) for _, exponent in monomial) <= MOST_SPLIT:
            return
        ranges = [range(min(e, 0), max(e, 0) + 1) for _, e in monomial]
        for exponents in product(*ranges):
            part = tuple((a, e) for (a, _), e in zip(monomial, exponents) if e)
            rest = tuple((a, e - f) for (a, e), f in zip(monomial, exponents) if e != f)
            if not part or not rest or part > rest:
                continue
            if all(e < 0 for _, e in part):
                part, rest = rest, part
            if all(e < 0 for _, e in rest):
                below = tuple((a, -e) for a, e in rest)
                yield self.graph.add("divide", self._monomial(part), self._monomial(below))
            else:
                yield self.graph.add("multiply", self._monomial(part), self._monomial(rest))

    def _monomial(self, monomial: Monomial) -> int:
        return self.class_of({monomial: Fraction(1)})

    def _common_factor(self, form: Polynomial) -> Iterator[int]:
        """A sum with what all terms share in front of it."""
        scale = Fraction(
            math.gcd(*(c.numerator for c in form.values())), math.lcm(*(c.denominator for c in form.values()))
        )
        scale = -scale if all(c < 0 for c in form.values()) else scale
        shared = shared_factor(form)
        if shared != ONE:
            rest = divided(form, shared)
            yield self.graph.add("multiply", self._monomial(shared), self.class_of(rest))
        if scale != 1:
            rest = scaled(form, 1 / scale)
            if scale == -1:
                yield self.graph.add("negative", self.class_of(rest))
            else:
                yield self.graph.add("multiply", self.graph.add(scale), self.class_of(rest))

    def _common_denominator(self, form: Polynomial) -> Iterator[int]:
        """A sum of quotients as one quotient."""
        lowest: dict[int, int] = {}
        for monomial in form:
            for atom, exponent in monomial:
                lowest[atom] = min(lowest.get(atom, 0), exponent)
        below = tuple(sorted((atom, -e) for atom, e in lowest.items() if e < 0))
        if not below:
            return
        above: Polynomial | None = {}
        for monomial, coefficient in form.items():
            term = self._expanded(joined(monomial, below), coefficient)
            above = plus(above, term) if above is not None and term is not None else None
        if above is None or len(above) > MOST_TERMS:
            return
        above, below = self._cancelled(above, below)
        if not above:
            if not self._is_undefined(above, {tuple((atom, -e) for atom, e in below): Fraction(1)}):
                yield self.graph.add(Fraction(0))
            return
        top = self.class_of(above)
        yield self.graph.add("divide", top, self._monomial(below)) if below else top

    def _expanded(self, monomial: Monomial, coefficient: Fraction) -> Polynomial | None:
        """A product with divisors that it is rid of multiplied out."""
        total: Polynomial | None = {ONE: coefficient}
        for atom, exponent in monomial:
            form = self.forms.get(atom, polynomial_of(atom))
            for _ in range(abs(exponent)):
                factor: Polynomial = form if exponent > 0 else {((atom, -1),): Fraction(1)}
                total = self._times(total, factor) if total is not None else None
        return total

    def _cancelled(self, above: Polynomial, below: Monomial) -> tuple[Polynomial, Monomial]:
        """A quotient without divisors that divide the dividend."""
        for atom, exponent in below:
            form = self.forms.get(atom, polynomial_of(atom))
            quotient = exact_quotient(above, form) if len(form) > 1 else None
            if quotient is not None:
                left = ((atom, exponent - 1),) if exponent > 1 else ()
                rest = tuple(sorted((*(part for part in below if part[0] != atom), *left)))
                return self._cancelled(quotient, rest)
        return above, below
