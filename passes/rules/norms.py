"""Norms: squares overflow f32 above 1.8e19 and lose digits below 1e-19, the roots of their sums are numbers again.

The derivative of a norm is a direction, and 0 where there is none; the naive one is 0 / 0.
"""

from __future__ import annotations

import math

from graphc.ir.node import Node
from graphc.ir.pattern import see
from graphc.ir.rule import RuleSet, attribute
from graphc.ops.contraction import Matmul
from graphc.ops.conversion import Cast, Expand, cast, sum
from graphc.ops.elementwise import Sqrt, abs, power, rsqrt, sqrt, square
from graphc.ops.euclidean_norm import euclidean_norm
from graphc.ops.logic import where
from graphc.ops.reduction import Mean, count
from graphc.ops.representation import Ldexp
from graphc.passes.rules.combinations import keeps_order

NORMS = RuleSet("norms")


def is_scale(x: Node) -> bool:
    """Whether a factor is a power of two by which a row was scaled, so that its products are small."""
    if not isinstance(x.op, Expand):
        return False
    scale = x.args[0].args[0] if isinstance(x.args[0].op, Cast) else x.args[0]
    return isinstance(scale.op, Ldexp)


@NORMS.rule("stabilizing", "S60", proof="proved for n=1..4")
def root_of_sum_of_squares(x, axis: attribute):
    """Each of the squares may overflow or underflow."""
    return sqrt(sum(x * x, axis)), euclidean_norm(x, axis)


@NORMS.rule("stabilizing", "S60", proof="proved for n=1..4")
def inverse_root_of_sum_of_squares(x, axis: attribute):
    """Each of the squares may overflow or underflow."""
    return rsqrt(sum(x * x, axis)), 1 / euclidean_norm(x, axis)


@NORMS.rule("stabilizing", "S60", proof="proved for n=1..4")
def power_of_sum_of_squares(x, axis: attribute):
    """Each of the squares may overflow or underflow."""
    return power(sum(x * x, axis), -0.5), 1 / euclidean_norm(x, axis)


@NORMS.rule("stabilizing", "S60", proof="proved for n=1..4")
def root_of_two_sums_of_squares(x, y, axis: attribute):
    """The product of two norms, as below the cosine of an angle: each of the squares may overflow or underflow."""
    whole = sqrt(sum(x * x, axis) * sum(y * y, axis))
    return whole, euclidean_norm(x, axis) * euclidean_norm(y, axis)


@NORMS.rewriter(Sqrt, kind="stabilizing", reference="S60")
def root_of_mean_of_squares(node: Node) -> Node | None:
    """Each of the squares may overflow or underflow."""
    mean = node.args[0]
    if not isinstance(mean.op, Mean):
        return None
    squared, axis = see(mean.args[0], frozenset({"multiply"})), mean.op.axis
    if squared is None or squared.args[0] is not squared.args[1]:
        return None
    x = squared.args[0]
    norm = euclidean_norm(cast(x, x.dtype.compute), axis)  # of many 16-bit numbers it is large
    return cast(norm / sqrt(count(x, axis, norm)), x.dtype)


@NORMS.rewriter(Sqrt, kind="stabilizing", reference="S60")
def root_of_product_with_itself(node: Node) -> Node | None:
    """sqrt(x @ x) of vectors, or of stacks of them: each of the squares may overflow or underflow."""
    product = _without_shape(node.args[0])
    if not isinstance(product.op, Matmul):
        return None
    row, column = product.args
    elements = _without_shape(row)
    if row.shape[-2] != 1 or column.shape[-1] != 1 or _without_shape(column) is not elements:
        return None
    x = elements.reshape((*row.shape[:-2], row.shape[-1]))
    return euclidean_norm(x, (x.ndim - 1,)).reshape(node.shape)


def product_of_vectors(node: Node) -> tuple[Node, Node] | None:
    """x and y, if a node is the number x @ y."""
    product = _without_shape(node)
    if node.ndim or not isinstance(product.op, Matmul):
        return None
    x, y = (_without_shape(arg) for arg in product.args)
    return (x, y) if x.ndim == y.ndim == 1 else None


def _without_shape(x: Node) -> Node:
    """A node of the same elements in the same order, before they were given another shape."""
    while keeps_order(x.op):
        x = x.args[0]
    return x


@NORMS.rule("stabilizing", "S69", proof="proved for n=1..4")
def square_of_norm(x, axis: attribute):
    """The root is rounded, and costs more than it is worth."""
    return euclidean_norm(x, axis) * euclidean_norm(x, axis), sum(square(x), axis)


@NORMS.rule("stabilizing", "S57", proof="proved for n=1..4")
def expanded_squared_distance(x, y, axis: attribute):
    """Cancels where x and y are close."""
    return sum(x * x, axis) + sum(y * y, axis) - 2 * sum(x * y, axis), sum(square(x - y), axis)


@NORMS.rule("stabilizing", "S64")
def root_of_square(x):
    """The square overflows and underflows; the derivative at 0 is 0 / 0."""
    return sqrt(x * x), abs(x)


@NORMS.rule("stabilizing", "S64")
def inverse_root_of_square(x):
    """The square overflows and underflows."""
    return rsqrt(x * x), 1 / abs(x)


@NORMS.rule("stabilizing", "S64")
def square_of_root(x):
    """The root is rounded. NaN below 0, as before, and 0.0 at -0.0."""
    return sqrt(x) * sqrt(x), where(x >= 0, x + 0.0, math.nan)


@NORMS.rule("stabilizing", "S64")
def root_over_its_square(x):
    """The derivative is a difference of two numbers that overflow before it does."""
    return sqrt(x) / x, 1 / sqrt(x)
