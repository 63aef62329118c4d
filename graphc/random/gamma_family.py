"""The gamma distribution and those that are made of it: beta, Dirichlet, chi-square, Student's t.

G. Marsaglia and W. Tsang, "A simple method for generating gamma variables", 2000: a cube of a normal number, accepted
in at least 95 of 100 attempts. The derivative by the concentration is implicit: that of the number x at which the
distribution function keeps its value (Figurnov, Mohamed and Mnih, 2018). Logarithms are carried along, so that small
concentrations, whose numbers are smaller than any float, have their quotients.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import graphc as gc
from graphc.errors import ShapeError
from graphc.ir.node import Node, public
from graphc.ops.conversion import as_node, one_axis
from graphc.random.arguments import Draw, Given
from graphc.random.bits import Blocks
from graphc.random.continuous import normal, standard_normal
from graphc.random.implicit import at_a_fixed_quantile
from graphc.random.keys import split
from graphc.random.rejection import first_accepted

_REJECTED = 0.05
_POWER = (1 << 32) - 1  # the number of an attempt that is never made: its bits are for the power


@dataclass(frozen=True)
class _Gamma:
    """Gamma numbers as x * exp(-exponent): the exponent is not 0 for concentrations below 1."""

    x: Node
    exponent: Node

    @property
    def value(self) -> Node:
        value: Node = self.x * gc.exp(-self.exponent)
        return value

    @property
    def logarithm(self) -> Node:
        logarithm: Node = gc.log(self.x) - self.exponent
        return logarithm


@public
def gamma(key: Any, concentration: Given, shape: Any = None, dtype: Any = None, *, scale: Given = 1.0) -> Node:
    """Gamma numbers: density x^(a-1) exp(-x / scale) / (gamma(a) scale^a), with a the concentration."""
    draw = Draw(key, shape, dtype, concentration, scale)
    a, scale = draw.parameters
    return draw.finished(_standard(draw, a).value, None, scale)


@public
def loggamma(key: Any, concentration: Given, shape: Any = None, dtype: Any = None) -> Node:
    """Logarithms of standard gamma numbers, finite for concentrations as small as there are."""
    draw = Draw(key, shape, dtype, concentration)
    return gc.cast(_standard(draw, *draw.parameters).logarithm, draw.dtype)


@public
def chisquare(key: Any, df: Given, shape: Any = None, dtype: Any = None) -> Node:
    """Sums of squares of `df` standard normal numbers."""
    draw = Draw(key, shape, dtype, df)
    (df,) = draw.parameters
    return gamma(key, df / 2, draw.shape, draw.dtype, scale=2.0)


@public
def beta(key: Any, a: Given, b: Given, shape: Any = None, dtype: Any = None) -> Node:
    """Beta numbers: density proportional to x^(a-1) (1-x)^(b-1) for x in (0, 1)."""
    draw = Draw(key, shape, dtype, a, b)
    keys = split(draw.key)
    first, second = (loggamma(keys[i], x, draw.shape, draw.dtype) for i, x in enumerate(draw.parameters))
    share: Node = gc.sigmoid(first - second)
    return share


@public
def dirichlet(key: Any, concentration: Given, shape: Any = None, dtype: Any = None) -> Node:
    """Points of the simplex along the last axis of concentrations (…, n); `shape` is that of the places, without n."""
    given = as_node(concentration)
    if not given.ndim:
        raise ShapeError("the concentrations have no axes")
    sizes = None if shape is None else (*gc.types.as_shape(shape), given.shape[-1])
    return gc.softmax(loggamma(key, concentration, sizes, dtype), axis=one_axis(-1, len(sizes or given.shape)))


@public
def student_t(
    key: Any, df: Given, shape: Any = None, dtype: Any = None, *, loc: Given = 0.0, scale: Given = 1.0
) -> Node:
    """Student's t: a normal number over the root of a chi-square one by its degrees of freedom `df`."""
    draw = Draw(key, shape, dtype, df, loc, scale)
    df, loc, scale = draw.parameters
    keys = split(draw.key)
    z = normal(keys[0], draw.shape, draw.dtype)
    half = df / 2
    root = gc.exp((gc.log(half) - loggamma(keys[1], half, draw.shape, draw.dtype)) / 2)
    return draw.finished(z * root, loc, scale)


@public
def f(key: Any, numerator: Given, denominator: Given, shape: Any = None, dtype: Any = None) -> Node:
    """F numbers: the quotient of two chi-square numbers, each over its degrees of freedom."""
    draw = Draw(key, shape, dtype, numerator, denominator)
    keys, halves = split(draw.key), [x / 2 for x in draw.parameters]
    above, below = (loggamma(keys[i], x, draw.shape, draw.dtype) - gc.log(x) for i, x in enumerate(halves))
    return gc.exp(above - below)


def _standard(draw: Draw, concentration: Node) -> _Gamma:
    """Standard gamma numbers. Below 1 the concentration is raised by 1, and the number multiplied by u^(1/a)."""
    dtype = draw.dtype.compute
    a = gc.cast(concentration, dtype)
    small = a < 1
    raised = gc.where(small, a + 1, a)
    upper, p = Blocks(draw.key, draw.shape, _POWER).tails(dtype)
    exponent = -gc.where(upper, gc.log1p(-p), gc.log(p)) / gc.where(small, a, 1)
    moving = at_a_fixed_quantile(lambda x, a: gc.gammainc(a, x), _accepted(draw, raised), raised)
    return _Gamma(moving, gc.where(small, exponent, 0))


def _accepted(draw: Draw, a: Node) -> Node:
    """Gamma numbers for concentrations of at least 1."""
    d = a - 1 / 3
    c = 1 / gc.sqrt(9 * d)

    def propose(attempt: Node) -> tuple[Node, Node]:
        blocks = Blocks(draw.key, draw.shape, attempt)
        z = standard_normal(*blocks.tails(a.dtype, 0))
        root = 1 + c * z
        v = root * root * root
        likely = z * z / 2 + d * (1 - v + gc.log(v))
        return d * v, gc.logical_and(root > 0, gc.log1p(-blocks.fraction(a.dtype, 1)) < likely)

    return first_accepted(propose, a, gc.full(draw.shape, False, gc.bool_), _REJECTED)
