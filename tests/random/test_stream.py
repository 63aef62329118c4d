"""Streams: other numbers at each call and for each draw, and the same again from a saved state."""

import numpy as np
import pytest

import graphc as gc
from tests.random.sampling import TARGETS

random = gc.random


@pytest.mark.parametrize("target", TARGETS)
def test_calls_and_draws_differ(target):
    stream = random.Stream(3)
    f = gc.compile([], [stream.normal((4,)), stream.normal((4,))], target=target)
    numbers = np.concatenate([x for _ in range(5) for x in f()])
    assert len(np.unique(numbers)) == 40
    assert stream.state().tolist() == [3, 5]


def test_the_same_numbers_on_all_targets():
    def numbers(target):
        stream = random.Stream(8)
        f = gc.compile([], [stream.uniform((4,)), stream.bits((3,))], target=target)
        return [x for _ in range(3) for x in f()]

    for found, expected in zip(numbers("llvm"), numbers("reference")):
        np.testing.assert_array_equal(found, expected)


def test_the_state_is_saved_and_restored():
    stream = random.Stream(0)
    f = gc.compile([], stream.normal((5,)))
    f()
    state = stream.state()
    first = [f(), f()]
    stream.restore(state)
    np.testing.assert_array_equal([f(), f()], first)
    other = random.Stream(99)
    g = gc.compile([], other.normal((5,)))
    other.restore(state)
    np.testing.assert_array_equal(g(), first[0])
    with pytest.raises(gc.ShapeError):
        stream.restore([1, 2, 3])


def test_seeds_differ():
    def number(seed):
        return gc.compile([], random.Stream(seed).bits((), "uint64"))()

    assert len({int(number(seed)) for seed in (0, 1, 2, -1, 2**40)}) == 5
    with pytest.raises(gc.DTypeError, match="seed"):
        random.Stream("tomorrow")


def test_functions_share_a_stream():
    stream = random.Stream(1)
    draw = stream.normal((3,))
    f, g = gc.compile([], draw), gc.compile([], draw * 1.0)
    assert len(np.unique([f(), g(), f(), g()])) == 12
    assert stream.state()[1] == 4


def test_one_draw_is_one_value_within_a_call():
    x = gc.input("x", (3,), "float64")
    w = gc.parameter("w", np.ones(3))
    kept = random.Stream(0).bernoulli(0.5, (3,))
    loss = gc.sum(gc.where(kept, w * x, 0))
    f = gc.compile([x], [kept, gc.grad(loss, w)], updates={w: w - gc.grad(loss, w)})
    for _ in range(5):
        before = gc.value(w)
        mask, slope = f(np.ones(3))
        np.testing.assert_array_equal(slope, mask.astype(float))
        np.testing.assert_array_equal(gc.value(w), before - slope)


def test_a_call_that_fails_draws_the_same_again():
    x, i = gc.input("x", (3,)), gc.input("i", (), "int64")
    stream = random.Stream(0)
    f = gc.compile([x, i], gc.take(x, i) + stream.normal(()))
    with pytest.raises(gc.IndexOutOfBounds):
        f(np.zeros(3, "f4"), 5)
    assert stream.state()[1] == 0
    f(np.zeros(3, "f4"), 0)
    assert stream.state()[1] == 1


def test_an_update_of_its_own_goes_before():
    stream = random.Stream(0)
    f = gc.compile([], stream.normal((3,)), updates={stream.parameter: stream.parameter})
    np.testing.assert_array_equal(f(), f())


def test_parameters_advance_by_themselves():
    calls = gc.parameter("calls", 0, advance=lambda n: n + 1)
    total = gc.parameter("total", 0, advance=lambda t: t + 10 * calls)
    f, g = gc.compile([], total * 1), gc.compile([], calls * 2)
    unrelated = gc.compile([gc.input("x", ())], gc.input("x", ()) + 1)
    assert [f().item(), g().item(), f().item(), f().item()] == [0, 2, 0, 20]
    unrelated(1.0)
    assert gc.value(calls) == 4 and gc.value(total) == 50


def test_an_advance_must_fit():
    with pytest.raises(gc.DTypeError, match="new value of 'calls'"):
        gc.compile([], gc.parameter("calls", 0, advance=lambda n: n * 0.5))


def test_every_draw_is_a_method():
    functions = {"Stream", "key", "split", "fold_in", "score_function", "straight_through"}  # that are no draws
    for name in set(random.__all__) - functions:
        assert callable(getattr(random.Stream, name)), name


def test_a_loop_does_not_repeat_a_draw():
    stream = random.Stream(0)
    with pytest.raises(gc.GraphError, match="same numbers each time") as caught:
        gc.scan(lambda c, _: (c + stream.normal(()), None), np.float32(0), length=5)
    assert "split(stream.key(), n)" in caught.value.help
    with pytest.raises(gc.GraphError, match="condition of a loop"):
        gc.while_loop(lambda x: stream.uniform(()) < x, lambda x: x / 2, np.float32(1))
    with pytest.raises(gc.GraphError, match="mapped over a batch"):
        gc.vmap(lambda x: x + stream.normal(()))(gc.input("x", (3,)))
    stream.normal(())  # and after the error everything is as before


@pytest.mark.parametrize("target", TARGETS)
def test_keys_go_through_loops(target):
    stream = random.Stream(0)
    keys = random.split(stream.key(), 6)
    _, walked = gc.scan(lambda c, key: (c, random.normal(key, (2,))), None, keys)
    mapped = gc.vmap(lambda key: random.normal(key, (2,)))(keys)
    counted = gc.fori_loop(0, 6, lambda i, total: total + random.normal(random.fold_in(keys[0], i), ()), np.float32(0))
    f = gc.compile([], [walked, mapped, counted], target=target)
    first, second = f(), f()
    assert len(np.unique([*first[0].ravel(), *second[0].ravel()])) == 24
    np.testing.assert_allclose(first[0], first[1], rtol=1e-6)
    alone = [random.normal(random.fold_in(keys[0], i), ()) for i in range(6)]
    stream.restore([0, 0])
    np.testing.assert_allclose(first[2], np.sum(gc.compile([], alone, target=target)()), rtol=1e-5)


def test_branches_draw():
    stream = random.Stream(0)
    flag = gc.input("flag", (), "bool")
    f = gc.compile([flag], gc.cond(flag, lambda: stream.normal((3,)), lambda: stream.uniform((3,)) + 10))
    assert f(True).max() < 6 < f(False).min()
