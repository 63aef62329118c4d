"""First values of parameters: a shape and an explicit seed come in, a NumPy array goes out.

The same seed gives the same numbers on every machine with the same NumPy. A seed is an integer, or several: those of
one module and its parts. A matrix `(inputs, outputs)` is used as `x @ w`: its first axis is the fan-in, its last the
fan-out, axes between them count in both. Kernels of convolutions say `fan_axes=(1, 0)`: theirs are (outputs, inputs,
window).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from graphc.errors import DTypeError, ShapeError
from graphc.types import as_dtype

Array = np.ndarray[Any, Any]
Sizes = int | tuple[int, ...]
Seed = int | tuple[int, ...]
FanAxes = tuple[int, int]
MATRIX: FanAxes = (0, -1)
"""Where `(inputs, outputs)` has its fans."""


def zeros(shape: Sizes, dtype: Any = "float32") -> Array:
    """Zeros: the usual start of a bias."""
    return constant(shape, 0, dtype)


def ones(shape: Sizes, dtype: Any = "float32") -> Array:
    """Ones: the usual start of a gain."""
    return constant(shape, 1, dtype)


def constant(shape: Sizes, value: float, dtype: Any = "float32") -> Array:
    """One number everywhere."""
    return np.full(_sizes(shape), value, as_dtype(dtype).numpy)


def normal(shape: Sizes, *, seed: Seed, mean: float = 0.0, std: float = 1.0, dtype: Any = "float32") -> Array:
    """Numbers of a normal distribution."""
    return _rounded(mean + std * np.random.default_rng(seed).standard_normal(_sizes(shape)), dtype)


def uniform(shape: Sizes, *, seed: Seed, low: float = -1.0, high: float = 1.0, dtype: Any = "float32") -> Array:
    """Numbers spread evenly over [low, high)."""
    return _rounded(np.random.default_rng(seed).uniform(low, high, _sizes(shape)), dtype)


def truncated_normal(
    shape: Sizes, *, seed: Seed, mean: float = 0.0, std: float = 1.0, limit: float = 2.0, dtype: Any = "float32"
) -> Array:
    """Numbers of a normal distribution within `limit` standard deviations of its mean: those outside are drawn anew.

    `std` is that of the distribution before it is cut.
    """
    generator = np.random.default_rng(seed)
    values = generator.standard_normal(_sizes(shape))
    while (outside := np.abs(values) > limit).any():
        values[outside] = generator.standard_normal(np.count_nonzero(outside))
    return _rounded(mean + std * values, dtype)


def xavier_normal(
    shape: Sizes, *, seed: Seed, gain: float = 1.0, fan_axes: FanAxes = MATRIX, dtype: Any = "float32"
) -> Array:
    """Normal with variance gain**2 * 2 / (fan-in + fan-out): keeps the variance of values and of gradients near 1.

    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.
    """
    return _normal(shape, seed, gain**2 * 2 / sum(fans(shape, fan_axes)), dtype)


def xavier_uniform(
    shape: Sizes, *, seed: Seed, gain: float = 1.0, fan_axes: FanAxes = MATRIX, dtype: Any = "float32"
) -> Array:
    """Uniform with that variance: "normalized initialization", Glorot and Bengio, 2010, equation 16."""
    return _uniform(shape, seed, gain**2 * 2 / sum(fans(shape, fan_axes)), dtype)


def he_normal(
    shape: Sizes, *, seed: Seed, gain: float = math.sqrt(2), fan_axes: FanAxes = MATRIX, dtype: Any = "float32"
) -> Array:
    """Normal with variance gain**2 / fan-in: 2 / fan-in is what a layer before a ReLU needs.

    He, Zhang, Ren and Sun, "Delving deep into rectifiers", 2015, equation 10.
    """
    return _normal(shape, seed, gain**2 / fans(shape, fan_axes)[0], dtype)


def he_uniform(
    shape: Sizes, *, seed: Seed, gain: float = math.sqrt(2), fan_axes: FanAxes = MATRIX, dtype: Any = "float32"
) -> Array:
    """Uniform with that variance; He, Zhang, Ren and Sun, 2015."""
    return _uniform(shape, seed, gain**2 / fans(shape, fan_axes)[0], dtype)


def lecun_normal(shape: Sizes, *, seed: Seed, fan_axes: FanAxes = MATRIX, dtype: Any = "float32") -> Array:
    """Normal with variance 1 / fan-in: what a layer before a SELU, or before nothing, needs.

    LeCun, Bottou, Orr and Müller, "Efficient backprop", 1998, equation 16.
    """
    return _normal(shape, seed, 1 / fans(shape, fan_axes)[0], dtype)


def lecun_uniform(shape: Sizes, *, seed: Seed, fan_axes: FanAxes = MATRIX, dtype: Any = "float32") -> Array:
    """Uniform with that variance; LeCun, Bottou, Orr and Müller, 1998."""
    return _uniform(shape, seed, 1 / fans(shape, fan_axes)[0], dtype)


def identity(shape: Sizes, *, gain: float = 1.0, dtype: Any = "float32") -> Array:
    """The identity matrix times `gain`; of a matrix that is not square, its first rows or columns.

    Le, Jaitly and Hinton, "A simple way to initialize recurrent networks of rectified linear units", 2015.
    """
    sizes = _sizes(shape)
    if len(sizes) != 2:
        raise ShapeError(f"the shape {sizes} is no matrix")
    return gain * np.eye(*sizes, dtype=as_dtype(dtype).numpy)


def sparse(shape: Sizes, *, seed: Seed, count: int = 15, std: float = 1.0, dtype: Any = "float32") -> Array:
    """Zeros, but `count` normal numbers for each output (column) at inputs drawn without repetition.

    Martens, "Deep learning via Hessian-free optimization", 2010, section 5.
    """
    sizes = _matrix(shape, MATRIX)
    rows, columns = math.prod(sizes[:-1]), sizes[-1]
    generator = np.random.default_rng(seed)
    values = np.zeros((rows, columns))
    for column in range(columns):
        chosen = generator.choice(rows, min(count, rows), replace=False)
        values[chosen, column] = std * generator.standard_normal(len(chosen))
    return _rounded(values.reshape(sizes), dtype)


def orthogonal(shape: Sizes, *, seed: Seed, gain: float = 1.0, dtype: Any = "float32") -> Array:
    """Orthonormal rows or columns, whichever are fewer, times `gain`; axes before the last are taken as one.

    Saxe, McClelland and Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear neural
    networks", 2014.
    """
    sizes = _matrix(shape, MATRIX)
    rows, columns = math.prod(sizes[:-1]), sizes[-1]
    tall = np.random.default_rng(seed).standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(tall)
    q *= np.where(np.diagonal(r) < 0, -1.0, 1.0)  # without this QR does not draw uniformly (Mezzadri, 2007)
    return _rounded(gain * (q if rows >= columns else q.T).reshape(sizes), dtype)


def fans(shape: Sizes, fan_axes: FanAxes = MATRIX) -> tuple[int, int]:
    """How many values one output gathers, and how many outputs one input reaches."""
    sizes = _matrix(shape, fan_axes)
    inputs, outputs = (sizes[axis] for axis in fan_axes)
    window = math.prod(sizes) // (inputs * outputs)
    return inputs * window, outputs * window


def _normal(shape: Sizes, seed: Seed, variance: float, dtype: Any) -> Array:
    return normal(shape, seed=seed, std=math.sqrt(variance), dtype=dtype)


def _uniform(shape: Sizes, seed: Seed, variance: float, dtype: Any) -> Array:
    bound = math.sqrt(3 * variance)
    return uniform(shape, seed=seed, low=-bound, high=bound, dtype=dtype)


def _sizes(shape: Sizes) -> tuple[int, ...]:
    return (shape,) if isinstance(shape, int) else tuple(shape)


def _matrix(shape: Sizes, fan_axes: FanAxes) -> tuple[int, ...]:
    sizes = _sizes(shape)
    if len(sizes) < 2 or 0 in sizes or fan_axes[0] % len(sizes) == fan_axes[1] % len(sizes):
        raise ShapeError(f"the shape {sizes} has no fans in and out", help="a matrix has: (inputs, outputs)")
    return sizes


def _rounded(values: Array, dtype: Any) -> Array:
    """Drawn in float64 and rounded once, so that a seed means the same numbers in every dtype."""
    target = as_dtype(dtype)
    if not target.is_float:
        raise DTypeError(f"random first values are floats, not {target.name}")
    return values.astype(target.numpy)
