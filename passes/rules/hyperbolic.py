"""The hyperbolic tangent as spelled with exponentials. -1 and 1 at infinity, where these give NaN."""

from __future__ import annotations

from graphc.ir.rule import RuleSet
from graphc.ops.elementwise import exp, expm1, sigmoid, tanh

HYPERBOLIC = RuleSet("hyperbolic")


@HYPERBOLIC.rule("stabilizing", "S51")
def tanh_of_two_exponentials(x):
    """Overflows to NaN for large x and cancels near 0."""
    return (exp(x) - exp(-x)) / (exp(x) + exp(-x)), tanh(x)


@HYPERBOLIC.rule("stabilizing", "S51")
def tanh_of_expm1(x):
    """(exp(x) - 1) / (exp(x) + 1) overflows to NaN for large x."""
    return expm1(x) / (1 + exp(x)), tanh(x / 2)


@HYPERBOLIC.rule("stabilizing", "S51")
def tanh_of_sigmoid(x):
    """2 * sigmoid(x) - 1 cancels near 0."""
    return 2 * sigmoid(x) - 1, tanh(x / 2)
