"""An LSTM over a batch of sequences: a cost and its gradient by the weights."""

from typing import Any

import numpy as np

from benchmarks.case import Arrays, Case, Function

FEATURES, UNITS = 28, 64


def inputs(size: tuple[int, ...], generator: np.random.Generator) -> Arrays:
    return (generator.standard_normal((*size, FEATURES), dtype=np.float32),)


def weights() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """By the slice, by the state, and the bias; gates in the order input, forget, cell, output."""
    generator = np.random.default_rng(1)
    by_slice = generator.standard_normal((FEATURES, 4 * UNITS), dtype=np.float32) / 8
    by_state = generator.standard_normal((UNITS, 4 * UNITS), dtype=np.float32) / 8
    return by_slice, by_state, np.zeros(4 * UNITS, np.float32)


def cell(library: Any, sigmoid: Any, state: Any, z: Any) -> Any:
    """The next hidden and cell state, from the present cell state and the gates before their functions."""
    i, f, g, o = (z[:, k * UNITS : (k + 1) * UNITS] for k in range(4))
    new = sigmoid(f) * state + sigmoid(i) * library.tanh(g)
    return sigmoid(o) * library.tanh(new), new


def build_with_graphc(x: np.ndarray) -> Function:
    import graphc as gc

    sequence = gc.input("x", x.shape, x.dtype.name)
    w, u, b = (gc.parameter(name, value) for name, value in zip("wub", weights(), strict=True))

    def step(state: Any, xt: Any) -> Any:
        h, c = cell(gc, gc.sigmoid, state[1], xt @ w + state[0] @ u + b)
        return (h, c), h

    zero = gc.zeros((x.shape[1], UNITS), dtype="float32")
    _, hidden = gc.scan(step, (zero, zero), sequence)
    cost = gc.mean(hidden**2)
    return gc.compile([sequence], [cost, *gc.grad(cost, [w, u, b])])


def build_with_numpy(x: np.ndarray) -> Function:
    """Backpropagation through time by hand."""
    w, u, b = (value.astype(x.dtype) for value in weights())

    def sigmoid(z: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-z))

    def cost_and_gradient(x: np.ndarray) -> Any:
        steps, batch, _ = x.shape
        h, c = np.zeros((2, batch, UNITS), x.dtype)
        kept = []
        for xt in x:
            z = xt @ w + h @ u + b
            i, f, g, o = (z[:, k * UNITS : (k + 1) * UNITS] for k in range(4))
            i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
            before, c = (h, c), f * c + i * g
            h = o * np.tanh(c)
            kept.append((xt, *before, c, h, i, f, g, o))
        cost = np.mean([np.mean(row[4] ** 2) for row in kept])
        dw, du, db = np.zeros_like(w), np.zeros_like(u), np.zeros_like(b)
        dh, dc = np.zeros((2, batch, UNITS), x.dtype)
        for xt, h_before, c_before, c, h, i, f, g, o in reversed(kept):
            dh = dh + 2 * h / (steps * batch * UNITS)
            t = np.tanh(c)
            dc = dc + dh * o * (1 - t**2)
            parts = dc * g * i * (1 - i), dc * c_before * f * (1 - f), dc * i * (1 - g**2), dh * t * o * (1 - o)
            dz = np.concatenate(parts, axis=1)
            dw, du, db = dw + xt.T @ dz, du + h_before.T @ dz, db + dz.sum(axis=0)
            dh, dc = dz @ u.T, dc * f
        return cost, dw, du, db

    return cost_and_gradient


def build_with_torch(x: np.ndarray) -> Function:
    """Torch's own LSTM, whose order of gates is the same."""
    import torch

    w, u, b = (torch.from_numpy(value) for value in weights())
    layer = torch.nn.LSTM(FEATURES, UNITS, bias=True)
    with torch.no_grad():
        layer.weight_ih_l0.copy_(w.T)
        layer.weight_hh_l0.copy_(u.T)
        layer.bias_ih_l0.copy_(b)
        layer.bias_hh_l0.zero_()
    parameters = [layer.weight_ih_l0, layer.weight_hh_l0, layer.bias_ih_l0]

    def cost_and_gradient(x: Any) -> Any:
        cost = (layer(x)[0] ** 2).mean()
        dw, du, db = torch.autograd.grad(cost, parameters)
        return cost, dw.T, du.T, db

    return cost_and_gradient


def build_with_jax(x: np.ndarray) -> Function:
    import jax
    from jax import numpy as jnp

    def cost_of(parameters: Any, x: Any) -> Any:
        w, u, b = parameters

        def step(state: Any, xt: Any) -> Any:
            h, c = cell(jnp, jax.nn.sigmoid, state[1], xt @ w + state[0] @ u + b)
            return (h, c), h

        zero = jnp.zeros((x.shape[1], UNITS), x.dtype)
        return jnp.mean(jax.lax.scan(step, (zero, zero), x)[1] ** 2)

    differentiated = jax.jit(jax.value_and_grad(cost_of))
    parameters = tuple(map(jnp.asarray, weights()))

    def cost_and_gradient(x: Any) -> Any:
        cost, gradients = differentiated(parameters, x)
        return cost, *gradients

    return cost_and_gradient


CASE = Case(
    name="lstm",
    title="LSTM, value and gradient by the weights",
    sizes={"100x32": (100, 32)},
    make_inputs=inputs,
    implementations={
        "graphc": build_with_graphc,
        "numpy": build_with_numpy,
        "torch": build_with_torch,
        "jax": build_with_jax,
    },
    tolerance=1e-3,
    left_out=("torch.compile", "pytensor"),
    notes=("100 steps, 32 sequences, 28 features, 64 units; torch runs its own fused LSTM, the others write it out.",),
)
