"""First and second derivatives of every op against exact differences, at ordinary and at hard points.

The reference is the op itself, read over numbers of 3,700 bits and differenced symmetrically with steps of 2**-100
of the operand: some hundred bits of the second derivative are right then. The derivatives are evaluated in float64.
"""

import inspect
import itertools

import mpmath
import numpy as np
import pytest

import graphc as gc
from graphc.grad import reverse_mode
from graphc.interpret import evaluate_nodes
from graphc.interpret.mpmath_reader import MpmathReader
from graphc.ir.node import make
from graphc.ir.op import OPS, Op
from graphc.ops import conversion, convolution, indexing, movement, tuples, windows
from graphc.ops.base import Elementwise, LibraryOp

READER = MpmathReader(precision=3700)
SHORTER = MpmathReader(precision=700)  # for numbers of ordinary size
BITS = 5000
TOLERANCE = 1e-12
SMALLEST = 1e-307  # below, products of normal numbers lose bits to underflow

MAGNITUDES = [0.0, 5e-324, 1e-310, 1e-300, 1e-20, 1e-8, 0.5, 1 - 2**-53, 1.0, 1 + 2**-52, 30.0, 700.0, 1e8, 1e300]
FEWER = [0.0, 5e-324, 1e-8, 1 - 2**-53, 1.0, 30.0, 1e300]


def exactly(node, bindings, reader=READER):
    """The value of a node in exact arithmetic, as an array of mpf."""
    return evaluate_nodes([node], bindings, reader=reader)[0]


def numbers(array):
    return np.vectorize(mpmath.mpf, otypes=[object])(array)


def step(x):
    """A small part of x, also of a subnormal one, and of the unit where x is larger."""
    return mpmath.ldexp(min(abs(mpmath.mpf(x)), 1), -100) if x else mpmath.ldexp(1, -1180)


def steps(array):
    return np.vectorize(step, otypes=[object])(array)


def evaluated(node, bindings):
    with np.errstate(all="ignore"):
        return evaluate_nodes([node], bindings)[0]


def assert_close(found, expected, what):
    """Equal up to TOLERANCE; what float64 cannot hold is infinite."""
    for index in np.ndindex(found.shape):
        value, exact = float(found[index]), expected[index]
        if mpmath.isnan(exact):  # a difference of numbers beyond all bounds
            assert not np.isnan(value), (what, index, value)
        elif abs(exact) >= 1.797e308:
            assert abs(value) >= 1.797e308 and (value > 0) == (exact > 0), (what, index, value, exact)
        else:
            error = abs(mpmath.mpf(value) - exact) if np.isfinite(value) else mpmath.inf
            assert error <= TOLERANCE * abs(exact) + SMALLEST, (what, index, value, mpmath.nstr(exact, 20))


# --- elementwise ops ---

ATTRIBUTES = {"cast": {"dtype": gc.float64}}


def differentiable_elementwise():
    """Special functions have points and bounds of their own, in tests/ops/test_special.py."""
    for name, op in sorted(OPS.items()):
        own = op.__module__.startswith("graphc.ops.special.")
        if issubclass(op, Elementwise) and op.vjp is not None and op.__module__.startswith("graphc.") and not own:
            yield pytest.param(op(**ATTRIBUTES.get(name, {})), id=name)


def is_kink(op, xs):
    """Whether the op has no derivative at a point."""
    match op.name:
        case "abs":
            return xs[0] == 0
        case "maximum" | "minimum":
            return xs[0] == xs[1]
        case "remainder":
            quotient = mpmath.mpf(xs[0]) / mpmath.mpf(xs[1])
            return abs(quotient - mpmath.nint(quotient)) <= 1e-14 * abs(quotient)
        case "sqrt" | "cbrt":
            return xs[0] == 0
        case "copysign":
            return 0 in xs
        case "ldexp" | "log_ldexp":
            return mpmath.isint(xs[1])
        case "hypot" | "direction_cosine":
            return xs[0] == xs[1] == 0
        case "atan2":  # near the diagonals a second derivative is the difference of equal numbers
            return (xs[0] == 0 and xs[1] <= 0) or abs(abs(xs[0]) - abs(xs[1])) <= 1e-3 * abs(xs[0])
    return False


