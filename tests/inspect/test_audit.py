"""Bits of error of each step, the first that goes bad, and what repaired it."""

import mpmath
import numpy as np
import pytest

import graphc as gc
from graphc.numerics.accuracy import bits_of_error
from graphc.types import as_dtype

x = gc.input("x", shape=("n",))
LARGE = np.array([500, 30, -1], np.float32)


def rows_by_op(found):
    return {row.node.op.name: row for row in found.rows}


def test_overflow_is_found_and_the_rule_that_repaired_it():
    y = gc.log(gc.sum(gc.exp(x)))
    found = gc.compile([x], y).audit(LARGE)
    rows = rows_by_op(found)
    assert found.culprit is rows["exp"]
    assert rows["exp"].event == "overflow"
    assert rows["exp"].index == (0,)
    assert rows["exp"].value == np.inf
    assert rows["log"].event == "inherited"
    assert rows["log"].written == 32
    assert rows["log"].compiled < 1
    assert "repaired by log_sum_exp: exp overflows" in found.verdict
    assert "test_audit.py" in str(found)


def test_what_another_semantics_would_do():
    found = gc.compile([x], gc.log(gc.sum(gc.exp(x))), semantics="ieee").audit(LARGE)
    assert "not repaired; semantics='stable' would apply log_sum_exp" in found.verdict
    assert rows_by_op(found)["log"].compiled == 32


def test_cancellation_is_found_before_the_logarithm_that_shows_it():
    found = gc.compile([x], gc.log(1 - gc.sigmoid(x))).audit(np.array([30], np.float32))
    assert found.culprit is rows_by_op(found)["subtract"]
    assert found.culprit.event == "cancellation"
    assert "repaired by one_minus_sigmoid" in found.verdict


def test_lost_digits_show_where_they_are_amplified():
    found = gc.compile([x], gc.log(1 + gc.exp(-x))).audit(np.array([30], np.float32))
    assert found.culprit is rows_by_op(found)["log"]
    assert found.culprit.event == "amplified"


def test_harmless_underflow_is_no_culprit():
    found = gc.compile([x], gc.softmax(x) + gc.exp(-gc.abs(x))).audit(LARGE)
    assert found.culprit is None
    assert found.verdict == "no result is bad"
    assert rows_by_op(found)["exp"].event == "underflow"


def test_a_form_that_no_rule_knows():
    found = gc.compile([x], (x + 1e8) - 1e8).audit(np.array([1.25], np.float32))
    assert found.culprit.event == "cancellation"
    assert "no rule" in found.verdict or "semantics='real'" in found.verdict


def test_large_inputs_are_sampled_and_it_is_said():
    y = gc.input("y", shape=("n", 2))
    f = gc.compile([x, y], gc.sum(y, axis=1) * x)
    found = f.audit(np.ones(10_000, np.float32), np.ones((10_000, 2), np.float32), limit=1000)
    ((taken, given),) = found.sampled.values()
    assert given == 10_000
    assert 1 < taken <= 500
    assert f"sampled: n = {taken} of 10000, evenly spaced" in str(found)


def test_what_cannot_be_sampled_is_refused():
    w = gc.input("w", shape=(50, 50))
    with pytest.raises(gc.GraphError, match="more than 100"):
        gc.compile([w], w @ w).audit(np.ones((50, 50), np.float32), limit=100)
    with pytest.raises(gc.GraphError, match="positive number of elements"):
        gc.compile([w], w @ w).audit(np.ones((50, 50), np.float32), limit=0)


def test_loops_and_libraries_are_rows():
    total = gc.scan(lambda s, v: (s + gc.log(1 + gc.exp(v)), None), gc.asarray(0, dtype="float32"), x)[0]
    found = gc.compile([x], [total, gc.sort(x)]).audit(LARGE)
    item = rows_by_op(found)["item"]
    assert item.written == 32
    assert item.compiled < 2
    assert rows_by_op(found)["sort"].written == 0


def test_steps_of_loops_have_rows():
    def step(s, v):
        e = gc.exp(v)
        return s + gc.log(1 + e), None

    total = gc.scan(step, gc.asarray(0, dtype="float32"), x)[0]
    found = gc.compile([x], total).audit(np.array([1, 2, 500, 3], np.float32))
    rows = rows_by_op(found)
    assert rows["exp"].event == "overflow"
    assert rows["exp"].inside == ("iteration 2 of a scan",)
    assert rows["log"].written == 32
    assert rows["log"].compiled < 1
    assert found.culprit.node.op.name == "exp"
    assert "in iteration 2 of a scan" in str(found)
    assert "repaired by log_one_plus_exp" in found.verdict


def test_the_branch_that_is_taken_has_rows():
    y = gc.input("branching", shape=())
    z = gc.cond(y > 0, lambda v: 1 - gc.cos(v), lambda v: gc.sin(v), y)
    found = gc.compile([y], z).audit(np.float32(1e-3))
    rows = rows_by_op(found)
    assert rows["subtract"].event == "cancellation"
    assert rows["subtract"].inside == ("branch 1",)
    assert "sin" not in rows
    assert "repaired by one_minus_cos" in found.verdict


def test_loops_inside_of_loops_have_rows():
    def outer(c, v):
        return gc.scan(lambda s, u: (s + gc.exp(u * v), None), c, x)[0], None

    state = gc.scan(outer, gc.asarray(0, dtype="float32"), x)[0]
    found = gc.compile([x], state).audit(np.array([1, 2, 30], np.float32))
    assert rows_by_op(found)["exp"].inside == ("iteration 2 of a scan",) * 2


def test_stacks_of_single_numbers_are_exact():
    slope = gc.grad(gc.scan(lambda s, v: (gc.tanh(s * v), None), gc.asarray(1, dtype="float32"), x)[0], x)
    found = gc.compile([x], slope).audit(np.array([0.5, 1, -2], np.float32))
    assert max(row.written for row in found.rows) < 4


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_other_floats(dtype):
    v = gc.input("v", shape=(3,), dtype=dtype)
    f = gc.compile([v], gc.log(gc.sum(gc.exp(v))))
    found = f.audit(np.array([1000, 999, 1], as_dtype(dtype).numpy))
    assert rows_by_op(found)["log"].written == as_dtype(dtype).bits
    assert rows_by_op(found)["log"].compiled <= 1


def test_nothing_has_no_errors():
    found = gc.compile([x], [gc.exp(x), gc.sum(x)]).audit(np.zeros(0, np.float32))
    assert [row.written for row in found.rows] == [0, 0]


def test_parameters_are_read_and_not_written():
    w = gc.parameter("w", np.float32(3))
    found = gc.compile([x], None, updates={w: w * gc.sum(x)}).audit(np.ones(2, np.float32))
    assert [row.node.op.name for row in found.rows] == ["sum", "multiply"]
    assert gc.value(w) == 3


@pytest.mark.parametrize(
    ("got", "truth", "bits"),
    [
        (1.0, 1.0, 0.0),
        (1 + 2.0**-23, 1.0, 1.0),
        (0.0, 1e-60, 0.0),
        (np.inf, 1e60, 0.0),
        (np.inf, 1e30, 32.0),
        (np.nan, 1.0, 32.0),
        (-1.0, 1.0, 24.0),
        (np.nan, mpmath.nan, np.nan),
    ],
)
def test_bits(got, truth, bits):
    exact = np.array(mpmath.mpf(truth), object)
    found = bits_of_error(np.array(got, np.float32), exact, as_dtype("float32"))
    np.testing.assert_allclose(found, bits, atol=1e-6)
