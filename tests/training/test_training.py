import os
import signal
import threading

import numpy as np
import pytest

import graphc as gc
from graphc import nn
from graphc.errors import GraphError, LoadError, ShapeError
from graphc.training import Batches, Checkpoint, EarlyStopping, Progress, train

pytest.importorskip("safetensors")

RNG = np.random.default_rng(0)
POINTS = RNG.normal(size=(23, 3))
TARGETS = POINTS @ [1.0, -2.0, 0.5] + 0.1 * RNG.normal(size=23)


class Run:
    """A network with everything that has a state: dropout, running statistics, Adam, a schedule, averages."""

    def __init__(self, path=None, every=None, stop_at=None):
        self.model = nn.Sequential(nn.Linear(3, 8, seed=0, dtype="float64"), nn.BatchNorm(8, dtype="float64"))
        self.model.layers += [gc.relu, nn.Dropout(0.3, seed=1), nn.Linear(8, 1, seed=2, dtype="float64")]
        x, y = gc.input("x", ("n", 3), "float64"), gc.input("y", ("n",), "float64")
        loss = nn.losses.mse(self.model(x, training=True)[:, 0], y)
        optimizer = gc.optim.Adam(gc.optim.cosine(0.05, steps=40))
        average = gc.optim.ExponentialAverage(0.9)
        updates = average.updates(optimizer.updates(loss, self.model), self.model)
        self.compiled = gc.compile([x, y], loss, updates=updates, target="reference")
        self.calls, self.stop_at = 0, stop_at
        parts = (self.model, optimizer, average)
        self.checkpoint = Checkpoint(path, *parts, every=every) if path else None
        self.parts = parts

    def step(self, *batch):
        self.calls += 1
        if self.calls == self.stop_at:
            os.kill(os.getpid(), signal.SIGINT)
        return self.compiled(*batch)

    def train(self, epochs=5, **options):
        batches = Batches(POINTS, TARGETS, size=5, seed=3)
        options.setdefault("show_progress", False)
        return train(self.step, batches, epochs=epochs, checkpoint=self.checkpoint, **options)

    def values(self):
        return {name: gc.value(node) for part in self.parts for name, node in part.state().items()}


@pytest.fixture(scope="module")
def straight():
    run = Run()
    return run.train(), run.values()


def assert_same(run, history, straight):
    assert history == straight[0]
    for name, value in run.values().items():
        assert value.tobytes() == straight[1][name].tobytes(), name


def test_training_learns(straight):
    history, values = straight
    assert len(history) == 5 and history[-1]["loss"] < 0.7 * history[0]["loss"]
    assert {"layers.1.running_mean", "layers.3.draws", "adam_count", "layers.0.weight.average"} <= values.keys()
    assert values["adam_count"] == 25


@pytest.mark.parametrize("stop_at", [1, 3, 5, 6, 17])
def test_after_an_interrupt_it_goes_on_to_the_same_bits(stop_at, straight, tmp_path):
    first = Run(tmp_path / "run", stop_at=stop_at)
    with pytest.raises(KeyboardInterrupt):
        first.train()
    assert first.calls == stop_at
    second = Run(tmp_path / "run")
    history = second.train()
    assert second.calls == 25 - stop_at
    assert_same(second, history, straight)


def test_after_a_crash_it_goes_on_from_the_last_checkpoint(straight, tmp_path):
    first = Run(tmp_path / "run", every=4)
    compiled = first.compiled

    def crashes(*batch):
        if first.calls == 11:
            raise MemoryError
        return compiled(*batch)

    first.compiled = crashes
    with pytest.raises(MemoryError):
        first.train()
    second = Run(tmp_path / "run")
    history = second.train()
    assert second.calls == 25 - 10  # the end of the second epoch
    assert_same(second, history, straight)


def test_more_epochs_go_on_from_fewer(straight, tmp_path):
    Run(tmp_path / "run").train(epochs=2)
    run = Run(tmp_path / "run")
    assert_same(run, run.train(), straight)
    assert run.calls == 15
    assert len(Run(tmp_path / "run").train()) == 5


def test_a_second_interrupt_is_at_once():
    run = Run()

    def step(*batch):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        raise AssertionError("not reached")

    run.step = step
    with pytest.raises(KeyboardInterrupt):
        run.train()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_training_in_a_thread(straight):
    run, histories = Run(), []
    thread = threading.Thread(target=lambda: histories.append(run.train()))
    thread.start()
    thread.join()
    assert_same(run, histories[0], straight)


def test_a_checkpoint_of_another_model_changes_nothing(tmp_path):
    Run(tmp_path / "run").train(epochs=1)
    other = nn.Linear(3, 8, seed=5)
    before = gc.value(other.weight)
    with pytest.raises(LoadError, match="does not fit"):
        Checkpoint(tmp_path / "run", other).resume()
    assert (gc.value(other.weight) == before).all()


