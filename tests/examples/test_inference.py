"""Examples that calculate with probabilities and decisions, at a scale of seconds."""

import numpy as np
import pytest

from graphc.examples import gaussian_mixture, hamiltonian_monte_carlo, value_iteration


def test_value_iteration_solves_bellmans_equation():
    solution = value_iteration.solve()
    np.testing.assert_allclose(solution.values, solution.exact, atol=1e-8)
    assert solution.values[value_iteration.GOAL] == 0
    assert solution.policy[value_iteration.GOAL - 1] == value_iteration.ARROWS.index("→")
    assert 10 < solution.sweeps < 100


def test_expectation_maximisation_is_monotone_and_finds_the_best_mixture():
    curves = gaussian_mixture.by_expectation(steps=60, starts=3)
    assert np.diff(curves, axis=1).min() > -1e-9
    assert curves[:, -1].max() >= -1.2014


def test_the_gradient_finds_the_same_mixture():
    curves = gaussian_mixture.by_gradient(steps=60, starts=1)
    assert curves[:, -1].max() >= -1.2014


@pytest.mark.parametrize("name", hamiltonian_monte_carlo.TARGETS)
def test_moments_of_samples_are_within_their_standard_errors(name):
    target = hamiltonian_monte_carlo.TARGETS[name]
    moments = hamiltonian_monte_carlo.sample(target, samples=400, warmup=100, seed=1)
    assert np.abs(moments.deviations(target)).max() < 4  # of twelve numbers, by chance alone once in a thousand runs
    assert np.all(moments.mean_error < 0.15)
    assert 0.9 < moments.acceptance < 1
