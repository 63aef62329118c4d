"""Handwritten digits by a convolutional network with pooling (Goodfellow, chapter 9; Prince, chapter 10).

    python examples/digits_cnn.py

Convolutions, windows of which the largest value is taken, their derivatives and Adam are one compiled step.
"""

from time import perf_counter
from typing import NamedTuple

import numpy as np

import graphc as gc
from graphc import nn
from graphc.examples.digits_mlp import digits


class Result(NamedTuple):
    """The share of test images told right, and training steps in a second."""

    accuracy: float
    steps_per_second: float


def network(seed: int, channels: int) -> nn.Sequential:
    """From images (batch, 1, 8, 8) to ten logits."""
    return nn.Sequential(
        nn.Conv2d(1, channels, 3, padding="same", init=gc.init.he_normal, seed=(seed, 1)),
        gc.relu,
        nn.Conv2d(channels, 2 * channels, 3, padding="same", init=gc.init.he_normal, seed=(seed, 2)),
        gc.relu,
        nn.MaxPool(2),
        nn.flatten,
        nn.Dropout(0.5, seed=(seed, 3)),
        nn.Linear(32 * channels, 10, seed=(seed, 4)),
    )


def learn(*, seed: int = 0, channels: int = 16, epochs: int = 30, target: str = "llvm") -> Result:
    """Train on 1,347 images in batches of 64, and test with 450."""
    pixels, test_pixels, labels, test_labels = digits()
    batches = gc.training.Batches(pixels.reshape(-1, 1, 8, 8), labels, size=64, seed=seed, drop_last=True)

    x = gc.input("x", ("batch", 1, 8, 8))
    y = gc.input("y", ("batch",), "int64")
    model = network(seed, channels)
    loss = nn.losses.cross_entropy(model(x, training=True), y)
    rate = gc.optim.cosine(5e-3, steps=epochs * len(batches))
    step = gc.compile([x, y], loss, updates=gc.optim.Adam(rate).updates(loss, model), target=target, name="step")
    digit = gc.compile([x], gc.argmax(model(x, training=False), axis=1), target=target, name="digit")

    start = perf_counter()
    gc.training.train(step, batches, epochs=epochs, show_progress=False)
    speed = epochs * len(batches) / (perf_counter() - start)
    return Result(float(np.mean(digit(test_pixels.reshape(-1, 1, 8, 8)) == test_labels)), speed)


def main() -> None:
    for seed in range(5):
        result = learn(seed=seed)
        print(f"seed {seed}  test accuracy {result.accuracy:.4f}  {result.steps_per_second:.0f} steps a second")


if __name__ == "__main__":
    main()
