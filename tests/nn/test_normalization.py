import numpy as np
import pytest

import graphc as gc
from graphc import nn
from tests.nn.comparison import assert_same, copied, torch

RNG = np.random.default_rng(0)


def paired(ours, theirs):
    """Both modules with the same random gain and bias."""
    pairs = [(ours.gain, theirs.weight), (ours.bias, theirs.bias)]
    for node, tensor in pairs:
        torch.nn.init.normal_(tensor)
        copied(node, tensor)
    return pairs


@pytest.mark.parametrize("shape", [(4,), (3, 4)])
def test_layer_norm_is_that_of_torch(shape):
    ours, theirs = nn.LayerNorm(shape, dtype="float64"), torch.nn.LayerNorm(shape, dtype=torch.float64)
    assert_same(ours, theirs, (RNG.normal(2, 3, size=(5, 3, 4)),), parameters=paired(ours, theirs), second=True)


def test_rms_norm_is_that_of_torch():
    ours, theirs = nn.RMSNorm(4, dtype="float64"), torch.nn.RMSNorm(4, eps=1e-6, dtype=torch.float64)
    torch.nn.init.normal_(theirs.weight)
    copied(ours.gain, theirs.weight)
    assert_same(ours, theirs, (RNG.normal(size=(5, 4)),), parameters=[(ours.gain, theirs.weight)])


@pytest.mark.parametrize("groups", [1, 3, 6])
def test_group_norm_is_that_of_torch(groups):
    ours, theirs = nn.GroupNorm(groups, 6, dtype="float64"), torch.nn.GroupNorm(groups, 6, dtype=torch.float64)
    assert_same(ours, theirs, (RNG.normal(2, 3, size=(2, 6, 3, 2)),), parameters=paired(ours, theirs), second=True)


def batch_norms(axis=1):
    ours, theirs = nn.BatchNorm(3, axis=axis, dtype="float64"), torch.nn.BatchNorm1d(3, dtype=torch.float64)
    return ours, theirs, paired(ours, theirs)


@pytest.mark.parametrize("shape", [(8, 3), (4, 3, 5)])
def test_batch_norm_is_that_of_torch(shape):
    ours, theirs, pairs = batch_norms()
    assert_same(
        lambda x: ours(x, training=True), theirs, (RNG.normal(2, 3, size=shape),), parameters=pairs, second=True
    )


def test_running_statistics_are_those_of_torch():
    ours, theirs, _ = batch_norms()
    x = gc.input("x", ("n", 3), "float64")
    y = ours(x, training=True)
    step = gc.compile([x], y, updates=ours.updates(y), target="reference")
    use = gc.compile([x], ours(x, training=False), target="reference")
    for size in (4, 9):
        batch = RNG.normal(2, 3, size=(size, 3))
        np.testing.assert_allclose(step(batch), theirs.train()(torch.tensor(batch)).detach().numpy(), rtol=1e-12)
    np.testing.assert_allclose(gc.value(ours.running_mean), theirs.running_mean.numpy(), rtol=1e-13)
    np.testing.assert_allclose(gc.value(ours.running_var), theirs.running_var.numpy(), rtol=1e-13)
    np.testing.assert_allclose(use(batch), theirs.eval()(torch.tensor(batch)).detach().numpy(), rtol=1e-12)
