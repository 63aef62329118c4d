"""Losses of vectors that shall lie near or far from each other; vectors lie along the last axis."""

from __future__ import annotations

from typing import Any

import graphc as gc
from graphc.errors import ShapeError
from graphc.ir.node import Node, describe
from graphc.nn.losses.classification import cross_entropy
from graphc.nn.losses.reduction import Reduction, reduced, same_shape


def cosine_similarity(x: Any, y: Any, *, axis: int = -1, epsilon: float = 1e-8) -> Node:
    """x·y / (|x| |y|), with no norm below epsilon."""
    x, y = same_shape(x, y)
    lengths = gc.maximum(_norm(x, axis), epsilon) * gc.maximum(_norm(y, axis), epsilon)
    return gc.sum(x * y, axis=axis) / lengths


def cosine_distance(x: Any, y: Any, *, axis: int = -1, reduction: Reduction = "mean") -> Node:
    """1 - cosine_similarity(x, y)."""
    return reduced(1 - cosine_similarity(x, y, axis=axis), reduction)


def triplet(
    anchor: Any,
    positive: Any,
    negative: Any,
    *,
    margin: float = 1.0,
    epsilon: float = 1e-6,
    reduction: Reduction = "mean",
) -> Node:
    """max(0, |anchor - positive| - |anchor - negative| + margin); epsilon is added to each difference.

    Schroff, Kalenichenko and Philbin, "FaceNet", 2015, with distances instead of their squares.
    """
    a, p = same_shape(anchor, positive)
    a, n = same_shape(anchor, negative)
    near, far = _norm(a - p + epsilon, -1), _norm(a - n + epsilon, -1)
    return reduced(gc.maximum(near - far + margin, 0), reduction)


def contrastive(x: Any, y: Any, same: Any, *, margin: float = 1.0, reduction: Reduction = "mean") -> Node:
    """d**2 where `same` is true, else max(0, margin - d)**2, for the distance d of x and y.

    Hadsell, Chopra and LeCun, "Dimensionality reduction by learning an invariant mapping", 2006, equation 4.
    """
    x, y = same_shape(x, y)
    squared = gc.sum((x - y) ** 2, axis=-1)
    apart = squared > 0
    distance = gc.where(apart, gc.sqrt(gc.where(apart, squared, 1)), 0)
    return reduced(gc.where(same, squared, gc.maximum(margin - distance, 0) ** 2), reduction)


def info_nce(queries: Any, keys: Any, *, temperature: float = 0.1, reduction: Reduction = "mean") -> Node:
    """How well each query finds the key of its own row among all keys, by cosine similarity.

    van den Oord, Li and Vinyals, "Representation learning with contrastive predictive coding", 2018.
    """
    q, k = same_shape(queries, keys)
    if q.ndim != 2:
        raise ShapeError("queries and keys are matrices, one vector a row", details=[describe(q)])
    similarities = _unit(q) @ _unit(k).T / temperature
    return cross_entropy(similarities, gc.iota(q.shape[0]), reduction=reduction)


def _norm(x: Node, axis: int) -> Node:
    return gc.sqrt(gc.sum(x**2, axis=axis))


def _unit(x: Node) -> Node:
    length = gc.sqrt(gc.sum(x**2, axis=-1, keepdims=True))
    return x / gc.maximum(length, 1e-12)