# Where a derivative in float64 is not that of the exact function, or the exact function is out of reach.
REACH = {
    # exp(1e8) has more digits than memory, and 1 + exp(-1e8) more than 10**8 of them: see `test_far_away`.
    **dict.fromkeys(
        ["exp_add", "logaddexp", "log1mexp", "softplus", "erf", "erfc"], lambda *xs: max(map(abs, xs)) <= 800
    ),
    # y * x**(y - 1) overflows on the way, and so does its logarithm's factor.
    "pow": lambda x, y: x > 1e-300 and abs(y) < 1000,
    # 1/distance**2 overflows on the way, or the differences are beyond the digits that the reference has.
    **dict.fromkeys(["atan2", "hypot", "direction_cosine"], lambda *xs: 1e-100 < max(map(abs, xs)) < 1e100),
    # 1/y**2 overflows on the way to x/y**2, or x*z underflows.
    "divide": lambda x, y: 1e-100 < y < 1e100 and abs(x) < 1e100,
}


def sample_points(op, count):
    """Columns of operands: hard points of the domain, in all combinations, and random ones."""
    rng = np.random.default_rng(0)
    magnitudes = MAGNITUDES if count == 1 else FEWER
    hard = sorted({sign * x for x in magnitudes for sign in (1.0, -1.0)})
    random = [tuple(rng.normal(size=count) * np.exp(rng.normal(size=count))) for _ in range(30)]
    reach = REACH.get(op.name, lambda *xs: True)
    columns = [*itertools.product(hard, repeat=count), *random]
    domains = [op.domain_of(i) for i in range(count)]
    fitting = [xs for xs in columns if all(d.low < x < d.high for d, x in zip(domains, xs, strict=True)) and reach(*xs)]
    return np.array([xs for xs in fitting if not is_kink(op, xs)]).T


def on_points(op):
    """The op on operands of its own, and points for them (conditions are true and false in turn)."""
    count = op.arity - op.conditions
    points = sample_points(op, count)
    xs = [gc.input(f"x{i}", (points.shape[1],), "float64") for i in range(count)]
    conditions = [gc.constant(np.arange(points.shape[1]) % 2 == 0) for _ in range(op.conditions)]
    return make(op, *conditions, *xs), xs, points


def partial(y, xs, points, orders):
    """An exact partial derivative, by symmetric differences: `orders` counts the derivatives by each operand."""
    with mpmath.workprec(BITS):
        exact = [numbers(p) for p in points]
        widths = [steps(p) for p in points]
        stencils = {0: [(0, 1)], 1: [(1, 1), (-1, -1)], 2: [(1, 1), (0, -2), (-1, 1)]}
        total = 0
        for choice in itertools.product(*(stencils[order] for order in orders)):
            moved = {x: p + w * place for x, p, w, (place, _) in zip(xs, exact, widths, choice, strict=True)}
            total = total + exactly(y, moved) * int(np.prod([weight for _, weight in choice]))
        for order, w in zip(orders, widths, strict=True):
            total = total / (2 * w) if order == 1 else total / (w * w) if order == 2 else total
        return total


@pytest.mark.parametrize("op", list(differentiable_elementwise()))
def test_elementwise(op):
    y, xs, points = on_points(op)
    bindings = dict(zip(xs, points, strict=True))
    weights = np.random.default_rng(1).uniform(1, 2, (2, points.shape[1]))
    first = reverse_mode(gc.sum(y * weights[0]), xs)
    for i, slope in enumerate(first):
        orders = [int(j == i) for j in range(len(xs))]
        expected = partial(y, xs, points, orders) * weights[0]
        found = np.zeros(points.shape[1]) if slope is None else evaluated(slope, bindings)
        assert_labelled(found, expected, points, f"{op.name}: first derivative by operand {i}")
        second = reverse_mode(gc.sum(slope * weights[1]), xs) if slope is not None else [None] * len(xs)
        for j, curve in enumerate(second[: i + 1]):
            orders = [int(k == i) + int(k == j) for k in range(len(xs))]
            expected = partial(y, xs, points, orders) * weights[0] * weights[1]
            found = np.zeros(points.shape[1]) if curve is None else evaluated(curve, bindings)
            assert_labelled(found, expected, points, f"{op.name}: second derivative by operands {i} and {j}")


def assert_labelled(found, expected, points, what):
    for k in range(points.shape[1]):
        assert_close(found[k : k + 1], expected[k : k + 1], (what, tuple(points[:, k])))


