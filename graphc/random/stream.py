"""Random numbers that are others at each call, without keys in sight: a seed comes in, draws come out.

    stream = gc.random.Stream(0)
    f = gc.compile([x], x * stream.bernoulli(0.9, x.shape))

A stream's state is a parameter: its key, and how many calls there have been. Each draw has a key of its own, made of
the state and of the number of draws that the stream has defined before. Functions that use a draw advance the state
by themselves, so no update has to be passed on, or can be forgotten.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec

import numpy as np

import graphc as gc
from graphc.errors import DTypeError, GraphError
from graphc.ir.leaf import as_array, without_loss
from graphc.ir.node import Node, public
from graphc.ir.repetition import what_is_repeated
from graphc.random import continuous, counts, discrete, estimators, gamma_family, keys, matrices, order
from graphc.random.bits import bits

Arguments = ParamSpec("Arguments")


def _drawing(draw: Callable[Concatenate[Any, Arguments], Node]) -> Callable[Concatenate[Stream, Arguments], Node]:
    """A method that draws with a key of the stream's."""

    @functools.wraps(draw)
    def method(stream: Stream, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Node:
        return draw(stream.key(), *args, **kwargs)

    return method


class Stream:
    """A source of draws; the same seed and the same draws in the same order give the same numbers."""

    def __init__(self, seed: int, name: str = "stream") -> None:
        if not isinstance(seed, int | np.integer) or isinstance(seed, bool):
            raise DTypeError(f"a seed is an integer, not {seed!r:.80}")
        state = np.array([int(seed) & 0xFFFFFFFFFFFFFFFF, 0], np.uint64)
        self.parameter = gc.parameter(name, state, advance=_next)
        """The state, for whoever saves all parameters."""
        self._draws = itertools.count()

    @public
    def key(self) -> Node:
        """A new key: no draw of this stream has it, and it is another at each call of a compiled function.

        Raises GraphError in the body of a loop, and where a function is mapped: there one key would serve all steps.
        """
        if (where := what_is_repeated()) is not None:
            raise GraphError(
                f"{where} would draw the same numbers each time",
                help="draw before it, or give it keys: graphc.random.split(stream.key(), n) as one of the sequences",
            )
        call = keys.fold_in(keys.key(self.parameter[0]), self.parameter[1])
        return keys.fold_in(call, next(self._draws))

    def state(self) -> np.ndarray[Any, Any]:
        """The state as an array, to be saved."""
        return gc.value(self.parameter)

    def restore(self, state: Any) -> None:
        """Go on from a saved state. Raises ShapeError or DTypeError for what is none."""
        gc.set_value(self.parameter, without_loss(as_array(state), gc.uint64))

    bits = _drawing(bits)
    uniform = _drawing(continuous.uniform)
    normal = _drawing(continuous.normal)
    lognormal = _drawing(continuous.lognormal)
    exponential = _drawing(continuous.exponential)
    gumbel = _drawing(continuous.gumbel)
    weibull = _drawing(continuous.weibull)
    pareto = _drawing(continuous.pareto)
    rayleigh = _drawing(continuous.rayleigh)
    triangular = _drawing(continuous.triangular)
    wald = _drawing(continuous.wald)
    laplace = _drawing(continuous.laplace)
    logistic = _drawing(continuous.logistic)
    cauchy = _drawing(continuous.cauchy)
    truncated_normal = _drawing(continuous.truncated_normal)
    multivariate_normal = _drawing(continuous.multivariate_normal)
    gamma = _drawing(gamma_family.gamma)
    loggamma = _drawing(gamma_family.loggamma)
    chisquare = _drawing(gamma_family.chisquare)
    beta = _drawing(gamma_family.beta)
    dirichlet = _drawing(gamma_family.dirichlet)
    student_t = _drawing(gamma_family.student_t)
    f = _drawing(gamma_family.f)
    bernoulli = _drawing(discrete.bernoulli)
    rademacher = _drawing(discrete.rademacher)
    randint = _drawing(discrete.randint)
    categorical = _drawing(discrete.categorical)
    poisson = _drawing(counts.poisson)
    binomial = _drawing(counts.binomial)
    orthogonal = _drawing(matrices.orthogonal)
    geometric = _drawing(counts.geometric)
    negative_binomial = _drawing(counts.negative_binomial)
    multinomial = _drawing(counts.multinomial)
    permutation = _drawing(order.permutation)
    shuffle = _drawing(order.shuffle)
    choice = _drawing(order.choice)
    gumbel_softmax = _drawing(estimators.gumbel_softmax)


def _next(state: Node) -> Node:
    following: Node = state + np.array([0, 1], np.uint64)
    return following
