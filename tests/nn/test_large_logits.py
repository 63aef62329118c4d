"""Losses written naively, at logits that exp cannot take: value and gradient are those of float64."""

import numpy as np
import pytest

import graphc as gc
from graphc.nn import losses
from tests.nn.comparison import torch

F = torch.nn.functional
RNG = np.random.default_rng(0)
LOGITS = (RNG.normal(size=(4, 5)) * 1000).astype("float32")
LABELS, WEIGHT = np.array([0, 3, 2, 1]), np.array([1, 2, 0.5, 1, 3], "float32")
SHARES = RNG.dirichlet(np.ones(5), 4).astype("float32")
T_LABELS, T_WEIGHT, T_SHARES = torch.tensor(LABELS), torch.tensor(WEIGHT).double(), torch.tensor(SHARES).double()

CASES = {
    "labels": (lambda z: losses.cross_entropy(z, LABELS), lambda z: F.cross_entropy(z, T_LABELS)),
    "first axis": (lambda z: losses.cross_entropy(z.T, LABELS, axis=0), lambda z: F.cross_entropy(z, T_LABELS)),
    "smooth labels": (
        lambda z: losses.cross_entropy(z, LABELS, label_smoothing=0.1, ignore=3, weight=WEIGHT),
        lambda z: F.cross_entropy(z, T_LABELS, label_smoothing=0.1, ignore_index=3, weight=T_WEIGHT),
    ),
    "probabilities": (lambda z: losses.cross_entropy(z, SHARES), lambda z: F.cross_entropy(z, T_SHARES)),
    "kl divergence": (
        lambda z: losses.kl_divergence(gc.constant(SHARES), gc.softmax(z)),
        lambda z: F.kl_div(F.log_softmax(z, -1), T_SHARES, reduction="batchmean"),
    ),
    "binary": (
        lambda z: losses.binary_cross_entropy_with_logits(z, SHARES, positive_weight=3.0),
        lambda z: F.binary_cross_entropy_with_logits(z, T_SHARES, pos_weight=torch.tensor(3.0).double()),
    ),
    "binary, of a sigmoid": (
        lambda z: losses.binary_cross_entropy(gc.sigmoid(z / 10), gc.constant(SHARES)),
        lambda z: F.binary_cross_entropy_with_logits(z / 10, T_SHARES),
    ),
    "log cosh": (
        lambda z: losses.log_cosh(z, gc.zeros((4, 5))),
        lambda z: (z.abs() + F.softplus(-2 * z.abs()) - np.log(2)).mean(),
    ),
}


@pytest.mark.parametrize("target", ["reference", "llvm"])
@pytest.mark.parametrize("name", CASES)
def test_large_logits_cost_no_digits(name, target):
    ours, theirs = CASES[name]
    z = gc.input("z", (4, 5))
    loss = ours(z)
    value, slope = gc.compile([z], [loss, gc.grad(loss, z)], target=target)(LOGITS)
    exact = torch.tensor(LOGITS, dtype=torch.float64, requires_grad=True)
    wanted = theirs(exact)
    wanted.backward()
    np.testing.assert_allclose(value, wanted.item(), rtol=1e-6)
    np.testing.assert_allclose(slope, exact.grad.numpy(), rtol=1e-5, atol=1e-7)
