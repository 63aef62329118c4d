import numpy as np
import pytest

import graphc as gc
from graphc import nn
from graphc.errors import GraphError, ShapeError
from tests.nn.comparison import assert_same, copied, torch

RNG = np.random.default_rng(0)
X, MEMORY = RNG.normal(size=(2, 5, 8)), RNG.normal(size=(2, 4, 8))


def copy_linear(ours, weight, bias):
    copied(ours.weight, weight.T)
    copied(ours.bias, bias)


def copy_attention(ours, theirs):
    parts = zip((ours.query, ours.key, ours.value), theirs.in_proj_weight.chunk(3), theirs.in_proj_bias.chunk(3))
    for linear, weight, bias in parts:
        copy_linear(linear, weight, bias)
    copy_linear(ours.out, theirs.out_proj.weight, theirs.out_proj.bias)


def copy_block(ours, theirs, norms):
    for parameter in theirs.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    copy_attention(ours.attention, theirs.self_attn)
    copy_linear(ours.feed_forward.first, theirs.linear1.weight, theirs.linear1.bias)
    copy_linear(ours.feed_forward.second, theirs.linear2.weight, theirs.linear2.bias)
    for mine, norm in zip(norms, (theirs.norm1, theirs.norm2, getattr(theirs, "norm3", None))):
        copied(mine.gain, norm.weight)
        copied(mine.bias, norm.bias)


@pytest.mark.parametrize("norm_first", [True, False])
@pytest.mark.parametrize("causal", [True, False])
def test_encoder_block_is_that_of_torch(norm_first, causal):
    ours = nn.EncoderBlock(8, 2, 16, seed=0, norm_first=norm_first, activation=nn.gelu, dtype="float64")
    theirs = torch.nn.TransformerEncoderLayer(
        8, 2, 16, dropout=0.0, activation="gelu", batch_first=True, norm_first=norm_first, dtype=torch.float64
    )
    copy_block(ours, theirs, (ours.attention_norm, ours.feed_forward_norm))
    hidden = torch.triu(torch.ones(5, 5, dtype=torch.bool), 1) if causal else None

    def written_out(x):
        with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):  # others have no second derivative
            return theirs(x, src_mask=hidden)

    assert_same(
        lambda x: ours(x, causal=causal),
        written_out,
        (X,),
        parameters=[(ours.feed_forward.first.bias, theirs.linear1.bias)],
        rtol=1e-9,
        second=True,
        atol=1e-9,
    )


@pytest.mark.parametrize("norm_first", [True, False])
def test_decoder_block_is_that_of_torch(norm_first):
    ours = nn.DecoderBlock(8, 2, 16, seed=0, norm_first=norm_first, dtype="float64")
    theirs = torch.nn.TransformerDecoderLayer(
        8, 2, 16, dropout=0.0, batch_first=True, norm_first=norm_first, dtype=torch.float64
    )
    copy_block(ours, theirs, (ours.attention_norm, ours.memory_norm, ours.feed_forward_norm))
    copy_attention(ours.memory_attention, theirs.multihead_attn)
    hidden = torch.triu(torch.ones(5, 5, dtype=torch.bool), 1)
    assert_same(ours, lambda x, m: theirs(x, m, tgt_mask=hidden), (X, MEMORY), rtol=1e-9, atol=1e-9)


def test_a_block_with_dropout_differs_in_training_only():
    block = nn.EncoderBlock(8, 2, 16, seed=0, dropout=0.3, activation=nn.swiglu, gated=True, norm=nn.RMSNorm)
    x = gc.input("x", ("n", "t", 8))
    with pytest.raises(GraphError, match="differs between training and use"):
        block(x)
    f = gc.compile([x], [block(x, training=True), block(x, training=False)], target="reference")
    batch = X.astype("float32")
    (a, b), (c, d) = f(batch), f(batch)
    assert (b == d).all() and not (a == c).all() and not (a == b).all()
    assert {"attention.dropout.draws", "feed_forward.dropout.draws", "dropout.draws"} <= block.state().keys()


def test_sinusoidal_positions_are_those_of_the_paper():
    wanted = np.zeros((9, 6))
    for p in range(9):
        for i in range(3):
            angle = p / 10000 ** (2 * i / 6)
            wanted[p, 2 * i : 2 * i + 2] = np.sin(angle), np.cos(angle)
    found = gc.compile([], nn.sinusoidal(9, 6, dtype="float64"), target="reference")()
    np.testing.assert_allclose(found, wanted, rtol=1e-13, atol=1e-15)
    x = gc.input("x", ("n", 6))
    named = gc.compile([x], x + nn.sinusoidal(x.shape[0], 6), target="reference")
    np.testing.assert_allclose(named(np.zeros((9, 6), "float32")), wanted, rtol=1e-6)
    with pytest.raises(ShapeError, match="no pairs"):
        nn.sinusoidal(9, 5)


def test_rotated_products_depend_on_the_distance_alone():
    q, k = (np.tile(RNG.normal(size=8), (6, 1)) for _ in range(2))
    x, y = gc.input("x", (6, 8), "float64"), gc.input("y", (6, 8), "float64")
    products = nn.rotary(x) @ nn.rotary(y).T
    turned, scores = gc.compile([x, y], [nn.rotary(x, first=3), products], target="reference")(q, k)
    for distance in range(-5, 6):
        diagonal = np.diagonal(scores, distance)
        np.testing.assert_allclose(diagonal, diagonal[0], rtol=1e-12)
    pairs = q.reshape(6, 4, 2) @ [1, 1j]
    wanted = pairs * np.exp(1j * np.outer(np.arange(3, 9), 10000.0 ** (-np.arange(4) / 4)))
    np.testing.assert_allclose(turned.reshape(6, 4, 2) @ [1, 1j], wanted, rtol=1e-12)


def test_alibi():
    found = gc.compile([], nn.alibi(4, 2, 3), target="reference")()
    distance = np.array([[0, 1, 2], [1, 0, 1]])
    np.testing.assert_array_equal(found, -np.array([1 / 4, 1 / 16, 1 / 64, 1 / 256])[:, None, None] * distance)
