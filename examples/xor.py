"""Exclusive or: the four points that no straight line separates, learnt by eight hidden units (Goodfellow, 6.1).

    python examples/xor.py

The whole training is one loop inside the graph, and `vmap` runs it for all seeds side by side: one compiled function
goes from first weights to final losses. The likelihood is written as it is defined; the compiler makes it stable.
"""

from typing import Any, NamedTuple

import numpy as np

import graphc as gc

POINTS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float64)
ANSWERS = np.array([0, 1, 1, 0], np.float64)


class Result(NamedTuple):
    """Of each seed: the loss at the end, and the probability of 1 at each point."""

    losses: np.ndarray[Any, Any]
    probabilities: np.ndarray[Any, Any]


def probability(x: Any, w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
    """Of the answer 1, for the points x."""
    z = gc.tanh(x @ w1 + b1) @ w2 + b2
    return 1 / (1 + gc.exp(-z))


def loss(*weights: Any) -> Any:
    """The mean negative log-likelihood of the answers."""
    p = probability(POINTS, *weights)
    return -gc.mean(ANSWERS * gc.log(p) + (1 - ANSWERS) * gc.log(1 - p))


def trained(*weights: gc.Node, steps: int, rate: float) -> tuple[Any, ...]:
    """The weights after so many steps of gradient descent."""

    def step(_: Any, weights: tuple[Any, ...]) -> tuple[Any, ...]:
        gradients = gc.grad(loss(*weights), list(weights))
        return tuple(w - rate * g for w, g in zip(weights, gradients))

    return gc.fori_loop(0, steps, step, weights)


def learn(*, seeds: int = 5, hidden: int = 8, steps: int = 3000, rate: float = 1.0, target: str = "llvm") -> Result:
    """Train a network from each seed."""
    draws = np.random.default_rng(0)
    first = [draws.normal(size=(seeds, *shape)) for shape in ((2, hidden), (hidden,), (hidden,), ())]
    weights = [gc.input(name, w.shape, "float64") for name, w in zip(("w1", "b1", "w2", "b2"), first)]

    def results(*weights: gc.Node) -> Any:
        final = trained(*weights, steps=steps, rate=rate)
        return loss(*final), probability(POINTS, *final)

    return Result(*gc.compile(weights, gc.vmap(results)(*weights), target=target, name="learn")(*first))


def main() -> None:
    result = learn()
    for seed, (value, p) in enumerate(zip(result.losses, result.probabilities)):
        print(f"seed {seed}  loss {value:.2e}  probabilities of 1: {np.round(p, 4)}")


if __name__ == "__main__":
    main()
