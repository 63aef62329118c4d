"""Sines, cosines and tangents of almost equal angles: by the half of the difference, which is small itself."""

from __future__ import annotations

import math
from typing import Any

from graphc.ir.node import Node
from graphc.ir.op import Op
from graphc.ir.pattern import SUMS, views
from graphc.ir.rule import NEAR_AND_FAR, RuleSet, attribute
from graphc.ops.conversion import expand, sum
from graphc.ops.elementwise import (
    Add,
    Cos,
    Sin,
    Subtract,
    Tan,
    abs,
    cos,
    log,
    log1p,
    maximum,
    sin,
    sqrt,
    square,
    tan,
)
from graphc.ops.euclidean_norm import euclidean_norm
from graphc.ops.logic import isfinite, logical_and, where
from graphc.ops.trigonometry import acos, asin, atan, atan2, one_minus_square
from graphc.passes.rules.subtraction import difference, excess

TRIGONOMETRIC = RuleSet("trigonometric")
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
def tan_less_sin(x):
    """Both are near x where that is small."""
    return tan(x) - sin(x), 2 * tan(x) * square(sin(0.5 * x))


@TRIGONOMETRIC.rule("stabilizing", "S59")
def sin_less_tan(x):
    """Both are near x where that is small."""
    return sin(x) - tan(x), -2 * tan(x) * square(sin(0.5 * x))


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


# --- functions of almost equal angles ---


@TRIGONOMETRIC.rewriter(Add, Subtract, kind="stabilizing", reference="S59")
def difference_of_waves(node: Node) -> Node | None:
    """sin(x + y) - sin(x) cancels where y is small, and x + y is rounded; and so for cos and tan."""
    *_, view = views(node, SUMS, 2)
    if len(view.parts) != 2 or view.parts[0].sign == view.parts[1].sign:
        return None
    above, below = (part.value for part in sorted(view.parts, key=lambda part: -part.sign))
    if above.op != below.op or not isinstance(above.op, Sin | Cos | Tan):
        return None
    (a,), (b,) = above.args, below.args
    y = excess(a, b)
    if y is None:
        return None
    is_rounded = b.op.name in SUMS and a.op.name not in SUMS
    result: Node = -_difference(above.op, a, -y) if is_rounded else _difference(above.op, b, y)
    return result


def _difference(op: Op, x: Node, y: Node) -> Any:
    """f(x + y) - f(x), without that sum; of tan close to a pole, where nothing cancels, as it is written."""
    if isinstance(op, Tan):
        t, u = tan(x), tan(y)
        near = abs(t * u) < 0.5
        small, far = where(near, u, 0), where(near, 0, tan(x + y)) - where(near, 0, t)
        return where(near, (small + small * t * t) / (1 - small * t), far)
    half = y / 2
    if isinstance(op, Sin):
        return 2 * sin(half) * (cos(half) * cos(x) - sin(half) * sin(x))
    return -2 * sin(half) * (cos(half) * sin(x) + sin(half) * cos(x))


@TRIGONOMETRIC.rule("stabilizing", "S59", proof=NEAR_AND_FAR)
def difference_of_inverse_tangents(x, y):
    """Cancels where x and y are close, and where both are large."""
    less, scale = difference(x, y), maximum(abs(x), 1)  # the product of both may overflow
    near = logical_and(abs(less) < 0.5 * scale, isfinite(x))
    small = where(near, less / scale, 0) / (1 / scale + y * where(near, x / scale, 0))
    large = x * y > 1
    above, below = where(large, 1 / where(large, y, 1), x), where(large, 1 / where(large, x, 1), y)
    far = where(near, 0, atan(above)) - where(near, 0, atan(below))
    return atan(x) - atan(y), where(near, atan(small), far)
