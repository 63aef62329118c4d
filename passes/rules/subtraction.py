"""The difference of two nodes by their form: what both have in common is taken away before anything is rounded.

    x + h   less   x             h
    x + p   less   x + q         p - q
    w * (x + h) less w * x       w * h

In floats `(x + h) - x` has lost of h what the sum was rounded by, and is 0 where x absorbs it. Rules for differences
of a function at two arguments use this for the difference of the arguments.
"""

from __future__ import annotations

from typing import Any

from graphc.ir.node import Node
from graphc.ir.pattern import PRODUCTS, SUMS, Part, View, product, views
from graphc.passes.rules.combinations import signed_sum

MOST_LEVELS = 4  # sums and products in each other that are looked into


def difference(x: Any, y: Any, levels: int = MOST_LEVELS) -> Any:
    """x - y, without what both have in common. Variables of rules have nothing in common."""
    found = excess(x, y, levels) if isinstance(x, Node) and isinstance(y, Node) else None
    return x - y if found is None else found


def excess(x: Node, y: Node, levels: int = MOST_LEVELS) -> Node | None:
    """By how much x is more than y; None if they have nothing in common, or are one."""
    if x is y or not levels:
        return None
    for pair in ((a, b) for a in views(x, SUMS, 2) for b in views(y, SUMS, 2)):
        found = _excess_of_sums(*pair, levels)
        if found is not None:
            return found
    for pair in ((a, b) for a in views(x, PRODUCTS, 2) for b in views(y, PRODUCTS, 2)):
        found = _excess_of_products(*pair, levels)
        if found is not None:
            return found
    return None


def _excess_of_sums(x: View, y: View, levels: int) -> Node | None:
    for own, other in _common(x, y):
        above, below = _without(x, own), _without(y, other)
        if above and below and above[0].sign == below[0].sign:
            rest: Node = difference(above[0].value, below[0].value, levels - 1)
            return rest if above[0].sign > 0 else -rest
        terms = [(p.sign, p.value) for p in above] + [(-p.sign, p.value) for p in below]
        if terms:
            return signed_sum(terms)
    return None


def _excess_of_products(x: View, y: View, levels: int) -> Node | None:
    """The common factor times the excess of the other factors."""
    if x.sign != y.sign:
        return None
    for own, other in _common(x, y):
        above, below = _without(x, own), _without(y, other)
        if len(above) == 1 == len(below) and above[0].sign > 0 and below[0].sign > 0:
            nested = excess(above[0].value, below[0].value, levels - 1)
            if nested is not None:
                found = product([Part(1, nested), own])
                return found if x.sign > 0 else -found
    return None


def _common(x: View, y: View) -> list[tuple[Part, Part]]:
    return [(p, q) for p in x.parts for q in y.parts if p.sign == q.sign and p.value is q.value]


def _without(view: View, part: Part) -> list[Part]:
    return [other for other in view.parts if other is not part]
