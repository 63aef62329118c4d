"""Philox against its published vectors, and the blocks of draws against Philox."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import graphc as gc
from graphc.interpret import evaluate_nodes
from graphc.random.bits import Blocks
from tests.random.sampling import TARGETS, drawn

# kat_vectors of Random123, philox4x32-10: counter, key, block.
KNOWN = [
    ([0] * 4, [0] * 2, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    (
        [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
        [0xA4093822, 0x299F31D0],
        [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
    ),
]


def philox(counter, key):
    """The block as its authors write it down, on integers of Python."""
    c, k = list(counter), list(key)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & 0xFFFFFFFF, (p0 >> 32) ^ c[3] ^ k[1], p0 & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("dtype", ["uint32", "uint64"])
def test_known_answers(target, dtype):
    words = [gc.input(f"word{i}", ("n",), dtype) for i in range(6)]
    f = gc.compile(words, [gc.philox(*words, word=i) for i in range(4)], target=target)
    given_words = np.array([[*counter, *key] for counter, key, _ in KNOWN], dtype).T
    np.testing.assert_array_equal(np.array(f(*given_words)).T, [block for *_, block in KNOWN])


@given(st.lists(st.integers(0, 2**32 - 1), min_size=6, max_size=6))
@settings(max_examples=50, deadline=None, derandomize=True)
def test_readers_agree_with_the_formula(words):
    nodes = [gc.input(f"word{i}", (), "uint32") for i in range(6)]
    outputs = [gc.philox(*nodes, word=i) for i in range(4)]
    bindings = {node: np.uint32(word) for node, word in zip(nodes, words)}
    for reader in ("numpy", "mpmath"):
        assert [int(x[()]) for x in evaluate_nodes(outputs, bindings, {}, reader=reader)] == philox(
            words[:4], words[4:]
        )


def test_the_counter_is_the_position_the_attempt_and_the_purpose():
    key, shape, attempt = [123, 2**32 - 1], (3, 5), 7
    words = [Blocks(gc.constant(np.array(key, "u4")), shape, attempt).word(i) for i in range(4)]
    found = np.stack([drawn(word) for word in words], -1).reshape(15, 4)
    assert found.tolist() == [philox([position, 0, attempt, 0], key) for position in range(15)]


def test_positions_have_64_bits():
    n = 2**32 + 5
    word = Blocks(gc.random.key(5), (n,)).word(0)[-8:]
    expected = [philox([i & 0xFFFFFFFF, i >> 32, 0, 0], [5, 0])[0] for i in range(n - 8, n)]
    assert drawn(word).tolist() == expected


def test_a_negative_or_long_seed_counts_in_its_lowest_64_bits():
    for seed in (-1, 2**64 - 1, 2**65 - 1):
        assert drawn(gc.random.key(seed)).tolist() == [2**32 - 1] * 2
    seed = gc.input("seed", (), "int64")
    f = gc.compile([seed], gc.random.key(seed))
    for number in (-1, 0, 5 << 40, -(2**63)):
        np.testing.assert_array_equal(f(number), drawn(gc.random.key(number)))
