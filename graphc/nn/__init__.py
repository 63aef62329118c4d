"""Neural networks: modules hold parameters and are called on nodes; activations and losses are plain functions."""

from __future__ import annotations

from graphc.nn import losses
from graphc.nn.activations import (
    PReLU,
    celu,
    elu,
    geglu,
    gelu,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    maxout,
    mish,
    relu6,
    selu,
    silu,
    soft_shrink,
    softplus,
    softsign,
    swiglu,
)
from graphc.nn.attention import MultiHeadAttention, attention, causal_mask
from graphc.nn.container import Residual, Sequential
from graphc.nn.dropout import Dropout
from graphc.nn.linear import Bilinear, Embedding, Linear
from graphc.nn.module import Module
from graphc.nn.normalization import BatchNorm, GroupNorm, LayerNorm, RMSNorm

__all__ = [
    "BatchNorm",
    "Bilinear",
    "Dropout",
    "Embedding",
    "GroupNorm",
    "LayerNorm",
    "Linear",
    "Module",
    "MultiHeadAttention",
    "PReLU",
    "RMSNorm",
    "Residual",
    "Sequential",
    "attention",
    "causal_mask",
    "celu",
    "elu",
    "geglu",
    "gelu",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_tanh",
    "leaky_relu",
    "log_sigmoid",
    "losses",
    "maxout",
    "mish",
    "relu6",
    "selu",
    "silu",
    "soft_shrink",
    "softplus",
    "softsign",
    "swiglu",
]
