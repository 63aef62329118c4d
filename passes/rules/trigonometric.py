"""Sines, cosines and tangents of almost equal angles: by the half of the difference, which is small itself."""

from __future__ import annotations

from typing import Any

from graphc.interpret.ranges import range_of
from graphc.ir.node import Node
from graphc.ir.op import Op
from graphc.ir.pattern import SUMS, views
from graphc.ir.rule import RuleSet
from graphc.ops.elementwise import Add, Cos, Sin, Subtract, Tan, cos, sin, square

TRIGONOMETRIC = RuleSet("trigonometric")
MOST = 4.0
"""Where the angles differ by more, nothing is gained, and half of the difference may be another angle."""


@TRIGONOMETRIC.rule("stabilizing", "S59")
def one_minus_cos(x):
    """Cancels near 0, and is 0 below 2.4e-4 in f32."""
    return 1 - cos(x), 2 * square(sin(x / 2))


@TRIGONOMETRIC.rule("stabilizing", "S59")
def cos_minus_one(x):
    """Cancels near 0, and is 0 below 2.4e-4 in f32."""
    return cos(x) - 1, -2 * square(sin(x / 2))


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
