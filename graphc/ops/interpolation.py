"""Functions that tables and coefficients give: piecewise linear interpolation and polynomials."""

from __future__ import annotations

from typing import Any

from graphc.dimension import Dim
from graphc.errors import ShapeError
from graphc.ir.leaf import full
from graphc.ir.node import public
from graphc.ops.conversion import as_node, cast, common_dtype, expand, sum
from graphc.ops.elementwise import maximum, minimum
from graphc.ops.indexing import take
from graphc.ops.logic import equal, greater, less, less_equal, where
from graphc.ops.manipulation import expand_dims, unstack
from graphc.ops.position import extent
from graphc.types import int64


@public
def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None) -> Any:
    """The piecewise linear function through the points (xp, fp), whose xp ascend, at x.

    Outside it is `left` and `right`, by default the first and last of fp. Raises ShapeError for points that are not
    along one axis, two of one length.
    """
    x, xp, fp = as_node(x), as_node(xp), as_node(fp)
    if xp.ndim != 1 or xp.shape != fp.shape or xp.shape[0] == 0:
        raise ShapeError(f"{xp.type} and {fp.type} are no points along one axis")
    dtype = common_dtype("interp", "f", [x, xp, fp])
    x, xp, fp = (cast(v, dtype) for v in (x, xp, fp))
    n = xp.shape[0]
    passed = less_equal(expand(xp, tuple(range(x.ndim)), x.shape), expand_dims(x, -1))
    last = maximum(extent(n) - 2, 0)
    low = minimum(maximum(sum(cast(passed, int64), -1) - 1, 0), last)
    high = minimum(low + 1, extent(n) - 1)
    x0, x1 = take(xp, low), take(xp, high)
    y0, y1 = take(fp, low), take(fp, high)
    width = x1 - x0
    share = where(equal(width, 0), 0, (x - x0) / where(equal(width, 0), 1, width))
    y = where(equal(share, 1), y1, y0 + share * (y1 - y0))
    y = where(less(x, xp[0]), fp[0] if left is None else cast(left, dtype), y)
    return where(greater(x, xp[-1]), fp[-1] if right is None else cast(right, dtype), y)


@public
def polyval(p: Any, x: Any) -> Any:
    """The polynomial with coefficients p, the highest power first, at x, by Horner's rule."""
    p, x = as_node(p), as_node(x)
    if p.ndim != 1 or isinstance(p.shape[0], Dim):
        raise ShapeError(f"coefficients lie along one known axis, not {p.type}")
    dtype = common_dtype("polyval", "iuf", [p, x])
    x = cast(x, dtype)
    y = full(0, x.type)
    for coefficient in unstack(cast(p, dtype)):
        y = y * x + coefficient
    return y
