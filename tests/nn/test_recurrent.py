import numpy as np
import pytest

import graphc as gc
from graphc import nn
from graphc.errors import ShapeError
from tests.nn.comparison import assert_same, copied, torch

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 5, 4))
KINDS = ["RNN", "LSTM", "GRU"]


def copy_cell(kind, ours, theirs, suffix):
    w, r, b, c = (
        getattr(theirs, f"{name}_{suffix}").detach() for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    copied(ours.weight, w.T)
    copied(ours.recurrent, r.T)
    if kind != "GRU":
        copied(ours.bias, b + c)
        return
    copied(ours.bias, torch.cat([b[:12] + c[:12], b[12:]]))
    copied(ours.recurrent_bias, c[12:])


def paired(kind, layers=1, bidirectional=False, time_first=False):
    options = {"bidirectional": bidirectional, "dtype": "float64", "layers": layers, "time_first": time_first}
    ours = getattr(nn, kind)(4, 6, seed=0, **options)
    theirs = getattr(torch.nn, kind)(4, 6, layers, batch_first=not time_first, bidirectional=bidirectional).double()
    for number, layer in enumerate(ours.layers):
        if bidirectional:
            copy_cell(kind, layer.forward.cell, theirs, f"l{number}")
            copy_cell(kind, layer.backward.cell, theirs, f"l{number}_reverse")
        else:
            copy_cell(kind, layer.cell, theirs, f"l{number}")
    return ours, theirs


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("time_first", [False, True])
def test_layers_are_those_of_torch(kind, bidirectional, time_first):
    ours, theirs = paired(kind, 2, bidirectional, time_first)
    assert_same(lambda x: ours(x)[0], lambda x: theirs(x)[0], (X,), rtol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_of_the_weights_are_those_of_torch(kind):
    ours, theirs = paired(kind)
    cell = ours.layers[0].cell
    assert_same(
        lambda x: ours(x)[0], lambda x: theirs(x)[0], (X,), parameters=[(cell.bias, theirs.bias_ih_l0)], second=True
    )


@pytest.mark.parametrize("kind", KINDS)
def test_the_last_state_is_that_of_torch(kind):
    ours, theirs = paired(kind, 1, bidirectional=True)

    def mine(x):
        ((there, back),) = ours(x)[1]
        states = [*there, *back] if kind == "LSTM" else [there, back]
        return gc.stack(states)

    def others(x):
        last = theirs(x)[1]
        return torch.stack([last[0][0], last[1][0], last[0][1], last[1][1]]) if kind == "LSTM" else last

    assert_same(mine, others, (X,), rtol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_sequences_of_different_lengths_are_those_of_torch(kind):
    ours, theirs = paired(kind, 2, bidirectional=True)
    lengths = torch.tensor([2, 5, 3])

    def others(x):
        packed = torch.nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        return torch.nn.utils.rnn.pad_packed_sequence(theirs(packed)[0], batch_first=True)[0]

    assert_same(lambda x: ours(x, lengths=gc.constant(lengths.numpy()))[0], others, (X,), rtol=1e-10)


def test_a_cell_is_one_step_of_its_layer():
    for kind in KINDS:
        ours, _ = paired(kind)
        cell = ours.layers[0].cell
        x = gc.input("x", ("n", 1, 4), "float64")
        ys, (last,) = ours(x)
        state = cell(x[:, 0], cell.first(x.shape[0]))
        f = gc.compile([x], [ys[:, 0], cell.output(last), cell.output(state)], target="reference")
        for found in f(X[:, :1])[1:]:
            np.testing.assert_allclose(found, f(X[:, :1])[0], rtol=1e-14)


def test_a_sequence_may_be_cut_and_gone_on_with():
    ours, _ = paired("LSTM", 2)
    x = gc.input("x", ("n", "t", 4), "float64")
    whole = gc.compile([x], ours(x)[0], target="reference")(X)
    states = [(gc.input(f"h{i}", ("n", 6), "float64"), gc.input(f"c{i}", ("n", 6), "float64")) for i in range(2)]
    ys, last = ours(x, states)
    flat = [node for state in states for node in state]
    f = gc.compile([x, *flat], [ys, *(node for state in last for node in state)], target="reference")
    first, *kept = f(X[:, :2], *(np.zeros((3, 6)),) * 4)
    second = f(X[:, 2:], *kept)[0]
    np.testing.assert_allclose(np.concatenate([first, second], axis=1), whole, rtol=1e-13)


def test_checkpoints_do_not_change_the_gradient():
    x = gc.input("x", ("n", 9, 4), "float64")
    cell = nn.GRUCell(4, 6, seed=0, dtype="float64")
    slopes = [gc.grad(gc.sum(nn.Recurrent(cell, checkpoint=every)(x)[0] ** 2), x) for every in (None, "sqrt")]
    a, b = gc.compile([x], slopes, target="reference")(RNG.normal(size=(2, 9, 4)))
    np.testing.assert_allclose(a, b, rtol=1e-12)


def test_an_lstm_learns_to_remember():
    x, y = gc.input("x", ("n", 8, 2)), gc.input("y", ("n",), "int64")
    model, out = nn.LSTM(2, 12, seed=0), nn.Linear(12, 2, seed=1)
    loss = nn.losses.cross_entropy(out(model(x)[0][:, -1]), y)
    parameters = {**model.named_parameters(), **out.named_parameters()}
    step = gc.compile([x, y], loss, updates=gc.optim.Adam(0.03).updates(loss, parameters))
    sequences = RNG.normal(size=(128, 8, 2)).astype("float32")
    labels = (sequences[:, 0, 0] > 0).astype(np.int64)
    values = [step(sequences, labels) for _ in range(100)]
    assert values[-1] < 0.3 * values[0]


def test_first_values():
    cell = nn.LSTMCell(4, 6, seed=0, dtype="float64")
    assert gc.value(cell.bias).tolist() == [0] * 6 + [1] * 6 + [0] * 12
    for gate in np.split(gc.value(cell.recurrent), 4, axis=1):
        np.testing.assert_allclose(gate @ gate.T, np.eye(6), atol=1e-14)


def test_what_does_not_fit_is_named():
    with pytest.raises(ShapeError, match="three axes"):
        nn.GRU(4, 6, seed=0)(gc.input("x", ("n", 4)))
    with pytest.raises(ShapeError, match="LSTMCell takes arrays whose last axis has size 4"):
        nn.LSTM(4, 6, seed=0)(gc.input("x", ("n", "t", 5)))
