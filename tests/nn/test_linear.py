import numpy as np
import pytest

import graphc as gc
from graphc import nn
from graphc.errors import IndexOutOfBounds
from tests.nn.comparison import assert_same, copied, torch

RNG = np.random.default_rng(0)


def test_linear_is_that_of_torch():
    ours, theirs = nn.Linear(4, 3, seed=0, dtype="float64"), torch.nn.Linear(4, 3, dtype=torch.float64)
    copied(ours.weight, theirs.weight.T)
    copied(ours.bias, theirs.bias)
    bound = np.abs(gc.value(nn.Linear(10_000, 3, seed=0).weight)).max()
    assert bound == pytest.approx(np.sqrt(3 / 10_000), rel=1e-3)
    assert_same(ours, theirs, (RNG.normal(size=(2, 5, 4)),), parameters=[(ours.bias, theirs.bias)])


def test_bilinear_is_that_of_torch():
    ours, theirs = nn.Bilinear((4, 3), 5, seed=0, dtype="float64"), torch.nn.Bilinear(4, 3, 5, dtype=torch.float64)
    copied(ours.weight, theirs.weight.permute(1, 2, 0))
    copied(ours.bias, theirs.bias)
    arrays = RNG.normal(size=(2, 6, 4)), RNG.normal(size=(2, 6, 3))
    assert_same(ours, theirs, arrays, parameters=[(ours.bias, theirs.bias)])


def test_embedding_is_that_of_torch():
    ours = nn.Embedding(6, 3, seed=0, padding=2, dtype="float64")
    theirs = torch.nn.Embedding(6, 3, padding_idx=2, dtype=torch.float64)
    copied(ours.weight, theirs.weight)
    indices = np.array([[1, 2, 5], [5, 0, 1]])
    assert_same(ours, theirs, (indices,), parameters=[(ours.weight, theirs.weight)])
    x = gc.input("x", ("n",), "int64")
    with pytest.raises(IndexOutOfBounds):
        gc.compile([x], ours(x), target="reference")([6])
