"""What diagnostics find in formulas, and what they are silent about."""

import warnings

import numpy as np
import pytest

import graphc as gc

x = gc.input("x", shape=("n",))
y = gc.input("y", shape=("n",))
z = gc.input("z", shape=("n", 5))
p = gc.input("p", shape=("n",), range=(0, 1))
half = gc.input("half", shape=("n",), dtype="float16")
mask = gc.input("mask", shape=("n",), dtype="bool")
LEAVES = [x, y, z, p, half, mask]


def compiled(*outputs, **options):
    used = gc.Graph("f", tuple(LEAVES), outputs).nodes
    return gc.compile([leaf for leaf in LEAVES if any(leaf is node for node in used)], list(outputs), **options)


def found(*outputs, **options):
    return compiled(*outputs, **options).diagnostics


def kinds(*outputs, **options):
    return [each.kind for each in found(*outputs, **options)]


def remaining(*outputs, **options):
    return [each.kind for each in found(*outputs, **options).remaining]


# --- overflow ---

OVERFLOWS = [
    (lambda: gc.exp(x + 0), "%x > 88.72"),
    (lambda: gc.exp(2 * x + 1), "%x > 43.86"),
    (lambda: gc.exp(-3 * x), "%x < -29.57"),
    (lambda: gc.exp(x * x), "|%x| > 9.419"),
    (lambda: gc.cosh(x), "|%x| > 89.42"),
    (lambda: gc.sinh(x), "|%x| > 89.42"),
    (lambda: gc.pow(2.0, x), "%x > 128"),
    (lambda: x**12, "|%x| > 1625"),
    (lambda: gc.cast(x, "float16"), "|%x| > 65520"),
    (lambda: gc.exp(half), "%half > 11.09"),
    (lambda: half * half, "|%half| > 256"),
]


@pytest.mark.parametrize(("formula", "where"), OVERFLOWS)
def test_thresholds_are_those_of_the_input(formula, where):
    (diagnostic,) = found(formula())
    assert diagnostic.kind == "overflow"
    assert f"where {where}" in diagnostic.text
    assert diagnostic.remains
    assert "test_diagnostics.py" in str(diagnostic)


@pytest.mark.parametrize("k", [0.5, 1.0, 3.0])
def test_thresholds_are_where_it_happens(k):
    (diagnostic,) = found(gc.exp(k * x))
    threshold = float(diagnostic.text.rpartition("> ")[2])
    f = compiled(gc.exp(k * x))
    below, above = f(np.array([0.999, 1.001], np.float32) * np.float32(threshold))[0]
    assert np.isfinite(below)
    assert np.isinf(above)


def test_the_nearest_name_of_the_user_is_taken():
    logits = z @ gc.constant(np.ones((5, 2), "float32"))
    assert "%logits > 88.72" in found(gc.exp(logits))[0].text


SILENT = [
    lambda: gc.exp(-x * x),
    lambda: gc.exp(gc.tanh(x) * 3),
    lambda: gc.exp(p * 50),
    lambda: gc.exp(z - gc.max(z, axis=1, keepdims=True)),
    lambda: gc.exp(x - gc.abs(x)),
    lambda: gc.exp(gc.clip(x, -10, 10)),
    lambda: x * y + x / 3,
    lambda: x**3,
    lambda: gc.sum(x * x),
    lambda: gc.log(2 + gc.square(x)),
    lambda: gc.log(p + 2),
    lambda: gc.sqrt(gc.sum(x * x)),
    lambda: gc.sqrt(p),
    lambda: x / (1 + gc.exp(-y * y)),
    lambda: x / (x * x - x + 1),
    lambda: gc.where(x > 0, gc.log(x), 0.0),
    lambda: gc.where(x != 0, y / x, 0.0),
    lambda: gc.where(x > 50, x, gc.exp(x)),
    lambda: gc.acos(gc.tanh(x) / 2),
    lambda: 1 - x,
    lambda: gc.sin(x) - gc.cos(x),
    lambda: gc.tanh(x) - 0.5,
    lambda: x - y,
    lambda: gc.var(x),
    lambda: gc.mean(x),
    lambda: gc.softmax(z, axis=1),
    lambda: gc.logsumexp(z, axis=1),
    lambda: p + 1e-10,
    lambda: x / gc.sqrt(gc.var(x) + 1e-8),
    lambda: gc.sum(gc.cast(mask, "float32")),
]


