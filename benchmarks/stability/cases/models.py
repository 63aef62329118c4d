"""Formulas of models: mixtures, sequences, energies, attention."""

import functools
from typing import Any

from benchmarks.stability.case import Case, Family

inf = float("inf")
SCORES = [[[3, -2], [1, 4], [0.5, -1], [2, 2]], [[-400, -402], [-300, -301], [-500, -499], [-350, -350]]]
SCORES += [[[500, 490], [300, 301], [400, 380], [350, 350]]]
TRANSITIONS = [[-0.25, -1.5], [-0.75, -0.625]]
VISIBLE = [[300, -200, 1], [-800, -801, -799], [0.5, 0.25, -1]]


def density(xp: Any, x: Any, mean: Any, scale: Any) -> Any:
    return xp.exp(-(((x - mean) / scale) ** 2) / 2) / (scale * 2.5)


def forward(xp: Any, scores: Any) -> Any:
    """The likelihood of a hidden Markov model, by probabilities."""
    transitions = xp.exp(xp.array(TRANSITIONS))
    alpha = 0.5 * xp.exp(scores[0])
    for t in range(1, 4):
        alpha = (alpha @ transitions) * xp.exp(scores[t])
    return xp.log(xp.sum(alpha))


def chain(xp: Any, scores: Any) -> Any:
    """The log-partition of a conditional random field, by logarithms of matrix products of exponentials."""
    alpha = scores[0]
    for t in range(1, 4):
        alpha = xp.log(xp.sum(xp.exp(alpha[:, None] + xp.array(TRANSITIONS)), axis=0)) + scores[t]
    return xp.log(xp.sum(xp.exp(alpha)))


def scaled_forward(xp: Any, scores: Any) -> Any:
    """The forward recursion that normalises each step, and adds the logarithms of what it divides by."""
    alpha, total = 0.5 * xp.exp(scores[0]), 0
    for t in range(1, 4):
        total = total + xp.log(xp.sum(alpha))
        alpha = ((alpha / xp.sum(alpha)) @ xp.exp(xp.array(TRANSITIONS))) * xp.exp(scores[t])
    return total + xp.log(xp.sum(alpha))


def attention(xp: Any, q: Any, k: Any, v: Any) -> Any:
    weights = xp.exp(q @ xp.transpose(k))
    return (weights / xp.sum(weights, axis=1, keepdims=True)) @ v


def causal_attention(xp: Any, q: Any, k: Any, v: Any) -> Any:
    scores = xp.where(xp.booleans([[True, False], [True, True]]), q @ xp.transpose(k), -xp.number(inf))
    weights = xp.exp(scores)
    return (weights / xp.sum(weights, axis=1, keepdims=True)) @ v


def noisy_or(xp: Any, p: Any) -> Any:
    return xp.log(1 - xp.prod(1 - p))


def matrices(scale: float) -> Any:
    q = [[30 * scale, -20 * scale], [10 * scale, 5 * scale]]
    return q, [[1, 2], [3, -1]], [[1, 2], [3, 5]]


