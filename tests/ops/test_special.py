"""Special functions against mpmath, SciPy and their own exact readings: values, edges, derivatives, targets.

Errors are counted in units in the last place of the exact value. Functions of several operands, and those with zeros,
may beside one such unit be off by what a change of the operands in their last place does.
"""

import ml_dtypes
import mpmath
import numpy as np
import pytest
import scipy.special

import graphc as gc
from graphc.interpret import evaluate_nodes
from graphc.ir.op import OPS
from graphc.ops.conversion import function
from graphc.ops.special.quotient import Exprel

inf, nan = np.inf, np.nan
MOVE = mpmath.mpf(2) ** -100


@pytest.fixture(autouse=True)
def many_bits():
    with mpmath.workprec(300):
        yield


def spread(low, high, count, *, both=False, seed=0):
    """Numbers whose logarithms are uniform, of both signs if asked."""
    rng = np.random.default_rng(seed)
    x = np.exp(rng.uniform(np.log(low), np.log(high), count))
    return x * rng.choice([-1.0, 1.0], count) if both else x


def around(point, nearest, farthest, count, seed=1):
    return point + spread(nearest, farthest, count, both=True, seed=seed)


def everywhere(*near, low=1e-300, high=1e300, usual=40.0, both=True):
    """Numbers of all sizes, most of them ordinary, and neighbourhoods of points."""
    parts = [spread(low, high, 400, both=both), spread(1e-3, usual, 1700, both=both, seed=2)]
    return np.concatenate([*parts, *(around(p, 1e-15, 0.5, 150) for p in near)])


def probabilities(top):
    """Numbers of (0, top), many close to the ends."""
    low, high = spread(1e-300, top / 2, 1300), top - spread(1e-16, top / 2, 900)
    return np.concatenate([low, high[high < top]])


def gamma_points(count):
    """Parameters and points: near the transition of small and large parameters, and apart."""
    a = [spread(1e-6, 12, count), spread(1e-3, 30, count, seed=1), spread(10, 3000, count, seed=2)]
    noise = np.random.default_rng(3).normal(size=count) * spread(0.1, 8, count, seed=4)
    x = [a[0] * spread(0.05, 20, count, seed=5), spread(1e-8, 60, count, seed=6)]
    return np.concatenate(a), np.concatenate([*x, np.abs(a[2] + noise * np.sqrt(a[2]))])


def beta_points(count):
    a, b = spread(0.05, 800, count), spread(0.05, 800, count, seed=1)
    mean = a / (a + b)
    noise = np.random.default_rng(3).normal(size=count) * 2
    x = mean + noise * np.sqrt(mean * (1 - mean) / (a + b + 1))
    return a, b, np.where((x > 1e-6) & (x < 1 - 1e-6), x, mean)


def pairs(count):
    """Positive numbers, some of them close to each other."""
    x, y = spread(1e-150, 1e150, count), spread(1e-150, 1e150, count, seed=1)
    ordinary = spread(1e-3, 1e3, count, seed=2)
    near = ordinary * (1 + spread(1e-12, 3, count, seed=3))
    return np.concatenate([x, ordinary, near]), np.concatenate([y, near, ordinary])


def counts(count):
    """Numbers and means: apart, and close to each other."""
    k = spread(1e-3, 1e8, count)
    mean = k * (1 + spread(1e-6, 0.9, count, both=True, seed=2))
    return np.concatenate([spread(1e-8, 1e8, count), k]), np.concatenate([spread(1e-8, 1e8, count, seed=1), mean])


def intervals(count):
    """Lower and upper ends: apart, and close to each other."""
    ends = np.sort([spread(1e-3, 26, count, both=True), spread(1e-3, 26, count, both=True, seed=1)], axis=0)
    low = spread(1e-3, 1e4, count, both=True, seed=2)
    return np.concatenate([ends[0], low]), np.concatenate([ends[1], low + np.abs(low) * spread(1e-6, 1, count, seed=3)])


