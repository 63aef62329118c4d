"""Long products on the way to a logarithm, a quotient or a choice: against the same models written in logarithms."""

import numpy as np
import pytest
from scipy.special import gammaln, log_expit, logsumexp

import graphc as gc
from graphc.grad import reverse_mode
from graphc.ops.elementwise import cbrt
from graphc.passes.pipeline import DEFAULT

NAIVE = DEFAULT.replace("log_domain,", "")
DTYPES = ["float32", "float64"]
MODELS = {}


def model(function):
    """A function of a dtype that gives inputs, arrays for them, the naive output, and its value by logarithms.

    The value is a function of the first array.
    """
    MODELS[function.__name__] = function
    return function


def nodes(dtype, **shapes):
    return [gc.input(name, shape, dtype) for name, shape in shapes.items()]


def logs(x):
    with np.errstate(divide="ignore"):
        return np.log(x)


def forward(transitions, emissions):
    """The logarithms of forward probabilities, from logarithms of emissions."""
    rows = [emissions[0]]
    for row in emissions[1:]:
        rows.append(logsumexp(rows[-1][:, None] + logs(transitions), axis=0) + row)
    return np.array(rows)


def backward(transitions, emissions):
    """The logarithms of backward probabilities."""
    rows = [np.zeros(len(transitions))]
    for row in emissions[:0:-1]:
        rows.append(logsumexp(logs(transitions) + row + rows[-1], axis=1))
    return np.array(rows[::-1])


def hidden_markov(dtype, size, steps):
    """A naive forward recursion: inputs, arrays, the last probabilities and all of them."""
    rng = np.random.default_rng(size)
    a, b = nodes(dtype, a=(size, size), b=("T", size))
    alpha, alphas = gc.scan(lambda alpha, x: ((alpha @ a) * x,) * 2, b[0], b[1:])
    return (a, b), (rng.dirichlet(np.ones(size), size), rng.uniform(1e-4, 1, (steps, size))), alpha, alphas


# --- loops ---


@model
def likelihood_of_a_hidden_markov_model(dtype):
    inputs, arrays, alpha, _ = hidden_markov(dtype, 5, 1000)
    return inputs, arrays, gc.log(gc.sum(alpha)), lambda a: logsumexp(forward(a, np.log(arrays[1]))[-1])


@model
def likelihood_in_bits_of_many_states(dtype):
    inputs, arrays, alpha, _ = hidden_markov(dtype, 24, 300)
    return inputs, arrays, gc.log2(gc.sum(alpha)), lambda a: logsumexp(forward(a, np.log(arrays[1]))[-1]) / np.log(2)


@model
def posteriors_by_forward_and_backward(dtype):
    (a, b), arrays, _, alphas = hidden_markov(dtype, 3, 301)
    step = lambda beta, x: (a @ (x * beta), beta)  # noqa: E731
    _, betas = gc.scan(step, gc.ones((3,), dtype=dtype), b[1:], reverse=True)
    joint = alphas * betas
    posterior = joint / gc.sum(joint, axis=1, keepdims=True)

    def value(a):
        total = (forward(a, np.log(arrays[1])) + backward(a, np.log(arrays[1])))[1:]
        return (np.exp(total - logsumexp(total, axis=1, keepdims=True)) * [1, 2, 4]).sum() / 300

    return (a, b), arrays, gc.sum(posterior * gc.constant([1, 2, 4], dtype)) / 300, value


@model
def filtered_particles(dtype):
    rng = np.random.default_rng(1)
    seen, states = nodes(dtype, seen=("T",), states=("T", 20))
    arrays = rng.normal(size=200), rng.normal(size=(200, 20))
    step = lambda w, x: (w * gc.exp(-((x[0] - x[1]) ** 2) * 3), None)  # noqa: E731
    weights, _ = gc.scan(step, gc.ones((20,), dtype=dtype), (seen, states))

    def value(seen):
        total = -((seen[:, None] - arrays[1]) ** 2).sum(0) * 3
        return (np.exp(total - logsumexp(total)) * arrays[1][-1]).sum()

    return (seen, states), arrays, gc.sum(weights / gc.sum(weights) * states[-1]), value


