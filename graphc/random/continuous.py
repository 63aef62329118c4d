"""Continuous distributions by inverting their distribution function: a key and parameters come in, draws go out.

Each number is a smooth function of the parameters, so its derivatives are those of the formula here (the
reparameterisation of Kingma and Welling, 2014). The inversion starts from the distance to the nearer end of (0, 1), so
both tails are as fine as the dtype: normal numbers reach 6.3 in float32 and 9.1 in float64.
"""

from __future__ import annotations

import math
from typing import Any

import graphc as gc
from graphc.errors import ShapeError
from graphc.ir.node import Node, public
from graphc.ops.conversion import as_node
from graphc.ops.normal_quantile import normal_quantile
from graphc.random.arguments import Draw, Given
from graphc.random.implicit import at_a_fixed_quantile


@public
def uniform(key: Any, shape: Any = None, dtype: Any = None, *, low: Given = 0.0, high: Given = 1.0) -> Node:
    """Numbers in [low, high), the multiples of 2^-24 (float32) or 2^-53 (float64) of it; `high` only by rounding."""
    draw = Draw(key, shape, dtype, low, high)
    low, high = draw.parameters
    return draw.finished(draw.uniform(), low, high - low)


@public
def normal(key: Any, shape: Any = None, dtype: Any = None, *, loc: Given = 0.0, scale: Given = 1.0) -> Node:
    """Normal (Gaussian) numbers with mean `loc` and standard deviation `scale`."""
    draw = Draw(key, shape, dtype, loc, scale)
    return draw.finished(standard_normal(*draw.tails()), *draw.parameters)


@public
def lognormal(key: Any, shape: Any = None, dtype: Any = None, *, loc: Given = 0.0, scale: Given = 1.0) -> Node:
    """Numbers whose logarithm is normal with mean `loc` and standard deviation `scale`."""
    return gc.exp(normal(key, shape, dtype, loc=loc, scale=scale))


@public
def exponential(key: Any, shape: Any = None, dtype: Any = None, *, scale: Given = 1.0) -> Node:
    """Exponential numbers with mean `scale`: density exp(-x / scale) / scale for x > 0."""
    draw = Draw(key, shape, dtype, scale)
    return draw.finished(_exponential(draw), None, *draw.parameters)


@public
def gumbel(key: Any, shape: Any = None, dtype: Any = None, *, loc: Given = 0.0, scale: Given = 1.0) -> Node:
    """Gumbel numbers, the limit of largest values: distribution function exp(-exp(-(x - loc) / scale))."""
    draw = Draw(key, shape, dtype, loc, scale)
    return draw.finished(-gc.log(_exponential(draw)), *draw.parameters)


@public
def weibull(key: Any, concentration: Given, shape: Any = None, dtype: Any = None, *, scale: Given = 1.0) -> Node:
    """Weibull numbers: distribution function 1 - exp(-(x / scale)^concentration) for x > 0."""
    draw = Draw(key, shape, dtype, concentration, scale)
    concentration, scale = draw.parameters
    return draw.finished(gc.exp(gc.log(_exponential(draw)) / concentration), None, scale)


@public
def pareto(key: Any, alpha: Given, shape: Any = None, dtype: Any = None, *, scale: Given = 1.0) -> Node:
    """Pareto numbers: distribution function 1 - (scale / x)^alpha for x > scale."""
    draw = Draw(key, shape, dtype, alpha, scale)
    alpha, scale = draw.parameters
    return draw.finished(gc.exp(_exponential(draw) / alpha), None, scale)


@public
def rayleigh(key: Any, shape: Any = None, dtype: Any = None, *, scale: Given = 1.0) -> Node:
    """Rayleigh numbers, the lengths of normal vectors in the plane: density x exp(-x^2 / (2 scale^2)) / scale^2."""
    draw = Draw(key, shape, dtype, scale)
    return draw.finished(gc.sqrt(2 * _exponential(draw)), None, *draw.parameters)


@public
def triangular(key: Any, low: Given, mode: Given, high: Given, shape: Any = None, dtype: Any = None) -> Node:
    """Numbers whose density rises from 0 at `low` to `mode` and falls to 0 at `high`, linearly."""
    draw = Draw(key, shape, dtype, low, mode, high)
    low, mode, high = draw.parameters
    upper, p = (gc.cast(x, low.dtype) if x.dtype.is_float else x for x in draw.tails())
    rising = (mode - low) / (high - low)
    below, above = gc.where(upper, 1 - p, p), gc.where(upper, p, 1 - p)
    from_low = low + gc.sqrt(below * (high - low) * (mode - low))
    return gc.where(below < rising, from_low, high - gc.sqrt(above * (high - low) * (high - mode)))


@public
def wald(key: Any, mean: Given, shape: Any = None, dtype: Any = None, *, scale: Given = 1.0) -> Node:
    """Inverse Gaussian numbers: density sqrt(scale / (2 pi x^3)) exp(-scale (x - mean)^2 / (2 mean^2 x)) for x > 0.

    One of the two roots of a quadratic equation (Michael, Schucany and Haas, 1976), with implicit derivatives.
    """
    draw = Draw(key, shape, dtype, mean, scale)
    mean, scale = (gc.cast(x, draw.dtype.compute) for x in draw.parameters)
    half = mean * gc.square(standard_normal(*draw.tails())) / (2 * scale)
    root = 1 + half + gc.sqrt(half * (half + 2))
    chosen = draw.blocks.fraction(mean.dtype, 1) * (1 + root) < root
    x = gc.stop_gradient(gc.where(chosen, mean / root, mean * root))
    return gc.cast(at_a_fixed_quantile(_wald_share, x, mean, scale), draw.dtype)


