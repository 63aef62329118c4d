"""Twelve elementwise ops, two of them transcendental: does the library fuse them?"""

from typing import Any

import numpy as np

from benchmarks.case import Arrays, Case
from benchmarks.formulas import formulas


def inputs(size: tuple[int, ...], generator: np.random.Generator) -> Arrays:
    x, y = generator.standard_normal((2, *size), dtype=np.float32)
    return x, y


def chain(library: Any, x: Any, y: Any) -> Any:
    t = x * y + 0.5
    bell = library.exp(-(t * t))
    wave = library.tanh(x - y)
    return 1.0 - 0.25 * (bell * wave + library.maximum(x, 0.0))


def torch_chain(torch: Any, x: Any, y: Any) -> Any:
    t = x * y + 0.5
    bell = torch.exp(-(t * t))
    wave = torch.tanh(x - y)
    return 1.0 - 0.25 * (bell * wave + torch.relu(x))


CASE = Case(
    name="elementwise_chain",
    title="12-op elementwise chain",
    sizes={"1e4": (10_000,), "1e6": (1_000_000,), "1.6e7": (16_000_000,)},
    make_inputs=inputs,
    implementations=formulas(graphc=chain, numpy=chain, torch=torch_chain, jax=chain, pytensor=chain),
)
