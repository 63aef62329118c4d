"""Variances and covariances as differences of means: what is left after the cancellation has no digits.

In f32 the naive variance of numbers near 5,000 is off by 1, and may be negative.
"""

from __future__ import annotations

import math

import numpy as np

from graphc.ir.leaf import uniform_value
from graphc.ir.node import Node, make
from graphc.ir.pattern import PRODUCTS, SUMS, see, views
from graphc.ir.rule import RuleSet
from graphc.ops.conversion import Axes, Sum, cast
from graphc.ops.deviations import Covariance, SquaredDeviations
from graphc.ops.elementwise import Add, Subtract
from graphc.ops.reduction import Mean, count

VARIANCE = RuleSet("variance")


@VARIANCE.rewriter(Add, Subtract, kind="stabilizing", reference="S61")
def difference_of_means(node: Node) -> Node | None:
    """mean(x * y) - mean(x) * mean(y) is the mean of the products of the distances from the means."""
    *_, view = views(node, SUMS, 2)
    if len(view.parts) != 2 or view.parts[0].sign == view.parts[1].sign:
        return None
    first, second = (part.value for part in view.parts)
    for sign, whole, product in ((view.parts[0].sign, first, second), (view.parts[1].sign, second, first)):
        found = _covariance(whole, product)
        if found is not None:
            return found if sign > 0 else -found
    return None


def _covariance(whole: Node, product: Node) -> Node | None:
    """mean((x - mean(x)) * (y - mean(y))), if `whole` is mean(x * y) and `product` is mean(x) * mean(y)."""
    mean_of_product, factors = _mean(whole), see(product, frozenset({"multiply"}))
    inner = see(mean_of_product[0], frozenset({"multiply"})) if mean_of_product is not None else None
    if mean_of_product is None or factors is None or inner is None:
        return None
    means = [_mean(factor) for factor in factors.args]
    x, y = inner.args
    _, axis = mean_of_product
    for a, b in (means, means[::-1]):
        if a is not None and b is not None and a[0] is x and b[0] is y and a[1] == b[1] == axis:
            if x is not y:
                return make(Covariance(axis), x, y)
            total = make(SquaredDeviations(axis), cast(x, x.dtype.compute))
            return cast(total / count(x, axis, total), x.dtype)
    return None


def _mean(x: Node) -> tuple[Node, Axes] | None:
    """What a node is the mean of, and over which axes: by its op, or as a sum over the number of elements."""
    if isinstance(x.op, Mean):
        return x.args[0], x.op.axis
    for view in views(x, PRODUCTS, 2):
        if len(view.parts) != 2 or view.sign < 0:
            continue
        for total, other in (view.parts, view.parts[::-1]):
            if total.sign > 0 and isinstance(total.value.op, Sum):
                terms, axis = total.value.args[0], total.value.op.axis
                size = math.prod(terms.shape[a] for a in axis)
                number = uniform_value(other.value)
                if number is not None and isinstance(size, int) and size:
                    expected = np.asarray(float(size) ** -other.sign).astype(x.dtype.numpy)
                    if number == expected:
                        return terms, axis
    return None