def test_far_away_the_derivatives_have_their_limits():
    """Where the exact function is out of reach: no factor overflows, nothing is 0 * inf."""
    x = gc.input("x", (4,), "float64")
    far = np.array([-1e300, -1e8, 1e8, 1e300])
    limits = {
        gc.softplus: [0, 0, 1, 1],
        gc.sigmoid: [0, 0, 0, 0],
        gc.tanh: [0, 0, 0, 0],
        gc.erf: [0, 0, 0, 0],
        gc.erfc: [0, 0, 0, 0],
        lambda v: gc.log1mexp(-abs(v)): [0, 0, 0, 0],
        lambda v: gc.logaddexp(v, 0.0): [0, 0, 1, 1],
        lambda v: gc.logaddexp(0.0, v): [0, 0, 1, 1],
        lambda v: gc.logaddexp(v, v): [1, 1, 1, 1],
    }
    for function, expected in limits.items():
        (first,) = reverse_mode(gc.sum(function(x)), [x])
        (second,) = reverse_mode(gc.sum(first), [x])
        np.testing.assert_array_equal(evaluated(first, {x: far}), expected)
        np.testing.assert_array_equal(evaluated(second, {x: far}), 0)


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, -1, 0.5, 2.5, -0.0, 1.0])
def test_powers_with_a_known_exponent(exponent):
    x = gc.input("x", (5,), "float64")
    points = np.array([1e-5, 0.5, 1.0, 3.0, 1e5])
    y = x**exponent
    (first,) = reverse_mode(gc.sum(y), [x])
    (second,) = reverse_mode(gc.sum(first), [x])
    np.testing.assert_allclose(evaluated(first, {x: points}), exponent * points ** (exponent - 1.0), rtol=TOLERANCE)
    expected = exponent * (exponent - 1) * points ** (exponent - 2.0)
    found = np.zeros(5) if second is None else evaluated(second, {x: points})
    np.testing.assert_allclose(found, expected, rtol=TOLERANCE)


@pytest.mark.parametrize(("exponent", "slopes"), [(0, [0, 0, 0]), (1, [1, 1, 1]), (2, [0, -2, 4]), (3, [0, 3, 12])])
def test_whole_powers_of_zero_and_of_negative_numbers(exponent, slopes):
    x = gc.input("x", (3,), "float64")
    for y in (x**exponent, gc.pow(x, float(exponent)), gc.pow(x, np.full(3, float(exponent)))):
        (first,) = reverse_mode(gc.sum(y), [x])
        found = 0 if first is None else evaluated(first, {x: np.array([0.0, -1.0, 2.0])})
        np.testing.assert_array_equal(found, slopes)


# --- ops that move and reduce ---

rng = np.random.default_rng(2)
TABLE = rng.integers(0, 4, (2, 3))
MATRIX = rng.normal(size=(3, 4))