@model
def aligned_sequences(dtype):
    """A recursion over states that may stay, advance, or skip, as in connectionist temporal classification."""
    (y,), skips = nodes(dtype, y=("T", 7)), np.array([0, 0, 1, 0, 1, 0, 0], bool)
    arrays = (np.random.default_rng(2).dirichlet(np.full(7, 0.3), 300),)

    def step(alpha, p):
        before = gc.concat([gc.zeros((1,), dtype=dtype), alpha[:-1]])
        skipped = gc.where(gc.constant(skips), gc.concat([gc.zeros((2,), dtype=dtype), alpha[:-2]]), 0)
        return (alpha + before + skipped) * p, None

    alpha, _ = gc.scan(step, gc.where(gc.arange(7) < 2, y[0], 0), y[1:])

    def value(y):
        total = np.where(np.arange(7) < 2, np.log(y[0]), -np.inf)
        for p in y[1:]:
            before = np.concatenate([[-np.inf], total[:-1]])
            skipped = np.where(skips, np.concatenate([[-np.inf] * 2, total[:-2]]), -np.inf)
            total = logsumexp([total, before, skipped], axis=0) + np.log(p)
        return np.logaddexp(total[-1], total[-2])

    return (y,), arrays, gc.log(alpha[-1] + alpha[-2]), value


@model
def conditionals_in_a_loop(dtype):
    x, y = *nodes(dtype, x=(500,)), gc.input("y", (500,), "bool")
    rng = np.random.default_rng(3)
    arrays = rng.normal(size=500) * 10, rng.random(500) < 0.5
    step = lambda i, p: p * gc.where(y[i], gc.sigmoid(x[i]), 1 - gc.sigmoid(x[i]))  # noqa: E731
    p = gc.fori_loop(0, 500, step, gc.constant(1, dtype))
    return (x, y), arrays, gc.log(p), lambda x: log_expit(np.where(arrays[1], x, -x)).sum()


@model
def a_loop_with_a_bound(dtype):
    (x,) = nodes(dtype, x=(500,))
    step = lambda state: (state[0] + 1, state[1] * x[state[0]])  # noqa: E731
    _, p = gc.while_loop(lambda state: state[0] < 450, step, (0, gc.constant(1, dtype)), max_steps=500)
    return (x,), (np.random.default_rng(4).uniform(0.01, 0.2, 500),), gc.log(p), lambda x: np.log(x[:450]).sum()


@model
def logarithms_in_every_step(dtype):
    (x,) = nodes(dtype, x=("T",))
    _, found = gc.scan(lambda p, x: (p * x, gc.log(p * x)), gc.constant(1, dtype), x)
    arrays = (np.random.default_rng(5).uniform(5, 500, 300),)
    return (x,), arrays, gc.mean(found), lambda x: np.cumsum(np.log(x)).mean()


@model
def a_scan_in_segments(dtype):
    (x,) = nodes(dtype, x=(400,))
    p, _ = gc.scan(lambda p, x: (p * x, None), gc.constant(1, dtype), x, checkpoint="sqrt")
    return (x,), (np.random.default_rng(6).uniform(0.01, 0.2, 400),), gc.log(p), lambda x: np.log(x).sum()


@model
def the_best_path(dtype):
    rng = np.random.default_rng(7)
    a, b = nodes(dtype, a=(4, 4), b=("T", 4))
    arrays = rng.dirichlet(np.ones(4), 4), rng.dirichlet(np.ones(4), 300)

    def step(best, x):
        paths = best[:, None] * a
        return gc.max(paths, axis=0) * x, gc.argmax(paths, axis=0)

    best, _ = gc.scan(step, b[0], b[1:])

    def value(a):
        total = np.log(arrays[1][0])
        for row in arrays[1][1:]:
            total = (total[:, None] + np.log(a)).max(0) + np.log(row)
        return total.max()

    return (a, b), arrays, gc.log(gc.max(best)), value


# --- without loops ---


