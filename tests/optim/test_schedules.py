import math

import numpy as np
import pytest

import graphc as gc
from graphc import optim
from graphc.errors import ShapeError

STEPS = 60


def rates(schedule):
    count = gc.input("count", (), "int64")
    f = gc.compile([count], schedule(count), target="reference")
    return np.array([f(n) for n in range(STEPS)])


def torch_rates(make, rate):
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=rate)
    scheduler = make(torch.optim.lr_scheduler, optimizer)
    found = []
    for _ in range(STEPS):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return np.array(found)


FORMULAS = {
    "constant": (optim.constant(0.3), lambda n: 0.3),
    "step": (optim.step_decay(0.3, every=7, factor=0.5), lambda n: 0.3 * 0.5 ** (n // 7)),
    "exponential": (optim.exponential(0.3, factor=0.9, every=3), lambda n: 0.3 * 0.9 ** (n / 3)),
    "line": (optim.polynomial(0.3, steps=20, final=0.1), lambda n: 0.3 - 0.2 * min(n / 20, 1)),
    "power": (optim.polynomial(0.3, steps=20, power=2), lambda n: 0.3 * (1 - min(n / 20, 1)) ** 2),
    "cosine": (
        optim.cosine(0.3, steps=40, final=0.1),
        lambda n: 0.1 + 0.2 * (1 + math.cos(math.pi * min(n / 40, 1))) / 2,
    ),
    "inverse root": (
        optim.inverse_sqrt((512 * 10) ** -0.5, warmup=10),
        lambda n: 512**-0.5 * min((n + 1) ** -0.5, (n + 1) * 10**-1.5),
    ),
    "warm-up": (
        optim.warmup(optim.exponential(0.3, factor=0.9), steps=10),
        lambda n: 0.3 * (n + 1) / 10 if n < 10 else 0.3 * 0.9 ** (n - 10),
    ),
    "piecewise": (
        optim.piecewise([0.3, 0.2, 0.1], boundaries=[5, 20]),
        lambda n: 0.3 if n < 5 else 0.2 if n < 20 else 0.1,
    ),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_rate_is_that_of_the_formula(name):
    schedule, formula = FORMULAS[name]
    np.testing.assert_allclose(rates(schedule), [formula(n) for n in range(STEPS)], rtol=1e-14, atol=1e-15)


def test_one_cycle_is_that_of_torch():
    wanted = torch_rates(lambda s, o: s.OneCycleLR(o, 0.3, total_steps=STEPS + 1, pct_start=0.4), 1)
    found = rates(optim.one_cycle(0.3, steps=STEPS + 1, rise=0.4))
    np.testing.assert_allclose(found, wanted, rtol=1e-10)


def test_cosine_is_that_of_torch():
    wanted = torch_rates(lambda s, o: s.CosineAnnealingLR(o, STEPS), 0.3)
    np.testing.assert_allclose(rates(optim.cosine(0.3, steps=STEPS)), wanted, rtol=1e-10)


def test_an_optimiser_counts_its_steps_for_a_schedule():
    w = gc.parameter("w", 0.0, "float32")
    optimizer = optim.SGD(optim.piecewise([1.0, 10.0], boundaries=[2]))
    step = gc.compile([], None, updates=optimizer.apply([w], [gc.constant(1.0, "float32")]))
    found = []
    for _ in range(4):
        step()
        found.append(float(gc.value(w)))
    assert found == [-1, -2, -12, -22]
    assert gc.value(optimizer.state()["sgd_count"]) == 4


def test_rates_without_boundaries_are_refused():
    with pytest.raises(ShapeError, match="boundaries"):
        optim.piecewise([0.1, 0.2], boundaries=[3, 5])
