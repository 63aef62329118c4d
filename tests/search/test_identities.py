"""Each identity holds over the real numbers, wherever its left-hand side is defined and its condition holds."""

import inspect
import random

import mpmath
import pytest

import graphc as gc
from graphc.interpret.interval import Interval, inf
from graphc.ir.node import make, topological
from graphc.ir.op import OPS
from graphc.ir.term import Application, Variable
from graphc.search.identities import IDENTITIES
from graphc.search.points import exact_result

POINTS = 40
POLES = {"divide": 0, "log": 0, "rsqrt": 0, "log1p": -1}
VALUES = [0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.0]


def built(term, inputs):
    """A term as a scalar formula."""
    if isinstance(term, Variable):
        return inputs[term.label]
    if isinstance(term, Application):
        return make(OPS[term.op.name](), *(built(arg, inputs) for arg in term.args))
    return gc.constant(float(term))


def points(row, seed):
    """Values for the variables; none is negative, or positive, where a condition asks for that."""
    source = random.Random(f"{row.name} {seed}")
    asked = inspect.signature(row.when).parameters if row.when else {}
    found = {}
    for name in row.variables:
        value = source.choice([*VALUES, *(source.uniform(-6, 6) for _ in range(8))])
        if name in asked:
            nonnegative = row.holds({other: Interval(0.0, inf) for other in row.variables})
            value = abs(value) if nonnegative else -abs(value)
        found[name] = value
    return found


@pytest.mark.parametrize("row", list(IDENTITIES), ids=lambda row: row.name)
def test_both_sides_are_equal(row):
    inputs = {name: gc.input(name, (), "float64") for name in row.variables}
    before, after = (topological([built(side, inputs)]) for side in (row.before, row.after))
    checked = 0
    for seed in range(400):
        given = {inputs[name]: value for name, value in points(row, seed).items()}
        one = exact_result(before, given)
        other = exact_result(after, given) if one is not None else None
        if other is None:
            unknown = one is None or one == 0  # what cancels to 0 exactly is never certain
            assert unknown or is_singular(after, given), (given, one)
            continue
        assert abs(one - other) <= abs(one) * mpmath.mpf(2) ** -60, (given, one, other)
        checked += 1
        if checked == POINTS:
            return
    assert checked >= 8


def is_singular(program, given):
    """Whether a formula divides by 0 or takes the logarithm of 0."""
    for node in program:
        if node.op.name in POLES:
            value = exact_result(topological([node.args[-1]]), given)
            if value is None or value == POLES[node.op.name]:
                return True
    return False


def test_conditions_are_conditions_on_variables():
    for row in IDENTITIES:
        if row.when is not None:
            assert set(inspect.signature(row.when).parameters) <= set(row.variables), row.name


def test_names_are_unique():
    names = [row.name for row in IDENTITIES]
    assert len(set(names)) == len(names)


def test_an_identity_prints_as_mathematics():
    (row,) = [row for row in IDENTITIES if row.name == "difference_of_sines"]
    assert str(row).startswith("subtract(sin(a), sin(b)) -> multiply(2, ")
