"""Softmax of each row: graphc is given the naive formula, the peers their own softmax."""

from typing import Any

import numpy as np

from benchmarks.case import Arrays, Case
from benchmarks.formulas import formulas


def inputs(size: tuple[int, ...], generator: np.random.Generator) -> Arrays:
    return (generator.standard_normal(size, dtype=np.float32),)


def naive(library: Any, x: Any) -> Any:
    e = library.exp(x)
    return e / library.sum(e, axis=1, keepdims=True)


def shifted(library: Any, x: Any) -> Any:
    e = library.exp(x - library.max(x, axis=1, keepdims=True))
    return e / library.sum(e, axis=1, keepdims=True)


def with_torch(torch: Any, x: Any) -> Any:
    return torch.softmax(x, dim=1)


def with_jax(_jnp: Any, x: Any) -> Any:
    import jax

    return jax.nn.softmax(x, axis=1)


def with_pytensor(_pt: Any, x: Any) -> Any:
    from pytensor.tensor.special import softmax

    return softmax(x, axis=1)


CASE = Case(
    name="softmax",
    title="softmax of rows",
    sizes={"4096x1024": (4096, 1024)},
    make_inputs=inputs,
    implementations=formulas(graphc=naive, numpy=shifted, torch=with_torch, jax=with_jax, pytensor=with_pytensor),
    notes=("graphc is given the naive formula, which it stabilises; the peers call their own softmax.",),
)
