"""Three Gaussians for the three kinds of iris: by expectation maximisation, and by the gradient of the same formula.

    python examples/gaussian_mixture.py

Expectation maximisation (Bishop, 2006, section 9.2.2) runs as one loop inside the graph, from five starts at once;
the log likelihood of each step comes out with it, and never falls. The second way knows nothing of mixtures: it asks
for the derivative of the log likelihood, by what has no constraints, and gives it to L-BFGS.
"""

from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from sklearn.datasets import load_iris

import graphc as gc

COMPONENTS, SIZES, RIDGE = 3, 4, 1e-6
Array = np.ndarray[Any, Any]


class Mixture(NamedTuple):
    """Shares [3], means [3, 4], and lower triangular factors [3, 4, 4] of the covariances."""

    weights: gc.Node
    means: gc.Node
    factors: gc.Node

    def joint(self, x: gc.Node) -> gc.Node:
        """The density of each flower and component together, [150, 3]. It may be 0 in floating point."""
        return self.weights * gc.distributions.MultivariateNormal(self.means, self.factors).prob(x[:, None])

    def log_likelihood(self, x: gc.Node) -> gc.Node:
        """The mean over the flowers, as a textbook prints it; the compiler keeps it in the domain of logarithms."""
        return gc.mean(gc.log(gc.sum(self.joint(x), axis=1)))


def iris() -> Array:
    measurements: Array = load_iris().data
    return measurements


def estimate(shares: gc.Node, x: gc.Node) -> Mixture:
    """The likeliest mixture if each flower belongs to the components by its shares, [150, 3]."""
    counts = gc.sum(shares, axis=0)
    means = shares.T @ x / counts[:, None]
    away = x[:, None] - means
    covariances = gc.einsum("nk,nki,nkj->kij", shares, away, away) / counts[:, None, None]
    return Mixture(counts / len(iris()), means, gc.linalg.cholesky(covariances + RIDGE * np.eye(SIZES)))


def start(key: gc.Node, x: gc.Node) -> Mixture:
    """The clusters that k-means finds in ten steps, from three of the flowers."""

    def belongs(means: gc.Node) -> gc.Node:
        distances = gc.sum((x[:, None] - means) ** 2, axis=-1)
        return gc.one_hot(gc.argmin(distances, axis=1), COMPONENTS, dtype="float64")

    def move(_: gc.Node, means: gc.Node) -> gc.Node:
        return belongs(means).T @ x / gc.sum(belongs(means), axis=0)[:, None]

    first = gc.random.choice(key, x, (COMPONENTS,), replace=False)
    return estimate(belongs(gc.fori_loop(0, 10, move, first)), x)


# --- expectation maximisation ---


def improve(mixture: Mixture, x: gc.Node) -> Mixture:
    """One step: to which component each flower belongs, and the mixture that is likeliest if that is so."""
    joint = mixture.joint(x)
    return estimate(joint / gc.sum(joint, axis=1, keepdims=True), x)


def by_expectation(*, steps: int = 100, starts: int = 5, seed: int = 0, target: str = "llvm") -> Array:
    """The mean log likelihood after each step, [starts, steps]."""
    x = gc.constant(iris())

    def fit(key: gc.Node) -> gc.Node:
        return gc.scan(lambda m, _: (improve(m, x), m.log_likelihood(x)), start(key, x), length=steps)[1]

    curves: Array = gc.compile([], gc.vmap(fit)(gc.random.split(gc.random.key(seed), starts)), target=target)()
    return curves


# --- the gradient ---


def unconstrained(logits: gc.Node, means: gc.Node, raw: gc.Node) -> Mixture:
    """Whatever the numbers are, the shares are positive and sum to 1, and factors have positive diagonals."""
    scales = gc.exp(gc.diagonal(raw, axis1=1, axis2=2))[:, :, None] * gc.eye(SIZES, dtype="float64")
    return Mixture(gc.softmax(logits), means, gc.tril(raw, k=-1) + scales)


def by_gradient(*, steps: int = 100, starts: int = 5, seed: int = 0, target: str = "llvm") -> Array:
    """The mean log likelihood after each step of L-BFGS, [starts, steps], from the starts of `by_expectation`."""
    x = gc.constant(iris())
    firsts = gc.vmap(lambda key: start(key, x))(gc.random.split(gc.random.key(seed), starts))
    weights, means, factors = gc.compile([], list(firsts), target=target)()
    diagonals = np.eye(SIZES) * np.log(np.diagonal(factors, axis1=2, axis2=3))[..., None]
    values = np.log(weights), means, np.tril(factors, -1) + diagonals

    free = [gc.parameter(name, value[0]) for name, value in zip(("logits", "means", "raw"), values)]
    log_likelihood = unconstrained(*free).log_likelihood(x)
    optimizer = gc.optim.LBFGS()
    step = gc.compile([], log_likelihood, updates=optimizer.updates(-log_likelihood, free), target=target)
    blank = {node: gc.value(node) for node in optimizer.state().values()}
    curves = []
    for first in zip(*values):
        for node, value in (blank | dict(zip(free, first))).items():
            gc.set_value(node, value)
        curves.append([float(step()) for _ in range(steps)])
    return np.array(curves)


def main() -> None:
    for name, method in (("expectation maximisation", by_expectation), ("L-BFGS", by_gradient)):
        began = perf_counter()
        curves = method()
        best = curves[np.argmax(curves[:, -1])]
        print(f"{name:24}  mean log likelihood {best[-1]:.5f}, in {np.argmax(best > best[-1] - 1e-4)} steps,", end=" ")
        print(f"{np.sum(curves[:, -1] > best[-1] - 1e-4)} of {len(curves)} starts find it,", end=" ")
        print(f"largest fall {max(0, -np.diff(curves).min()):.0e}, {perf_counter() - began:.1f} s")


if __name__ == "__main__":
    main()
