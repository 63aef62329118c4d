"""Roots, absolute values and squares."""

from __future__ import annotations

from graphc.ops.elementwise import abs, cbrt, rsqrt, sqrt
from graphc.ops.trigonometry import hypot, one_minus_square
from graphc.search.identities.table import Table, nonnegative

ROOTS = Table()


@ROOTS.identity
def product_of_roots(a, b):
    return sqrt(a) * sqrt(b), sqrt(a * b)


@ROOTS.identity
def quotient_of_roots(a, b):
    return sqrt(a) / sqrt(b), sqrt(a / b)


@ROOTS.identity(when=lambda a, b: nonnegative(a) and nonnegative(b))
def root_of_product(a, b):
    return sqrt(a * b), sqrt(a) * sqrt(b)


@ROOTS.identity(when=lambda a, b: nonnegative(a) and nonnegative(b))
def root_of_quotient(a, b):
    return sqrt(a / b), sqrt(a) / sqrt(b)


@ROOTS.identity
def root_of_square(a):
    return sqrt(a * a), abs(a)


@ROOTS.identity
def square_of_root(a):
    return sqrt(a) * sqrt(a), a


@ROOTS.both_ways
def reciprocal_root(a):
    return rsqrt(a), 1 / sqrt(a)


@ROOTS.identity
def root_of_squares(a, b):
    return sqrt(a * a + b * b), hypot(a, b)


@ROOTS.identity
def root_of_square_and_one(a):
    return sqrt(a * a + 1), hypot(a, 1)


@ROOTS.identity
def hypotenuse(a, b):
    return hypot(a, b), sqrt(a * a + b * b)


@ROOTS.identity(when=nonnegative)
def size_of_nonnegative(a):
    return abs(a), a


@ROOTS.identity(when=lambda a: a.high <= 0)
def size_of_nonpositive(a):
    return abs(a), -a


@ROOTS.identity
def square_of_size(a):
    return abs(a) * abs(a), a * a


# The conjugate: what cancels in a difference of roots does not cancel in their sum.


@ROOTS.identity
def conjugate_of_roots(a, b):
    return sqrt(a) - sqrt(b), (a - b) / (sqrt(a) + sqrt(b))


@ROOTS.identity
def conjugate_of_root_minus(a, b):
    return sqrt(a) - b, (a - b * b) / (sqrt(a) + b)


@ROOTS.identity
def conjugate_of_minus_root(a, b):
    return b - sqrt(a), (b * b - a) / (b + sqrt(a))


@ROOTS.identity
def conjugate_of_root_plus(a, b):
    return sqrt(a) + b, (a - b * b) / (sqrt(a) - b)


@ROOTS.identity
def conjugate_of_hypotenuse(a, b, c):
    return hypot(a, b) - c, (a * a + b * b - c * c) / (hypot(a, b) + c)


@ROOTS.identity
def conjugate_of_hypotenuse_plus(a, b, c):
    return hypot(a, b) + c, (a * a + b * b - c * c) / (hypot(a, b) - c)


@ROOTS.identity
def cube_of_root(a):
    return cbrt(a) * (cbrt(a) * cbrt(a)), a


@ROOTS.identity
def difference_of_cube_roots(a, b):
    return cbrt(a) - cbrt(b), (a - b) / (cbrt(a) * cbrt(a) + cbrt(a) * cbrt(b) + cbrt(b) * cbrt(b))


@ROOTS.both_ways
def difference_of_squares(a, b):
    return a * a - b * b, (a - b) * (a + b)


@ROOTS.identity
def square_minus_one(a):
    return a * a - 1, (a - 1) * (a + 1)


@ROOTS.identity
def square_of_sum(a, b):
    return a * a + 2 * (a * b) + b * b, (a + b) * (a + b)


@ROOTS.identity
def one_minus_a_square(a):
    return 1 - a * a, one_minus_square(a)


@ROOTS.identity
def spelled_one_minus_square(a):
    return one_minus_square(a), 1 - a * a


@ROOTS.identity
def common_factor(a, b, c):
    return (a * b) / (a * c), b / c


@ROOTS.identity
def cancelled_factor(a, b):
    return (a * b) / a, b


@ROOTS.identity
def quotient_turned(a, b):
    return (a / b), 1 / (b / a)
