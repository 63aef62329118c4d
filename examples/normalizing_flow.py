"""Two moons as a deformed Gaussian: a normalizing flow with affine couplings (Dinh et al., 2017, "RealNVP").

    python examples/normalizing_flow.py

Each coupling moves one coordinate by a shift and a scale that a network makes of the other one, so it can be undone,
and its Jacobian is triangular. The likelihood is exact. What the layers add up for the logarithm of the determinant is
compared with that of the Jacobian which `gc.jacobian` derives.
"""

from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from sklearn.datasets import make_moons

import graphc as gc
from graphc import nn
from graphc.distributions import Normal

NOISE, BATCH = 0.1, 256
Array = np.ndarray[Any, Any]


def moons(count: int, seed: int) -> Array:
    points: Array = make_moons(count, noise=NOISE, random_state=seed)[0]
    return points


class Coupling(nn.Module):
    """Moves the coordinate number `moved`, as a function of the other."""

    def __init__(self, moved: int, hidden: int, seed: tuple[int, int]) -> None:
        self.moved = moved
        self.network = nn.Sequential(
            nn.Linear(1, hidden, seed=(*seed, 0), dtype="float64"),
            gc.tanh,
            nn.Linear(hidden, hidden, seed=(*seed, 1), dtype="float64"),
            gc.tanh,
            nn.Linear(hidden, 2, seed=(*seed, 2), dtype="float64"),
        )

    def parts(self, x: gc.Node) -> tuple[gc.Node, gc.Node, gc.Node, gc.Node]:
        """What is moved, what is not, the logarithm of the scale, and the shift; each [..., 1]."""
        moved, fixed = x[..., self.moved, None], x[..., 1 - self.moved, None]
        outputs = self.network(fixed)
        return moved, fixed, 2 * gc.tanh(outputs[..., :1] / 2), outputs[..., 1:]

    def joined(self, moved: gc.Node, fixed: gc.Node) -> gc.Node:
        return gc.concat([fixed, moved] if self.moved else [moved, fixed], axis=-1)

    def forward(self, x: gc.Node) -> tuple[gc.Node, gc.Node]:
        """The moved points, and the logarithm of the determinant at each."""
        moved, fixed, log_scale, shift = self.parts(x)
        return self.joined(moved * gc.exp(log_scale) + shift, fixed), log_scale[..., 0]

    def inverse(self, y: gc.Node) -> gc.Node:
        moved, fixed, log_scale, shift = self.parts(y)
        return self.joined((moved - shift) / gc.exp(log_scale), fixed)


class Flow(nn.Module):
    """From points to points that are normally distributed."""

    def __init__(self, layers: int, hidden: int, seed: int) -> None:
        self.layers = [Coupling(i % 2, hidden, (seed, i)) for i in range(layers)]

    def forward(self, x: gc.Node) -> tuple[gc.Node, gc.Node]:
        log_determinant = gc.zeros(x.shape[:-1], dtype="float64")
        for layer in self.layers:
            x, more = layer.forward(x)
            log_determinant = log_determinant + more
        return x, log_determinant

    def inverse(self, z: gc.Node) -> gc.Node:
        for layer in reversed(self.layers):
            z = layer.inverse(z)
        return z

    def log_prob(self, x: gc.Node) -> gc.Node:
        z, log_determinant = self.forward(x)
        return gc.sum(Normal(0.0, 1.0).log_prob(z), axis=-1) + log_determinant

    def log_prob_by_jacobian(self, x: gc.Node) -> gc.Node:
        """The same without a word of how the layers work: the change of variables, as it stands in the book."""

        def density(point: gc.Node) -> gc.Node:
            z = self.forward(point)[0]
            volume = gc.abs(gc.linalg.det(gc.jacobian(z, point)))
            return gc.log(gc.prod(Normal(0.0, 1.0).prob(z)) * volume)

        return gc.vmap(density)(x)


class Result(NamedTuple):
    """Mean log likelihoods of new points; the largest errors of the inverse and of the determinant; steps/s."""

    log_likelihood: float
    gaussian: float  # of one Gaussian with the mean and covariance of the points, to compare with
    inverse_error: float
    jacobian_error: float
    steps_per_second: float


def train(*, layers: int = 8, hidden: int = 32, steps: int = 5000, rate: float = 3e-3, seed: int = 0) -> Result:
    points, test_points = moons(2000, seed), gc.constant(moons(2000, seed + 1))
    flow, stream = Flow(layers, hidden, seed), gc.random.Stream(seed)
    batch = gc.constant(points)[stream.randint(0, len(points), (BATCH,))]
    loss = -gc.mean(flow.log_prob(batch))
    optimizer = gc.optim.Adam(gc.optim.cosine(rate, steps=steps))
    step = gc.compile([], None, updates=optimizer.updates(loss, flow))
    began = perf_counter()
    for _ in range(steps):
        step()
    seconds = perf_counter() - began

    likelihood = flow.log_prob(test_points)
    factor = np.linalg.cholesky(np.cov(points.T))
    gaussian = gc.distributions.MultivariateNormal(points.mean(axis=0), factor).log_prob(test_points)
    inverse_error = gc.max(gc.abs(flow.inverse(flow.forward(test_points)[0]) - test_points))
    jacobian_error = gc.max(gc.abs(flow.log_prob_by_jacobian(test_points) - likelihood))
    asked = [gc.mean(likelihood), gc.mean(gaussian), inverse_error, jacobian_error]
    ours, one, inverse_error, jacobian_error = map(float, gc.compile([], asked)())
    return Result(ours, one, inverse_error, jacobian_error, steps / seconds)


def main() -> None:
    result = train()
    print(f"mean log likelihood of new points {result.log_likelihood:.3f} (one Gaussian: {result.gaussian:.3f})")
    print(f"largest error of the inverse {result.inverse_error:.0e}, of the determinant {result.jacobian_error:.0e}")
    print(f"{result.steps_per_second:,.0f} steps/s")


if __name__ == "__main__":
    main()
