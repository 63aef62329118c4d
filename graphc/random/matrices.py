"""Random matrices: a key and sizes come in, matrices go out."""

from __future__ import annotations

from typing import Any

import graphc as gc
from graphc.ir.node import Node, public
from graphc.random.continuous import normal
from graphc.types import as_shape, as_size


@public
def orthogonal(key: Any, size: Any, shape: Any = (), dtype: Any = None) -> Node:
    """Orthogonal matrices (*shape, size, size), uniform over the group.

    The factor Q of a normal matrix is not, unless R has a positive diagonal (Mezzadri, 2007).
    """
    n = as_size(size)
    q, r = gc.linalg.qr(normal(key, (*as_shape(shape), n, n), dtype))
    signs = gc.where(gc.diagonal(r, axis1=-2, axis2=-1) < 0, -1.0, gc.full((), 1, r.dtype))
    uniform: Node = q * signs[..., None, :]
    return uniform
