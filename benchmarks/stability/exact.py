"""Exact values and derivatives of a formula, by mpmath and by nothing else.

In: a formula over the words, and the arrays of a call. Out: mpmath numbers with more than 80 certain bits.

The formula is evaluated as it is written with more and more bits, until two evaluations agree; derivatives are
central differences, whose step shrinks as the bits grow. 0, an infinity and NaN are believed once 16384 bits say so.
"""

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import mpmath
import numpy as np

from benchmarks.stability.case import Array, Arrays, Case, Formula
from benchmarks.stability.words import Words, vocabulary

PRECISIONS = tuple(2**n for n in range(8, 17))
CERTAIN_BITS = 80
BITS_OF_SPECIAL = 16384
NOTHING = mpmath.ldexp(1, -1200)  # below half the least float64
KEPT_BITS = 160


class NotCertain(ArithmeticError):
    """More bits keep changing the result; the case has to say what is right."""


def exact_values(case: Case, arrays: Arrays, dtype: str) -> Array:
    """The value of the formula, of its shape."""
    return certain(lambda precision: evaluated(case.formula, exactly(arrays), precision, dtype), PRECISIONS)


def exact_slopes(case: Case, arrays: Arrays, dtype: str) -> list[Array]:
    """The derivative by each element of each input; of several values, of them once, 1.5 times, 2 times and so on."""
    inputs = exactly(arrays)

    def slopes(precision: int) -> Array:
        found: list[Any] = []
        for index, x in enumerate(inputs):
            steps = step_sizes(x, precision)
            if case.together:
                found += list(change(case.formula, inputs, index, steps, precision, dtype) / (2 * steps))
                continue
            for place in np.ndindex(x.shape):
                step = np.zeros(x.shape, dtype=object)
                step[place] = steps[place]
                difference = np.ravel(change(case.formula, inputs, index, step, precision, dtype))
                found.append(difference @ (1 + np.arange(difference.size) / 2) / (2 * steps[place]))
        return np.array(found, dtype=object)

    flat = certain(slopes, PRECISIONS[2:])
    ends = np.cumsum([x.size for x in arrays])
    return [flat[end - x.size : end].reshape(x.shape) for end, x in zip(ends, arrays, strict=True)]


def certain(compute: Callable[[int], Array], precisions: tuple[int, ...]) -> Array:
    """The result with so many bits that more of them change nothing."""
    previous = compute(precisions[0])
    for precision in precisions[1:]:
        current = compute(precision)
        if all(agree(a, b, precision) for a, b in zip(previous.ravel(), current.ravel(), strict=True)):
            with mpmath.workprec(KEPT_BITS):
                return np.asarray(np.frompyfunc(lambda x: +x, 1, 1)(current), object)
        previous = current
    raise NotCertain(f"{precisions[-1]} bits are not enough: {[mpmath.nstr(x, 8) for x in current.ravel()]}")


def agree(a: Any, b: Any, precision: int) -> bool:
    if not mpmath.isfinite(b):
        return precision >= BITS_OF_SPECIAL and str(a) == str(b)
    if abs(a) < NOTHING and abs(b) < NOTHING:
        return precision >= BITS_OF_SPECIAL
    return bool(abs(a - b) <= mpmath.ldexp(abs(b), -CERTAIN_BITS))


def change(formula: Formula, inputs: Arrays, index: int, step: Array, precision: int, dtype: str) -> Array:
    """How much larger the values are a step above than a step below, where one input moves."""
    moved = []
    for sign in (1, -1):
        with mpmath.workprec(2 * precision):  # so that the moved numbers are exact
            there = inputs[index] + sign * step
        moved.append(evaluated(formula, (*inputs[:index], there, *inputs[index + 1 :]), precision, dtype))
    return moved[0] - moved[1]


