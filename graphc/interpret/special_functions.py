"""Special functions over numbers of mpmath, by the names that ops call them in `exact`.

Each takes an mpmath context and real numbers, and gives a real number, or raises where it has none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def _log_gamma(c: Any, x: Any) -> Any:
    """log(abs(gamma(x)))."""
    if x > 0:
        return c.loggamma(x)
    return c.log(c.pi / abs(c.sinpi(x))) - c.loggamma(1 - x)


def _zeta(c: Any, s: Any, q: Any) -> Any:
    """By the Euler-Maclaurin formula: mpmath keeps as many digits after the point, whatever comes before them."""
    if not (1 < s < 1e6 and q > 0):
        return c.nan
    count = max(0, int(c.prec / 3 + s / 4 - q))
    end = q + count
    total = c.fsum((q + k) ** -s for k in range(count)) + end ** (1 - s) / (s - 1) + end**-s / 2
    term, k = s * end ** (-s - 1), 1
    while abs(term) > c.eps * total:
        total += c.bernoulli(2 * k) / c.factorial(2 * k) * term
        term *= (s + 2 * k - 1) * (s + 2 * k) / end**2
        k += 1
        if k > c.prec:
            break
    return total


def _gamma_p(c: Any, a: Any, x: Any) -> Any:
    """The lower incomplete gamma function over the whole one."""
    return c.gammainc(a, 0, x, regularized=True) if _has_gamma(a, x) else c.nan


def _gamma_q(c: Any, a: Any, x: Any) -> Any:
    return c.gammainc(a, x, regularized=True) if _has_gamma(a, x) else c.nan


def _gamma_p_slope(c: Any, a: Any, x: Any) -> Any:
    """The derivative of the lower function with respect to `a`, from the function that is not almost 1."""
    if not _has_gamma(a, x):
        return c.nan
    return c.diff(lambda v: _gamma_p(c, v, x), a) if x < a else -c.diff(lambda v: _gamma_q(c, v, x), a)


def _has_gamma(a: Any, x: Any) -> bool:
    """Whether there is a value, and within mpmath's reach: for extreme operands it never ends."""
    return bool(1e-10 < a < 1e5 and 1e-10 < x < 1e5 and x * a > 1e-10 and x < 100 * (a + 10))


def _beta_i(c: Any, a: Any, b: Any, x: Any) -> Any:
    """The incomplete beta function over the whole one."""
    return c.betainc(a, b, 0, x, regularized=True) if a > 0 and b > 0 and 0 <= x <= 1 else c.nan


def _erfcinv(c: Any, x: Any) -> Any:
    """By Newton's method for the logarithm: mpmath's own inverse knows numbers close to 1 only by their digits."""
    if not 0 < x < 2:
        return c.nan
    if x > 0.1:
        return -_erfcinv(c, 2 - x) if x > 1.9 else c.erfinv(1 - x)
    z, target = c.sqrt(-c.log(x)), c.log(x)
    for _ in range(c.prec):
        tail = c.erfc(z)
        step = (c.log(tail) - target) * tail * c.sqrt(c.pi) / 2 * c.exp(z * z)
        z += step
        if abs(step) < 8 * c.eps * z:
            break
    return z


def _log_ndtr(c: Any, x: Any) -> Any:
    tail = c.erfc(abs(x) / c.sqrt(2)) / 2
    return c.log(tail) if x < 0 else c.log1p(-tail)


def _erfcx(c: Any, order: Any, x: Any) -> Any:
    """The derivatives of exp(x**2) * erfc(x), each by the two before."""
    before, value = c.mpf(0), c.exp(x * x) * c.erfc(x)
    if order:
        before, value = value, 2 * x * value - 2 / c.sqrt(c.pi)
    for k in range(1, int(order)):
        before, value = value, 2 * x * value + 2 * k * before
    return value


def _sinc(c: Any, order: Any, x: Any) -> Any:
    """The derivatives of sin(pi*x) / (pi*x), each by the one before."""
    n = int(order)
    if x == 0:
        return c.mpf((-1) ** (n // 2)) * c.pi**n / (n + 1) if n % 2 == 0 else c.mpf(0)
    with c.workprec(c.prec + 2 * n * max(0, -c.mag(x)) + 20):
        waves = (c.sinpi(x), c.cospi(x), -c.sinpi(x), -c.cospi(x))
        value = c.sincpi(x)
        for k in range(1, n + 1):
            value = (c.pi ** (k - 1) * waves[k % 4] - k * value) / x
    return +value


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "besseli": lambda c, order, x: c.besseli(order, x),
    "beta_i": _beta_i,
    "digamma": lambda c, x: c.digamma(x),
    "erfcinv": _erfcinv,
    "erfcx": _erfcx,
    "erfinv": lambda c, x: c.erfinv(x),
    "gamma_p": _gamma_p,
    "gamma_p_slope": _gamma_p_slope,
    "gamma_q": _gamma_q,
    "log_gamma": _log_gamma,
    "log_ndtr": _log_ndtr,
    "ndtr": lambda c, x: c.erfc(-x / c.sqrt(2)) / 2,
    "polygamma": lambda c, order, x: c.psi(int(order), x) if x > 0 else c.nan,
    "sinc": _sinc,
    "zeta": _zeta,
}
