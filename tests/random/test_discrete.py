"""Discrete draws: frequencies against probabilities, ends of ranges, and agreement of targets."""

import numpy as np
import pytest
import scipy.stats as stats

import graphc as gc
from graphc.random.bits import Blocks
from tests.random.sampling import SIGNIFICANCE, TARGETS, drawn

random = gc.random
N = 20_000


def assert_frequencies(values, probabilities):
    counts = np.bincount(values, minlength=len(probabilities))
    expected = np.asarray(probabilities) * len(values)
    likely = expected > 5
    assert counts[expected == 0].sum() == 0
    rest = counts[~likely].sum(), expected[~likely].sum()
    assert abs(rest[0] - rest[1]) < 6 * np.sqrt(rest[1] + 1)
    if likely.sum() < 2:
        return
    scaled = expected[likely] * counts[likely].sum() / expected[likely].sum()
    assert stats.chisquare(counts[likely], scaled).pvalue > SIGNIFICANCE


@pytest.mark.parametrize("target", TARGETS)
def test_the_same_on_all_targets(target):
    key = random.key(5)
    draws = [
        random.bernoulli(key, 0.3, (40,)),
        random.rademacher(key, (40,)),
        random.randint(key, -5, 1000, (40,), "int16"),
        random.categorical(key, np.log(np.arange(1.0, 6.0)), shape=(40,)),
    ]
    for found, node in zip(gc.compile([], draws, target=target)(), draws):
        np.testing.assert_array_equal(found, drawn(node, "reference"))


@pytest.mark.parametrize("p", [0.0, 1e-3, 0.3, 0.5, 0.999, 1.0])
def test_bernoulli(p):
    x = drawn(random.bernoulli(random.key(0), p, (N,)))
    assert x.dtype == bool
    assert_frequencies(x.astype(int), [1 - p, p])


def test_bernoulli_of_tiny_probabilities():
    n = 1 << 22
    p = 3e-6
    total = drawn(gc.sum(random.bernoulli(random.key(0), np.float32(p), (n,))))
    assert stats.binomtest(int(total), n, p).pvalue > SIGNIFICANCE


def test_bernoulli_of_every_dtype_and_shape():
    for dtype in ("bool", "float16", "float32", "float64"):
        assert drawn(random.bernoulli(random.key(0), np.array([0, 1], dtype))).tolist() == [False, True]
    assert random.bernoulli(random.key(0), gc.input("p", (3, 1)), (2, 3, 4)).shape == (2, 3, 4)


def test_rademacher():
    for dtype in ("float32", "int8", "bfloat16"):
        x = drawn(random.rademacher(random.key(0), (N,), dtype))
        assert x.dtype == gc.types.as_dtype(dtype).numpy
        assert_frequencies((x.astype(int) + 1) // 2, [0.5, 0.5])
    with pytest.raises(gc.DTypeError, match="no -1"):
        random.rademacher(random.key(0), (3,), "uint8")


@pytest.mark.parametrize("low, high, dtype", [(0, 10, "int64"), (-3, 4, "int8"), (250, 255, "uint8"), (5, 6, "int32")])
def test_randint(low, high, dtype):
    x = drawn(random.randint(random.key(1), low, high, (N,), dtype))
    assert x.dtype == dtype
    assert_frequencies(x.astype(int) - low, [1 / (high - low)] * (high - low))


@pytest.mark.parametrize(
    "low, high, dtype",
    [(-(2**63), 2**63 - 1, "int64"), (0, 2**64 - 1, "uint64"), (0, 3 << 61, "int64"), (-7, 2**33 + 12345, "int64")],
)
def test_randint_of_long_ranges(low, high, dtype):
    x = drawn(random.randint(random.key(1), low, high, (N,), dtype))
    assert int(x.min()) >= low and int(x.max()) < high
    shares = (x.astype(object) - low) / (high - low)
    assert stats.kstest(shares.astype(float), "uniform").pvalue > SIGNIFICANCE
    low_digits = (x.astype(object) % 7).astype(int)
    assert_frequencies(low_digits, [1 / 7] * 7)


def test_randint_is_a_long_multiplication():
    key, n = random.key(4), 200
    words = [drawn(Blocks(key, (n,)).word(i)) for i in range(4)]
    for span in (1, 10, 2**32 - 1, 2**32, 2**32 + 1, 2**63 - 1):
        found = drawn(random.randint(key, 0, span, (n,)))
        for i, x in enumerate(found):
            bits = sum(int(words[j][i]) << 32 * (3 - j) for j in range(4))
            assert int(x) == bits * span >> 128


def test_limits_may_be_nodes():
    low, high = gc.input("low", (2, 1), "int32"), gc.input("high", (3,), "int32")
    draw = random.randint(random.key(0), low, high)
    f = gc.compile([low, high], draw)
    x = f(np.array([[0], [-9]], "i4"), np.array([1, 5, 9], "i4"))
    assert x.shape == (2, 3) and (x[:, 0] < 1).all() and (x >= [[0], [-9]]).all() and (x < [1, 5, 9]).all()


def test_wrong_limits():
    key = random.key(0)
    with pytest.raises(gc.GraphError, match="no integer"):
        random.randint(key, 3, 3)
    with pytest.raises(gc.DTypeError, match="limits are integers"):
        random.randint(key, 0.0, 1.5)
    with pytest.raises(gc.DTypeError, match="may not fit"):
        random.randint(key, 0, gc.input("n", (), "uint64"), dtype="int64")
    with pytest.raises(gc.DTypeError, match="integers, not float32"):
        random.randint(key, 0, 5, dtype="float32")


def test_categorical():
    p = np.array([0.1, 0.0, 0.2, 0.3, 0.4])
    with np.errstate(divide="ignore"):
        x = drawn(random.categorical(random.key(0), np.log(p), shape=(N,)))
    assert_frequencies(x, p)
    logits = gc.input("logits", (5, "n"))
    assert random.categorical(random.key(0), logits, axis=0).shape == logits.shape[1:]
    assert random.categorical(random.key(0), np.zeros((3, 5)), shape=(4, 3)).shape == (4, 3)
    with pytest.raises(gc.ShapeError):
        random.categorical(random.key(0), 1.0)


def test_categorical_of_short_floats_is_not_coarse():
    p = np.array([0.4, 0.3, 0.2, 0.1])
    logits = np.log(p).astype(gc.bfloat16.numpy)
    exact = np.exp(logits.astype("f8"))
    x = drawn(random.categorical(random.key(0), logits, shape=(4 * N,)))
    assert_frequencies(x, exact / exact.sum())
