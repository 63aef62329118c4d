"""Long products on the way to a logarithm, a quotient or a choice: against the same models written in logarithms."""

import numpy as np
import pytest
from scipy.special import gammaln, log_expit, logsumexp

import graphc as gc
from graphc.grad import reverse_mode
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
    likelihood = gc.sum(share * p ** gc.constant(heads.astype(dtype)) * (1 - p) ** gc.constant((600 - heads).astype(dtype)))
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


@pytest.mark.parametrize("name", ["posteriors_by_forward_and_backward", "a_mixture_of_many_pixels", "running_products"])
@pytest.mark.parametrize("target", ["reference", "cuda-emulator"])
def test_targets(name, target):
    inputs, arrays, output, _ = MODELS[name]("float32")
    arrays = [np.asarray(x).astype(node.dtype.numpy) for x, node in zip(arrays, inputs, strict=True)]
    results = [output, gc.grad(output, inputs[0])]
    for a, b in zip(*(gc.compile(inputs, results, target=each)(*arrays) for each in ("llvm", target)), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-6 * np.abs(b).max())
