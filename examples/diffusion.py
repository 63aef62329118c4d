"""Two moons from noise, in fifty steps of denoising (Ho, Jain and Abbeel, 2020, "DDPM").

    python examples/diffusion.py

A network learns which noise was added to a point, for any of fifty amounts of noise. To make points, a scan goes
through the amounts backwards, takes away what the network believes to be noise, and adds a little fresh noise, from a
key of its own in each step. The weights that make points are averages of those along the way.
"""

from itertools import pairwise
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

import graphc as gc
from graphc import nn
from graphc.examples.normalizing_flow import moons

TIMES, FEATURES, BATCH = 50, 16, 256


class Schedule(NamedTuple):
    """Of each time: the variance of its noise, the factor of a point, and the share of the first points left."""

    beta: gc.Node
    alpha: gc.Node
    left: gc.Node

    @classmethod
    def cosine(cls) -> "Schedule":
        """That of Nichol and Dhariwal (2021)."""
        left = np.cos((np.arange(TIMES + 1) / TIMES + 0.008) / 1.008 * np.pi / 2) ** 2
        beta = np.minimum(1 - left[1:] / left[:-1], 0.999).astype(np.float32)
        return cls(*map(gc.constant, (beta, 1 - beta, np.cumprod(1 - beta))))


class Denoiser(nn.Module):
    """From noisy points [n, 2] and their times [n] to the noise that is in them."""

    def __init__(self, hidden: int, seed: int) -> None:
        sizes = [2 + FEATURES, hidden, hidden, hidden, 2]
        self.layers = [nn.Linear(*pair, seed=(seed, i)) for i, pair in enumerate(pairwise(sizes))]

    def __call__(self, x: gc.Node, times: gc.Node) -> gc.Node:
        frequencies = np.pi / TIMES * 2.0 ** (np.arange(FEATURES // 2) - 1)
        angles = gc.cast(times, "float32")[:, None] * frequencies.astype(np.float32)
        x = gc.concat([x, gc.sin(angles), gc.cos(angles)], axis=1)
        for layer in self.layers[:-1]:
            x = nn.silu(layer(x))
        return self.layers[-1](x)


def loss(model: Denoiser, points: gc.Node, stream: gc.random.Stream) -> gc.Node:
    """The mean squared error of the noise, for points at random times (algorithm 1 of the paper)."""
    times = stream.randint(0, TIMES, (BATCH,))
    noise = stream.normal((BATCH, 2))
    left = Schedule.cosine().left[times][:, None]
    noisy = gc.sqrt(left) * points + gc.sqrt(1 - left) * noise
    return gc.mean((noise - model(noisy, times)) ** 2)


def sample(model: Denoiser, count: int, key: gc.Node) -> gc.Node:
    """Points from noise (algorithm 2 of the paper)."""

    def step(x: gc.Node, at: tuple[gc.Node, ...]) -> tuple[gc.Node, None]:
        time, beta, alpha, left, key = at
        believed = model(x, gc.broadcast_to(time, (count,)))
        mean = (x - beta / gc.sqrt(1 - left) * believed) / gc.sqrt(alpha)
        fresh = gc.where(time > 0, gc.sqrt(beta), 0) * gc.random.normal(key, (count, 2))
        return mean + fresh, None

    for_start, for_steps = gc.unstack(gc.random.split(key, 2))
    steps = gc.arange(TIMES), *Schedule.cosine(), gc.random.split(for_steps, TIMES)
    return gc.scan(step, gc.random.normal(for_start, (count, 2)), steps, reverse=True)[0]


def energy_distance(x: gc.Node, y: gc.Node) -> gc.Node:
    """0 if and only if both are distributed alike (Székely and Rizzo, 2013)."""

    def mean_distance(x: gc.Node, y: gc.Node) -> gc.Node:
        return gc.mean(gc.sqrt(gc.sum((x[:, None] - y) ** 2, axis=-1)))

    return 2 * mean_distance(x, y) - mean_distance(x, x) - mean_distance(y, y)


class Result(NamedTuple):
    """Energy distances to new points: of the samples, of other points of the moons, of one Gaussian.

    All points are standardised: coordinates have mean 0 and variance 1.
    """

    samples: float
    moons: float
    gaussian: float
    points: np.ndarray[Any, Any]
    steps_per_second: float


def train(*, hidden: int = 128, steps: int = 10_000, rate: float = 2e-3, count: int = 2000, seed: int = 0) -> Result:
    points = moons(count, seed)
    center, scale = points.mean(axis=0), points.std(axis=0)
    points, new = (((each - center) / scale).astype(np.float32) for each in (points, moons(count, seed + 1)))
    model, stream = Denoiser(hidden, seed), gc.random.Stream(seed)
    batch = gc.constant(points)[stream.randint(0, count, (BATCH,))]
    average = gc.optim.ExponentialAverage(0.99)
    updates = gc.optim.Adam(gc.optim.cosine(rate, steps=steps)).updates(loss(model, batch, stream), model)
    step = gc.compile([], None, updates=average.updates(updates, model))
    began = perf_counter()
    for _ in range(steps):
        step()
    seconds = perf_counter() - began

    made = gc.compile([], sample(model, count, stream.key()), givens=average.values)()
    gaussian = np.random.default_rng(seed).multivariate_normal(np.zeros(2), np.cov(points.T), count).astype(np.float32)
    x, y = gc.input("x", ("n", 2)), gc.input("y", ("m", 2))
    distance = gc.compile([x, y], energy_distance(x, y))
    samples, others, one = (float(distance(each, new)) for each in (made, points, gaussian))
    return Result(samples, others, one, made, steps / seconds)


def main() -> None:
    result = train()
    print(f"energy distance to new points: samples {result.samples:.4f}, other points {result.moons:.4f}", end=", ")
    print(f"one Gaussian {result.gaussian:.4f}; {result.steps_per_second:,.0f} steps/s")


if __name__ == "__main__":
    main()