@model
def a_mixture_of_many_pixels(dtype):
    rng = np.random.default_rng(8)
    t, share, x = nodes(dtype, t=(4, 784), share=(4,), x=(3, 784))
    arrays = rng.uniform(0.05, 0.95, (4, 784)), rng.dirichlet(np.ones(4)), (rng.random((3, 784)) < 0.5) * 1.0
    likelihood = gc.prod(gc.where(x[:, None] > 0.5, t, 1 - t), axis=2) @ share

    def value(t):
        total = np.where(arrays[2][:, None] > 0.5, np.log(t), np.log1p(-t)).sum(2)
        return logsumexp(total + np.log(arrays[1]), axis=1).sum()

    return (t, share, x), arrays, gc.sum(gc.log(likelihood)), value


@model
def naive_bayes(dtype):
    rng = np.random.default_rng(9)
    t, prior, x = nodes(dtype, t=(3, 1000), prior=(3,), x=(1000,))
    base = rng.uniform(0.2, 0.8, 1000)
    arrays = base + rng.uniform(-0.005, 0.005, (3, 1000)), np.array([0.2, 0.3, 0.5]), (rng.random(1000) < 0.5) * 1.0
    joint = prior * gc.prod(t**x * (1 - t) ** (1 - x), axis=1)

    def value(t):
        total = np.log(arrays[1]) + (arrays[2] * np.log(t) + (1 - arrays[2]) * np.log1p(-t)).sum(1)
        return np.exp(total[1] - logsumexp(total))

    return (t, prior, x), arrays, (joint / gc.sum(joint))[1], value


@model
def perplexity(dtype):
    (p,) = nodes(dtype, p=("n",))
    arrays = (np.random.default_rng(10).uniform(1e-4, 0.9, 700),)
    return (p,), arrays, gc.prod(p) ** (-1 / 700), lambda p: np.exp(-np.log(p).mean())


@model
def importance_weights(dtype):
    rng = np.random.default_rng(11)
    p, q = nodes(dtype, p=(10, 500), q=(10, 500))
    base = rng.uniform(0.01, 0.99, (10, 500))
    arrays = base, base * rng.uniform(0.98, 1.02, (10, 500))
    weights = gc.prod(p, axis=1) / gc.prod(q, axis=1)
    ratio = lambda p: (np.log(p) - np.log(arrays[1])).sum(1)  # noqa: E731
    return (p, q), arrays, (weights / gc.sum(weights))[3], lambda p: np.exp(ratio(p)[3] - logsumexp(ratio(p)))


@model
def free_energy(dtype):
    rng = np.random.default_rng(12)
    w, v = nodes(dtype, w=(30, 20), v=(30,))
    arrays = rng.normal(size=(30, 20)) * 30, rng.normal(size=30)
    return (w, v), arrays, gc.log(gc.prod(1 + gc.exp(v @ w))), lambda w: np.logaddexp(0, arrays[1] @ w).sum()


@model
def partition_function(dtype):
    (w,), states = nodes(dtype, w=(6, 5)), np.array([[i >> k & 1 for k in range(6)] for i in range(64)])
    total = gc.sum(gc.prod(1 + gc.exp(gc.constant(states.astype(dtype)) @ w), axis=1))
    arrays = (np.random.default_rng(13).normal(size=(6, 5)) * 40,)
    return (w,), arrays, gc.log(total), lambda w: logsumexp(np.logaddexp(0, states @ w).sum(1))


@model
def counts(dtype):
    rate, k = nodes(dtype, rate=(), k=(300,))
    arrays = np.array(47.0), np.random.default_rng(14).poisson(50, 300) * 1.0
    likelihood = gc.prod(rate**k * gc.exp(-rate) / gc.exp(gc.lgamma(k + 1)))
    return (rate, k), arrays, gc.log(likelihood), lambda r: (arrays[1] * np.log(r) - r - gammaln(arrays[1] + 1)).sum()


@model
def high_powers_in_a_mixture(dtype):
    p, share = nodes(dtype, p=(3,), share=(3,))
    arrays, heads = (np.array([0.1, 0.2, 0.4]), np.array([0.2, 0.3, 0.5])), np.array([500.0, 420.0, 450.0])
    likelihood = gc.sum(
        share * p ** gc.constant(heads.astype(dtype)) * (1 - p) ** gc.constant((600 - heads).astype(dtype))
    )
    value = lambda p: logsumexp(np.log(arrays[1]) + heads * np.log(p) + (600 - heads) * np.log1p(-p))  # noqa: E731
    return (p, share), arrays, gc.log(likelihood), value


