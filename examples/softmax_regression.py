"""Softmax regression: handwritten digits by one linear map, maximum likelihood and weight decay (Goodfellow, 5.7, 6.2).

    python examples/softmax_regression.py

The likelihood is that of the definition, log(exp(z) / sum(exp(z))), which overflows for logits above 88 where nobody
rewrites it. Every step sees all images: loss, gradient and update are one compiled function.
"""

from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

import graphc as gc
from graphc.examples.digits_mlp import digits


class Result(NamedTuple):
    """The loss at the end, the share of test images told right, and training steps in a second."""

    loss: float
    accuracy: float
    steps_per_second: float


def negative_log_likelihood(z: Any, labels: Any) -> Any:
    p = gc.exp(z) / gc.sum(gc.exp(z), axis=1, keepdims=True)
    return -gc.mean(gc.sum(gc.one_hot(labels, 10) * gc.log(p), axis=1))


def learn(*, steps: int = 300, rate: float = 0.5, decay: float = 1e-4, target: str = "llvm") -> Result:
    """Gradient descent with momentum from weights 0; the problem is convex, so that no seed matters."""
    x = gc.input("x", ("n", 64))
    y = gc.input("y", ("n",), "int64")
    w, b = gc.parameter("w", gc.init.zeros((64, 10))), gc.parameter("b", gc.init.zeros(10))
    z = x @ w + b
    loss = negative_log_likelihood(z, y) + decay / 2 * gc.sum(w**2)
    updates = gc.optim.SGD(rate, momentum=0.9).updates(loss, [w, b])
    step = gc.compile([x, y], loss, updates=updates, target=target, name="step")
    digit = gc.compile([x], gc.argmax(z, axis=1), target=target, name="digit")

    pixels, test_pixels, labels, test_labels = digits()
    start = perf_counter()
    values = [float(step(pixels, labels)) for _ in range(steps)]
    speed = steps / (perf_counter() - start)
    return Result(values[-1], float(np.mean(digit(test_pixels) == test_labels)), speed)


def main() -> None:
    result = learn()
    print(f"loss {result.loss:.4f}  test accuracy {result.accuracy:.4f}  {result.steps_per_second:.0f} steps a second")


if __name__ == "__main__":
    main()
