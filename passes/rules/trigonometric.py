"""Sines, cosines and tangents of almost equal angles: by the half of the difference, which is small itself."""

from __future__ import annotations

import math
from typing import Any

from graphc.interpret.ranges import range_of
from graphc.ir.node import Node
from graphc.ir.op import Op
from graphc.ir.pattern import SUMS, views
from graphc.ir.rule import RuleSet, attribute
from graphc.ops.conversion import expand, sum
from graphc.ops.elementwise import Add, Cos, Sin, Subtract, Tan, abs, cos, log, log1p, sin, sqrt, square
from graphc.ops.euclidean_norm import euclidean_norm
from graphc.ops.logic import where
from graphc.ops.trigonometry import acos, asin, atan2, one_minus_square

TRIGONOMETRIC = RuleSet("trigonometric")
NEAR_AND_FAR = "tested: the cases of near and far"
MOST = 4.0
"""Where the angles differ by more, nothing is gained, and half of the difference may be another angle."""
HALF_TURN = 3.14
"""Less than pi in every dtype, to which pi itself may be rounded up."""


@TRIGONOMETRIC.rule("stabilizing", "S59")
def one_minus_cos(x):
    """Cancels near 0, and is 0 below 2.4e-4 in f32."""
    return 1 - cos(x), 2 * square(sin(0.5 * x))


@TRIGONOMETRIC.rule("stabilizing", "S59")
def cos_minus_one(x):
    """Cancels near 0, and is 0 below 2.4e-4 in f32."""
    return cos(x) - 1, -2 * square(sin(0.5 * x))


@TRIGONOMETRIC.rule("stabilizing", "S59")
def one_minus_square_of_cos(x):
    """Cancels near 0."""
    return one_minus_square(cos(x)), square(sin(x))


@TRIGONOMETRIC.rule("stabilizing", "S59")
def one_minus_square_of_sin(x):
    """Cancels near a quarter of a turn."""
    return one_minus_square(sin(x)), square(cos(x))


@TRIGONOMETRIC.rule("stabilizing", "S59", proof=NEAR_AND_FAR)
def acos_of_one_minus(x):
    """1 - x is rounded, which the root in the angle magnifies."""
    near = x < 1
    return acos(1 - x), where(near, 2 * asin(sqrt(0.5 * where(near, x, 1))), acos(where(near, 0, 1 - x)))


@TRIGONOMETRIC.rule("stabilizing", "S59", proof=NEAR_AND_FAR)
def asin_of_one_minus(x):
    """1 - x is rounded, which the root in the angle magnifies."""
    near = x < 0.5
    small = math.pi / 2 - 2 * asin(sqrt(0.5 * where(near, x, 0)))
    return asin(1 - x), where(near, small, asin(where(near, 0, 1 - x)))


@TRIGONOMETRIC.rule("stabilizing", "S59", proof="tested: SymPy does not know the sign")
def acos_of_other_side(x):
    """acos(sqrt(1 - x*x)) is 0 for small x, where it is abs(x)."""
    return acos(sqrt(one_minus_square(x))), asin(abs(x))


@TRIGONOMETRIC.rule("stabilizing", "S59", proof="tested: SymPy does not know the sign")
def asin_of_other_side(x):
    """The derivative of asin(sqrt(1 - x*x)) is infinite for small x, where it is 1."""
    return asin(sqrt(one_minus_square(x))), acos(abs(x))


@TRIGONOMETRIC.rule("stabilizing", "S59", proof="tested: SymPy does not reduce the angle of longer rows")
def angle_between(x, y, axis: attribute):
    """The cosine of a small angle is rounded at 1, and may be larger, to NaN (Kahan)."""
    u = x / expand(euclidean_norm(x, axis), axis, like=x)
    v = y / expand(euclidean_norm(y, axis), axis, like=y)
    cosine = sum(x * y, axis) / (euclidean_norm(x, axis) * euclidean_norm(y, axis))
    return acos(cosine), 2 * atan2(euclidean_norm(u - v, axis), euclidean_norm(u + v, axis))


@TRIGONOMETRIC.rule("stabilizing", "S59", proof=NEAR_AND_FAR)
def angle_on_a_great_circle(x, y):
    """The angle of two places on a meridian: its cosine is rounded at 1, and may be larger, to NaN."""
    near = abs(x - y) < HALF_TURN
    far = acos(where(near, 0, sin(x) * sin(y) + cos(x) * cos(y)))
    return acos(sin(x) * sin(y) + cos(x) * cos(y)), where(near, abs(where(near, x - y, 0)), far)


@TRIGONOMETRIC.rule("stabilizing", "S59", proof=NEAR_AND_FAR)
def sine_of_difference(x, y):
    """Both products are almost equal where the angles are."""
    near = abs(x - y) < 1
    far = where(near, 0, sin(x) * cos(y)) - where(near, 0, cos(x) * sin(y))
    return sin(x) * cos(y) - cos(x) * sin(y), where(near, sin(where(near, x - y, 0)), far)


@TRIGONOMETRIC.rule("stabilizing", "S59", proof=NEAR_AND_FAR)
def acos_of_cos(x):
    """The cosine is rounded at 1, which the root in the angle magnifies."""
    near = abs(x) < HALF_TURN
    return acos(cos(x)), where(near, abs(where(near, x, 0)), acos(where(near, 0, cos(x))))


@TRIGONOMETRIC.rule("stabilizing", "S59", proof=NEAR_AND_FAR)
def asin_of_sin(x):
    """The sine is rounded at 1, which the root in the angle magnifies."""
    near = abs(x) < HALF_TURN / 2
    return asin(sin(x)), where(near, x, asin(where(near, 0, sin(x))))


@TRIGONOMETRIC.rule("stabilizing", "S59", proof=NEAR_AND_FAR)
def log_of_cos(x):
    """cos is rounded at 1 near 0."""
    near = abs(x) < 1
    small = log1p(-2 * square(sin(0.5 * where(near, x, 0))))
    return log(cos(x)), where(near, small, log(where(near, 1, cos(x))))


@TRIGONOMETRIC.rewriter(Add, Subtract, kind="stabilizing", reference="S59")
def difference_of_waves(node: Node) -> Node | None:
    """sin(x + y) - sin(x) cancels where y is small, and so for cos and tan. Only where y is known to be moderate."""
    *_, view = views(node, SUMS, 2)
    if len(view.parts) != 2 or view.parts[0].sign == view.parts[1].sign:
        return None
    above, below = (part.value for part in sorted(view.parts, key=lambda part: -part.sign))
    if above.op != below.op or not isinstance(above.op, Sin | Cos | Tan):
        return None
    (a,), (b,) = above.args, below.args
    y = _excess(a, b)
    if y is not None:
        return _difference(above.op, b, y)
    y = _excess(b, a)
    return -_difference(above.op, a, y) if y is not None else None


def _difference(op: Op, x: Node, y: Node) -> Any:
    """f(x + y) - f(x)."""
    if isinstance(op, Tan):
        return sin(y) / (cos(x) * cos(x + y))
    half = y / 2
    return 2 * sin(half) * cos(x + half) if isinstance(op, Sin) else -2 * sin(half) * sin(x + half)


def _excess(whole: Node, x: Node) -> Node | None:
    """What is added to x in a sum, if it is known to lie between -MOST and MOST."""
    for view in views(whole, SUMS, 2):
        for part, other in (view.parts, view.parts[::-1]) if len(view.parts) == 2 else ():
            if part.sign > 0 and part.value is x:
                y = other.value if other.sign > 0 else -other.value
                known = range_of(y)
                return y if known.low >= -MOST and known.high <= MOST else None
    return None
