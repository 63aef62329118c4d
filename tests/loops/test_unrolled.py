"""A loop means what its steps mean, written one after the other: values and derivatives of random bodies."""

import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings

import graphc as gc

STEPS, SIZE = 4, 3

ACTIONS = {
    "add": lambda a, b: a + b,
    "multiply": lambda a, b: a * b,
    "sin": lambda a, b: gc.sin(a),
    "tanh": lambda a, b: gc.tanh(a - b),
    "where": lambda a, b: gc.where(a > b, a * 0.5, b),
    "maximum": lambda a, b: gc.maximum(a, b),
    "mean": lambda a, b: a - gc.mean(b),
    "reverse": lambda a, b: gc.flip(a) * b,
    "shift": lambda a, b: gc.concat([b[1:], a[:1]]),
    "outer": lambda a, b: (a[:, None] * b[None, :]) @ a,
    "softmax": lambda a, b: gc.exp(a) / gc.sum(gc.exp(a)) * b,
    "take": lambda a, b: gc.take(a, gc.constant([2, 0, 0])) - b,
}

PROGRAMS = st.lists(
    st.tuples(st.sampled_from(sorted(ACTIONS)), st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=7
)


def body_of(program, w):
    """A step of two carries and a slice, which also reads a vector from outside."""

    def body(carry, x):
        pool = [*carry, x, w]
        for action, i, j in program:
            value = ACTIONS[action](pool[i % len(pool)], pool[j % len(pool)])
            pool.append(gc.tanh(value))  # so that nothing grows
        return (pool[-1], pool[-2] * 0.7), pool[len(pool) // 2]

    return body


def unrolled(body, carry, x):
    rows = []
    for t in range(STEPS):
        carry, row = body(carry, x[t])
        rows.append(row)
    return carry, gc.stack(rows)


@settings(max_examples=25, deadline=None)
@given(program=PROGRAMS, reverse=st.booleans(), seed=st.integers(0, 9))
def test_a_scan_is_its_steps(program, reverse, seed):
    x = gc.input("x", (STEPS, SIZE), "float64")
    start, w = gc.input("start", (SIZE,), "float64"), gc.input("w", (SIZE,), "float64")
    body = body_of(program, w)
    (a, b), rows = gc.scan(body, (start, start * 0.5), x, reverse=reverse)
    (c, d), expected = unrolled(body, (start, start * 0.5), gc.flip(x, axis=0) if reverse else x)
    if reverse:
        expected = gc.flip(expected, axis=0)
    costs = [gc.sum(rows**2) + gc.sum(a * w) + gc.sum(b), gc.sum(expected**2) + gc.sum(c * w) + gc.sum(d)]
    outputs = [[first, *gc.grad(first, [x, start, w])] for first in costs]
    values = np.random.default_rng(seed)
    arrays = [values.normal(size=s) for s in ((STEPS, SIZE), (SIZE,), (SIZE,))]
    results = gc.compile([x, start, w], [*outputs[0], *outputs[1], a, c, rows, expected])(*arrays)
    for found, wanted in zip(results[:4], results[4:8], strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(results[8], results[9], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(results[10], results[11], rtol=1e-12, atol=1e-14)


@settings(max_examples=10, deadline=None)
@given(program=PROGRAMS, seed=st.integers(0, 9))
def test_targets_agree_on_loops(program, seed):
    x = gc.input("x", ("n", SIZE), "float32")
    start, w = gc.input("start", (SIZE,), "float32"), gc.input("w", (SIZE,), "float32")
    (a, b), rows = gc.scan(body_of(program, w), (start, start), x)
    cost = gc.sum(rows**2) + gc.sum(a * b)
    outputs = [a, rows, *gc.grad(cost, [x, start, w])]
    values = np.random.default_rng(seed)
    arrays = [values.normal(size=s).astype("float32") for s in ((5, SIZE), (SIZE,), (SIZE,))]
    for found, wanted in zip(
        gc.compile([x, start, w], outputs)(*arrays),
        gc.compile([x, start, w], outputs, target="reference")(*arrays),
        strict=True,
    ):
        np.testing.assert_allclose(found, wanted, rtol=2e-4, atol=2e-5)