@model
def running_products(dtype):
    (x,) = nodes(dtype, x=(2, 200))
    arrays = (np.random.default_rng(15).uniform(0.01, 0.3, (2, 200)),)
    return (x,), arrays, gc.mean(gc.log(gc.cumprod(x, axis=1))), lambda x: np.cumsum(np.log(x), axis=1).mean()


@model
def a_chain_written_out(dtype):
    (x,) = nodes(dtype, x=(60,))
    p = x[0]
    for i in range(1, 60):
        p = p * x[i]
    return (x,), (np.random.default_rng(16).uniform(1e-9, 1e-6, 60),), gc.log10(p), lambda x: np.log10(x).sum()


@model
def an_autoregressive_estimator(dtype):
    """NADE: the probability of 1,000 bits, each given by those before it."""
    b, v, w, u, c = nodes(dtype, b=(1000,), v=(1000,), w=(1000, 8), u=(1000, 8), c=(8,))

    def bit(state, row):
        (hidden, p), (vi, wi, ui, bi) = state, row
        one = 1 / (1 + gc.exp(-(bi + gc.sum(ui / (1 + gc.exp(-hidden))))))
        return (hidden + wi * vi, p * gc.where(vi > 0.5, one, 1 - one)), None

    (_, p), _ = gc.scan(bit, (c, gc.constant(1, dtype)), (v, w, u, b))
    rng = np.random.default_rng(18)
    weights = (rng.normal(0, 0.3, (1000, 8)) for _ in range(2))
    given = np.round(rng.random(1000)), *weights, rng.normal(0, 1, 8)
    bits, to_hidden, to_bits, offsets = (x.astype(dtype).astype(float) for x in given)

    def exact(biases):
        steps = to_hidden * bits[:, None]
        hidden = offsets + np.cumsum(steps, axis=0) - steps
        logit = biases + np.sum(to_bits * np.exp(log_expit(hidden)), axis=1)
        return log_expit(np.where(bits > 0.5, logit, -logit)).sum()

    return (b, v, w, u, c), (rng.normal(0, 1, 1000), *given), gc.log(p), exact


@model
def a_boltzmann_machine(dtype):
    """The unnormalised likelihood of a restricted one with 1,000 hidden units."""
    c, v, w, b = nodes(dtype, c=(1000,), v=(20,), w=(1000, 20), b=(20,))
    rng = np.random.default_rng(19)
    given = np.round(rng.random(20)), rng.normal(0, 1, (1000, 20)), rng.normal(0, 1, 20)
    bits, weights, biases = (x.astype(dtype).astype(float) for x in given)
    likelihood = gc.exp(gc.sum(b * v)) * gc.prod(1 + gc.exp(c + w @ v))

    def exact(offsets):
        return biases @ bits + np.logaddexp(0, offsets + weights @ bits).sum()

    return (c, v, w, b), (rng.normal(0, 1, 1000), *given), gc.log(likelihood), exact


def potentials_written_out(dtype, steps):
    """A hidden Markov model of few steps, whose potentials are far beyond the range already."""
    x, a = nodes(dtype, x=(steps, 3), a=(3, 3))
    weights = gc.abs(a)
    alpha = gc.exp(x[0])
    for i in range(1, steps):
        alpha = (alpha @ weights) * gc.exp(x[i])
    rng = np.random.default_rng(17)
    transitions = rng.uniform(0.1, 1, (3, 3))
    arrays = (rng.uniform(-1, 1, (steps, 3)) + 500, transitions)
    return (x, a), arrays, gc.log(gc.sum(alpha)), lambda x: logsumexp(forward(transitions, x)[-1])


@model
def two_steps_written_out(dtype):
    return potentials_written_out(dtype, 2)


@model
def four_steps_written_out(dtype):
    return potentials_written_out(dtype, 4)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", MODELS)
