"""One training step of a perceptron with Adam: forward, backward, update; the loss comes back.

Scores and labels are noise and change with each call, so that neither loss nor moments die away.
"""

import itertools
from typing import Any

import numpy as np

from benchmarks.case import Arrays, Case, Function
from benchmarks.formulas import pytensor_inputs

LAYERS = (784, 512, 256, 10)
RATE, DECAY_MEAN, DECAY_SQUARE, EPSILON = 1e-4, 0.9, 0.999, 1e-8


def inputs(size: tuple[int, ...], generator: np.random.Generator) -> Arrays:
    batch, features, *_, classes = size
    images = generator.standard_normal((batch, features), dtype=np.float32)
    return images, generator.integers(0, classes, batch)


def initial_parameters() -> list[np.ndarray]:
    """Weights and biases in turn, the same for every library."""
    generator = np.random.default_rng(1)
    parameters = []
    for rows, columns in itertools.pairwise(LAYERS):
        weights = generator.standard_normal((rows, columns), dtype=np.float32)
        parameters += [weights * np.float32((2 / rows) ** 0.5), np.zeros(columns, np.float32)]
    return parameters


def perceptron(library: Any, x: Any, parameters: Any) -> Any:
    w1, b1, w2, b2, w3, b3 = parameters
    h1 = library.maximum(x @ w1 + b1, 0)
    h2 = library.maximum(h1 @ w2 + b2, 0)
    return h2 @ w3 + b3


def build_with_graphc(x: np.ndarray, y: np.ndarray) -> Function:
    import graphc as gc

    images = gc.input("x", shape=x.shape, dtype=x.dtype.name)
    labels = gc.input("y", shape=y.shape, dtype=y.dtype.name)
    parameters = [gc.parameter(f"p{i}", value) for i, value in enumerate(initial_parameters())]
    e = gc.exp(perceptron(gc, images, parameters))
    p = e / gc.sum(e, axis=1, keepdims=True)
    loss = -gc.mean(gc.log(gc.take_along_axis(p, labels[:, None], axis=1)))
    return gc.compile([images, labels], loss, updates=gc.optim.Adam(RATE).updates(loss, parameters))


def build_with_numpy(x: np.ndarray, _y: np.ndarray) -> Function:
    """The derivative by hand."""
    parameters = [value.astype(x.dtype) for value in initial_parameters()]
    means = [np.zeros_like(value) for value in parameters]
    squares = [np.zeros_like(value) for value in parameters]
    steps = 0

    def step(x: np.ndarray, y: np.ndarray) -> Any:
        nonlocal steps
        steps += 1
        loss, gradients = numpy_loss_and_gradients(parameters, x, y)
        rate = RATE / (1 - DECAY_MEAN**steps)
        correction = 1 - DECAY_SQUARE**steps
        for value, gradient, mean, square in zip(parameters, gradients, means, squares, strict=True):
            mean += (1 - DECAY_MEAN) * (gradient - mean)
            square += (1 - DECAY_SQUARE) * (gradient * gradient - square)
            value -= rate * mean / (np.sqrt(square / correction) + EPSILON)
        return loss

    return step


def numpy_loss_and_gradients(parameters: list[np.ndarray], x: np.ndarray, y: np.ndarray) -> Any:
    w1, b1, w2, b2, w3, b3 = parameters
    h1 = np.maximum(x @ w1 + b1, 0)
    h2 = np.maximum(h1 @ w2 + b2, 0)
    scores = h2 @ w3 + b3

    rows = np.arange(len(y))
    shifted = scores - scores.max(axis=1, keepdims=True)
    e = np.exp(shifted)
    total = e.sum(axis=1, keepdims=True)
    loss = np.mean(np.log(total[:, 0]) - shifted[rows, y])

    g3 = e / total
    g3[rows, y] -= 1
    g3 /= len(y)
    g2 = (g3 @ w3.T) * (h2 > 0)
    g1 = (g2 @ w2.T) * (h1 > 0)
    return loss, [x.T @ g1, g1.sum(0), h1.T @ g2, g2.sum(0), h2.T @ g3, g3.sum(0)]


def build_with_torch(x: np.ndarray, y: np.ndarray) -> Function:
    return torch_step(torch_loss)


def build_with_torch_compile(x: np.ndarray, y: np.ndarray) -> Function:
    import torch

    return torch_step(torch.compile(torch_loss))