# op: operands, units in float64, whether a change of the operands excuses an error
ACCURACY = {
    "erfcx": ((everywhere(usual=25.0, low=1e-30, high=25.0),), 5.0, False),
    "log_erfc": ((everywhere(low=1e-30, high=25.0, usual=25.0),), 5.0, False),
    "erfinv": ((np.concatenate([spread(1e-300, 1, 900, both=True), 1 - spread(1e-15, 0.5, 1300)]),), 3.0, False),
    "erfcinv": ((probabilities(2.0),), 3.0, True),
    "ndtr": ((everywhere(low=1e-30, high=37.0, usual=37.0),), 5.0, False),
    "log_normal_interval": (intervals(400), 4.0, True),
    "density_over_interval": (intervals(400), 4.0, True),
    "log_ndtr": ((everywhere(low=1e-30, high=37.0, usual=37.0),), 6.0, False),
    "ndtri": ((probabilities(1.0),), 4.0, True),
    "lgamma": ((everywhere(1.0, 2.0, both=False),), 5.0, False),
    "digamma": ((everywhere(1.4616321449683622, both=False),), 4.0, False),
    "hurwitz_zeta": ((1 + spread(1e-10, 100, 120), spread(1e-3, 1e3, 120, seed=1)), 4.0, True),
    "betaln": ((spread(1e-10, 1e10, 2000), spread(1e-10, 1e10, 2000, seed=1)), 4.0, True),
    "polygamma_difference": ((spread(1e-10, 1e10, 500), spread(1e-10, 1e10, 500, seed=1)), 4.0, False),
    "digamma_gap": ((spread(1e-8, 1e8, 400),), 4.0, False),
    "log_poisson": (counts(400), 4.0, True),
    "log_mean_less_digamma": (counts(400), 4.0, True),
    "i0": ((everywhere(low=1e-30, high=700.0, usual=700.0),), 5.0, False),
    "i1": ((everywhere(low=1e-30, high=700.0, usual=700.0),), 5.0, False),
    "i0e": ((everywhere(low=1e-30, high=700.0, usual=700.0),), 4.0, False),
    "i1e": ((everywhere(low=1e-30, high=700.0, usual=700.0),), 4.0, False),
    "xlogy": (pairs(700), 2.0, False),
    "xlog1py": (pairs(700), 2.0, False),
    "entr": ((everywhere(1.0, both=False),), 2.0, False),
    "rel_entr": (pairs(700), 4.0, False),
    "kl_div": (pairs(700), 6.0, False),
    "exprel": ((everywhere(high=700.0),), 2.0, False),
    "sinc": ((everywhere(1.0, 2.0, high=1e10),), 3.0, False),
    "gammainc": (gamma_points(120), 3.0, True),
    "gammaincc": (gamma_points(120), 3.0, True),
    "gamma_pdf": (gamma_points(700), 4.0, True),
    "betainc": (beta_points(150), 8.0, True),
    "beta_pdf": (beta_points(700), 12.0, True),
}


def applied(name, columns, dtype):
    columns = [np.asarray(x, dtype) for x in columns]
    inputs = [gc.input(f"x{i}", ("n",), dtype) for i in range(len(columns))]
    return inputs, function(OPS[name])(*inputs), columns


def exactly(node, inputs, columns):
    return evaluate_nodes([node], dict(zip(inputs, columns, strict=True)), reader="mpmath")[0]


def units(found, exact, dtype, allowed):
    """The errors in units in the last place, of those that are normal numbers."""
    limits = np.finfo(dtype)
    size = np.array([float(abs(v)) for v in exact])
    normal = (size >= limits.smallest_normal) & (size <= limits.max * 0.999)
    place = 2.0 ** (np.floor(np.log2(size[normal])) - limits.nmant)
    pairs = zip(found[normal], exact[normal], place, allowed[normal], strict=True)
    return np.array([float(abs(mpmath.mpf(float(f)) - e) / (p + a)) for f, e, p, a in pairs])


