"""Padding: with one value, or with what an array has itself, reflected, repeated or wrapped around.

Comes in: an array, widths and a mode of `numpy.pad`; goes out: a `pad`, or elements taken at computed positions.
"""

from __future__ import annotations

from typing import Any

from graphc.dimension import Dim
from graphc.errors import ShapeError
from graphc.ir.node import Node, public
from graphc.ops import movement
from graphc.ops.conversion import as_node
from graphc.ops.elementwise import maximum, minimum
from graphc.ops.indexing import take
from graphc.ops.position import iota

MODES = {"edge": "edge", "reflect": "reflect", "symmetric": "symmetric", "wrap": "wrap"}
MODES |= {"replicate": "edge", "circular": "wrap"}  # as they are called elsewhere


@public
def pad(x: Any, widths: Any, mode: str = "constant", *, value: float = 0.0) -> Node:
    """`x` with `(before, after)` elements added to each axis; one pair or number serves all axes.

    They are `value` ("constant"), the element at the border ("edge"), the array reflected without or with the border
    ("reflect", "symmetric"), or the array from its other end ("wrap"). Raises ShapeError for other widths and modes.
    """
    x = as_node(x)
    if mode == "constant":
        return movement.pad(x, widths, value=value)
    if mode not in MODES:
        known = ", ".join(("constant", *MODES))
        raise ShapeError(f"{mode!r:.40} is no way to pad", help=f"known: {known}")
    for axis, (before, after) in enumerate(movement.pad_widths(x, widths)):
        n = x.shape[axis]
        if (before or after) and n == 0:
            raise ShapeError(f"axis {axis} is empty: it has nothing to pad it with")
        if before or after:
            x = take(x, _positions(n, before, after, MODES[mode]), axis)
    return x


def _positions(n: int | Dim, before: int, after: int, mode: str) -> Any:
    """Which element stands at each place."""
    place = iota(n + before + after) - before
    match mode:
        case "wrap":
            place = place % n
        case "symmetric":
            place = place % (2 * n)
            place = minimum(place, 2 * n - 1 - place)
        case "reflect" if n != 1:
            place = place % (2 * n - 2)
            place = minimum(place, 2 * n - 2 - place)
    return minimum(maximum(place, 0), n - 1)  # the border; and kernels see that nothing is outside