def torch_loss(x: Any, y: Any, parameters: Any) -> Any:
    from torch.nn import functional

    w1, b1, w2, b2, w3, b3 = parameters
    h1 = functional.relu(torch_affine(x, w1, b1))
    h2 = functional.relu(torch_affine(h1, w2, b2))
    return functional.cross_entropy(torch_affine(h2, w3, b3), y)


def torch_affine(x: Any, weights: Any, bias: Any) -> Any:
    import torch

    return torch.addmm(bias, x, weights)


def torch_step(loss_of: Function) -> Function:
    import torch

    parameters = [torch.from_numpy(value).requires_grad_() for value in initial_parameters()]
    adam = torch.optim.Adam(parameters, lr=RATE, betas=(DECAY_MEAN, DECAY_SQUARE), eps=EPSILON, fused=True)

    def step(x: Any, y: Any) -> Any:
        adam.zero_grad()
        loss = loss_of(x, y, parameters)
        loss.backward()
        adam.step()
        return loss

    return step


def build_with_jax(_x: np.ndarray, _y: np.ndarray) -> Function:
    import jax
    import jax.numpy as jnp

    def loss_of(parameters: Any, x: Any, y: Any) -> Any:
        log_p = jax.nn.log_softmax(perceptron(jnp, x, parameters), axis=1)
        return -jnp.mean(jnp.take_along_axis(log_p, y[:, None], axis=1))

    def advance(state: Any, x: Any, y: Any) -> Any:
        parameters, means, squares, steps = state
        loss, gradients = jax.value_and_grad(loss_of)(parameters, x, y)
        return loss, adam(jnp, parameters, gradients, means, squares, steps + 1)

    compiled = jax.jit(advance, donate_argnums=0)
    parameters = [jnp.asarray(value) for value in initial_parameters()]
    zeros = [[jnp.zeros_like(value) for value in parameters] for _ in range(2)]
    state: Any = (parameters, *zeros, jnp.float32(0))

    def step(x: Any, y: Any) -> Any:
        nonlocal state
        loss, state = compiled(state, x, y)
        return loss

    return step


def build_with_pytensor(x: np.ndarray, y: np.ndarray) -> Function:
    import pytensor
    import pytensor.tensor as pt
    from pytensor.tensor.special import log_softmax

    images, labels = pytensor_inputs(x, y)
    parameters = [pytensor.shared(value) for value in initial_parameters()]
    log_p = log_softmax(perceptron(pt, images, parameters), axis=1)
    loss = -log_p[pt.arange(len(y)), labels].mean()

    zeros = [[pytensor.shared(np.zeros_like(value.get_value())) for value in parameters] for _ in range(2)]
    steps = pytensor.shared(np.float32(0))
    old = (parameters, *zeros, steps)
    *new, next_steps = adam(pt, parameters, pytensor.grad(loss, parameters), *zeros, steps + np.float32(1))
    updates = [(steps, next_steps)]
    for old_values, new_values in zip(old[:-1], new, strict=True):
        updates += zip(old_values, new_values, strict=True)
    return pytensor.function([images, labels], loss, updates=updates, trust_input=True)


def adam(library: Any, parameters: Any, gradients: Any, means: Any, squares: Any, steps: Any) -> Any:
    """The state after a step, as a pure function."""
    rate = RATE / (1 - DECAY_MEAN**steps)
    correction = 1 - DECAY_SQUARE**steps
    means = [m + (1 - DECAY_MEAN) * (g - m) for m, g in zip(means, gradients, strict=True)]
    squares = [s + (1 - DECAY_SQUARE) * (g * g - s) for s, g in zip(squares, gradients, strict=True)]
    parameters = [
        value - rate * m / (library.sqrt(s / correction) + EPSILON)
        for value, m, s in zip(parameters, means, squares, strict=True)
    ]
    return parameters, means, squares, steps


CASE = Case(
    name="mlp_step",
    title="MLP training step, Adam",
    sizes={"-".join(map(str, LAYERS)) + ", batch 128": (128, *LAYERS)},
    make_inputs=inputs,
    implementations={
        "graphc": build_with_graphc,
        "numpy": build_with_numpy,
        "torch": build_with_torch,
        "torch.compile": build_with_torch_compile,
        "jax": build_with_jax,
        "pytensor": build_with_pytensor,
    },
    tolerance=1e-4,
    batches=16,
    checked_calls=5,
    notes=("PyTorch uses its own cross-entropy and fused Adam; torch.compile has forward and backward.",),
)