def excused(node, inputs, columns, exact, dtype):
    """What a change of the operands in their last place does to the exact value."""
    total = np.zeros(len(exact), object)
    exact_columns = [np.array([mpmath.mpf(float(v)) for v in x], object) for x in columns]
    for i, x in enumerate(exact_columns):
        moved = [*exact_columns[:i], x * (1 + MOVE), *exact_columns[i + 1 :]]
        change = np.array([abs(v) for v in exactly(node, inputs, moved) - exact], object)
        total = total + change / MOVE * float(np.finfo(dtype).eps) / 2
    return total


@pytest.mark.parametrize("target", ["llvm", "reference"])
@pytest.mark.parametrize("name", ACCURACY)
def test_accuracy(name, target):
    columns, limit, conditioned = ACCURACY[name]
    inputs, node, columns = applied(name, columns, "float64")
    if target == "reference":
        columns = [x[::20] for x in columns]
    found = gc.compile(inputs, node, target=target)(*columns)
    exact = exactly(node, inputs, columns)
    allowed = excused(node, inputs, columns, exact, "float64") if conditioned else np.zeros(len(exact))
    errors = units(found, exact, "float64", allowed)
    assert errors.max() <= limit, (errors.max(), [x[errors.argmax()] for x in columns])
    assert len(errors) > 0.8 * len(exact)


@pytest.mark.parametrize("name", ACCURACY)
def test_accuracy_of_float32(name):
    columns, _, _ = ACCURACY[name]
    small = [np.clip(x, -1e30, 1e30)[::20].astype("float32") for x in columns]
    inputs, node, columns = applied(name, small, "float32")
    found = gc.compile(inputs, node)(*columns)
    exact = exactly(node, inputs, columns)
    errors = units(found, exact, "float32", np.zeros(len(exact)))
    assert errors.max() <= (1.5 if name.startswith("xlog") or name == "entr" else 0.51), errors.max()


# --- edges ---

EDGES = np.array([0.0, -0.0, 1, -1, 0.5, 2, -2, 3, -2.5, 720, -720, 1e308, -1e308, inf, -inf, nan])
UNARY = {
    **{name: getattr(scipy.special, name) for name in ("erfcx", "erfinv", "erfcinv", "ndtr", "log_ndtr", "ndtri")},
    **{name: getattr(scipy.special, name) for name in ("digamma", "i0e", "i1e", "entr", "exprel")},
    "lgamma": scipy.special.gammaln,
    "sinc": np.sinc,
    "i0": scipy.special.i0,
    "i1": scipy.special.i1,
}
# Where SciPy has no value though there is a limit, or the C standard says otherwise.
LIMITS = {
    "lgamma": {-inf: inf},
    "i0": {inf: inf, -inf: inf},
    "i1": {inf: inf, -inf: -inf},
    "sinc": {
        inf: 0.0,
        -inf: 0.0,
        1e308: 0.0,
        -1e308: 0.0,
        1: 0.0,
        -1: 0.0,
        2: 0.0,
        -2: 0.0,
        3: 0.0,
        720: 0.0,
        -720: 0.0,
    },
}


@pytest.mark.parametrize("target", ["llvm", "reference"])
@pytest.mark.parametrize("name", UNARY)
def test_edges(name, target):
    with np.errstate(all="ignore"):
        expected = np.array([LIMITS.get(name, {}).get(v, UNARY[name](v)) for v in EDGES])
    x = gc.input("x", EDGES.shape, "float64")
    found = gc.compile([x], getattr(gc, name)(x), target=target)(EDGES)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("name", ["xlogy", "xlog1py", "rel_entr", "kl_div", "betaln", "gammainc", "gammaincc"])
