"""Eight Gaussians on a ring, made from noise by a generative adversarial network (Goodfellow et al., 2014).

    python examples/gan.py

One compiled step changes both players. Their losses are logarithms of a naive logistic function, which saturate where
one player is sure of itself; the compiler keeps their gradients. The squared slope of the discriminator at true points
is added to its loss (Mescheder et al., 2018, "R1"): a gradient in the loss, so that the step has second derivatives.
"""

from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

import graphc as gc
from graphc import nn

MODES, RADIUS, WIDTH, NOISE, BATCH = 8, 2.0, 0.05, 8, 256
ANGLES = 2 * np.pi * np.arange(MODES) / MODES
CENTERS = (RADIUS * np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)).astype(np.float32)


def ring(stream: gc.random.Stream, count: int) -> gc.Node:
    """True points, [count, 2]."""
    return gc.constant(CENTERS)[stream.randint(0, MODES, (count,))] + WIDTH * stream.normal((count, 2))


def network(inputs: int, hidden: int, outputs: int, seed: int) -> nn.Sequential:
    def layer(number: int, *sizes: int) -> nn.Linear:
        return nn.Linear(*sizes, seed=(seed, number), init=gc.init.he_normal)

    first, second, third = layer(0, inputs, hidden), layer(1, hidden, hidden), layer(2, hidden, outputs)
    return nn.Sequential(first, gc.relu, second, gc.relu, third)


class Players(NamedTuple):
    generator: nn.Sequential
    discriminator: nn.Sequential

    def losses(self, real: gc.Node, noise: gc.Node, penalty: float) -> tuple[gc.Node, gc.Node]:
        """What the generator and the discriminator want to be small."""
        judged_real, judged_fake = self.discriminator(real), self.discriminator(self.generator(noise))
        slopes = gc.grad(gc.sum(judged_real), real)
        truth = -gc.mean(gc.log(gc.sigmoid(judged_real))) - gc.mean(gc.log(1 - gc.sigmoid(judged_fake)))
        return -gc.mean(gc.log(gc.sigmoid(judged_fake))), truth + penalty / 2 * gc.mean(gc.sum(slopes**2, axis=1))


class Result(NamedTuple):
    modes: int  # of eight, that at least 1 % of the samples are near
    near: float  # the share of samples within 0.25 of a mode
    samples: np.ndarray[Any, Any]
    steps_per_second: float


def train(*, hidden: int = 128, steps: int = 10_000, rate: float = 1e-3, penalty: float = 0.1, seed: int = 0) -> Result:
    stream = gc.random.Stream(seed)
    players = Players(network(NOISE, hidden, 2, seed), network(2, hidden, 1, seed + 1))
    updates: dict[gc.Node, gc.Node] = {}
    losses = players.losses(ring(stream, BATCH), stream.normal((BATCH, NOISE)), penalty)
    for loss, player in zip(losses, players):
        optimizer = gc.optim.Adam(gc.optim.cosine(rate, steps=steps), beta1=0.5)
        updates |= optimizer.updates(loss, player)
    step = gc.compile([], None, updates=updates)
    began = perf_counter()
    for _ in range(steps):
        step()
    seconds = perf_counter() - began

    samples = gc.compile([], players.generator(stream.normal((5000, NOISE))))()
    distances = np.linalg.norm(samples[:, None] - CENTERS, axis=-1)
    near = distances < 0.25
    return Result(int(np.sum(near.mean(axis=0) > 0.01)), float(near.any(axis=1).mean()), samples, steps / seconds)


def main() -> None:
    for seed in range(3):
        result = train(seed=seed)
        print(f"seed {seed}: {result.modes} modes, {result.near:.1%} of the samples within 0.25 of one", end="; ")
        print(f"{result.steps_per_second:,.0f} steps/s")


if __name__ == "__main__":
    main()
