"""A restricted Boltzmann machine on binary digits: contrastive divergence, persistent chains, and the exact likelihood.

    python examples/rbm.py

With ten hidden units all 1,024 hidden states can be summed over, so that the likelihood, of which contrastive
divergence (Hinton, 2002) and persistent chains (Tieleman, 2008) only follow an estimate, is known exactly. The
logarithm of the sum of exponentials is written as it is, and could overflow in float32. Annealed importance sampling
(Salakhutdinov and Murray, 2008) estimates the same number without the sum.
"""

from math import log
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

import graphc as gc
from graphc.examples.digits_mlp import digits

PIXELS, HIDDEN, BATCH = 64, 10, 64
Array = np.ndarray[Any, Any]


def binary_digits() -> tuple[Array, Array]:
    """Images to learn from and to test with, [1347, 64] and [450, 64], of zeros and ones."""
    pixels, test_pixels, *_ = digits()
    return (pixels > 0.5).astype(np.float32), (test_pixels > 0.5).astype(np.float32)


class Machine(NamedTuple):
    """The probability of visible and hidden units v and h is proportional to exp(v·b + h·c + vᵀ W h)."""

    weights: gc.Node  # [64, 10]
    visible: gc.Node  # [64]
    hidden: gc.Node  # [10]

    def log_unnormalised(self, v: gc.Node) -> gc.Node:
        """The logarithm of the sum over h, for each row of v: hidden units are independent given v."""
        return v @ self.visible + gc.sum(gc.log(1 + gc.exp(v @ self.weights + self.hidden)), axis=-1)

    def log_normaliser(self) -> gc.Node:
        """Of the sum over all v and h. For each hidden state the visible units are independent."""
        h = gc.cast(gc.constant(np.arange(2**HIDDEN)[:, None] >> np.arange(HIDDEN) & 1), "float32")
        weights = gc.exp(h @ self.hidden + gc.sum(gc.log(1 + gc.exp(h @ self.weights.T + self.visible)), axis=-1))
        return gc.log(gc.sum(weights))

    def log_likelihood(self, v: gc.Node) -> gc.Node:
        """Exactly, the mean over images."""
        return gc.mean(self.log_unnormalised(v)) - self.log_normaliser()

    def gibbs(self, v: gc.Node, key: gc.Node) -> gc.Node:
        """All hidden units given the visible ones, then all visible units given these."""
        for_hidden, for_visible = gc.unstack(gc.random.split(key, 2))
        h = gc.random.bernoulli(for_hidden, gc.sigmoid(v @ self.weights + self.hidden))
        p = gc.sigmoid(gc.cast(h, "float32") @ self.weights.T + self.visible)
        return gc.cast(gc.random.bernoulli(for_visible, p), "float32")


def machine(images: Array, seed: int) -> Machine:
    """Small weights; each pixel is as often 1 as in the images."""
    share = np.clip(images.mean(axis=0), 0.01, 0.99)
    return Machine(
        gc.parameter("weights", gc.init.normal((PIXELS, HIDDEN), std=0.01, seed=seed)),
        gc.parameter("visible", np.log(share / (1 - share)).astype(np.float32)),
        gc.parameter("hidden", gc.init.zeros(HIDDEN)),
    )


# --- learning ---


def training_step(model: Machine, images: Array, *, persistent: bool, sweeps: int, rate: Any, seed: int) -> Any:
    """A function that draws a batch, runs chains, and changes the weights.

    The derivative of the likelihood is that of two means: over images and over what the machine itself dreams. Chains
    start at the images, or go on where they ended in the step before.
    """
    stream = gc.random.Stream(seed)
    batch = gc.constant(images)[stream.randint(0, len(images), (BATCH,))]
    chains = gc.parameter("chains", images[:BATCH])
    start = chains if persistent else batch
    keys = gc.random.split(stream.key(), sweeps)
    dreams, _ = gc.scan(lambda v, key: (model.gibbs(v, key), None), start, keys)
    dreams = gc.stop_gradient(dreams)
    contrast = gc.mean(model.log_unnormalised(dreams)) - gc.mean(model.log_unnormalised(batch))
    updates = gc.optim.Adam(rate).updates(contrast, list(model))
    return gc.compile([], None, updates=updates | ({chains: dreams} if persistent else {}))


class Result(NamedTuple):
    """Mean log likelihoods, exactly; the normaliser, exactly and by annealing, in logarithms."""

    train: float
    test: float
    normaliser: float
    annealed: float
    steps_per_second: float


def train(
    *, persistent: bool = False, sweeps: int = 5, steps: int = 20_000, rate: float = 3e-3, seed: int = 0
) -> Result:
    images, test_images = binary_digits()
    model = machine(images, seed)
    decay = gc.optim.cosine(rate, steps=steps)
    step = training_step(model, images, persistent=persistent, sweeps=sweeps, rate=decay, seed=seed)
    began = perf_counter()
    for _ in range(steps):
        step()
    seconds = perf_counter() - began
    likelihoods = [model.log_likelihood(gc.constant(each)) for each in (images, test_images)]
    normalisers = [model.log_normaliser(), annealed(model, gc.random.key(seed))]
    seen, unseen, exact, estimate = gc.compile([], likelihoods + normalisers)()
    return Result(seen, unseen, exact, estimate, steps / seconds)


# --- the normaliser without the sum ---


def annealed(model: Machine, key: gc.Node, *, temperatures: int = 1000, chains: int = 500) -> gc.Node:
    """The logarithm of the normaliser, by annealed importance sampling.

    Chains go from the machine without hidden biases and weights, of which everything is known, to the machine. Each
    has a weight, which is a product of many ratios near 1, and the mean of the weights is the ratio of normalisers.
    """

    def warm(share: gc.Node) -> Machine:
        return Machine(share * model.weights, model.visible, share * model.hidden)

    def step(state: tuple[gc.Node, gc.Node], at: tuple[gc.Node, gc.Node, gc.Node]) -> tuple[Any, None]:
        (v, log_weight), (before, share, key) = state, at
        log_weight = log_weight + warm(share).log_unnormalised(v) - warm(before).log_unnormalised(v)
        return (warm(share).gibbs(v, key), log_weight), None

    for_start, for_steps = gc.unstack(gc.random.split(key, 2))
    first = gc.random.bernoulli(for_start, gc.sigmoid(model.visible), (chains, PIXELS))
    shares = gc.linspace(0, 1, temperatures + 1)
    steps = shares[:-1], shares[1:], gc.random.split(for_steps, temperatures)
    (_, log_weights), _ = gc.scan(step, (gc.cast(first, "float32"), gc.zeros(chains)), steps)
    base = HIDDEN * log(2) + gc.sum(gc.log(1 + gc.exp(model.visible)))
    return base + gc.log(gc.mean(gc.exp(log_weights)))


def main() -> None:
    for name, persistent, sweeps in (("CD-1", False, 1), ("CD-5", False, 5), ("PCD-5", True, 5)):
        result = train(persistent=persistent, sweeps=sweeps)
        print(f"{name:6} log likelihood {result.train:.3f}, of new images {result.test:.3f};", end=" ")
        print(f"log Z {result.normaliser:.3f}, annealed {result.annealed:.3f};", end=" ")
        print(f"{result.steps_per_second:,.0f} steps/s")


if __name__ == "__main__":
    main()