def test_edges_of_two_operands(name):
    a, b = (v.ravel() for v in np.meshgrid(EDGES, EDGES))
    if name == "kl_div":  # SciPy has NaN for an infinite first operand
        a, b = a[a != inf], b[a != inf]
    if name == "betaln":  # SciPy goes on to negative parameters, and over infinite ones
        inside = (a >= 0) & (b >= 0) & np.isfinite(a) & np.isfinite(b)
        a, b = a[inside], b[inside]
    x, y = (gc.input(n, a.shape, "float64") for n in "xy")
    found = gc.compile([x, y], getattr(gc, name)(x, y))(a, b)
    with np.errstate(all="ignore"):
        expected = getattr(scipy.special, name)(a, b)
    given_up = np.isnan(expected) & (a > 0) & (b > 0) & (np.maximum(a, b) == 1e308)  # by SciPy
    np.testing.assert_allclose(found[~given_up], expected[~given_up], rtol=1e-10, atol=1e-300)


def test_edges_of_the_incomplete_beta_function():
    cases = [
        (0, 1, 0.5, 1),
        (1, 0, 0.5, 0),
        (1, 1, 0, 0),
        (2, 2, 1, 1),
        (0, 0, 0.5, nan),
        (1, 1, 2, nan),
        (-1, 1, 0.5, nan),
    ]
    columns = np.array(cases, float).T
    inputs = [gc.input(n, (len(cases),), "float64") for n in "abx"]
    np.testing.assert_array_equal(gc.compile(inputs, gc.betainc(*inputs))(*columns[:3]), columns[3])


def test_zeta_outside_its_domain():
    s, q = gc.input("s", (5,), "float64"), gc.input("q", (5,), "float64")
    found = gc.compile([s, q], gc.zeta(s, q))([1.0, 0.5, 2.0, 2.0, inf], [2.0, 2.0, 0.0, inf, 1.0])
    np.testing.assert_array_equal(found, [inf, nan, inf, 0, 1])


