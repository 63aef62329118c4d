"""Logarithms of products and quotients of a few numbers of unknown size, which overflow and underflow on the way.

These rules come last: those for logarithms know the factors as they are written.
"""

from __future__ import annotations

import math

from graphc.interpret.ranges import range_of
from graphc.ir.node import Node
from graphc.ir.pattern import PRODUCTS, product, see, views
from graphc.ir.rule import RuleSet
from graphc.ops.elementwise import Log
from graphc.ops.log_product import log_product, log_quotient

PRODUCTS_APART = RuleSet("products apart")
MOST_FACTORS = 4


@PRODUCTS_APART.rewriter(Log, kind="stabilizing", reference="S41")
def log_of_factors(node: Node) -> Node | None:
    """log(x * y) and log(x / y), where x and y are of any size: the product over- or underflows."""
    if see(node.args[0], PRODUCTS) is None:
        return None
    for view in views(node.args[0], PRODUCTS, MOST_FACTORS):
        far = [part for part in view.parts if _may_be_far_from_one(part.value)]
        if len(far) > 1:
            rest = product([part for part in view.parts if part is not far[-1]])
            rest, last = rest if view.sign > 0 else -rest, far[-1].value
            logarithm: Node = log_product(rest, last) if far[-1].sign > 0 else log_quotient(rest, last)
            return logarithm
    return None


def _may_be_far_from_one(x: Node) -> bool:
    """Whether nothing is known that keeps a factor so close to 1 that two of them have a product that is a number."""
    known, largest = range_of(x), math.sqrt(math.sqrt(float(x.dtype.limits.max)))
    low, high = (known.low, known.high) if known.low >= 0 else (-known.high, -known.low)
    return known.may_be_zero or not 1 / largest < low <= high < largest