def test_two_parameters_of_one_name_are_refused(tmp_path):
    with pytest.raises(GraphError, match="'weight'"):
        Checkpoint(tmp_path / "run", nn.Linear(1, 1, seed=0), nn.Linear(1, 1, seed=1))
    one, two = gc.optim.Adam(), gc.optim.Adam()
    w, v = gc.parameter("w", 1.0), gc.parameter("v", 1.0)
    one.apply([w], [w]), two.apply([v], [v])
    assert set(Checkpoint(tmp_path / "run", one, second=two).parameters()) == {
        *("w.adam_m", "w.adam_v", "adam_count"),
        *("second/v.adam_m", "second/v.adam_v", "second/adam_count"),
    }


def stopped(losses, **options):
    """Train with given losses; the parameter counts the steps."""
    w = gc.parameter("w", 0.0)
    stopping = EarlyStopping("loss", parameters={"w": w}, **options)
    left = iter(losses)

    def step(x):
        gc.set_value(w, gc.value(w) + 1)
        return next(left)

    history = train(
        step, Batches(np.zeros(1), size=1, seed=None), epochs=99, early_stopping=stopping, show_progress=False
    )
    return len(history), float(gc.value(w))


def test_early_stopping_waits_and_gives_the_best_back():
    assert stopped([5, 4, 4.5, 3, 3.5, 3.2, 1], patience=2) == (6, 4)
    assert stopped([5, 4, 3.95, 3.9, 1], patience=2, margin=0.5) == (4, 2)
    assert stopped([1, 2, 1, 0, 9], patience=2, larger_is_better=True) == (4, 2)
    assert stopped([1, float("nan"), float("nan"), 0], patience=2) == (3, 1)


def test_early_stopping_goes_on_from_a_checkpoint(tmp_path):
    w = gc.parameter("w", 0.0)
    losses = [3, 1, 2, 2, 2, 2]

    def run(epochs):
        stopping = EarlyStopping("loss", patience=3, parameters={"w": w})
        left = iter(losses[len(seen) :])

        def step(x):
            seen.append(1)
            gc.set_value(w, gc.value(w) + 1)
            return next(left)

        checkpoint = Checkpoint(tmp_path / "run", {"w": w})
        return train(
            step,
            Batches(np.zeros(1), size=1, seed=None),
            epochs=epochs,
            early_stopping=stopping,
            checkpoint=checkpoint,
            show_progress=False,
        )

    seen = []
    run(3)
    assert gc.value(w) == 2
    gc.set_value(w, 100.0)
    assert len(run(99)) == 5
    assert gc.value(w) == 2


def test_an_unknown_metric_is_named():
    with pytest.raises(GraphError, match="no metric 'accuracy'"):
        EarlyStopping("accuracy", patience=1).look({"loss": 1.0})


def test_metrics_are_means_over_examples():
    sizes = []

    def step(x):
        sizes.append(len(x))
        return [x.mean(), 1.0]

    data = np.arange(7.0)
    history = train(
        step,
        Batches(data, size=3, seed=0),
        epochs=2,
        metrics=["mean", "one"],
        evaluate=lambda: {"calls": np.float32(len(sizes))},
        show_progress=False,
    )
    assert sizes == [3, 3, 1] * 2
    assert history == [
        {"mean": pytest.approx(3), "one": 1, "calls": 3},
        {"mean": pytest.approx(3), "one": 1, "calls": 6},
    ]


def test_a_list_of_batches_is_walked_in_every_epoch():
    history = train(lambda x: x.sum(), [(np.ones(2),), (np.ones(3),)], epochs=2, show_progress=False)
    assert history == [{"loss": (2 * 2 + 3 * 3) / 5}] * 2


def test_every_result_has_a_name():
    with pytest.raises(GraphError, match="gives 2 results, the metrics are loss"):
        train(lambda x: [0.0, 1.0], [(np.ones(2),)], epochs=1, show_progress=False)


def test_a_bar_shows_the_metrics(capsys):
    train(lambda x: 0.25, Batches(np.zeros(4), size=2, seed=0), epochs=1)
    shown = capsys.readouterr().err
    assert "epoch 1/1" in shown and "loss=0.25" in shown and "2/2" in shown


def test_batches_hold_every_example_once_in_an_order_of_the_epoch():
    batches = Batches(np.arange(10), np.arange(10) * 2, size=4, seed=0)
    assert len(batches) == 3
    first, again, second = ([b[0].tolist() for b in batches(epoch)] for epoch in (0, 0, 1))
    assert first == again != second
    assert sorted(n for batch in first for n in batch) == list(range(10))
    assert all((b == 2 * a).all() for a, b in batches(0))
    assert [len(b[0]) for b in Batches(np.arange(10), size=4, seed=0, drop_last=True)(0)] == [4, 4]
    assert [b[0].tolist() for b in Batches(np.arange(3), size=2, seed=None)(5)] == [[0, 1], [2]]


def test_bad_batches_are_refused():
    with pytest.raises(ShapeError, match=r"\[2, 3\] examples"):
        Batches(np.zeros(2), np.zeros(3), size=1, seed=0)
    with pytest.raises(ShapeError, match="0 examples"):
        Batches(np.zeros(2), size=0, seed=0)


def test_progress_is_kept_to_the_last_bit():
    progress = Progress()
    progress.add([0.1, np.float32(0.2)], 3)
    assert Progress(**progress.to_json()) == progress
    assert progress.means(["a", "b"]) == {"a": 0.1 * 3 / 3, "b": float(np.float32(0.2)) * 3 / 3}
