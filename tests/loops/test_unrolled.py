"""A loop means what its steps mean, written one after the other: values and derivatives of random bodies."""

from functools import partial

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


# --- loops and branches in bodies ---


def step_of(program, pool, unroll):
    """The values of a program over a pool; loops and branches are written out if `unroll` says so."""
    pool = list(pool)
    for kind, *rest in program:
        if kind in ACTIONS:
            i, j = rest
            pool.append(gc.tanh(ACTIONS[kind](pool[i % len(pool)], pool[j % len(pool)])))
        else:
            body, i, j, count, options = rest
            a, b, outer = pool[i % len(pool)], pool[j % len(pool)], list(pool)
            inner = partial(inner_values, body, outer, unroll)
            pool += (UNROLLED if unroll else NESTED)[kind](inner, a, b, count, options)
    return pool


def inner_values(body, outer, unroll, *own):
    return step_of(body, [*own, *outer], unroll)


def nested_scan(inner, a, b, count, options):
    xs = gc.stack([a * 0.3 * (t + 1) for t in range(count)])
    body = pair_step(inner)
    (c, d), rows = gc.scan(body, (a, b), xs, reverse=options == 1, checkpoint=[None, None, 1, 2][options])
    return [c, d, gc.tanh(gc.sum(rows, axis=0))]


def unrolled_scan(inner, a, b, count, options):
    xs, carry, rows, body = [a * 0.3 * (t + 1) for t in range(count)], (a, b), [], pair_step(inner)
    for x in reversed(xs) if options == 1 else xs:
        carry, row = body(carry, x)
        rows.append(row)
    return [*carry, gc.tanh(gc.sum(gc.stack(rows), axis=0))]


def pair_step(inner):
    def body(carry, x):
        values = inner(*carry, x)
        return (values[-1], values[-2] * 0.7), values[len(values) // 2]

    return body


def nested_while(inner, a, b, count, options):
    return [gc.while_loop(lambda c: gc.sum(c) > gc.sum(b) - 0.5, lambda c: inner(c)[-1], a, max_steps=count)]


def unrolled_while(inner, a, b, count, options):
    c, goes_on = a, gc.constant(True)
    for _ in range(count):
        goes_on = gc.logical_and(goes_on, gc.sum(c) > gc.sum(b) - 0.5)
        c = gc.where(goes_on, inner(c)[-1], c)
    return [c]


def nested_until(inner, a, b, count, options):
    def body(c, _):
        new = inner(c)[-1]
        return new, new * 2, gc.sum(new) < gc.sum(b)

    last, rows, _ = gc.scan(body, a, length=count, until=True)
    return [last, gc.tanh(gc.sum(rows, axis=0))]


def unrolled_until(inner, a, b, count, options):
    c, total, goes_on = a, gc.zeros((SIZE,), dtype="float64"), gc.constant(True)
    for _ in range(count):
        new = inner(c)[-1]
        c, total = gc.where(goes_on, new, c), total + gc.where(goes_on, new * 2, 0)
        goes_on = gc.logical_and(goes_on, gc.logical_not(gc.sum(new) < gc.sum(b)))
    return [c, gc.tanh(total)]


NESTED = {
    "scan": nested_scan,
    "while": nested_while,
    "until": nested_until,
    "cond": lambda inner, a, b, *_: [gc.cond(a[0] > b[1], lambda x: inner(x)[-1], lambda x: inner(b)[-2], a)],
    "map": lambda inner, a, b, *_: [gc.sum(gc.map(lambda x: inner(x)[-1], gc.stack([a, b])), axis=0)],
    "vmap": lambda inner, a, b, *_: [gc.sum(gc.vmap(lambda x: inner(x)[-1])(gc.stack([a, b])), axis=0)],
}
UNROLLED = {
    "scan": unrolled_scan,
    "while": unrolled_while,
    "until": unrolled_until,
    "cond": lambda inner, a, b, *_: [gc.where(a[0] > b[1], inner(a)[-1], inner(b)[-2])],
    "map": lambda inner, a, b, *_: [inner(a)[-1] + inner(b)[-1]],
    "vmap": lambda inner, a, b, *_: [inner(a)[-1] + inner(b)[-1]],
}
NUMBER = st.integers(0, 9)
PLAIN = st.tuples(st.sampled_from(sorted(ACTIONS)), NUMBER, NUMBER)


def programs(inner):
    loop = st.tuples(st.sampled_from(sorted(NESTED)), inner, NUMBER, NUMBER, st.integers(1, 3), st.integers(0, 3))
    return st.tuples(PLAIN, loop, PLAIN).map(list)


@settings(max_examples=8, deadline=None)
@given(program=programs(programs(st.lists(PLAIN, min_size=1, max_size=3))), seed=st.integers(0, 9))
def test_loops_in_loops_are_their_steps(program, seed):
    x, w = gc.input("x", (SIZE,), "float64"), gc.input("w", (SIZE,), "float64")
    v = gc.input("v", (SIZE,), "float64")
    found = []
    for unroll in (False, True):
        values = step_of(program, [x, w], unroll)
        cost = sum((gc.sum(y**2) for y in values[-3:]), gc.sum(x * w))
        slope = gc.grad(cost, x)
        found.append([cost, slope, gc.grad(cost, w), gc.jvp(cost, x, v), gc.jvp(gc.sum(slope * v), w, v)])
    draws = np.random.default_rng(seed)
    arrays = [draws.normal(size=SIZE) for _ in range(3)]
    wanted = gc.compile([x, w, v], found[1], target="reference", passes="")(*arrays)
    for target, passes in (("llvm", "default"), ("reference", "")):
        for y, right in zip(
            gc.compile([x, w, v], found[0], target=target, passes=passes)(*arrays), wanted, strict=True
        ):
            np.testing.assert_allclose(y, right, rtol=1e-8, atol=1e-10)