# For each op: a function of nodes, and values for them.
FAMILIES = {
    "expand": (lambda x: conversion.expand(x, (0, 2), (2, 3)), [MATRIX]),
    "sum": (lambda x: gc.sum(x, axis=1), [MATRIX]),
    "reshape": (lambda x: gc.reshape(x, (2, 6)), [MATRIX]),
    "transpose": (lambda x: gc.transpose(x, (2, 0, 1)), [rng.normal(size=(2, 1, 3))]),
    "slice": (lambda x: x[::-2, 1:3], [MATRIX]),
    "pad": (lambda x: make(movement.Pad((1, 0), (2, 1), (8, 5), 3.0), x), [MATRIX]),
    "shear": (lambda x: make(windows.Shear((1,), (0,), (-1,), (2,), (2,)), x), [MATRIX]),
    "windows": (lambda x: make(windows.Windows((1, 0), (2, 1), (2, 3), (2, 1), (1, 1)), x), [MATRIX]),
    "merge": (lambda x: make(windows.Merge((1,)), x), [rng.normal(size=(2, 3, 2))]),
    "conv": (
        lambda x, w: make(convolution.Conv((-1,), (3,), (2,), (1,), (1,)), x, w),
        [rng.normal(size=(2, 1, 2, 4)), rng.normal(size=(1, 3, 2, 2))],
    ),
    "concat": (lambda x, y: gc.concat([x, y, x], axis=1), [MATRIX, rng.normal(size=(3, 1))]),
    "matmul": (lambda x, y: gc.matmul(x, y), [rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 4, 2))]),
    "take": (lambda x: gc.take(x, TABLE, axis=1), [MATRIX]),
    "scatter_add": (lambda x: make(indexing.ScatterAdd(0, 5), x, gc.constant(TABLE)), [rng.normal(size=(2, 3, 2))]),
    "take_along_axis": (lambda x: gc.take_along_axis(x, TABLE[:1].repeat(3, 0) % 3, axis=1), [MATRIX]),
    "scatter_add_along_axis": (
        lambda x: make(indexing.ScatterAddAlongAxis(1, 5), x, gc.constant(TABLE)),
        [rng.normal(size=(2, 3))],
    ),
    "gather": (lambda x: x[[0, 2, 0], [1, 3, 1]], [MATRIX]),
    "put": (lambda x, v: x.at[[0, 2, 0], [1, 3, 1]].set(v), [MATRIX, rng.normal(size=3)]),
    "put_add": (lambda x, v: x.at[[0, 2, 0]].add(v), [MATRIX, rng.normal(size=(3, 4))]),
    "put_multiply": (lambda x, v: x.at[[0, 2, 0]].multiply(v), [MATRIX, rng.normal(size=(3, 4))]),
    "put_max": (lambda x, v: x.at[[0, 2, 0]].max(v), [MATRIX, rng.normal(size=(3, 4))]),
    "put_min": (lambda x, v: x.at[[0, 2, 0]].min(v), [MATRIX, rng.normal(size=(3, 4))]),
    "cumulative_sum": (lambda x: gc.cumsum(x, 1), [MATRIX]),
    "cumulative_prod": (lambda x: gc.cumprod(x, 1), [MATRIX]),
    "cumulative_max": (lambda x: gc.cummax(x, 1), [MATRIX]),
    "cumulative_min": (lambda x: gc.cummin(x, 1), [MATRIX]),
    "linear_recurrence": (lambda a, b: gc.linear_recurrence(a, b, 1), [MATRIX, rng.normal(size=(3, 4))]),
    "log_cumulative_sum_exp": (lambda x: gc.logcumsumexp(x, 1), [MATRIX]),
    "pack": (lambda x, y: tuples.item(make(tuples.Pack(), x, x * y), 1), [MATRIX, rng.normal(size=(3, 4))]),
    "prod": (lambda x: gc.prod(x, axis=1), [MATRIX]),
    "max": (lambda x: gc.max(x, axis=0), [MATRIX]),
    "min": (lambda x: gc.min(x, axis=(0, 1)), [MATRIX]),
    "mean": (lambda x: gc.mean(x, axis=1), [MATRIX]),
    "logsumexp": (lambda x: gc.logsumexp(x, axis=1), [MATRIX]),
    "softmax": (lambda x: gc.softmax(x, axis=0), [MATRIX]),
    "log_softmax": (lambda x: gc.log_softmax(x, axis=1), [MATRIX]),
}


def family(name):
    """The sample of an op; one that reduces or scales rows of positive numbers needs none of its own."""
    op = OPS[name]
    rows = [np.exp(np.random.default_rng(i).normal(size=(3, 4))) for i in range(op.arity or 1)]
    return FAMILIES.get(name) or (lambda *xs: make(op((1,)), *xs), rows)


def differentiable_families():
    for name, op in sorted(OPS.items()):
        # Libraries do not calculate in exact numbers; loops and recorded functions are tested where they are defined.
        others = not issubclass(op, Elementwise | LibraryOp) and op.inner is Op.inner
        if others and op.vjp is not None and op.__module__.startswith("graphc."):
            yield name


@pytest.mark.parametrize("name", list(differentiable_families()))
@pytest.mark.parametrize("spread", [1.0, 30.0, 1e-6])
def test_families(name, spread):
    function, values = family(name)
    if "softmax" in name or "weighted" in name:
        spread = min(spread, 3.0)  # y * (g - sum(g*y)) cancels where one of y is almost 1: an absolute error of 1e-16
    values = [value * spread for value in values]
    assert_derivatives(function, values)


