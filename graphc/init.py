"""First values of parameters: a shape and an explicit seed come in, a NumPy array goes out.

The same seed gives the same numbers on every machine with the same NumPy. A matrix `(inputs, outputs)` is
used as `x @ w`: its first axis is the fan-in, its last the fan-out, axes between them count in both.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from graphc.errors import DTypeError, ShapeError
from graphc.types import as_dtype

Array = np.ndarray[Any, Any]
Sizes = int | tuple[int, ...]


def zeros(shape: Sizes, dtype: Any = "float32") -> Array:
    """Zeros: the usual start of a bias."""
    return constant(shape, 0, dtype)


def ones(shape: Sizes, dtype: Any = "float32") -> Array:
    """Ones: the usual start of a gain."""
    return constant(shape, 1, dtype)


def constant(shape: Sizes, value: float, dtype: Any = "float32") -> Array:
    """One number everywhere."""
    return np.full(_sizes(shape), value, as_dtype(dtype).numpy)


def normal(shape: Sizes, *, seed: int, mean: float = 0.0, std: float = 1.0, dtype: Any = "float32") -> Array:
    """Numbers of a normal distribution."""
    return _rounded(mean + std * np.random.default_rng(seed).standard_normal(_sizes(shape)), dtype)


def uniform(
    shape: Sizes, *, seed: int, low: float = -1.0, high: float = 1.0, dtype: Any = "float32"
) -> Array:
    """Numbers spread evenly over [low, high)."""
    return _rounded(np.random.default_rng(seed).uniform(low, high, _sizes(shape)), dtype)


def xavier_normal(shape: Sizes, *, seed: int, gain: float = 1.0, dtype: Any = "float32") -> Array:
    """Normal with variance 2 / (fan-in + fan-out): keeps the variance of values and of gradients near 1.

    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.
    """
    return normal(shape, seed=seed, std=gain * math.sqrt(2 / sum(fans(shape))), dtype=dtype)


def xavier_uniform(shape: Sizes, *, seed: int, gain: float = 1.0, dtype: Any = "float32") -> Array:
    """Uniform with variance 2 / (fan-in + fan-out): "normalized initialization", Glorot and Bengio, 2010."""
    bound = gain * math.sqrt(6 / sum(fans(shape)))
    return uniform(shape, seed=seed, low=-bound, high=bound, dtype=dtype)


def he_normal(shape: Sizes, *, seed: int, dtype: Any = "float32") -> Array:
    """Normal with variance 2 / fan-in: what a layer before a ReLU needs.

    He, Zhang, Ren and Sun, "Delving deep into rectifiers", 2015.
    """
    return normal(shape, seed=seed, std=math.sqrt(2 / fans(shape)[0]), dtype=dtype)


def he_uniform(shape: Sizes, *, seed: int, dtype: Any = "float32") -> Array:
    """Uniform with variance 2 / fan-in; He, Zhang, Ren and Sun, 2015."""
    bound = math.sqrt(6 / fans(shape)[0])
    return uniform(shape, seed=seed, low=-bound, high=bound, dtype=dtype)


def orthogonal(shape: Sizes, *, seed: int, gain: float = 1.0, dtype: Any = "float32") -> Array:
    """Orthonormal rows or columns, whichever are fewer, times `gain`; axes before the last are taken as one.

    Saxe, McClelland and Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear neural
    networks", 2014.
    """
    sizes = _matrix(shape)
    rows, columns = math.prod(sizes[:-1]), sizes[-1]
    tall = np.random.default_rng(seed).standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(tall)
    q *= np.where(np.diagonal(r) < 0, -1.0, 1.0)  # without this QR does not draw uniformly (Mezzadri, 2007)
    return _rounded(gain * (q if rows >= columns else q.T).reshape(sizes), dtype)


def fans(shape: Sizes) -> tuple[int, int]:
    """How many values one output gathers, and how many outputs one input reaches."""
    sizes = _matrix(shape)
    window = math.prod(sizes[1:-1])
    return sizes[0] * window, sizes[-1] * window


def _sizes(shape: Sizes) -> tuple[int, ...]:
    return (shape,) if isinstance(shape, int) else tuple(shape)


def _matrix(shape: Sizes) -> tuple[int, ...]:
    sizes = _sizes(shape)
    if len(sizes) < 2 or 0 in sizes:
        raise ShapeError(f"the shape {sizes} has no fans in and out", help="a matrix has: (inputs, outputs)")
    return sizes


def _rounded(values: Array, dtype: Any) -> Array:
    """Drawn in float64 and rounded once, so that a seed means the same numbers in every dtype."""
    target = as_dtype(dtype)
    if not target.is_float:
        raise DTypeError(f"random first values are floats, not {target.name}")
    return values.astype(target.numpy)
