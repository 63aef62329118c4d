"""Places and comparisons are those of real numbers, where the formula as written rounds different numbers to one."""

import numpy as np
import pytest

import graphc as gc
from graphc.ir.graph import Graph
from graphc.passes.pipeline import parse_pipeline
from graphc.passes.rules.decisions import FALLING, RISING
from tests.passes.hard_points import hard_points

ROWS = 400
BOTH = [*RISING, *FALLING]


def rows(dtype, columns=5):
    x = gc.input("x", ("n", columns), dtype)
    return x, hard_points({"x": x}, ROWS, 1)["x"]


def inside(op, x, points):
    """A node and points in the domain of an op."""
    domain = op().domain_of(0)
    if domain.low == 0:
        return gc.abs(x), np.abs(points)
    return (gc.maximum(x, domain.low), np.maximum(points, domain.low)) if domain.low > -np.inf else (x, points)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("op", BOTH, ids=lambda op: op.name)
def test_places_of_functions_are_those_of_their_operands(op, dtype):
    x, points = rows(dtype)
    operand, given = inside(op, x, points)
    value = gc.cast(getattr(gc, op.name)(operand), dtype)
    found = gc.compile([x], [gc.argmax(value, 1), gc.argmin(value, 1), gc.argsort(value, axis=1)], target="reference")
    most, least, order = found(points)
    rises = op in RISING
    assert np.array_equal(most, (np.argmax if rises else np.argmin)(given, 1))
    assert np.array_equal(least, (np.argmin if rises else np.argmax)(given, 1))
    if rises:
        assert np.array_equal(order, np.argsort(given, 1, kind="stable"))


@pytest.mark.parametrize("function", [gc.softmax, gc.log_softmax])
def test_places_of_probabilities(function):
    """Where a logit is NaN, so are all probabilities of its row: their order is the one they stand in."""
    x, points = rows("float32")
    p = function(x, 1)
    most, order = gc.compile([x], [gc.argmax(p, 1), gc.argsort(p, axis=1, descending=True)])(points)
    missing = np.isnan(points).any(axis=1)
    assert missing.any() and not missing.all()
    assert np.array_equal(most, np.where(missing, 0, np.argmax(points, 1)))
    by_size = np.argsort(-points, 1, kind="stable")
    assert np.array_equal(order, np.where(missing[:, None], np.arange(5), by_size))


def test_a_constant_beside_a_row():
    x, points = rows("float32")
    c = gc.input("c", ("n", 1))
    constants = np.random.default_rng(2).choice([1e30, -3.0, 0.0, np.nan], (ROWS, 1)).astype("float32")
    formulas = [gc.argmax(x + c, 1), gc.argmax(c - x, 1), gc.argmin(x / -3, 1), gc.argmax(x * 0, 1)]
    add, subtract, scaled, vanished = gc.compile([x, c], formulas, target="reference")(points, constants)
    missing = np.isnan(constants[:, 0])
    assert np.array_equal(add, np.where(missing, 0, np.argmax(points, 1)))
    assert np.array_equal(subtract, np.where(missing, 0, np.argmin(points, 1)))
    assert np.array_equal(scaled, np.argmax(points, 1))
    with np.errstate(invalid="ignore"):
        assert np.array_equal(vanished, np.argmax(points * 0, 1))


@pytest.mark.parametrize("op", BOTH, ids=lambda op: op.name)
def test_values_compare_as_their_operands(op):
    x, y = gc.input("x", ("n",)), gc.input("y", ("n",))
    points = hard_points({"x": x, "y": y}, 3000, 1)
    (a, left), (b, right) = inside(op, x, points["x"]), inside(op, y, points["y"])
    value = getattr(gc, op.name)
    pairs = [value(a) < value(b), value(a) <= value(b), value(a) > value(b), value(a) >= value(b)]
    found = gc.compile([x, y], pairs)(*points.values())
    wanted = [left < right, left <= right, left > right, left >= right]
    for got, truth in zip(found, wanted if op in RISING else [wanted[2], wanted[3], wanted[0], wanted[1]]):
        assert np.array_equal(got, truth)


def test_thresholds():
    x = gc.input("x", ("n",))
    points = np.array([1e-30, -1e-30, 0, -0.0, 5, -5, np.inf, -np.inf, np.nan], "float32")
    formulas = [gc.sigmoid(x) > 0.5, gc.sigmoid(x) >= 0.5, gc.exp(x) > 1, gc.exp(x) <= 1]
    found = gc.compile([x], formulas)(points)
    for got, truth in zip(found, [points > 0, points >= 0, points > 0, points <= 0]):
        assert np.array_equal(got, truth)


def test_what_is_not_known_to_be_in_a_domain_is_left_alone():
    x = gc.input("x", ("n", 5))
    graph = Graph("f", (x,), (gc.argmax(gc.log(x), 1), gc.sqrt(x[:, 0]) < gc.sqrt(x[:, 1])))
    assert parse_pipeline("canonicalize,stabilize").run(graph).outputs == graph.outputs
