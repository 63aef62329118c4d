"""Examples that learn to generate, at a scale of seconds: bounds are weaker than what a full run reaches."""

import numpy as np
import pytest

import graphc as gc
from graphc.examples import diffusion, gan, normalizing_flow, rbm, vae


@pytest.mark.parametrize("persistent", [False, True])
def test_boltzmann_machine_by_its_exact_likelihood(persistent):
    result = rbm.train(persistent=persistent, sweeps=2, steps=4000)
    assert -20.5 < result.test < result.train < -17
    assert abs(result.annealed - result.normaliser) < 0.05


def test_boltzmann_machine_before_learning():
    result = rbm.train(steps=0)
    assert -24.8 < result.test < -24.5  # that of independent pixels


def test_autoencoder_bounds():
    result = vae.train(hidden=128, steps=2500, draws=50)
    assert -20 < result.evidence_bound < result.weighted_bound < -16
    assert result.dreams.shape == (8, 64)


def test_flow_is_invertible_and_its_determinant_that_of_the_jacobian():
    result = normalizing_flow.train(layers=6, hidden=16, steps=1000, rate=1e-2)
    assert result.log_likelihood > -1.3 > result.gaussian
    assert result.inverse_error < 1e-6
    assert result.jacobian_error < 1e-8


def test_adversarial_network_covers_the_ring():
    result = gan.train(hidden=64, steps=3000, rate=2e-3)
    assert result.modes >= 7
    assert result.near > 0.35


def test_gradient_of_a_penalty_on_gradients():
    smooth = gc.nn.Sequential(gc.nn.Linear(2, 16, seed=1), gc.tanh, gc.nn.Linear(16, 1, seed=2))
    players = gan.Players(gan.network(gan.NOISE, 16, 2, 0), smooth)
    rng = np.random.default_rng(0)
    points, noise = rng.normal(size=(32, 2)).astype("float32"), rng.normal(size=(32, gan.NOISE)).astype("float32")
    weight = smooth[0].weight
    loss = players.losses(gc.constant(points), gc.constant(noise), penalty=2.0)[1]
    f = gc.compile([], [loss, gc.grad(loss, weight)])
    first, slope = gc.value(weight), f()[1]
    direction, ends = slope / np.linalg.norm(slope), []
    for sign in (1, -1):
        gc.set_value(weight, first + sign * np.float32(0.01) * direction)
        ends.append(f()[0])
    np.testing.assert_allclose((ends[0] - ends[1]) / 0.02, np.linalg.norm(slope), rtol=1e-2)


def test_diffusion_makes_moons():
    result = diffusion.train(hidden=64, steps=1500, rate=5e-3, count=1000)
    assert result.moons < result.samples < 0.01 < result.gaussian
