import numpy as np
import pytest

import graphc as gc
from graphc import nn
from graphc.errors import GraphError

X = gc.input("x", ("n", 100), "float32")
ONES = np.ones((200, 100), "float32")


def test_the_share_and_the_mean_are_right():
    dropped = gc.compile([X], nn.Dropout(0.3, seed=0)(X, training=True), target="reference")(ONES)
    assert set(np.unique(dropped)) == {0, np.float32(1) / np.float32(0.7)}
    assert (dropped == 0).mean() == pytest.approx(0.3, abs=0.02)


def test_every_call_draws_anew_and_a_seed_says_what():
    def twice(seed):
        f = gc.compile([X], nn.Dropout(0.5, seed=seed)(X, training=True), target="reference")
        return f(ONES), f(ONES)

    a, b = twice(0)
    assert not (a == b).all()
    assert all((x == y).all() for x, y in zip((a, b), twice(0)))
    assert not (a == twice((0, 1))[0]).all()


def test_in_use_nothing_is_dropped():
    assert nn.Dropout(0.5, seed=0)(X, training=False) is X
    assert nn.Dropout(0.0, seed=0)(X, training=True) is X


def test_the_gradient_goes_through_what_is_kept():
    y = nn.Dropout(0.5, seed=0)(X, training=True)
    f = gc.compile([X], [y, gc.grad(gc.sum(y), X)], target="reference")
    y, slope = f(ONES)
    assert (slope == y).all()


def test_channels_are_dropped_together():
    images = gc.input("images", ("n", 4, 5, 5))
    dropout = nn.Dropout(0.5, seed=0, shared=(-2, -1))
    y = gc.compile([images], dropout(images, training=True), target="reference")(np.ones((50, 4, 5, 5), "float32"))
    assert (y == y[:, :, :1, :1]).all()
    assert 0.3 < (y[:, :, 0, 0] == 0).mean() < 0.7


def test_layers_may_share_a_stream():
    stream = gc.random.Stream(0)
    first, second = nn.Dropout(0.5, seed=stream), nn.Dropout(0.5, seed=stream)
    a, b = gc.compile([X], [first(X, training=True), second(X, training=True)], target="reference")(ONES)
    assert not (a == b).all()
    assert first.draws is second.draws


def test_all_cannot_be_dropped():
    with pytest.raises(GraphError, match="0 <= rate < 1"):
        nn.Dropout(1.0, seed=0)
