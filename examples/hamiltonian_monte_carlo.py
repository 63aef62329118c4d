"""Hamiltonian Monte Carlo: samples of densities that are known up to a constant, by one scan in the graph.

    python examples/hamiltonian_monte_carlo.py

A position gets a random momentum and follows Hamilton's equations for a while; the end of the path is accepted with
the probability of Metropolis (Neal, 2011, "MCMC using Hamiltonian dynamics"). The force is `gc.grad` of the logarithm
of the density, which is written as it is: the sum of exponentials of the two peaks vanishes in floating point far
from them, its logarithm does not. Chains are independent, so the spread of their means is the standard error.
"""

from collections.abc import Callable
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

import graphc as gc

Array = np.ndarray[Any, Any]


class Target(NamedTuple):
    """A density over the plane, up to a constant, of positions [chains, 2], and what is known about it."""

    density: Callable[[gc.Node], gc.Node]
    mean: tuple[float, float]
    variance: tuple[float, float]
    step: float  # in time, of the leapfrog


def correlated(x: gc.Node) -> gc.Node:
    """A Gaussian with standard deviations 1 and 2 and a correlation of 0.9."""
    covariance = np.array([[1.0, 1.8], [1.8, 4.0]])
    return gc.exp(-0.5 * gc.sum((x @ np.linalg.inv(covariance)) * x, axis=-1))


def two_peaks(x: gc.Node) -> gc.Node:
    """Two Gaussians of variance 1 around (2, 2) and (-2, -2), three to one."""
    return 3 * gc.exp(-0.5 * gc.sum((x - 2) ** 2, axis=-1)) + gc.exp(-0.5 * gc.sum((x + 2) ** 2, axis=-1))


def banana(x: gc.Node) -> gc.Node:
    """The first number is Gaussian; the second one is Gaussian around its square, less 1, with variance 1 / 4."""
    return gc.exp(-0.5 * x[:, 0] ** 2 - 2 * (x[:, 1] - x[:, 0] ** 2 + 1) ** 2)


TARGETS = {
    "correlated": Target(correlated, (0, 0), (1, 4), step=0.25),
    "two peaks": Target(two_peaks, (1, 1), (4, 4), step=0.5),
    "banana": Target(banana, (0, 0), (1, 2.25), step=0.1),
}


def leapfrog(potential: Callable[[gc.Node], gc.Node], q: gc.Node, p: gc.Node, step: float, count: int) -> Any:
    """Position and momentum later, to second order in the step; volume in phase space stays the same."""

    def force(q: gc.Node) -> gc.Node:
        return -gc.grad(gc.sum(potential(q)), q)

    def move(_: gc.Node, state: tuple[gc.Node, gc.Node]) -> tuple[gc.Node, gc.Node]:
        q, p = state
        q = q + step * p
        return q, p + step * force(q)

    q, p = gc.fori_loop(0, count, move, (q, p + step / 2 * force(q)))
    return q, p - step / 2 * force(q)


class Moments(NamedTuple):
    """Of each coordinate: the mean and the variance, with standard errors; and the share of accepted paths."""

    mean: Array
    mean_error: Array
    variance: Array
    variance_error: Array
    acceptance: float

    def deviations(self, target: Target) -> Array:
        """How many standard errors away from the truth the moments are."""
        means = (self.mean - target.mean) / self.mean_error
        return np.concatenate([means, (self.variance - target.variance) / self.variance_error])


def sample(
    target: Target, *, chains: int = 64, samples: int = 2000, warmup: int = 200, leaps: int = 16, seed: int = 0
) -> Moments:
    """Moments by `chains` independent chains, each from its own start."""

    def potential(q: gc.Node) -> gc.Node:
        return -gc.log(target.density(q))

    def transition(q: gc.Node, key: gc.Node) -> tuple[gc.Node, tuple[gc.Node, gc.Node]]:
        for_momentum, for_length, for_choice = gc.unstack(gc.random.split(key, 3))
        p = gc.random.normal(for_momentum, q.shape, "float64")
        # Paths of random length do not return to where they came from all at once.
        step = target.step * gc.random.uniform(for_length, low=0.5, high=1.0, dtype="float64")
        new, momentum = leapfrog(potential, q, p, step, leaps)
        loss = potential(q) + gc.sum(p**2, axis=-1) / 2 - potential(new) - gc.sum(momentum**2, axis=-1) / 2
        accepted = gc.random.uniform(for_choice, loss.shape, "float64") < gc.exp(gc.minimum(loss, 0))
        q = gc.where(accepted[:, None], new, q)
        return q, (q, accepted)

    for_start, for_chain = gc.unstack(gc.random.split(gc.random.key(seed), 2))
    start = gc.random.normal(for_start, (chains, 2), "float64")
    _, (path, accepted) = gc.scan(transition, start, gc.random.split(for_chain, warmup + samples))
    path, accepted = path[warmup:], gc.cast(accepted[warmup:], "float64")

    means = gc.mean(path, axis=0)
    squares = gc.mean((path - np.array(target.mean)) ** 2, axis=0)  # their mean is the variance, without a bias
    root = np.sqrt(chains)
    errors = [gc.std(each, axis=0, correction=1) / root for each in (means, squares)]
    moments = gc.mean(means, axis=0), errors[0], gc.mean(squares, axis=0), errors[1], gc.mean(accepted)
    return Moments(*gc.compile([], list(moments))())


def main() -> None:
    for name, target in TARGETS.items():
        began = perf_counter()
        moments = sample(target)
        print(f"{name}: {moments.acceptance:.0%} accepted, {perf_counter() - began:.1f} s")
        for i in range(2):
            print(f"  mean {moments.mean[i]:7.4f} ± {moments.mean_error[i]:.4f} (is {target.mean[i]})", end="   ")
            print(f"variance {moments.variance[i]:7.4f} ± {moments.variance_error[i]:.4f} (is {target.variance[i]})")


if __name__ == "__main__":
    main()
