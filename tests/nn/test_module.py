import numpy as np
import pytest

import graphc as gc
from graphc import nn
from graphc.errors import DTypeError, ShapeError

RNG = np.random.default_rng(0)


class Network(nn.Module):
    def __init__(self):
        self.blocks = [nn.Linear(4, 4, seed=(0, i)) for i in range(2)]
        self.heads = {"digit": nn.Sequential(nn.Linear(4, 3, seed=1), gc.relu), "size": self.blocks[0]}
        self.scale = gc.parameter("scale", 2.0, "float32")
        self.norm = nn.BatchNorm(4)
        self.name = "network"


def test_parameters_are_found_among_attributes_lists_and_dicts():
    model = Network()
    names = [
        *("blocks.0.weight", "blocks.0.bias", "blocks.1.weight", "blocks.1.bias"),
        *("heads.digit.layers.0.weight", "heads.digit.layers.0.bias", "scale", "norm.gain", "norm.bias"),
    ]
    assert list(model.named_parameters()) == names
    assert list(model.state()) == [*names, "norm.running_mean", "norm.running_var"]
    assert model.named_parameters()["scale"] is model.scale
    assert list(model.modules())[:3] == ["", "blocks.0", "blocks.1"]
    assert model.has_modes and not model.blocks[0].has_modes


def test_shared_parameters_are_found_once():
    model = Network()
    model.heads["size"].weight = model.blocks[1].weight
    assert len(model.parameters()) == 8


def test_a_module_shows_its_parameters():
    assert repr(nn.Linear(2, 3, seed=0)) == "Linear(weight: f32[2,3], bias: f32[3])"


def test_parts_begin_with_other_numbers():
    a, b = Network().blocks
    assert not (gc.value(a.weight) == gc.value(b.weight)).any()
    assert (gc.value(Network().blocks[0].weight) == gc.value(a.weight)).all()


def test_a_model_of_layers_learns():
    x, y = gc.input("x", ("n", 2)), gc.input("y", ("n",), "int64")
    model = nn.Sequential(
        nn.Linear(2, 32, seed=1),
        nn.LayerNorm(32),
        nn.gelu,
        nn.Residual(nn.Linear(32, 32, seed=2)),
        gc.relu,
        nn.Linear(32, 2, seed=3),
    )
    loss = nn.losses.cross_entropy(model(x), y)
    step = gc.compile([x, y], loss, updates=gc.optim.Adam(1e-2).updates(loss, model))
    points = RNG.normal(size=(200, 2)).astype("float32")
    labels = (points[:, 0] * points[:, 1] > 0).astype(np.int64)
    values = [step(points, labels) for _ in range(150)]
    assert values[-1] < 0.1 < values[0]


def test_what_does_not_fit_is_named():
    x = gc.input("x", ("n", 5))
    with pytest.raises(ShapeError, match="Linear takes arrays whose last axis has size 4"):
        nn.Linear(4, 2, seed=0)(x)
    with pytest.raises(DTypeError, match="Linear takes floats"):
        nn.Linear(4, 2, seed=0)(gc.input("x", (4,), "int64"))