def assert_derivatives(function, values):
    """First derivatives of a random projection, and a random projection of second derivatives."""
    xs = [gc.input(f"x{i}", np.shape(v), "float64") for i, v in enumerate(values)]
    bindings = dict(zip(xs, values, strict=True))
    y = function(*xs)
    random = np.random.default_rng(3)
    projected = gc.sum(y * random.uniform(1, 2, y.shape))
    directions = [random.uniform(1, 2, x.shape) for x in xs]
    first = reverse_mode(projected, xs)
    along = sum(gc.sum(g * d) for g, d in zip(first, directions, strict=True))
    second = reverse_mode(along, xs)
    for x, slope, curve in zip(xs, first, second, strict=True):
        slopes, curves = exact_derivatives(projected, bindings, x, dict(zip(xs, directions, strict=True)))
        assert_close_in_sum(evaluated(slope, bindings), slopes)
        assert_close_in_sum(np.zeros(x.shape) if curve is None else evaluated(curve, bindings), curves)


def exact_derivatives(cost, bindings, x, directions):
    """By each element of x: the derivative of the cost, and of its derivative along the directions."""
    with mpmath.workprec(BITS):
        exact = {node: numbers(value) for node, value in bindings.items()}
        h = mpmath.ldexp(1, -100)
        slopes, curves = np.empty(x.shape, object), np.empty(x.shape, object)
        for index in np.ndindex(*x.shape):
            corner = {}
            for a, b in itertools.product((-1, 1), repeat=2):
                moved = {node: value + directions[node] * (h * b) for node, value in exact.items()}
                moved[x][index] += h * a
                corner[a, b] = exactly(cost, moved, SHORTER)[()]
            curves[index] = (corner[1, 1] - corner[1, -1] - corner[-1, 1] + corner[-1, -1]) / (4 * h * h)
            ends = []
            for a in (1, -1):
                moved = {**exact, x: exact[x].copy()}
                moved[x][index] += h * a
                ends.append(exactly(cost, moved, SHORTER)[()])
            slopes[index] = (ends[0] - ends[1]) / (2 * h)
        return slopes, curves


def assert_close_in_sum(found, expected):
    """Equal up to TOLERANCE of the largest element: sums of both signs cancel."""
    scale = max((abs(v) for v in expected.flat), default=0)
    for index in np.ndindex(found.shape):
        assert abs(mpmath.mpf(float(found[index])) - expected[index]) <= TOLERANCE * scale + 1e-280


@pytest.mark.parametrize("zeros", [0, 1, 2])
def test_products_with_zeros(zeros):
    value = np.array([[2.0, -3.0, 0.5, 4.0]])
    value[0, :zeros] = 0.0
    x = gc.input("x", (1, 4), "float64")
    (slope,) = reverse_mode(gc.sum(gc.prod(x, axis=1)), [x])
    others = [np.prod(np.delete(value[0], i)) for i in range(4)]
    np.testing.assert_array_equal(evaluated(slope, {x: value}), [others])
    assert_derivatives(lambda v: gc.prod(v, axis=1), [value])


def test_the_third_derivative_of_a_composite():
    x = gc.input("x", (), "float64")
    y = gc.log(1 + gc.exp(x * gc.sin(x))) * gc.tanh(x) / (1 + gc.square(x))
    third = y
    for _ in range(3):
        (third,) = reverse_mode(third, [x])

    def formula(v):
        return mpmath.log(1 + mpmath.exp(v * mpmath.sin(v))) * mpmath.tanh(v) / (1 + v * v)

    with mpmath.workdps(60):
        for point in (-3.0, -0.7, 0.0, 1e-3, 0.5, 2.0, 7.0):
            expected = mpmath.diff(formula, mpmath.mpf(point), 3)
            assert abs(mpmath.mpf(float(evaluated(third, {x: np.float64(point)}))) - expected) < 1e-12 * (
                1 + abs(expected)
            )


# --- where there is no derivative: one table of subgradients ---


def slope_of(function, *points):
    """The derivatives of a function of one array at points given together."""
    xs = [gc.input(f"s{i}", np.shape(p), "float64") for i, p in enumerate(points)]
    bindings = {x: np.asarray(p, np.float64) for x, p in zip(xs, points, strict=True)}
    slopes = reverse_mode(gc.sum(function(*xs)), xs)
    return [np.zeros(x.shape) if g is None else evaluated(g, bindings) for x, g in zip(xs, slopes, strict=True)]