@pytest.mark.parametrize("target", ["llvm", "reference", "cuda-emulator"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_a_negative_mean_has_a_poisson_probability_of_no_count_only(dtype, target):
    tiny = np.finfo(dtype).smallest_subnormal
    counts = np.array([0.0, -0.0, tiny, -tiny, 1, -1, 2.5, -2.5, 30, inf, -inf, nan], dtype)
    k, m = (gc.input(n, counts.shape, dtype) for n in "km")
    try:
        f = gc.compile([k, m], function(OPS["log_poisson"])(k, m), target=target)
    except gc.TargetError as error:
        pytest.skip(str(error))
    for mean in (-1.0, -tiny, -inf):
        found = f(counts, np.full_like(counts, mean))
        np.testing.assert_array_equal(found, [-mean, -mean, *[nan] * 10])
    np.testing.assert_array_equal(f(counts, np.full_like(counts, -0.0))[:5], [0, 0, -inf, inf, -inf])


# --- derivatives ---

SHAPES = np.array([0.5, 2, 3, 80, 200]), np.array([1.5, 2, 0.3, 90, 100])
GAMMAS = np.array([0.01, 0.5, 3, 20, 30, 15, 100]), np.array([0.2, 1.2, 5, 19, 200, 2, 101])
POSITIVE = (np.array([1e-5, 0.3, 1.0, 1.46, 2, 3.5, 30, 1e5]),)
POSITIVE_PAIRS = np.array([0.1, 2, 3.5, 30, 1e3]), np.array([0.2, 2, 0.01, 30.1, 5])
INTERVALS = np.array([-30.0, -4, -1, 0.3, 2, 12, 30]), np.array([-29.5, -1, 2, 0.5, 9, 12.01, 31])
ORDINARY = {
    "erfinv": (np.array([-0.99, -0.3, 1e-9, 0.5, 0.9999]),),
    "erfcinv": (np.array([1e-30, 0.01, 0.7, 1.0, 1.9]),),
    "ndtri": (np.array([1e-30, 0.01, 0.4, 0.5, 0.999]),),
    "hurwitz_zeta": (np.array([1.5, 2, 3, 4.5, 20]), np.array([0.1, 1, 2.5, 30, 3])),
    **dict.fromkeys(["betainc", "beta_pdf"], (*SHAPES, np.array([0.1, 0.5, 0.9, 0.45, 0.7]))),
    **dict.fromkeys(["gammainc", "gammaincc", "gamma_pdf", "gammainc_grad_a", "random_gamma_grad"], GAMMAS),
    **dict.fromkeys(["lgamma", "digamma", "digamma_gap", "entr"], POSITIVE),
    **dict.fromkeys(
        ["betaln", "log_abs_beta", "polygamma_difference", "xlogy", "xlog1py", "rel_entr", "kl_div"], POSITIVE_PAIRS
    ),
    **dict.fromkeys(["log_poisson", "log_mean_less_digamma"], POSITIVE_PAIRS),
    **dict.fromkeys(["log_normal_interval", "density_over_interval"], INTERVALS),
    **dict.fromkeys(["one_plus_power", "one_plus_power_minus_one", "power_minus_one"], POSITIVE_PAIRS),
}
DEFAULT = (np.array([-20.0, -1.3, -0.2, 1e-7, 0.6, 1.4, 5, 20]),)
SPECIAL = sorted(name for name, op in OPS.items() if op.__module__.startswith("graphc.ops.special"))
WITHOUT = {  # operands by which there is no derivative, or no second one
    **{name: {0: 0} for name in ("hurwitz_zeta", "gammainc_grad_a", "random_gamma_grad")},
    "gammainc": {0: 1},
    "gammaincc": {0: 1},
    "betainc": {0: 0, 1: 0},
}


def difference(node, inputs, columns, operand, order):
    """A symmetric difference in exact arithmetic."""
    points = [np.array([mpmath.mpf(float(v)) for v in x], object) for x in columns]
    step = np.array([abs(v) * mpmath.mpf(2) ** -60 for v in points[operand]], object)
    values = []
    for k in (-1, 0, 1):
        moved = [*points[:operand], points[operand] + k * step, *points[operand + 1 :]]
        values.append(exactly(node, inputs, moved))
    if order == 1:
        return (values[2] - values[0]) / (2 * step)
    return (values[2] - 2 * values[1] + values[0]) / (step * step)


@pytest.mark.parametrize("name", SPECIAL)
def test_derivatives(name):
    inputs, node, columns = applied(name, ORDINARY.get(name, DEFAULT), "float64")
    for operand, x in enumerate(inputs):
        y = node
        for order in range(1, min(2, WITHOUT.get(name, {}).get(operand, 2)) + 1):
            y = gc.grad(gc.sum(y), x)
            found = gc.compile(inputs, y)(*columns)
            exact = difference(node, inputs, columns, operand, order).astype(float)
            loose = 1e-8 if order == 2 and name in ("i1", "i1e") else 1e-13  # i1(x)/x loses digits near 0
            np.testing.assert_allclose(found, exact, rtol=1e-11, atol=loose)


@pytest.mark.parametrize("name", WITHOUT)
def test_derivatives_that_do_not_exist_are_nan(name):
    inputs, node, columns = applied(name, ORDINARY[name], "float64")
    for operand, orders in WITHOUT[name].items():
        y = node
        for _ in range(orders + 1):
            y = gc.grad(gc.sum(y), inputs[operand])
        assert np.isnan(gc.compile(inputs, y)(*columns)).all()


def test_derivatives_of_every_order():
    x = np.array([-3.7, -0.4, 0.3, 1.0, 2.6, 40.0])
    p = gc.input("x", x.shape, "float64")
    y = gc.lgamma(p)
    for n in range(5):
        y = gc.grad(gc.sum(y), p)
        found = gc.compile([p], [y, gc.polygamma(n, p)])(x)
        expected = [float(mpmath.psi(n, v)) for v in x]
        np.testing.assert_allclose(found[0], expected, rtol=2e-12)
        np.testing.assert_allclose(found[1], expected, rtol=2e-12)


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_scaled_and_divided_functions_have_derivatives_of_every_order(order):
    x = np.concatenate([spread(1e-9, 25, 300, both=True), [0.0, 1.5, -1.5, 0.5, -0.5]])
    p = gc.input("x", x.shape, "float64")
    for f, limit in ((gc.erfcx, 64), (gc.exprel, 32), (gc.sinc, 32)):
        node = f(p, order=order)
        exact = exactly(node, [p], [x])
        allowed = excused(node, [p], [x], exact, "float64")
        assert units(gc.compile([p], node)(x), exact, "float64", allowed).max() <= limit


def test_how_gamma_draws_move():
    a, x = np.array([0.3, 5.0, 50.0, 500.0, 2e5]), np.array([0.1, 9.0, 60.0, 2.0, 2.1e5])
    p, q = gc.input("a", a.shape, "float64"), gc.input("x", x.shape, "float64")
    found = gc.compile([p, q], gc.random_gamma_grad(p, q))(a, x)
    np.testing.assert_allclose(
        found[:4], exactly(gc.random_gamma_grad(p, q), [p, q], [a, x])[:4].astype(float), rtol=1e-12
    )
    assert np.isfinite(found).all()  # though densities underflow


# --- use ---


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("name", SPECIAL)
def test_targets_agree(name, dtype):
    columns = [np.resize(x, 19) for x in ORDINARY.get(name, DEFAULT)]
    inputs = [gc.input(f"x{i}", ("n",), dtype) for i in range(len(columns))]
    node = function(OPS[name])(*inputs)
    given = [x.astype(node.dtype.numpy) for x in columns]
    found, expected = (gc.compile(inputs, node, target=t)(*given) for t in ("llvm", "reference"))
    rtol = 3 * float(ml_dtypes.finfo(found.dtype).eps)
    np.testing.assert_allclose(found.astype(float), expected.astype(float), rtol=rtol, atol=1e-38)


def test_the_emulator_agrees():
    x, a = gc.input("x", (5,), "float64"), gc.input("a", (5,), "float64")
    outputs = [
        gc.erfinv(x / 10),
        gc.lgamma(x),
        gc.gammainc(a, x),
        gc.betainc(a, x, x / 10),
        gc.i0e(x),
        gc.zeta(a + 1, x),
    ]
    given = np.array([0.5, 12.0, 3.0, 40.0, 1.0]), np.array([0.1, 1.0, 3.0, 7.0, 9.5])
    try:
        emulated = gc.compile([a, x], outputs, target="cuda-emulator")(*given)
    except gc.TargetError as error:
        pytest.skip(str(error))
    for found, expected in zip(emulated, gc.compile([a, x], outputs, target="reference")(*given), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-13)


@pytest.mark.parametrize("name", ["lgamma", "erfinv", "erfcx"])
def test_kernels_do_not_take_the_names_of_c(name):
    x = gc.input("x", (3,))
    try:
        f = gc.compile([x], getattr(gc, name)(x), target="cuda-emulator")
    except gc.TargetError as error:
        pytest.skip(str(error))
    assert np.isfinite(f(np.array([0.1, 0.5, 0.7], "float32"))).all()


def test_functions_made_of_others():
    x = np.array([0.5, 1.0, 2.5, 7.0])
    p = gc.input("x", x.shape, "float64")
    outputs = [gc.beta(p, 2.0), gc.zeta(p + 1), gc.trigamma(p)]
    expected = [scipy.special.beta(x, 2.0), scipy.special.zeta(x + 1), scipy.special.polygamma(1, x)]
    for found, value in zip(gc.compile([p], outputs)(x), expected, strict=True):
        np.testing.assert_allclose(found, value, rtol=1e-14)


def test_wrong_orders():
    x = gc.input("x", (3,))
    for order in (-1, 1.5, True, "1"):
        with pytest.raises(gc.ArgumentError, match="no order"):
            gc.polygamma(order, x)


def test_attributes_are_read_back():
    x = gc.input("x", (3,))
    graph = gc.Graph("f", (x,), (gc.exprel(x, order=2),))
    again = gc.parse_graph(str(graph))
    assert again.outputs[0].op == Exprel(2)
