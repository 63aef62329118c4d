"""Bugs as users make them: `nan_origin` tells the line from values, diagnostics tell it from the formula alone."""

import numpy as np
import pytest

import graphc as gc

f32 = np.float32


def line_of(node):
    """The number of the line that made a node."""
    return node.source.line


def origin(f, *args, **keywords):
    found = f.nan_origin(*args, **keywords)
    return found.origin, str(found)


def diagnosed(f, kind):
    """The line of the only diagnostic of a kind."""
    (found,) = [each for each in f.diagnostics if each.kind == kind]
    assert found.remains
    return line_of(found.node), found


def test_logarithm_of_0():
    p, y = gc.input("p", shape=("n",)), gc.input("y", shape=("n",))
    logs = gc.log(p)
    f = gc.compile([p, y], -gc.mean(y * logs))
    found, text = origin(f, np.array([0.5, 0], f32), np.ones(2, f32))
    assert found.node.op.name == "log"
    assert found.index == (1,)
    assert line_of(found.node) == line_of(logs)
    assert "%p is 0.0" in text
    assert diagnosed(f, "domain")[0] == line_of(logs)


def test_shares_of_nothing():
    a = gc.input("a", shape=("n",))
    shares = a / gc.sum(a)
    f = gc.compile([a], shares)
    found, _ = origin(f, np.zeros(3, f32))
    assert np.isnan(found.value)
    assert line_of(found.node) == line_of(shares)
    line, diagnostic = diagnosed(f, "division")
    assert line == line_of(shares)
    assert "division by gc.sum(a), which can be 0" in diagnostic.text


def test_slope_of_a_root_at_0():
    b = gc.input("b", shape=("n",))
    roots = gc.sqrt(gc.abs(b))
    cost = gc.sum(roots)
    f = gc.compile([b], gc.grad(cost, b))
    found, text = origin(f, np.array([1, 0], f32))
    assert line_of(found.node) == line_of(roots)
    assert f"backward of sqrt at test_typical_bugs.py:{line_of(roots)}   roots = gc.sqrt" in text
    line, diagnostic = diagnosed(f, "division")
    assert line == line_of(roots)
    assert "the derivative of sqrt is infinite where gc.abs(b) is 0" in diagnostic.text


def test_overflow_in_step_57_of_a_recurrence():
    s = gc.input("s", shape=("t",))
    lines = []

    def step(h, v):
        grown = gc.exp(v)
        lines.append(line_of(grown))
        return h + grown, None

    last, _ = gc.scan(step, gc.zeros((), dtype="float32"), s)
    f = gc.compile([s], last)
    values = np.zeros(100, f32)
    values[57] = 100
    found, text = origin(f, values)
    assert "in iteration 57 of a scan" in text
    assert line_of(found.node) in lines
    line, diagnostic = diagnosed(f, "overflow")
    assert line in lines
    assert "exp may overflow in f32 where %s[step] > 88.72" in diagnostic.text
    assert 'gc.input("s"' in diagnostic.remedy


def test_a_state_that_each_step_multiplies():
    w = gc.parameter("w", 3 * np.eye(4, dtype=f32))
    xs = gc.input("xs", shape=("t", 4))
    lines = []

    def step(h, u):
        new = h @ w + u
        lines.append(line_of(new))
        return new, None

    last, _ = gc.scan(step, gc.zeros((4,), dtype="float32"), xs)
    f = gc.compile([xs], last)
    found, text = origin(f, np.ones((200, 4), f32))
    assert "in iteration 81 of a scan" in text
    assert line_of(found.node) in lines
    line, diagnostic = diagnosed(f, "overflow")
    assert line in lines
    assert "each step multiplies it by %w" in diagnostic.text


@pytest.mark.parametrize("factor", [0.9, lambda v: gc.tanh(v)])
def test_a_state_that_does_not_grow(factor):
    xs = gc.input("xs", shape=("t",))

    def step(h, u):
        return h * (factor(u) if callable(factor) else factor) + u, None

    last, _ = gc.scan(step, gc.zeros((), dtype="float32"), xs)
    assert gc.compile([xs], last).diagnostics == []