@pytest.mark.parametrize("formula", SILENT)
def test_nothing_is_said_without_ground(formula):
    assert kinds(formula()) == []


# --- domain, division, underflow ---

BAD = [
    (lambda: gc.log(x), "domain", "log of %x, which can be negative or 0"),
    (lambda: gc.log(p), "domain", "log of %p, which can be 0"),
    (lambda: gc.log(gc.relu(x)), "domain", "which can be 0"),
    (lambda: gc.sqrt(x - y), "domain", "sqrt of x - y, which can be negative"),
    (lambda: gc.acos(x), "domain", "acos of %x, which can be less than -1 or greater than 1"),
    (lambda: x**0.5, "domain", "which can be negative"),
    (lambda: gc.log1p(x), "domain", "less than -1 or -1"),
    (lambda: y / (x - y), "division", "division by a difference that can cancel: x - y"),
    (lambda: y / gc.sum(p), "division", "division by gc.sum(p), which can be 0"),
    (lambda: 1 / x, "division", "division by %x"),
    (lambda: x / 0, "division", "division by 0"),
    (lambda: gc.sum(x) / (x.shape[0] - 1), "division", "division by n-1, which can be 0"),
    (lambda: x**-2, "division", "division by %x"),
    (lambda: gc.rsqrt(p), "division", "division by %p"),
    (lambda: gc.log(gc.exp(-gc.abs(x)) * 0.5), "underflow", "exp underflows to 0 in f32 where |%x| > 104"),
]


@pytest.mark.parametrize(("formula", "kind", "text"), BAD)
def test_values_outside_of_a_domain(formula, kind, text):
    (diagnostic,) = found(formula(), semantics="ieee")
    assert diagnostic.kind == kind
    assert text in diagnostic.text


def test_declared_and_assumed_ranges_end_it():
    positive = gc.input("positive", shape=(3,), range=(0.5, 2))
    assert gc.compile([positive], gc.log(positive) + 1 / positive).diagnostics == []
    assert kinds(gc.log(gc.assume(x > 0))) == []


# --- cancellation ---

CANCELLING = [
    (lambda: 1 - gc.cos(x), "one_minus_cos", "|%x| < "),
    (lambda: gc.exp(x) - 1, "exp_minus_one", "|%x| < "),
    (lambda: 1 - gc.sigmoid(x), "one_minus_sigmoid", "%x > "),
    (lambda: gc.log(1 + x), "log_of_one_plus", "|%x| < "),
    (lambda: gc.mean(x * x) - gc.mean(x) ** 2, "difference_of_means", "nearly equal"),
    (lambda: x * x - y * y, "difference_of_squares", "nearly equal"),
]


@pytest.mark.parametrize(("formula", "rule", "text"), CANCELLING)
def test_cancellation_and_its_repair(formula, rule, text):
    (diagnostic,) = [each for each in found(formula()) if each.kind == "cancellation"]
    assert diagnostic.repaired_by == rule
    assert not diagnostic.remains
    assert f"repaired by {rule}" in str(diagnostic)
    assert text in diagnostic.text
    assert "cancellation" in remaining(formula(), semantics="ieee")


def test_cancellation_that_no_rule_knows_remains():
    assert remaining(gc.log(gc.cos(x)), semantics="ieee").count("cancellation") == 1
    assert remaining((x + 1) - x) == ["cancellation"]


# --- hacks ---


def test_hacks_are_offered_the_exact_form():
    share = gc.softmax(z, axis=1)
    for value in (gc.log(share + 1e-8), gc.log(gc.clip(share, 1e-7, 1.0)), gc.log(gc.maximum(share, 1e-7))):
        (diagnostic,) = found(value)
        assert diagnostic.kind == "hack"
        assert "log_softmax(%z, axis=(1,))" in diagnostic.remedy
    (diagnostic,) = found(gc.sqrt(gc.sum(x * x) + 1e-12))
    assert "euclidean_norm(%x" in diagnostic.remedy
    assert kinds(x / (gc.sqrt(gc.sum(x * x)) + 1e-8)) == ["hack"]
    assert kinds(p / (gc.sum(p) + 1e-8)) == ["hack"]


