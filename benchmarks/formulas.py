"""From a formula to the function that each library makes of it.

In: `formula(library, *inputs)`, where the library is the module whose functions the formula calls.
Out: a builder for each peer; JAX, PyTensor, `torch.compile` and graphc compile the formula as a whole.
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.case import Builder, Function

Formula = Callable[..., Any]


def formulas(
    *, graphc: Formula, numpy: Formula, jax: Formula, pytensor: Formula, torch: Formula | None = None
) -> dict[str, Builder]:
    """One formula a library, written as a user of that library would."""
    builders = {
        "graphc": functools.partial(build_with_graphc, graphc),
        "numpy": functools.partial(build_with_numpy, numpy),
        "jax": functools.partial(build_with_jax, jax),
        "pytensor": functools.partial(build_with_pytensor, pytensor),
    }
    if torch is not None:
        builders["torch"] = functools.partial(build_with_torch, torch)
        builders["torch.compile"] = functools.partial(build_with_torch_compile, torch)
    return builders


def build_with_graphc(formula: Formula, *samples: np.ndarray) -> Function:
    import graphc as gc

    inputs = [gc.input(f"x{i}", shape=x.shape, dtype=x.dtype.name) for i, x in enumerate(samples)]
    result = formula(gc, *inputs)
    return gc.compile(inputs, list(result) if isinstance(result, tuple) else result)


def build_with_numpy(formula: Formula, *_samples: np.ndarray) -> Function:
    return functools.partial(formula, np)


def build_with_torch(formula: Formula, *_samples: np.ndarray) -> Function:
    import torch

    return functools.partial(formula, torch)


def build_with_torch_compile(formula: Formula, *_samples: np.ndarray) -> Function:
    import torch

    def applied(*inputs: Any) -> Any:
        return formula(torch, *inputs)

    return torch.compile(applied)


def build_with_jax(formula: Formula, *_samples: np.ndarray) -> Function:
    import jax
    import jax.numpy as jnp

    return jax.jit(functools.partial(formula, jnp))


def build_with_pytensor(formula: Formula, *samples: np.ndarray) -> Function:
    import pytensor
    import pytensor.tensor as pt

    inputs = pytensor_inputs(*samples)
    result = formula(pt, *inputs)
    return pytensor.function(inputs, list(result) if isinstance(result, tuple) else result, trust_input=True)


def pytensor_inputs(*samples: np.ndarray) -> list[Any]:
    import pytensor.tensor as pt

    return [pt.tensor(f"x{i}", shape=x.shape, dtype=x.dtype.name) for i, x in enumerate(samples)]
