"""Loops and branches: the values and derivatives of Python loops, on every target."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import graphc as gc

TARGETS = ["reference", "llvm", "cuda-emulator"]


def vector(name="x", dtype="float64"):
    return gc.input(name, ("n",), dtype)


def compiled(inputs, outputs, target="llvm"):
    return gc.compile(inputs, outputs, target=target)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("reverse", [False, True])
def test_scan_is_a_loop(target, reverse):
    x = vector()
    last, sums = gc.scan(lambda c, v: (c + v, c * v), 1.0, x, reverse=reverse)
    data = np.array([2.0, -1.0, 0.5, 3.0])
    carry, expected = 1.0, np.zeros(4)
    for t in reversed(range(4)) if reverse else range(4):
        expected[t] = carry * data[t]
        carry += data[t]
    found = compiled([x], [last, sums], target)(data)
    np.testing.assert_allclose(found[0], carry)
    np.testing.assert_allclose(found[1], expected)


@pytest.mark.parametrize("target", TARGETS)
def test_no_step_at_all(target):
    x = vector()
    last, values = gc.scan(lambda c, v: (c + v, c), 1.0, x)
    found = compiled([x], [last, values], target)(np.zeros(0))
    assert found[0] == 1 and found[1].shape == (0,)


@pytest.mark.parametrize("target", TARGETS)
def test_state_that_changes_places(target):
    (a, b), pairs = gc.scan(lambda s, _: ((s[1], s[0] + s[1]), s), (0.0, 1.0), length=10)
    found = compiled([], [a, b, pairs[0]], target)()
    assert (found[0], found[1]) == (55, 89)
    assert found[2].tolist() == [0, 1, 1, 2, 3, 5, 8, 13, 21, 34]


@pytest.mark.parametrize("target", TARGETS)
def test_a_loop_ends_when_the_body_says_so(target):
    x = vector()
    last, values, count = gc.scan(lambda c, v: (c + v, v, c + v > 2), 0.0, x, until=True)
    f = compiled([x], [last, values, count, gc.grad(last, x)], target)
    found = f(np.array([1.0, 1.5, 4.0, 5.0]))
    assert (found[0], found[2]) == (2.5, 2)
    assert found[1].tolist() == [1, 1.5, 0, 0]
    assert found[3].tolist() == [1, 1, 0, 0]
    assert f(np.array([0.5]))[2] == 1


@pytest.mark.parametrize("target", TARGETS)
def test_while_goes_on_as_long_as_a_condition_holds(target):
    n, x = gc.input("n", (), "int64"), gc.input("x", (2,), "float64")
    count, y = gc.while_loop(lambda s: s[0] < n, lambda s: (s[0] + 1, s[1] * x), (0, gc.full((2,), 1.0, "float64")))
    f = compiled([n, x], [count, y], target)
    assert f(3, np.array([2.0, 0.5]))[1].tolist() == [8, 0.125]
    assert f(0, np.array([2.0, 0.5]))[0] == 0


def test_a_while_without_a_bound_has_no_reverse_derivative():
    x = gc.input("x", (), "float64")
    y = gc.while_loop(lambda c: c < 10, lambda c: c * x, x)
    with pytest.raises(gc.GradientError, match="max_steps"):
        gc.grad(y, x)


def test_a_bounded_while_has_a_derivative():
    x = gc.input("x", (), "float64")
    y = gc.while_loop(lambda c: c < 10, lambda c: c * x, x, max_steps=20)
    value, slope = compiled([x], [y, gc.grad(y, x)])(2.0)
    assert (value, slope) == (16, 4 * 2.0**3)
    assert compiled([x], gc.grad(y, x))(11.0) == 1


@pytest.mark.parametrize("target", TARGETS)
def test_a_bounded_while_does_not_go_too_far(target):
    """The body would be out of bounds after the last step."""
    x = gc.input("x", (3,), "float64")
    _, total = gc.while_loop(lambda s: s[0] < 3, lambda s: (s[0] + 1, s[1] + x[s[0]] ** 2), (0, 0), max_steps=9)
    values, slope = compiled([x], [total, gc.grad(total, x)], target)([1, 2, 3])
    assert values == 14 and slope.tolist() == [2, 4, 6]
    with pytest.raises(gc.ShapeError, match=r"while_loop: the carry begins as"):
        gc.while_loop(lambda s: s[0] < 3, lambda s: s[0], (0, 0), max_steps=9)


@pytest.mark.parametrize("target", TARGETS)
def test_what_a_branch_calculates_is_calculated_there(target):
    """Without operands, too, and although the same is calculated elsewhere."""
    x, i = vector(), gc.input("i", (), "int64")
    outside = x[i]
    safe = gc.cond(i < 2, lambda: x[i] * 2, lambda: 0)
    f = compiled([x, i], [safe, gc.grad(safe, x)], target)
    assert [y.tolist() for y in f([1, 2], 1)] == [4, [0, 2]]
    assert [y.tolist() for y in f([1, 2], 7)] == [0, [0, 0]]
    with pytest.raises(gc.IndexOutOfBounds):
        compiled([x, i], [safe, outside], target)([1, 2], 7)
    shared = gc.cond(i < 2, lambda: outside * 2, lambda: outside)
    assert all(node.op.name != "take" for branch in shared.args[0].op.branches for node in branch.nodes)


def test_steps_that_did_not_run_add_nothing_to_a_product():
    """Their state counts as 0, whose logarithm is infinite."""
    h, w = gc.input("h", (1, 2), "float64"), gc.input("w", (2, 2), "float64")
    ended = gc.scan(lambda c, _: (gc.exp(gc.log(c) @ w), None, gc.constant(True)), h, length=5, until=True)[0]
    slopes = [gc.grad(gc.sum(y), w) for y in (ended, gc.exp(gc.log(h) @ w))]
    np.testing.assert_allclose(*compiled([h, w], slopes)([[2.0, 3.0]], [[1.0, 0.5], [0.2, 1.0]]), rtol=1e-12)


@pytest.mark.parametrize("target", TARGETS)
def test_fori(target):
    n, x = gc.input("n", (), "int32"), vector()
    by_size = gc.fori_loop(1, 4, lambda i, c: c * gc.cast(i, "float64") + x, x)
    by_value = gc.fori_loop(1, n, lambda i, c: c * gc.cast(i, "float64") + x, x)
    a, b = compiled([n, x], [by_size, by_value], target)(4, np.array([1.0, 2.0]))
    assert a.tolist() == b.tolist() == [16, 32]


@pytest.mark.parametrize("target", TARGETS)
def test_only_the_chosen_branch_counts(target):
    x = gc.input("x", (), "float64")
    y = gc.cond(x > 0, lambda v: gc.log(v), lambda v: v * 2, x)
    f = compiled([x], [y, gc.grad(y, x)], target)
    np.testing.assert_allclose(f(4.0), [np.log(4), 0.25])
    np.testing.assert_allclose(f(-4.0), [-8, 2])


def test_tangents_of_a_branch_that_needs_constants():
    """The derivative of an update has a constant mask."""
    x, v = gc.input("x", (3,), "float64"), gc.input("v", (3,), "float64")

    def branch(x):
        return gc.tanh(gc.tanh(x + v).at[1].set(x[0]))

    costs = [gc.sum(y**2) for y in (branch(x), gc.cond(x[0] > 0, branch, lambda x: x, x))]
    second = [gc.jvp(gc.sum(gc.grad(cost, x) * v), x, v) for cost in costs]
    np.testing.assert_allclose(*compiled([x, v], second)([1.0, 2.0, 3.0], [0.1, 0.2, 0.3]), rtol=1e-12)


@pytest.mark.parametrize("target", TARGETS)
def test_switch_takes_the_nearest_branch(target):
    i, x = gc.input("i", (), "int64"), gc.input("x", (3,), "float32")
    y = gc.switch(i, [lambda v: v, lambda v: v + 1, lambda v: gc.exp(v)], x)
    f = compiled([i, x], y, target)
    data = np.float32([0, 1, 2])
    for number, expected in ((-5, data), (0, data), (1, data + 1), (2, np.exp(data)), (99, np.exp(data))):
        np.testing.assert_allclose(f(number, data), expected, rtol=1e-6)


@pytest.mark.parametrize("target", TARGETS)
def test_loops_in_loops(target):
    x = vector()
    y = gc.scan(
        lambda c, v: (c + gc.fori_loop(0, 3, lambda i, d: d * 0.5 + v + c, v), gc.map(lambda z: z * v, x)), 0.0, x
    )
    data = np.array([0.3, -0.2, 1.1])
    carry, rows = 0.0, []
    for v in data:
        d = v
        for _ in range(3):
            d = d * 0.5 + v + carry
        carry += d
        rows.append(data * v)
    found = compiled([x], [y[0], y[1]], target)(data)
    np.testing.assert_allclose(found[0], carry)
    np.testing.assert_allclose(found[1], rows)


def rnn(x, w, **options):
    def step(h, v):
        new = gc.tanh(gc.matmul(h, w) + v)
        return new, gc.sum(new**2)

    last, values = gc.scan(step, gc.zeros((2, 3), dtype="float64"), x, **options)
    return gc.sum(values) + gc.sum(last[0])


@settings(max_examples=12, deadline=None)
@given(
    steps=st.integers(0, 7),
    options=st.sampled_from([{}, {"reverse": True}, {"checkpoint": 3}, {"checkpoint": 3, "reverse": True}]),
    seed=st.integers(0, 99),
)
def test_the_derivative_of_a_scan(steps, options, seed):
    random = np.random.default_rng(seed)
    x, w = gc.input("x", ("n", 2, 3), "float64"), gc.input("w", (3, 3), "float64")
    cost = rnn(x, w, **options)
    values = [random.normal(size=(steps, 2, 3)), random.normal(size=(3, 3)) / 3]
    f = compiled([x, w], [cost, *gc.grad(cost, [x, w])])
    slopes = f(*values)[1:]
    for number, slope in enumerate(slopes):
        direction = random.normal(size=slope.shape)
        moved = [[v + sign * 1e-6 * direction if k == number else v for k, v in enumerate(values)] for sign in (1, -1)]
        difference = (f(*moved[0])[0] - f(*moved[1])[0]) / 2e-6
        np.testing.assert_allclose((slope * direction).sum(), difference, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("target", TARGETS)
def test_second_derivatives(target):
    x = vector()
    cost = gc.scan(lambda c, v: (gc.sin(c * v) + v, None), 1.0, x)[0]
    slope = gc.grad(cost, x)
    curve = gc.grad(gc.sum(slope**2), x)
    f = compiled([x], [slope, curve], target)
    data = np.array([0.4, -1.2, 0.9])
    numeric = np.array([(f(data + e)[0] ** 2).sum() - (f(data - e)[0] ** 2).sum() for e in 1e-6 * np.eye(3)]) / 2e-6
    np.testing.assert_allclose(f(data)[1], numeric, rtol=1e-5)


@pytest.mark.parametrize("checkpoint", ["sqrt", 1, 4, 100])
def test_checkpoints_change_nothing(checkpoint):
    x, w = gc.input("x", (10, 2, 3), "float64"), gc.input("w", (3, 3), "float64")
    random = np.random.default_rng(0)
    values = random.normal(size=(10, 2, 3)), random.normal(size=(3, 3)) / 3
    plain = compiled([x, w], gc.grad(rnn(x, w), [x, w]))(*values)
    kept = compiled([x, w], gc.grad(rnn(x, w, checkpoint=checkpoint), [x, w]))(*values)
    for a, b in zip(plain, kept, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_checkpoints_need_less_memory():
    x = gc.input("x", (10_000, 8), "float64")

    def slope(**options):
        cost = gc.scan(
            lambda c, v: (gc.sin(c * v) + gc.exp(-c * c), None), gc.zeros((8,), dtype="float64"), x, **options
        )[0]
        return compiled([x], gc.grad(gc.sum(cost), x))

    plain, kept = slope(), slope(checkpoint="sqrt")
    data = np.random.default_rng(0).normal(size=(10_000, 8))
    np.testing.assert_allclose(plain(data), kept(data), rtol=1e-10)
    assert kept.memory.total < plain.memory.total / 10


INNER_LOOPS = {
    "for": lambda r: gc.fori_loop(0, 3, lambda i, s: s * 2 + r, r),
    "while": lambda r: gc.while_loop(lambda s: gc.sum(s) < 100, lambda s: s * 2 + r, r),
    "until": lambda r: gc.scan(lambda s, _: ((z := s * 2), z, gc.sum(z) > 10), r, length=4, until=True)[0],
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("kind", sorted(INNER_LOOPS))
def test_the_last_state_of_a_loop_is_a_row_of_the_loop_around(target, kind):
    """An inner loop keeps its state where the outer one stacks it."""
    x, loop = gc.input("x", ("n", 2), "float64"), INNER_LOOPS[kind]
    rows = [gc.map(loop, x), gc.scan(lambda c, r: ((z := loop(c + r)), z), x[0], x)[1]]
    carry, expected = x[0], []
    for t in range(3):
        carry = loop(carry + x[t])
        expected.append(carry)
    wanted = [gc.stack([loop(x[t]) for t in range(3)]), gc.stack(expected)]
    values = np.arange(1.0, 7).reshape(3, 2)
    for found, right in zip(
        compiled([x], rows, target)(values), compiled([x], wanted, "reference")(values), strict=True
    ):
        assert found.tolist() == right.tolist()


def test_truncated_derivatives_stop():
    x = gc.input("x", (6,), "float64")
    cost = gc.scan(lambda c, v: (c + v, None), 0.0, x, truncate=4)[0]
    assert compiled([x], gc.grad(cost, x))(np.ones(6)).tolist() == [0, 0, 0, 0, 1, 1]


@pytest.mark.parametrize("target", TARGETS)
def test_second_derivatives_through_checkpoints(target):
    x = gc.input("x", (), "float64")
    cost = gc.scan(lambda c, _: (gc.sin(c), None), x, length=3, checkpoint=1)[0]
    plain = gc.sin(gc.sin(gc.sin(x)))
    second = [gc.grad(gc.grad(y, x), x) for y in (cost, plain)]
    np.testing.assert_allclose(*compiled([x], second, target)(0.5), rtol=1e-12)


@pytest.mark.parametrize("reverse", [False, True])
def test_truncated_segments_begin_with_the_walk(reverse):
    """The first state has a derivative, and segments are counted in the direction of the walk."""
    x, start = gc.input("x", ("n",), "float64"), gc.input("start", (), "float64")
    cost = gc.scan(lambda c, v: (c + v, None), start, x, truncate=4, reverse=reverse)[0]
    slope = compiled([x, start], gc.grad(cost, [x, start]))
    by_x, by_start = slope(np.ones(6), 0.0)
    assert by_x.tolist() == ([1, 1, 0, 0, 0, 0] if reverse else [0, 0, 0, 0, 1, 1]) and by_start == 0
    by_x, by_start = slope(np.ones(4), 0.0)
    assert by_x.tolist() == [1, 1, 1, 1] and by_start == 1


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32", "float64", "int8", "uint8", "int32"])
def test_numbers_to_begin_with_take_on_a_dtype(dtype):
    x = gc.input("x", ("n",), dtype)
    total, product, count = gc.scan(
        lambda c, v: ((c[0] + v, c[1] * 2 * v, c[2] + 1), None), (0, 1.0 if "f" in dtype else 1, 0), x
    )[0]
    assert [total.dtype.name, product.dtype.name, count.dtype.name] == [dtype, dtype, "int64"]
    assert gc.fori_loop(0, 3, lambda i, c: c * 0.5, 1.0).dtype.name == "float64"


def test_numbers_of_branches_take_on_a_dtype():
    x = gc.input("x", (), "float32")
    y = gc.cond(x > 0, lambda: 0.5, lambda: x)
    assert y.dtype.name == "float32"
    assert compiled([x], y)(np.float32(1)) == 0.5
    with pytest.raises(gc.DTypeError, match="one branch gives"):
        gc.cond(x > 0, lambda: 0.5, lambda: gc.cast(x, "int64"))


def test_a_naive_formula_inside_is_stable():
    x = gc.input("x", ("n", 3), "float32")
    last, _ = gc.scan(lambda c, v: (gc.log(gc.sum(gc.exp(v + c))), None), np.float32(0), x)
    value, slope = compiled([x], [last, gc.grad(last, x)])(np.full((2, 3), 500, np.float32))
    np.testing.assert_allclose(value, 1000 + 2 * np.log(3), rtol=1e-6)
    np.testing.assert_allclose(slope, np.full((2, 3), 1 / 3), rtol=1e-5)


def test_invariants_are_operands():
    x, w = gc.input("x", ("n", 4), "float64"), gc.input("w", (4, 4), "float64")
    last, _ = gc.scan(lambda c, v: (c + v @ gc.exp(w), None), gc.zeros((4,), dtype="float64"), x)
    f = compiled([x, w], last)
    (loop,) = [node for node in f.graph.nodes if node.op.name == "scan"]
    assert not any(node.op.name == "exp" for node in loop.op.body.nodes)


def test_equal_loops_are_one_node():
    x = vector()
    assert gc.scan(lambda c, v: (c * v, None), 1.0, x)[0] is gc.scan(lambda s, t: (s * t, None), 1.0, x)[0]


def test_text_reads_back():
    x = vector()
    y = gc.scan(lambda c, v: (gc.cond(v > 0, lambda a: a + v, lambda a: -a, c), c), 1.0, x)
    z = gc.while_loop(lambda c: c < 3, lambda c: c + 1, gc.sum(x))
    text = str(gc.Graph("f", (x,), (y[0], y[1], z)))
    assert str(gc.parse_graph(text)) == text


@pytest.mark.parametrize("target", TARGETS)
def test_parameters_inside_keep_their_values_where_an_index_fails(target):
    x, i = vector(), gc.input("i", ("m",), "int64")
    w = gc.parameter("w", np.zeros(()))
    last, _ = gc.scan(lambda c, k: (c + gc.take(x, k) + w, None), 0.0, i)
    f = gc.compile([x, i], last, updates={w: w + last}, target=target)
    with pytest.raises(gc.IndexOutOfBounds):
        f(np.ones(3), np.array([0, 5]))
    assert gc.value(w) == 0
    assert f(np.ones(3), np.array([0, 2])) == 2 and gc.value(w) == 2


class TestMisuse:
    def test_a_carry_that_changes_its_shape(self):
        x = gc.input("x", ("n", 3), "float64")
        with pytest.raises(gc.ShapeError, match=r"carry begins as f64\[2\] and becomes f64\[3\]"):
            gc.scan(lambda c, v: (v, None), gc.zeros((2,), dtype="float64"), x)

    def test_a_carry_that_changes_its_dtype(self):
        with pytest.raises(gc.DTypeError, match=r"carry\['h'\] begins as f32"):
            gc.scan(lambda c, v: ({"h": gc.cast(c["h"], "float64")}, None), {"h": np.float32(1)}, vector())

    def test_a_carry_of_another_structure(self):
        with pytest.raises(gc.ShapeError, match="becomes"):
            gc.scan(lambda c, v: ((c, c), None), 0.0, vector())

    def test_sequences_of_different_lengths(self):
        with pytest.raises(gc.ShapeError, match="slices for"):
            gc.scan(lambda c, v: (c, None), 0.0, (vector(), gc.input("y", ("m",), "float64")))

    def test_no_length(self):
        with pytest.raises(gc.ArgumentError, match="number of steps"):
            gc.scan(lambda c, v: (c, None), 0.0)

    def test_a_body_that_gives_one_thing(self):
        with pytest.raises(gc.ArgumentError, match=r"\(carry, value\)"):
            gc.scan(lambda c, v: c, 0.0, vector())

    def test_a_predicate_that_is_no_truth_value(self):
        x = vector()
        with pytest.raises(gc.DTypeError, match="predicate"):
            gc.cond(x, lambda: x, lambda: x)
        with pytest.raises(gc.DTypeError, match="condition"):
            gc.while_loop(lambda c: c, lambda c: c, 1.0)

    def test_branches_of_different_types(self):
        x = vector()
        with pytest.raises(gc.ShapeError, match="another one"):
            gc.cond(gc.sum(x) > 0, lambda: x, lambda: gc.sum(x))

    def test_an_index_that_is_no_integer(self):
        with pytest.raises(gc.DTypeError, match="number of the branch"):
            gc.switch(1.5, [lambda: gc.constant(1.0)])

    def test_a_number_that_does_not_fit(self):
        with pytest.raises(gc.DTypeError, match="begins as f64"):
            gc.scan(lambda c, v: (v, c), 0.5, gc.input("x", (3,), "int64"))

    def test_bounds_are_integers(self):
        with pytest.raises(gc.DTypeError, match="a bound is f64"):
            gc.fori_loop(0, 2.5, lambda i, c: c + 1.0, 0.0)

    def test_checkpoint_and_truncate(self):
        with pytest.raises(gc.ArgumentError, match="checkpoint"):
            gc.scan(lambda c, v: (c, None), 0.0, vector(), checkpoint="log")
        with pytest.raises(gc.ArgumentError, match="root"):
            gc.scan(lambda c, v: (c, None), 0.0, vector(), checkpoint="sqrt")
        with pytest.raises(gc.ArgumentError, match="truncate"):
            gc.scan(lambda c, v: (c, None), 0.0, vector(), truncate=0)


def steps_of(program):
    """The steps inside and outside of the loops of a program, by kind."""
    from graphc.kernel import Repeat

    loops = [step for step in program.numbered if isinstance(step, Repeat)]
    inside = [type(step).__name__ for loop in loops for step in loop.body]
    outside = [type(step).__name__ for step in program.steps]
    return inside, outside


def test_products_of_sequences_leave_the_loop():
    x, w, u = gc.input("x", ("n", 2, 3), "float64"), gc.input("w", (3, 4), "float64"), gc.input("u", (4, 4), "float64")
    _, hs = gc.scan(lambda h, v: ((new := gc.tanh(v @ w + h @ u)), new), gc.zeros((2, 4), dtype="float64"), x)
    cost = gc.sum(hs**2)
    f = compiled([x, w, u], [cost, *gc.grad(cost, [x, w, u])])
    inside, outside = steps_of(f.program)
    assert inside.count("Gemm") == 2  # one forward, one back: what waits for the state
    assert outside.count("Gemm") == 4  # of all steps at once: x @ w, and the derivatives by x, w and u
    values = [np.random.default_rng(0).normal(size=s) for s in [(5, 2, 3), (3, 4), (4, 4)]]
    for a, b in zip(
        f(*values), compiled([x, w, u], [cost, *gc.grad(cost, [x, w, u])], "reference")(*values), strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_what_nobody_reads_is_not_carried_or_stacked():
    x = vector()
    (a, _), (_, odd) = gc.scan(lambda s, v: ((s[0] + v, s[1] * gc.exp(v)), (gc.sin(v), s[0])), (0.0, 1.0), x)
    f = compiled([x], [a, odd])
    (loop,) = [node for node in f.graph.nodes if node.op.name == "scan"]
    assert {node.op.name for node in loop.op.body.nodes} == {"input", "add"}
    assert f(np.array([1.0, 2.0]))[1].tolist() == [0, 1]


class TestForwardMode:
    def outputs(self, x, n):
        a, rows = gc.scan(lambda c, v: ((gc.sin(c[0] * v) + c[1], c[1] * 0.5 + v), c[0] ** 2), (0.3, 1.0), x)
        _count, w = gc.while_loop(lambda s: s[0] < n, lambda s: (s[0] + 1, s[1] * gc.sum(x) + s[1] ** 2), (0, x[0]))
        s = gc.cond(gc.sum(x) > 0, lambda y: gc.exp(y) * x[1], lambda y: y * 2, gc.sum(x))
        u = gc.scan(lambda c, v: (c + v**2, c * v, c > 1.5), 0.1, x, until=True)
        return [a[0], rows, w, s, u[0], u[1]]

    @pytest.mark.parametrize("target", ["reference", "llvm"])
    def test_tangents_against_differences(self, target):
        x, v, n = vector(), vector("v"), gc.input("k", (), "int64")
        ys = self.outputs(x, n)
        f = compiled([x, v, n], [*ys, *gc.jvp(ys, [x], [v])], target)
        at, along = np.array([0.5, 0.7, 1.2, -0.3]), np.array([1.0, -2.0, 0.3, 0.7])
        up, down = f(at + 1e-6 * along, along, 3), f(at - 1e-6 * along, along, 3)
        for a, b, tangent in zip(up, down, f(at, along, 3)[len(ys) :], strict=False):
            np.testing.assert_allclose(tangent, (a - b) / 2e-6, rtol=1e-6, atol=1e-8)

    def test_both_orders_of_second_derivatives(self):
        x, v = vector(), vector("v")
        cost = sum(
            gc.sum(y) for y in self.outputs(x, gc.constant(2)) if y.op.name != "item" or y.args[0].op.name != "while"
        )
        forward_over_reverse = gc.jvp([gc.grad(cost, x)], [x], [v])[0]
        reverse_over_forward = gc.grad(gc.jvp([cost], [x], [v])[0], x)
        f = compiled([x, v], [forward_over_reverse, reverse_over_forward])
        a, b = f(np.array([0.5, 0.7, 1.2, -0.3]), np.array([1.0, -2.0, 0.3, 0.7]))
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_taps_are_slices_at_distances():
    x = vector()
    _, rows = gc.scan(lambda c, v: (c, v[0] - 2 * v[1] + v[2]), None, x, taps=(-1, 0, 1))
    f = compiled([x], [rows, gc.grad(gc.sum(rows**2), x)])
    data = np.array([1.0, 4.0, 9.0, 16.0, 20.0])
    assert f(data)[0].tolist() == [2, 2, -3]
    with pytest.raises(gc.ArgumentError, match="taps"):
        gc.scan(lambda c, v: (c, v), None, x, taps=("a",))


def test_a_loop_and_its_tangents_are_one_loop():
    x, v = vector(), vector("v")
    _, rows = gc.scan(lambda c, t: (gc.sin(c * t) + c, c), 0.5, x)
    f = compiled([x, v], [rows, gc.jvp([rows], [x], [v])[0]])
    (loop,) = [node for node in f.graph.nodes if node.op.name == "scan"]
    assert loop.op.carries == 2
    other = gc.scan(lambda c, t: (gc.cos(c * t) + c, c), 0.5, x)[1]
    apart = compiled([x], [rows, other])
    assert sum(node.op.name == "scan" for node in apart.graph.nodes) == 2


def test_state_is_not_overwritten_before_it_is_read():
    x = gc.input("x", (3,), "float64")

    def body(state, _):
        second = state[0] * gc.tanh(state[0] + state[1])
        return (0.7 * state[1] + second, second), None

    (a, b), _ = gc.scan(body, (x, x * 0.5), length=4)
    data = np.array([0.3, -0.8, 1.5])
    state = data, data * 0.5
    for _ in range(4):
        second = state[0] * np.tanh(state[0] + state[1])
        state = 0.7 * state[1] + second, second
    for found, wanted in zip(compiled([x], [a, b])(data), state, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-13)
