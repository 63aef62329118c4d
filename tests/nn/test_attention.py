import numpy as np
import pytest

import graphc as gc
from graphc import nn
from graphc.errors import DTypeError, ShapeError
from tests.nn.comparison import assert_same, copied, torch

RNG = np.random.default_rng(0)
Q, K, V = RNG.normal(size=(2, 3, 5, 4)), RNG.normal(size=(2, 3, 6, 4)), RNG.normal(size=(2, 3, 6, 7))
MASK = RNG.random((5, 6)) > 0.4
attend = torch.nn.functional.scaled_dot_product_attention


def test_attention_is_that_of_torch():
    assert_same(nn.attention, attend, (Q, K, V))
    assert_same(
        lambda q, k, v: nn.attention(q, k, v, mask=gc.constant(MASK)),
        lambda q, k, v: attend(q, k, v, torch.tensor(MASK)),
        (Q, K, V),
    )
    bias = RNG.normal(size=(5, 6))
    assert_same(
        lambda q, k, v: nn.attention(q, k, v, bias=gc.constant(bias)),
        lambda q, k, v: attend(q, k, v, torch.tensor(bias)),
        (Q, K, V),
    )


def test_causal_attention_is_that_of_torch():
    k, v = K[:, :, :5], V[:, :, :5]
    assert_same(lambda *x: nn.attention(*x, causal=True), lambda *x: attend(*x, is_causal=True), (Q, k, v))
    mask = MASK[:, :5] | np.eye(5, dtype=bool)
    both = torch.tensor(mask & np.tri(5, dtype=bool))
    assert_same(
        lambda *x: nn.attention(*x, mask=gc.constant(mask), causal=True), lambda *x: attend(*x, both), (Q, k, v)
    )


@pytest.mark.parametrize("target", ["reference", "llvm"])
def test_a_query_that_may_look_nowhere_gets_nothing_and_learns_nothing(target):
    arrays = [RNG.normal(size=(2, 4)).astype("float32") for _ in range(3)]
    qq, kk, vv = (gc.input(name, (2, 4)) for name in "qkv")
    y = nn.attention(qq, kk, vv, mask=gc.constant(np.array([[True, True], [False, False]])))
    value, *slopes = gc.compile([qq, kk, vv], [y, *gc.grad(gc.sum(y**2), [qq, kk, vv])], target=target)(*arrays)
    assert (value[1] == 0).all() and (value[0] != 0).all()
    assert (slopes[0][1] == 0).all() and (slopes[0][0] != 0).all()
    assert all(np.isfinite(slope).all() for slope in slopes)


def multi_head(bias=True, **options):
    ours = nn.MultiHeadAttention(8, 2, seed=0, bias=bias, dtype="float64", **options)
    theirs = torch.nn.MultiheadAttention(8, 2, bias=bias, batch_first=True, dtype=torch.float64)
    for linear, weight in zip((ours.query, ours.key, ours.value), theirs.in_proj_weight.chunk(3)):
        copied(linear.weight, weight.T)
    copied(ours.out.weight, theirs.out_proj.weight.T)
    if bias:
        torch.nn.init.normal_(theirs.in_proj_bias)
        torch.nn.init.normal_(theirs.out_proj.bias)
        for linear, b in zip((ours.query, ours.key, ours.value), theirs.in_proj_bias.chunk(3)):
            copied(linear.bias, b)
        copied(ours.out.bias, theirs.out_proj.bias)
    return ours, theirs


@pytest.mark.parametrize("bias", [True, False])
def test_multi_head_attention_is_that_of_torch(bias):
    ours, theirs = multi_head(bias)
    x, memory = RNG.normal(size=(3, 5, 8)), RNG.normal(size=(3, 6, 8))
    assert_same(ours, lambda x: theirs(x, x, x)[0], (x,))
    assert_same(ours, lambda q, k: theirs(q, k, k)[0], (x, memory))
    hidden = torch.triu(torch.ones(5, 5, dtype=torch.bool), 1)
    assert_same(lambda x: ours(x, causal=True), lambda x: theirs(x, x, x, attn_mask=hidden)[0], (x,))
    padding = RNG.random((3, 6)) > 0.3
    assert_same(
        lambda q, k: ours(q, k, mask=gc.constant(padding)[:, None, :]),
        lambda q, k: theirs(q, k, k, key_padding_mask=torch.tensor(~padding))[0],
        (x, memory),
    )


def test_heads_may_share_keys_and_values():
    few = nn.MultiHeadAttention(8, 4, groups=2, seed=0, dtype="float64")
    all_ = nn.MultiHeadAttention(8, 4, seed=0, dtype="float64")
    assert few.key.weight.shape == (8, 4)
    for part in ("query", "out"):
        gc.set_value(getattr(all_, part).weight, gc.value(getattr(few, part).weight))
    for part in ("key", "value"):
        columns = gc.value(getattr(few, part).weight).reshape(8, 2, 1, 2)
        gc.set_value(getattr(all_, part).weight, np.repeat(columns, 2, axis=2).reshape(8, 8))
    x = gc.input("x", ("n", "t", 8), "float64")
    a, b = gc.compile([x], [few(x, causal=True), all_(x, causal=True)], target="reference")(RNG.normal(size=(2, 3, 8)))
    np.testing.assert_allclose(a, b, rtol=1e-12)


def test_a_memory_may_have_other_features():
    ours = nn.MultiHeadAttention(8, 2, memory_features=3, seed=0, dtype="float64")
    theirs = torch.nn.MultiheadAttention(8, 2, kdim=3, vdim=3, batch_first=True, dtype=torch.float64)
    pairs = [(ours.query, theirs.q_proj_weight), (ours.key, theirs.k_proj_weight), (ours.value, theirs.v_proj_weight)]
    for linear, weight in [*pairs, (ours.out, theirs.out_proj.weight)]:
        copied(linear.weight, weight.T)
    assert_same(ours, lambda q, k: theirs(q, k, k)[0], (RNG.normal(size=(3, 5, 8)), RNG.normal(size=(3, 6, 3))))


def test_what_does_not_fit_is_named():
    x = gc.input("x", ("n", "t", 8))
    with pytest.raises(ShapeError, match="do not divide"):
        nn.MultiHeadAttention(8, 3, seed=0)
    with pytest.raises(ShapeError, match="last axis"):
        nn.attention(x, gc.input("k", ("n", "s", 7)), x)
    with pytest.raises(DTypeError, match="a mask is bool"):
        nn.attention(x, x, x, mask=gc.input("m", ("t", "t")))
