"""One loss from many: a value for each example comes in, their mean or sum goes out."""

from __future__ import annotations

from typing import Any, Literal

import graphc as gc
from graphc.errors import GraphError, ShapeError
from graphc.ir.node import Node, describe
from graphc.ops.conversion import as_node

Reduction = Literal["mean", "sum", "none"]


def reduced(values: Node, reduction: Reduction, weights: Node | None = None) -> Node:
    """The mean, the sum, or the values as they are; with weights the mean is their total divided by the weights'.

    Raises GraphError for another word.
    """
    if weights is not None:
        values = gc.where(weights == 0, 0, weights * values)
    match reduction:
        case "none":
            return values
        case "sum":
            return gc.sum(values)
        case "mean" if weights is not None:
            wide = values.dtype.compute  # there may be more examples than a float of 16 bits can count
            weights = gc.broadcast_to(weights, values.shape)
            return (gc.sum(values.astype(wide)) / gc.sum(weights.astype(wide))).astype(values.dtype)
        case "mean":
            return gc.mean(values)
    raise GraphError(f"{reduction!r:.80} is no reduction", help='"mean", "sum" or "none"')


def same_shape(prediction: Any, target: Any) -> tuple[Node, Node]:
    """Both as nodes. Raises ShapeError where they differ: broadcasting a loss is a mistake more often than not."""
    x, y = as_node(prediction), as_node(target)
    if x.shape != y.shape:
        raise ShapeError("prediction and target differ in shape", details=[describe(x), describe(y)])
    return x, y
