"""MNIST-1D: four networks of the paper on one-dimensional digits; convolutions win (Prince, chapters 8 and 10).

    pip install graphc[examples]
    python examples/mnist_1d.py                       6,000 steps each
    python examples/mnist_1d.py --steps 1000

Greydanus and Kobak, "Scaling down deep learning with MNIST-1D", 2024. Networks, batches of 100 in a fixed order,
and Adam with a rate of 0.01 are those of the authors, first weights are those of this library. The package of the
authors makes the data, the same every time.
"""

import argparse
from collections.abc import Callable
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from mnist1d.data import get_dataset_args, make_dataset

import graphc as gc
from graphc import nn

PAPER = {"logistic": 0.32, "mlp": 0.68, "cnn": 0.94, "gru": 0.91}
LENGTH, BATCH, RATE = 40, 100, 1e-2


class Result(NamedTuple):
    """The best share of test signals told right, the share at the end, and training steps in a second."""

    best: float
    last: float
    steps_per_second: float


# --- the networks: from signals (batch, 40) to ten logits ---


def logistic(seed: int) -> nn.Module:
    return nn.Linear(LENGTH, 10, seed=seed)


def mlp(seed: int) -> nn.Module:
    hidden = nn.Residual(nn.Sequential(nn.Linear(256, 256, seed=(seed, 2)), gc.relu))
    return nn.Sequential(nn.Linear(LENGTH, 256, seed=(seed, 1)), gc.relu, hidden, nn.Linear(256, 10, seed=(seed, 3)))


def cnn(seed: int) -> nn.Module:
    def convolution(number: int, inputs: int, window: int) -> nn.Module:
        return nn.Conv1d(inputs, 25, window, stride=2, padding=1, seed=(seed, number))

    return nn.Sequential(
        lambda x: x[:, None, :],
        *(convolution(1, 1, 5), gc.relu, convolution(2, 25, 3), gc.relu, convolution(3, 25, 3), gc.relu),
        nn.flatten,
        nn.Linear(125, 10, seed=(seed, 4)),
    )


class BothWays(nn.Module):
    """A recurrent network of six units from either end; all of its outputs together choose the digit."""

    def __init__(self, seed: int) -> None:
        self.gru = nn.GRU(1, 6, bidirectional=True, seed=(seed, 1))
        self.out = nn.Linear(12 * LENGTH, 10, seed=(seed, 2))

    def __call__(self, x: gc.Node) -> Any:
        outputs, _ = self.gru(x[:, :, None])
        return self.out(nn.flatten(outputs))


NETWORKS: dict[str, Callable[[int], nn.Module]] = {"logistic": logistic, "mlp": mlp, "cnn": cnn, "gru": BothWays}


# --- training ---


def learn(name: str, *, steps: int = 6000, every: int = 250, seed: int = 0, target: str = "llvm") -> Result:
    """Train one of the networks, and test it as often as the authors do."""
    data = make_dataset(get_dataset_args())
    x = gc.input("x", ("batch", LENGTH))
    y = gc.input("y", ("batch",), "int64")
    model = NETWORKS[name](seed)
    logits = model(x)
    loss = nn.losses.cross_entropy(logits, y)
    step = gc.compile([x, y], loss, updates=gc.optim.Adam(RATE).updates(loss, model), target=target, name=name)
    accuracy = gc.compile([x, y], gc.mean(gc.argmax(logits, axis=1) == y), target=target, name="accuracy")

    signals, labels = data["x"].astype(np.float32), data["y"]
    tests = data["x_test"].astype(np.float32), data["y_test"]
    accuracies, seconds = [], 0.0
    for first in range(0, steps, every):
        start = perf_counter()
        for number in range(first, first + every):
            begin = number * BATCH % len(labels)
            step(signals[begin : begin + BATCH], labels[begin : begin + BATCH])
        seconds += perf_counter() - start
        accuracies.append(float(accuracy(*tests)))
    return Result(max(accuracies), accuracies[-1], steps / seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description="MNIST-1D")
    parser.add_argument("--steps", type=int, default=6000, help="training steps of each network")
    steps = parser.parse_args().steps
    for name, paper in PAPER.items():
        best, last, speed = learn(name, steps=steps)
        print(f"{name:8}  test accuracy {best:.3f} (last {last:.3f}, paper {paper:.2f})  {speed:.0f} steps a second")


if __name__ == "__main__":
    main()
