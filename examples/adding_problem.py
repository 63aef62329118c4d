"""The adding problem: an LSTM remembers two numbers across forty steps and adds them (Goodfellow, 10.10).

    python examples/adding_problem.py

Each step shows a number of [0, 1) and a mark; two steps are marked, and the sum of their numbers is wanted at the end
(Hochreiter and Schmidhuber, "Long short-term memory", 1997). A network that remembers nothing answers 1 and has an
error of 1/6. Training draws its own sequences: the compiled step takes no arguments.
"""

from time import perf_counter
from typing import Any, NamedTuple

import graphc as gc
from graphc import nn


class Result(NamedTuple):
    """The mean squared error for 1,000 new sequences, and training steps in a second."""

    error: float
    steps_per_second: float


class Adder(nn.Module):
    """From sequences (batch, time, 2) to sums (batch,)."""

    def __init__(self, hidden: int, seed: int) -> None:
        self.lstm = nn.Recurrent(nn.LSTMCell(2, hidden, seed=(seed, 1)))
        self.out = nn.Linear(hidden, 1, seed=(seed, 2))

    def __call__(self, x: gc.Node) -> Any:
        _, (hidden, _) = self.lstm(x)
        return self.out(hidden)[:, 0]


def sequences(stream: gc.random.Stream, batch: int, length: int) -> tuple[Any, Any]:
    """Numbers and marks (batch, length, 2), and sums (batch,): one mark in either half."""
    numbers = stream.uniform((batch, length))
    places = gc.concat(
        [stream.randint(0, length // 2, (batch, 1)), stream.randint(length // 2, length, (batch, 1))], axis=1
    )
    marks = gc.sum(gc.one_hot(places, length), axis=1)
    return gc.stack([numbers, marks], axis=-1), gc.sum(numbers * marks, axis=1)


def learn(
    *, length: int = 40, hidden: int = 32, steps: int = 2000, batch: int = 64, seed: int = 0, target: str = "llvm"
) -> Result:
    """Train on sequences that are new in every step."""
    model = Adder(hidden, seed)
    stream = gc.random.Stream(seed)
    x, y = sequences(stream, batch, length)
    loss = gc.mean((model(x) - y) ** 2)
    optimizer = gc.optim.Adam(gc.optim.cosine(1e-2, steps=steps))
    updates = optimizer.updates(loss, model, transform=lambda gs: gc.optim.clip_by_global_norm(gs, 1.0))
    step = gc.compile([], loss, updates=updates, target=target, name="step")
    start = perf_counter()
    for _ in range(steps):
        step()
    speed = steps / (perf_counter() - start)

    x, y = sequences(stream, 1000, length)
    return Result(float(gc.compile([], gc.mean((model(x) - y) ** 2), target=target)()), speed)


def main() -> None:
    for seed in range(3):
        result = learn(seed=seed)
        print(f"seed {seed}  mean squared error {result.error:.5f}  {result.steps_per_second:.0f} steps a second")


if __name__ == "__main__":
    main()
