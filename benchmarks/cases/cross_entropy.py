"""Softmax cross-entropy: the loss and its gradient by the scores, by each library's own differentiation."""

from typing import Any

import numpy as np

from benchmarks.case import Arrays, Case, Function
from benchmarks.formulas import formulas


def inputs(size: tuple[int, ...], generator: np.random.Generator) -> Arrays:
    rows, classes = size
    scores = generator.standard_normal((rows, classes), dtype=np.float32)
    return scores, generator.integers(0, classes, rows)


def with_graphc(gc: Any, scores: Any, labels: Any) -> Any:
    e = gc.exp(scores)
    p = e / gc.sum(e, axis=1, keepdims=True)
    loss = -gc.mean(gc.log(gc.take_along_axis(p, labels[:, None], axis=1)))
    return loss, gc.grad(loss, scores)


def with_numpy(_np: Any, scores: np.ndarray, labels: np.ndarray) -> Any:
    """The derivative by hand."""
    rows = np.arange(len(labels))
    shifted = scores - scores.max(axis=1, keepdims=True)
    e = np.exp(shifted)
    total = e.sum(axis=1, keepdims=True)
    loss = np.mean(np.log(total[:, 0]) - shifted[rows, labels])
    gradient = e / total
    gradient[rows, labels] -= 1
    gradient /= len(labels)
    return loss, gradient


def torch_loss(scores: Any, labels: Any) -> Any:
    from torch.nn import functional

    return functional.cross_entropy(scores, labels)


def differentiated_by_torch(loss_of: Function) -> Function:
    import torch

    def loss_and_gradient(scores: Any, labels: Any) -> Any:
        variable = scores.detach().requires_grad_()
        loss = loss_of(variable, labels)
        (gradient,) = torch.autograd.grad(loss, variable)
        return loss, gradient

    return loss_and_gradient


def build_with_torch(*_samples: np.ndarray) -> Function:
    return differentiated_by_torch(torch_loss)


def build_with_torch_compile(*_samples: np.ndarray) -> Function:
    import torch

    return differentiated_by_torch(torch.compile(torch_loss))


def with_jax(jnp: Any, scores: Any, labels: Any) -> Any:
    import jax

    def loss_of(scores: Any) -> Any:
        log_p = jax.nn.log_softmax(scores, axis=1)
        return -jnp.mean(jnp.take_along_axis(log_p, labels[:, None], axis=1))

    return jax.value_and_grad(loss_of)(scores)


def with_pytensor(pt: Any, scores: Any, labels: Any) -> Any:
    import pytensor
    from pytensor.tensor.special import log_softmax

    loss = -log_softmax(scores, axis=1)[pt.arange(labels.shape[0]), labels].mean()
    return loss, pytensor.grad(loss, scores)


CASE = Case(
    name="cross_entropy",
    title="softmax cross-entropy, value and gradient",
    sizes={"4096x1024": (4096, 1024)},
    make_inputs=inputs,
    implementations=formulas(graphc=with_graphc, numpy=with_numpy, jax=with_jax, pytensor=with_pytensor)
    | {"torch": build_with_torch, "torch.compile": build_with_torch_compile},
    notes=(
        "graphc is given the naive formula, the peers their own cross-entropy or log-softmax;"
        " NumPy's gradient is written by hand.",
    ),
)
