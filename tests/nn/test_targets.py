"""Whole training steps on every target: losses, parameters and running statistics go the same way."""

import numpy as np
import pytest

import graphc as gc
from graphc import nn

RNG = np.random.default_rng(0)


class Images(nn.Module):
    """Convolutions, norms, pools, dropout."""

    def __init__(self):
        self.conv = nn.Conv2d(1, 3, 3, seed=0, padding="same")
        self.norm, self.groups = nn.BatchNorm(3), nn.GroupNorm(3, 3)
        self.dropout, self.out = nn.Dropout(0.2, seed=1), nn.Linear(12, 2, seed=2)

    def __call__(self, x, *, training):
        x = nn.silu(self.norm(self.conv(x), training=training))
        x = gc.max_pool(self.groups(x), 2)
        return self.out(self.dropout(nn.flatten(x), training=training))


class Sequences(nn.Module):
    """A recurrent layer and a block of a transformer."""

    def __init__(self):
        self.gru = nn.GRU(4, 6, seed=0)
        self.block = nn.EncoderBlock(6, 2, 8, seed=1, activation=nn.gelu)
        self.out = nn.Linear(6, 2, seed=2)

    def __call__(self, x, *, training):
        return self.out(gc.mean(self.block(self.gru(x)[0], causal=True), axis=1))


def trained(make, shape, optimizer, target, steps=3):
    model = make()
    x, y = gc.input("x", ("n", *shape)), gc.input("y", ("n",), "int64")
    loss = nn.losses.cross_entropy(model(x, training=True), y)
    updates = optimizer.updates(loss, model, transform=lambda g: gc.optim.clip_by_global_norm(g, 1.0))
    step = gc.compile([x, y], loss, updates=updates, target=target)
    rng = np.random.default_rng(0)
    losses = [step(rng.normal(size=(5, *shape)).astype("float32"), rng.integers(0, 2, 5)) for _ in range(steps)]
    return np.array(losses), {name: gc.value(node) for name, node in model.state().items()}


@pytest.mark.parametrize("target", ["llvm", "cuda-emulator"])
@pytest.mark.parametrize(("make", "shape"), [(Images, (1, 4, 4)), (Sequences, (5, 4))])
def test_training_is_the_same_on_every_target(make, shape, target):
    def optimizer():  # one that does not magnify gradients that are 0 but for rounding, as Adam does
        return gc.optim.SGD(gc.optim.warmup(gc.optim.cosine(0.1, steps=20), steps=2), momentum=0.9)

    losses, state = trained(make, shape, optimizer(), target)
    wanted_losses, wanted = trained(make, shape, optimizer(), "reference")
    np.testing.assert_allclose(losses, wanted_losses, rtol=1e-4)
    for name, value in wanted.items():
        np.testing.assert_allclose(state[name], value, rtol=1e-4, atol=1e-5, err_msg=name)
