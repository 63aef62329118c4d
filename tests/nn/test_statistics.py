import warnings

import numpy as np
import pytest

import graphc as gc
from graphc import nn
from graphc.errors import AxisError, GraphError, ShapeError


def test_an_optimiser_of_a_module_moves_its_statistics_and_does_not_train_them():
    norm = nn.BatchNorm(3, axis=-1)
    x = gc.input("x", ("n", 2, 3))
    loss = gc.sum(norm(x, training=True) ** 3)
    assert set(norm.named_parameters()) == {"gain", "bias"}
    updates = gc.optim.SGD(0.1).updates(loss, norm)
    assert set(updates) == {norm.gain, norm.bias, norm.running_mean, norm.running_var}
    assert set(norm.state()) == {"gain", "bias", "running_mean", "running_var"}


def test_forgotten_statistics_are_a_warning():
    norm = nn.BatchNorm(3)
    x = gc.input("x", ("n", 3))
    loss = gc.sum(norm(x, training=True) ** 3)
    with pytest.warns(gc.optim.ForgottenStatisticsWarning, match="give the module itself") as caught:
        gc.optim.SGD(0.1).updates(loss, norm.parameters())
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gc.optim.SGD(0.1).updates(gc.sum(norm(x, training=False) ** 3), norm.parameters())
        updates = norm.updates(loss) | gc.optim.SGD(0.1).updates(loss, norm.parameters())
        assert len(updates) == 4


def test_statistics_of_other_graphs_do_not_count():
    norm = nn.BatchNorm(3)
    x, z = gc.input("x", ("n", 3)), gc.input("z", ("m", 3))
    y, _ = norm(x, training=True), norm(z, training=True)
    assert len(norm.updates(y)) == 2
    gc.compile([x], y, updates=norm.updates(y), target="reference")
    assert norm.updates(norm(x, training=False)) == {}


def test_both_calls_of_one_graph_move_the_statistics():
    norm = nn.BatchNorm(1, momentum=0.5, dtype="float64")
    x, z = gc.input("x", ("n", 1), "float64"), gc.input("z", ("m", 1), "float64")
    y = gc.sum(norm(x, training=True)) + gc.sum(norm(z, training=True))
    gc.compile([x, z], y, updates=norm.updates(y), target="reference")(np.array([[8.0], [8.0]]), np.array([[4.0], [4]]))
    assert gc.value(norm.running_mean) == [(0.5 * 0 + 0.5 * 8) * 0.5 + 0.5 * 4]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_16_bit_floats_do_not_overflow(dtype):
    x = gc.input("x", (2, 4), dtype)
    norms = [nn.LayerNorm(4, dtype=dtype), nn.RMSNorm(4, dtype=dtype), nn.GroupNorm(1, 4, dtype=dtype)]
    batch = nn.BatchNorm(4, dtype=dtype)
    outputs = [*(norm(x) for norm in norms), batch(x, training=True)]
    f = gc.compile([x], outputs, updates=batch.updates(*outputs), target="reference")
    for found in f(np.array([[1, -2, 3, 4], [-1000, 500, 2000, -1504]]).astype(x.dtype.numpy)):
        assert found.dtype == x.dtype.numpy
        assert 0.5 < np.abs(found.astype("float32")).max() < 2
    assert batch.running_var.dtype is gc.float32
    np.testing.assert_allclose(gc.value(batch.running_mean), [-49.95, 24.9, 100.15, -75.0], rtol=1e-5)


@pytest.mark.parametrize("shape", [("n", 2), (1, 2)])
def test_a_batch_of_one_leaves_the_variance(shape):
    norm, x = nn.BatchNorm(2), gc.input("x", shape)
    step = gc.compile([x], None, updates=norm.updates(gc.sum(norm(x, training=True))))
    step(np.ones((1, 2), "float32"))
    assert gc.value(norm.running_var).tolist() == [1, 1]
    if shape[0] == "n":
        step(np.array([[0, 0], [2, 4]], "float32"))
        np.testing.assert_allclose(gc.value(norm.running_var), [0.9 + 0.1 * 2, 0.9 + 0.1 * 8], rtol=1e-6)


def test_mode_has_to_be_said():
    model = nn.Sequential(nn.Linear(3, 3, seed=0), nn.BatchNorm(3))
    x = gc.input("x", ("n", 3))
    assert model.has_modes
    with pytest.raises(GraphError, match="BatchNorm differs between training and use"):
        model(x)
    with pytest.raises(TypeError, match="training"):
        nn.BatchNorm(3)(x)


def test_what_does_not_fit_is_named():
    x = gc.input("x", ("n", 5))
    with pytest.raises(ShapeError, match=r"last axes are \(2, 5\)"):
        nn.LayerNorm((2, 5))(x)
    with pytest.raises(ShapeError, match="takes 3 channels on axis 1"):
        nn.BatchNorm(3)(x, training=True)
    with pytest.raises(AxisError, match="axis 2"):
        nn.BatchNorm(3, axis=2)(x, training=True)
    with pytest.raises(ShapeError, match="no 2 groups"):
        nn.GroupNorm(2, 5)
