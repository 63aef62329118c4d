"""Examples that learn to generate, at a scale of seconds: bounds are weaker than what a full run reaches."""

import pytest

from graphc.examples import rbm


@pytest.mark.parametrize("persistent", [False, True])
def test_boltzmann_machine_by_its_exact_likelihood(persistent):
    result = rbm.train(persistent=persistent, sweeps=2, steps=4000)
    assert -20.5 < result.test < result.train < -17
    assert abs(result.annealed - result.normaliser) < 0.05


def test_boltzmann_machine_before_learning():
    result = rbm.train(steps=0)
    assert -24.8 < result.test < -24.5  # that of independent pixels
