"""Which rules made a node, why one did not fire, and what allowed those with conditions."""

import pytest

import graphc as gc


@pytest.fixture
def x():
    return gc.input("x", shape=("n", 3))


def test_a_rule_is_named_with_formula_reason_and_line(x):
    y = gc.log(gc.sum(gc.exp(x), axis=1))
    f = gc.compile([x], y)
    for asked in (y, "y", "%y", f.graph.outputs[0]):
        found = f.why(asked)
        assert found.rules == ("log_sum_exp",)
        assert found.node is f.graph.outputs[0]
    text = str(found)
    assert "log(sum(exp(x), axis=axis)) -> logsumexp(x, axis=axis)" in text
    assert "log_sum_exp (S1, stabilizing, proved" in text
    assert "exp overflows" in text
    assert "test_why.py" in text
    assert "y = gc.log(gc.sum(gc.exp(x), axis=1))" in text


def test_rules_stand_in_order_also_those_for_operands(x):
    y = gc.log(1 - gc.sigmoid(x))
    rules = gc.compile([x], y).why("y").rules
    assert rules == ("one_minus_sigmoid", "log_sigmoid", *rules[2:])


def test_what_no_rule_touched_says_so(x):
    y = gc.sin(x)
    f = gc.compile([x], y)
    assert "no rule touched it\nit is as it was written" in str(f.why(y))
    assert f.why(y).steps == ()


def test_only_operands_changed(x):
    y = gc.sin(gc.log(gc.sum(gc.exp(x), axis=1)))
    assert "only its operands changed" in str(gc.compile([x], y).why(y))


def test_what_is_gone_names_the_rule_that_took_it(x):
    e = gc.exp(x)
    f = gc.compile([x], gc.log(gc.sum(e, axis=1)))
    found = f.why(e)
    assert "it is not in the optimised graph" in str(found)
    assert found.rules == ("log_sum_exp",)


def test_bodies_of_loops_have_histories_too():
    x = gc.input("x", shape=("n",))

    def body(state, slice_):
        new = gc.log(1 + gc.exp(state * slice_))
        return new, new

    f = gc.compile([x], gc.scan(body, gc.asarray(0.5, dtype="float32"), x)[1])
    (scan,) = [node for node in f.graph.nodes if node.op.inner]
    assert "log_one_plus_exp" in f.why(scan.op.inner[0].outputs[0]).rules


def test_a_derivative_says_that_it_is_one(x):
    loss = gc.sum(gc.log(gc.sum(gc.exp(x), axis=1)))
    f = gc.compile([x], gc.grad(loss, x))
    assert "made for this line before compilation" in str(f.why(f.graph.outputs[0]))


def test_folding_is_a_step():
    x = gc.input("x", shape=())
    two = gc.log(gc.asarray(2.0, dtype="float32"))
    f = gc.compile([x], x + two)
    assert "made by the pass fold, for log(2.0)" in str(f.why(two))


def test_mistakes(x):
    f = gc.compile([x], gc.exp(x))
    with pytest.raises(gc.GraphError, match="no value is named 'z'"):
        f.why("z")
    with pytest.raises(gc.GraphError, match="neither a node nor the name of one"):
        f.why(3)
    with pytest.raises(gc.GraphError, match="does not have this node"):
        f.why(gc.sin(x))


def log_share(x, w):
    e = w * gc.exp(x)
    return gc.log(e / gc.sum(e, axis=1, keepdims=True))


def test_a_missing_fact_is_named_with_the_range_that_was_found(x):
    w = gc.input("w", shape=("n", 3))
    text = gc.compile([x, w], log_share(x, w)).why_not("log_of_weighted_softmax")
    assert "its condition is not proved" in text
    assert "%w: f32[n,3]   test_why.py" in text
    assert "is not known to be nonnegative: its values are" in text


