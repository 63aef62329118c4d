"""The lower half of the quantile function of the normal distribution, from which normal numbers are drawn.

M. Wichura, "Algorithm AS 241: the percentage points of the normal distribution", 1988: three quotients of polynomials,
right to 1e-16 in exact arithmetic; here to 6 units in the last place. `ndtri` serves all of (0, 1) and rounds once, for
which it calculates in float64; this one calculates in the dtype of its operand, at a fifth of the cost in float32.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from graphc.ir.node import Node
from graphc.ir.op import Cotangents
from graphc.ir.scalars import Scalars, Value
from graphc.ops.base import Domain, Elementwise, floats
from graphc.ops.conversion import function
from graphc.ops.elementwise import exp, square

# Numerators and denominators, lowest powers first.
_CENTRE = (
    (
        *(3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4),
        *(4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3),
    ),
    (
        *(1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3),
        *(2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3),
    ),
)
_SLOPE = (
    (
        *(1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0),
        *(1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4),
    ),
    (
        *(1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1),
        *(1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9),
    ),
)
_TAIL = (
    (
        *(6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1),
        *(2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7),
    ),
    (
        *(1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2),
        *(7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15),
    ),
)


class NormalQuantile(Elementwise):
    """The number below which a standard normal variable lies with probability p, for p in (0, 1/2]."""

    accepts, domain = floats, Domain(0.0, 0.5, 0.25)

    def scalar(self, s: Scalars, p: Value) -> Value:
        off = p - 0.5
        root = s.sqrt(-s.log(p))
        centre = off * _quotient(_CENTRE, 0.180625 - off * off)
        outside = s.where(s.less(root, 5), _quotient(_SLOPE, root - 1.6), _quotient(_TAIL, root - 5.0))
        return s.where(s.less(p, 0.075), -outside, centre)

    def vjp(self, g: Node, y: Node, p: Node) -> Cotangents:
        return (g * (math.sqrt(2 * math.pi) * exp(square(y) / 2)),)


def _quotient(polynomials: Sequence[Sequence[float]], x: Value) -> Value:
    above, below = (_horner(coefficients, x) for coefficients in polynomials)
    return above / below


def _horner(coefficients: Sequence[float], x: Value) -> Value:
    *rest, value = coefficients
    for coefficient in reversed(rest):
        value = value * x + coefficient
    return value


normal_quantile = function(NormalQuantile)
