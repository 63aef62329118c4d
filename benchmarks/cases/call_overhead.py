"""Three small arrays in, two out: what a call costs when there is next to nothing to compute."""

from typing import Any

import numpy as np

from benchmarks.case import Arrays, Case
from benchmarks.formulas import formulas


def inputs(size: tuple[int, ...], generator: np.random.Generator) -> Arrays:
    a, b, c = generator.standard_normal((3, *size), dtype=np.float32)
    return a, b, c


def formula(_library: Any, a: Any, b: Any, c: Any) -> Any:
    return a * b + c, a - c


CASE = Case(
    name="call_overhead",
    title="call overhead: 3 small arrays in, 2 out",
    sizes={"8": (8,)},
    make_inputs=inputs,
    implementations=formulas(graphc=formula, numpy=formula, torch=formula, jax=formula, pytensor=formula),
)