@pytest.mark.parametrize(
    ("function", "points", "slopes"),
    [
        (abs, [[0.0, -0.0]], [[0, 0]]),
        (gc.relu, [[0.0, -0.0, 1e-300, -1e-300]], [[0, 0, 1, 0]]),
        (lambda x: gc.maximum(x, 0), [[0.0]], [[0]]),
        (lambda x: gc.maximum(0, x), [[0.0]], [[1]]),
        (gc.maximum, [[2.0, 3.0, 1.0], [2.0, 1.0, 3.0]], [[0, 1, 0], [1, 0, 1]]),
        (gc.minimum, [[2.0, 3.0, 1.0], [2.0, 1.0, 3.0]], [[0, 0, 1], [1, 1, 0]]),
        (lambda x: gc.clip(x, -1, 1), [[-2.0, -1.0, 0.0, 1.0, 2.0]], [[0, 0, 1, 0, 0]]),
        (gc.max, [[1.0, 5.0, 5.0, 2.0]], [[0, 0.5, 0.5, 0]]),
        (gc.min, [[1.0, 5.0, 1.0, 1.0]], [[1 / 3, 0, 1 / 3, 1 / 3]]),
        (gc.max, [[-np.inf, -np.inf]], [[0.5, 0.5]]),
        (gc.sqrt, [[0.0, 4.0]], [[np.inf, 0.25]]),
        (gc.sign, [[0.0, 3.0]], [[0, 0]]),
        (gc.floor, [[0.5, 3.0]], [[0, 0]]),
        (gc.round, [[0.5, 3.2]], [[0, 0]]),
        (lambda x, y: gc.where(x > y, x, y), [[1.0, 2.0], [1.0, 1.0]], [[0, 1], [1, 0]]),
        (gc.stop_gradient, [[1.0, 2.0]], [[0, 0]]),
        (lambda x: x * gc.stop_gradient(x), [[3.0]], [[3]]),
        (lambda x: gc.cast(gc.cast(x, "int32"), "float64"), [[3.7]], [[0]]),
        (gc.prod, [[0.0, 2.0, 3.0]], [[6, 0, 0]]),
        (lambda x: gc.logsumexp(x), [[-np.inf, 0.0]], [[0, 1]]),
    ],
)
def test_subgradients(function, points, slopes):
    for found, expected in zip(slope_of(function, *points), slopes, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-15)


# --- branches that are not taken ---

