"""Keys: what is made of them is new and independent, and depends on nothing but what it is made of."""

import numpy as np
import pytest

import graphc as gc
from tests.random.sampling import TARGETS, drawn

random = gc.random


def correlation(x, y):
    """In standard deviations of what independent numbers have."""
    return np.corrcoef(x, y)[0, 1] * np.sqrt(len(x))


@pytest.mark.parametrize("target", TARGETS)
def test_the_same_on_all_targets(target):
    key = random.key(42)
    outputs = [random.split(key, 3), random.fold_in(key, 7), random.fold_in(key, -1), random.bits(key, (5,), "uint64")]
    wanted = [drawn(node, "reference") for node in outputs]
    for found, expected in zip(gc.compile([], outputs, target=target)(), wanted):
        np.testing.assert_array_equal(found, expected)


def test_split_does_not_depend_on_the_count():
    few, many = (drawn(random.split(random.key(1), n)) for n in (3, 1000))
    np.testing.assert_array_equal(few, many[:3])
    assert len({tuple(row) for row in many}) == 1000


def test_split_into_as_many_keys_as_a_dimension_has():
    x = gc.input("x", ("n",))
    f = gc.compile([x], random.split(random.key(1), x.shape[0]))
    np.testing.assert_array_equal(f(np.zeros(3, "f4")), drawn(random.split(random.key(1), 3)))


def test_derived_keys_differ_from_each_other_and_from_draws():
    key = random.key(0)
    made = [*drawn(random.split(key, 100)), *(drawn(random.fold_in(key, i)) for i in range(20))]
    words = drawn(random.bits(key, (100,), "uint64")).view("u4").reshape(-1, 2)
    assert len({tuple(row) for row in [*made, *words]}) == 220


def test_fold_in_takes_nodes_and_numbers_of_64_bits():
    i = gc.input("i", (), "int64")
    f = gc.compile([i], random.fold_in(random.key(3), i))
    for number in (0, 5, -1, 2**40):
        np.testing.assert_array_equal(f(number), drawn(random.fold_in(random.key(3), number)))


def test_neighbours_are_not_correlated():
    n = 20_000
    base = drawn(random.uniform(random.key(10), (n,), "float64"))
    others = [
        *(drawn(random.uniform(random.key(seed), (n,), "float64")) for seed in (9, 11, 10 + 2**32, 10 + 2**40)),
        *(drawn(random.uniform(random.fold_in(random.key(10), i), (n,), "float64")) for i in range(3)),
        *(drawn(random.uniform(random.split(random.key(10))[i], (n,), "float64")) for i in range(2)),
    ]
    for other in others:
        assert abs(correlation(base, other)) < 4
        assert abs(correlation(base[1:], other[:-1])) < 4
    for lag in (1, 2, 3, 4, 16, 32):
        assert abs(correlation(base[lag:], base[:-lag])) < 4


def test_each_bit_is_as_often_set_as_not():
    words = drawn(random.bits(random.key(8), (20_000,)))
    counts = ((words[:, None] >> np.arange(32, dtype="u4")) & 1).sum(0, dtype=int)
    assert np.abs(counts - 10_000).max() < 4.5 * np.sqrt(20_000) / 2
    changed = words[1:] ^ words[:-1]
    flips = ((changed[:, None] >> np.arange(32, dtype="u4")) & 1).mean(0)
    assert np.abs(flips - 0.5).max() < 0.02


@pytest.mark.parametrize(
    "wrong, error",
    [
        (0, gc.DTypeError),
        (np.zeros(2), gc.DTypeError),
        (np.zeros(3, "u4"), gc.ShapeError),
        (np.zeros((4, 2), "u4"), gc.ShapeError),
    ],
)
def test_what_is_no_key(wrong, error):
    with pytest.raises(error, match="key") as caught:
        random.normal(wrong, (3,))
    assert "random.key(seed)" in caught.value.help


def test_what_is_no_seed():
    for wrong in (0.5, np.float32(1), True, gc.input("x", (), "float32")):
        with pytest.raises(gc.DTypeError):
            random.key(wrong)
    with pytest.raises(gc.ShapeError):
        random.fold_in(random.key(0), gc.input("i", (3,), "int32"))
