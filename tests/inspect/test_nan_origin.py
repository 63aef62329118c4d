"""Where NaN and infinity come from: the node, the element, the operands, the loop."""

import numpy as np
import pytest

import graphc as gc

x = gc.input("x", shape=("n",))


def test_the_first_bad_element_with_operands_and_line():
    f = gc.compile([x], gc.sin(gc.sqrt(x - 1)))
    found = f.nan_origin(np.array([2.0, 0.5, 0.25], np.float32))
    assert found
    assert found.origin.node.op.name == "sqrt"
    assert found.origin.index == (1,)
    assert np.isnan(found.origin.value)
    assert found.origin.count == 2
    assert found.origin.operands[0][1] == "-0.5"
    assert found.results == (0,)
    text = str(found)
    assert text.startswith("NaN at [1] and 1 more elements: sqrt(")
    assert "is -0.5" in text
    assert "test_nan_origin.py" in text
    assert "not finite: output 0" in text


def test_all_finite():
    f = gc.compile([x], gc.sqrt(x))
    found = f.nan_origin(np.ones(3, np.float32))
    assert not found
    assert str(found) == "all results are finite"


def test_what_reaches_no_result_comes_second():
    harmless = gc.where(x > 80, 0.0, gc.exp(x))
    f = gc.compile([x], [harmless, gc.log(x - 100)])
    found = f.nan_origin(np.array([100.0], np.float32), of="source")
    assert found.origin.node.op.name == "log"
    assert [each.node.op.name for each in found.origins] == ["exp", "log"]
    only = gc.compile([x], harmless).nan_origin(np.array([100.0], np.float32), of="source")
    assert only.origin.node.op.name == "exp"
    assert "all results are finite, in spite of it" in str(only)


def test_the_source_may_be_bad_where_the_optimised_graph_is_not():
    f = gc.compile([x], gc.log(gc.sum(gc.exp(x))))
    value = np.array([1000.0, 999.0], np.float32)
    assert not f.nan_origin(value)
    found = f.nan_origin(value, of="source")
    assert found.origin.node.op.name == "exp"
    assert "inf at [0] and 1 more elements" in str(found)


def test_inputs_that_are_bad_are_named_and_no_origin():
    found = gc.compile([x], x + 1).nan_origin(np.array([np.nan], np.float32))
    assert found.origin is None
    assert found.given == ("%x",)
    assert "%x is not finite as it was given" in str(found)


def test_nan_of_infinities_is_found_for_whole_rows():
    f = gc.compile([x], gc.sum(x))
    found = f.nan_origin(np.array([np.inf, -np.inf], np.float32))
    assert found.origin.node.op.name == "sum"
    assert found.origin.operands[0][1] == "[ inf -inf]"


def test_a_derivative_is_told_from_what_was_written():
    f = gc.compile([x], gc.grad(gc.sum(gc.sqrt(x)), x))
    origin = f.nan_origin(np.array([0.0], np.float32)).origin
    assert origin.is_derived
    assert "backward of sqrt at test_nan_origin.py" in str(f.nan_origin(np.array([0.0], np.float32)))


@pytest.mark.parametrize(("reverse", "step"), [(False, 2), (True, 1)])
def test_the_iteration_of_a_scan(reverse, step):
    out = gc.scan(lambda s, v: (s + gc.log(v), None), gc.asarray(0, dtype="float32"), x, reverse=reverse)[0]
    found = gc.compile([x], out, passes="canonicalize").nan_origin(np.array([1, 2, -1, 3], np.float32))
    assert found.origin.node.op.name == "log"
    assert found.origin.inside[0].startswith(f"iteration {step} of a scan")
    assert found.results == (0,)


def test_the_iteration_of_a_while_loop_inside_a_branch():
    def grown(v):
        return gc.while_loop(lambda s: s < 1e30, lambda s: gc.exp(s), v)

    y = gc.cond(x[0] > 0, grown, lambda v: v, x[0])
    found = gc.compile([x], y).nan_origin(np.array([1.0], np.float32))
    assert found.origin.node.op.name == "exp"
    assert found.origin.inside[0].startswith("branch ")
    assert found.origin.inside[1].startswith("iteration 3 of a while loop")


def test_parameters_are_read_and_not_written():
    w = gc.parameter("w", np.float32(0))
    f = gc.compile([x], None, updates={w: w + gc.log(w) + gc.sum(x)})
    found = f.nan_origin(np.ones(2, np.float32))
    assert "not finite: update 0" in str(found)
    assert gc.value(w) == 0


def test_mistakes():
    f = gc.compile([x], gc.sqrt(x))
    with pytest.raises(gc.ArgumentError, match="no argument for 'x'"):
        f.nan_origin()
    with pytest.raises(gc.GraphError, match="no 'naive' graph"):
        f.nan_origin(np.ones(1, np.float32), of="naive")
