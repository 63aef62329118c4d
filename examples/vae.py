"""A variational autoencoder of binary digits (Kingma and Welling, 2014), and the tighter bound of Burda et al. (2016).

    python examples/vae.py

Eight latent numbers explain 64 pixels. Draws are differentiable functions of mean and scale, the likelihood and the
divergence are those of `gc.distributions`; batches and noise are drawn inside the compiled step, which so has no
arguments. The importance weighted bound is the logarithm of a mean of ratios of densities, written as such.
"""

from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

import graphc as gc
from graphc import nn
from graphc.distributions import Bernoulli, Normal, kl_divergence
from graphc.examples.rbm import binary_digits

PIXELS, LATENT, BATCH = 64, 8, 64
PRIOR = Normal(0.0, 1.0)


class Autoencoder(nn.Module):
    """Two networks: from images to distributions of latent numbers, and from latent numbers to those of images."""

    def __init__(self, hidden: int, seed: int) -> None:
        self.encoder = nn.Sequential(
            nn.Linear(PIXELS, hidden, seed=(seed, 0)), gc.relu, nn.Linear(hidden, 2 * LATENT, seed=(seed, 1))
        )
        self.decoder = nn.Sequential(
            nn.Linear(LATENT, hidden, seed=(seed, 2)), gc.relu, nn.Linear(hidden, PIXELS, seed=(seed, 3))
        )

    def posterior(self, x: gc.Node) -> Normal:
        outputs = self.encoder(x)
        return Normal(outputs[..., :LATENT], gc.exp(outputs[..., LATENT:]))

    def log_likelihood(self, x: gc.Node, z: gc.Node) -> gc.Node:
        return gc.sum(Bernoulli(logits=self.decoder(z)).log_prob(x), axis=-1)

    def evidence_bound(self, x: gc.Node, key: gc.Node) -> gc.Node:
        """The mean over images, with one draw for each."""
        posterior = self.posterior(x)
        divergence = gc.sum(kl_divergence(posterior, PRIOR), axis=-1)
        return gc.mean(self.log_likelihood(x, posterior.sample(key)) - divergence)

    def weighted_bound(self, x: gc.Node, key: gc.Node, draws: int) -> gc.Node:
        """The mean over images of the logarithm of importance weights, averaged over draws."""
        posterior = self.posterior(x)
        z = posterior.sample(key, (draws, *x.shape[:-1], LATENT))
        log_ratio = gc.sum(PRIOR.log_prob(z) - posterior.log_prob(z), axis=-1)
        return gc.mean(gc.log(gc.mean(gc.exp(self.log_likelihood(x, z) + log_ratio), axis=0)))


class Result(NamedTuple):
    """Bounds on the mean log likelihood of new images; what the machine dreams; steps of training in a second."""

    evidence_bound: float
    weighted_bound: float
    dreams: np.ndarray[Any, Any]
    steps_per_second: float


def train(*, hidden: int = 256, steps: int = 6000, rate: float = 1e-3, draws: int = 200, seed: int = 0) -> Result:
    images, test_images = map(gc.constant, binary_digits())
    model, stream = Autoencoder(hidden, seed), gc.random.Stream(seed)
    batch = images[stream.randint(0, images.shape[0], (BATCH,))]
    bound = model.evidence_bound(batch, stream.key())
    optimizer = gc.optim.Adam(gc.optim.cosine(rate, steps=steps))
    step = gc.compile([], None, updates=optimizer.updates(-bound, model))
    began = perf_counter()
    for _ in range(steps):
        step()
    seconds = perf_counter() - began

    means = gc.map(lambda key: model.evidence_bound(test_images, key), gc.random.split(stream.key(), draws))
    weighted = model.weighted_bound(test_images, stream.key(), draws)
    dreams = gc.sigmoid(model.decoder(stream.normal((8, LATENT))))
    evidence, weighted, dreams = gc.compile([], [gc.mean(means), weighted, dreams])()
    return Result(evidence, weighted, dreams, steps / seconds)


def show(images: np.ndarray[Any, Any]) -> None:
    """Images of 8 x 8 pixels side by side, in letters."""
    shades = np.array(list(" ░▒▓█"))[np.round(4 * images).astype(int)]
    for row in shades.reshape(-1, 8, 8).swapaxes(0, 1):
        print("  ".join("".join(np.repeat(line, 2)) for line in row))


def main() -> None:
    result = train()
    print(f"evidence lower bound of new images {result.evidence_bound:.3f}", end=", ")
    print(f"with 200 weighted draws {result.weighted_bound:.3f}; {result.steps_per_second:,.0f} steps/s")
    show(result.dreams)


if __name__ == "__main__":
    main()
