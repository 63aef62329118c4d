"""Orders, selections and matrices: all orders are as likely, nothing is lost, weights count."""

import itertools

import numpy as np
import pytest
import scipy.stats as stats

import graphc as gc
from tests.random.sampling import SIGNIFICANCE, TARGETS, drawn

random = gc.random


@pytest.mark.parametrize("target", TARGETS)
def test_a_permutation_has_every_number_once(target):
    p = drawn(random.permutation(random.key(0), 1000), target)
    assert p.dtype == np.int64
    np.testing.assert_array_equal(np.sort(p), np.arange(1000))
    np.testing.assert_array_equal(p, drawn(random.permutation(random.key(0), 1000), "reference"))
    assert abs(np.corrcoef(p, np.arange(1000))[0, 1]) < 0.15


def test_all_orders_are_as_likely():
    keys = random.split(random.key(3), 6000)
    orders = drawn(gc.vmap(lambda key: random.permutation(key, 4))(keys))
    number = {order: i for i, order in enumerate(itertools.permutations(range(4)))}
    counts = np.bincount([number[tuple(order)] for order in orders], minlength=24)
    assert stats.chisquare(counts).pvalue > SIGNIFICANCE


def test_permutation_of_a_named_dimension():
    x = gc.input("x", ("n", 2))
    f = gc.compile([x], [random.permutation(random.key(1), x.shape[0]), random.shuffle(random.key(1), x)])
    for n in (0, 1, 7):
        values = np.arange(2.0 * n, dtype="f4").reshape(n, 2)
        order, shuffled = f(values)
        np.testing.assert_array_equal(shuffled, values[order])


def test_shuffle_moves_whole_slices():
    x = np.arange(12).reshape(3, 4)
    rows, columns = (drawn(random.shuffle(random.key(2), x, axis)) for axis in (0, 1))
    assert sorted(map(tuple, rows)) == sorted(map(tuple, x))
    assert sorted(map(tuple, columns.T)) == sorted(map(tuple, x.T))
    with pytest.raises(gc.AxisError):
        random.shuffle(random.key(0), x, 2)


def test_shuffle_has_a_derivative():
    x = gc.parameter("x", np.arange(5.0))
    weights = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    shuffled = random.shuffle(random.key(0), x)
    order, slope = gc.compile([], [shuffled, gc.grad(gc.sum(shuffled * weights), x)])()
    np.testing.assert_array_equal(slope[order.astype(int)], weights)


def test_choice_with_replacement():
    key = random.key(4)
    x = drawn(random.choice(key, 5, (20_000,)))
    assert stats.chisquare(np.bincount(x, minlength=5)).pvalue > SIGNIFICANCE
    p = np.array([0.0, 0.1, 0.0, 0.5, 0.4, 0.0])
    x = drawn(random.choice(key, 6, (20_000,), p=p))
    assert set(x) == {1, 3, 4}
    assert stats.chisquare(np.bincount(x)[[1, 3, 4]], p[[1, 3, 4]] * 20_000).pvalue > SIGNIFICANCE
    table = np.arange(20.0).reshape(4, 5)
    picked = drawn(random.choice(key, table, (2, 3), axis=1))
    assert picked.shape == (4, 2, 3) and set(picked[0].ravel()) <= set(table[0])


def test_choice_without_replacement():
    keys = random.split(random.key(5), 4000)
    p = np.array([0.5, 0.3, 0.2, 0.0])
    pairs = drawn(gc.vmap(lambda key: random.choice(key, 4, (2,), replace=False, p=p))(keys))
    assert (pairs[:, 0] != pairs[:, 1]).all() and pairs.max() == 2
    expected = {(i, j): p[i] * p[j] / (1 - p[i]) for i in range(3) for j in range(3) if i != j}
    counts = [np.count_nonzero((pairs == pair).all(1)) for pair in expected]
    assert stats.chisquare(counts, np.array([*expected.values()]) * 4000).pvalue > SIGNIFICANCE
    alike = drawn(random.choice(random.key(0), 50, (5, 10), replace=False))
    np.testing.assert_array_equal(np.sort(alike.ravel()), np.arange(50))


def test_wrong_choices():
    key = random.key(0)
    with pytest.raises(gc.ShapeError, match="7 of 6 elements cannot be different"):
        random.choice(key, 6, (7,), replace=False)
    with pytest.raises(gc.ShapeError, match="6 elements need as many probabilities"):
        random.choice(key, 6, p=np.ones(5))


def test_orthogonal_matrices():
    q = drawn(random.orthogonal(random.key(0), 3, (3000,), "float64"))
    np.testing.assert_allclose(q @ q.mT, np.broadcast_to(np.eye(3), q.shape), atol=1e-13)
    assert np.abs(q.mean(0)).max() < 0.05 and abs((np.linalg.det(q) > 0).mean() - 0.5) < 0.05
    # A coordinate of a uniform point of the sphere is uniform (Archimedes).
    for i, j in ((0, 0), (1, 2), (2, 2)):
        assert stats.kstest((q[:, i, j] + 1) / 2, "uniform").pvalue > SIGNIFICANCE
