"""Losses of classes: logits, probabilities or their logarithms, and labels or probabilities as targets."""

from __future__ import annotations

from typing import Any

import graphc as gc
from graphc.errors import DTypeError, ShapeError
from graphc.ir.node import Node, describe
from graphc.nn.losses.reduction import Reduction, reduced, same_shape
from graphc.ops.conversion import as_node, one_axis


def cross_entropy(
    logits: Any,
    target: Any,
    *,
    axis: int = -1,
    label_smoothing: float = 0.0,
    ignore: int | None = None,
    weight: Any = None,
    reduction: Reduction = "mean",
) -> Node:
    """-sum(q * log(softmax(logits))) over the axis of the classes.

    `target` holds labels, integers without that axis, or the probabilities q. Labels equal to `ignore` do not
    count, `weight` has a number for each class, and smoothing mixes q with an even distribution (Szegedy et
    al., "Rethinking the inception architecture", 2016, section 7). The mean of labels is over their weights.
    """
    z, q = as_node(logits), as_node(target)
    classes = one_axis(axis, z.ndim)
    p = gc.exp(z) / gc.sum(gc.exp(z), axis=classes, keepdims=True)
    if q.dtype.is_integer:
        return _of_labels(p, q, classes, label_smoothing, ignore, weight, reduction)
    if ignore is not None:
        raise DTypeError("probabilities have no label to ignore", details=[describe(q)])
    same_shape(z, q)
    if label_smoothing:
        q = (1 - label_smoothing) * q + label_smoothing / gc.extent(z.shape[classes], z.dtype)
    products = _log_times(q, p)
    if weight is not None:
        products = products * _along(weight, classes, z)
    return reduced(-gc.sum(products, axis=classes), reduction)


def nll(
    log_probabilities: Any,
    labels: Any,
    *,
    axis: int = -1,
    ignore: int | None = None,
    weight: Any = None,
    reduction: Reduction = "mean",
) -> Node:
    """-log_probabilities at the labels; `ignore` and `weight` as in `cross_entropy`."""
    x, y = as_node(log_probabilities), as_node(labels)
    classes = one_axis(axis, x.ndim)
    places, weights = _places(y, x, classes, ignore, weight)
    return reduced(-_at(x, places, classes), reduction, weights)


def binary_cross_entropy(probability: Any, target: Any, *, reduction: Reduction = "mean") -> Node:
    """-(t * log(p) + (1 - t) * log(1 - p)), in which 0 * log(0) is 0."""
    p, t = same_shape(probability, target)
    return reduced(-(_log_times(t, p) + _log_times(1 - t, 1 - p)), reduction)


def binary_cross_entropy_with_logits(
    logits: Any, target: Any, *, positive_weight: float | Node = 1.0, reduction: Reduction = "mean"
) -> Node:
    """That of p = sigmoid(logits); the term of t is multiplied by `positive_weight`."""
    z, t = same_shape(logits, target)
    values = -(positive_weight * t * gc.log(gc.sigmoid(z)) + (1 - t) * gc.log(1 - gc.sigmoid(z)))
    return reduced(values, reduction)


def kl_divergence(target: Any, prediction: Any, *, axis: int = -1, reduction: Reduction = "mean") -> Node:
    """sum(p * log(p / q)) over an axis, of the target p from the prediction q, both probabilities.

    Where p is 0 an element adds 0. The mean is over the distributions.
    """
    p, q = same_shape(target, prediction)
    return reduced(gc.sum(_log_times(p, p) - _log_times(p, q), axis=axis), reduction)


def hinge(score: Any, target: Any, *, margin: float = 1.0, power: int = 1, reduction: Reduction = "mean") -> Node:
    """max(0, margin - target * score)**power, for targets of -1 and 1. Cortes and Vapnik, 1995."""
    s, t = same_shape(score, target)
    return reduced(gc.maximum(margin - t * s, 0) ** power, reduction)


def _of_labels(
    p: Node, labels: Node, axis: int, smoothing: float, ignore: int | None, weight: Any, reduction: Reduction
) -> Node:
    places, weights = _places(labels, p, axis, ignore, weight)
    likely = reduced(-gc.log(_at(p, places, axis)), reduction, weights)
    if not smoothing:
        return likely
    kept = None if ignore is None else gc.cast(labels != ignore, p.dtype.compute)
    log_p = gc.log(p) if weight is None else _along(weight, axis, p) * gc.log(p)
    wide = p.dtype.compute  # there may be more labels than a float of 16 bits can count
    spread = reduced(-gc.mean(log_p.astype(wide), axis=axis), "none" if reduction == "none" else "sum", kept)
    if reduction == "mean":
        spread = spread / gc.sum(gc.broadcast_to(1.0 if weights is None else weights, labels.shape).astype(wide))
    return (1 - smoothing) * likely + smoothing * spread.astype(p.dtype)


def _places(labels: Node, x: Node, axis: int, ignore: int | None, weight: Any) -> tuple[Node, Node | None]:
    """Labels that can be looked up, and how much each counts if that differs. Raises ShapeError or DTypeError."""
    if not labels.dtype.is_integer:
        raise DTypeError(f"labels are integers, not {labels.dtype.name}", details=[describe(labels)])
    if labels.shape != (*x.shape[:axis], *x.shape[axis + 1 :]):
        raise ShapeError("there is no label for each row of classes", details=[describe(x), describe(labels)])
    kept = None if ignore is None else labels != ignore
    places = labels if kept is None else gc.where(kept, labels, 0)
    if weight is None:
        return places, None if kept is None else gc.cast(kept, x.dtype)
    weights = gc.take(as_node(weight).astype(x.dtype), places, axis=0)
    return places, weights if kept is None else gc.where(kept, weights, 0)


def _at(x: Node, places: Node, axis: int) -> Node:
    """The element of each row of classes at its label."""
    index = places.reshape((*places.shape[:axis], 1, *places.shape[axis:]))
    return gc.take_along_axis(x, index, axis=axis).reshape(places.shape)


def _along(weight: Any, axis: int, x: Node) -> Node:
    node = as_node(weight).astype(x.dtype)
    return node.reshape((*node.shape, *(1,) * (x.ndim - axis - 1)))


def _log_times(t: Node, p: Node) -> Node:
    """t * log(p), and 0 where t is 0."""
    return gc.where(t == 0, 0, t * gc.log(p))