def test_a_learning_rate_that_is_too_large():
    w = gc.parameter("w", np.array([3.0], f32))
    t = gc.input("t", shape=(1,))
    error = w * w * w * w - t
    cost = gc.sum(error * error)
    f = gc.compile([t], cost, updates={w: w - 100 * gc.grad(cost, w)})
    one = np.ones(1, f32)
    while np.isfinite(gc.value(w)).all():
        before = gc.value(w)
        f(one)
    found = f.nan_origin(one)
    assert found.given == ("%w",)
    assert "%w is not finite as it was given" in str(found)
    gc.set_value(w, before)
    found, text = origin(f, one)
    assert found.value in (np.inf, -np.inf)
    assert "test_typical_bugs.py" in text


def test_softmax_of_a_row_that_is_masked_entirely():
    scores, mask = gc.input("scores", shape=("n", 4)), gc.input("mask", shape=("n", 4), dtype="bool")
    e = gc.where(mask, gc.exp(scores), 0.0)
    total = gc.sum(e, axis=1, keepdims=True)
    shares = e / total
    f = gc.compile([scores, mask], shares, semantics="ieee")
    found, _ = origin(f, np.ones((2, 4), f32), np.array([[1, 1, 0, 0], [0, 0, 0, 0]], bool))
    assert found.index == (1, 0)
    assert line_of(found.node) == line_of(shares)
    assert diagnosed(f, "division")[0] == line_of(shares)
    repaired = [each for each in gc.compile([scores, mask], shares).diagnostics if each.kind == "division"]
    assert [each.repaired_by for each in repaired] == ["softmax_of_exponentials"]


def test_deviation_of_one_number():
    c = gc.input("c", shape=("n",))
    spread = gc.std(c)
    scaled = (c - gc.mean(c)) / spread
    f = gc.compile([c], scaled)
    found, _ = origin(f, np.ones(1, f32))
    assert np.isnan(found.value)
    assert line_of(found.node) == line_of(scaled)
    line, diagnostic = diagnosed(f, "division")
    assert line == line_of(scaled)
    assert "%spread" in diagnostic.text
    deviation = gc.std(c, correction=1)
    found, _ = origin(gc.compile([c], deviation), np.ones(1, f32))
    assert line_of(found.node) == line_of(deviation)


def test_a_cosine_that_is_rounded_beyond_1():
    u, v = gc.input("u", shape=(3,)), gc.input("v", shape=(3,))
    cosine = gc.sum(u * v) / (gc.sqrt(gc.sum(u * u)) * gc.sqrt(gc.sum(v * v)))
    angle = gc.acos(cosine)
    f = gc.compile([u, v], [cosine, angle], semantics="ieee")
    rng = np.random.default_rng(0)
    q = next(q for q in rng.normal(size=(1000, 3)).astype(f32) if f(q, q)[0] > 1)
    found, _ = origin(f, q, q)
    assert found.node.op.name == "acos"
    assert line_of(found.node) == line_of(angle)
    line, diagnostic = diagnosed(f, "domain")
    assert line == line_of(angle)
    assert "acos of %cosine, which can be less than -1 or greater than 1" in diagnostic.text
    assert "gc.assume((cosine >= -1) & (cosine <= 1))" in diagnostic.remedy


def test_infinity_less_infinity_in_a_mask():
    scores, mask = gc.input("logits", shape=("n", 4)), gc.input("visible", shape=("n", 4), dtype="bool")
    masked = gc.where(mask, scores, -gc.inf)
    shifted = masked - gc.max(masked, axis=1, keepdims=True)
    f = gc.compile([scores, mask], shifted)
    found, text = origin(f, np.ones((2, 4), f32), np.array([[1, 1, 0, 0], [0, 0, 0, 0]], bool))
    assert found.index == (1, 0)
    assert line_of(found.node) == line_of(shifted)
    assert "%masked is -inf" in text


def test_a_mean_over_a_mask_that_is_empty():
    values, mask = gc.input("values", shape=("n",)), gc.input("mask", shape=("n",), dtype="bool")
    count = gc.sum(gc.cast(mask, "float32"))
    average = gc.sum(gc.where(mask, values, 0.0)) / count
    f = gc.compile([values, mask], average)
    found, text = origin(f, np.ones(2, f32), np.zeros(2, bool))
    assert line_of(found.node) == line_of(average)
    assert "%count is 0.0" in text
    line, diagnostic = diagnosed(f, "division")
    assert line == line_of(average)
    assert "gc.assume(count != 0)" in diagnostic.remedy
