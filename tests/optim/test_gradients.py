import numpy as np
import pytest

import graphc as gc
from graphc import optim
from graphc.errors import GraphError

RNG = np.random.default_rng(0)
GRADIENTS = [RNG.normal(size=(3, 4)), RNG.normal(size=5)]


def evaluated(nodes):
    return gc.compile([], nodes, target="reference")()


@pytest.mark.parametrize("limit", [0.5, 100.0])
def test_clipping_by_the_global_norm_is_that_of_torch(limit):
    torch = pytest.importorskip("torch")
    tensors = [torch.zeros(g.shape, dtype=torch.float64, requires_grad=True) for g in GRADIENTS]
    for tensor, g in zip(tensors, GRADIENTS):
        tensor.grad = torch.tensor(g)
    norm = torch.nn.utils.clip_grad_norm_(tensors, limit)
    found = evaluated([optim.global_norm(list(map(gc.constant, GRADIENTS)))])
    np.testing.assert_allclose(found[0], norm.numpy(), rtol=1e-14)
    for got, tensor in zip(evaluated(optim.clip_by_global_norm(list(map(gc.constant, GRADIENTS)), limit)), tensors):
        np.testing.assert_allclose(got, tensor.grad.numpy(), rtol=1e-5)  # torch divides by the norm + 1e-6


def test_gradients_of_zero_stay_zero_when_clipped():
    assert (evaluated(optim.clip_by_global_norm([gc.zeros(3)], 1.0))[0] == 0).all()


def test_clipping_by_value():
    (found,) = evaluated(optim.clip_by_value([gc.constant(GRADIENTS[1])], 0.3))
    np.testing.assert_array_equal(found, np.clip(GRADIENTS[1], -0.3, 0.3))


def test_weight_decay_is_the_gradient_of_a_penalty():
    w = gc.parameter("w", GRADIENTS[1])
    loss = gc.sum(gc.sin(w))
    decayed = optim.add_weight_decay([gc.grad(loss, w)], [w], 0.3)
    np.testing.assert_allclose(*evaluated([decayed[0], gc.grad(loss + 0.15 * gc.sum(w**2), w)]), rtol=1e-14)


def quadratic(x, w):
    return gc.mean((x - w) ** 2)


@pytest.mark.parametrize("make", [lambda: optim.SGD(0.1, momentum=0.9), lambda: optim.Adam(0.1)])
def test_small_batches_add_up_to_a_large_one(make):
    data = RNG.normal(size=(5, 4, 3))
    x = gc.input("x", ("n", 3), "float64")
    whole, parts = gc.parameter("w", np.zeros(3)), gc.parameter("w", np.zeros(3))
    step = gc.compile([x], None, updates=make().updates(quadratic(x, whole), [whole]))
    optimizer = optim.Accumulate(make(), 2)
    part = gc.compile([x], None, updates=optimizer.updates(quadratic(x, parts), [parts]))
    for batch in data:
        step(batch)
        before = gc.value(parts)
        part(batch[:2])
        assert (gc.value(parts) == before).all()
        part(batch[2:])
        np.testing.assert_allclose(gc.value(parts), gc.value(whole), rtol=1e-13)
    assert gc.value(optimizer.state()["accumulate_count"]) == 10


def averaged(average, steps=20):
    w = gc.parameter("w", np.array([3.0, -1.0]))
    updates = average.updates(optim.SGD(0.1).updates(gc.sum(w**2), [w]), [w])
    step = gc.compile([], None, updates=updates)
    path = [gc.value(w)]
    for _ in range(steps):
        step()
        path.append(gc.value(w))
    return w, np.array(path)


def test_exponential_average():
    average = optim.ExponentialAverage(0.8)
    w, path = averaged(average)
    wanted = path[0]
    for value in path[1:]:
        wanted = 0.8 * wanted + 0.2 * value
    np.testing.assert_allclose(gc.value(average.values[w]), wanted, rtol=1e-13)
    predict = gc.compile([], w * 2, givens=average.values)
    np.testing.assert_allclose(predict(), 2 * wanted, rtol=1e-13)


def test_polyak_average_is_the_mean_of_the_path():
    average = optim.PolyakAverage()
    w, path = averaged(average)
    np.testing.assert_allclose(gc.value(average.values[w]), path[1:].mean(axis=0), rtol=1e-13)
    assert set(average.state()) == {"polyak_count", "w.polyak"}


def test_what_is_not_updated_has_no_average():
    w, other = gc.parameter("w", 1.0), gc.parameter("other", 1.0)
    with pytest.raises(GraphError, match="no update to average"):
        optim.PolyakAverage().updates(optim.SGD(0.1).updates(w**2, [w]), [other])
