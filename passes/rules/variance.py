"""Variances and covariances as differences of means or sums: what is left after the cancellation has no digits.

In f32 the naive variance of numbers near 5,000 is off by 1, and may be negative.
"""

from __future__ import annotations

import math
from collections import Counter
from functools import reduce
from typing import NamedTuple

from graphc import dimension
from graphc.ir.leaf import uniform_value
from graphc.ir.node import Node, make
from graphc.ir.pattern import PRODUCTS, SUMS, see, views
from graphc.ir.rule import RuleSet
from graphc.ops.conversion import Axes, Expand, Sum, cast, expand
from graphc.ops.deviations import Covariance, SquaredDeviations
from graphc.ops.elementwise import Add, Divide, Pow, Subtract, multiply, power
from graphc.ops.reduction import Mean, Softmax, count, mean

VARIANCE = RuleSet("variance")
MOST_FACTORS = 5


@VARIANCE.rewriter(Add, Subtract, kind="stabilizing", reference="S61")
def difference_of_means(node: Node) -> Node | None:
    """mean(x * y) - mean(x) * mean(y) is the mean of the products of the distances from the means; sums are alike, and
    averages sum(softmax(z) * x), as in a heat capacity."""
    *_, view = views(node, SUMS, 2)
    if len(view.parts) != 2 or view.parts[0].sign == view.parts[1].sign:
        return None
    first, second = (part.value for part in view.parts)
    for sign, whole, product in ((view.parts[0].sign, first, second), (view.parts[1].sign, second, first)):
        found = _covariance(whole, product)
        if found is None:
            found = _covariance_of_shares(whole, product)
        if found is not None:
            return found if sign > 0 else -found
    return None


@VARIANCE.rewriter(Mean, Sum, kind="stabilizing", reference="S61")
def moment_of_deviations(node: Node) -> Node | None:
    """The mean is rounded, which shifts all distances from it: squares hardly notice, higher powers do."""
    powers, axis = node.args[0], node.op.attributes()["axis"]
    number = uniform_value(powers.args[1]) if isinstance(powers.op, Pow) else None
    if number is None or number < 3:
        return None
    base = powers.args[0]
    centred = base.args[0] if isinstance(base.op, Divide) else base
    if not is_centred(centred, axis) or is_centred(centred.args[0], axis):
        return None
    again = centred - expand(mean(centred, axis), axis, like=centred)
    return make(node.op, power(again / base.args[1] if isinstance(base.op, Divide) else again, number))


def is_centred(x: Node, axis: Axes) -> bool:
    """Whether a node has the distances from the mean."""
    if not isinstance(x.op, Subtract) or not isinstance(x.args[1].op, Expand) or x.args[1].op.axis != axis:
        return False
    middle = x.args[1].args[0]
    return isinstance(middle.op, Mean) and middle.op.axis == axis and middle.args[0] is x.args[0]


class _Sums(NamedTuple):
    """A product of sums over axes, divided by so many powers of the number of elements."""

    terms: tuple[Node, ...]
    axis: Axes
    means: int


def _covariance(whole: Node, product: Node) -> Node | None:
    """The sum or mean of (x - mean(x)) * (y - mean(y)): of x * y, less `product`, that of x times the mean of y."""
    first, second = _sums(whole, 1), _sums(product, 2)
    if first is None or second is None or first.axis != second.axis or second.means != first.means + 1:
        return None
    inner = see(first.terms[0], frozenset({"multiply"}))
    if inner is None or {*inner.args} != {*second.terms}:
        return None
    (x, y), axis = second.terms, first.axis
    if x is not y:
        mean: Node = make(Covariance(axis), x, y)
        return mean if first.means else mean * count(x, axis, mean)
    total = make(SquaredDeviations(axis), cast(x, x.dtype.compute))
    return cast(total / count(x, axis, total) if first.means else total, x.dtype)


class _Average(NamedTuple):
    """sum(shares * factors) over axes, for a softmax."""

    shares: Node
    factors: list[Node]
    total: Node

    def distances(self) -> Node:
        """How far the values are from their average."""
        value, axis = reduce(multiply, self.factors), self.total.op.attributes()["axis"]
        return value - expand(self.total, axis, like=value)


def _covariance_of_shares(whole: Node, product: Node) -> Node | None:
    """The same for averages."""
    both, seen = _average(whole), see(product, frozenset({"multiply"}))
    if both is None or seen is None:
        return None
    first, second = map(_average, seen.args)
    if first is None or second is None or not both.shares is first.shares is second.shares:
        return None
    if Counter(both.factors) != Counter(first.factors + second.factors):
        return None
    return make(whole.op, both.shares * first.distances() * second.distances())  # the square may overflow


def _average(x: Node) -> _Average | None:
    if not isinstance(x.op, Sum):
        return None
    *_, view = views(x.args[0], PRODUCTS, MOST_FACTORS)
    factors, axis = [part.value for part in view.parts], x.op.axis
    shares = [each for each in factors if isinstance(each.op, Softmax) and each.op.axis == axis]
    if len(shares) != 1 or len(factors) < 2 or view.sign < 0 or any(part.sign < 0 for part in view.parts):
        return None
    return _Average(shares[0], [each for each in factors if each is not shares[0]], x)


def _sums(x: Node, number: int) -> _Sums | None:
    """A node as a product of so many sums or means, and of numbers that divide it by the number of elements."""
    for view in views(x, PRODUCTS, 2 * number):
        factor, sums = float(view.sign), []
        for part in view.parts:
            value = uniform_value(part.value)
            if value is not None and value != 0:
                factor *= float(value) ** part.sign
            elif part.sign > 0 and isinstance(part.value.op, Sum | Mean):
                sums.append(part.value)
            else:
                break
        else:
            if len(sums) == number and len({each.op.attributes()["axis"] for each in sums}) == 1:
                return _counted(sums, factor)
    return None


def _counted(sums: list[Node], factor: float) -> _Sums | None:
    """Sums and means times a factor, if that is a power of the number of elements."""
    terms, axis = tuple(each.args[0] for each in sums), sums[0].op.attributes()["axis"]
    means = len([each for each in sums if isinstance(each.op, Mean)])
    if factor == 1:
        return _Sums(terms, axis, means)
    size = dimension.product(tuple(terms[0].shape[a] for a in axis))
    for divisions in (-1, 1, 2) if isinstance(size, int) else ():
        if math.isclose(factor * float(size) ** divisions, 1, rel_tol=2 * float(sums[0].dtype.limits.eps)):
            return _Sums(terms, axis, means + divisions)
    return None