def test_no_rule_repairs_a_hack():
    (diagnostic,) = found(gc.sqrt(gc.square(x) + 1e-12))
    assert diagnostic.kind == "hack"
    assert diagnostic.remains


def test_the_cost_of_a_hack_is_stated():
    (diagnostic,) = found(gc.log(gc.maximum(p, 1e-7)))
    assert "never below -16.12, with a derivative of 0 there" in diagnostic.text
    s = gc.clip(gc.sigmoid(x), 1e-6, 1 - 1e-6)
    (diagnostic,) = [each for each in found(gc.log(1 - s)) if each.kind == "hack"]
    assert "softplus" in diagnostic.remedy


# --- narrow dtypes ---


def test_numbers_that_a_dtype_does_not_hold():
    assert "1e-10 changes nothing in f32" in found(gc.softplus(x) + 1 + 1e-10)[0].text
    assert "1e-08 is 0 in f16" in found(half + 1e-8)[0].text
    cut = gc.clip(p, 1e-8, 1 - 1e-8)
    assert "0.99999999 is 1 in f32" in found(cut)[0].text
    assert "does not tell 2048 and 2049 apart" in found(gc.sum(gc.cast(mask, "float16")))[0].text


def test_counts_of_floats_stop():
    count = gc.parameter("count", np.zeros((), "float32"))
    steps = gc.parameter("steps", np.zeros((), "int64"))
    f = gc.compile([], count, updates={count: count + 1, steps: steps + 1})
    (diagnostic,) = f.diagnostics
    assert diagnostic.kind == "narrow"
    assert "16777216" in diagnostic.text


def test_what_counts_up_is_not_0():
    steps = gc.parameter("steps", np.zeros((), "int64"))
    rate = 1 / gc.cast(steps + 1, "float32")
    assert gc.compile([], rate, updates={steps: steps + 1}).diagnostics == []


# --- what becomes of findings ---


def test_repaired_and_remaining():
    total = gc.log(gc.sum(gc.exp(y)))
    overflow, underflow = found(total)
    assert overflow.repaired_by == underflow.repaired_by == "log_sum_exp"
    assert found(total).remaining == []
    assert remaining(total, semantics="ieee") == ["overflow", "underflow"]
    assert str(found(gc.sin(x))) == "nothing found"


def test_repairs_behind_moves_are_found():
    labels = gc.input("labels", shape=("n",), dtype="int64")
    e = gc.exp(z)
    share = e / gc.sum(e, axis=1, keepdims=True)
    f = gc.compile([z, labels], gc.log(gc.take_along_axis(share, labels[:, None], axis=1)))
    assert f.diagnostics.remaining == []
    assert all(each.repaired_by for each in f.diagnostics)


def test_what_a_rule_makes_of_it_may_overflow_too():
    v = gc.input("v", shape=(3,))
    (overflow,) = [
        each for each in gc.compile([v], (gc.exp(v) + gc.exp(-v)) / 2).diagnostics if each.kind == "overflow"
    ]
    assert overflow.remains


def test_library_code_is_not_blamed_on_its_user():
    layer = gc.nn.Linear(4, 3, seed=0)
    norm = gc.nn.LayerNorm(3)
    a = gc.input("a", shape=("m", 4))
    cost = gc.mean(gc.square(norm(layer(a))))
    step = gc.compile([a], cost, updates=gc.optim.Adam(1e-3).updates(cost, [layer.weight, layer.bias]))
    assert step.diagnostics == []


def test_loops_and_branches_are_looked_into():
    def body(s, v):
        new = gc.log(v) + s
        return new, gc.exp(new)

    _, rows = gc.scan(body, gc.zeros((), dtype="float32"), x)
    assert sorted(kinds(rows)) == ["domain", "overflow"]
    chosen = gc.cond(gc.sum(x) > 0, lambda v: gc.sqrt(v), lambda v: v, x)
    assert kinds(chosen) == ["domain"]