def test_models(name, dtype):
    """The value, and the derivative along a direction that leaves signs as they are."""
    inputs, arrays, output, value = MODELS[name](dtype)
    arrays = [np.asarray(x).astype(node.dtype.numpy) for x, node in zip(arrays, inputs, strict=True)]
    found, slope = gc.compile(inputs, [output, gc.grad(output, inputs[0])])(*arrays)
    exact, rtol = arrays[0].astype(float), 3e-6 if dtype == "float32" else 1e-11
    np.testing.assert_allclose(found, value(exact), rtol=rtol)
    direction, h = exact * np.random.default_rng(0).normal(size=exact.shape), 1e-6
    along = (value(exact + h * direction) - value(exact - h * direction)) / (2 * h)
    scale = np.abs(slope * direction).sum()
    np.testing.assert_allclose((slope * direction).sum(), along, atol=scale * (2e-5 if dtype == "float32" else 3e-7))


def left_to_right(dtype, steps, spread):
    """A model whose states are left one after the other: most transitions are impossible."""
    rng = np.random.default_rng(20)
    a, b = nodes(dtype, a=(4, 4), b=(steps, 4))
    transitions = np.diag([0.7, 0.7, 0.7, 1.0]) + np.diag([0.3] * 3, 1)
    emissions = np.exp(rng.normal(size=(steps, 4)) * spread)
    emissions[0, 1:] = 0
    alpha, _ = gc.scan(lambda alpha, x: ((alpha @ a) * x, None), b[0], b[1:])
    return (a, b), [x.astype(dtype) for x in (transitions, emissions)], gc.log(alpha[-1])


