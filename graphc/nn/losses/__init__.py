"""Losses: predictions and targets come in, a scalar goes out, or with `reduction="none"` one value an example.

The formulas stand here as textbooks print them; that they do not overflow is the compiler's work.
"""

from __future__ import annotations

from graphc.nn.losses.alignment import ctc
from graphc.nn.losses.classification import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    hinge,
    kl_divergence,
    nll,
)
from graphc.nn.losses.reduction import Reduction
from graphc.nn.losses.regression import gaussian_nll, huber, log_cosh, mae, mse, poisson_nll, quantile
from graphc.nn.losses.similarity import contrastive, cosine_distance, cosine_similarity, info_nce, triplet

__all__ = [
    "Reduction",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "contrastive",
    "cosine_distance",
    "cosine_similarity",
    "cross_entropy",
    "ctc",
    "gaussian_nll",
    "hinge",
    "huber",
    "info_nce",
    "kl_divergence",
    "log_cosh",
    "mae",
    "mse",
    "nll",
    "poisson_nll",
    "quantile",
    "triplet",
]
