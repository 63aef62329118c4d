"""Nodes read as a number times something else, with the number as it is: a fraction, which nothing rounds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

from graphc.ir.leaf import uniform_value
from graphc.ir.node import Node
from graphc.ir.pattern import PRODUCTS, Part, View, see, views

SQUARE = frozenset({"square"})


def multiples(x: Node, names: frozenset[str]) -> Iterator[tuple[Fraction, Node]]:
    """All ways to see a node as a number times a node of one of the ops."""
    for view in views(x, PRODUCTS, 2):
        number, others = _apart(view)
        node = see(others[0].value, names) if number and len(others) == 1 and others[0].sign > 0 else None
        if number and node is not None:
            yield number, node


def as_multiple(x: Node) -> tuple[Fraction, Node]:
    """A node as a number times another one, the former as large a part as can be seen."""
    found = Fraction(1), x
    for view in views(x, PRODUCTS, 3):
        number, others = _apart(view)
        if number and len(others) == 1 and others[0].sign > 0:
            found = number, others[0].value
    return found


def as_multiple_of_square(x: Node) -> tuple[Fraction, Node] | None:
    """A node as a number times the square of another one."""
    for view in views(x, PRODUCTS, 3):
        number, others = _apart(view)
        values = [other.value for other in others if other.sign > 0]
        if len(values) == len(others) == 1 and (squared := see(values[0], SQUARE)) is not None:
            values = [squared.args[0]] * 2
        if number and len(values) == 2 and values[0] is values[1]:
            scale, inner = as_multiple(values[0])
            return number * scale * scale, inner
    return None


def _apart(view: View) -> tuple[Fraction | None, list[Part]]:
    """The product of the numbers among the factors, None where it is 0 or no number, and the other factors."""
    number, others = Fraction(view.sign), list[Part]()
    for part in view.parts:
        value = uniform_value(part.value)
        if value is None:
            others.append(part)
        elif value == 0 or not math.isfinite(value):
            return None, []
        else:
            number *= Fraction(float(value)) ** part.sign
    return number, others
