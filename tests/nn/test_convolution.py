import numpy as np
import pytest

import graphc as gc
from graphc import nn
from graphc.errors import ShapeError
from tests.nn.comparison import assert_same, copied, torch

RNG = np.random.default_rng(0)


def paired(ours, theirs):
    copied(ours.weight, theirs.weight)
    if theirs.bias is not None:
        copied(ours.bias, theirs.bias)
    pairs = [(ours.weight, theirs.weight), (ours.bias, theirs.bias)]
    return [pair for pair in pairs if pair[0] is not None]


@pytest.mark.parametrize(
    ("rank", "size", "options"),
    [
        (1, (7,), {"stride": 2, "padding": 1}),
        (2, (5, 6), {"padding": 1, "groups": 2, "bias": False}),
        (2, (6, 6), {"stride": (2, 1), "dilation": (1, 2)}),
        (3, (3, 4, 3), {"padding": (0, 1, 0)}),
    ],
)
def test_convolution_is_that_of_torch(rank, size, options):
    ours = getattr(nn, f"Conv{rank}d")(4, 6, 3, seed=0, dtype="float64", **{"padding": 0, **options})
    theirs = getattr(torch.nn, f"Conv{rank}d")(4, 6, 3, dtype=torch.float64, **options)
    assert_same(ours, theirs, (RNG.normal(size=(2, 4, *size)),), parameters=paired(ours, theirs), second=True)


@pytest.mark.parametrize(
    ("rank", "size", "options"),
    [
        (1, (4,), {"stride": 2, "padding": 1, "output_padding": 1}),
        (2, (3, 3), {"stride": 2, "groups": 2}),
        (3, (2, 2, 2), {}),
    ],
)
def test_transposed_convolution_is_that_of_torch(rank, size, options):
    ours = getattr(nn, f"ConvTranspose{rank}d")(4, 6, 3, seed=0, dtype="float64", **{"padding": 0, **options})
    theirs = getattr(torch.nn, f"ConvTranspose{rank}d")(4, 6, 3, dtype=torch.float64, **options)
    assert_same(ours, theirs, (RNG.normal(size=(2, 4, *size)),), parameters=paired(ours, theirs), second=True)


@pytest.mark.parametrize("make", [nn.Conv2d, nn.ConvTranspose2d])
def test_channels_may_come_last(make):
    first, last = make(3, 5, 2, seed=0, padding=0), make(3, 5, 2, seed=0, padding=0, layout="NHWC")
    for module in (first, last):
        gc.set_value(module.bias, np.arange(5))
    images = RNG.normal(size=(2, 3, 4, 4)).astype("float32")
    x, z = gc.input("x", (2, 3, 4, 4)), gc.input("z", (2, 4, 4, 3))
    found = gc.compile([z], last(z), target="reference")(images.transpose(0, 2, 3, 1))
    wanted = gc.compile([x], first(x), target="reference")(images)
    np.testing.assert_allclose(found, wanted.transpose(0, 2, 3, 1), rtol=1e-5)


def test_pools_are_those_of_torch():
    images = RNG.normal(size=(2, 3, 5, 6))
    assert_same(nn.MaxPool(2), torch.nn.MaxPool2d(2), (images,))
    assert_same(nn.AvgPool((2, 3), stride=1, padding=1), torch.nn.AvgPool2d((2, 3), stride=1, padding=1), (images,))
    assert_same(nn.flatten, torch.nn.Flatten(), (images,))


def test_a_small_network_of_convolutions_learns():
    model = nn.Sequential(
        *(nn.Conv2d(1, 4, 3, seed=0, padding="same"), nn.BatchNorm(4), gc.relu, nn.MaxPool(2)),
        *(nn.flatten, nn.Linear(16, 2, seed=1)),
    )
    x, y = gc.input("x", ("n", 1, 4, 4)), gc.input("y", ("n",), "int64")
    loss = nn.losses.cross_entropy(model(x, training=True), y)
    step = gc.compile([x, y], loss, updates=gc.optim.Adam(0.02).updates(loss, model))
    images = RNG.normal(size=(64, 1, 4, 4)).astype("float32")
    labels = (images[:, 0, :2].max((1, 2)) > images[:, 0, 2:].max((1, 2))).astype(np.int64)
    values = [step(images, labels) for _ in range(80)]
    assert values[-1] < 0.5 * values[0]


def test_what_does_not_fit_is_named():
    with pytest.raises(ShapeError, match="no 2 groups"):
        nn.Conv1d(3, 4, 2, seed=0, groups=2)
    with pytest.raises(ShapeError, match="2 axes of space"):
        nn.Conv2d(3, 4, (1, 2, 3), seed=0)
    with pytest.raises(ShapeError, match="Conv2d takes"):
        nn.Conv2d(3, 4, 2, seed=0)(gc.input("x", ("n", 3, 5)))