def test_a_line_is_named_once_for_each_kind():
    u, v = gc.input("one", shape=(3,)), gc.input("another", shape=(3,))
    a, b = gc.exp(u), gc.exp(v)
    assert [each.kind for each in gc.compile([u, v], a + b).diagnostics] == ["overflow"]


# --- the option ---


def warned(*outputs, diagnostics):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        compiled(*outputs, diagnostics=diagnostics)
    return [each for each in caught if issubclass(each.category, gc.NumericalWarning)]


def test_warnings_stand_at_the_users_line():
    value = gc.exp(3 * y)
    (warning,) = warned(value, diagnostics="warn")
    assert warning.filename == __file__
    assert warning.lineno == value.source.line
    assert "exp may overflow in f32 where %y > 29.57" in str(warning.message)


def test_what_is_warned_of():
    repaired, remains = gc.log(gc.sum(gc.exp(y))), gc.log(x)
    assert warned(repaired, diagnostics=None) == []
    assert warned(repaired, diagnostics="warn") == []
    assert len(warned(repaired, diagnostics="all")) == 2
    assert len(warned(remains, diagnostics={"domain": "warn", "hack": "error"})) == 1
    assert warned(remains, diagnostics={"overflow": "warn", "domain": "ignore"}) == []


def test_errors_name_line_range_and_remedy():
    with pytest.raises(gc.NumericalError) as caught:
        compiled(gc.log(p), diagnostics={"domain": "error"})
    text = str(caught.value)
    assert "log of %p, which can be 0" in text
    assert "test_diagnostics.py" in text
    assert "p is in [0, 1]" in text
    assert 'help: if it cannot be, declare that: gc.input("p", …, range=…)' in text
    compiled(gc.log(gc.sum(gc.exp(y))), diagnostics="error")  # repaired


@pytest.mark.parametrize("option", ["loud", 3, {"speed": "warn"}, {"hack": "loud"}, ["hack"]])
def test_the_option_is_checked(option):
    with pytest.raises(gc.GraphError):
        compiled(gc.sin(x), diagnostics=option)


SLOPES = [
    (lambda v: gc.sqrt(gc.abs(v)), "the derivative of sqrt is infinite where gc.abs(v) is 0"),
    (lambda v: gc.log1p(v), "the derivative of log1p is infinite where add(1.0, %v) is 0"),
    (lambda v: gc.log(v), "the derivative of log is infinite where %v is 0"),
    (lambda v: gc.acos(v), "the derivative of acos is infinite where sqrt(one_minus_square(%v)) is 0"),
]


@pytest.mark.parametrize(("function", "text"), SLOPES)
def test_infinite_slopes_are_those_of_the_functions(function, text):
    v = gc.input("v", shape=(4,))
    (diagnostic,) = gc.compile([v], gc.grad(gc.sum(function(v)), v)).diagnostics
    assert diagnostic.kind == "division"
    assert diagnostic.text == text


@pytest.mark.parametrize("function", [gc.linalg.norm, gc.softplus, gc.tanh, lambda v: gc.max(v), gc.logsumexp])
def test_slopes_that_are_finite(function):
    v = gc.input("v", shape=(4,))
    assert gc.compile([v], gc.grad(gc.sum(function(v)), v)).diagnostics == []


def test_long_products_of_loops_are_named_with_what_repaired_them():
    a, b = gc.input("a", (3, 3)), gc.input("b", ("n", 3))
    alpha, _ = gc.scan(lambda alpha, row: ((alpha @ a) * row, None), b[0] / 3, b[1:])
    evidence = gc.log(gc.sum(alpha))
    for passes, repaired in (("default", "log_of_long_product"), ("default,-log_domain", None)):
        diagnostics = gc.compile([a, b], evidence, passes=passes).diagnostics
        (growth,) = [each for each in diagnostics if each.kind == "overflow"]
        assert growth.text == "a state of the loop may overflow in f32: each step multiplies it by %a"
        assert growth.repaired_by == repaired and growth.remains == (repaired is None)