def test_a_licence_says_what_was_proved(x):
    w = gc.input("w", shape=("n", 3))
    f = gc.compile([x, w], log_share(x, gc.square(w)))
    (licence,) = [each for each in f.licences if each.rule.name == "log_of_weighted_softmax"]
    (fact,) = licence.facts
    assert fact.claim == "nonnegative"
    assert fact.holds
    assert fact.found.low == 0
    assert "is nonnegative: its values are [0, inf" in str(licence)
    assert licence.source is not None


def test_conditions_on_dtypes_are_licences_in_words():
    x = gc.input("x", shape=(3,), dtype="float64")
    f = gc.compile([x], gc.log(gc.sum(gc.exp(x).astype("float32"))))
    assert "is_narrower: Whether a cast of x loses bits" in "".join(map(str, f.licences))


def test_the_nearest_node_comes_first(x):
    f = gc.compile([x], [gc.log(x + 1.5), gc.log(gc.sum(gc.exp(x) + 1, axis=1))])
    text = f.why_not("log_sum_exp")
    assert text.index("exp(x) is wanted") < text.index("sum(exp(x), axis=axis) is wanted")


def test_bodies_of_loops_are_looked_into():
    x = gc.input("x", shape=("n",))
    f = gc.compile([x], gc.scan(lambda s, v: (gc.log(s * s + v), None), x[0], x)[0])
    assert "not at %log" in f.why_not("log_sum_exp")


def test_an_op_stands_for_the_rules_that_make_it(x):
    w = gc.input("w", x.shape, x.dtype)
    e = w * gc.exp(x)
    share = gc.log(e / gc.sum(e, keepdims=True))
    text = gc.compile([x, w], share).why_not("log_softmax", share)
    assert text.startswith("log_of_softmax:") and "is wanted where" in text
    assert "less_logsumexp" not in text  # it could begin nowhere
    with pytest.raises(gc.GraphError, match="no rule 'nonsense', and none that makes an op of that name"):
        gc.compile([x], x).why_not("nonsense")


def test_a_name_stands_for_a_node(x):
    total = gc.log(gc.sum(gc.exp(x) + 1))
    f = gc.compile([x], total)
    assert f.why_not("log_sum_exp", "total") == f.why_not("log_sum_exp", total)
    with pytest.raises(gc.GraphError, match="no value is named 'toal'"):
        f.why_not("log_sum_exp", "toal")
    for rule, node in ((3, None), (None, None), ("log_sum_exp", 3)):
        with pytest.raises(gc.GraphError, match=r"neither a node|not the name of a rule or an op"):
            f.why_not(rule, node)


def test_a_rule_that_made_what_a_derivative_has_already_is_named():
    x = gc.input("x", ("n", 3))
    p = gc.exp(x) / gc.sum(gc.exp(x), axis=1, keepdims=True)
    loss = gc.sum(p[:, 0])
    f = gc.compile([x], [loss, gc.grad(loss, x)])
    assert f.why(p).rules == ("softmax_of_exponentials",)
    assert "no rule" not in str(f.why(p))


def test_why_not_looks_below_a_node_where_the_rule_cannot_begin():
    x, y = gc.input("x", ("n", 3)), gc.input("y", ("n", 3))
    p = gc.exp(x) / gc.sum(gc.exp(x), axis=1, keepdims=True)
    loss = -gc.mean(gc.log(p + 1e-8))
    entropy = -gc.sum(p * gc.log(p))
    f = gc.compile([x], [loss, entropy])
    text = f.why_not("log_of_softmax", loss)
    assert text == f.why_not("log_of_softmax", "loss")
    assert "softmax(x, axis=axis) is wanted where %add" in text and "fired" not in text
    text = f.why_not("log_of_softmax", entropy)
    assert "it fired at %log" in text and "not at" not in text
    with pytest.raises(gc.GraphError, match="does not have this node"):
        f.why_not("log_of_softmax", gc.exp(y))