@pytest.mark.parametrize("target", ["llvm", "reference", "cuda-emulator"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_zeros_and_states_that_are_very_unlikely(dtype, target):
    """Rows and columns of a product do not meet, and derivatives by what is 0 are not 0."""
    (a, b), arrays, output = left_to_right(dtype, 40 if target == "llvm" else 12, 20 if dtype == "float64" else 3)
    found, da, db = gc.compile([a, b], [output, *gc.grad(output, [a, b])], target=target)(*arrays)
    transitions, emissions = (x.astype(float) for x in arrays)
    below, above = forward(transitions, logs(emissions)), [np.array([-np.inf] * 3 + [0])]
    for row in logs(emissions[:0:-1]):
        above.append(logsumexp(logs(transitions) + row + above[-1], axis=1))
    above, evidence = np.array(above[::-1]), below[-1, -1]
    later = logs(emissions)[1:] + above[1:]
    by_a = np.exp(below[:-1, :, None] + later[:, None] - evidence).sum(0)
    before = np.concatenate([[[0] * 4], logsumexp(below[:-1, :, None] + logs(transitions), axis=1)])
    rtol = 1e-5 if dtype == "float32" else 1e-10
    np.testing.assert_allclose(found, evidence, rtol=rtol)
    np.testing.assert_allclose(da, by_a, rtol=rtol, atol=1e-30)
    np.testing.assert_allclose(db, np.exp(before + above - evidence), rtol=rtol, atol=1e-30)


@pytest.mark.parametrize("dtype", DTYPES)
def test_ordinary_numbers_keep_their_bits(dtype):
    (a, b), arrays, alpha, _ = hidden_markov(dtype, 3, 6)
    x = gc.input("x", (12,), dtype)
    arrays = [v.astype(dtype) for v in (*arrays, np.random.default_rng(21).uniform(0.5, 2, 12))]
    outputs = [gc.log(gc.sum(alpha)), gc.prod(x) / gc.prod(x + 1), gc.sum(gc.log(gc.cumprod(x)))]
    naive = [slope for y in outputs for slope in reverse_mode(y, [a, x]) if slope is not None]
    careful = [gc.grad(outputs[0], a), *(gc.grad(y, x) for y in outputs[1:])]
    before = gc.compile([a, b, x], [*outputs, *naive], passes=NAIVE)(*arrays)
    after = gc.compile([a, b, x], [*outputs, *careful])(*arrays)
    for old, new in zip(before, after, strict=True):
        np.testing.assert_allclose(new, old, rtol=8 * np.finfo(dtype).eps)
    assert before[0] == after[0]


@pytest.mark.parametrize("value", [0.0, -0.0, -2.0, np.inf, -np.inf, np.nan, 1e-40])
def test_special_values(value):
    """What is not lost on the way is what the formula gives."""
    x = gc.input("x", (40,))
    last, _ = gc.scan(lambda p, x: (p * x, None), gc.constant(1.0, "float32"), x)
    outputs = [gc.log(last), gc.prod(x) / gc.prod(x + 1), gc.argmax(gc.cumprod(x)), gc.cumprod(x)[5] < gc.cumprod(x)[7]]
    factors = np.ones(40, "float32")
    factors[6] = value
    before, after = (gc.compile([x], outputs, passes=passes)(factors) for passes in (NAIVE, "default"))
    for old, new in zip(before, after, strict=True):
        np.testing.assert_allclose(new, old, rtol=1e-6)


def test_zeros_have_no_logarithm():
    x = gc.input("x", (30,))
    last, _ = gc.scan(lambda p, x: (p * x, None), gc.constant(1.0, "float32"), x)
    factors = np.full(30, 1e-30, "float32")
    f = gc.compile([x], gc.log(last))
    assert f(factors) == pytest.approx(30 * np.log(1e-30))
    factors[3] = 0
    assert f(factors) == -np.inf
    factors[4] = np.nan
    assert np.isnan(f(factors))


def test_second_derivatives():
    (a, b), arrays, alpha, _ = hidden_markov("float64", 3, 150)
    output, direction = gc.log(gc.sum(alpha)), np.random.default_rng(22).normal(size=(3, 3))
    curvature = gc.compile([a, b], gc.hvp(output, a, gc.constant(direction)))(*arrays)
    first, h = gc.compile([a, b], gc.grad(output, a)), 1e-6
    along = (first(arrays[0] + h * direction, arrays[1]) - first(arrays[0] - h * direction, arrays[1])) / (2 * h)
    np.testing.assert_allclose(curvature, along, rtol=1e-5, atol=1e-6 * np.abs(along).max())


def test_sixteen_bits_are_widened():
    (a, b), arrays, alpha, _ = hidden_markov("float16", 3, 50)
    arrays = [x.astype("float16") for x in arrays]
    exact = logsumexp(forward(arrays[0].astype(float), np.log(arrays[1].astype(float)))[-1])
    assert gc.compile([a, b], gc.log(gc.sum(alpha)))(*arrays) == pytest.approx(exact, rel=1e-3)


# --- spellings ---

SPELLINGS = {
    "a loop over indices": lambda a, b, seen: gc.fori_loop(1, 200, lambda t, p: (p @ a) * b[:, seen[t]], b[:, seen[0]]),
    "a sum": lambda a, b, seen: scanned(lambda p, k: gc.sum(p[:, None] * a, axis=0) * b[:, k], b, seen),
    "columns": lambda a, b, seen: scanned(lambda p, k: b[:, k] * (a.T @ p), b, seen),
    "einsum": lambda a, b, seen: scanned(lambda p, k: gc.einsum("i,ij,j->j", p, a, b[:, k]), b, seen),
    "a branch": lambda a, b, seen: scanned(
        lambda p, k: gc.cond(k < 9, lambda p: (p @ a) * b[:, k], lambda p: p, p), b, seen
    ),
    "a mask": lambda a, b, seen: scanned(lambda p, k: gc.where(k < 9, (p @ a) * b[:, k], p), b, seen),
    "a batch": lambda a, b, seen: scanned(lambda p, k: (p @ a) * b[:, k], gc.stack([b, b]), seen)[0],
    "a dictionary": lambda a, b, seen: gc.scan(
        lambda s, k: ({"p": (s["p"] @ a) * b[:, k], "n": s["n"] + 1}, s["n"]), {"p": b[:, seen[0]], "n": 0}, seen[1:]
    )[0]["p"],
    "vmap": lambda a, b, seen: gc.vmap(lambda a: scanned(lambda p, k: (p @ a) * b[:, k], b, seen))(gc.stack([a, a]))[1],
}


def scanned(step, b, seen):
    """The last probabilities; for a stack of emissions those of each."""
    return gc.scan(lambda p, k: (step(p, k), None), b[..., seen[0]], seen[1:])[0]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_spellings(spelling):
    rng = np.random.default_rng(23)
    (a, b), seen = nodes("float32", a=(3, 3), b=(3, 5)), gc.input("seen", (200,), "int64")
    arrays = rng.dirichlet(np.ones(3), 3).astype("float32"), rng.dirichlet(np.ones(5), 3).astype("float32")
    symbols = rng.integers(0, 5, 200)
    output = gc.log(gc.sum(SPELLINGS[spelling](a, b, seen)))
    found, slope = gc.compile([a, b, seen], [output, gc.grad(output, a)])(*arrays, symbols)
    exact = logsumexp(forward(arrays[0].astype(float), np.log(arrays[1].astype(float))[:, symbols].T)[-1])
    assert found == pytest.approx(exact, rel=1e-6)
    assert (slope * arrays[0]).sum() == pytest.approx(199, rel=1e-5)  # each step takes one transition


# --- where it fires ---


def rules(output, *inputs, **options):
    return {f.rule.name for f in gc.compile(list(inputs), output, **options).rewrites if "long_product" in f.rule.name}


def test_cube_roots_of_long_products():
    x, y = gc.input("x", (2000,)), gc.input("y", (2000,))
    f = gc.compile([x, y], cbrt(gc.prod(x)) / cbrt(gc.prod(y)))
    given = np.full(2000, 0.1, "float32"), np.full(2000, 0.1001, "float32")
    assert f(*given) == pytest.approx((float(given[0][0]) / float(given[1][0])) ** (2000 / 3), rel=1e-4)


def test_short_and_bounded_products_are_left_alone():
    p, q, x = gc.input("p", (4,)), gc.input("q", (4,)), gc.input("x", (3, 4))
    assert not rules(gc.log(p * q), p, q)
    assert not rules(gc.prod(x, axis=0) / gc.prod(p), p, x)
    assert not rules(gc.log(gc.exp(p) @ gc.abs(x.T)), p, x)
    assert not rules(gc.log(gc.exp(p) * gc.exp(q) * p + 1), p, q)

    def normalised(alpha, row):
        alpha = alpha * row
        return alpha / gc.sum(alpha), gc.log(gc.sum(alpha))

    last, found = gc.scan(normalised, p, x)
    assert not rules(gc.sum(found) + gc.log(last[0]), p, x)
    u, v = p, x
    for _ in range(12):
        u, v = u / gc.sqrt(gc.mean(u * u)) * q, v / gc.sum(v) * q
    assert not rules(gc.log(gc.sum(u)) + gc.log(gc.sum(v)), p, q, x)
    oscillation = gc.fori_loop(0, 99, lambda i, s: (s[0] + 0.1 * s[1], s[1] - 0.1 * s[0]), (p, q))[0]
    assert not rules(gc.log(gc.sum(oscillation * oscillation)), p, q)
    floored, _ = gc.scan(lambda alpha, row: (alpha * row + 1e-9, None), p, x)
    assert not rules(gc.log(gc.sum(floored)), p, x)


def test_it_says_what_it_did_and_where():
    a, b = gc.input("a", (3, 3)), gc.input("b", ("T", 3))
    alpha, _ = gc.scan(lambda alpha, x: ((alpha @ a) * x, None), b[0], b[1:])
    evidence = gc.log(gc.sum(alpha))
    f = gc.compile([a, b], evidence)
    assert f.why(evidence).rules == ("log_of_long_product",)
    assert "alpha, _ = gc.scan(" in str(f.why(evidence))
    assert not rules(evidence, a, b, semantics="ieee") and not rules(evidence, a, b, passes=NAIVE)
    assert "it is stabilizing" in gc.compile([a, b], evidence, semantics="ieee").why_not("log_of_long_product")
    assert "nothing to do" in gc.compile([a], gc.log(gc.sum(a))).why_not("log_of_long_product")


def test_both_results_of_one_loop_come_from_one_loop():
    (a, b), arrays, alpha, alphas = hidden_markov("float32", 3, 200)
    f = gc.compile([a, b], [gc.log(gc.sum(alpha)), alpha, alphas / gc.sum(alphas, axis=1, keepdims=True)])
    assert sum(node.op.name == "scan" for node in f.graph.nodes) == 1
    evidence, last, shares = f(*(x.astype("float32") for x in arrays))
    assert np.isfinite(evidence) and not last.any()
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-6)