FAMILY = Family(
    "models",
    [
        Case(
            "mixture of normals",
            "S10",
            lambda xp, x: xp.log(0.25 * density(xp, x, 0, 1) + 0.75 * density(xp, x, 1, 2)),
            [100, -1000, 0.5, 30],
        ),
        Case(
            "mixture of normals with given means",
            "S9",
            lambda xp, x, m: xp.log(xp.sum(xp.array([0.5, 0.25, 0.25]) * density(xp, x, m, 1))),
            [([1000], [1, 2, 3]), ([-50], [1, 2, 3]), ([0.5], [1, 2, 3])],
        ),
        Case(
            "responsibilities",
            "S3",
            lambda xp, x, m: density(xp, x, m, 1) / xp.sum(density(xp, x, m, 1)),
            [
                ([60], [1, 2, 3]),
                ([-50], [1, 2, 3]),
                ([0.5], [1, 2, 3]),
            ],
        ),
        Case(
            "mixture of experts",
            "S9",
            lambda xp, x, y: xp.log(xp.sum(xp.softmax(x, axis=0) * xp.exp(y))),
            [
                ([10, -1000, 3], [-900, -901, -1000]),
                ([1000, 0, 3], [800, 900, 3]),
                ([1, 2, 3], [0.5, 0.25, 1]),
            ],
        ),
        Case("hidden Markov model, by probabilities", "S19", forward, SCORES),
        Case("hidden Markov model, normalised", "-", scaled_forward, SCORES),
        Case("conditional random field", "S1", chain, SCORES),
        Case(
            "restricted Boltzmann machine, log ∏(1 + e^x)", "S14", lambda xp, x: xp.log(xp.prod(1 + xp.exp(x))), VISIBLE
        ),
        Case("restricted Boltzmann machine, free energy", "S23", lambda xp, x: -xp.sum(xp.log(1 + xp.exp(x))), VISIBLE),
        Case(
            "product of experts",
            "S14",
            lambda xp, x: xp.log(xp.prod(1 + xp.exp(x)) + xp.prod(1 + xp.exp(x / 2))),
            VISIBLE,
        ),
        Case(
            "autoregressive Bernoullis (NADE)",
            "S14",
            lambda xp, x: xp.log(xp.prod(xp.where(xp.booleans([True, False, True]), xp.sigmoid(x), 1 - xp.sigmoid(x)))),
            VISIBLE,
        ),
        Case(
            "log-likelihood of independent Bernoullis",
            "S22",
            lambda xp, x: xp.sum(
                xp.array([1, 0, 1]) * xp.log(xp.sigmoid(x)) + xp.array([0, 1, 0]) * xp.log(1 - xp.sigmoid(x))
            ),
            VISIBLE,
        ),
        Case("attention", "S3", attention, [matrices(1), matrices(0.125), matrices(0.0078125)]),
        Case("causal attention", "S12", causal_attention, [matrices(1), matrices(0.125), matrices(0.0078125)]),
        Case(
            "attention on nothing",
            "S12",
            lambda xp, s, v: xp.softmax(xp.where(s > 0, s, -xp.number(inf)), axis=1) @ v,
            [([[-1, -2], [3, 4]], [[1, 2], [3, 5]])],
            values={0: [[0, 0], [2.4621171572600096, 4.193175735890015]]},
            slopes={0: None},
        ),
        Case(
            "contrastive loss",
            "S7",
            lambda xp, s: (
                -xp.mean(xp.log(xp.stack([xp.exp(s[i, i] / 0.0625) / xp.sum(xp.exp(s[i] / 0.0625)) for i in range(2)])))
            ),
            [[[10, 9], [-8, -7.5]], [[-40, -30], [1, 2]], [[0.5, 0.25], [0.125, 1]]],
        ),
        Case("noisy-or", "S31", noisy_or, [[1e-20, 1e-18, 1e-19], [1e-10, 1e-9, 2e-9], [0.5, 0.25, 0.125]]),
        Case(
            "negative binomial",
            "S41",
            lambda xp, x: 4 * xp.log(1 - xp.sigmoid(x)) + 7 * xp.log(xp.sigmoid(x)),
            [1000, -1000, 30, 0.5],
        ),
        Case(
            "negative log-likelihood of a hazard",
            "S33",
            lambda xp, x: -xp.log(1 - xp.exp(-xp.exp(x))),
            [-40, -5, 0.5, 3],
            [-40, -5, 0.5, 3],
        ),
        Case(
            "ordinal regression",
            "S34",
            lambda xp, a, b: xp.log(xp.sigmoid(a) - xp.sigmoid(b)),
            [(41, 40), (-40, -41), (800, 799), (1, 0.5)],
        ),
        Case(
            "Plackett-Luce ranking",
            "S7",
            lambda xp, x: xp.log(
                functools.reduce(
                    lambda p, i: p * xp.exp(x[i]) / xp.sum(xp.exp(x[i:])), (1, 2), xp.exp(x[0]) / xp.sum(xp.exp(x))
                )
            ),
            [[1000, 999, 1001], [-1000, 3, 500], [3, 1, 2]],
        ),
        Case(
            "policy gradient ratio",
            "S39",
            lambda xp, x, y: xp.exp(x[0]) / xp.sum(xp.exp(x)) / (xp.exp(y[0]) / xp.sum(xp.exp(y))),
            [
                ([1000, 1001], [1002, 1001]),
                ([-1000, -999], [-1000, -1002]),
                ([1, 2], [3, 1]),
            ],
        ),
        Case(
            "evidence lower bound of a normal",
            "S43",
            lambda xp, x, m: xp.log(density(xp, x, m, 1)) - xp.log(density(xp, x, 0, 2)),
            [
                (100, 1),
                (-60, 2),
                (0.5, 0.25),
            ],
        ),
        Case(
            "Boltzmann average",
            "S3",
            lambda xp, e: xp.sum(e * xp.exp(-e)) / xp.sum(xp.exp(-e)),
            [[1000, 1001, 999], [-900, -901, -902], [1, 2, 3]],
        ),
        Case(
            "free energy from the partition function",
            "S1",
            lambda xp, e: xp.log(xp.sum(xp.exp(-e * 4))) / 4,
            [[1000, 1001, 999], [-900, -901, -902], [1, 2, 3]],
        ),
        Case(
            "zero-inflated Poisson at 0",
            "S10",
            lambda xp, x, m: xp.log(xp.sigmoid(x) + (1 - xp.sigmoid(x)) * xp.exp(-m)),
            [
                (-900, 1000),
                (-30, 50),
                (0.5, 3),
                (40, 3),
            ],
        ),
    ],
)
