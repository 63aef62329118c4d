"""What a draw is asked for: key, shape, dtype and parameters as users give them come in, nodes of one type go out.

The dtype, if it is not given, is that of the parameters that are nodes or arrays, and else float32. The shape, if it
is not given, is that which the parameters broadcast to; if it is, they broadcast to it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import graphc as gc
from graphc.errors import DTypeError
from graphc.ir.leaf import uniform_value
from graphc.ir.node import Node
from graphc.ops.conversion import as_node, broadcast_shapes, promoted
from graphc.random.bits import Blocks
from graphc.random.keys import as_key
from graphc.types import DType, Shape, as_dtype, as_shape

Given = Any
"""A parameter: a number, an array or a node."""


class Draw:
    """A draw of floats: its key, its type, and its parameters in this type."""

    def __init__(self, key: Any, shape: Any, dtype: Any, *parameters: Given) -> None:
        self.key = as_key(key)
        self.dtype = float_dtype(dtype, parameters)
        self.parameters = [gc.cast(as_node(x), self.dtype) for x in parameters]
        self.shape = _shape(shape, self.parameters)
        self.parameters = [gc.broadcast_to(x, self.shape) for x in self.parameters]

    @property
    def blocks(self) -> Blocks:
        """The random bits."""
        return Blocks(self.key, self.shape)

    def uniform(self) -> Node:
        """Numbers in [0, 1)."""
        return self.blocks.fraction(self.dtype)

    def tails(self) -> tuple[Node, Node]:
        """Numbers in (0, 1): whether they are in the upper half, and their distance from the nearer end."""
        return self.blocks.tails(self.dtype)

    def finished(self, standard: Node, loc: Node | None, scale: Node) -> Node:
        """Standard numbers, moved and scaled."""
        scaled: Node = scale * gc.cast(standard, self.dtype)
        return scaled if loc is None or uniform_value(loc) == 0 else loc + scaled


def float_dtype(dtype: Any, parameters: tuple[Given, ...]) -> DType:
    """The dtype that is asked for, or that of the parameters. Raises DTypeError for one that is no float."""
    if dtype is not None:
        found = as_dtype(dtype)
        if not found.is_float:
            raise DTypeError(f"the numbers are floats, not {found.name}", help="cast them")
        return found
    typed = [as_node(x).dtype for x in parameters if isinstance(x, Node | np.ndarray | np.generic)]
    floats = [each for each in typed if each.is_float]
    return promoted(*floats) if floats else gc.float32


def _shape(shape: Any, parameters: list[Node]) -> Shape:
    if shape is not None:
        return as_shape(shape)
    return broadcast_shapes(*parameters) if parameters else ()


def as_integer_dtype(dtype: Any) -> DType:
    """The dtype of integers that are drawn. Raises DTypeError."""
    found = as_dtype(dtype)
    if not found.is_integer:
        raise DTypeError(f"the numbers are integers, not {found.name}", help="cast them")
    return found