@public
def laplace(key: Any, shape: Any = None, dtype: Any = None, *, loc: Given = 0.0, scale: Given = 1.0) -> Node:
    """Laplace numbers: density exp(-|x - loc| / scale) / (2 scale)."""
    draw = Draw(key, shape, dtype, loc, scale)
    upper, p = draw.tails()
    below = gc.log(2 * p)
    return draw.finished(_mirrored(upper, below), *draw.parameters)


@public
def logistic(key: Any, shape: Any = None, dtype: Any = None, *, loc: Given = 0.0, scale: Given = 1.0) -> Node:
    """Logistic numbers: distribution function sigmoid((x - loc) / scale)."""
    draw = Draw(key, shape, dtype, loc, scale)
    upper, p = draw.tails()
    below = gc.log(p) - gc.log1p(-p)
    return draw.finished(_mirrored(upper, below), *draw.parameters)


@public
def cauchy(key: Any, shape: Any = None, dtype: Any = None, *, loc: Given = 0.0, scale: Given = 1.0) -> Node:
    """Cauchy numbers: density 1 / (pi scale (1 + ((x - loc) / scale)^2))."""
    draw = Draw(key, shape, dtype, loc, scale)
    upper, p = draw.tails()
    below = -1 / gc.tan(math.pi * p)
    return draw.finished(_mirrored(upper, below), *draw.parameters)


@public
def truncated_normal(
    key: Any,
    lower: Given,
    upper: Given,
    shape: Any = None,
    dtype: Any = None,
    *,
    loc: Given = 0.0,
    scale: Given = 1.0,
) -> Node:
    """Normal numbers given that they lie in [lower, upper], which may be infinite.

    They are calculated in float64, in the lower tail, where probabilities are fine: an interval above the mean is
    mirrored. Beyond 37 standard deviations there are none, and all numbers are the end nearer to the mean.
    """
    draw = Draw(key, shape, dtype, lower, upper, loc, scale)
    low, high, loc, scale = (gc.cast(x, gc.float64) for x in draw.parameters)
    a, b = (low - loc) / scale, (high - loc) / scale
    mirrored = a > 0
    a, b = gc.where(mirrored, -b, a), gc.where(mirrored, -a, b)
    from_above, distance = draw.blocks.tails(gc.float64)
    below, share = _normal_share(a), _normal_share(b) - _normal_share(a)
    counted_down = gc.logical_and(from_above, b > 0)  # with b <= 0 all of it lies in the lower tail
    distance = gc.where(gc.logical_and(from_above, b <= 0), 1 - distance, distance)
    p = gc.where(counted_down, _normal_share(-b), below) + share * distance
    inner = gc.where(p > 0.5, -normal_quantile(gc.minimum(1 - p, 0.5)), normal_quantile(gc.minimum(p, 0.5)))
    z = gc.where(p > 0, gc.where(counted_down, -inner, inner), b)
    drawn = gc.clip(loc + scale * gc.where(mirrored, -z, z), low, high)
    return gc.cast(drawn, draw.dtype)


@public
def multivariate_normal(key: Any, mean: Given, cholesky: Given, shape: Any = None, dtype: Any = None) -> Node:
    """Normal vectors with a mean (…, n) and covariance L @ L.T, given L (…, n, n), its Cholesky factor.

    `shape` is that of the vectors' places, without n. Raises ShapeError where the axes do not fit.
    """
    mean, factor = as_node(mean), as_node(cholesky)
    if not mean.ndim or factor.ndim < 2 or factor.shape[-2:] != (mean.shape[-1],) * 2:
        raise ShapeError(
            "a mean of n numbers needs a factor of n rows and columns",
            help="the factor of a diagonal covariance is the diagonal matrix of standard deviations",
        )
    draw = Draw(key, None, dtype, mean, factor[..., 0])
    places = draw.shape[:-1] if shape is None else gc.types.as_shape(shape)
    z = normal(key, (*places, mean.shape[-1], 1), draw.dtype)
    spread = gc.matmul(gc.cast(factor, draw.dtype), z)[..., 0]
    return gc.cast(mean, draw.dtype) + spread


def standard_normal(upper: Node, p: Node) -> Node:
    """Standard normal numbers from their distance to the end of (0, 1), see `Blocks.tails`."""
    return _mirrored(upper, normal_quantile(p))


def _exponential(draw: Draw) -> Node:
    """Standard exponential numbers."""
    upper, p = draw.tails()
    return -gc.where(upper, gc.log(p), gc.log1p(-p))


def _mirrored(upper: Node, below: Node) -> Node:
    """Numbers of a symmetric distribution from those of its lower half."""
    mirrored: Node = gc.where(upper, gc.full((), -1, below.dtype), gc.full((), 1, below.dtype)) * below
    return mirrored


def _wald_share(x: Node, mean: Node, scale: Node) -> Node:
    """The probability that an inverse Gaussian number is below x."""
    root = gc.sqrt(scale / x)
    share: Node = gc.ndtr(root * (x / mean - 1)) + gc.exp(2 * scale / mean + gc.log_ndtr(-root * (x / mean + 1)))
    return share


def _normal_share(x: Node) -> Node:
    """The probability that a standard normal number is below x."""
    share: Node = gc.erfc(x * -math.sqrt(0.5)) / 2
    return share
