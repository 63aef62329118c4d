"""A linear recurrence over 10,000 steps: what one step of a loop costs."""

from functools import partial
from typing import Any

import numpy as np

from benchmarks.case import Arrays, Case, Function
from benchmarks.formulas import build_with_graphc, build_with_jax

DECAY = 0.9


def inputs(size: tuple[int, ...], generator: np.random.Generator) -> Arrays:
    return (generator.standard_normal(size, dtype=np.float32),)


def with_graphc(gc: Any, x: Any) -> Any:
    return gc.scan(lambda state, xt: ((new := DECAY * state + xt), new), np.float32(0), x)[1]


def build_with_numpy(x: np.ndarray) -> Function:
    """A loop of Python's."""

    def recurrence(x: np.ndarray) -> Any:
        result, state = np.empty_like(x), x.dtype.type(0)
        for step, value in enumerate(x):
            state = x.dtype.type(DECAY) * state + value
            result[step] = state
        return result

    return recurrence


def with_jax(jnp: Any, x: Any) -> Any:
    import jax

    return jax.lax.scan(lambda state, xt: ((new := DECAY * state + xt), new), jnp.float32(0), x)[1]


CASE = Case(
    name="recurrence",
    title="scan of a scalar recurrence",
    sizes={"10000": (10_000,)},
    make_inputs=inputs,
    implementations={
        "graphc": partial(build_with_graphc, with_graphc),
        "numpy": build_with_numpy,
        "jax": partial(build_with_jax, with_jax),
    },
    tolerance=1e-4,
    left_out=("torch", "torch.compile", "pytensor"),
    notes=("torch has no loop inside the graph; NumPy's is a loop of Python's.",),
)
