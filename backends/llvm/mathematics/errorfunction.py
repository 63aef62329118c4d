"""erf and erfc.

erf(x) is x + x*p(x*x) near 0 and 1 - exp(-g(|x|)) beyond, g a minimax polynomial for -log(erfc).
erfc(x) = exp(-x*x) * w / (1 + 2*x), where w = (1 + 2*x) * erfcx(x) is a tame function of (x-4)/(x+4): one
polynomial serves down to the smallest subnormal. Errors stay below 1.6 units in the last place.
"""

from collections.abc import Callable
from dataclasses import dataclass

from graphc.backends.llvm.mathematics import exponential
from graphc.backends.llvm.mathematics.formats import fast_two_sum, polynomial, scale, two_product, two_sum
from graphc.backends.llvm.values import Arithmetic, Value
from graphc.types import float32, float64


@dataclass(frozen=True)
class _Constants:
    change: float  # from one formula to the other
    end: float  # where erf rounds to 1
    near: tuple[float, ...]
    far: tuple[float, ...]


_SINGLE = _Constants(
    change=0.93,
    end=4.0,
    near=(
        8.31677237717158e-05, -0.0008130011879141772, 0.0051999065843766476, -0.02685894146525427,
        0.1128368718756075, -0.3761263318829575, 0.128379166579765,
    ),
    far=(
        -0.00019535887441581606, 0.003037539434172931, -0.022204266007964994, 0.10388455248103408,
        0.6372359100407825, 1.1276437205628103, 0.00020340753377356909,
    ),
)  # fmt: skip
_DOUBLE = _Constants(
    change=0.93,
    end=6.0,
    near=(
        -8.272422169912883e-10, 1.3953500650388445e-08, -1.6257840360919813e-07, 1.6453317689219293e-06,
        -1.4925173353223688e-05, 0.00012055315641177899, -0.000854832660700534, 0.005223977619083761,
        -0.02686617064455693, 0.11283791670952438, -0.37612638903183704, 0.12837916709551256,
    ),
    far=(
        -1.2857070328602132e-12, 5.778060784604382e-11, -1.2158272847055935e-09, 1.5903028635057317e-08,
        -1.4459032296889656e-07, 9.658648059688956e-07, -4.863749050999783e-06, 1.8462039533524512e-05,
        -5.0626584855093635e-05, 8.313700196741501e-05, 2.1529524491455414e-05, -0.0006073337363134856,
        0.0017301327769345591, -0.0002456652229332093, -0.019101960447685255, 0.10275923449980554,
        0.6366243060923314, 1.1283782331080845, 8.86127587113014e-08,
    ),
)  # fmt: skip

_BRIEF_W = (  # digits enough for a float32 that is rounded once, for x <= 10.2
    -0.0006397043854073727, -0.0011288257636344885, 0.0050524711148911, -0.01602162823197802,
    0.03721962680021423, -0.06635619260825894, 0.09372136179005652, -0.10103762403795467, 0.06809784714580576,
    0.015379622527856723, -0.139621131160359, 1.2329951187797294,
)  # fmt: skip
_W = (
    -1.7762344355488686e-09, -1.3573036721612283e-08, -7.822022102963577e-09, 1.1498757354397635e-07,
    6.274068885081212e-08, -8.346172586803526e-07, 3.014726914077646e-07, 5.717443343735246e-06,
    -1.122495496598738e-05, -2.4402952243595968e-05, 0.0001506223421840994, -0.00019925557366791107,
    -0.0007577733737807269, 0.00503196976847221, -0.016197734052944376, 0.037167515561044126,
    -0.06633036581218585, 0.09373283499688781, -0.10103906603631732, 0.06809705425473445,
    0.015379652102620036, -0.13962111684056286, 1.2329951186255526,
)  # fmt: skip


def erf(s: Arithmetic, x: Value) -> Value:
    c = _SINGLE if x.dtype is float32 else _DOUBLE
    size = s.intrinsic("fabs", x)
    near = s.fma(x, polynomial(s, x * x, c.near), x)
    bounded = s.select(s.compare("ogt", size, c.end), c.end, size)
    far = 1.0 - exponential.normal_exp(s, -polynomial(s, bounded, c.far))
    return s.select(s.compare("ogt", size, c.change), s.intrinsic("copysign", far, x), near)


def erfc(s: Arithmetic, x: Value) -> Value:
    if x.dtype is float32:
        return s.convert("fptrunc", _mirrored(s, s.convert("fpext", x, float64), 10.2, _erfc_brief), float32)
    return _mirrored(s, x, 28.0, _erfc)


def _mirrored(s: Arithmetic, x: Value, end: float, positive: Callable[[Arithmetic, Value], Value]) -> Value:
    """A function of |x| <= end that gives 0 beyond; erfc(-x) = 2 - erfc(x)."""
    size = s.intrinsic("fabs", x)
    result = positive(s, s.select(s.compare("ogt", size, end), end, size))
    return s.select(s.compare("olt", x, 0.0), 2.0 - result, result)


def _erfc_brief(s: Arithmetic, x: Value) -> Value:
    """In float64 for float32: x*x is exact."""
    w = polynomial(s, (x - 4.0) / (x + 4.0), _BRIEF_W)
    return exponential.normal_exp(s, -(x * x), exponential.BRIEF_Q) * w / (1.0 + 2.0 * x)


def _erfc(s: Arithmetic, x: Value) -> Value:
    """1 - erf(x) below 1/2, and the product beyond, with the rounding error of every factor."""
    square, square_error = two_product(s, x, x)
    power = exponential.take_apart(s, -square, -square_error)
    e, e_error = fast_two_sum(1.0, power.high)
    e_error = e_error + power.low
    q = (x - 4.0) / (x + 4.0)
    w, w_error = fast_two_sum(_W[-1], q * polynomial(s, q, _W[:-1]))
    top, top_error = two_product(s, e, w)
    top_error = top_error + (e * w_error + e_error * w)
    bottom, bottom_error = two_sum(1.0, 2.0 * x)
    inverse = 1.0 / bottom
    quotient = top * inverse
    product, product_error = two_product(s, quotient, bottom)
    rest = ((top - product) - product_error) + (top_error - quotient * bottom_error)
    far = scale(s, quotient + rest * inverse, power.n, power.exponent)
    start, start_error = fast_two_sum(1.0, -x)
    near = start + s.fma(-x, polynomial(s, x * x, _DOUBLE.near), start_error)
    return s.select(s.compare("olt", x, 0.5), near, far)
