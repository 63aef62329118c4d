"""Formulas written by hand stay right with moves of elements, casts, slices and stacks between their parts.

Each base formula takes `around`, which puts something harmless around each of its parts: other moves in each case.
The value and the slope along a direction are compared with those that mpmath finds for the same graph, and the ops
that overflow must be gone from the compiled one.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np
import pytest

import graphc as gc
from graphc.interpret import evaluate_nodes
from graphc.interpret.mpmath_reader import MpmathReader

Around = Callable[[Any], Any]
BITS, STEP = 4000, 200
ROUNDS = 6
POINTS = np.array([[1000, 1001, 999, 990], [-1000, -1001, -1000.5, -990], [0.5, 1, 2, -300]], "float32")
HALVES = np.array([[100, 101, 99, 90], [-100, -101, -99, -90], [0.5, 1, 2, -30]], "float16")
WEIGHTS = np.array([0.5, 2.0, 0.25, 1.0], "float32")
TARGETS = np.array([2, 0, 1])
ONES = np.eye(4, dtype="float32")[TARGETS]

MOVES: dict[str, Around] = {
    "nothing": lambda v: v,
    "flat and back": lambda v: v.reshape(-1).reshape(v.shape),
    "transposed twice": lambda v: gc.permute_dims(gc.permute_dims(v, _turned(v)), _turned(v)),
    "flipped twice": lambda v: gc.flip(gc.flip(v, 0), 0),
    "another axis": lambda v: gc.squeeze(gc.expand_dims(v, axis=1), axis=1),
    "repeated": lambda v: gc.broadcast_to(v[None], (2, *v.shape))[1],
    "stacked": lambda v: gc.stack([v, v], 0)[1],
    "joined": lambda v: gc.concat([v[:1], v[1:]], axis=0),
    "doubled": lambda v: gc.concat([v, v], axis=0)[: v.shape[0]],
    "taken": lambda v: gc.take(v, np.arange(v.shape[0]), axis=0),
    "through float64": lambda v: v.astype("float64"),
    "times 1": lambda v: v * 1.0,
    "plus 0": lambda v: v - 0.0,
}


def _turned(v: Any) -> tuple[int, ...]:
    return tuple(reversed(range(v.ndim)))


def total(e: Any, around: Around) -> Any:
    return around(gc.sum(e, axis=1))[:, None]


def shares(x: Any, around: Around) -> Any:
    e = around(gc.exp(around(x)))
    return around(e / total(e, around))


def log_shares(x: Any, around: Around) -> Any:
    return around(gc.log(shares(x, around)))


def chosen_then_log(x: Any, around: Around) -> Any:
    return -gc.log(around(gc.take_along_axis(shares(x, around), TARGETS[:, None], axis=1)[:, 0]))


def log_then_chosen(x: Any, around: Around) -> Any:
    return -gc.sum(ONES * log_shares(x, around), axis=1)


def masked(x: Any, around: Around) -> Any:
    e = around(gc.where(WEIGHTS > 0.3, gc.exp(around(x)), 0))
    return around(e / total(e, around))


def tempered(x: Any, around: Around) -> Any:
    return log_shares(around(x) / 0.5 + around(WEIGHTS * 2 + x * 0), around)


def mixture(x: Any, around: Around) -> Any:
    return around(gc.log(around(gc.sum(around(WEIGHTS * around(gc.exp(x))), axis=1))))


def responsibilities(x: Any, around: Around) -> Any:
    e = around(WEIGHTS * gc.exp(around(-0.5 * (x - WEIGHTS) ** 2 / 30)))
    return around(e / total(e, around))


def two_stages(x: Any, around: Around) -> Any:
    rows = around(gc.log(gc.sum(gc.exp(around(x)), axis=1)))
    return gc.log(gc.sum(around(gc.exp(rows)), axis=0, keepdims=True))


def two_axes(x: Any, around: Around) -> Any:
    return gc.log(gc.sum(gc.sum(around(gc.exp(around(x))), axis=1), axis=0, keepdims=True))


def cross_entropy_of_bits(x: Any, around: Around) -> Any:
    p = around(1 / (1 + gc.exp(around(-x))))
    return -(ONES * around(gc.log(p)) + (1 - ONES) * gc.log(around(1 - p)))


def log_one_plus(x: Any, around: Around) -> Any:
    return around(gc.log(around(1 + around(gc.exp(x)))))


def log_normal(x: Any, around: Around) -> Any:
    return around(gc.log(around(around(gc.exp(-0.5 * around(x - 1) ** 2)) / 2.5)))


def hyperbolic(x: Any, around: Around) -> Any:
    up, down = around(gc.exp(x)), around(gc.exp(-x))
    return around(up - down) / around(up + down)


@dataclass(frozen=True)
class Base:
    """A formula, the ops that must be gone from it, and how many units in the last place it may lose."""

    formula: Callable[[Any, Around], Any]
    gone: frozenset[str]
    units: float = 32.0


SHARES = frozenset({"exp", "divide", "log", "sum"})
BASES = [
    Base(shares, SHARES, 2000),
    Base(log_shares, SHARES),
    Base(chosen_then_log, SHARES),
    Base(log_then_chosen, frozenset({"exp", "divide", "log"})),
    Base(masked, SHARES, 2000),
    Base(tempered, SHARES - {"divide"}),
    Base(mixture, frozenset({"exp", "log"})),
    Base(responsibilities, SHARES - {"divide", "sum"}, 40000),
    Base(two_stages, frozenset({"exp", "log"})),
    Base(two_axes, frozenset({"exp", "log"})),
    Base(cross_entropy_of_bits, frozenset({"exp", "log", "divide"})),
    Base(log_one_plus, frozenset({"exp", "log"})),
    Base(log_normal, frozenset({"exp", "log"})),
    Base(hyperbolic, frozenset({"exp", "divide"})),
]


def around_parts(seed: int) -> tuple[Around, list[str]]:
    """What is put around the parts, in turn, and the names of it."""
    rng, names = random.Random(seed), list[str]()

    def around(v: Any) -> Any:
        for _ in range(rng.choice([0, 1, 1, 2])):
            name = rng.choice(sorted(MOVES))
            if seed == 0 or (name == "through float64" and v.dtype.name != "float32"):
                continue
            names.append(name)
            v = MOVES[name](v).astype(v.dtype)
        return v

    return around, names


def exactly(y: Any, x: Any, points: Any) -> Any:
    (value,) = evaluate_nodes([y], {x: points}, reader=MpmathReader(BITS, BITS))
    return np.asarray(value, dtype=object)


def check(y: Any, x: Any, points: Any, units: float) -> None:
    """The value and the slope along a direction of a compiled graph against the mathematics of it."""
    total_ = gc.sum(y.astype("float64"))
    value, gradient = gc.compile([x], [y, gc.grad(total_, x)])(points)
    direction = np.random.default_rng(0).choice([-1.0, 0.5, 2.0], points.shape)
    with mpmath.workprec(BITS):
        at, step = np.vectorize(mpmath.mpf, otypes=[object])(points), mpmath.ldexp(1, -STEP)
        truth = exactly(y, x, at)
        slope = (exactly(total_, x, at + step * direction) - exactly(total_, x, at - step * direction)) / (2 * step)
        eps = float(np.finfo(value.dtype).eps)
        for found, wanted in zip(value.ravel(), truth.ravel(), strict=True):
            assert abs(float(found) - wanted) <= units * eps * abs(wanted) + eps, (found, wanted)
        slope = np.asarray(slope, dtype=object).item()
        parts = np.abs(gradient.astype("float64") * direction).sum() + 1
        assert abs((gradient.astype("float64") * direction).sum() - slope) <= units * eps * parts


@pytest.mark.parametrize("seed", range(ROUNDS))
@pytest.mark.parametrize("base", BASES, ids=lambda base: base.formula.__name__)
def test_moves_hide_nothing(base, seed):
    around, names = around_parts(seed)
    x = gc.input("x", POINTS.shape, "float32")
    y = base.formula(x, around)
    left = {node.op.name for node in gc.compile([x], y).graph.nodes} & base.gone
    assert not left, (left, names)
    check(y, x, POINTS, base.units)


@pytest.mark.parametrize("base", BASES[:4], ids=lambda base: base.formula.__name__)
def test_sums_in_float32_of_exponentials_in_float16(base):
    x = gc.input("x", HALVES.shape, "float16")
    y = base.formula(x, lambda v: v.astype("float32") if v.dtype.name == "float16" else v)
    left = {node.op.name for node in gc.compile([x], y).graph.nodes} & base.gone
    assert not left
    value = gc.compile([x], y)(HALVES)
    assert np.isfinite(value).all()


# --- the sigmoid and its cross-entropy, as people spell them ---

SIGMOIDS: dict[str, Callable[[Any], Any]] = {
    "1 / (1 + exp(-x))": lambda x: 1 / (1 + gc.exp(-x)),
    "exp(x) / (1 + exp(x))": lambda x: gc.exp(x) / (1 + gc.exp(x)),
    "exp(x) / (exp(x) + 1)": lambda x: gc.exp(x) / (gc.exp(x) + 1),
    "1 - 1 / (1 + exp(x))": lambda x: 1 - 1 / (1 + gc.exp(x)),
    "(1 + exp(-x)) ** -1": lambda x: (1 + gc.exp(-x)) ** -1,
    "reciprocal(1 + exp(-x))": lambda x: gc.reciprocal(1 + gc.exp(-x)),
    "1 / (1 + 1 / exp(x))": lambda x: 1 / (1 + 1 / gc.exp(x)),
    "exp(-log(1 + exp(-x)))": lambda x: gc.exp(-gc.log(1 + gc.exp(-x))),
    "exp(-log1p(exp(-x)))": lambda x: gc.exp(-gc.log1p(gc.exp(-x))),
    "0.5 * (1 + tanh(x / 2))": lambda x: 0.5 * (1 + gc.tanh(x / 2)),
    "(tanh(x / 2) + 1) / 2": lambda x: (gc.tanh(x / 2) + 1) / 2,
    "0.5 + 0.5 * tanh(0.5 * x)": lambda x: 0.5 + 0.5 * gc.tanh(0.5 * x),
    "exp(x / 2) / (exp(x / 2) + exp(-x / 2))": lambda x: gc.exp(x / 2) / (gc.exp(x / 2) + gc.exp(-x / 2)),
    "softmax of x and 0": lambda x: gc.softmax(gc.stack([x, x * 0], axis=0), axis=0)[0],
    "exp(min(x, 0)) / (1 + exp(-abs(x)))": lambda x: gc.exp(gc.minimum(x, 0)) / (1 + gc.exp(-gc.abs(x))),
    "where, in two branches": lambda x: gc.where(x >= 0, 1 / (1 + gc.exp(-x)), gc.exp(x) / (1 + gc.exp(x))),
    "sigmoid": gc.sigmoid,
    "1 - sigmoid(-x)": lambda x: 1 - gc.sigmoid(-x),
}
LOGITS = np.array([-1000, -100, -40, -3, -1e-3, 0.25, 3, 40, 100, 1000], "float32")
LABELS = np.array([0, 1] * 5, "float32")


@pytest.mark.parametrize("spelling", SIGMOIDS)
def test_cross_entropy_of_every_sigmoid(spelling):
    x = gc.input("x", LOGITS.shape, "float32")
    p = SIGMOIDS[spelling](x)
    y = -(LABELS * gc.log(p) + (1 - LABELS) * gc.log(1 - p))
    check(y, x, LOGITS, 16)


@pytest.mark.parametrize("spelling", SIGMOIDS)
def test_every_sigmoid(spelling):
    x = gc.input("x", LOGITS.shape, "float32")
    check(SIGMOIDS[spelling](x), x, LOGITS, 200)