BRANCHES = {
    "log": (lambda x: gc.where(x > 0, gc.log(x), 0.0), lambda v: 1 / v, lambda v: -1 / v**2),
    "sqrt": (lambda x: gc.where(x > 0, gc.sqrt(x), 0.0), lambda v: 0.5 / v**0.5, lambda v: -0.25 / v**1.5),
    "the other branch": (lambda x: gc.where(x <= 0, 0.0, gc.log(x)), lambda v: 1 / v, lambda v: -1 / v**2),
    "quotient": (lambda x: gc.where(x > 0, 1 / x, 0.0), lambda v: -1 / v**2, lambda v: 2 / v**3),
    "nested": (
        lambda x: gc.where(x > 0, gc.where(x > -1, gc.log(x), gc.sqrt(x - 9)), 0.0),
        lambda v: 1 / v,
        lambda v: -1 / v**2,
    ),
    "a chain": (
        lambda x: gc.where(x > 0, gc.exp(2 * gc.log(gc.sqrt(x))), 0.0),
        lambda v: np.ones_like(v),
        lambda v: np.zeros_like(v),
    ),
    "through a product": (
        lambda x: 3 * gc.where(x > 0, x * gc.log(x), 0.0),
        lambda v: 3 * (np.log(v) + 1),
        lambda v: 3 / v,
    ),
    "a power": (lambda x: gc.where(x > 0, x**0.5, 0.0), lambda v: 0.5 / v**0.5, lambda v: -0.25 / v**1.5),
    "a power of a node": (
        lambda x: gc.where(x > 0, gc.pow(x, x), 0.0),
        lambda v: v**v * (np.log(v) + 1),
        lambda v: v**v * ((np.log(v) + 1) ** 2 + 1 / v),
    ),
    "a mask that multiplies": (
        lambda x: gc.where(x > 0, 1.0, 0.0) * gc.where(x > 0, gc.log(x), 0.0),
        lambda v: 1 / v,
        lambda v: -1 / v**2,
    ),
}
PLACES = np.array([[-1.0, -0.0, 0.0], [0.5, 1.0, 4.0]])
AROUND = {
    "elementwise": lambda function: function,
    "reshape": lambda function: lambda x: gc.reshape(function(gc.reshape(x, (3, 2))), (6,)),
    "transpose": lambda function: lambda x: gc.transpose(function(gc.transpose(x))),
    "sum": lambda function: lambda x: gc.sum(function(x), axis=1),
    "expand": lambda function: lambda x: gc.sum(function(x)[:, None] / 1.0, axis=1),
    "keepdims": lambda function: lambda x: gc.sum(function(x), axis=0, keepdims=True) + gc.zeros((2, 3), "float64") / 2,
}


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("branch", BRANCHES)
def test_a_branch_not_taken_leaves_no_nan(branch, around):
    function, slope, curve = BRANCHES[branch]
    x = gc.input("x", (2, 3), "float64")
    cost = gc.sum(AROUND[around](function)(x)) / (2 if around == "keepdims" else 1)
    (first,) = reverse_mode(cost, [x])
    (second,) = reverse_mode(gc.sum(first), [x])
    taken = np.where(PLACES > 0, PLACES, 1.0)
    zeros = np.zeros_like(PLACES)
    np.testing.assert_allclose(evaluated(first, {x: PLACES}), np.where(PLACES > 0, slope(taken), zeros), rtol=1e-12)
    found = zeros if second is None else evaluated(second, {x: PLACES})
    np.testing.assert_allclose(found, np.where(PLACES > 0, curve(taken), zeros), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    ("function", "point", "slope"),
    [
        (lambda x: gc.maximum(gc.sqrt(x), 1.0), 0.0, 0.0),
        (lambda x: gc.minimum(gc.log(x), gc.exp(x)), 0.0, np.inf),
        (lambda x: gc.maximum(1 / x, 2.0), 0.0, -np.inf),
        (lambda x: gc.maximum(gc.log(x), 0.0), 0.0, 0.0),
        (lambda x: gc.max(gc.stack([gc.log(x), gc.exp(x)])), 0.0, 1.0),
        (lambda x: gc.max(gc.concat([gc.log(x)[None], x[None] + 1])[::-1]), 0.0, 1.0),
        (lambda x: gc.where(x > 0, gc.mean(gc.log(gc.stack([x, x]))), 0.0), 0.0, 0.0),
        (lambda x: gc.where(x > 0, gc.sum(gc.pad(gc.sqrt(x)[None], 1)), 0.0), 0.0, 0.0),
        (lambda x: gc.where(gc.isfinite(gc.log(x)), gc.log(x), 5.0), 0.0, 0.0),
        (lambda x: gc.where(x == 0, 1.0, gc.sin(x) / x), 0.0, 0.0),
        (lambda x: gc.sum(gc.where(x[None] > 0, gc.sqrt(x[None].sum()), 0.0)), 0.0, 0.0),
        (lambda x: gc.sqrt(gc.where(x > 0, x, 0.0)), 4.0, 0.25),
    ],
)
def test_selections(function, point, slope):
    (found,) = slope_of(function, np.float64(point))
    np.testing.assert_allclose(found, slope)


def test_the_mask_goes_through_a_sum_of_what_is_not_taken():
    """A norm of rows that may be 0: the derivative there is 0, not 0/0, to second order."""
    x = gc.input("x", (2, 3), "float64")
    squares = gc.sum(gc.square(x), axis=1)
    norm = gc.where(squares > 0, gc.sqrt(squares), 0.0)
    (first,) = reverse_mode(gc.sum(norm), [x])
    (second,) = reverse_mode(gc.sum(first), [x])
    value = np.array([[0.0, 0.0, 0.0], [3.0, 0.0, 4.0]])
    np.testing.assert_allclose(evaluated(first, {x: value}), [[0, 0, 0], [0.6, 0, 0.8]])
    row = value[1]
    hessian = np.eye(3) / 5 - np.outer(row, row) / 125
    np.testing.assert_allclose(evaluated(second, {x: value}), [[0, 0, 0], hessian.sum(axis=1)], atol=1e-15)


# --- the graph, and what is asked of it ---


