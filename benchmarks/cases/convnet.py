"""A small convolutional network on images: a cost and its gradient by the weights (LeCun et al., 1998, in outline)."""

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from benchmarks.case import Arrays, Case, Function

SHAPES = ((6, 1, 5, 5), (16, 6, 5, 5), (256, 10))


def inputs(size: tuple[int, ...], generator: np.random.Generator) -> Arrays:
    images = generator.standard_normal((*size[:1], 1, *size[1:]), dtype=np.float32)
    return images, generator.integers(0, 10, size[0])


def weights() -> list[np.ndarray]:
    generator = np.random.default_rng(1)
    return [generator.standard_normal(shape, dtype=np.float32) / 10 for shape in SHAPES]


def build_with_graphc(x: np.ndarray, y: np.ndarray) -> Function:
    import graphc as gc

    images, labels = gc.input("x", x.shape, x.dtype.name), gc.input("y", y.shape, y.dtype.name)
    parameters = [gc.parameter(f"w{i}", value) for i, value in enumerate(weights())]
    w1, w2, w3 = parameters
    h = gc.max_pool(gc.relu(gc.conv(images, w1)), 2)
    h = gc.max_pool(gc.relu(gc.conv(h, w2)), 2)
    e = gc.exp(gc.reshape(h, (len(x), -1)) @ w3)
    p = e / gc.sum(e, axis=1, keepdims=True)
    cost = -gc.mean(gc.log(gc.take_along_axis(p, labels[:, None], axis=1)))
    return gc.compile([images, labels], [cost, *gc.grad(cost, parameters)])


def build_with_numpy(x: np.ndarray, _y: np.ndarray) -> Function:
    """The derivative by hand."""
    w1, w2, w3 = (value.astype(x.dtype) for value in weights())

    def convolved(x: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        windows = sliding_window_view(x, w.shape[2:], axis=(2, 3))
        return np.einsum("ncijkl,ockl->noij", windows, w, optimize=True), windows

    def pooled(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        n, c, h, w = x.shape
        parts = x.reshape(n, c, h // 2, 2, w // 2, 2)
        largest = parts.max(axis=(3, 5))
        here = parts == largest[:, :, :, None, :, None]
        return largest, here / here.sum(axis=(3, 5), keepdims=True)

    def unpooled(g: np.ndarray, shares: np.ndarray) -> np.ndarray:
        n, c, h, _, w, _ = shares.shape
        return (g[:, :, :, None, :, None] * shares).reshape(n, c, 2 * h, 2 * w)

    def cost_and_gradient(x: np.ndarray, y: np.ndarray) -> Any:
        a1, windows1 = convolved(x, w1)
        h1, shares1 = pooled(np.maximum(a1, 0))
        a2, windows2 = convolved(h1, w2)
        h2, shares2 = pooled(np.maximum(a2, 0))
        flat = h2.reshape(len(x), -1)
        z = flat @ w3
        z = z - z.max(axis=1, keepdims=True)
        log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        rows = np.arange(len(y))
        g = np.exp(log_p)
        g[rows, y] -= 1
        g /= len(y)
        g2 = unpooled((g @ w3.T).reshape(h2.shape), shares2) * (a2 > 0)
        padded = np.pad(g2, ((0, 0), (0, 0), (4, 4), (4, 4)))
        g1 = convolved(padded, w2[:, :, ::-1, ::-1].transpose(1, 0, 2, 3))[0]
        g1 = unpooled(g1, shares1) * (a1 > 0)
        dw1 = np.einsum("noij,ncijkl->ockl", g1, windows1, optimize=True)
        dw2 = np.einsum("noij,ncijkl->ockl", g2, windows2, optimize=True)
        return -np.mean(log_p[rows, y]), dw1, dw2, flat.T @ g

    return cost_and_gradient


def torch_cost(parameters: Any, x: Any, y: Any) -> Any:
    from torch.nn import functional

    w1, w2, w3 = parameters
    h = functional.max_pool2d(functional.relu(functional.conv2d(x, w1)), 2)
    h = functional.max_pool2d(functional.relu(functional.conv2d(h, w2)), 2)
    return functional.cross_entropy(h.flatten(1) @ w3, y)


def differentiated_by_torch(cost_of: Function) -> Function:
    import torch

    parameters = [torch.from_numpy(value).requires_grad_() for value in weights()]

    def cost_and_gradient(x: Any, y: Any) -> Any:
        cost = cost_of(parameters, x, y)
        return cost, *torch.autograd.grad(cost, parameters)

    return cost_and_gradient


def build_with_torch(*_samples: np.ndarray) -> Function:
    return differentiated_by_torch(torch_cost)


def build_with_torch_compile(*_samples: np.ndarray) -> Function:
    import torch

    return differentiated_by_torch(torch.compile(torch_cost))


def build_with_jax(*_samples: np.ndarray) -> Function:
    import jax
    from jax import lax, numpy as jnp

    def pooled(x: Any) -> Any:
        return lax.reduce_window(x, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")

    def cost_of(parameters: Any, x: Any, y: Any) -> Any:
        w1, w2, w3 = parameters
        h = pooled(jax.nn.relu(lax.conv(x, w1, (1, 1), "VALID")))
        h = pooled(jax.nn.relu(lax.conv(h, w2, (1, 1), "VALID")))
        log_p = jax.nn.log_softmax(h.reshape(len(x), -1) @ w3)
        return -jnp.mean(jnp.take_along_axis(log_p, y[:, None], axis=1))

    differentiated = jax.jit(jax.value_and_grad(cost_of))
    parameters = [jnp.asarray(value) for value in weights()]

    def cost_and_gradient(x: Any, y: Any) -> Any:
        cost, gradients = differentiated(parameters, x, y)
        return cost, *gradients

    return cost_and_gradient


CASE = Case(
    name="convnet",
    title="convolutional network, value and gradient by the weights",
    sizes={"64x28x28": (64, 28, 28)},
    make_inputs=inputs,
    implementations={
        "graphc": build_with_graphc,
        "numpy": build_with_numpy,
        "torch": build_with_torch,
        "torch.compile": build_with_torch_compile,
        "jax": build_with_jax,
    },
    tolerance=1e-4,
    left_out=("pytensor",),
    notes=("two 5x5 convolutions with ReLU and 2x2 maximum pools, one dense layer, softmax cross-entropy.",),
)
