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
from graphc.nn.cells import GRUCell, LSTMCell, RNNCell
from graphc.nn.container import Residual, Sequential
from graphc.nn.convolution import (
    AvgPool,
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
    MaxPool,
    flatten,
)
from graphc.nn.dropout import Dropout
from graphc.nn.linear import Bilinear, Embedding, Linear
from graphc.nn.module import Module
from graphc.nn.normalization import BatchNorm, GroupNorm, LayerNorm, RMSNorm
from graphc.nn.positions import alibi, rotary, sinusoidal
from graphc.nn.recurrent import GRU, LSTM, RNN, Bidirectional, Recurrent
from graphc.nn.transformer import DecoderBlock, EncoderBlock, FeedForward

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "AvgPool",
    "BatchNorm",
    "Bidirectional",
    "Bilinear",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "DecoderBlock",
    "Dropout",
    "Embedding",
    "EncoderBlock",
    "FeedForward",
    "GRUCell",
    "GroupNorm",
    "LSTMCell",
    "LayerNorm",
    "Linear",
    "MaxPool",
    "Module",
    "MultiHeadAttention",
    "PReLU",
    "RMSNorm",
    "RNNCell",
    "Recurrent",
    "Residual",
    "Sequential",
    "alibi",
    "attention",
    "causal_mask",
    "celu",
    "elu",
    "flatten",
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
    "rotary",
    "selu",
    "silu",
    "sinusoidal",
    "soft_shrink",
    "softplus",
    "softsign",
    "swiglu",
]