def test_what_the_last_rules_uncover_is_stable_before_it_is_differentiated():
    x = gc.input("x", (3,), "float64")
    cost = gc.sum(gc.log(gc.sqrt(gc.exp(x) / gc.sum(gc.exp(x)))))
    slope = gc.compile([x], gc.grad(cost, x))(np.array([1000.0, 0.0, -1000.0]))
    np.testing.assert_allclose(slope, [-1.0, 0.5, 0.5], rtol=1e-15)


def test_the_gradient_of_a_network_is_small():
    x, y = gc.input("x", ("batch", 64)), gc.input("y", ("batch",), "int64")
    shapes = [(64, 128), (128,), (128, 10), (10,)]
    w1, b1, w2, b2 = parameters = [gc.parameter(f"p{i}", np.zeros(s, "float32")) for i, s in enumerate(shapes)]
    z = gc.maximum(x @ w1 + b1, 0) @ w2 + b2
    p = gc.exp(z) / gc.sum(gc.exp(z), axis=1, keepdims=True)
    loss = -gc.mean(gc.log(gc.take_along_axis(p, y[:, None], axis=1)))
    forward = len(gc.Graph("f", (x, y), (loss,)).nodes)
    both = len(gc.Graph("f", (x, y), (loss, *gc.grad(loss, parameters))).nodes)
    assert both <= 4 * forward


def test_a_shared_node_is_differentiated_once():
    x = y = gc.input("x", (), "float64")
    for _ in range(60):
        y = y * y + y
    (dx,) = reverse_mode(y, [x])
    assert len(gc.Graph("f", (x,), (dx,)).nodes) < 60 * 8


@pytest.mark.parametrize(
    ("cost", "wrt", "message"),
    [
        (lambda x, n: x, lambda x, n: x, r"the cost is f32\[3\], not a floating-point scalar"),
        (lambda x, n: gc.sum(n), lambda x, n: x, r"the cost is i64\[\], not a floating-point scalar"),
        (lambda x, n: gc.sum(x * 2), lambda x, n: n, "no derivative with respect to int64"),
        (lambda x, n: gc.sum(x), lambda x, n: "x", "'x' is no node"),
        (lambda x, n: 3.0, lambda x, n: x, "3.0 is no node"),
        (lambda x, n: gc.sum(x), lambda x, n: [x, None], "None is no node"),
    ],
)
def test_errors(cost, wrt, message):
    x, n = gc.input("x", (3,)), gc.input("n", (3,), "int64")
    with pytest.raises(gc.errors.GradientError, match=message) as caught:
        gc.grad(cost(x, n), wrt(x, n))
    assert "test_gradients.py" in str(caught.value)


def test_what_the_cost_does_not_depend_on_has_zeros_and_a_warning():
    x, y = gc.input("x", ("n", 2)), gc.input("y", ("m",), "float64")
    with pytest.warns(gc.UnusedInputWarning, match="does not depend on this.*%y") as caught:
        dx, dy = gc.grad(gc.sum(x * 2), [x, y])
    assert caught[0].filename == __file__
    assert (dx.type, dy.type) == (x.type, y.type)
    np.testing.assert_array_equal(evaluate_nodes([dy], {y: np.ones(3)})[0], np.zeros(3))


def test_derivatives_by_inner_nodes():
    x = gc.input("x", (3,), "float64")
    h = gc.sin(x)
    value = np.array([0.1, 0.2, 0.3])
    dh, dx = gc.grad(gc.sum(gc.exp(h) * h), [h, x])
    sine = np.sin(value)
    np.testing.assert_allclose(evaluated(dh, {x: value}), np.exp(sine) * (sine + 1))
    np.testing.assert_allclose(evaluated(dx, {x: value}), np.exp(sine) * (sine + 1) * np.cos(value))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_derivatives_have_the_type_of_their_node(dtype):
    x, w = gc.input("x", ("n", 3), dtype), gc.input("w", (3,), "float32")
    dx, dw = gc.grad(gc.mean(gc.tanh(x * w) @ w), [x, w])
    assert (dx.type, dw.type) == (x.type, w.type)


def test_no_op_forgets_its_derivative():
    for name, op in OPS.items():
        if op.vjp is not None and not inspect.isabstract(op):
            assert "vjp" in op.__dict__ or any("vjp" in base.__dict__ for base in op.__mro__[1:-2]), name
