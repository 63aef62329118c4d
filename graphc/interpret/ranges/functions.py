"""What is known of functions beyond the words that they are calculated with: bounds, and monotone ones at the ends.

Comes in: an elementwise op and the intervals of its operands; goes out: an interval that its values lie in.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from graphc.interpret.interval import Interval, inf
from graphc.interpret.numpy_reader import NumpyScalars
from graphc.ops.base import Elementwise
from graphc.ops.elementwise import Log1mexp, LogisticPdf
from graphc.ops.special.bessel import I0, I1, I0e
from graphc.ops.special.error_function import Erfcinv, Erfcx, Erfinv, LogErfc, LogNdtr, Ndtr, Ndtri
from graphc.ops.special.gamma_function import Digamma
from graphc.ops.special.incomplete_beta import Betainc, BetaPdf
from graphc.ops.special.incomplete_gamma import Gammainc, Gammaincc, GammaPdf
from graphc.ops.special.information import Entr, KlDiv
from graphc.ops.special.quotient import Exprel, Sinc
from graphc.ops.special.zeta_function import HurwitzZeta
from graphc.ops.trigonometry import Acosh, Atan2, Cosh, DirectionCosine

BOUNDS: dict[type[Elementwise], tuple[float, float]] = {
    Acosh: (0.0, inf),
    Atan2: (-math.nextafter(math.pi, 4), math.nextafter(math.pi, 4)),
    Betainc: (0.0, 1.0),
    BetaPdf: (0.0, inf),
    Cosh: (1.0, inf),
    DirectionCosine: (-1.0, 1.0),
    Entr: (-inf, 0.37),
    GammaPdf: (0.0, inf),
    Gammainc: (0.0, 1.0),
    Gammaincc: (0.0, 1.0),
    HurwitzZeta: (0.0, inf),
    I0: (1.0, inf),
    I0e: (0.0, 1.0),
    KlDiv: (0.0, inf),
    Log1mexp: (-inf, 0.0),
    LogNdtr: (-inf, 0.0),
    LogisticPdf: (0.0, 0.25),
    Ndtr: (0.0, 1.0),
}
"""Between which values a function lies wherever it is a number."""
INCREASING = (Digamma, Erfinv, Exprel, I1, LogNdtr, Ndtr, Ndtri)
DECREASING = (Erfcinv, Log1mexp, LogErfc)
ERROR = 1e-9
"""How far the reference may be off, relatively and near 0 absolutely."""


def of_function(op: Elementwise, xs: Sequence[Interval]) -> Interval | None:
    """An interval that holds a function's values beside what its words say; None if nothing is known."""
    monotone = _between_ends(op, xs[0]) if isinstance(op, INCREASING + DECREASING) and _has_order_0(op) else None
    if monotone is not None:
        return monotone
    bounds = BOUNDS.get(type(op))
    if isinstance(op, Erfcx | Sinc) and _has_order_0(op):
        bounds = (0.0, inf) if isinstance(op, Erfcx) else (-0.2173, 1.0)
    if bounds is None:
        return None
    return Interval(*bounds, may_be_nan=not _inside(op, xs))


def _has_order_0(op: Elementwise) -> bool:
    return op.attributes().get("order", 0) == 0


def _inside(op: Elementwise, xs: Sequence[Interval]) -> bool:
    """Whether all operands are finite numbers of the inside of the domain."""
    inside = True
    for i, x in enumerate(xs):
        domain = op.domain_of(i)
        inside &= domain.low < x.low or (domain.low == x.low and (math.isinf(x.low) or not x.may_be_zero))
        inside &= x.high < domain.high or (domain.high == x.high and math.isinf(x.high))
        inside &= not x.may_be_nan and not x.may_be_infinite
    return inside


def _between_ends(op: Elementwise, x: Interval) -> Interval | None:
    """The values of a monotone function between those at the ends of an interval inside of its domain."""
    domain = op.domain_of(0)
    if not (domain.low < x.low and x.high < domain.high) or math.isinf(x.low) or math.isinf(x.high):
        return None
    ends = np.array([x.low, x.high])
    with np.errstate(all="ignore"):
        low, high = np.sort(op.scalar(NumpyScalars(), ends))
    if not np.isfinite([low, high]).all():
        return None
    slack = ERROR * max(abs(low), abs(high), 1e-30) + ERROR * (low < 0 < high)
    return Interval(float(low) - slack, float(high) + slack, x.may_be_nan)
