"""atan: x > tan(3*pi/8) becomes -1/x, x > tan(pi/8) becomes (x-1)/(x+1), and what remains is t + t*z*p(z), z = t*t.

p is a minimax polynomial for |t| <= tan(pi/8). Errors stay below 1.9 units in the last place.
"""

from graphc.backends.llvm.mathematics.formats import polynomial
from graphc.backends.llvm.values import Arithmetic, Value
from graphc.types import float32

_SINGLE = (
    0.05047937432040091, -0.08624598215196126, 0.11071354571201351, -0.14284150629730288, 0.1999997724823353,
    -0.3333333327922454,
)  # fmt: skip
_DOUBLE = (
    0.016284375050043393, -0.03456931506332609, 0.045515447340221615, -0.05230443640686948, 0.05878927554473807,
    -0.0666642476020052, 0.07692296368042296, -0.09090908753259112, 0.11111111105150588, -0.14285714285659779,
    0.19999999999999804, -0.3333333333333333,
)  # fmt: skip
_HALF_PI = {True: (1.5707963705062866, -4.3711390001862426e-08), False: (1.5707963267948966, 6.123233995736766e-17)}


def atan(s: Arithmetic, x: Value) -> Value:
    single = x.dtype is float32
    high, low = _HALF_PI[single]
    size = s.intrinsic("fabs", x)
    far, middle = s.compare("ogt", size, 2.414213562373095), s.compare("ogt", size, 0.4142135623730951)
    top = s.select(far, -1.0, s.select(middle, size - 1.0, size))
    bottom = s.select(far, size, s.select(middle, size + 1.0, s.constant(1.0, x.dtype)))
    t = top / bottom
    z = t * t
    quarter, half, nothing = (s.constant(part, x.dtype) for part in (0.5, 1.0, 0.0))
    turns = s.select(far, half, s.select(middle, quarter, nothing))
    rest = s.fma(t * z, polynomial(s, z, _SINGLE if single else _DOUBLE), turns * low)
    return s.intrinsic("copysign", turns * high + (t + rest), x)
