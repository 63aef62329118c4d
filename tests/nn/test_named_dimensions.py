"""One compiled function for all sizes: layers and losses of named dimensions give what they give for fixed ones."""

import numpy as np
import pytest

import graphc as gc
from graphc import nn
from graphc.nn import losses

RNG = np.random.default_rng(0)
IMAGES, SEQUENCES = ("n", 6, "h", "w"), ("n", "t", 8)
SIZES = [{"n": 2, "h": 8, "w": 12, "t": 5, "s": 2}, {"n": 3, "h": 4, "w": 8, "t": 7, "s": 3}]

NORM = nn.BatchNorm(6)
HEADS = nn.MultiHeadAttention(8, 2, seed=0)
FORTH_AND_BACK = nn.GRU(8, 4, seed=0, bidirectional=True)
MEMORY = nn.LSTM(8, 4, seed=0)
NOISE = nn.Dropout(0.5, seed=0)

LAYERS = {
    "Linear": (nn.Linear(8, 3, seed=0), SEQUENCES),
    "LayerNorm": (nn.LayerNorm(8), SEQUENCES),
    "RMSNorm": (nn.RMSNorm(8), SEQUENCES),
    "BatchNorm": (lambda x: NORM(x, training=True), IMAGES),
    "GroupNorm": (nn.GroupNorm(2, 6), IMAGES),
    "Conv2d": (nn.Conv2d(6, 4, 3, seed=0, padding="same"), IMAGES),
    "Conv2d, strides": (nn.Conv2d(6, 4, 2, seed=0, stride=2), IMAGES),
    "ConvTranspose2d": (nn.ConvTranspose2d(6, 4, 2, seed=0, stride=2), IMAGES),
    "MaxPool": (nn.MaxPool(2), IMAGES),
    "AvgPool": (nn.AvgPool(2), IMAGES),
    "flatten": (lambda x: nn.flatten(x, 2), IMAGES),
    "glu": (nn.swiglu, SEQUENCES),
    "maxout": (lambda x: nn.maxout(x, 4), SEQUENCES),
    "MultiHeadAttention": (lambda x: HEADS(x, causal=True), SEQUENCES),
    "groups of heads": (nn.MultiHeadAttention(8, 4, groups=2, seed=0), SEQUENCES),
    "EncoderBlock": (nn.EncoderBlock(8, 2, 4, seed=0), SEQUENCES),
    "rotary": (nn.rotary, SEQUENCES),
    "alibi": (lambda x: nn.attention(x, x, x, bias=nn.alibi(1, x.shape[1], x.shape[1])), SEQUENCES),
    "GRU": (lambda x: FORTH_AND_BACK(x)[0], SEQUENCES),
    "LSTM": (lambda x: MEMORY(x)[0], SEQUENCES),
    "Dropout": (lambda x: gc.sum(NOISE(x, training=True), axis=0) * 0, SEQUENCES),
    "cross_entropy": (lambda x: losses.cross_entropy(x, gc.zeros(x.shape[:2], "int64"), ignore=1), SEQUENCES),
    "mse": (lambda x: losses.mse(x, gc.sin(x), reduction="sum"), SEQUENCES),
    "info_nce": (lambda x: losses.info_nce(x[:, 0], x[:, 1]), SEQUENCES),
    "ctc": (lambda x: losses.ctc(gc.log_softmax(x), gc.iota(x.shape[0])[:, None] + gc.constant([1, 2])), SEQUENCES),
}


@pytest.mark.parametrize("name", LAYERS)
def test_named_sizes_are_as_good_as_fixed_ones(name):
    layer, shape = LAYERS[name]

    def compiled(shape):
        x = gc.input("x", shape, "float32")
        y = layer(x)
        return gc.compile([x], [y, gc.grad(gc.sum(y**2), x)], target="reference")

    named = compiled(shape)
    for sizes in SIZES:
        fixed = tuple(sizes.get(size, size) for size in shape)
        array = RNG.normal(size=fixed).astype("float32")
        for found, wanted in zip(named(array), compiled(fixed)(array), strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