def step_sizes(x: Array, precision: int) -> Array:
    """Steps relative to the numbers, so that none of them changes its sign."""
    return np.frompyfunc(lambda v: mpmath.ldexp(abs(v) or 1, -(precision // 3)), 1, 1)(x)


def exactly(arrays: Arrays) -> Arrays:
    """Floats as mpmath numbers; every float is one."""
    return tuple(np.asarray(np.frompyfunc(lambda v: mpmath.mpf(float(v)), 1, 1)(x), object) for x in arrays)


def evaluated(formula: Formula, inputs: Arrays, precision: int, dtype: str) -> Array:
    context = context_of(precision)
    own = (np.asarray(np.frompyfunc(lambda v: context.make_mpf(v._mpf_), 1, 1)(x), object) for x in inputs)
    result = np.asarray(formula(mpmath_words(precision, dtype), *own), dtype=object)
    return np.asarray(np.frompyfunc(lambda v: mpmath.mp.make_mpf(context.convert(v)._mpf_), 1, 1)(result), object)


@cache
def context_of(precision: int) -> Any:
    """A context of its own, whose quotients by 0 are infinite."""
    context = mpmath.MPContext()
    context.prec = precision
    divide = context.mpf.__truediv__

    def quotient(x: Any, y: Any) -> Any:
        if y == 0:
            return context.nan if x == 0 or context.isnan(x) else context.inf * context.sign(x)
        return divide(x, y)

    context.mpf.__truediv__ = quotient
    context.mpf.__rtruediv__ = lambda y, x: quotient(context.mpf(x), y)
    return context


@cache
def mpmath_words(precision: int, dtype: str) -> Words:
    """The vocabulary over arrays of mpmath numbers; outside of its domain a function is NaN."""
    mp = context_of(precision)
    kind = np.dtype(dtype).type

    def elementwise(function: Callable[..., Any]) -> Callable[..., Any]:
        def one(*arguments: Any) -> Any:
            arguments = tuple(mp.convert(a) for a in arguments)
            if any(mp.isnan(a) for a in arguments):
                return mp.nan
            result = function(*arguments)
            return mp.nan if isinstance(result, mp.mpc) else result

        return lambda *xs: np.frompyfunc(one, len(xs), 1)(*xs)

    def constants(values: Any) -> Array:
        return np.frompyfunc(lambda v: mp.mpf(float(kind(v))), 1, 1)(np.array(values, dtype=object))

    def exp(x: Any) -> Any:
        return mp.exp(x) if mp.isfinite(x) else (mp.zero if x < 0 else mp.inf)

    def softmax(x: Array, axis: int) -> Array:
        e = np.frompyfunc(exp, 1, 1)(x)
        return e / np.sum(e, axis=axis, keepdims=True)

    functions: dict[str, Callable[..., Any]] = {
        "exp": exp, "log": mp.log, "log1p": lambda x: mp.log(mp.fadd(1, x, exact=True)), "expm1": lambda x: exp(x) - 1,
        "sqrt": mp.sqrt, "square": lambda x: x * x, "abs": abs, "sign": mp.sign, "floor": mp.floor,
        "sin": mp.sin, "cos": mp.cos, "tan": mp.tan, "sinh": mp.sinh, "cosh": mp.cosh, "tanh": mp.tanh,
        "asin": mp.asin, "acos": mp.acos, "atan": mp.atan, "atan2": mp.atan2,
        "asinh": mp.asinh, "acosh": mp.acosh, "atanh": mp.atanh,
        "sigmoid": lambda x: 1 / (1 + exp(-x)), "erf": mp.erf, "erfc": mp.erfc, "digamma": mp.digamma,
        "lgamma": lambda x: mp.loggamma(x) if x > 0 else mp.log(abs(mp.gamma(x))), "i0": lambda x: mp.besseli(0, x),
        "maximum": max, "minimum": min,
    }  # fmt: skip
    own = {name: elementwise(function) for name, function in functions.items()}
    own |= {name: getattr(np, name) for name in ("where", "sum", "prod", "mean", "max", "min", "stack", "reshape")}
    return vocabulary(own | {
        "softmax": softmax,
        "cumulative_sum": lambda x, axis: np.cumsum(x, axis),
        "concat": np.concatenate,
        "flip": np.flip,
        "transpose": lambda x: np.swapaxes(x, -1, -2),
        "take": lambda x, indices, axis: np.take(x, indices, axis=axis),
        "det": lambda x: mp.det(mp.matrix(x.tolist())),
        "inv": lambda x: np.array((mp.matrix(x.tolist()) ** -1).tolist(), dtype=object),
        "cholesky": lambda x: cholesky(x, mp),
        "array": constants,
        "number": lambda value: constants(value)[()] if np.ndim(value) else mp.mpf(float(kind(value))),
        "booleans": lambda values: np.array(values, bool),
    })  # fmt: skip


def cholesky(matrix: Array, mp: Any) -> Array:
    """That of mpmath takes small matrices for singular ones."""
    factor = np.zeros(matrix.shape, dtype=object)
    for i in range(len(matrix)):
        for j in range(i):
            factor[i, j] = (matrix[i, j] - factor[i, :j] @ factor[j, :j]) / factor[j, j]
        factor[i, i] = mp.sqrt(matrix[i, i] - np.sum(factor[i, :i] ** 2))
    return factor


def unit(truth: Any, dtype: str) -> Any:
    """The distance of floats near a number."""
    info = np.finfo(dtype)
    exponent = int(mpmath.frexp(truth)[1]) - 1 if truth and math.isfinite(truth) else info.minexp
    return mpmath.ldexp(1, max(exponent, info.minexp) - info.nmant)
